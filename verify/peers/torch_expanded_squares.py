"""The idiom ‖x‖² + ‖y‖² − 2x·y, clamped at 0: squared distances by one matrix product."""

from ._batches import one_problem

BACKENDS = "torch"
DTYPES = ("float32", "float64")
REQUIRES = "torch"
CONVENTIONS = {"cost_matrix": "an idiom of public code, not a function of the library"}


@one_problem(2, 2)
def cost_matrix(x, y, p):
    return (x.square().sum(-1)[:, None] + y.square().sum(-1) - 2 * x @ y.mT).clamp(min=0) ** (p / 2)
