"""The two trees: the working tree is head, its merge base with a ref is base, checked out in a temporary worktree."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..suite import suite_root


class GateError(ValueError):
    """What cannot be gated; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Tree:
    """A checkout: where imports look (`path`), where relative names start (`cwd`); `root` and `of` tell base from head:
    nothing that `root` has may be imported from `of`."""

    commit: str
    root: Path
    cwd: Path
    path: tuple[str, ...]
    of: Path | None = None


def git(*arguments: str, cwd: Path | None = None) -> str:
    """Output of a git command; GateError with git's last line."""
    try:
        done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        raise GateError(f"git {arguments[0]} does not run ({error}); install git, or use --baseline") from None
    if done.returncode:
        raise GateError((done.stderr.strip().splitlines() or [f"git {arguments[0]} failed"])[-1].removeprefix("fatal: "))
    return done.stdout.strip()


def repository() -> Path:
    """The root of the repository that holds the working folder."""
    try:
        return Path(git("rev-parse", "--show-toplevel")).resolve()
    except GateError as error:
        raise GateError(f"--base needs a git repository here ({error}); use --baseline without one") from None


def merge_base(ref: str) -> str:
    """The commit that head and `ref` grew from."""
    repository()
    try:
        tip = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    except GateError:
        raise GateError(f"{ref!r} is no commit here; fetch it, or name another branch, tag or commit") from None
    try:
        return git("merge-base", tip, "HEAD")
    except GateError:
        raise GateError(f"{ref} and HEAD have no common commit here; fetch more history (a shallow clone?)") from None


def state() -> dict[str, Any]:
    """``commit`` of the working folder ('' without one) and whether it is ``dirty``."""
    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except GateError:
        return {"commit": "", "dirty": False}


def head_tree() -> Tree:
    """The working tree, as it would be imported from here."""
    here = Path.cwd().resolve()
    try:
        root = repository()
    except GateError:
        root = here
    return Tree(state()["commit"], root, here, _search(root, here))


@contextmanager
def base_tree(commit: str) -> Iterator[Tree]:
    """`commit` in a worktree under a temporary folder, gone afterwards."""
    root, here = repository(), Path.cwd().resolve()
    with tempfile.TemporaryDirectory(prefix="detrace-gate-") as folder:
        tree = Path(folder).resolve() / "base"
        git("worktree", "prune", cwd=root)
        git("worktree", "add", "--detach", "--quiet", str(tree), commit, cwd=root)
        try:
            cwd = tree / here.relative_to(root)
            path = [translated for p in _search(root, here) if (translated := translate(p, root, tree))]
            yield Tree(commit, tree, cwd if cwd.is_dir() else tree, tuple(path), of=root)
        finally:
            git("worktree", "remove", "--force", str(tree), cwd=root)


def translate(entry: str, root: Path, tree: Path) -> str:
    """The folder of the base tree that stands for an entry of head's path; '' where base has none.

    What lies outside the repository, or belongs to the Python environment, is the same on both sides.
    """
    place = Path(entry).resolve()
    if not place.is_relative_to(root) or place.is_relative_to(Path(sys.prefix).resolve()):
        return entry
    other = tree / place.relative_to(root)
    return str(other) if other.exists() else ""


def _search(root: Path, here: Path) -> tuple[str, ...]:
    """Where head's imports look: here, the root, its src folder, Python's path, the suite."""
    entries = [here, root, root / "src", *(Path(p) for p in sys.path if p), suite_root()]
    return tuple(dict.fromkeys(os.path.abspath(p) for p in entries))
