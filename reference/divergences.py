"""f-divergences D_f(p‖q) = Σ q f(p/q): f, its convex conjugate f*, and what an f-GAN makes of them.

An f-GAN's critic is T = g(D), with an output activation g that is increasing (so D is high on real) and maps ℝ into the
domain of f*; E_p T − E_q f*(T) ≤ D_f(p‖q), with equality at T = f′(p/q). Rows as in Nowozin, Cseke, Tomioka 2016
(arXiv:1606.00709), tables 1, 2 and 6; of its Jensen–Shannon row D_f is twice the usual divergence.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .arrays import QUIET, working_array
from .gan_loss_table import IDENTITY, SOFTPLUS, Function, Term, ones, sigmoid, softplus

LOG2 = 0.6931471805599453


class Divergence(NamedTuple):
    """A row: f(xp, u) on u ≥ 0, f*(xp, t), the activation g(v), and f*(g(v)) in a form that keeps its digits."""

    formula: str
    f: Function
    conjugate: Function
    activation: Term
    conjugate_of_activation: Term


def xlogx(xp: Any, u: Any) -> Any:
    """u log u, 0 at 0."""
    return u * xp.log(xp.where(u == 0, xp.ones_like(u), u))


def within(xp: Any, inside: Any, value: Any) -> Any:
    """value where `inside`, +inf elsewhere: a convex function outside its domain."""
    return xp.where(inside, value, xp.full_like(value, float("inf")))


EXP_MINUS = Term(lambda xp, v: xp.exp(-v), lambda xp, v: xp.exp(-v), steepness=-1.0)
ONE_MINUS_EXP = Term(lambda xp, v: 1 - xp.exp(-v), lambda xp, v: xp.exp(-v))
HALF_TANH = Term(lambda xp, v: xp.tanh(v), lambda xp, v: sigmoid(xp, 2 * v) * sigmoid(xp, -2 * v), 0.5, 2.0)

DIVERGENCES = {
    "kl": Divergence(
        "f = u log u, f* = e^{t−1}, g = v",
        f=xlogx,
        conjugate=lambda xp, t: xp.exp(t - 1),
        activation=IDENTITY,
        conjugate_of_activation=Term(lambda xp, v: xp.exp(v - 1), lambda xp, v: xp.exp(v - 1)),
    ),
    "reverse_kl": Divergence(
        "f = −log u, f* = −1 − log(−t) for t < 0, g = −e^{−v}",
        f=lambda xp, u: -xp.log(u),
        conjugate=lambda xp, t: within(xp, t < 0, -1 - xp.log(-t)),
        activation=-EXP_MINUS,
        conjugate_of_activation=Term(lambda xp, v: v - 1, ones),
    ),
    "pearson": Divergence(
        "f = (u − 1)² continued to all real u, f* = t²/4 + t, g = v",
        f=lambda xp, u: (u - 1) * (u - 1),
        conjugate=lambda xp, t: t * (t / 4 + 1),
        activation=IDENTITY,
        conjugate_of_activation=Term(lambda xp, v: v * (v / 4 + 1), lambda xp, v: v / 2 + 1),
    ),
    "neyman": Divergence(
        "f = (1 − u)²/u, f* = 2 − 2√(1−t) for t ≤ 1, g = 1 − e^{−v}",
        f=lambda xp, u: (1 - u) * ((1 - u) / u),
        conjugate=lambda xp, t: within(xp, t <= 1, 2 - 2 * xp.sqrt(1 - t)),
        activation=ONE_MINUS_EXP,
        conjugate_of_activation=Term(lambda xp, v: 2 - 2 * xp.exp(-v / 2), lambda xp, v: xp.exp(-v / 2)),
    ),
    "squared_hellinger": Divergence(
        "f = (√u − 1)², f* = t/(1−t) for t < 1, g = 1 − e^{−v}",
        f=lambda xp, u: (xp.sqrt(u) - 1) * (xp.sqrt(u) - 1),
        conjugate=lambda xp, t: within(xp, t < 1, t / (1 - t)),
        activation=ONE_MINUS_EXP,
        conjugate_of_activation=Term(lambda xp, v: xp.exp(v) - 1, lambda xp, v: xp.exp(v)),
    ),
    "jensen_shannon": Divergence(
        "f = u log u − (u+1) log((u+1)/2), f* = −log(2 − eᵗ) for t < log 2, g = log 2 − log(1 + e^{−v})",
        f=lambda xp, u: xlogx(xp, u) - (u + 1) * xp.log((u + 1) / 2),
        conjugate=lambda xp, t: within(xp, t < LOG2, -xp.log(2 - xp.exp(t))),
        activation=Term(lambda xp, v: LOG2 - softplus(xp, -v), lambda xp, v: sigmoid(xp, -v)),
        conjugate_of_activation=Term(lambda xp, v: softplus(xp, v) - LOG2, sigmoid),
    ),
    "gan": Divergence(
        "f = u log u − (u+1) log(u+1), f* = −log(1 − eᵗ) for t < 0, g = −log(1 + e^{−v})",
        f=lambda xp, u: xlogx(xp, u) - (u + 1) * xp.log(u + 1),
        conjugate=lambda xp, t: within(xp, t < 0, -xp.log(-xp.expm1(t))),
        activation=-SOFTPLUS.flipped(),
        conjugate_of_activation=SOFTPLUS,
    ),
    "total_variation": Divergence(
        "f = ½|u − 1|, f* = t for |t| ≤ ½ (−½ below), g = ½ tanh v",
        f=lambda xp, u: abs(u - 1) / 2,
        conjugate=lambda xp, t: within(xp, t <= 0.5, xp.where(t < -0.5, -0.5 * ones(xp, t), t)),
        activation=HALF_TANH,
        conjugate_of_activation=HALF_TANH,
    ),
}
"""Every f-divergence by name."""


def elementwise(name: str, part: str) -> Function:
    """One of the scalar functions of a row on arrays of any shape."""
    row = DIVERGENCES[name]
    term = row.activation if part == "activation" else Term({"f": row.f, "conjugate": row.conjugate}[part], ones)

    @QUIET
    def function(x: Any) -> Any:
        xp, x, dtype = working_array(x, f"{name}_{part}")
        value = term.value(xp, x)
        return xp.astype(value if term.weight == 1 else term.weight * value, dtype, copy=False)

    function.__name__ = function.__qualname__ = f"{name}_{part}"
    function.__doc__ = f"{part} of the row {name}: {row.formula}. Elementwise, any shape; +inf outside the domain of f*."
    return function


kl_f, kl_conjugate, kl_activation = (elementwise("kl", part) for part in ("f", "conjugate", "activation"))
reverse_kl_f, reverse_kl_conjugate, reverse_kl_activation = (
    elementwise("reverse_kl", part) for part in ("f", "conjugate", "activation")
)
pearson_f, pearson_conjugate, pearson_activation = (elementwise("pearson", part) for part in ("f", "conjugate", "activation"))
neyman_f, neyman_conjugate, neyman_activation = (elementwise("neyman", part) for part in ("f", "conjugate", "activation"))
squared_hellinger_f, squared_hellinger_conjugate, squared_hellinger_activation = (
    elementwise("squared_hellinger", part) for part in ("f", "conjugate", "activation")
)
jensen_shannon_f, jensen_shannon_conjugate, jensen_shannon_activation = (
    elementwise("jensen_shannon", part) for part in ("f", "conjugate", "activation")
)
gan_f, gan_conjugate, gan_activation = (elementwise("gan", part) for part in ("f", "conjugate", "activation"))
total_variation_f, total_variation_conjugate, total_variation_activation = (
    elementwise("total_variation", part) for part in ("f", "conjugate", "activation")
)


def _distributions(p: Any, q: Any, name: str) -> tuple[Any, Any, Any, Any]:
    if p.ndim < 1 or q.ndim < 1 or p.shape[-1] != q.shape[-1]:
        raise ValueError(f"{name} needs p and q with as many states, got {tuple(p.shape)} and {tuple(q.shape)}.")
    xp, p, dtype = working_array(p, name)
    return xp, p, working_array(q, name)[1], dtype


def _p_log(xp: Any, p: Any, ratio: Any) -> Any:
    """Σ p log(ratio), where p = 0 counts as 0."""
    return xp.sum(p * xp.log(xp.where(p == 0, xp.ones_like(ratio), ratio)), axis=-1)


@QUIET
def kl_divergence(p: Any, q: Any) -> Any:
    """KL(p‖q) = Σ p log(p/q) in nats: p, q (..., n) -> (...); +inf where q = 0 < p."""
    xp, p, q, dtype = _distributions(p, q, "kl_divergence")
    return xp.astype(_p_log(xp, p, p / q), dtype, copy=False)


def reverse_kl_divergence(p: Any, q: Any) -> Any:
    """KL(q‖p) = Σ q log(q/p) in nats: p, q (..., n) -> (...)."""
    return kl_divergence(q, p)


@QUIET
def pearson_divergence(p: Any, q: Any) -> Any:
    """χ²(p‖q) = Σ (p − q)²/q: p, q (..., n) -> (...); +inf where q = 0 < p."""
    xp, p, q, dtype = _distributions(p, q, "pearson_divergence")
    d = p - q
    return xp.astype(xp.sum(d * (d / xp.where((d == 0) & (q == 0), xp.ones_like(q), q)), axis=-1), dtype, copy=False)


def neyman_divergence(p: Any, q: Any) -> Any:
    """Σ (p − q)²/p = χ²(q‖p): p, q (..., n) -> (...)."""
    return pearson_divergence(q, p)


@QUIET
def squared_hellinger_divergence(p: Any, q: Any) -> Any:
    """Σ (√p − √q)², in [0, 2] (no factor ½): p, q (..., n) -> (...)."""
    xp, p, q, dtype = _distributions(p, q, "squared_hellinger_divergence")
    d = xp.sqrt(p) - xp.sqrt(q)
    return xp.astype(xp.sum(d * d, axis=-1), dtype, copy=False)


@QUIET
def jensen_shannon_divergence(p: Any, q: Any) -> Any:
    """½KL(p‖m) + ½KL(q‖m) with m = (p+q)/2, in nats, in [0, log 2]: p, q (..., n) -> (...)."""
    xp, p, q, dtype = _distributions(p, q, "jensen_shannon_divergence")
    m = (p + q) / 2
    return xp.astype((_p_log(xp, p, p / m) + _p_log(xp, q, q / m)) / 2, dtype, copy=False)
