"""Peak memory: the most bytes that a call holds at once beyond what was there before it, by the allocator's own account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Call = Callable[[], Any]
Change = tuple[int, int]


def peak(backend_id: str, call: Call) -> int | None:
    """Bytes, of one call after another one that made what is made once; None where the library cannot say.

    Every tensor counts while it lives: the result, what a graph saves, gradients, and what kernels take from torch's allocator
    for themselves. What a library beneath takes from the system (MKL, Python) does not. On a CUDA device blocks count as they
    are rounded there, to 512 bytes.
    """
    meter = {"torch-cpu": of_torch_on_the_host, "torch-cuda": of_torch_on_a_device}.get(backend_id)
    if meter is None:
        return None
    call()
    return meter(call)


def of_torch_on_the_host(call: Call) -> int | None:
    """By the reports of torch's CPU allocator to its profiler: every block taken and given back, in order."""
    from torch.autograd.profiler import profile
    from torch.profiler import kineto_available

    if not kineto_available():
        return None
    with profile(profile_memory=True) as record:
        result = call()
    del result
    tree: Any = record.kineto_results.experimental_event_tree()
    blocks = [e.extra_fields for e in sorted(_all(tree), key=lambda e: e.start_time_ns)]
    return highest((b.ptr, b.alloc_size) for b in blocks if hasattr(b, "alloc_size") and b.device.type == "cpu")


def of_torch_on_a_device(call: Call) -> int:
    """By the counters of torch's CUDA allocator."""
    import torch

    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    result = call()
    torch.cuda.synchronize()
    del result
    return int(torch.cuda.max_memory_allocated() - before)


def highest(changes: Iterable[Change]) -> int:
    """The highest sum of blocks, from (address, bytes taken or minus bytes given back); a block given back that was not taken
    here was there before and does not count."""
    held: dict[int, int] = {}
    total = most = 0
    for address, change in changes:
        if change < 0:
            total -= held.pop(address, 0)
        else:
            total += change - held.get(address, 0)
            held[address] = change
            most = max(most, total)
    return most


def _all(events: Iterable[Any]) -> Iterator[Any]:
    """A tree of events, flat."""
    for event in events:
        yield event
        yield from _all(event.children)
