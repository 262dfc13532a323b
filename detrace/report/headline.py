"""The page's first figures: what was judged, what is wrong with whom, how sure that is, and how fast it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from .benchmarks import pace
from .counts import BY_DESIGN, Tally, excuses, outcome
from .show import count, share, significant


def facts(
    results: Mapping[str, Any], tally_list: Iterable[Tally], gate: Mapping[str, Any] | None = None
) -> list[dict[str, str]]:
    """Four entries, each with a title, a figure and words; a fifth with a gate's outcome."""
    listed = list(tally_list)
    items = [i for i in results.get("items") or [] if outcome(i) != "not run"]
    judged = {i.get("law") for i in items}
    examples, open_ones = sum(t.examples for t in listed), sum(t.undecided_examples for t in listed)
    subjects, places = {i.get("subject") for i in items}, {str(i.get("space")).rpartition("-")[0] for i in items}
    mistakes = len(results.get("mutants") or [])
    where = count(len(places), "array library", "array libraries")
    traps = f" The laws must reject {count(mistakes, 'known mistake')}." if mistakes else ""
    found = [
        {
            "title": "Judged", "figure": count(len(judged), "law"),
            "words": f"on {count(len(subjects), 'implementation')} in {where}: {count(len(items), 'item')}, "
                     f"{count(examples, 'example')}. An item is a law on one of these, in one dtype.",
        },
        _wrong(results, listed),
        {
            "title": "How sure",
            "figure": f"{share(examples - open_ones, examples)} decided" if examples else "nothing decided",
            "words": f"of all examples; in the others the bound cannot tell a right answer from a wrong one.{traps}",
        },
    ]  # fmt: skip
    roles = {str(s.get("name")): str(s.get("role")) for s in results.get("subjects") or []}
    speed = pace(results.get("benchmarks") or [], roles)
    figure, words = "not timed", "detrace bench adds times to the results."
    if speed:
        figure = f"{significant(speed[0])} ×"
        words = f"our reference's time over the fastest library's, geometric mean of {count(speed[1], 'timed case')}"
    found.append({"title": "How fast", "figure": figure, "words": words})
    if gate and not gate["unknown"]:
        against = f"against {gate['against']['name']}: {gate['words']}"
        found.append({"title": "Gate", "figure": "failed" if gate["failed"] else "passed", "words": against})
    return found


def _wrong(results: Mapping[str, Any], listed: Iterable[Tally]) -> dict[str, str]:
    """Who violates a law, apart from what the ledger holds to be by design or unchecked."""
    differing: Counter[str] = sum((t.violating for t in listed), Counter())
    if not differing:
        return {"title": "Wrong", "figure": "nobody", "words": "No law was violated."}
    excused, violated = excuses(results), [i for i in results.get("items") or [] if outcome(i) == "violated"]
    items = [i for i in violated if i.get("deviation") not in excused]
    wrong = Counter(str(i.get("subject")) for i in items)
    causes = {str(i.get("deviation")) for i in items if i.get("deviation")}
    worst = [f"{name} {n:,}" for name, n in wrong.most_common(4)]
    for name, n in wrong.most_common(1):
        worst[0] = f"{name} in {count(n, 'item')}"
    words = ", ".join(worst)
    words += f" and {len(wrong) - 4} more" if len(wrong) > 4 else ""
    words += f", from {count(len(causes), 'known defect')}" if causes else ""
    chosen = {str(i.get("subject")) for i in violated if excused.get(i.get("deviation")) == BY_DESIGN} - set(wrong)
    others = [f"{len(chosen):,} more differ{'s' * (len(chosen) == 1)} by design"] * bool(chosen)
    if lenient := len(set(differing) - set(wrong) - chosen):
        others.append(f"{lenient:,} more take{'s' * (lenient == 1)} input unchecked")
    words += "; " * bool(wrong and others) + ", ".join(others)
    return {"title": "Wrong", "figure": count(len(wrong), "implementation") if wrong else "nobody", "words": words}
