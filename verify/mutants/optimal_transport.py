"""Mistakes in plans, potentials and costs of exact transport: each a few lines of NumPy (torch where the space says so)."""

from __future__ import annotations

import numpy as np

from detrace import mutant
from detrace.oracles.rationals import floats
from detrace.oracles.transport import north_west
from reference import kantorovich
from reference import optimal_transport as right

TORCH = "torch-cpu-float64"
EXACT = "transport_has_its_exact_cost"


@mutant("optimal_transport", rejected_by=("plan_has_its_margins", "net_outflow_is_the_difference"))
def plan_is_transposed(a, b, C):
    """Γᵀ for Γ, from target to source; on one space nobody sees it in the shape."""
    cost, plan, f, g = right.optimal_transport(a, b, C)
    return cost, plan.T.copy() if len(a) == len(b) else plan, f, g


@mutant("optimal_transport", rejected_by=("margins_are_linear_constraints", "plan_pays_the_cost"))
def plan_is_read_column_by_column(a, b, C):
    """The solver's vector runs over x first, and is reshaped as if it ran over y first."""
    cost, plan, f, g = right.optimal_transport(a, b, C)
    return cost, plan.reshape(-1, order="F").reshape(plan.shape), f, g


@mutant("optimal_transport", rejected_by=(
    EXACT, "plan_has_its_margins", "cost_scales_with_mass_and_costs", "one_atom_leaves_no_choice"))  # fmt: skip
def transport_of_probabilities(a, b, C):
    """Both measures normalised first: the cost of mass 2 is that of mass 1."""
    return right.optimal_transport(a / a.sum(), b / b.sum(), C)


@mutant("optimal_transport", rejected_by=(
    EXACT, "duality_gap_is_closed", "cost_scales_with_mass_and_costs", "larger_problems_carry_their_certificate"))  # fmt: skip
def transport_with_an_absolute_tolerance_on_costs(a, b, C):
    """Costs below 1e−9 count as 0: right for costs of the size 1, blind at 1e−20."""
    return right.optimal_transport(a, b, np.where(abs(C) < 1e-9, 0.0, C))


@mutant("optimal_transport", rejected_by=("plan_has_its_margins", "plan_pays_the_cost"))
def plan_without_small_entries(a, b, C):
    """Entries of the plan below 1e−9 are set to 0 "against rounding"."""
    cost, plan, f, g = right.optimal_transport(a, b, C)
    return cost, np.where(plan < 1e-9, 0.0, plan), f, g


@mutant("optimal_transport", rejected_by=(
    EXACT, "duality_gap_is_closed", "plan_and_potentials_are_complementary", "unique_optimum_is_found",
    "larger_problems_carry_their_certificate", "order_and_direction_are_irrelevant"))  # fmt: skip
def north_west_corner(a, b, C):
    """The greedy first plan of the transportation simplex, never improved."""
    _, _, f, g = right.optimal_transport(a, b, C)
    plan = floats(north_west(a, b * (a.sum() / b.sum())))
    return np.asarray((plan * C).sum()), plan, f, g


@mutant("optimal_transport", rejected_by=(
    "potentials_are_feasible", "duality_gap_is_closed", "plan_and_potentials_are_complementary", "unique_optimum_is_found",
    "potentials_on_one_space_add_up_to_the_diagonal", "separable_costs_leave_no_slack"))  # fmt: skip
def potentials_of_the_wrong_sign(a, b, C):
    """−f, −g: the multipliers of the constraints written the other way round."""
    cost, plan, f, g = right.optimal_transport(a, b, C)
    return cost, plan, -f, -g


@mutant("optimal_transport", rejected_by="potentials_are_feasible")
def potentials_only_where_there_is_mass(a, b, C):
    """Potentials of atoms without mass are left at 0."""
    cost, plan, f, g = right.optimal_transport(a, b, C)
    return cost, plan, np.where(a > 0, f, 0.0), np.where(b > 0, g, 0.0)


@mutant("optimal_transport", c_transform=kantorovich.c_transform, rejected_by=(
    "separable_costs_leave_no_slack", "duality_gap_is_closed", "potentials_extend_to_new_points"))  # fmt: skip
def potentials_are_centred_separately(a, b, C):
    """Both potentials shifted to mean 0: the gauge is (f + t, g − t), not (f + s, g + t)."""
    cost, plan, f, g = right.optimal_transport(a, b, C)
    return cost, plan, f - f.mean(), g - g.mean()


@mutant("optimal_transport", c_transform=kantorovich.c_transform, rejected_by=(
    "duality_gap_is_closed", "potentials_on_one_space_add_up_to_the_diagonal"))  # fmt: skip
def dual_value_over_the_first_support(a, b, C):
    """g read at the points of the first measure, as the printed Σ q(xₙ)g(xₙ) does."""
    cost, plan, f, g = right.optimal_transport(a, b, C)
    return cost, plan, f, np.resize(f[::-1], g.shape)


@mutant("optimal_transport", rejected_by=("duality_gap_is_closed", "unique_optimum_is_found"))
def second_potential_is_minus_the_first(a, b, C):
    """g = −f for any cost of one space, which only metrics allow."""
    cost, plan, f, g = right.optimal_transport(a, b, C)
    return cost, plan, f, -f if len(f) == len(g) else g


@mutant("optimal_transport", rejected_by="plan_is_a_vertex")
def mean_of_two_optimal_plans(a, b, C):
    """Optimal, but no vertex: the mean of what is found in either order of the atoms."""
    cost, plan, f, g = right.optimal_transport(a, b, C)
    other = right.optimal_transport(a[::-1].copy(), b[::-1].copy(), C[::-1, ::-1].copy())[1]
    return cost, (plan + other[::-1, ::-1]) / 2, f, g


@mutant("optimal_transport", rejected_by=(EXACT, "plan_is_a_vertex", "plan_and_potentials_are_complementary"))
def sinkhorn_for_exact_transport(a, b, C):
    """Entropic transport with a small regularisation, sold as exact."""
    reg = 0.02 * abs(C).max() + 1e-300
    K, v = np.exp((C.min() - C) / reg), np.ones_like(b)
    for _ in range(100):
        u = a / (K @ v)
        v = b / (K.T @ u)
    plan = u[:, None] * K * v
    return np.asarray((plan * C).sum()), plan, reg * np.log(u), reg * np.log(v) + C.min()


@mutant("optimal_transport", rejected_by=(EXACT, "plan_has_its_margins"))
def totals_must_agree_to_the_last_bit(a, b, C):
    """Keeps all n + m equations: infeasible as soon as the totals of thirds and sevenths differ by a rounding."""
    if a.sum() != b.sum():
        raise ValueError("the problem is infeasible")
    return right.optimal_transport(a, b, C)


@mutant("optimal_transport", rejected_by=(EXACT, "plan_has_its_margins", "atoms_without_mass_change_nothing"))
def masses_with_an_epsilon(a, b, C):
    """1e−12 added to every mass "against zeros"."""
    return right.optimal_transport(a + 1e-12, (b + 1e-12) * ((a + 1e-12).sum() / (b + 1e-12).sum()), C)


@mutant("optimal_transport", rejected_by=(EXACT, "potentials_are_feasible", "plan_pays_the_cost"))
def transport_in_single_precision(a, b, C):
    """Costs rounded to float32, result cast back."""
    return right.optimal_transport(a, b, C.astype(np.float32).astype(C.dtype))


@mutant("optimal_transport", rejected_by=("offsets_of_rows_and_columns_add_their_means", EXACT))
def negative_costs_are_clipped(a, b, C):
    """max(C, 0): costs are taken for distances."""
    return right.optimal_transport(a, b, np.maximum(C, 0.0))


@mutant("transport_cost", rejected_by=(
    EXACT, "every_feasible_pair_brackets_the_cost", "every_form_of_the_program_has_the_transport_cost",
    "fine_grids_approach_the_densities", "offsets_of_rows_and_columns_add_their_means"))  # fmt: skip
def dearest_plan(a, b, C):
    """The maximum for the minimum: −OT(−C)."""
    return -right.transport_cost(a, b, -C)


@mutant("optimal_transport", rejected_by="every_feasible_pair_brackets_the_cost")
def entropic_objective_for_the_cost(a, b, C):
    """⟨Γ, C⟩ − ε·entropy in place of ⟨Γ, C⟩: less than some potentials promise."""
    cost, plan, f, g = right.optimal_transport(a, b, C)
    entropy = (plan * np.log(np.where(plan > 0, a.sum() / np.where(plan > 0, plan, 1.0), 1.0))).sum()
    return cost - 0.1 * abs(C).max() * entropy, plan, f, g


@mutant("transport_cost", rejected_by=(
    EXACT, "equivalent_norms_give_equivalent_costs", "cost_scales_with_mass_and_costs",
    "every_form_of_the_program_has_the_transport_cost"))  # fmt: skip
def costs_are_normalised_for_good(a, b, C):
    """Costs divided by their maximum "for stability", and not multiplied back."""
    return right.transport_cost(a, b, C / (abs(C).max() or 1.0))


@mutant("transport_cost", rejected_by=(EXACT, "order_and_direction_are_irrelevant"))
def costs_of_the_diagonal(a, b, C):
    """Atoms paired in the order given, as if both measures were sorted samples of the line."""
    return np.asarray((floats(north_west(a, b * (a.sum() / b.sum()))) * C).sum())


@mutant("transport_cost", rejected_by=(EXACT, "splitting_an_atom_changes_nothing"))
def weights_are_ignored(a, b, C):
    """Every atom counts the same: an assignment problem."""
    return right.transport_cost(np.full_like(a, a.sum() / len(a)), np.full_like(b, a.sum() / len(b)), C)


@mutant("transport_cost", rejected_by="splitting_an_atom_changes_nothing")
def duplicate_atoms_lose_their_mass(a, b, C):
    """Equal rows are merged by keeping the first one's mass only, then renormalised."""
    _, first = np.unique(C, axis=0, return_index=True)
    kept = a[first] if a[first].any() else np.ones(len(first))
    return right.transport_cost(kept * (a.sum() / kept.sum()), b, C[first])


@mutant("transport_cost", rejected_by="atoms_without_mass_change_nothing")
def costs_are_scaled_by_their_range_without_care(a, b, C):
    """Costs rounded to 2⁻⁴⁰ of the largest one, which may sit where there is no mass."""
    unit = 2.0**-40 * abs(C).max() or 1.0
    low = C.min()
    return right.transport_cost(a, b, low + np.round((C - low) / unit) * unit)


@mutant("transport_cost", space=TORCH, rejected_by=(
    "gradient_by_costs_is_an_optimal_plan", "gradients_of_a_unique_optimum", "gradient_by_masses_is_a_potential"))  # fmt: skip
def cost_without_a_gradient(a, b, C):
    """Solved outside of autograd: the gradient is 0."""
    return right.transport_cost(a.detach(), b.detach(), C.detach()) + 0.0 * (a.sum() + b.sum() + C.sum())


@mutant("transport_cost", space=TORCH, rejected_by=("gradient_by_masses_is_a_potential", "gradients_of_a_unique_optimum"))
def cost_without_a_gradient_by_masses(a, b, C):
    """Σ ΓC with Γ a constant: right by the costs, 0 by the masses."""
    return (right.optimal_transport(a.detach(), b.detach(), C.detach())[1] * C).sum()


@mutant("transport_cost", space=TORCH, rejected_by=("gradient_by_masses_is_a_potential", "gradients_of_a_unique_optimum"))
def gradient_by_masses_of_the_wrong_sign(a, b, C):
    """−f and −g as gradients."""
    cost, _, f, g = right.optimal_transport(a.detach(), b.detach(), C)
    return cost - (f * (a - a.detach())).sum() - (g * (b - b.detach())).sum()


@mutant("transport_cost", space=TORCH, rejected_by="gradient_by_costs_is_an_optimal_plan")
def gradient_by_costs_is_normalised(a, b, C):
    """The plan's entries divided by the mass in the backward pass only."""
    plan = right.optimal_transport(a.detach(), b.detach(), C.detach())[1]
    return right.transport_cost(a, b, C.detach()) + ((plan / plan.sum()) * (C - C.detach())).sum()


BAD = "transport_refuses_bad_input"


@mutant("optimal_transport", rejected_by=BAD)
def unequal_masses_are_rescaled(a, b, C):
    """b is silently rescaled to the total of a."""
    return right.optimal_transport(a, b * (a.sum() / b.sum()), C)


@mutant("optimal_transport", rejected_by=BAD)
def totals_are_compared_absolutely(a, b, C):
    """|Σa − Σb| < 1e−8 is "equal": any two totals are, at 1e−20."""
    return right.optimal_transport(a, b * (a.sum() / b.sum()) if abs(a.sum() - b.sum()) < 1e-8 else b, C)


@mutant("transport_cost", rejected_by=BAD)
def bad_costs_are_hidden(a, b, C):
    """nan_to_num of the costs: NaN is free."""
    return right.transport_cost(a, b, np.nan_to_num(C))


@mutant("transport_cost", rejected_by=BAD)
def negative_masses_are_clipped(a, b, C):
    """max(a, 0), then rescaled."""
    a, b = np.maximum(a, 0.0), np.maximum(b, 0.0)
    return right.transport_cost(a, b * (a.sum() / b.sum()), C)
