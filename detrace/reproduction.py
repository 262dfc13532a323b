"""Reproduction scripts: what violated a law, without detrace, in a file that anybody can run."""

from __future__ import annotations

from typing import Any

import numpy as np

from .engine import Outcome
from .laws import Law
from .spaces import Space
from .subjects import Subject
from .values import decode, literal

_LIBRARIES = {
    "numpy": ("import numpy as np", "np.array({x}, dtype=np.{dtype})"),
    "torch": ("import torch", 'torch.tensor({x}, dtype=torch.{dtype}, device="{device}")'),
    "jax": ("import jax\njax.config.update('jax_enable_x64', True)\nimport jax.numpy as jnp", "jnp.array({x}, dtype=jnp.{dtype})"),
    "strict": ("import array_api_strict as xp", "xp.asarray({x}, dtype=xp.{dtype})"),
    "cupy": ("import cupy as cp", "cp.array({x}, dtype=cp.{dtype})"),
}


def script(law: Law, subject: Subject, space: Space, outcome: Outcome) -> str:
    """A stand-alone script: builds the input bit for bit, repeats the subject's calls, prints what came out beside the
    certified value, and exits with 1 while the deviation is there."""
    v = outcome.violation or {}
    library, make = _LIBRARIES[space.backend.name]
    lines = [
        f'"""{_plain(subject.version or subject.name)} violates: {_plain(law.name.replace("_", " "))}.',
        "",
        f"    {_plain(law.formula)}",
        "",
        f"{_plain(outcome.reason)}",
        f"Space: {space.id}. Found and shrunk by detrace; runs without it.",
        '"""',
    ]
    if library != _LIBRARIES["numpy"][0]:
        lines += ["import numpy as np", *library.splitlines()]
    else:
        lines.append(library)
    contracts = list(dict.fromkeys(name.removeprefix("gradient of ") for name, _, _ in v.get("calls", [])))
    lines += ["", *_source_of(subject, contracts or list(law.contracts)), ""]
    for i, (name, args, _) in enumerate(v.get("calls", []), 1):
        values = [_argument(decode(a) if not isinstance(a, str) else a, make, space) for a in args]
        if name.startswith("gradient of "):
            lines.append(f"# {name}: differentiate {name.removeprefix('gradient of ')}({', '.join(values)})")
            continue
        lines += [f"got_{i} = {name}({', '.join(values)})", f'print("{name}, call {i}:")', f"print(got_{i})"]
    truth = decode(v.get("truth"))
    if isinstance(truth, np.ndarray):
        lines += ["", "# certified by ball arithmetic, printed to the nearest double", f"true = {literal(truth)}"]
        lines += ['print("certified value:")', "print(true)"]
        single = [c for c in v.get("calls", []) if not c[0].startswith("gradient of ")]
        got = decode(v.get("got"))
        if len(single) == 1 and isinstance(got, np.ndarray) and _equal(got, decode(single[0][2])) and isinstance(v.get("bound"), float):
            n = len(v["calls"])
            lines += [
                "",
                f"got = {_host(space).format(x=f'got_{n}')}",
                "error = np.linalg.norm(got - true) / np.linalg.norm(true)",
                f"bound = {v['bound']!r}  # {_plain(v.get('why') or 'see the law')}",
                'print(f"relative error {error:.3g} is {error / bound:.3g} times the bound {bound:.3g} (limit 30)")',
                "raise SystemExit(0 if error < 30 * bound else 1)",
            ]
            return "\n".join(lines) + "\n"
    lines += ["", f"print({_plain(outcome.reason)!r})", "raise SystemExit(1)"]
    return "\n".join(lines) + "\n"


def _source_of(subject: Subject, contracts: list[str]) -> list[str]:
    if subject.imports:
        return [line for c in contracts for line in subject.imports.get(c, "").splitlines()]
    return subject.source.strip().splitlines()


def _argument(value: Any, make: str, space: Space) -> str:
    if isinstance(value, np.ndarray):
        return make.format(x=literal(value).removeprefix("np.array(").removesuffix(")") if value.size else literal(value),
                           dtype=space.dtype, device=space.backend.device)  # fmt: skip
    if isinstance(value, str) and value.startswith("LinearOperator("):
        matrix = make.format(x=value.removeprefix("LinearOperator(").removesuffix(")"), dtype=space.dtype,
                             device=space.backend.device)  # fmt: skip
        return f"lambda v: {matrix} @ v"
    return literal(value)


def _host(space: Space) -> str:
    wide = "complex128" if space.is_complex else "float64"
    if space.backend.name == "torch":
        return f"{{x}}.detach().to(torch.{wide}).cpu().numpy()"
    if space.backend.name == "cupy":
        return f"{{x}}.get().astype(np.{wide})"
    return f"np.asarray({{x}}).astype(np.{wide})"


def _equal(a: Any, b: Any) -> bool:
    return isinstance(b, np.ndarray) and a.shape == b.shape and bool(((a == b) | (a != a)).all())


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', "'''")
