"""The form of Wasserstein distances and entropic plans: what is no problem of transport is an error, never a number.

Shape, dtype and device of every result, and that the caller's arrays stay as they were, are checked at every call.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detrace import law, require
from detrace.laws import each
from detrace.strategies.scalars import choices

FORM = "SPEC 3: form"
CONTRACTS = each("wasserstein_1d", "wasserstein", "sinkhorn")
DISTANCES = each("wasserstein_1d", "wasserstein")
HALF, QUARTER = np.array([0.5, 0.5]), np.array([0.25, 0.75])
BAD = choices(math.nan, math.inf, -math.inf)


def refuses(function: Any, what: str, *, a: Any = HALF, b: Any = QUARTER, first: Any = None, second: Any = None,
            number: float = 1.0) -> None:  # fmt: skip
    """`function` raises for these masses; for these points (of costs: their difference); for this p or reg."""
    x = np.array([0.0, 1.0]) if first is None else first
    y = np.array([0.5, 3.0]) if second is None else second
    if function.contract.name == "wasserstein_1d":
        args: tuple[Any, ...] = (x, y, number, a, b)
    elif function.contract.name == "wasserstein":
        args = (x[:, None], y[:, None], number, a, b)
    else:
        args = (a, b, abs(x[:, None] - y[None, :]), number, 2.0**-6)
    require(function.raises(*args) is not None, f"{what} gave a result; an error is due", got=args)


@law(r"\sum a_i \ne \sum b_j \mapsto \text{error}", source=FORM, transport=CONTRACTS, factor=choices(2.0, 0.5, 1.25, 0.0))
def unequal_masses_are_refused(transport, factor, space):
    """Totals that differ by far more than rounding, or one of them 0: there is no plan. No tolerance."""
    refuses(transport, f"totals of ratio {factor:g}", b=factor * QUARTER)


@law(r"a_i < 0 \mapsto \text{error}", source=FORM, transport=CONTRACTS, size=choices(0.5, 1.0, 0.0625))
def negative_masses_are_refused(transport, size, space):
    """One negative mass among masses whose totals agree, on either side. No tolerance."""
    signed = np.array([1.0 + size, -size])
    refuses(transport, "a negative mass", a=signed)
    refuses(transport, "a negative mass", b=signed)


@law(r"a_i \in \{\mathrm{NaN}, \pm\infty\} \mapsto \text{error}", source=FORM, transport=CONTRACTS, bad=BAD)
def masses_that_are_no_numbers_are_refused(transport, bad, space):
    """NaN or infinity among the masses, on either side. No tolerance."""
    refuses(transport, f"a mass of {bad}", a=np.array([0.5, bad]))
    refuses(transport, f"a mass of {bad}", b=np.array([bad, 0.5]))


@law(r"x_i \in \{\mathrm{NaN}, \pm\infty\} \mapsto \text{error}", source=FORM, transport=CONTRACTS, bad=BAD)
def points_and_costs_that_are_no_numbers_are_refused(transport, bad, space):
    """NaN or infinity among the points (among the costs), on either side. No tolerance."""
    refuses(transport, f"a point or cost of {bad}", first=np.array([0.0, bad]))
    refuses(transport, f"a point or cost of {bad}", second=np.array([bad, 1.0]))


@law(r"|a| \ne |x|,\ n = 0 \mapsto \text{error}", source=FORM, transport=CONTRACTS, which=choices("long", "short", "empty"))
def shapes_that_do_not_fit_are_refused(transport, which, space):
    """More or fewer masses than points, one mass for two points, no points at all. No tolerance."""
    masses = {"long": np.full(4, 0.25), "short": np.ones(1), "empty": np.zeros(0)}[which]
    refuses(transport, f"{len(masses)} masses for 2 points", a=masses)
    refuses(transport, f"{len(masses)} masses for 2 points", b=masses)
    if which == "empty":
        refuses(transport, "a measure without points", a=masses, first=masses)


@law(r"p < 1 \mapsto \text{error}", source=FORM, distance=DISTANCES, p=choices(0.5, -1.0, math.nan))
def exponents_below_one_are_refused(distance, p, space):
    """W_p is a metric for p ≥ 1; on the line sorted pairing is wrong below. No tolerance."""
    refuses(distance, f"p = {p}", number=float(p))


@law(r"\mathrm{reg} \le 0 \mapsto \text{error}", source=FORM, reg=choices(0.0, -1.0, math.nan, math.inf))
def regularisation_that_is_not_positive_is_refused(sinkhorn, reg, space):
    """Zero, negative, infinite, NaN. No tolerance."""
    refuses(sinkhorn, f"reg = {reg}", number=float(reg))
