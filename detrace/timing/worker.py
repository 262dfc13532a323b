"""The worker: a fresh process, one thread, one core, that times what a job file says and answers in JSON lines.

Started by `detrace.timing.pool`, which sets the thread counts in its environment before NumPy or torch can be imported.
Each answer is ``{"begin": index}``, ``{"done": index, ...}`` or ``{"limits": ...}``.
"""

from __future__ import annotations

import gc
import json
import math
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_stack
from types import FrameType
from typing import IO, Any

import numpy as np

from .. import plan as planning
from ..spaces import Space, backends, probe
from ..subjects import Subject
from ..suite import load as load_suite
from ..values import encode
from . import cases, limits, members, memory
from .cases import Case, Growth
from .sampling import Effort, collector_off, interleave
from .timers import Sample, launch_bound

Who = tuple[str, str, str]
"""Subject, contract and backend."""
LONG, HOPELESS = 0.1, 2.0
"""A call of more than LONG·`call_s` computes rather than dispatches: at w times the work it takes w times as long at least.
Where that is more than HOPELESS·`call_s` it is not begun, since what is not in Python cannot be interrupted."""


class Worker:
    """Subjects and cases by name, and the tasks of one process."""

    def __init__(self, job: dict[str, Any]) -> None:
        suite = load_suite()
        self.contracts = suite.contracts
        self.subjects: dict[str, Subject] = {s.name: s for s in planning.subjects(suite, job["specs"])[0]}
        self.cases, self.growth = cases.load(suite.families)
        self.effort = Effort(**job["effort"])
        self.rng = np.random.default_rng(job["seed"])
        self.too_slow: dict[Who, float] = {}
        self.took: dict[Who, tuple[float, float]] = {}

    def group(self, task: dict[str, Any]) -> dict[str, Any]:
        """One case in one dtype: all members interleaved. A member that fails is named with its reason."""
        case: Case = self.cases[task["case"]][1]
        args = case.arguments(task["dtype"])
        ready: list[members.Member] = []
        answer: dict[str, dict[str, Any]] = {}
        judge = case.checker(args) if task["check"] else None
        for subject, backend, cold in task["members"]:
            key = f"{subject}-{backend}-{task['dtype']}{'-cold' if cold else ''}"
            row: dict[str, Any] = {"reason": "", "error_ratio": None, "how": "", "samples": []}
            answer[key] = row
            try:
                member = self._member(case, subject, backend, task["dtype"], args)
                member.cold = cold
                result = self._first_result(case, member, args)
                if judge is not None:
                    check = judge(result, member.space)
                    row["error_ratio"], row["how"] = encode(float(check.ratio)), check.how
                ready.append(member)
            except (Exception, SystemExit) as error:
                row["reason"] = _reason(case.contract, error)
        try:
            samples = interleave(ready, self.effort, self.rng) if ready else {}
        except (Exception, SystemExit) as error:
            samples = {}
            for m in ready:
                answer[m.key]["reason"] = _reason(case.contract, error)
        for m in ready:
            answer[m.key] |= _summary(samples.get(m.key, []), m, weigh=case.memory and task["check"])
            if m.key in samples:
                seconds = float(np.median([s.seconds for s in samples[m.key]]))
                self.took[self._who(case, m)] = self._work(case, m, args), seconds
        return answer

    def curve(self, task: dict[str, Any]) -> dict[str, Any]:
        """One growth curve: all its sizes interleaved, for one subject in one space."""
        curve: Growth = self.growth[task["growth"]][1]
        space = Space(backends()[task["backend"]], curve.dtype)
        subject = self.subjects[task["subject"]]
        by_size = members.of_sizes(subject, curve, space)
        samples = interleave(by_size, self.effort, self.rng)
        return {"times": [[s.seconds for s in samples[m.key]] for m in by_size]}

    def _first_result(self, case: Case, member: members.Member, args: cases.Args) -> np.ndarray:
        """The first call: compiles, loads, shows that it works. What was too slow at less work is not tried again."""
        who, work = self._who(case, member), self._work(case, member, args)
        before, took = self.took.get(who, (work, 0.0))
        hopeless = took > LONG * self.effort.call_s and took * work / before > HOPELESS * self.effort.call_s
        if hopeless or work >= self.too_slow.get(who, math.inf):
            raise TooSlowError("a smaller case took too long")
        try:
            with at_most(self.effort.call_s):
                return member.result()
        except TooSlowError:
            self.too_slow[who] = min(work, self.too_slow.get(who, math.inf))
            raise

    def _who(self, case: Case, member: members.Member) -> Who:
        return member.subject, case.contract, member.space.backend.id

    def _work(self, case: Case, member: members.Member, args: cases.Args) -> float:
        return case.work(args, member.space.dtype, 8).flops + 1.0

    def _member(self, case: Case, subject: str, backend: str, dtype: str, args: cases.Args) -> members.Member:
        if reason := probe(backend):
            raise RuntimeError(reason)
        if subject not in self.subjects:
            return members.of_rival(case, subject, dtype, args)
        return members.of_subject(self.subjects[subject], case.contract, Space(backends()[backend], dtype), args)


def main(job_file: str) -> None:
    """Do the tasks of a job file; what the libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    sys.path[:0] = [p for p in job["path"] if p not in sys.path]
    pin(job["core"])
    worker = Worker(job)
    for backend in job["backends"]:
        probe(backend)  # imports the libraries, so that their threads exist before anything is timed
    for index, task in job["tasks"]:
        _say(answers, {"begin": index})
        gc.collect()
        gc.freeze()  # the libraries, loaded by now: searching them for garbage takes 0.3 s, before each group's samples
        if "limits" in task:
            with collector_off():
                result = limits.measure()
        else:
            result = worker.curve(task) if "growth" in task else worker.group(task)
        _say(answers, {"done": index, "result": result})


class TooSlowError(RuntimeError):
    """A call that nobody wants to wait for."""


PREPARING = ("<frozen importlib", os.path.join("numba", "core", ""))
"""What is in the file names of code that imports or compiles. A library does so once, at its first call; cut short, it leaves
half a module behind, and errors in whatever comes to need it."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Interrupt what runs longer (as soon as it is back in Python), where the system has an interval timer. A call that is
    importing or compiling when its time is over gets the same time again."""

    def stop(_: int, frame: FrameType | None) -> None:
        if any(part in f.f_code.co_filename for f, _ in walk_stack(frame) for part in PREPARING):
            signal.setitimer(signal.ITIMER_REAL, seconds)
        else:
            raise TooSlowError(f"a call takes longer than {seconds:g} s")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def pin(core: int | None) -> None:
    """Stay on one core, where the system can do that."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def _summary(samples: list[Sample], member: members.Member, *, weigh: bool) -> dict[str, Any]:
    seconds = [s.seconds for s in samples]
    middle = samples[int(np.argsort(seconds)[len(seconds) // 2])] if samples else None
    on_device = middle is not None and middle.device_s is not None
    return {
        "samples": seconds,
        "lost": float(np.median([s.lost for s in samples])) if samples else None,
        "wall_s": middle.wall_s if middle is not None and on_device else None,
        "launch_bound": launch_bound(middle) if middle is not None else None,
        "peak_memory": memory.peak(member.space.backend.id, member.call) if on_device or weigh else None,
    }


def _reason(contract: str, error: BaseException) -> str:
    lines = str(error).splitlines()
    if isinstance(error, members.NotCompilableError | TooSlowError):
        return lines[0]
    return f"{contract} raised {type(error).__name__}{': ' + lines[0][:200] if lines else ''}"


def _say(answers: IO[str], message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
