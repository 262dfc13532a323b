"""torch.nn.functional.kl_div of probabilities, the second given by its logarithm, as the documentation asks."""

from torch.nn.functional import kl_div

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "torch"
CONVENTIONS = {"kl_divergence": "takes (log q, p); summed over the states"}


def kl_divergence(p, q):
    return kl_div(q.log(), p, reduction="none").sum(-1)
