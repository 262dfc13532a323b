"""The whole page: what each room says, put through the templates, kept under a size."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from . import show
from .benchmarks import benchmarks
from .catalogue import catalogue
from .counts import OUTCOMES, SYMBOLS, reasons, tallies, verdict
from .details import details
from .falsified import case_anchor, falsified
from .figures import figures
from .formulas import breakable, formula, inline, prose
from .matrix import anchors, laws, matrix

MAX_BYTES = 500_000
"""What the whole page may weigh; a page that is mailed around or kept per commit has to stay small."""
RESERVE = 12_000
"""Kept free for the parts that are measured before the single items are filled in."""
THRIFT = ((200, 60), (120, 40), (60, 20), (30, 8), (12, 0))
"""Points a plot and scripts in full, tried in turn until the page fits."""


def render(results: dict[str, Any]) -> str:
    """The page of a results document, as text.

    Raises
    ------
    detrace.results.ResultsError : when the document has no schema, or one that this version cannot show.
    """
    _check(results)
    template, context = _environment().get_template("page.html.j2"), _context(results)
    names = [str(law["name"]) for law in laws(results)]
    page = ""
    for points, scripts in THRIFT:
        context["figures"] = figures(results, points)
        context["falsified"] = falsified(results, context["anchors"], scripts)
        budget = MAX_BYTES - RESERVE - len(template.render(context, details="").encode())
        page = template.render(context, details=Markup(details(results, names, budget)))
        if len(page.encode()) < MAX_BYTES:
            break
    return page


def _check(results: Any) -> None:
    from ..results import SCHEMA, ResultsError

    schema = results.get("schema") if isinstance(results, dict) else None
    if not isinstance(schema, str):
        raise ResultsError("this is not a results document of detrace (it has no schema); `detrace verify` writes one")
    if schema.partition("/")[2].split(".")[0] != SCHEMA.partition("/")[2] or not schema.startswith("detrace.results/"):
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
        "spaces": results.get("spaces") or [], "subjects": results.get("subjects") or [],
        "bands": matrix(results, links), "anchors": links, "catalogue": catalogue(results, links),
        "ledger": results.get("ledger") or [], "bench": benchmarks(results),
        "css": Markup(css), "js": Markup(js), "css_hash": _digest(css), "js_hash": _digest(js),
    }  # fmt: skip


def _text(name: str) -> str:
    return resources.files(__package__).joinpath("templates", name).read_text(encoding="utf-8").strip()


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    env = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.filters |= {
        "ratio": show.ratio, "significant": show.significant, "seconds": show.seconds, "pretty": show.pretty,
        "math": formula, "prose": prose, "inline": inline, "breakable": breakable, "slug": show.slug,
    }  # fmt: skip
    env.globals |= {"count": show.count, "case_anchor": case_anchor, "outcomes": OUTCOMES, "symbols": SYMBOLS}
    return env
