"""The losses of the two players, on logits D(x), high on real samples."""

import torch
import torch.nn.functional as F


def d_logistic(d_real, d_fake):
    return -F.logsigmoid(d_real).mean() - F.logsigmoid(-d_fake).mean()


def g_logistic(d_fake):
    return -F.logsigmoid(d_fake).mean()


def d_hinge(d_real, d_fake):
    return F.relu(1 - d_real).mean() + F.relu(1 + d_fake).mean()


def g_hinge(d_fake):
    return F.relu(1 - d_fake).mean()


def gradient_penalty(critic, real, fake, alpha=None, target=1.0):
    """Mean of (|grad critic| - target)^2 at points between real and fake samples; one alpha a sample."""
    if real.shape != fake.shape:
        raise ValueError(f"as many real as fake samples are needed, got {tuple(real.shape)} and {tuple(fake.shape)}")
    n = len(real)
    if alpha is None:
        alpha = torch.rand(n, dtype=real.dtype, device=real.device)
    alpha = alpha.view(n, *[1] * (real.dim() - 1))
    x = (alpha * real + (1 - alpha) * fake).detach().requires_grad_()
    (grad,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return ((grad.view(n, -1).norm(dim=1) - target) ** 2).mean()
