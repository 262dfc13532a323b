r"""Laws of the principal logarithm log(I+A) and of trace estimators (SPEC 1, post 6377).

The logarithm's derivative is the inverse of the exponential's: with K the Kronecker form of L_exp at log(I+A), an error
that moves the input by u‖A‖ moves the result by ‖K⁻¹‖₂·u‖A‖. All bounds here follow from that.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from flint import acb, acb_mat, arb

from detrace import Contract, branch, judge, law, require
from detrace import oracles as exact
from detrace.calls import LinearOperator
from detrace.laws import kexue
from detrace.oracles import ball, frobenius, identity
from detrace.strategies.matrices import dyadic_matrices, square_matrices, unimodular_pairs
from detrace.strategies.scalars import choices, scalars
from verify.matrix_exponential import FAMILY

LOG1PM = Contract("log1pm", "(n,n)->(n,n)", "principal logarithm of I + A", FAMILY.name, aliases=("logm1p", "log1p_matrix"))
HUTCHINSON = Contract(
    "hutchinson_trace", "*,(m,n)->()", "mean of v*Mv over the rows v of `probes`, from M's matvec (V ↦ MV)", FAMILY.name,
    example=lambda: (LinearOperator(np.eye(2)), np.ones((2, 2))), aliases=("hutchinson", "stochastic_trace", "trace_estimate"),
)  # fmt: skip


def judge_logarithm(got, A, truth, space):
    """Forward error against u·κ, κ = ‖K⁻¹‖₂‖A‖_F/‖log(I+A)‖_F; cheap lower bound 1 (the logarithm is near the identity map)."""
    judge(frobenius(ball(got) - truth) / frobenius(truth), space.u + _underflow(space, truth),
          lambda: space.u * exact.log1pm_condition(A, truth) + _underflow(space, truth),
          why="u·κ_log, κ_log the condition number of A ↦ log(I+A)", got=got, truth=exact.floats(truth))  # fmt: skip


def _underflow(space, truth):
    size = float(frobenius(truth).abs_lower())
    return truth.nrows() * space.underflow / size if size > 0.0 else math.inf


@law(r"\log(I+A) = \sum_{k \ge 1} (-1)^{k-1} A^{k}/k", source=kexue(6377, 11, "c9"), A=square_matrices(max_n=4, reach=0.375),
     cost=2.0)  # fmt: skip
def logarithm_is_its_series(log1pm, A, space):
    """‖A‖₁ ≤ 3/8, down to the subnormals: small A must not be lost in I+A. The series is summed in balls until its tail
    ‖A‖ᵏ/(k(1−‖A‖)) is below 2^−100 relative. Bound u·κ_log."""
    if not A.any():
        require(not log1pm(A).any(), "log I is not exactly 0", got=log1pm(A))
        return
    judge_logarithm(log1pm(A), A, series(A), space)


@law(r"\rho(A) < 1 \Rightarrow \log(I+A) = \sum_{k \ge 1} (-1)^{k-1} A^{k}/k", source=kexue(6377, 11), dtypes="wide",
     N=square_matrices(kinds=("nilpotent",), max_n=4, reach=64.0), cost=2.0)  # fmt: skip
def logarithm_needs_only_spectral_radius_below_one(log1pm, N, space):
    """⚠ The post asks for ‖A‖ < 1; ρ(A) < 1 suffices. Nilpotent A of norm up to 64: a finite sum. Bound u·κ_log."""
    if not N.any():
        return
    branch("norm above 1" if np.linalg.norm(N, 2) > 1 else "norm below 1")
    power, truth = ball(N), ball(N)
    for k in range(2, len(N)):
        power = power * ball(N)
        truth = truth + power * acb((-1) ** (k - 1)) / k
    judge_logarithm(log1pm(N), N, truth, space)


@law(r"e^{\log(I+A)} = I + A", source=kexue(6377, 12, "c7", "c9"), dtypes="wide",
     A=square_matrices(kinds=("dense", "symmetric", "triangular", "nilpotent", "diagonal", "skew"), max_n=4, reach=16.0),
     cost=4.0, least=24)  # fmt: skip
def exponential_of_logarithm(log1pm, A, space):
    """Every A for which I+A has no eigenvalue near (−∞, 0]: A is made so by adding ‖A‖_F·I (its spectrum moves into the
    right half plane; half of the draws have norm ≤ ½ and stay as they are). The certified exponential of the computed L̂
    returns I+A: ‖ΔL‖ ≤ u(‖K⁻¹‖₂‖A‖ + ‖L‖), the input's and the result's rounding, and ‖e^L̂ − I − A‖ ≤ ‖K‖₂‖ΔL‖; so
    u(κ₂(K) + ‖K‖₂‖L‖/‖A‖) relative to ‖A‖, K at L̂."""
    norm = float(np.linalg.norm(A))
    if norm > 0.5:
        A = space.round(A + np.eye(len(A)) * norm)
    branch("shifted" if norm > 0.5 else "small")
    if not A.any():
        return
    L = log1pm(A)
    require(bool(np.isfinite(L).all()), "the logarithm is not finite", got=L)
    K = exact.matrices.kronecker_form
    size = frobenius(ball(A))
    slack = float((arb(len(A) * space.underflow) / size).abs_upper())

    def refined():
        k = exact.certify(lambda: K(ball(L)), bits=24)
        try:
            inverse = exact.certify(lambda: K(ball(L)).inv(), bits=24, limit=1 << 11)
        except ArithmeticError:  # singular to 2048 bits, which no two floats of a principal logarithm come near
            require(False, "not the principal logarithm: the exponential's derivative is singular there", got=L)
        moved = exact.spectral_norm(inverse) + frobenius(ball(L)) / size
        return space.u * float((exact.spectral_norm(k) * moved).abs_upper()) + slack

    residual = frobenius(exact.expm1(L) - ball(A)) / size
    judge(residual, space.u + slack, refined, why="u·(κ₂(K) + ‖K‖‖L‖/‖A‖), K the Kronecker form of L_exp at log(I+A)", got=L)


@law(r"\log(I + P \Lambda P^{-1}) = P \log(I + \Lambda) P^{-1}", source=kexue(6377, 13, "c10"), dtypes="wide",
     pair=unimodular_pairs(), eigenvalues=dyadic_matrices(n=4, denominator=8), cost=2.0)  # fmt: skip
def logarithm_of_a_diagonalisable_matrix(log1pm, pair, eigenvalues, space):
    """⚠ The post prints Λⁿ on the left; only Λ is right, and the two differ wherever Λ² ≠ Λ. P and P⁻¹ integer, Λ dyadic with
    |λ| < 1, so A = PΛP⁻¹ is exact and its logarithm is P·diag(log(1+λᵢ))·P⁻¹. Bound u·κ_log."""
    P, inverse = pair
    lam = eigenvalues[0, : len(P)]
    A = (P * lam) @ inverse
    if not A.any():
        return
    right, printed = (_conjugated(P, [(ball(x) + 1).log() for x in d], inverse) for d in (lam, lam**2))
    require((lam == lam**2).all() or not right.overlaps(printed), "the printed form with Λ² is not apart from the right one")
    judge_logarithm(log1pm(A), A, right, space)


@law(r"\operatorname{tr}\log(I+A) \equiv \log\det(I+A) \pmod{2\pi i}", source=kexue(6377, 20), dtypes="wide",
     A=square_matrices(kinds=("symmetric", "triangular", "skew", "dense"), max_n=4, reach=4.0), least=80)  # fmt: skip
def trace_of_logarithm_is_log_of_determinant(log1pm, A, space):
    """⚠ As printed (ln det B = tr ln B) only modulo 2πi; so e^{tr L̂}/det(I+A) = 1. Inputs as in `exponential_of_logarithm`.
    Bound √n·u·κ_log‖L‖, the error of L̂ seen through the trace. Undecided where the exponential's derivative at L̂ is singular to
    2048 bits: then L̂ is no principal logarithm, which is for other laws."""
    norm = float(np.linalg.norm(A))
    if norm > 0.5:
        A = space.round(A + np.eye(len(A)) * norm)
    if not A.any():
        return
    L = log1pm(A)
    n, size = len(A), float(np.linalg.norm(L))
    error = abs(ball(L).trace().exp() / (identity(n) + ball(A)).det() - 1)

    def condition():
        try:
            return exact.log1pm_condition(A, ball(L), limit=1 << 11)
        except ArithmeticError:
            return math.inf

    judge(error, n**0.5 * space.u * size, lambda: n**0.5 * space.u * size * condition(), why="√n·u·κ_log·‖L‖",
          got=exact.floats(ball(L).trace()))  # fmt: skip


@law(r"\operatorname{tr}\log\operatorname{diag}(e^{i\theta}, e^{i\theta}) = 2 i \theta", source=kexue(6377, 20),
     dtypes="complex", theta=choices(2.0, 1.0, 3.0, -2.5))  # fmt: skip
def principal_logarithms_do_not_add_up(log1pm, theta, space):
    """⚠ The counter-example to ln det B = tr ln B: B = diag(e^{iθ}, e^{iθ}) has tr log B = 2iθ, while the principal log det B
    is 2iθ − 2πi for θ > π/2. The computed logarithm must be the principal one. Bound: two entries, each with a rounding of the
    input (|A| ≤ 2, derivative 1/|e^{iθ}| = 1, so 2u) and of the result (|θ|u), relative to 2|θ| ≥ 2: at most 4u."""
    z = space.round(np.asarray(complex(math.cos(theta) - 1.0, math.sin(theta)))).item()
    A = z * np.eye(2).astype(np.complex128)
    L = log1pm(A)
    truth = (acb(1) + acb(z)).log() * 2
    trace = ball(L).trace()
    judge(abs(trace - truth) / abs(truth), 4 * space.u, why="4u", got=exact.floats(trace), truth=exact.floats(truth))
    log_det = ((acb(1) + acb(z)) ** 2).log()
    apart = abs(truth - log_det) > 6
    require(bool(apart) == (abs(theta) > math.pi / 2), "tr log B and log det B differ by 2πi exactly when 2|θ| > π")


@law(r"\log\begin{pmatrix} \cos\alpha & -\sin\alpha \\ \sin\alpha & \cos\alpha \end{pmatrix}"
     r" = \alpha \begin{pmatrix} 0 & -1 \\ 1 & 0 \end{pmatrix}",
     source=kexue(6377, "c8", "c9"), dtypes="wide", alpha=scalars(high=3.0, low=2.0**-20))  # fmt: skip
def principal_logarithm_of_a_rotation(log1pm, alpha, space):
    """|α| ≤ 3 < π: of all logarithms (α+2πk)J the principal one, also where the series diverges (|α| > π/3). The input is the
    rounded rotation [[c,−s],[s,c]], whose exact logarithm is Re log z·I + Im log z·J with z = c+is. Bound: for a normal matrix
    ‖K⁻¹‖₂ is the largest divided difference of log on the spectrum {z, z̄}, max(1/|z|, |Im log z|/|s|), large near the branch
    cut; so u(1 + ‖K⁻¹‖₂‖A‖/‖log‖)."""
    a = float(alpha.real)
    c1, s = space.round(np.asarray(math.cos(a) - 1.0)).real.item(), space.round(np.asarray(math.sin(a))).real.item()
    A = np.array([[c1, -s], [s, c1]]).astype(space.host_dtype)
    if not A.any():
        return
    z = (acb(1) + acb(c1, s)).log()
    truth = acb_mat([[z.real, -z.imag], [z.imag, z.real]])
    branch("series diverges" if abs(a) > math.pi / 3 else "series converges")
    L = log1pm(A)
    modulus = float(abs(acb(1) + acb(c1, s)).abs_lower())
    derivative = max(1 / modulus, float(abs(z.imag).abs_upper()) / abs(s) if s else 0.0)
    size = float((frobenius(ball(A)) / frobenius(truth)).abs_upper())
    judge(frobenius(ball(L) - truth) / frobenius(truth), space.u * (1 + derivative * size) + _underflow(space, truth),
          why="u·(1 + ‖K⁻¹‖‖A‖/‖log‖), ‖K⁻¹‖ the largest divided difference", got=L, truth=exact.floats(truth))  # fmt: skip


@law(r"\log\begin{pmatrix} R & cI \\ 0 & R \end{pmatrix} = \begin{pmatrix} \log R & cR^{-1} \\ 0 & \log R \end{pmatrix}",
     source="Higham 2008, th. 1.18", dtypes="wide", alpha=choices(2.0, 0.5, -1.0, -2.75, 3.0), r=choices(1.0, 0.25, 8.0),
     c=choices(1.0, 0.0, -0.5, 4.0), cost=2.0)  # fmt: skip
def logarithm_of_a_defective_rotation(log1pm, alpha, r, c, space):
    """R = r·(rotation by α), |α| < π, coupled to itself: a real matrix without a basis of eigenvectors whose spectrum re^{±iα}
    may lie in the left half plane, where neither the series nor a shortcut for norms below 1 serves. The input is the
    rounded matrix; log(z + ε) = log z + ε/z with ε² = 0 gives its logarithm. Bound u·κ_log."""
    x, y = (float(space.round(np.asarray(r * f(alpha))).real) for f in (math.cos, math.sin))
    shifted = float(space.round(np.asarray(x - 1.0)).real)
    z = acb(shifted, y) + 1
    A = np.kron(np.eye(2), np.array([[shifted, -y], [y, shifted]])) + c * np.eye(4, k=2)
    log, inverse = z.log(), c / z
    blocks = [[_complex_as_real(w) for w in row] for row in ((log, inverse), (acb(0), log))]
    truth = acb_mat([[blocks[i // 2][j // 2][i % 2][j % 2] for j in range(4)] for i in range(4)])
    branch("left half plane" if x < 0 else "right half plane")
    judge_logarithm(log1pm(A.astype(space.host_dtype)), A, truth, space)


def _complex_as_real(w):
    """x + iy as the matrix [[x, −y], [y, x]]."""
    return (w.real, -w.imag), (w.imag, w.real)


@law(r"\mathbb{E}\, v^{*} M v = \operatorname{tr} M \;\text{ if }\; \mathbb{E}\, v v^{*} = I",
     source="Hutchinson 1990", dtypes="all", M=dyadic_matrices(max_n=4))  # fmt: skip
def hutchinson_is_unbiased(hutchinson_trace, M, space):
    """Exactly, without sampling: over all 2ⁿ sign vectors, in complex spaces all 4ⁿ vectors of ±1, ±i (where vᵀMv is not
    enough), the mean is the trace. Bound: each of N forms sums n² products, so (2n + N)·u·Σ|mᵢⱼ| for any order of summation,
    relative to Σ|mᵢⱼ|."""
    n = len(M)
    probes = _grid((1.0, 1j, -1.0, -1j) if space.is_complex else (1.0, -1.0), n, space)
    size = float(np.abs(M).sum())
    got = hutchinson_trace(LinearOperator(M.astype(space.host_dtype)), probes)
    truth = exact.floats(ball(M).trace())
    if size == 0.0:
        require(complex(got) == 0, "the trace of 0 is 0", got=got)
        return
    judge(abs(ball(got) - ball(M).trace()) / size, (2 * n + len(probes)) * space.u, why="(2n+N)·u, relative to Σ|mᵢⱼ|",
          got=got, truth=truth)  # fmt: skip


@law(r"\operatorname{Var} v^{\mathsf T} M v = 2 \bigl(\|M\|_F^2 - \textstyle\sum_i m_{ii}^2\bigr)", source="Hutchinson 1990",
     dtypes="real", M=dyadic_matrices(max_n=3), cost=3.0, least=16)  # fmt: skip
def hutchinson_variance_is_known(hutchinson_trace, M, space):
    """Symmetric M, one Rademacher probe at a time over all 2ⁿ: the exact variance. Bound: each value errs by δ = 2n·u·Σ|mᵢⱼ|,
    the mean of squared deviations (each ≤ Σ|mᵢⱼ|) by 2δ·Σ|mᵢⱼ|; relative to (Σ|mᵢⱼ|)²: 4n·u."""
    M = M + M.T
    size = float(np.abs(M).sum())
    if size == 0.0:
        return
    values = [float(hutchinson_trace(LinearOperator(M), v[None, :])) for v in _grid((1.0, -1.0), len(M), space)]
    variance = sum((x - float(np.trace(M))) ** 2 for x in values) / len(values)
    truth = 2.0 * (float((M**2).sum()) - float((np.diag(M) ** 2).sum()))
    judge(abs(variance - truth) / size**2, 4 * len(M) * space.u, why="4n·u, relative to (Σ|mᵢⱼ|)²",
          got=np.asarray(variance), truth=np.asarray(truth))  # fmt: skip


NODES = {0.0: 6, 1.0: 2, -1.0: 2, 2.0: 1, -2.0: 1}
"""A random number with the moments 0, 1, 0, 3, 0 of a normal one, and its weights in twelfths."""


@law(r"v \sim N(0, I):\quad \operatorname{Var} v^{\mathsf T} M v = 2 \|M\|_F^2", source="Hutchinson 1990", dtypes="wide",
     M=dyadic_matrices(max_n=2), cost=3.0)  # fmt: skip
def hutchinson_variance_of_gaussian_probes_is_known(hutchinson_trace, M, space):
    """Symmetric real M: mean and variance of a quadratic form need the moments of v up to the fourth, so that a grid of 5ⁿ
    vectors with the normal moments is exact, without sampling. Bound: a form errs by δ(v) = 2n·u·Σ|mᵢⱼvᵢvⱼ|, the variance by
    2E|deviation|δ ≤ 2·√2‖M‖·2n·u·√3·Σ|mᵢⱼ| (Cauchy and Schwarz); relative to (Σ|mᵢⱼ|)² at most 10n·u, 3n·u for the mean."""
    M = M.real + M.real.T
    n, size = len(M), float(np.abs(M).sum())
    if size == 0.0:
        return
    probes = _grid(NODES, n, space)
    weights = [math.prod(NODES[float(x.real)] / 12 for x in v) for v in probes]
    values = [float(hutchinson_trace(LinearOperator(M.astype(space.host_dtype)), v[None, :]).real) for v in probes]
    mean = math.fsum(w * x for w, x in zip(weights, values, strict=True))
    judge(abs(mean - float(np.trace(M))) / size, 3 * n * space.u, why="3n·u, relative to Σ|mᵢⱼ|", got=mean, truth=np.trace(M))
    variance = math.fsum(w * (x - float(np.trace(M))) ** 2 for w, x in zip(weights, values, strict=True))
    truth = 2.0 * float((M**2).sum())
    judge(abs(variance - truth) / size**2, 10 * n * space.u, why="10n·u, relative to (Σ|mᵢⱼ|)²", got=variance, truth=truth)


@law(r"\log(I + A) \text{ keeps shape, dtype and batches}", source="SPEC 1: form",
     shape=choices((1, 1), (2, 2), (0, 0), (0, 2, 2), (2, 1, 3, 3)), x=choices(0.0, 0.25, -0.5))  # fmt: skip
def logarithm_keeps_the_form(log1pm, shape, x, space):
    """Empty matrices, empty batches, any leading shape, slices of different size: log(I + xᵢI) = log(1+xᵢ)·I. Bound 4u: a
    scalar logarithm away from its zero, κ ≤ 2."""
    A = np.zeros(shape, dtype=space.host_dtype)
    A[...] = x * np.eye(shape[-1])
    if len(shape) == 4:
        A[1] = space.round(A[1] * 2.0**-30)
    L = log1pm(A)
    for i in np.ndindex(A.shape[:-2]):
        a, got = A[i], L[i]
        if not a.any():
            require(not got.any(), "log I is not exactly 0", got=got)
            continue
        truth = identity(len(a)) * (ball(a[0, 0]) + 1).log()
        judge(frobenius(ball(got) - truth) / frobenius(truth), 4 * space.u, why="4u", got=got, truth=exact.floats(truth))


def _conjugated(P, diagonal, inverse):
    middle = acb_mat(len(P), len(P))
    for i, x in enumerate(diagonal):
        middle[i, i] = x
    return ball(P) * middle * ball(inverse)


def series(A):
    norm = float(np.linalg.norm(A, 1))
    power = total = ball(A)
    k = 1
    while norm**k > 2.0**-110:
        k += 1
        power = power * ball(A)
        total = total + power * acb((-1) ** (k - 1)) / k
    return total


def _grid(values, n, space):
    """All vectors of length n with entries among `values`, one a row."""
    return np.array(list(itertools.product(values, repeat=n))).reshape(-1, n).astype(space.host_dtype)
