"""The engine: one law, one subject, one space, searched by Hypothesis; nothing here knows pytest."""

from __future__ import annotations

import math
import time
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from flint import ctx
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings, target
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import FlakyFailure, HypothesisException

from . import draws
from .backends import Backend
from .calls import Call
from .judging import NOT_FINITE, Example, NotOffered, Record, Violation, current
from .known import Known
from .laws import Law
from .oracles.balls import WORKING_PRECISION
from .spaces import Space
from .subjects import Subject
from .tailoring import from_the_same_seeds, generators_kept_once, keys_computed_once, only_our_draws
from .values import encode

HELD, VIOLATED, UNDECIDED, NOT_RUN = "held", "violated", "undecided", "not run"


@dataclass(frozen=True)
class Profile:
    """How hard to search. `climb` lets Hypothesis push the ratio up by hill climbing, which costs as much time as the
    examples themselves; `few_shapes` keeps to few sizes in libraries that compile every shape; `shrink_seconds` bounds the
    search for a smaller counter-example; `seed` chooses the examples, where they are not random."""

    name: str
    examples: int
    random: bool = False
    climb: bool = True
    few_shapes: bool = False
    shrink: bool = True
    shrink_seconds: float = 10.0
    seed: int = 0


CHEAPEST = Backend()
"""NumPy. In a dtype as many inputs are drawn as it is given; dearer libraries are given the first of them."""
EXAMPLES = ".detrace/examples"
"""Where random profiles keep the inputs that failed, to try them first the next time."""
LONGEST = 1 << 14
"""Numbers in the calls of a violation beyond which they are left out of results and scripts."""

PROFILES = {
    p.name: p
    for p in (
        Profile("quick", 25, climb=False, few_shapes=True, shrink_seconds=5.0),
        Profile("ci", 100),
        Profile("deep", 2000, random=True, shrink_seconds=60.0),
    )
}


@dataclass
class Outcome:
    """What became of one item; plain data, so that it travels between processes and into the results file. `deviation` names
    the known deviation that explains every violation of this item."""

    law: str
    subject: str
    space: str
    outcome: str
    worst: float | None = None
    examples: int = 0
    decided: int = 0
    undecided: int = 0
    reason: str = ""
    seconds: float = 0.0
    branches: dict[str, int] = field(default_factory=dict)
    input: Any = None
    violation: dict[str, Any] | None = None
    deviation: str | None = None
    points: list[tuple[float, float]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.law}[{self.subject}-{self.space}]"

    def as_json(self) -> dict[str, Any]:
        data = asdict(self)
        data["worst"] = None if self.worst is None else encode(self.worst)
        data["points"] = encode(self.points)
        return data


def run(law: Law, subject: Subject, space: Space, contracts: Any, profile: Profile, *,
        explicit: Sequence[dict[str, Any]] = (), known: Sequence[Known] = (), watch: Any = None) -> Outcome:  # fmt: skip
    """Search one item and say what became of it; never raises for what a subject does.

    Parameters
    ----------
    explicit : inputs to try first (the ledger's minimal inputs, a rerun's falsifying inputs).
    known : deviations that may explain a violation; the search goes on past those for one that none of them explains.
    watch : called with the drawn inputs before each example (the isolation mode's last words).
    """
    start = time.perf_counter()
    record = Record(points=[] if law.plot else None)
    token = current.set(record)
    precision_before, ctx.prec = ctx.prec, WORKING_PRECISION
    outcome = Outcome(law.name, subject.name, space.id, HELD)
    try:
        with (
            warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"),
            only_our_draws(), keys_computed_once(), generators_kept_once(),
        ):  # fmt: skip
            _search(_Item(law, subject, space, contracts, record, known, watch), profile, explicit)
        if record.known is not None:
            outcome.deviation, violation, record.example = record.known
            raise violation
    except Violation as violation:
        outcome.outcome, outcome.reason = VIOLATED, _reason(violation, record.example)
        outcome.violation = _details(violation, record)
    except (FlakyFailure, _NotDeterministicError):
        outcome.outcome = VIOLATED
        outcome.reason = "not deterministic: the same input was judged differently when it was repeated"
        outcome.violation = _details(Violation(outcome.reason, kind="flaky"), record)
        record.example.ratio = math.inf
    finally:
        ctx.prec = precision_before
        current.reset(token)
    outcome.examples, outcome.decided, outcome.undecided = record.examples, record.decided, record.undecided
    outcome.points = record.points or []
    outcome.branches = dict(record.branches.most_common())
    if outcome.outcome == HELD and record.decided == 0:
        outcome.outcome = UNDECIDED
        outcome.reason = record.undecided_reason or "no example was judged"
    if outcome.outcome == VIOLATED:
        news = record.known is not None and outcome.deviation is None
        outcome.worst = record.example.ratio if news else max(record.worst, record.example.ratio)
        outcome.input = encode(record.example.inputs)
    elif record.worst_example is not None:
        outcome.worst = record.worst
        outcome.input = encode(record.worst_example.inputs)
    outcome.seconds = round(time.perf_counter() - start, 4)
    return outcome


class _Item:
    """A law asked of a subject in a space: call it with an input to have that judged and recorded."""

    def __init__(self, law: Law, subject: Subject, space: Space, contracts: Any, record: Record, known: Sequence[Known],
                 watch: Any) -> None:  # fmt: skip
        self.law, self.subject, self.space, self.record, self.known, self.watch = law, subject, space, record, known, watch
        self.given: dict[str, Any] = {
            name: Call(subject.functions[c], contracts[c], space, record) for name, c in law.asks.items()
        }
        if "space" in law.body.__code__.co_varnames[: law.body.__code__.co_argcount]:
            self.given["space"] = space

    @property
    def id(self) -> str:
        return f"{self.law.name}[{self.subject.name}-{self.space.id}]"

    def __call__(self, inputs: dict[str, Any], branches: Sequence[str] = ()) -> float:
        """The ratio that hill climbing may raise; a violation that nothing known explains is raised."""
        record = self.record
        record.begin(inputs)
        record.example.branches.extend(branches)
        if self.watch is not None:
            self.watch(inputs)
        try:
            self._judge(inputs)
        except Violation as violation:
            if isinstance(violation.__cause__, NotOffered):
                record.example.undecided = f"{self.subject.name} does not offer this: {violation.__cause__}"
                record.finish()
                return 0.0
            record.example.decided, record.example.ratio = True, violation.ratio
            record.finish()
            deviation = next((k.id for k in self.known if k.explains(violation, record.example.calls)), None)
            if deviation is None:
                raise
            record.excuse(deviation, violation)
            return 0.0
        record.finish()
        return record.example.ratio

    def _judge(self, inputs: dict[str, Any]) -> None:
        try:
            self.law.body(**self.given, **inputs)
        except (Violation, HypothesisException):
            raise
        except Exception as error:
            # an oracle that is given NaN cannot answer; that is the subject's doing, everything else is ours
            name = _not_finite(self.record.example)
            if not name:
                raise
            raise Violation(f"{name} {NOT_FINITE}", kind="form") from error


def _search(item: _Item, profile: Profile, explicit: Sequence[dict[str, Any]]) -> None:
    """Judge what is given, then what was drawn for other items of the theorem, or else what Hypothesis draws."""
    law, space = item.law, item.space
    for inputs in explicit:
        item(dict(inputs))
    if not law.draws and not explicit:
        item({})
    if not law.draws or profile.examples == 0:  # a replay: what is given, and nothing else
        return
    where, most = _searched(space, profile), examples(law, space, profile)
    first = zlib.crc32(f"{law.base} {space.dtype}".encode(), profile.seed)
    shared = not (profile.random or profile.climb)  # nothing else decides what is drawn, so other items are given it too
    if not shared:
        _hunt(item, profile, where, most, most, first)
        return
    in_all = most if where.few_shapes else examples(law, replace(space, backend=CHEAPEST), profile)
    search = draws.search(law, where, in_all, first)
    failed = None
    if (earlier := draws.kept(search)) is not None:
        settled, failed = _repeated(item, earlier[:most])
        if settled:
            return
    made: list[draws.Drawn] = []
    _hunt(item, profile, where, most, in_all, first, made)
    if failed is not None:  # once, and not in the same search again
        item(failed.inputs, failed.branches)
        raise _NotDeterministicError
    draws.keep(search, made)


def _repeated(item: _Item, earlier: Sequence[draws.Drawn]) -> tuple[bool, draws.Drawn | None]:
    """Judge inputs that were drawn before. Where that settles nothing the record is as it was, and the second result is the
    input that failed, of which Hypothesis is to find the smallest, or None if a result is beside the law's assumptions."""
    before = item.record.copy()
    for drawn in earlier:
        try:
            with from_the_same_seeds():
                item(drawn.inputs, drawn.branches)
        except Exception as error:
            item.record.restore(before)
            return False, None if isinstance(error, HypothesisException) else drawn
    return True, None


def _hunt(item: _Item, profile: Profile, where: Space, most: int, in_all: int, first: int,
          made: list[draws.Drawn] | None = None) -> None:  # fmt: skip
    """Have Hypothesis draw `in_all` inputs from the seed `first`, judge `most` of them, and raise the smallest that fails.
    `made`, if given, takes what was drawn until one failed."""
    enough, deadline = item.record.examples + most, math.inf
    failing: set[str] = set()

    def example(inputs: dict[str, Any]) -> None:
        nonlocal deadline
        branches = tuple(item.record.example.branches)  # those that the strategies noted
        if made is not None and not failing:
            made.append(draws.Drawn(inputs, branches))
            if item.record.examples >= enough:
                return  # the others are for cheaper libraries
        late = time.perf_counter() > deadline
        key = repr(encode(inputs)) if failing else ""
        if late and key not in failing:
            return  # shrinking has had its time: only what is known to fail is confirmed
        try:
            ratio = item(inputs, branches)
        except Violation:
            failing.add(key or repr(encode(inputs)))
            deadline = min(deadline, time.perf_counter() + profile.shrink_seconds)
            raise
        if profile.climb and not failing:
            target(math.log10(min(max(ratio, 1e-3), 1e30)), label="ratio")

    test = given(draws.strategy(item.law, where))(example)
    test = hypothesis_settings(profile, in_all)(test)
    test._hypothesis_internal_database_key = item.id.encode()  # type: ignore[attr-defined]
    if not profile.random:
        test = seed(first)(test)
    test()


class _NotDeterministicError(Exception):
    """An input was judged differently when it was repeated."""


def _searched(space: Space, profile: Profile) -> Space:
    return replace(space, few_shapes=True) if profile.few_shapes and space.backend.compiles else space


def _reason(violation: Violation, example: Example) -> str:
    """The violation's sentence; an error that is not even finite is named for what it is."""
    if violation.kind == "ratio" and violation.error is not None and not math.isfinite(violation.error):
        name = _not_finite(example)
        return f"{name} {NOT_FINITE}" if name else violation.reason
    return violation.reason


def _not_finite(example: Example) -> str:
    """The first call of this example that returned NaN or infinity; '' if none did."""
    for name, _, result in example.calls:
        for r in result if isinstance(result, tuple) else (result,):
            if r is not None and not np.isfinite(r).all():
                return name
    return ""


def examples(law: Law, space: Space, profile: Profile) -> int:
    """How many examples an item gets at most: 5 at least, fewer of dear laws, fewer in dear libraries."""
    return math.ceil(max(5, max(law.least, profile.examples / law.cost) / space.backend.cost))


def hypothesis_settings(profile: Profile, examples: int) -> settings:
    optional = {Phase.target: profile.climb, Phase.shrink: profile.shrink}
    phases = [Phase.reuse, Phase.generate, *(phase for phase, wanted in optional.items() if wanted)]
    database = DirectoryBasedExampleDatabase(EXAMPLES) if profile.random else None
    return settings(
        max_examples=examples, deadline=None, database=database, phases=phases,
        suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet, report_multiple_bugs=False,
        print_blob=False, derandomize=False,
    )  # fmt: skip


def _details(violation: Violation, record: Record) -> dict[str, Any]:
    return {
        "kind": violation.kind,
        "ratio": encode(violation.ratio),
        "error": encode(violation.error),
        "bound": encode(violation.bound),
        "why": violation.why,
        "got": encode(violation.got),
        "truth": encode(violation.truth),
        "calls": _calls(record),
    }


def _calls(record: Record) -> list[Any]:
    """The calls of an example, which a script repeats; none where they hold more numbers than anybody reads: the law makes them
    again from its input."""
    calls = record.example.calls
    if sum(_numbers(args) + _numbers(result) for _, args, result in calls) > LONGEST:
        return []
    return [[name, encode(args), encode(result)] for name, args, result in calls]


def _numbers(value: Any) -> int:
    return sum(map(_numbers, value)) if isinstance(value, tuple | list) else np.size(value)
