"""Devices: a reference runs where its arrays are. array-api-strict's device1 stands in for a GPU, which the tests lack."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import array_api_strict as strict
import numpy as np
import pytest
import torch
import toy

import reference
from detrace import session
from detrace.engine import PROFILES, VIOLATED, run
from detrace.spaces import current, space
from detrace.suite import load

DEVICE, HOST, TORCH = space("strict-device1-float64"), space("numpy-cpu-float64"), space("torch-cpu-float64")
FUNCTIONS = load().reference().functions
CONTRACTS = load().contracts
ON_THE_HOST = {"farkas_certificate", "kantorovich_rubinstein", "optimal_transport", "transport_cost", "wasserstein"}
"""Exact by whole numbers, hence solved by the host; each says so in its docstring or its module's."""
RNG = np.random.default_rng(0)
INF, EYE = float("inf"), np.eye(2)
X, Y, A, B = RNG.standard_normal((3, 5)), RNG.standard_normal((3, 4)), np.full((3, 5), 0.2), np.full((3, 4), 0.25)
FIFTHS, QUARTERS = np.array([0.6, 0.0, 0.2, 0.2, 0.0]), np.array([0.25, 0.5, 0.0, 0.25])
COSTS = np.abs(X[0, :, None] - Y[0])
SQUARES = RNG.standard_normal((4, 3, 3)) * np.array([1e-9, 0.3, 8.0, 500.0])[:, None, None]
TALL, THIN = RNG.standard_normal((6, 2)), RNG.standard_normal((6, 2))
LOGITS = np.array([-800.0, -30.0, -0.0, 1e-20, 2.0, 40.0, 800.0])
BRANCHES: list[tuple[str, tuple[Any, ...]]] = [
    *(("wasserstein_1d", (X, Y, p, *weights)) for p in (1, 2, 3.5, INF)
      for weights in ((), (A, B), (FIFTHS, QUARTERS), (3e9 * A[0], 3e9 * B), (A[0], None))),
    *(("wasserstein_1d", (X, X[[2, 1, 0]], p)) for p in (1, 2, 3.5, INF)),
    *(("wasserstein_1d", (1e200 * X, 1e200 * Y, p, FIFTHS, QUARTERS)) for p in (1, 2, 3.5)),
    *(("wasserstein_1d", (X, Y, p, FIFTHS * (1 + 2e-16), QUARTERS)) for p in (1, 2)),
    *(("wasserstein_1d", (X[0], Y[0], p, np.array([1 - 2e-20, 1e-20, 1e-20, 0, 0]), QUARTERS)) for p in (1, 2)),
    *(("sinkhorn", (a, b, C, reg)) for a, b, C in ((A, B, COSTS), (B, A, COSTS.T), (FIFTHS, QUARTERS, COSTS))
      for reg in (1.0, 0.02)),
    *(("sinkhorn_iterations", (a, b, COSTS, reg, 7)) for a, b in ((A, B), (FIFTHS, QUARTERS)) for reg in (1.0, 1e-3)),
    ("cost_matrix", (TALL, THIN)), ("cost_matrix", (TALL, THIN, 1)), ("cost_matrix", (1e200 * TALL, 1e200 * THIN, 1)),
    ("cost_matrix", (TALL[:, :1], THIN[:, :1], 3)), ("cost_matrix", (TALL[:, :0], THIN[:, :0])),
    ("c_transform", (X, COSTS)), ("total_variation", (FIFTHS, A[0])), ("metric_closure", (np.array([[0, 1], [INF, 0]]),)),
    ("gaussian_w2", (X[0, :2], EYE, X[1, :2], np.array([[2.0, 1.0], [1.0, 0.5]]))),
    ("gaussian_w2", (X[:, :2], 1e-3 * EYE, X[[2, 1, 0], :2], EYE)),
    *((name, (X[:, :2], EYE, Y[:, :2], 1.5 * EYE)) for name in (
        "gaussian_kl", "gaussian_reverse_kl", "gaussian_squared_hellinger", "gaussian_pearson", "gaussian_neyman")),
    *((name, (FIFTHS, np.array([0.1, 0.2, 0.3, 0.4, 0.0]))) for name in (
        "kl_divergence", "reverse_kl_divergence", "pearson_divergence", "neyman_divergence",
        "squared_hellinger_divergence", "jensen_shannon_divergence")),
    *(("expm", (M,)) for M in (
        SQUARES, SQUARES[0], SQUARES[:3], 1e290 * SQUARES[1], SQUARES * np.nan, np.full((1, 2, 2), INF), SQUARES[:, :1, :1],
        SQUARES[:0], SQUARES[:, :0, :0], 0 * EYE, -800 * EYE, RNG.standard_normal((700, 2, 2)))),
    ("logdet_expm", (SQUARES,)), ("log1pm", (0.1 * SQUARES[1:2],)), ("log1pm", (np.array([[3.0, 1.0], [0.0, 8.0]]),)),
    ("phi1", (np.array([0.0, 1e-30, -1e-9, 1e-3, 0.5, -3.0, 700.0, -800.0, np.nan, -INF]),)),
    ("expm_rank1", (X[0], X[1])), ("expm_rank1_apply", (X[0], X[1], X.T)), ("expm_rank1_apply", (X, X[[2, 1, 0]], X.T)),
    ("logdet_expm_rank1", (X, X)), ("expm_low_rank", (TALL, THIN)), ("expm_low_rank", (8 * TALL, -8 * TALL)),
    ("expm_low_rank_apply", (TALL, THIN, TALL)), ("expm_low_rank_apply", (TALL, THIN, TALL[:, :1])),
    ("logdet_expm_low_rank", (TALL, THIN)), ("product_apply", (TALL.T, THIN.T, TALL)),
    ("product_inverse_apply", (TALL.T, THIN.T, TALL)), ("product_logdet", (TALL.T, THIN.T)),
    *((name, (LOGITS, LOGITS[::-1].copy())) for name in CONTRACTS if CONTRACTS[name].signature == "(r...),(f...)->()"),
]  # fmt: skip
"""Calls that reach what a harmless example does not: zero masses, dust, powers and exponentials that overflow, batches of
different squarings, Newton's steps, sizes 0 and 1."""

CASES = [*((name, CONTRACTS[name].harmless()) for name in sorted(set(CONTRACTS) - ON_THE_HOST)), *BRANCHES]


class Left(AssertionError):
    """Values were moved off a device."""


@contextmanager
def sealed() -> Iterator[None]:
    """array-api-strict without a way off a device: it refuses NumPy by itself, and here explicit moves as well."""
    Array, move = type(strict.asarray(0.0)), strict.asarray

    def asarray(x: Any, /, **how: Any) -> Any:
        if isinstance(x, Array) and how.get("device") not in (None, x.device):
            raise Left
        return move(x, **how)

    with patch.object(strict, "asarray", asarray), patch.object(Array, "to_device", side_effect=Left), \
            patch.object(Array, "__dlpack__", side_effect=Left):  # fmt: skip
        yield


def bound(arg: Any, where: Any) -> Any:
    """An argument in a space."""
    return arg.bind(where) if hasattr(arg, "bind") else where.to_native(arg) if isinstance(arg, np.ndarray) else arg


def results(name: str, args: tuple[Any, ...]) -> tuple[list[Any], list[np.ndarray]]:
    """What the reference gives on the sealed device, and what it gives in NumPy."""
    there = [bound(a, DEVICE) for a in args]
    with sealed():
        got = FUNCTIONS[name](*there)
    due = FUNCTIONS[name](*(bound(a, HOST) for a in args))
    return [list(r) if isinstance(r, tuple | list) else [r] for r in (got, due)]  # type: ignore[return-value]


def check(name: str, args: tuple[Any, ...]) -> None:
    """The reference stays on the device and gives what it gives in NumPy, to 10⁻⁹ of the largest entry: that it is the same
    function; how accurate it is, laws say, which run in this space too."""
    for got, due in zip(*results(name, args), strict=True):
        assert DEVICE.backend.form_error(got, "float64", due.shape) == ""
        size = np.max(np.abs(due), where=np.isfinite(due), initial=0)
        np.testing.assert_allclose(DEVICE.to_host(got), due, rtol=0, atol=1e-9 * size)


@pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{name}-{k}" for k, (name, _) in enumerate(CASES)])
def test_nothing_leaves_the_device(case: int) -> None:
    """Every reference but those of exact transport, on harmless input and where input is not: no transfer, implicit or
    explicit."""
    check(*CASES[case])


@contextmanager
def nowhere() -> Iterator[None]:
    """torch whose default device has no memory ("meta"), and whose tensors cannot be read as a whole."""
    with ExitStack() as stack:
        stack.enter_context(torch.device("meta"))
        for way in ("__array__", "numpy", "cpu", "tolist"):
            stack.enter_context(patch.object(torch.Tensor, way, side_effect=Left))
        yield


@pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{name}-{k}" for k, (name, _) in enumerate(CASES)])
def test_torch_makes_nothing_on_its_default_device(case: int) -> None:
    """The same calls, and their gradients, make sense where a tensor without `device=` would be no tensor: on a GPU it would
    be one on the host."""
    name, args = CASES[case]
    leaves = [k for k, a in enumerate(args) if isinstance(a, np.ndarray)]

    def total(*values: Any) -> Any:
        given = [bound(a, TORCH) for a in args]
        for k, v in zip(leaves, values, strict=True):
            given[k] = v
        got = FUNCTIONS[name](*given)
        return got[0] if isinstance(got, tuple | list) else got

    there = [TORCH.to_native(args[k]) for k in leaves]
    with nowhere():
        result = total(*there)
        grads = TORCH.backend.vjp(total, there, torch.ones_like(result))
    assert {t.device.type for t in (result, *grads)} == {"cpu"}


@pytest.mark.parametrize("wrong", [
    lambda x: x + torch.ones(2), lambda x: x * torch.tensor(2.0), lambda x: x + x.new_tensor(np.asarray(x)),
    lambda x: torch.where(x > 0, x, torch.zeros(())),
], ids=["constant", "scalar", "reads", "chosen"])  # fmt: skip
def test_a_tensor_without_a_device_is_seen(wrong: Any) -> None:
    """What the test above looks for is an error there."""
    x = torch.ones(2, dtype=torch.float64)
    with nowhere(), pytest.raises((RuntimeError, NotImplementedError, Left)):
        wrong(x)


@pytest.mark.parametrize("name", sorted(ON_THE_HOST))
def test_exact_transport_is_solved_by_the_host(name: str) -> None:
    """The list of those that leave is right, so the seal above is one; unsealed, results come back to where the input was."""
    args = [bound(a, DEVICE) for a in CONTRACTS[name].harmless()]
    with pytest.raises(Left), sealed():
        FUNCTIONS[name](*args)
    results = FUNCTIONS[name](*args)
    for r in results if isinstance(results, tuple) else (results,):
        assert DEVICE.backend.form_error(r, "float64", tuple(r.shape)) == ""


@pytest.mark.parametrize(("args", "words"), [
    ((X[0], Y[0], 1, 2 * A[0], B[0]), "equal total masses, got 2.0 and 1.0"), ((X[0], Y[0], 1, -A[0], B[0]), "a negative one"),
    ((X[0], Y[0], 1, 0 * A[0], B[0]), "an empty measure"), ((X[0] * INF, Y[0], 2), "finite points"),
    ((X, Y, 1, A, B * np.array([[1.0], [3.0], [1.0]])), "equal total masses, got 1.0 and 3.0"),
    ((X[0], Y[0], 1, A[0] * np.nan, B[0]), "finite masses"),
])  # fmt: skip
def test_refusals_are_found_on_the_device(args: tuple[Any, ...], words: str) -> None:
    """What is wrong with the masses is said without moving them."""
    there = [bound(a, DEVICE) for a in args]
    with sealed(), pytest.raises(ValueError, match=words):
        FUNCTIONS["wasserstein_1d"](*there)


@pytest.mark.parametrize(("wrong", "words"), [
    (lambda A: 2 * strict.asarray(np.asarray(A)), "Can't convert array on the 'array_api_strict.Device('device1')'"),
    (lambda A: A @ (2 * strict.eye(A.shape[-1], dtype=A.dtype)), "raised ValueError"),
    (lambda A: strict.asarray(A + A, device=strict.Device()), "returned a result on CPU_DEVICE, expected device1"),
    (lambda A: A * np.float64(2), "raised TypeError"),
], ids=["reads", "mixes", "returns", "scalars"])  # fmt: skip
def test_the_space_sees_what_leaves(wrong: Any, words: str) -> None:
    """An implementation that reads on the host, has constants elsewhere, or gives its result elsewhere violates a law there."""
    found = run(toy.twice_is_the_sum, toy.subject(twice=wrong), DEVICE, toy.suite().contracts, PROFILES["quick"])
    assert found.outcome == VIOLATED
    assert words in found.reason


@pytest.mark.parametrize("path", sorted(Path(reference.__path__[0]).glob("*.py")), ids=lambda p: p.stem)
def test_every_new_array_says_where(path: Path) -> None:
    """In a reference each call of the array library that creates an array has `device=`; torch would put it on the CPU."""
    creating = {"arange", "asarray", "empty", "eye", "full", "linspace", "ones", "zeros", "tensor"}
    for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
        f = call.func
        if isinstance(f, ast.Attribute) and f.attr in creating and isinstance(f.value, ast.Name) and f.value.id != "np":
            assert "device" in {k.arg for k in call.keywords}, f"{path.name}:{call.lineno} {ast.unparse(call)}"


def test_the_former_id_is_understood() -> None:
    """Results files and scripts that speak of strict-cpu mean this space, which was there before it had a device, and what
    they found violated there is found again."""
    assert space("strict-cpu-float64") == space("strict-device1-float64") == DEVICE
    assert current("strict-cpu-complex64") == "strict-device1-complex64"
    assert current("numpy-cpu-float64") == "numpy-cpu-float64"
    old, new = ({"law": "l", "subject": "s", "space": f"strict-{where}-float32"} for where in ("cpu", "device1"))
    assert session._key(old) == session._key(new)
