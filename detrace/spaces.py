"""Spaces: (array library, device, dtype), probed by computing something there and reading it back.

Inside a law all values live on the host as float64 or complex128 arrays that the space's dtype represents exactly; a
space carries them to the library and back without rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from .backends import BACKENDS, Backend

FORMATS = {
    "float16": (11, -14, 15),
    "bfloat16": (8, -126, 127),
    "float32": (24, -126, 127),
    "float64": (53, -1022, 1023),
}
"""Binary formats: precision in bits, smallest and largest exponent of a normal number (IEEE 754 and bfloat16)."""

REAL_PART = {"complex64": "float32", "complex128": "float64"}
DTYPES = ("float32", "float64", "complex64", "complex128")
"""What every subject is judged in unless it states otherwise."""
CLAIMED_DTYPES = ("float16", "bfloat16")
"""What a subject is judged in only where it claims them."""


FORMER = {"strict-cpu": "strict-device1"}
"""Backends that older results files and scripts know by another id, and today's."""

FEW = (0, 1, 2, 3)
"""Sizes in a quick search where every shape is compiled: the scalar, the smallest matrix, one with an inside."""


@dataclass(frozen=True)
class Space:
    """One array library on one device in one dtype; `id` reads ``numpy-cpu-float64``.

    `few_shapes`: strategies keep to few sizes here, because the library compiles each operation for every new shape and
    the search is a quick one.
    """

    backend: Backend
    dtype: str
    few_shapes: bool = False

    @property
    def id(self) -> str:
        return f"{self.backend.id}-{self.dtype}"

    @property
    def is_complex(self) -> bool:
        return self.dtype in REAL_PART

    @property
    def real_dtype(self) -> str:
        return REAL_PART.get(self.dtype, self.dtype)

    @cached_property
    def u(self) -> float:
        """Unit roundoff, 2⁻ᵖ."""
        return 2.0 ** -FORMATS[self.real_dtype][0]

    @cached_property
    def tiny(self) -> float:
        """Smallest positive normal number."""
        return 2.0 ** FORMATS[self.real_dtype][1]

    @cached_property
    def smallest(self) -> float:
        """Smallest positive subnormal number."""
        p, low, _ = FORMATS[self.real_dtype]
        return 2.0 ** (low - p + 1)

    @cached_property
    def flushes(self) -> bool:
        """Whether the library takes subnormal numbers for zero (XLA does), found by adding two of them."""
        x = self.to_native(np.full(2, self.smallest))
        return not self.to_host(x + x).all()

    @cached_property
    def underflow(self) -> float:
        """The most that underflow costs one operation on normal numbers: the smallest positive number that can come out."""
        return self.tiny if self.flushes else self.smallest

    @cached_property
    def max(self) -> float:
        """Largest finite number."""
        p, _, high = FORMATS[self.real_dtype]
        return (2.0 - 2.0 ** (1 - p)) * 2.0**high

    @property
    def host_dtype(self) -> type:
        return np.complex128 if self.is_complex else np.float64

    def sizes(self, low: int, high: int) -> Sequence[int]:
        """The sizes of [low, high] that strategies draw from here."""
        every = range(low, high + 1)
        return ([n for n in FEW if n in every] or every[:1]) if self.few_shapes else every

    def round(self, x: Any) -> np.ndarray:
        """Nearest values of this dtype, as a host array."""
        x = np.asarray(x)
        if np.iscomplexobj(x):
            if not self.is_complex:
                raise TypeError(f"complex values do not fit into {self.dtype}")
            rounded = np.empty(x.shape, np.complex128)  # re + 1j·im would spoil infinities and signed zeros
            rounded.real, rounded.imag = self.round(x.real).real, self.round(x.imag).real
            return rounded
        x = x.astype(np.float64)
        if self.real_dtype == "float64":
            rounded = x
        elif self.real_dtype in ("float32", "float16"):
            with np.errstate(over="ignore"):
                rounded = x.astype(self.real_dtype).astype(np.float64)
        else:  # bfloat16: quantise to multiples of the unit in the last place
            p, low, _ = FORMATS[self.real_dtype]
            exponent = np.maximum(np.frexp(x)[1] - 1, low)
            unit = np.ldexp(1.0, exponent - p + 1)
            rounded = np.where(np.isfinite(x), np.round(x / unit) * unit, x)
            rounded = np.where(np.abs(rounded) > self.max, np.copysign(np.inf, x), rounded)
        return rounded.astype(self.host_dtype) if self.is_complex else rounded

    def to_native(self, x: Any) -> Any:
        """Carry a host array (values exact in this dtype) to the library; real arrays become complex if the dtype is."""
        return self.backend.to_native(np.asarray(x), self.dtype)

    def to_host(self, x: Any) -> np.ndarray:
        """Carry a result back as float64 or complex128, exactly."""
        return self.backend.to_host(x)


@cache
def backends() -> dict[str, Backend]:
    """Every array library and device that detrace knows, by id, probed or not."""
    return {b.id: b for b in BACKENDS}


@cache
def probe(backend_id: str) -> str:
    """'' if something was computed there and read back right; else the reason why not."""
    backend = backends()[backend_id]
    try:
        backend.load()
        host = np.asarray([[1.0, 2.0], [3.0, 4.0]])
        native = backend.to_native(host, "float32")
        product = backend.to_host(native @ native)
        if not np.array_equal(product, host @ host):
            return f"computed {product.tolist()} for [[1,2],[3,4]]²"
        return backend.form_error(native, "float32", (2, 2))
    except Exception as error:  # the reason is the probe's answer, whatever it is
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"


def current(space_id: str) -> str:
    """Today's id of a space."""
    backend_id, _, dtype = space_id.rpartition("-")
    return f"{FORMER.get(backend_id, backend_id)}-{dtype}"


@cache
def space(space_id: str) -> Space:
    """The space with this id, today's or a former one, probed; ValueError that says what is wrong otherwise."""
    backend_id, _, dtype = current(space_id).rpartition("-")
    if backend_id in backends() and (dtype in FORMATS or dtype in REAL_PART):
        if reason := probe(backend_id):
            raise ValueError(f"space {space_id} is not here: {reason}")
        if dtype not in backends()[backend_id].dtypes:
            raise ValueError(f"{backend_id} has no {dtype}; it has {', '.join(backends()[backend_id].dtypes)}")
        return Space(backends()[backend_id], dtype)
    raise ValueError(f"unknown space {space_id!r}; a space reads numpy-cpu-float64; backends: {', '.join(backends())}")
