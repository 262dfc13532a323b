"""How a GAN loss is put together: scalar terms with their slopes, and the three ways in which a loss averages them.

A loss compares two batches of logits of any shape; each batch counts as the flat list of its entries, so that (n,), (n,1) and
(n,c,h,w) give one mean and nothing is ever broadcast. From one row of terms follow the loss and its gradient in closed form.
float16 and bfloat16 are computed in float32 and rounded once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from array_api_compat import array_namespace, is_jax_array, is_numpy_array, is_torch_array

from .arrays import QUIET

Function = Callable[..., Any]


class Term(NamedTuple):
    """weight·value(xp, d) of one logit, elementwise, and its derivative steepness·slope(xp, d)."""

    value: Function
    slope: Function
    weight: float = 1.0
    steepness: float = 1.0

    def __neg__(self) -> Term:
        return self._replace(weight=-self.weight, steepness=-self.steepness)

    def flipped(self) -> Term:
        """d ↦ self(−d)."""
        return Term(lambda xp, d: self.value(xp, -d), lambda xp, d: self.slope(xp, -d), self.weight, -self.steepness)


def relu(xp: Any, d: Any) -> Any:
    """max(0, d); NaN stays NaN; the derivative at 0 by autodiff is a number of [0, 1]."""
    return xp.relu(d) if is_torch_array(d) else xp.maximum(d, 0.0)


def step(xp: Any, d: Any) -> Any:
    """1 where d > 0, else 0; NaN stays NaN."""
    return xp.where(d != d, d, xp.astype(d > 0, d.dtype))


def softplus(xp: Any, d: Any) -> Any:
    """log(1 + eᵈ), without overflow, in the form that each library computes fastest; its derivative at 0 is ½."""
    if is_numpy_array(d):
        return xp.maximum(d, 0.0) + xp.log1p(xp.exp(-xp.abs(d)))
    if is_torch_array(d):
        from torch.nn.functional import softplus as of_torch

        return of_torch(d, threshold=FAR)
    if is_jax_array(d):
        from jax.nn import softplus as of_jax

        return of_jax(d)
    return xp.logaddexp(d, xp.zeros_like(d))


FAR = 40.0
"""From here on log(1 + eᵈ) is d in float64; from torch's own threshold, 20, on only in float32."""


def sigmoid(xp: Any, d: Any) -> Any:
    """σ(d) = 1/(1 + e⁻ᵈ)."""
    return xp.sigmoid(d) if is_torch_array(d) else 1 / (1 + xp.exp(-d))


def ones(xp: Any, d: Any) -> Any:
    return xp.ones_like(d)


SOFTPLUS = Term(softplus, sigmoid)
IDENTITY = Term(lambda xp, d: d, ones)
ABOVE = Term(lambda xp, d: relu(xp, 1 - d), lambda xp, d: step(xp, 1 - d), steepness=-1.0)
"""max(0, 1 − d), which asks for d above 1."""
BELOW = Term(lambda xp, d: relu(xp, 1 + d), lambda xp, d: step(xp, 1 + d))
"""max(0, 1 + d), which asks for d below −1."""


def square(label: float, weight: float = 1.0) -> Term:
    """weight·(d − label)²."""

    def difference(d: Any) -> Any:
        return d if label == 0 else d - label

    return Term(lambda xp, d: xp.square(difference(d)), lambda xp, d: difference(d), weight, 2 * weight)


class Loss(NamedTuple):
    """A loss and its gradient with respect to the logits: (real, fake) -> () and (real, fake) -> (like real, like fake)."""

    value: Function
    gradient: Function


def separate(formula: str, *, real: Any = None, fake: Any = None, **parameters: float) -> Loss:
    """E real(D(r)) + E fake(D(f)); a term that is missing is 0. With parameters, terms are functions of them."""

    def value(xp: Any, r: Any, f: Any, **p: float) -> Any:
        means = [mean_of(xp, _term(t, p), d) for t, d in ((real, r), (fake, f)) if t is not None]
        return means[0] if len(means) == 1 else means[0] + means[1]

    def gradient(xp: Any, r: Any, f: Any, **p: float) -> Any:
        return tuple(
            xp.zeros_like(d) if t is None else slopes_of(xp, _term(t, p), d, d.shape[0]) for t, d in ((real, r), (fake, f))
        )

    return _functions(formula, value, gradient, parameters)


def paired(formula: str, term: Term) -> Loss:
    """E term(D(rᵢ) − D(fᵢ)): each real sample meets one fake sample; batches of different size are an error."""

    def difference(r: Any, f: Any) -> Any:
        if r.shape != f.shape:
            raise ValueError(f"pairs need as many real as fake logits, got {r.shape[0]} and {f.shape[0]}.")
        return r - f

    def value(xp: Any, r: Any, f: Any) -> Any:
        return mean_of(xp, term, difference(r, f))

    def gradient(xp: Any, r: Any, f: Any) -> Any:
        slope = slopes_of(xp, term, difference(r, f), r.shape[0])
        return slope, -slope

    return _functions(formula, value, gradient, {})


def averaged(formula: str, *, real: Term, fake: Term) -> Loss:
    """E real(D(r) − E D(f)) + E fake(D(f) − E D(r)): each sample meets the mean of the other batch, which is not detached."""

    def value(xp: Any, r: Any, f: Any) -> Any:
        return mean_of(xp, real, r - xp.mean(f)) + mean_of(xp, fake, f - xp.mean(r))

    def gradient(xp: Any, r: Any, f: Any) -> Any:
        n, m = r.shape[0], f.shape[0]
        a, b = slopes_of(xp, real, r - xp.mean(f), n), slopes_of(xp, fake, f - xp.mean(r), m)
        return a - xp.sum(b) / n, b - xp.sum(a) / m

    return _functions(formula, value, gradient, {})


def name_rows(namespace: dict[str, Any]) -> dict[str, str]:
    """Give the functions of a module's rows the names that they are bound to; returns the formula of each loss by name."""
    table = {}
    for name, function in namespace.items():
        formula = getattr(function, "formula", None)
        if formula is not None and function.__name__ == "":
            function.__name__ = function.__qualname__ = name
            function.__module__ = namespace["__name__"]
        if formula is not None and not name.endswith("_gradient"):
            table[name] = formula
    return table


def mean_of(xp: Any, term: Term, d: Any) -> Any:
    """E term(d)."""
    mean = xp.mean(term.value(xp, d))
    return mean if term.weight == 1 else term.weight * mean


def slopes_of(xp: Any, term: Term, d: Any, n: int) -> Any:
    """term′(d)/n, entry by entry."""
    return term.slope(xp, d) * (term.steepness / max(n, 1))


def _term(term: Any, parameters: dict[str, float]) -> Term:
    return term(**parameters) if parameters else term


def _functions(formula: str, value: Function, gradient: Function, parameters: dict[str, float]) -> Loss:
    by_keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
    arguments = [inspect.Parameter(n, by_keyword) for n in ("real", "fake")]
    arguments += [inspect.Parameter(n, by_keyword, default=p) for n, p in parameters.items()]
    signature = inspect.Signature(arguments)

    def with_defaults(given: Any, named: Any) -> dict[str, Any]:
        if not given and not named:
            return parameters
        if not named and len(given) == len(parameters):
            return dict(zip(parameters, given, strict=True))
        call = signature.bind(None, None, *given, **named)
        return {**parameters, **{n: p for n, p in call.arguments.items() if n in parameters}}

    @QUIET
    def loss(real: Any, fake: Any, *given: Any, **named: Any) -> Any:
        xp, (r, f) = flat(real, fake)
        return cast(xp, value(xp, r, f, **with_defaults(given, named)), fake.dtype)

    @QUIET
    def slopes(real: Any, fake: Any, *given: Any, **named: Any) -> Any:
        xp, (r, f) = flat(real, fake)
        found = gradient(xp, r, f, **with_defaults(given, named))
        return tuple(shaped(xp, cast(xp, slope, x.dtype), x) for slope, x in zip(found, (real, fake), strict=True))

    for function, shapes in ((loss, "() of that dtype"), (slopes, "its gradient, shaped as real and as fake")):
        function.__name__, function.__signature__, function.formula = "", signature, formula  # type: ignore[attr-defined]
        function.__doc__ = f"{formula}\n\nreal, fake: logits of any shape, floating -> {shapes}."
    return Loss(loss, slopes)


def flat(*batches: Any) -> tuple[Any, list[Any]]:
    """Namespace, and each batch as one list (n,) in the dtype to compute in."""
    xp = array_namespace(*batches)
    return xp, [xp.reshape(x, (-1,)) if x.ndim != 1 else x for x in (cast(xp, b, working_dtype(xp, b.dtype)) for b in batches)]


@cache
def working_dtype(xp: Any, dtype: Any) -> Any:
    """The dtype to compute in; TypeError unless it is real and floating."""
    if not xp.isdtype(dtype, "real floating"):
        raise TypeError(f"a GAN loss needs real floating-point logits, got dtype {dtype}.")
    return xp.float32 if xp.finfo(dtype).bits < 32 else dtype


def cast(xp: Any, x: Any, dtype: Any) -> Any:
    return x if x.dtype == dtype else xp.astype(x, dtype)


def shaped(xp: Any, x: Any, like: Any) -> Any:
    return x if x.shape == like.shape else xp.reshape(x, like.shape)
