r"""Laws of what gradient penalties do to the critic's game: optima in closed form, and where there is none (posts 6316, 6280).

U = −D is the energy, low on real; λ > 0 stands outside. On the line with cells of width h, energy slopes sⱼ and samples at the
cells' midpoints, E_pU − E_qU = −h Σ sⱼΔⱼ with Δⱼ = F_p − F_q at the midpoint (half of a cell's mass counts), so the problem of
6316.2 is quadratic in s and its optimum exact: sⱼ = hΔⱼ/(2λpⱼ), J* = −(h²/4λ) Σ Δⱼ²/pⱼ.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from detrace import branch, judge, law, require
from detrace.laws import each, kexue
from detrace.networks import BatchCentred, BatchNormalised, Linear, PiecewiseLinear, Quadratic, build
from detrace.strategies.networks import critics_and_batches, pits
from detrace.strategies.scalars import choices, integers
from verify.gradient_penalties import SPEC, own_slopes

STEP = 0.5
CELLS = "K·u times the sum of the absolute terms, K = cells + samples"
TERMS = "K·u(E|D(x)| + E|D(y)|) of absolute values, and 2λ times what δr makes of E‖∇D‖²"
PITS = (kexue(6316, 2, "c2", "c3"), kexue(6331, 15), SPEC)


class Pits:
    """Two samples of the line as counts by cell, and the exact problem between them."""

    def __init__(self, p: np.ndarray, q: np.ndarray) -> None:
        self.p, self.q = ([Fraction(int(c), int(m.sum())) for c in m] for m in (p, q))
        self.real, self.fake = (_samples(m) for m in (p, q))
        below = [_middles(m) for m in (self.p, self.q)]
        self.gap = [a - b for a, b in zip(*below, strict=True)]  # F_p − F_q at the midpoints

    def objective(self, s: list[Fraction]) -> Fraction:
        """E_pU − E_qU of energy slopes s."""
        return -Fraction(STEP) * sum((a * b for a, b in zip(s, self.gap, strict=True)), Fraction(0))

    def optimum(self, weight: float, on: list[Fraction]) -> list[Fraction]:
        """sⱼ = hΔⱼ/(2λ·onⱼ), 0 where nothing is gained."""
        return [Fraction(STEP) * g / (2 * Fraction(weight) * m) if g else Fraction(0)
                for g, m in zip(self.gap, on, strict=True)]  # fmt: skip


def _samples(counts: np.ndarray) -> np.ndarray:
    return np.repeat((np.arange(len(counts)) + 0.5) * STEP, counts.astype(int))


def _middles(mass: list[Fraction]) -> list[Fraction]:
    return [sum(mass[:j], Fraction(0)) + mass[j] / 2 for j in range(len(mass))]


def critic_of(slopes: list[Fraction], space: Any) -> tuple[PiecewiseLinear, list[Fraction]]:
    """D = −U with these slopes of U, rounded to the dtype; and the slopes of U that it has."""
    rounded = space.round(np.array([-float(s) for s in slopes]))
    return PiecewiseLinear(rounded, step=STEP), [-Fraction(float(v)) for v in rounded]


SIDES = ("zero_centred_real_penalty", "zero_centred_fake_penalty")


@law(r"J(s^*+\delta) = J^* + \lambda\,\mathbb E_p\delta^2,\quad J^* = -\tfrac1{4\lambda}\int (F_p-F_q)^2/p", source=PITS,
     dtypes="wide", penalty=each(*SIDES), data=pits(), weight=choices(1.0, 0.5, 0.125, 2.0))  # fmt: skip
def optimal_slopes_are_those_of_the_closed_form(penalty, data, weight, space):
    """At s = hΔ/(2λp) (for fakes /(2λq)) plus any tilt δ, the objective is J* + λEδ²: the optimum is as stated, every other
    energy does worse, and the slope at a real sample is not 0 but Δ/(2λp): a soft pit. Bound: K·u times λ Σ p s²."""
    p, q, tilt = data
    g = Pits(p, q) if penalty.contract.name == SIDES[0] else Pits(q, p)  # the penalised side has mass everywhere
    on, samples = (g.p, g.real) if penalty.contract.name == SIDES[0] else (g.q, g.fake)
    best, lam = g.optimum(weight, on), Fraction(weight)
    critic, s = critic_of([b + Fraction(t) for b, t in zip(best, tilt, strict=True)], space)
    lowest = g.objective(best) / 2  # −λE s*², the closed form of J*
    due = lowest + lam * sum(m * (a - b) ** 2 for m, a, b in zip(on, s, best, strict=True))
    charged = sum((m * a * a for m, a in zip(on, s, strict=True)), Fraction(0))
    got = penalty(critic, samples)
    value = g.objective(s) + lam * Fraction(float(got))
    branch("tilted" if tilt.any() else "optimal")
    judge(float(abs(value - due)), space.u * 8 * float(lam * charged), scale=np.inf, why=CELLS, got=float(value),
          truth=float(due))  # fmt: skip


@law(r"\lambda\,\partial_s \mathbb E_p U'^2 = -\partial_s(\mathbb E_p U - \mathbb E_q U)", source=PITS, dtypes="wide",
     needs="autodiff", penalty=each(*SIDES), data=pits(), weight=choices(1.0, 0.5, 0.125, 2.0))  # fmt: skip
def penalty_balances_the_objective_at_the_optimum(penalty, data, weight, space):
    """Stationarity at the closed form, by the library's second derivative: λ∂P/∂sⱼ = 2λpⱼsⱼ = hΔⱼ. Bound: K·u·2λpⱼ|sⱼ|, and
    what rounding s* costs."""
    p, q, _ = data
    g = Pits(p, q) if penalty.contract.name == SIDES[0] else Pits(q, p)
    on, samples = (g.p, g.real) if penalty.contract.name == SIDES[0] else (g.q, g.fake)
    critic, _ = critic_of(g.optimum(weight, on), space)
    (got,) = penalty.gradient(critic, samples, wrt=0)
    due = [-Fraction(STEP) * d / Fraction(weight) for d in g.gap]  # in the slopes of D = −U
    error = max(abs(Fraction(float(a)) - b) for a, b in zip(got, due, strict=True))
    judge(float(error), space.u * 8 * max(float(abs(b)) for b in due), scale=np.inf, why=CELLS, got=got,
          truth=np.array([float(b) for b in due]))  # fmt: skip


@law(r"\mathbb E_pU - \mathbb E_qU = -2\lambda\,\mathbb E_p\|\nabla U\|^2", source=(kexue(6316, 2, "c1"), SPEC),
     dtypes="wide", data=pits(), weight=choices(1.0, 0.5, 0.125, 2.0), k=integers(-2, 2))  # fmt: skip
def diagnostic_vanishes_at_the_optimum(convergence_diagnostic, data, weight, k, space):
    """Of the optimal slopes times c = 2ᵏ it is 2λc(1 − c)E‖∇U*‖²: 0 at the optimum, positive before (reals lie lower, with room
    to dig), negative beyond. Bound: K·u times the absolute terms."""
    p, q, _ = data
    g = Pits(p, q)
    best = g.optimum(weight, g.p)
    critic, s = critic_of([2**k * b if k > 0 else b / 2**-k for b in best], space)
    slope = sum((m * a * a for m, a in zip(g.p, s, strict=True)), Fraction(0))
    due = -g.objective(s) - 2 * Fraction(weight) * slope
    size = float(sum(map(abs, s), Fraction(0))) * STEP + 2 * weight * float(slope)
    got = convergence_diagnostic(critic, g.real, g.fake, weight)
    judge(float(abs(Fraction(float(got)) - due)), 8 * space.u * size, scale=np.inf, why=CELLS, got=got, truth=float(due))
    c, ideal_slope = Fraction(2) ** k, sum((m * b * b for m, b in zip(g.p, best, strict=True)), Fraction(0))
    ideal = 2 * Fraction(weight) * c * (1 - c) * ideal_slope
    judge(float(abs(Fraction(float(got)) - ideal)), 16 * space.u * (size + 2 * weight * float(slope)), scale=np.inf, why=CELLS,
          got=got, truth=float(ideal))  # fmt: skip


@law(r"\mathbb E_p D - \mathbb E_q D - 2\lambda\,\mathbb E_p\|\nabla D\|^2", source=(kexue(6316, "c1"), SPEC),
     dtypes="wide", data=critics_and_batches(), weight=choices(1.0, 0.5, 0.125, 2.0))  # fmt: skip
def diagnostic_is_its_formula(convergence_diagnostic, data, weight, space):
    """Linear, quadratic, two-layer and convolutional critics, samples of any shape, one fake less than reals. Bound: K·u times
    D of absolute values, and 2λ times what rounding may make of E‖∇D‖²."""
    plan, real, fake, _ = data
    critic, batches = build(plan), (real, fake[: max(1, len(fake) - 1)])
    branch(" ".join(plan[:2]))
    slopes, m = own_slopes(critic, real, space), critic.majorant()
    charged, error = slopes.penalty("zero", ())
    means = [sum(critic.exact(b).tolist(), arb(0)) / len(b) for b in batches]
    size = sum(float(m.value(m.parameters, np.abs(b)).mean()) for b in batches)
    truth = means[0] - means[1] - 2 * weight * charged
    got = convergence_diagnostic(critic, *batches, weight)
    judge(abs(arb(float(got)) - truth), slopes.unit * size + 2 * weight * error, scale=np.inf, why=TERMS, got=got,
          truth=float(truth.mid()))  # fmt: skip


@law(r"p=0<q \text{ somewhere} \Rightarrow \inf_U = -\infty", source=(kexue(6316, 2, "c3"), SPEC), dtypes="wide", data=pits(),
     k=integers(0, 10))  # fmt: skip
def real_centred_penalty_is_blind_where_no_real_is(zero_centred_real_penalty, zero_centred_fake_penalty, data, k):
    """Fakes in a cell without reals: a slope of 2ᵏ there changes the penalty on reals by exactly nothing, while that on fakes
    feels it (quadratically) and E_pU − E_qU falls without bound. No tolerance."""
    _, q, tilt = data
    g = Pits(np.array([2.0, 2.0, 0.0, 0.0]), np.append(q[:3], q[3] + 4.0))
    steep = np.append(tilt[:3], -(2.0**k))
    a, b = PiecewiseLinear(np.append(tilt[:3], 0.0), step=STEP), PiecewiseLinear(steep, step=STEP)
    before, after = zero_centred_real_penalty(a, g.real), zero_centred_real_penalty(b, g.real)
    require(float(before) == float(after), "the penalty on reals feels a slope where no real is", got=after, truth=before)
    rise = float(zero_centred_fake_penalty(b, g.fake)) - float(zero_centred_fake_penalty(a, g.fake))
    require(rise > 0, "the penalty on fakes does not feel the slope", got=rise)
    slopes = [[-Fraction(float(v)) for v in c.parameters[0]] for c in (a, b)]
    require(g.objective(slopes[1]) < g.objective(slopes[0]), "E_pU − E_qU does not fall as the slope grows")


@law(r"\max_w w\theta - \lambda(|w|-1)^2 = \theta + \theta^2/4\lambda > W_1 = \theta", source=(kexue(6280, 36), SPEC),
     dtypes="wide", k=integers(-3, 3), weight=choices(1.0, 0.5, 2.0, 8.0), off=choices(0.0, 0.25, -0.25, 1.0),
     n=choices(1, 4, 3))  # fmt: skip
def penalised_linear_critic_overestimates_the_distance(two_sided_penalty, k, weight, off, n, space):
    """Two Diracs at distance θ = 2ᵏ: at w = 1 + θ/(2λ) + δ the penalised objective is θ + θ²/(4λ) − λδ², all exact dyadic
    numbers; its maximum is above W₁ = θ (a clipped critic's is cθ: `clipped_critics`). Bound: 8u times the terms."""
    theta = 2.0**k
    w = 1 + theta / (2 * weight) + off * min(1.0, theta)
    real, fake, alpha = np.full((n, 1), theta), np.zeros((n, 1)), np.arange(n) / 4
    got = two_sided_penalty(Linear(np.array([w]), np.zeros(())), real, fake, alpha, 1.0)
    value = Fraction(w) * Fraction(theta) - Fraction(weight) * Fraction(float(got))
    gap = Fraction(off) * Fraction(min(1.0, theta))
    due = Fraction(theta) + Fraction(theta) ** 2 / (4 * Fraction(weight)) - Fraction(weight) * gap**2
    size = weight * (abs(w) + 1) ** 2
    judge(float(abs(value - due)), 8 * space.u * size, scale=np.inf, why="8u·λ(|w| + 1)²", got=float(value), truth=float(due))


@law(r"\arg\min_w (\|w\|-1)^2: \|w\|=1,\quad \arg\min_w \|w\|^2: w=0", source=(kexue(6316, "c3", "c8"), SPEC), dtypes="wide",
     k=integers(-6, 0), f=choices(1, 2, 3))  # fmt: skip
def one_centred_penalty_moves_the_equilibrium(two_sided_penalty, zero_centred_real_penalty, k, f):
    """Fakes equal to reals: the critic should be flat. Centred at 0 the flat critic costs exactly 0 and any other more; centred
    at 1 it costs 1 and a unit slope, which tears the two apart again, nothing. No tolerance: all numbers are dyadic."""
    x, alpha = np.ones((2, f)), np.array([0.5, 0.25])
    flat, unit = np.zeros(f), np.eye(f)[0]
    for w, one, zero in ((flat, 1.0, 0.0), (unit, 0.0, 1.0), (2.0**k * unit, (1 - 2.0**k) ** 2, 4.0**k)):
        critic = Linear(w, np.zeros(()))
        got = float(two_sided_penalty(critic, x, x, alpha, 1.0)), float(zero_centred_real_penalty(critic, x))
        require(got == (one, zero), f"slope {w.max():g} does not cost {one:g} and {zero:g}", got=np.array(got))


@law(r"\nabla U = 0 \text{ at a top too}", source=(kexue(6316, "c2"), SPEC), dtypes="wide",
     data=critics_and_batches(("Quadratic",)))  # fmt: skip
def penalty_cannot_tell_a_pit_from_a_peak(zero_centred_real_penalty, data):
    """A stationary energy at the reals is necessary for a pit, not sufficient: U and −U cost the same, and ±‖x − c‖²/2 costs
    exactly 0 at c, a bottom and a top. No tolerance: signs commute with rounding."""
    (_, _, (A, b)), real, _, _ = data
    got = [float(zero_centred_real_penalty(Quadratic(sign * A, sign * b), real)) for sign in (1.0, -1.0)]
    require(got[0] == got[1], "U and −U cost differently", got=got[1], truth=got[0])
    for sign in (1.0, -1.0):
        pit = Quadratic(sign * np.eye(len(b)), -sign * real[0].ravel())
        require(float(zero_centred_real_penalty(pit, real[:1])) == 0.0, "a bottom or a top costs something")


@law(r"\sum_i D(x_i) \text{ constant} \Rightarrow \nabla\sum D = 0 \ne \nabla D(x_i)", source=("Gulrajani et al. 2017", SPEC),
     dtypes="wide", data=critics_and_batches(("BatchNormalised",)))  # fmt: skip
def batch_normalisation_hides_the_slopes(gradient_norms, data, space):
    """A critic that mixes the samples has no ∇D(xᵢ) of its own. One backward pass sees the gradient of ΣD, xᵢ − m + w for
    D = ½‖x − m‖² + w·x; a call for each sample sees w: either is accepted, one for the whole batch. After batch normalisation
    both are 0, however steep each D(xᵢ) is. Bound: K·u(|x| + |m| + |w|) by entry."""
    (_, _, (w,)), x, _, _ = data
    X = [[Fraction(v) for v in row] for row in x.reshape(len(x), -1).tolist()]
    n, f = len(X), len(w)
    mean = [sum(column, Fraction(0)) / n for column in zip(*X, strict=True)]
    size = float(np.abs(x).max(initial=0.0) + np.abs(w).max()) * f
    together = [[v - m + Fraction(c) for v, m, c in zip(row, mean, w.tolist(), strict=True)] for row in X]
    alone = [[Fraction(c) for c in w.tolist()]] * n
    got = gradient_norms(BatchCentred(w), x)
    errors = [np.max([float(abs(arb(float(g)) - _length(row)).abs_lower()) for g, row in zip(got, rows, strict=True)])
              for rows in (together, alone)]  # fmt: skip
    branch("one backward pass" if errors[0] <= errors[1] else "a call for each sample")
    truth = np.array([float(_length(row).mid()) for row in together])
    judge(float(np.min(errors)), 4 * n * space.u * size, scale=np.inf, why="K·u(|x| + |m| + |w|)", got=got, truth=truth)
    hidden = gradient_norms(BatchNormalised(w), x)
    judge(float(np.abs(hidden).max()), 4 * n * space.u * size * (1 + np.abs(x).max(initial=0.0)), scale=np.inf,
          why="K·u(|x| + |w|)(1 + |x|)", got=hidden, truth=0 * hidden)  # fmt: skip


def _length(row: list[Fraction]) -> arb:
    square = sum((v * v for v in row), Fraction(0))
    return (arb(square.numerator) / square.denominator).sqrt()
