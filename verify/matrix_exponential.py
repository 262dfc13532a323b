r"""Laws of the matrix exponential: $\det e^A = e^{\operatorname{tr} A}$ and everything around it (SPEC 1, post 6377).

Notation: u unit roundoff; κ_exp(A) = ‖L(A)‖_F‖A‖_F/‖e^A‖_F the condition number of the exponential (L its Fréchet
derivative), κ(M) = ‖M‖_F‖M⁻¹‖_F. "Forward error" is ‖Ê−e^A‖_F/‖e^A‖_F, and an implementation that is as good as its
input allows commits u·max(1, κ_exp(A)): rounding A alone already costs that much. Underflow adds n·(smallest
subnormal)/‖e^A‖_F, which matters only where e^A itself is nearly zero.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detrace import Contract, Family, branch, judge, law, require
from detrace import oracles as exact
from detrace.laws import kexue
from detrace.oracles import ball, entries, frobenius
from detrace.strategies.matrices import KINDS, batches, dyadic_matrices, square_matrices
from detrace.strategies.scalars import choices, integers

FAMILY = Family("matrix_exponential", "Matrix exponential: det e^A = e^{tr A}", 1)

EXPM = Contract("expm", "(n,n)->(n,n)", "e^A", FAMILY.name, aliases=("matrix_exp", "matrix_exponential", "expmat", "mexp"))
LOGDET_EXPM = Contract(
    "logdet_expm", "(n,n)->()", "log|det e^A| = Re tr A", FAMILY.name, result="real", aliases=("expm_logdet", "log_det_expm")
)
LOG1PM = Contract("log1pm", "(n,n)->(n,n)", "principal logarithm of I + A", FAMILY.name, aliases=("logm1p", "log1p_matrix"))
HUTCHINSON = Contract(
    "hutchinson_trace", "*,(m,n)->()", "mean of vᵀMv over the rows v of `probes`, from M's matvec", FAMILY.name,
    example=lambda: (exact_operator(np.eye(2)), np.ones((2, 2))), aliases=("hutchinson", "stochastic_trace", "trace_estimate"),
)  # fmt: skip


def exact_operator(matrix: np.ndarray) -> Any:
    from detrace.calls import LinearOperator

    return LinearOperator(matrix)


def forward_error(got: np.ndarray, truth: Any) -> Any:
    return frobenius(ball(got) - truth) / frobenius(truth)


def underflow(space: Any, truth: Any) -> float:
    """n·(smallest subnormal)/‖e^A‖_F: what gradual underflow may cost."""
    size = float(frobenius(truth).abs_lower())
    return truth.nrows() * space.smallest / size if size > 0.0 else math.inf


def judge_exponential(got: np.ndarray, A: np.ndarray, space: Any, truth: Any = None, factor: float = 1.0) -> float:
    """Hold a computed e^A against its certified value: u·max(1, κ_exp(A))·factor + underflow."""
    truth = exact.expm(A) if truth is None else truth
    kappa = exact.exp_condition(A)
    slack = underflow(space, truth)
    return judge(
        forward_error(got, truth), factor * space.u * kappa.lower + slack, got=got, truth=exact.floats(truth),
        refine=lambda: factor * space.u * kappa.value + slack, why="u·max(1, κ_exp(A)): what rounding the input alone costs",
    )  # fmt: skip


@law(r"e^{A} = \sum_{k \ge 0} A^k / k!", source=kexue(6377, 2), A=square_matrices())
def exponential_is_its_series(expm, A, space):
    """The certified value of e^A, for every square A. Bound: u·max(1, κ_exp(A)), the forward error of a backward-stable
    method; κ_exp from the certified Fréchet derivative. (Higham, Functions of Matrices, 2008, ch. 10.)"""
    judge_exponential(expm(A), A, space)


@law(r"\det e^{A} = e^{\operatorname{tr} A}", source=kexue(6377, 1), A=square_matrices(reach=60.0))
def determinant_is_exponential_of_trace(expm, A, space):
    """For every square A, sign and phase included. Bound: with Ê = e^A(I+Δ), det Ê·e^{−tr A} − 1 = det(I+Δ) − 1, and
    ‖Δ‖_F ≤ κ(e^A)·forward error, so n·κ(e^A)·u·max(1, κ_exp(A)). Undecided where e^A is too ill-conditioned."""
    E = expm(A)
    error = abs(ball(E).det() * (-ball(A).trace()).exp() - 1)
    kappa = exact.exp_condition(A)
    c = len(A) * exact.condition(A)
    judge(error, c * space.u * kappa.lower, refine=lambda: c * space.u * kappa.value,
          why="n·κ(e^A)·u·max(1, κ_exp(A))", got=exact.floats(ball(E).det()), truth=exact.floats(ball(A).trace().exp()))  # fmt: skip
