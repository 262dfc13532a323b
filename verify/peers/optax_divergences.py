"""optax: kl_divergence of probabilities, the second given by its logarithm."""

from importlib.util import find_spec

if find_spec("optax") is None:
    raise ImportError("optax is not installed")

BACKENDS = "jax"
DTYPES = ("float32",)
REQUIRES = "optax"
CONVENTIONS = {"kl_divergence": "takes (log q, p)"}


def kl_divergence(p, q):
    import jax.numpy as jnp
    from optax.losses import kl_divergence as of_logarithm

    return of_logarithm(jnp.log(q), p)
