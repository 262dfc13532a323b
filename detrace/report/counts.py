"""What became of the items, in numbers and in plain words. Held, violated, undecided and not run are never mixed.

A violation that the ledger holds to be by design, or of input that is unchecked, counts as violated, and is shown apart from
what is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .show import count, number

OUTCOMES = ("held", "violated", "undecided", "not run")
BY_DESIGN, UNCHECKED = EXCUSES = "by design", "unchecked"
"""Verdicts of the ledger that call nobody wrong."""
SYMBOLS = {"held": "✓", "violated": "✕", BY_DESIGN: "≠", UNCHECKED: "∉", "undecided": "?", "not run": "·"}
COLOURS = {"violated": "v", BY_DESIGN: "d", UNCHECKED: "i", "undecided": "u", "not run": "n"}
"""Classes of chips, cells and keys; what held has a shade."""
ROLES = {"reference": "Our references", "peer": "Public libraries", "user": "Your subjects", "mutant": "Mutants"}
ANY = "*"


@dataclass
class Tally:
    """Items of one role by outcome; of the violated ones the ledger names `known`, and `excused` counts them by verdict."""

    role: str
    title: str
    items: Counter[str] = field(default_factory=Counter)
    known: int = 0
    excused: Counter[str] = field(default_factory=Counter)
    examples: int = 0
    undecided_examples: int = 0
    violating: Counter[str] = field(default_factory=Counter)

    @property
    def sentence(self) -> str:
        parts = [f"{self.items[o]:,} {o}" for o in OUTCOMES]
        news = self.items["violated"] - self.known if self.known else 0
        defects = self.known - self.excused.total()
        notes = {"known as defects": defects, **{e: self.excused[e] for e in EXCUSES}, "not in the ledger": news}
        if any(notes.values()):
            parts[1] += f" ({', '.join(f'{k:,} {words}' for words, k in notes.items() if k)})"
        return f"{self.title}: {parts[0]}, {parts[1]}, {parts[2]}, {parts[3]}."

    @property
    def shares(self) -> list[tuple[str, float]]:
        """Class and share in thousandths of each part of the bar: held, wrong, by design, unchecked, undecided, not run."""
        parts = {"o0": self.items["held"], "o1": self.items["violated"] - self.excused.total(), "o4": self.excused[BY_DESIGN],
                 "o5": self.excused[UNCHECKED], "o2": self.items["undecided"], "o3": self.items["not run"]}  # fmt: skip
        return [(css, 1000 * n / sum(parts.values())) for css, n in parts.items() if n]


def excuses(results: Mapping[str, Any]) -> dict[str, str]:
    """The ledger's entries that call nobody wrong, with their verdict."""
    return {str(e.get("id")): str(e["verdict"]) for e in results.get("ledger") or [] if e.get("verdict") in EXCUSES}


def tallies(results: Mapping[str, Any]) -> list[Tally]:
    """One tally a role, in the order references, user's subjects, peers."""
    roles = {s.get("name", ""): s.get("role", "user") for s in results.get("subjects") or []}
    excused = excuses(results)
    found = {r: Tally(r, ROLES[r]) for r in ("reference", "user", "peer", "mutant")}
    for item in results.get("items") or []:
        tally = found.get(roles.get(item.get("subject"), "user"), found["user"])
        tally.items[outcome(item)] += 1
        tally.examples += int(number(item.get("examples")) or 0)
        tally.undecided_examples += int(number(item.get("undecided")) or 0)
        if outcome(item) == "violated":
            tally.known += bool(item.get("deviation"))
            if item.get("deviation") in excused:
                tally.excused[excused[item["deviation"]]] += 1
            tally.violating[str(item.get("subject"))] += 1
    for skipped in results.get("not_run") or []:
        if skipped.get("subject", ANY) != ANY:
            found.get(roles.get(skipped.get("subject"), "user"), found["user"]).items["not run"] += 1
    return [t for t in found.values() if t.items or t.role in roles.values()]


def outcome(item: Mapping[str, Any]) -> str:
    """An outcome that is none of the four is no outcome: it counts as not run."""
    said = item.get("outcome")
    return said if said in OUTCOMES else "not run"


def spaces(results: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Spaces that items ran on, and the others with the reason why not: not here, or here and not used."""
    ran = {str(i.get("space")).rpartition("-")[0] for i in results.get("items") or []}
    ran |= {str(i.get("space")) for i in results.get("items") or []}
    here, away = [], []
    for space in results.get("spaces") or []:
        if not space.get("available"):
            away.append({**space, "reason": space.get("reason") or "no reason given"})
        elif space.get("id") in ran:
            here.append(space)
        else:
            away.append({**space, "reason": "it is here, but nothing was run on it"})
    return here, away


def coverage(results: Mapping[str, Any]) -> str:
    """A sentence when laws of the catalogue were not judged at all; '' when all were."""
    judged = {i.get("law") for i in results.get("items") or [] if outcome(i) != "not run"}
    names = {law.get("name") for law in results.get("laws") or []}
    if not judged or names <= judged:
        return ""
    n = len(names & judged)
    judged_words = f"{n:,} of {count(len(names), 'law')} {'was' if n == 1 else 'were'} judged"
    return f"{judged_words}; the others were not asked for, or no subject here offers what they need."


def verdict(tally_list: Iterable[Tally], stale: int, interrupted: bool, regressed: bool = False) -> tuple[str, str]:
    """The page's first line, and its tone: good, bad or open; `regressed` says that the gate failed."""
    by_role = {t.role: t for t in tally_list}
    ours, users, peers = (by_role.get(r, Tally(r, "")) for r in ("reference", "user", "peer"))
    wrong = []
    if ours.items["violated"]:
        wrong.append(f"Our references violate {count(ours.items['violated'], 'item')}")
    if users.items["violated"]:
        wrong.append(f"{_names(users)} {_verb(users)} {count(users.items['violated'], 'item')}")
    if new := peers.items["violated"] - peers.known:
        peers_show = "public libraries show" if wrong else "Public libraries show"
        wrong.append(f"{peers_show} {count(new, 'violation')} that the ledger does not name")
    if stale:
        wrong.append(f"{count(stale, 'ledger entry', 'ledger entries')} no longer reproduce{'s' if stale == 1 else ''}")
    if regressed and wrong:
        wrong.append("the gate failed")
    if wrong:
        return ", and ".join(wrong) + ".", "bad"
    judged = ours.items["held"] + users.items["held"] + peers.items["held"] + peers.known
    if not judged:
        return ("The gate failed; no law was judged.", "bad") if regressed else ("Nothing was judged.", "open")
    who = "Everything that could be decided held"
    if peers.known:
        who += f", but for {count(peers.known, 'known violation')} by public libraries"
    if regressed or interrupted:
        rest = f"{who[0].lower()}{who[1:]}."
        return (f"The gate failed; {rest}", "bad") if regressed else (f"Interrupted. So far: {rest}", "open")
    return f"{who}.", "good"


def _names(tally: Tally) -> str:
    names = list(tally.violating)
    shown = names[:3] + ([f"{len(names) - 3} more"] if len(names) > 3 else [])
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def _verb(tally: Tally) -> str:
    return "violates" if len(tally.violating) == 1 else "violate"


def reasons(not_run: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Why things were not run: each reason once, with how many items, which subjects and which spaces."""
    found: dict[str, dict[str, Any]] = {}
    for skipped in not_run:
        reason = str(skipped.get("reason") or "no reason given")
        entry = found.setdefault(reason, {"n": 0, "subjects": {}, "spaces": {}})
        entry["n"] += 1
        entry["subjects"][str(skipped.get("subject", ANY))] = None
        entry["spaces"][str(skipped.get("space", ANY))] = None
    rows = [
        {"reason": reason, "n": e["n"], "subjects": _few(e["subjects"], "all"), "spaces": _few(e["spaces"], "all")}
        for reason, e in found.items()
    ]
    return sorted(rows, key=lambda row: -row["n"])


def _few(names: Iterable[str], everything: str, shown: int = 6) -> str:
    listed = [everything if n == ANY else n for n in names]
    return ", ".join(listed[:shown]) + (f" and {len(listed) - shown} more" if len(listed) > shown else "")
