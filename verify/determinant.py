r"""Laws of log|det M| and Jacobi's formula, on which det e^A = e^{tr A} rests (SPEC 1, post 6377)."""

from __future__ import annotations

import math

import numpy as np

from detrace import Contract, branch, judge, law, require
from detrace import oracles as exact
from detrace.laws import kexue
from detrace.oracles import ball, frobenius
from detrace.strategies.matrices import dyadic_matrices, square_matrices, unimodular_pairs
from detrace.strategies.scalars import choices
from verify.matrix_exponential import FAMILY

LOGABSDET = Contract(
    "logabsdet", "(n,n)->()", "log|det M|", FAMILY.name, result="real", aliases=("slogdet", "logdet", "log_abs_det")
)

SOLID = ("dense", "triangular", "symmetric", "jordan", "diagonal", "graded", "permutation")


@law(r"\log|\det M| = \operatorname{Re}\operatorname{tr}\log M", source=kexue(6377, 20), dtypes="wide",
     M=square_matrices(kinds=SOLID, max_n=5, reach=1e4), shift=choices(1.0, 0.0))  # fmt: skip
def log_determinant_is_certified(logabsdet, M, shift, space):
    """M or M + ‖M‖_F·I, against the exact determinant. LU is backward stable: it returns the determinant of M+ΔM with
    ‖ΔM‖ ≤ n·u‖M‖ (times growth), so log|det| moves by n·u·κ(M); n logarithms of pivots and their sum add
    n·u·(1 + Σ|log pivot|), estimated by 1 + n·|log of the largest or smallest scale|."""
    M = space.round(M + shift * np.linalg.norm(M) * np.eye(len(M)))
    determinant = exact.determinant(ball(M))
    if determinant == 0:
        branch("singular")
        return
    inverse = exact.certify(lambda: ball(M).inv(), bits=48)
    kappa = float((frobenius(ball(M)) * frobenius(inverse)).abs_upper())
    span = max(abs(math.log(float(frobenius(ball(M)).abs_upper()))), abs(math.log(float(frobenius(inverse).abs_upper()))))
    truth = abs(determinant).log()
    bound = len(M) * space.u * (kappa + 1 + len(M) * span)
    got = logabsdet(M)
    judge(abs(ball(got) - truth), bound, why="n·u·(κ(M) + 1 + n·max|log scale|)", got=got, truth=exact.floats(truth))


@law(r"\log|\det P^{-1}| = -\log|\det P|", source=kexue(6377, "c11"), dtypes="wide", pair=unimodular_pairs())
def inverse_has_the_inverse_determinant(logabsdet, pair, space):
    """Unimodular integer P with its integer inverse: both logarithms are 0. Bound n·u·κ(P), as LU is backward stable."""
    for P, inverse in (pair, pair[::-1]):
        got = logabsdet(P.astype(space.host_dtype))
        judge(abs(float(got)), len(P) * space.u * float(np.linalg.norm(P) * np.linalg.norm(inverse)), why="n·u·κ(P)", got=got,
              truth=np.zeros(()))  # fmt: skip


@law(r"\log|\det(2^k M)| = nk\log 2 + \log|\det M|", source="SPEC 1: traps, log(det)", dtypes="wide",
     M=dyadic_matrices(n=4), k=choices(0, 20, -20, 30, -30))  # fmt: skip
def determinant_out_of_range_has_a_logarithm(logabsdet, M, k, space):
    """Integer M plus 8·I, scaled by 2^k: the determinant leaves float32's range (2^{±120}), its logarithm does not. Bound
    n·u·(κ(M) + n·|k|·log 2): κ is invariant, each pivot's logarithm has size |k| log 2."""
    M = M + 16 * np.eye(4)
    kappa = float((frobenius(ball(M)) * frobenius(ball(M).inv())).abs_upper())
    truth = abs(exact.determinant(ball(M * 2.0**k))).log()
    got = logabsdet((M * 2.0**k).astype(space.host_dtype))
    judge(abs(ball(got) - truth), 4 * space.u * (kappa + 4 * (abs(k) + 6) * math.log(2)), why="n·u·(κ(M) + n·|k|·log 2)",
          got=got, truth=exact.floats(truth))  # fmt: skip


@law(r"\log|\det(2^k M)| = nk\log 2 + \log|\det M|,\; 2^k M \text{ subnormal or near overflow}",
     source="SPEC 1: traps, log(det)", dtypes="wide", M=dyadic_matrices(n=4), k=choices(-8, -4, 10))  # fmt: skip
def determinants_at_the_ends_of_the_range(logabsdet, M, k, space):
    """Integers plus 16·I times the smallest normal number and 2ᵏ, k < 0: pivots without a reciprocal (-8), pivots on both sides
    of the smallest normal number (-4); or over it and 2ᵏ: near overflow, with room for elimination to make entries 2ⁿ⁻¹ times
    as large. LU rounds each of n terms of an entry to u of itself or to half the smallest number ω: ‖ΔM‖_F ≤ n·u‖M‖_F + n²ω/2.
    Bound κ(M)(n·u + n²ω/(2‖2ᵏM‖_F)) + n²·u·|log 2ᵏ| (the logarithms of pivots), 2ᵏ the whole factor."""
    if space.flushes and k < 0:
        branch("subnormal numbers are zero here")
        return
    scale = (space.tiny if k < 0 else 1 / space.tiny) * 2.0 ** (k if k < 0 else -k)
    M = M + 16 * np.eye(4)
    kappa = float((frobenius(ball(M)) * frobenius(ball(M).inv())).abs_upper())
    truth = abs(exact.determinant(ball(M * scale))).log()
    rounding = 4 * space.u + 8 * space.underflow / (scale * np.linalg.norm(M))
    got = logabsdet((M * scale).astype(space.host_dtype))
    judge(abs(ball(got) - truth), kappa * rounding + 16 * space.u * abs(math.log(scale)),
          why="κ(M)(n·u + n²ω/(2‖2ᵏM‖)) + n²·u·|log 2ᵏ|", got=got, truth=exact.floats(truth))  # fmt: skip


@law(r"d \det B = \det B \,\operatorname{tr}(B^{-1} dB)", source=kexue(6377, 13, "c13"), dtypes="real", needs="autodiff",
     M=dyadic_matrices(max_n=4))  # fmt: skip
def gradient_of_log_determinant_is_inverse_transpose(logabsdet, M, space):
    """Jacobi's formula: ∂ log|det B|/∂B = B⁻ᵀ, for B = M + 8n·I (well conditioned integers). Bound n·u·κ(B), the error of a
    backward-stable inverse."""
    B = M + 8.0 * len(M) * np.eye(len(M))
    inverse = ball(B).inv()
    kappa = float((frobenius(ball(B)) * frobenius(inverse)).abs_upper())
    gradient = logabsdet.gradient(B)
    truth = inverse.transpose()
    judge(frobenius(ball(gradient) - truth) / frobenius(truth), len(B) * space.u * kappa, why="n·u·κ(B)", got=gradient,
          truth=exact.floats(truth))  # fmt: skip


@law(r"\log|\det I| = 0,\; \det(0 \times 0) = 1", source=kexue(6377, "c15"), dtypes="wide",
     shape=choices((1, 1), (0, 0), (3, 2, 2), (0, 2, 2), (2, 1, 3, 3)))  # fmt: skip
def log_determinant_keeps_the_form(logabsdet, shape, space):
    """Identities, empty matrices, empty batches: exactly 0, in the leading shape and real dtype (which the call checks)."""
    M = np.zeros(shape, dtype=space.host_dtype)
    M[...] = np.eye(shape[-1])
    got = logabsdet(M)
    require(not got.any(), "log|det I| is not exactly 0", got=got, truth=np.zeros(shape[:-2]))
