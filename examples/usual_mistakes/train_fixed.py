"""The same script, put right line by line."""

import torch
import torch.nn.functional as F
from torch import nn


def d_loss(d_real, d_fake):
    return -F.logsigmoid(d_real).mean() - F.logsigmoid(-d_fake).mean()


def g_loss(d_fake):
    return -F.logsigmoid(d_fake).mean()


def interpolate(real, fake):
    alpha = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device)
    return alpha * real + (1 - alpha) * fake


def gradient_penalty(D, real, fake):
    x = interpolate(real, fake).detach().requires_grad_()
    grad = torch.autograd.grad(D(x).sum(), x, create_graph=True)[0]
    return ((grad.view(len(grad), -1).norm(2, dim=1) - 1) ** 2).mean()


def d_turn(D, G, real, z):
    return d_loss(D(real), D(G(z).detach()))


def train(steps=200, batch=64):
    D = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
    G = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
    d_optimizer = torch.optim.Adam(D.parameters(), lr=1e-3)
    g_optimizer = torch.optim.Adam(G.parameters(), lr=1e-3)
    for step in range(steps):
        real, z = torch.randn(batch, 2) + 2, torch.randn(batch, 4)
        d_optimizer.zero_grad()
        g_optimizer.zero_grad()
        loss = d_turn(D, G, real, z) + 10 * gradient_penalty(D, real, G(z))
        loss.backward()
        d_optimizer.step()
        g_loss(D(G(z))).backward()
        g_optimizer.step()
        if step % 50 == 0:
            print(f"step {step}: loss {loss.item():.3f}")


if __name__ == "__main__":
    train()
