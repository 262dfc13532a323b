"""A session: one verification run from selection to results file, under pytest, xdist or the isolation mode."""

from __future__ import annotations

import os
import platform
import time
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from . import ledger, results
from .engine import PROFILES, VIOLATED, Outcome, Profile, run
from .known import Known
from .laws import Law
from .ledger import Deviation
from .plan import Plan, Selection, make
from .reproduction import script
from .spaces import Space, backends, current, probe
from .subjects import Subject
from .suite import Suite, load
from .values import decode

TIME_LIMIT = 60.0
"""Seconds without an answer that count as a hang, where nobody said otherwise (see `detrace.isolation`)."""


COMPILED = ".detrace/jax"
"""Where what JAX compiled is kept, one folder for each kind of processor."""


def keep_compiled() -> None:
    """Let JAX, unless it is imported already or told where, keep what it compiles: for the other workers and the next run.

    It compiles each operation for each shape. Profiles that are not random draw the same shapes each time.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        cpu = next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
        kind = f"{platform.machine()}-{zlib.crc32(cpu.encode()):08x}"
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(COMPILED, kind).resolve())
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


class SessionError(ValueError):
    """What was asked for cannot be run; the message is one sentence that says what to do."""


class RequirementError(SessionError):
    """A space that the run was told to have is not here."""


def check_required(backend_ids: Iterable[str]) -> None:
    """RequirementError for a device that is not here, SessionError for one that does not exist."""
    for backend_id in backend_ids:
        if backend_id not in backends():
            raise SessionError(f"--require {backend_id}: no such device; there are {', '.join(backends())}")
        if reason := probe(backend_id):
            raise RequirementError(f"--require {backend_id}: it is not here: {reason}")


class Session:
    """What was asked for, the plan that follows from it, and what came out."""

    def __init__(self, suite: Suite, plan: Plan, *, profile: str, path: Path, isolate: float | None = None,
                 rerun: dict[str, Any] | None = None, command: str = "", worker: Any = None) -> None:  # fmt: skip
        self.suite, self.plan, self.profile, self.path = suite, plan, PROFILES[profile], path
        self.isolate, self.command, self.rerun = isolate, command, rerun
        self.explicit = {
            _key(i): decode(i["input"]) for i in (rerun["items"] if rerun else [])
            if i["outcome"] == VIOLATED and isinstance(i["input"], dict)
        }  # fmt: skip
        self.started = datetime.now(UTC)
        self.results: dict[str, Any] = {}
        self._worker = worker

    @classmethod
    def of(cls, options: dict[str, Any]) -> Session:
        """From pytest's options. Raises SessionError with one sentence."""
        asked = {
            k: tuple(options.get(f"detrace_{k}") or ())
            for k in ("subject", "family", "law", "backend", "dtype", "require")
        }
        profile = options.get("detrace_profile")
        path = Path(options.get("detrace_results") or results.DEFAULT_PATH)
        isolate = options.get("detrace_isolate")
        if profile is not None and profile not in PROFILES:
            raise SessionError(f"unknown profile {profile!r}; there are {', '.join(PROFILES)}")
        if isolate is not None and not isolate > 0:
            raise SessionError(f"--isolate {isolate:g}: give a number of seconds above 0")
        if not PROFILES[profile or "quick"].random:
            keep_compiled()
        check_required(asked["require"])
        worker = None
        try:
            results.check_writable(path)
            suite = load()
            rerun = results.read(Path(options["detrace_rerun"])) if options.get("detrace_rerun") else None
            items = rerun["items"] if rerun else []
            failed = [i for i in items if i["outcome"] == VIOLATED and not i["deviation"]]
            if any((i["violation"] or {}).get("kind") in ("crashed", "hung") for i in failed):
                isolate = isolate or TIME_LIMIT  # without, these would take this process down
            if rerun is not None and not failed:
                raise SessionError(f"nothing to run again: {options['detrace_rerun']} has no violated item but known ones")
            subjects = _subjects_of(rerun, failed) if rerun else asked["subject"]
            if isolate:
                worker = _worker(isolate, subjects)
            sample = profile in (None, "quick") and rerun is None
            plan = make(suite, Selection(subjects, asked["family"], asked["law"], asked["backend"], asked["dtype"], sample),
                        probe_with=worker.probe if worker else None)  # fmt: skip
        except ValueError as error:
            raise error if isinstance(error, SessionError) else SessionError(str(error)) from None
        if rerun is not None:
            wanted = {_key(i) for i in failed}
            plan.items = [x for x in plan.items if (x[0].name, x[1].name, x[2].id) in wanted]
        if not plan.items:
            raise SessionError(_nothing_to_run(plan))
        found = cls(
            suite, plan, profile=profile or (rerun or {}).get("profile") or "quick", path=path, isolate=isolate,
            rerun=rerun, worker=worker, command=str(options.get("detrace_command") or ""),
        )  # fmt: skip
        try:
            _ = found.ledger
        except ValueError as error:
            raise SessionError(str(error)) from None
        return found

    @cached_property
    def ledger(self) -> list[ledger.Deviation]:
        return ledger.read(self.suite.root / "verify" / "deviations.toml", self.suite.laws)

    def known(self, law: Law, subject: Subject, space: Space) -> list[Deviation]:
        """The ledger's entries about this item that speak of the installed version."""
        entries = [d for d in self.ledger if d.applies(subject.requires)]
        return ledger.covering(entries, law, subject.name, space.id)

    def run(self, law: Law, subject: Subject, space: Space) -> tuple[Outcome, dict[str, Any]]:
        """Judge one item, the inputs of the ledger's entries about it first; the outcome and its plain data for the file, with
        what a replay of those entries says."""
        entries = self.known(law, subject, space)
        own = [d for d in entries if d.law == law.name]
        inputs, known = [d.input for d in own], [d.explains(space) for d in entries]
        if any(d.isolate for d in own):  # a search would only find the same crash again
            profile = ledger.REPLAY
        else:
            profile = self.profile
            inputs = [self.explicit[k] for k in [(law.name, subject.name, space.id)] if k in self.explicit] + inputs
        outcome = self.judge(law, subject, space, profile, inputs, known)
        data = outcome.as_json()
        violated = outcome.outcome == VIOLATED
        data["script"] = script(law, subject, space, outcome, self.suite.contracts) if violated else ""
        if profile is ledger.REPLAY and len(own) == 1:
            data["replays"] = {own[0].id: ledger.verdict(own[0], space, outcome)}
        else:
            data["replays"] = {d.id: ledger.reproduces(d, law, subject, space, self.judge) for d in own}
        return outcome, data

    def judge(self, law: Law, subject: Subject, space: Space, profile: Profile, explicit: Sequence[dict[str, Any]],
              known: Sequence[Known] = ()) -> Outcome:  # fmt: skip
        """Run one item here, or in the child process if subjects are isolated."""
        limits = [d.isolate for d in self.known(law, subject, space) if d.law == law.name and d.isolate]
        limit = self.isolate or (limits[0] if limits else None)
        if limit is None or subject.role == "reference":
            return run(law, subject, space, self.suite.contracts, profile, explicit=explicit, known=known)
        if self._worker is None:
            self._worker = _worker(limit, ())
        start = time.perf_counter()
        outcome: Outcome = self._worker.run(law, subject, space, profile, explicit, known)
        outcome.seconds = round(time.perf_counter() - start, 4)
        return outcome

    def finish(self, items: Sequence[dict[str, Any]], *, interrupted: bool) -> list[str]:
        """Replay the ledger, write the results file, and say what must fail the run beyond violated items."""
        entries = [d for d in self.ledger if d.subject in {s.name for s in self.plan.subjects}]
        done = {(entry, i["space"]): (held, reason) for i in items for entry, (held, reason) in i.pop("replays").items()}
        if not interrupted:
            ledger.replay(entries, self.plan, self.suite, self.judge, done)
        self.close()
        self.results = results.describe(self.suite, self.plan, self.ledger)
        for described, subject in zip(self.results["subjects"], self.plan.subjects, strict=True):
            described["spec"] = subject.spec
        self.results |= {
            "created": self.started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "interrupted": interrupted, "command": self.command, "profile": self.profile.name, "items": list(items),
        }  # fmt: skip
        if self.rerun is not None:
            _keep_the_rest(self.results, self.rerun)
        results.sort_items(self.results)
        results.collect_points(self.results)
        if self.rerun is not None:
            again = {_key(i) for i in items}
            self.results["ratio_by_norm"] += [p for p in self.rerun.get("ratio_by_norm", []) if _key(p) not in again]
        if items:
            results.write(self.results | _benchmarks(self.path), self.path)
        return [
            f"the ledger's entry {d.id} no longer reproduces on {d.subject} ({d.reason}); remove it or state its versions"
            for d in entries
            if d.status == "stale"
        ]

    def close(self) -> None:
        """End the child process of the isolation mode."""
        if self._worker is not None:
            self._worker.close()


def _key(item: dict[str, Any]) -> tuple[str, str, str]:
    return item["law"], item["subject"], current(item["space"])


def _worker(limit: float, specs: Iterable[str]) -> Any:
    """The child process; SessionError if importing a subject takes it down."""
    from .isolation import Worker

    worker = Worker(limit)
    for spec in specs:
        if spec not in ("reference", "peers") and (reason := worker.resolve(spec)):
            worker.close()
            raise SessionError(f"importing {spec} {reason}")
    return worker


def _subjects_of(rerun: dict[str, Any], failed: list[dict[str, Any]]) -> tuple[str, ...]:
    """What to ask for so that the subjects of the failed items are here again."""
    specs = {s["name"]: s.get("spec") or s["name"] for s in rerun["subjects"]}
    return tuple(dict.fromkeys(specs.get(i["subject"], i["subject"]) for i in failed))


def _keep_the_rest(now: dict[str, Any], before: dict[str, Any]) -> None:
    """Put everything that was not run again back beside what was."""
    again, names = {_key(i) for i in now["items"]}, {s["name"] for s in now["subjects"]}
    now["rerun"] = len(again)
    now["items"] += [i for i in before["items"] if _key(i) not in again]
    now["subjects"] += [s for s in before["subjects"] if s["name"] not in names]
    earlier = {s["id"]: s for s in before["spaces"]}
    now["spaces"] = [s if s["available"] is not None else earlier.get(s["id"], s) for s in now["spaces"]]
    for k in ("not_run", "absent_peers"):
        now[k] = before.get(k, now[k])


def _benchmarks(path: Path) -> dict[str, Any]:
    """Benchmarks of an earlier file stay when laws are run again."""
    try:
        before = results.read(path)
    except results.ResultsError:
        return {}
    return {k: before[k] for k in ("benchmarks", "growth", "machine_limits", "suite_speed") if k in before}


def _nothing_to_run(plan: Plan) -> str:
    reasons = list(dict.fromkeys(n["reason"] for n in plan.not_run))
    names = ", ".join(s.name for s in plan.subjects[:3])
    if len(plan.subjects) > 3:
        names += f" and {len(plan.subjects) - 3} more"
    if reasons:
        return f"nothing to run for {names}: {'; '.join(reasons[:3])}"
    return f"nothing to run: no chosen law asks for what is offered by {names}; `detrace laws` lists what each law needs"
