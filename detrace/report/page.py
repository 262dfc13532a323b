"""The whole page: a summary that stands as it is, and the rest in packed parts that the page's script opens."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from . import show
from .benchmarks import benchmarks
from .catalogue import families, theorems
from .contracts import contracts
from .counts import COLOURS, OUTCOMES, SYMBOLS, coverage, reasons, spaces, tallies, verdict
from .formulas import breakable, formula, inline, prose, raised
from .found import found, grouped, merged
from .gate import gate
from .headline import facts
from .items import items
from .overview import STEPS, overview, roles_shown
from .packed import CODECS, packed
from .trend import trend

MAX_BYTES = 500_000
"""What the page of eleven families and 3000 items may weigh: a page that is mailed around or kept per commit."""
ROOMS = (
    ("head", ""), ("overview", "Families"), ("found", "Found"), ("laws", "Laws"), ("contracts", "Contracts"),
    ("gate", "Gate"), ("trend", "Trend"), ("run", "Run"),
)  # fmt: skip
"""Sections in their order, with their names in the navigation. Each is ``templates/<name>.html.j2``, rendered with
`_context`; one more section is one more template, one more line here, and what it shows in the context. What is large
goes into `_chunks`."""
GUESTS = {"gate": ("gate.css",), "trend": ("trend.css", "trend.js")}
"""Sections that are there only if the context has something for them, with the style and script that only they need."""
SCRIPTS = ("base.js", "items.js", "cards.js", "laws.js", "open.js")
"""Parts of the page's one script, in the order in which they are joined."""
_REMARK = re.compile(r"\s*/\*[^*]*\*/$")


def render(results: dict[str, Any], history: Mapping[str, Any] | None = None, codec: str = CODECS[0]) -> str:
    """The page of a results document, as text; `history` (`detrace.gate.history.trend`) stands before the gate's own trend,
    `codec` compresses its parts (`detrace.report.packed.CODECS`).

    Raises
    ------
    detrace.results.ResultsError : when the document has no schema, or one that this version cannot show.
    """
    _check(results)
    context = _context(results, history)
    block = Markup(packed(_chunks(results, context), codec))
    return _environment().get_template("page.html.j2").render(context, chunks=block, codec=codec)


def _chunks(results: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, str]:
    """What is opened on demand, by name: the items as JSON, everything else as HTML."""
    def part(template: str, **more: Any) -> str:
        return _environment().get_template(f"{template}.chunk.j2").render({**context, **more})

    laws = theorems(results)
    guests = {"gate": part("gate")} if context["gate"] and not context["gate"]["unknown"] else {}
    if context["trend"]:
        guests["trend"] = context["trend"]["data"]
    return {
        "items": items(results, merged(context["found"])), "found": part("found"), "subjects": part("subjects"), **guests,
        **{f"laws-{family}": part("laws", theorems=group) for family, group in laws.items()},
        **{f"contracts-{k}": part("contracts", entries=e) for k, e in enumerate(context["contracts"].values())},
    }  # fmt: skip


def _check(results: Any) -> None:
    from ..results import SCHEMA, ResultsError

    schema = results.get("schema") if isinstance(results, dict) else None
    if not isinstance(schema, str):
        raise ResultsError("this is not a results document of detrace (it has no schema); `detrace verify` writes one")
    if schema.split(".", 2)[:2] != SCHEMA.split(".", 2)[:2]:
        raise ResultsError(f"the results have schema {schema}, this detrace shows {SCHEMA}; run `detrace verify` again")


def _context(results: Mapping[str, Any], history: Mapping[str, Any] | None) -> dict[str, Any]:
    counted = tallies(results)
    stale = [e for e in results.get("ledger") or [] if e.get("status") == "stale"]
    guests = {"gate": gate(results), "trend": trend(results, history)}
    own = [name for guest, files in GUESTS.items() if guests[guest] for name in files]
    line, tone = verdict(counted, len(stale), bool(results.get("interrupted")), (guests["gate"] or {}).get("failed", False))
    css = "\n".join(_text(name) for name in ("page.css", *own) if name.endswith(".css"))
    scripts = [*SCRIPTS[:-1], *(name for name in own if name.endswith(".js")), SCRIPTS[-1]]
    js = '"use strict";(async () => {\n' + "\n".join(map(_text, scripts)) + "\n})();"
    bench, summary = benchmarks(results), overview(results)
    return {
        "r": results, "limit": show.number(results.get("limit")) or 30.0, "env": results.get("environment") or {},
        "tallies": counted, "verdict": line, "tone": tone, "reasons": reasons(results.get("not_run") or []),
        "facts": facts(results, counted, guests["gate"]), "spaces": spaces(results), "coverage": coverage(results),
        "subjects": results.get("subjects") or [], "families": summary, "roles": roles_shown(summary),
        "found": grouped(found(results)), "bench": bench, "contracts": contracts(results, bench),
        "ratios": _ratios(show.number(results.get("limit")) or 30.0),
        "titles": {str(f["name"]): str(f.get("title") or f["name"]) for f in families(results)},
        "rooms": [room for room in ROOMS if room[0] not in guests or guests[room[0]]], **guests,
        "css": Markup(css), "js": Markup(js), "css_hash": _digest(css), "js_hash": _digest(js),
    }  # fmt: skip


def _ratios(limit: float) -> list[str]:
    """What each colour stands for, from the palest: ``below 0.3``, ``0.3 to 0.9``, …, ``30 and more``."""
    steps = [f"{step * limit:g}" for step in (*STEPS, 1.0)]
    return [f"below {steps[0]}", *(f"{low} to {high}" for low, high in pairwise(steps)), f"{steps[-1]} and more"]


@cache
def _text(name: str) -> str:
    text = resources.files(__package__).joinpath("templates", name).read_text(encoding="utf-8").strip()
    return "\n".join(line.lstrip() for line in text.split("\n") if not _REMARK.match(line))


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _quoted(name: Any) -> str:
    """A name as it stands in a fragment: ``#law=name``."""
    return quote(str(name), safe="._-")


@cache
def _environment() -> Environment:
    env = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.filters |= {
        "ratio": show.ratio, "significant": show.significant, "seconds": show.seconds, "pretty": show.pretty,
        "share": show.share, "moment": show.moment, "plain": show.plain, "quoted": _quoted,
        "math": formula, "prose": prose, "inline": inline, "raised": raised, "breakable": breakable,
    }  # fmt: skip
    env.globals |= {"count": show.count, "outcomes": OUTCOMES, "symbols": SYMBOLS, "colours": COLOURS}
    return env
