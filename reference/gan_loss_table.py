"""How a GAN loss is put together: scalar terms with their slopes, and the three ways in which a loss averages them.

A loss compares two batches of logits of any shape; each batch counts as the flat list of its entries, so that (n,), (n,1) and
(n,c,h,w) give one mean and nothing is ever broadcast. From one row of terms follow the loss and its gradient in closed form.
float16 and bfloat16 are computed in float32 and rounded once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from array_api_compat import array_namespace

from .arrays import QUIET, working_array

Function = Callable[..., Any]


class Term(NamedTuple):
    """A function of one logit, elementwise, and its derivative."""

    value: Function
    slope: Function

    def __neg__(self) -> Term:
        return Term(lambda d: -self.value(d), lambda d: -self.slope(d))

    def flipped(self) -> Term:
        """d ↦ self(−d)."""
        return Term(lambda d: self.value(-d), lambda d: -self.slope(-d))


def softplus(d: Any) -> Any:
    """log(1 + eᵈ), without overflow; its derivative by autodiff is right at 0 too."""
    xp = array_namespace(d)
    return xp.logaddexp(xp.zeros_like(d), d)


def sigmoid(d: Any) -> Any:
    """σ(d) = 1/(1 + e⁻ᵈ)."""
    return 1 / (1 + array_namespace(d).exp(-d))


def relu(d: Any) -> Any:
    """max(0, d); NaN stays NaN; the derivative at 0 is taken as 0."""
    xp = array_namespace(d)
    return xp.where(d <= 0, xp.zeros_like(d), d)


def step(d: Any) -> Any:
    """1 where d > 0, else 0; NaN stays NaN."""
    xp = array_namespace(d)
    return xp.where(d <= 0, xp.zeros_like(d), xp.where(d > 0, xp.ones_like(d), d))


def ones(d: Any) -> Any:
    return array_namespace(d).ones_like(d)


SOFTPLUS = Term(softplus, sigmoid)
IDENTITY = Term(lambda d: d, ones)
HINGE = Term(lambda d: relu(1 + d), lambda d: step(1 + d))
"""max(0, 1 + d)."""


def square(label: float) -> Term:
    """(d − label)²."""
    return Term(lambda d: (d - label) * (d - label), lambda d: 2 * (d - label))


def half_square(label: float) -> Term:
    """½(d − label)²."""
    return Term(lambda d: (d - label) * (d - label) / 2, lambda d: d - label)


class Loss(NamedTuple):
    """A loss and its gradient with respect to the logits: (real, fake) -> () and (real, fake) -> (like real, like fake)."""

    value: Function
    gradient: Function


def separate(formula: str, *, real: Any = None, fake: Any = None, **parameters: float) -> Loss:
    """E real(D(r)) + E fake(D(f)); a term that is missing is 0. With parameters, terms are functions of them."""

    def value(xp: Any, r: Any, f: Any, **p: float) -> Any:
        means = [xp.mean(_term(t, p).value(d)) for t, d in ((real, r), (fake, f)) if t is not None]
        return sum(means[1:], means[0])

    def gradient(xp: Any, r: Any, f: Any, **p: float) -> Any:
        return tuple(xp.zeros_like(d) if t is None else _term(t, p).slope(d) / d.shape[0] for t, d in ((real, r), (fake, f)))

    return _functions(formula, value, gradient, parameters)


def paired(formula: str, term: Term) -> Loss:
    """E term(D(rᵢ) − D(fᵢ)): each real sample meets one fake sample; batches of different size are an error."""

    def difference(r: Any, f: Any) -> Any:
        if r.shape != f.shape:
            raise ValueError(f"pairs need as many real as fake logits, got {r.shape[0]} and {f.shape[0]}.")
        return r - f

    def value(xp: Any, r: Any, f: Any) -> Any:
        return xp.mean(term.value(difference(r, f)))

    def gradient(xp: Any, r: Any, f: Any) -> Any:
        slope = term.slope(difference(r, f)) / r.shape[0]
        return slope, -slope

    return _functions(formula, value, gradient, {})


def averaged(formula: str, *, real: Term, fake: Term) -> Loss:
    """E real(D(r) − E D(f)) + E fake(D(f) − E D(r)): each sample meets the mean of the other batch, which is not detached."""

    def value(xp: Any, r: Any, f: Any) -> Any:
        return xp.mean(real.value(r - xp.mean(f))) + xp.mean(fake.value(f - xp.mean(r)))

    def gradient(xp: Any, r: Any, f: Any) -> Any:
        a, b = real.slope(r - xp.mean(f)), fake.slope(f - xp.mean(r))
        return (a - xp.mean(b)) / r.shape[0], (b - xp.mean(a)) / f.shape[0]

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
        call = signature.bind(None, None, *given, **named)
        return {**parameters, **{n: p for n, p in call.arguments.items() if n in parameters}}

    @QUIET
    def loss(real: Any, fake: Any, *given: Any, **named: Any) -> Any:
        (xp, r, _), (_, f, dtype) = flat(real), flat(fake)
        return xp.astype(value(xp, r, f, **with_defaults(given, named)), dtype, copy=False)

    @QUIET
    def slopes(real: Any, fake: Any, *given: Any, **named: Any) -> Any:
        (xp, r, a), (_, f, b) = flat(real), flat(fake)
        on_real, on_fake = gradient(xp, r, f, **with_defaults(given, named))
        return (
            xp.reshape(xp.astype(on_real, a, copy=False), real.shape),
            xp.reshape(xp.astype(on_fake, b, copy=False), fake.shape),
        )

    for function, shapes in ((loss, "() of that dtype"), (slopes, "its gradient, shaped as real and as fake")):
        function.__name__, function.__signature__, function.formula = "", signature, formula  # type: ignore[attr-defined]
        function.__doc__ = f"{formula}\n\nreal, fake: logits of any shape, floating -> {shapes}."
    return Loss(loss, slopes)


def flat(logits: Any) -> tuple[Any, Any, Any]:
    """Namespace, logits as one list (n,) in the dtype to compute in, and the dtype to return."""
    xp, x, dtype = working_array(logits, "a GAN loss")
    if xp.isdtype(dtype, "complex floating"):
        raise TypeError(f"a GAN loss needs real logits, got dtype {dtype}.")
    return xp, xp.reshape(x, (-1,)), dtype
