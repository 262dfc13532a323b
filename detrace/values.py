"""Values to text and back: inputs in results files, in the ledger and in reproduction scripts, without losing a bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
LONG = 64
"""Numbers from which source says how often neighbours repeat."""


def encode(x: Any) -> Any:
    """JSON-ready form: arrays become ``{"shape", "re"[, "im"]}``, floats keep every bit, NaN and inf become words. Exact
    numbers in an array become the nearest floats."""
    if isinstance(x, np.ndarray) and x.dtype == object:
        return encode(x.astype(np.float64))
    if isinstance(x, np.ndarray):
        out = {"shape": list(x.shape), "re": [_number(v) for v in x.real.ravel().tolist()]}
        if np.iscomplexobj(x):
            out["im"] = [_number(v) for v in x.imag.ravel().tolist()]
        return out
    if isinstance(x, np.generic):
        return encode(x.item())
    if isinstance(x, float):
        return _number(x)
    if isinstance(x, complex):
        return {"complex": [_number(x.real), _number(x.imag)]}
    if isinstance(x, dict):
        return {str(k): encode(v) for k, v in x.items()}
    if isinstance(x, tuple | list):
        return [encode(v) for v in x]
    if x is None or isinstance(x, str | int | bool):
        return x
    return repr(x)


def decode(x: Any) -> Any:
    """Inverse of `encode` for arrays, numbers, dicts and lists (lists come back as tuples)."""
    if isinstance(x, dict):
        if "shape" in x and "re" in x:
            re = np.array([_float(v) for v in x["re"]], dtype=np.float64)
            if "im" in x:
                whole = np.empty(re.shape, np.complex128)  # re + 1j·im would spoil infinities and signed zeros
                whole.real, whole.imag = re, [_float(v) for v in x["im"]]
                return whole.reshape(x["shape"])
            return re.reshape(x["shape"])
        if set(x) == {"complex"}:
            return complex(*map(_float, x["complex"]))
        return {k: decode(v) for k, v in x.items()}
    if isinstance(x, list):
        return tuple(decode(v) for v in x)
    return NON_FINITE.get(x, x) if isinstance(x, str) else x


def literal(x: Any) -> str:
    """Python source of a value: ``np.array([[0.0, 1.0], [0.0, 0.0]])`` and the like; long batches of equal neighbours by
    ``np.repeat``."""
    if isinstance(x, np.ndarray):
        if x.size == 0:
            return f"np.zeros({x.shape})"
        if x.ndim and x.size > LONG and (times := _run(x)) > 3:
            return f"np.repeat({literal(x[::times])}, {times}, axis=0)"
        return f"np.array({_list(x.tolist())})"
    return _list(x)


def _run(x: np.ndarray) -> int:
    """The largest r for which x is np.repeat(x[::r], r, axis=0), bit by bit."""
    rows = np.ascontiguousarray(x).reshape(len(x), -1).view(np.uint8)
    starts = np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1)) + 1
    return math.gcd(len(x), *starts.tolist())


def _list(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return literal(x)
    if isinstance(x, np.generic):
        return _list(x.item())
    if isinstance(x, list):
        return "[" + ", ".join(_list(v) for v in x) + "]"
    if isinstance(x, tuple):
        return "(" + "".join(_list(v) + ", " for v in x) + ")"
    if isinstance(x, float) and not math.isfinite(x):
        return {"nan": "np.nan", "inf": "np.inf", "-inf": "-np.inf"}[repr(x)]
    if isinstance(x, complex):  # not its repr: that loses the sign of zeros, and knows no names for NaN and inf
        return f"complex({_list(x.real)}, {_list(x.imag)})"
    return repr(x)


def _number(x: float) -> float | str:
    return x if math.isfinite(x) else repr(x)


def _float(x: Any) -> float:
    return NON_FINITE[x] if isinstance(x, str) else float(x)
