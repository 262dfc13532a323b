"""Mutants: wrong implementations that the laws must reject; one module a family, a few lines each."""
