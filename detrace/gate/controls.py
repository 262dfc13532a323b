"""Controls: calls of the libraries alone, one a class of kernels, that a stored time is a ratio to.

A control is frozen: its name ends in a version, and stored ratios hold only for that version. To change one, add the next
version and leave the old one, or baselines and histories lose their meaning; a test holds the sources to their hashes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..spaces import Space, backends
from ..timing.cases import Case
from ..timing.members import Member

DISPATCH_S = 50e-6
"""Faster calls spend their time in calling the library (1 to 5 µs an operation, ten operations), slower ones in its loops.
Empirical."""
INTENSITY = 8.0
"""Operations a byte beyond which arithmetic, not memory, sets the time: about the machines' balance in double precision."""


def _dispatch_1() -> Callable[[], Any]:
    a, b, c = np.random.default_rng(1).standard_normal((3, 4, 4))
    return lambda: ((a + b) @ c).sum()


def _ufunc_1() -> Callable[[], Any]:
    x = np.random.default_rng(2).standard_normal(100_000)
    return lambda: np.exp(x) * x


def _gemm_1() -> Callable[[], Any]:
    a, b = np.random.default_rng(3).standard_normal((2, 256, 256))
    return lambda: a @ b


def _solve_1() -> Callable[[], Any]:
    a, b = np.random.default_rng(4).standard_normal((2, 128, 128))
    return lambda: np.linalg.solve(a, b)


def _torch_dispatch_1() -> Callable[[], Any]:
    import torch

    a, b, c = torch.from_numpy(np.random.default_rng(1).standard_normal((3, 4, 4)))
    return lambda: ((a + b) @ c).sum()


CONTROLS: dict[str, Callable[[], Callable[[], Any]]] = {
    "dispatch/1": _dispatch_1, "ufunc/1": _ufunc_1, "gemm/1": _gemm_1, "solve/1": _solve_1,
    "torch-dispatch/1": _torch_dispatch_1,
}  # fmt: skip


def control_of(case: Case, dtype: str, backend: str, seconds: float) -> str:
    """The control of a kernel's class: the case's own word, else by the time of a call, operations and bytes."""
    if case.control:
        return case.control
    if seconds < DISPATCH_S:
        return "torch-dispatch/1" if backend.startswith("torch") else "dispatch/1"
    work = case.work(case.arguments(dtype), dtype, np.dtype(dtype).itemsize)
    return "gemm/1" if work.flops > INTENSITY * work.bytes else "ufunc/1"


def member(name: str) -> Member:
    """A control, ready to be timed as kernels are."""
    return Member(name, Space(backends()["numpy-cpu"], "float64"), CONTROLS[name]())
