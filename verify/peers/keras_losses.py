"""Keras 3 on PyTorch: BinaryCrossentropy(from_logits=True), hinge, mean squared error."""

import os
from importlib.util import find_spec

from detrace import NotOffered
from detrace.conventions import loss

if find_spec("keras") is None:
    raise ImportError("keras is not installed")

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "keras"
CONVENTIONS = {
    "minimax_discriminator": "f(labels, logits), the mean over the last axis",
    "hinge_discriminator": "labels 0 become −1",
}


def keras(name, **options):
    """keras.losses' function of that name as f(logits, labels), on the torch backend."""

    def of(logits, labels):
        os.environ.setdefault("KERAS_BACKEND", "torch")
        import keras

        if keras.backend.backend() != "torch":
            raise NotOffered(f"Keras runs on {keras.backend.backend()} here")
        return getattr(keras.losses, name)(labels.reshape(-1), logits.reshape(-1), **options)

    return of


def bce(player):
    return loss(keras("binary_crossentropy", from_logits=True), takes="logits labels", player=player)


minimax_discriminator, non_saturating_generator = bce("discriminator"), bce("generator")
hinge_discriminator = loss(keras("hinge"), takes="logits labels", player="discriminator")
least_squares_discriminator = loss(keras("mean_squared_error"), takes="logits labels", player="discriminator", scale=0.5)
