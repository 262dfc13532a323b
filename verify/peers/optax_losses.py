"""optax: sigmoid_binary_cross_entropy of logits."""

from importlib.util import find_spec

if find_spec("optax") is None:
    raise ImportError("optax is not installed")

BACKENDS = "jax"
DTYPES = ("float32",)
REQUIRES = "optax"


def cross_entropy(logits, label):
    import jax.numpy as jnp
    import optax

    return jnp.mean(optax.sigmoid_binary_cross_entropy(logits, jnp.full_like(logits, label)))


def minimax_generator(real, fake):
    return -cross_entropy(fake, 0)


def non_saturating_generator(real, fake):
    return cross_entropy(fake, 1)
