r"""Laws of f-divergences at the edges: f at 0, f* outside its domain, batches of distributions, NaN (SPEC 4)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from detrace import judge, law, require
from detrace.laws import each
from detrace.strategies.logits import distribution_pairs, logit_batches, logits, positive_numbers
from detrace.strategies.scalars import choices, integers
from verify.divergences import DIVERGENCES, GENERATORS, NOWOZIN, slack, total

AT_ZERO: dict[str, arb] = {
    "kl": arb(0), "reverse_kl": arb("inf"), "pearson": arb(1), "neyman": arb("inf"), "squared_hellinger": arb(1),
    "jensen_shannon": arb(2).log(), "gan": arb(0), "total_variation": arb(1) / 2,
}  # fmt: skip
"""lim f(u) for u → 0, by row."""
EDGES = {"reverse_kl": 0.0, "neyman": 1.0, "squared_hellinger": 1.0, "jensen_shannon": 0.6953125, "gan": 0.0,
         "total_variation": 0.5}  # fmt: skip
"""Where the domain of f* ends, by row; 89/128 is a little more than log 2."""


@law(r"f(0) = \lim_{u \to 0} f(u)", source=NOWOZIN, f=each(*GENERATORS), u=positive_numbers(), i=integers(0, 3), cost=4.0)
def generator_function_at_zero_is_its_limit(f, u, i, space):
    """A zero among other arguments, as a state that p lacks has: 0·log 0 is 0, and a pole is +∞; NaN is neither. Bound: u for
    log 2 and ½, 0 for whole numbers."""
    row = f.contract.name.removesuffix("_f")
    u = u.copy()
    u[i] = 0.0
    got, truth = f(u)[i], AT_ZERO[row]
    if not truth.is_finite():
        require(got == math.inf, "f(0) is not infinite", got=got, truth=math.inf)
        return
    judge(abs(arb(float(got)) - truth), space.u if row in ("jensen_shannon", "total_variation") else 0.0, got=got,
          truth=float(truth), why="u")  # fmt: skip


@law(r"t \notin \operatorname{dom} f^* \Rightarrow \sup_u\, ut - f(u) = \infty", source=NOWOZIN,
     conjugate=each(*(f"{row}_conjugate" for row in EDGES)), t=positive_numbers(), cost=4.0)  # fmt: skip
def conjugate_is_not_finite_outside_its_domain(conjugate, t, space):
    """From 1/16 to 16 beyond its end: infinite, NaN or an error, never a finite number, by which a critic that leaves the
    domain would gain. No tolerance."""
    outside = space.round(t + EDGES[conjugate.contract.name.removesuffix("_conjugate")])
    if conjugate.raises(outside) is not None:
        require(True, "an error")
        return
    got = conjugate(outside)
    require(not np.isfinite(got).any(), "a finite value outside the domain of f*", got=got, truth=np.full(len(t), np.inf))


@law(r"D([p_1, p_2, p_3] \| [q_1, q_2, q_3]) = [D(p_1\|q_1), \dots]", source=NOWOZIN, divergence=each(*DIVERGENCES),
     pair=distribution_pairs(), roll=integers(1, 4), cost=3.0)  # fmt: skip
def divergences_of_a_batch(divergence, pair, roll, space):
    """Three pairs at once: one, the same exchanged, p against q in another order of states; each is judged alone. Bound: of
    each, u·Σ(p+q)(1 + |log p/q|) and u·D."""
    p, q = pair
    pairs = [(p, q), (q, p), (p, np.roll(q, roll))]
    got = divergence(np.stack([a for a, _ in pairs]), np.stack([b for _, b in pairs]))
    for each_pair, value in zip(pairs, got, strict=True):
        truth = total(divergence.contract.name, *each_pair)
        if not truth.is_finite():
            require(value == math.inf, "the divergence is not infinite", got=got, truth=math.inf)
            continue
        judge(abs(arb(float(value)) - truth), slack(divergence.contract.name, each_pair, space), scale=math.inf,
              why="u·Σ(p+q)(1+|log p/q|)", got=value, truth=float(truth.mid()))  # fmt: skip


Arguments = tuple[np.ndarray | float, ...]


def _rows(x: np.ndarray) -> Arguments:
    return (np.resize(x, (2, 2)),)


READERS = {
    "pulling_away_term": lambda x, y: _rows(x), "boundary_equilibrium_weight": lambda x, y: (abs(x), abs(y), 0.5, 0.5, 0.25),
    "boundary_equilibrium_convergence": lambda x, y: (abs(x), abs(y), 0.5),
    "gan_qp_discriminator": lambda x, y: (x, x[::-1].copy(), np.full_like(x, 2.0)),
}  # fmt: skip
"""Arguments of functions that read samples, features or energies."""


def shows(call: Any, given: Arguments, what: str) -> None:
    """An exception, or a result that is not finite."""
    if call.raises(*given) is not None:
        require(True, "an error")
        return
    got = call(*given)
    require(not np.isfinite(got).all(), f"a finite result although {what} is NaN", got=got, truth=np.nan)


@law(r"s_i = \mathrm{NaN} \Rightarrow \text{no finite result}", source="SPEC 4: non-finite input", function=each(*READERS),
     x=logits(most=4.0), batches=logit_batches(most=4.0), k=choices(0, 1), i=integers(0, 3), cost=2.0)  # fmt: skip
def features_and_energies_that_are_nan_show(function, x, batches, k, i):
    """NaN in one of the arrays: an exception, or a result that is not finite; max(0, min(1, NaN)) is 1 and a weight k. No
    tolerance."""
    given = [v.copy() if isinstance(v, np.ndarray) else v for v in READERS[function.contract.name](x, batches[0])]
    arrays = [v for v in given if isinstance(v, np.ndarray)]
    chosen = arrays[k % len(arrays)]
    chosen.ravel()[i % chosen.size] = np.nan
    shows(function, tuple(given), "an entry")


@law(r"p_i = \mathrm{NaN} \text{ or } q_i = \mathrm{NaN} \Rightarrow D(p\|q) \text{ is not finite}",
     source="SPEC 4: non-finite input", divergence=each(*DIVERGENCES), pair=distribution_pairs(), k=choices(0, 1),
     i=integers(0, 4))  # fmt: skip
def probabilities_that_are_nan_show(divergence, pair, k, i):
    """One probability: an exception, or a divergence that is not finite; NaN is not above 0, so a mask p > 0 hides it. Where
    the other distribution has no mass nothing is asked, for 0·log NaN may count as 0. No tolerance."""
    given = [x.copy() for x in pair]
    i = int(np.argmax(given[1 - k] > 0)) if given[1 - k][i % len(given[0])] == 0 else i % len(given[0])
    given[k][i] = np.nan
    shows(divergence, tuple(given), f"a probability of {'pq'[k]}")
