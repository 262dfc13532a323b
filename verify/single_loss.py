r"""Laws of one loss for both players of a GAN, by stopping gradients (SPEC 6, post 6387).

L = L_D(D(x), D(sg G(z))) + λ[L_G(D(x), D(G(z))) − L_G(D(x), D(sg G(z)))]; D is high on real, every loss is minimised and takes
(logits of real, logits of fake). Certified gradients and their bounds are in `single_loss_games`; optimisers are in
`single_loss_optimisers`.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
from flint import arb

from detrace import Contract, Family, branch, judge, law, require, undecided
from detrace.laws import kexue
from detrace.networks import Linear, LinearGenerator, Observed
from detrace.strategies.networks import POLYNOMIAL, SIMPLE, arrays, games
from detrace.strategies.scalars import choices, integers
from reference.gradient_penalties import zero_centred_real_penalty
from verify.penalty_bounds import distance, floats, joined, norm
from verify.single_loss_games import NOTHING, PAIRS, Game, Loss, Pair, derivatives

FAMILY = Family("single_loss", "One loss for both players, by stopping gradients", 6)
SPEC = "SPEC 6"
WEIGHTS = (1.0, 0.5, 3.0, 2.0**-10, 2.0**10)
SUMS = "K·u·(terms' sizes), λ times the generator's terms included, which cancel"


def _harmless() -> tuple[Any, ...]:
    x = np.array([[1.0, 0.5], [-0.5, 2.0]])
    D, G = Linear(np.ones(2), np.zeros(())), LinearGenerator(np.eye(2), np.zeros(2))
    return Loss("wasserstein_discriminator"), Loss("wasserstein_generator"), D, G, x, x, 0.5


SINGLE_LOSS = Contract(
    "single_loss", "*,*,*,*,(n,s...),(m,z...),*->()",
    "L_D(D, sg G) + λ[L_G(D, G) − L_G(D, sg G)]: (discriminator_loss, generator_loss, D, G, real, z, λ)", FAMILY.name,
    real=True, example=_harmless, aliases=("one_loss", "joint_loss", "gan_loss"),
)  # fmt: skip
REVERSE_GRADIENT = Contract(
    "reverse_gradient", "(s...),*->(s...)", "x, its gradient times −λ: (x, λ)", FAMILY.name, real=True,
    example=lambda: (np.ones(2), 1.0), aliases=("gradient_reversal", "grad_reverse", "revgrad", "grl"),
)  # fmt: skip


def three_of(k: int) -> list[Pair]:
    """Three or four of the pairs of losses, each pair for one k of 0…6."""
    return list(PAIRS[k::7])


def judge_gradient(got: list[np.ndarray], truth: list[Any], error: float) -> None:
    """All parameters of one player together."""
    judge(distance(got, truth), error, scale=max(norm(floats(truth)), error, 1e-3), why=SUMS,
          got=joined(got), truth=joined(floats(truth)))  # fmt: skip


@law(r"L = L_D", source=(kexue(6387, 5, "c8"), SPEC), dtypes="wide", game=games(POLYNOMIAL, exact=True), k=integers(0, 6),
     weight=choices(*WEIGHTS))  # fmt: skip
def single_loss_is_the_discriminators_loss(single_loss, game, k, weight, space):
    """For every pair of losses of the table, polynomial networks of integers and every λ, in every library: the bracket is 0.
    Bound: u times the moduli of the summands of L_D and of λL_G."""
    g = Game(game, space)
    for losses in three_of(k):
        own, other = (g.truth(name) for name in losses)
        got = single_loss(*g.arguments(losses, weight))
        judge(abs(arb(float(got)) - own.value), space.u * (own.size + weight * other.size), scale=math.inf,
              why="u·(moduli of the summands)", got=got, truth=float(own.value.mid()))  # fmt: skip


@law(r"\nabla_D L = \nabla_D L_D,\quad \nabla_G L = \lambda\nabla_G L_G", source=(kexue(6387, 5, "c3", "c6"), SPEC),
     dtypes="wide", needs="autodiff", game=games(POLYNOMIAL, exact=True), k=integers(0, 6),
     weight=choices(*WEIGHTS))  # fmt: skip
def single_loss_has_both_gradients(single_loss, game, k, weight, space):
    """Certified, for every pair of losses of the table, polynomial networks of integers and every λ; both at the old point.
    Bound: K·u times the sum of absolute terms, where D's includes λL_G: cancellation costs u·λ|∇_D L_G|."""
    g = Game(game, space)
    branch(type(g.D).__name__)
    for losses in three_of(k):
        args = g.arguments(losses, weight)
        judge_gradient(single_loss.gradient(*args, wrt=2), g.discriminator_gradient(losses[0]),
                       g.discriminator_error(losses, weight))  # fmt: skip
        truth = [weight * t for t in g.generator_gradient(losses[1])]
        judge_gradient(single_loss.gradient(*args, wrt=3), truth, g.generator_error(losses[1], weight))


@law(r"(\nabla_D L, \nabla_G L) = \text{two backward passes}", source=(kexue(6387, 2, 5, "c3", "c6"), SPEC), dtypes="wide",
     needs="autodiff", cost=1.5, game=games(SIMPLE), k=integers(0, len(PAIRS) - 1), weight=choices(*WEIGHTS))  # fmt: skip
def single_loss_agrees_with_separate_passes(single_loss, game, k, weight, space):
    """Smooth networks too (tanh, softplus, convolutions, two-layer generators), against ∇_D L_D and λ∇_G L_G by two passes of
    the same library. Bound: both sides' K·u times absolute terms, with what rounding of the logits does to slopes."""
    g = Game(game, space)
    branch(f"{type(g.D).__name__} {g.D.facts.get('activation', '')}")
    for losses in (PAIRS[k], PAIRS[k - 10]):
        args = g.arguments(losses, weight)
        own, other = g.separate(losses)
        judge_gradient(single_loss.gradient(*args, wrt=2), own, 2 * g.discriminator_error(losses, weight, bent=True))
        judge_gradient(single_loss.gradient(*args, wrt=3), [weight * t for t in other],
                       2 * g.generator_error(losses[1], weight, bent=True))  # fmt: skip


EXACT = (("wasserstein_discriminator", "wasserstein_generator"), ("hinge_discriminator", "hinge_generator"))


@law(r"L = L_D,\ \nabla_D L = \nabla_D L_D,\ \nabla_G L = \lambda\nabla_G L_G \text{ exactly}",
     source=(kexue(6387, 1, 5), SPEC), dtypes="wide", needs="autodiff", game=games(exact=True, bilinear=True),
     losses=choices(*EXACT), weight=choices(1.0, 0.5, 3.0, 4.0))  # fmt: skip
def single_loss_is_exact_on_bilinear_games(single_loss, game, losses, weight, space):
    """Linear D and G of small integers, Wasserstein and hinge: every intermediate number is dyadic with few bits, so value and
    both gradients are the rational ones, in any order of summation. No tolerance."""
    g = Game(game, space)
    args = g.arguments(losses, weight)
    require(float(single_loss(*args)) == float(g.truth(losses[0]).value.mid()), "L is not exactly L_D")
    for wrt, due in ((2, g.discriminator_gradient(losses[0])), (3, [weight * t for t in g.generator_gradient(losses[1])])):
        got, due = single_loss.gradient(*args, wrt=wrt), floats(due)
        same = bool((joined(got) == joined(due)).all())
        require(same, f"∇_{'DG'[wrt - 2]} L is not exact", got=joined(got), truth=joined(due))


@law(r"\nabla(L(D,G) - L(D,\operatorname{sg}G)) = (0, \nabla_G L)", source=(kexue(6387, 4, "c7", "c8", "c12"), SPEC),
     dtypes="wide", needs="autodiff", game=games(POLYNOMIAL, exact=True), k=integers(0, 6),
     weight=choices(*WEIGHTS))  # fmt: skip
def stopped_difference_moves_the_generator_only(single_loss, game, k, weight, space):
    """With L_D = 0 the loss is λ[L_G(D, G) − L_G(D, sg G)] for any L_G: exactly 0, and yet its gradient in G is λ∇_G L_G; as a
    thing to minimise it says nothing. That in D is 0 within K·u·λ times absolute terms."""
    g = Game(game, space)
    for _, generator in three_of(k):
        args = g.arguments((NOTHING, generator), weight)
        require(float(single_loss(*args)) == 0.0, "L_G(D, G) − L_G(D, sg G) is not 0")
        of_critic = single_loss.gradient(*args, wrt=2)
        judge_gradient(of_critic, [0 * p for p in of_critic], g.discriminator_error((NOTHING, generator), weight))
        truth = [weight * t for t in g.generator_gradient(generator)]
        judge_gradient(single_loss.gradient(*args, wrt=3), truth, g.generator_error(generator, weight))


@law(r"\lambda = 0: \nabla_G L = 0", source=(kexue(6387, 2, 3, "c4"), SPEC), dtypes="wide", needs="autodiff",
     game=games(exact=True, bilinear=True), losses=choices(*EXACT))  # fmt: skip
def stopped_generator_has_a_zero_gradient(single_loss, game, losses, space):
    """Exact zeros, while the loss that is not stopped, minimised over both players, pushes G along ∇_G L_D, certified: to
    minimise over D means to hold G. No tolerance: small integers."""
    g = Game(game, space)
    got = single_loss.gradient(*g.arguments(losses, 0.0), wrt=3)
    require(not any(p.any() for p in got), "G has a gradient though λ = 0", got=joined(got), truth=0 * joined(got))
    real, z, loss, D = space.to_native(g.real), space.to_native(g.z), Loss(losses[0]).bind(space), g.D.bind(space)
    joint = derivatives(space, lambda *w: loss(D(real), D(g.G.bind(space, w)(z))), g.G.bind(space).parameters())
    due = floats(g.generator_gradient(losses[0]))
    moved = all((space.to_host(a) == b).all() for a, b in zip(joint, due, strict=True))
    require(moved, "unstopped, L_D does not move G by ∇_G L_D")


@law(r"\psi' = \psi - h\theta,\ \theta' = \theta + h\psi:\ |\cdot|^2 \mapsto (1+h^2)|\cdot|^2",
     source=(kexue(6387, "c9"), SPEC), dtypes="wide",
     needs="autodiff", psi=integers(-8, 8), theta=integers(-8, 8), k=integers(1, 6))  # fmt: skip
def single_loss_plays_the_simultaneous_game(single_loss, psi, theta, k):
    """D = ψx, G = θ, reals at 0, h = 2⁻ᵏ: one step on L multiplies the radius by √(1 + h²), exactly; moving D first and asking
    for G's gradient again conserves ψ² + θ² − hψθ: alternation is another game. No tolerance: rationals."""
    h = Fraction(1, 2**k)

    def pull(psi: Fraction, theta: Fraction) -> tuple[Fraction, Fraction]:
        D, G = Linear(np.array([float(psi)]), np.zeros(())), LinearGenerator(np.zeros((1, 1)), np.array([float(theta)]))
        args = (*map(Loss, EXACT[0]), D, G, np.zeros((2, 1)), np.ones((2, 1)), 1.0)
        of_critic, of_generator = single_loss.gradient(*args, wrt=2)[0], single_loss.gradient(*args, wrt=3)[1]
        return Fraction(float(of_critic[0])), Fraction(float(of_generator[0]))

    x, y = Fraction(psi), Fraction(theta)
    dx, dy = pull(x, y)
    new = x - h * dx, y - h * dy
    require(new[0] ** 2 + new[1] ** 2 == (1 + h**2) * (x**2 + y**2), "one step does not multiply the radius by √(1 + h²)",
            got=np.array([float(v) for v in new]))  # fmt: skip
    later = y - h * pull(new[0], y)[1]
    kept = new[0] ** 2 + later**2 - h * new[0] * later == x**2 + y**2 - h * x * y
    require(kept, "alternation does not conserve ψ² + θ² − hψθ")


@law(r"\#G = 1,\ \#D = 3", source=(kexue(6387, "c1", "c2"), SPEC), dtypes="wide", game=games(POLYNOMIAL, exact=True),
     losses=choices(*PAIRS[:4]))  # fmt: skip
def single_loss_asks_the_generator_once(single_loss, game, losses, space):
    """One forward pass of G in place of the two of alternation; the passes of D stay three: the reals once, the fakes twice
    (and so often are running batch statistics updated). No tolerance."""
    g = Game(game, space)
    D, G = Observed(g.D), Observed(g.G)
    d_loss, g_loss, _, _, real, z, weight = g.arguments(losses, 1.0)
    single_loss(d_loss, g_loss, D, G, real, z, weight)
    require(len(G.inputs) == 1, f"G is asked {len(G.inputs)} times; once is due")
    samples, due = sum(x.shape[0] for x in D.inputs), len(real) + 2 * len(z)
    require(samples == due, f"D sees {samples} samples; the reals once and the fakes twice are {due}")


@law(r"L - L_D = \lambda[L_G(D_{m''}) - L_G(D_{m'})] \ne 0", source=(kexue(6387, "c8"), SPEC), dtypes="wide",
     game=games(exact=True, bilinear=True), masks=integers(0, 7))  # fmt: skip
def dropout_breaks_the_zero(single_loss, game, masks, space):
    """D multiplies its inputs by another mask in each of three passes: the value is that of some order of the passes, with
    L_D + λ[L_G(m″) − L_G(m′)], and L_D only if both masks of the fakes agree. No tolerance: small integers."""
    g = Game(game, space)
    w, b = g.D.parameters
    f = w.size
    drawn = [np.full(w.shape, float(masks >> i & 1)) for i in range(3)]
    D = Observed(Linear(w, b), drawn)
    got = float(single_loss(*map(Loss, EXACT[0]), D, g.G, g.real, g.z, 1.0))
    if len(D.inputs) != 3:
        undecided(f"D is asked {len(D.inputs)} times, and so draws other masks")
        return
    G = floats(g.fake).reshape(len(g.z), f)

    def mean(x: np.ndarray, m: np.ndarray) -> float:
        return float(np.mean((x.reshape(len(x), f) * m.ravel()) @ w.ravel() + b))

    due = {
        mean(G, stopped) - mean(g.real, real) - mean(G, flowing) + mean(G, stopped)
        for real, stopped, flowing in permutations(drawn)
    }
    require(got in due, "the loss is not that of three passes, a mask each", got=got, truth=np.array(sorted(due)))
    if masks in (0, 7):
        require(got == mean(G, drawn[0]) - mean(g.real, drawn[0]), "with one mask for all passes L is not L_D")


@law(r"R_\lambda(x) = x,\ \nabla\langle c, R_\lambda\rangle = -\lambda c", source=("Ganin, Lempitsky 2015", SPEC),
     needs="autodiff", data=arrays(), weight=choices(1.0, 0.5, 3.0, 0.0, -2.0))  # fmt: skip
def reversal_turns_the_gradient(reverse_gradient, data, weight, space):
    """Of any shape, in every dtype: the value is x, the gradient −λ times what comes back. No tolerance: eighths times small
    integers."""
    x, c = (space.round(v) for v in data)
    require(bool((reverse_gradient(x, weight) == x).all()), "the value is not x", got=reverse_gradient(x, weight), truth=x)
    got = reverse_gradient.gradient(x, weight, wrt=0, cotangent=c)
    due = space.round(-weight * c)
    require(bool((got == due).all()), "the gradient is not −λ times what comes back", got=got, truth=due)


@law(r"R_\lambda(x) = x", source=("Ganin, Lempitsky 2015", SPEC), data=arrays(), weight=choices(1.0, 0.5, 3.0, 0.0, -2.0))
def reversal_keeps_its_input(reverse_gradient, data, weight, space):
    """In every library and dtype, of any shape, thirds of eighths: sg((1+λ)x) − λx rounds. No tolerance."""
    x = space.round(data[0] / 3)
    got = reverse_gradient(x, weight)
    require(bool((got == x).all()), "the value is not x", got=got, truth=x)


@law(r"\nabla_w \mathbb E\|\nabla_x (w\cdot R_\lambda(x))\|^2 = 2\lambda^2 w", source=("Ganin, Lempitsky 2015", SPEC),
     dtypes="wide", needs="autodiff", data=arrays(((2,), (1,), (3,), (2, 2))),
     weight=choices(1.0, 0.5, 3.0, 0.0, -2.0))  # fmt: skip
def reversal_may_be_differentiated_twice(reverse_gradient, data, weight, space):
    """A gradient penalty on a critic behind the reversal: ∇ₓ is −λw, its square's gradient in w is 2λ²w; a backward pass that
    detaches makes it 0. No tolerance: eighths times small integers."""
    w, x = data
    samples = space.to_native(x[None])

    def charged(v: Any) -> Any:
        critic = Linear(w, np.zeros(())).bind(space, [v, space.to_native(np.zeros(()))])
        return zero_centred_real_penalty(lambda point: critic(reverse_gradient.native(point, weight)), samples)

    (got,) = derivatives(space, charged, [space.to_native(w)])
    due = 2 * weight * weight * w
    require(bool((space.to_host(got) == due).all()), "the second derivative through the reversal is not that of −λ",
            got=space.to_host(got), truth=due)  # fmt: skip


@law(r"\nabla_G L_D(D, R_\lambda G) = \lambda\nabla_G L_G \iff L_G = -L_D + \text{const}", source=(kexue(6387, 5), SPEC),
     dtypes="wide", needs="autodiff", game=games(POLYNOMIAL, exact=True), weight=choices(1.0, 0.5, 3.0))  # fmt: skip
def reversal_is_for_zero_sum_games(reverse_gradient, game, weight, space):
    """Reversing G(z)'s gradient in the loss of D trains G by −λ∇_G L_D: that is λ∇_G L_G for Wasserstein and minimax, where
    L_G = −L_D but for terms without G, and for the other pairs it is not, wherever the certified −∇_G L_D and ∇_G L_G differ.
    Bound: as for the single loss."""
    g = Game(game, space)
    real, z, D = space.to_native(g.real), space.to_native(g.z), g.D.bind(space)
    for losses in (PAIRS[0], PAIRS[2], PAIRS[3], PAIRS[4]):
        loss = Loss(losses[0]).bind(space)
        got = [space.to_host(v) for v in derivatives(
            space, lambda *w: loss(D(real), D(reverse_gradient.native(g.G.bind(space, w)(z), weight))),  # noqa: B023
            g.G.bind(space).parameters())]  # fmt: skip
        judge_gradient(got, [-weight * t for t in g.generator_gradient(losses[0])], g.generator_error(losses[0], weight))
        due, error = [weight * t for t in g.generator_gradient(losses[1])], g.generator_error(losses[1], weight)
        if losses in (PAIRS[0], PAIRS[2]):
            judge_gradient(got, due, error)
            continue
        other = [-weight * t for t in g.generator_gradient(losses[0])]
        apart = float(distance(floats(other), due))
        if apart > 100 * (error + g.generator_error(losses[0], weight)):
            require(float(distance(got, due)) > apart / 2, f"the reversal gives λ∇_G of {losses[1]}, which is not −{losses[0]}")
