"""Calls: one function of one subject in one space, with the form of every result checked.

A law calls ``expm(A)`` with a host array and gets a host array. Between the two: exact conversion, the call itself,
and the checks that hold for every contract: no exception, the right type, shape, dtype and device, and the caller's
arrays untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .contracts import Contract
from .judging import NotOffered, Record, Violation
from .spaces import Space
from .values import literal

GRADIENT, COLUMN_MAJOR, RECORDED, RAISES = "gradient of ", " (column-major)", " (while differentiated)", " (must raise)"
"""What is put on a contract's name where a recorded call is no plain one. After the arguments of a gradient stand `wrt` and the
cotangent, after those of a call that is differentiated `wrt`."""


def contract_of(called: str) -> str:
    """The contract of a recorded call."""
    for mark in (COLUMN_MAJOR, RECORDED, RAISES):
        called = called.removesuffix(mark)
    return called.removeprefix(GRADIENT)


class LinearOperator:
    """A matrix as a function: an argument of a contract that takes ``matvec``; bound to the space at the call."""

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = matrix

    def bind(self, space: Space) -> Callable[[Any], Any]:
        native = space.to_native(self.matrix)
        return lambda v: native @ v

    def __repr__(self) -> str:
        return f"LinearOperator({literal(self.matrix)})"


class Call:
    """``expm`` as a law sees it."""

    def __init__(self, function: Callable[..., Any], contract: Contract, space: Space, record: Record) -> None:
        self.function, self.contract, self.space, self.record = function, contract, space, record

    def __call__(self, *args: Any) -> Any:
        """Host arrays in, host arrays out (a tuple if the contract has several results)."""
        return self._run(self.function, args)

    def transposed_memory(self, *args: Any) -> Any:
        """The same call with every matrix given as a column-major view."""
        view = self.space.backend.transposed_view

        def viewed(*native: Any) -> Any:
            return self.function(*(view(a) if getattr(a, "ndim", 0) > 1 else a for a in native))

        return self._run(viewed, args, self.contract.name + COLUMN_MAJOR)

    def while_differentiated(self, *args: Any, wrt: int = 0) -> Any:
        """The same call as reverse mode records it on its way to the derivative with respect to argument `wrt`."""
        evaluate = self.space.backend.recorded
        if evaluate is None:
            raise TypeError(f"{self.space.backend.id} has no automatic differentiation")

        def recorded(*native: Any) -> Any:
            return evaluate(*self._opened(args, native, wrt))

        return self._run(recorded, args, self.contract.name + RECORDED, (*args, wrt))

    def gradient(self, *args: Any, wrt: int = 0, cotangent: Any = None) -> Any:
        """Gradient of Σ cotangent·result with respect to argument `wrt`, by the library's reverse mode.

        Of a network (an argument with `parameters`) the gradients with respect to each of them, as a list.
        """
        backend = self.space.backend
        if backend.vjp is None:
            raise TypeError(f"{backend.id} has no automatic differentiation")
        native = [self._bind(a) for a in args]
        (shape,) = self.contract.result_shapes(args)
        ct = self.space.to_native(np.ones(shape) if cotangent is None else cotangent)
        name = GRADIENT + self.contract.name
        described = (*args, wrt, np.ones(shape) if cotangent is None else cotangent)
        calls = self.record.example.calls
        calls.append((name, described, None))
        of, leaves = self._opened(args, native, wrt)
        try:
            grads = backend.vjp(of, leaves, ct)
        except (Exception, SystemExit) as error:
            raise _raised(f"the {name}", error) from error
        for grad, leaf in zip(grads, leaves, strict=True):
            if problem := backend.form_error(grad, self.space.dtype, tuple(leaf.shape)):
                raise Violation(f"the gradient of {self.contract.name}: {problem}", kind="form")
        hosts = [self.space.to_host(grad) for grad in grads]
        network = hasattr(args[wrt], "parameters")
        calls[-1] = (name, described, tuple(hosts) if network else hosts[0])
        if not all(np.isfinite(h).all() for h in hosts):
            self.record.example.finite = False
        return hosts if network else hosts[0]

    def native(self, *args: Any) -> Any:
        """The function on native arguments, unchecked; what it raises is a violation."""
        try:
            return self.function(*args)
        except (Exception, SystemExit) as error:
            raise _raised(self.contract.name, error) from error

    def raises(self, *args: Any) -> Exception | None:
        """The exception that the call raises, or None."""
        self.record.example.calls.append((self.contract.name + RAISES, args, None))
        try:
            self.function(*(self._bind(a) for a in args))
        except NotOffered as error:
            raise _raised(self.contract.name, error) from error
        except Exception as error:
            return error
        return None

    def _bind(self, arg: Any) -> Any:
        if isinstance(arg, np.ndarray):
            return self.space.to_native(arg)
        return arg.bind(self.space) if hasattr(arg, "bind") else arg

    def _opened(self, args: Sequence[Any], native: Sequence[Any], wrt: int) -> tuple[Callable[..., Any], list[Any]]:
        """The call as a function of what argument `wrt` is made of (itself, or a network's parameters), and these."""
        network = getattr(args[wrt], "parameters", None)

        def of(*leaves: Any) -> Any:
            given = leaves[0] if network is None else args[wrt].bind(self.space, leaves)
            return self.function(*native[:wrt], given, *native[wrt + 1 :])

        return of, [native[wrt]] if network is None else [self.space.to_native(p) for p in network]

    def _run(self, function: Callable[..., Any], args: tuple[Any, ...], called: str = "", described: Any = None) -> Any:
        space, name = self.space, called or self.contract.name
        native = [self._bind(a) for a in args]
        calls = self.record.example.calls
        described = args if described is None else described
        calls.append((name, described, None))
        try:
            result = function(*native)
        except (Exception, SystemExit) as error:
            raise _raised(name, error) from error
        shapes = self.contract.result_shapes(args)
        results = result if len(shapes) > 1 else (result,)
        if len(shapes) > 1 and not (isinstance(result, tuple | list) and len(result) == len(shapes)):
            raise Violation(f"{name} returned {type(result).__name__}, expected {len(shapes)} arrays", kind="form")
        dtype = space.real_dtype if self.contract.result == "real" else space.dtype
        for r, shape in zip(results, shapes, strict=True):
            problem = space.backend.form_error(r, dtype, shape)
            if problem:
                raise Violation(f"{name} {problem}", kind="form", got=repr(r)[:200])
        for given, before in zip(native, args, strict=True):
            if isinstance(before, np.ndarray) and not _same(space.to_host(given), before):
                if not _same(space.to_host(space.to_native(before)), before):
                    raise TypeError(f"the law passed values to {name} that are not exact in {space.dtype}")
                raise Violation(
                    f"{name} changed the array that it was given", kind="mutation", got=space.to_host(given)
                )
        host = tuple(space.to_host(r) for r in results)
        out = host if len(shapes) > 1 else host[0]
        calls[-1] = (name, described, out)
        if not all(np.isfinite(r).all() for r in host):
            self.record.example.finite = False
        return out


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(((a == b) | ((a != a) & (b != b))).all())


def _raised(name: str, error: BaseException) -> Violation:
    lines = str(error).splitlines()
    message = f": {lines[0]}" if lines else ""
    if isinstance(error, SystemExit):
        return Violation(f"{name} called sys.exit({error.code!r})", kind="raised")
    return Violation(f"{name} raised {type(error).__name__}{message}", kind="raised")
