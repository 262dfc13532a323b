"""The idiom torch.nn.BCELoss()(torch.sigmoid(logits), labels): a discriminator that ends in a sigmoid."""

from torch.nn.functional import binary_cross_entropy

from detrace.conventions import loss

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "torch"
CONVENTIONS = {"non_saturating_generator": "reads σ(logits); BCELoss bounds each logarithm at −100, as documented"}

non_saturating_generator = loss(binary_cross_entropy, takes="logits labels", reads="probabilities", player="generator")
