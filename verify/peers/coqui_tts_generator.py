"""Coqui TTS, GeneratorLoss of the GAN vocoders: the adversarial part, as training asks for it."""

import torch
from torch import nn
from torch.nn import functional

from ._source import definitions

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "TTS"
CONVENTIONS = {
    "least_squares_generator": "use_mse_gan_loss, weight ½",
    "hinge_generator": "use_hinge_gan_loss, weight 1; E max(0, 1 − D(f)) would be the loss",
}
losses = definitions(
    "TTS", "TTS/vocoder/layers/losses.py", "MSEGLoss", "HingeGLoss", "_apply_G_adv_loss", "GeneratorLoss", torch=torch, nn=nn,
    F=functional,
)  # fmt: skip


class Config(dict):
    """A configuration as coqpit makes it: attributes and `in`."""

    __getattr__ = dict.__getitem__


OFF = dict.fromkeys(("use_stft_loss", "use_subband_stft_loss", "use_feat_match_loss", "use_l1_spec_loss", "use_mse_gan_loss",
                     "use_hinge_gan_loss"), False)  # fmt: skip
SQUARES = losses.GeneratorLoss(Config(OFF, use_mse_gan_loss=True, mse_G_loss_weight=0.5))
HINGE = losses.GeneratorLoss(Config(OFF, use_hinge_gan_loss=True, hinge_G_loss_weight=1.0))


def least_squares_generator(real, fake):
    return SQUARES(scores_fake=fake)["loss"]


def hinge_generator(real, fake):
    return HINGE(scores_fake=fake)["loss"]
