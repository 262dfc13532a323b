"""The house: imports run one way, the wheel claims one name, and every law and strategy says what it is."""

from __future__ import annotations

import ast
import importlib
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from detrace.spaces import Space, space
from detrace.suite import load
from detrace.values import decode, encode
from reference import NEEDS

OURS = {"detrace", "reference", "verify", "bench", "tests"}
ALLOWED = {
    "reference": {"reference"},
    "detrace": {"detrace"},
    "verify": {"verify", "detrace", "reference"},
    "bench": {"bench", "detrace", "reference"},
}
"""What each room may import of ours."""

EXCEPTIONS = {
    ("detrace/suite.py", "verify"): "loads the suite that it was pointed to, by name",
    ("detrace/cli.py", "bench"): "the command `bench` runs the cases of the suite",
}
"""Imports against the grain, each with its reason; an exception that is not used any more is an error."""


def imports(path: Path) -> Iterator[str]:
    """Top-level names of ours that a file imports, relative imports resolved."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                inside = path.relative_to(ROOT).parts
                yield inside[0] if node.level < len(inside) else "outside"
            else:
                yield (node.module or "").partition(".")[0]


def files(room: str) -> list[Path]:
    return [p for p in sorted((ROOT / room).rglob("*.py")) if "__pycache__" not in p.parts]


def against_the_grain() -> set[tuple[str, str]]:
    """(file, room) for each import that a room may not make."""
    found = set()
    for room, allowed in ALLOWED.items():
        for path in files(room):
            found |= {(str(path.relative_to(ROOT)), name) for name in set(imports(path)) & OURS - allowed}
    return found


def test_imports_run_one_way():
    """reference imports no other room, detrace none but itself, verify and bench not each other."""
    assert against_the_grain() - set(EXCEPTIONS) == set()


def test_no_exception_is_stale():
    """Each stated exception is still made."""
    assert set(EXCEPTIONS) <= against_the_grain()


def test_the_check_of_imports_can_fail(tmp_path, monkeypatch):
    """A reference that imports the machinery, in any spelling, is found."""
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "reference").mkdir()
    for text in (
        "import detrace.spaces",
        "from verify import x",
        "def f():\n    from detrace import law",
        "from .. import y",
    ):
        (tmp_path / "reference" / "bad.py").write_text(text)
        found = set(imports(tmp_path / "reference" / "bad.py"))
        assert found & (OURS | {"outside"}) - ALLOWED["reference"]


def test_names_are_the_paths():
    """Every room is a package found under its own name in the checkout."""
    for room in ALLOWED:
        assert (ROOT / room / "__init__.py").is_file()


def test_the_wheel_claims_one_name():
    """Only `detrace` is a top-level package of the distribution; all its subpackages are in it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    packages = settings.get("packages")
    if isinstance(packages, dict):
        pytest.skip("packages are found by a pattern; the build's own test looks into the wheel")
    assert {p.partition(".")[0] for p in packages} == {"detrace"}
    inside = {".".join(p.parent.relative_to(ROOT).parts) for p in files("detrace") if p.name == "__init__.py"}
    assert inside <= set(packages)


def test_importing_detrace_costs_nothing(project):
    """`import detrace` and its plugin load no array library, no Hypothesis, no pytest plugin of others."""
    done = project.python("-c", "import json, sys, detrace, detrace.plugin; print(json.dumps(sorted(sys.modules)))")
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"numpy", "scipy", "torch", "hypothesis", "flint", "jinja2", "rich"}


def test_the_catalogue_and_the_references_need_no_other_library(project):
    """`detrace laws` imports NumPy and python-flint but no Hypothesis, no pytest, no SciPy; the mutants and every reference
    module but those that say so import no other array library."""
    catalogue = "from detrace.cli import app; app.main(['laws'], standalone_mode=False)"
    code = f"import json, sys; {catalogue}; {{}}print(json.dumps([*sys.modules]))"
    heavy = {"scipy", "torch", "jax", "array_api_strict", "mpmath", "numba"}
    loaded = set(json.loads(project.python("-c", code.format("")).stdout.splitlines()[-1]))
    assert "flint" in loaded
    assert not loaded & (heavy | {"hypothesis", "pytest", "jinja2", "rich"})
    more = "from detrace.suite import load; load().mutants(); load().reference(); "
    loaded = set(json.loads(project.python("-c", code.format(more)).stdout.splitlines()[-1]))
    assert {"verify.mutants.determinant", "reference.single_loss"} <= loaded
    assert not loaded & heavy


def test_modules_that_need_a_library_offer_no_contract():
    """What `Suite.reference` passes over, because it needs a library, holds no function that a law could ask for."""
    for name, library in NEEDS.items():
        pytest.importorskip(library)
        module = importlib.import_module(f"reference.{name}")
        own = {n for n, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
        assert own
        assert not own & set(load().contracts)


def test_every_module_says_what_it_is():
    """Each module of every room begins with a docstring."""
    silent = [
        str(p.relative_to(ROOT)) for room in (*ALLOWED, "tests") for p in files(room)
        if p.read_text(encoding="utf-8").strip() and not ast.get_docstring(ast.parse(p.read_text(encoding="utf-8")))
    ]  # fmt: skip
    assert silent == []


NAMES_SAY_IT = {"test_report.py", "test_page_browser.py", "test_timing.py"}
"""Tests of the page and of timing are many small ones; their names are the sentences."""


def test_every_test_says_what_it_proves():
    """Each test function has a docstring."""
    silent = [
        f"{p.name}::{node.name}" for p in files("tests") if p.name not in NAMES_SAY_IT
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]  # fmt: skip
    assert silent == []


def test_every_law_says_what_it_is():
    """Laws have a formula, a source, a statement, and contracts of one suite; contracts have a family and a summary."""
    suite = load()
    assert suite.laws
    for law in suite.laws.values():
        assert law.formula, law.name
        assert all(law.sources), law.name
        assert law.statement, law.name
        assert law.contracts, law.name
    for contract in suite.contracts.values():
        assert contract.family in suite.families, contract.name
        assert contract.summary, contract.name


def dtypes_of(law) -> Iterator[Space]:
    for dtype in ("float32", "complex128"):
        if not law.not_applicable(space(f"torch-cpu-{dtype}")):
            yield space(f"torch-cpu-{dtype}")


def drawn(strategy, count: int) -> list:
    """A few values, the same ones every time."""
    from hypothesis import HealthCheck, Phase, given, seed, settings

    seen: list = []

    @seed(1)
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategy)
    def collect(value):
        seen.append(value)

    collect()
    return seen


def same(a, b) -> bool:
    """Equal values of equal kind; lists and tuples count as one kind."""
    if isinstance(a, tuple | list):
        return isinstance(b, tuple | list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return bool(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind in "fc"))


@pytest.mark.parametrize("law", load().laws.values(), ids=lambda law: law.name)
def test_inputs_of_laws_survive_the_results_file(law):
    """What a law draws can be written, read back and tried again: reruns, the ledger and scripts rely on it."""
    for where in dtypes_of(law):
        for name, draw in law.draws.items():
            for value in drawn(draw.on(where), 5):
                back = decode(json.loads(json.dumps(encode(value), allow_nan=False)))
                assert same(value, back), f"{law.name} draws {name} = {value!r}, which comes back as {back!r}"


def test_nothing_heavy_is_imported_by_the_suite_itself():
    """Only peers and mutants import optional libraries; the laws do without (jax may be absent)."""
    for path in (ROOT / "verify").glob("*.py"):
        assert not set(imports(path)) & {"jax", "cupy", "ot", "keras"}, path.name
    assert "detrace" in sys.modules
