"""Every quick case on every subject as a pytest-benchmark test: ``pytest bench``; groups put the subjects side by side.

On a shared machine these times do not compare across runs; `detrace bench` interleaves subjects and gives intervals.
"""

import pytest
import torch
from threadpoolctl import threadpool_limits

from detrace.judging import LIMIT
from detrace.timing.fixtures import Timed, quick_cases
from detrace.timing.members import first


@pytest.fixture(autouse=True)
def one_thread():
    """Two threads on two shared cores spread times tenfold."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


@pytest.mark.benchmark(max_time=0.1, min_rounds=5, warmup=True, warmup_iterations=2, disable_gc=True)
@pytest.mark.parametrize("timed", quick_cases(), ids=str)
def test_case(benchmark, timed: Timed):
    """The timed result is held against the truth in the same test."""
    member = timed.member()
    benchmark.group = timed.group
    benchmark.extra_info.update(timed.extra())
    result = benchmark(member.call)
    check = timed.check(member.space.to_host(first(result)), member.space)
    benchmark.extra_info["error_ratio"] = check.ratio
    assert timed.is_rival or check.ratio < LIMIT, check.how
