"""What adapters share whose functions take probability measures only."""

from math import isfinite
from typing import Any


def total(a: Any) -> Any:
    """What masses are divided by: NaN and infinity must not spread from one mass to both measures."""
    mass = abs(a.sum())
    return mass if isfinite(mass) else 1.0
