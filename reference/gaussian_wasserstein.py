"""W₂ between normal distributions: the Bures distance of the covariances and the distance of the means.

W₂² = ‖m₁ − m₂‖² + tr(S₁ + S₂ − 2(S₁^½ S₂ S₁^½)^½) (https://kexue.fm/archives/6280 for W₂; Dowson & Landau 1982 for this
form). With S₁ = AAᵀ and S₂ = BBᵀ the trace is min ‖A − BU‖_F² over orthogonal U, which does not cancel.
"""

from __future__ import annotations

from typing import Any

from array_api_compat import device

from .arrays import QUIET, stop_gradient
from .measures import differentiated, finite_check, refuse, unit_roundoff, working_arrays


@QUIET
def gaussian_w2(m1: Any, S1: Any, m2: Any, S2: Any) -> Any:
    """W₂ of N(m1, S1) and N(m2, S2), the root: means (..., d), covariances (..., d, d) -> (...).

    Error: a few du(‖S₁^½‖ + ‖S₂^½‖ + ‖m₁ − m₂‖), also near 0, plus what a perturbation du‖Sᵢ‖ of the covariances does to W₂:
    du‖Sᵢ‖/√λ_min, and √(du‖Sᵢ‖) where Sᵢ is singular. Degenerate covariances are allowed.
    Gradient: (m₁ − m₂)/W₂ and (I − T)/(2W₂), T the optimal map (least-norm on degenerate directions); 0 where W₂ = 0.
    Raises ValueError if shapes do not fit, values are not finite, or a covariance is not symmetric or has a negative
    eigenvalue, both beyond 32du‖S‖; TypeError if a dtype is not real floating.
    """
    xp, dtype, (m1, S1, m2, S2) = working_arrays("gaussian_w2", m1, S1, m2, S2)
    d = m1.shape[-1] if m1.ndim else 0
    given = [m1, S1, m2, S2]
    if d == 0 or any(tuple(v.shape[-k:]) != (d,) * k for v, k in zip(given, (1, 2, 1, 2), strict=True)):
        shapes = ", ".join(str(tuple(v.shape)) for v in given)
        raise ValueError(f"gaussian_w2 needs means (d,) and covariances (d, d), d >= 1, got m1, S1, m2, S2 of shapes {shapes}.")
    fixed = [stop_gradient(v) for v in given]
    unit = unit_roundoff(xp, dtype)
    slack = 32 * d * unit
    largest = [xp.max(xp.abs(S), axis=(-2, -1), keepdims=True) for S in (fixed[1], fixed[3])]
    refuse(*(finite_check(xp, "gaussian_w2", "means and covariances", v) for v in fixed),
           *((xp.all(xp.abs(S - xp.matrix_transpose(S)) <= slack * size),
              lambda: "gaussian_w2 needs symmetric covariances; symmetrise them by (S + Sᵀ)/2.")
             for S, size in zip((fixed[1], fixed[3]), largest, strict=True)))  # fmt: skip
    shift = fixed[0] - fixed[2]
    scale = xp.maximum(xp.maximum(xp.sqrt(largest[0]), xp.sqrt(largest[1])), xp.max(xp.abs(shift), axis=-1)[..., None, None])
    scale = xp.where(scale > 0, scale, xp.ones_like(scale))
    scale = xp.pow(xp.full_like(scale, 2.0), xp.round(xp.log2(scale)))
    A, low1 = _factor(xp, fixed[1] / scale / scale)
    B, low2 = _factor(xp, fixed[3] / scale / scale)
    refuse(*((xp.all(low >= -slack), lambda: "gaussian_w2 needs covariances without negative eigenvalues; they are indefinite.")
             for low in (low1, low2)))  # fmt: skip
    left, _, right = xp.linalg.svd(xp.matrix_transpose(B) @ A, full_matrices=False)
    moved = B @ (left @ right)  # B U, the best match of A
    difference = A - moved
    shift = shift / scale[..., 0]
    square = xp.sum(xp.square(difference), axis=(-2, -1)) + xp.sum(xp.square(shift), axis=-1)
    result = xp.sqrt(square)
    value = scale[..., 0, 0] * result
    if differentiated(*given):
        slopes = _slopes(xp, A, moved, shift, result, scale)
        for v, f, slope, axes in zip(given, fixed, slopes, (-1, (-2, -1), -1, (-2, -1)), strict=True):
            value = value + xp.sum(slope * (v - f), axis=axes)  # adds 0, and the gradient
    return xp.astype(value, dtype, copy=False)


def _factor(xp: Any, S: Any) -> tuple[Any, Any]:
    """A with AAᵀ = S, negative eigenvalues taken for 0, and the least eigenvalue over the largest."""
    values, vectors = xp.linalg.eigh((S + xp.matrix_transpose(S)) / 2)
    size = xp.max(xp.abs(values), axis=-1)
    low = xp.min(values, axis=-1) / xp.where(size > 0, size, xp.ones_like(size))
    root = xp.sqrt(xp.where(values > 0, values, xp.zeros_like(values)))
    return (vectors * root[..., None, :]) @ xp.matrix_transpose(vectors), low


def _slopes(xp: Any, A: Any, moved: Any, shift: Any, result: Any, scale: Any) -> tuple[Any, ...]:
    """Derivatives of W₂ with respect to m₁, S₁, m₂, S₂: T A = BU for the optimal map T from the first to the second."""
    inverse = xp.where(result > 0, 1 / xp.where(result > 0, result, xp.ones_like(result)), xp.zeros_like(result))
    to_second = moved @ xp.linalg.pinv(A)
    to_first = A @ xp.linalg.pinv(moved)
    eye = xp.eye(A.shape[-1], dtype=A.dtype, device=device(A))
    weight = inverse[..., None, None] / scale / 2
    first, second = (weight * (eye - (T + xp.matrix_transpose(T)) / 2) for T in (to_second, to_first))
    direction = shift * inverse[..., None]
    return direction, first, -direction, second
