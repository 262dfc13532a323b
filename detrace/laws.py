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


Dtypes = Literal["all", "real", "complex", "wide", "wide real"]


@dataclass(frozen=True)
class Law:
    """One theorem, the strategies of what it quantifies over, and the contracts that it judges.

    `base` is the name of the function that states it: the law's own name, unless the theorem is about `each` of several
    contracts; then there is a law for each, named ``base.contract``.
    """

    name: str
    base: str
    formula: str
    sources: tuple[Source, ...]
    body: Callable[..., None]
    asks: dict[str, str]
    draws: dict[str, Deferred]
    dtypes: Dtypes
    needs: tuple[str, ...]
    cost: float
    least: int
    plot: bool

    @property
    def contracts(self) -> tuple[str, ...]:
        """The contracts that it judges; `asks` says under which parameter each is known to the body."""
        return tuple(self.asks.values())

    @property
    def statement(self) -> str:
        """The docstring: what is quantified over, why the bound is what it is."""
        return inspect.getdoc(self.body) or ""

    def not_applicable(self, space: Any) -> str:
        """Why this law cannot be asked in a space; '' if it can."""
        if self.dtypes in ("real", "wide real") and space.is_complex:
            return "a law about real matrices"
        if self.dtypes == "complex" and not space.is_complex:
            return "a law about complex matrices"
        if self.dtypes in ("wide", "wide real") and space.real_dtype not in ("float32", "float64"):
            return f"{space.dtype} is too narrow for this law's inputs"
        if "torch" in self.needs and space.backend.name != "torch":
            return "a law about torch modules"
        if "autodiff" in self.needs and space.backend.vjp is None:
            return f"{space.backend.name} has no automatic differentiation"
        return ""


@dataclass(frozen=True)
class Each:
    """The contracts that one theorem speaks about in turn; see `each`."""

    contracts: tuple[str, ...]


def each(*contracts: str) -> Each:
    """A parameter of a law that stands for each of these contracts in turn: a theorem about a whole table of functions.

    Several such parameters of one law advance together (a loss and its gradient), so they are equally long.
    """
    return Each(contracts)


@dataclass(frozen=True)
class Laws:
    """One theorem about `each` of several contracts: a law for each."""

    base: str
    laws: tuple[Law, ...]


def law(formula: str, *, source: Source | tuple[Source, ...], dtypes: Dtypes = "all",
        needs: str | tuple[str, ...] = (), cost: float = 1.0, least: int = 0, plot: bool = False,
        **draws: Deferred | Each) -> Callable[[Callable[..., None]], Law | Laws]:  # fmt: skip
    """Make a law of a function.

    Parameters
    ----------
    formula : the theorem in TeX, as the page shows it.
    source : where it is from; a tuple if several.
    dtypes : the dtypes in which it can be asked: all, real, complex, wide (not float16, bfloat16) or wide real.
    needs : ``"autodiff"`` for laws about gradients, ``"torch"`` for laws about torch modules.
    cost : how many times dearer than usual an example is; the number of examples is divided by it.
    least : the fewest examples in any profile, where the law's mutants take more than the quick one has.
    plot : keep (norm of the first input, ratio) of the examples, for the page's plot of ratio by norm.
    draws : a strategy for each quantified variable, or `each` of the contracts that a parameter stands for. Strategies give
        plain data (arrays, numbers, words), so that a falsifying input can be written down; objects are made in the body.
    """
    tables = {name: value.contracts for name, value in draws.items() if isinstance(value, Each)}
    strategies = {name: value for name, value in draws.items() if not isinstance(value, Each)}

    def make(body: Callable[..., None]) -> Law | Laws:
        names = list(inspect.signature(body).parameters)
        if unknown := set(draws) - set(names):
            raise TypeError(f"law {body.__name__} draws {sorted(unknown)} but has no such parameters")
        asked = [n for n in names if n not in strategies and n != "space"]

        def one(name: str, asks: dict[str, str]) -> Law:
            return Law(
                name=name, base=body.__name__, formula=formula, sources=(source,) if isinstance(source, str) else source,
                body=body, asks=asks, draws=strategies, dtypes=dtypes,
                needs=(needs,) if isinstance(needs, str) else needs, cost=cost, least=least, plot=plot,
            )  # fmt: skip

        if not tables:
            return one(body.__name__, {n: n for n in asked})
        rows = zip(*tables.values(), strict=True)
        asks = [{n: n for n in asked} | dict(zip(tables, row, strict=True)) for row in rows]
        first = next(n for n in asked if n in tables)
        return Laws(body.__name__, tuple(one(f"{body.__name__}.{a[first]}", a) for a in asks))

    return make
