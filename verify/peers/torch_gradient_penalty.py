"""The idiom autograd.grad(D(x), x, ones, create_graph=True), flattened, norm(2, dim=1), and clamp(−c, c) of weights."""

import torch

from ._penalties import between, leaf

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "torch"


def gradients(D, x):
    d = D(x)
    return torch.autograd.grad(d, x, torch.ones_like(d), create_graph=True, retain_graph=True)[0].reshape(len(x), -1)


def norms(D, x):
    return gradients(D, x).norm(2, dim=1)


def gradient_norms(D, x):
    return norms(D, leaf(x))


def two_sided_penalty(D, real, fake, alpha, target):
    return ((norms(D, between(real, fake, alpha)) - target) ** 2).mean()


def zero_centred_real_penalty(D, real):
    return gradients(D, leaf(real)).pow(2).sum(1).mean()


def clip_weights(weights, bound):
    return weights.clamp(-bound, bound)
