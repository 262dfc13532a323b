r"""Laws of Kantorovich's duality: c-transforms, cheapest paths, and when g = −f is allowed (SPEC 3, post 6280).

With one function f in place of two potentials, the maximum of (a − b)·f over f(i) − f(j) ≤ D(i,j) is the transport cost at
the cheapest paths of D. Where D obeys the triangle inequality that is D itself; symmetry is not needed. Errors are bounded
as in `transport_bounds`; n − 1 sums along a path add nu·max D.
"""

from __future__ import annotations

import numpy as np
from flint import fmpq

from detrace import branch, judge, law, require
from detrace.laws import kexue
from detrace.oracles import transport
from detrace.oracles.rationals import floats, rational
from detrace.strategies.ground_costs import (
    DETOURS,
    EXACT_METRICS,
    GROUND,
    NON_NEGATIVE,
    ONE_WAY,
    QUASI_METRICS,
    ZERO_DIAGONAL,
)
from detrace.strategies.measures import (
    MASSES,
    detours,
    ground_costs,
    kantorovich_problems,
    lattice_samples,
    lipschitz_functions,
    potentials_below,
    transport_problems,
)
from detrace.strategies.scalars import choices
from verify.transport_bounds import VALUE, Problem

LIFTED = 2 * ("lifted",)
"""More diagonals that are not 0."""
PATHS = 1.5
"""nu for the paths beside 2nu for the transport: how much wider the bounds are than those of transport alone."""


@law(r"f^c(j) = \min_i\, C(i,j) - f(i)", source="SPEC 3: c-transform", below=potentials_below())
def c_transform_is_a_minimum(c_transform, below, space):
    """For any f and any costs, entry by entry. Bound: u|f^c(j)|, one subtraction; comparisons do not round."""
    _, _, C, f = below
    got, truth = c_transform(f, C), transport.c_transform(f, C)
    lost = space.tiny if space.flushes else 0.0
    for x, y in zip(rational(got), truth, strict=True):
        size = abs(float(y))
        judge(abs(x - y), space.u * size + lost, scale=size or 1.0, why="u|f^c(j)|", got=got, truth=floats(truth))


@law(r"f \oplus g \le C \;\Rightarrow\; g \le f^c", source=kexue(6280, 29), below=potentials_below())
def c_transform_never_lowers_the_dual(c_transform, below, space):
    """For every g of the dtype with f⊕g ≤ C, here the largest ones. No tolerance: g(j) ≤ C(i,j) − f(i) for all i survives the
    rounding of the right side, which is monotone (where the library flushes, up to the smallest normal number)."""
    _, _, C, f = below
    exact = transport.c_transform(f, C)
    g = space.round(floats(exact))
    g = np.where(rational(g) > exact, space.round(g - 2 * space.u * np.abs(g)), g)
    got = c_transform(f, C)
    lost = space.tiny if space.flushes else 0.0
    judge(max(0, (rational(g) - rational(got)).max()), lost, why="f^c is the largest feasible g", got=got, truth=g)


@law(r"f^{ccc} = f^c,\quad f^{cc} \ge f", source="SPEC 3: c-transform", below=potentials_below(), least=40)
def c_transform_thrice_is_once(c_transform, below, space):
    """For any f and any costs. Bound: a rounding of numbers of the size max|C| + max|f| for each of the three."""
    _, _, C, f = below
    once = c_transform(f, C)
    twice = c_transform(once, C.T)
    thrice = c_transform(twice, C)
    size = float(np.abs(C).max() + np.abs(f).max())
    bound = 3 * (space.u * size + (space.tiny if space.flushes else 0.0))
    why = "3u(max|C| + max|f|)"
    judge(abs(rational(thrice) - rational(once)).max(), bound, scale=size or 1.0, why=why, got=thrice, truth=once)
    judge(max(0, (rational(f) - rational(twice)).max()), bound, scale=size or 1.0, why=why, got=twice, truth=f)


@law(r"\|f\|_L \le 1 \;\Leftrightarrow\; f^c = -f", source=kexue(6280, 33, "c13", "c14"),
     function=lipschitz_functions(grounds=EXACT_METRICS))  # fmt: skip
def c_transform_of_a_lipschitz_function_is_its_negative(c_transform, function, space):
    """On metrics and quasi-metrics of whole numbers, where g = −f loses nothing. No tolerance: everything is exact."""
    _, _, D, f = function
    got = c_transform(f, D)
    require(bool((got == -f).all()), "f^c = −f for a 1-Lipschitz f", got=got, truth=-f)
    steep = f.copy()
    steep[0] = f.max() + 2 * D.max()
    if D.max() > 0 and (space.round(steep) == steep).all():
        require(not bool((c_transform(steep, D) == -steep).all()), "f^c = −f although f is too steep", got=steep)


@law(r"f(x) + g(y) \le c(x,y) \ \text{for new}\ y", source=kexue(6280, 29), problem=transport_problems(), least=40)
def potentials_extend_to_new_points(optimal_transport, c_transform, problem, space):
    """f^c is defined at points y that no mass sits on, feasible there, and no worse than g where g was. New costs: 2C and −C.
    Bound: (n+m)u·max|C| of the larger problem; the dual value stays that of the optimum."""
    a, b, C = problem
    wide = np.hstack([C, 2.0 * C, -C])
    p, larger = Problem((a, b, C), space), Problem((a, np.tile(b, 3), wide), space)
    _, _, f, g = optimal_transport(a, b, C)
    new = c_transform(f, wide)
    larger.judge_potential(max(0, -larger.slack(f, new).min()), got=new)
    p.judge_potential(max(0, (rational(g) - rational(new[: p.m])).max()), got=new, truth=g)
    p.judge_value(p.promises(f, new[: p.m]), factor=2.0)


@law(r"\bar D(i,j) = \min_{i = k_0, k_1, \dots, k_r = j} \textstyle\sum D(k_s, k_{s+1})",
     source="SPEC 3: shortest-path closure", D=ground_costs(kinds=(*GROUND, *DETOURS, *LIFTED)), least=100)  # fmt: skip
def closure_is_the_cheapest_path(metric_closure, D, space):
    """For metrics and others, negative costs without negative cycles too. Bound for D ≥ 0: nu·D̄(i,j), entry by entry, since
    sums of non-negative numbers keep their digits; else n sums of numbers up to n·max|D|."""
    got, truth = metric_closure(D), transport.closure(D)
    n, top = len(D), float(np.abs(D).max())
    negative = bool((D < 0).any())
    branch("negative costs" if negative else "no negative costs")
    lost = n * space.tiny if space.flushes else 0.0
    for x, y in zip(rational(got).ravel(), truth.ravel(), strict=True):
        size = n * top if negative else float(y)
        judge(abs(x - y), n * space.u * size + lost, scale=size or 1.0, why="nu along the path", got=got, truth=floats(truth))


@law(r"\bar D \le D,\quad \bar D(i,j) \le \bar D(i,k) + \bar D(k,j),\quad \bar{\bar D} = \bar D",
     source="SPEC 3: shortest-path closure", D=ground_costs(kinds=(*NON_NEGATIVE, *DETOURS, *LIFTED)), least=80)  # fmt: skip
def closure_is_the_largest_quasi_metric_below(metric_closure, D, space):
    """Zero diagonal and D̄ ≤ D off it, exactly: the direct way is a path. Triangle inequality and idempotence up to nu·D̄."""
    n = len(D)
    K = metric_closure(D)
    off = ~np.eye(n, dtype=bool)
    require(not K.diagonal().any(), "from a point to itself costs nothing", got=K)
    require(bool((K <= D)[off].all()), "dearer than the direct way", got=K, truth=D)
    k = rational(K)
    lost = n * space.tiny if space.flushes else 0.0
    detour = (k[:, :, None] + k[None, :, :]).min(axis=1)
    for x, y in zip(k.ravel(), detour.ravel(), strict=True):
        judge(max(0, x - y), n * space.u * float(x) + lost, scale=float(x) or 1.0, why="nu·D̄(i,j)", got=K)
    for x, y in zip(k.ravel(), rational(metric_closure(K)).ravel(), strict=True):
        judge(abs(x - y), n * space.u * float(x) + lost, scale=float(x) or 1.0, why="nu·D̄(i,j)", got=K)


@law(r"D(i,j) \le D(i,k) + D(k,j) \;\Rightarrow\; \bar D = D", source="SPEC 3: shortest-path closure",
     D=ground_costs(kinds=EXACT_METRICS))  # fmt: skip
def metrics_are_their_own_closure(metric_closure, D, space):
    """Metrics and quasi-metrics whose distances are whole numbers, scaled. No tolerance: all sums are exact."""
    require(bool((metric_closure(D) == D).all()), "a metric is its own closure", got=metric_closure(D), truth=D)


@law(r"\max_f\{(p-q)\cdot f : f(x)-f(y) \le c(x,y)\} = \mathrm{OT}_{\bar c}(p,q) \le \mathrm{OT}_c(p,q)",
     source=kexue(6280, 33, "c12"),
     problem=kantorovich_problems(grounds=(*ZERO_DIAGONAL, *DETOURS), masses=tuple(MASSES)), least=40)  # fmt: skip
def one_potential_gives_transport_at_the_closure(kantorovich_rubinstein, problem, space):
    """For every cost with zero diagonal and no negative cycle, metric or not: the exact transport cost at the cheapest paths,
    which never exceeds that at the costs themselves. Bound: 3nu·max|D|·mass, n of it for the paths."""
    p = Problem(problem, space)
    value, _ = kantorovich_rubinstein(*problem)
    p.judge_value(value, transport.kantorovich_rubinstein(*problem), PATHS * (p.n if (p.C < 0).any() else 1))
    judge(max(0, rational(value) - p.exact.value), PATHS * p.value_error, scale=p.mass * p.top or 1.0, why=VALUE)


@law(r"C[p,q] = \max_f\{\textstyle\int (p-q)f : f(x)-f(y) \le c(x,y)\},\quad c\ \text{a distance}",
     source=kexue(6280, 33, 34, 35, "c13", "c15"), least=40,
     problem=kantorovich_problems(grounds=(*QUASI_METRICS, *ONE_WAY)))  # fmt: skip
def one_potential_suffices_on_metrics(kantorovich_rubinstein, transport_cost, problem, space):
    """ℓ₁, ℓ₂, ℓ∞, |x−y|^½, graphs, the discrete metric, and one-way distances, which are not symmetric: g = −f loses nothing.
    Bound: both forward errors, (2 + 3)nu·max D·mass (ℓ₂ and |x−y|^½ obey the triangle inequality up to their rounding)."""
    p = Problem(problem, space)
    value, _ = kantorovich_rubinstein(*problem)
    p.judge_value(value, rational(transport_cost(*problem)), 1.0 + PATHS)


@law(r"g = -f \;\Rightarrow\; \max \le \mathrm{OT}_c,\ \text{strictly where a detour is cheaper or}\ c(x,x) > 0",
     source=kexue(6280, 31, 33, "c12"), problem=detours())  # fmt: skip
def one_potential_falls_short_without_a_metric(kantorovich_rubinstein, transport_cost, problem, space):
    """Squared distances with points to rest at on the way, and a lifted diagonal: the post's g = −f without a metric gives
    strictly less than the transport cost. Bounds: both values are held against their exact ones, which differ."""
    a, b, C = problem
    D = np.where(np.eye(len(C), dtype=bool), 0.0, C)
    p = Problem((a, b, C), space)
    value, cost = rational(kantorovich_rubinstein(a, b, D)[0]), rational(transport_cost(a, b, C))
    p.judge_value(value, transport.kantorovich_rubinstein(a, b, D), PATHS)
    p.judge_value(cost)
    require(bool(value < cost), "one potential reaches the transport cost although c is no metric", got=floats(value),
            truth=floats(cost))  # fmt: skip


@law(r"\|f\|_L \le 1,\quad \mathbb E_p f - \mathbb E_q f = W_1", source=kexue(6280, 33, 35, "c14"),
     problem=kantorovich_problems(grounds=(*ZERO_DIAGONAL, *DETOURS)))  # fmt: skip
def critic_is_lipschitz_and_attains(kantorovich_rubinstein, problem, space):
    """f(i) − f(j) ≤ D(i,j) for both orders of each pair, and (a − b)·f is the value. Bounds: 3nu·max|D|; the same times
    mass."""
    p = Problem(problem, space)
    value, f = kantorovich_rubinstein(*problem)
    x = rational(f)
    steep = PATHS * (p.n if (p.C < 0).any() else 1)
    judge(max(0, (x[:, None] - x[None, :] - p.C).max()), steep * p.potential_error, scale=p.top or 1.0, why="3nu·max|D|", got=f)
    p.judge_value((p.a - p.b) @ x, rational(value), steep)


@law(r"\|f\|_L \le 1 \;\Rightarrow\; \mathbb E_p f - \mathbb E_q f \le W_1", source=kexue(6280, 35, "c14"),
     function=lipschitz_functions(grounds=QUASI_METRICS))  # fmt: skip
def lipschitz_functions_give_lower_bounds(kantorovich_rubinstein, function, space):
    """Any 1-Lipschitz f (up to rounding), no solver needed. Error: how far (a − b)·f exceeds the value. Bound:
    3nu·max D·mass."""
    a, b, D, f = function
    p = Problem((a, b, D), space)
    value, _ = kantorovich_rubinstein(a, b, D)
    below = (p.a - p.b) @ rational(f)
    judge(max(0, below - rational(value)), PATHS * p.value_error, scale=p.mass * p.top or 1.0, why=VALUE, got=floats(value),
          truth=floats(below))  # fmt: skip


def area(p: Problem) -> fmpq:
    """∫|F − G| of two masses on points of the line, exactly."""
    x = p.C[p.C[0].argmax()]  # distances from one end are coordinates
    order = np.argsort(floats(x), kind="stable")
    height = np.cumsum((p.a - p.b)[order])[:-1]
    return (abs(height) * np.diff(x[order])).sum() if len(x) > 1 else fmpq(0)


@law(r"\max_{\|f\|_L\le1} \mathbb E_p f - \mathbb E_q f = \int |F - G|,\quad 0 \Leftrightarrow p = q",
     source=kexue(6280, 34, 35, 36), problem=kantorovich_problems(grounds=("line",)))  # fmt: skip
def critic_measures_the_area_between_distributions(kantorovich_rubinstein, problem, space):
    """On the line WGAN's inner maximum has a closed form, the area between the distribution functions, exactly; it is 0 where
    the generator has found p. Bound: 3nu·max D·mass."""
    a, b, D = problem
    p = Problem((a, b, D), space)
    p.judge_value(kantorovich_rubinstein(a, b, D)[0], area(p), PATHS)
    p.judge_value(kantorovich_rubinstein(a, a, D)[0], fmpq(0), PATHS)


@law(r"\max_{\|f\|_L\le1} \mathbb E_p f - \mathbb E_q f = \int |F - G|,\quad n \le 24", source=kexue(6280, 33, 34), cost=2.0,
     problem=kantorovich_problems(grounds=("line",), min_n=9, max_n=24))  # fmt: skip
def critic_of_many_points(kantorovich_rubinstein, problem, space):
    """Up to 24 points of the line: the value is the area between the distribution functions, f is 1-Lipschitz and attains it.
    Bounds: 3nu·max D·mass for either, 3nu·max D for the slopes."""
    a, b, D = problem
    p = Problem((a, b, D), space)
    value, f = kantorovich_rubinstein(a, b, D)
    p.judge_value(value, area(p), PATHS)
    x = rational(f)
    judge(max(0, (x[:, None] - x[None, :] - p.C).max()), PATHS * p.potential_error, scale=p.top or 1.0, why="3nu·max D", got=f)
    p.judge_value((p.a - p.b) @ x, rational(value), PATHS)


@law(r"\alpha\|\cdot\|_a \le \|\cdot\|_b \le \beta\|\cdot\|_a \;\Rightarrow\; \alpha W_a \le W_b \le \beta W_a",
     source=kexue(6280, "c2"), samples=lattice_samples())  # fmt: skip
def equivalent_norms_give_equivalent_costs(transport_cost, samples, space):
    """ℓ∞ ≤ ℓ₂ ≤ ℓ₁ ≤ d·ℓ∞ and ℓ₁ ≤ √d·ℓ₂ ≤ d·ℓ∞, with the same measures. Bound: both forward errors and the rounding of the
    distances; none is an estimate, so a cost may not leave its bracket by more."""
    a, b, x, y = samples
    difference = np.abs(x[:, None, :] - y[None, :, :])
    norms = (difference.max(-1), np.sqrt((difference**2).sum(-1)), difference.sum(-1))
    costs = [space.round(c) for c in norms]
    sup, two, one = (rational(transport_cost(a, b, c)) for c in costs)
    p = Problem((a, b, costs[2]), space)
    d = x.shape[1]
    root = rational(d**0.5)
    for low, high in ((sup, two), (two, one), (one, root * two), (root * two, d * sup)):
        judge(max(0, low - high), (2.0 + d) * p.value_error, scale=p.mass * p.top or 1.0, why="both forward errors",
              got=floats(low), truth=floats(high))  # fmt: skip


@law(r"\mathrm{OT}(\text{grid}) \to \mathrm{OT}(\text{densities}):\quad \tfrac16(1 - h^2) \to \tfrac16",
     source=kexue(6280, 26, "c5"), n=choices(1, 2, 4, 8, 16))  # fmt: skip
def fine_grids_approach_the_densities(transport_cost, n, space):
    """Densities 1 and 2x on [0,1], W₁ = ∫|x − x²| = 1/6, as masses of n cells of width h at their centres: exactly (1 − h²)/6,
    a quadrature error of h²/6. Bound: 2nu·mass."""
    i = np.arange(n)
    a, b, C = np.full(n, 1.0 / n), (2.0 * i + 1.0) / n**2, np.abs(i[:, None] - i[None, :]) / n
    p = Problem((a, b, C), space)
    p.judge_value(transport_cost(a, b, C), fmpq(n * n - 1, 6 * n * n))
