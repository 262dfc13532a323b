"""torch.distributions: kl_divergence of two MultivariateNormal, each given by its covariance."""

from torch import distributions

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "torch"


def gaussian_kl(m1, S, m2, T):
    first, second = distributions.MultivariateNormal(m1, S), distributions.MultivariateNormal(m2, T)
    return distributions.kl_divergence(first, second)


def gaussian_reverse_kl(m1, S, m2, T):
    return gaussian_kl(m2, T, m1, S)
