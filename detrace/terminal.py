"""What the terminal says: progress that names what runs, violations that teach, a summary that counts four outcomes."""

from __future__ import annotations

import math
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from .ledger import DEFECT, VERDICTS
from .results import DEFAULT_PATH
from .values import decode

MARKS = {"held": "✔", "violated": "✘", "undecided": "?"}
MAX_BLOCKS = 12
"""Violations printed in full; the page and the results file have them all."""
MAX_MISTAKES = 4
"""Known mistakes named beside a violation."""


def violation_text(item: dict[str, Any], formula: str = "", contracts: Sequence[str] = (), mistakes: Sequence[str] = (), *,
                   statement: str = "", parts: Mapping[str, Sequence[str]] = MappingProxyType({}),
                   with_script: bool = True) -> str:  # fmt: skip
    """Everything about one violated item; `statement` is the law in words, `contracts` say what the functions that it asks for
    are, `mistakes` which known ones it rejects, `parts` how the entries of an input are called."""
    v = item["violation"] or {}
    law, _, of = item["law"].partition(".")
    title = law.replace("_", " ") + (f": {of}" if of else "")
    lines = [title, f"  {item['subject']} on {item['space']}: {item['reason']}"]
    if formula:
        lines.append(f"  law      {formula}")
    if statement:
        lines.append("  in words " + statement.replace("\n", "\n" + " " * 11))
    lines += [f"  where    {about}" for about in contracts]
    for name, value in (item["input"] or {}).items() if isinstance(item["input"], dict) else ():
        entries, names = decode(value), parts.get(name, ())
        named = zip(names, entries, strict=True) if names and len(names) == len(entries) else [(name, entries)]
        lines += [_labelled(f"input {n}", entry) for n, entry in named]
    if v.get("got") is not None:
        lines.append(_labelled("got", decode(v["got"])))
    if v.get("truth") is not None:
        lines.append(_labelled("true", decode(v["truth"])))
    if v.get("bound") is not None:
        ratio, error, bound = (float(decode(v[k])) for k in ("ratio", "error", "bound"))
        lines.append(f"  ratio    {ratio:.3g} = {error:.3g} / {bound:.3g} (limit 30)")
        if v.get("why"):
            lines.append(f"  bound    {v['why']}")
    if item.get("deviation"):
        lines.append(f"  known    ledger entry {item['deviation']}")
    if mistakes:
        lines += ["  mistakes that break this law:", *(f"    · {mistake}" for mistake in mistakes)]
    if with_script and item.get("script"):
        lines += ["  reproduce (save as a file and run):", ""]
        lines += [f"    {line}" for line in item["script"].splitlines()]
    return "\n".join(lines)


def summary_lines(results: dict[str, Any]) -> list[str]:
    """Counts by subject, what is violated by the ledger's verdicts; spaces that are not here, coverage. Public libraries that
    none of the laws concerns take one line together."""
    if not results:
        return []
    lines: list[str] = []
    silent = 0
    verdicts = {d["id"]: d["verdict"] for d in results["ledger"]}
    words = {verdict: verdict for verdict in VERDICTS} | {DEFECT: "known as defects"}
    order = [*words.values(), "known"]
    for s in results["subjects"]:
        mine = [i for i in results["items"] if i["subject"] == s["name"]]
        counts = Counter(i["outcome"] for i in mine)
        known = Counter(words.get(verdicts.get(i["deviation"], ""), "known") for i in mine if i["deviation"])
        notes = ", ".join(f"{n} {what}" for what, n in sorted(known.items(), key=lambda k: order.index(k[0])))
        skipped = sum(1 for n in results["not_run"] if n["subject"] == s["name"])
        if s["role"] == "peer" and not mine and not skipped:
            silent += 1
            continue
        text = f"{s['name']}{' (' + s['version'] + ')' if s['version'] else ''}: {counts['held']} held, "
        text += f"{counts['violated']} violated" + (f" ({notes})" if notes else "")
        lines.append(f"{text}, {counts['undecided']} undecided, {skipped} not run")
        if s["role"] == "user":
            offered = ", ".join(s["offers"])
            lines.append(f"  coverage: {len(s['offers'])} of {len(results['contracts'])} contracts: {offered}")
    if silent:
        which = "1 other public library offers" if silent == 1 else f"{silent} other public libraries offer"
        lines.append(f"{which} nothing that these laws judge")
    for n in results["not_run"]:
        if n["law"] == "*":
            lines.append(f"not run: {n['space']}: {n['reason']}")
    for name, reason in results["absent_peers"].items():
        lines.append(f"not run: peer {name}: {reason}")
    return lines


def _labelled(label: str, value: Any) -> str:
    text = repr(value)
    if isinstance(value, np.ndarray):
        text = np.array2string(value, threshold=60, precision=17, separator=", ")
    first, *rest = text.splitlines() or [""]
    return "\n".join([f"  {label:<8} {first}", *(" " * 11 + line for line in rest)])


def use_own_terminal(config: pytest.Config) -> None:
    """Replace pytest's reporter, for the command line."""
    if hasattr(config, "workerinput"):
        return
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        config.pluginmanager.unregister(reporter)
    config.pluginmanager.register(Progress(config), "detrace-progress")


class Progress:
    """One line for each law when all its items are done, and the law that is running on a terminal's last line."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.expected: Counter[str] = Counter()
        self.done: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.total = self.finished = 0
        self.errors: list[str] = []
        self.live = sys.stdout.isatty()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._expect([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        if not self.expected:
            self._expect(ids)

    def _expect(self, ids: list[str]) -> None:
        self.expected.update(_law_of(i) for i in ids)
        self.total = len(ids)
        if ids:
            self._print(f"{len(ids)} items, {len(self.expected)} laws")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self.live:
            sys.stdout.write(f"\r\033[K  {self.finished}/{self.total}  {nodeid.rpartition('::')[2][:100]}")
            sys.stdout.flush()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(str(report.longrepr))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call":
            if report.failed:
                self.errors.append(f"{report.nodeid}\n{report.longreprtext}")
            return
        law = _law_of(report.nodeid)
        data: Any = next((d for n, d in report.user_properties if n == "detrace"), None)
        if data is None:
            self.errors.append(f"{report.nodeid}\n{report.longreprtext}")
            data = {"outcome": "error", "worst": None, "subject": "", "space": "", "seconds": 0.0, "deviation": None}
        self.done[law].append(data)
        self.finished += 1
        if len(self.done[law]) == self.expected[law]:
            self._print(self._law_line(law))

    def _law_line(self, law: str) -> str:
        items = self.done[law]
        counts = Counter(i["outcome"] for i in items)
        known = sum(1 for i in items if i["deviation"])
        bad = counts["violated"] > known or counts["error"] or (known and not counts["held"])
        mark = "✘" if bad else "✔" if counts["held"] else "?"
        parts = [f"{counts[o]} {o}" for o in ("held", "violated", "undecided", "error") if counts[o]]
        if known:
            parts.append(f"{known} known")
        worst = max((i for i in items if i["worst"] is not None), key=lambda i: float(i["worst"]), default=None)
        tail = f"worst {float(worst['worst']):.2g} ({worst['subject']} {worst['space']})" if worst else ""
        return f"  {mark} {law:<52} {', '.join(parts):<28} {tail}"

    def _print(self, line: str) -> None:
        try:
            if self.live:
                sys.stdout.write("\r\033[K")
            print(line, flush=True)
        except BrokenPipeError:  # `detrace verify | head`: the run and its results file matter more
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        from .plugin import session_of

        if self.live:
            sys.stdout.write("\r\033[K")
        for error in self.errors:
            print(error)
        if not self.total:
            return
        session = session_of(config)
        self._violations(session.results)
        print()
        for line in summary_lines(session.results):
            print(line)
        if session.results.get("items"):
            cut = " (interrupted: only what was finished)" if session.results["interrupted"] else ""
            print(f"results: {session.path}{cut}   page: detrace report")
            if self._unknown(session.results):
                where = "" if session.path == DEFAULT_PATH.resolve() else f" --results {session.path}"
                print(f"after a fix: detrace verify --rerun-failed{where}")
        elif self.finished < self.total:
            print("interrupted before anything was finished; no results file was written")

    def _unknown(self, results: dict[str, Any]) -> list[dict[str, Any]]:
        """Violated items that the ledger does not know."""
        return [i for i in results.get("items", []) if i["outcome"] == "violated" and not i["deviation"]]

    def _violations(self, results: dict[str, Any]) -> None:
        """One block for what a subject makes of the same functions: the law that is broken most simply in full (a wrong value
        before an exception, then the fewest and shortest calls), the others by name."""
        laws = {law["name"]: law for law in results.get("laws", [])}
        groups: dict[tuple[str, ...], dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
        for item in self._unknown(results):
            asked = laws.get(item["law"], {"contracts": [item["law"]]})["contracts"]
            groups[item["subject"], *asked][item["law"]].append(item)
        for (_, *asked), broken in list(groups.items())[:MAX_BLOCKS]:
            for items in broken.values():
                items.sort(key=_simplicity)
            (name, items), *others = sorted(broken.items(), key=lambda pair: _simplicity(pair[1][0]))
            about, mistakes = _taught(results, name, asked)
            law = {"formula": "", "statement": "", "parts": {}} | laws.get(name, {})
            words = {k: law[k] for k in ("formula", "statement", "parts")}
            print("\n✘ " + violation_text(items[0], contracts=about, mistakes=mistakes, **words))
            if spaces := [i["space"] for i in items[1:]]:
                print(f"  also on  {', '.join(spaces)}")
            for other, (first, *_) in others:
                print(f"  and breaks {other}: {first['reason']}")
        if len(groups) > MAX_BLOCKS:
            print(f"\n… and {len(groups) - MAX_BLOCKS} more; `detrace report` shows all")
        elif any(len(broken) > 1 for broken in groups.values()):
            print("\nOne law of the same functions in full: detrace verify … --law NAME; all of them: detrace report")


def _taught(results: dict[str, Any], law: str, asked: Sequence[str]) -> tuple[list[str], list[str]]:
    """What a law's functions are, and known mistakes in them that it rejects."""
    about = [f"{c['name']} is {c['summary']}" for c in results.get("contracts", []) if c["name"] in asked]
    names: list[str] = next((x["mutants"] for x in results.get("laws", []) if x["name"] == law), [])
    found = [m for m in results.get("mutants", []) if m["name"] in names and m["contract"] in asked]
    return about, [f"{m['name'].replace('_', ' ')}: {m['trap']}" for m in found[:MAX_MISTAKES]]


def _law_of(nodeid: str) -> str:
    return nodeid.rpartition("::")[2].partition("[")[0]


def _simplicity(item: dict[str, Any]) -> tuple[bool, float, int]:
    """What to read first: a wrong value before an exception, then few calls (there is none where they were too long to keep),
    then short arguments."""
    violation = item["violation"] or {}
    calls = [args for _, args, _ in violation.get("calls", [])]
    return violation.get("kind") != "ratio", len(calls) or math.inf, len(str(calls or item["input"]))
