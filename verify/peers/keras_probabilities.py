"""Keras 3 on PyTorch, its default BinaryCrossentropy(): of a discriminator that ends in a sigmoid."""

from detrace.conventions import loss

from .keras_losses import keras

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "keras"
CONVENTIONS = {"non_saturating_generator": "reads σ(logits); probabilities are clipped to [1e-7, 1 − 1e-7]"}

non_saturating_generator = loss(keras("binary_crossentropy"), takes="logits labels", reads="probabilities", player="generator")
