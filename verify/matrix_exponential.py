r"""Laws of the matrix exponential: $\det e^A = e^{\operatorname{tr} A}$ and what follows for every A (SPEC 1, post 6377).

Notation: u unit roundoff; κ_exp(A) = ‖L(A)‖_F‖A‖_F/‖e^A‖_F the condition number of the exponential (L its Fréchet
derivative), κ(e^A) = ‖e^A‖_F‖e^{−A}‖_F. The forward error ‖Ê−e^A‖_F/‖e^A‖_F of a method that is as good as its input
allows is ε(A) = u·max(1, κ_exp(A)): rounding A alone already costs that much. Where e^A nearly vanishes, gradual
underflow adds n·(smallest subnormal)/‖e^A‖_F. Structured matrices have their own module, logarithms too.
"""

from __future__ import annotations

import math

import numpy as np

from detrace import Contract, Family, branch, judge, law, require
from detrace import oracles as exact
from detrace.laws import kexue
from detrace.oracles import ball, frobenius, identity
from detrace.strategies.matrices import batches, dyadic_matrices, leading_shape, square_matrices
from detrace.strategies.scalars import choices
from verify.bounds import as_accurate, forward_error, judge_exponential, together

FAMILY = Family("matrix_exponential", "Matrix exponential: det e^A = e^{tr A}", 1)

EXPM = Contract(
    "expm", "(n,n)->(n,n)", "e^A", FAMILY.name, aliases=("matrix_exp", "matrix_exponential", "expmat", "mexp", "exp_matrix")
)
EXPM_MULTIPLY = Contract("expm_multiply", "(n,n),(n,k)->(n,k)", "e^A V", FAMILY.name, aliases=("expm_apply", "expmv"))
LOGDET_EXPM = Contract(
    "logdet_expm", "(n,n)->()", "log|det e^A| = Re tr A", FAMILY.name, result="real", aliases=("expm_logdet", "log_det_expm")
)  # fmt: skip

NOT_FAR = ("dense", "zero", "diagonal", "triangular", "jordan", "symmetric", "graded", "integer", "permutation", "skew")


@law(r"e^{A} = \sum_{k \ge 0} A^k / k!", source=kexue(6377, 2, "c2", "c16"), A=square_matrices(), plot=True, least=200)
def exponential_is_its_series(expm, A, space):
    """The certified value of e^A, for every square A. Bound ε(A) = u·max(1, κ_exp(A)), κ_exp from the certified Fréchet
    derivative. (Higham, Functions of Matrices, 2008, ch. 10.)"""
    judge_exponential(expm(A), A, space)


@law(r"\det e^{A} = e^{\operatorname{tr} A}", source=kexue(6377, 1, 14, 15, 16, 19, "c15"), A=square_matrices(headroom=1.0))
def determinant_is_exponential_of_trace(expm, A, space):
    """For every square A, sign and phase included. Bound: Ê = e^A(I+Δ) gives det Ê·e^{−tr A} − 1 = det(I+Δ) − 1 and
    ‖Δ‖_F ≤ κ(e^A)·ε(A), so √n·κ(e^A)·ε(A), as |tr Δ| ≤ √n‖Δ‖_F. Undecided where e^A is too ill-conditioned. Blind to
    errors that keep the determinant."""
    E = ball(expm(A))
    c = len(A) ** 0.5 * exact.condition(A)
    judge(
        abs(exact.determinant(E) * (-ball(A).trace()).exp() - 1), *as_accurate(A, space, c), why="√n·κ(e^A)·u·max(1, κ_exp(A))",
        got=exact.floats(exact.determinant(E)), truth=exact.floats(ball(A).trace().exp()),
    )  # fmt: skip


@law(r"e^{A} e^{-A} = I", source=kexue(6377, 8, "c6"), A=square_matrices(headroom=1.0))
def inverse_is_exponential_of_minus(expm, A, space):
    """For every square A: e^A is invertible. Bound: the two factors err by ε(A)‖e^A‖ and ε(−A)‖e^{−A}‖, so the product by
    κ(e^A)(ε(A)+ε(−A)), relative to ‖I‖_F = √n."""
    product = ball(expm(A)) * ball(expm(-A))
    n = len(A)
    c = exact.condition(A) / n**0.5
    parts = [as_accurate(A, space, c), as_accurate(-A, space, c)]
    judge(frobenius(product - identity(n)) / n**0.5, *together(parts),
          why="κ(e^A)·(ε(A)+ε(−A))/√n", got=exact.floats(product), truth=np.eye(n))  # fmt: skip


@law(r"e^{(s+t)A} = e^{sA}\, e^{tA}", source=kexue(6377, 3, "c14"), A=square_matrices(headroom=2.0),
     times=choices((1.0, 1.0), (0.5, 0.5), (2.0, -1.0), (-1.0, -1.0), (1.0, -0.5), (0.25, 0.25)))  # fmt: skip
def exponential_is_a_semigroup(expm, A, times, space):
    """For every A and powers of two s, t whose sum is one (so that all three inputs are exact). Bound: the errors of the
    factors, times ‖e^{sA}‖‖e^{tA}‖/‖e^{(s+t)A}‖, and that of the left side."""
    s, t = times
    S, T, W = space.round(s * A), space.round(t * A), space.round((s + t) * A)
    left, right = ball(expm(W)), ball(expm(S)) * ball(expm(T))
    size = frobenius(exact.expm(W))
    c = float((frobenius(exact.expm(S)) * frobenius(exact.expm(T)) / size).abs_upper())
    parts = [as_accurate(S, space, c), as_accurate(T, space, c), as_accurate(W, space)]
    judge(frobenius(left - right) / size, *together(parts),
          why="(ε(sA)+ε(tA))·‖e^{sA}‖‖e^{tA}‖/‖e^{(s+t)A}‖ + ε((s+t)A)",
          got=exact.floats(right), truth=exact.floats(left))  # fmt: skip


@law(r"e^{P A P^{-1}} = P\, e^{A}\, P^{-1}", source=kexue(6377, 6, "c10"), A=square_matrices(headroom=20.0, max_n=5),
     powers=choices((0, 0, 0, 0, 0), (2, 0, 1, 0, 2), (0, 1, 2, 1, 0)), reverse=choices(False, True))  # fmt: skip
def similarity_passes_through(expm, A, powers, reverse, space):
    """P is a permutation times powers of two, so that PAP⁻¹ is exact. Bound: ε(PAP⁻¹) on the left; on the right ε(A)
    amplified by max pᵢ/pⱼ·‖e^A‖/‖e^{PAP⁻¹}‖ (at most 4 from P)."""
    n = len(A)
    p = 2.0 ** np.array(powers[:n])
    order = np.arange(n)[::-1] if reverse else np.arange(n)

    def conjugate(m: np.ndarray) -> np.ndarray:
        return (p[:, None] * m / p[None, :])[np.ix_(order, order)]

    B = space.round(conjugate(A))
    left, right = expm(B), conjugate(expm(A))
    size = frobenius(exact.expm(B))
    c = float((frobenius(exact.expm(A)) / size).abs_upper()) * p.max() / p.min()
    parts = [as_accurate(A, space, c), as_accurate(B, space)]
    judge(frobenius(ball(left) - ball(right)) / size, *together(parts),
          why="ε(PAP⁻¹) + ε(A)·‖P‖‖P⁻¹‖‖e^A‖/‖e^{PAP⁻¹}‖", got=left, truth=exact.floats(exact.expm(B)))  # fmt: skip


@law(r"e^{A^{\mathsf T}} = (e^{A})^{\mathsf T}, \quad e^{A^{*}} = (e^{A})^{*}", source="Higham 2008, th. 1.13",
     A=square_matrices(max_n=5))  # fmt: skip
def transpose_and_adjoint_commute_with_exponential(expm, A, space):
    """For every A. Bound 2·ε(A): both sides carry the same forward error, and κ_exp is the same for A, Aᵀ and A*."""
    E = expm(A)
    for turned, expected in ((A.T, E.T), (A.conj().T, E.conj().T)) if space.is_complex else ((A.T, E.T),):
        turned = np.ascontiguousarray(turned)
        error = frobenius(ball(expm(turned)) - ball(expected)) / frobenius(exact.expm(A))
        low, refine = as_accurate(A, space, 2.0)
        judge(error, low, refine=refine, why="2·u·max(1, κ_exp(A))", got=expected, truth=exact.floats(exact.expm(turned)))


@law(r"e^{A+B} = e^{A} e^{B} \text{ fails in general}", source=kexue(6377, 7), dtypes="wide",
     A=dyadic_matrices(n=2, denominator=2), B=dyadic_matrices(n=2, denominator=2))  # fmt: skip
def sum_of_noncommuting_differs_as_it_must(expm, A, B, space):
    """For 2×2 A, B with small dyadic entries: the computed e^{A+B} − e^A e^B equals the certified difference, so it is
    zero only where the true one is. Bound: ε(A+B)‖e^{A+B}‖ + (ε(A)+ε(B))‖e^A‖‖e^B‖, relative to ‖e^{A+B}‖."""
    truth = exact.expm(A + B) - exact.expm(A) * exact.expm(B)
    branch("commuting" if np.array_equal(A @ B, B @ A) else "non-commuting")
    got = ball(expm(A + B)) - ball(expm(A)) * ball(expm(B))
    size = frobenius(exact.expm(A + B))
    c = float((frobenius(exact.expm(A)) * frobenius(exact.expm(B)) / size).abs_upper())
    parts = [as_accurate(A, space, c), as_accurate(B, space, c), as_accurate(A + B, space)]
    judge(frobenius(got - truth) / size, *together(parts),
          why="ε(A+B) + (ε(A)+ε(B))·‖e^A‖‖e^B‖/‖e^{A+B}‖", got=exact.floats(got), truth=exact.floats(truth))  # fmt: skip


@law(r"AB = BA \Rightarrow e^{A+B} = e^{A} e^{B}", source=kexue(6377, "c4", "c5"), dtypes="wide",
     A=dyadic_matrices(max_n=3, denominator=4), c=choices(0.0, 1.0, -0.5))  # fmt: skip
def sum_of_commuting_becomes_product(expm, A, c, space):
    """B = A² + cI commutes with A; entries are dyadic, so A, B and A+B are exact. Bound as for any product of two
    computed exponentials: ε(A+B) + (ε(A)+ε(B))·‖e^A‖‖e^B‖/‖e^{A+B}‖."""
    B = A @ A + c * np.eye(len(A))
    got = ball(expm(A)) * ball(expm(B))
    left = expm(A + B)
    size = frobenius(exact.expm(A + B))
    k = float((frobenius(exact.expm(A)) * frobenius(exact.expm(B)) / size).abs_upper())
    parts = [as_accurate(A, space, k), as_accurate(B, space, k), as_accurate(A + B, space)]
    judge(frobenius(got - ball(left)) / size, *together(parts),
          why="ε(A+B) + (ε(A)+ε(B))·‖e^A‖‖e^B‖/‖e^{A+B}‖", got=left, truth=exact.floats(exact.expm(A + B)))  # fmt: skip


@law(r"\exp([A_1, \dots, A_b])_i = \exp(A_i)", source="SPEC 1: batches", batch=batches(), cost=2.0,
     shape=choices("flat", "column", "row"), least=20)  # fmt: skip
def batch_slices_are_independent(expm, batch, shape, space):
    """A batch mixes types and norms, tiny beside large, in any order and under any leading shape: each slice is as
    accurate as if it were alone. Bound ε(Aᵢ), with each slice's own κ_exp."""
    b = len(batch)
    lead = {"flat": (b,), "column": (b, 1), "row": (1, b)}[shape]
    results = expm(leading_shape(batch, lead)).reshape(batch.shape)
    for A, E in zip(batch, results, strict=True):
        judge_exponential(E, A, space)


@law(r"\left.\tfrac{d}{dt} e^{tA}\right|_{t=0} = A", source=kexue(6377, 3, "c14"), dtypes="wide",
     A=dyadic_matrices(max_n=4), k=choices(10, 14, 20, 30))  # fmt: skip
def derivative_at_zero_is_the_matrix(expm, A, k, space):
    """The difference quotient (e^{tA} − I)/t at t = 2^−k. Bound: Taylor's remainder t‖A‖²e^{t‖A‖}/2 and the rounding
    u·√n/t of a result near I, relative to max(1, ‖A‖)."""
    t = 2.0**-k
    norm = float(np.linalg.norm(A))
    quotient = (ball(expm(t * A)) - identity(len(A))) / t
    bound = t * norm**2 * math.exp(t * norm) / 2 + space.u * len(A) ** 0.5 / t
    judge(frobenius(quotient - ball(A)) / max(1.0, norm), bound / max(1.0, norm), why="t‖A‖²/2 + √n·u/t",
          got=exact.floats(quotient), truth=A)  # fmt: skip


@law(r"\langle W, L(A, E)\rangle = \langle L(A^{\mathsf T}, W), E\rangle", source=kexue(6377, "c13", "c14"), dtypes="real",
     needs="autodiff", A=square_matrices(kinds=NOT_FAR, max_n=4, headroom=4.0), W=dyadic_matrices(n=4), cost=2.0)  # fmt: skip
def gradient_is_the_adjoint_derivative(expm, A, W, space):
    """The gradient of ⟨W, e^A⟩ is L(Aᵀ, W), the top-right block of exp of M = [[Aᵀ, W],[0, Aᵀ]]. Bound: a method that
    evaluates that block (all known ones do, or are differentiated steps of e^A) errs by ε(M)‖e^M‖, with W scaled to
    ‖A‖ first since the block is linear in W."""
    n = len(A)
    W = W[:n, :n]
    if not W.any():
        W = np.eye(n)
    scale = 2.0 ** round(math.log2(max(float(np.linalg.norm(A)), 2.0**-20) / float(np.linalg.norm(W))))
    W = space.round(W * scale)
    M = np.block([[A.T, W], [np.zeros((n, n)), A.T]])
    truth = exact.frechet(ball(A.T), ball(W))
    gradient = expm.gradient(A, cotangent=W)
    size = frobenius(truth)
    if not float(size.abs_lower()) > 0.0:
        require(not gradient.any(), "the true gradient is zero", got=gradient)
        return
    c = float((frobenius(exact.expm(M)) / size).abs_upper())
    low, refine = as_accurate(M, space, c)
    judge(frobenius(ball(gradient) - truth) / size, low, refine=refine, why="ε(M)·‖e^M‖/‖L‖", got=gradient,
          truth=exact.floats(truth))  # fmt: skip


@law(r"\dot x = A x,\; x(0) = V \;\Rightarrow\; x(1) = e^{A} V", source=kexue(6377, 3), A=square_matrices(max_n=5),
     V=dyadic_matrices(n=5))  # fmt: skip
def exponential_times_vectors_solves_the_equation(expm_multiply, A, V, space):
    """The solution of the linear differential equation at time 1, for any number of columns. Bound: ε(A)‖e^A‖‖V‖ relative
    to ‖e^A V‖, plus underflow."""
    V = V[: len(A), :2]
    if not V.any():
        V = np.ones_like(V)
    truth = exact.expm_times(A, V)
    size = frobenius(truth)
    c = float((frobenius(exact.expm(A)) * frobenius(ball(V)) / size).abs_upper())
    low, refine = as_accurate(A, space, c, underflow_of=truth)
    got = expm_multiply(A, V)
    judge(frobenius(ball(got) - truth) / size, low, refine=refine, why="ε(A)·‖e^A‖‖V‖/‖e^A V‖", got=got,
          truth=exact.floats(truth))  # fmt: skip


@law(r"\log|\det e^{A}| = \operatorname{Re} \operatorname{tr} A", source=kexue(6377, 1, "c1"),
     A=square_matrices(reach=1e4, max_n=5))  # fmt: skip
def log_determinant_is_the_trace(logdet_expm, A, space):
    """For every A, also where e^A or its determinant overflows or vanishes (traces to ±1e4). Bound: n roundings of a sum,
    n·u·Σ|Re aᵢᵢ|."""
    diagonal = np.diag(A).real
    truth = ball(diagonal.sum() if not len(A) else 0.0)
    truth = sum((ball(x) for x in diagonal), truth * 0)
    got = logdet_expm(A)
    size = float(np.abs(diagonal).sum())
    if size == 0.0:
        require(float(got) == 0.0, "the trace of the zero diagonal is 0", got=got, truth=np.zeros(()))
        return
    judge(abs(ball(got) - truth) / size, len(A) * (space.u + space.underflow / size), why="n·u, relative to Σ|Re aᵢᵢ|",
          got=got, truth=exact.floats(truth))  # fmt: skip


@law(r"\frac{\partial}{\partial A} \log\det e^{A} = I", source=kexue(6377, 13, 17), dtypes="real", needs="autodiff",
     A=square_matrices(kinds=NOT_FAR, max_n=4, reach=1e3))  # fmt: skip
def gradient_of_log_determinant_is_identity(logdet_expm, A, space):
    """For every real A, by Jacobi's formula. Exact but for the roundings of a method that differentiates through e^A:
    bound n·u, relative to ‖I‖."""
    gradient = logdet_expm.gradient(A)
    judge(np.linalg.norm(gradient - np.eye(len(A))) / len(A) ** 0.5, len(A) * space.u, why="n·u", got=gradient,
          truth=np.eye(len(A)))  # fmt: skip


@law(r"\log|\det e^{tA}| = t \operatorname{Re}\operatorname{tr} A", source=kexue(6377, 17, 18), A=square_matrices(reach=16.0),
     t=choices(2.0, 0.5, -1.0, -4.0), least=40)  # fmt: skip
def log_determinant_is_linear_in_time(logdet_expm, A, t, space):
    """For every A and power of two t: f(t) = log|det e^{tA}| has f′ = Re tr A and f(0) = 0. Bound 2n·u·|t|Σ|Re aᵢᵢ|."""
    tA = space.round(t * A)
    A = tA / t  # a subnormal entry of tA may have been rounded
    size = float(np.abs(np.diag(A).real).sum()) * abs(t)
    got, expected = logdet_expm(tA), t * logdet_expm(A)
    if size == 0.0:
        require(float(got) == 0.0, "the trace of the zero diagonal is 0", got=got)
        return
    judge(abs(float(got) - float(expected)) / size, 2 * len(A) * (space.u + space.underflow / size),
          why="2n·u, relative to |t|Σ|Re aᵢᵢ|", got=got, truth=expected)  # fmt: skip


@law(r"\exp : \mathbb{K}^{\cdots \times n \times n} \to \mathbb{K}^{\cdots \times n \times n}", source="SPEC 1: form",
     shape=choices((1, 1), (2, 2), (0, 0), (0, 2, 2), (3, 0, 0), (2, 1, 3, 3), (2, 0, 2, 2)))  # fmt: skip
def exponential_keeps_the_form(expm, shape, space):
    """Empty matrices, empty batches and any leading shape keep shape, dtype and device (checked by every call), leave the
    input alone, and e^0 = I exactly: every method computes I + 0."""
    A = np.zeros(shape, dtype=space.host_dtype)
    E = expm(A)
    eye = np.broadcast_to(np.eye(shape[-1]), shape)
    require(bool((eye == E).all()), "e^0 is not exactly I", got=E, truth=eye)


@law(r"e^{A} \text{ does not depend on how } A \text{ lies in memory}", source="SPEC 1: form", A=square_matrices(max_n=4))
def memory_layout_does_not_matter(expm, A, space):
    """The same values as a column-major view. Bound 2·ε(A): the order of operations may differ, nothing else."""
    judge_exponential(expm.transposed_memory(A), A, space)


@law(r"a_{ij} = \mathrm{NaN} \Rightarrow e^{A} \text{ is not finite}", source="SPEC 1: non-finite input",
     bad=choices(np.nan, np.inf), n=choices(1, 2, 3), where=choices("first", "last", "corner"))  # fmt: skip
def nothing_finite_comes_of_nan(expm, bad, n, where, space):
    """An array with a NaN or +inf entry, on the diagonal or in the upper right corner, beside a good slice: an exception, or a
    bad slice that is not finite and a good slice that is right. A finite answer would be a silent lie."""
    A = np.zeros((2, n, n), dtype=space.host_dtype)
    A[1] = np.eye(n) / 2
    A[0][(n - 1 if where == "last" else 0), (0 if where == "first" else n - 1)] = bad
    if expm.raises(A) is not None:
        require(True, "")
        return
    E = expm(A)
    require(not np.isfinite(E[0]).all(), f"a matrix with {bad} gave a finite result", got=E[0])
    judge_exponential(E[1], A[1], space)


@law(r"|e^{A}|_{ij} > \max \Rightarrow \text{no finite } \hat e_{ij}", source="SPEC 1: overflow",
     A=square_matrices(kinds=("scalar", "diagonal", "symmetric", "triangular", "dense"), reach=2.0, max_n=3),
     times=choices(1.0, 2.0, 8.0), least=60)  # fmt: skip
def overflow_is_never_a_wrong_finite(expm, A, times, space):
    """Norms around and beyond log(max): an entry whose true modulus exceeds the largest number (by more than its own
    error bound) must not come out finite; where nothing overflows the value is right."""
    A = space.round(A * times * math.log(space.max) / 2)
    truth, E = exact.expm(A), expm(A)
    slack = 1 + 30 * space.u * exact.exp_condition(A).lower * len(A)
    over = np.array([float(abs(z).abs_lower()) / slack > space.max for z in exact.entries(truth)]).reshape(A.shape)
    branch("overflow" if over.any() else "finite")
    wrong = over & np.isfinite(E)
    require(not wrong.any(), "an entry that overflows came out finite", got=E, truth=exact.floats(truth))
    if not over.any() and np.isfinite(E).all() and float(frobenius(truth).abs_upper()) < space.max / 1e3:
        judge(forward_error(E, truth), *as_accurate(A, space, underflow_of=truth), why="u·max(1, κ_exp(A))", got=E)
