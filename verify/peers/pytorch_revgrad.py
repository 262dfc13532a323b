"""pytorch-revgrad: gradient reversal as a torch.autograd.Function."""

import torch
from torch.autograd import Function

from ._source import definitions

BACKENDS = "torch"
DTYPES = ("float16", "bfloat16", "float32", "float64")
REQUIRES = "pytorch_revgrad"
REVERSAL = definitions("pytorch_revgrad", "pytorch_revgrad/functional.py", "RevGrad", Function=Function).RevGrad


def reverse_gradient(x, weight):
    return REVERSAL.apply(x, torch.tensor(weight))
