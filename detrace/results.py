"""The results file: one schema-versioned JSON, written atomically; docs/results.md describes it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from .engine import NOT_RUN
from .judging import LIMIT
from .ledger import Deviation
from .mutants import Mutant
from .plan import Plan
from .spaces import backends, probe
from .suite import Suite

SCHEMA = "detrace.results/1"
DEFAULT_PATH = Path(".detrace/results.json")
LIBRARIES = (
    "detrace", "numpy", "scipy", "torch", "jax", "jaxlib", "cupy-cuda12x", "array-api-compat", "array-api-strict",
    "numba", "python-flint", "hypothesis", "pytest", "pytest-benchmark", "mpmath",
)  # fmt: skip


class ResultsError(ValueError):
    """A results file that cannot be used; the message is one sentence that says what to do."""


def environment() -> dict[str, Any]:
    """What the run ran on."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(), "platform": platform.platform(), "cpu": _cpu(), "cores": os.cpu_count(),
        "versions": versions, "threads": {k: v for k, v in os.environ.items() if k.endswith("_NUM_THREADS")},
        **_commit(),
    }  # fmt: skip


def catalogue(suite: Suite) -> dict[str, Any]:
    """Families, contracts, laws and mutants, as the page lists them."""
    mutants = suite.mutants().values()
    naming: dict[str, list[Mutant]] = {}  # by name of a law, since laws times mutants are a million
    for m in mutants:
        for name in m.rejected_by:
            naming.setdefault(name, []).append(m)
    return {
        "families": [vars(f) for f in sorted(suite.families.values(), key=lambda f: f.order)],
        "contracts": [
            {"name": c.name, "signature": c.signature, "summary": c.summary, "family": c.family}
            for c in suite.contracts.values()
        ],
        "laws": [
            {
                "name": law.name, "base": law.base, "family": suite.family_of(law), "formula": law.formula,
                "sources": list(law.sources),
                "statement": law.statement, "contracts": list(law.contracts),
                "parts": {name: list(draw.parts) for name, draw in law.draws.items() if draw.parts},
                "mutants": list(dict.fromkeys(
                    m.name for name in (law.name, law.base) for m in naming.get(name, []) if m.rejects(law)
                )),
            }
            for law in suite.laws.values()
        ],
        "mutants": [
            {"name": m.name, "contract": next(iter(m.functions)), "trap": m.trap, "rejected_by": list(m.rejected_by),
             "space": m.space, "origin": m.origin}
            for m in mutants
        ],
    }  # fmt: skip


def describe(suite: Suite, plan: Plan, ledger: list[Deviation]) -> dict[str, Any]:
    """Everything about a run except its items."""
    return {
        "schema": SCHEMA,
        "limit": LIMIT,
        "environment": environment(),
        "spaces": [_space(b, b in plan.backends) for b in backends()],
        **catalogue(suite),
        "subjects": [
            {
                "name": s.name, "role": s.role, "version": s.version, "description": s.description,
                "offers": sorted(s.functions), "missing": sorted(set(suite.contracts) - set(s.functions)),
                "conventions": s.conventions,
            }
            for s in plan.subjects
        ],
        "absent_peers": plan.absent_peers,
        "not_run": plan.not_run,
        "ledger": [ledger_json(d) for d in ledger],
        "items": [],
    }  # fmt: skip


def _space(backend_id: str, asked: bool) -> dict[str, Any]:
    """Whether a backend is here. One that was not asked for is not imported to find out: `available` is null."""
    if not asked:
        return {"id": backend_id, "available": None, "reason": "not asked for", "version": ""}
    reason = probe(backend_id)
    version = "" if reason else backends()[backend_id].version()
    return {"id": backend_id, "available": not reason, "reason": reason, "version": version}


def ledger_json(entry: Deviation) -> dict[str, Any]:
    from .values import encode

    return {k: encode(v) for k, v in vars(entry).items() if k != "file"}


def count(items: list[dict[str, Any]], not_run: list[dict[str, Any]]) -> dict[str, int]:
    """How many items had each of the four outcomes."""
    counts = {"held": 0, "violated": 0, "undecided": 0, NOT_RUN: len(not_run)}
    for item in items:
        counts[item["outcome"]] += 1
    return counts


def sort_items(results: dict[str, Any]) -> None:
    """Put items in the catalogue's order, so that the file does not depend on how the run was distributed."""
    order = {law["name"]: i for i, law in enumerate(results["laws"])}
    subjects = {s["name"]: i for i, s in enumerate(results["subjects"])}
    results["items"].sort(key=lambda i: (order.get(i["law"], -1), subjects.get(i["subject"], -1), i["space"]))


def collect_points(results: dict[str, Any]) -> None:
    """Move the examples' (norm, ratio) points out of the items into ``ratio_by_norm``, one series for each contract."""
    contract = {law["name"]: law["contracts"][0] for law in results["laws"]}
    results["ratio_by_norm"] = [
        {
            "contract": contract[i["law"]],
            "law": i["law"],
            "subject": i["subject"],
            "space": i["space"],
            "points": points,
        }
        for i in results["items"]
        if (points := i.pop("points", []))
    ]


def write(results: dict[str, Any], path: Path) -> None:
    """Write atomically: an earlier file stays whole until the new one is."""
    write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Write a file beside its place, then move it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """ResultsError unless a results file can be written here; a file that is not ours is never overwritten."""
    if path.exists() or path.is_symlink():
        try:
            read(path)
        except ResultsError as error:
            raise ResultsError(f"nothing is written over {path}: {error}, or name another file") from None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise ResultsError(f"results cannot be written to {path}: {error.strerror}; name another file") from None


def read(path: Path) -> dict[str, Any]:
    """Read a results file. ResultsError for a missing, unreadable or foreign file, or another schema."""
    if not path.is_file():
        raise ResultsError(f"there is no results file at {path}; `detrace verify` writes one")
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path} is no readable JSON ({error}); remove it and run `detrace verify` again") from None
    schema = results.get("schema") if isinstance(results, dict) else None
    if not isinstance(schema, str) or not schema.startswith("detrace.results/"):
        raise ResultsError(
            f"{path} is not a results file of detrace (it has no schema); give the file that verify wrote"
        )
    if schema != SCHEMA:
        raise ResultsError(
            f"{path} has schema {schema}, this detrace reads {SCHEMA}; remove it and run `detrace verify` again"
        )
    if missing := [
        k for k in ("items", "laws", "subjects", "spaces", "not_run", "ledger") if not isinstance(results.get(k), list)
    ]:
        raise ResultsError(
            f"{path} is damaged (it lacks {', '.join(missing)}); remove it and run `detrace verify` again"
        )
    return results


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            return next(
                (line.partition(":")[2].strip() for line in f if line.startswith("model name")), platform.machine()
            )
    except OSError:
        return platform.processor() or platform.machine()


def _commit() -> dict[str, Any]:
    here = Path(__file__).resolve().parent
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=5)
        dirty = subprocess.run(["git", "status", "--porcelain"], cwd=here, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return {"commit": "", "dirty": False}
    return {"commit": head.stdout.strip() if head.returncode == 0 else "", "dirty": bool(dirty.stdout.strip())}
