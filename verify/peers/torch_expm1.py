"""The idiom torch.expm1(s)/s with torch.where for s = 0, as people write it."""

import torch

BACKENDS = "torch"
REQUIRES = "torch"
DTYPES = ("float32", "float64")


def phi1(s):
    return torch.where(s == 0, torch.ones_like(s), torch.expm1(s) / s)
