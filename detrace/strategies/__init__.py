"""Strategies: named types of inputs with a purpose, exact in the dtype of the space where they are asked for."""
