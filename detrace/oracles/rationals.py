"""Exact rational arithmetic on host arrays: every finite float is a dyadic rational, so nothing is ever rounded."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import lcm
from typing import Any, TypeVar

import numpy as np
from flint import fmpq

from .matrices import _CACHE, CACHE_SIZE

T = TypeVar("T")
Rational = Any
"""A flint rational, `fmpq`; it compares with integers and rationals, never with floats."""


def rational(x: Any) -> Any:
    """The exact value of host floats: a number gives an `fmpq`, an array an object array of them, on which NumPy's
    arithmetic is exact. Raises ValueError or OverflowError for NaN and infinity."""
    a = np.asarray(x)
    if a.ndim == 0:
        return a[()] if a.dtype == object else fmpq(*float(a).as_integer_ratio())
    if a.dtype == object:
        return a
    out = np.empty(a.size, dtype=object)
    out[:] = [fmpq(*v.as_integer_ratio()) for v in a.ravel().tolist()]
    return out.reshape(a.shape)


def whole(x: np.ndarray) -> tuple[list[int], int]:
    """Integers p, row by row, and one denominator q > 0 with x = p/q."""
    exact = [(int(v.p), int(v.q)) for v in rational(x).ravel()]
    q = lcm(*(d for _, d in exact)) if exact else 1
    return [p * (q // d) for p, d in exact], q


def floats(x: Any) -> Any:
    """Nearest floats, for display."""
    a = np.asarray(x)
    return np.array([float(v) for v in a.ravel()]).reshape(a.shape) if a.ndim else float(a[()])


def _content(a: np.ndarray) -> Any:
    return tuple(map(str, a.ravel())) if a.dtype == object else a.tobytes()


def cached(function: Callable[..., T]) -> Callable[..., T]:
    """Remember the last results of a function of several host arrays by their exact bytes."""

    @wraps(function)
    def lookup(*arrays: np.ndarray) -> T:
        key = (function.__qualname__, *((a.shape, a.dtype.char, _content(a)) for a in arrays))
        if key not in _CACHE:
            _CACHE[key] = function(*arrays)
            if len(_CACHE) > CACHE_SIZE:
                _CACHE.popitem(last=False)
        return _CACHE[key]

    return lookup
