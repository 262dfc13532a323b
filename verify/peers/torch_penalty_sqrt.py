"""The idiom torch.sqrt((gradients**2).sum(dim=1)): gradient penalties by a square root, without anything against √0."""

import torch

from ._penalties import between
from .torch_gradient_penalty import gradients

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "torch"


def norms(D, x):
    return torch.sqrt((gradients(D, x) ** 2).sum(dim=1))


def two_sided_penalty(D, real, fake, alpha, target):
    return ((norms(D, between(real, fake, alpha)) - target) ** 2).mean()
