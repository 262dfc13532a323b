r"""Laws of Sinkhorn's iteration itself: v = b/(Kᵀu), u = a/(Kv), K = exp(−C/reg), a given number of times from u = 1 (SPEC 3).

An iteration has one right answer, so no tolerance comes in, and every form of it (kernel, logarithms, stabilised) is judged
alike. Its map of log v is monotone and commutes with constants, hence takes no two vectors further apart in the largest
difference: roundings of half steps add up, they do not grow.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from detrace import Contract, branch, judge, law, require
from detrace.oracles.rationals import rational
from detrace.strategies.samples import entropic_problems
from detrace.strategies.scalars import choices
from verify.optimal_transport import SINKHORN
from verify.wasserstein_bounds import lost, positive

SINKHORN_ITERATIONS = Contract(
    "sinkhorn_iterations", "(n),(m),(n,m),*,*->(n,m),(n),(m)",
    "(a, b, C, reg, t) → Γ, reg·log u, reg·log v after t times v = b/(Kᵀu), u = a/(Kv), K = e^(−C/reg), from u = 1",
    SINKHORN.family, real=True, example=lambda: (*SINKHORN.harmless()[:4], 2), aliases=("sinkhorn_steps", "sinkhorn_loop"),
)  # fmt: skip

COUNTS = choices(1, 2, 3, 8, 20)
CUTURI = ("Sinkhorn 1967", "Cuturi 2013", "SPEC 3")


def balls(values: Any) -> np.ndarray:
    """Host floats or rationals as an array of balls."""
    return np.array([arb(v) for v in rational(values).ravel()], dtype=object).reshape(np.shape(values))


class Textbook:
    """Scalings u, v after so many iterations, as balls, and `height`: the largest |log u|, |log v|, |C|/reg on the way."""

    def __init__(self, a: np.ndarray, b: np.ndarray, C: np.ndarray, reg: float, times: int) -> None:
        exponents = balls(-rational(C) / rational(reg))
        self.K = np.array([z.exp() for z in exponents.ravel()], dtype=object).reshape(C.shape)
        self.height = float(np.abs(C).max()) / reg
        self.u, a, b = balls(np.ones(len(a))), balls(a), balls(b)
        for _ in range(times):
            self.v = b / (self.K.T @ self.u)
            self.u = a / (self.K @ self.v)
            self.height = max(self.height, *(abs(float(z.log())) for z in (*self.u, *self.v)))

    @property
    def plan(self) -> np.ndarray:
        """diag(u) K diag(v)."""
        return self.u[:, None] * self.K * self.v


def judge_iterations(got: Any, problem: Any, times: int, space: Any) -> None:
    """Γ entry by entry, and f ⊕ g, against the certified map; f alone is known up to a constant."""
    a, b, C, reg = problem
    plan, f, g = got
    require(bool(np.isfinite(f).all() and np.isfinite(g).all()), "a potential is not finite", got=(f, g))
    truth = Textbook(a, b, C, reg, times)
    error, mass = 4 * times * (3 * truth.height + sum(C.shape) + 4) * space.u, float(a.sum())
    for (i, j), T in np.ndenumerate(truth.plan):
        judge(abs(arb(float(plan[i, j])) - T), error * T + lost(space, 1, mass), scale=T,
              why="4t(3h + n + m + 4) u, relative", got=plan[i, j], truth=float(T))  # fmt: skip
        total = reg * (truth.u[i] * truth.v[j]).log()
        judge(abs(arb(rational(f[i]) + rational(g[j])) - total), error * reg + lost(space, 1), scale=reg * (1 + truth.height),
              why="4t(3h + n + m + 4) u reg", got=f[i] + g[j], truth=float(total))  # fmt: skip


@law(r"v \leftarrow b/(K^\top u),\ u \leftarrow a/(Kv),\ K = e^{-C/\mathrm{reg}}:\ "
     r"\Gamma = \mathrm{diag}(u)\,K\,\mathrm{diag}(v) = e^{(f\oplus g - C)/\mathrm{reg}}",
     source=CUTURI, E=entropic_problems(least=1), times=COUNTS)  # fmt: skip
def iterations_are_the_textbook_map(sinkhorn_iterations, E, times, space):
    """t = 1 to 20 iterations on costs of either sign and masses with dust, all scaled by 10^±20. Bound: a half step is off by
    (3h + n + m + 4)u in logarithms, h the largest |f|, |g|, |C| over reg; 2t of them, twice for a sum of potentials."""
    a, b, C, reg, _ = E
    branch(f"{times} iterations")
    judge_iterations(sinkhorn_iterations(a, b, C, reg, times), (a, b, C, reg), times, space)


@law(r"\mathrm{reg} \ll \max C:\ e^{-C/\mathrm{reg}} \text{ is not representable}", source="SPEC 3", dtypes="wide",
     E=entropic_problems(max_n=3, weights=("dyadic",), least=1, scaled=False), k=choices(5, 7, 9), times=COUNTS)  # fmt: skip
def iterations_survive_small_regularisation(sinkhorn_iterations, E, k, times, space):
    """As `sinkhorn_survives_small_regularisation`: 2ᵏ·reg and more added to rows and columns of the costs moves the potentials
    only, but exp(−C/reg) underflows. Bound: that of `iterations_are_the_textbook_map`."""
    a, b, C, reg, _ = E
    rows, columns = C.shape
    lifted = space.round(C + 2.0**k * reg * (np.arange(1, rows + 1)[:, None] + np.arange(columns)[None, :]))
    branch("underflows" if float(lifted.min()) / reg > -math.log(space.smallest) else "representable")
    judge_iterations(sinkhorn_iterations(a, b, lifted, reg, times), (a, b, lifted, reg), times, space)


@law(r"d_H(\Gamma_t^\top 1, b) \le \tanh^{2(t-1)}(\Delta/4)\; d_H(\Gamma_1^\top 1, b),\quad \Delta = \max_{ijkl}"
     r" (C_{ij} + C_{kl} - C_{il} - C_{kj})/\mathrm{reg}", source=("Birkhoff 1957", "Franklin & Lorenz 1989"), dtypes="wide",
     E=entropic_problems(weights=("dyadic", "counts", "rounded"), least=1), times=choices(2, 3, 8, 20))  # fmt: skip
def iterations_contract_in_hilberts_metric(sinkhorn_iterations, E, times, space):
    """d_H(x, y) = max log(x/y) − min log(x/y), for the columns' sums after 1 and after t iterations; the sums are exact.
    Bound: twice the rounding of t iterations, and of one."""
    a, b, C, reg, _ = E
    first, last = (sinkhorn_iterations(a, b, C, reg, k) for k in (1, times))
    start, end = (distance(balls(rational(plan).sum(axis=0)), balls(b)) for plan, _, _ in (first, last))
    R = rational(C)
    cross = max(max(p - q) - min(p - q) for p in R for q in R)
    rate = (arb(cross / rational(reg)) / 4).tanh() ** (2 * (times - 1))
    heights = [(np.abs(f).max() + np.abs(g).max() + np.abs(C).max()) / reg for _, f, g in (first, last)]
    error = 8 * (times + 1) * (3 * max(heights) + sum(C.shape) + 4) * space.u
    judge(positive(end - rate * start), arb(error), scale=1 + start, why="8(t + 1)(3h + n + m + 4) u", got=float(end),
          truth=float(rate * start))  # fmt: skip


def distance(x: np.ndarray, y: np.ndarray) -> arb:
    """Hilbert's metric of two positive vectors."""
    logs = [(p / q).log() for p, q in zip(x, y, strict=True)]
    return max(logs, key=float) - min(logs, key=float)
