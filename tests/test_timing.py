"""Tests of the timing machinery: on synthetic data and fake devices, never on a clock."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pytest

from bench import suite_speed
from detrace import plan, suite
from detrace.contracts import Contract, Family
from detrace.report.benchmarks import _limits as page_limits
from detrace.spaces import Space, backends
from detrace.subjects import Subject
from detrace.timing import cases, growth, limits, pool, records, sampling, statistics, timers
from detrace.timing.campaign import _measure, make_groups, run, wanted_spaces
from detrace.timing.cases import Case, Check, Rival, Work
from detrace.timing.members import Member, NotCompilableError, first, of_subject
from detrace.timing.worker import TooSlowError, Worker, at_most


@dataclass
class FakeDevice:
    """A host clock and a device that does what it was asked for later; launching takes 1 µs."""

    now: float = 0.0
    free: float = 0.0
    launch_s: float = 1e-6
    waits: int = 0
    log: list[str] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def launch(self, seconds: float, name: str = "work") -> None:
        self.now += self.launch_s
        self.free = max(self.free, self.now) + seconds
        self.log.append(name)

    def record(self) -> float:
        return max(self.free, self.now)

    def seconds(self, start: float, end: float) -> float:
        return end - start

    def synchronize(self) -> None:
        self.waits += 1
        self.now = max(self.now, self.free)


class TestTimers:
    def test_host_clock_alone_misses_work_that_completes_later(self):
        device = FakeDevice()
        naive = timers.WallTimer(device.clock, device.clock).sample(lambda: device.launch(3e-3), 10)
        assert naive.seconds == pytest.approx(1e-6), "the naive timer sees the launch only"

    def test_events_and_synchronised_wall_time_agree_with_the_device(self):
        device = FakeDevice()
        sample = timers.CudaTimer(device, clock=device.clock).sample(lambda: device.launch(3e-3), 10)
        assert sample.device_s == pytest.approx(3e-3, rel=1e-3)
        assert sample.wall_s == pytest.approx(3e-3, rel=1e-3)
        assert sample.seconds == sample.device_s
        assert timers.launch_bound(sample) is False

    def test_earlier_work_is_not_counted(self):
        device = FakeDevice()
        device.launch(1.0)
        sample = timers.CudaTimer(device, clock=device.clock).sample(lambda: device.launch(3e-3), 1)
        assert sample.wall_s == pytest.approx(3e-3, rel=1e-2)

    def test_short_kernels_are_launch_bound(self):
        device = FakeDevice(launch_s=8e-6)
        sample = timers.CudaTimer(device, clock=device.clock).sample(lambda: device.launch(1e-7), 100)
        assert timers.launch_bound(sample) is True

    def test_host_samples_have_no_launch_label(self):
        assert timers.launch_bound(timers.Sample(1e-6)) is None

    def test_cold_flushes_before_each_call_outside_the_timing(self):
        device = FakeDevice()
        cold = timers.CudaTimer(device, flush=lambda: device.launch(50e-3, "flush"), clock=device.clock)
        sample = cold.sample(lambda: device.launch(2e-3), 3)
        assert device.log == ["flush", "work"] * 3
        assert sample.device_s == pytest.approx(2e-3, rel=1e-2)
        assert sample.wall_s == pytest.approx(2e-3, rel=1e-2)

    def test_flush_zeroes_one_buffer(self):
        made = []

        def make(size: int) -> np.ndarray:
            made.append(np.ones(size, dtype=np.uint8))
            return made[-1]

        flush = timers.flush_by_zeroing(make, 64)
        flush()
        flush()
        assert len(made) == 1
        assert not made[0].any()

    def test_stamps_serve_as_a_timer_of_pytest_benchmark(self):
        """It computes end − start; the difference synchronises first."""
        device = FakeDevice()
        clock = timers.StampTimer(device)
        start = clock()
        device.launch(3e-3)
        end = clock()
        assert end - start == pytest.approx(3e-3, rel=1e-3)
        assert device.waits == 1

    def test_lost_time_is_seen(self):
        wall, own = iter([0.0, 1.0]), iter([0.0, 0.6])
        sample = timers.WallTimer(lambda: next(wall), lambda: next(own)).sample(lambda: None, 1)
        assert sample.lost == pytest.approx(0.4)
        assert sample.seconds == pytest.approx(0.6)

    def test_several_threads_do_not_shorten_the_wall_time(self):
        wall, own = iter([0.0, 1.0]), iter([0.0, 1.9])
        sample = timers.WallTimer(lambda: next(wall), lambda: next(own)).sample(lambda: None, 1)
        assert (sample.lost, sample.seconds) == (0.0, 1.0)


class TestStatistics:
    def test_ratio_of_identical_code_covers_one_and_of_slower_code_does_not(self):
        rng = np.random.default_rng(0)
        covered = 0
        for _ in range(40):
            drift = [rng.normal(0, 0.02, (3, 1)) for _ in range(2)]
            noise = [np.exp(d + rng.normal(0, 0.05, (3, 10))) for d in drift]
            low, high = statistics.ratio(list(noise[0]), list(noise[1]), rng)[1:]
            covered += low <= 1.0 <= high
            slow = statistics.ratio(list(1.5 * noise[0]), list(noise[1]), rng)
            assert slow[1] > 1.0
            assert slow[0] == pytest.approx(1.5, rel=0.1)
        assert covered >= 30  # 3 processes are few: the interval is a little too short

    def test_an_outlying_process_widens_the_interval(self):
        rng = np.random.default_rng(1)
        calm = [np.log(1 + rng.normal(0, 0.01, 10)) for _ in range(3)]
        odd = [*calm[:2], calm[2] + 0.5]
        narrow, wide = (np.diff(statistics.interval(b, np.random.default_rng(2)))[0] for b in (calm, odd))
        assert wide > 5 * narrow

    def test_lag1(self):
        walk = np.cumsum(np.random.default_rng(0).normal(size=500))
        assert statistics.lag1([walk]) > 0.9
        assert abs(statistics.lag1([np.random.default_rng(1).normal(size=2000)])) < 0.1
        assert statistics.lag1([np.ones(10)]) is None

    def test_quantiles_are_sorted_and_few(self):
        q = statistics.quantiles([np.arange(5.0), np.arange(5.0) + 10])
        assert len(q) == 11
        assert q == sorted(q)


class TestGrowth:
    sizes = np.geomspace(32, 1024, 9)

    @pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
    def test_exponent_is_found_under_an_offset_and_noise(self, p):
        rng = np.random.default_rng(7)
        clean = 50e-6 + 1e-3 * (self.sizes / 1024) ** p
        samples = clean * np.exp(rng.normal(0, 0.03, (3, 10, 9)))
        best = growth.fit(self.sizes, np.median(np.median(samples, axis=1), axis=0))
        low, high = growth.exponent_interval(self.sizes, samples, rng, best=best)
        assert best.exponent == pytest.approx(p, abs=0.15)
        assert low - 0.1 <= p <= high + 0.1
        plain = np.polyfit(np.log(self.sizes), np.log(clean), 1)[0]
        assert abs(best.exponent - p) < abs(plain - p)

    def test_one_disturbed_size_does_not_decide(self):
        t = 1e-5 + 1e-9 * self.sizes**2
        t[4] *= 3
        assert growth.fit(self.sizes, t).exponent == pytest.approx(2.0, abs=0.1)

    @pytest.mark.parametrize("sizes", [np.geomspace(1, 100, 7), np.geomspace(1, 8, 9)])
    def test_too_little_range_is_refused(self, sizes):
        with pytest.raises(ValueError, match="growth needs"):
            growth.fit(sizes, sizes)

    def test_times_must_be_positive(self):
        with pytest.raises(ValueError, match="positive"):
            growth.fit(self.sizes, 0 * self.sizes)


class TestLimits:
    measured = {"copy_curve": [[1e3, 100.0], [1e6, 10.0]], "gemm_gflops": {"float64": 50.0}}  # noqa: RUF012

    def test_the_slower_of_memory_and_arithmetic_is_the_limit(self):
        assert limits.limit(Work(1e6, 1.0), "float64", self.measured) == (pytest.approx(1e-4), "memory")
        assert limits.limit(Work(1e3, 50e6), "float64", self.measured) == (pytest.approx(1e-3), "flops")

    def test_bandwidth_between_and_beyond_the_measured_sizes(self):
        curve = self.measured["copy_curve"]
        assert limits.bandwidth(1e9, curve) == pytest.approx(10.0)
        assert limits.bandwidth(10**4.5, curve) == pytest.approx(1000**0.5)

    def test_best_of_several_processes(self):
        one = {"copy_curve": [[s, 1.0] for s in limits.COPY_BYTES], "gemm_gflops": {"float64": 3.0}}
        two = {"copy_curve": [[s, 2.0] for s in limits.COPY_BYTES], "gemm_gflops": {"float64": 1.0}}
        found = limits.best([one, two])
        assert (found["copy_bandwidth_gbs"], found["gemm_gflops"]["float64"]) == (2.0, 3.0)
        assert limits.best([]) == {}

    def test_a_library_held_back_by_the_environment_is_named(self, monkeypatch):
        for name in limits.KERNEL_SWITCHES:
            monkeypatch.delenv(name, raising=False)
        assert limits.held_back() == {}
        monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
        assert limits.held_back() == {"OPENBLAS_CORETYPE": "Haswell"}
        (said,) = page_limits({"held_back": limits.held_back()})
        assert said == "OPENBLAS_CORETYPE=Haswell was set, which slows what obeys it"

    def test_gpu_state(self):
        assert limits.gpu_state(lambda: "Name, 550.1, 1200 MHz, 45, 0x0\n")[0]["temperature.gpu"] == "45"

        def missing() -> str:
            raise FileNotFoundError

        assert limits.gpu_state(missing) is None


NUMPY = Space(backends()["numpy-cpu"], "float64")


class TestSampling:
    def test_members_take_turns(self):
        order: list[str] = []
        members = [Member(name, NUMPY, lambda name=name: order.append(name)) for name in "abc"]
        effort = sampling.Effort(rounds=5, budget_s=10.0, processes=1, total_s=1.0, call_s=1.0)
        samples = sampling.interleave(members, effort, np.random.default_rng(0))
        assert {len(s) for s in samples.values()} == {5}
        assert set(order) == set("abc")

    def test_a_disturbed_calibration_does_not_shorten_the_batch(self, monkeypatch):
        """One call that lost its core for 5 ms must not look like a call that takes 5 ms."""
        taken = []

        class Fake:
            def sample(self, call: Any, repeats: int) -> timers.Sample:
                taken.append(repeats)
                if len(taken) == 1:
                    return timers.Sample(5e-3, lost=0.998)
                return timers.Sample(10e-6 if repeats > 1 else 40e-6)

        member = Member("m", NUMPY, lambda: None)
        monkeypatch.setattr(member, "timer", Fake)
        repeats, seconds = sampling.calibrate(member)
        assert 200 <= repeats <= 250
        assert seconds >= sampling.BATCH_S

    @pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the switches are glibc's")
    def test_memory_that_a_call_gives_back_is_kept(self):
        """Blocks of 8 MB, two at a time, take page faults (2048 each) when they are first taken only."""
        code = """
import resource
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def call(): bytearray(8 << 20), bytearray(8 << 20)
call(), call()
before = faults()
for _ in range(5): call()
print(faults() - before)
"""
        run = [sys.executable, "-c", code]
        assert int(subprocess.run(run, env=os.environ | pool.KEPT_MEMORY, capture_output=True, check=True).stdout) < 100

    def test_a_disturbed_sample_is_taken_again(self, monkeypatch):
        takes = iter([timers.Sample(2e-3, lost=0.5), timers.Sample(1e-3, lost=0.01)])

        class Fake:
            def sample(self, call: Any, repeats: int) -> timers.Sample:
                return next(takes)

        member = Member("m", NUMPY, lambda: None)
        monkeypatch.setattr(member, "timer", Fake)
        assert sampling.undisturbed(member, 1).wall_s == 1e-3

    @pytest.mark.parametrize(("repeats", "cold", "before"), [(3, False, 2), (1, False, 0), (3, True, 0)])
    def test_calls_before_a_batch_fill_the_caches(self, repeats, cold, before):
        """Not where one call is a batch, nor where the caches are to be empty."""
        calls = []
        member = Member("m", NUMPY, lambda: calls.append(1))
        member.cold = cold
        member.timer = timers.WallTimer
        assert sampling.undisturbed(member, repeats).lost <= 1
        takes, rest = divmod(len(calls) - before, repeats)
        assert (1 <= takes <= 3, rest) == (True, 0)

    def test_collector_is_restored(self):
        import gc

        with sampling.collector_off():
            assert not gc.isenabled()
        assert gc.isenabled()

    def test_at_most_interrupts(self):
        def forever() -> None:
            with at_most(0.05):
                while True:
                    pass

        with pytest.raises(TooSlowError):
            forever()

    def test_an_import_is_not_interrupted(self, tmp_path, monkeypatch):
        """Half a module would be left behind. What comes after the import has the limit again."""
        (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(0.25)\nwhole = True\n")
        monkeypatch.syspath_prepend(tmp_path)
        with at_most(0.1):
            import slow_to_import
        assert slow_to_import.whole
        monkeypatch.delitem(sys.modules, "slow_to_import")

        def forever() -> None:
            with at_most(0.1):
                import slow_to_import  # noqa: F401

                while True:
                    pass

        with pytest.raises(TooSlowError):
            forever()

    def test_what_numba_compiles_is_not_interrupted(self):
        """It compiles longer than the limit, one function within another."""
        numba = pytest.importorskip("numba")

        def same(x: Any) -> Any:
            return x

        @numba.extending.overload(same)
        def slow(x):  # numba wants the parameters of the lambda, with no annotation
            time.sleep(0.2)
            return lambda x: x

        inner = numba.njit(lambda x: same(x))
        outer = numba.njit(lambda x: inner(x) + 1)
        start = time.perf_counter()
        with at_most(0.1):
            assert outer(2.0) == 3.0
        assert time.perf_counter() > start + 0.2

    def test_what_jax_cannot_compile_is_said(self):
        pytest.importorskip("jax")
        subject = Subject("s", {"f": lambda a: a if a.sum() > 0 else -a})
        with pytest.raises(NotCompilableError, match="jax cannot compile"):
            of_subject(subject, "f", Space(_loaded("jax-cpu"), "float64"), (np.eye(2),))


def _loaded(backend_id: str) -> Any:
    backends()[backend_id].load()
    return backends()[backend_id]


def _case(**options: Any) -> Case:
    def checker(args: cases.Args) -> cases.Checker:
        return lambda result, space: Check(float(np.abs(result - 2 * args[0]).max()) / space.u, "exact")

    return Case("double", {"n": 4}, lambda rng: (rng.standard_normal(4),), lambda *_: Work(64.0), checker, **options)


def _suite() -> suite.Suite:
    contract = Contract("double", "(n)->(n)", "2x", "toy")
    return suite.Suite(families={"toy": Family("toy", "Toy", 1)}, contracts={"double": contract})


class TestRecords:
    subjects = (
        Subject("right", {"double": lambda x: 2 * x}, backends=("numpy",)),
        Subject("cuda only", {"double": lambda x: 2 * x}, backends=("cupy",)),
        Subject("half", {"double": lambda x: 2 * x}, backends=("numpy",), dtypes=("float32",)),
    )

    def groups(self, **options: Any) -> list[records.Group]:
        rivals = (Rival("add", "numpy-cpu", lambda x: x + x), Rival("never", "numpy-cpu", abs, lambda p: False))
        case = _case(rivals=rivals, headline=True, **options)
        return make_groups(_suite(), [("toy", case)], self.subjects, wanted_spaces(None), quick=True)

    def test_groups(self):
        (group,) = self.groups()
        assert group.members == [("right", "numpy-cpu", False), ("add", "numpy-cpu", False)]
        assert [a[:2] for a in group.absent] == [("half", "numpy-cpu"), ("cuda only", "cupy-cuda")]
        (none,) = [self.groups(quick=False)]
        assert none == []

    def answers(self, right: float, add: float, error: Any = 0.5) -> list[dict[str, Any]]:
        def row(t: float, e: Any) -> dict[str, Any]:
            return {"reason": "", "error_ratio": e, "how": "exact", "samples": [t, 1.1 * t, t, t], "wall_s": None,
                    "launch_bound": None, "peak_memory": None, "lost": 0.0}  # fmt: skip

        return [{"right-numpy-cpu-float64": row(right, 0.5), "add-numpy-cpu-float64": row(add, error)}] * 2

    def test_ratios_go_to_the_fastest_right_result(self):
        (group,) = self.groups()
        rows = records.group_records(group, self.answers(2e-3, 1e-3), TestLimits.measured)
        by = {r["subject"]: r for r in rows}
        assert by["add"]["ratio"] == 1.0
        assert by["right"]["ratio"] == pytest.approx(2.0)
        assert by["right"]["limit_share"] == pytest.approx(by["right"]["limit_s"] / 2e-3)
        assert by["cuda only"]["status"] == "not measured"
        assert by["cuda only"]["reason"]
        json.dumps(rows, allow_nan=False)

    def test_ratios_go_to_the_baseline_of_a_case(self):
        """To a rival that is slower, by its name; to the fastest right result where the baseline is wrong or absent."""
        (group,) = self.groups(baseline="add")
        for error, ratio, against in ((0.5, 0.5, "add"), (1e9, 1.0, "")):
            rows = records.group_records(group, self.answers(1e-3, 2e-3, error), {})
            by = {r["subject"]: r for r in rows}
            assert (by["right"]["ratio"], by["right"]["against"]) == (pytest.approx(ratio), against)
            assert by["cuda only"]["against"] == ""
        rows = records.group_records(self.groups()[0], self.answers(1e-3, 2e-3), {})
        assert {r["against"] for r in rows} == {""}

    @pytest.mark.parametrize("error", [1e9, "inf", "nan"])
    def test_a_wrong_result_is_never_the_fastest(self, error):
        (group,) = self.groups()
        by = {r["subject"]: r for r in records.group_records(group, self.answers(2e-3, 1e-3, error), {})}
        assert by["right"]["ratio"] == 1.0
        assert not by["add"]["right"]
        assert "bound" in by["add"]["reason"]

    def test_a_dead_worker_is_a_reason(self):
        (group,) = self.groups()
        by = {r["subject"]: r for r in records.group_records(group, ["the process died of SIGSEGV"], {})}
        assert by["right"]["reason"] == "the process died of SIGSEGV"
        assert by["right"]["status"] == "not measured"

    def test_unknown_space_is_a_sentence(self):
        with pytest.raises(ValueError, match="unknown space"):
            wanted_spaces(["nowhere"])


class TestWorker:
    @pytest.mark.parametrize(("took", "hopeless"), [(0.4, True), (0.2, True), (0.04, False)])
    def test_what_would_take_too_long_is_not_begun(self, took, hopeless):
        """At 64 times the work 0.2 s become 12.8 s; 0.04 s may be all dispatch."""
        worker = object.__new__(Worker)
        worker.effort, worker.too_slow, worker.took = sampling.Effort(4, 0.1, 2, 600.0, 0.5), {}, {}
        space, calls = Space(backends()["numpy-cpu"], "float64"), []
        member = Member("slow", space, lambda: calls.append(1) or np.zeros(1))
        case = _case()
        worker.took[worker._who(case, member)] = worker._work(case, member, ()) / 64, took
        with pytest.raises(TooSlowError, match="smaller case") if hopeless else nullcontext():
            worker._first_result(case, member, ())
        assert len(calls) == (0 if hopeless else 1)


class TestPool:
    def test_a_crash_is_a_result_and_the_rest_goes_on(self, monkeypatch, tmp_path):
        scripts = iter([
            [{"begin": 0}, {"done": 0, "result": {}}, {"begin": 1}, "died"],
            [{"begin": 2}, {"done": 2, "result": {"x": 1}}],
        ])
        monkeypatch.setattr(pool, "_messages", lambda job, cache: iter(next(scripts)))
        found = list(pool.run({}, [(0, {}), (1, {}), (2, {})], tmp_path))
        assert [f for f in found if f[1] is not None] == [(0, {}), (1, "died"), (2, {"x": 1})]

    def test_a_worker_that_does_not_start_says_why(self, tmp_path):
        answers = list(pool.run({"tasks": []}, [(0, {"limits": True})], tmp_path))
        assert answers[0][0] == 0
        assert "did not start" in answers[0][1]


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[str, Any]:
    """One whole campaign, as small as it can be: no cases, one growth curve left out, the limits measured."""
    loaded = suite.load()
    lines: list[str] = []
    subjects = plan.subjects(loaded, ("reference",))[0]
    patch = pytest.MonkeyPatch()
    patch.setattr(cases, "load", lambda families: (_one_case(), {}))
    patch.setattr("detrace.timing.campaign.QUICK", sampling.Effort(4, 0.1, 2, 600.0, 5.0))
    found = run(loaded, subjects, ["numpy-cpu-float64", "cupy-cuda"], progress=lines.append)
    patch.undo()
    return {**found, "lines": lines}


def _one_case() -> dict[str, tuple[str, Case]]:
    from bench.matrix_exponential import CASES

    case = next(c for c in CASES if c.contract == "expm" and c.headline)
    return {case.id: ("matrix_exponential", case)}


class TestCampaign:
    @pytest.mark.parametrize(("total_s", "processes"), [(0.0, 2), (600.0, 3)])
    def test_out_of_time_only_what_comes_after_the_second_process_is_left_out(self, total_s, processes, monkeypatch):
        monkeypatch.setattr(pool, "run", lambda job, tasks, cache: iter([(0, None), (0, {})]))
        effort = asdict(sampling.Effort(4, 0.1, 3, total_s, 5.0))
        assert len(_measure([{"limits": True}], [], [], effort, None)[0]) == processes

    def test_two_fresh_processes_measure_and_check(self, measured):
        row = next(r for r in measured["benchmarks"] if r["status"] == "measured")
        assert row["processes"] == 2
        assert row["checked"]
        assert row["right"]
        assert 0 < row["median_s"] < 10
        assert len(row["quantiles"]) == 11
        assert row["limit_kind"] in ("memory", "flops")

    def test_machine_limits(self, measured):
        assert measured["machine_limits"]["copy_bandwidth_gbs"] > 0.1
        assert measured["machine_limits"]["gemm_gflops"]["float64"] > 0.1

    def test_spaces_that_are_not_here_have_a_row_and_a_reason(self, measured):
        rows = [r for r in measured["benchmarks"] if r["space"].startswith("cupy-cuda")]
        assert rows
        assert all(r["status"] == "measured" or r["reason"] for r in rows)

    def test_progress_and_json(self, measured):
        assert measured["lines"][0].endswith("machine limits")
        json.dumps(measured, allow_nan=False)


class TestCases:
    def test_ids_are_unique_and_every_contract_is_declared(self):
        loaded = suite.load()
        found, curves = cases.load(loaded.families)
        assert {c.contract for _, c in found.values()} <= set(loaded.contracts)
        assert {c.contract for _, c in found.values() if c.headline} == {c.contract for _, c in found.values()}
        assert curves

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_arguments_are_exact_and_repeatable(self, dtype):
        case = next(c for _, c in cases.load(suite.load().families)[0].values() if c.contract == "expm")
        (a,), (b,) = case.arguments(dtype), case.arguments(dtype)
        assert np.array_equal(a, b)
        assert np.array_equal(a, a.astype(dtype).astype(np.float64))

    def test_checkers_tell_right_from_wrong(self):
        """The reference is right on a small case of every contract, and one that is off by 1e-8 or NaN is not."""
        loaded = suite.load()
        reference = loaded.reference()
        smallest: dict[str, Case] = {}
        for _, case in cases.load(loaded.families)[0].values():
            size = sum(getattr(a, "size", 0) for a in case.arguments("float64"))
            best = smallest.get(case.contract)
            if best is None or size < sum(getattr(a, "size", 0) for a in best.arguments("float64")):
                smallest[case.contract] = case
        for contract, case in smallest.items():
            args = case.arguments("float64")
            judge = case.checker(args)
            result = np.asarray(first(of_subject(reference, contract, NUMPY, args).call()))
            assert judge(result, NUMPY).ratio < 30, contract
            assert not judge(result * (1 + 1e8 * NUMPY.u) + 1e8 * NUMPY.u, NUMPY).ratio < 30, contract
            assert not judge(result * np.nan, NUMPY).ratio < 30, contract


def test_the_suites_own_speed_is_measured(monkeypatch):
    """What the machinery adds to a bare test is a number for a law of arrays and for one of networks, alone and with
    its judge; and every mutant is timed by a law that must reject it."""
    monkeypatch.setattr(suite_speed, "EXAMPLES", 10)
    monkeypatch.setattr(suite_speed, "REPETITIONS", 1)
    whole = suite.load()
    for name in suite_speed.LAWS[0], suite_speed.LAWS[3]:
        shares = suite_speed.shares_of(whole, name, "numpy-cpu-float64")
        assert shares["bare"] > 0
        assert all(-100 < shares[k] < 10_000 for k in ("machinery", "law"))
    assert {whole.family_of(whole.laws[name]) for name in suite_speed.LAWS} == set(whole.families)
    kinds = ("minimax_as_log_of_sigmoid", "elementwise")  # of a theorem about each of several contracts, and of a plain one
    chosen = {name: whole.mutants()[name] for name in kinds}
    monkeypatch.setattr(suite.Suite, "mutants", lambda _: chosen)
    median, longest = suite_speed.mutants()
    assert median["how"].startswith("2 mutants")
    assert "not rejected" not in median["how"]
    assert 0 < median["value"] <= longest["value"]
