"""stylegan2_pytorch: hinge losses whose critic is low on real, and its gradient penalty."""

import torch
from torch.autograd import grad
from torch.nn import functional

from detrace.conventions import loss

from ._batches import of_one_size
from ._penalties import leaf
from ._source import definitions

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "stylegan2_pytorch"
CONVENTIONS = {
    "hinge_discriminator": "low on real; batches of one size only, flattened: real and fake are added before the mean",
    "hinge_generator": "low on real: E D(f)",
    "zero_centred_real_penalty": "weight 10 by default, 1 here",
}
losses = definitions(
    "stylegan2_pytorch", "stylegan2_pytorch/stylegan2_pytorch.py", "gen_hinge_loss", "hinge_loss", "gradient_penalty",
    torch=torch, F=functional, torch_grad=grad,
)  # fmt: skip
hinge_discriminator = of_one_size(loss(losses.hinge_loss, takes="fake real", high_on="fake"))
hinge_generator = loss(losses.gen_hinge_loss, takes="fake real", high_on="fake")


def zero_centred_real_penalty(D, real):
    x = leaf(real)
    return losses.gradient_penalty(x, D(x), weight=1.0)
