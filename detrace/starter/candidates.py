"""Functions of a project that look like contracts, found by reading its source: nothing of the project is imported or run."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..contracts import Contract
from ..subjects import looks_like

IGNORED = {"build", "dist", "node_modules", "site-packages", "tests", "test", "docs", "examples"}
MOST_FILES = 2000
MOST_BYTES = 1_000_000
_PLAYERS = {"discriminator": r"(d|dis|disc|discriminator|critic)", "generator": r"(g|gen|generator)"}


@dataclass(frozen=True)
class Candidate:
    """A function and the contract that it may be, or the player if a loss's name says no more; `takes`: what a loss or penalty
    is called with, if not as the contract is; `by`: what of `detrace.conventions` makes it the contract."""

    module: str
    function: str
    contract: str
    summary: str = ""
    takes: str = ""
    by: str = "loss"


@dataclass
class Found:
    """What to write into an adapter: `exact` names with fitting arguments, `near` ones, losses of one player."""

    exact: list[Candidate]
    near: list[Candidate]
    players: list[Candidate]


def search(root: Path, contracts: Mapping[str, Contract]) -> Found:
    """Public top-level functions below `root`, by what their names and arguments look like."""
    found = Found([], [], [])
    taken: set[str] = set()
    for path in _sources(root):
        for node in _functions(path):
            module, positional = _module(path.relative_to(root)), _positional(node)
            if (contract := contracts.get(node.name)) is not None:
                fits = node.name not in taken and positional[0] <= len(contract.inputs) <= positional[1]
                (found.exact if fits else found.near).append(_candidate(module, node, contract))
                taken.add(node.name)
            elif (player := _player(node.name)) is not None:
                found.players.append(Candidate(module, node.name, player, takes=_takes(node, player)))
            elif (name := looks_like(node.name, contracts)) is not None:
                found.near.append(_candidate(module, node, contracts[name]))
    return found


def _candidate(module: str, node: ast.FunctionDef, contract: Contract) -> Candidate:
    """A function under a contract's name or near it, with what makes it fit."""
    takes, by, player = "", "loss", contract.name.rpartition("_")[2]
    if contract.family == "gradient_penalties" and contract.inputs[0] is None and _positional(node)[1] < len(contract.inputs):
        takes, by = _penalty_takes(node), "penalty"
    elif player in _PLAYERS and contract.name != node.name and (words := _takes(node, player)) != "real fake":
        takes = words
    return Candidate(module, node.name, contract.name, contract.summary, takes, by)


def _sources(root: Path) -> Iterator[Path]:
    """Modules that can be imported from `root` (or from its ``src``), tests and environments left out."""
    count = 0
    for folder, subfolders, names in os.walk(root):
        here = Path(folder)
        subfolders[:] = sorted(
            s for s in subfolders
            if s.isidentifier() and s not in IGNORED and not (here / s / "pyvenv.cfg").exists()
        )  # fmt: skip
        for name in sorted(names):
            stem, _, ending = name.partition(".")
            if ending != "py" or not stem.isidentifier() or re.match("(test_|conftest$|setup$|detrace_adapter$)", stem):
                continue
            count += 1
            if count > MOST_FILES:
                return
            if (here / name).stat().st_size <= MOST_BYTES:
                yield here / name


def _functions(path: Path) -> Iterator[ast.FunctionDef]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return
    yield from (n for n in tree.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_"))


def _module(path: Path) -> str:
    parts = list(path.with_suffix("").parts)
    if parts[0] == "src" and len(parts) > 1:
        parts = parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _positional(node: ast.FunctionDef) -> tuple[int, float]:
    """Fewest and most positional arguments of a call."""
    if any(d is None for d in node.args.kw_defaults):
        return 1, 0  # a keyword must be given: no call of a contract fits
    most = len(node.args.posonlyargs) + len(node.args.args)
    return most - len(node.args.defaults), float("inf") if node.args.vararg else most


def _takes(node: ast.FunctionDef, player: str) -> str:
    """What `detrace.conventions.loss` is told: the batches that the arguments' names speak of."""
    words = [m[0] for a in node.args.args if (m := re.search("real|fake", a.arg.lower()))]
    return " ".join(words) or ("fake" if player == "generator" else "real fake")


_ARGUMENTS = {"alpha": "alpha|eps", "real": "real", "fake": "fake|gen(?!erator$)", "critic": "critic|disc|net_?d|^d$|model"}


def _penalty_takes(node: ast.FunctionDef) -> str:
    """What `detrace.conventions.penalty` is told: the arguments without a default, by what their names speak of."""
    names = [a.arg.lower() for a in (*node.args.posonlyargs, *node.args.args)]
    needed = names[: len(names) - len(node.args.defaults)]
    words = [next((word for word, pattern in _ARGUMENTS.items() if re.search(pattern, name)), name) for name in needed]
    return " ".join(words)


def _player(name: str) -> str | None:
    """Whose loss a function is that is called ``d_loss``, ``generator_loss``, ``loss_G`` and the like."""
    for player, pattern in _PLAYERS.items():
        if re.fullmatch(rf"{pattern}_?loss|loss_?{pattern}", name.lower()):
            return player
    return None
