"""Mistakes of gradient norms and penalties in half precision."""

from __future__ import annotations

import numpy as np

from detrace import mutant
from reference import gradient_penalties as right

HALF = "numpy-cpu-float16"


@mutant("gradient_norms", rejected_by="norm_does_not_overflow_in_its_squares", space=HALF)
def norm_of_squares_in_half_precision(D, x):
    """√Σg² in float16: infinite from slopes of 256 on."""
    g = D.gradient(x).reshape(len(x), -1)
    return np.sqrt((g * g).sum(axis=1, dtype=g.dtype))


@mutant("zero_centred_real_penalty", rejected_by="penalty_overflows_only_where_it_must", space=HALF)
def real_centred_summed_in_half_precision(D, real):
    """Σ‖∇D‖² in float16, then the division by n: infinite where the mean is representable."""
    g = D.gradient(real)
    return (g * g).sum(dtype=g.dtype) / g.dtype.type(len(real))


@mutant("two_sided_penalty", rejected_by="penalty_overflows_only_where_it_must", space=HALF)
def two_sided_summed_in_half_precision(D, real, fake, alpha, target):
    """Σ(‖∇D‖ − t)² in float16, then the division by n."""
    excess = right.gradient_norms(D, right.interpolate(real, fake, alpha)) - np.float16(target)
    return (excess * excess).sum(dtype=excess.dtype) / excess.dtype.type(len(real))


@mutant("two_sided_penalty", rejected_by="penalty_has_its_gradient_in_every_dtype", space="torch-cpu-float16")
def epsilon_that_half_precision_swallows(D, real, fake, alpha, target):
    """√(Σg² + 10⁻¹²) in float16, where 10⁻¹² is 0: NaN gradients where ∇D = 0 after all."""
    g = right.input_gradient(D, right.interpolate(real, fake, alpha)).reshape(len(real), -1)
    return ((((g * g).sum(1) + 1e-12).sqrt() - target) ** 2).mean()


@mutant("zero_centred_real_penalty", rejected_by="penalty_overflows_only_where_it_must", space="torch-cpu-bfloat16")
def real_centred_added_up_in_bfloat16(D, real):
    """The samples' squares added one by one in bfloat16: from 256 of one size on the sum stands still."""
    total = 0 * real.sum()
    for square in right.gradient_norms(D, real) ** 2:
        total = total + square
    return total / len(real)
