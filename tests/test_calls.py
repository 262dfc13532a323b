"""Calls: what holds for every contract is checked at every call, and each check can fail with one clear sentence."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import toy

from detrace import Contract
from detrace.calls import Call, LinearOperator
from detrace.judging import NotOffered, Record, Violation
from detrace.spaces import probe, space

A = np.array([[1.0, 2.0], [3.0, 4.0]])


def call(function, contract=toy.TWICE, where="numpy-cpu-float64"):
    """A call as a law gets it."""
    return Call(function, contract, space(where), Record())


def test_a_right_function_gives_its_result():
    """Nothing is complained about where nothing is wrong, and the call is recorded with its result."""
    f = call(lambda a: a + a)
    np.testing.assert_array_equal(f(A), 2 * A)
    ((name, args, result),) = f.record.example.calls
    assert name == "twice"
    np.testing.assert_array_equal(args[0], A)
    np.testing.assert_array_equal(result, 2 * A)


def _mutates(a):
    a *= 2
    return a.copy()


def _raises(a):
    raise ZeroDivisionError("no\nreason")


def _exits(a):
    sys.exit(3)


@pytest.mark.parametrize(
    ("function", "kind", "sentence"),
    [
        (lambda a: (a + a).tolist(), "form", "twice returned list, not an array of numpy-cpu"),
        (lambda a: 4.0, "form", "twice returned float, not an array of numpy-cpu"),
        (lambda a: None, "form", "twice returned NoneType, not an array of numpy-cpu"),
        (lambda a: (a + a).astype("f4"), "form", "twice returned dtype float32, expected float64"),
        (lambda a: a[0], "form", r"twice returned shape \(2,\), expected \(2, 2\)"),
        (_mutates, "mutation", "twice changed the array that it was given"),
        (_raises, "raised", "twice raised ZeroDivisionError: no$"),
        (_exits, "raised", r"twice called sys.exit\(3\)"),
    ],
)
def test_each_fault_is_one_sentence(function, kind, sentence):
    """Wrong type, dtype or shape, a changed argument, an exception and an exit are violations, each named."""
    with pytest.raises(Violation, match=sentence) as caught:
        call(function)(A)
    assert caught.value.kind == kind


@pytest.mark.skipif(bool(probe("torch-cpu")), reason=f"torch: {probe('torch-cpu')}")
def test_a_numpy_result_is_wrong_in_torch():
    """Falling back to NumPy inside a torch space is a violation."""
    with pytest.raises(Violation, match=r"twice returned numpy\.ndarray, not an array of torch-cpu"):
        call(lambda a: a.numpy() * 2, where="torch-cpu-float64")(A)


def test_keyboard_interrupt_is_not_swallowed():
    """Ctrl-C inside a subject stops the run; it is nobody's violation."""

    def interrupted(a):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(interrupted)(A)


def test_several_results():
    """A contract with two results wants two arrays; one, three or a wrong one are violations."""
    both = call(lambda a: (np.maximum(a, 0), np.minimum(a, 0)), toy.SPLIT)
    plus, minus = both(-A)
    np.testing.assert_array_equal(plus + minus, -A)
    for wrong in (lambda a: a, lambda a: (a, a, a), lambda a: None):
        with pytest.raises(Violation, match="expected 2 arrays"):
            call(wrong, toy.SPLIT)(A)
    with pytest.raises(Violation, match="shape"):
        call(lambda a: (a, a[0]), toy.SPLIT)(A)


def test_real_results_of_complex_input():
    """A contract with real results wants the real dtype, and says so of a complex one."""
    where = "numpy-cpu-complex64"
    assert call(lambda a: np.abs(a.sum()), toy.SUMMED, where)(A + 0j) == 10.0
    with pytest.raises(Violation, match="returned dtype complex64, expected float32"):
        call(lambda a: a.sum(), toy.SUMMED, where)(A + 0j)


def test_batches_are_part_of_the_shape():
    """Leading dimensions of the input are due in the result."""
    batch = np.stack([A, A])
    assert call(lambda a: a + a)(batch).shape == (2, 2, 2)
    with pytest.raises(Violation, match="shape"):
        call(lambda a: a[0] + a[0])(batch)


def test_values_that_are_not_exact_are_the_laws_fault():
    """A law that passes 1/3 to a float32 space is told so; the subject is not accused."""
    with pytest.raises(TypeError, match="not exact in float32"):
        call(lambda a: a + a, where="numpy-cpu-float32")(A / 3)


def test_operators_are_bound_to_the_space():
    """A LinearOperator reaches the subject as a function on the library's arrays, and prints as source."""
    f = call(lambda matvec, v: matvec(v), toy.APPLIED)
    np.testing.assert_array_equal(f(LinearOperator(A), np.array([1.0, 1.0])), [3.0, 7.0])
    assert repr(LinearOperator(A)) == "LinearOperator(np.array([[1.0, 2.0], [3.0, 4.0]]))"


def test_transposed_memory_reaches_the_subject():
    """The column-major form of a call gives column-major arrays, and is recorded as such."""
    seen = []

    def watching(a):
        seen.append(a.flags.c_contiguous)
        return a + a

    f = call(watching)
    np.testing.assert_array_equal(f.transposed_memory(A), 2 * A)
    assert seen == [False]
    assert f.record.example.calls[0][0] == "twice (column-major)"


def test_values_while_differentiated_are_those_that_training_has():
    """The subject sees a recorded argument, of the right number; what it makes of that is the result and is recorded."""

    def other_in_training(a, b):
        return a * (3.0 if b.requires_grad else 1.0)

    first = Contract("first", "(n,n),(n,n)->(n,n)", "A of (A, B)", "toy")
    f = call(other_in_training, first, "torch-cpu-float64")
    np.testing.assert_array_equal(f(A, A), A)
    np.testing.assert_array_equal(f.while_differentiated(A, A, wrt=0), A)
    np.testing.assert_array_equal(f.while_differentiated(A, A, wrt=1), 3 * A)
    name, given, _ = f.record.example.calls[-1]
    assert (name, given[-1]) == ("first (while differentiated)", 1)
    with pytest.raises(TypeError, match="no automatic differentiation"):
        call(other_in_training, first).while_differentiated(A, A)


def test_raises_gives_the_exception():
    """`raises` returns what the call raises, or None."""
    assert isinstance(call(_raises).raises(A), ZeroDivisionError)
    assert call(lambda a: a).raises(A) is None


def test_numbers_read_back_count_as_arrays_without_axes():
    """A recorded 0-d array comes back from a results file as a number; what is due has its shape, ()."""
    contract = Contract("f", "(s...),*->(s...)", "itself", "toy")
    assert contract.result_shapes((1.5, 2.0)) == [()]


def test_what_is_not_offered_is_no_refusal():
    """An adapter's NotOffered where an error is due says nothing about the implementation."""

    def declining(a):
        raise NotOffered("2×2 only")

    with pytest.raises(Violation, match="NotOffered: 2×2 only") as caught:
        call(declining).raises(A)
    assert isinstance(caught.value.__cause__, NotOffered)


def test_native_calls_raise_violations():
    """What a function raises on native arguments is its violation, its result is passed on as it is."""
    assert call(lambda a: "as it is").native(A) == "as it is"
    with pytest.raises(Violation, match="twice raised ZeroDivisionError: no"):
        call(_raises).native(A)


@pytest.mark.skipif(bool(probe("torch-cpu")), reason=f"torch: {probe('torch-cpu')}")
def test_gradients_are_right_and_checked():
    """A gradient is that of Σ cotangent·result; one that does not exist or is cut off is zero or a violation."""
    where, C = "torch-cpu-float64", np.array([[1.0, 0.0], [0.0, 2.0]])
    f = call(lambda a: 2 * a, where=where)
    np.testing.assert_array_equal(f.gradient(A, cotangent=C), 2 * C)
    ((name, args, result),) = f.record.example.calls
    assert (name, args[1]) == ("gradient of twice", 0)
    np.testing.assert_array_equal(result, 2 * C)
    np.testing.assert_array_equal(call(lambda a: (2 * a).detach(), where=where).gradient(A), 0 * A)
    with pytest.raises(TypeError, match="no automatic differentiation"):
        call(lambda a: 2 * a).gradient(A)
