"""Peak memory: the meter on programs whose blocks are known, its way into records and onto the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import page_data
import pytest
import torch

from bench import gradient_penalties, single_loss
from detrace.report import render
from detrace.report.packed import unpacked
from detrace.report.show import memory as shown
from detrace.spaces import probe, space
from detrace.timing import memory
from detrace.timing.cases import Case
from detrace.timing.members import of_rival
from detrace.timing.timers import Sample
from detrace.timing.worker import _summary

HOST = "torch-cpu"
N = 1000


def block(blocks: int = 1) -> torch.Tensor:
    """8000 bytes a block."""
    return torch.empty(blocks * N, dtype=torch.float64)


def one_after_another() -> None:
    for _ in range(5):
        block()


def all_at_once() -> list[torch.Tensor]:
    return [block() for _ in range(5)]


def in_steps() -> torch.Tensor:
    """1, 1 + 2, then 2 and a copy of it: 4."""
    a = block()
    b = block(2)
    del a
    return b.clone()


def a_view() -> torch.Tensor:
    return block(3)[::2]


def small_again() -> None:
    """The peak is in the middle."""
    block(7)
    block()


KNOWN = [(one_after_another, 1), (all_at_once, 5), (in_steps, 4), (a_view, 3), (small_again, 7), (lambda: None, 0)]


@pytest.mark.parametrize(("call", "blocks"), KNOWN)
def test_known_programs_hold_known_bytes(call: Callable[[], Any], blocks: int) -> None:
    """To the byte, and each time anew, though the first results are still there."""
    kept = [call()]
    assert [memory.peak(HOST, lambda: kept.append(call())) for _ in range(3)] == [8 * N * blocks] * 3


def test_what_was_there_before_does_not_count() -> None:
    """Neither arguments nor what is given back of them: a block in place of another is a block."""
    held = {"x": block(9)}

    def replace() -> None:
        held["x"] = torch.zeros(1)
        held["x"] = block(2)

    assert memory.peak(HOST, replace) == 8 * 2 * N + 4


def test_a_graph_holds_what_it_saves() -> None:
    """Ten exponentials: the last two and what is negated between them without a graph, all ten with it, then gradients too."""
    x = block().zero_().requires_grad_()

    def chain() -> torch.Tensor:
        y = x
        for _ in range(10):
            y = torch.exp(-y)
        return y

    with torch.no_grad():
        assert memory.peak(HOST, chain) == 8 * N * 3
    assert memory.peak(HOST, chain) == 8 * N * 11
    with_backward = memory.peak(HOST, lambda: torch.autograd.grad(chain().sum(), x))
    assert 11 <= with_backward / (8 * N) <= 14


def test_what_a_kernel_takes_for_itself_counts() -> None:
    """The softmax of a transposed matrix makes its contiguous copy inside: two matrices, of which one is seen."""
    a = torch.ones(30, 40, dtype=torch.float64)
    assert memory.peak(HOST, lambda: torch.softmax(a.T, 1)) == 2 * 8 * a.numel()


def test_blocks_given_back_must_have_been_taken() -> None:
    """An address taken again without having been given back was given back unseen."""
    assert memory.highest([(1, 5), (2, 7), (1, -5), (3, 4)]) == 12
    assert memory.highest([(9, -100), (1, 5)]) == 5
    assert memory.highest([(1, 5), (1, 8)]) == 8
    assert memory.highest([]) == 0


def test_libraries_that_cannot_say_say_nothing() -> None:
    """None, not a guess."""
    assert memory.peak("numpy-cpu", lambda: np.ones(9)) is None


def test_on_a_device_its_own_counters_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The highest mark beyond what was there, after the device has done the work."""
    said: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: said.append("wait"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: said.append("reset"))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 1000)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 3500)
    assert memory.peak("torch-cuda", lambda: said.append("call")) == 2500
    assert said == ["call", "wait", "reset", "call", "wait"]


@pytest.mark.parametrize("case", [*single_loss.CASES, *gradient_penalties.CASES], ids=lambda c: c.id)
def test_cases_of_training_steps_are_weighed(case: Case) -> None:
    """All of the single loss and of the penalties."""
    assert case.memory


def test_a_record_has_what_was_measured() -> None:
    """The number of the meter where it is asked for, else nothing."""
    assert not probe(HOST)
    case = single_loss.CASES[1]
    member = of_rival(case, single_loss.RIVALS[0].name, "float64", case.arguments("float64"))
    sample = [Sample(1e-3)]
    assert _summary(sample, member, weigh=True)["peak_memory"] == memory.peak(HOST, member.call)
    assert _summary(sample, member, weigh=False)["peak_memory"] is None


def test_the_page_says_it_beside_the_time() -> None:
    """In the cell, with one sentence above the table; neither where nothing was measured."""
    document = page_data.results()
    assert "peak" not in text(document)
    document["benchmarks"][0]["peak_memory"] = 2943512
    assert re.search(r"1\.0×.{0,80}peak 2\.94 MB", text(document), re.S)
    assert "peak is the most memory that the call held at once" in text(document)


def text(document: dict[str, Any]) -> str:
    (block,) = re.findall(r'<script type="application/octet-stream" id="packed"[^>]*>([^<]*)</script>', render(document))
    opened = unpacked(block)
    return re.sub(r"<[^>]*>", "", opened["contracts-0"])


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 B"), (999, "999 B"), (2943512, "2.94 MB"), (802816, "803 kB"), (999700, "1000 kB"), (None, "")]
)
def test_bytes_are_printed_for_readers(number: Any, words: str) -> None:
    """Three digits and a unit."""
    assert shown(number) == words


def test_one_graph_holds_more() -> None:
    """The single loss keeps one graph where alternation keeps one after the other: it costs memory, at every size timed."""
    where = space("torch-cpu-float32")
    for case in single_loss.CASES[:2]:
        args = [a.bind(where) if hasattr(a, "bind") else a for a in case.arguments("float32")]
        native = [where.to_native(a) if isinstance(a, np.ndarray) else a for a in args]
        single, alternating = (
            memory.peak(HOST, partial(step, *native)) for step in (single_loss.single_step, single_loss.alternating_step)
        )
        assert single is not None
        assert alternating is not None
        assert 1.1 < single / alternating < 1.5
