"""Kernels: one benchmark case of one subject in one space, chosen by name; which of them are new and which are gone."""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..suite import load
from ..timing import cases
from .trees import GateError, Tree

Listing = list[list[Any]]
"""[case id, contract, whether it is a headline] for each benchmark of a tree."""
Offers = Mapping[str, Mapping[str, Sequence[str]]]
"""Backends by contract by subject: what a tree can be timed on."""

LISTING = """
import json
from detrace.suite import load
from detrace.timing import cases
found = cases.load(load().families)[0].values()
print(json.dumps([[case.id, case.contract, case.headline] for _, case in found]))
"""


@dataclass(frozen=True)
class Kernel:
    """What is timed; `id` is that of the records of `detrace bench`."""

    case: str
    contract: str
    subject: str
    backend: str
    dtype: str

    @property
    def space(self) -> str:
        return f"{self.backend}-{self.dtype}"

    @property
    def id(self) -> str:
        opened = self.case[:-1] + ("" if self.case.endswith("[]") else ",")
        return f"{opened}dtype={self.dtype}][{self.subject}-{self.space}]"

    def names(self) -> set[str]:
        """By what `--kernel` and the removal list may call it."""
        return {self.id, self.case, self.contract}

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def listing() -> Listing:
    """The benchmarks of this tree."""
    return [[case.id, case.contract, case.headline] for _, case in cases.load(load().families)[0].values()]


def listing_of(tree: Tree) -> Listing:
    """The benchmarks of another tree, as its own code lists them. GateError if it cannot."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", LISTING], cwd=tree.cwd, capture_output=True, text=True, timeout=300,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(tree.path)},
    )  # fmt: skip
    if done.returncode:
        raise GateError((done.stderr.strip().splitlines() or ["no message"])[-1][:200])
    return json.loads(done.stdout.splitlines()[-1])


def every(benchmarks: Listing, offers: Offers, dtype: str) -> dict[str, tuple[Kernel, bool]]:
    """All kernels by id, each with whether it is a headline: one for each case, subject and backend."""
    found = [
        (Kernel(case, contract, subject, backend, dtype), headline)
        for case, contract, headline in benchmarks
        for subject, contracts in offers.items()
        for backend in contracts.get(contract, ())
    ]
    return {k.id: (k, headline) for k, headline in found}


def choose(names: Iterable[str], kernels: Mapping[str, tuple[Kernel, bool]]) -> dict[str, Kernel]:
    """Those that `names` call (by kernel, case or contract); all headlines if nothing is named."""
    wanted = set(names)
    return {i: k for i, (k, headline) in kernels.items() if (wanted & k.names() if wanted else headline)}


def check_names(names: Sequence[str], known: Iterable[Kernel]) -> None:
    """GateError for a name that no kernel answers to, with near names."""
    there = sorted({n for k in known for n in k.names()})
    for name in names:
        if name not in there:
            near = difflib.get_close_matches(name, there, n=3, cutoff=0.4)
            hint = f"; did you mean {' or '.join(near)}?" if near else "; `detrace bench --full` lists what there is"
            raise GateError(f"no kernel is named {name!r}{hint}")
