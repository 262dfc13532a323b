"""Namesakes: a user's own packages called ``reference``, ``verify`` or ``bench``, which their code must find, not the suite's.

The suite's folders are imported by these names, first on the path of the run's own process. While a user's module is
imported, and while a function of theirs runs, the suite's modules step aside for packages of theirs with such a name.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

NAMES = ("reference", "verify", "bench")
_theirs: dict[str, ModuleType] = {}
_inside = False


def found() -> tuple[str, ...]:
    """Names of the suite that the user's path holds too."""
    path = _without_suite()
    return tuple(name for name in NAMES if PathFinder.find_spec(name, path) is not None)


@contextmanager
def visible(names: tuple[str, ...]) -> Iterator[None]:
    """Inside, these names are the user's packages; their modules are kept from one time to the next."""
    global _inside
    if not names or _inside:
        yield
        return
    ours, path = _take(names), _without_suite()
    hidden = [p for p in sys.path if p not in path]
    sys.path[:] = path
    sys.modules.update(_theirs)
    _inside = True
    try:
        yield
    finally:
        _inside = False
        _theirs.update(_take(names))
        sys.modules.update(ours)
        sys.path[:0] = hidden


def seen_by(function: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    """`function`, with these names visible while it runs, for what it imports then."""
    if not names:
        return function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with visible(names):
            return function(*args, **kwargs)

    return call


def _without_suite() -> list[str]:
    from .suite import suite_root

    root = str(suite_root())
    return [p for p in sys.path if p != root and str(Path(p).resolve()) != root]


def _take(names: tuple[str, ...]) -> dict[str, ModuleType]:
    """Take the modules of these packages out of the process."""
    return {m: sys.modules.pop(m) for m in list(sys.modules) if m.partition(".")[0] in names}
