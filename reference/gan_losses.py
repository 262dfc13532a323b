"""GAN losses on logits, one row each: `<name>_discriminator`, `<name>_generator` and the gradient of each in closed form.

D is high on real; energy losses read U = −D, low on real (https://kexue.fm/archives/6316). Every loss is minimised and takes
(real, fake): logits of any shape, in any floating dtype of any array library that ``array_api_compat`` knows, and returns the
mean as an array (). A generator's loss may ignore `real`. `<name>_gradient(real, fake)` is (∂/∂real, ∂/∂fake).
r, f: a real and a fake sample; E: mean over its batch. NaN in gives NaN; an empty batch gives NaN.
"""

from __future__ import annotations

from typing import Any

from array_api_compat import device

from .arrays import QUIET, stop_gradient, working_array
from .divergences import DIVERGENCES
from .gan_loss_table import (
    ABOVE,
    BELOW,
    IDENTITY,
    SOFTPLUS,
    Loss,
    Term,
    averaged,
    cast,
    flat,
    name_rows,
    ones,
    paired,
    relu,
    separate,
    shaped,
    softplus,
    square,
    step,
)  # fmt: skip
from .gan_loss_table import sigmoid as _sigmoid

# Goodfellow et al. 2014 (arXiv:1406.2661). Optimum D* = log(p/q), value 2 log 2 − 2 JS(p, q).
minimax_discriminator, minimax_discriminator_gradient = separate(
    "E log(1 + e^{−D(r)}) + E log(1 + e^{D(f)}) = −E log σ(D(r)) − E log(1 − σ(D(f)))", real=SOFTPLUS.flipped(), fake=SOFTPLUS
)
minimax_generator, minimax_generator_gradient = separate(
    "−E log(1 + e^{D(f)}) = E log(1 − σ(D(f))), saturating: its slope vanishes as D(f) → −∞", fake=-SOFTPLUS
)
non_saturating_discriminator, non_saturating_discriminator_gradient = separate(
    "E log(1 + e^{−D(r)}) + E log(1 + e^{D(f)}), the discriminator of minimax", real=SOFTPLUS.flipped(), fake=SOFTPLUS
)
non_saturating_generator, non_saturating_generator_gradient = separate(
    "E log(1 + e^{−D(f)}) = −E log σ(D(f)): its slope tends to −1 as D(f) → −∞", fake=SOFTPLUS.flipped()
)


def _cross_entropy(label: float) -> Term:
    """−label·log σ(d) − (1 − label)·log(1 − σ(d)), by softplus on the label's side, so that nothing cancels."""

    def value(xp: Any, d: Any) -> Any:
        if label in (0, 1):
            return softplus(xp, -d if label else d)
        return softplus(xp, -d) + (1 - label) * d if label > 0.5 else softplus(xp, d) - label * d

    return Term(value, lambda xp, d: (1 - label) * _sigmoid(xp, d) - label * _sigmoid(xp, -d))


# Salimans et al. 2016 (arXiv:1606.03498), which smooths only the real label.
# Optimum σ(D*) = (real_label·p + fake_label·q)/(p + q).
label_smoothing_discriminator, label_smoothing_discriminator_gradient = separate(
    "E BCE(D(r), real_label) + E BCE(D(f), fake_label), BCE(d, y) = −y log σ(d) − (1−y) log(1 − σ(d))",
    real=lambda real_label, fake_label: _cross_entropy(real_label),
    fake=lambda real_label, fake_label: _cross_entropy(fake_label),
    real_label=0.9,
    fake_label=0.0,
)

# Mao et al. 2016 (arXiv:1611.04076). Optimum D* = (a q + b p)/(p + q), value ½(b−a)² Σ pq/(p+q).
least_squares_discriminator, least_squares_discriminator_gradient = separate(
    "½E(D(r) − b)² + ½E(D(f) − a)²", real=lambda a, b: square(b, 0.5), fake=lambda a, b: square(a, 0.5), a=0.0, b=1.0
)
least_squares_generator, least_squares_generator_gradient = separate("½E(D(f) − c)²", fake=lambda c: square(c, 0.5), c=1.0)
labelled_least_squares_discriminator = least_squares_discriminator
labelled_least_squares_discriminator_gradient = least_squares_discriminator_gradient
labelled_least_squares_generator = least_squares_generator
labelled_least_squares_generator_gradient = least_squares_generator_gradient

# Lim, Ye 2017 (arXiv:1705.02894); Miyato et al. 2018 (arXiv:1802.05957). Optimum D* = sign(p − q), value 2(1 − TV).
hinge_discriminator, hinge_discriminator_gradient = separate(
    "E max(0, 1 − D(r)) + E max(0, 1 + D(f))", real=ABOVE, fake=BELOW
)
hinge_generator, hinge_generator_gradient = separate("−E D(f)", fake=-IDENTITY)

# Arjovsky, Chintala, Bottou 2017 (arXiv:1701.07875). Unbounded below without a constraint on D.
wasserstein_discriminator, wasserstein_discriminator_gradient = separate("E D(f) − E D(r)", real=-IDENTITY, fake=IDENTITY)
wasserstein_generator, wasserstein_generator_gradient = separate("−E D(f)", fake=-IDENTITY)

# Jolicoeur-Martineau 2018 (arXiv:1807.00734): D(r) is compared with D(f), so D may be shifted.
relativistic_discriminator, relativistic_discriminator_gradient = paired(
    "E log(1 + e^{−(D(rᵢ) − D(fᵢ))}), in pairs", SOFTPLUS.flipped()
)
relativistic_generator, relativistic_generator_gradient = paired("E log(1 + e^{D(rᵢ) − D(fᵢ)}), in pairs", SOFTPLUS)
relativistic_average_discriminator, relativistic_average_discriminator_gradient = averaged(
    "E log(1 + e^{−(D(r) − E D(f))}) + E log(1 + e^{D(f) − E D(r)})", real=SOFTPLUS.flipped(), fake=SOFTPLUS
)
relativistic_average_generator, relativistic_average_generator_gradient = averaged(
    "E log(1 + e^{D(r) − E D(f)}) + E log(1 + e^{−(D(f) − E D(r))})", real=SOFTPLUS, fake=SOFTPLUS.flipped()
)
relativistic_average_hinge_discriminator, relativistic_average_hinge_discriminator_gradient = averaged(
    "E max(0, 1 − (D(r) − E D(f))) + E max(0, 1 + (D(f) − E D(r)))", real=ABOVE, fake=BELOW
)
relativistic_average_hinge_generator, relativistic_average_hinge_generator_gradient = averaged(
    "E max(0, 1 + (D(r) − E D(f))) + E max(0, 1 − (D(f) − E D(r)))", real=BELOW, fake=ABOVE
)
relativistic_average_least_squares_discriminator, relativistic_average_least_squares_discriminator_gradient = averaged(
    "E(D(r) − E D(f) − 1)² + E(D(f) − E D(r) + 1)²", real=square(1.0), fake=square(-1.0)
)
relativistic_average_least_squares_generator, relativistic_average_least_squares_generator_gradient = averaged(
    "E(D(r) − E D(f) + 1)² + E(D(f) − E D(r) − 1)²", real=square(-1.0), fake=square(1.0)
)


def _f_gan(name: str) -> tuple[Loss, Loss]:
    row = DIVERGENCES[name]
    return (
        separate(
            f"−E g(D(r)) + E f*(g(D(f))), {row.formula}", real=-row.activation, fake=row.conjugate_of_activation
        ),
        separate(f"−E f*(g(D(f))), {row.formula}", fake=-row.conjugate_of_activation),
    )  # fmt: skip


# Nowozin, Cseke, Tomioka 2016 (arXiv:1606.00709). Optimum g(D*) = f′(p/q), value −D_f(p‖q); f, f* and g in `divergences`.
(
    (f_gan_kl_discriminator, f_gan_kl_discriminator_gradient),
    (f_gan_kl_generator, f_gan_kl_generator_gradient),
) = _f_gan("kl")
(
    (f_gan_reverse_kl_discriminator, f_gan_reverse_kl_discriminator_gradient),
    (f_gan_reverse_kl_generator, f_gan_reverse_kl_generator_gradient),
) = _f_gan("reverse_kl")
(
    (f_gan_pearson_discriminator, f_gan_pearson_discriminator_gradient),
    (f_gan_pearson_generator, f_gan_pearson_generator_gradient),
) = _f_gan("pearson")
(
    (f_gan_neyman_discriminator, f_gan_neyman_discriminator_gradient),
    (f_gan_neyman_generator, f_gan_neyman_generator_gradient),
) = _f_gan("neyman")
(
    (f_gan_squared_hellinger_discriminator, f_gan_squared_hellinger_discriminator_gradient),
    (f_gan_squared_hellinger_generator, f_gan_squared_hellinger_generator_gradient),
) = _f_gan("squared_hellinger")
(
    (f_gan_jensen_shannon_discriminator, f_gan_jensen_shannon_discriminator_gradient),
    (f_gan_jensen_shannon_generator, f_gan_jensen_shannon_generator_gradient),
) = _f_gan("jensen_shannon")
(
    (f_gan_gan_discriminator, f_gan_gan_discriminator_gradient),
    (f_gan_gan_generator, f_gan_gan_generator_gradient),
) = _f_gan("gan")
(
    (f_gan_total_variation_discriminator, f_gan_total_variation_discriminator_gradient),
    (f_gan_total_variation_generator, f_gan_total_variation_generator_gradient),
) = _f_gan("total_variation")

# 6316.4: the hinge loss in energies U = −D. Optimum U = −sign(p − q), value 2(1 − TV).
energy_hinge_discriminator, energy_hinge_discriminator_gradient = separate(
    "E max(0, 1 + U(r)) + E max(0, 1 − U(f))", real=BELOW, fake=ABOVE
)
energy_hinge_generator, energy_hinge_generator_gradient = separate("E U(f)", fake=IDENTITY)

# Zhao, Mathieu, LeCun 2016 (arXiv:1609.03126), 6316.5: U ≥ 0 is the caller's duty. Optimum U ∈ {0, m}, value m(1 − TV).
energy_margin_discriminator, energy_margin_discriminator_gradient = separate(
    "E U(r) + E max(0, m − U(f)), U ≥ 0",
    real=lambda m: IDENTITY,
    fake=lambda m: Term(lambda xp, u: relu(xp, m - u), lambda xp, u: step(xp, m - u), steepness=-1.0),
    m=1.0,
)
energy_margin_generator, energy_margin_generator_gradient = separate("E U(f), U ≥ 0", fake=IDENTITY)

# Berthelot, Schumm, Metz 2017 (arXiv:1703.10717): U is an autoencoder's loss, k the weight that balances both.
boundary_equilibrium_discriminator, boundary_equilibrium_discriminator_gradient = separate(
    "E U(r) − k E U(f)",
    real=lambda k: IDENTITY,
    fake=lambda k: Term(lambda xp, u: u, ones, -k, -k),
    k=0.0,
)
boundary_equilibrium_generator, boundary_equilibrium_generator_gradient = separate("E U(f)", fake=IDENTITY)

# Su 2018 (arXiv:1811.07296).
gan_qp_generator, gan_qp_generator_gradient = separate("E D(r) − E D(f)", real=IDENTITY, fake=-IDENTITY)

FORMULAS = name_rows(globals())
"""The formula of every loss that is a row, by name."""


@QUIET
def gan_qp_discriminator(real: Any, fake: Any, distance: Any, scale: float = 10.0) -> Any:
    """−E[δ − δ²/(2·scale·d(r,f))], δ = D(rᵢ) − D(fᵢ), in pairs: real, fake, distance of one size -> ().

    distance: d(rᵢ, fᵢ) > 0 between the samples themselves. Optimum δ = scale·d, value −scale·E d/2.
    Raises ValueError unless all three hold as many entries.
    """
    xp, delta, d = _qp(real, fake, distance)
    return cast(xp, -xp.mean(delta * (1 - delta / (2 * scale * d))), real.dtype)


@QUIET
def gan_qp_discriminator_gradient(real: Any, fake: Any, distance: Any, scale: float = 10.0) -> Any:
    """(−(1 − δ/(scale·d))/n, its negative), shaped as real and as fake; the distances are constants."""
    xp, delta, d = _qp(real, fake, distance)
    slope = cast(xp, (delta / (scale * d) - 1) / delta.shape[0], real.dtype)
    return shaped(xp, slope, real), shaped(xp, -slope, fake)


def _qp(real: Any, fake: Any, distance: Any) -> tuple[Any, Any, Any]:
    xp, (r, f, d) = flat(real, fake, distance)
    if not r.shape == f.shape == d.shape:
        sizes = f"{r.shape[0]}, {f.shape[0]}, {d.shape[0]}"
        raise ValueError(f"gan_qp needs a real and a fake logit and a distance a pair, got {sizes}.")
    return xp, r - f, d


@QUIET
def boundary_equilibrium_weight(real: Any, fake: Any, k: float, gamma: float = 0.5, rate: float = 0.001) -> Any:
    """clip(k + rate·(gamma·E U(r) − E U(f)), 0, 1), the next weight k of boundary_equilibrium_discriminator, as an array ().

    real, fake: energies U ≥ 0 of any shape. gamma = E U(f)/E U(r) at the equilibrium. k is a constant: no gradient flows back
    through it. Berthelot, Schumm, Metz 2017 (arXiv:1703.10717); there k starts at 0.
    """
    xp, (r, f) = flat(stop_gradient(real), stop_gradient(fake))
    return cast(xp, xp.clip(k + rate * (gamma * xp.mean(r) - xp.mean(f)), 0.0, 1.0), fake.dtype)


@QUIET
def boundary_equilibrium_convergence(real: Any, fake: Any, gamma: float = 0.5) -> Any:
    """E U(r) + |gamma·E U(r) − E U(f)|, BEGAN's measure of convergence, as an array (); real, fake: energies of any shape."""
    xp, (r, f) = flat(real, fake)
    mean = xp.mean(r)
    return cast(xp, mean + xp.abs(gamma * mean - xp.mean(f)), fake.dtype)


@QUIET
def pulling_away_term(features: Any) -> Any:
    """Σ_{i≠j} cos²(sᵢ, sⱼ)/(n(n−1)), in [0, 1]: features (..., n, d), a row sᵢ a sample -> (...).

    A row of zeros has cosine 0 with all others; fewer than two rows give 0. Zhao, Mathieu, LeCun 2016 (arXiv:1609.03126).
    """
    xp, s, dtype = working_array(features, "pulling_away_term")
    n = s.shape[-2]
    largest = stop_gradient(xp.max(xp.abs(s), axis=-1, keepdims=True))
    zero = largest == 0
    s = s / xp.where(zero, xp.ones_like(largest), largest)
    s = s / xp.sqrt(xp.where(zero, xp.ones_like(largest), xp.sum(s * s, axis=-1, keepdims=True)))
    cosine = s @ xp.matrix_transpose(s)
    others = cosine * (1 - xp.eye(n, dtype=s.dtype, device=device(s)))
    return xp.astype(xp.sum(others * others, axis=(-2, -1)) / max(n * (n - 1), 1), dtype, copy=False)
