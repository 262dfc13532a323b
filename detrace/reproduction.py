"""Reproduction scripts: what violated a law, without detrace, in a file that anybody can run.

A script exits with 1 while the deviation is there and with 0 once it is gone. Where a law relates several results, the
script compares them with those that were seen; only if they have changed does it ask detrace to judge them anew.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .calls import COLUMN_MAJOR, GRADIENT, RAISES, RECORDED, contract_of
from .contracts import Contract
from .engine import HELD, NOT_FINITE, VIOLATED, Outcome, Profile, run
from .judging import LIMIT
from .laws import Law
from .spaces import Space, space
from .subjects import Subject
from .values import decode, literal

_LIBRARIES = {
    "numpy": ("import numpy as np", "np.array({x}, dtype=np.{dtype})"),
    "torch": ("import torch", 'torch.tensor({x}, dtype=torch.{dtype}, device="{device}")'),
    "jax": (
        "import jax\njax.config.update('jax_enable_x64', True)\nimport jax.numpy as jnp",
        "jnp.array({x}, dtype=jnp.{dtype})",
    ),
    "strict": ("import array_api_strict as xp", 'xp.asarray({x}, dtype=xp.{dtype}, device=xp.Device("{device}"))'),
    "cupy": ("import cupy as cp", "cp.array({x}, dtype=cp.{dtype})"),
}
_HOSTS = {
    "torch": "{x}.detach().to(torch.{wide}).resolve_conj().cpu().numpy()",
    "cupy": "{x}.get().astype(np.{wide})",
    "strict": 'np.asarray(xp.asarray({x}, device=xp.Device("CPU_DEVICE"))).astype(np.{wide})',
}
_DEVICES = {"torch": "{device}", "strict": "array_api_strict.Device('{device}')"}
"""What an array's `device` reads where it is right, in libraries that have it."""
_MODULES = {"jax": "jaxlib", "strict": "array_api_strict"}
"""Top-level module of an array's type, where it is not the library's name."""
_TO_COLUMN_MAJOR = {
    "numpy": "np.asfortranarray({x})",
    "torch": "{x}.mT.contiguous().mT",
    "cupy": "cp.asfortranarray({x})",
}


def script(law: Law, subject: Subject, space: Space, outcome: Outcome, contracts: Mapping[str, Contract]) -> str:
    """A stand-alone script: builds the input bit for bit, repeats the subject's calls, prints what came out beside the
    certified value, and exits with 1 while the deviation is there."""
    v = outcome.violation or {}
    calls = [_Recorded(i, name, args, got, space) for i, (name, args, got) in enumerate(v.get("calls", []), 1)]
    used = list(dict.fromkeys(c.contract for c in calls))
    needed = used if _verdict_is_alone(v, calls) else list(dict.fromkeys([*used, *law.contracts]))
    head = [
        f'"""{_plain(subject.version or subject.name)} violates: {_plain(law.name.replace("_", " "))}.',
        "",
        f"    {_plain(law.formula)}",
        "",
        f"{_plain(outcome.reason)}",
        f"Space: {space.id}. Found and shrunk by detrace.",
        '"""',
        *dict.fromkeys(["import numpy as np", *_LIBRARIES[space.backend.name][0].splitlines()]),
    ]
    source = _source_of(subject, needed)
    body = _verdict(law, space, outcome, v, calls, contracts)
    return "\n".join([*head, "", *source, "", *body]) + "\n"


def judge_again(law: str, functions: Mapping[str, Callable[..., Any]], space_id: str, **inputs: Any) -> int:
    """Judge these functions by a law on one input, print what came out, and return 0 if it holds, 1 if it is violated,
    2 if the input cannot decide. For reproduction scripts."""
    from .suite import load
    from .terminal import violation_text

    suite = load()
    subject = Subject("the script's functions", dict(functions), backends=("any",))
    outcome = run(
        suite.laws[law],
        subject,
        space(space_id),
        suite.contracts,
        Profile("replay", 0, shrink=False),
        explicit=[inputs],
    )
    if outcome.outcome == VIOLATED:
        print(violation_text(outcome.as_json() | {"deviation": None, "script": ""}, suite.laws[law].formula))
        return 1
    print(f"{law.replace('_', ' ')}: {outcome.outcome}{': ' + outcome.reason if outcome.reason else ''}")
    return 0 if outcome.outcome == HELD else 2


class _Recorded:
    """One recorded call as Python source."""

    def __init__(self, number: int, name: str, args: list[Any], result: Any, space: Space) -> None:
        self.got, self.name, self.space = f"got_{number}", name, space
        self.contract = contract_of(name)
        self.args = [decode(a) for a in args]
        if name.startswith(GRADIENT):
            *self.args, self.wrt, self.cotangent = self.args
        elif name.endswith(RECORDED):
            *self.args, self.wrt = self.args
        self.result = decode(result)
        self.opaque = any(_opaque(a) for a in self.args)

    def lines(self) -> list[str]:
        return [*self.call(), f'print("{self.name}:", {self.got}, sep="\\n")']

    def call(self) -> list[str]:
        """Lines after which `self.got` is the result."""
        if self.name.startswith(GRADIENT):
            return self._gradient()
        if self.name.endswith(RECORDED):
            return self._recorded()
        values = [_argument(a, self.space) for a in self.args]
        if self.name.endswith(COLUMN_MAJOR):
            wrap = _TO_COLUMN_MAJOR.get(self.space.backend.name, "{x}")
            values = [
                wrap.format(x=v) if getattr(a, "ndim", 0) > 1 else v for v, a in zip(values, self.args, strict=True)
            ]
        if self.name.endswith(RAISES):
            return [
                "try:", f"    {self.got} = {self.contract}({', '.join(values)})", "except Exception as error:",
                f"    {self.got} = error",
            ]  # fmt: skip
        return [f"{self.got} = {self.contract}({', '.join(values)})"]

    def _gradient(self) -> list[str]:
        x, value = self._function_of_x()
        ct = self.cotangent
        seed = _argument(ct, self.space, real=not np.iscomplexobj(ct) and self._real_result())
        if self.space.backend.name == "torch":
            return [
                f"x = {x}.requires_grad_()",
                f"({self.got},) = torch.autograd.grad({value}, x, grad_outputs={seed})",
            ]
        return [f"{self.got} = jax.vjp(lambda x: {value}, {x})[1]({seed})[0]"]

    def _recorded(self) -> list[str]:
        x, value = self._function_of_x()
        if self.space.backend.name == "torch":
            return [f"x = {x}.requires_grad_()", f"{self.got} = {value}"]
        return [f"{self.got} = jax.vjp(lambda x: {value}, {x})[0]"]

    def _function_of_x(self) -> tuple[str, str]:
        """The argument that is differentiated, and the call with x in its place."""
        values = [_argument(a, self.space) for a in self.args]
        x, values[self.wrt] = values[self.wrt], "x"
        return x, f"{self.contract}({', '.join(values)})"

    def _real_result(self) -> bool:
        return isinstance(self.result, np.ndarray) and not np.iscomplexobj(self.result)

    def parts(self) -> list[tuple[str, Any]]:
        """Each result as a host expression beside the one that was seen."""
        if isinstance(self.result, tuple):
            return [(_host(f"{self.got}[{i}]", self.space), r) for i, r in enumerate(self.result)]
        return [(_host(self.got, self.space), self.result)]


def _verdict_is_alone(v: dict[str, Any], calls: list[_Recorded]) -> bool:
    """Whether the script can decide without the law (and hence needs only the functions that were called)."""
    alone = v.get("kind") in ("raised", "crashed", "hung", "mutation", "form", "flaky")
    return bool(calls) and not any(c.opaque for c in calls) and (alone or _direct(v, calls) is not None)


def _verdict(law: Law, space: Space, outcome: Outcome, v: dict[str, Any], calls: list[_Recorded],
             contracts: Mapping[str, Contract]) -> list[str]:  # fmt: skip
    """The calls, and what decides the exit status."""
    if any(c.opaque for c in calls) or not calls:
        return _again(law, space, outcome)
    lines = [line for c in calls[:-1] for line in c.lines()]
    last, kind = calls[-1], v.get("kind")
    if kind == "hung":
        limit = v.get("limit_s", 60.0)
        stop = (
            f"import faulthandler\n\nfaulthandler.dump_traceback_later({limit!r}, exit=True)  # ends a hang, status 1"
        )
        return [*stop.splitlines(), *lines, *last.lines(), "faulthandler.cancel_dump_traceback_later()"]
    if kind in ("raised", "crashed"):
        return [*lines, f"# {outcome.reason}", *last.lines()]
    if kind == "mutation":
        given = ", ".join(_argument(a, space) for a in last.args)
        return [
            *lines, f"given = [{given}]", f"same = [{given}]", f"{last.contract}(*given)",
            f"changed = [i for i, (a, b) in enumerate(zip(given, same)) if {_differs(space)}]",
            'print("arguments that were changed:", changed)', "raise SystemExit(1 if changed else 0)",
        ]  # fmt: skip
    if kind == "form" and outcome.reason.endswith(NOT_FINITE):
        results = ", ".join(expression for c in calls for expression, _ in c.parts())
        return [
            *lines, *last.lines(), f"finite = [bool(np.isfinite(r).all()) for r in ({results},)]",
            'print("finite:", finite)', "raise SystemExit(0 if all(finite) else 1)",
        ]  # fmt: skip
    if kind == "form":
        return [*lines, *last.call(), *_form(last, space, contracts)]
    if kind == "flaky":
        (expression, _), *_ = last.parts()
        return [
            *lines, "results = []", "for _ in range(100):", *(f"    {line}" for line in last.call()),
            f"    results.append({expression})",
            "different = sum(not np.array_equal(r, results[0], equal_nan=True) for r in results)",
            'print(f"{different} of 100 results on the same input differ from the first")',
            "raise SystemExit(1 if different else 0)",
        ]  # fmt: skip
    lines += last.lines()
    truth = decode(v.get("truth"))
    if isinstance(truth, np.ndarray | float):
        lines += ["", "# the value due, printed to the nearest double", f"true = {literal(np.asarray(truth))}"]
        lines += ['print("value due:", true, sep="\\n")']
    direct = _direct(v, calls)
    if direct is not None:
        expression, measure = direct
        return [
            *lines, "", f"got = {expression}", f"error = {measure}",
            f"bound = {v['bound']!r}  # {_plain(v.get('why') or 'see the law')}",
            "ratio = error / bound if error else 0.0",
            f'print(f"error {{error:.3g}} is {{ratio:.3g}} times the bound {{bound:.3g}} (limit {LIMIT:g})")',
            f"raise SystemExit(0 if ratio < {LIMIT:g} else 1)",
        ]  # fmt: skip
    if last.name.endswith(RAISES):
        return [*lines, f"raise SystemExit(0 if isinstance({last.got}, Exception) else 1)  # an exception is due"]
    seen = [part for c in calls for part in c.parts()]
    if any(r is None for _, r in seen):
        return [*lines, *_again(law, space, outcome)]
    lines += ["", "# what was seen; the law is about these results together", "seen = ["]
    lines += [f"    ({expression}, {literal(np.asarray(r))})," for expression, r in seen]
    return [
        *lines, "]", "if all(np.array_equal(got, before, equal_nan=True) for got, before in seen):",
        f"    print({outcome.reason!r})", "    raise SystemExit(1)",
        'print("these are not the results that violated the law; judged anew:")', *_again(law, space, outcome),
    ]  # fmt: skip


def _again(law: Law, space: Space, outcome: Outcome) -> list[str]:
    functions = ", ".join(f'"{c}": {c}' for c in law.contracts)
    inputs = outcome.input if isinstance(outcome.input, dict) else {}
    given = "".join(f", {k}={literal(decode(x))}" for k, x in inputs.items())
    return [
        "try:", "    from detrace.reproduction import judge_again", "except ModuleNotFoundError:",
        '    print("install detrace to have them judged")', "    raise SystemExit(2)",
        f'raise SystemExit(judge_again("{law.name}", {{{functions}}}, "{space.id}"{given}))',
    ]  # fmt: skip


def _direct(v: dict[str, Any], calls: list[_Recorded]) -> tuple[str, str] | None:
    """How to compute the law's error from one result and the value due, if it is a norm of the difference."""
    got, truth, error = decode(v.get("got")), decode(v.get("truth")), decode(v.get("error"))
    if v.get("kind") != "ratio" or not isinstance(v.get("bound"), float) or truth is None or not isinstance(got, np.ndarray):
        return None
    call = next((c for c in reversed(calls) if _equal(got, c.result)), None)
    if call is None or np.shape(got) != np.shape(truth):
        return None
    with np.errstate(all="ignore"):
        absolute, size = (np.linalg.norm(np.ravel(x)) for x in (got - truth, truth))
        relative = absolute / size
    expression = _host(call.got, call.space)
    distance = "np.linalg.norm(np.ravel(got - true))"
    close = 0.01  # `truth` is rounded to doubles
    if math.isclose(relative, error, rel_tol=close) or (size and not math.isfinite(error)):
        return expression, f"{distance} / np.linalg.norm(np.ravel(true))"
    return (expression, distance) if math.isclose(absolute, error, rel_tol=close) or not math.isfinite(error) else None


def _form(call: _Recorded, space: Space, contracts: Mapping[str, Contract]) -> list[str]:
    """Compare type, shape, dtype and device of the results with what is due."""
    library = space.backend.name
    if call.name.startswith(GRADIENT):
        shapes, dtype = [np.shape(call.args[call.wrt])], space.dtype
    else:
        contract = contracts[call.contract]
        shapes, dtype = (
            contract.result_shapes(call.args),
            space.real_dtype if contract.result == "real" else space.dtype,
        )
    place = _DEVICES.get(library, "{device}").format(device=space.backend.device)
    due = [(_MODULES.get(library, library), tuple(shape), dtype, place) for shape in shapes]
    device = 'getattr(r, "device", "cpu")' if library in _DEVICES else repr(place)
    return [
        f"results = {call.got} if isinstance({call.got}, (tuple, list)) else [{call.got}]" if len(due) > 1
        else f"results = [{call.got}]",
        "form = [",
        '    (type(r).__module__.partition(".")[0], tuple(getattr(r, "shape", ())),',
        f'     str(getattr(r, "dtype", "")).rpartition(".")[2], str({device}).partition(":")[0])',
        "    for r in results", "]", f"due = {due!r}",
        'print("got", form)', 'print("due", due)', "raise SystemExit(0 if form == due else 1)",
    ]  # fmt: skip


def _source_of(subject: Subject, contracts: list[str]) -> list[str]:
    if subject.imports:
        return list(dict.fromkeys(line for c in contracts for line in subject.imports.get(c, "").splitlines()))
    if re.search(r"^from (\._|detrace)", subject.source, re.MULTILINE):  # an adapter that stands on others of the suite
        return ["from detrace.suite import load", "", "load()  # the adapters are importable now",
                f"from verify.peers.{subject.name} import {', '.join(contracts)}"]  # fmt: skip
    return [line for line in subject.source.strip().splitlines() if not line.startswith("from __future__ ")]


def _argument(value: Any, space: Space, *, real: bool = False) -> str:
    make, dtype = _LIBRARIES[space.backend.name][1], space.real_dtype if real else space.dtype
    if isinstance(value, np.ndarray):
        return make.format(x=_entries(literal(value)), dtype=dtype, device=space.backend.device)
    if isinstance(value, str) and (match := _OPERATOR.fullmatch(value)):
        return f"lambda v: {make.format(x=_entries(match[1]), dtype=dtype, device=space.backend.device)} @ v"
    return literal(value)


def _entries(source: str) -> str:
    """The list in ``np.array([...])``, which every library takes; other expressions as they are."""
    return source[len("np.array(") : -1] if source.startswith("np.array(") else source


_OPERATOR = re.compile(r"LinearOperator\((.*)\)", re.DOTALL)


def _opaque(value: Any) -> bool:
    """Whether a recorded argument is only the text of an object that source cannot rebuild."""
    text = isinstance(value, str) and not _OPERATOR.fullmatch(value)
    return text and (value.startswith("<") or value.endswith(")"))


def _host(expression: str, space: Space) -> str:
    wide = "complex128" if space.is_complex else "float64"
    return _HOSTS.get(space.backend.name, "np.asarray({x}).astype(np.{wide})").format(x=expression, wide=wide)


def _differs(space: Space) -> str:
    a, b = _host("a", space), _host("b", space)
    return f'hasattr(a, "shape") and not np.array_equal({a}, {b}, equal_nan=True)'


def _equal(a: Any, b: Any) -> bool:
    return isinstance(b, np.ndarray) and np.shape(a) == b.shape and bool(((a == b) | ((a != a) & (b != b))).all())


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', "'''")
