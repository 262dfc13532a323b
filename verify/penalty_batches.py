r"""Laws of gradient penalties about what they are given and what they touch: batches of mixed samples, memory layouts, NaN, and
how often the critic is asked (SPEC 5)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detrace import branch, law, require, undecided
from detrace.laws import each
from detrace.network import Weights, namespace
from detrace.networks import Linear, Observed, Quadratic, build
from detrace.strategies.networks import critics_and_batches, linear_critics_and_sizes
from detrace.strategies.scalars import choices, integers
from verify.gradient_penalties import FLAT, SPEC, judge_penalty, own_slopes
from verify.penalty_bounds import ALL, PENALTIES, SETTINGS, joined, norm, slopes_at
from verify.penalty_gradients import judge_parameters

NOT_FINITE = "SPEC 5: non-finite input"
CURVED = tuple(kind for kind in FLAT if kind != "Linear")


@law(r"\nabla_p \textstyle\sum_i \|\nabla D(x_i)\| = \sum_i \nabla_p\langle \nabla D/r,\ \nabla D\rangle", source=SPEC,
     dtypes="wide", needs="autodiff", data=critics_and_batches())  # fmt: skip
def gradient_norms_have_their_gradient(gradient_norms, data, space):
    """In the critic's parameters, so that a penalty can be made of them; without create_graph it is 0. Bound: the formula on
    absolute values, with what δ makes of ∇D/r; undecided at a stationary sample."""
    plan, x, _, _ = data
    critic, n = build(plan), len(x)
    branch(" ".join(plan[:2]))
    due = own_slopes(critic, x, space).parameter_gradient("norm", ())
    if due is None:
        undecided("‖∇D‖ = 0 at a sample: the norm has no derivative there")
        return
    truth, error = due
    judge_parameters(gradient_norms.gradient(critic, x, wrt=0), [n * t for t in truth], n * error)


def beside(x: np.ndarray) -> np.ndarray:
    """The first sample, and others away from it."""
    steps = np.arange(len(x)).reshape(-1, *[1] * (x.ndim - 1))
    return np.asarray(x[:1] + steps * np.ones_like(x[:1]))


@law(r"\nabla D(x_1) = 0 \ne \nabla D(x_2) \Rightarrow |\nabla_p P| < \infty", source=SPEC, dtypes="wide", cost=2.5,
     needs="autodiff", penalty=each(*ALL), data=critics_and_batches(("Linear",)))  # fmt: skip
def one_stationary_sample_spoils_no_gradient(penalty, data, space):
    """A batch with one sample at the bottom of D = ½‖x − x₁‖²: its 0/0 must not become the gradient of all. Where φ is smooth
    at 0 or flat, the gradient is that of the others, certified. Bound: as for any batch."""
    _, real, _, alpha = data
    p, x = PENALTIES[penalty.contract.name], beside(real)
    other, alpha, setting = 0 * x if p.where == "near real" else x, np.round(alpha), SETTINGS[p.kind][0]
    critic = Quadratic(np.eye(math.prod(x.shape[1:])), -x[0].ravel())
    branch(f"batch of {len(x)}")
    got = penalty.gradient(*p.arguments(critic, x, other, alpha, setting=setting), wrt=0)
    require(all(np.isfinite(g).all() for g in got), "a stationary sample makes the gradient NaN or infinite", got=joined(got))
    due = slopes_at(p, critic, x, other, alpha, space=space).parameter_gradient(p.kind, setting)
    if due is not None:
        judge_parameters(got, *due, scale=math.inf if norm(due[0]) == 0 else None)


@law(r"P(x_1, \dots, x_1, x_2, \dots) = P(x_1, x_2, \dots)", source=SPEC, dtypes="wide", cost=5.0, penalty=each(*ALL),
     data=critics_and_batches())  # fmt: skip
def long_batches_have_the_penalty_of_short_ones(penalty, data, space):
    """Each sample 64 times, up to 256: a mean over the first few would be that of other samples. Bound: what δr makes of φ, and
    N roundings of the sum."""
    plan, *batch = data
    p, critic = PENALTIES[penalty.contract.name], build(plan)
    setting = SETTINGS[p.kind][0]
    slopes = slopes_at(p, critic, *batch, space=space)
    truth, error = slopes.penalty(p.kind, setting)
    got = penalty(*p.arguments(critic, *(np.repeat(b, 64, axis=0) for b in batch), setting=setting))
    judge_penalty(got, truth, error * (1 + 64 * len(batch[0]) * space.u / slopes.unit))


class Bowl(Quadratic):
    """½‖x‖² of samples that are read from their last axis to their first, so that in torch the gradient is a strided view."""

    def value(self, p: Weights, x: Any) -> Any:
        return super().value(p, namespace(x).permute_dims(x, (0, *range(x.ndim - 1, 0, -1))))


@law(r"P \text{ of any memory layout}", source=SPEC, dtypes="wide", cost=3.0, penalty=each(*ALL),
     data=critics_and_batches(CURVED))  # fmt: skip
def penalty_takes_strided_samples(penalty, data, space):
    """Samples as column-major views, as a transpose or channels_last leaves them, for drawn critics whose slope depends on the
    sample, and for one whose gradient is strided itself: the same penalty, and no need of contiguous memory. Bound: what δr
    makes of φ."""
    plan, real, fake, alpha = data
    p, f = PENALTIES[penalty.contract.name], math.prod(real.shape[1:])
    setting = SETTINGS[p.kind][0]
    for critic in (build(plan), Bowl(np.eye(f), np.zeros(f))):
        truth, error = slopes_at(p, critic, real, fake, alpha, space=space).penalty(p.kind, setting)
        judge_penalty(penalty.transposed_memory(*p.arguments(critic, real, fake, alpha, setting=setting)), truth, error)


@law(r"\#D \le n", source=SPEC, dtypes="wide", cost=4.0, needs="torch", penalty=each(*ALL), data=critics_and_batches())
def penalty_asks_the_critic_once(penalty, data, space):
    """Each sample passes through the critic once: a further pass, if only for the shape of grad_outputs, costs time and moves
    the running statistics of a batch normalisation again. No tolerance."""
    plan, *batch = data
    p, critic = PENALTIES[penalty.contract.name], Observed(build(plan))
    native = [space.to_native(b) for b in batch]
    penalty.native(*p.arguments(critic.bind(space), *native, setting=SETTINGS[p.kind][0]))
    seen, n = sum(x.shape[0] for x in critic.inputs), len(batch[0])
    require(seen <= n, f"the critic is asked for {seen} samples where {n} are charged")


def without_a_number(data: Any, i: int, where: str) -> tuple[Any, Any, Any, Any]:
    """A linear critic one of whose weights is NaN, or a bowl ½‖x‖² at batches one of whose samples holds NaN."""
    w, real, fake, alpha = data
    if where == "weight":
        w = np.array(w)
        w[np.unravel_index(i % w.size, w.shape)] = np.nan
        return Linear(w, np.ones(())), real, fake, alpha
    f = math.prod(real.shape[1:])
    batches = [b.reshape(len(real), f).copy() for b in (real, fake)]
    for b in batches:
        b[i % len(real), 0] = np.nan
    return Quadratic(np.eye(f), np.zeros(f)), *batches, alpha


@law(r"\nabla D(x_i) = \mathrm{NaN} \Rightarrow P \text{ is not finite}", source=NOT_FINITE, cost=4.0, penalty=each(*ALL),
     data=linear_critics_and_sizes((1, 4)), i=integers(0, 5), where=choices("weight", "sample"))  # fmt: skip
def slopes_that_are_nan_show(penalty, data, i, where):
    """A weight of the critic or a sample: an exception, or a penalty that is not finite. NaN is not above 0, so a guard such as
    where(r > 0, r, 0) makes slope 0 of it, and a critic that has diverged looks flat. No tolerance."""
    p = PENALTIES[penalty.contract.name]
    given = p.arguments(*without_a_number(data, i, where), setting=SETTINGS[p.kind][0])
    branch(where)
    if penalty.raises(*given) is not None:
        require(True, "an error")
        return
    got = penalty(*given)
    require(not np.isfinite(got), f"a finite penalty although a {where} is NaN", got=got, truth=np.nan)


@law(r"\nabla D(x_i) = \mathrm{NaN} \Rightarrow \|\nabla D(x_i)\| \text{ is not finite}", source=NOT_FINITE,
     data=linear_critics_and_sizes((1, 4)), i=integers(0, 5), where=choices("weight", "sample"))  # fmt: skip
def gradient_norms_that_are_nan_show(gradient_norms, data, i, where):
    """The norm of that sample; the others are as they were (of a weight that is NaN, all are). No tolerance."""
    critic, x, _, _ = without_a_number(data, i, where)
    branch(where)
    if gradient_norms.raises(critic, x) is not None:
        require(True, "an error")
        return
    got = gradient_norms(critic, x)
    hit = np.arange(len(x)) == i % len(x) if where == "sample" else np.ones(len(x), dtype=bool)
    require(not np.isfinite(got[hit]).any(), f"a finite norm although a {where} is NaN", got=got, truth=np.nan)
    require(bool(np.isfinite(got[~hit]).all()), "NaN in one sample is the norm of another", got=got)


@law(r"\mathrm{NaN} \mapsto \mathrm{NaN}", source="SPEC 3: non-finite input", k=integers(0, 3), c=choices(1.0, 0.5, 2.0**-6))
def clipping_keeps_nan(clip_weights, k, c):
    """One weight of four: NaN is neither above c nor below −c, and is not brought into the box. No tolerance."""
    w = np.array([0.0, 2.0, -2.0, 0.25])
    w[k] = np.nan
    got = clip_weights(w, c)
    require(not np.isfinite(got[k]), "a weight that is NaN became a number", got=got)
    require(bool(np.isfinite(np.delete(got, k)).all()), "NaN in one weight is NaN in another", got=got)
