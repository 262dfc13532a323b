"""Functions of an installed distribution, compiled alone from their file; the package itself is not imported."""

from __future__ import annotations
import __future__

import ast
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def definitions(distribution: str, path: str, *names: str, **given: Any) -> SimpleNamespace:
    """The functions and classes called `names` in one file of a distribution, and nothing else of it.

    A name with a dot is a method, which becomes a plain function under its last part. `given` are the names that the code uses;
    annotations are not evaluated. Raises ImportError, which says what is missing: the distribution, the file or a name.
    """
    try:
        found = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        raise ImportError(f"{distribution} is not installed") from None
    file = Path(str(found.locate_file(path)))
    if not file.is_file():
        raise ImportError(f"{distribution} {found.version} has no file {path}")
    body = ast.parse(file.read_bytes(), str(file)).body
    chosen = [_find(body, name.split(".")) for name in names]
    if missing := [name for name, node in zip(names, chosen, strict=True) if node is None]:
        raise ImportError(f"{path} of {distribution} {found.version} defines no {', '.join(missing)}")
    namespace = {"__name__": Path(path).with_suffix("").as_posix().replace("/", "."), **given}
    module = ast.Module([node for node in chosen if node is not None], [])
    exec(compile(module, str(file), "exec", __future__.annotations.compiler_flag), namespace)
    return SimpleNamespace(**{last: namespace[last] for last in (name.rpartition(".")[2] for name in names)})


def _find(body: list[ast.stmt], parts: list[str]) -> ast.stmt | None:
    """The definition of that dotted name."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == parts[0]:
            if len(parts) == 1:
                return node
            return _find(node.body, parts[1:]) if isinstance(node, ast.ClassDef) else None
    return None
