"""Oracles: enclosures that are proven to hold the true value; the judge knows more than any subject."""

from .balls import ball, certify, entries, floats, frobenius, identity, precision, spectral_norm
from .matrices import ExpCondition, condition, exp_condition, expm, frechet, log1pm_condition

__all__ = [
    "ExpCondition", "ball", "certify", "condition", "entries", "exp_condition", "expm", "floats", "frechet",
    "frobenius", "identity", "log1pm_condition", "precision", "spectral_norm",
]  # fmt: skip
