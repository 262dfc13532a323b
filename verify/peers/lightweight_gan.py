"""lightweight_gan: hinge losses whose critic is low on real."""

from torch.nn import functional

from detrace.conventions import loss

from ._batches import of_one_size
from ._source import definitions

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "lightweight_gan"
CONVENTIONS = {
    "hinge_discriminator": "low on real; batches of one size only, flattened: real and fake are added before the mean",
    "hinge_generator": "low on real: E D(f)",
}
losses = definitions("lightweight_gan", "lightweight_gan/lightweight_gan.py", "gen_hinge_loss", "hinge_loss", F=functional)
hinge_discriminator = of_one_size(loss(losses.hinge_loss, high_on="fake"))
hinge_generator = loss(losses.gen_hinge_loss, takes="fake real", high_on="fake")
