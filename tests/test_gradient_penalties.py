"""Gradient penalties as people use them: torch modules, JAX functions, errors that say what to do; the certified truths."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from flint import arb

from detrace.networks import Linear, Quadratic
from detrace.spaces import probe, space
from reference import gradient_penalties as penalties
from verify.penalised_critics import STEP, Pits
from verify.penalty_bounds import PENALTIES, SETTINGS, Slopes, charge, distance, floats, length, slopes_at

X = torch.tensor([[0.5, -1.0], [2.0, 0.25], [1.0, 1.0]], dtype=torch.float64)


def module() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()


def test_modules_with_a_column_of_logits():
    """(n, 1) logits of a torch module; the norms are those of torch.func by sample."""
    D = module()
    per_sample = torch.func.vmap(torch.func.grad(lambda x: D(x).sum()))(X)
    torch.testing.assert_close(penalties.gradient_norms(D, X), per_sample.norm(dim=1))


def test_a_training_step_learns_from_the_penalty():
    """Weights get gradients, and descending them lowers the penalty."""
    D = module()
    alpha = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    optimizer = torch.optim.SGD(D.parameters(), lr=0.1)
    values = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = penalties.two_sided_penalty(D, X, X + 1, alpha)
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    assert values[-1] < 0.2 * values[0]


def test_batch_normalisation_hides_the_slopes_of_a_module():
    """In training mode ΣD of a normalised batch does not change with the samples; in evaluation mode D has its slopes."""
    D = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 1)).double()
    assert penalties.gradient_norms(D, X).max() < 1e-12
    D.eval()
    slope = D[1].weight[0] / (D[0].running_var + D[0].eps).sqrt()
    torch.testing.assert_close(penalties.gradient_norms(D, X), slope.norm().expand(3))


def test_norms_under_no_grad():
    """A norm can be watched without a graph of the caller's."""
    with torch.no_grad():
        norms = penalties.gradient_norms(module(), X)
    assert norms.shape == (3,)
    assert not X.requires_grad


def test_critics_that_ignore_their_samples():
    """A constant has gradient 0, whether it has weights or none."""
    w = torch.ones((), dtype=torch.float64, requires_grad=True)
    for D in (lambda x: torch.ones(len(x), dtype=x.dtype), lambda x: w.expand(len(x))):
        assert not penalties.gradient_norms(D, X).any()


def test_libraries_without_autodiff_need_a_gradient():
    """NumPy cannot differentiate a plain function: one sentence that says what to bring."""
    with pytest.raises(TypeError, match=r"cannot differentiate; the critic needs a method gradient\(x\)"):
        penalties.gradient_norms(lambda x: x.sum(axis=1), np.ones((2, 2)))


@pytest.mark.parametrize("alpha", [np.ones(3), np.ones((2, 1)), np.ones(())])
def test_alpha_is_one_number_a_sample(alpha):
    """Other shapes are refused by name."""
    x = np.ones((2, 2))
    with pytest.raises(ValueError, match=r"alpha \(n,\), got \(2, 2\), \(2, 2\), "):
        penalties.interpolate(x, x, alpha)


def test_defaults_are_those_of_the_papers():
    """Target 1; k = 2, p = 6."""
    D = Linear(np.array([2.0, 0.0]), np.zeros(())).bind(space("numpy-cpu-float64"))
    x, alpha = np.ones((3, 2)), np.ones(3)
    assert penalties.two_sided_penalty(D, x, x, alpha) == 1.0
    assert penalties.one_sided_penalty(D, x, x, alpha) == 1.0
    assert penalties.dragan_penalty(D, x, x, alpha) == 1.0
    assert penalties.wgan_div_penalty(D, x, x, alpha) == pytest.approx(128.0, rel=1e-15)


def test_half_precision_is_summed_in_single():
    """Squares of 300 overflow float16, their norm does not."""
    D = Linear(np.array([300.0, 400.0]), np.zeros(())).bind(space("numpy-cpu-float16"))
    norms = penalties.gradient_norms(D, np.ones((2, 2), np.float16))
    assert norms.dtype == np.float16
    assert (norms == 500).all()


@pytest.mark.skipif(bool(probe("jax-cpu")), reason=f"JAX is not here: {probe('jax-cpu')}")
def test_jax_under_jit():
    """The penalty and its gradient compile."""
    import jax
    import jax.numpy as jnp

    def loss(w):
        return penalties.two_sided_penalty(lambda x: x @ w, jnp.ones((2, 2)), jnp.zeros((2, 2)), jnp.ones(2))

    w = jnp.array([3.0, 4.0])
    value, grad = jax.jit(jax.value_and_grad(loss))(w)
    assert float(value) == pytest.approx(16.0)
    np.testing.assert_allclose(np.asarray(grad), [8 * 0.6, 8 * 0.8], rtol=1e-6)


def test_clipping_makes_a_new_array():
    """Weights of a torch module, and NaN, which stays."""
    w = torch.tensor([0.5, -3.0, float("nan")])
    got = penalties.clip_weights(w, 1.0)
    torch.testing.assert_close(got, torch.tensor([0.5, -1.0, float("nan")]), equal_nan=True)
    assert w[1] == -3


def test_references_are_there_for_scripts(project):
    """`detrace.reference` is the references, without the rest of this package and beside a `reference` of the user's own."""
    project.write("reference.py", "mine = True")
    done = project.python("-c", """if True:
        import sys, torch, reference
        from detrace.reference.gradient_penalties import convergence_diagnostic
        from detrace.reference.single_loss import training_step
        D = lambda x: x.sum(dim=1)
        print(convergence_diagnostic(D, torch.ones(4, 2), torch.zeros(3, 2), 0.25).item())
        print(reference.mine, training_step.__module__, "hypothesis" in sys.modules, "detrace.suite" in sys.modules)
    """)
    assert done.stdout.splitlines() == ["1.0", "True detrace.reference.single_loss False False"], done.stderr


# -- the truths -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PENALTIES)
def test_certified_penalties_are_those_of_their_definition(name):
    """Value and gradient for a quadratic critic, against plain NumPy and finite differences."""
    p = PENALTIES[name]
    setting = SETTINGS[p.kind][1]
    rng = np.random.default_rng(3)
    A, b = rng.integers(-8, 9, (2, 2)) / 4, rng.integers(-8, 9, 2) / 4
    real, other, alpha = rng.integers(-8, 9, (3, 2)) / 4, rng.integers(-8, 9, (3, 2)) / 4, np.array([0.25, 0.5, 1.0])

    def value(b):
        x = p.points(real, other, alpha[:, None])
        r = np.linalg.norm(x @ (A + A.T) / 2 + b, axis=1)
        t = setting[0] if setting else 0.0
        return np.mean({"zero": r**2, "two-sided": (r - t) ** 2, "one-sided": np.maximum(r - t, 0) ** 2,
                        "power": t * r ** setting[-1] if setting else r}[p.kind])  # fmt: skip

    slopes = slopes_at(p, Quadratic(A, b), real, other, alpha, space=space("numpy-cpu-float64"))
    truth, error = slopes.penalty(p.kind, setting)
    assert float(truth) == pytest.approx(value(b), rel=1e-13)
    assert 0 < error < 1e-11
    grads, bound = slopes.parameter_gradient(p.kind, setting)
    numeric = [(value(b + h) - value(b - h)) / 2e-6 for h in np.eye(2) * 1e-6]
    np.testing.assert_allclose(floats(grads[1]), numeric, rtol=1e-6, atol=1e-7)
    assert 0 < bound < 1e-10


def test_no_derivative_at_a_stationary_point():
    """A target and a slope of 0: None; without a target, zeros."""
    flat = Linear(np.zeros(2), np.zeros(()))
    slopes = Slopes(flat, np.array([[arb(1), arb(2)]]), np.ones((1, 2)), space("numpy-cpu-float64"))
    assert slopes.parameter_gradient("two-sided", (1.0,)) is None
    assert not floats(slopes.parameter_gradient("zero", ())[0][0]).any()
    assert float(charge("one-sided", arb(0.5), (1.0,))) == 0.0


def test_lengths_of_uncertain_vectors_are_not_negative():
    """Balls around 0 have a length, not NaN."""
    around = arb(0, 1e-20)
    assert length([around, around]).is_finite()
    assert float(distance([np.array([3.0, 4.0])], [np.array([arb(0), arb(0)])])) == 5.0


def test_pits_by_hand():
    """One cell each: E_pU − E_qU of a unit slope is the distance of the samples, up to sign."""
    g = Pits(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert float(g.objective([1, 1])) == -STEP  # U grows towards the fakes: the reals lie lower
    np.testing.assert_array_equal(g.real, [0.25])
    np.testing.assert_array_equal(g.fake, [0.75])
