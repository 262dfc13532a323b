"""`detrace gate`: what goes in, what is written, and the exit status."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from .. import results as store
from . import baseline, correctness, history, output, run
from .measure import Bench
from .trees import GateError


@dataclass(frozen=True)
class Files:
    """What to compare with (exactly one of the first three), what the laws found, and what to write."""

    base: str | None = None
    baseline: Path | None = None
    write_baseline: Path | None = None
    results: Path | None = None
    base_results: Path | None = None
    history: Path | None = None
    json: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None


def gate(asked: run.Asked, files: Files) -> int:
    """0 passed, 1 regressed. GateError or ResultsError (both ValueError) for what cannot be gated."""
    if sum(x is not None for x in (files.base, files.baseline, files.write_baseline)) != 1:
        raise GateError("name one of --base REF, --baseline FILE and --write-baseline FILE")
    if files.base_results and not files.results:
        raise GateError("--base-results needs --results, head's own")
    if files.base_results and files.write_baseline:
        raise GateError("--write-baseline takes --results only; there is nothing to compare with")
    if files.history and files.base:
        raise GateError("--history keeps ratios to controls: use it with --baseline or --write-baseline")
    head = correctness.summary(store.read(files.results)) if files.results else None
    base = correctness.summary(store.read(files.base_results)) if files.base_results else None
    if files.write_baseline:
        return _write(asked, files.write_baseline, head, files.history)
    bench: Bench | None = None
    if files.base:
        document = run.against_tree(files.base, asked)
    else:
        assert files.baseline
        base = base or baseline.read(files.baseline)["correctness"]
        document, bench = run.against_file(files.baseline, asked)
    if head and base:
        run.add_correctness(document, head, base, asked.removed)
    else:
        lacking = "--results" if not head else "--base-results"
        document["correctness"]["notes"].append(f"what the laws found is not compared: there is no {lacking}")
    if bench and files.history:
        document["trend"] = _keep(bench, files.history)
    _publish(document, files)
    return int(document["failed"])


def _write(asked: run.Asked, path: Path, head: correctness.Summary | None, folder: Path | None) -> int:
    if path.exists():
        baseline.read(path)
    bench = run.measured(asked)
    baseline.write(path, run.part(bench), head)
    if folder:
        _keep(bench, folder)
    for name, trial in bench.trials.items():
        if trial.broken:
            print(f"not measured: {name}: {next(iter(trial.broken.values()))}")
    if bench.contaminated():
        print("CONTAMINATED: a control differed from its own copy; write the baseline again when the machine is quiet")
    print(f"baseline: {path}, {sum(not t.broken for t in bench.trials.values())} kernels of this machine")
    return 0


def _keep(bench: Bench, folder: Path) -> dict[str, Any]:
    """Save this run; the trend of all runs on this machine."""
    part = run.part(bench)
    history.save(history.record(part), folder)
    return history.trend(history.load(folder, baseline.key(part["fingerprint"])))


def _publish(document: dict[str, Any], files: Files) -> None:
    """Terminal, JSON, JUnit, Markdown, and the block ``gate`` of the results file."""
    output.table(document, Console())
    texts = {
        files.json: lambda: json.dumps(document, indent=1, allow_nan=False) + "\n",
        files.junit: lambda: output.junit(document), files.markdown: lambda: output.markdown(document),
    }  # fmt: skip
    for path, text in texts.items():
        if path is not None:
            try:
                store.write_text(text(), path)
            except OSError as error:
                raise GateError(f"{path} cannot be written: {error.strerror}; name another file") from None
    if files.results:
        store.write(store.read(files.results) | {"gate": document}, files.results)
