"""Train it: ``python -m tiny_gan.train``."""

import argparse
import math

import torch
from torch import nn

from .losses import d_hinge, g_hinge, gradient_penalty


def ring(n):
    angle = 2 * math.pi * torch.rand(n)
    return torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(n, 2)


def network(inputs, outputs, width=64):
    return nn.Sequential(nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2),
                         nn.Linear(width, outputs))  # fmt: skip


def train(steps=2000, batch=128, weight=0.1, lr=1e-3, seed=0):
    torch.manual_seed(seed)
    D, G = network(2, 1), network(4, 2)
    opt_d = torch.optim.Adam(D.parameters(), lr=lr, betas=(0.5, 0.9))
    opt_g = torch.optim.Adam(G.parameters(), lr=lr, betas=(0.5, 0.9))
    for step in range(steps):
        real, fake = ring(batch), G(torch.randn(batch, 4)).detach()
        d_loss = d_hinge(D(real), D(fake)) + weight * gradient_penalty(D, real, fake)
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()

        g_loss = g_hinge(D(G(torch.randn(batch, 4))))
        opt_g.zero_grad()
        g_loss.backward()
        opt_g.step()
        if step % 500 == 0:
            print(f"step {step}: d_loss {d_loss.item():.3f}, g_loss {g_loss.item():.3f}")
    return D, G


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2000)
    train(steps=parser.parse_args().steps)
