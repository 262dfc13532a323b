"""The gate's judgement, on synthetic numbers, never on a clock: decisions, reruns, correctness, history, what is shown."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from detrace.gate import calibrate, controls, correctness, history, output
from detrace.gate.decision import (
    FASTER,
    GONE,
    INCONCLUSIVE,
    NEW,
    SAME,
    SLOWER,
    Decision,
    decide,
    moved,
    settle,
    verdict_of,
)
from detrace.gate.measure import ORDERS
from detrace.gate.trees import GateError
from detrace.timing.cases import Case, Work

FEW = 300
"""Resamples: enough for the ends of an interval, fast enough for a thousand decisions."""


def noise(rng: np.random.Generator, *, times: float = 1.0, pairs: int = 5, rounds: int = 20, between: float = 0.02,
          within: float = 0.04, lag: float = 0.58, modes: float = 0.0) -> list[np.ndarray]:  # fmt: skip
    """Log-ratios of head/base: head is `times` slower; pairs spread by `between`, rounds by `within` with serial correlation
    `lag`; a process of either side has a mode that is 30 % slower with probability `modes`."""
    blocks = []
    for _ in range(pairs):
        e = rng.standard_normal(rounds)
        for i in range(1, rounds):
            e[i] = lag * e[i - 1] + math.sqrt(1.0 - lag**2) * e[i]
        jump = math.log(1.3) * (int(rng.random() < modes) - int(rng.random() < modes))
        blocks.append(math.log(times) + between * rng.standard_normal() + jump + within * e)
    return blocks


def final(rng: np.random.Generator, **kind: Any) -> str:
    """The verdict after the reruns that the gate would make."""
    return verdict_of(settle(["k"], lambda _, p: {"k": decide(noise(rng, pairs=p, **kind), resamples=FEW)})["k"])


def shares(count: int, **kind: Any) -> Counter[str]:
    """How often each final verdict comes up."""
    rng = np.random.default_rng(1)
    return Counter(final(rng, **kind) for _ in range(count))


class TestDecision:
    """Numbers in, verdict out."""

    def test_false_alarms_are_rarer_than_one_in_two_hundred(self):
        """1000 null decisions with ordinary noise: none may be FASTER or SLOWER more than five times, reruns included."""
        found = shares(1000)
        assert found[SLOWER] + found[FASTER] <= 5, found
        assert found[SAME] >= 950, found

    @pytest.mark.parametrize("kind", [
        {"modes": 0.2}, {"between": 0.06, "within": 0.15}, {"lag": 0.95, "within": 0.08}, {"rounds": 5},
    ], ids=["bimodal", "noisy pairs", "correlated rounds", "few rounds"])  # fmt: skip
    def test_false_alarms_stay_rare_under_bad_noise(self, kind):
        """Bimodal processes, pairs that differ by 6 %, rounds that hang together: at most 1 % of null decisions fail."""
        found = shares(300, **kind)
        assert found[SLOWER] <= 3, found

    def test_a_first_look_alone_would_raise_more_alarms(self):
        """The confirmation earns its time: under bad noise first decisions are SLOWER more often than final ones."""
        rng, kind = np.random.default_rng(2), {"between": 0.09, "within": 0.1}
        first = sum(decide(noise(rng, pairs=3, **kind), resamples=FEW).verdict == SLOWER for _ in range(600))
        last = sum(verdict_of(settle(["k"], lambda _, p: {"k": decide(noise(rng, pairs=p, **kind), resamples=FEW)},
                                     pairs=3)["k"]) == SLOWER for _ in range(600))  # fmt: skip
        assert last < first / 2, (first, last)

    @pytest.mark.parametrize(("times", "verdict", "power"), [(1.1, SLOWER, 0.85), (1.2, SLOWER, 0.99), (0.8, FASTER, 0.99)])
    def test_power_under_ordinary_noise(self, times, verdict, power):
        """+20 % and −20 % are nearly always seen, +10 % mostly."""
        found = shares(200, times=times)
        assert found[verdict] >= 200 * power, found

    def test_power_at_twenty_percent_under_noisy_pairs(self):
        """Pairs that differ by 6 % and rounds by 15 % leave +20 % visible in most runs."""
        found = shares(200, times=1.2, between=0.06, within=0.15)
        assert found[SLOWER] >= 150, found
        assert found[FASTER] + found[SAME] == 0, found

    def test_the_two_level_interval_is_wider_than_a_flat_one(self):
        """Pairs that differ while rounds agree: resampling rounds alone would be sure of a difference."""
        blocks = [np.full(20, level) for level in (-0.1, 0.12, 0.11, 0.13, -0.12)]
        assert decide(blocks).verdict == INCONCLUSIVE
        assert decide([np.full(20, 0.11)] * 5).verdict == SLOWER

    @pytest.mark.parametrize(("pairs", "rounds"), [(2, 20), (5, 3), (0, 0)])
    def test_too_little_decides_nothing(self, pairs, rounds):
        """Two pairs, or three rounds, are INCONCLUSIVE however clear they look."""
        assert decide([np.full(rounds, 1.0)] * pairs).verdict == INCONCLUSIVE

    def test_nan_decides_nothing(self):
        """A ratio that is no number is neither SAME nor SLOWER, with or without a stored value."""
        blocks = [np.full(20, math.nan)] * 5
        assert decide(blocks).verdict == decide(blocks, stored=0.0).verdict == INCONCLUSIVE
        json.dumps(decide(blocks).as_json(), allow_nan=False)

    def test_the_same_numbers_give_the_same_verdict(self):
        """The bootstrap is seeded."""
        blocks = noise(np.random.default_rng(3))
        assert decide(blocks) == decide(blocks)

    @pytest.mark.parametrize(("times", "verdict"), [(1.14, SAME), (1.16, SLOWER), (1 / 1.14, SAME), (1 / 1.16, FASTER)])
    def test_a_stored_ratio_allows_fifteen_percent(self, times, verdict):
        """The change of the ratio to the control decides, not the ratio itself."""
        assert decide([np.full(20, 2.0 + math.log(times))] * 5, stored=2.0).verdict == verdict

    def test_a_canary_that_moves_contaminates(self):
        """Base against base 20 % apart is contamination; a wide interval around 1 is not."""
        rng = np.random.default_rng(4)
        assert moved(decide(noise(rng, times=1.2)))
        assert moved(decide(noise(rng, times=0.8)))
        assert not moved(decide(noise(rng, between=0.2)))


def scripted(*passes: dict[str, str]) -> tuple[Callable[..., dict[str, Decision]], list[tuple[list[str], int]]]:
    """A measurement that answers with these verdicts, and what it was asked."""
    asked: list[tuple[list[str], int]] = []
    script = iter(passes)

    def measure(names: list[str], pairs: int) -> dict[str, Decision]:
        asked.append((names, pairs))
        return {n: Decision(v, 1.0, 1.0, 1.0, pairs, 20) for n, v in next(script).items()}

    return measure, asked


class TestReruns:
    """What is measured again, and what a trail comes to."""

    def test_settled_kernels_are_measured_once(self):
        """SAME and FASTER need no second look."""
        measure, asked = scripted({"a": SAME, "b": FASTER})
        assert {n: verdict_of(t) for n, t in settle(["a", "b"], measure).items()} == {"a": SAME, "b": FASTER}
        assert asked == [(["a", "b"], 5)]

    def test_slower_must_be_confirmed(self):
        """Confirmed it fails; not confirmed it decides nothing."""
        measure, asked = scripted({"a": SLOWER, "b": SLOWER}, {"a": SLOWER, "b": SAME})
        assert {n: verdict_of(t) for n, t in settle(["a", "b"], measure).items()} == {"a": SLOWER, "b": INCONCLUSIVE}
        assert asked[1] == (["a", "b"], 5)

    def test_inconclusive_gets_twice_the_pairs_once(self):
        """A SLOWER found then is confirmed with as many; a second INCONCLUSIVE is the end."""
        measure, asked = scripted({"a": INCONCLUSIVE, "b": INCONCLUSIVE}, {"a": SLOWER, "b": INCONCLUSIVE}, {"a": SLOWER})
        assert {n: verdict_of(t) for n, t in settle(["a", "b"], measure).items()} == {"a": SLOWER, "b": INCONCLUSIVE}
        assert asked[1:] == [(["a", "b"], 10), (["a"], 10)]

    def test_a_kernel_that_breaks_in_the_rerun_is_not_confirmed(self):
        """No second measurement, no failure by time."""
        measure, _ = scripted({"a": SLOWER}, {})
        assert verdict_of(settle(["a"], measure)["a"]) == INCONCLUSIVE

    def test_what_could_not_be_measured_is_tried_once_more(self):
        """A worker that died of something else is no regression; one that dies again leaves no trail."""
        measure, asked = scripted({"c": SAME}, {"a": SAME})
        assert {n: verdict_of(t) for n, t in settle(["a", "b", "c"], measure).items()} == {"a": SAME, "c": SAME}
        assert asked[1:] == [(["a", "b"], 5)]

    def test_orders_are_mirrored_and_balanced(self):
        """Every second order is the mirror of the one before; each lane stands everywhere, and after itself, equally often."""
        assert all(ORDERS[i + 1] == ORDERS[i][::-1] for i in (0, 2, 4))
        for place in range(3):
            assert Counter(o[place] for o in ORDERS) == {0: 2, 1: 2, 2: 2}
        seams = [a[-1] for a, b in zip(ORDERS, (*ORDERS[1:], ORDERS[0]), strict=True) if a[-1] == b[0]]
        assert Counter(seams) == {0: 1, 1: 1, 2: 1}


def found(**items: tuple[str, float, int]) -> correctness.Summary:
    """A summary with one law for each item, of one subject in one space."""
    return {
        "profile": "quick", "laws": list(items), "here": ["numpy-cpu"], "subjects": ["reference"],
        "items": {law: {"reference": {"numpy-cpu-float64": list(row)}} for law, row in items.items()},
    }  # fmt: skip


class TestCorrectness:
    """What the laws found is gated without noise."""

    @pytest.mark.parametrize(("before", "now", "kind"), [
        (("held", 1.0, 25), ("violated", 40.0, 25), "newly violated"),
        (("known", 40.0, 25), ("violated", 40.0, 25), "newly violated"),
        (("held", 0.5, 25), ("held", 6.0, 25), "worst ratio grew"),
        (("held", 1.0, 25), ("undecided", 0.0, 0), "no longer decided"),
        (("held", 1.0, 25), ("held", 1.0, 12), "fewer examples decided"),
        (("held", 1.0, 25), None, "law gone"),
    ])  # fmt: skip
    def test_what_fails(self, before, now, kind):
        """Each kind of loss is found, once."""
        head = found(a=now) if now else found()
        assert [f["kind"] for f in correctness.compare(head, found(a=before))[0]] == [kind]

    @pytest.mark.parametrize(("before", "now"), [
        (("held", 0.01, 25), ("held", 2.9, 25)), (("held", 2.0, 25), ("held", 19.0, 25)),
        (("held", 1.0, 25), ("held", 1.0, 13)),
        (("violated", 40.0, 25), ("violated", 90.0, 25)), (("violated", 40.0, 25), ("held", 1.0, 25)),
        (("undecided", 0.0, 0), ("undecided", 0.0, 0)), (("held", 1.0, 25), ("known", 40.0, 25)),
    ])  # fmt: skip
    def test_what_passes(self, before, now):
        """Growth below the floor or the factor, a few examples less, what was violated before, what became better."""
        assert correctness.compare(found(a=now), found(a=before)) == ([], [])

    def test_a_new_law_that_is_violated_fails(self):
        """There is no grace for what base did not have."""
        assert correctness.compare(found(a=("violated", "inf", 25)), found())[0][0]["kind"] == "newly violated"

    def test_the_removal_list_covers_laws_that_are_gone(self):
        """Named laws, subjects and spaces may go."""
        base = found(a=("held", 1.0, 25))
        assert correctness.compare(found(), base, removed=["a"]) == ([], [])

    def test_an_item_gone_while_its_law_and_space_are_here_fails(self):
        """An implementation that lost a contract shows as items that are gone."""
        head = found(a=("held", 1.0, 25)) | {"items": {}}
        assert [f["kind"] for f in correctness.compare(head, found(a=("held", 1.0, 25)))[0]] == ["item gone"]

    def test_what_this_machine_lacks_is_a_note(self):
        """No GPU here is no regression."""
        base, head = found(a=("held", 1.0, 25)), found(a=("held", 1.0, 25)) | {"here": []}
        base["items"]["a"]["reference"]["torch-cuda-float64"] = ["held", 1.0, 25]
        findings, notes = correctness.compare(head, base)
        assert not findings
        assert notes == ["torch-cuda is not in this run: 1 items are not compared"]

    def test_other_profiles_do_not_compare_examples(self):
        """ci decides more than quick; a note says that numbers are not compared."""
        head = found(a=("held", 1.0, 5)) | {"profile": "quick"}
        findings, notes = correctness.compare(head, found(a=("held", 1.0, 100)) | {"profile": "ci"})
        assert not findings
        assert "profiles differ" in notes[0]

    def test_nan_counts_as_growth(self):
        """A worst ratio that is not a number is the worst of all."""
        assert correctness.compare(found(a=("held", "nan", 25)), found(a=("held", 1.0, 25)))[0]

    def test_summaries_come_from_results_files(self):
        """Ledger entries are known, other violations are not; spaces that are absent are not here."""
        item = {"law": "a", "subject": "s", "space": "numpy-cpu-float64", "outcome": "violated", "worst": "inf",
                "decided": 3, "deviation": "an-entry"}  # fmt: skip
        results = {
            "profile": "quick", "laws": [{"name": "a"}], "subjects": [{"name": "s"}], "items": [item],
            "spaces": [{"id": "numpy-cpu", "available": True}, {"id": "cupy-cuda", "available": False}],
        }  # fmt: skip
        made = correctness.summary(results)
        assert made["items"]["a"]["s"]["numpy-cpu-float64"] == ["known", "inf", 3]
        assert made["here"] == ["numpy-cpu"]


def run_of(value: float, day: int = 1, **changes: Any) -> dict[str, Any]:
    """A run with one kernel at this log-ratio."""
    kernel = {"control": "gemm/1", "inputs": "i", "code": "c", "log_ratio": value, "low": value, "high": value, "median_s": 1.0}
    return {
        "schema": history.SCHEMA, "created": f"2026-01-{day:02d}T00:00:00+00:00", "commit": f"{day:040d}", "dirty": False,
        "fingerprint": {"cpu": "x"}, "kernels": {"k": kernel | changes},
    }  # fmt: skip


class TestHistory:
    """One file a run, and the steps that the runs show."""

    def test_a_step_is_found_where_it_is(self):
        """+20 % after run 12 of 25, in noise of 3 %: the shift of two means of 12 and 13 runs, or of one run more or less, is
        known to 3 % · √(1/12 + 1/13) = 1.2 %; held to three times that."""
        rng = np.random.default_rng(0)
        values = 0.03 * rng.standard_normal(25) + math.log(1.2) * (np.arange(25) >= 12)
        ((where, shift),) = history.steps(values)
        assert abs(where - 12) <= 1
        assert math.exp(shift) == pytest.approx(1.2, rel=0.036)

    def test_two_steps_up_and_down(self):
        """Both are marked, in order, with their signs."""
        values = np.repeat([0.0, 0.3, 0.1], 8) + 0.01 * np.random.default_rng(1).standard_normal(24)
        marks = history.steps(values)
        assert [w for w, _ in marks] == [8, 16]
        assert [s > 0 for _, s in marks] == [True, False]

    def test_noise_alone_seldom_makes_a_step(self):
        """At most 3 % of 400 histories of nothing but noise (30 runs) have a mark."""
        rng = np.random.default_rng(2)
        assert sum(bool(history.steps(0.05 * rng.standard_normal(30))) for _ in range(400)) <= 12

    def test_one_outlier_is_no_step(self):
        """A single slow run, even tenfold, marks nothing; nor do too few runs."""
        values = np.r_[np.zeros(10), 2.3, np.zeros(10)] + 0.01 * np.random.default_rng(3).standard_normal(21)
        assert history.steps(values) == []
        assert history.steps([0.0, 0.0, 1.0, 1.0, 1.0]) == []

    def test_a_small_shift_is_below_the_layout(self):
        """3 % in a quiet history is no step; constant values are none either."""
        assert history.steps(np.repeat([0.0, 0.03], 10)) == []
        assert history.steps(np.zeros(20)) == []

    def test_runs_are_kept_and_read_in_order(self, tmp_path):
        """A file a run under its machine's key; the trend is plain JSON and names the step's commit."""
        for day in (3, 1, 2, *range(4, 13)):
            path = history.save(run_of(0.0 if day < 7 else 0.5, day), tmp_path)
        runs = history.load(tmp_path, path.parent.name)
        assert [r["created"] for r in runs] == sorted(r["created"] for r in runs)
        trend = history.trend(runs)["k"]
        assert len(trend["runs"]) == 12
        assert trend["steps"] == [{"run": 6, "commit": f"{7:040d}", "factor": pytest.approx(math.exp(0.5))}]
        json.dumps(trend, allow_nan=False)

    def test_other_controls_and_inputs_are_other_quantities(self):
        """Only runs comparable with the newest count."""
        runs = [run_of(5.0, 1, control="gemm/0"), run_of(4.0, 2, inputs="old"), run_of(0.0, 3)]
        assert len(history.trend(runs)["k"]["runs"]) == 1

    @pytest.mark.parametrize("text", ['{"schema": "detrace.history/0"}', "[]", "no json"])
    def test_other_schemas_are_refused(self, tmp_path, text):
        """One sentence, and nothing is migrated in silence."""
        (tmp_path / "m").mkdir()
        (tmp_path / "m" / "a.json").write_text(text)
        with pytest.raises(GateError, match=r"a\.json.*move it out of the history"):
            history.load(tmp_path, "m")


FROZEN = {
    "dispatch/1": "b69eaf28a6f7", "ufunc/1": "ef53512509ba", "gemm/1": "548a41508db6", "solve/1": "742d381652c5",
    "torch-dispatch/1": "97e8f2f5d375",
}  # fmt: skip
"""Hashes of the sources. A version that is out is never changed here: add the next one."""


class TestControls:
    """Controls are frozen by version, and match the class of a kernel."""

    @pytest.mark.parametrize("name", controls.CONTROLS)
    def test_they_are_frozen(self, name):
        """A control whose source changes needs a new version: stored ratios were taken with this one."""
        source = inspect.getsource(controls.CONTROLS[name])
        assert hashlib.sha256(source.encode()).hexdigest()[:12] == FROZEN[name]

    @pytest.mark.parametrize("name", controls.CONTROLS)
    def test_they_run_and_give_the_same_result_twice(self, name):
        """Fixed seeds, no state."""
        call, again = (controls.member(name).call for _ in range(2))
        assert np.array_equal(np.asarray(call()), np.asarray(again()))

    @pytest.mark.parametrize(("seconds", "backend", "flops", "own", "control"), [
        (5e-6, "numpy-cpu", 1.0, "", "dispatch/1"), (5e-6, "torch-cpu", 1.0, "", "torch-dispatch/1"),
        (1e-3, "torch-cpu", 1e3, "", "ufunc/1"), (1e-3, "numpy-cpu", 1e6, "", "gemm/1"),
        (5e-6, "numpy-cpu", 1e6, "solve/1", "solve/1"),
    ])  # fmt: skip
    def test_classes(self, seconds, backend, flops, own, control):
        """By the case's own word, else by time, operations and bytes."""
        case = Case("expm", {"n": 2}, lambda rng: (np.zeros(2),), lambda *_: Work(1e3, flops), lambda args: lambda r, s: None,
                    control=own)  # fmt: skip
        assert controls.control_of(case, "float64", backend, seconds) == control


def document(**changes: Any) -> dict[str, Any]:
    """A gate's outcome with a failure, a new kernel and a kernel that could not be decided."""
    row = {
        "id": "expm[n=4,dtype=float64][s-numpy-cpu-float64]", "case": "expm[n=4]", "contract": "expm", "subject": "s",
        "space": "numpy-cpu-float64", "verdict": SLOWER, "failed": True, "ratio": 1.5, "low": 1.4, "high": None,
        "base_s": 1e-3, "head_s": 1.5e-3, "reason": "",
    }  # fmt: skip
    empty = {"ratio": None, "low": None, "high": None, "base_s": None, "head_s": None, "failed": False, "reason": "why"}
    finding = {"kind": "law gone", "law": "[bold]x", "subject": "*", "space": "*", "before": "a", "now": "b"}
    return {
        "created": "2026-01-01T00:00:00+00:00", "seconds": 1.0, "failed": True, "contaminated": False, "notes": ["a note"],
        "base": {"kind": "tree", "ref": "origin/main", "commit": "0123456789abcdef"}, "counts": {SLOWER: 1, NEW: 1, GONE: 1},
        "kernels": [row, row | empty | {"verdict": NEW}, row | empty | {"verdict": GONE, "failed": True}],
        "correctness": {"compared": True, "findings": [finding], "notes": []},
    } | changes  # fmt: skip


class TestOutput:
    """One document, three shapes."""

    def test_the_terminal_names_everything(self):
        """Verdicts, ratios, the finding (its brackets intact), notes, the outcome."""
        console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
        output.table(document(), console)
        console.file.close()
        text = console.export_text()
        for part in ("SLOWER", "1.500 (1.400–∞)", "1 ms → 1.5 ms", "[bold]x", "a note", "gate failed", "origin/main", "why"):
            assert part in text

    def test_junit_counts_failures_and_skips(self):
        """A server shows the failure's message; what decided nothing is skipped."""
        suite = ET.fromstring(output.junit(document()))
        assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "3", "1")
        assert suite.find("testcase/failure").get("message") == "SLOWER 1.500"

    def test_markdown_is_a_table_with_the_outcome_first(self):
        """The first line is the outcome; every kernel is one row of as many cells as the header."""
        lines = output.markdown(document()).splitlines()
        assert lines[0].startswith("### ❌ gate failed")
        rows = [line for line in lines if line.startswith("|")]
        assert len(rows) == 5
        assert len({row.count("|") for row in rows}) == 1

    def test_contamination_is_said_first(self):
        """The reader learns that times failed nothing."""
        text = output.markdown(document(contaminated=True, failed=False, kernels=[]))
        assert "CONTAMINATED" in text
        assert text.startswith("### ✅")


class TestCalibration:
    """The gate's own measurement: its table and its resumption, not its times."""

    def test_the_table_counts_by_condition(self):
        """Failures with an interval, by planted slowdown."""
        trail = [{"ratio": 1.2}]
        rows = [{"noisy": False, "slow": 0.2, "verdict": v, "trail": trail, "seconds": 2.0} for v in (SLOWER, SLOWER, SAME)]
        line = calibrate.table(rows).splitlines()[2]
        assert line.startswith("| none | +20% | 3 | 2 | 21%–94% | 0 | 0 | 1.200 |")

    def test_a_cut_last_line_is_left_out(self, tmp_path):
        """An interrupted calibration goes on."""
        file = tmp_path / "c.jsonl"
        file.write_text('{"a": 1}\n{"b": ')
        assert calibrate.read(file) == [{"a": 1}]
        assert calibrate.read(tmp_path / "none") == []

    def test_a_planted_slowdown_calls_once_and_returns_the_result(self):
        """The busy loop follows the call and does not change what it gives."""
        calls = []
        slow = calibrate.slowed(lambda: calls.append(1) or len(calls), 0.5)
        before = len(calls)
        assert slow() == before + 1 == len(calls)
