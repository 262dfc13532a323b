"""The suite: families, contracts, laws, mutants, peers and the ledger, found in the packages ``verify`` and ``reference``."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from .contracts import Contract, Family
from .laws import Law, Laws
from .mutants import Mutant
from .subjects import Subject, from_object, reference

T = TypeVar("T")


@dataclass
class Suite:
    """Everything that can be verified."""

    families: dict[str, Family] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=dict)
    laws: dict[str, Law] = field(default_factory=dict)
    root: Path = field(default_factory=Path)

    def mutants(self) -> dict[str, Mutant]:
        """All mutants by name; imported on demand, since only the tests of the laws need them."""
        found: dict[str, Mutant] = {}
        for module in _submodules("verify.mutants"):
            for m in _instances(module, Mutant):
                if m.name in found:
                    raise TypeError(f"two mutants are named {m.name}")
                found[m.name] = m
        return found

    def reference(self) -> Subject:
        """Our own functions; of their modules only those that need no library but NumPy to be imported."""
        return reference(_submodules("reference", but=importlib.import_module("reference").NEEDS), self.contracts)

    def peers(self, names: Iterable[str] = ()) -> tuple[list[Subject], dict[str, str]]:
        """Installed public libraries (these, or all), and for the others the reason why not."""
        installed, absent = [], {}
        for name in names or self.peer_names():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # what a library imports is no news to our users
                    module = importlib.import_module(f"verify.peers.{name}")
            except ImportError as error:
                absent[name] = f"{type(error).__name__}: {error}"
                continue
            installed.append(from_object(module, self.contracts, name=name, role="peer", spec=name))
        installed.sort(key=lambda p: (-len(p.functions), p.name))
        return installed, absent

    def peer_names(self) -> list[str]:
        """Names of all peers that ship with the suite, installed or not."""
        import verify.peers

        return [info.name for info in pkgutil.iter_modules(verify.peers.__path__) if not info.name.startswith("_")]

    def family_of(self, law: Law) -> str:
        """The family of the first contract that the law asks for."""
        return self.contracts[law.contracts[0]].family

    def mutants_of(self, law: Law) -> list[str]:
        """Names of the mutants that this law must reject."""
        return [m.name for m in self.mutants().values() if m.rejects(law)]


def suite_root() -> Path:
    """The folder that holds ``reference/`` and ``verify/``: inside the installed package, else the checkout's root."""
    here = Path(__file__).resolve().parent
    bundled = here / "_suite"
    return bundled if (bundled / "verify").is_dir() else here.parent


@cache
def load() -> Suite:
    """Import the laws. The suite's folder goes first on the path of this process."""
    root = suite_root()
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    suite = Suite(root=root)
    for module in sorted(_submodules("verify"), key=_opens_a_family, reverse=True):
        for f in _instances(module, Family):
            suite.families[f.name] = f
        for c in _instances(module, Contract):
            suite.contracts[c.name] = c
        for law in _laws(module):
            if law.name in suite.laws and suite.laws[law.name] is not law:
                raise TypeError(f"two laws are named {law.name}")
            suite.laws[law.name] = law
    for law in suite.laws.values():
        if missing := [c for c in law.contracts if c not in suite.contracts]:
            raise TypeError(f"law {law.name} asks for {missing}, which no family declares as a contract")
    return suite


def _opens_a_family(module: ModuleType) -> bool:
    """Whether this is the family's own module, whose laws are listed before those of its siblings."""
    return module.__name__.rpartition(".")[2] in {f.name for f in _instances(module, Family)}


def _submodules(package: str, but: Collection[str] = ()) -> Iterator[ModuleType]:
    parent = importlib.import_module(package)
    for info in sorted(pkgutil.iter_modules(parent.__path__), key=lambda i: i.name):
        if not info.ispkg and info.name not in ("conftest", *but):
            yield importlib.import_module(f"{package}.{info.name}")


def _laws(module: ModuleType) -> Iterator[Law]:
    for value in vars(module).values():
        if isinstance(value, Law):
            yield value
        elif isinstance(value, Laws):
            yield from value.laws


def _instances(module: ModuleType, kind: type[T]) -> Iterator[T]:
    for value in vars(module).values():
        if isinstance(value, kind):
            yield value
