"""taming-transformers, VQ-GAN: hinge_d_loss and vanilla_d_loss, which latent diffusion took over."""

import torch
from torch.nn import functional

from detrace.conventions import loss

from ._source import definitions

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "taming-transformers"
CONVENTIONS = dict.fromkeys(("hinge_discriminator", "minimax_discriminator"), "half of both means: doubled here")
losses = definitions("taming-transformers", "taming/modules/losses/vqperceptual.py", "hinge_d_loss", "vanilla_d_loss",
                     torch=torch, F=functional)  # fmt: skip
hinge_discriminator = loss(losses.hinge_d_loss, scale=2.0)
minimax_discriminator = loss(losses.vanilla_d_loss, scale=2.0)
