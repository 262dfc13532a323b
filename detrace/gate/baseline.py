"""The baseline file: ratios to frozen controls, by machine, with everything that tells whether they may be compared.

Schema ``detrace.baseline/1``, described in docs/gate.md. One file serves several machines: writing replaces this machine's
part and leaves the others.
"""

from __future__ import annotations

import hashlib
import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from .. import results as store
from ..timing import statistics
from ..timing.limits import gpu_state
from .decision import Decision
from .measure import Trial
from .trees import GateError, state

SCHEMA = "detrace.baseline/1"
COMPUTING = ("numpy", "scipy", "torch", "jax", "jaxlib", "cupy-cuda12x", "array-api-compat", "numba")
"""Libraries whose version may change a time; the others do not enter the fingerprint."""
QUANTILES = np.linspace(0.0, 1.0, 51)
"""What is kept of the samples in place of raw data: enough to redraw their distribution."""


def fingerprint() -> dict[str, Any]:
    """What a time depends on besides the code: processor, libraries, their BLAS and its threads, GPU."""
    import scipy.linalg  # noqa: F401  (brings its BLAS, as torch does: the same ones in every process)
    import threadpoolctl
    import torch

    env = store.environment()
    gpu = (gpu_state() or [{}])[0]
    pools = {
        (p.get("internal_api", ""), p.get("version") or "", p.get("architecture") or "", 1)
        for p in threadpoolctl.threadpool_info() if p.get("user_api") == "blas"
    }  # fmt: skip
    return {
        "cpu": env["cpu"], "machine": platform.machine(), "isa": _isa(), "cores": env["cores"],
        "python": ".".join(platform.python_version_tuple()[:2]),
        "versions": {k: v for k, v in env["versions"].items() if k in COMPUTING},
        "blas": [dict(zip(("name", "version", "architecture", "threads"), p, strict=True)) for p in sorted(pools)],
        "gpu": gpu.get("name"), "driver": gpu.get("driver_version"),
        "cuda": torch.version.cuda,
    }  # fmt: skip


def key(of: dict[str, Any]) -> str:
    """A short name of a fingerprint; baselines and histories are keyed by it."""
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()[:12]


def differences(here: dict[str, Any], there: dict[str, Any]) -> list[str]:
    """What two fingerprints disagree on: ``numpy 2.3.1 there, 2.4.6 here``."""
    flat = [{**{k: v for k, v in f.items() if k != "versions"}, **f.get("versions", {})} for f in (there, here)]
    return [
        f"{k}: {flat[0].get(k)} there, {flat[1].get(k)} here"
        for k in dict.fromkeys([*flat[0], *flat[1]]) if flat[0].get(k) != flat[1].get(k)
    ]  # fmt: skip


def entry(kernel: dict[str, Any], trial: Trial) -> dict[str, Any]:
    """One kernel of the file: log-ratio to its control with interval, spread between processes, quantiles, hashes."""
    low, high = statistics.interval(trial.head, np.random.default_rng(0))
    logs = np.concatenate(trial.head)
    return {
        **kernel, **trial.about, "median_s": float(np.median(trial.seconds["head"])),
        "log_ratio": statistics.centre(trial.head), "low": low, "high": high,
        "spread": float(np.std([np.median(b) for b in trial.head])),
        "design": {"processes": len(trial.head), "rounds": min(len(b) for b in trial.head)},
        "quantiles": [float(f"{q:.4g}") for q in np.quantile(logs, QUANTILES)],
    }  # fmt: skip


def machine(entries: dict[str, Any], canary: dict[str, Decision]) -> dict[str, Any]:
    """This machine's part of the file."""
    return {
        "fingerprint": fingerprint(), "created": datetime.now(UTC).isoformat(timespec="seconds"), **state(), "kernels": entries,
        "canary": {name: d.as_json() for name, d in canary.items()},
    }  # fmt: skip


def write(path: Path, part: dict[str, Any], summary: dict[str, Any] | None) -> None:
    """Put this machine's part into the file, atomically; `summary` of a results file replaces an earlier one."""
    document = read(path) if path.exists() else {"schema": SCHEMA, "machines": {}, "correctness": None}
    document["machines"][key(part["fingerprint"])] = part
    document["correctness"] = summary or document["correctness"]
    text = json.dumps(document, indent=1, allow_nan=False, sort_keys=True)
    try:
        store.write_text(text + "\n", path)
    except OSError as error:
        raise GateError(f"the baseline cannot be written to {path}: {error.strerror}; name another file") from None


def read(path: Path) -> dict[str, Any]:
    """A baseline file. GateError for a missing, unreadable or foreign one, or one of another schema."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GateError(f"there is no baseline at {path}; `detrace gate --write-baseline {path}` writes one") from None
    except (OSError, ValueError) as error:
        raise GateError(f"the baseline {path} cannot be read ({error}); write a new one with --write-baseline") from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise GateError(f"{path} has schema {schema}, this gate reads {SCHEMA}; move it away and write a new baseline")
    if not isinstance(document.get("machines"), dict) or "correctness" not in document:
        raise GateError(f"the baseline {path} is damaged; move it away and write a new one")
    return document


def _isa() -> str:
    """What NumPy found the processor to have beyond its baseline, the widest last."""
    found = np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])
    return " ".join(found)
