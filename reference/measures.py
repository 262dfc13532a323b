"""What every function of measures asks of its input: one dtype, finite values, masses that can be transported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import (
    array_namespace,
    device,
    is_array_api_strict_namespace,
    is_cupy_array,
    is_jax_array,
    is_numpy_array,
    is_torch_array,
)

from .arrays import stop_gradient

Check = tuple[Any, Callable[[], str]]
"""A condition (an array of one boolean), and the sentence to say if it is false."""


def working_arrays(name: str, *arrays: Any) -> tuple[Any, Any, list[Any]]:
    """Namespace, dtype to return, and the arrays in the dtype to compute in, one for all; None stays None."""
    given = [A for A in arrays if A is not None]
    xp = array_namespace(given[0]) if all(type(A) is np.ndarray for A in given) else array_namespace(*given)
    dtypes = {A.dtype: None for A in given}
    for dtype in dtypes:
        if not xp.isdtype(dtype, "real floating"):
            raise TypeError(f"{name} needs real floating-point arrays, got dtype {dtype}; convert it first.")
    dtype = given[0].dtype if len(dtypes) == 1 else xp.result_type(*given)
    wide = xp.float32 if xp.finfo(dtype).bits < 32 else dtype
    if wide == dtype and len(dtypes) == 1:
        return xp, dtype, list(arrays)
    return xp, dtype, [None if A is None else xp.astype(A, wide, copy=False) for A in arrays]


def everywhere(xp: Any, condition: Any) -> bool:
    """Whether a condition holds in all its entries; reads the device once."""
    return bool(condition if condition.ndim == 0 else xp.all(condition))


def refuse(*checks: Check) -> None:
    """ValueError with the first sentence whose condition is false; the conditions are combined on the device and read once."""
    good = checks[0][0]
    for condition, _ in checks[1:]:
        good = good & condition
    if not bool(good):
        for condition, sentence in checks:
            if not bool(condition):
                raise ValueError(sentence())


def mass_checks(xp: Any, name: str, a: Any, b: Any, unit: float, totals: tuple[Any, Any] | None = None) -> list[Check]:
    """The condition on masses (..., n), (..., m): finite, none negative, totals positive and equal up to 2(n+m)·`unit`."""
    a, b = stop_gradient(a), stop_gradient(b)
    A, B = totals or (xp.sum(a, axis=-1), xp.sum(b, axis=-1))
    near = xp.abs(A - B) <= 2 * (a.shape[-1] + b.shape[-1]) * unit * xp.minimum(A, B)  # false of inf and NaN

    def reason() -> str:
        if not bool(xp.all(xp.isfinite(a)) & xp.all(xp.isfinite(b))):
            return f"{name} needs finite masses, got NaN or inf; remove or replace these points."
        if not bool(xp.all(a >= 0) & xp.all(b >= 0)):
            return f"{name} needs masses >= 0, got a negative one; clip or shift them first."
        if not bool(xp.all(A > 0) & xp.all(B > 0)):
            return f"{name} needs positive total mass, got an empty measure; drop it."
        i = int(xp.argmin(xp.astype(xp.reshape(near, (-1,)), xp.int8)))
        one, other = (float(xp.reshape(xp.broadcast_to(t, near.shape), (-1,))[i]) for t in (A, B))
        return f"{name} needs equal total masses, got {one!r} and {other!r}; rescale one of them."

    good = near & (A > 0) & (xp.min(a, axis=-1) >= 0) & (xp.min(b, axis=-1) >= 0)
    return [(good if good.ndim == 0 else xp.all(good), reason)]


def finite_check(xp: Any, name: str, what: str, A: Any) -> Check:
    """The condition that every entry of A is finite."""
    return xp.all(xp.isfinite(stop_gradient(A))), lambda: f"{name} needs finite {what}, got NaN or inf; remove these entries."


def unit_roundoff(xp: Any, dtype: Any) -> float:
    """u of a floating dtype: half the distance from 1 to the next number."""
    return float(xp.finfo(dtype).eps) / 2


def to_host(A: Any) -> np.ndarray:
    """The values of A as a NumPy array of its own dtype; no gradient flows through it. The one way off a device: each library
    is told to move them."""
    if isinstance(A, np.ndarray):
        return A
    A = stop_gradient(A)
    if is_torch_array(A):
        return A.cpu().numpy()
    if is_jax_array(A):
        import jax

        return np.asarray(jax.device_get(A))
    if is_cupy_array(A):
        return A.get()
    if is_array_api_strict_namespace(xp := array_namespace(A)):
        return np.asarray(xp.asarray(A, device=xp.Device("CPU_DEVICE")))
    return np.asarray(A)


def from_host(xp: Any, values: np.ndarray, like: Any) -> Any:
    """NumPy values as an array of the library, dtype and device of `like`."""
    if isinstance(like, np.ndarray):
        return values.astype(like.dtype, copy=False)
    return xp.asarray(values if values.flags.c_contiguous else values.copy(), dtype=like.dtype, device=device(like))


def on_cpu(A: Any) -> bool:
    """Whether A is one of NumPy's or of PyTorch's on the CPU, where big temporaries cost more than many calls."""
    return is_numpy_array(A) or (is_torch_array(A) and A.device.type == "cpu")


def differentiated(*arrays: Any) -> bool:
    """Whether some array of one library is being differentiated with respect to (torch: requires a gradient; JAX: is
    traced)."""
    for A in arrays if arrays and not isinstance(arrays[0], np.ndarray) else ():
        if is_torch_array(A) and A.requires_grad:
            return True
        if is_jax_array(A):
            import jax

            if isinstance(A, jax.core.Tracer):
                return True
    return False
