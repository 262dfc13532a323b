"""What is true: one module a family, plain array-API functions whose docstrings are the contracts."""

LAYERS = ("invertible_linear",)
"""Modules of layers for one library, which must be there when they are imported. They offer no contract."""
