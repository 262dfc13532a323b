r"""Laws of what a gradient penalty teaches the critic: its gradient in the critic's parameters, which takes ∇ₚ of ∇ₓD.

With q = φ′(r)∇D/r at each sample, ∂P/∂p is the mean of ∂/∂p ⟨q, ∇D⟩ at fixed q; its rounding is derived in `penalty_bounds`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detrace import branch, judge, law, require, undecided
from detrace.laws import each, kexue
from detrace.networks import Linear, Quadratic, build
from detrace.strategies.networks import critics_and_batches, linear_critics_and_sizes
from detrace.strategies.scalars import integers
from verify.gradient_penalties import SPEC
from verify.penalty_bounds import ALL, PENALTIES, SETTINGS, distance, floats, joined, norm, slopes_at

SECOND = "the formula on absolute values, with what δ makes of φ′(r)∇D/r"


def judge_parameters(got: list[np.ndarray], truth: list[Any], error: float, scale: float | None = None) -> None:
    """The distance of all parameters' gradients together."""
    judge(distance(got, truth), error, scale=max(norm(floats(truth)), error) if scale is None else scale, why=SECOND,
          got=joined(got), truth=joined(floats(truth)))  # fmt: skip


@law(r"\nabla_p P = \mathbb E\,\nabla_p\langle \varphi'(r)\nabla D/r,\ \nabla D\rangle", source=SPEC, dtypes="wide",
     needs="autodiff", penalty=each(*ALL), data=critics_and_batches(), k=integers(0, 4))  # fmt: skip
def penalty_has_its_gradient(penalty, data, k, space):
    """Of linear, quadratic, two-layer and convolutional critics, against the closed form in balls: without the second
    derivative it would be 0 or wrong. Bound: the same formula on absolute values; undecided at a stationary sample under a
    target, where there is no derivative."""
    plan, real, fake, alpha = data
    p, critic = PENALTIES[penalty.contract.name], build(plan)
    setting = SETTINGS[p.kind][k]
    branch(" ".join(plan[:2]))
    due = slopes_at(p, critic, real, fake, alpha, space=space).parameter_gradient(p.kind, setting)
    if due is None:
        undecided("‖∇D‖ = 0 at a sample: a penalty that is centred at a target has no derivative there")
        return
    judge_parameters(penalty.gradient(*p.arguments(critic, real, fake, alpha, setting=setting), wrt=0), *due)


@law(r"\nabla_w P = \varphi'(\|w\|)\, w/\|w\|", source=SPEC, dtypes="wide", cost=2.5, needs="autodiff", penalty=each(*ALL),
     data=linear_critics_and_sizes())  # fmt: skip
def penalty_of_a_linear_critic_has_its_gradient(penalty, data, space):
    """Whatever the batch size (1, 4, 64) and the samples: 2(‖w‖ − 1)w/‖w‖, 2w, or 12‖w‖⁴w, and nothing for the offset. Bound:
    as for any critic; undecided at w = 0 under a target."""
    w, real, fake, alpha = data
    p, critic = PENALTIES[penalty.contract.name], Linear(w, np.ones(()))
    setting = SETTINGS[p.kind][0]
    branch(f"batch of {len(real)}")
    due = slopes_at(p, critic, real[:1], fake[:1], alpha[:1], space=space).parameter_gradient(p.kind, setting)
    if due is None:
        undecided("w = 0: a penalty that is centred at a target has no derivative there")
        return
    got = penalty.gradient(*p.arguments(critic, real, fake, alpha, setting=setting), wrt=0)
    judge_parameters(got, due[0], due[1])
    require(float(got[1]) == 0.0, "the offset of a linear critic has a gradient, though it changes no slope")


STATIONARY = {"two-sided": 1.0, "one-sided": 0.0, "zero": 0.0, "power": 0.0}
"""φ(0) under the first setting (target 1)."""


def stationary_critics(real: np.ndarray, k: int) -> Any:
    """A critic of zeros; or one whose only stationary point is where all samples are."""
    f = math.prod(real.shape[1:])
    return Linear(np.zeros(real.shape[1:]), np.ones(())) if k else Quadratic(np.eye(f), -real[0].ravel())


@law(r"\nabla D = 0 \Rightarrow P = \varphi(0)", source=(kexue(6316, "c2"), SPEC), dtypes="wide", cost=2.5, penalty=each(*ALL),
     data=critics_and_batches(("Linear",)), k=integers(0, 1))  # fmt: skip
def penalty_at_a_stationary_point_is_exact(penalty, data, k):
    """All samples at the critic's stationary point, or a critic of zeros: exactly 0, or target² for the two-sided ones. No
    tolerance."""
    _, real, _, alpha = data
    p = PENALTIES[penalty.contract.name]
    x = np.broadcast_to(real[:1], real.shape).copy()
    other = 0 * x if p.where == "near real" else x
    got = penalty(*p.arguments(stationary_critics(x, k), x, other, np.round(alpha), setting=SETTINGS[p.kind][0]))
    due = STATIONARY[p.kind]
    require(float(got) == due, "the penalty at a stationary point is not φ(0)", got=got, truth=due)


@law(r"\nabla D = 0 \Rightarrow |\nabla_p P| < \infty", source=SPEC, dtypes="wide", cost=2.5, needs="autodiff",
     penalty=each(*ALL), data=critics_and_batches(("Linear",)), k=integers(0, 1))  # fmt: skip
def penalty_at_a_stationary_point_has_a_finite_gradient(penalty, data, k):
    """There the gradient of the norm is anything of length ≤ 1; 0/0 = NaN, from a square root at 0, is not. Penalties that are
    smooth there, or flat, have gradient exactly 0. No tolerance."""
    _, real, _, alpha = data
    p = PENALTIES[penalty.contract.name]
    x = np.broadcast_to(real[:1], real.shape).copy()
    other = 0 * x if p.where == "near real" else x
    critic = stationary_critics(x, k)
    got = penalty.gradient(*p.arguments(critic, x, other, np.round(alpha), setting=SETTINGS[p.kind][0]), wrt=0)
    require(all(np.isfinite(g).all() for g in got), "the gradient at a stationary point is NaN or infinite", got=joined(got))
    if p.kind != "two-sided":
        require(not any(g.any() for g in got), "φ is flat at 0, and the penalty is not", got=joined(got), truth=0 * joined(got))


@law(r"\nabla_p \|\nabla D(x_i)\| \text{ at } \nabla D = 0", source=SPEC, dtypes="wide", needs="autodiff",
     data=critics_and_batches(("Linear",)), k=integers(0, 1))  # fmt: skip
def gradient_norms_at_a_stationary_point_are_zero(gradient_norms, data, k):
    """The norm of exactly nothing is exactly 0, and its gradient in the parameters is finite. No tolerance."""
    _, real, _, _ = data
    x = np.broadcast_to(real[:1], real.shape).copy()
    critic = stationary_critics(x, k)
    require(not gradient_norms(critic, x).any(), "a norm at a stationary point is not 0")
    got = gradient_norms.gradient(critic, x, wrt=0)
    require(all(np.isfinite(g).all() for g in got), "the gradient of the norm is NaN or infinite", got=joined(got))


@law(r"\text{samples stay as they are}", source=SPEC, dtypes="wide", cost=2.5, needs="torch", penalty=each(*ALL),
     data=critics_and_batches())  # fmt: skip
def penalty_leaves_its_tensors_alone(penalty, data, space):
    """The caller's samples neither start to require gradients nor get any, and weights get theirs at `backward`, not before.
    No tolerance."""
    plan, *batch = data
    p, critic = PENALTIES[penalty.contract.name], build(plan).bind(space)
    for w in critic.parameters():
        w.requires_grad_()
    native = [space.to_native(b) for b in batch]
    loss = penalty.native(*p.arguments(critic, *native, setting=SETTINGS[p.kind][0]))
    require(not any(b.requires_grad for b in native), "the samples require gradients after the call")
    require(all(w.grad is None for w in critic.parameters()), "the weights have gradients before backward")
    require(all(w.requires_grad for w in critic.parameters()), "weights no longer require gradients")
    if loss.requires_grad:
        loss.backward()
    require(all(b.grad is None for b in native), "the samples have gradients after backward")
    require(all((space.to_host(n) == b).all() for n, b in zip(native, batch, strict=True)), "the samples have other values")
