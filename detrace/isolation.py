"""Isolation: subjects run in a child process with a time limit, so that a crash or a hang is a result, not the end.

The parent sends one JSON line for each item; the child (``python -m detrace.isolation``) runs it with the engine and
announces each input and each call before it is made. If the child dies or falls silent for longer than the limit, the
last announcement is the input that did it. A fresh child takes the next item.

What a subject prints cannot disturb the protocol: the child moves its real standard output to another descriptor first.
"""

from __future__ import annotations

import json
import math
import os
import queue
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import IO, Any

import numpy as np

from .contracts import Contract
from .engine import VIOLATED, Outcome, Profile, run
from .judging import current
from .known import Known
from .laws import Law
from .spaces import Space
from .subjects import Subject
from .values import decode, encode

START_LIMIT = 120.0
"""Seconds that a child may take to import the suite and the subject: array libraries alone may take tens of seconds
from a cold disk."""

SIMPLIFY_SECONDS = 10.0
"""Time for trying simpler inputs after a crash; each try that crashes costs a fresh child."""


class _GoneError(Exception):
    """The child died or fell silent; says which and how."""

    def __init__(self, kind: str, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.kind, self.reason, self.detail = kind, reason, detail


class Worker:
    """A child process that judges one item at a time; replaced whenever it dies.

    `timeout_s` is the longest silence that is no hang. Between two announcements lie a call and the oracle's work on
    it, so it should be well above what both take: certified values of the largest inputs cost a few seconds.
    """

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._child: subprocess.Popen[bytes] | None = None
        self._lines = _Lines()
        self._words: IO[bytes] | None = None
        self._broken: dict[tuple[str, str], str] = {}

    def run(self, law: Law, subject: Subject, space: Space, profile: Profile,
            explicit: Sequence[dict[str, Any]] = (), known: Sequence[Known] = ()) -> Outcome:  # fmt: skip
        """Judge one item; never raises for what a subject does."""
        item = {
            "do": "run", "law": law.name, "subject": subject.spec, "space": space.id, "profile": asdict(profile),
            "explicit": [encode(e) for e in explicit], "known": [encode(asdict(k)) for k in known],
        }  # fmt: skip
        last = _Last()
        try:
            answer = self._ask(item, last)
        except _GoneError as gone:
            outcome = Outcome(law.name, subject.name, space.id, VIOLATED, examples=last.examples, decided=last.examples)
            if profile.shrink:
                last, gone = self._simplest(item, last, gone)
            outcome.deviation = next((k.id for k in known if gone.kind in k.kinds), None)
            return _lost(outcome, last, gone, self.timeout_s)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        data = answer["outcome"]
        data |= {"worst": decode(data["worst"]), "points": list(decode(data["points"]))}
        return Outcome(**data)

    def probe(self, subject: Subject, contract: Contract, space: Space) -> str:
        """Why a subject does not work on the contract's harmless input in a space; '' if it does.

        What crashes or hangs once is not asked again in other spaces.
        """
        key = (subject.spec, contract.name)
        if key not in self._broken:
            request = {"do": "probe", "subject": subject.spec, "contract": contract.name, "space": space.id}
            try:
                answer = self._ask(request, _Last())
                return str(answer.get("error") or answer["reason"])
            except _GoneError as gone:
                self._broken[key] = f"on a harmless 2×2 input: {contract.name} {gone.reason}"
        return self._broken[key]

    def resolve(self, spec: str) -> str:
        """What importing a subject does to the process: '' if it survives (or raises, which the parent can say)."""
        try:
            self._ask({"do": "resolve", "subject": spec}, _Last())
        except _GoneError as gone:
            return gone.reason
        return ""

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout, self._words):
                with suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]
            self._child = self._words = None

    def _ask(self, request: dict[str, Any], last: _Last) -> dict[str, Any]:
        """The child's answer; `last` follows its announcements. Raises _GoneError."""
        try:
            if self._child is None:
                self._start()
            self._say(request)
            limit = START_LIMIT if request["do"] == "resolve" else self.timeout_s
            while True:
                message = self._read(limit)
                if "input" in message:
                    last.begin(message["input"])
                elif "call" in message:
                    last.calls.append(message["call"])
                else:
                    return message
        except BrokenPipeError:
            raise self._end() from None
        except BaseException:  # also Ctrl-C: this child is in the middle of something
            self.close()
            raise

    def _say(self, request: dict[str, Any]) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        assert self._words is not None
        self._words.truncate(0)
        self._child.stdin.write(json.dumps(request).encode() + b"\n")
        self._child.stdin.flush()

    def _start(self) -> None:
        self._words = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the child)
        # the parent's path and no other; its own group, so that what the subject starts ends with it
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "detrace.isolation"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._words, env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            start_new_session=True,
        )  # fmt: skip
        assert self._child.stdout is not None
        self._lines = _Lines(self._child.stdout.fileno())
        self._read(START_LIMIT)  # it says when it is ready

    def _read(self, limit: float) -> dict[str, Any]:
        line = self._lines.next(limit)
        if line is None:
            self.close()
            raise _GoneError("hung", f"hangs: no answer within {limit:g} s")
        if not line:
            raise self._end()
        message: dict[str, Any] = json.loads(line)
        return message

    def _end(self) -> _GoneError:
        """How the child ended, in words."""
        assert self._child is not None
        assert self._words is not None
        try:
            status = self._child.wait(5.0)
        except subprocess.TimeoutExpired:  # it closed its side and lives on
            status = 0
        self._words.seek(0)
        written = self._words.read()[-4000:].decode(errors="replace").strip("\0")
        words = [w for w in written.splitlines() if w.strip()]
        self.close()
        ended = f"ended the process with exit status {status}"
        reason = f"crashed with {_signal_name(-status)}" if status < 0 else ended
        return _GoneError("crashed", reason, words[-1][:200] if words else "")

    def _simplest(self, item: dict[str, Any], last: _Last, gone: _GoneError) -> tuple[_Last, _GoneError]:
        """A simpler input that does the same, from a few tries in fresh children within `SIMPLIFY_SECONDS`."""
        deadline = time.monotonic() + SIMPLIFY_SECONDS
        replay = item | {"profile": asdict(Profile("replay", 0, shrink=False))}
        inputs = decode(last.inputs) if isinstance(last.inputs, dict) else {}
        for simpler in _simplifications(inputs):
            if time.monotonic() + (self.timeout_s if gone.kind == "hung" else 0.0) > deadline:
                break
            trial = _Last()
            try:
                self._ask(replay | {"explicit": [encode(simpler)]}, trial)
            except _GoneError as again:
                if (again.kind, again.reason) == (gone.kind, gone.reason):
                    return trial, again
        return last, gone


class _Last:
    """The child's last words: the input it was on, and the calls made on it."""

    def __init__(self) -> None:
        self.inputs: Any = None
        self.calls: list[Any] = []
        self.examples = 0

    def begin(self, inputs: Any) -> None:
        self.inputs, self.calls, self.examples = inputs, [], self.examples + 1


class _Lines:
    """Lines of a pipe, with a time limit."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor, self._buffer = descriptor, b""

    def next(self, limit: float) -> bytes | None:
        """The next line; b'' at the end of the pipe, None when the limit passes without one."""
        assert self._descriptor is not None
        deadline = time.monotonic() + limit
        with selectors.DefaultSelector() as selector:
            selector.register(self._descriptor, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    return None
                chunk = os.read(self._descriptor, 1 << 16)
                if not chunk:
                    return b""
                self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


def _lost(outcome: Outcome, last: _Last, gone: _GoneError, limit: float) -> Outcome:
    """The outcome of an item whose child did not come back."""
    name = last.calls[-1][0] if last.calls else outcome.law.replace("_", " ")
    outcome.reason, outcome.worst, outcome.input = f"{name} {gone.reason}", math.inf, last.inputs
    outcome.violation = {
        "kind": gone.kind, "ratio": encode(math.inf), "error": None, "bound": None, "got": None, "truth": None,
        "why": gone.detail, "calls": last.calls, "limit_s": limit,
    }  # fmt: skip
    return outcome


def _simplifications(inputs: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Simpler inputs, simplest first: leading 1×1 and 2×2 blocks of every array, with zeros, round or given entries."""
    seen = {json.dumps(encode(inputs))}
    for size in (1, 2, 3, None):
        for entries in (np.zeros_like, np.round, np.asarray):
            simpler = {name: _mapped(x, size, entries) for name, x in inputs.items()}
            key = json.dumps(encode(simpler))
            if key not in seen:
                seen.add(key)
                yield simpler


def _mapped(x: Any, size: int | None, entries: Any) -> Any:
    if isinstance(x, tuple):
        return tuple(_mapped(part, size, entries) for part in x)
    if not isinstance(x, np.ndarray):
        return x
    return entries(x[(..., *[slice(size)] * min(x.ndim, 2))])


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class _Announced(list[Any]):
    """The calls of an example, each told to the parent before it is made."""

    def __init__(self, say: Any) -> None:
        super().__init__()
        self.say = say

    def append(self, call: Any) -> None:
        super().append(call)
        self.say({"call": [call[0], encode(call[1]), None]})


def serve() -> None:
    """The child: answers requests until its standard input ends."""
    channel = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a subject prints goes with its errors
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    stdin = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a subject that reads its input finds the end of it

    def listen() -> None:
        for line in stdin:
            requests.put(line)
        os._exit(0)  # the parent is gone, whatever the subject is doing

    threading.Thread(target=listen, daemon=True).start()

    def say(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message).encode() + b"\n")

    say({"ready": True})
    while True:
        request = json.loads(requests.get())
        try:
            say(_answer(request, say))
        except Exception as error:
            say({"error": f"{type(error).__name__}: {error}"})


def _answer(request: dict[str, Any], say: Any) -> dict[str, Any]:
    from . import plan, suite
    from .spaces import space

    laws = suite.load()
    subject = _subject(laws, request["subject"], plan)
    if request["do"] == "resolve":
        return {"reason": ""}
    if request["do"] == "probe":
        return {"reason": subject.probe(laws.contracts[request["contract"]], space(request["space"]))}

    def watch(inputs: dict[str, Any]) -> None:
        say({"input": encode(inputs)})
        record = current.get()
        assert record is not None
        record.example.calls = _Announced(say)

    outcome = run(
        laws.laws[request["law"]], subject, space(request["space"]), laws.contracts, Profile(**request["profile"]),
        explicit=[decode(e) for e in request["explicit"]], known=[Known(**decode(k)) for k in request["known"]], watch=watch,
    )  # fmt: skip
    return {"outcome": outcome.as_json()}


_subjects: dict[str, Subject] = {}


def _subject(laws: Any, spec: str, plan: Any) -> Subject:
    if spec not in _subjects:
        (found,), _ = plan.subjects(laws, [spec])
        _subjects[spec] = found
    return _subjects[spec]


if __name__ == "__main__":
    serve()
