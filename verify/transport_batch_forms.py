"""The form of batches of transport: no slice hides another's fault, and none spoils another."""

from __future__ import annotations

import numpy as np

from detrace import judge, law, require
from detrace.laws import each
from detrace.strategies.scalars import choices

BATCHES = "SPEC 3: batches"


@law(r"\textstyle\sum_k \sum_i a_{ki} = \sum_k \sum_j b_{kj} \not\Rightarrow \sum_i a_{ki} = \sum_j b_{kj}", source=BATCHES,
     function=each("optimal_transport", "transport_cost", "kantorovich_rubinstein", "sinkhorn", "sinkhorn_iterations",
                   "wasserstein_1d", "wasserstein"),
     fault=choices("totals", "negative", "mass", "cost"), place=choices(1, 0, 2), bad=choices(np.nan, np.inf))  # fmt: skip
def every_slice_is_checked(function, fault, place, bad, space):
    """One slice of three whose totals differ (those of the batch agree), or with a negative mass, NaN or ∞ among its masses,
    points or costs: an error, as if it were alone. No tolerance."""
    a, b = np.tile([0.5, 0.5], (3, 1)), np.tile([0.25, 0.75], (3, 1))
    x, y = np.tile([0.0, 1.0], (3, 1)), np.tile([0.5, 3.0], (3, 1))
    if fault == "totals":
        a[place], a[place - 1] = a[place] * 2, a[place - 1] / 2
        b[place], b[place - 1] = b[place] / 2, b[place - 1] * 2
    elif fault == "negative":
        a[place] = [1.25, -0.25]
    elif fault == "mass":
        b[place, 1] = bad
    else:
        x[place, 0] = bad
    D = np.abs(np.subtract.outer([0.0, 1.0], [0.0, 1.0])) + np.zeros((3, 1, 1))
    if fault == "cost":
        D[place, 0, 1] = bad
    name = function.contract.name
    arguments = {
        "wasserstein_1d": (x, y, 1.0, a, b), "wasserstein": (x[..., None], y[..., None], 1.0, a, b),
        "sinkhorn": (a, b, D, 1.0, 2.0**-6), "sinkhorn_iterations": (a, b, D, 1.0, 2),
    }.get(name, (a, b, D))  # fmt: skip
    require(function.raises(*arguments) is not None, f"slice {place} gave a result; an error is due", got=arguments)


GOOD = {
    "c_transform": ((np.array([0.0, 1.0]), np.array([[2.0, 4.0], [1.0, 5.0]])), np.array([0.0, 4.0])),
    "total_variation": ((np.array([0.5, 0.5]), np.array([0.25, 0.75])), np.array(0.25)),
    "cost_matrix": ((np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([[4.0, 6.0], [1.0, 2.0]])),
                    np.array([[52.0, 5.0], [25.0, 0.0]])),
    "gaussian_w2": ((np.zeros(1), np.ones((1, 1)), np.array([3.0]), np.array([[25.0]])), np.array(5.0)),
    "metric_closure": ((np.array([[0.0, 1.0, 4.0], [1.0, 0.0, 1.0], [4.0, 1.0, 0.0]]),),
                       np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 1.0], [2.0, 1.0, 0.0]])),
}  # fmt: skip
"""One problem of each function, and its solution: no partial result is rounded but those of a root."""


@law(r"f([X_1, \mathrm{NaN}, X_3]) = [f(X_1), \cdot, f(X_3)]", source=BATCHES, function=each(*GOOD), place=choices(1, 0, 2),
     argument=choices(0, 1))  # fmt: skip
def a_bad_slice_spoils_no_other(function, place, argument, space):
    """NaN in one slice of three: an error, or no finite result there and the right one beside it. Bound: 8u of the largest
    entry."""
    problem, truth = GOOD[function.contract.name]
    arguments = [np.tile(v, (3, *(1 for _ in v.shape))) for v in problem]
    arguments[argument % len(arguments)][(place, *(-1 for _ in problem[argument % len(arguments)].shape))] = np.nan
    numbers = (2.0,) if function.contract.name == "cost_matrix" else ()
    if function.raises(*arguments, *numbers) is not None:
        require(True, "")
        return
    got = function(*arguments, *numbers)
    require(not np.isfinite(got[place]).all(), "a slice that holds NaN gave a finite result", got=got[place])
    for i in {0, 1, 2} - {place}:
        require(bool(np.isfinite(got[i]).all()), "NaN spread to another slice", got=got[i], truth=truth)
        error = float(np.abs(got[i] - truth).max())
        judge(error, 8 * space.u * truth.max(), scale=truth.max(), why="8u of the largest", got=got[i], truth=truth)
