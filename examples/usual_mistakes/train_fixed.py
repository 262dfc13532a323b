"""The same script, put right line by line."""

import torch
import torch.nn.functional as F
from torch import nn


def d_loss(d_real, d_fake):
    return -F.logsigmoid(d_real).mean() - F.logsigmoid(-d_fake).mean()


def g_loss(d_real, d_fake):
    return -F.logsigmoid(d_fake).mean()


def interpolate(real, fake):
    if real.shape != fake.shape:
        raise ValueError(f"as many real as fake samples are needed, got {tuple(real.shape)} and {tuple(fake.shape)}")
    alpha = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device)
    return alpha * real + (1 - alpha) * fake


def gradient_penalty(D, real, fake, target=1):
    x = interpolate(real, fake).detach().requires_grad_()
    grad = torch.autograd.grad(D(x).sum(), x, create_graph=True)[0]
    return ((grad.view(len(grad), -1).norm(2, dim=1) - target) ** 2).mean()


def both_losses(D, G, real, z, d_loss=d_loss, g_loss=g_loss, g_weight=1.0):
    """One loss, one backward pass for both players: what each must not learn is subtracted (https://kexue.fm/archives/6387)."""
    fake = G(z)
    d_real, d_stopped = D(real), D(fake.detach())
    return d_loss(d_real, d_stopped) + g_weight * (g_loss(d_real, D(fake)) - g_loss(d_real, d_stopped))


def train(steps=200, batch=64):
    D = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
    G = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam([*D.parameters(), *G.parameters()], lr=1e-3)
    for step in range(steps):
        real, z = torch.randn(batch, 2) + 2, torch.randn(batch, 4)
        loss = both_losses(D, G, real, z) + 10 * gradient_penalty(D, real, G(z).detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step}: loss {loss.item():.3f}")


if __name__ == "__main__":
    train()
