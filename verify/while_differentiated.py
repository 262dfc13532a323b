r"""Laws of values under differentiation: reverse mode evaluates f on its way to ∇f, and does not change what f returns.

A derivative's own rule, a safe argument put in where a slope is infinite, a smooth stand-in for a kink: each may return another
value than the function does, and every training step has that value, while a test of the function alone never meets it.
Truths and bounds are those of the functions themselves.
"""

from __future__ import annotations

from detrace import judge, law
from detrace import oracles as exact
from detrace.laws import each, kexue
from detrace.networks import build
from detrace.oracles import ball
from detrace.oracles.phi import phi1 as certified_phi1
from detrace.strategies.logits import fractions, logit_batches
from detrace.strategies.low_rank import phi_arguments
from detrace.strategies.matrices import square_matrices
from detrace.strategies.networks import critics_and_batches
from detrace.strategies.samples import line_problems, problems
from detrace.strategies.scalars import choices
from verify.bounds import judge_exponential
from verify.cost_matrix import judge_costs
from verify.gan_loss_formulas import certified
from verify.gan_losses import LOSSES, judge_value
from verify.gan_losses import arguments as logits_and_numbers
from verify.gradient_penalties import judge_penalty
from verify.low_rank_phi import pointwise, relative_error
from verify.matrix_exponential import NOT_FAR
from verify.penalty_bounds import ALL, PENALTIES, SETTINGS, slopes_at
from verify.wasserstein_bounds import Distance
from verify.wasserstein_gradients import BOTH
from verify.wasserstein_gradients import arguments as samples

SOURCE = "Baydin et al. 2018, 3.2: the forward pass of reverse mode evaluates f"


@law(r"(e^A, \nabla) \mapsto e^A", source=(SOURCE, kexue(6377, 3)), dtypes="wide real", needs="autodiff",
     A=square_matrices(kinds=NOT_FAR, max_n=4))  # fmt: skip
def differentiated_exponential_is_the_exponential(expm, A, space):
    """Every A, of any norm that e^A allows. Bound ε(A), that of e^A itself."""
    judge_exponential(expm.while_differentiated(A), A, space)


@law(r"(\varphi, \nabla)(s) \mapsto \varphi(s)", source=(SOURCE, kexue(6407, 3, "c3")), dtypes="wide real", needs="autodiff",
     S=phi_arguments(reach=60.0))  # fmt: skip
def differentiated_phi1_is_phi1(phi1, S, space):
    """Every s, where another argument is put in for 0 too. Bound: u·max(1, |sφ′/φ|) and one subnormal, that of φ itself."""
    for s, value in pointwise(S, phi1.while_differentiated(S)):
        truth = certified_phi1(s)
        judge(abs(ball(value) - truth) / abs(truth), relative_error(s, space), why="u·max(1, |sφ′(s)/φ(s)|)", got=value,
              truth=exact.floats(truth))  # fmt: skip


@law(r"(J, \nabla) \mapsto J(D_r, D_f)", source=(SOURCE, kexue(6316, 4, 5)), dtypes="wide", needs="autodiff", cost=2.0,
     loss=each(*LOSSES), batches=logit_batches(), numbers=fractions(), wrt=choices(1, 0))  # fmt: skip
def differentiated_loss_is_its_formula(loss, batches, numbers, wrt, space):
    """Every loss, as it is reported in training, with the fake or the real logits differentiated. Bound: u·(mean of the moduli
    of its summands), that of the loss itself."""
    real, fake, given = logits_and_numbers(loss.contract.name, batches, numbers)
    truth = certified(loss.contract.name, real, fake, given, space)
    judge_value(loss.while_differentiated(real, fake, *given, wrt=wrt), truth, space)


@law(r"(W_p, \nabla) \mapsto W_p(\mu, \nu)", source=(SOURCE, kexue(6280, 1, 3)), dtypes="wide", needs="autodiff",
     distance=each(*BOTH), P=line_problems(max_n=4), wrt=choices(0, 1))  # fmt: skip
def differentiated_distance_is_the_distance(distance, P, wrt, space):
    """Ties, duplicates and coincident atoms, where roots and norms of 0 are differentiated; points of either measure. Bound:
    (n+m+p) u·M·D^p on the p-th power, that of the distance itself."""
    Distance(P, space).judge(distance.while_differentiated(*samples(distance, P), wrt=wrt))


@law(r"(C, \nabla) \mapsto \|x_i - y_j\|^p", source=(SOURCE, kexue(6280, 2)), dtypes="wide", needs="autodiff",
     P=problems(max_n=3, weights=("uniform",), scaled=False), p=choices(1.0, 2.0, 1.5, 3.0), wrt=choices(0, 1))  # fmt: skip
def differentiated_costs_are_powers_of_distances(cost_matrix, P, p, wrt, space):
    """Coincident points, where ones put in for zeros keep a slope finite, cost nothing here too. Bound: (d+4)·max(p,1) u of
    each cost."""
    x, y, *_ = P
    judge_costs(cost_matrix.while_differentiated(x, y, p, wrt=wrt), x, y, p, space)


@law(r"(P, \nabla_p) \mapsto P", source=SOURCE, dtypes="wide", needs="autodiff", cost=2.5, penalty=each(*ALL),
     data=critics_and_batches())  # fmt: skip
def differentiated_penalty_is_the_penalty(penalty, data, space):
    """As it is reported in training, with the critic's parameters differentiated. Bound: what δr makes of φ, that of the
    penalty itself."""
    plan, real, fake, alpha = data
    p, critic = PENALTIES[penalty.contract.name], build(plan)
    setting = SETTINGS[p.kind][0]
    truth, error = slopes_at(p, critic, real, fake, alpha, space=space).penalty(p.kind, setting)
    judge_penalty(penalty.while_differentiated(*p.arguments(critic, real, fake, alpha, setting=setting)), truth, error)
