"""The plan of a run: which laws meet which subjects in which spaces, and what is not run and why."""

from __future__ import annotations

import difflib
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from .contracts import Contract
from .laws import Law
from .spaces import CLAIMED_DTYPES, DTYPES, Space, backends, probe
from .subjects import Subject, SubjectError, resolve
from .suite import Suite


@dataclass(frozen=True)
class Selection:
    """What somebody asked for; empty means everything. `sample`: of slow backends, ask references and peers only in the
    dtypes that the backend names for it (the quick profile)."""

    subjects: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    laws: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    sample: bool = False


@dataclass
class Plan:
    """Items to run, in an order that lets subjects share an oracle's work, and what is left out. `backends` are those that were
    asked for; the others were not even looked for."""

    items: list[tuple[Law, Subject, Space]] = field(default_factory=list)
    not_run: list[dict[str, str]] = field(default_factory=list)
    subjects: list[Subject] = field(default_factory=list)
    absent_peers: dict[str, str] = field(default_factory=dict)
    backends: list[str] = field(default_factory=lambda: list(backends()))


def make(suite: Suite, selection: Selection, default_subjects: Sequence[str] = ("reference",),
         probe_with: Callable[[Subject, Contract, Space], str] | None = None) -> Plan:  # fmt: skip
    """Cross laws, subjects and spaces. Raises SubjectError or ValueError with one sentence for what is unknown.

    `probe_with` asks a user's subject for its harmless example elsewhere than in this process (the isolation mode).
    """
    laws = _laws(suite, selection)
    plan = Plan()
    plan.subjects, plan.absent_peers = subjects(suite, selection.subjects or tuple(default_subjects))
    for subject in plan.subjects:
        subject.probe_with = probe_with if subject.role != "reference" else None
    plan.backends = _wanted_backends(selection.backends)
    dtypes = _choose(selection.dtypes, (*DTYPES, *CLAIMED_DTYPES), "dtype")
    spaces = []
    for backend_id in plan.backends:
        if reason := probe(backend_id):
            plan.not_run.append({"law": "*", "subject": "*", "space": backend_id, "reason": reason})
        else:
            spaces += [Space(backends()[backend_id], d) for d in dtypes if d in backends()[backend_id].dtypes]
    for law in laws:
        for subject in plan.subjects:
            if not set(law.contracts) <= set(subject.functions):
                continue
            real = any(suite.contracts[c].real for c in law.contracts)
            for space in spaces:
                if real and space.is_complex:
                    continue
                reason = next(
                    (r for c in law.contracts if (r := subject.why_not(suite.contracts[c], space))), ""
                ) or law.not_applicable(space) or _left_out(selection, law, subject, space)
                if not reason:
                    plan.items.append((law, subject, space))
                elif reason != "-":
                    plan.not_run.append({"law": law.name, "subject": subject.name, "space": space.id, "reason": reason})
    return plan


QUICK_SHARE = 24
"""The quick profile asks references one law in so many where every shape is compiled; which ones the law's name decides."""


def _left_out(selection: Selection, law: Law, subject: Subject, space: Space) -> str:
    """Why the quick profile passes over a law or dtype in a slow backend; never what somebody asked for by name."""
    chosen, name = space.backend.quick_dtypes, space.backend.name
    if not selection.sample or subject.role == "user" or not chosen:
        return ""
    if not selection.dtypes and space.dtype not in chosen:
        return f"the quick profile asks {name} only in {' and '.join(chosen)}; ci and deep ask in all dtypes"
    sampled = space.backend.compiles and subject.role == "reference" and not (selection.laws or selection.backends)
    if sampled and zlib.crc32(law.name.encode()) % QUICK_SHARE:
        return f"the quick profile asks references on {name} one law in {QUICK_SHARE}; ci and deep ask all"
    return ""


def subjects(suite: Suite, specs: Iterable[str]) -> tuple[list[Subject], dict[str, str]]:
    """Resolve specs; ``reference``, ``peers`` (all that are installed) and peers by name are known by themselves."""
    found: dict[str, Subject] = {}
    absent: dict[str, str] = {}
    for spec in specs:
        if spec == "reference":
            found[spec] = suite.reference()
            continue
        named = [spec] if spec in suite.peer_names() else []
        peers, missing = suite.peers(named) if named or spec == "peers" else ([], {})
        if spec == "peers":
            absent |= missing
            found |= {p.name: p for p in peers if p.functions}
        elif spec in missing:
            raise SubjectError(f"the peer {spec} is not installed: {missing[spec]}")
        elif peers:
            found |= {p.name: p for p in peers}
        else:
            try:
                subject = resolve(spec, suite.contracts)
            except SubjectError as error:
                raise SubjectError(f"{error}{_near(spec, ['reference', 'peers', *suite.peer_names()])}") from error
            if subject.name in found:
                subject.name = spec
            found[subject.name] = subject
    return list(found.values()), absent


def _laws(suite: Suite, selection: Selection) -> list[Law]:
    families = _choose(selection.families, tuple(suite.families), "family")
    names = _choose(selection.laws, tuple(dict.fromkeys(n for x in suite.laws.values() for n in (x.name, x.base))), "law")
    order = {f: suite.families[f].order for f in suite.families}
    chosen = [law for law in suite.laws.values() if {law.name, law.base} & set(names) and suite.family_of(law) in families]
    return sorted(chosen, key=lambda law: order[suite.family_of(law)])


def _wanted_backends(asked: Sequence[str]) -> list[str]:
    known = list(backends())
    if not asked:
        return known
    chosen = []
    for name in asked:
        match = [b for b in known if b == name or b.partition("-")[0] == name]
        if not match:
            raise ValueError(f"unknown backend {name!r}{_near(name, known)}; there are {', '.join(known)}")
        chosen += match
    return chosen


def _choose(asked: Sequence[str], known: Sequence[str], what: str) -> list[str]:
    for name in asked:
        if name not in known:
            raise ValueError(f"unknown {what} {name!r}{_near(name, known)}; `detrace laws` lists what there is")
    return list(asked or known)


def _near(word: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else ""
