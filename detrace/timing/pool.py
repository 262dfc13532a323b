"""The parent's side of the workers: start them with one thread each, survive their crashes and hangs."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
"""Two threads on two shared cores spread a kernel's time by 11 % where one spreads it by 1.5 %. The last two entries
let the processes of one run share what XLA compiled."""

KEPT_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_MMAP_THRESHOLD_": str(1 << 25)}
"""glibc's malloc keeps what a call gives back, blocks of up to 32 MB, for the next call. Left to itself it returns results of
a few MB to the system by what was freed beside them; page faults then take several times as long as the call."""

TASK_LIMIT_S = 120.0
"""A task that gives no sign of life for this long is a hang: the worker is killed and the rest goes on."""


Answer = tuple[int, dict[str, Any] | str | None]


def run(job: dict[str, Any], tasks: list[tuple[int, dict[str, Any]]], cache: Path) -> Iterator[Answer]:
    """Give the tasks to a fresh process; yields (index, None) when a task begins, then (index, result), or
    (index, reason) for a task that killed or hung the process. The tasks after such a task go to another fresh process.
    """
    waiting = list(tasks)
    while waiting:
        index = None
        for message in _messages({**job, "tasks": waiting}, cache):
            if isinstance(message, str):  # the process is gone
                if index is None:
                    index = waiting[0][0]
                    message = f"the worker process did not start: {message}"
                waiting = [t for t in waiting if t[0] != index]
                yield index, message
                break
            if "begin" in message:
                index = message["begin"]
                yield index, None
            else:
                waiting = [t for t in waiting if t[0] != message["done"]]
                yield message["done"], message["result"]
                index = waiting[0][0] if waiting else None


def _messages(job: dict[str, Any], cache: Path) -> Iterator[dict[str, Any] | str]:
    """Answers of one process; a last string says why it ended before its tasks did."""
    with tempfile.TemporaryDirectory() as folder:
        job_file, log = Path(folder) / "job.json", Path(folder) / "stderr"
        job_file.write_text(json.dumps(job), encoding="utf-8")
        environment = {**os.environ, **ONE_THREAD, **KEPT_MEMORY, "JAX_COMPILATION_CACHE_DIR": str(cache)}
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "detrace.timing.worker", str(job_file)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment,
            )  # fmt: skip
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True).start()
        try:
            while True:
                try:
                    line = lines.get(timeout=TASK_LIMIT_S)
                except queue.Empty:
                    yield f"gave no sign of life for {TASK_LIMIT_S:g} s"
                    return
                if line is None:
                    break
                yield json.loads(line)
            code = process.wait()
            if code:
                yield _death(code, log)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _pump(stream: Any, lines: queue.Queue[str | None]) -> None:
    try:
        for line in stream:
            lines.put(line)
    except ValueError:
        pass  # closed while reading: the parent has given up
    lines.put(None)


def _death(code: int, log: Path) -> str:
    if code < 0:
        return f"the process died of {signal.Signals(-code).name}"
    tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"the process ended with status {code}: {tail[-1][:300] if tail else 'no message'}"
