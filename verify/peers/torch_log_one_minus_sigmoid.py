"""The idiom torch.log(1 - torch.sigmoid(logits)), without anything against log 0."""

import torch

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "torch"


def minimax_generator(real, fake):
    return torch.log(1 - fake.sigmoid()).mean()
