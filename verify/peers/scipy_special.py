"""scipy.special.exprel: (eˢ − 1)/s for real s."""

from scipy.special import exprel as phi1

BACKENDS = "numpy"
DTYPES = ("float32", "float64")
REQUIRES = "scipy"
__all__ = ["phi1"]
