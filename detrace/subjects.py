"""Subjects: anything whose attributes are contract names — a module, an object, a function, our references, a peer."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import re
import sys
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from . import namesakes
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
    probe_with: Callable[[Subject, Contract, Space], str] | None = field(default=None, repr=False)
    _probed: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    @cached_property
    def version(self) -> str:
        """``scipy 1.17.1``, or '' when no distribution is named."""
        from importlib import metadata

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
        return self.probe(contract, space)

    def home(self, contract: Contract) -> str:
        """The array library that an implementation without stated BACKENDS is written for: the first in which the
        harmless example gives an array of that library; NumPy when none does, so that its faults are seen there."""
        from .spaces import backends, probe

        for backend_id in ("numpy-cpu", "torch-cpu", "jax-cpu"):
            if not probe(backend_id) and not self.probe(contract, Space(backends()[backend_id], "float64")):
                return backend_id
        return "numpy-cpu"

    def probe(self, contract: Contract, space: Space) -> str:
        """What goes wrong on the contract's harmless input in a space; '' if nothing does. `probe_with` asks somebody
        else (the isolation mode)."""
        key = (contract.name, space.id)
        if key not in self._probed:
            if self.probe_with is not None:
                self._probed[key] = self.probe_with(self, contract, space)
            else:
                self._probed[key] = self._probe_here(contract, space)
        return self._probed[key]

    def _probe_here(self, contract: Contract, space: Space) -> str:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                Call(self.functions[contract.name], contract, space, Record())(*contract.harmless())
        except Violation as problem:
            return f"on a harmless 2×2 input: {problem.reason}"
        return ""


def from_object(target: Any, contracts: Mapping[str, Contract], *, name: str, spec: str = "", role: str = "user",
                imports: str = "") -> Subject:  # fmt: skip
    """A subject made of the attributes of `target` that are contract names."""
    found: dict[str, Callable[..., Any]] = {}
    for contract in contracts:
        value = getattr(target, contract, None)
        if value is not None:
            if not callable(value):
                raise SubjectError(
                    f"{name}.{contract} is a {type(value).__name__}, not a function; rename or remove it"
                )
            _check_signature(value, contracts[contract], target, name)
            found[contract] = value
    doc = (inspect.getdoc(target) or "") if isinstance(target, ModuleType | type) else ""
    source = ""
    if role == "peer" and isinstance(target, ModuleType):
        source = inspect.getsource(target)
    return Subject(
        name=name, functions=found, role=role, backends=_backends(target, name), dtypes=_dtypes(target, name),
        conventions=_conventions(target, name),
        description=doc.splitlines()[0] if doc else "", requires=getattr(target, "REQUIRES", ""), spec=spec or name,
        source=source, imports=dict.fromkeys(found, imports) if imports else {},
    )  # fmt: skip


def resolve(spec: str, contracts: Mapping[str, Contract]) -> Subject:
    """Turn what a user wrote into a subject.

    ``pkg.module`` · ``pkg.module:attribute`` (an object, a class instance, or one function whose name is a contract) ·
    ``contract=pkg.module:function`` (any function, told which contract it implements) · ``path/to/adapter.py`` · the
    name of an entry point in the group ``detrace.subjects``.

    Raises SubjectError with near names when nothing matches.
    """
    contract_name, eq, path = spec.rpartition("=")
    if eq and contract_name not in contracts:
        raise SubjectError(f"{spec}: no contract is named {contract_name!r}{_near(contract_name, contracts)}")
    names = namesakes.found()
    with namesakes.visible(names):
        subject = _resolve(spec, contract_name, path, contracts)
    subject.functions = {c: namesakes.seen_by(f, names) for c, f in subject.functions.items()}
    return subject


def _resolve(spec: str, contract_name: str, path: str, contracts: Mapping[str, Contract]) -> Subject:
    module_name, _, attribute = path.partition(":")
    target: Any = _import(module_name)
    for part in filter(None, attribute.split(".")):
        if not hasattr(target, part):
            names = [n for n in dir(target) if not n.startswith("_")]
            raise SubjectError(f"{spec}: {module_name} has no attribute {part!r}{_near(part, names)}")
        target = getattr(target, part)
    name = path.removesuffix(".py").replace("/", ".").replace(":", ".").strip(".")
    if contract_name:
        if not callable(target):
            raise SubjectError(f"{spec}: {path} is a {type(target).__name__}, not a function")
        return _one(target, contracts[contract_name], name, spec, _import_line(module_name, attribute, contract_name))
    if attribute and attribute.rpartition(".")[2] in contracts and callable(target):
        short = attribute.rpartition(".")[2]
        return _one(target, contracts[short], name, spec, _import_line(module_name, attribute, short))
    subject = from_object(target, contracts, name=name, spec=spec)
    if not subject.functions:
        raise SubjectError(f"{spec} offers no contract: {_suggestions(target, contracts)}")
    for c in subject.functions:
        subject.imports[c] = _import_line(module_name, f"{attribute}.{c}" if attribute else c, c)
    return subject


def _one(function: Callable[..., Any], contract: Contract, name: str, spec: str, line: str) -> Subject:
    _check_signature(function, contract, None, name)
    module = sys.modules.get(getattr(function, "__module__", None) or "", SimpleNamespace())
    return Subject(
        name=name, functions={contract.name: function}, spec=spec, imports={contract.name: line},
        backends=_backends(module, name), dtypes=_dtypes(module, name), conventions=_conventions(module, name),
    )  # fmt: skip


def _check_signature(function: Callable[..., Any], contract: Contract, target: Any, name: str) -> None:
    """SubjectError unless the function can be called as the contract calls it (C functions may not tell)."""
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        return
    given = len(contract.inputs)
    try:
        signature.bind(*range(given))
    except TypeError as error:
        positional = [p for p in signature.parameters.values() if p.kind <= inspect.Parameter.POSITIONAL_OR_KEYWORD]
        takes = f"takes {len(positional)} argument{'' if len(positional) == 1 else 's'}"
        if len(positional) == given:
            takes = f"has the signature {signature} ({error})"
        hint = f"; {name} is a class, give an instance of it" if isinstance(target, type) else ""
        if not hint and contract.real and contract.outputs == ((),):
            hint = "; detrace.conventions makes it of a loss or penalty with other arguments, in one line"
        who = contract.name if name.endswith(f".{contract.name}") else f"{contract.name} of {name}"
        raise SubjectError(f"{who} {takes}, the contract is {contract.signature}{hint}") from None


def _backends(target: Any, name: str) -> tuple[str, ...] | None:
    """``BACKENDS`` of an adapter, checked; None if it states none."""
    from .spaces import backends

    stated = getattr(target, "BACKENDS", None)
    if stated is None:
        return None
    known = {"any", *backends(), *(b.name for b in backends().values())}
    return _words("BACKENDS", stated, known, name)


def _dtypes(target: Any, name: str) -> Mapping[str, tuple[str, ...]] | tuple[str, ...] | None:
    """``DTYPES`` of an adapter, checked: names of dtypes, or such by contract; None if it states none."""
    stated = getattr(target, "DTYPES", None)
    if isinstance(stated, Mapping):
        return {c: _words(f"DTYPES[{c!r}]", d, {*DTYPES, *CLAIMED_DTYPES}, name) for c, d in stated.items()}
    return None if stated is None else _words("DTYPES", stated, {*DTYPES, *CLAIMED_DTYPES}, name)


def _conventions(target: Any, name: str) -> dict[str, str]:
    """``CONVENTIONS`` of an adapter: one line by contract."""
    stated = getattr(target, "CONVENTIONS", {})
    if not isinstance(stated, Mapping):
        raise SubjectError(
            f"{name}: CONVENTIONS must map contract names to one line each, not be a {type(stated).__name__}"
        )
    return {str(c): str(text) for c, text in stated.items()}


def _words(what: str, stated: Any, known: Iterable[str], name: str) -> tuple[str, ...]:
    words = (stated,) if isinstance(stated, str) else stated
    if not isinstance(words, Iterable) or not all(isinstance(w, str) for w in words):
        raise SubjectError(f"{name}: {what} must be a tuple of names such as {', '.join(sorted(known)[:3])}")
    words = tuple(words)
    for word in words:
        if word not in known:
            raise SubjectError(f"{name}: {what} names {word!r}; there are {', '.join(sorted(known))}")
    return words


def _import_line(module: str, attribute: str, contract: str) -> str:
    """Source lines after which `contract` is the function, wherever it came from."""
    point = next((p for p in _entry_points() if p.name == module), None)
    if point is not None:
        module, attribute = point.module, ".".join(filter(None, (point.attr, attribute)))
    if _is_file(module):
        root, _, rest = attribute.partition(".")
        path = str(Path(module).resolve())
        return f"import runpy\n{contract} = runpy.run_path({path!r})[{root!r}]{'.' + rest if rest else ''}"
    root = attribute.partition(".")[0]
    line = f"from {module} import {root}"
    return line if attribute == contract else f"{line}\n{contract} = {attribute}"


def _entry_points() -> Iterable[Any]:
    """What installed distributions offer in the group `ENTRY_POINTS`."""
    from importlib import metadata

    return metadata.entry_points(group=ENTRY_POINTS)


def _is_file(name: str) -> bool:
    return name.endswith(".py") or "/" in name


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
    if _is_file(name):
        path = Path(name).resolve()
        if not path.is_file():
            raise SubjectError(f"{name}: there is no such file; give a module name or the path of an adapter file")
        known_as = path.stem if path.stem not in sys.modules else f"{path.stem}_{zlib.crc32(str(path).encode()):x}"
        module_spec = importlib.util.spec_from_file_location(known_as, path)
        if module_spec is None or module_spec.loader is None:
            raise SubjectError(f"{name}: an adapter is a Python file, its name ends in .py")
        module = importlib.util.module_from_spec(module_spec)
        sys.modules[known_as] = module  # dataclasses and the like look their module up
        return _guarded(name, lambda: module_spec.loader.exec_module(module) or module)  # type: ignore[union-attr]
    for point in _entry_points():
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
            package, _, last = name.rpartition(".")
            hint = f"; for an attribute of {package} write {package}:{last}" if error.name == name and package else ""
            raise SubjectError(
                f"there is no module named {error.name!r}{hint or '; is it installed, and is its folder on the path?'}"
            ) from None
        raise SubjectError(f"importing {name} failed: ModuleNotFoundError: {error}") from error
    except (Exception, SystemExit) as error:
        raise SubjectError(f"importing {name} failed: {type(error).__name__}: {error}") from error


def _near(word: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(names), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def looks_like(name: str, contracts: Mapping[str, Contract]) -> str | None:
    """The contract whose name, or an alias of it, is near this name."""
    aliases = {a: c.name for c in contracts.values() for a in (*c.aliases, c.name)}
    close = difflib.get_close_matches(name.lower().strip("_"), aliases, n=1, cutoff=0.75)
    return aliases[close[0]] if close else None


def _suggestions(target: Any, contracts: Mapping[str, Contract]) -> str:
    """Attributes that look like contracts under another name, and how to say so."""
    hints = []
    for n in dir(target):
        if n.startswith("_") or not callable(getattr(target, n, None)):
            continue
        if (contract := looks_like(n, contracts)) is not None:
            hints.append(f"{n} looks like {contract}")
    if hints:
        return "; ".join(hints[:4]) + " — rename it, or say which contract it is with CONTRACT=pkg.module:function"
    return f"it needs functions with contract names such as {', '.join(list(contracts)[:4])} (`detrace laws` lists all)"
