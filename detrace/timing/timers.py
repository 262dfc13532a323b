"""Timers: how long a call takes, on the host clock, and on devices whose work completes after the call returns.

All times are seconds per call. A device timer records events in the stream of the work and synchronises before it reads
them: a host clock alone measures how long it takes to *ask* for the work.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

LAUNCH_BOUND_S = 50e-6
"""Longer calls are not limited by launching kernels (a launch costs 2–10 µs, a call launches a few)."""
LAUNCH_AGREEMENT = 0.25
"""Event time and synchronised wall time "nearly agree" within this share: the device waits for the host."""

Call = Callable[[], Any]


@dataclass(frozen=True)
class Sample:
    """Mean over a batch of calls: wall time, device time (None on the host), both in seconds per call.

    `lost` is the share of the wall time in which this process did not run: another one had the core.
    """

    wall_s: float
    device_s: float | None = None
    lost: float = 0.0

    @property
    def seconds(self) -> float:
        """What is reported: device time where there is one, else the wall time in which this process ran."""
        return self.wall_s * (1.0 - self.lost) if self.device_s is None else self.device_s


class Timer(Protocol):
    def sample(self, call: Call, repeats: int) -> Sample: ...


class WallTimer:
    """The host's monotonic clock around a batch of calls; each call must finish its work before it returns."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter,
                 own_clock: Callable[[], float] = time.process_time) -> None:  # fmt: skip
        self.clock, self.own_clock = clock, own_clock

    def sample(self, call: Call, repeats: int) -> Sample:
        own = self.own_clock()
        start = self.clock()
        for _ in range(repeats):
            call()
        wall = self.clock() - start
        own = self.own_clock() - own
        return Sample(wall / repeats, lost=max(0.0, 1.0 - own / wall) if wall > 0.0 else 0.0)


class Events(Protocol):
    """What a device timer needs of a library: events in the current stream."""

    def record(self) -> Any:
        """An event at the stream's present end."""

    def seconds(self, start: Any, end: Any) -> float:
        """Time between two completed events."""

    def synchronize(self) -> None:
        """Wait until the device has done everything asked of it."""


class TorchEvents:
    """``torch.cuda.Event`` on the current stream."""

    def __init__(self) -> None:
        import torch

        self.cuda = torch.cuda

    def record(self) -> Any:
        event = self.cuda.Event(enable_timing=True)
        event.record()
        return event

    def seconds(self, start: Any, end: Any) -> float:
        return start.elapsed_time(end) * 1e-3  # the library counts milliseconds

    def synchronize(self) -> None:
        self.cuda.synchronize()


class CupyEvents:
    """``cupy.cuda.Event`` on the current stream."""

    def __init__(self) -> None:
        import cupy

        self.cuda = cupy.cuda

    def record(self) -> Any:
        event = self.cuda.Event()
        event.record()
        return event

    def seconds(self, start: Any, end: Any) -> float:
        return self.cuda.get_elapsed_time(start, end) * 1e-3

    def synchronize(self) -> None:
        self.cuda.Device().synchronize()


class CudaTimer:
    """Event time and synchronised wall time of a batch.

    Hot (no `flush`): one pair of events around the whole batch, so that the events' own cost is shared. Cold: `flush`
    (writing a buffer larger than the second-level cache) runs before each call, outside its pair of events; wall time
    then synchronises around each call.
    """

    def __init__(self, events: Events, *, flush: Call | None = None,
                 clock: Callable[[], float] = time.perf_counter) -> None:  # fmt: skip
        self.events, self.flush, self.clock = events, flush, clock

    def sample(self, call: Call, repeats: int) -> Sample:
        if self.flush is None:
            wall, device = self._span(call, repeats)
        else:
            spans = []
            for _ in range(repeats):
                self.flush()
                spans.append(self._span(call, 1))
            wall, device = (sum(s[i] for s in spans) for i in (0, 1))
        return Sample(wall / repeats, device / repeats)

    def _span(self, call: Call, repeats: int) -> tuple[float, float]:
        self.events.synchronize()
        begin = self.clock()
        start = self.events.record()
        for _ in range(repeats):
            call()
        end = self.events.record()
        self.events.synchronize()
        return self.clock() - begin, self.events.seconds(start, end)


def launch_bound(sample: Sample) -> bool | None:
    """Whether the host's launching, not the device's computing, sets the time; None where there is no device."""
    if sample.device_s is None:
        return None
    agree = abs(sample.wall_s - sample.device_s) <= LAUNCH_AGREEMENT * sample.wall_s
    return agree and sample.wall_s < LAUNCH_BOUND_S


class Stamp:
    """A point in the stream; subtracting an earlier one synchronises and gives seconds.

    pytest-benchmark computes ``end − start``, so ``StampTimer(events)`` serves as its ``timer``.
    """

    def __init__(self, events: Events) -> None:
        self.events, self.event = events, events.record()

    def __sub__(self, earlier: Stamp) -> float:
        self.events.synchronize()
        return self.events.seconds(earlier.event, self.event)


class StampTimer:
    def __init__(self, events: Events) -> None:
        self.events = events

    def __call__(self) -> Stamp:
        return Stamp(self.events)


def flush_by_zeroing(make_buffer: Callable[[int], Any], bytes_: int = 256 << 20) -> Call:
    """A function that zeroes one preallocated buffer, larger than any second-level cache of today (≤126 MB)."""
    buffer = make_buffer(bytes_)

    def flush() -> None:
        buffer[...] = 0

    return flush
