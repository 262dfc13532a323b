"""Mimicry's losses (torch_mimicry.modules.losses): minimax, non-saturating, hinge, Wasserstein."""

import torch
from torch.nn import functional

from detrace.conventions import loss

from ._source import definitions

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "torch-mimicry"
LABELS = "logits of shape (n, 1); labels are float32, so in float64 the value is a float32"
CONVENTIONS = {
    "minimax_discriminator": LABELS,
    "label_smoothing_discriminator": LABELS,
    "non_saturating_generator": "ns_loss_gen; ε = 1e-8 inside the log",
}
losses = definitions(
    "torch-mimicry", "torch_mimicry/modules/losses.py", "_bce_loss_with_logits", "minimax_loss_dis", "ns_loss_gen",
    "hinge_loss_dis", "hinge_loss_gen", "wasserstein_loss_dis", "wasserstein_loss_gen", torch=torch, F=functional,
)  # fmt: skip

non_saturating_generator = loss(losses.ns_loss_gen, takes="fake")
hinge_discriminator, hinge_generator = loss(losses.hinge_loss_dis, takes="fake real"), loss(losses.hinge_loss_gen, takes="fake")
wasserstein_discriminator = losses.wasserstein_loss_dis
wasserstein_generator = loss(losses.wasserstein_loss_gen, takes="fake")


def minimax_discriminator(real, fake):
    return losses.minimax_loss_dis(fake.reshape(-1, 1), real.reshape(-1, 1))


def label_smoothing_discriminator(real, fake, y, z):
    return losses.minimax_loss_dis(fake.reshape(-1, 1), real.reshape(-1, 1), real_label_val=y, fake_label_val=z)
