"""MONAI's PatchAdversarialLoss with each criterion; the discriminator ends without an activation, which the loss brings."""

from functools import cache
from importlib.util import find_spec

from detrace.conventions import loss

if find_spec("monai") is None:
    raise ImportError("monai is not installed")

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "monai"
CONVENTIONS = {
    "non_saturating_generator": "bce: BCELoss of σ(logits), as documented",
    "hinge_discriminator": "hinge of tanh(logits), as documented",
    "hinge_generator": "hinge of tanh(logits), as documented: E(1 − tanh D(f))",
    "least_squares_discriminator": "no_activation_leastsq=True, halved here; the default is a leaky ReLU before the square",
    "least_squares_generator": "no_activation_leastsq=True, halved here",
}


@cache
def criterion(name):
    from monai.losses.adversarial_loss import PatchAdversarialLoss

    return PatchAdversarialLoss(criterion=name, no_activation_leastsq=True)


def player(who, name, scale=1.0):
    def of(logits, real):
        return criterion(name)(logits.reshape(-1), real, who == "discriminator")

    return loss(of, takes="logits is_real", player=who, scale=scale)


non_saturating_generator = player("generator", "bce")
hinge_discriminator, hinge_generator = player("discriminator", "hinge"), player("generator", "hinge")
least_squares_discriminator = player("discriminator", "least_squares", 0.5)
least_squares_generator = player("generator", "least_squares", 0.5)
