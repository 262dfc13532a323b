"""Certified matrix functions and their condition numbers, cached so that ten subjects on one input pay once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any, TypeVar

import numpy as np
from flint import acb, acb_mat, arb

from .balls import Ball, ball, certify, entries, frobenius, identity, precision, spectral_norm

T = TypeVar("T")
_CACHE: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
CACHE_SIZE = 4096


def cached(function: Callable[[np.ndarray], T]) -> Callable[[np.ndarray], T]:
    """Remember the last results by the exact bytes of the input."""

    @wraps(function)
    def lookup(a: np.ndarray) -> T:
        key = (function.__name__, a.shape, a.dtype.char, a.tobytes())
        if key not in _CACHE:
            _CACHE[key] = function(a)
            if len(_CACHE) > CACHE_SIZE:
                _CACHE.popitem(last=False)
        return _CACHE[key]

    return lookup


@cached
def expm(a: np.ndarray) -> Ball:
    """e^A of a host matrix (n,n), every norm known to 96 relative bits."""
    m = ball(a)
    return certify(m.exp) if a.size else m


def expm_times(a: np.ndarray, v: np.ndarray) -> Ball:
    """e^A V, V (n,k) not 0, known to 96 bits relative to its own norm, however much of e^A cancels."""
    return certify(lambda: ball(a).exp() * ball(v))


@cached
def expm1(a: np.ndarray) -> Ball:
    """e^A − I, known to 96 bits relative to its own norm, however small A is."""
    m = ball(a)
    return certify(lambda: m.exp() - identity(len(a))) if a.any() else m


def frechet(a: Ball, e: Ball) -> Ball:
    """L(A,E), the derivative of exp at A in direction E: the top-right block of exp([[A,E],[0,A]])."""
    n = a.nrows()
    rows = [[a[i, j] for j in range(n)] + [e[i, j] for j in range(n)] for i in range(n)]
    rows += [[0] * n + [a[i, j] for j in range(n)] for i in range(n)]
    big = acb_mat(rows).exp()
    return acb_mat([[big[i, n + j] for j in range(n)] for i in range(n)])


def kronecker_form(a: Ball) -> Ball:
    """K(A), n²×n²: vec L(A,E) = K vec E."""
    n = a.nrows()
    columns = []
    for j in range(n):
        for i in range(n):
            unit = acb_mat(n, n)
            unit[i, j] = acb(1)
            columns.append(entries(frechet(a, unit)))
    return acb_mat(columns).transpose()


class ExpCondition:
    """κ_exp(A) = ‖L(A)‖_F ‖A‖_F / ‖e^A‖_F, the relative condition number of the exponential at A.

    `lower` costs one product: L(A,I) = e^A and L(A,A) = A e^A give κ ≥ ‖A‖_F/√n and κ ≥ ‖A e^A‖_F/‖e^A‖_F.
    `value` encloses the Fréchet derivative in all n² directions and returns an upper bound that is at most a few
    percent above κ. Both are ≥ 0; laws use max(1, κ).
    """

    def __init__(self, a: np.ndarray) -> None:
        self._a, self._exp = a, expm(a)
        self._size = frobenius(ball(a))
        self._exp_size = frobenius(self._exp)

    @cached_property
    def lower(self) -> float:
        with precision(64):
            direct = frobenius(ball(self._a) * self._exp) / self._exp_size
        return max(float(direct.abs_lower()), float(self._size.abs_lower()) / len(self._a) ** 0.5, 1.0)

    @cached_property
    def value(self) -> float:
        m = ball(self._a)
        k = certify(lambda: kronecker_form(m), bits=24)
        with precision(128):
            kappa = spectral_norm(k) * self._size / self._exp_size
        return max(float(kappa.abs_upper()), self.lower)


@cached
def exp_condition(a: np.ndarray) -> ExpCondition:
    """Condition of the exponential at the host matrix `a` (n,n), n ≥ 1."""
    return ExpCondition(a)


@cached
def condition(a: np.ndarray) -> float:
    """κ(e^A) = ‖e^A‖_F ‖e^{−A}‖_F, an upper bound certain to many digits."""
    return float((frobenius(expm(a)) * frobenius(expm(-a))).abs_upper())


def log1pm_condition(a: np.ndarray, log: Ball, *, limit: int = 1 << 15) -> float:
    """Relative condition of A ↦ log(I+A): ‖K(L)⁻¹‖₂ ‖A‖_F/‖L‖_F with L = log(I+A), since the logarithm's derivative
    is the inverse of the exponential's. ArithmeticError where that is singular to `limit` bits."""
    k = certify(lambda: kronecker_form(log).inv(), bits=24, limit=limit)
    with precision(128):
        kappa: arb = spectral_norm(k) * frobenius(ball(a)) / frobenius(log)
    return max(float(kappa.abs_upper()), 1.0)
