r"""What a quadratic critic says about two normal distributions: a lower bound of their divergence (arXiv:1606.00709).

log(p/q) of normal distributions is a quadratic, and so is the best critic of an f-GAN up to its activation. Expectations of
quadratics and of their exponentials are exact up to one logarithm and one exponential, by Gaussian integrals:
E e^T = (det Σ det P)^{−1/2} e^{T(m) + ½hᵀP⁻¹h}, P = Σ⁻¹ − 2A, h = b + 2Am, for T = c + bᵀx + xᵀAx; +∞ unless P > 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from flint import arb, fmpq, fmpq_mat

from detrace import judge, law
from detrace.judging import undecided
from detrace.laws import each
from detrace.oracles.rationals import rational
from detrace.strategies.logits import logits
from detrace.strategies.normals import Normals, normal_pairs
from detrace.strategies.scalars import choices
from verify.gaussian_closed_forms import LOOSE, ball, column, positive, scale, slack, value
from verify.gaussian_divergences import HELLINGER, KL, NAMES, NEYMAN, PEARSON, RELATED, REVERSE, representable


class Quadratic(NamedTuple):
    """log + c + bᵀx + xᵀAx: c, b (d,1) and A (d,d) rational, log a ball."""

    log: arb
    c: fmpq
    b: fmpq_mat
    A: fmpq_mat

    def __add__(self, other: Any) -> Quadratic:
        return Quadratic(*(x + y for x, y in zip(self, other, strict=True)))

    def times(self, t: fmpq) -> Quadratic:
        return Quadratic(ball(t) * self.log, t * self.c, self.b * t, self.A * t)

    def at(self, x: fmpq_mat) -> fmpq:
        """Without the logarithm."""
        return self.c + (self.b.transpose() * x)[0, 0] + (x.transpose() * self.A * x)[0, 0]


class Normal(NamedTuple):
    """N(m, S), exact."""

    m: fmpq_mat
    S: fmpq_mat

    def log_density(self) -> Quadratic:
        """Up to −½d log 2π."""
        P = self.S.inv()
        h = P * self.m
        return Quadratic(-ball(self.S.det()).log() / 2, -(self.m.transpose() * h)[0, 0] / 2, h, P / -2)

    def mean(self, T: Quadratic) -> arb:
        """E T."""
        product = T.A * self.S
        return T.log + ball(T.at(self.m) + sum((product[i, i] for i in range(product.nrows())), fmpq(0)))

    def mean_exp(self, T: Quadratic) -> arb:
        """E e^T."""
        P = self.S.inv() - T.A - T.A
        if not positive(P):
            return arb("inf")
        h = T.b + 2 * (T.A * self.m)
        exponent = T.at(self.m) + (h.transpose() * P.inv() * h)[0, 0] / 2
        return (T.log + ball(exponent) - ball(self.S.det() * P.det()).log() / 2).exp()


class Dual(NamedTuple):
    """The best critic's multiple of log(p/q) and what is added to it; E_p g(v) − E_q f*(g(v)) of a critic v."""

    multiple: fmpq
    constant: int
    value: Callable[[Normal, Normal, Quadratic], arb]


ONE, HALF = fmpq(1), fmpq(1, 2)
DUALS: dict[str, Dual] = {
    KL: Dual(ONE, 1, lambda p, q, v: p.mean(v) - q.mean_exp(v) / arb(1).exp()),
    REVERSE: Dual(ONE, 0, lambda p, q, v: 1 - p.mean_exp(v.times(-ONE)) - q.mean(v)),
    NEYMAN: Dual(2 * ONE, 0, lambda p, q, v: 2 * q.mean_exp(v.times(-HALF)) - 1 - p.mean_exp(v.times(-ONE))),
    HELLINGER: Dual(HALF, 0, lambda p, q, v: 2 - p.mean_exp(v.times(-ONE)) - q.mean_exp(v)),
}
"""The f-GAN's rows, as in `gan_loss_formulas`. Pearson's critic is no quadratic, but Neyman's of the exchanged pair is."""


def distributions(G: Normals) -> tuple[Normal, Normal]:
    m1, S, m2, T = G
    p, q = (Normal(column(rational(m)), fmpq_mat([list(row) for row in rational(M)])) for m, M in ((m1, S), (m2, T)))
    return p, q


def perturbation(x: np.ndarray, G: Normals) -> Quadratic:
    """Ten numbers as a quadratic in units of the second distribution's standard deviations."""
    d = len(G[0])
    units = rational(2.0 ** -np.round(np.log2(np.diagonal(G[3])) / 2))
    numbers = rational(x)
    A = np.zeros((d, d), dtype=object)
    A[np.tril_indices(d)] = numbers[4 : 4 + d * (d + 1) // 2]
    return Quadratic(arb(0), numbers[0], column(numbers[1 : 1 + d] * units), fmpq_mat(
        [[fmpq(A[max(i, j), min(i, j)]) * units[i] * units[j] for j in range(d)] for i in range(d)]
    ))  # fmt: skip


@law(r"D_f(p\|q) = \max_v\, E_p\, g(v) - E_q\, f^*(g(v)),\quad v^* \text{ a quadratic}", source="arXiv:1606.00709",
     divergence=each(*NAMES), G=normal_pairs(kinds=RELATED), x=logits(most=1.0, n=10), away=choices(1.0, 2.0**-3, 2.0**-6),
     cost=3.0)  # fmt: skip
def quadratic_critics_bound_the_divergence(divergence, G, x, away, space):
    """The best critic attains the divergence, every other quadratic stays below. The critic's value is certified; a critic of
    infinite expectation says nothing. Bound: loose."""
    name, (m1, S, m2, T) = divergence.contract.name, G
    got = float(divergence(*G))
    if not value(name, G) < space.max / 4 or (math.isinf(got) and not representable(name, G, space)):
        undecided("not finite")
        return
    exchanged = (m2, T, m1, S) if name == PEARSON else G
    dual = DUALS[NEYMAN if name == PEARSON else name]
    p, q = distributions(exchanged)
    best = (p.log_density() + q.log_density().times(-ONE)).times(dual.multiple)
    best = best._replace(c=best.c + dual.constant)
    for critic, attains in ((best, True), (best + perturbation(away * x, exchanged), False)):
        said = dual.value(p, q, critic)
        if not said.is_finite() or not said < space.max / 4:
            continue
        below = said - arb(got)
        error = abs(below) if attains else below if below > 0 else arb(0)
        judge(error, slack(name, G, space), scale=scale(name, G), why=LOOSE, got=got, truth=float(said.mid()))
