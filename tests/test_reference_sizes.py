"""Where our references change their method with size or batch: both sides of each change; and batches of all that take them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from array_api_compat import array_namespace

from detrace.oracles import ball, floats
from detrace.oracles.phi import phi1_matrix
from reference import compiled, low_rank_exponential, matrix_exponential, wasserstein
from reference.determinant import logabsdet
from reference.gaussian_wasserstein import gaussian_w2
from reference.kantorovich import c_transform, metric_closure, total_variation
from reference.low_rank_exponential import expm_low_rank, expm_low_rank_apply, expm_rank1, expm_rank1_apply, phi1
from reference.matrix_exponential import expm
from reference.wasserstein import cost_matrix, wasserstein_1d

U = 2.0**-53


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize("loop", [True, False])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 16])
@pytest.mark.parametrize("count", [64, 71, 127, 128])
def test_long_batches_of_small_matrices(n: int, count: int, loop: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """From 64 slices on numba works on a cache line of them side by side; without it, from 128 on and up to 4 rows, products
    are sums of outer products, stored with the batch last. The same values slice by slice: the slices are symmetric or skew,
    so κ_exp <= ‖A‖_F, and both stay within 10u max(1, κ_exp). Norms from 2⁻³⁰ to 32, or to 2⁻⁵, take both polynomials."""
    if loop:
        pytest.importorskip("numba")
    else:
        monkeypatch.setattr(compiled, "_loops", lambda: None)
    for dtype in (np.float32, np.float64):
        B = rng().standard_normal((count, n, n))
        B = B + rng().choice([-1, 1], (count, 1, 1)) * B.mT
        B /= np.linalg.norm(B, axis=(1, 2), keepdims=True)
        exponents = rng().integers(-30, 6, (count, 1, 1))
        assert matrix_exponential._many_tiny(B) == (count >= 128 and n <= 4)
        for A in (np.ldexp(B, exponents).astype(dtype), np.ldexp(B, exponents - 10).astype(dtype)):
            before, together, u = A.copy(), expm(A), float(np.finfo(dtype).eps) / 2
            assert np.array_equal(A, before)
            assert together.dtype == dtype
            for slice_, E in zip(A, together, strict=True):
                alone = expm(slice_)
                assert np.linalg.norm(E - alone) <= 20 * u * max(1, np.linalg.norm(slice_)) * np.linalg.norm(alone)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_slices_side_by_side(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zero, tiny, scaled by a thousand halvings, shifted by a trace, nilpotent, overflowing and not finite, in lines of
    ordinary slices: finite where arrays are, and their values. Bound: 10u max(1, κ_exp) for either, κ_exp <= ‖A‖_F of normal
    slices; 10u for nilpotent ones, where squaring doubles an entry and does nothing else."""
    pytest.importorskip("numba")
    A = np.zeros((64, 2, 2), dtype)
    most, large = float(np.finfo(dtype).max), {np.float32: 80.0, np.float64: 700.0}[dtype]
    A[:] = [[0.5, 0.25], [0.25, -1]]
    A[1], A[2], A[3], A[4] = 0, A[0] * 2.0**-100, np.eye(2) * large, -np.eye(2) * large
    A[5], A[6], A[7] = [[0, most / 4], [0, 0]], [[0, 0], [1e6, 0]], np.diag([-most / 2, 1])
    A[8], A[9], A[10], A[11] = np.nan, [[np.inf, 0], [0, 0]], np.eye(2) * most, [[0, most], [most, 0]]
    A[12], A[13] = -np.eye(2) * most, [[-3, 0], [np.nan, 1]]
    found = expm(A)
    monkeypatch.setattr(compiled, "_loops", lambda: None)
    due, u = expm(A), float(np.finfo(dtype).eps) / 2
    assert np.array_equal(np.isfinite(found), np.isfinite(due))
    assert np.isfinite(found[:8]).all()
    assert not np.isfinite(found[8:12]).all((1, 2)).any()
    assert np.array_equal(found[1], np.eye(2))
    assert not np.triu(found[6], 1).any()
    for i in (*range(7), *range(14, 64)):
        norm = 1 if i in (5, 6) else float(np.linalg.norm(A[i]))
        largest = float(np.abs(due[i]).max())
        error = np.linalg.norm(found[i] / largest - due[i] / largest)
        assert error <= 20 * u * max(1, norm) * np.linalg.norm(due[i] / largest)


def test_the_loop_is_what_long_batches_go_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real matrices, at least 64, of 2 to 16 rows, and no others: a loop that leaves the result at -1 shows."""
    loops = pytest.importorskip("reference.loops")
    monkeypatch.setattr(loops, "exponentials", lambda *arguments: arguments[-1].fill(-1))
    for shape, dtype, taken in (
        ((64, 2, 2), np.float32, True), ((64, 16, 16), np.float64, True), ((4, 16, 3, 3), np.float64, True),
        ((63, 2, 2), np.float64, False), ((64, 17, 17), np.float64, False), ((64, 2, 2), np.complex128, False),
    ):  # fmt: skip
        assert (expm(np.zeros(shape, dtype)) == -1).all() == taken


@pytest.mark.parametrize(("dtype", "degree", "radius", "most"), [(np.float32, 12, 1.25, 6), (np.float64, 18, 1.0, 20)])
def test_as_many_squarings_side_by_side(
    dtype: Any, degree: int, radius: float, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of non-normal slices too, whose norm is far from those of their powers, of trace 0, so not shifted: the s of arrays. The
    loop leaves it, for its last line, in its lanes."""
    loops = pytest.importorskip("reference.loops")
    found, loop = [], loops.exponentials
    monkeypatch.setattr(loops, "exponentials", lambda *arguments: (loop(*arguments), found.append(arguments[-2][12, -8:]))[0])
    A = np.triu(rng().standard_normal((64, 3, 3))) * np.ldexp(1.0, rng().integers(-3, 3, (64, 1, 1)))
    A[:, 0, 2] *= np.ldexp(1.0, rng().integers(0, most, 64))
    A[:, 2, 2] = -A[:, 0, 0] - A[:, 1, 1]
    A = A.astype(dtype)
    for first in range(0, 64, 8):
        expm(np.roll(A, -first - 8, axis=0))
    log_norm = np.log2(np.linalg.norm(A, axis=(1, 2)))
    due = matrix_exponential._scaled_taylor(array_namespace(A), A, log_norm, degree, radius)[1]
    assert len(set(due.tolist())) > 3
    assert np.array_equal(np.concatenate(found), due)


def test_loops_compile_without_a_folder_to_keep_them_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """numba refuses to keep what it compiles where nothing can be written; a loop is compiled all the same."""
    loops, caching = pytest.importorskip("reference.loops"), pytest.importorskip("numba.core.caching")
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator"):
        loops.njit(cache=True)(lambda x: x)
    assert loops.kept(lambda x: x + 1)(1) == 2


@pytest.mark.parametrize("p", [1, 2])
def test_rows_are_taken_in_blocks(p: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of the line that does not fit into one block: every row, the last short block's too, is that of the row alone."""
    monkeypatch.setattr(wasserstein, "BLOCK", 1 << 10)
    x, y = rng().random((37, 6)), rng().random((37, 5))
    a, b = rng().random((37, 6)), rng().random((37, 5))
    b *= a.sum(-1, keepdims=True) / b.sum(-1, keepdims=True)
    assert 8 * wasserstein.BLOCK // (64 * 11) < 37
    together = wasserstein_1d(x, y, p, a, b)
    for i in range(37):
        assert abs(together[i] - wasserstein_1d(x[i], y[i], p, a[i], b[i])) <= 16 * U * together[i]


@pytest.mark.parametrize("p", [1, 2, 3])
def test_costs_are_taken_in_blocks(p: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points that do not fit into one block cost what they cost at once, bit by bit."""
    x, y = rng().random((50, 3)), rng().random((7, 3))
    whole = cost_matrix(x, y, p)
    monkeypatch.setattr(wasserstein, "BLOCK", 1 << 10)
    assert 8 * wasserstein.BLOCK // (64 * 7) < 50
    assert np.array_equal(cost_matrix(x, y, p), whole)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("columns", [1, 2, 5])
def test_columns_by_each_way(columns: int, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """exp(xyᵀ)V, V by rows, by columns or strided, by numba's loop, by BLAS in blocks, by the array expression: the dense
    product; V stays as it was. Where V lies by rows (else BLAS is asked) the loop's real numbers are the expression's."""
    pytest.importorskip("numba")
    x, y = ((rng().standard_normal(101) / 8).astype(dtype) * c for c in (1, -2))
    V = rng().standard_normal((101, 2 * columns)).astype(dtype)
    u = float(np.finfo(dtype).eps) / 2
    ways: dict[str, dict[str, Any]] = {
        "loop": {}, "BLAS": {"_loops": lambda: None, "BLOCK": 32}, "arrays": {"plus_outer": lambda *arrays: None},
    }  # fmt: skip
    for W in (V[:, :columns].copy(), np.asfortranarray(V[:, :columns]), V[:, ::2], V[::-1, :columns]):
        before, dense, found = W.copy(), expm_rank1(x, y) @ W, {}
        for way, changes in ways.items():
            with monkeypatch.context() as other:
                for name, value in changes.items():
                    other.setattr(compiled, name, value)
                found[way] = expm_rank1_apply(x, y, W)
            assert np.linalg.norm(found[way] - dense) <= 101 * u * np.linalg.norm(dense)
        if W.flags.c_contiguous and not np.iscomplexobj(V):
            assert np.array_equal(found["loop"], found["arrays"])
        assert np.array_equal(W, before)


@pytest.mark.parametrize("missing", [True, False])
def test_no_loop_where_numba_is_missing_or_does_not_compile(missing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop in Python would take a thousand times as long as the arrays' own way, which is taken then."""
    numba = pytest.importorskip("numba")
    if missing:
        monkeypatch.setitem(sys.modules, "numba", None)
    else:
        monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    assert compiled._loops.__wrapped__() is None


class Own(np.ndarray):
    """A subclass of arrays."""


@pytest.mark.parametrize("change", [
    lambda V: V.astype(np.longdouble), lambda V: V.astype(np.clongdouble), lambda V: V.astype(">f8"), lambda V: V.view(Own),
    np.asfortranarray, lambda V: V[::-1], lambda V: np.frombuffer(b"." + V.tobytes(), offset=1).reshape(V.shape),
])  # fmt: skip
def test_columns_that_a_compiled_loop_may_not_take(change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Extended and swapped dtypes, subclasses, strides and odd addresses: what plain columns give, in the dtype of x. With
    n = 3, each is off by 2(n + 4)u(|V| + |φ||x||y|ᵀ|V|): two sums of n terms, φ (4u, and |sφ′/φ| < 1 of s), two operations."""
    x, y, V = np.array([0.5, -1.0, 0.25]), np.array([1.0, 0.5, 2.0]), np.arange(6.0).reshape(3, 2)
    W = change(V)
    due = expm_rank1_apply(x, y, np.array(W.real, dtype=np.float64))
    same = expm_rank1_apply(x.astype(W.dtype), y.astype(W.dtype), W)
    assert same.dtype == W.dtype
    size = np.abs(W.real) + float(phi1(y @ x)) * np.outer(np.abs(x), np.abs(y) @ np.abs(W.real))
    assert (np.abs(same - due) <= 2 * 2 * (3 + 4) * U * size).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("rank", [1, 3, 6, 33])
@pytest.mark.parametrize("columns", [15, 16, 41])
def test_low_rank_products_by_each_way(columns: int, rank: int, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """exp(XYᵀ)V, V by rows, by columns or strided, by numba's loops (real, by rows, rank at most 32), by BLAS in blocks, by
    arrays: the dense product; V stays as it was. ‖YᵀX‖_F is below 1 and above, where φ₁ has no series. With n = 101,
    ‖X‖‖Y‖ = c and ‖φ₁‖ < 2c, inner products of length n round by nu(2c²‖V‖) in YᵀV, by nu(1 + 2c²)‖V‖ in the dense product."""
    pytest.importorskip("numba")
    ways: dict[str, dict[str, Any]] = {
        "loops": {"FEWEST": 32, "BLOCK": 32},
        "BLAS": {"_loops": lambda: None, "BLOCK": 32},
        "arrays": {"plus_low_rank": lambda *arrays: None},
    }  # fmt: skip
    u = float(np.finfo(dtype).eps) / 2
    random = rng().standard_normal
    for c in (0.9, 2.5):
        X = random((101, rank)) + 3 * random((101, 1)) + (1j * random((101, rank)) if np.dtype(dtype).kind == "c" else 0)
        Y = X.conj() + random((101, rank))
        X, Y = (X / np.linalg.norm(X)).astype(dtype), (c * Y / np.linalg.norm(Y)).astype(dtype)
        assert (np.linalg.norm(Y.T @ X) > 1) == (c > 1)
        V = random((101, 2 * columns)).astype(dtype)
        for W in (V[:, :columns].copy(), np.asfortranarray(V[:, :columns]), V[:, ::2], V[::-1, :columns]):
            before, dense = W.copy(), expm_low_rank(X, Y) @ W
            for changes in ways.values():
                with monkeypatch.context() as other:
                    for name, value in changes.items():
                        other.setattr(compiled, name, value)
                    error = expm_low_rank_apply(X, Y, W) - dense
                assert np.linalg.norm(error) <= (1 + 4 * c * c) * 101 * u * np.linalg.norm(W)
            assert np.array_equal(W, before)


def test_loops_are_what_low_rank_products_go_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real columns by rows, and no others: loops that leave the result at -1 show."""
    loops = pytest.importorskip("reference.loops")
    monkeypatch.setattr(compiled, "FEWEST", 32)
    monkeypatch.setattr(loops, "plus_product", lambda V, X, C, out: out.fill(-1))
    X, V = np.ones((10, 2)) / 10, np.ones((10, 17))
    for dtype, changed in ((np.float64, 16), (np.float32, 16), (np.complex128, 0)):
        out = expm_low_rank_apply(X.astype(dtype), X.astype(dtype), V.astype(dtype))
        assert (out == -1).all(0).sum() == changed
    assert not (expm_low_rank_apply(X, X, np.asfortranarray(V)) == -1).any()
    assert not (expm_low_rank_apply(np.asfortranarray(X), X, V) == -1).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("kind", ["full", "nilpotent", "negative"])
def test_both_ways_to_phi_of_a_matrix(kind: str, dtype: Any) -> None:
    """On both sides of ‖S‖_F = 1, where the series gives way to expm: certified φ₁(S), to 100u.

    The series: Sᵏ is off by (k - 1)γ₅, which costs γ₅Σ(k - 1)/(k + 1)! = γ₅(3 - e); sums of four terms γ₄(e - 1); rounded
    coefficients and Horner's sums 4u; γ₅ = 5u, γ₄ = 4u, 2√2 times that for complex numbers. Together 28u, and
    ‖φ₁(S)‖ >= 3 - e. In numba, by Horner's rule in S: (γ₅ + 3u)(e - 1) = 14u. That expm keeps to it is found, not proved:
    no switch is visible."""
    S = rng().standard_normal((5, 5)) + (1j * rng().standard_normal((5, 5)) if np.dtype(dtype).kind == "c" else 0)
    S = {"full": S, "nilpotent": np.triu(S, 1), "negative": -S @ S.conj().T}[kind]
    for norm in (0.3, 0.999, 1.001, 1.5):
        T = (S * (norm / np.linalg.norm(S))).astype(dtype)
        truth = np.array(floats(phi1_matrix(ball(T))))
        found = [low_rank_exponential._phi1m(array_namespace(T), T)]
        if norm < 1 and T.dtype.kind == "f":
            loops, terms = pytest.importorskip("reference.loops"), compiled.TERMS[T.dtype.char]
            found.append(np.zeros((5, 5), dtype))
            assert loops.phi1_series(T, terms, found[-1], np.zeros_like(T))
        for phi in found:
            assert np.linalg.norm(phi - truth) <= 100 * float(np.finfo(dtype).eps) / 2 * np.linalg.norm(truth)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_determinants_of_subnormal_matrices(library: str, dtype: str) -> None:
    """A 3×3 Jordan block times 2ʲ, also where 2ʲ has no reciprocal (torch's LU takes one): 3 j log 2, beside an ordinary slice.
    Bound: one rounding each of log 2ʲ, n log 2ᵏ and their sum."""
    least = {"float32": -149, "float64": -1074}[dtype]
    jordan = np.eye(3) + np.eye(3, k=1)
    for j in (least, least + 20, least + 50):
        batch = np.stack([jordan * 2.0**j, jordan]).astype(dtype)
        got = logabsdet(batch if library == "numpy" else pytest.importorskip("torch").from_numpy(batch))
        truth = 3 * j * np.log(2.0)
        assert abs(float(got[0]) - truth) <= 4 * float(np.finfo(dtype).eps) * 3 * abs(least)
        assert float(got[1]) == 0.0


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch.func's own, at its first use
def test_phi_of_one_number_is_known_only_where_nothing_else_asks() -> None:
    """torch.func's transforms and forward mode at s = 0, where (eˢ - 1)/s is 0/0: they see the series, with φ′(0) = ½."""
    torch = pytest.importorskip("torch")
    x, y = torch.zeros(3, dtype=torch.float64), torch.tensor([1.0, -2.0, 4.0], dtype=torch.float64)
    V = torch.eye(3, dtype=torch.float64)
    apply, direction = (lambda x: expm_rank1_apply(x, y, V)), torch.tensor([2.0, 1.0, 1.0], dtype=torch.float64)
    slope = torch.outer(direction, y)  # of exp(xyᵀ) at x = 0
    assert torch.equal(apply(x), V)
    assert torch.equal(torch.func.jvp(apply, (x,), (direction,))[1], slope)
    assert torch.equal(torch.func.jacrev(apply)(x) @ direction, slope)
    assert torch.equal(torch.func.vmap(apply)(torch.stack([x, x]))[1], V)
    columns = torch.func.grad(lambda x: torch.func.vmap(lambda v: expm_rank1_apply(x, y, v[:, None]))(V).sum())(x)
    assert torch.equal(columns, torch.full_like(x, float(y.sum())))
    assert torch.equal(torch.func.hessian(lambda x: apply(x).sum())(x), y.sum() * (y[:, None] + y) / 2)
    x32, I32 = np.full(2, 50.0, dtype=np.float32), np.eye(2, dtype=np.float32)
    assert np.isinf(expm_rank1_apply(x32, x32, I32)).all()


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_long_arrays_of_phi_are_taken_in_blocks(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any shape, the last block short: each value as it is in one piece, to the few u that the contract allows it."""
    s = 4.0 * rng().standard_normal((3, 5, 7))
    whole = phi1(s)
    monkeypatch.setattr(low_rank_exponential, "BLOCK", 32)
    got = np.asarray(phi1(s if library == "numpy" else pytest.importorskip("torch").from_numpy(s)))
    assert got.shape == s.shape
    assert (abs(got - whole) <= 20 * U * whole).all()


def test_the_largest_distance_of_quantiles() -> None:
    """W_∞ on the line: the largest |F⁻¹ − G⁻¹| where mass is moved, exactly for exact masses; no mass, no distance."""
    x, y = np.array([0.0, 1.0, 100.0]), np.array([0.5, 4.0])
    a, b = np.array([0.25, 0.75, 0.0]), np.array([0.5, 0.5])
    assert wasserstein_1d(x, y, float("inf"), a, b) == 3.0
    assert wasserstein_1d(x[:2], y, float("inf")) == 3.0
    assert wasserstein_1d(x, x[::-1].copy(), float("inf"), a, a[::-1].copy()) == 0.0
    for p in (1, 4, 64, 512):
        assert wasserstein_1d(x, y, p, a, b) <= wasserstein_1d(x, y, float("inf"), a, b) * (1 + 8 * U)


def test_large_powers_do_not_overflow() -> None:
    """Distances are divided by the largest: 1e200 to the power 8 is no intermediate result."""
    x, y = np.array([0.0, 1e200]), np.array([1e200, 3e200])
    truth = 1e200 * float(Fraction(1 + 2**8, 2)) ** 0.125
    assert abs(wasserstein_1d(x, y, 8) - truth) <= 16 * U * truth


def _covariances(shape: tuple[int, ...]) -> np.ndarray:
    L = rng().integers(-3, 4, (*shape, 3, 3)).astype(float)
    return L @ np.swapaxes(L, -1, -2) + 8 * np.eye(3)


BATCHED: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "cost_matrix": (cost_matrix, (rng().random((2, 3, 4, 2)), rng().random((2, 3, 5, 2)))),
    "cost_matrix on the line": (cost_matrix, (rng().random((2, 3, 4, 1)), rng().random((2, 3, 5, 1)))),
    "c_transform": (c_transform, (rng().random((2, 3, 4)), rng().random((2, 3, 4, 5)))),
    "metric_closure": (metric_closure, (rng().random((2, 3, 4, 4)),)),
    "total_variation": (total_variation, (rng().random((2, 3, 4)), rng().random((2, 3, 4))[..., ::-1].copy())),
    "wasserstein_1d, uniform": (wasserstein_1d, (rng().random((2, 3, 4)), rng().random((2, 3, 5)))),
    "gaussian_w2": (
        gaussian_w2, (rng().random((2, 3, 3)), _covariances((2, 3)), rng().random((2, 3, 3)) + 1, 2 * _covariances((2, 3))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BATCHED)
def test_batches_are_their_members(name: str) -> None:
    """Leading axes (2, 3): each member as it is alone, to a few roundings."""
    function, arguments = BATCHED[name]
    together = function(*arguments)
    for i in np.ndindex(2, 3):
        alone = function(*(v[i] for v in arguments))
        assert together[i].shape == alone.shape
        assert np.abs(together[i] - alone).max() <= 64 * U * np.abs(alone).max()


def test_points_broadcast_against_weights() -> None:
    """One sample of points for a batch of weights, as the docstring says."""
    x, y, b = np.array([0.0, 1.0, 3.0]), np.array([0.5, 2.0]), np.array([0.5, 0.5])
    a = np.array([[0.25, 0.25, 0.5], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    together = wasserstein_1d(x, y, 1, a, b)
    assert together.tolist() == [wasserstein_1d(x, y, 1, w, b).item() for w in a]
