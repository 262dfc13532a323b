r"""Laws of the matrix exponential on structured matrices: closed forms, invariants, inequalities (SPEC 1, post 6377).

ε(A) = u·max(1, κ_exp(A)) as in `verify.matrix_exponential`. A closed form is computed in ball arithmetic from the exact
input, so these laws do not rest on the general oracle, and check it too.
"""

from __future__ import annotations

import math

import numpy as np
from flint import acb, acb_mat, arb

from detrace import branch, judge, law, require
from detrace import oracles as exact
from detrace.laws import kexue
from detrace.oracles import ball, frobenius, identity
from detrace.strategies.matrices import before_overflow, dyadic_matrices, square_matrices, unimodular_pairs
from detrace.strategies.scalars import choices, scalars
from verify.bounds import as_accurate, forward_error, judge_exponential, together


@law(r"A^{n} = 0 \Rightarrow e^{A} = \sum_{k<n} A^k / k!", source=kexue(6377, 2, "c12"),
     A=square_matrices(kinds=("nilpotent",)))  # fmt: skip
def nilpotent_series_is_finite(expm, A, space):
    """Strictly upper triangular A of any norm (the spectral radius is 0, so a norm says nothing about e^A). Bound ε(A)."""
    term = total = identity(len(A))
    for k in range(1, len(A)):
        term = term * ball(A) / k
        total = total + term
    judge_exponential(expm(A), A, space, total)


@law(r"P^2 = P \Rightarrow e^{tP} = I + (e^{t} - 1) P", source="SPEC 1: closed forms", dtypes="wide", pair=unimodular_pairs(),
     rank=choices(1, 2, 0), t=choices(1.0, -1.0, 0.125, -8.0, 3.5))  # fmt: skip
def idempotent_moves_only_its_range(expm, pair, rank, t, space):
    """Oblique projectors P = S·diag(1,…,0)·S⁻¹ with an integer S and its integer inverse, so that tP is exact. Bound ε(tP)."""
    S, inverse = pair
    P = S[:, :rank] @ inverse[:rank]
    A = (t * P).astype(space.host_dtype)
    truth = identity(len(P)) + ball(P) * (ball(t).exp() - 1)
    judge_exponential(expm(A), A, space, truth)


@law(r"A = P \Lambda P^{-1} \Rightarrow e^{A} = P e^{\Lambda} P^{-1}", source=kexue(6377, 4, 5, 6, "c3", "c10"), dtypes="wide",
     pair=unimodular_pairs(), eigenvalues=dyadic_matrices(n=4, denominator=2))  # fmt: skip
def diagonalisation_carries_over(expm, pair, eigenvalues, space):
    """P and P⁻¹ integer, Λ dyadic, so A = PΛP⁻¹ is exact and its exponential is P·diag(e^{λᵢ})·P⁻¹. Bound ε(A)."""
    P, inverse = pair
    lam = eigenvalues[0, : len(P)]
    A = (P * lam) @ inverse
    diagonal = acb_mat(len(P), len(P))
    for i, x in enumerate(lam):
        diagonal[i, i] = ball(x).exp()
    truth = ball(P) * diagonal * ball(inverse)
    judge_exponential(expm(A), A, space, truth)


@law(r"A^{*} = -A \Rightarrow (e^{A})^{*} e^{A} = I", source="SPEC 1: closed forms",
     A=square_matrices(kinds=("skew",)), least=100)  # fmt: skip
def skew_exponential_is_unitary(expm, A, space):
    """Skew-Hermitian A up to large norms: e^A is orthogonal or unitary. Bound: Ê = Q(I+Δ) with ‖Δ‖_F ≤ √n·ε(A), so
    ‖Ê*Ê − I‖_F/√n ≤ 2ε(A) to first order."""
    E = ball(expm(A))
    n = len(A)
    low, refine = as_accurate(A, space, 2.0)
    judge(frobenius(E.conjugate().transpose() * E - identity(n)) / n**0.5, low, refine, why="2·u·max(1, κ_exp(A))",
          got=exact.floats(E), truth=exact.floats(exact.expm(A)))  # fmt: skip


@law(r"e^{cI} = e^{c} I", source="SPEC 1: closed forms", c=scalars(), n=choices(1, 2, 3, 5, 8))
def scalar_multiple_of_identity(expm, c, n, space):
    """c·I for c log-uniform up to overflow, n×n; n = 1 is the scalar exponential. κ_exp(cI) = |c|·‖L‖ with L(E) = e^c E, so
    the bound is u·max(1, |c|), plus underflow."""
    c = c if abs(c) <= before_overflow(space, n) else c / 2
    c = space.round(np.asarray(c)).reshape(())
    A = c * np.eye(n)
    truth = identity(n) * ball(c).exp()
    size = float(abs(ball(c).exp()).abs_lower())
    bound = space.u * max(1.0, float(abs(c))) + (space.underflow / size if size > 0 else math.inf)
    E = expm(A)
    judge(forward_error(E, truth), bound, why="u·max(1, |c|)", got=E, truth=exact.floats(truth))


@law(r"e^{\operatorname{diag}(a)} = \operatorname{diag}(e^{a_1}, \dots, e^{a_n})", source=kexue(6377, "c3"),
     A=square_matrices(kinds=("diagonal",)), spread=choices(0, 8, 40))  # fmt: skip
def diagonal_is_entrywise(expm, A, spread, space):
    """Each diagonal entry to its own relative accuracy, not that of the largest; entry i also 2^(−8i) or 2^(−40i) of the first.
    Every step of scaling and squaring acts on a diagonal matrix entry by entry, and a scalar e^{a} = (e^{a/2ˢ})^{2ˢ} with
    2ˢ ≤ 2‖A‖ multiplies a relative error u by 2ˢ: bound u·max(1, ‖A‖_F), per entry, plus underflow; exact zeros elsewhere."""
    A = space.round(A * 2.0 ** -(spread * np.arange(len(A))))
    E = expm(A)
    require(not (E - np.diag(np.diag(E))).any(), "off-diagonal entries are not zero", got=E)
    norm = max(1.0, float(np.linalg.norm(A)))
    for a, e in zip(np.diag(A), np.diag(E), strict=True):
        truth = ball(a).exp()
        size = float(abs(truth).abs_lower())
        bound = space.u * norm + (space.underflow / size if size > 0.0 else math.inf)
        judge(abs(ball(e) - truth) / abs(truth), bound, why="u·max(1, ‖A‖)", got=e, truth=exact.floats(truth))


@law(r"e^{\lambda I + \mu N} = e^{\lambda} \sum_{k<n} \mu^k N^k / k!", source=kexue(6377, "c12"),
     A=square_matrices(kinds=("jordan",), min_n=2))  # fmt: skip
def jordan_block_has_no_eigenbasis(expm, A, space):
    """A Jordan block λI + μN: defective, so diagonalisation fails. Closed form on the k-th superdiagonal: e^λ μᵏ/k!.
    Bound ε(A)."""
    n = len(A)
    scale, mu = ball(A[0, 0]).exp(), ball(A[0, 1])
    truth = acb_mat(n, n)
    for k in range(n):
        entry = scale * mu**k / arb(math.factorial(k))
        for i in range(n - k):
            truth[i, i + k] = entry
    judge_exponential(expm(A), A, space, truth)


@law(r"b_{ii} = \lambda_i,\; b_{i,i+1} = \mu_i \Rightarrow (e^{B})_{ij} ="
     r" \mu_i \cdots \mu_{j-1} \exp[\lambda_i, \ldots, \lambda_j]", source="Opitz 1964; Higham 2008, sec. 10.4.3",
     A=square_matrices(kinds=("confluent",), min_n=2), lower=choices(False, True), least=60)  # fmt: skip
def divided_differences_fill_the_triangle(expm, A, lower, space):
    """Two diagonals, upper or lower, eigenvalues that differ by one rounding up to a half: (e^μ - e^λ)/(μ - λ) cancels, the
    matrix does not (κ_exp is small). Divided differences by their recursion, in balls. Bound ε(A)."""
    A = np.triu(np.tril(A, 1))
    n = len(A)

    def compute():
        entries = acb_mat(n, n)
        for i in range(n):
            factor = acb(1)
            for j in range(i, n):
                entries[i, j] = factor * _divided_difference(sorted(np.diag(A)[i : j + 1].tolist(), key=_by_parts))
                if j + 1 < n:
                    factor = factor * ball(A[j, j + 1])
        return entries

    truth = exact.certify(compute)
    if lower:
        A, truth = np.ascontiguousarray(A.T), truth.transpose()
    judge_exponential(expm(A), A, space, truth)


def _by_parts(z):
    return z.real, z.imag


def _divided_difference(nodes):
    """exp[λ₁, …, λₖ] of sorted nodes: e^λ/(k-1)! where all are equal, else (exp[λ₂, …, λₖ] - exp[λ₁, …, λₖ₋₁])/(λₖ - λ₁)."""
    first, last = nodes[0], nodes[-1]
    if first == last:
        return ball(last).exp() / math.factorial(len(nodes) - 1)
    return (_divided_difference(nodes[1:]) - _divided_difference(nodes[:-1])) / (ball(last) - ball(first))


@law(r"\exp\begin{pmatrix} B & X \\ 0 & C \end{pmatrix} = \begin{pmatrix} e^{B} & * \\ 0 & e^{C} \end{pmatrix}",
     source="Higham 2008, th. 1.13", A=square_matrices(min_n=2, max_n=5, headroom=1.0),
     k=choices(1, 2), coupled=choices(True, False))  # fmt: skip
def blocks_keep_to_themselves(expm, A, k, coupled, space):
    """Block triangular and block diagonal matrices, cut after row k: the diagonal blocks of e^A are the exponentials of
    the blocks, the lower left block is 0. Bound: ε(A)‖e^A‖ of the whole plus ε of each block, relative to ‖e^A‖."""
    k = min(k, len(A) - 1)
    A = A.copy()
    A[k:, :k] = 0.0
    if not coupled:
        A[:k, k:] = 0.0
    B, C = np.ascontiguousarray(A[:k, :k]), np.ascontiguousarray(A[k:, k:])
    E = expm(A)
    size = frobenius(exact.expm(A))
    parts = [as_accurate(A, space)]
    error = frobenius(ball(E[k:, :k]))
    for block, got in ((B, E[:k, :k]), (C, E[k:, k:])):
        error = error + frobenius(ball(got) - ball(expm(block)))
        parts.append(as_accurate(block, space, float((frobenius(exact.expm(block)) / size).abs_upper())))
    judge(error / size, *together(parts), why="ε(A) + Σ ε(block)·‖e^block‖/‖e^A‖",
          got=E, truth=exact.floats(exact.expm(A)))  # fmt: skip


@law(r"e^{A \oplus B} = e^{A} \otimes e^{B}", source="Higham 2008, th. 10.9", dtypes="wide", cost=2.0,
     A=dyadic_matrices(max_n=3, denominator=4), B=dyadic_matrices(n=2, denominator=4))  # fmt: skip
def kronecker_sum_becomes_product(expm, A, B, space):
    """A⊗I + I⊗B with dyadic entries (the sum is exact). Bound ε(A⊕B) + ε(A) + ε(B): ‖X⊗Y‖_F = ‖X‖_F‖Y‖_F, so nothing is
    amplified."""
    K = np.kron(A, np.eye(2)) + np.kron(np.eye(len(A)), B)
    parts = [as_accurate(m, space) for m in (K, A, B)]
    left, right = expm(K), _kronecker(ball(expm(A)), ball(expm(B)))
    size = frobenius(exact.expm(K))
    judge(frobenius(ball(left) - right) / size, *together(parts),
          why="ε(A⊕B) + ε(A) + ε(B)", got=left, truth=exact.floats(exact.expm(K)))  # fmt: skip


@law(r"Q \mathbf{1} = 0,\; q_{ij} \ge 0\,(i \ne j) \Rightarrow e^{Q} \text{ is stochastic}", source="Higham 2008, sec. 2.3",
     Q=square_matrices(kinds=("generator",)))  # fmt: skip
def generator_of_a_chain_gives_probabilities(expm, Q, space):
    """Generators of Markov chains up to large rates: rows of e^Q sum to 1 and no entry is negative. Bound ε(Q)‖e^Q‖_F on any
    entry; √n of it on a row sum. (The rows of Q sum to 0 only to u‖Q‖, whose effect is κ_exp·u and thus inside ε.)"""
    E = expm(Q)
    n = len(Q)
    low, refine = as_accurate(Q, space, float(frobenius(exact.expm(Q)).abs_upper()) * n**0.5)
    rows = max((abs(sum((ball(x) for x in row), acb(0)) - 1) for row in E), key=lambda x: float(x.abs_upper()))
    judge(rows, low, refine, why="√n·ε(Q)·‖e^Q‖", got=E, truth=exact.floats(exact.expm(Q)))
    negative = max(0.0, float(-E.real.min()))
    judge(negative, low, refine, why="√n·ε(Q)·‖e^Q‖", got=E, truth=exact.floats(exact.expm(Q)))


@law(r"A = A^{*} \Rightarrow e^{A} = (e^{A})^{*} > 0", source="Higham 2008, sec. 10.1",
     A=square_matrices(kinds=("symmetric",)), v=dyadic_matrices(n=6))  # fmt: skip
def symmetric_stays_positive(expm, A, v, space):
    """Hermitian A: e^A is Hermitian and v*e^A v > 0. Bound: 2ε(A)‖e^A‖ for the asymmetry, ε(A)‖e^A‖‖v‖² for the form."""
    E = expm(A)
    size = frobenius(exact.expm(A))
    low, refine = as_accurate(A, space, 2.0)
    judge(frobenius(ball(E) - ball(E.conj().T)) / size, low, refine, why="2·ε(A)", got=E, truth=exact.floats(exact.expm(A)))
    w = v[0, : len(A)]
    form = (ball(w).conjugate().transpose() * ball(E) * ball(w))[0, 0].real
    weight = float((frobenius(ball(w)) ** 2 * size).abs_upper())
    if weight > 0.0:
        judge(max(0.0, -float(form.mid())) / weight, low, refine, why="2·ε(A)", got=E)


@law(r"\operatorname{tr} e^{A+B} \le \operatorname{tr} e^{A} e^{B}", source="Golden 1965; Thompson 1965", dtypes="wide",
     A=dyadic_matrices(n=3, denominator=2), B=dyadic_matrices(n=3, denominator=2))  # fmt: skip
def golden_thompson_inequality(expm, A, B, space):
    """Hermitian A, B with dyadic entries. Bound: the errors of the three exponentials carried through the traces,
    √n·ε(A+B)‖e^{A+B}‖ + (ε(A)+ε(B))‖e^A‖‖e^B‖, relative to tr e^A e^B."""
    A, B = A + A.conj().T, B + B.conj().T
    left, right = ball(expm(A + B)).trace().real, (ball(expm(A)) * ball(expm(B))).trace().real
    size = (exact.expm(A) * exact.expm(B)).trace().real
    c = float((frobenius(exact.expm(A)) * frobenius(exact.expm(B)) / size).abs_upper())
    d = float((frobenius(exact.expm(A + B)) / size).abs_upper()) * 3**0.5
    parts = [as_accurate(A, space, c), as_accurate(B, space, c), as_accurate(A + B, space, d)]
    gap = (left - right) / size
    branch("commuting" if np.array_equal(A @ B, B @ A) else "strict")
    judge(max(0.0, float(gap.mid())), *together(parts),
          why="errors of three exponentials through the traces", got=exact.floats(left), truth=exact.floats(right))  # fmt: skip


@law(r"e^{iA} = \cos A + i \sin A,\; \sin^2 A + \cos^2 A = I", source=kexue(6377, 9, "c5"), dtypes="complex",
     A=dyadic_matrices(max_n=4))  # fmt: skip
def sine_and_cosine_are_parts_of_the_exponential(expm, A, space):
    """For real A: Re e^{iA} and Im e^{iA} are the series of cos and sin (certified), and sin²A + cos²A = I. Bound ε(iA)‖e^{iA}‖
    for each part, 2ε(iA)‖e^{iA}‖² for the identity."""
    iA = 1j * A.real
    E, truth = expm(iA), exact.expm(iA)
    judge_exponential(E, iA, space, truth)
    C, S = ball(E.real), ball(E.imag)
    size = frobenius(truth) ** 2
    low, refine = as_accurate(iA, space, 2.0)
    judge(frobenius(C * C + S * S - identity(len(A))) / size, low, refine, why="2·ε(iA), relative to ‖e^{iA}‖²", got=E)


@law(r"AB = BA \Rightarrow \sin(A+B) = \sin A \cos B + \sin B \cos A", source=kexue(6377, 10), dtypes="complex",
     A=dyadic_matrices(max_n=3, denominator=4), c=choices(0.5, -1.0, 2.0))  # fmt: skip
def sine_of_a_commuting_sum(expm, A, c, space):
    """B = A² + cI for real dyadic A. Bound: ε(i(A+B))‖e^{i(A+B)}‖ on the left, 2(ε(iA)+ε(iB))‖e^{iA}‖‖e^{iB}‖ on the right (two
    products), relative to their sum."""
    A = A.real
    B = A @ A + c * np.eye(len(A))
    X, Y, Z = 1j * A, 1j * B, 1j * (A + B)
    EX, EY, EZ = (expm(m) for m in (X, Y, Z))
    right = ball(EX.imag) * ball(EY.real) + ball(EY.imag) * ball(EX.real)
    product = frobenius(exact.expm(X)) * frobenius(exact.expm(Y))
    size = frobenius(exact.expm(Z)) + product
    c1, c2 = float((product / size).abs_upper()), float((frobenius(exact.expm(Z)) / size).abs_upper())
    parts = [as_accurate(X, space, 2 * c1), as_accurate(Y, space, 2 * c1), as_accurate(Z, space, c2)]
    judge(frobenius(ball(EZ.imag) - right) / size, *together(parts),
          why="ε(i(A+B)) + 2(ε(iA)+ε(iB))", got=exact.floats(right), truth=EZ.imag)  # fmt: skip


@law(r"\exp\bigl((\alpha + 2\pi k) J\bigr) = \begin{pmatrix} \cos\alpha & -\sin\alpha \\ \sin\alpha & \cos\alpha \end{pmatrix}",
     source=kexue(6377, "c7", "c8"), dtypes="wide", alpha=scalars(high=3.0), k=choices(0, 1, -1, 3, 50))  # fmt: skip
def rotations_have_many_logarithms(expm, alpha, k, space):
    """J = [[0,−1],[1,0]]: all angles α+2πk give (nearly) the same rotation. 2πk is no float, so the truth is the rotation by
    the rounded angle β, certified by cos β and sin β. Bound u·max(1, |β|): κ_exp(βJ) = |β|, as J is normal."""
    beta = float(space.round(np.asarray(float(alpha.real) + 2 * math.pi * k)).real)
    J = np.array([[0.0, -1.0], [1.0, 0.0]]).astype(space.host_dtype)
    c, s = arb(beta).cos(), arb(beta).sin()
    truth = acb_mat([[c, -s], [s, c]])
    E = expm(beta * J)
    judge(forward_error(E, truth), space.u * max(1.0, abs(beta)), why="u·max(1, |β|)", got=E, truth=exact.floats(truth))


@law(r"e^{A+B} = e^{A} e^{B} \not\Rightarrow AB = BA", source=kexue(6377, "c4"), dtypes="complex", m=choices(1, 2, -1))
def some_noncommuting_pairs_multiply_too(expm, m, space):
    """The converse is no law: A = diag(0, 2πim), B = [[0,1],[0,2πim]] do not commute, yet e^{A+B} = e^A e^B (all three are I
    in exact arithmetic, up to the rounding of 2πm). Bound: ε of the three plus the effect of that rounding, u·2π|m|·‖L‖,
    which ε(A+B) already holds; so ε(A) + ε(B) + ε(A+B)."""
    z = space.round(np.asarray(2j * math.pi * m)).item()
    A = np.array([[0, 0], [0, z]])
    B = np.array([[0, 1], [0, z]]).astype(np.complex128)
    require(not np.array_equal(A @ B, B @ A), "the pair commutes")
    left, right = ball(expm(A + B)), ball(expm(A)) * ball(expm(B))
    parts = [as_accurate(M, space) for M in (A, B, A + B)]
    judge(frobenius(left - right) / frobenius(left), *together(parts),
          why="ε(A) + ε(B) + ε(A+B)", got=exact.floats(right), truth=exact.floats(left))  # fmt: skip


def _kronecker(a, b):
    """a ⊗ b of two ball matrices."""
    p, q = a.nrows(), b.nrows()
    return acb_mat([[a[i // q, j // q] * b[i % q, j % q] for j in range(p * q)] for i in range(p * q)])
