"""ott-jax: the univariate solver on the line, and Sinkhorn's iteration with potentials."""

import jax.numpy as jnp
from ott.geometry import costs, geometry, pointcloud
from ott.solvers import linear

from detrace import NotOffered

BACKENDS = "jax"
DTYPES = {"wasserstein_1d": ("float32",), "sinkhorn": ("float32",), "sinkhorn_iterations": ("float32", "float64")}
REQUIRES = "ott-jax"
CONVENTIONS = {
    "wasserstein_1d": "solve_univariate with the cost EuclideanP returns W_p^p: rooted here; one pair a call",
    "sinkhorn": "threshold is absolute, in the 1-norm of a margin: tol·mass/2 is given, and 2000 iterations",
    "sinkhorn_iterations": "by logarithms (lse_mode), as by default; min_iterations = max_iterations",
}


def wasserstein_1d(x, y, p, a, b):
    if x.ndim > 1:
        return jnp.stack([wasserstein_1d(x[i], y[i], p, a[i], b[i]) for i in range(len(x))])
    cloud = pointcloud.PointCloud(x[:, None], y[:, None], cost_fn=costs.EuclideanP(p))
    return linear.solve_univariate(cloud, a, b).ot_costs[0] ** (1 / p)


def sinkhorn(a, b, C, reg, tol):
    plan = linear.solve(geometry.Geometry(cost_matrix=C, epsilon=reg), a, b, threshold=tol * a.sum() / 2, max_iterations=2000)
    if not plan.converged:
        raise NotOffered("not converged after the 2000 iterations that are allowed here")
    return plan.matrix, plan.f, plan.g  # type: ignore[union-attr]


def sinkhorn_iterations(a, b, C, reg, n):
    counts = dict.fromkeys(("min_iterations", "max_iterations", "inner_iterations"), int(n))
    plan = linear.solve(geometry.Geometry(cost_matrix=C, epsilon=reg), a, b, threshold=-1.0, **counts)
    return plan.matrix, plan.f, plan.g  # type: ignore[union-attr]
