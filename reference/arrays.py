"""What every reference needs of an array library: its namespace, a dtype wide enough to compute in, a stopped gradient."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_jax_array, is_torch_array

# Overflow and NaN are values here, not NumPy warnings.
QUIET = np.errstate(all="ignore")


def working_array(A: Any, name: str) -> tuple[Any, Any, Any]:
    """Namespace of A, A in the dtype to compute in (float32 at least), and the dtype to return."""
    xp = array_namespace(A)
    floating, narrow = _kind(xp, A.dtype)
    if not floating:
        raise TypeError(f"{name} needs a real or complex floating-point array, got dtype {A.dtype}; convert it first.")
    return xp, xp.astype(A, xp.float32) if narrow else A, A.dtype


@cache
def _kind(xp: Any, dtype: Any) -> tuple[bool, bool]:
    """Whether a dtype is floating, and whether it has fewer than 32 bits."""
    floating = xp.isdtype(dtype, ("real floating", "complex floating"))
    return floating, floating and xp.finfo(dtype).bits < 32


def stop_gradient(x: Any) -> Any:
    """x as a constant: the same values, shape, dtype and device, and no gradient flows back through it (torch, JAX);
    x itself where the library has no automatic differentiation."""
    if type(x) is np.ndarray:  # a short call asks this often
        return x
    if is_torch_array(x):
        return x.detach()
    if is_jax_array(x):
        import jax

        return jax.lax.stop_gradient(x)
    return x


def known_number(s: Any) -> float | None:
    """The one real number in s where it is a constant in host memory (NumPy, torch); else, and where a derivative, a vmap or
    a trace needs it as an unknown, None. Arithmetic with such a number costs nothing beside an array operation."""
    if type(s) is np.ndarray:
        return None if s.dtype.kind == "c" else s.item()
    if not is_torch_array(s) or s.requires_grad or s.is_complex() or s.device.type != "cpu":
        return None
    import torch
    from torch.autograd.forward_ad import unpack_dual

    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return None
    try:
        return s.item() if unpack_dual(s).tangent is None else None
    except RuntimeError:  # torch.func.vmap has no single number
        return None
