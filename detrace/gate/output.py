"""What a gate's document looks like: a table in the terminal, Markdown for a pull request, JUnit XML for a CI server."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .correctness import sentence
from .decision import CONTAMINATED, GONE, INCONCLUSIVE, NEW, SLOWER

COLOURS = {SLOWER: "bold red", GONE: "bold red", INCONCLUSIVE: "yellow", CONTAMINATED: "yellow", "FASTER": "green"}
COLUMNS = ("kernel", "verdict", "head / base (95 %)", "base → head")


def headline(document: dict[str, Any]) -> str:
    """The outcome in one line."""
    counts = ", ".join(f"{n} {verdict}" for verdict, n in document["counts"].items()) or "no times compared"
    findings = len(document["correctness"]["findings"])
    law = f"{findings} correctness finding{'s' if findings != 1 else ''}"
    if not document["correctness"]["compared"]:
        law = "correctness not compared"
    return f"gate {'failed' if document['failed'] else 'passed'}: {counts}; {law}"


def table(document: dict[str, Any], console: Console) -> None:
    """Kernels, findings, notes, the outcome."""
    if document["kernels"]:
        shown = Table(title=f"head against {_base(document)}", title_justify="left")
        for name in COLUMNS:
            shown.add_column(name, no_wrap=name != "kernel", overflow="fold")
        for row in document["kernels"]:
            shown.add_row(*map(escape, _cells(row)), style=COLOURS.get(row["verdict"], ""))
        console.print(shown)
    for row in document["kernels"]:
        if row["reason"]:
            console.print(f"{row['id']}: {row['reason']}", markup=False)
    for finding in document["correctness"]["findings"]:
        console.print(f"✘ {sentence(finding)}", style="bold red", markup=False)
    for note in _notes(document):
        console.print(f"note: {note}", markup=False)
    console.print(headline(document), style="bold", markup=False)


def markdown(document: dict[str, Any]) -> str:
    """A comment for a pull request."""
    mark = "❌" if document["failed"] else "✅"
    lines = [f"### {mark} {headline(document)}", "", f"Head against {_base(document)}.", ""]
    if document["kernels"]:
        lines += [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
        for row in document["kernels"]:
            lines.append(f"| {' | '.join(_cells(row))} |".replace("\n", " · "))
        lines += ["", *(f"- {row['id']}: {row['reason']}" for row in document["kernels"] if row["reason"])]
    lines += [f"- **{sentence(f)}**" for f in document["correctness"]["findings"]]
    lines += [f"- {note}" for note in _notes(document)]
    return "\n".join(lines) + "\n"


def junit(document: dict[str, Any]) -> str:
    """One test case a kernel and a finding; what decided nothing is skipped, with the reason."""
    suite = ET.Element("testsuite", name="detrace gate", timestamp=document["created"], time=str(document["seconds"]))
    for row in document["kernels"]:
        case = ET.SubElement(suite, "testcase", classname="gate.time", name=row["id"])
        text = " ".join(filter(None, (row["verdict"], _ratio(row), row["reason"])))
        if row["failed"]:
            ET.SubElement(case, "failure", message=text)
        elif row["verdict"] in (INCONCLUSIVE, CONTAMINATED, NEW, GONE):
            ET.SubElement(case, "skipped", message=text)
    for f in document["correctness"]["findings"]:
        name = f"{f['law']}[{f['subject']}-{f['space']}]"
        case = ET.SubElement(suite, "testcase", classname="gate.correctness", name=name)
        ET.SubElement(case, "failure", message=sentence(f))
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _notes(document: dict[str, Any]) -> list[str]:
    notes = [*document["notes"], *document["correctness"]["notes"]]
    if document["contaminated"]:
        notes.insert(0, "CONTAMINATED: base against base moved in this run, so that times fail nothing; run it again")
    return notes


def _base(document: dict[str, Any]) -> str:
    base = document["base"]
    name = f"{base['ref']} (merge base " if base["kind"] == "tree" else f"{base['file']} (written at "
    return f"{name}{base['commit'][:10] or 'no commit'})"


def _cells(row: dict[str, Any]) -> list[str]:
    interval = f" ({_short(row['low'])}–{_short(row['high'])})" if row["ratio"] is not None else ""
    times = " → ".join(_time(row[k]) for k in ("base_s", "head_s") if row[k] is not None)
    return [f"{row['case']}\n{row['subject']} · {row['space']}", row["verdict"], _ratio(row) + interval, times]


def _short(x: float | None) -> str:
    return "∞" if x is None else f"{x:.3f}"


def _ratio(row: dict[str, Any]) -> str:
    return "" if row["ratio"] is None else f"{row['ratio']:.3f}"


def _time(seconds: float) -> str:
    unit, scale = next((u, s) for u, s in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 0.0)) if seconds >= s)
    return f"{seconds / (scale or 1e-9):.3g} {unit}"
