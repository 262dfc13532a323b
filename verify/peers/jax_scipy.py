"""jax.scipy.linalg.expm (Padé scaling and squaring) and jax.numpy.linalg.slogdet."""

import jax
import jax.scipy.linalg

BACKENDS = "jax"
REQUIRES = "jax"
CONVENTIONS = {"expm": "default max_squarings=16: NaN beyond, as documented"}

expm = jax.scipy.linalg.expm


def logabsdet(M):
    return jax.numpy.linalg.slogdet(M).logabsdet
