"""What detrace judges: the losses of tiny_gan under the names of their contracts, which take (real, fake)."""

from tiny_gan import losses

from detrace.conventions import loss

BACKENDS = "torch"

non_saturating_discriminator = losses.d_logistic
non_saturating_generator = loss(losses.g_logistic, takes="fake")
hinge_discriminator = losses.d_hinge
hinge_generator = loss(losses.g_hinge, takes="fake")
two_sided_penalty = losses.gradient_penalty
