r"""Laws of entropic transport, Γ = exp((f ⊕ g − C)/reg) with margins a, b up to a declared tolerance (SPEC 3, post 6280).

u unit roundoff, M the total mass. The exponential form and the margins together are the whole truth: there is one plan of that
form for its own margins, the minimiser of ⟨Γ,C⟩ + reg Σ Γ(log Γ − 1) among plans with those. So both are judged, the residual
against the tolerance that the call declared, everything else against rounding.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb, fmpq

from detrace import branch, judge, law, require
from detrace.laws import kexue
from detrace.oracles.rationals import rational
from detrace.oracles.transport import optimal_transport
from detrace.strategies.samples import entropic_problems
from detrace.strategies.scalars import choices
from verify.wasserstein_bounds import lost, positive


def judge_margins(plan: np.ndarray, a: np.ndarray, b: np.ndarray, tol: float, space: Any) -> None:
    """Γ ≥ 0, and ‖Γ1 − a‖₁ + ‖Γᵀ1 − b‖₁ beyond tol·M: at most what rounding the entries and their sums costs."""
    require(bool(np.isfinite(plan).all() and (plan >= 0).all()), "the plan is not finite and ≥ 0", got=plan)
    require(not plan[a == 0].any() and not plan[:, b == 0].any(), "something is sent from or to an atom of mass 0", got=plan)
    G, rows, columns = rational(plan), rational(a), rational(b)
    mass = max(sum(rows, fmpq(0)), sum(columns, fmpq(0)))
    residual = sum(abs(G.sum(axis=1) - rows), fmpq(0)) + sum(abs(G.sum(axis=0) - columns), fmpq(0))
    excess = positive(arb(residual - mass * rational(tol)))
    judge(excess, (plan.size + len(a) + len(b)) * space.u * arb(mass) + lost(space, plan.size), scale=arb(mass),
          why="rounding of Γ and its sums, beyond tol·mass", got=plan)  # fmt: skip


@law(r"\|\Gamma 1 - a\|_1 + \|\Gamma^\top 1 - b\|_1 \le \mathrm{tol}\cdot M", source=kexue(6280, 4, 6, "c3"),
     E=entropic_problems())  # fmt: skip
def sinkhorn_plan_has_its_margins(sinkhorn, E, space):
    """Costs of either sign, reg from 4 to 1/4, tol from 2⁻⁸ to near √u, masses with zeros, dust and roundings; C with reg, and
    masses, scaled by 10^±20. Nothing goes to or from mass 0. Bound: the declared tolerance, and nm+n+m roundings of M."""
    plan, _, _ = sinkhorn(*E)
    judge_margins(plan, E[0], E[1], E[4], space)


@law(r"\Gamma_{ij} = e^{(f_i + g_j - C_{ij})/\mathrm{reg}}", source=("Cuturi 2013", "SPEC 3"), E=entropic_problems())
def sinkhorn_plan_is_the_exponential_of_its_potentials(sinkhorn, E, space):
    """Entry by entry, for the potentials that are returned with it. Bound: an exponent off by 3u(|fᵢ|+|gⱼ|+|Cᵢⱼ|)/reg, and 4u,
    relative to Γᵢⱼ; and a smallest number times 1 + M, for a plan that is computed with total mass 1."""
    a, _, C, reg, _ = E
    plan, f, g = sinkhorn(*E)
    for (i, j), c in np.ndenumerate(C):
        if not (math.isfinite(f[i]) and math.isfinite(g[j])):
            require(-math.inf in (f[i], g[j]) and plan[i, j] == 0.0, "a potential is neither finite nor −∞ with Γ = 0",
                    got=(f, g))  # fmt: skip
            continue
        exponent = arb(sum(map(rational, (f[i], g[j], -c)), fmpq(0)) / rational(reg))
        truth, sizes = exponent.exp(), (abs(f[i]) + abs(g[j]) + abs(c)) / reg
        judge(abs(arb(float(plan[i, j])) - truth), (3 * sizes + 4) * space.u * truth + lost(space, 1, a.sum()),
              scale=truth, why="(3(|f|+|g|+|C|)/reg + 4) u Γ", got=plan[i, j], truth=float(truth))  # fmt: skip


@law(r"\mathrm{OPT} \lesssim \langle\Gamma, C\rangle \lesssim \mathrm{OPT} + \mathrm{reg}\,M\log\min(n,m)",
     source=kexue(6280, "c6"), E=entropic_problems())  # fmt: skip
def sinkhorn_cost_is_near_the_linear_program(sinkhorn, E, space):
    """The exact optimum from below; from above, Γ minimises cost − reg·entropy for its margins, and entropies of plans with one
    margin differ by at most M log min(n,m), so it tends to the optimum as reg → 0. Margins off by tol·M change an optimum by
    2tol·M·max|C|. Bound beyond these: 2(n+m) u·M·max|C|."""
    a, b, C, reg, tol = E
    plan, _, _ = sinkhorn(*E)
    require(bool(np.isfinite(plan).all()), "the plan is not finite", got=plan)
    cost = arb(sum((rational(plan) * rational(C)).ravel(), fmpq(0)))
    best, mass, top = arb(optimal_transport(a, b, C).value), arb(sum(rational(a))), float(np.abs(C).max())
    slack = 2 * tol * mass * top + tol * mass * reg * math.log(C.size + 1)
    above = arb(reg) * mass * arb(min(C.shape)).log()
    excess = max(best - cost - slack, cost - best - above - slack, key=float)
    judge(positive(excess), 2 * (len(a) + len(b)) * space.u * mass * max(top, reg) + lost(space, C.size, top),
          scale=mass * (top + reg), why="2(n+m) u M max|C|", got=float(cost), truth=float(best))  # fmt: skip


@law(r"\langle\Gamma,C\rangle + \mathrm{reg}\sum\Gamma(\log\Gamma - 1) - (a\cdot f + b\cdot g - \mathrm{reg}\sum\Gamma)"
     r" = f\cdot(\Gamma 1 - a) + g\cdot(\Gamma^\top 1 - b)", source=("SPEC 3", kexue(6280, 13, "c6")),
     E=entropic_problems(least=1))  # fmt: skip
def sinkhorn_closes_its_duality_gap(sinkhorn, E, space):
    """Primal and dual value of the entropic problem differ by potentials times residual, hence by tol·M·½(osc f + osc g) at
    most, in the gauge that centres them. Bound beyond this: 8(n+m) roundings of the terms."""
    a, b, C, reg, tol = E
    plan, f, g = sinkhorn(*E)
    require(bool(np.isfinite(plan).all() and np.isfinite(f).all() and np.isfinite(g).all()), "not finite", got=(plan, f, g))
    G, fs, gs = rational(plan), rational(f), rational(g)
    shift = (max(fs) + min(fs) - max(gs) - min(gs)) / 4  # f − t and g + t of one middle
    fs, gs = fs - shift, gs + shift
    entropy = sum((arb(v) * (arb(v).log() - 1) for v in G.ravel() if v > 0), arb(0))
    primal = arb(sum((G * rational(C)).ravel(), fmpq(0))) + reg * entropy
    mass = arb(sum(rational(a)))
    dual = arb(sum(rational(a) * fs, fmpq(0)) + sum(rational(b) * gs, fmpq(0)) - sum(G.ravel(), fmpq(0)) * rational(reg))
    height = max(*abs(fs), *abs(gs)) + rational(reg)
    size = mass * (arb(height) + float(np.abs(C).max()) + reg * abs(mass.log()))
    terms = 8 * (len(a) + len(b)) * space.u * size + lost(space, C.size, size)
    judge(positive(abs(primal - dual) - tol * mass * arb(height)), terms, scale=size, why="8(n+m) roundings of the terms",
          got=float(primal), truth=float(dual))  # fmt: skip


def rounded_to_margins(G: Any, a: Any, b: Any) -> Any:
    """The plan with margins a, b nearby of Altschuler, Weed and Rigollet, exactly: rows and then columns that are too heavy are
    scaled down, and what is missing then is added as a product."""

    def scales(due: Any, sums: Any) -> Any:
        return np.array([min(d / s, fmpq(1)) if s else fmpq(1) for d, s in zip(due, sums, strict=True)])

    G = G * scales(a, G.sum(axis=1))[:, None]
    G = G * scales(b, G.sum(axis=0))
    rows, columns = a - G.sum(axis=1), b - G.sum(axis=0)
    return G + rows[:, None] * columns / rows.sum() if rows.sum() else G


@law(r"0 \le P(\hat\Gamma) - D(f,g) \le (2 + h)\,\mathrm{reg}\,\mathrm{tol}\cdot M,\quad"
     r" P(\Gamma) = \langle\Gamma,C\rangle + \mathrm{reg}\sum\Gamma(\log\Gamma - 1),\quad"
     r" D(f,g) = a\cdot f + b\cdot g - \mathrm{reg}\sum e^{(f\oplus g - C)/\mathrm{reg}}",
     source=("Altschuler, Weed & Rigollet 2017", kexue(6280, 13, "c6")), E=entropic_problems(least=1))  # fmt: skip
def sinkhorn_brackets_the_entropic_optimum(sinkhorn, E, space):
    """Γ̂, the plan rounded to its margins, is feasible, as any f, g are: the optimum lies between their values, which differ by
    reg·KL(Γ̂‖e^((f⊕g−C)/reg)). Rounding moves no more than the residual, and each unit moved costs 2 + h at most,
    h = max log(min(aᵢ,bⱼ)/Γᵢⱼ). Bound beyond that: nm+n+m roundings of margins, 3(|f|+|g|+|C|)u/reg + 4u of Γ."""
    a, b, C, reg, tol = E
    plan, f, g = sinkhorn(*E)
    require(bool(np.isfinite(plan).all() and (plan >= 0).all()), "the plan is not finite and ≥ 0", got=plan)
    require(bool(np.isfinite(f).all() and np.isfinite(g).all()), "a potential is not finite", got=(f, g))
    rows, columns = rational(a), rational(b)
    feasible = rounded_to_margins(rational(plan), rows, columns * (rows.sum() / columns.sum()))
    mass, h = arb(rows.sum()), arb(0)
    divergence = -mass
    for (i, j), z in np.ndenumerate((rational(f)[:, None] + rational(g) - rational(C)) / rational(reg)):
        h = max(h, arb(min(rows[i], columns[j])).log() - arb(z), key=float)
        divergence += arb(z).exp()
        if feasible[i, j]:
            divergence += arb(feasible[i, j]) * (arb(feasible[i, j]).log() - arb(z))
    sizes = (float(np.abs(f).max()) + float(np.abs(g).max()) + float(np.abs(C).max())) / reg
    roundings = (2 + h) * (plan.size + len(a) + len(b)) + 2 * (3 * sizes + 4)
    judge(positive(divergence - (2 + h) * tol * mass), roundings * space.u * mass + lost(space, plan.size, mass), scale=mass,
          why="roundings of Γ and its margins, beyond (2 + h) tol M", got=float(divergence),
          truth=float((2 + h) * tol * mass))  # fmt: skip


@law(r"\mathrm{reg} \ll \max C:\ e^{-C/\mathrm{reg}} \text{ is not representable}", source="SPEC 3", dtypes="wide",
     E=entropic_problems(max_n=3, weights=("dyadic",), least=1, scaled=False), k=choices(5, 7, 9))  # fmt: skip
def sinkhorn_survives_small_regularisation(sinkhorn, E, k, space):
    """A cost of 2ᵏ·reg and more on top of the drawn ones, added to rows and columns (which moves the potentials only): the plan
    is as easy to find as before, but exp(−C/reg) underflows. Bound: the declared tolerance and rounding."""
    a, b, C, reg, _ = E
    n, m = C.shape
    lifted = space.round(C + 2.0**k * reg * (np.arange(1, n + 1)[:, None] + np.arange(m)[None, :]))
    tol = 2.0**-8
    branch("underflows" if float(lifted.min()) / reg > -math.log(space.smallest) else "representable")
    plan, _, _ = sinkhorn(a, b, lifted, reg, tol)
    judge_margins(plan, a, b, tol, space)


@law(r"\Gamma(a, b, cC, c\,\mathrm{reg}) = \Gamma(a, b, C, \mathrm{reg})", source="SPEC 3", dtypes="wide",
     E=entropic_problems(weights=("dyadic",), least=1, scaled=False), k=choices(0, 24, -24, 66, -66),
     j=choices(0, 20, -20, 66, -66))  # fmt: skip
def sinkhorn_is_homogeneous(sinkhorn, E, k, j, space):
    """C and reg times 2ᵏ, masses times 2ʲ: the same plan times 2ʲ, to the tolerance, since both have the exponential form. By
    Pinsker's inequality plans differ by √(4 tol (H + 1))·M at most, if their margins do by 2tol·M, and H is the spread of all
    potentials, over reg. Bound beyond that: nm+n+m roundings."""
    a, b, C, reg, tol = E
    j = 0 if abs(j) > math.log2(space.max) / 2 else j
    plan, f, g = sinkhorn(*E)
    scaled, f2, g2 = sinkhorn(a * 2.0**j, b * 2.0**j, C * 2.0**k, reg * 2.0**k, tol)
    require(bool(np.isfinite(scaled).all()), "the plan is not finite", got=scaled)
    error = sum(abs(rational(scaled) - rational(plan) * rational(2.0**j)).ravel(), fmpq(0))
    mass = rational(2.0**j) * sum(rational(a), fmpq(0))
    height = float(np.ptp(f) + np.ptp(g)) / reg + float(np.ptp(f2) + np.ptp(g2)) / (reg * 2.0**k)
    near = math.sqrt(4 * tol * (height + 1)) * arb(mass)
    judge(positive(arb(error) - near), (C.size + sum(C.shape)) * space.u * arb(mass), scale=arb(mass),
          why="rounding, beyond Pinsker's inequality")  # fmt: skip
