"""What the gate said: passed or failed, each kernel on one axis, what the laws lost, and against which base."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..gate.decision import MARGIN, STORED_MARGIN
from . import forest
from .forest import Interval, Scale
from .show import count, number, seconds

SCHEMA = "detrace.gate/1"
BANDS = {"tree": (1.0 - MARGIN, 1.0 + MARGIN), "file": (1.0 / (1.0 + STORED_MARGIN), 1.0 + STORED_MARGIN)}
"""Where nothing changed, by what head was held against."""
VERDICTS = {
    "GONE": ("✕", "x"), "SLOWER": ("✕", "v"), "CONTAMINATED": ("?", "u"), "INCONCLUSIVE": ("?", "u"), "FASTER": ("✓", "h3"),
    "SAME": ("✓", "h1"), "NEW": ("+", "n"),
}  # fmt: skip
"""Symbol and class by verdict, in the order in which kernels are listed; those that fail come before all."""
AXIS_AGAIN = 14
"""From so many kernels on the axis is written below them too."""


def gate(results: Mapping[str, Any]) -> dict[str, Any] | None:
    """The section's content from the block ``gate``; None without one."""
    block = results.get("gate")
    if not isinstance(block, Mapping):
        return None
    schema = str(block.get("schema"))
    if schema.split(".", 2)[:2] != SCHEMA.split(".", 2)[:2]:
        return {"unknown": f"The results hold a gate's outcome in schema {schema}; this detrace shows {SCHEMA}."}
    kernels = [k for k in block.get("kernels") or [] if isinstance(k, Mapping)]
    base = block.get("base") or {}
    drawn = [i for k in kernels for i in (_interval(k), _interval(k.get("canary"))) if i is not None]
    scale = Scale(drawn, BANDS["tree" if base.get("kind") == "tree" else "file"])
    rows = sorted((_row(k, scale if drawn else None) for k in kernels), key=lambda r: (not r["failed"], r["rank"]))
    correctness = block.get("correctness") or {}
    findings = [f for f in correctness.get("findings") or [] if isinstance(f, Mapping)]
    return {
        "unknown": "", "failed": bool(block.get("failed")), "contaminated": bool(block.get("contaminated")),
        "words": words(block, findings), "against": _base(base), "tree": base.get("kind") == "tree",
        "head": block.get("head") or {}, "machine": (block.get("fingerprint") or {}).get("cpu"),
        "created": block.get("created"), "took": _took(number(block.get("seconds"))), "rows": rows,
        "axis": forest.axis(scale) if drawn else "", "again": len(rows) >= AXIS_AGAIN,
        "band": [f"{v:.2f}" for v in scale.band], "findings": findings, "compared": bool(correctness.get("compared")),
        "notes": [str(n) for n in [*(block.get("notes") or []), *(correctness.get("notes") or [])]],
        "laws": {str(law.get("name")) for law in results.get("laws") or []},
        "contracts": {str(c.get("name")) for c in results.get("contracts") or []},
    }  # fmt: skip


def words(block: Mapping[str, Any], findings: Iterable[Any]) -> str:
    """``9 same, 1 slower; 2 correctness findings``."""
    counts: Mapping[str, Any] = block.get("counts") or {}
    order = [*VERDICTS, *(v for v in counts if v not in VERDICTS)]
    times = ", ".join(f"{counts[v]} {str(v).lower()}" for v in order if counts.get(v)) or "no times compared"
    if not (block.get("correctness") or {}).get("compared"):
        return f"{times}; correctness not compared"
    return f"{times}; {count(len(list(findings)), 'correctness finding')}"


def _row(k: Mapping[str, Any], scale: Scale | None) -> dict[str, Any]:
    verdict, failed = str(k.get("verdict")), bool(k.get("failed"))
    symbol, css = VERDICTS.get(verdict, ("?", "n"))
    if verdict == "GONE":
        symbol, css = ("✕", "v") if failed else ("–", "n")
    own, canary = _interval(k), _interval(k.get("canary"))
    said = f"{k.get('case')}: {verdict}"
    if own:
        said += f", {_said(own)}" + (f"; base against base {_said(canary)}" if canary else "")
    return {
        "case": str(k.get("case")), "contract": str(k.get("contract")), "who": f"{k.get('subject')} · {k.get('space')}",
        "verdict": verdict, "symbol": symbol, "css": css, "failed": failed, "rank": list(VERDICTS).index(verdict)
        if verdict in VERDICTS else len(VERDICTS), "reason": str(k.get("reason") or ""),
        "mark": forest.row(scale, own, canary, said) if scale else "",
        "ratio": _three(own.ratio) if own else "", "interval": _ends(own) if own else "",
        "canary": _said(canary) if canary else "",
        "times": " → ".join(seconds(k[s]) for s in ("base_s", "head_s") if k.get(s) is not None),
        "pairs": f"{k['pairs']} × {k.get('rounds')}" if k.get("pairs") else "", "control": str(k.get("control") or ""),
        "before": [
            f"{t.get('verdict')} {_three(i.ratio)} ({_ends(i)}), {t.get('pairs')} × {t.get('rounds')}"
            for t in (k.get("trail") or [])[:-1] if (i := _interval(t))
        ],
    }  # fmt: skip


def _interval(of: Any) -> Interval | None:
    """None where there is no ratio; ends that are not finite numbers are open."""
    if not isinstance(of, Mapping) or number(of.get("ratio")) is None:
        return None
    return Interval(*(number(of.get(k)) for k in ("ratio", "low", "high")))


def _ends(i: Interval) -> str:
    return f"{_three(i.low, '0')}–{_three(i.high, '∞')}"


def _said(i: Interval) -> str:
    return f"{_three(i.ratio)}, 95 % interval {_three(i.low, '0')} to {_three(i.high, '∞')}"


def _three(x: float | None, unbounded: str = "") -> str:
    return unbounded if x is None else f"{x:.3f}" if 0 < x < 10 else f"{x:.3g}"


def _took(x: float | None) -> str:
    return "" if x is None else f"took {x / 60:.0f} min" if x > 120 else f"took {x:.0f} s"


def _base(base: Mapping[str, Any]) -> dict[str, str]:
    """What head was held against: its name, and how its commit is called."""
    tree = base.get("kind") == "tree"
    return {
        "name": str(base.get("ref" if tree else "file") or "an unnamed base"), "commit": str(base.get("commit") or "")[:10],
        "how": "merge base" if tree else "baseline written at",
    }  # fmt: skip
