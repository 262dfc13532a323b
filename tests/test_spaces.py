"""Spaces: probing computes something, conversion is exact, and what is not here says why."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from detrace import spaces
from detrace.backends import Backend
from detrace.spaces import FORMATS, Space, backends, probe, space

HERE = [f"{b}-{d}" for b in backends() if not probe(b) for d in backends()[b].dtypes]
VALUES = np.array([0.0, -0.0, 1.0, -0.5, 3.0, math.inf, -math.inf, math.nan])


@pytest.mark.parametrize("space_id", HERE)
def test_values_travel_without_rounding(space_id):
    """Host → library → host gives back every bit, extremes, signed zeros and NaN included, and the form is right."""
    s = space(space_id)
    values = np.concatenate([VALUES, [s.max, s.tiny, 1 + 2 * s.u, 1 - s.u]])
    if s.is_complex:
        both = np.empty(values.shape, np.complex128)
        both.real, both.imag = values, values[::-1]
        values = both
    native = s.to_native(values)
    back = s.to_host(native)
    assert s.backend.form_error(native, s.dtype, values.shape) == ""
    assert back.dtype == s.host_dtype
    for a, b in ((values.real, back.real), (values.imag, back.imag)):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(np.signbit(a), np.signbit(b))


@pytest.mark.parametrize("space_id", HERE)
def test_rounding_is_to_nearest_even(space_id):
    """`round` gives values that the dtype holds exactly, and agrees with the library's own conversion."""
    s = space(space_id)
    x = np.array([1 / 3, -math.pi, 1 + s.u, 1 + 3 * s.u, s.max, s.tiny * 1.3, s.smallest * 3, 1e-3])
    rounded = s.round(x)
    np.testing.assert_array_equal(s.to_host(s.to_native(rounded)), rounded)
    np.testing.assert_array_equal(s.to_host(s.to_native(x)), rounded)
    np.testing.assert_array_equal(s.round(rounded), rounded)


@pytest.mark.parametrize("space_id", HERE)
def test_results_below_the_underflow_threshold_are_not_trusted(space_id):
    """Half the smallest normal number comes out as it is, or as zero (JAX): what an operation loses is at most `underflow`."""
    s = space(space_id)
    half = s.to_host(s.to_native(np.full(2, s.tiny)) * 0.5)
    assert (half == s.tiny / 2).all() or (not half.any() and s.flushes)
    assert s.underflow == (s.tiny if s.flushes else s.smallest)
    assert not s.flushes or space_id.startswith("jax")  # float16 is computed in float32 there


def test_rounding_overflows_to_infinity():
    """Beyond the largest number is infinity, with its sign, in every format."""
    for name in FORMATS:
        s = Space(Backend(), name)
        if name != "float64":
            np.testing.assert_array_equal(s.round(np.array([s.max * 1.5, -s.max * 1.5])), [math.inf, -math.inf])


def test_complex_values_do_not_fit_into_a_real_space(float64):
    """Rounding complex values to a real dtype is refused, not truncated."""
    with pytest.raises(TypeError, match="complex"):
        float64.round(np.array([1j]))


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_constants_of_a_format_are_numpys(name):
    """u, tiny, smallest and max are what the format says."""
    s, info = Space(Backend(), name), np.finfo(name)
    assert (2 * s.u, s.tiny, s.smallest, s.max) == tuple(
        float(x) for x in (info.eps, info.tiny, info.smallest_subnormal, info.max)
    )


def test_constants_of_bfloat16_are_torchs():
    """The same for bfloat16, by PyTorch."""
    torch = pytest.importorskip("torch")
    s, info = space("torch-cpu-bfloat16"), torch.finfo(torch.bfloat16)
    assert (2 * s.u, s.tiny, s.max) == (info.eps, info.tiny, info.max)


def test_a_transposed_view_has_the_same_values():
    """Column-major views differ in memory only."""
    for backend_id in ("numpy-cpu", "torch-cpu", "strict-device1", "jax-cpu"):
        if not probe(backend_id):
            s = space(f"{backend_id}-float64")
            x = np.arange(12.0).reshape(2, 2, 3)
            np.testing.assert_array_equal(s.to_host(s.backend.transposed_view(s.to_native(x))), x)
    view = Backend().transposed_view(np.arange(4.0).reshape(2, 2))
    assert not view.flags.c_contiguous


class _Broken(Backend):
    """A library that is there but wrong, in the way that the test asks for."""

    name = "broken"

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def load(self) -> None:
        if self.fault == "absent":
            raise ImportError("no such library\nand a second line")
        if self.fault == "silent":
            raise RuntimeError

    def to_host(self, x):
        return super().to_host(x) + (self.fault == "miscomputes")

    def device_name(self, x):
        return "cuda" if self.fault == "elsewhere" else "cpu"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("absent", "ImportError: no such library"),
        ("silent", "RuntimeError: no message"),
        ("miscomputes", "computed"),
        ("elsewhere", "returned a result on cuda, expected cpu"),
    ],
)
def test_probing_finds_what_is_broken(monkeypatch, fault, reason):
    """A library that cannot be imported, computes wrongly or sits on another device is not here, and says why."""
    monkeypatch.setattr(spaces, "backends", lambda: {"broken-cpu": _Broken(fault)})
    assert spaces.probe.__wrapped__("broken-cpu").startswith(reason)


def test_probing_accepts_what_works(monkeypatch):
    """The same library without a fault is here (so the test above fails for its faults)."""
    monkeypatch.setattr(spaces, "backends", lambda: {"broken-cpu": _Broken("")})
    assert spaces.probe.__wrapped__("broken-cpu") == ""


def test_form_errors_name_type_dtype_shape():
    """Each way in which a result's form can be wrong is said in words."""
    b = Backend()
    assert b.form_error([1.0], "float64", (1,)) == "returned list, not an array of numpy-cpu"
    assert b.form_error(1.0, "float64", ()) == "returned float, not an array of numpy-cpu"
    assert b.form_error(np.ones(2, "f4"), "float64", (2,)) == "returned dtype float32, expected float64"
    assert b.form_error(np.ones(2), "float64", (2, 1)) == "returned shape (2,), expected (2, 1)"


def test_unknown_spaces_are_sentences():
    """A space that does not exist, is not here, or has no such dtype is a ValueError that says so."""
    for wrong, words in [
        ("numpy-cpu-float80", "unknown space"), ("nonsense", "unknown space"), ("strict-device1-float16", "has no float16"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=words):
            space(wrong)
    absent = next((b for b in backends() if probe(b)), None)
    if absent is not None:
        with pytest.raises(ValueError, match="is not here: "):
            space(f"{absent}-float64")


def test_few_shapes_keep_to_few_sizes() -> None:
    """Sizes of a quick search in a library that compiles every shape; everywhere else all of them."""
    every = space("numpy-cpu-float64")
    few = dataclasses.replace(every, few_shapes=True)
    assert list(every.sizes(1, 6)) == [1, 2, 3, 4, 5, 6]
    assert list(few.sizes(1, 6)) == [1, 2, 3]
    assert list(few.sizes(2, 2)) == [2]
    assert list(few.sizes(5, 9)) == [5]
    assert few.id == every.id
