"""What became of the items, in numbers and in plain words. Held, violated, undecided and not run are never mixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .show import count, number

OUTCOMES = ("held", "violated", "undecided", "not run")
SYMBOLS = {"held": "✓", "violated": "✕", "undecided": "?", "not run": "·"}
ROLES = {"reference": "Our references", "peer": "Public libraries", "user": "Your subjects", "mutant": "Mutants"}
ANY = "*"


@dataclass
class Tally:
    """Items of one role by outcome; `known` are the violated ones that the ledger names."""

    role: str
    title: str
    items: Counter[str] = field(default_factory=Counter)
    known: int = 0
    examples: int = 0
    undecided_examples: int = 0
    violating: Counter[str] = field(default_factory=Counter)

    @property
    def sentence(self) -> str:
        parts = [f"{self.items[o]:,} {o}" for o in OUTCOMES]
        if self.known:
            which = "all of them" if self.known == self.items["violated"] else f"{self.known:,} of them"
            parts[1] += f" ({which} in the ledger as known deviations)"
        return f"{self.title}: {parts[0]}, {parts[1]}, {parts[2]}, {parts[3]}."


def tallies(results: Mapping[str, Any]) -> list[Tally]:
    """One tally a role, in the order references, user's subjects, peers."""
    roles = {s.get("name", ""): s.get("role", "user") for s in results.get("subjects") or []}
    found = {r: Tally(r, ROLES[r]) for r in ("reference", "user", "peer", "mutant")}
    for item in results.get("items") or []:
        tally = found.get(roles.get(item.get("subject"), "user"), found["user"])
        tally.items[outcome(item)] += 1
        tally.examples += int(number(item.get("examples")) or 0)
        tally.undecided_examples += int(number(item.get("undecided")) or 0)
        if outcome(item) == "violated":
            tally.known += bool(item.get("deviation"))
            tally.violating[str(item.get("subject"))] += 1
    for skipped in results.get("not_run") or []:
        if skipped.get("subject", ANY) != ANY:
            found.get(roles.get(skipped.get("subject"), "user"), found["user"]).items["not run"] += 1
    return [t for t in found.values() if t.items or t.role in roles.values()]


def outcome(item: Mapping[str, Any]) -> str:
    """An outcome that is none of the four is no outcome: it counts as not run."""
    said = item.get("outcome")
    return said if said in OUTCOMES else "not run"


def verdict(tally_list: Iterable[Tally], stale: int, interrupted: bool) -> tuple[str, str]:
    """The page's first line, and its tone: good, bad or open."""
    by_role = {t.role: t for t in tally_list}
    ours, users, peers = (by_role.get(r, Tally(r, "")) for r in ("reference", "user", "peer"))
    wrong = []
    if ours.items["violated"]:
        wrong.append(f"our references violate {count(ours.items['violated'], 'item')}")
    if users.items["violated"]:
        wrong.append(f"{_names(users)} {_verb(users)} {count(users.items['violated'], 'item')}")
    if new := peers.items["violated"] - peers.known:
        wrong.append(f"public libraries show {count(new, 'violation')} that the ledger does not name")
    if stale:
        wrong.append(f"{count(stale, 'ledger entry', 'ledger entries')} no longer reproduce{'s' if stale == 1 else ''}")
    if wrong:
        text = ", and ".join(wrong)
        return text[0].upper() + text[1:] + ".", "bad"
    judged = ours.items["held"] + users.items["held"] + peers.items["held"] + peers.known
    if not judged:
        return "Nothing was judged.", "open"
    who = "Everything that could be decided held"
    if peers.known:
        are = "is" if peers.known == 1 else "are"
        who += f"; the {count(peers.known, 'violation')} by public libraries {are} known and in the ledger"
    if interrupted:
        return f"Interrupted. So far: {who[0].lower()}{who[1:]}.", "open"
    return f"{who}.", "good"


def _names(tally: Tally) -> str:
    names = list(tally.violating)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


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
