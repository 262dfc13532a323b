"""What is true: one module a family, plain array-API functions whose docstrings are the contracts."""
