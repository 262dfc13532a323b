"""The whole page: what each room says, put through the templates, kept under a size."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from . import show
from .benchmarks import benchmarks
from .catalogue import catalogue
from .counts import OUTCOMES, SYMBOLS, coverage, reasons, spaces, tallies, verdict
from .details import Details
from .falsified import case_anchor, falsified
from .figures import figures
from .formulas import breakable, formula, inline, prose, raised
from .matrix import anchors, laws, matrix

MAX_BYTES = 500_000
"""What the whole page may weigh; a page that is mailed around or kept per commit has to stay small."""
MARGIN = 2_000
"""Kept free, since the last parts are measured before they are put together."""
WANTED = 25_000
"""What single items may ask of it for their inputs and branches before plots and scripts are thinned."""


class Thrift(NamedTuple):
    """How much the page shows of what comes in any number; the rest stays in the results file, and the page says so."""

    points: int
    scripts: int
    cases: int
    sizes: int
    growth: bool


THRIFT = (
    Thrift(200, 60, 200, 60, True),
    Thrift(100, 30, 100, 40, True),
    Thrift(60, 12, 60, 24, True),
    Thrift(40, 6, 30, 16, True),
    Thrift(30, 3, 20, 12, True),
    Thrift(20, 0, 15, 6, True),
    Thrift(20, 0, 15, 2, False),
    Thrift(0, 0, 5, 1, False),
)
STEADY = ("head", "matrix", "ledger", "laws", "run")
ORDER = ("head", "matrix", "falsified", "ledger", "benchmarks", "figures", "laws", "run")


def render(results: dict[str, Any]) -> str:
    """The page of a results document, as text.

    Raises
    ------
    detrace.results.ResultsError : when the document has no schema, or one that this version cannot show.
    """
    _check(results)
    context = _context(results)
    details = Details(results, list(context["anchors"]))
    rooms = {name: _room(name, context) for name in STEADY}
    fixed = sum(len(text.encode()) for text in rooms.values()) + len(context["css"]) + len(context["js"])
    least, most = (len(details.text(budget).encode()) for budget in (0, MAX_BYTES))
    for thrift in THRIFT:
        context |= {
            "figures": figures(results, thrift.points, thrift.growth), "bench": benchmarks(results, thrift.sizes),
            "falsified": falsified(results, context["anchors"], thrift.scripts, thrift.cases),
        }  # fmt: skip
        rooms |= {name: _room(name, context) for name in ORDER if name not in STEADY}
        free = MAX_BYTES - MARGIN - fixed - sum(len(t.encode()) for n, t in rooms.items() if n not in STEADY)
        if free >= min(least + WANTED, most):
            break
    return _environment().get_template("page.html.j2").render(
        context, rooms=[Markup(rooms[name]) for name in ORDER], details=Markup(details.text(free))
    )


def _room(name: str, context: Mapping[str, Any]) -> str:
    return _environment().get_template(f"{name}.html.j2").render(context)


def _check(results: Any) -> None:
    from ..results import SCHEMA, ResultsError

    schema = results.get("schema") if isinstance(results, dict) else None
    if not isinstance(schema, str):
        raise ResultsError("this is not a results document of detrace (it has no schema); `detrace verify` writes one")
    if schema.split(".", 2)[:2] != SCHEMA.split(".", 2)[:2]:
        raise ResultsError(f"the results have schema {schema}, this detrace shows {SCHEMA}; run `detrace verify` again")


def _context(results: Mapping[str, Any]) -> dict[str, Any]:
    links = anchors([str(law["name"]) for law in laws(results)], "law")
    counted = tallies(results)
    stale = [e for e in results.get("ledger") or [] if e.get("status") == "stale"]
    line, tone = verdict(counted, len(stale), bool(results.get("interrupted")))
    css, js = _text("page.css"), _text("page.js")
    return {
        "r": results, "limit": show.number(results.get("limit")) or 30.0, "env": results.get("environment") or {},
        "tallies": counted, "verdict": line, "tone": tone, "reasons": reasons(results.get("not_run") or []),
        "spaces": spaces(results), "coverage": coverage(results), "subjects": results.get("subjects") or [],
        "bands": matrix(results, links), "anchors": links, "catalogue": catalogue(results, links),
        "ledger": results.get("ledger") or [],
        "css": Markup(css), "js": Markup(js), "css_hash": _digest(css), "js_hash": _digest(js),
    }  # fmt: skip


@cache
def _text(name: str) -> str:
    text = resources.files(__package__).joinpath("templates", name).read_text(encoding="utf-8").strip()
    return "\n".join(line.lstrip() for line in text.split("\n")) if name.endswith(".j2") else text


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    env = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.filters |= {
        "ratio": show.ratio, "significant": show.significant, "seconds": show.seconds, "pretty": show.pretty,
        "share": show.share, "moment": show.moment, "trim_name": show.without_name, "plain": show.plain,
        "slug": show.slug,
        "math": formula, "prose": prose, "inline": inline, "raised": raised, "breakable": breakable,
    }  # fmt: skip
    env.globals |= {"count": show.count, "case_anchor": case_anchor, "outcomes": OUTCOMES, "symbols": SYMBOLS}
    return env
