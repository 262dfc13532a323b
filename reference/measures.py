"""What every function of measures asks of its input: one dtype, finite values, masses that can be transported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_cupy_array, is_jax_array, is_numpy_array, is_torch_array

from .arrays import stop_gradient, working_array


def working_arrays(name: str, *arrays: Any) -> tuple[Any, Any, list[Any]]:
    """Namespace, dtype to return, and the arrays in the dtype to compute in, one for all; None stays None."""
    given = [A for A in arrays if A is not None]
    xp = array_namespace(*given)
    for A in given:
        if not xp.isdtype(A.dtype, "real floating"):
            raise TypeError(f"{name} needs real floating-point arrays, got dtype {A.dtype}; convert it first.")
    dtype = given[0].dtype if all(A.dtype == given[0].dtype for A in given) else xp.result_type(*given)
    wide = working_array(xp.zeros((), dtype=dtype), name)[1].dtype
    return xp, dtype, [None if A is None else xp.astype(A, wide, copy=False) for A in arrays]


def refuse(*checks: tuple[Any, Callable[[], str]]) -> None:
    """ValueError with the first sentence whose condition (an array of one boolean) is false; the conditions are combined
    on the device and read once."""
    good = checks[0][0]
    for condition, _ in checks[1:]:
        good = good & condition
    if not bool(good):
        for condition, sentence in checks:
            if not bool(condition):
                raise ValueError(sentence())


def mass_checks(xp: Any, name: str, a: Any, b: Any, unit: float) -> list[tuple[Any, Callable[[], str]]]:
    """Conditions on masses (..., n), (..., m): finite, none negative, totals positive and equal up to 2(n+m)·`unit`."""
    a, b = stop_gradient(a), stop_gradient(b)
    A, B = xp.sum(a, axis=-1), xp.sum(b, axis=-1)
    slack = 2 * (a.shape[-1] + b.shape[-1]) * unit

    def unequal() -> str:
        i = int(np.argmax(np.ravel(to_host(xp.abs(A - B)))))
        totals = [float(np.ravel(np.broadcast_to(to_host(t), tuple((A - B).shape)))[i]) for t in (A, B)]
        return f"{name} needs equal total masses, got {totals[0]!r} and {totals[1]!r}; rescale one of them."

    return [
        (xp.all(xp.isfinite(a)) & xp.all(xp.isfinite(b)),
         lambda: f"{name} needs finite masses, got NaN or inf; remove or replace these points."),
        (xp.all(a >= 0) & xp.all(b >= 0), lambda: f"{name} needs masses >= 0, got a negative one; clip or shift them first."),
        (xp.all(A > 0) & xp.all(B > 0), lambda: f"{name} needs positive total mass, got an empty measure; drop it."),
        (xp.all(xp.abs(A - B) <= slack * xp.maximum(A, B)), unequal),
    ]  # fmt: skip


def finite_check(xp: Any, name: str, what: str, A: Any) -> tuple[Any, Callable[[], str]]:
    """The condition that every entry of A is finite."""
    return xp.all(xp.isfinite(stop_gradient(A))), lambda: f"{name} needs finite {what}, got NaN or inf; remove these entries."


def unit_roundoff(xp: Any, dtype: Any) -> float:
    """u of a floating dtype: half the distance from 1 to the next number."""
    return float(xp.finfo(dtype).eps) / 2


def to_host(A: Any) -> np.ndarray:
    """The values of A as a NumPy array of its own dtype; no gradient flows through it."""
    A = stop_gradient(A)
    if is_torch_array(A):
        return A.cpu().numpy()
    return A.get() if is_cupy_array(A) else np.asarray(A)


def from_host(xp: Any, values: np.ndarray, like: Any) -> Any:
    """NumPy values as an array of the library, dtype and device of `like`."""
    return xp.asarray(values if values.flags.c_contiguous else values.copy(), dtype=like.dtype, device=device(like))


def on_cpu(A: Any) -> bool:
    """Whether A is one of NumPy's or of PyTorch's on the CPU, where big temporaries cost more than many calls."""
    return is_numpy_array(A) or (is_torch_array(A) and A.device.type == "cpu")


def differentiated(*arrays: Any) -> bool:
    """Whether some array is being differentiated with respect to (torch: requires a gradient; JAX: is traced)."""
    for A in arrays:
        if is_torch_array(A) and A.requires_grad:
            return True
        if is_jax_array(A):
            import jax

            if isinstance(A, jax.core.Tracer):
                return True
    return False
