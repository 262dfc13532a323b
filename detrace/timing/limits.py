"""Machine limits, measured in the run that they are compared with: copy bandwidth and matrix-product rate."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .cases import Work
from .timers import WallTimer

COPY_BYTES = tuple(1 << e for e in (12, 14, 16, 18, 20, 22, 24, 26, 28))
"""Sizes (source and destination together, bytes) from first-level cache to main memory. The largest is at least eight
times the last-level cache that a core of today has for itself (≤32 MB)."""
GEMM_N = (256, 768)
"""Orders of the products that show the arithmetic rate: one whose matrices fit into a second-level cache, one that
amortises packing; short enough to measure in a tenth of a second."""
REPEATS = 5
KERNEL_SWITCHES = (
    "OPENBLAS_CORETYPE", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "NPY_DISABLE_CPU_FEATURES",
)  # fmt: skip
"""Environment variables that keep one library, not the others, from the instructions that the processor has."""


def measure() -> dict[str, Any]:
    """``copy_bandwidth_gbs`` (main memory, read + write), ``copy_curve`` [[bytes, GB/s]], ``gemm_gflops`` by dtype.

    One thread. The best of a few repeats: a limit is what the machine can do.
    """
    curve = [[size, _copy_rate(size)] for size in COPY_BYTES]
    return {
        "copy_bandwidth_gbs": curve[-1][1],
        "copy_curve": curve,
        "gemm_gflops": {dtype: _gemm_rate(dtype) for dtype in ("float32", "float64")},
        "gemm_n": list(GEMM_N),
        "threads": 1,
        "held_back": held_back(),
        "gpu": gpu_state(),
    }


def held_back() -> dict[str, str]:
    """The KERNEL_SWITCHES that are set, with their values."""
    return {name: os.environ[name] for name in KERNEL_SWITCHES if os.environ.get(name)}


def best(measured: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The best of what several processes measured: a neighbour's load lowers a rate, nothing raises it."""
    if not measured:
        return {}
    curve = [[size, max(m["copy_curve"][i][1] for m in measured)] for i, size in enumerate(COPY_BYTES)]
    gemm = {d: max(m["gemm_gflops"][d] for m in measured) for d in measured[0]["gemm_gflops"]}
    return {**measured[0], "copy_bandwidth_gbs": curve[-1][1], "copy_curve": curve, "gemm_gflops": gemm}


def limit(work: Work, dtype: str, limits: dict[str, Any]) -> tuple[float, str]:
    """The time (s) that the machine needs for `work`, and whether memory or arithmetic sets it.

    Bandwidth is that of a copy of the same size, so that data that fit into a cache are held against the cache.
    """
    memory = 1e-9 * work.bytes / bandwidth(work.bytes, limits["copy_curve"])
    flops = 1e-9 * work.flops / limits["gemm_gflops"][dtype]
    return (memory, "memory") if memory >= flops else (flops, "flops")


def bandwidth(size: float, curve: Sequence[Sequence[float]]) -> float:
    """GB/s of a copy of `size` bytes: log-linear between the measured sizes, constant beyond them."""
    sizes, rates = np.array(curve, dtype=float).T
    return float(np.exp(np.interp(np.log(max(size, 1.0)), np.log(sizes), np.log(rates))))


def _copy_rate(size: int) -> float:
    source = np.ones(size // 2, dtype=np.uint8)
    target = np.zeros_like(source)
    return 1e-9 * size / _best(lambda: np.copyto(target, source))


def _gemm_rate(dtype: str) -> float:
    """Gflop/s of the fastest product among the array libraries that are loaded."""
    rates = []
    for n in GEMM_N:
        a = np.random.default_rng(0).standard_normal((n, n)).astype(dtype)
        out = np.empty_like(a)
        seconds = [_best(partial(np.matmul, a, a, out=out))]
        if (torch := sys.modules.get("torch")) is not None:
            b = torch.from_numpy(a)
            seconds.append(_best(partial(torch.matmul, b, b)))
        if (jax := sys.modules.get("jax")) is not None:
            c, product = jax.numpy.asarray(a), jax.jit(jax.numpy.matmul)
            if c.dtype == dtype:  # without its 64-bit switch jax would take single precision for double
                seconds.append(_best(partial(_finished, product, c)))
        rates.append(2e-9 * n**3 / min(seconds))
    return max(rates)


def _finished(product: Callable[..., Any], a: Any) -> None:
    product(a, a).block_until_ready()


def _best(call: Callable[[], Any], budget: float = 0.03) -> float:
    """Seconds per call, the best batch of a few."""
    timer = WallTimer()
    call()
    once = timer.sample(call, 1).seconds
    repeats = max(1, int(budget / REPEATS / max(once, 1e-7)))
    return min(timer.sample(call, repeats).seconds for _ in range(REPEATS))


def gpu_state(query: Callable[[], str] | None = None) -> list[dict[str, str]] | None:
    """Name, driver, clock, temperature, throttle reasons of each GPU, as nvidia-smi prints them; None without one."""
    fields = ("name", "driver_version", "clocks.sm", "temperature.gpu", "clocks_throttle_reasons.active")

    def ask() -> str:
        command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout

    try:
        lines = (query or ask)().strip().splitlines()
    except (OSError, subprocess.SubprocessError):
        return None
    return [dict(zip(fields, (part.strip() for part in line.split(",")), strict=False)) for line in lines] or None
