"""The GAN losses as formulas in ball arithmetic: one table, from which contracts and laws are made.

A formula is a list of summands, each a function of one logit, evaluated on power series d + ε: flint's series arithmetic gives
certified values and slopes without anybody differentiating by hand. d is a ball as wide as a careful implementation may round
the argument of a term: 2u|d|, or (n+2)u(|d| + mean|d′|) where a mean or a partner is subtracted first. So truth is an
enclosure, at a kink the whole set of subgradients, and the error of a result is its distance from it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from flint import arb, arb_series

from detrace.oracles.balls import precision
from detrace.spaces import FORMATS, Space

Series = Any
Summands = list[Series]
Side = Callable[..., Summands]


WIDE = 0.125
"""Radius from which on a ball is too wide for exponentials of it to stay tight."""


class Formula(NamedTuple):
    """A loss: text, what is averaged over the real and over the fake batch, how logits meet, and further arguments."""

    text: str
    real: Side | None
    fake: Side | None
    meets: str = "separate"
    parameters: tuple[str, ...] = ()


def softplus(d: Series) -> Series:
    """log(1 + eᵈ); of a wide ball the hull of its ends, since value and slope increase with d."""
    if d[0].rad() > WIDE:
        low, high = (softplus(arb_series([end, 1])) for end in (d[0].lower(), d[0].upper()))
        return arb_series([low[0].union(high[0]), d[1] * low[1].union(high[1])])
    return (1 + d.exp()).log() if d[0].mid() < 0 else d + (1 + (-d).exp()).log()


def relu(d: Series) -> Series:
    """max(0, d), with the slopes of both sides where d may be 0."""
    at = d[0]
    if at > 0:
        return d
    if at < 0:
        return 0 * d
    return arb_series([arb(0).union(at.abs_upper()), arb(0).union(d[1])])


def tanh(d: Series) -> Series:
    """sinh/cosh."""
    e = (2 * d).exp() if d[0].mid() < 0 else (-2 * d).exp()
    return (e - 1) / (e + 1) if d[0].mid() < 0 else (1 - e) / (1 + e)


def one(d: Series) -> Series:
    return 0 * d + 1


def log2() -> arb:
    return arb(2).log()


def bce(d: Series, y: float) -> Summands:
    """−y log σ(d), −(1−y) log(1 − σ(d))."""
    return [y * softplus(-d), (1 - y) * softplus(d)]


def squared(d: Series, label: float) -> Series:
    return (d - label) * (d - label)


def _one_minus_exp(v: Series) -> Summands:
    return [one(v), -(-v).exp()]


def _negative(side: Side) -> Side:
    return lambda d: [-s for s in side(d)]


F_GAN: dict[str, tuple[str, Side, Side]] = {
    "kl": ("g = v, f* = e^{t−1}", lambda v: [v], lambda v: [(v - 1).exp()]),
    "reverse_kl": ("g = −e^{−v}, f* = −1 − log(−t)", lambda v: [-(-v).exp()], lambda v: [v, -one(v)]),
    "pearson": ("g = v, f* = t²/4 + t", lambda v: [v], lambda v: [v * v / 4, v]),
    "neyman": ("g = 1 − e^{−v}, f* = 2 − 2√(1−t)", _one_minus_exp, lambda v: [2 * one(v), -2 * (-v / 2).exp()]),
    "squared_hellinger": ("g = 1 − e^{−v}, f* = t/(1−t)", _one_minus_exp, lambda v: [v.exp(), -one(v)]),
    "jensen_shannon": (
        "g = log 2 − log(1 + e^{−v}), f* = −log(2 − eᵗ)",
        lambda v: [log2() * one(v), -softplus(-v)],
        lambda v: [softplus(v), -log2() * one(v)],
    ),
    "gan": ("g = −log(1 + e^{−v}), f* = −log(1 − eᵗ)", lambda v: [-softplus(-v)], lambda v: [softplus(v)]),
    "total_variation": ("g = ½ tanh v, f* = t", lambda v: [tanh(v) / 2], lambda v: [tanh(v) / 2]),
}
"""By name: the text, the activation g(v), and f*(g(v)) simplified (tests derive it from f* and g)."""

FORMULAS: dict[str, Formula] = {
    "minimax_discriminator": Formula(
        "−E log σ(D(r)) − E log(1 − σ(D(f)))", lambda d: [softplus(-d)], lambda d: [softplus(d)]
    ),
    "minimax_generator": Formula("E log(1 − σ(D(f)))", None, lambda d: [-softplus(d)]),
    "non_saturating_discriminator": Formula(
        "−E log σ(D(r)) − E log(1 − σ(D(f)))", lambda d: [softplus(-d)], lambda d: [softplus(d)]
    ),
    "non_saturating_generator": Formula("−E log σ(D(f))", None, lambda d: [softplus(-d)]),
    "label_smoothing_discriminator": Formula(
        "E BCE(D(r), y) + E BCE(D(f), z)", lambda d, y, z: bce(d, y), lambda d, y, z: bce(d, z), parameters=("y", "z")
    ),
    "least_squares_discriminator": Formula(
        "½E(D(r) − 1)² + ½E D(f)²", lambda d: [squared(d, 1) / 2], lambda d: [squared(d, 0) / 2]
    ),
    "least_squares_generator": Formula("½E(D(f) − 1)²", None, lambda d: [squared(d, 1) / 2]),
    "labelled_least_squares_discriminator": Formula(
        "½E(D(r) − b)² + ½E(D(f) − a)²", lambda d, a, b: [squared(d, b) / 2], lambda d, a, b: [squared(d, a) / 2],
        parameters=("a", "b"),
    ),
    "labelled_least_squares_generator": Formula(
        "½E(D(f) − c)²", None, lambda d, c: [squared(d, c) / 2], parameters=("c",)
    ),
    "hinge_discriminator": Formula(
        "E max(0, 1 − D(r)) + E max(0, 1 + D(f))", lambda d: [relu(1 - d)], lambda d: [relu(1 + d)]
    ),
    "hinge_generator": Formula("−E D(f)", None, lambda d: [-d]),
    "wasserstein_discriminator": Formula("E D(f) − E D(r)", lambda d: [-d], lambda d: [d]),
    "wasserstein_generator": Formula("−E D(f)", None, lambda d: [-d]),
    "relativistic_discriminator": Formula("−E log σ(D(rᵢ) − D(fᵢ))", lambda d: [softplus(-d)], None, "paired"),
    "relativistic_generator": Formula("−E log σ(D(fᵢ) − D(rᵢ))", lambda d: [softplus(d)], None, "paired"),
    "relativistic_average_discriminator": Formula(
        "−E log σ(D(r) − E D(f)) − E log(1 − σ(D(f) − E D(r)))", lambda d: [softplus(-d)], lambda d: [softplus(d)], "averaged"
    ),
    "relativistic_average_generator": Formula(
        "−E log(1 − σ(D(r) − E D(f))) − E log σ(D(f) − E D(r))", lambda d: [softplus(d)], lambda d: [softplus(-d)], "averaged"
    ),
    "relativistic_average_hinge_discriminator": Formula(
        "E max(0, 1 − (D(r) − E D(f))) + E max(0, 1 + D(f) − E D(r))",
        lambda d: [relu(1 - d)], lambda d: [relu(1 + d)], "averaged",
    ),
    "relativistic_average_hinge_generator": Formula(
        "E max(0, 1 + D(r) − E D(f)) + E max(0, 1 − (D(f) − E D(r)))",
        lambda d: [relu(1 + d)], lambda d: [relu(1 - d)], "averaged",
    ),
    "relativistic_average_least_squares_discriminator": Formula(
        "E(D(r) − E D(f) − 1)² + E(D(f) − E D(r) + 1)²", lambda d: [squared(d, 1)], lambda d: [squared(d, -1)], "averaged"
    ),
    "relativistic_average_least_squares_generator": Formula(
        "E(D(r) − E D(f) + 1)² + E(D(f) − E D(r) − 1)²", lambda d: [squared(d, -1)], lambda d: [squared(d, 1)], "averaged"
    ),
    "energy_hinge_discriminator": Formula(
        "E max(0, 1 + U(r)) + E max(0, 1 − U(f))", lambda u: [relu(1 + u)], lambda u: [relu(1 - u)]
    ),
    "energy_hinge_generator": Formula("E U(f)", None, lambda u: [u]),
    "energy_margin_discriminator": Formula(
        "E U(r) + E max(0, m − U(f))", lambda u, m: [u], lambda u, m: [relu(m - u)], parameters=("m",)
    ),
    "energy_margin_generator": Formula("E U(f)", None, lambda u: [u]),
    "boundary_equilibrium_discriminator": Formula(
        "E U(r) − k E U(f)", lambda u, k: [u], lambda u, k: [-k * u], parameters=("k",)
    ),
    "boundary_equilibrium_generator": Formula("E U(f)", None, lambda u: [u]),
    "gan_qp_generator": Formula("E D(r) − E D(f)", lambda d: [d], lambda d: [-d]),
}  # fmt: skip
for _name, (_text, _g, _f) in F_GAN.items():
    FORMULAS[f"f_gan_{_name}_discriminator"] = Formula(f"−E g(D(r)) + E f*(g(D(f))), {_text}", _negative(_g), _f)
    FORMULAS[f"f_gan_{_name}_generator"] = Formula(f"−E f*(g(D(f))), {_text}", None, _negative(_f))


class Jet(NamedTuple):
    """A term at one logit: enclosures of its value and slope, and upper bounds of the sums of its summands' moduli."""

    value: arb
    slope: arb
    size: float
    steepness: float


ZERO = Jet(arb(0), arb(0), 0.0, 0.0)


class Truth(NamedTuple):
    """A certified loss: value ± what rounding of the arguments allows, the mean of the summands' moduli (the value's natural
    size), their sum (what a careful evaluation must be able to represent), and slopes with their natural sizes."""

    value: arb
    size: float
    reach: float
    slopes: tuple[list[arb], list[arb]]
    steepness: tuple[list[float], list[float]]


def bits(space: Space) -> int:
    """Working precision at which a summand of size 1 keeps the digits of the smallest number of the dtype."""
    p, low, _ = FORMATS[space.real_dtype]
    return int(2 * p - low + 64)


def jet(side: Side, at: arb, parameters: tuple[float, ...]) -> Jet:
    parts = side(arb_series([at, 1], prec=2), *parameters)
    return Jet(
        sum((s[0] for s in parts), arb(0)), sum((s[1] for s in parts), arb(0)),
        float(sum((abs(s[0]) for s in parts), arb(0)).abs_upper()), float(sum((abs(s[1]) for s in parts), arb(0)).abs_upper()),
    )  # fmt: skip


@lru_cache(maxsize=20000)
def _separate_jet(name: str, side: str, d: float, parameters: tuple[float, ...], space: Space) -> Jet:
    formula = getattr(FORMULAS[name], side)
    return ZERO if formula is None else jet(formula, arb(d, 2 * space.u * abs(d)), parameters)


_CACHE: OrderedDict[tuple[Any, ...], Truth] = OrderedDict()


def certified(name: str, real: np.ndarray, fake: np.ndarray, parameters: tuple[float, ...], space: Space) -> Truth:
    """The truth about a loss at these logits (any shapes), remembered by their bytes."""
    key = (name, real.tobytes(), fake.tobytes(), parameters, space.dtype)
    if key not in _CACHE:
        with precision(bits(space)):
            _CACHE[key] = _evaluate(name, real.ravel(), fake.ravel(), parameters, space)
        if len(_CACHE) > 4096:
            _CACHE.popitem(last=False)
    return _CACHE[key]


def _evaluate(name: str, r: np.ndarray, f: np.ndarray, parameters: tuple[float, ...], space: Space) -> Truth:
    formula = FORMULAS[name]
    n, m = len(r), len(f)
    if formula.meets == "paired":
        assert formula.real is not None
        pairs = [jet(formula.real, _argument(d, [e], space), ()) for d, e in zip(r, f, strict=True)]
        slopes = [p.slope / n for p in pairs]
        steep = [p.steepness / n for p in pairs]
        return _truth(pairs, [], (slopes, [-s for s in slopes]), (steep, steep))
    if formula.meets == "averaged":
        assert formula.real is not None
        assert formula.fake is not None
        on_real = [jet(formula.real, _argument(d, f, space), ()) for d in r]
        on_fake = [jet(formula.fake, _argument(d, r, space), ()) for d in f]
        a, b = (sum((j.slope for j in side), arb(0)) / len(side) for side in (on_real, on_fake))
        steep_a, steep_b = (sum(j.steepness for j in side) / len(side) for side in (on_real, on_fake))
        return _truth(
            on_real, on_fake, ([(j.slope - b) / n for j in on_real], [(j.slope - a) / m for j in on_fake]),
            ([(j.steepness + steep_b) / n for j in on_real], [(j.steepness + steep_a) / m for j in on_fake]),
        )  # fmt: skip
    on_real = [_separate_jet(name, "real", float(d), parameters, space) for d in r]
    on_fake = [_separate_jet(name, "fake", float(d), parameters, space) for d in f]
    return _truth(
        on_real, on_fake, ([j.slope / n for j in on_real], [j.slope / m for j in on_fake]),
        ([j.steepness / n for j in on_real], [j.steepness / m for j in on_fake]),
    )  # fmt: skip


def _argument(d: float, others: Sequence[float] | np.ndarray, space: Space) -> arb:
    """d − mean of the others, within what its rounding may be."""
    n = len(others)
    exact = arb(float(d)) - sum((arb(float(x)) for x in others), arb(0)) / n
    return exact + arb(0, (n + 2) * space.u * (abs(float(d)) + float(np.abs(others).sum()) / n))


def _truth(on_real: list[Jet], on_fake: list[Jet], slopes: Any, steepness: Any) -> Truth:
    value, size, reach = arb(0), 0.0, 0.0
    for side in (on_real, on_fake):
        if side:
            value += sum((j.value for j in side), arb(0)) / len(side)
            size += sum(j.size for j in side) / len(side)
            reach += sum(j.size for j in side)
    return Truth(value, size, reach, slopes, steepness)
