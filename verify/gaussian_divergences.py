r"""Laws of divergences between normal distributions p = N(m₁, S), q = N(m₂, T) in closed form (SPEC 4).

Bounds are those of `gaussian_closed_forms`: what it costs the divergence to perturb the covariances as Cholesky's factorisation
does, and one rounding of every term of its formula ("loose") or of the result only ("sharp").
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from detrace import Contract, branch, judge, law, require
from detrace.judging import LIMIT, undecided
from detrace.laws import each
from detrace.strategies.normals import KINDS, WITHIN, Normals, normal_pairs
from detrace.strategies.scalars import choices, integers
from verify.gan_losses import FAMILY
from verify.gaussian_closed_forms import LOOSE, SHARP, Gaussians, gaussians, of, scale, slack, value

KL, REVERSE, PEARSON, NEYMAN = "gaussian_kl", "gaussian_reverse_kl", "gaussian_pearson", "gaussian_neyman"
HELLINGER = "gaussian_squared_hellinger"
NAMES = (KL, REVERSE, PEARSON, NEYMAN, HELLINGER)
PLAIN = (KL, PEARSON, HELLINGER)
RELATED = (*KINDS, WITHIN, WITHIN)
"""Kinds of pairs of which more have a finite χ²."""
SOURCE = "arXiv:1606.00709; Gaussian integrals"

SUMMARIES = {
    KL: "KL(N(m1,S)‖N(m2,T)) in nats", REVERSE: "KL(N(m2,T)‖N(m1,S)) in nats",
    PEARSON: "∫(p−q)²/q between normal distributions, +∞ unless 2T − S > 0",
    NEYMAN: "∫(p−q)²/p between normal distributions, +∞ unless 2S − T > 0",
    HELLINGER: "∫(√p−√q)² between normal distributions, in [0, 2]",
}  # fmt: skip
ALIASES = {
    KL: ("gaussian_kl_divergence", "kl_gaussian", "mvn_kl"), HELLINGER: ("gaussian_hellinger", "hellinger_gaussian"),
    PEARSON: ("gaussian_chi_square", "gaussian_chi2"),
}  # fmt: skip
globals().update({
    name.upper(): Contract(
        name, "(d),(d,d),(d),(d,d)->()", f"{SUMMARIES[name]}: (m1, S, m2, T)", FAMILY.name, real=True,
        example=lambda: (np.zeros(2), np.eye(2), np.ones(2), np.eye(2) * 1.25), aliases=ALIASES.get(name, ()),
    )
    for name in NAMES
})  # fmt: skip


def judge_divergence(name: str, got: Any, G: Normals, space: Any, *, sharp: bool = False) -> None:
    """Against the certified value: infinite where that is, and finite where that is, unless rounding of the covariances could
    change which."""
    plain, pair = of(name, G)
    truth, sure = pair.value(plain), certain(plain, pair, space, LIMIT)
    if not truth.is_finite() or (float(got) == math.inf and not sure):
        if sure:
            require(float(got) == math.inf, "the divergence is not infinite", got=got, truth=math.inf)
        undecided("2T − S is positive definite up to rounding")
        return
    if not truth < space.max / 4 and not math.isfinite(float(got)):
        return
    judge(abs(arb(float(got)) - truth), slack(name, G, space, sharp=sharp), scale=scale(name, G),
          why=SHARP if sharp else LOOSE, got=got, truth=float(truth.mid()))  # fmt: skip


def representable(name: str, G: Normals, space: Any) -> bool:
    """Whether the divergence is finite, far from where the dtype ends and from where χ² does."""
    found = value(name, G)
    return bool(found.is_finite() and found < space.max / 64) and certain(*of(name, G), space)


def certain(plain: str, pair: Gaussians, space: Any, times: float = 1.0) -> bool:
    """Whether the divergence stays finite, or infinite, when covariances are rounded that many times."""
    return plain != PEARSON or abs(pair.margin(space.u)) > times


@law(r"D(N(m_1,S)\,\|\,N(m_2,T))", source=SOURCE, divergence=each(*NAMES), cost=2.5,
     G=normal_pairs(kinds=RELATED))  # fmt: skip
def gaussian_divergence_has_a_closed_form(divergence, G, space):
    """Up to three dimensions, commuting or not, near and equal, multiples (χ² ceases to be finite at S = 2T), variances of many
    sizes, scaled by powers of two. Bound: loose."""
    judge_divergence(divergence.contract.name, divergence(*G), G, space)


@law(r"S \to T,\ m_1 \to m_2:\ D \to 0", source=SOURCE, divergence=each(*PLAIN), cost=2.0,
     G=normal_pairs(kinds=("near", "equal")))  # fmt: skip
def gaussian_divergence_is_sharp_between_close_gaussians(divergence, G, space):
    """S = T + 2⁻ᵏvvᵀ or S = T, means as near: the terms of the textbook formula cancel, a form in S − T does not. Bound: sharp;
    of second order where the Gaussians are equal, so D(p‖p) = 0 up to (du)²."""
    judge_divergence(divergence.contract.name, divergence(*G), G, space, sharp=True)


@law(r"D(Bp+t\,\|\,Bq+t) = D(p\|q)", source="f-divergences do not know coordinates", divergence=each(*PLAIN), G=normal_pairs(),
     turn=integers(0, 5), k=integers(-2, 2), cost=4.0, least=12)  # fmt: skip
def gaussian_divergence_does_not_know_the_coordinates(divergence, G, turn, k, space):
    """B permutes and reflects coordinates, scales each by another power of two and adds neighbours where that is exact and
    leaves covariances that Cholesky's factorisation cannot take for singular. Bound: loose, of both."""
    name, (m1, S, m2, T) = divergence.contract.name, G
    d = len(m1)
    B = np.eye(d)[np.roll(np.arange(d), turn)] * np.where(np.arange(d) % 2 == turn % 2, -1.0, 1.0)[:, None]
    B = 2.0 ** (k * np.arange(d))[:, None] * B
    for A in (B @ (np.eye(d) + np.eye(d, k=-1)), B, np.eye(d)):
        moved = A @ m1, A @ S @ A.T, A @ m2, A @ T @ A.T
        if exactly(A, G, space) and all((space.round(v) == v).all() for v in moved) and all(map(regular, moved[1::2])):
            break
    if not (representable(name, G, space) and representable(name, moved, space)):
        undecided("not finite")
        return
    error = abs(arb(float(divergence(*moved))) - arb(float(divergence(*G))))
    judge(error, slack(name, G, space) + slack(name, moved, space), scale=scale(name, G), why=LOOSE)


def regular(S: np.ndarray) -> bool:
    """Whether Cholesky's factorisation succeeds in every dtype that holds S: the least eigenvalue of S scaled to unit diagonal
    is above d(d+1)u (Demmel; Higham 2002, theorem 10.7), here 2⁻¹⁰ against 12·2⁻²⁴ or less."""
    d = np.sqrt(np.diag(S))
    return bool(np.linalg.eigvalsh(S / np.outer(d, d))[0] > 2.0**-10)


def exactly(A: np.ndarray, G: Normals, space: Any) -> bool:
    """Whether float64 holds A S Aᵀ and A m exactly, so that both pairs are the same up to coordinates."""
    from detrace.oracles.rationals import rational

    R = rational(A)
    m1, S, m2, T = G
    return all((rational(A @ M @ A.T) == R @ rational(M) @ R.T).all() for M in (S, T)) and all(
        (rational(A @ m) == R @ rational(m)).all() for m in (m1, m2)
    )


@law(r"KL = KL_1 + KL_2,\quad 1 + \chi^2 = (1+\chi_1^2)(1+\chi_2^2),\quad 1 - \tfrac12H^2 = (1-\tfrac12H_1^2)(1-\tfrac12H_2^2)",
     source="product measures", dtypes="wide", divergence=each(*PLAIN), G=normal_pairs(max_dims=2),
     other=normal_pairs(max_dims=2), cost=5.0)  # fmt: skip
def gaussian_divergence_of_products(divergence, G, other, space):
    """Independent blocks: covariances are block diagonal. Bound: loose, of all three, carried through the product."""
    name = divergence.contract.name
    both = together(G, other)
    if not all(representable(name, H, space) for H in (G, other, both)):
        undecided("not finite")
        return
    x, y, z = (arb(float(divergence(*H))) for H in (G, other, both))
    a, b, c = (slack(name, H, space) for H in (G, other, both))
    product, carried = {
        KL: (x + y, a + b),
        PEARSON: ((1 + x) * (1 + y) - 1, a * (1 + y) + b * (1 + x)),
        HELLINGER: (2 - 2 * (1 - x / 2) * (1 - y / 2), a + b),
    }[name]
    judge(abs(z - product), carried + c, scale=scale(name, both), why=LOOSE, got=z.mid(), truth=float(product.mid()))


def together(G: Normals, other: Normals) -> Normals:
    """Both pairs side by side, independent of each other."""

    def block(A: np.ndarray, B: np.ndarray) -> np.ndarray:
        return np.block([[A, np.zeros((len(A), len(B)))], [np.zeros((len(B), len(A))), B]])

    (m1, S, m2, T), (n1, U, n2, V) = G, other
    return np.concatenate([m1, n1]), block(S, U), np.concatenate([m2, n2]), block(T, V)


@law(r"D(p_x\|q_x) \le D(p_{xy}\|q_{xy})", source="Csiszár 1967: data processing", divergence=each(*PLAIN), cost=2.0,
     G=normal_pairs(kinds=RELATED))  # fmt: skip
def forgetting_a_coordinate_never_raises_a_divergence(divergence, G, space):
    """Rows and columns of one coordinate are left out, each in turn; of an only one nothing is left, whose divergence is 0.
    Bound: loose, of both."""
    name, (m1, S, m2, T) = divergence.contract.name, G
    if not representable(name, G, space):
        undecided("not finite")
        return
    whole = arb(float(divergence(*G)))
    for i in range(len(m1)):
        keep = [j for j in range(len(m1)) if j != i]
        rows = np.ix_(keep, keep)
        part = m1[keep], S[rows], m2[keep], T[rows]
        found, bound = (float(divergence(*part)), slack(name, part, space)) if keep else (0.0, 0.0)
        excess = arb(found) - whole
        judge(excess if excess > 0 else arb(0), slack(name, G, space) + bound, scale=scale(name, G), why=LOOSE)


@law(r"H^2 \le -2\log(1 - \tfrac12H^2) \le KL \le \log(1 + \chi^2)", source="Jensen's inequality", cost=2.0,
     G=normal_pairs(kinds=RELATED))  # fmt: skip
def gaussian_divergences_are_ordered(gaussian_squared_hellinger, gaussian_kl, gaussian_pearson, G, space):
    """The first as e^{−KL/2} ≤ 1 − ½H². Bound: loose, of each, on the right carried through the logarithm."""
    hellinger, kl, pearson = (arb(float(f(*G))) for f in (gaussian_squared_hellinger, gaussian_kl, gaussian_pearson))
    a, b, c = (slack(name, G, space) for name in (HELLINGER, KL, PEARSON))
    low = (-kl / 2).exp() - (1 - hellinger / 2)
    judge(low if low > 0 else arb(0), a + b, why=LOOSE, got=hellinger.mid())
    if representable(PEARSON, G, space):
        high = kl - (1 + pearson).log() if pearson.is_finite() else arb(0)
        judge(high if high > 0 else arb(0), b + c / (1 + value(PEARSON, G)), scale=1 + kl, why=LOOSE, got=kl.mid())


@law(r"S = T:\ KL = \tfrac12\delta^2,\ H^2 = 2 - 2e^{-\delta^2/8},\ \chi^2 = e^{\delta^2} - 1",
     source="Pinsker; Bretagnolle and Huber 1979; Le Cam", G=normal_pairs(kinds=("equal",)), cost=6.0)  # fmt: skip
def equal_covariances_leave_the_distance_of_the_means(gaussian_kl, gaussian_squared_hellinger, gaussian_pearson, G, space):
    """δ² = ΔᵀS⁻¹Δ. With the total variation, erf(δ/√8): 2TV² ≤ KL, TV² ≤ 1 − e^{−KL}, ½H² ≤ TV and TV² ≤ H²(1 − ¼H²). Bound:
    sharp, of each; inequalities may be exceeded by that."""
    pair = gaussians(G)
    square = 2 * pair.kl
    tv = (square / 8).sqrt().erf() if square > 0 else arb(0)
    truths = {KL: square / 2, HELLINGER: -2 * (-square / 8).expm1(), PEARSON: square.expm1()}
    got = {}
    for name, f in ((KL, gaussian_kl), (HELLINGER, gaussian_squared_hellinger), (PEARSON, gaussian_pearson)):
        result = f(*G)
        if truths[name] < space.max / 4:
            got[name] = arb(float(result))
            bound = slack(name, G, space, sharp=True)
            judge(abs(got[name] - truths[name]), bound, scale=1 + truths[name], why=SHARP, got=result)
    kl, h = got[KL], got[HELLINGER]
    for missing, of_which in ((2 * tv * tv - kl, KL), (tv * tv + (-kl).exp() - 1, KL), (h / 2 - tv, HELLINGER),
                              (tv * tv - h * (1 - h / 4), HELLINGER)):  # fmt: skip
        error = missing if missing > 0 else arb(0)
        judge(error, slack(of_which, G, space, sharp=True), scale=1 + truths[of_which], why=SHARP)


@law(r"D(q\|p) = D^\circ(p\|q)", source="definition", divergence=each(*PLAIN), exchanged=each(REVERSE, NEYMAN, HELLINGER),
     G=normal_pairs(kinds=RELATED), cost=2.5)  # fmt: skip
def exchanging_the_gaussians_reverses_the_divergence(divergence, exchanged, G, space):
    """KL and reverse KL, Pearson and Neyman, H² and itself. Bound: loose, of both."""
    name, (m1, S, m2, T) = divergence.contract.name, G
    if not representable(name, G, space):
        undecided("not finite")
        return
    first, second = divergence(*G), exchanged(m2, T, m1, S)
    bound = slack(name, G, space) + slack(exchanged.contract.name, (m2, T, m1, S), space)
    judge(abs(arb(float(first)) - arb(float(second))), bound, scale=scale(name, G), why=LOOSE, got=second)


@law(r"D([G_1, G_2, G_3]) = [D(G_1), \dots]", source=SOURCE, divergence=each(*NAMES), G=normal_pairs(max_dims=2),
     turn=integers(0, 1), cost=5.0)  # fmt: skip
def gaussian_divergences_of_a_batch(divergence, G, turn, space):
    """Three pairs at once: one, the same exchanged, and with its coordinates in another order; each is judged alone. Bound:
    loose."""
    m1, S, m2, T = G
    order = np.roll(np.arange(len(m1)), turn)
    moved = m1[order], S[np.ix_(order, order)], m2[order], T[np.ix_(order, order)]
    pairs = (G, (m2, T, m1, S), moved)
    for pair, got in zip(pairs, divergence(*(np.stack(part) for part in zip(*pairs, strict=True))), strict=True):
        judge_divergence(divergence.contract.name, got, pair, space)


SCALES = {"float32": 20, "float64": 40}
"""Powers of 4 by which 16 variances are scaled: their product leaves the dtype."""


@law(r"D(N(m,S)\,\|\,N(m,cS)),\quad \det S \notin \text{dtype}", source=SOURCE, dtypes="wide", divergence=each(*NAMES),
     sign=choices(1, -1), c=choices(1.5, 3.0, 1.0625), half=choices(0.5, 0.0, -0.5), cost=8.0)  # fmt: skip
def determinants_of_many_dimensions_do_not_overflow(divergence, sign, c, half, space):
    """Sixteen dimensions, correlated with their neighbours or not, variances of 4ᵏ: det S is 0 or infinite as a number, and
    only its logarithm is of use. Bound: loose."""
    L = np.eye(16) + half * np.eye(16, k=-1)
    S = 4.0 ** (sign * SCALES[space.real_dtype]) * (L @ L.T)
    G = np.zeros(16), S, np.zeros(16), c * S
    judge_divergence(divergence.contract.name, divergence(*G), G, space)


BAD = {
    "a mean that is NaN": lambda: (np.array([0.0, np.nan]), np.eye(2), np.zeros(2), np.eye(2)),
    "a covariance that holds NaN": lambda: (np.zeros(2), np.eye(2), np.zeros(2), np.array([[np.nan, 0.0], [0.0, 1.0]])),
    "a negative variance": lambda: (np.zeros(2), np.diag([1.0, -1.0]), np.zeros(2), np.eye(2)),
    "an indefinite covariance": lambda: (np.zeros(2), np.eye(2), np.zeros(2), np.array([[1.0, 2.0], [2.0, 1.0]])),
    "a singular first covariance": lambda: (np.zeros(2), np.ones((2, 2)), np.zeros(2), np.eye(2)),
    "a singular second covariance": lambda: (np.ones(2), np.eye(2), np.zeros(2), np.array([[1.0, 2.0], [2.0, 4.0]])),
}


@law(r"\text{no Gaussian} \mapsto \text{error, or not finite};\ d_1 \ne d_2 \mapsto \text{error}", source="SPEC 4: form",
     divergence=each(*NAMES), bad=choices(*BAD), cost=4.0)  # fmt: skip
def gaussian_divergence_refuses_what_is_no_gaussian(divergence, bad, space):
    """NaN, covariances that are not positive definite: an error, or a result that is not finite. Beside a density, a
    distribution on a line has D = ∞, or H² = 2; a pseudo-inverse gives a number. Distributions on R¹ and R² are an error. No
    tolerance."""
    args = BAD[bad]()
    branch(bad)
    if divergence.raises(*args) is None:
        got = divergence(*args)
        far = divergence.contract.name == HELLINGER and "singular" in bad and got == 2.0
        require(far or not np.isfinite(got), f"a number came of {bad}", got=got)
    one, two = (np.zeros(1), np.eye(1)), (np.zeros(2), np.eye(2))
    require(divergence.raises(*one, *two) is not None, "Gaussians on R¹ and R² were broadcast")
