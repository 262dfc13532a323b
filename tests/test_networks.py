"""Networks as arguments: their closed forms are those of automatic differentiation, drawn ones are what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from test_strategies import draws, exact

from detrace.networks import (
    ACTIVATIONS,
    KINDS,
    BatchCentred,
    BatchNormalised,
    LinearGenerator,
    Observed,
    PiecewiseLinear,
    Quadratic,
    TwoLayerGenerator,
    balls,
    build,
)  # fmt: skip
from detrace.spaces import Space, backends, space
from detrace.strategies import networks as drawn
from detrace.suite import load

TORCH = "torch-cpu-float64"
RNG = np.random.default_rng(7)
SMOOTH = [*drawn.SIMPLE, "TwoLayer:leaky"]


def critics(kind: str, count: int = 6):
    """Some critics of a kind with batches, drawn by the strategy."""
    return [(build(plan), x, y) for plan, x, y, _ in draws(drawn.critics_and_batches((kind,)), space(TORCH), count)]


def floats(x) -> np.ndarray:
    return np.array([float(v) for v in np.ravel(x)]).reshape(np.shape(x))


def close(a, b) -> None:
    np.testing.assert_allclose(floats(a), np.asarray(b), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", SMOOTH)
def test_closed_forms_are_those_of_autodiff(kind):
    """Gradient in the sample, in the weights, and in both: balls against torch's first and second derivatives."""
    where = space(TORCH)
    for D, x, v in critics(kind):
        p, n = [balls(q) for q in D.parameters], len(x)
        leaves = [where.to_native(q).requires_grad_() for q in D.parameters]
        point = where.to_native(x).requires_grad_()
        bound = D.bind(where, leaves)
        value = bound(point)
        assert tuple(value.shape) == (n,)
        close(D.exact(x), value.detach())
        (g,) = torch.autograd.grad(value.sum(), point, create_graph=True)
        close(D.gradient(p, balls(x)).reshape(x.shape), g.detach())
        c = np.arange(1.0, n + 1)
        weighted = torch.autograd.grad((bound(point) * where.to_native(c)).sum(), leaves)
        for a, b in zip(D.pullback(p, balls(x), balls(c)), weighted, strict=True):
            close(a, b)
        along = (g * where.to_native(v)).sum()
        second = torch.autograd.grad(along, leaves, allow_unused=True)
        for a, b in zip(D.mixed(p, balls(x), balls(v.reshape(n, -1))), second, strict=True):
            close(a, np.zeros(np.shape(a)) if b is None else b)


@pytest.mark.parametrize("activation", ["", "tanh", "softplus", "square"])
def test_generators_pull_back(activation):
    """The closed form of a generator's gradient against torch."""
    where, z, c = space(TORCH), RNG.integers(-4, 5, (3, 2)) / 4, RNG.integers(-4, 5, (3, 4)) / 4
    W, b, V, o = (RNG.integers(-4, 5, s) / 4 for s in ((2, 2), (2,), (4, 2), (2, 2)))
    G = TwoLayerGenerator(W, b, V, o, activation=activation) if activation else LinearGenerator(V, o)
    leaves = [where.to_native(q).requires_grad_() for q in G.parameters]
    out = G.bind(where, leaves)(where.to_native(z))
    assert tuple(out.shape) == (3, 2, 2)
    close(G.exact(z), out.detach())
    grads = torch.autograd.grad(out, leaves, grad_outputs=where.to_native(c).reshape(3, 2, 2))
    for a, g in zip(G.pullback([balls(q) for q in G.parameters], balls(z), balls(c)), grads, strict=True):
        close(a, g)
    assert (G.majorant().value(G.majorant().parameters, np.abs(z)) >= np.abs(floats(G.exact(z)))).all()


@pytest.mark.parametrize(
    "network",
    [BatchNormalised(np.array([1.0, -2.0])), BatchCentred(np.array([1.0, -2.0])), Quadratic(np.eye(2), np.ones(2))],
    ids=lambda n: type(n).__name__,
)
def test_critics_without_autodiff_know_the_gradient_of_their_sum(network):
    """What NumPy is told is what torch finds, batch statistics included."""
    x = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]])
    point = torch.tensor(x, requires_grad=True)
    network.bind(space(TORCH))(point).sum().backward()
    np.testing.assert_allclose(network.bind(space("numpy-cpu-float64")).gradient(x), point.grad, atol=1e-14)


def test_a_piecewise_linear_critic_has_its_slopes():
    """In each cell, and constant beyond the last."""
    D = PiecewiseLinear(np.array([1.0, -3.0]), step=0.5).bind(space("numpy-cpu-float64"))
    np.testing.assert_array_equal(D(np.array([-1.0, 0.25, 0.75, 9.0])), [0.0, 0.25, -0.25, -1.0])
    np.testing.assert_array_equal(D.gradient(np.array([-1.0, 0.25, 0.75, 9.0])), [0.0, 1.0, -3.0, 0.0])


@pytest.mark.parametrize("kind", drawn.SIMPLE)
def test_majorants_bound(kind):
    """Values and gradients on absolute values are at least as large."""
    for D, x, _ in critics(kind):
        m = D.majorant()
        assert (m.value(m.parameters, np.abs(x)) >= np.abs(floats(D.exact(x)))).all()
        gradient = floats(D.gradient([balls(p) for p in D.parameters], balls(x)))
        assert (m.gradient(m.parameters, np.abs(x)) >= np.abs(gradient)).all()


@pytest.mark.parametrize("name", [a for a in ACTIVATIONS if a != "majorant"])
def test_the_majorant_activation_bounds_all_others(name):
    """|σ|, |σ′| + |σ″|H and |σ″| + |σ‴|H (by a difference quotient) at |h| ≤ H."""
    h, t = np.linspace(-6, 6, 241) + 0.01, 1e-6
    value, first, second = (f(h) for f in ACTIVATIONS[name])
    third = np.abs(ACTIVATIONS[name][2](h + t) - second) / t
    size = np.abs(h)
    bounds = [f(size) for f in ACTIVATIONS["majorant"]]
    assert (np.abs(value) <= bounds[0]).all()
    assert (np.abs(first) + np.abs(second) * size <= bounds[1] + 1e-9).all()
    assert (np.abs(second) + third * size <= bounds[2] + 1e-3).all()


def test_binding_shows_what_the_library_can():
    """A gradient of its own only where there is no autodiff; weights as torch modules show them; given weights are used."""
    D = Quadratic(np.eye(1), np.zeros(1))
    assert not hasattr(D.bind(space(TORCH)), "gradient")
    assert [tuple(p.shape) for p in D.bind(space(TORCH)).parameters()] == [(1, 1), (1,)]
    doubled = D.bind(space("numpy-cpu-float64"), [2 * np.eye(1), np.zeros(1)])
    assert doubled(np.array([[2.0]])) == 4.0
    assert doubled.gradient(np.array([[2.0]])).shape == (1, 1)
    assert "Quadratic(np.array([[1.0]])" in repr(D)


def test_observed_networks_remember_and_mask():
    """Inputs in the order of the calls; the masks in turn."""
    D = Observed(Quadratic(np.eye(1), np.ones(1)), [np.array([1.0]), np.array([0.0])])
    call = D.bind(space("numpy-cpu-float64"))
    assert [float(call(np.array([[2.0]]))[0]) for _ in range(3)] == [4.0, 0.0, 4.0]
    assert len(D.inputs) == 3


def test_scaling_is_of_the_output():
    """Of every kind of critic, powers of two exactly."""
    for kind in drawn.SIMPLE:
        for D, x, _ in critics(kind, 3):
            np.testing.assert_array_equal(floats(D.scaled(0.25).exact(x)), floats(D.exact(x)) / 4)


# -- the strategies ---------------------------------------------------------------------------------------------------

HERE = space("numpy-cpu-float32")


def test_critics_and_batches_fit_together():
    """Every kind is drawn, numbers are exact in float32, α lies in [0, 1], networks take their samples."""
    seen = set()
    for plan, real, fake, alpha in draws(drawn.critics_and_batches(), HERE, 200):
        seen.add(":".join(filter(None, plan[:2])))
        assert exact((*plan[2], real, fake, alpha), HERE)
        assert real.shape == fake.shape
        assert alpha.shape == real.shape[:1]
        assert ((alpha >= 0) & (alpha <= 1)).all()
        assert build(plan).exact(real).shape == alpha.shape
    assert seen == set(drawn.SIMPLE)


def test_linear_critics_come_in_every_batch_size():
    """1, 4 and 64 samples, weights of the features' shape."""
    values = draws(drawn.linear_critics_and_sizes(), HERE, 100)
    assert {len(real) for _, real, _, _ in values} == {1, 4, 64}
    assert all(w.shape == real.shape[1:] == fake.shape[1:] and alpha.shape == (len(real),) for w, real, fake, alpha in values)
    assert all(exact(v, HERE) for v in values)
    steep = [np.sqrt((w * w).sum()) > 256 for w, real, _, _ in values if len(real) < 64]
    assert np.mean(steep) > 0.2, "where squares leave float16"


@pytest.mark.parametrize("options", [{}, {"exact": True}, {"exact": True, "bilinear": True}], ids=str)
def test_games_are_played_by_their_players(options):
    """G makes samples that D takes, n is a power of two, exact games hold integers ≤ 2, bilinear ones are linear."""
    for critic, generator, real, z in draws(drawn.games(**options), HERE, 60):
        D, G = build(critic), build(generator)
        assert D.exact(G.exact(z)).shape == (len(z),)
        assert G.exact(z).shape == real.shape
        assert len(z) in (1, 2, 4)
        numbers = np.concatenate([np.ravel(a) for a in (*critic[2], *generator[2], real, z)])
        if options.get("exact"):
            assert np.isin(numbers, (-2, -1, 0, 1, 2)).all()
        if options.get("bilinear"):
            assert (critic[0], generator[0]) == ("Linear", "LinearGenerator")


def test_pits_have_mass():
    """p everywhere, as many fakes as reals, tilts in eighths."""
    for p, q, tilt in draws(drawn.pits(), HERE, 40):
        assert (p == 1).all()
        assert q.sum() == 4
        assert (q >= 0).all()
        assert (np.round(8 * tilt) == 8 * tilt).all()


def test_arrays_have_one_shape():
    """Both of a pair; every shape is drawn."""
    values = draws(drawn.arrays(), HERE, 100)
    assert all(x.shape == c.shape for x, c in values)
    assert {x.shape for x, _ in values} == set(drawn.FEATURES)


def test_few_shapes_where_every_shape_is_compiled():
    """A slow library meets two shapes of features and one size of batch; others meet all."""
    slow = Space(backends()["jax-cpu"], "float32", few_shapes=True)
    shapes = {(len(x), x.shape[1:]) for _, x, _, _ in draws(drawn.critics_and_batches(("Linear",)), slow, 60)}
    assert shapes <= {(3, s) for s in drawn.FEW}
    assert len({x.shape for _, x, _, _ in draws(drawn.critics_and_batches(("Linear",)), HERE, 200)}) > 15


def test_bytes_that_are_missing_are_zeros():
    """So that the simplest network is one of zeros."""
    bits = drawn.Bytes(b"")
    plan, shape = drawn.critic_plan(bits, drawn.SIMPLE, bits.entries)
    assert plan[0] in KINDS
    assert not any(w.any() for w in plan[2])
    assert math.prod(shape) == 2


def test_entries_are_named_one_by_one():
    """A strategy that names the entries of its tuples has a name for each."""
    named = {repr(draw): draw for law in load().laws.values() for draw in law.draws.values() if draw.parts}
    assert len(named) > 10
    for draw in named.values():
        for value in draws(draw, space(TORCH), 3):
            assert len(value) == len(draw.parts), repr(draw)
