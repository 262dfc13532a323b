"""dalle2_pytorch, VQ-GAN: hinge and cross-entropy losses and the WGAN-GP penalty."""

import torch
from torch.autograd import grad
from torch.nn import functional

from detrace import NotOffered
from detrace.conventions import loss

from ._batches import of_one_size
from ._penalties import between
from ._source import definitions

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "dalle2_pytorch"
PAIRED = "batches of one size only, flattened: real and fake are added before the mean"
CONVENTIONS = {
    "hinge_discriminator": PAIRED,
    "minimax_discriminator": f"ε = 1e-10 inside the log; {PAIRED}",
    "non_saturating_generator": "ε = 1e-10 inside the log",
    "two_sided_penalty": "weight 10 by default, 1 here; at given points",
}
FILE = "dalle2_pytorch/vqgan_vae.py"
losses = definitions(
    "dalle2_pytorch", FILE, "log", "hinge_discr_loss", "hinge_gen_loss", "bce_discr_loss", "bce_gen_loss", "gradient_penalty",
    torch=torch, F=functional, torch_grad=grad, rearrange=lambda t, pattern: t.reshape(len(t), -1),
)  # fmt: skip
hinge_discriminator = of_one_size(loss(losses.hinge_discr_loss, takes="fake real"))
minimax_discriminator = of_one_size(loss(losses.bce_discr_loss, takes="fake real"))
hinge_generator = loss(losses.hinge_gen_loss, takes="fake")
non_saturating_generator = loss(losses.bce_gen_loss, takes="fake")


def two_sided_penalty(D, real, fake, alpha, target):
    if target != 1:
        raise NotOffered("target 1")
    x = between(real, fake, alpha)
    return losses.gradient_penalty(x, D(x), weight=1.0)
