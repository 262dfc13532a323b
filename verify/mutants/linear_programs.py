"""Mistakes in Farkas certificates."""

from __future__ import annotations

import numpy as np

from detrace import mutant
from detrace.oracles import linear_programs
from detrace.oracles.rationals import floats

ALTERNATIVE, WEIGHTS, SEPARATES = "farkas_gives_the_one_alternative", "farkas_weights_represent", "farkas_vector_separates"
STRONG = "farkas_proves_strong_duality"


def residual_of(A, b):
    """The x ≥ 0 that brings Ax nearest to b, and how near."""
    from scipy.optimize import nnls

    return nnls(A, b)


def right(A, b):
    """The certificate as it should be: exact, then rounded."""
    x, y = linear_programs.farkas(A, b)
    zero = np.zeros(A.shape[1]), np.zeros(A.shape[0])
    return (floats(x), zero[1]) if y is None else (zero[0], floats(y))


@mutant("farkas_certificate", rejected_by=(ALTERNATIVE, SEPARATES))
def farkas_with_an_absolute_tolerance(A, b):
    """Non-negative least squares, and a residual below 1e−9 counts as 0: every small b lies in the cone."""
    x, residual = residual_of(A, b)
    return (x, 0.0 * b) if residual < 1e-9 else (0.0 * x, right(A, b)[1])


@mutant("farkas_certificate", rejected_by=(ALTERNATIVE, SEPARATES, STRONG))
def farkas_with_a_loose_tolerance(A, b):
    """A residual of a hundredth of b counts as 0."""
    x, residual = residual_of(A, b)
    return (x, 0.0 * b) if residual < 0.01 * np.linalg.norm(b) else (0.0 * x, right(A, b)[1])


@mutant("farkas_certificate", rejected_by=(SEPARATES, STRONG, "both_programs_may_be_infeasible"))
def farkas_vector_of_the_wrong_sign(A, b):
    """−y: Aᵀy ≥ 0 and bᵀy < 0, the other convention."""
    x, y = right(A, b)
    return x, -y


@mutant("farkas_certificate", rejected_by=(SEPARATES, STRONG))
def farkas_vector_is_b(A, b):
    """y = b, for which bᵀy > 0, whatever Aᵀy is: "some y" is not every y."""
    x, y = right(A, b)
    return x, b * y.any()


@mutant("farkas_certificate", rejected_by=(WEIGHTS, ALTERNATIVE))
def farkas_weights_of_any_sign(A, b):
    """Solves Ax = b and forgets x ≥ 0."""
    x = np.linalg.lstsq(A, b, rcond=None)[0]
    near = np.linalg.norm(A @ x - b) <= 1e-10 * np.linalg.norm(b)
    return (x, 0.0 * b) if near else (0.0 * x, b - A @ x)


@mutant("farkas_certificate", rejected_by=(WEIGHTS, ALTERNATIVE, "both_programs_may_be_infeasible"))
def farkas_weights_are_clipped(A, b):
    """Least squares, negative weights set to 0, and never another answer."""
    return np.maximum(np.linalg.lstsq(A, b, rcond=None)[0], 0.0), 0.0 * b


@mutant("farkas_certificate", rejected_by=(ALTERNATIVE, WEIGHTS, STRONG))
def farkas_gives_both(A, b):
    """The residual of a feasible system returned as y beside x."""
    x, y = right(A, b)
    return x, y if y.any() else 1e-17 * np.ones_like(b)


@mutant("farkas_certificate", rejected_by=WEIGHTS)
def farkas_weights_in_single_precision(A, b):
    """x rounded to float32: thirds need more digits."""
    x, y = right(A, b)
    return x.astype(np.float32).astype(float), y


@mutant("farkas_certificate", rejected_by="farkas_refuses_bad_input")
def farkas_hides_nan(A, b):
    """nan_to_num of A and b."""
    return right(np.nan_to_num(A, posinf=0.0, neginf=0.0), np.nan_to_num(b, posinf=0.0, neginf=0.0))
