"""Cases: what is timed, said once, for the command line, for pytest-benchmark and for the worker processes."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..spaces import Space, backends

Args = tuple[Any, ...]


@dataclass(frozen=True)
class Work:
    """What no implementation can avoid: `bytes` of main memory read and written, floating-point `flops`."""

    bytes: float
    flops: float = 0.0


@dataclass(frozen=True)
class Check:
    """A timed result held against the truth: error / bound (see `detrace.judging`), and how the truth was had."""

    ratio: float
    how: str


Checker = Callable[[Any, Space], Check]


@dataclass(frozen=True)
class Rival:
    """Another way to the same result, put together from a library's functions: timed beside the subjects, but no
    subject, since no library offers it under the contract's name. `reach` says for which parameters it is affordable.
    """

    name: str
    backend: str
    function: Callable[..., Any]
    reach: Callable[[Mapping[str, Any]], bool] = lambda params: True


@dataclass(frozen=True)
class Case:
    """One contract at one size.

    Parameters
    ----------
    contract, params : what is timed; `params` is shown to the reader and names the case.
    make : host arguments (float64) from a random generator; they are rounded to the dtype that is timed.
    work : lower bounds from the host arguments, the dtype and its item size in bytes.
    checker : from the host arguments, a function that judges a host result; its truth is computed once for all.
    quick, quick_dtypes : whether, and in which dtypes, the quick mode times it.
    headline : spaces that are not on this machine get a row for these cases.
    memory : whether peak memory is measured on the host too (`detrace.timing.memory`); on CUDA it always is.
    baseline : the rival whose time is 1, where the contract does less than its rivals; else it is the fastest right member.
    control : what a stored time is a ratio to (`detrace.gate.controls`), where its class does not follow from `work`.
    """

    contract: str
    params: Mapping[str, Any]
    make: Callable[[np.random.Generator], Args]
    work: Callable[[Args, str, int], Work]
    checker: Callable[[Args], Checker]
    dtypes: Sequence[str] = ("float64", "float32")
    quick: bool = True
    quick_dtypes: Sequence[str] = ("float64",)
    headline: bool = False
    rivals: Sequence[Rival] = field(default=())
    memory: bool = False
    baseline: str = ""
    control: str = ""

    @property
    def id(self) -> str:
        return f"{self.contract}[{','.join(f'{k}={v}' for k, v in self.params.items())}]"

    def arguments(self, dtype: str) -> Args:
        """Host arguments, exact in `dtype`, the same in every process and for every subject."""
        space = Space(backends()["numpy-cpu"], dtype)
        args = self.make(np.random.default_rng(zlib.crc32(self.id.encode())))
        return tuple(_rounded(a, space) for a in args)


@dataclass(frozen=True)
class Growth:
    """Time against size: at least eight geometric sizes that span a factor of sixteen, in one regime of the machine.

    `theory` is the exponent that the operation count predicts. With `blocks`, every size is the leading (n, n) block of
    the largest matrix, so that the distance in memory between rows does not grow with n. Quick mode takes the first of
    the `subjects` (name, backend id).
    """

    contract: str
    variable: str
    sizes: Sequence[int]
    theory: float
    make: Callable[[int, np.random.Generator], Args]
    blocks: bool = False
    dtype: str = "float64"
    subjects: Sequence[tuple[str, str]] = (("reference", "numpy-cpu"), ("reference", "torch-cpu"))

    @property
    def id(self) -> str:
        return f"{self.contract}({self.variable})"

    def arguments(self, n: int) -> Args:
        space = Space(backends()["numpy-cpu"], self.dtype)
        args = self.make(n, np.random.default_rng(zlib.crc32(f"{self.id} {n}".encode())))
        return tuple(_rounded(a, space) for a in args)


def load(families: Iterable[str]) -> tuple[dict[str, tuple[str, Case]], dict[str, tuple[str, Growth]]]:
    """Cases and growth curves by id, each with its family: ``CASES`` and ``GROWTH`` of ``bench.<family>``."""
    cases: dict[str, tuple[str, Case]] = {}
    growth: dict[str, tuple[str, Growth]] = {}
    for family in families:
        try:
            module = importlib.import_module(f"bench.{family}")
        except ModuleNotFoundError as error:
            if error.name in ("bench", f"bench.{family}"):
                continue  # a family without benchmarks
            raise
        for case in module.CASES:
            if case.id in cases:
                raise TypeError(f"two benchmarks are named {case.id}")
            cases[case.id] = (family, case)
        for curve in module.GROWTH:
            growth[curve.id] = (family, curve)
    return cases, growth


def _rounded(arg: Any, space: Space) -> Any:
    if isinstance(arg, np.ndarray):
        return space.round(arg)
    if hasattr(arg, "matrix"):
        return type(arg)(space.round(arg.matrix))
    return arg
