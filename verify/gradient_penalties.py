r"""Laws of gradient norms and gradient penalties of critics: their values (SPEC 5, posts 6316 and 6280).

D is a critic, ∇D its gradient in one sample, r = ‖∇D‖ over all axes of the sample; x̂ = αx + (1−α)y with one α a sample,
α = 1 at the real end (DRAGAN: x + α·noise). Penalties are means over the batch, λ stands outside. δr, what rounding may make
of a norm, and from it of a penalty, is derived in `penalty_bounds`. Their gradients are in `penalty_gradients`, what they do
to the game in `penalised_critics`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from detrace import Contract, Family, branch, judge, law, require
from detrace.laws import each, kexue
from detrace.networks import Linear, Quadratic, build
from detrace.strategies.networks import POLYNOMIAL, critics_and_batches, linear_critics_and_sizes
from detrace.strategies.scalars import integers
from verify.penalty_bounds import ALL, BETWEEN, PENALTIES, SETTINGS, TARGETED, Slopes, charge, floats, high, slopes_at

FAMILY = Family("gradient_penalties", "Gradient penalties of critics", 5)
SPEC = "Gulrajani et al. 2017, Mescheder et al. 2018; SPEC 5"
ROUNDING = "mean over the samples of what K·u·‖∇D‖ of absolute values makes of the penalty"


def _harmless() -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
    x = np.array([[1.0, 0.5], [-0.5, 2.0]])
    return Quadratic(np.eye(2), np.ones(2)), x, x[::-1].copy(), np.array([0.25, 0.75])


GRADIENT_NORMS = Contract(
    "gradient_norms", "*,(n,s...)->(n)", "‖∇D(xᵢ)‖ of each sample, over all its axes: (D, x)", FAMILY.name, real=True,
    example=lambda: _harmless()[:2], aliases=("grad_norms", "per_sample_gradient_norms", "input_gradient_norm"),
)  # fmt: skip
INTERPOLATE = Contract(
    "interpolate", "(n,s...),(n,s...),(n)->(n,s...)", "αᵢrealᵢ + (1−αᵢ)fakeᵢ, one α a sample", FAMILY.name, real=True,
    example=lambda: _harmless()[1:], aliases=("interpolates", "random_interpolate", "lerp"),
)  # fmt: skip
TWO_SIDED = Contract(
    "two_sided_penalty", "*,(n,s...),(n,s...),(n),*->()", "E(‖∇D(x̂)‖ − target)²: (D, real, fake, α, target)", FAMILY.name,
    real=True, example=lambda: (*_harmless(), 1.0), aliases=("gradient_penalty", "wgan_gp", "compute_gradient_penalty"),
)  # fmt: skip
ONE_SIDED = Contract(
    "one_sided_penalty", "*,(n,s...),(n,s...),(n),*->()", "E max(0, ‖∇D(x̂)‖ − target)²: (D, real, fake, α, target)",
    FAMILY.name, real=True, example=lambda: (*_harmless(), 1.0), aliases=("wgan_lp", "lipschitz_penalty"),
)  # fmt: skip
REAL = Contract(
    "zero_centred_real_penalty", "*,(n,s...)->()", "E‖∇D(real)‖²: (D, real)", FAMILY.name, real=True,
    example=lambda: _harmless()[:2], aliases=("r1_penalty", "r1", "zero_centered_real_penalty", "compute_grad2"),
)  # fmt: skip
FAKE = Contract(
    "zero_centred_fake_penalty", "*,(n,s...)->()", "E‖∇D(fake)‖²: (D, fake)", FAMILY.name, real=True,
    example=lambda: _harmless()[:2], aliases=("r2_penalty", "r2", "zero_centered_fake_penalty"),
)  # fmt: skip
ZERO_BETWEEN = Contract(
    "zero_centred_interpolate_penalty", "*,(n,s...),(n,s...),(n)->()", "E‖∇D(x̂)‖²: (D, real, fake, α)", FAMILY.name,
    real=True, example=_harmless, aliases=("zero_centered_interpolate_penalty", "gp0"),
)  # fmt: skip
DRAGAN = Contract(
    "dragan_penalty", "*,(n,s...),(n,s...),(n),*->()", "E(‖∇D(real + α·noise)‖ − target)²: (D, real, noise, α, target)",
    FAMILY.name, real=True, example=lambda: (*_harmless(), 1.0), aliases=("dragan",),
)  # fmt: skip
WGAN_DIV = Contract(
    "wgan_div_penalty", "*,(n,s...),(n,s...),(n),*,*->()", "k·E‖∇D(x̂)‖ᵖ: (D, real, fake, α, k, p)", FAMILY.name, real=True,
    example=lambda: (*_harmless(), 2.0, 6.0), aliases=("wgan_div", "divergence_penalty"),
)  # fmt: skip
DIAGNOSTIC = Contract(
    "convergence_diagnostic", "*,(n,s...),(m,s...),*->()", "E D(real) − E D(fake) − 2λE‖∇D(real)‖²: (D, real, fake, λ)",
    FAMILY.name, real=True, example=lambda: (*_harmless()[:3], 0.5), aliases=("penalty_diagnostic",),
)  # fmt: skip


def own_slopes(critic: Any, x: np.ndarray, space: Any) -> Slopes:
    """The slopes of a critic at host samples themselves."""
    return slopes_at(PENALTIES["zero_centred_real_penalty"], critic, x, x, np.ones(len(x)), space=space)


def judge_norms(got: np.ndarray, slopes: Slopes) -> None:
    """Each norm within what rounding may make of it."""
    for g, r, error in zip(got, slopes.norms, slopes.errors, strict=True):
        judge(abs(arb(float(g)) - r), error, scale=max(high(r), error), why="δr", got=got, truth=floats(slopes.norms))


def judge_penalty(got: np.ndarray, truth: Any, error: float) -> None:
    """Within what rounding may make of it."""
    judge(abs(arb(float(got)) - truth), error, scale=math.inf, why=ROUNDING, got=got, truth=floats([truth])[0])


@law(r"\|\nabla (w\cdot x + b)\| = \|w\|", source=(kexue(6280), SPEC), dtypes="wide", data=linear_critics_and_sizes())
def linear_critic_has_one_gradient_norm(gradient_norms, data, space):
    """Whatever the batch size (1, 4, 64), the features' shape and the scale of w. Bound: δr, here K·u·‖w‖."""
    w, real, _, _ = data
    critic = Linear(w, np.ones(()))
    branch(f"batch of {len(real)}")
    judge_norms(gradient_norms(critic, real), own_slopes(critic, real, space))


@law(r"\|\nabla D(x_i)\| \text{ of each sample}", source=SPEC, dtypes="wide", data=critics_and_batches())
def gradient_norms_are_certified(gradient_norms, data, space):
    """Linear, quadratic, two-layer and convolutional critics against their closed form in balls. Bound: δr."""
    plan, x, _, _ = data
    branch(" ".join(plan[:2]))
    judge_norms(gradient_norms(build(plan), x), own_slopes(build(plan), x, space))


@law(r"\|\nabla D\|(x_{\pi}) = \|\nabla D\|(x)_{\pi}", source=SPEC, dtypes="wide", data=critics_and_batches())
def gradient_norms_follow_their_samples(gradient_norms, data, space):
    """The reversed batch has the reversed norms, and each sample alone has its own. Bound: both δr."""
    plan, x, _, _ = data
    critic = build(plan)
    errors = own_slopes(critic, x, space).errors
    whole, back = gradient_norms(critic, x), gradient_norms(critic, x[::-1].copy())[::-1]
    for i, (a, b) in enumerate(zip(whole, back, strict=True)):
        alone = gradient_norms(critic, x[i : i + 1])[0]
        judge(max(abs(a - b), abs(a - alone)), 2 * errors[i], scale=math.inf, why="both δr", got=alone, truth=a)


@law(r"\hat x_i = \alpha_i x_i + (1-\alpha_i) y_i", source=SPEC, dtypes="wide", data=critics_and_batches(("Linear",)))
def interpolation_lies_on_the_segment(interpolate, data, space):
    """One α a sample, the same for all its coordinates; exactly the real sample at α = 1 and the fake one at α = 0.
    Bound: three roundings of |αx| + |(1−α)y| (of |x| + |x − y| for the form y + α(x − y))."""
    _, x, y, alpha = data
    got = interpolate(x, y, alpha)
    a = alpha.reshape(-1, *[1] * (x.ndim - 1))
    judge(np.abs(got - (a * x + (1 - a) * y)).max(initial=0.0),  # eighths times sixteenths: exact in float64
          space.u * (np.abs(x) + np.abs(y)).max(initial=0.0), scale=math.inf, why="u(|x| + |y|)", got=got)  # fmt: skip
    for k, end in ((1.0, x), (0.0, y)):
        require(bool((interpolate(x, y, np.full(len(x), k)) == end).all()), f"α = {k:g} does not give the end of the segment")


@law(r"P(w\cdot x) = \varphi(\|w\|)", source=(kexue(6280), SPEC), dtypes="wide", cost=2.5, penalty=each(*ALL),
     data=linear_critics_and_sizes(), k=integers(0, 4))  # fmt: skip
def penalty_of_a_linear_critic(penalty, data, k, space):
    """(‖w‖ − t)² and the like, whatever the batch size (1, 4, 64), the features' shape, the samples and α. Bound: what δr
    makes of φ."""
    w, real, fake, alpha = data
    p, critic = PENALTIES[penalty.contract.name], Linear(w, np.ones(()))
    setting = SETTINGS[p.kind][k]
    branch(f"batch of {len(real)}")
    r = sum((arb(v) ** 2 for v in w.ravel().tolist()), arb(0)).sqrt()
    _, error = slopes_at(p, critic, real[:1], fake[:1], alpha[:1], space=space).penalty(p.kind, setting)
    judge_penalty(penalty(*p.arguments(critic, real, fake, alpha, setting=setting)), charge(p.kind, r, setting), error)


@law(r"P = \mathbb E\,\varphi(\|\nabla D(\hat x)\|)", source=SPEC, dtypes="wide", penalty=each(*ALL),
     data=critics_and_batches(), k=integers(0, 4))  # fmt: skip
def penalty_is_certified(penalty, data, k, space):
    """Linear, quadratic, two-layer and convolutional critics against the closed form in balls, several targets (for WGAN-div:
    k and p). Bound: the mean of what δr makes of φ."""
    plan, real, fake, alpha = data
    p, critic = PENALTIES[penalty.contract.name], build(plan)
    branch(" ".join(plan[:2]))
    setting = SETTINGS[p.kind][k]
    truth, error = slopes_at(p, critic, real, fake, alpha, space=space).penalty(p.kind, setting)
    judge_penalty(penalty(*p.arguments(critic, real, fake, alpha, setting=setting)), truth, error)


@law(r"n\,P(x_1\dots x_n) = \sum_i P(x_i)", source=SPEC, dtypes="wide", cost=2.5, penalty=each(*ALL),
     data=critics_and_batches())  # fmt: skip
def penalty_is_a_mean_over_the_batch(penalty, data, space):
    """Of the samples' own penalties: the norm is taken of each sample, not of the batch. Bound: both sides' rounding."""
    plan, *batch = data
    p, critic = PENALTIES[penalty.contract.name], build(plan)
    setting, n = SETTINGS[p.kind][0], len(batch[0])
    _, error = slopes_at(p, critic, *batch, space=space).penalty(p.kind, setting)
    whole = penalty(*p.arguments(critic, *batch, setting=setting))
    parts = [penalty(*p.arguments(critic, *(b[i : i + 1] for b in batch), setting=setting)) for i in range(n)]
    judge(abs(float(whole) - math.fsum(parts) / n), 2 * error, scale=math.inf, why=ROUNDING, got=whole)


@law(r"P(x_{\pi}) = P(x)", source=SPEC, dtypes="wide", cost=2.5, penalty=each(*ALL), data=critics_and_batches())
def penalty_ignores_the_order_of_the_batch(penalty, data, space):
    """Samples, fakes and α reversed together. Bound: both sides' rounding."""
    plan, *batch = data
    p, critic = PENALTIES[penalty.contract.name], build(plan)
    setting = SETTINGS[p.kind][0]
    _, error = slopes_at(p, critic, *batch, space=space).penalty(p.kind, setting)
    got = [penalty(*p.arguments(critic, *b, setting=setting)) for b in (batch, [b[::-1].copy() for b in batch])]
    judge(abs(got[0] - got[1]), 2 * error, scale=math.inf, why=ROUNDING, got=got[1], truth=got[0])


FLAT = ("Linear", "Quadratic", "TwoLayer:square", "TwoLayer:tanh")


@law(r"P(\operatorname{vec} x) = P(x)", source=SPEC, dtypes="wide", cost=2.5, penalty=each(*ALL),
     data=critics_and_batches(FLAT))  # fmt: skip
def penalty_ignores_the_shape_of_the_features(penalty, data, space):
    """The same numbers as images, as vectors, or with further axes of length one. Bound: both sides' rounding."""
    plan, real, fake, alpha = data
    p, (kind, activation, weights) = PENALTIES[penalty.contract.name], plan
    setting, n, f = SETTINGS[p.kind][0], len(real), math.prod(real.shape[1:])
    _, error = slopes_at(p, build(plan), real, fake, alpha, space=space).penalty(p.kind, setting)
    got = []
    for shape in (real.shape[1:], (f,), (1, f, 1)):
        first = weights[0].reshape(shape) if kind == "Linear" else weights[0]
        critic, x, y = build((kind, activation, (first, *weights[1:]))), real.reshape(n, *shape), fake.reshape(n, *shape)
        got.append(float(penalty(*p.arguments(critic, x, y, alpha, setting=setting))))
    judge(max(got) - min(got), 2 * error, scale=math.inf, why=ROUNDING, got=np.array(got))


@law(r"P|_{\alpha=1} = P(x),\ P|_{\alpha=0} = P(y)", source=SPEC, dtypes="wide", cost=2.5, penalty=each(*BETWEEN),
     data=critics_and_batches(POLYNOMIAL))  # fmt: skip
def penalty_at_the_ends_of_the_segment(penalty, data, space):
    """α = 1 charges for the slopes at the real samples, α = 0 at the fake ones, whatever is at the other end. Bound: what δr
    makes of φ."""
    plan, real, fake, _ = data
    p, critic = PENALTIES[penalty.contract.name], build(plan)
    setting = SETTINGS[p.kind][0]
    for end, samples in ((1.0, real), (0.0, fake)):
        alpha = np.full(len(real), end)
        _, error = slopes_at(p, critic, real, fake, alpha, space=space).penalty(p.kind, setting)
        truth, _ = own_slopes(critic, samples, space).penalty(p.kind, setting)
        judge_penalty(penalty(*p.arguments(critic, real, fake, alpha, setting=setting)), truth, error)


@law(r"P(\tfrac12\|x\|^2) = \mathbb E\,\varphi(\|\hat x\|)", source=SPEC, dtypes="wide", cost=2.5, penalty=each(*BETWEEN),
     data=critics_and_batches(("Linear",), max_n=3))  # fmt: skip
def penalty_mixes_each_sample_with_its_own_alpha(penalty, data, space):
    """D = ½‖x‖² has ∇D(x̂) = x̂ and so shows the points: images (n, n) with distinct α, where an α meant for a sample fits a
    pixel too. Bound: what δr makes of φ."""
    _, x, y, _ = data
    n = len(x)
    real, fake = (np.resize(np.concatenate([b.ravel(), [1.0, -2.0, 3.0]]), (n, n)) for b in (x, y))
    alpha, p = np.arange(1, n + 1) / 4, PENALTIES[penalty.contract.name]
    critic, setting = Quadratic(np.eye(n), np.zeros(n)), SETTINGS[p.kind][0]
    truth, error = slopes_at(p, critic, real, fake, alpha, space=space).penalty(p.kind, setting)
    judge_penalty(penalty(*p.arguments(critic, real, fake, alpha, setting=setting)), truth, error)


@law(r"P_{t=\|w\|}(w\cdot x) = 0", source=SPEC, dtypes="wide", cost=2.5, penalty=each(*TARGETED),
     data=linear_critics_and_sizes((1, 4)), k=integers(-6, 6))  # fmt: skip
def penalty_vanishes_at_its_target(penalty, data, k, space):
    """For w = 2ᵏ(3, 4), whose norm 5·2ᵏ is the target. Bound: the square of two roundings of the norm and K = 2 summands:
    (4u·5·2ᵏ)²."""
    _, real, _, alpha = data
    x, t = np.resize(real, (len(real), 2)), 5.0 * 2.0**k
    critic = Linear(2.0**k * np.array([3.0, 4.0]), np.ones(()))
    got = penalty(critic, x, x + 1.0, alpha, t)
    judge(abs(float(got)), (4 * space.u * t) ** 2, scale=t * t, why="(4u·target)²", got=got, truth=0.0)


@law(r"\|\nabla D\|\le t \Rightarrow P_{LP} = 0;\ \|\nabla D\|>t \Rightarrow P_{LP} = P_{GP}",
     source=("Petzka et al. 2018", SPEC), dtypes="wide", data=linear_critics_and_sizes((1, 4)),
     k=integers(-6, 6))  # fmt: skip
def one_sided_penalty_spares_short_gradients(one_sided_penalty, data, k, space):
    """w = 2ᵏ(3, 4) under targets ½, ¾, 1½ and twice its norm: exactly 0 under the target, (‖w‖ − t)² beyond. Bound: 2|r − t|
    times four roundings of r."""
    _, real, _, alpha = data
    x, r = np.resize(real, (len(real), 2)), 5.0 * 2.0**k
    critic = Linear(2.0**k * np.array([3.0, 4.0]), np.ones(()))
    for share in (1.5, 2.0):
        require(float(one_sided_penalty(critic, x, x, alpha, share * r)) == 0.0, "a slope below the target costs something")
    for share in (0.5, 0.75):
        due = ((1 - share) * r) ** 2
        got = one_sided_penalty(critic, x, x, alpha, share * r)
        judge(abs(float(got) - due) / due, 8 * space.u / (1 - share), why="2|r − t|·4ur", got=got, truth=due)


SCALED = {"zero_centred_real_penalty": 2, "zero_centred_fake_penalty": 2, "zero_centred_interpolate_penalty": 2,
          "wgan_div_penalty": 6}  # fmt: skip


@law(r"P(cD) = |c|^p P(D)", source=(kexue(6316, "c9"), SPEC), dtypes="wide", cost=2.5, penalty=each(*SCALED),
     data=critics_and_batches(("Linear", "Quadratic")), k=integers(-3, 3))  # fmt: skip
def zero_centred_penalty_is_homogeneous(penalty, data, k, space):
    """For c = ±2ᵏ, which commutes with rounding: no tolerance (p = 6 for WGAN-div, else 2). So J = E D(x) − E D(y) − λP has a
    maximum along every ray, where the objective alone grows without bound; and D and −D cost the same: a pit and a peak."""
    (kind, _, weights), real, fake, alpha = data
    p = PENALTIES[penalty.contract.name]
    setting, power = SETTINGS[p.kind][0], SCALED[penalty.contract.name]
    one, scaled = (build((kind, "", tuple(c * w for w in weights))) for c in (1.0, -(2.0**k)))
    got = [float(penalty(*p.arguments(c, real, fake, alpha, setting=setting))) for c in (one, scaled)]
    if power == 2:
        due = 2.0 ** (power * k) * got[0]
        require(got[1] == due, f"P(cD) is not c²P(D) for c = −2^{k}", got=got[1], truth=due)
    else:  # r⁶ is computed as a power, which need not commute with scaling
        _, error = slopes_at(p, scaled, real, fake, alpha, space=space).penalty(p.kind, setting)
        judge(abs(got[1] - 2.0 ** (power * k) * got[0]), 2 * error, scale=math.inf, why=ROUNDING, got=got[1])


@law(r"\hat x_i = \alpha_i x_i + (1-\alpha_i) y_i,\ i = 1 \dots n", source=SPEC, dtypes="wide", cost=2.5,
     penalty=each(*BETWEEN, "dragan_penalty"), data=critics_and_batches(("Linear", "Quadratic")))  # fmt: skip
def penalty_takes_one_alpha_a_sample(penalty, data, space):
    """More α than samples is an error, not a choice among them; one fake for many reals is an error, or stands for all of them.
    Bound: as for the value."""
    plan, real, fake, alpha = data
    p, critic = PENALTIES[penalty.contract.name], build(plan)
    setting, longer = SETTINGS[p.kind][0], np.append(alpha, (0.5, 0.25))
    two = [np.concatenate([b, b]) for b in (real, alpha)]
    for batches in ((real, fake, longer), (two[0], fake[:1], two[1])):
        if penalty.raises(*p.arguments(critic, *batches, setting=setting)) is not None:
            require(True, "an error")
            continue
        n = max(map(len, batches))
        require(all(len(b) in (1, n) for b in batches),
                f"shapes {', '.join(str(b.shape) for b in batches)} do not fit and must raise")  # fmt: skip
        full = [np.repeat(b, n // len(b), axis=0) for b in batches]
        truth, error = slopes_at(p, critic, *full, space=space).penalty(p.kind, setting)
        judge_penalty(penalty(*p.arguments(critic, *batches, setting=setting)), truth, error)
