"""The worker: a fresh process that imports one tree's subjects and times batches when it is told to.

The harness (detrace, verify, bench) and the inputs are head's in every worker; only what is timed comes from its tree.
Started by `detrace.gate.measure`, with one thread; requests and answers are JSON lines.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import os
import pickle
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import plan as planning
from .. import suite as suites
from ..spaces import Space, backends, probe
from ..subjects import Subject
from ..timing import cases, members
from ..timing.sampling import calibrate, collector_off, undisturbed
from ..timing.worker import pin
from . import controls

HARNESS = ("detrace", "verify", "bench")
USUAL = ("numpy-cpu", "torch-cpu", "jax-cpu")
"""Where a subject is timed if nobody says: the first of these in which it works."""


class Server:
    """One tree's subjects, and the calls that were prepared."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        suite = suites.load()
        self.contracts = suite.contracts
        self.cases = cases.load(suite.families)[0]
        enter(job)
        self.subjects: dict[str, Subject] = {s.name: s for s in planning.subjects(suite, job["subjects"])[0]}
        if job["of"] is not None:
            for s in self.subjects.values():
                s.functions = {c: f for c, f in s.functions.items() if _is_of_base(s.name, f, job)}
        self.ready: dict[str, members.Member] = {}

    def offers(self, dtype: str, asked: list[str]) -> dict[str, Any]:
        """Backends by contract by subject: those asked for, or the first usual one that works."""
        timed = {case.contract for _, case in self.cases.values()}
        found: dict[str, dict[str, list[str]]] = {}
        for s in self.subjects.values():
            found[s.name] = {}
            for name in timed & set(s.functions):
                works = (
                    b for b in asked or USUAL
                    if not probe(b) and not s.why_not(self.contracts[name], Space(backends()[b], dtype))
                )  # fmt: skip
                found[s.name][name] = list(works) if asked else [b for b in [next(works, None)] if b]
        return {"offers": found}

    def prepare(self, name: str, kernel: dict[str, str] | None = None, control: str = "") -> dict[str, Any]:
        """Bind and warm up; calls that make a batch, seconds a call, and hashes of inputs and code."""
        if kernel is None:
            self.ready[name] = member = controls.member(control)
            about = {"inputs": "", "code": ""}
        else:
            case = self.cases[kernel["case"]][1]
            subject = self.subjects[kernel["subject"]]
            args = case.arguments(kernel["dtype"])
            member = members.of_subject(subject, case.contract, Space(backends()[kernel["backend"]], kernel["dtype"]), args)
            member.call()
            if share := self.job["slow"]:
                from .calibrate import slowed

                member = replace(member, call=slowed(member.call, share))
            self.ready[name] = member
            about = {"inputs": _digest(pickle.dumps(args)), "code": _code(subject.functions[case.contract])}
        repeats, seconds = calibrate(member)
        if kernel is not None and self.job["controls"]:
            about["control"] = controls.control_of(case, kernel["dtype"], kernel["backend"], seconds / repeats)
        return {"repeats": repeats, "seconds": seconds / repeats, **about}

    def sample(self, name: str, repeats: int) -> dict[str, Any]:
        """Seconds a call. A first call, not timed, brings back the caches that the other process took."""
        member = self.ready[name]
        if repeats > 1:
            member.call()
        return {"seconds": undisturbed(member, repeats).seconds}


def enter(job: dict[str, Any]) -> None:
    """From now on imports look in the job's tree, as if nothing but the harness had been imported yet.

    The harness keeps what it took from the working tree, such as laws that use a reference: base may lack it.
    """
    if job["of"] is not None:
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] not in HARNESS and _is_inside(getattr(module, "__file__", None), job["of"]):
                del sys.modules[name]
    root = str(suites.suite_root())
    sys.path[:] = [*job["path"], *([] if root in job["path"] else [root])]
    importlib.invalidate_caches()
    os.chdir(job["cwd"])


def _is_inside(file: str | None, folder: str) -> bool:
    """Whether a file is a repository's own, not of an environment that lies in it."""
    place = Path(file or "/").resolve()
    return place.is_relative_to(folder) and not place.is_relative_to(Path(sys.prefix).resolve())


def _is_of_base(subject: str, function: Callable[..., Any], job: dict[str, Any]) -> bool:
    """Whether the base tree has this function. ImportError if it has, and the working tree's was imported all the same."""
    try:
        source = Path(inspect.getsourcefile(inspect.unwrap(function)) or "/").resolve()
    except TypeError:
        return True
    if not _is_inside(str(source), job["of"]):
        return True
    if (Path(job["root"]) / source.relative_to(job["of"])).exists():
        raise ImportError(f"{subject} comes from {source} of the working tree, not from base; is it found by its path?")
    return False


def _code(function: Callable[..., Any]) -> str:
    try:
        return _digest(Path(inspect.getsourcefile(inspect.unwrap(function)) or "").read_bytes())
    except (OSError, TypeError):
        return ""


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def main() -> None:
    """Answer requests until standard input ends; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    server: Server | None = None
    with collector_off():
        for line in requests:
            request = json.loads(line)
            try:
                if server is None:
                    server, reply = Server(request), {}
                    pin(request["core"])
                else:
                    reply = getattr(server, request.pop("do"))(**request)
            except (Exception, SystemExit) as error:
                first = (str(error).splitlines() or [""])[0][:300]
                reply = {"error": f"{type(error).__name__}: {first}"}
            answers.write(json.dumps(reply) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
