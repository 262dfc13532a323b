"""Laws: theorems that an implementation must satisfy, written so that they read like the theorem.

>>> @law(r"\\det e^{A} = e^{\\operatorname{tr} A}", source=kexue(6377, 1), A=square_matrices())
... def determinant_is_exponential_of_trace(expm, A):
...     '''For every square A. Bound: ...'''
...     judge(...)

The parameters without a strategy are contract names: what the law asks of a subject.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from .strategies.deferred import Deferred

Source = str


def kexue(post: int, *rows: int | str) -> Source:
    """A post of kexue.fm by archive number, and the rows of docs/equations.md that the law checks."""
    return f"kexue.fm/archives/{post}" + (f" ({', '.join(f'{post}.{r}' for r in rows)})" if rows else "")


@dataclass(frozen=True)
class Law:
    """One theorem, the strategies of what it quantifies over, and the contracts that it judges."""

    name: str
    formula: str
    sources: tuple[Source, ...]
    body: Callable[..., None]
    contracts: tuple[str, ...]
    draws: dict[str, Deferred]
    dtypes: Literal["all", "real", "complex", "wide"]
    needs: tuple[str, ...]
    cost: float
    plot: bool

    @property
    def statement(self) -> str:
        """The docstring: what is quantified over, why the bound is what it is."""
        return inspect.getdoc(self.body) or ""

    def not_applicable(self, space: Any) -> str:
        """Why this law cannot be asked in a space; '' if it can."""
        if self.dtypes == "real" and space.is_complex:
            return "a law about real matrices"
        if self.dtypes == "complex" and not space.is_complex:
            return "a law about complex matrices"
        if self.dtypes == "wide" and space.real_dtype not in ("float32", "float64"):
            return f"{space.dtype} is too narrow for this law's inputs"
        if "autodiff" in self.needs and space.backend.vjp is None:
            return f"{space.backend.name} has no automatic differentiation"
        return ""


def law(formula: str, *, source: Source | tuple[Source, ...], dtypes: Literal["all", "real", "complex", "wide"] = "all",
        needs: str | tuple[str, ...] = (), cost: float = 1.0, plot: bool = False,
        **draws: Deferred) -> Callable[[Callable[..., None]], Law]:  # fmt: skip
    """Make a law of a function.

    Parameters
    ----------
    formula : the theorem in TeX, as the page shows it.
    source : where it is from; a tuple if several.
    dtypes : the dtypes in which it can be asked: all, real, complex, or wide (not float16, bfloat16).
    needs : ``"autodiff"`` for laws about gradients.
    cost : how many times dearer than usual an example is; the number of examples is divided by it.
    plot : keep (norm of the first input, ratio) of the examples, for the page's plot of ratio by norm.
    draws : a strategy for each quantified variable.
    """

    def make(body: Callable[..., None]) -> Law:
        names = list(inspect.signature(body).parameters)
        contracts = tuple(n for n in names if n not in draws and n != "space")
        if unknown := set(draws) - set(names):
            raise TypeError(f"law {body.__name__} draws {sorted(unknown)} but has no such parameters")
        return Law(
            name=body.__name__, formula=formula, sources=(source,) if isinstance(source, str) else source, body=body,
            contracts=contracts, draws=dict(draws), dtypes=dtypes,
            needs=(needs,) if isinstance(needs, str) else needs, cost=cost, plot=plot,
        )  # fmt: skip

    return make
