"""Backends: one small class for each array library and device; nothing is imported before `load`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

WIDE = ("float32", "float64", "complex64", "complex128")
FEW = ("float32", "complex128")
"""Both precisions, both fields: what the quick profile asks of a slow library."""
VJP = Callable[[Callable[..., Any], Sequence[Any], Any], Sequence[Any]]


class Backend:
    """An array library on a device.

    `to_native` and `to_host` carry values without rounding; `form_error` says in words what is wrong with a result's
    type, dtype, shape or device; if the library differentiates, `vjp(f, args, cotangent)` has the derivatives of
    Σ cotangent·f(args) with respect to each argument, and `recorded(f, args)` the value that is computed on the way to them.
    """

    name = "numpy"
    device = "cpu"
    dtypes: tuple[str, ...] = (*WIDE, "float16")
    quick_dtypes: tuple[str, ...] = ()  # if any, the only ones in which the quick profile asks references and peers
    compiles = False  # every operation anew for every shape: a quick search keeps to few shapes
    cost: float = 1.0  # how many times dearer than NumPy's an example is; fewer are drawn
    vjp: VJP | None = None
    recorded: Callable[[Callable[..., Any], Sequence[Any]], Any] | None = None

    @property
    def id(self) -> str:
        return f"{self.name}-{self.device}"

    def load(self) -> None:
        """Import the library; raises what the import raises."""

    def to_native(self, x: np.ndarray, dtype: str) -> Any:
        return np.array(x, dtype=dtype)

    def to_host(self, x: Any) -> np.ndarray:
        x = np.asarray(x)
        return x.astype(np.complex128 if np.iscomplexobj(x) else np.float64)

    def is_array(self, x: Any) -> bool:
        return isinstance(x, np.ndarray | np.generic)

    def dtype_name(self, x: Any) -> str:
        return str(x.dtype)

    def device_name(self, x: Any) -> str:
        return "cpu"

    def form_error(self, x: Any, dtype: str, shape: tuple[int, ...]) -> str:
        if not self.is_array(x):
            return f"returned {_type_name(x)}, not an array of {self.id}"
        if self.dtype_name(x) != dtype:
            return f"returned dtype {self.dtype_name(x)}, expected {dtype}"
        if tuple(x.shape) != shape:
            return f"returned shape {tuple(x.shape)}, expected {shape}"
        if self.device_name(x) != self.device:
            return f"returned a result on {self.device_name(x)}, expected {self.device}"
        return ""

    def transposed_view(self, x: Any) -> Any:
        """The same values in column-major memory, as a view."""
        axes = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
        return np.ascontiguousarray(x.transpose(axes)).transpose(axes)

    def version(self) -> str:
        return np.__version__


class Strict(Backend):
    """array-api-strict on a device of its own: nothing beyond the array API standard works, NumPy cannot read an array there,
    and none mixes with one elsewhere. What runs here keeps to the standard and does not silently go to the host."""

    name = "strict"
    device = "device1"
    cost = 2.5  # NumPy's numbers in a stricter dress: it is the calls that matter here
    quick_dtypes = FEW
    dtypes = WIDE

    def load(self) -> None:
        import array_api_strict

        self.lib = array_api_strict

    def to_native(self, x: np.ndarray, dtype: str) -> Any:
        return self.lib.asarray(np.array(x, dtype=dtype), device=self.lib.Device(self.device))

    def to_host(self, x: Any) -> np.ndarray:
        return super().to_host(self.lib.asarray(x, device=self.lib.Device("CPU_DEVICE")))

    def is_array(self, x: Any) -> bool:
        return hasattr(x, "__array_namespace__") and x.__array_namespace__().__name__ == "array_api_strict"

    def dtype_name(self, x: Any) -> str:
        return str(x.dtype).rpartition(".")[2]

    def device_name(self, x: Any) -> str:
        return repr(x.device).split("'")[1]

    def transposed_view(self, x: Any) -> Any:
        return self.lib.matrix_transpose(self.lib.matrix_transpose(x))

    def version(self) -> str:
        return str(self.lib.__version__)


class Torch(Backend):
    """PyTorch; on CUDA a result must live on the device."""

    name = "torch"
    dtypes = (*WIDE, "float16", "bfloat16")

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    def load(self) -> None:
        import torch

        self.lib = torch
        if self.device == "cuda" and not torch.cuda.is_available():
            raise RuntimeError(f"torch {torch.__version__} sees no CUDA device")

    def to_native(self, x: np.ndarray, dtype: str) -> Any:
        return self.lib.tensor(x, dtype=getattr(self.lib, dtype), device=self.device)

    def to_host(self, x: Any) -> np.ndarray:
        wide = self.lib.complex128 if x.is_complex() else self.lib.float64
        return x.detach().to(wide).resolve_conj().cpu().numpy().copy()

    def is_array(self, x: Any) -> bool:
        return isinstance(x, self.lib.Tensor)

    def dtype_name(self, x: Any) -> str:
        return str(x.dtype).removeprefix("torch.")

    def device_name(self, x: Any) -> str:
        return str(x.device.type)

    def transposed_view(self, x: Any) -> Any:
        return x.mT.contiguous().mT

    def version(self) -> str:
        return str(self.lib.__version__)

    def recorded(self, f: Callable[..., Any], args: Sequence[Any]) -> Any:
        return f(*(a.detach().clone().requires_grad_() for a in args))

    def vjp(self, f: Callable[..., Any], args: Sequence[Any], cotangent: Any) -> Sequence[Any]:
        leaves = [a.detach().clone().requires_grad_() for a in args]
        result = f(*leaves)
        if not result.requires_grad:  # none of the arguments was read
            return [self.lib.zeros_like(x) for x in leaves]
        grads = self.lib.autograd.grad(result, leaves, grad_outputs=cotangent, allow_unused=True)
        return [self.lib.zeros_like(x) if g is None else g for x, g in zip(leaves, grads, strict=True)]


class Jax(Backend):
    """JAX with 64-bit types enabled (a process-wide switch of JAX)."""

    name = "jax"
    compiles = True
    cost = 5.0
    quick_dtypes = FEW
    dtypes = (*WIDE, "float16", "bfloat16")

    def load(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_platforms", "cpu")
        self.lib = jax

    def to_native(self, x: np.ndarray, dtype: str) -> Any:
        return self.lib.numpy.asarray(x, dtype=dtype)

    def is_array(self, x: Any) -> bool:
        return isinstance(x, self.lib.Array)

    def transposed_view(self, x: Any) -> Any:
        return x.mT.mT

    def version(self) -> str:
        return str(self.lib.__version__)

    def recorded(self, f: Callable[..., Any], args: Sequence[Any]) -> Any:
        return self.lib.vjp(f, *args)[0]

    def vjp(self, f: Callable[..., Any], args: Sequence[Any], cotangent: Any) -> Sequence[Any]:
        return self.lib.vjp(f, *args)[1](cotangent)


class Cupy(Backend):
    """CuPy on CUDA; results must be CuPy arrays, so a silent fall-back to the CPU is a violation."""

    name = "cupy"
    device = "cuda"

    def load(self) -> None:
        import cupy

        self.lib = cupy
        cupy.cuda.runtime.getDeviceCount()

    def to_native(self, x: np.ndarray, dtype: str) -> Any:
        return self.lib.asarray(np.array(x, dtype=dtype))

    def to_host(self, x: Any) -> np.ndarray:
        return super().to_host(x.get())

    def is_array(self, x: Any) -> bool:
        return isinstance(x, self.lib.ndarray)

    def device_name(self, x: Any) -> str:
        return "cuda"

    def transposed_view(self, x: Any) -> Any:
        axes = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
        return self.lib.ascontiguousarray(x.transpose(axes)).transpose(axes)

    def version(self) -> str:
        return str(self.lib.__version__)


BACKENDS: tuple[Backend, ...] = (Backend(), Torch(), Jax(), Strict(), Cupy(), Torch("cuda"))


def _type_name(x: Any) -> str:
    t = type(x)
    return t.__name__ if t.__module__ == "builtins" else f"{t.__module__}.{t.__name__}"
