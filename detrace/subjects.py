"""Subjects: anything whose attributes are contract names — a module, an object, a function, our references, a peer."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from .calls import Call
from .contracts import Contract
from .judging import Record, Violation
from .spaces import CLAIMED_DTYPES, DTYPES, Space

ENTRY_POINTS = "detrace.subjects"


class SubjectError(ValueError):
    """A subject that cannot be resolved; the message is one sentence that says what to do."""


@dataclass
class Subject:
    """An implementation under judgement.

    An adapter states facts in capitals: ``BACKENDS`` (names of array libraries; "any" for array-API code), ``DTYPES``
    (claimed dtypes, for all contracts or by contract), ``CONVENTIONS`` (one line by contract), ``REQUIRES`` (the
    distribution whose version the report shows).
    """

    name: str
    functions: dict[str, Callable[..., Any]]
    role: str = "user"
    backends: tuple[str, ...] | None = None
    dtypes: Mapping[str, tuple[str, ...]] | tuple[str, ...] | None = None
    conventions: dict[str, str] = field(default_factory=dict)
    description: str = ""
    requires: str = ""
    spec: str = ""
    source: str = ""
    imports: dict[str, str] = field(default_factory=dict)
    _probed: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    @cached_property
    def version(self) -> str:
        """``scipy 1.17.1``, or '' when no distribution is named."""
        try:
            return f"{self.requires} {metadata.version(self.requires)}" if self.requires else ""
        except metadata.PackageNotFoundError:
            return ""

    def why_not(self, contract: Contract, space: Space) -> str:
        """Why this subject is not asked for a contract in a space: '' if it is, ``"-"`` if it never claimed to be."""
        if self.backends is not None and not {"any", space.backend.name, space.backend.id} & set(self.backends):
            return "-"
        claimed = self.dtypes.get(contract.name, DTYPES) if isinstance(self.dtypes, Mapping) else self.dtypes
        if space.dtype not in (claimed or DTYPES):
            return "-" if space.dtype in CLAIMED_DTYPES else f"{self.name} does not claim {space.dtype}"
        if self.backends is not None or space.backend.id == self.home(contract):
            return ""
        return self._probe(contract, space)

    def home(self, contract: Contract) -> str:
        """The array library that an implementation without stated BACKENDS is written for: the first in which the
        harmless example gives an array of that library; NumPy when none does, so that its faults are seen there."""
        from .spaces import backends, probe

        for backend_id in ("numpy-cpu", "torch-cpu", "jax-cpu"):
            if not probe(backend_id) and not self._probe(contract, Space(backends()[backend_id], "float64")):
                return backend_id
        return "numpy-cpu"

    def _probe(self, contract: Contract, space: Space) -> str:
        key = (contract.name, space.id)
        if key not in self._probed:
            try:
                Call(self.functions[contract.name], contract, space, Record())(*contract.harmless())
                self._probed[key] = ""
            except Violation as problem:
                self._probed[key] = f"on a harmless 2×2 input: {problem.reason}"
        return self._probed[key]


def from_object(target: Any, contracts: Mapping[str, Contract], *, name: str, spec: str = "", role: str = "user",
                imports: str = "") -> Subject:  # fmt: skip
    """A subject made of the attributes of `target` that are contract names."""
    found: dict[str, Callable[..., Any]] = {}
    for contract in contracts:
        value = getattr(target, contract, None)
        if value is not None:
            if not callable(value):
                raise SubjectError(f"{name}.{contract} is a {type(value).__name__}, not a function; rename or remove it")
            found[contract] = value
    backends = getattr(target, "BACKENDS", None)
    doc = (inspect.getdoc(target) or "") if isinstance(target, ModuleType | type) else ""
    source = ""
    if role == "peer" and isinstance(target, ModuleType):
        source = inspect.getsource(target)
    return Subject(
        name=name, functions=found, role=role, backends=(backends,) if isinstance(backends, str) else backends,
        dtypes=getattr(target, "DTYPES", None), conventions=dict(getattr(target, "CONVENTIONS", {})),
        description=doc.splitlines()[0] if doc else "", requires=getattr(target, "REQUIRES", ""), spec=spec or name,
        source=source, imports={c: imports for c in found} if imports else {},
    )  # fmt: skip


def resolve(spec: str, contracts: Mapping[str, Contract]) -> Subject:
    """Turn what a user wrote into a subject.

    ``pkg.module`` · ``pkg.module:attribute`` (an object, a class instance, or one function whose name is a contract) ·
    ``contract=pkg.module:function`` (any function, told which contract it implements) · ``path/to/adapter.py`` · the name
    of an entry point in the group ``detrace.subjects``.

    Raises SubjectError with near names when nothing matches.
    """
    contract_name, eq, path = spec.rpartition("=")
    if eq and contract_name not in contracts:
        raise SubjectError(f"{spec}: no contract is named {contract_name!r}{_near(contract_name, contracts)}")
    module_name, _, attribute = path.partition(":")
    target: Any = _import(module_name)
    for part in filter(None, attribute.split(".")):
        if not hasattr(target, part):
            names = [n for n in dir(target) if not n.startswith("_")]
            raise SubjectError(f"{spec}: {module_name} has no attribute {part!r}{_near(part, names)}")
        target = getattr(target, part)
    name = path.removesuffix(".py").replace("/", ".").replace(":", ".").strip(".")
    root = attribute.partition(".")[0]
    if eq:
        if not callable(target):
            raise SubjectError(f"{spec}: {path} is a {type(target).__name__}, not a function")
        line = f"from {module_name} import {root}\n{contract_name} = {attribute}"
        return _one(target, contract_name, name, spec, line)
    if attribute and attribute.rpartition(".")[2] in contracts and callable(target):
        short = attribute.rpartition(".")[2]
        return _one(target, short, name, spec, f"from {module_name} import {root}\n{short} = {attribute}")
    subject = from_object(target, contracts, name=name, spec=spec)
    if not subject.functions:
        raise SubjectError(f"{spec} offers no contract: {_suggestions(target, contracts)}")
    where = f"{module_name}:{attribute}" if attribute else module_name
    for c in subject.functions:
        subject.imports[c] = (
            f"from {module_name} import {root}\n{c} = {attribute}.{c}" if attribute else f"from {where} import {c}"
        )
    return subject


def _one(function: Callable[..., Any], contract: str, name: str, spec: str, line: str) -> Subject:
    module = sys.modules.get(getattr(function, "__module__", ""), SimpleNamespace())
    backends = getattr(module, "BACKENDS", None)
    return Subject(
        name=name, functions={contract: function}, spec=spec, imports={contract: line},
        backends=(backends,) if isinstance(backends, str) else backends, dtypes=getattr(module, "DTYPES", None),
    )  # fmt: skip


def reference(modules: Iterable[ModuleType], contracts: Mapping[str, Contract]) -> Subject:
    """Our own references, judged like everybody else."""
    functions: dict[str, Callable[..., Any]] = {}
    imports: dict[str, str] = {}
    for module in modules:
        part = from_object(module, contracts, name="reference")
        functions |= part.functions
        imports |= {c: f"from {module.__name__} import {c}" for c in part.functions}
    return Subject(
        name="reference", functions=functions, role="reference", backends=("any",), spec="reference", imports=imports,
        dtypes=(*DTYPES, *CLAIMED_DTYPES), description="detrace's reference implementations (array API)",
    )  # fmt: skip


def _import(name: str) -> Any:
    if name.endswith(".py") or "/" in name:
        path = Path(name).resolve()
        if not path.is_file():
            raise SubjectError(f"{name}: there is no such file; give a module name or the path of an adapter file")
        module_spec = importlib.util.spec_from_file_location(path.stem, path)
        assert module_spec is not None and module_spec.loader is not None
        module = importlib.util.module_from_spec(module_spec)
        return _guarded(name, lambda: module_spec.loader.exec_module(module) or module)  # type: ignore[union-attr]
    for point in metadata.entry_points(group=ENTRY_POINTS):
        if point.name == name:
            return _guarded(name, point.load)
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
        raise SubjectError(f"{name!r} is no module name; write pkg.module, pkg.module:attribute or path/to/file.py")
    return _guarded(name, lambda: importlib.import_module(name))


def _guarded(name: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise SubjectError(
                f"there is no module named {error.name!r}; is it installed, and is its folder on the path?"
            ) from None
        raise SubjectError(f"importing {name} failed: ModuleNotFoundError: {error}") from error
    except (Exception, SystemExit) as error:
        raise SubjectError(f"importing {name} failed: {type(error).__name__}: {error}") from error


def _near(word: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(names), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _suggestions(target: Any, contracts: Mapping[str, Contract]) -> str:
    """Attributes that look like contracts under another name, and how to say so."""
    aliases = {a: c.name for c in contracts.values() for a in (*c.aliases, c.name)}
    hints = []
    for n in dir(target):
        if n.startswith("_") or not callable(getattr(target, n, None)):
            continue
        close = difflib.get_close_matches(n.lower().strip("_"), aliases, n=1, cutoff=0.75)
        if close:
            hints.append(f"{n} looks like {aliases[close[0]]}")
    if hints:
        return "; ".join(hints[:4]) + " — rename it, or say which contract it is with CONTRACT=pkg.module:function"
    return f"it needs functions with contract names such as {', '.join(list(contracts)[:4])} (`detrace laws` lists all)"
