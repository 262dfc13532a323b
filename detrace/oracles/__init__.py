"""Oracles: enclosures that are proven to hold the true value; the judge knows more than any subject."""

from . import matrices
from .balls import ball, certify, determinant, entries, floats, frobenius, identity, precision, spectral_norm
from .matrices import ExpCondition, condition, exp_condition, expm, expm1, expm_times, frechet, log1pm_condition

__all__ = [
    "ExpCondition", "ball", "certify", "condition", "determinant", "entries", "exp_condition", "expm", "expm1",
    "expm_times", "floats", "frechet", "frobenius", "identity", "log1pm_condition", "matrices", "precision", "spectral_norm",
]  # fmt: skip
