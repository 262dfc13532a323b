"""What `detrace init` writes: an adapter, a workflow for GitHub Actions, and a table in pyproject.toml.

Nothing is ever overwritten, and if one thing cannot be written, nothing is.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import jinja2

from ..contracts import Contract
from .candidates import Found, search

ADAPTER = Path("detrace_adapter.py")
WORKFLOW = Path(".github/workflows/detrace.yml")
PROJECT = Path("pyproject.toml")
UNKNOWN_SOURCE = "detrace @ git+https://github.com/OWNER/detrace"
"""Stands in the workflow when this detrace was installed from a local folder or file, which CI cannot see."""


class StarterError(ValueError):
    """Nothing was written; the message is one sentence that says why."""


@dataclass
class Written:
    """What was written and what the project holds."""

    table: str
    found: Found
    source: str


def start(root: Path, contracts: Mapping[str, Contract]) -> Written:
    """Write the three into `root`. Raises StarterError, and leaves everything as it was, if a file is there already."""
    for path in (ADAPTER, WORKFLOW):
        if os.path.lexists(root / path):
            raise StarterError(f"{path} is there already and is left as it is; nothing was written")
    table, state = _table(root / PROJECT)
    found = search(root, contracts)
    source = _source()
    subject = "" if state in ("added", "theirs") else f" {ADAPTER}"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    texts = {
        ADAPTER: _filled("adapter.py.txt", exact=found.exact, near=found.near, players=found.players),
        WORKFLOW: _filled("workflow.yml", python=python, install=_install(root), detrace=source, subject=subject),
    }
    _write(root, texts, table)
    return Written(state, found, source)


def said(written: Written) -> str:
    """What the terminal says: what was written, what was found, what to do next."""
    found = written.found
    exact, near = len(found.exact), len(found.near) + len(found.players)
    counts = [
        f"{exact} {'function has' if exact == 1 else 'functions have'} the name of a contract, imported" if exact else "",
        f"{near} {'looks' if near == 1 else 'look'} like one, commented" if near else "",
    ]
    lines = [
        f"wrote {ADAPTER}: {'; '.join(filter(None, counts)) or 'no function here looks like a contract yet'}",
        f"wrote {WORKFLOW}: judges on every push, keeps the page",
    ]
    stays = f"{PROJECT} has a [tool.detrace] of its own, which stays as it is"
    lines += {
        "": [], "added": [f"added [tool.detrace] to {PROJECT}"],
        "theirs": [f'{stays}; add "{ADAPTER}" to its subjects'], "kept": [f'{stays}; it may say subjects = ["{ADAPTER}"]'],
    }[written.table]  # fmt: skip
    verify = "detrace verify" + ("" if written.table == "added" else f" {ADAPTER}")
    steps = [
        f"say in {ADAPTER} which functions are to be judged (`detrace laws` lists the names)",
        f"{verify}    then: detrace report",
    ]
    if written.source == UNKNOWN_SOURCE:
        steps.append(f"say in {WORKFLOW} where CI installs detrace from (here it came from a local folder)")
    return "\n".join([*lines, "next:", *(f"  {i}. {step}" for i, step in enumerate(steps, 1))])


def _filled(template: str, **values: object) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__name__), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        variable_start_string="<< ", variable_end_string=" >>", block_start_string="<%", block_end_string="%>",
        undefined=jinja2.StrictUndefined, autoescape=False,
    )  # fmt: skip
    return environment.get_template(template).render(values)


def _table(path: Path) -> tuple[bytes, str]:
    """The bytes to append to pyproject.toml, and "added", "theirs" (it names subjects), "kept" (it has such a table without)
    or "" (there is no file)."""
    if not path.is_file():
        return b"", ""
    try:
        text = path.read_bytes().decode()
        settings = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StarterError(f"{PROJECT} is not valid TOML: {error}; nothing was written") from None
    if (own := settings.get("tool", {}).get("detrace")) is not None:
        return b"", "theirs" if isinstance(own, dict) and own.get("subjects") else "kept"
    end = "\r\n" if "\r\n" in text else "\n"
    lines = ["" if text.endswith("\n") or not text else end, end if text else "", f"[tool.detrace]{end}",
             f'subjects = ["{ADAPTER}"]{end}']  # fmt: skip
    table = "".join(lines)
    try:
        tomllib.loads(text + table)
    except tomllib.TOMLDecodeError:
        raise StarterError(f"{PROJECT} writes its `tool` table so that [tool.detrace] cannot be appended; "
                           "add it by hand; nothing was written") from None  # fmt: skip
    return table.encode(), "added"


def _install(root: Path) -> str:
    """What CI passes to pip to have the project itself."""
    if any((root / name).is_file() for name in ("setup.py", "setup.cfg")):
        return "-e ."
    if (root / PROJECT).is_file():
        settings = tomllib.loads((root / PROJECT).read_text(encoding="utf-8"))
        if {"project", "build-system"} & set(settings):
            return "-e ."
    return "-r requirements.txt" if (root / "requirements.txt").is_file() else ""


def _source() -> str:
    """What CI passes to pip to have this detrace: its version, the commit it came from, or something to fill in (PEP 610)."""
    try:
        distribution = metadata.distribution("detrace")
    except metadata.PackageNotFoundError:
        return UNKNOWN_SOURCE
    origin = json.loads(distribution.read_text("direct_url.json") or "null")
    if origin is None:
        return f"detrace=={distribution.version}" if distribution.read_text("RECORD") else UNKNOWN_SOURCE
    if "vcs_info" in origin:
        return f"detrace @ {origin['vcs_info']['vcs']}+{origin['url']}@{origin['vcs_info']['commit_id']}"
    return UNKNOWN_SOURCE


def _write(root: Path, texts: Mapping[Path, str], table: bytes) -> None:
    """All or nothing: what was made is taken back if something cannot be written."""
    made: list[Path] = []
    try:
        for path, text in texts.items():
            for folder in reversed((root / path).parents):
                if not folder.exists():
                    folder.mkdir()
                    made.append(folder)
            with open(root / path, "x", encoding="utf-8", newline="\n") as file:
                made.append(root / path)
                file.write(text)
        if table:
            _append(root / PROJECT, table)
    except OSError as error:
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink()
        raise StarterError(f"{error.filename or root} cannot be written: {error.strerror}; nothing was written") from None


def _append(path: Path, table: bytes) -> None:
    size = path.stat().st_size
    with open(path, "ab") as file:
        try:
            file.write(table)
            file.flush()
        except OSError:
            os.truncate(path, size)
            raise
