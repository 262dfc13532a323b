"""SciPy: stats.entropy of two distributions, spatial.distance.jensenshannon, which is the root of the divergence."""

from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

BACKENDS = "numpy"
DTYPES = ("float64",)
REQUIRES = "scipy"
CONVENTIONS = {
    "jensen_shannon_divergence": "a distance, the root: squared here",
    "kl_divergence": "both are normalised first",
}


def kl_divergence(p, q):
    return entropy(p, q, axis=-1)


def reverse_kl_divergence(p, q):
    return entropy(q, p, axis=-1)


def jensen_shannon_divergence(p, q):
    return jensenshannon(p, q, axis=-1) ** 2
