"""How good the gate is: ``python -m detrace.gate.calibrate`` decides about identical and about slowed code, many times.

Base and head are the working tree; head's calls are followed by a busy loop of 0, 10 or 20 % of their time, with and
without a noisy neighbour. Each decision is a line of a JSON-lines file; run again, it goes on where it stopped. The summary
is the table of docs/gate.md.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .decision import CONTAMINATED, PAIRS, SLOWER, settle, verdict_of
from .kernels import choose, every, listing
from .measure import Bench, scout
from .run import judged
from .trees import head_tree

KERNELS = ("expm[n=4,batch=1000]", "expm_rank1[n=1024,batch=1]", "logdet_expm[n=256,batch=1]")
SLOWDOWNS = (0.0, 0.1, 0.2)
NEIGHBOUR = """
import os, random, time
import numpy as np
a, parent = np.ones((700, 700)), os.getppid()
while os.getppid() == parent:
    end = time.time() + random.uniform(0.1, 1.0)
    while time.time() < end:
        a @ a / 700
    time.sleep(random.uniform(0.1, 1.0))
"""
"""Matrix products in bursts of 0.1 to 1 s, on whichever core the system gives it."""
PLANT_S = 20e-3
"""How long the speeds of the call and of the busy loop are measured, each."""


def slowed(call: Callable[[], Any], share: float) -> Callable[[], Any]:
    """The call followed by a busy loop that takes `share` of its time: a planted slowdown."""

    def loop(count: int) -> None:
        for _ in range(count):
            pass

    def seconds(function: Callable[[], Any], repeats: int) -> float:
        found: list[float] = []
        start = time.perf_counter()
        while time.perf_counter() - start < PLANT_S or len(found) < 5:
            begin = time.process_time()
            for _ in range(repeats):
                function()
            found.append((time.process_time() - begin) / repeats)
        return float(np.median(found))

    once = seconds(call, 1)
    target = share * seconds(call, max(1, int(1e-3 / max(once, 1e-9))))
    count = round(10_000 * target / seconds(lambda: loop(10_000), 5))

    def slow() -> Any:
        result = call()
        loop(count)
        return result

    return slow


@contextmanager
def neighbour(noisy: bool) -> Iterator[None]:
    """A process that works in bursts, if `noisy`."""
    process = subprocess.Popen([sys.executable, "-c", NEIGHBOUR]) if noisy else None
    try:
        yield
    finally:
        if process is not None:
            process.kill()
            process.wait()


def run(out: Path, decisions: int, names: Sequence[str], noises: Sequence[bool], pairs: int) -> None:
    """Decide `decisions` times about each kernel, slowdown and noise, less what `out` has already."""
    head = head_tree()
    kernels = choose(names, every(listing(), scout(head, ["reference"], "float64", []), "float64"))
    out.parent.mkdir(parents=True, exist_ok=True)
    done = Counter((r["kernel"], r["slow"], r["noisy"]) for r in read(out))
    for turn in range(decisions):
        for noisy in noises:
            for share in SLOWDOWNS:
                todo = {i: k for i, k in kernels.items() if done[i, share, noisy] <= turn}
                if not todo:
                    continue
                start = time.perf_counter()
                bench = Bench(head, ["reference"], todo, replace(head), plant=share)
                with neighbour(noisy):
                    trails = settle(todo, bench, pairs)
                seconds = (time.perf_counter() - start) / len(todo)
                with out.open("a", encoding="utf-8") as file:
                    for name, trail in trails.items():
                        row = {
                            "kernel": name, "slow": share, "noisy": noisy, "verdict": judged(bench, name, trail)[0],
                            "alone": verdict_of(trail), "seconds": seconds, "trail": [d.as_json() for d in trail],
                            "canary": [d.as_json() for d in bench.canaries[name]],
                        }  # fmt: skip
                        file.write(json.dumps(row) + "\n")
                print(f"{turn + 1}/{decisions} noisy={noisy} +{share:.0%}: "
                      + ", ".join(verdict_of(t) for t in trails.values()), flush=True)  # fmt: skip


def read(out: Path) -> list[dict[str, Any]]:
    """The decisions so far; a last line that was cut is left out."""
    rows = []
    for line in out.read_text(encoding="utf-8").splitlines() if out.exists() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown: how often each planted slowdown failed, with a 95 % interval, and what else became of it."""
    lines = ["| neighbour | planted | decisions | failed | 95 % | inconclusive | contaminated | median ratio | s a kernel |",
             "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for noisy in (False, True):
        for share in SLOWDOWNS:
            some = [r for r in rows if (r["noisy"], r["slow"]) == (noisy, share)]
            if not some:
                continue
            verdicts = Counter(r["verdict"] for r in some)
            low, high = wilson(verdicts[SLOWER], len(some))
            ratio = np.median([r["trail"][-1]["ratio"] for r in some])
            seconds = np.median([r["seconds"] for r in some])
            lines.append(
                f"| {'noisy' if noisy else 'none'} | +{share:.0%} | {len(some)} | {verdicts[SLOWER]} | {low:.0%}–{high:.0%} | "
                f"{verdicts['INCONCLUSIVE']} | {verdicts[CONTAMINATED]} | {ratio:.3f} | {seconds:.1f} |"
            )
    return "\n".join(lines)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson's score)."""
    z2 = 1.96**2
    centre, half = hits + z2 / 2, 1.96 * math.sqrt(hits * (n - hits) / n + z2 / 4)
    return max(0.0, (centre - half) / (n + z2)), min(1.0, (centre + half) / (n + z2))


def main() -> None:
    """Run, then print the table."""
    parser = argparse.ArgumentParser(prog="python -m detrace.gate.calibrate", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(".detrace/calibration.jsonl"))
    parser.add_argument("--decisions", type=int, default=20, help="of each kernel, slowdown and noise; 0 only prints")
    parser.add_argument("--kernel", action="append", help="contract, case or id; may be repeated")
    parser.add_argument("--noise", choices=("none", "neighbour", "both"), default="both")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    options = parser.parse_args()
    noises = {"none": [False], "neighbour": [True], "both": [False, True]}[options.noise]
    if options.decisions:
        run(options.out, options.decisions, options.kernel or KERNELS, noises, options.pairs)
    print(table(read(options.out)))


if __name__ == "__main__":
    main()
