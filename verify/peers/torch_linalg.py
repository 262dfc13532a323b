"""torch.linalg: matrix_exp (Taylor polynomials, Bader, Blanes & Casas 2019) and slogdet, batched, differentiable."""

import torch

BACKENDS = "torch"
REQUIRES = "torch"

expm = torch.linalg.matrix_exp


def logabsdet(M):
    return torch.linalg.slogdet(M).logabsdet
