"""Numbers and values as a reader sees them: two significant digits for ratios, units of time, matrices in columns."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from ..values import NON_FINITE, decode

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MAX_SHOWN = 150
"""Numbers of one array that are printed; a larger array shows its corner and says so."""
MAX_SIDE = 12


def number(x: Any) -> float | None:
    """A number as the results file writes it (``"nan"``, ``"inf"`` in words); None for what is not one."""
    if isinstance(x, str):
        return NON_FINITE.get(x)
    if isinstance(x, bool) or not isinstance(x, int | float):
        return None
    return float(x)


def significant(x: Any, digits: int = 2) -> str:
    """``4.1``, ``150``, ``2.2·10⁶``, ``∞``, ``NaN``; an en dash for no number."""
    value = number(x)
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    power = int(exponent)
    if -3 <= power < 3:
        return f"{float(f'{mantissa}e{power}'):.{max(0, digits - 1 - power)}f}"
    return f"{mantissa}·10{str(power).translate(SUPERSCRIPTS)}"


def ratio(x: Any) -> str:
    """Error over bound; below a hundredth of the bound the exact figure says nothing."""
    value = number(x)
    if value is not None and 0 < value < 0.01:
        return "<0.01"
    return significant(value)


def seconds(x: Any) -> str:
    """``1.2 ms``: three significant digits at most, in the unit that suits."""
    value = number(x)
    if value is None or not math.isfinite(value):
        return "–"
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= factor:
            return f"{value / factor:.3g} {unit}" if value / factor < 1000 else f"{value / factor:.0f} {unit}"
    return f"{value / 1e-9:.3g} ns"


def memory(x: Any) -> str:
    """``2.94 MB``: a number of bytes, in three significant digits at most; nothing for what is none."""
    value = number(x)
    if value is None or not math.isfinite(value):
        return ""
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= factor:
            return f"{value / factor:.3g} {unit}" if value / factor < 999.5 else f"{value / factor:.0f} {unit}"
    return f"{value:.0f} B"


def count(n: int, one: str, many: str = "") -> str:
    """``1 law``, ``2 laws``, ``3,012 items``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def share(part: int, whole: int) -> str:
    """``3.1 %``."""
    return f"{significant(100 * part / whole)} %" if whole else "–"


def moment(iso: Any) -> str:
    """``2026-01-31 14:05 UTC`` of an ISO time; what is none stays as it is."""
    try:
        at = datetime.fromisoformat(str(iso))
    except ValueError:
        return str(iso)
    return at.strftime("%Y-%m-%d %H:%M") + (f" {at.tzname()}" if at.tzinfo else "")


def without_name(version: str, name: str) -> str:
    """``1.17.1`` of ``scipy 1.17.1`` under the heading scipy."""
    return version.removeprefix(f"{name} ")


def plain(x: Any) -> str:
    """Names and values in a line: ``numpy 2.4, torch 2.13``."""
    if isinstance(x, dict):
        return ", ".join(f"{k} {plain(v)}" for k, v in x.items())
    if isinstance(x, list | tuple):
        return ", ".join(map(plain, x))
    return "" if x is None else str(x)


def slug(*parts: str) -> str:
    """A fragment identifier made of names: letters, digits, ``_``, ``.`` and ``-``."""
    return "-".join(re.sub(r"[^\w.]+", "-", p, flags=re.ASCII).strip("-") or "x" for p in parts)


def scalar(x: Any) -> str:
    if isinstance(x, complex):
        return f"{scalar(x.real)}{'-' if math.copysign(1, x.imag) < 0 else '+'}{scalar(abs(x.imag))}j"
    if isinstance(x, float):
        return repr(int(x)) + "." if x.is_integer() and abs(x) < 1e6 and (x or math.copysign(1, x) > 0) else repr(x)
    return str(x)


def pretty(encoded: Any) -> str:
    """A value over several lines, matrices in aligned columns; every digit, so that it can be typed in."""
    return _pretty(decoded(encoded))


def brief(encoded: Any, width: int = 96) -> str:
    """The inputs of one example on one line, numbers to six digits, cut at `width`."""
    value = decoded(encoded)
    named = value.items() if isinstance(value, dict) else [("", value)]
    text = " ".join(", ".join(f"{k} = {_inline(v)}" if k else _inline(v) for k, v in named).split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def size(encoded: Any) -> int:
    """How much there is to read in a value: numbers in it."""
    value = decoded(encoded)
    if isinstance(value, np.ndarray):
        return int(value.size)
    if isinstance(value, dict):
        return sum(size(v) for v in value.values())
    if isinstance(value, list | tuple):
        return sum(size(v) for v in value)
    return len(value) if isinstance(value, str) else 1


def decoded(encoded: Any) -> Any:
    """The value of its encoded form; the text of what is none."""
    try:
        return decode(encoded)
    except (ValueError, TypeError, KeyError):
        return str(encoded)


def _inline(value: Any) -> str:
    if isinstance(value, np.ndarray):
        dims = "×".join(map(str, value.shape))
        if value.size > 9:
            return f"{dims} array with entries up to {significant(float(np.abs(value).max()))}"
        return _rows(value.tolist())
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(_inline, value)) + ")"
    return _six(value)


def _rows(nested: Any) -> str:
    return "[" + ", ".join(map(_rows, nested)) + "]" if isinstance(nested, list) else _six(nested)


def _six(value: Any) -> str:
    if isinstance(value, complex):
        return f"{_six(value.real)}{value.imag:+.6g}j"
    return f"{value:.6g}" if isinstance(value, float) else scalar(value)


def _pretty(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, dict):
        return "\n".join(_labelled(str(k), _pretty(v)) for k, v in value.items())
    if isinstance(value, tuple | list):
        return "(" + ", ".join(_pretty(v) for v in value) + ")"
    text = scalar(value)
    return text if len(text) <= 600 else text[:600] + "…"


def _labelled(name: str, text: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join([f"{name} = {first}", *(" " * (len(name) + 3) + line for line in rest)])


def _array(x: np.ndarray) -> str:
    dims = "×".join(map(str, x.shape))
    if x.ndim == 0:
        return scalar(x.item())
    if x.size == 0:
        return f"[] ({dims})"
    if x.ndim > 2:
        if x.size > MAX_SHOWN:
            return f"{_array(x[(0,) * (x.ndim - 2)])}\n… first of a {dims} array"
        return "[" + ",\n ".join(_array(part).replace("\n", "\n ") for part in x) + "]"
    shown = x
    if x.size > MAX_SHOWN:
        shown = x[tuple(slice(0, MAX_SIDE) for _ in x.shape)]
    cut = "" if shown.size == x.size else f"\n… corner of {dims}; all of it is in the results file"
    if x.ndim == 1:
        return "[" + ", ".join(map(scalar, shown.tolist())) + "]" + cut
    return _columns([[scalar(v) for v in row] for row in shown.tolist()]) + cut


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
    lines = ["[" + ", ".join(v.rjust(w) for v, w in zip(row, widths, strict=True)) + "]" for row in rows]
    return "[" + ",\n ".join(lines) + "]"
