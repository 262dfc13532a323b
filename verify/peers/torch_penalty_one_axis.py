"""The idiom ((gradients.norm(2, dim=1) - 1) ** 2).mean() on gradients that were not flattened: a norm over channels only."""

import torch

from detrace import NotOffered

from ._penalties import between

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "torch"
CONVENTIONS = {"two_sided_penalty": "an idiom of public code that is right for samples (n, features)"}


def two_sided_penalty(D, real, fake, alpha, target):
    if real.ndim == 1:
        raise NotOffered("samples with axes")
    x = between(real, fake, alpha)
    d = D(x)
    gradients = torch.autograd.grad(d, x, torch.ones_like(d), create_graph=True, retain_graph=True)[0]
    return ((gradients.norm(2, dim=1) - target) ** 2).mean()
