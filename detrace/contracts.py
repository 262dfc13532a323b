"""Contracts: the functions that an implementation may offer, named as the field names them.

A contract states a name and a NumPy-style signature; from these follow the checks on type, shape, dtype and device that
every call makes, the harmless example that probes whether a subject works in a space, and the near names suggested to
somebody who spelled it differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

Dims = tuple[str, ...]
ANY = "..."
"""Ends the name of a dimension that stands for any shape."""
_SIDE = re.compile(r"\(([^()]*)\)|(\*)")


@dataclass(frozen=True)
class Family:
    """A family of functions: one module of laws, one of references, one of mutants, one of benchmarks."""

    name: str
    title: str
    order: int


@dataclass(frozen=True)
class Contract:
    """One function of a family.

    Parameters
    ----------
    name : the attribute that a subject must have.
    signature : core dimensions of each array, leading batch dimensions implied: ``"(n,n),(n,k)->(n,k)"``. A ``*`` stands
        for an argument that is no array (a callable, a number). A last dimension ``s...`` stands for any further shape, of
        whatever rank: ``"(r...),(f...)->()"``, ``"*,(n,s...)->(n)"``; such a contract has no batch dimensions.
    summary : what the function computes, one line.
    result : dtype of the results: ``"same"`` as the inputs, or ``"real"`` (float32 for complex64).
    real : the function is one of real numbers; complex spaces are not asked.
    example : harmless host arguments, when the signature alone cannot make them.
    aliases : other names that the function goes by; used for suggestions only, never to guess.
    """

    name: str
    signature: str
    summary: str
    family: str = ""
    result: Literal["same", "real"] = "same"
    real: bool = False
    example: Callable[[], tuple[Any, ...]] | None = None
    aliases: Sequence[str] = field(default=())

    @cached_property
    def inputs(self) -> tuple[Dims | None, ...]:
        return _parse(self.signature.split("->")[0])

    @cached_property
    def outputs(self) -> tuple[Dims | None, ...]:
        return _parse(self.signature.split("->")[1])

    def harmless(self) -> tuple[Any, ...]:
        """Host arguments on which every implementation should work: halves, ½·I for square matrices, 2×2."""
        if self.example is not None:
            return self.example()
        return tuple(_harmless_array(dims) for dims in self.inputs if dims is not None)

    def result_shapes(self, args: Sequence[Any]) -> list[tuple[int, ...]]:
        """Shapes that the results must have for these array arguments (arrays with a ``shape``; others are skipped)."""
        sizes: dict[str, tuple[int, ...]] = {}
        batches: list[tuple[int, ...]] = []
        for dims, arg in zip(self.inputs, args, strict=False):
            if dims is None or arg is None:
                continue
            shape = tuple(np.shape(arg))
            if dims and dims[-1].endswith(ANY):
                fixed = len(dims) - 1
                sizes[dims[-1]] = shape[fixed:]
                core, dims = shape[:fixed], dims[:-1]
            else:
                core = shape[len(shape) - len(dims) :]
                batches.append(shape[: len(shape) - len(dims)])
            sizes.update({d: (n,) for d, n in zip(dims, core, strict=True)})
        batch = np.broadcast_shapes(*batches)
        return [batch + sum((sizes[d] for d in dims), ()) for dims in self.outputs if dims is not None]


def _parse(side: str) -> tuple[Dims | None, ...]:
    """``"(n,n),*"`` → ``(("n", "n"), None)``."""
    return tuple(
        None if star else tuple(d.strip() for d in core.split(",") if d.strip()) for core, star in _SIDE.findall(side)
    )


def _harmless_array(dims: Dims) -> np.ndarray:
    if len(dims) == 2 and dims[0] == dims[1]:
        return 0.5 * np.eye(2)
    return np.full((2,) * len(dims), 0.5)  # any further shape: one more axis
