"""The idiom torch.log(torch.sigmoid(logits) + 1e-8): an ε against log 0."""

import torch

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "torch"
CONVENTIONS = {"non_saturating_generator": "ε = 1e-8 inside the log"}


def non_saturating_generator(real, fake):
    return -torch.log(fake.sigmoid() + 1e-8).mean()
