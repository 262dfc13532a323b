"""The parent's side: three lanes (base, head, canary) take turns in mirrored orders, one batch each a round.

Against a base tree the lanes are three processes, the canary a second one of base. Against a stored baseline they are a
control, the kernel, and a second copy of the control, in one process. Everything else is the same.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..timing.campaign import _core
from ..timing.pool import ONE_THREAD
from ..timing.sampling import BATCH_S
from .decision import ROUNDS, Decision, decide, moved
from .kernels import Kernel
from .trees import GateError, Tree

LANES = ("base", "head", "canary")
ORDERS = ((0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1), (2, 0, 1), (1, 0, 2))
"""ABBA for three: each order and then its mirror, so that drift cancels; in six rounds each lane stands everywhere equally
often and runs once right after itself."""
LONG_S, LONG_ROUNDS = 50e-3, 10
"""Calls beyond 50 ms get ten rounds: their batches are single calls, steadier than a batch of short ones."""
UNEQUAL_S = 10 * BATCH_S
"""Lanes make equally many calls a batch, unless the slowest would then take this long."""
ANSWER_S = 120.0
"""A worker that is silent for this long hangs."""


class WorkerError(RuntimeError):
    """A worker that died, hung, or could not do what it was asked."""


class Process:
    """One worker. `ask` raises WorkerError; an error of the request leaves the worker alive, `dead` says otherwise."""

    def __init__(self, tree: Tree, job: dict[str, Any]) -> None:
        self.dead = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the process)
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "detrace.gate.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._errors,
            env=os.environ | ONE_THREAD | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )  # fmt: skip
        of = None if tree.of is None else str(tree.of)
        self.say({"path": tree.path, "cwd": str(tree.cwd), "root": str(tree.root), "of": of, "core": _core(), **job})

    def say(self, request: dict[str, Any]) -> None:
        """Send a request; `hear` takes the answer."""
        assert self._child.stdin is not None
        with suppress(BrokenPipeError):
            self._child.stdin.write(json.dumps(request).encode() + b"\n")
            self._child.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        ready = select.select([self._child.stdout], [], [], ANSWER_S)[0]
        line = self._child.stdout.readline() if ready else b""
        if not line:
            self.dead = True
            raise WorkerError(f"gave no answer for {ANSWER_S:g} s" if not ready else self._end())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        self.say({"do": do, **request})
        return self.hear()

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout, self._errors):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]

    def _end(self) -> str:
        code = self._child.wait()
        self._errors.seek(0)
        words = self._errors.read()[-2000:].decode(errors="replace").split("\n")
        last = next((w for w in reversed(words) if w.strip()), "")
        return f"the process died of signal {-code}" if code < 0 else f"the process ended with status {code}: {last[:200]}"


@dataclass
class Trial:
    """What one pass measured of a kernel: log-ratios by process set, and facts; `broken` says which lane failed and how."""

    head: list[np.ndarray] = field(default_factory=list)
    canary: list[np.ndarray] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=lambda: {lane: [] for lane in LANES})
    about: dict[str, Any] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


@dataclass
class Bench:
    """Passes over kernels in fresh processes, with all that was seen: the last trial of each, canaries of all.

    With `base` the lanes are trees; without it, controls: those of `stored` entries of a baseline file, which head is then
    held against, or the one of each kernel's class. `plant` slows head down by this share (to measure the gate).
    """

    head: Tree
    subjects: Sequence[str]
    kernels: dict[str, Kernel]
    base: Tree | None = None
    plant: float = 0.0
    progress: Callable[[str], None] = lambda text: None
    rounds: int = ROUNDS
    trials: dict[str, Trial] = field(default_factory=dict)
    canaries: dict[str, list[Decision]] = field(default_factory=dict)
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __call__(self, names: list[str], pairs: int) -> dict[str, Decision]:
        """Decisions on the named kernels, from `pairs` fresh process sets."""
        fresh = {n: Trial() for n in names}
        for i in range(pairs):
            self.progress(f"processes {i + 1}/{pairs}: {len(names)} kernel{'s' if len(names) > 1 else ''}")
            waiting = [n for n in names if not fresh[n].broken]
            while waiting:
                with self._processes() as lanes:
                    while waiting and not any(p.dead for p in lanes):
                        name = waiting.pop(0)
                        self._one(fresh[name], self.kernels[name], lanes)
        self.trials |= {n: t for n, t in fresh.items() if not t.broken or n not in self.canaries}
        decisions = {}
        for n, t in fresh.items():
            if not t.broken:
                decisions[n] = decide(t.head, stored=self.stored[n]["log_ratio"] if n in self.stored else None)
                self.canaries.setdefault(n, []).append(decide(t.canary))
        return decisions

    def contaminated(self) -> bool:
        """Whether any canary of any pass moved."""
        return any(moved(d) for decisions in self.canaries.values() for d in decisions)

    @contextmanager
    def _processes(self) -> Iterator[list[Process]]:
        trees = [self.head] if self.base is None else [self.base, self.head, self.base]
        with ExitStack() as stack:
            started = []
            for lane, tree in zip(LANES, trees, strict=False):
                slow = self.plant if lane == "head" or self.base is None else 0.0
                job = {"subjects": list(self.subjects), "slow": slow, "controls": self.base is None}
                started.append(Process(tree, job))
                stack.callback(started[-1].close)
            try:
                for process in started:
                    process.hear()
            except WorkerError as error:
                raise GateError(f"a worker did not start: {error}") from None
            yield started * (1 if self.base else 3)

    def _one(self, trial: Trial, kernel: Kernel, lanes: Sequence[Process]) -> None:
        """All rounds of one kernel in one process set."""
        prepared: dict[str, dict[str, Any]] = {}
        for i in (1, 0, 2):
            lane, process = LANES[i], lanes[i]
            try:
                if self.base is None and lane != "head":
                    prepared[lane] = process.ask("prepare", name=lane, control=trial.about["control"])
                    continue
                prepared[lane] = process.ask("prepare", name=lane, kernel=asdict(kernel))
                if lane == "head" and not trial.about:  # the class is decided once, not by each process
                    stored = self.stored.get(kernel.id, prepared[lane])
                    trial.about |= {k: prepared[lane][k] for k in ("inputs", "code")} | {"control": stored.get("control", "")}
            except WorkerError as error:
                trial.broken[lane] = str(error)
                if self.base is None:
                    break
        if trial.broken:
            return
        repeats = {lane: p["repeats"] for lane, p in prepared.items()}
        if max(repeats.values()) * max(p["seconds"] for p in prepared.values()) < UNEQUAL_S:
            repeats = dict.fromkeys(LANES, max(repeats.values()))
        slow = max(p["seconds"] for p in prepared.values()) > LONG_S
        times = []
        try:
            for r in range(min(LONG_ROUNDS, self.rounds) if slow else self.rounds):
                row = [0.0] * 3
                for i in ORDERS[r % len(ORDERS)]:
                    row[i] = lanes[i].ask("sample", name=LANES[i], repeats=repeats[LANES[i]])["seconds"]
                times.append(row)
        except WorkerError as error:
            trial.broken[LANES[i]] = str(error)
            return
        seconds = np.array(times)
        logs = np.log(seconds[:, 1:] / seconds[:, :1])
        trial.head.append(logs[:, 0])
        trial.canary.append(logs[:, 1])
        for i, lane in enumerate(LANES):
            trial.seconds[lane].append(float(np.median(seconds[:, i])))


def scout(tree: Tree, subjects: Sequence[str], dtype: str, backends: Sequence[str]) -> dict[str, Any]:
    """What a tree's subjects can be timed on. GateError if the tree does not import."""
    process = Process(tree, {"subjects": list(subjects), "slow": 0.0, "controls": False})
    try:
        process.hear()
        return process.ask("offers", dtype=dtype, asked=list(backends))["offers"]
    except WorkerError as error:
        which = "head" if tree.of is None else f"the base tree ({tree.commit[:10]})"
        raise GateError(f"{which} does not import: {error}") from None
    finally:
        process.close()
