"""A session: one verification run from selection to results file, under pytest, xdist or the isolation mode."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from . import ledger, results
from .engine import PROFILES, VIOLATED, Outcome, run
from .laws import Law
from .plan import Plan, Selection, make
from .reproduction import script
from .spaces import Space, backends, probe
from .subjects import Subject
from .suite import Suite, load
from .values import decode


class SessionError(ValueError):
    """What was asked for cannot be run; the message is one sentence that says what to do."""


class Session:
    """What was asked for, the plan that follows from it, and what came out."""

    def __init__(self, suite: Suite, plan: Plan, *, profile: str, path: Path, isolate: float | None = None,
                 require: tuple[str, ...] = (), rerun: dict[str, Any] | None = None, command: str = "") -> None:  # fmt: skip
        self.suite, self.plan, self.profile, self.path = suite, plan, PROFILES[profile], path
        self.isolate, self.require, self.command = isolate, require, command
        self.explicit = {
            (i["law"], i["subject"], i["space"]): decode(i["input"])
            for i in (rerun["items"] if rerun else [])
            if i["outcome"] == VIOLATED and isinstance(i["input"], dict)
        }
        self.started = datetime.now(UTC)
        self.results: dict[str, Any] = {}
        self._worker: Any = None

    @classmethod
    def of(cls, options: dict[str, Any]) -> Session:
        """From pytest's options. Raises SessionError with one sentence."""
        asked = {k: tuple(options.get(f"detrace_{k}") or ()) for k in ("subject", "family", "law", "backend", "dtype", "require")}
        profile = options.get("detrace_profile") or "quick"
        if profile not in PROFILES:
            raise SessionError(f"unknown profile {profile!r}; there are quick, ci and deep")
        try:
            suite = load()
            rerun = results.read(Path(options["detrace_rerun"])) if options.get("detrace_rerun") else None
            subjects = asked["subject"]
            if rerun is not None:
                failed = [i for i in rerun["items"] if i["outcome"] == VIOLATED]
                specs = {s["name"]: s.get("spec", s["name"]) for s in rerun["subjects"]}
                subjects = tuple(dict.fromkeys(specs[i["subject"]] for i in failed)) or ("reference",)
            plan = make(suite, Selection(subjects, asked["family"], asked["law"], asked["backend"], asked["dtype"]))
            if rerun is not None:
                wanted = {(i["law"], i["subject"], i["space"]) for i in failed}
                plan.items = [x for x in plan.items if (x[0].name, x[1].name, x[2].id) in wanted]
                plan.not_run = []
            for backend_id in asked["require"]:
                if backend_id not in backends():
                    raise SessionError(f"--require {backend_id}: no such space; there are {', '.join(backends())}")
                if reason := probe(backend_id):
                    raise SessionError(f"--require {backend_id}: it is not here: {reason}")
        except ValueError as error:
            raise SessionError(str(error)) from None
        if not plan.items and rerun is None:
            raise SessionError(_nothing_to_run(plan, suite))
        return cls(
            suite, plan, profile=profile, path=Path(options.get("detrace_results") or results.DEFAULT_PATH),
            isolate=options.get("detrace_isolate"), require=asked["require"], rerun=rerun,
        )  # fmt: skip

    @cached_property
    def ledger(self) -> list[ledger.Deviation]:
        return ledger.read(self.suite.root / "verify" / "deviations.toml")

    def run(self, law: Law, subject: Subject, space: Space) -> tuple[Outcome, dict[str, Any]]:
        """Judge one item; the outcome and its plain data for the results file."""
        known = next((d for d in self.ledger if d.covers(law.name, subject.name, space.id)), None)
        explicit = [self.explicit[key]] if (key := (law.name, subject.name, space.id)) in self.explicit else []
        if known is not None and known.law == law.name and not explicit and known.applies(subject.requires):
            explicit = [known.input]
        if self.isolate and subject.role != "reference":
            outcome = self._isolated(law, subject, space, explicit)
        else:
            outcome = run(law, subject, space, self.suite.contracts, self.profile, explicit=explicit)
        data = outcome.as_json()
        violated = outcome.outcome == VIOLATED
        data["deviation"] = known.id if violated and known is not None else None
        data["script"] = script(law, subject, space, outcome) if violated else ""
        return outcome, data

    def finish(self, items: list[dict[str, Any]], *, interrupted: bool) -> list[str]:
        """Replay the ledger, write the results file, and say what must fail the run beyond violated items."""
        if self._worker is not None:
            self._worker.close()
        entries = [d for d in self.ledger if d.subject in {s.name for s in self.plan.subjects}]
        if not interrupted:
            ledger.replay(entries, self.plan, self.suite)
        self.results = results.describe(self.suite, self.plan, self.ledger)
        for described, subject in zip(self.results["subjects"], self.plan.subjects, strict=True):
            described["spec"] = subject.spec
        self.results |= {
            "created": self.started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "interrupted": interrupted, "command": self.command, "profile": self.profile.name, "items": list(items),
        }  # fmt: skip
        results.sort_items(self.results)
        if items:
            previous = _kept(self.path)
            results.write(self.results | previous, self.path)
        return [
            f"the ledger's entry {d.id} no longer reproduces on {d.subject}; remove it or state its versions"
            for d in entries
            if d.status == "stale"
        ]

    def _isolated(self, law: Law, subject: Subject, space: Space, explicit: list[dict[str, Any]]) -> Outcome:
        from .isolation import Worker

        if self._worker is None:
            self._worker = Worker(self.isolate or 60.0)
        start = time.perf_counter()
        outcome = self._worker.run(law, subject, space, self.profile, explicit)
        outcome.seconds = round(time.perf_counter() - start, 4)
        return outcome


def _kept(path: Path) -> dict[str, Any]:
    """Benchmarks of an earlier file stay when laws are run again."""
    try:
        before = results.read(path)
    except results.ResultsError:
        return {}
    return {k: before[k] for k in ("benchmarks", "growth", "machine_limits", "suite_speed") if k in before}


def _nothing_to_run(plan: Plan, suite: Suite) -> str:
    reasons = list(dict.fromkeys(n["reason"] for n in plan.not_run))
    names = ", ".join(s.name for s in plan.subjects)
    if reasons:
        return f"nothing to run for {names}: {'; '.join(reasons[:3])}"
    return f"nothing to run: no chosen law asks for what {names} offers; `detrace laws` lists what each law needs"
