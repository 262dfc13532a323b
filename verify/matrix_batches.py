r"""Laws of matrix functions in batches and at sizes beyond a few rows (SPEC 1: batches; 6377).

Each slice of a batch is as accurate as if it were alone, whatever lies beside it. ε(A) as in `verify.matrix_exponential`; the
other bounds are those of the single matrix.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from flint import arb

from detrace import branch, judge, law, require
from detrace import oracles as exact
from detrace.laws import each
from detrace.oracles import ball, frobenius
from detrace.strategies.matrices import batches, dyadic_matrices, square_matrices
from detrace.strategies.scalars import choices
from verify.bounds import as_accurate, forward_error, judge_exponential, underflow
from verify.matrix_exponential import NOT_FAR
from verify.matrix_logarithm import judge_logarithm, series

BATCHES = "SPEC 1: batches"
SIZES = "SPEC 1: sizes at which methods change"
MAGNITUDES = (1.0, 2.0**-20, 2.0**-3, 2.0**-40)
"""By what the slices of a batch are scaled."""


@law(r"\exp([A_1, \dots, A_b])_i = \exp(A_i),\quad b \ge 128", source=BATCHES, step=choices(1, 3, 7), cost=8.0,
     batch=batches(kinds=NOT_FAR, min_batch=2, far_away=False))  # fmt: skip
def large_batches_are_as_accurate(expm, batch, step, space):
    """Long batches of small matrices, where libraries change to another product or take several slices at a time: a few
    matrices of mixed types and norms, each many times but the last, so that few truths are needed. Bound ε(Aᵢ) for every
    result that differs from the others of its matrix."""
    index = np.arange(130) * step % (len(batch) - 1)
    index[-1] = len(batch) - 1
    results = expm(batch[index])
    for i, A in enumerate(batch):
        for E in np.unique(results[index == i], axis=0):
            judge_exponential(E, A, space)


@law(r"A^{*}A = AA^{*} \Rightarrow \kappa_{\exp}(A) = \|A\|_F\,\|e^{A}\|_2/\|e^{A}\|_F", source=SIZES, cost=25.0,
     A=square_matrices(kinds=("symmetric", "skew"), min_n=7, max_n=24, headroom=1.0), least=10)  # fmt: skip
def large_normal_matrices_are_as_accurate(expm, A, space):
    """Hermitian and skew matrices up to 24×24, past the sizes where blocked and batched kernels begin. Bound u·max(1, κ_exp):
    for a normal A the Fréchet derivative's norm is the largest divided difference of exp on the spectrum, at most
    max e^{Re λ} = ‖e^A‖₂, and L(A, vv*) = e^λ vv* for an eigenvector v attains that."""
    truth, E = exact.expm(A), expm(A)
    size = frobenius(truth)
    branch("n > 16" if len(A) > 16 else "n ≤ 16")
    kappa = float((frobenius(ball(A)) * exact.spectral_norm(truth) / size).abs_upper())
    judge(forward_error(E, truth), space.u * max(1.0, kappa) + underflow(space, truth), why="u·max(1, ‖A‖_F‖e^A‖₂/‖e^A‖_F)",
          got=E, truth=exact.floats(truth))  # fmt: skip


@law(r"\bigl(e^{c(P - I)}\bigr)_{ij} = \sum_{m \ge 0} e^{-c} \frac{c^{k+mn}}{(k+mn)!},\; k = (j - i) \bmod n", source=SIZES,
     dtypes="wide", n=choices(400, 64, 512, few=1), c=choices(20.0, 48.0, 320.0, 2.0), cost=50.0, least=4)  # fmt: skip
def walk_around_a_large_cycle_is_poisson(expm, n, c, space):
    """Hundreds of rows, where methods estimate norms: steps to the next of n states (P shifts by one), Poisson many of them.
    A = c(P - I) is normal: κ_exp = ‖A‖_F‖e^A‖₂/‖e^A‖_F as for `large_normal_matrices_are_as_accurate`, ‖A‖_F = c√(2n) and
    ‖e^A‖₂ = 1. Bound u·max(1, κ_exp), and 2⁻⁵³ for the truth, in double precision; underflow is nothing beside ‖e^A‖_F ≥ 1."""
    A = np.zeros((n, n), dtype=space.host_dtype)
    np.fill_diagonal(A, -c)
    A[np.arange(n), np.arange(1, n + 1) % n] = c
    weights = _poisson_steps(n, float(c))
    truth = weights[(np.arange(n) - np.arange(n)[:, None]) % n]
    size, E = float(np.linalg.norm(truth)), expm(A)
    judge(float(np.linalg.norm(E - truth)) / size, space.u * max(1.0, c * (2 * n) ** 0.5 / size) + 2.0**-53,
          why="u·max(1, ‖A‖_F/‖e^A‖_F) + 2⁻⁵³", got=E[0], truth=weights)  # fmt: skip


@cache
def _poisson_steps(n, c):
    """The probabilities (n,) of a Poisson number of mean c modulo n, to double precision: from 2c on terms at least halve."""
    with exact.precision(128):
        found, term, k = [arb(0)] * n, (-arb(c)).exp(), 0
        while k < 2 * c or term > 2.0**-128:
            found[k % n] += term
            k += 1
            term = term * c / k
        return np.array([float(w) for w in found])


@law(r"e^{[A_1, \dots, A_b]} [V_1, \dots, V_b] = [e^{A_1}V_1, \dots]", source=BATCHES,
     batch=batches(kinds=NOT_FAR, far_away=False), V=dyadic_matrices(n=4), columns=choices(1, 2, 4), cost=2.0)  # fmt: skip
def exponentials_times_vectors_of_a_batch(expm_multiply, batch, V, columns, space):
    """Each slice with columns of its own. Bound: ε(Aᵢ)‖e^{Aᵢ}‖‖Vᵢ‖ relative to ‖e^{Aᵢ}Vᵢ‖, plus underflow."""
    n = batch.shape[-1]
    V = np.stack([np.roll(V[:n, :columns], i, axis=0) + (i + 1) * np.eye(n, columns) for i in range(len(batch))])
    for A, v, got in zip(batch, V, expm_multiply(batch, V), strict=True):
        if not v.any():
            require(not got.any(), "e^A 0 is not exactly 0", got=got)
            continue
        truth = exact.expm_times(A, v)
        size = frobenius(truth)
        c = float((frobenius(exact.expm(A)) * frobenius(ball(v)) / size).abs_upper())
        low, refine = as_accurate(A, space, c, underflow_of=truth)
        judge(frobenius(ball(got) - truth) / size, low, refine=refine, why="ε(A)·‖e^A‖‖V‖/‖e^A V‖", got=got,
              truth=exact.floats(truth))  # fmt: skip


@law(r"\log|\det e^{[A_1, \dots, A_b]}| = [\operatorname{Re}\operatorname{tr} A_1, \dots]", source=BATCHES, batch=batches(),
     lead=choices("flat", "column"))  # fmt: skip
def log_determinants_of_a_batch(logdet_expm, batch, lead, space):
    """A trace for each slice, in any leading shape. Bound: n·u·Σ|Re aᵢᵢ| of the slice."""
    b, n = batch.shape[:2]
    got = logdet_expm(batch if lead == "flat" else batch[:, None]).reshape(b)
    for A, value in zip(batch, got, strict=True):
        diagonal = np.diag(A).real
        truth, size = sum((ball(x) for x in diagonal), ball(0.0)), float(np.abs(diagonal).sum())
        bound = n * space.u * size + n * space.underflow
        judge(abs(ball(value) - truth), bound, scale=size or 1.0, why="n·u·Σ|Re aᵢᵢ|", got=value, truth=exact.floats(truth))


@law(r"\log|\det [M_1, \dots, M_b]| = [\log|\det M_1|, \dots]", source=BATCHES, dtypes="wide", M=dyadic_matrices(n=3),
     k=choices(0, 20, -20))  # fmt: skip
def log_determinants_by_elimination_of_a_batch(logabsdet, M, k, space):
    """Integer matrices plus 16·I, each slice at a scale of its own. Bound n·u·(κ(M) + n·|k|·log 2), as for one of them."""
    slices = [(M.T if i % 2 else M) + (16 + i) * np.eye(3) for i in range(3)]
    powers = (0, k, -k)
    got = logabsdet(np.stack([m * 2.0**j for m, j in zip(slices, powers, strict=True)]).astype(space.host_dtype))
    for m, j, value in zip(slices, powers, got, strict=True):
        kappa = float((frobenius(ball(m)) * frobenius(ball(m).inv())).abs_upper())
        truth = abs(exact.determinant(ball(m * 2.0**j))).log()
        judge(abs(ball(value) - truth), 3 * space.u * (kappa + 3 * (abs(j) + 6) * np.log(2)), why="n·u·(κ(M) + n·|k|·log 2)",
              got=value, truth=exact.floats(truth))  # fmt: skip


@law(r"\log(I + [A_1, \dots, A_b])_i = \log(I + A_i)", source=BATCHES, dtypes="wide",
     A=dyadic_matrices(max_n=3, denominator=64), order=choices(0, 1, 2, 3), cost=3.0)  # fmt: skip
def logarithms_of_a_batch(log1pm, A, order, space):
    """One matrix and its transpose at four magnitudes from 1 to 2⁻⁴⁰ in any order: the smallest keeps its digits beside the
    largest. Bound u·κ_log of each slice."""
    A = A if A.any() else np.eye(len(A)) / 64
    slices = [(A.T if i % 2 else A) * c for i, c in enumerate(np.roll(MAGNITUDES, order))]
    for a, L in zip(slices, log1pm(np.stack(slices).astype(space.host_dtype)), strict=True):
        judge_logarithm(L, a, series(a), space)


@law(r"a_{ij} = \mathrm{NaN} \Rightarrow \text{no finite result}", source="SPEC 1: non-finite input",
     function=each("logdet_expm", "logabsdet", "log1pm"), bad=choices(np.nan, np.inf), n=choices(1, 2, 3))  # fmt: skip
def determinants_and_logarithms_show_nan(function, bad, n, space):
    """A slice with NaN or ∞ (in a corner; on the diagonal for the trace, which reads nothing else) beside a good one: an
    exception, or that slice is not finite and its neighbour is right: log det e^{I/2} = n/2, log|det ½I| = −n log 2,
    log(I + ½I) = log 1.5·I. Bound for the neighbour: 4n·u."""
    A = np.full((2, n, n), 0.25, dtype=space.host_dtype) + np.eye(n) / 2
    A[1] = np.eye(n) / 2
    A[0, -1 if function.contract.name == "logdet_expm" else 0, n - 1] = bad
    if function.raises(A) is not None:
        require(True, "")
        return
    got = function(A)
    require(not np.isfinite(got[0]).all(), f"a matrix with {bad} gave a finite result", got=got[0])
    due = {"logdet_expm": n / 2, "logabsdet": -n * np.log(2.0), "log1pm": np.log(1.5) * np.eye(n)}[function.contract.name]
    judge(float(np.max(np.abs(got[1] - due))), 4 * n * space.u, why="4n·u", got=got[1], truth=due)


@law(r"A \notin \mathbb{K}^{n \times n} \mapsto \text{error}", source="SPEC 1: form",
     function=each("expm", "logabsdet", "log1pm"), shape=choices((2, 3), (3, 2), (1, 2), (2, 2, 1)))  # fmt: skip
def matrices_that_are_not_square_are_refused(function, shape, space):
    """Rows and columns that differ in number, in a batch too: an error, never a number; log det e^A is left out, since a plain
    trace is right where it is defined. No tolerance."""
    A = np.zeros(shape, dtype=space.host_dtype)
    require(function.raises(A) is not None, f"a matrix of shape {shape} gave a result; an error is due", got=A)


@law(r"\det M = 0 \Rightarrow \log|\det M| = -\infty", source="SPEC 1: determinants", M=dyadic_matrices(max_n=4),
     i=choices(0, 1, 2, 3), side=choices("row", "column"))  # fmt: skip
def singular_matrices_have_no_finite_logarithm(logabsdet, M, i, side, space):
    """A row or a column of zeros, beside an invertible slice: elimination leaves a pivot that is exactly 0, so −∞, without an
    exception; log|det ½I| = −n log 2 beside it. Bound for that: 4n·u."""
    n = len(M)
    M = M.astype(space.host_dtype)
    M[(i % n, slice(None)) if side == "row" else (slice(None), i % n)] = 0.0
    first, second = logabsdet(np.stack([M, np.eye(n) / 2]).astype(space.host_dtype))
    require(bool(first == -np.inf), "log|det M| of a singular matrix is not −∞", got=first, truth=-np.inf)
    judge(abs(float(second) + n * np.log(2.0)), 4 * n * space.u, why="4n·u", got=second, truth=-n * np.log(2.0))


@law(r"v \in \{\pm1\}^n:\quad \log(I + \tfrac{c}{n}vv^{\mathsf T}) = \tfrac{\log(1+c)}{n}\,vv^{\mathsf T}", source=SIZES,
     dtypes="wide", n=choices(8, 16, 32), c=choices(1.0, -0.5, 3.0, 2.0**-20, -0.875), step=choices(1, 3, 5))  # fmt: skip
def logarithm_of_a_large_projector(log1pm, n, c, step, space):
    """Multiples of a projector whose entries are exactly ±1/n, n up to 32. A normal matrix: ‖K⁻¹‖₂ is the largest divided
    difference of log on {1, 1+c}, max(1, 1/(1+c)); so u(1 + that·|c|/|log(1+c)|)."""
    v = np.where(np.arange(n) * step % 7 % 3 == 0, -1.0, 1.0)
    P = np.outer(v, v) / n
    truth = ball(P) * (ball(c) + 1).log()
    L = log1pm((c * P).astype(space.host_dtype))
    judge(forward_error(L, truth), space.u * (1 + max(1.0, 1 / (1 + c)) * abs(c / np.log1p(c))),
          why="u(1 + max(1, 1/(1+c))·|c|/|log(1+c)|)", got=L, truth=exact.floats(truth))  # fmt: skip


@law(r"a_{ij} = \mathrm{NaN} \text{ or } v_{jk} = \mathrm{NaN} \Rightarrow e^{A}V \text{ is not finite}",
     source="SPEC 1: non-finite input", bad=choices(np.nan, np.inf), where=choices("matrix", "vectors"),
     n=choices(1, 2, 3))  # fmt: skip
def exponential_times_vectors_shows_nan(expm_multiply, bad, where, n, space):
    """One entry of A or of V that is NaN or ∞: an exception, or a result that is not finite. No tolerance."""
    A, V = np.full((n, n), 0.25).astype(space.host_dtype), np.ones((n, 2)).astype(space.host_dtype)
    (A if where == "matrix" else V)[0, -1] = bad
    if expm_multiply.raises(A, V) is not None:
        require(True, "")
        return
    got = expm_multiply(A, V)
    require(not np.isfinite(got).all(), f"finite result although the {where} hold {bad}", got=got)
