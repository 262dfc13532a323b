"""Mistakes in BEGAN's update of the weight k and in its measure of convergence."""

from __future__ import annotations

import numpy as np

from detrace import mutant

WEIGHT = "balance_weight_is_its_formula"
REST = "balance_weight_rests_at_the_equilibrium"
MEASURE = "convergence_measure_is_its_formula"
LEAST = "convergence_measure_is_least_at_the_equilibrium"


@mutant("boundary_equilibrium_weight", rejected_by=(WEIGHT, REST))
def diversity_ratio_on_the_fakes(real, fake, k, gamma, rate):
    """k + λ(E U(r) − γ E U(f)): the ratio on the wrong side."""
    return np.clip(k + rate * (real.mean() - gamma * fake.mean()), 0, 1).astype(real.dtype)


@mutant("boundary_equilibrium_weight", rejected_by=WEIGHT)
def weight_runs_away(real, fake, k, gamma, rate):
    """k − λ(γ E U(r) − E U(f)): away from the equilibrium."""
    return np.clip(k - rate * (gamma * real.mean() - fake.mean()), 0, 1).astype(real.dtype)


@mutant("boundary_equilibrium_weight", rejected_by=WEIGHT)
def weight_is_not_clipped(real, fake, k, gamma, rate):
    """k leaves [0, 1]."""
    return (k + rate * (gamma * real.mean() - fake.mean())).astype(real.dtype)


@mutant("boundary_equilibrium_weight", rejected_by=(WEIGHT, REST))
def weight_forgets_itself(real, fake, k, gamma, rate):
    """λ(γ E U(r) − E U(f)): a proportional control for an integral one."""
    return np.clip(rate * (gamma * real.mean() - fake.mean()), 0, 1).astype(real.dtype)


@mutant("boundary_equilibrium_convergence", rejected_by=(MEASURE, LEAST))
def convergence_without_modulus(real, fake, gamma):
    """E U(r) + γ E U(r) − E U(f): smallest where the fakes are worst."""
    return ((1 + gamma) * real.mean() - fake.mean()).astype(real.dtype)


@mutant("boundary_equilibrium_convergence", rejected_by=(MEASURE, LEAST))
def convergence_without_the_ratio(real, fake, gamma):
    """E U(r) + |E U(r) − E U(f)|."""
    return (real.mean() + abs(real.mean() - fake.mean())).astype(real.dtype)


@mutant("boundary_equilibrium_weight", rejected_by="balance_weight_is_a_constant", space="torch-cpu-float64")
def weight_keeps_its_graph(real, fake, k, gamma, rate):
    """k from losses that are not detached: every step's graph hangs on the last one's."""
    return (k + rate * (gamma * real.mean() - fake.mean())).clamp(0, 1)
