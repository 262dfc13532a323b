"""GAN losses: the certified formulas, the strategies and the references' edges that laws do not reach."""

from __future__ import annotations

import math
import zlib
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from flint import arb, arb_series
from hypothesis import HealthCheck, Phase, given, seed, settings

from detrace.calls import Call
from detrace.contracts import Contract
from detrace.judging import Record, Violation
from detrace.oracles.balls import precision
from detrace.spaces import Space, space
from detrace.strategies import logits as draws_of
from detrace.strategies.deferred import Deferred
from detrace.suite import load
from reference import divergences, gan_losses, gaussian_divergences
from verify.divergences import DIVERGENCES, ROWS, total
from verify.gan_loss_formulas import F_GAN, FORMULAS, certified, relu, softplus
from verify.gan_loss_optima import OPTIMA, least
from verify.gan_loss_relativistic import AVERAGES, BEST, all_pairs, direction, discrimination, least_in_pairs
from verify.gan_losses import judge_slopes

IDS = ("numpy-cpu-float16", "torch-cpu-bfloat16", "numpy-cpu-float32", "numpy-cpu-float64", "numpy-cpu-complex64")
SPACES = [space(s) for s in IDS]
WIDE, HALF = SPACES[3], SPACES[0]


def draws(strategy: Deferred, where: Space, count: int = 60) -> list[Any]:
    """The first values that a strategy draws in a space, the same ones every time."""
    seen: list[Any] = []

    @seed(zlib.crc32(repr(strategy).encode()))
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategy.on(where))
    def collect(value: Any) -> None:
        seen.append(value)

    collect()
    return seen


def exact(x: np.ndarray, where: Space) -> bool:
    return bool(np.isfinite(x).all()) and not np.iscomplexobj(x) and bool((where.round(x).real == x).all())


# -- the table --------------------------------------------------------------------------------------------------------


def test_reference_implements_the_table() -> None:
    """Every contract of the family has a reference, and every row of the reference is in the table of formulas."""
    contracts = {c.name for c in load().contracts.values() if c.family == "gan_losses"}
    offered = {n for m in (gan_losses, divergences, gaussian_divergences) for n in vars(m)}
    assert contracts <= offered
    assert set(gan_losses.FORMULAS) == set(FORMULAS)
    players = ("discriminator", "generator")
    assert {f"f_gan_{name}_{player}" for name in divergences.DIVERGENCES for player in players} <= set(FORMULAS)


def test_functions_say_what_they_are() -> None:
    """Rows are functions with their own name, formula and signature."""
    f = gan_losses.least_squares_discriminator
    assert (f.__name__, f.__module__) == ("least_squares_discriminator", "reference.gan_losses")
    assert "½E(D(r) − b)²" in (f.__doc__ or "")
    assert str(f.__signature__) == "(real, fake, a=0.0, b=1.0)"


def test_every_discriminator_with_a_divergence_has_its_optimum() -> None:
    """The table of optima covers all losses that SPEC 4 gives a divergence."""
    named = ["minimax", "non_saturating", "least_squares", "hinge", "energy_hinge", "energy_margin"]
    assert {f"{n}_discriminator" for n in [*named, *(f"f_gan_{n}" for n in F_GAN)]} <= set(OPTIMA)


# -- certified formulas -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", F_GAN)
def test_simplified_conjugates_are_the_definition(name: str) -> None:
    """f*(g(v)) of the table equals f* of g, composed as defined, and so do both activations."""
    _, g, composed = F_GAN[name]
    with precision(400):
        for v in (-20.0, -1.5, -1e-3, 0.0, 0.25, 1.0, 7.0, 40.0):
            t = ROWS[name].activation(arb(v))
            series = arb_series([arb(v), 1])
            assert abs(sum((s[0] for s in g(series)), arb(0)) - t) < 1e-50
            assert abs(sum((s[0] for s in composed(series)), arb(0)) - ROWS[name].conjugate(t)) < 1e-40


@pytest.mark.parametrize("name", ROWS)
def test_conjugates_are_suprema(name: str) -> None:
    """f*(t) = ut − f(u) at the u where f′(u) = t, no other u on a grid is better, and both slopes are derivatives."""
    row = ROWS[name]
    with precision(200):
        for u in (0.3, 0.75, 1.5, 6.0):
            t = row.slope(arb(u))
            value = arb(u) * t - row.f(arb(u))
            if name != "total_variation":
                h = arb(2) ** -60
                assert abs(value - row.conjugate(t)) < 1e-40
                assert abs((row.f(u + h) - row.f(u - h)) / (2 * h) - t) < 1e-20
                assert abs((row.conjugate(t + h) - row.conjugate(t - h)) / (2 * h) - row.conjugate_slope(t)) < 1e-20
            assert all(arb(x) * t - row.f(arb(x)) < row.conjugate(t) + 1e-40 for x in (0.01, 0.5, 1.0, 2.0, 9.0))


@pytest.mark.parametrize("d", [-1e4, -700.0, -37.5, -1e-9, 0.0, 3.0, 800.0, 1e4])
def test_certified_softplus_agrees_with_mpmath(d: float) -> None:
    """Value and slope of −E log σ(D), by a library that knows nothing of ours."""
    truth = certified("non_saturating_generator", np.zeros(1), np.array([d]), (), WIDE)
    with mpmath.workprec(40000):
        value, slope = mpmath.log1p(mpmath.exp(-d)), -1 / (1 + mpmath.exp(d))
        wide = 4 * 2.0**-53 * abs(d) + 1e-15
        for got, due in ((truth.value, value), (truth.slopes[1][0], slope)):
            assert abs(mpmath.mpf(float(got.mid())) - due) <= wide * max(abs(due), mpmath.mpf(2) ** -1074)


def test_wide_balls_stay_tight() -> None:
    """softplus of [−50, 50] is [softplus(−50), softplus(50)] and its slope lies in [0, 1]."""
    value = softplus(arb_series([arb(0, 50), 1]))
    assert value[0].contains(arb(50))
    assert value[0].contains(arb(0.0001))
    assert value[0].abs_upper() < 50.001
    assert value[1].abs_upper() < 1.001


def test_kinks_have_all_subgradients() -> None:
    """At 0 the slope of max(0, d) is [0, 1]; beside it, one number."""
    at, above, below = (relu(arb_series([x, 1])) for x in (0, 1e-9, -1e-9))
    assert all(at[1].contains(arb(x)) for x in (0, 0.5, 1))
    assert not at[1].contains(arb(1.01))
    assert (above[1], below[1]) == (1, 0)


SUBGRADIENTS = [(0.0, True), (-0.5, True), (-1.0, True), (-1.1, False), (0.1, False), (math.nan, False)]


@pytest.mark.parametrize(("slope", "held"), SUBGRADIENTS)
def test_any_subgradient_is_accepted_and_no_other(slope: float, held: bool) -> None:
    """The judge of gradients at D(r) = 1 of the hinge loss."""
    truth = certified("hinge_discriminator", np.ones(1), np.zeros(1), (), WIDE)
    if held:
        judge_slopes(np.array([slope]), truth, 0, WIDE, natural=0.0)
    else:
        with pytest.raises(Violation):
            judge_slopes(np.array([slope]), truth, 0, WIDE, natural=0.0)


def test_losses_that_ignore_a_batch_have_slope_exactly_zero() -> None:
    """No tolerance on the side that a turn must not train."""
    truth = certified("hinge_generator", np.ones(2), np.ones(2), (), WIDE)
    judge_slopes(np.zeros(2), truth, 0, WIDE, natural=1.0)
    with pytest.raises(Violation):
        judge_slopes(np.array([0.0, 1e-300]), truth, 0, WIDE, natural=1.0)


def agree(a: arb, b: arb) -> bool:
    """Two enclosures of one number, both tight: the working precision is at least 53 bits."""
    return a.overlaps(b) and a.rad() + b.rad() < 2.0**-40


def test_minima_are_the_divergences() -> None:
    """p = (½, ½), q = (1, 0): TV = ½, JS = (3/4) log(4/3) as a sum of two KLs, written out by hand."""
    p, q = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    js = (arb(2) / 3).log() / 4 + arb(2).log() / 4 + (arb(4) / 3).log() / 2
    assert agree(total("jensen_shannon_divergence", p, q), js)
    due = {
        "minimax_discriminator": 2 * arb(2).log() - 2 * js, "hinge_discriminator": arb(1),
        "least_squares_discriminator": arb(1) / 6, "f_gan_total_variation_discriminator": arb(-1) / 2,
        "f_gan_jensen_shannon_discriminator": -2 * js, "f_gan_squared_hellinger_discriminator": arb(2).sqrt() - 2,
    }  # fmt: skip
    for name, value in due.items():
        assert agree(least(name, p, q, ()), value), name
    assert agree(least("energy_margin_discriminator", p, q, (0.25,)), arb(1) / 8)
    assert not total("kl_divergence", p, q).is_finite()
    assert set(DIVERGENCES) <= set(vars(divergences))


# -- strategies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", SPACES, ids=lambda s: s.dtype)
def test_logits_are_exact_and_bounded(where: Space) -> None:
    """Finite, real, exact in the dtype, within the bound (up to its own rounding); all sizes, kinks and both ends turn up."""
    top = float(where.round(np.array(1e4)).real)
    pairs = draws(draws_of.logit_batches(), where, 300)
    assert all(exact(x, where) and np.abs(x).max() <= top for pair in pairs for x in pair)
    assert {len(x) for pair in pairs for x in pair} == {1, 2, 3, 4, 8}
    seen = {float(v) for pair in pairs for x in pair for v in x}
    assert {0.0, 1.0, -1.0, top, -top} <= seen
    assert any((x == top).all() and len(x) == 8 for pair in pairs for x in pair)
    varied = [x for pair in draws(draws_of.logit_batches(constant=False), where, 100) for x in pair if len(x) == 8]
    assert not any((x == x[0]).all() for x in varied)
    assert 0.4 * len(pairs) < sum(len(r) == len(f) for r, f in pairs) < 0.8 * len(pairs)
    assert all(len(r) == len(f) for r, f in draws(draws_of.logit_batches(paired=True), where))
    assert all(len(x) == 3 and np.abs(x).max() <= 16 for x in draws(draws_of.logits(most=16.0, n=3), where))


@pytest.mark.parametrize("where", SPACES, ids=lambda s: s.dtype)
def test_batches_show_what_large_logits_hide(where: Space) -> None:
    """In a fifth of all batches a logit beyond a threshold of 20 (in float16 one whose square overflows though the mean does
    not) and none beside it that drowns it; in another fifth one whose exponential overflows float64."""
    pairs = draws(draws_of.logit_batches(), where, 300)
    drowned = [np.abs(np.concatenate(pair)).max() for pair in pairs]
    low, high = (256, 361) if where.real_dtype == "float16" else (20, 25)
    assert sum(low < top < high for top in drowned) > 0.2 * len(pairs)
    assert sum(top > 710 for top in drowned) > 0.2 * len(pairs)


@pytest.mark.parametrize("where", SPACES, ids=lambda s: s.dtype)
def test_logits_come_in_every_shape(where: Space) -> None:
    """Exact and bounded; lists, columns, images and a 0-d logit turn up, columns against lists, half of all images of several
    samples and positions, unequal sizes with several entries."""
    pairs = draws(draws_of.logit_tensors(), where, 300)
    assert all(exact(x, where) and 1 <= x.size <= 12 and np.abs(x).max() <= 1e4 * (1 + where.u) for p in pairs for x in p)
    assert {x.ndim for p in pairs for x in p} == {0, 1, 2, 4}
    assert {((2, 1), (2,)), ((3,), (3, 1)), ((2, 1, 2, 3), (2, 1, 2, 3))} <= {(r.shape, f.shape) for r, f in pairs}
    assert any(r.size != f.size and r.ndim == 4 for r, f in pairs)
    images = [r.shape for r, f in pairs if r.shape == f.shape and r.ndim == 4]
    assert len(images) > 0.4 * len(pairs), "where orders and averages show"
    assert all(n > 1 and sorted(rest)[-1] > 1 for n, *rest in images)
    assert all(np.abs(x).max() <= 64 for p in draws(draws_of.logit_tensors(most=64.0), where) for x in p)


@pytest.mark.parametrize("where", SPACES, ids=lambda s: s.dtype)
def test_numbers_keep_their_promise(where: Space) -> None:
    """Positive numbers in their interval, fractions in sixteenths, a quarter of them 1."""
    assert all(exact(x, where) and x.min() >= 2**-4 and x.max() <= 16 for x in draws(draws_of.positive_numbers(), where))
    numbers = [x for pair in draws(draws_of.fractions(), where, 300) for x in pair]
    assert all(0 < x <= 1 and 16 * x == round(16 * x) for x in numbers)
    assert 0.2 * len(numbers) < sum(x == 1 for x in numbers) < 0.4 * len(numbers)


@pytest.mark.parametrize("where", SPACES, ids=lambda s: s.dtype)
def test_distributions_are_distributions(where: Space) -> None:
    """Sixteenths that sum to exactly 1; equal, disjoint and with zeros; positive ones without zeros."""
    pairs = draws(draws_of.distribution_pairs(), where, 300)
    for p, q in pairs:
        assert exact(p, where)
        assert exact(q, where)
        assert p.sum() == q.sum() == 1.0
        assert min(p.min(), q.min()) >= 0.0
        assert (16 * p == np.round(16 * p)).all()
    assert any((p == q).all() for p, q in pairs)
    assert any(not (p * q).any() for p, q in pairs)
    positive = draws(draws_of.distribution_pairs(positive_p=True, positive_q=True), where)
    assert all(p.all() and q.all() and p.sum() == q.sum() == 1.0 for p, q in positive)
    assert all(q.all() for _, q in draws(draws_of.distribution_pairs(positive_q=True), where))


@pytest.mark.parametrize("where", SPACES, ids=lambda s: s.dtype)
def test_feature_rows_have_every_degeneracy(where: Space) -> None:
    """Exact; single rows and rows of zeros turn up."""
    rows = draws(draws_of.feature_rows(), where, 200)
    assert all(exact(s, where) and s.ndim == 2 for s in rows)
    assert any(len(s) == 1 for s in rows)
    assert any(not s.any(axis=1).all() and len(s) > 1 for s in rows)


# -- references -------------------------------------------------------------------------------------------------------


def test_pairs_of_unequal_batches_are_refused() -> None:
    """Relativistic losses and GAN-QP compare samples one by one."""
    with pytest.raises(ValueError, match="as many real as fake logits, got 2 and 3"):
        gan_losses.relativistic_discriminator(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="a distance a pair, got 2, 2, 3"):
        gan_losses.gan_qp_discriminator(np.zeros(2), np.zeros(2), np.ones(3))


@pytest.mark.parametrize("name", [n for n in FORMULAS if not n.startswith("labelled")])
def test_logits_must_be_real_and_floating(name: str) -> None:
    """Integers and complex numbers are refused in words."""
    loss = getattr(gan_losses, name)
    with pytest.raises(TypeError, match="floating"):
        loss(np.zeros(2, dtype=int), np.zeros(2, dtype=int))
    with pytest.raises(TypeError, match="real floating-point logits"):
        loss(np.zeros(2, dtype=complex), np.zeros(2, dtype=complex))


@pytest.mark.parametrize("name", FORMULAS)
def test_nan_is_never_hidden(name: str) -> None:
    """A NaN among the logits that a loss reads makes the loss NaN, in its gradient too."""
    loss, gradient = getattr(gan_losses, name), getattr(gan_losses, f"{name}_gradient")
    bad = np.array([0.5, math.nan])
    for args, side in (((bad, np.ones(2)), FORMULAS[name].real), ((np.ones(2), bad), FORMULAS[name].fake)):
        if side is not None:
            assert math.isnan(loss(*args))
        if side is not None and side(arb_series([0.3, 1]), *(0.5 for _ in FORMULAS[name].parameters))[0].length() > 2:
            assert any(np.isnan(g).any() for g in gradient(*args))


@pytest.mark.parametrize("name", FORMULAS)
def test_an_empty_batch_gives_nan_and_an_empty_gradient(name: str) -> None:
    """The mean over no entry that a loss reads is NaN; slopes are shaped as the batches, those of an empty one are none."""
    loss, gradient, row = getattr(gan_losses, name), getattr(gan_losses, f"{name}_gradient"), FORMULAS[name]
    some, none = torch.ones((3, 1), dtype=torch.float64), torch.ones((0, 1, 2, 2), dtype=torch.float64)
    for real, fake in ((none, none),) if row.meets == "paired" else ((some, none), (none, some), (none, none)):
        reads = row.meets != "separate" or any(
            side is not None and x.numel() == 0 for side, x in ((row.real, real), (row.fake, fake))
        )
        assert math.isnan(loss(real, fake)) == reads
        assert [g.shape for g in gradient(real, fake)] == [real.shape, fake.shape]


def test_parameters_are_positional_or_by_name() -> None:
    """Labels by position, by name, and by default; a wrong name is an error."""
    r, f = np.array([0.5, 2.0]), np.array([-1.0])
    loss = gan_losses.least_squares_discriminator
    assert loss(r, f, -1.0, 1.0) == loss(r, f, b=1.0, a=-1.0) == loss(r, f, -1.0)
    assert loss(r, f) == loss(r, f, 0.0, 1.0)
    with pytest.raises(TypeError, match="margin"):
        loss(r, f, margin=1.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_large_batches_do_not_overflow_in_half_precision(dtype: torch.dtype) -> None:
    """A hundred thousand logits of 10⁴ have the mean 10⁴."""
    logits = torch.full((100_000,), 1e4, dtype=dtype)
    assert gan_losses.energy_margin_generator(logits, logits) == logits[0]
    assert gan_losses.hinge_discriminator(-logits, logits).isfinite()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_softplus_of_torch_keeps_its_tail(dtype: torch.dtype) -> None:
    """log(1 + eᵈ) beyond torch's own threshold of 20, at ours and beside it, with derivatives of both orders."""
    u = torch.finfo(dtype).eps
    for d in (-30.0, 0.0, 19.5, 20.5, 25.0, 39.5, 40.0, 40.5, 90.0):
        x = torch.tensor([d], dtype=dtype, requires_grad=True)
        value = gan_losses.minimax_generator(x, x)
        (slope,) = torch.autograd.grad(value, x, create_graph=True)
        (curve,) = torch.autograd.grad(slope.sum(), x)
        with mpmath.workprec(200):
            sigma = 1 / (1 + mpmath.exp(-d))
            for got, due in ((value, -mpmath.log1p(mpmath.exp(d))), (slope, -sigma)):
                assert abs(mpmath.mpf(got.item()) - due) <= 4 * u * abs(due)
            assert abs(mpmath.mpf(curve.item()) + sigma * (1 - sigma)) <= 4 * u


@pytest.mark.parametrize("name", [n for n in FORMULAS if n.endswith("hinge_discriminator")])
def test_kinks_of_hinges_get_a_subgradient(name: str) -> None:
    """Reverse mode at |D| = 1 in torch and by the closed form: between 0 and 1/n in modulus."""
    x = torch.tensor([1.0, -1.0], dtype=torch.float64, requires_grad=True)
    (grad,) = torch.autograd.grad(getattr(gan_losses, name)(x, torch.zeros(2, dtype=torch.float64)), x)
    assert (grad.abs() <= 1.0).all()
    one, _ = gan_losses.hinge_discriminator_gradient(np.array([1.0]), np.array([0.0]))
    assert -1.0 <= one[0] <= 0.0


def test_relativistic_optima_by_hand() -> None:
    """p = (½, ½), q = (1, 0): Δ = 2/3; in pairs the loss is ½ log 2 at C → ∓∞; a grid of critics finds no less."""
    p, q = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    assert discrimination(p, q) == Fraction(2, 3)
    assert agree(least_in_pairs(p, q), arb(2).log() / 2)
    values = {AVERAGES[0]: 2 * arb(2).log() - arb(2) / 3, AVERAGES[1]: arb(1), AVERAGES[2]: arb(2) / 3}
    assert all(agree(BEST[name][1](Fraction(2, 3)), due) for name, due in values.items())
    losses = [gan_losses.relativistic_average_least_squares_discriminator(np.array([0.0, c]), np.array([0.0])) for c in
              np.linspace(-1, 4, 501)]  # fmt: skip
    assert values[AVERAGES[2]] <= min(losses) < values[AVERAGES[2]] + 2e-5
    real, fake = all_pairs(np.array([3.0, -2.0]), p, q)
    assert (len(real), real.mean(), fake.mean()) == (256, 0.5, 3.0)
    assert direction(p, q).tolist() == [-1 / 3, 1.0]


def test_balance_by_hand() -> None:
    """Real energies 1 and 3, fakes of 0.5: k = 0.25 + ⅛(0.5·2 − 0.5), M = 2 + 0.5; clipped at both ends; all exact."""
    real, fake = np.array([1.0, 3.0]), np.array([0.5])
    assert gan_losses.boundary_equilibrium_weight(real, fake, 0.25, 0.5, 0.125) == 0.3125
    assert gan_losses.boundary_equilibrium_convergence(real, fake) == 2.5
    assert gan_losses.boundary_equilibrium_weight(real, fake, 0.9, 0.5, 1.0) == 1.0
    assert gan_losses.boundary_equilibrium_weight(real, 9 * fake, 0.1, 0.5, 1.0) == 0.0
    assert math.isnan(gan_losses.boundary_equilibrium_weight(real * math.nan, fake, 0.5))


def test_gradient_of_what_is_not_read_is_zero() -> None:
    """Torch's reverse mode refuses a result that does not depend on its argument; a law asks for zeros."""
    where = space("torch-cpu-float64")
    contract = Contract("f", "(r...),(f...)->()", "a test", real=True)
    call = Call(lambda r, f: f.sum(), contract, where, Record())
    assert (call.gradient(np.ones(2), np.ones(3), wrt=0) == np.zeros(2)).all()
    assert (call.gradient(np.ones(2), np.ones(3), wrt=1) == np.ones(3)).all()
