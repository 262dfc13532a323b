"""Batches of transport and W_∞: the references take what the laws would pass over if it were refused; the judges of both."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from detrace import NotOffered
from detrace.engine import PROFILES, UNDECIDED, VIOLATED, run
from detrace.judging import Violation
from detrace.oracles.rationals import rational
from detrace.spaces import space
from detrace.subjects import Subject
from detrace.suite import load
from reference import farkas, gaussian_wasserstein, kantorovich, optimal_transport, sinkhorn
from reference.wasserstein import cost_matrix, wasserstein, wasserstein_1d
from verify.peers._batches import one_problem
from verify.transport_batches import APART, FAR, NEAR, batch, slices
from verify.transport_bottleneck import Line, bottleneck, deficit

SUITE = load()
WHERE = space("numpy-cpu-float64")
TRANSPORT = ((3,), (2,), (3, 2))
BATCHED: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]] = {
    "optimal_transport": (optimal_transport.optimal_transport, TRANSPORT, ((), (3, 2), (3,), (2,))),
    "transport_cost": (optimal_transport.transport_cost, TRANSPORT, ((),)),
    "kantorovich_rubinstein": (kantorovich.kantorovich_rubinstein, ((3,), (3,), (3, 3)), ((), (3,))),
    "sinkhorn": (lambda a, b, C: sinkhorn.sinkhorn(a, b, C, 1.0, 1e-3), TRANSPORT, ((3, 2), (3,), (2,))),
    "sinkhorn_iterations": (lambda a, b, C: sinkhorn.sinkhorn_iterations(a, b, C, 1.0, 2), TRANSPORT, ((3, 2), (3,), (2,))),
    "c_transform": (kantorovich.c_transform, ((3,), (3, 2)), ((2,),)),
    "metric_closure": (kantorovich.metric_closure, ((3, 3),), ((3, 3),)),
    "total_variation": (kantorovich.total_variation, ((3,), (3,)), ((),)),
    "cost_matrix": (cost_matrix, ((3, 2), (2, 2)), ((3, 2),)),
    "wasserstein_1d": (wasserstein_1d, ((3,), (2,)), ((),)),
    "wasserstein_1d, p = inf": (lambda x, y: wasserstein_1d(x, y, inf), ((3,), (2,)), ((),)),
    "wasserstein": (lambda x, y: wasserstein(x, y, 2), ((3, 2), (2, 2)), ((),)),
    "wasserstein, p = inf": (lambda x, y: wasserstein(x, y, inf), ((3, 2), (2, 2)), ((),)),
    "gaussian_w2": (gaussian_wasserstein.gaussian_w2, ((2,), (2, 2), (2,), (2, 2)), ((),)),
    "farkas_certificate": (farkas.farkas_certificate, ((2, 3), (2,)), ((3,), (2,))),
}
"""A function, the core axes of its arguments, those of its results."""


def values(*shape: int) -> np.ndarray:
    """Masses of one total, identities, zeros: what every function takes."""
    core = np.zeros(shape) if len(shape) == 2 and shape[0] != shape[1] else np.eye(shape[0]) if len(shape) == 2 else None
    return np.full(shape, 6.0 / shape[0]) if core is None else 1.0 - core if shape == (3, 3) else core


@pytest.mark.parametrize("lead", [(0,), (2, 0), (1,), (2, 3)])
@pytest.mark.parametrize("name", BATCHED)
def test_leading_axes_are_taken(name: str, lead: tuple[int, ...]) -> None:
    """None of the references refuses a batch, an empty one included: the laws would leave a refusal undecided."""
    function, cores, results = BATCHED[name]
    got = function(*(np.broadcast_to(values(*core), (*lead, *core)).copy() for core in cores))
    got = got if isinstance(got, tuple) else (got,)
    assert [v.shape for v in got] == [(*lead, *core) for core in results]
    assert all(v.dtype == np.float64 for v in got)


def test_bottleneck_in_space() -> None:
    """Values done by hand: two pairs, one point for all, samples repeated, an atom of mass 0 far away."""
    x, y = np.array([[0.0], [1.0]]), np.array([[1.0], [2.5]])
    assert wasserstein(x, y, inf) == 1.5
    assert wasserstein(np.array([[0.0, 0.0], [6.0, 8.0]]), np.zeros((1, 2)), inf) == 10.0
    assert wasserstein(x, np.repeat(x, 3, axis=0), inf) == 0.0
    masses = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.75])
    assert wasserstein(np.array([[0.0], [1.0], [99.0]]), np.array([[0.0], [1.0]]), inf, *masses) == 1.0


@pytest.mark.parametrize(
    "distance", [lambda x, y: wasserstein(x[:, None], y[:, None], inf), lambda x, y: wasserstein_1d(x, y, inf)]
)
def test_slopes_are_those_of_the_furthest_pair(distance: Callable[..., Any]) -> None:
    """±1 at the pair that is furthest, 0 elsewhere; 0 at equal measures."""
    torch = pytest.importorskip("torch")
    x, y = torch.tensor([0.0, 5.0], requires_grad=True), torch.tensor([1.0, 9.0])
    distance(x, y).backward()
    assert x.grad.tolist() == [0.0, -1.0]
    z = y.clone().requires_grad_()
    distance(z, y).backward()
    assert z.grad.tolist() == [0.0, 0.0]


def test_line_is_judged_by_levels() -> None:
    """Levels that touch: both sides of the jump are right up to rounding; what needs more mass, or a distance that no two atoms
    have, is not."""
    x, half = np.array([0.0, 1.0]), np.array([0.5, 0.5])
    line = Line(x, x + np.array([0.0, 3.0]), half, half, WHERE)
    assert line.largest == 3
    line.judge(3.0)
    line.judge(4.0)  # from 0 to 4, if any mass of the first level rounds up
    for wrong in (1.0, 2.0, 0.0):
        with pytest.raises(Violation):
            line.judge(wrong)
    with pytest.raises(Violation):
        line.judge_sharply(4.0)


def test_deficits_and_bottlenecks() -> None:
    """Hall's condition on a case done by hand: ½ at 0 finds room within 1 for ¼ only."""
    a, b = rational(np.array([0.5, 0.5])), rational(np.array([0.25, 0.75]))
    apart = abs(rational(np.array([0.0, 1.0]))[:, None] - rational(np.array([0.0, 3.0]))[None])
    assert deficit(a, b, apart <= 1) == fmpq(1, 4) + fmpq(1, 2)
    assert deficit(a, b, apart <= 2) == fmpq(1, 4)
    assert bottleneck(a, b, apart) == 3


@pytest.mark.parametrize("form", ["flat", "column", "first shared", "last shared", "crossed", "one", "empty"])
def test_forms_of_batches(form: str) -> None:
    """Each form has the leading axes that it names, and gives every slice its own arguments."""
    first, second = ([(np.full(2, float(10 * i)),) for i in range(3)], [(np.full(3, float(i)),) for i in range(3)])
    arguments = batch(form, first, second)
    lead = {"column": (3, 1), "crossed": (2, 2), "one": (1,), "empty": (0,)}.get(form, (3,))
    found = list(slices(arguments, (1, 1), np.arange(9).reshape(3, 3)[tuple(slice(n) for n in lead)]))
    assert np.broadcast_shapes(*(v.shape[:-1] for v in arguments)) == lead
    assert len(found) == int(np.prod(lead))
    pairs = [(u[0], v[0]) for (u, v), _ in found]
    due = {"first shared": [(0, i) for i in range(3)], "last shared": [(10 * i, 0) for i in range(3)],
           "crossed": [(10 * i, j) for i in range(2) for j in range(2)], "one": [(0, 0)], "empty": []}  # fmt: skip
    assert pairs == due.get(form, [(10 * i, i) for i in range(3)])


def test_scales_stay_inside() -> None:
    """Products of the smallest and of the largest masses and costs are representable where each table is used."""
    for table, name in ((FAR, "float64"), (APART, "float32"), (NEAR, "float16")):
        where = space(f"numpy-cpu-{name}")
        masses, costs = zip(*table, strict=True)
        assert 2.0 ** (max(masses) + max(costs)) * 2**8 < where.max
        assert 2.0 ** (min(masses) + min(costs)) > where.tiny


def refusing(*_: Any) -> Any:
    """An implementation that says no."""
    raise ValueError("one finite p, one problem a call")


@pytest.mark.parametrize("law", ["largest_distance_couples_quantiles", "distances_of_a_batch.wasserstein_1d"])
def test_a_refusal_is_no_wrong_number(law: str) -> None:
    """An implementation that refuses p = ∞, or batches, with an error is undecided; one that returns nonsense is not."""
    for function, outcome in ((refusing, UNDECIDED), (lambda x, y, p, a, b: np.full(np.shape(x)[:-1], 7.0), VIOLATED)):
        subject = Subject(name="one of them", functions={"wasserstein_1d": function}, role="mutant", backends=("any",))
        assert run(SUITE.laws[law], subject, WHERE, SUITE.contracts, PROFILES["quick"]).outcome == outcome


def test_one_problem_declines_batches() -> None:
    """The peers' decorator: core axes pass, leading ones are declined."""
    single = one_problem(1, 2)(lambda a, C, p: a.shape + C.shape + (p,))
    assert single(np.ones(2), np.ones((2, 3)), 5) == (2, 2, 3, 5)
    with pytest.raises(NotOffered, match="one problem"):
        single(np.ones(2), np.ones((4, 2, 3)), 5)
