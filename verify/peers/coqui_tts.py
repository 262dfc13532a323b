"""Coqui TTS, vocoder losses (TTS.vocoder.layers.losses): mean squares and hinge of scores."""

import torch
from torch import nn
from torch.nn import functional

from detrace.conventions import loss

from ._source import definitions

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "TTS"
CONVENTIONS = {
    "least_squares_discriminator": "no ½: halved here",
    "least_squares_generator": "no ½: halved here",
    "hinge_generator": "the loss HingeGLoss itself, E max(0, 1 − D(f))",
}
losses = definitions(
    "TTS", "TTS/vocoder/layers/losses.py", "MSEGLoss", "MSEDLoss", "HingeGLoss", "HingeDLoss", torch=torch, nn=nn, F=functional
)

least_squares_discriminator = loss(lambda fake, real: losses.MSEDLoss()(fake, real)[0], takes="fake real", scale=0.5)
least_squares_generator = loss(losses.MSEGLoss(), takes="fake", scale=0.5)
hinge_discriminator = loss(lambda fake, real: losses.HingeDLoss()(fake, real)[0], takes="fake real")
hinge_generator = loss(losses.HingeGLoss(), takes="fake")
