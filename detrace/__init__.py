"""detrace: laws searched by Hypothesis, judged by certified oracles, run on anybody's implementation.

The public names below are what a law, a mutant or a family is written with; they load on first use, so that importing
`detrace` (and with it the pytest plugin) costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Contract": "contracts",
    "Family": "contracts",
    "LIMIT": "judging",
    "Law": "laws",
    "Mutant": "mutants",
    "NotOffered": "judging",
    "Space": "spaces",
    "Subject": "subjects",
    "branch": "judging",
    "judge": "judging",
    "law": "laws",
    "mutant": "mutants",
    "require": "judging",
    "undecided": "judging",
}
__all__ = [
    "LIMIT", "Contract", "Family", "Law", "Mutant", "NotOffered", "Space", "Subject", "branch", "judge", "law", "mutant",
    "require", "undecided",
]  # fmt: skip

if TYPE_CHECKING:
    from .contracts import Contract, Family
    from .judging import LIMIT, NotOffered, branch, judge, require, undecided
    from .laws import Law, law
    from .mutants import Mutant, mutant
    from .spaces import Space
    from .subjects import Subject


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"detrace.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'detrace' has no attribute {name!r}")
