"""ott-jax: the univariate solver on the line, and Sinkhorn's iteration with potentials, compiled."""

from functools import partial

import jax
import jax.numpy as jnp
from ott.geometry import costs, geometry, pointcloud
from ott.solvers import linear

from detrace import NotOffered

from ._batches import one_problem, rows

BACKENDS = "jax"
DTYPES = {"wasserstein_1d": ("float32",), "sinkhorn": ("float32",), "sinkhorn_iterations": ("float32", "float64")}
REQUIRES = "ott-jax"
CONVENTIONS = {
    "wasserstein_1d": "solve_univariate with the cost EuclideanP returns W_p^p: rooted here; one pair a call",
    "sinkhorn": "threshold is absolute, in the 1-norm of a margin: tol·mass/2 is given, and 2000 iterations",
    "sinkhorn_iterations": "by logarithms (lse_mode), as by default; min_iterations = max_iterations",
}


@rows(jnp.stack)
@jax.jit
def _line(x, y, p, a, b):
    cloud = pointcloud.PointCloud(x[:, None], y[:, None], cost_fn=costs.EuclideanP(p))
    return linear.solve_univariate(cloud, a, b).ot_costs[0] ** (1 / p)


def wasserstein_1d(x, y, p, a, b):
    if p == jnp.inf:
        raise NotOffered("p = inf")
    return _line(x, y, p, a, b)


@jax.jit
def _sinkhorn(a, b, C, reg, threshold):
    plan = linear.solve(geometry.Geometry(cost_matrix=C, epsilon=reg), a, b, threshold=threshold, max_iterations=2000)
    return plan.converged, (plan.matrix, plan.f, plan.g)  # type: ignore[union-attr]


@partial(jax.jit, static_argnums=4)
def _iterations(a, b, C, reg, n):
    counts = dict.fromkeys(("min_iterations", "max_iterations", "inner_iterations"), n)
    plan = linear.solve(geometry.Geometry(cost_matrix=C, epsilon=reg), a, b, threshold=-1.0, **counts)
    return plan.matrix, plan.f, plan.g  # type: ignore[union-attr]


@one_problem(1, 1, 2)
def sinkhorn(a, b, C, reg, tol):
    converged, plan = _sinkhorn(a, b, C, reg, tol * a.sum() / 2)
    if not converged:
        raise NotOffered("not converged after the 2000 iterations that are allowed here")
    return plan


@one_problem(1, 1, 2)
def sinkhorn_iterations(a, b, C, reg, n):
    return _iterations(a, b, C, reg, int(n))
