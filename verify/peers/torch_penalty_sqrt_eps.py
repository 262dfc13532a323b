"""The idiom torch.sqrt((gradients**2).sum(dim=1) + 1e-12): gradient penalties by a square root with an ε."""

import torch

from ._penalties import between
from .torch_gradient_penalty import gradients

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "torch"
CONVENTIONS = {"two_sided_penalty": "ε = 1e-12 under the root"}


def norms(D, x):
    return torch.sqrt((gradients(D, x) ** 2).sum(dim=1) + 1e-12)


def two_sided_penalty(D, real, fake, alpha, target):
    return ((norms(D, between(real, fake, alpha)) - target) ** 2).mean()
