"""What is true: one module a family, plain array-API functions whose docstrings are the contracts."""

NEEDS = {"invertible_linear": "torch", "loops": "numba"}
"""Modules that need more than NumPy to be imported, and what: layers, compiled loops. They offer no contract."""
