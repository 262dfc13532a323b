"""scipy.linalg.expm: Padé scaling and squaring (Al-Mohy & Higham 2009), batched."""

from scipy.linalg import expm

BACKENDS = "numpy"
REQUIRES = "scipy"
__all__ = ["expm"]
