r"""Laws of f-divergences: f, its conjugate and its activation; bounds between divergences (SPEC 4, arXiv:1606.00709).

Distributions are in sixteenths, hence exact, and total variation ½Σ|p − q| is exact too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from detrace import Contract, judge, law, require
from detrace.laws import each
from detrace.strategies.logits import distribution_pairs, logits, positive_numbers
from detrace.strategies.scalars import integers
from verify.gan_losses import FAMILY

NOWOZIN = "arXiv:1606.00709"
ONE = arb(1)


class Row(NamedTuple):
    """f(u) for u > 0, its derivative, f*(t) inside its domain with its derivative, and the activation g(v), in balls."""

    f: Callable[[arb], arb]
    slope: Callable[[arb], arb]
    conjugate: Callable[[arb], arb]
    conjugate_slope: Callable[[arb], arb]
    activation: Callable[[arb], arb]


def _softplus(v: arb) -> arb:
    return (1 + v.exp()).log()


ROWS: dict[str, Row] = {
    "kl": Row(lambda u: u * u.log(), lambda u: 1 + u.log(), lambda t: (t - 1).exp(), lambda t: (t - 1).exp(), lambda v: v),
    "reverse_kl": Row(lambda u: -u.log(), lambda u: -1 / u, lambda t: -1 - (-t).log(), lambda t: -1 / t, lambda v: -(-v).exp()),
    "pearson": Row(
        lambda u: (u - 1) * (u - 1), lambda u: 2 * (u - 1), lambda t: t * t / 4 + t, lambda t: abs(t / 2 + 1), lambda v: v
    ),
    "neyman": Row(
        lambda u: (1 - u) * (1 - u) / u, lambda u: 1 - 1 / (u * u), lambda t: 2 - 2 * (1 - t).sqrt(),
        lambda t: 1 / (1 - t).sqrt(), lambda v: 1 - (-v).exp(),
    ),
    "squared_hellinger": Row(
        lambda u: 1 + u - 2 * u.sqrt(), lambda u: 1 - 1 / u.sqrt(), lambda t: t / (1 - t), lambda t: 1 / ((1 - t) * (1 - t)),
        lambda v: 1 - (-v).exp(),
    ),
    "jensen_shannon": Row(
        lambda u: u * u.log() - (u + 1) * ((u + 1) / 2).log(), lambda u: (2 * u / (u + 1)).log(),
        lambda t: -(2 - t.exp()).log(), lambda t: t.exp() / (2 - t.exp()), lambda v: arb(2).log() - _softplus(-v),
    ),
    "gan": Row(
        lambda u: u * u.log() - (u + 1) * (u + 1).log(), lambda u: (u / (u + 1)).log(), lambda t: -(1 - t.exp()).log(),
        lambda t: t.exp() / (1 - t.exp()), lambda v: -_softplus(-v),
    ),
    "total_variation": Row(
        lambda u: abs(u - 1) / 2, lambda u: (u - 1).sgn() / 2, lambda t: t if t > -0.5 else arb(-0.5), lambda t: ONE,
        lambda v: v.tanh() / 2,
    ),
}  # fmt: skip

GENERATORS = tuple(f"{name}_f" for name in ROWS)
CONJUGATES = tuple(f"{name}_conjugate" for name in ROWS)
ACTIVATIONS = tuple(f"{name}_activation" for name in ROWS)


def _domain_example(name: str) -> Callable[[], tuple[Any, ...]]:
    return lambda: (np.array([-1.0, -0.25] if name.endswith("conjugate") else [0.5, 1.0]),)


WORDS = {"f": "generator function f(u)", "conjugate": "convex conjugate f*(t)", "activation": "output activation g(v)"}
globals().update({
    name.upper(): Contract(name, "()->()", f"{WORDS[name.rpartition('_')[2]]} of {name.rpartition('_')[0]}, elementwise",
                           FAMILY.name, real=True, example=_domain_example(name))
    for name in (*GENERATORS, *CONJUGATES, *ACTIVATIONS)
})  # fmt: skip


def _xlog(p: arb, q: arb) -> arb:
    """p log(p/q), 0 where p = 0, +∞ where only q = 0."""
    return arb(0) if p == 0 else arb("inf") if q == 0 else p * (p / q).log()


def _chi_square(p: arb, q: arb) -> arb:
    return (p - q) * (p - q) / q if q != 0 else arb(0) if p == 0 else arb("inf")


DIVERGENCES: dict[str, Callable[[arb, arb], arb]] = {
    "kl_divergence": _xlog,
    "reverse_kl_divergence": lambda p, q: _xlog(q, p),
    "pearson_divergence": _chi_square,
    "neyman_divergence": lambda p, q: _chi_square(q, p),
    "squared_hellinger_divergence": lambda p, q: p + q - 2 * (p * q).sqrt(),
    "jensen_shannon_divergence": lambda p, q: (_xlog(p, (p + q) / 2) + _xlog(q, (p + q) / 2)) / 2,
}
"""What each state adds, in balls."""


def _two() -> tuple[np.ndarray, np.ndarray]:
    return np.array([0.5, 0.5]), np.array([0.25, 0.75])


_FORMULAS = {
    "kl_divergence": "Σ p log(p/q) in nats", "reverse_kl_divergence": "Σ q log(q/p) in nats",
    "pearson_divergence": "Σ (p − q)²/q", "neyman_divergence": "Σ (p − q)²/p",
    "squared_hellinger_divergence": "Σ (√p − √q)², without a factor ½",
    "jensen_shannon_divergence": "½KL(p‖m) + ½KL(q‖m) in nats, m = (p+q)/2",
}  # fmt: skip
_ALIASES = {
    "kl_divergence": ("kl", "kl_div", "kullback_leibler"), "jensen_shannon_divergence": ("js", "jsd", "js_divergence"),
    "squared_hellinger_divergence": ("hellinger",), "pearson_divergence": ("chi_square_divergence", "chi2"),
}  # fmt: skip
globals().update({
    name.upper(): Contract(name, "(n),(n)->()", f"{_FORMULAS[name]}: (p, q)", FAMILY.name, real=True, example=_two,
                           aliases=_ALIASES.get(name, ()))
    for name in DIVERGENCES
})  # fmt: skip


def size_of_f(u: arb) -> arb:
    """The natural size of f at u: (1 + u)(1 + |log u|), of which f is a sum of few terms; 1/u for those with a pole."""
    return (1 + u) * (1 + abs(u.log()))


def rounding(name: str, t: arb) -> arb:
    """|f*(t)| + (1 + |t|)·f*′(t): rounding of t, of eᵗ and of 1 − t before they cancel."""
    row = ROWS[name]
    return 1 + abs(row.conjugate(t)) + (1 + abs(t)) * row.conjugate_slope(t)


def inside(name: str, t: arb) -> bool:
    """Whether f*(t) is finite and far enough from the edge of its domain to be computed at all."""
    edge = {"reverse_kl": arb(0), "neyman": ONE, "squared_hellinger": ONE, "jensen_shannon": arb(2).log(), "gan": arb(0)}
    return bool(t <= 0.5) if name == "total_variation" else name not in edge or bool(edge[name] - t > 2.0**-6)


@law(r"f(u)", source=NOWOZIN, f=each(*GENERATORS), u=positive_numbers(), cost=2.0)
def generator_function_is_its_formula(f, u, space):
    """For u from 1/16 to 16. Bound: u·(|f(u)| + (1+u)(1 + |log u|))."""
    row = ROWS[f.contract.name.removesuffix("_f")]
    for x, got in zip(u, f(u), strict=True):
        truth = row.f(arb(x))
        judge(abs(arb(float(got)) - truth), space.u * (abs(truth) + size_of_f(arb(x))), scale=math.inf, got=got,
              truth=float(truth), why="|f| + (1+u)(1+|log u|)")  # fmt: skip


@law(r"f^*(t) = \sup_u\, ut - f(u)", source=NOWOZIN, conjugate=each(*CONJUGATES), v=logits(most=4.0), cost=2.0)
def conjugate_is_its_formula(conjugate, v, space):
    """For t = g(v), |v| ≤ 4, rounded: inside the domain of f*. Bound: u·(1 + |f*| + (1 + |t|)f*′(t))."""
    name = conjugate.contract.name.removesuffix("_conjugate")
    t = space.round(np.array([float(ROWS[name].activation(arb(x)).mid()) for x in v]))
    for x, got in zip(t, conjugate(t), strict=True):
        if inside(name, arb(x)):
            truth = ROWS[name].conjugate(arb(x))
            judge(abs(arb(float(got)) - truth), space.u * rounding(name, arb(x)), scale=math.inf, got=got, truth=float(truth),
                  why="|f*| + (1+|t|)f*′")  # fmt: skip


@law(r"g: \mathbb{R} \to \operatorname{dom} f^*", source=NOWOZIN, activation=each(*ACTIVATIONS), v=logits(most=64.0), cost=2.0)
def activation_is_its_formula(activation, v, space):
    """For |v| ≤ 64. Bound: u·(1 + |g(v)|)(1 + |v|), which covers eᵛ of a rounded v; infinite where g is not representable."""
    row = ROWS[activation.contract.name.removesuffix("_activation")]
    for x, got in zip(v, activation(v), strict=True):
        truth = row.activation(arb(x))
        if abs(truth) < space.max / 2 or np.isfinite(got):
            judge(abs(arb(float(got)) - truth), space.u * (1 + abs(truth)) * (1 + abs(x)), scale=math.inf, got=got,
                  truth=float(truth), why="(1 + |g|)(1 + |v|)")  # fmt: skip


@law(r"f(u) + f^*(t) \ge ut", source=NOWOZIN, f=each(*GENERATORS), conjugate=each(*CONJUGATES), u=positive_numbers(),
     v=logits(most=4.0), cost=1.5)  # fmt: skip
def fenchel_young_inequality(f, conjugate, u, v, space):
    """For u from 1/16 to 16 and every t = g(v). Bound: u·(sizes of f, f* and ut)."""
    name = f.contract.name.removesuffix("_f")
    t = space.round(np.array([float(ROWS[name].activation(arb(x)).mid()) for x in v]))
    for x, y, a, b in zip(u, t, f(u), conjugate(t), strict=True):
        if inside(name, arb(y)):
            missing = arb(x) * arb(y) - arb(float(a)) - arb(float(b))
            size = size_of_f(arb(x)) + abs(arb(float(a))) + rounding(name, arb(y)) + abs(x * y)
            judge(missing if missing > 0 else arb(0), space.u * size, scale=math.inf, why="sizes of f, f* and ut", got=b)


@law(r"f(u) + f^*(f'(u)) = u f'(u)", source=NOWOZIN, f=each(*GENERATORS), conjugate=each(*CONJUGATES),
     u=positive_numbers(), cost=2.0)  # fmt: skip
def fenchel_young_is_equality_at_the_slope(f, conjugate, u, space):
    """For u from 1/16 to 16 and t = f′(u), rounded; hence f** = f. Bound: sizes of f, f* and ut, and what rounding t costs:
    (u|t|)·u, and f*′(t)·u|t|."""
    name = f.contract.name.removesuffix("_f")
    row = ROWS[name]
    t = space.round(np.array([float(row.slope(arb(x)).mid()) for x in u]))
    for x, y, a, b in zip(u, t, f(u), conjugate(t), strict=True):
        if inside(name, arb(y)):
            gap = arb(float(a)) + arb(float(b)) - arb(x) * arb(y)
            size = size_of_f(arb(x)) + abs(arb(float(a))) + rounding(name, arb(y)) + 2 * abs(x * y)
            judge(abs(gap), space.u * size, scale=math.inf, why="sizes of f, f* and ut", got=b)


def total(name: str, p: np.ndarray, q: np.ndarray) -> arb:
    """The certified divergence; +∞ as a ball that is not finite."""
    return sum((DIVERGENCES[name](arb(a), arb(b)) for a, b in zip(p.tolist(), q.tolist(), strict=True)), arb(0))


def slack(name: str, pair: Any, space: Any) -> float:
    """u·Σ(p + q)(1 + |log p/q|), for chi-squares u·Σ of their terms: the size of what is summed."""
    p, q = pair
    both, value = (p > 0) & (q > 0), total(name, p, q)
    logs = float(((p + q)[both] * (1 + abs(np.log(p[both] / q[both])))).sum() + (p + q)[~both].sum())
    return float(space.u * (logs + (float(abs(value).abs_upper()) if value.is_finite() else 0.0)))


@law(r"D(p\|q)", source=NOWOZIN, divergence=each(*DIVERGENCES), pair=distribution_pairs(), cost=2.0)
def divergence_is_its_sum(divergence, pair, space):
    """For every pair of distributions, zeros included: +∞ exactly where it is due, never NaN. Bound: u·Σ(p+q)(1 + |log p/q|)
    and u·D."""
    name = divergence.contract.name
    truth, got = total(name, *pair), float(divergence(*pair))
    if not truth.is_finite():
        require(got == math.inf, "the divergence is not infinite", got=got, truth=math.inf)
        return
    judge(abs(arb(got) - truth), slack(name, pair, space), scale=math.inf, why="u·Σ(p+q)(1+|log p/q|)", got=got,
          truth=float(truth.mid()))  # fmt: skip


@law(r"D(p\|q) \ge D(Kp\|Kq)", source="Csiszár 1967: data processing", divergence=each(*DIVERGENCES),
     pair=distribution_pairs(), cost=2.0)  # fmt: skip
def merging_states_never_raises_a_divergence(divergence, pair, space):
    """Two neighbouring states become one, each two in turn. Bound: that of both divergences."""
    name = divergence.contract.name
    before = float(divergence(*pair))
    for i in range(len(pair[0]) - 1):
        merged = tuple(np.concatenate([x[:i], [x[i] + x[i + 1]], x[i + 2 :]]) for x in pair)
        after = float(divergence(*merged))
        if math.isinf(before):
            require(not math.isnan(after), "the divergence is NaN", got=after)
            continue
        judge(max(after - before, 0.0), slack(name, pair, space) + slack(name, merged, space), scale=math.inf,
              why="both divergences", got=after)  # fmt: skip


def variation(p: np.ndarray, q: np.ndarray) -> arb:
    """½Σ|p − q|, exact in sixteenths."""
    return arb(float(np.abs(p - q).sum()) / 2)


def _at_least(value: arb, lower: arb, bound: float, got: Any) -> None:
    missing = lower - value if lower > value else arb(0)
    judge(missing, bound, scale=math.inf, why="of the divergence", got=got, truth=float(lower))


@law(r"2\,TV^2 \le KL", source="Pinsker's inequality", pair=distribution_pairs(positive_q=True))
def pinsker_inequality(kl_divergence, pair, space):
    """For every pair with q > 0. Bound: of KL."""
    got = kl_divergence(*pair)
    _at_least(arb(float(got)), 2 * variation(*pair) * variation(*pair), slack("kl_divergence", pair, space), got)


@law(r"KL \le \log(1 + \chi^2)", source="Jensen's inequality", pair=distribution_pairs(positive_q=True))
def chi_square_bounds_kl(kl_divergence, pearson_divergence, pair, space):
    """For every pair with q > 0. Bound: of KL, and of χ²/(1+χ²)."""
    kl, chi = kl_divergence(*pair), pearson_divergence(*pair)
    bound = slack("kl_divergence", pair, space) + slack("pearson_divergence", pair, space)
    _at_least((1 + arb(float(chi))).log(), arb(float(kl)), bound, kl)


@law(r"\tfrac12 H^2 \le TV \le H\sqrt{1 - H^2/4}", source="Le Cam's inequality", pair=distribution_pairs())
def hellinger_brackets_total_variation(squared_hellinger_divergence, pair, space):
    """For every pair, H² = Σ(√p − √q)². Squared on the right: TV² ≤ H²(1 − H²/4). Bound: of H², twice on the right."""
    got, bound = squared_hellinger_divergence(*pair), slack("squared_hellinger_divergence", pair, space)
    h, tv = arb(float(got)), variation(*pair)
    _at_least(tv, h / 2, bound, got)
    _at_least(h * (1 - h / 4), tv * tv, 2 * bound, got)


@law(r"\tfrac12 TV^2 \le JS \le TV \log 2 \le \log 2", source="Lin 1991", pair=distribution_pairs())
def jensen_shannon_is_bounded(jensen_shannon_divergence, pair, space):
    """For every pair: log 2 exactly for disjoint ones, below by Pinsker's inequality against the mixture. Bound: of JS."""
    got, bound = jensen_shannon_divergence(*pair), slack("jensen_shannon_divergence", pair, space)
    js, tv = arb(float(got)), variation(*pair)
    _at_least(js, tv * tv / 2, bound, got)
    _at_least(tv * arb(2).log(), js, bound, got)


@law(r"D(p\|q) = D(q\|p) \text{ for } JS, H^2;\quad D(p\|p) = 0", source="definition", pair=distribution_pairs(),
     divergence=each("jensen_shannon_divergence", "squared_hellinger_divergence"), roll=integers(0, 4))  # fmt: skip
def symmetric_divergences_do_not_know_their_order(divergence, pair, roll, space):
    """For every pair, states in any order; 0 for equal distributions. Bound: of both values."""
    p, q = pair
    name = divergence.contract.name
    bound = slack(name, pair, space)
    judge(abs(float(divergence(p, q)) - float(divergence(np.roll(q, roll), np.roll(p, roll)))), 2 * bound, scale=math.inf,
          why="both values")  # fmt: skip
    judge(abs(float(divergence(p, p))), slack(name, (p, p), space), scale=math.inf, why="of the value")
