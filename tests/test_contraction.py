from __future__ import annotations

import copy
import math
import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npnet.contraction import Contraction, contractions

MATRIX_PRODUCTS = [
    f"{a},{b}->{out}" for a in ("lc", "cl") for b in ("cr", "rc") for out in ("lr", "rl")
]
SENTINEL = 77
# What NumPy allocates for itself at most, to read and write float32 in pieces.
BUFFER = 40_000

PLANNED = [
    *((subscripts, [(120, 120)] * 3) for subscripts in MATRIX_PRODUCTS),
    ("bti,oi->bto", [(4, 50, 60), (70, 60), (4, 50, 70)]),
    ("bti,hid->bthd", [(4, 50, 60), (3, 60, 90), (4, 50, 3, 90)]),
    ("bto,bti->oi", [(4, 50, 170), (4, 50, 160), (170, 160)]),
    ("bto,tbi->oi", [(1, 90, 170), (90, 1, 160), (170, 160)]),
    ("bthd,bshd->bhts", [(2, 40, 3, 32), (2, 50, 3, 32), (2, 3, 40, 50)]),
    ("bti,ti->b", [(70, 50, 60), (50, 60), (70,)]),
    ("bti,bti->", [(70, 50, 60), (70, 50, 60), ()]),
    ("bi,bi->b", [(70, 60), (70, 60), (70,)]),
    ("bto->o", [(30, 50, 70), (70,)]),
    ("bto->bt", [(30, 50, 70), (30, 50)]),
    ("bto->bo", [(30, 50, 70), (30, 70)]),
    ("bto->", [(30, 50, 70), ()]),
]


@st.composite
def any_strings(draw: st.DrawFn) -> str:
    letters = st.text("abcde", max_size=4)
    inputs = draw(st.lists(letters, min_size=1, max_size=3))
    known = sorted(set("".join(inputs)))
    output = draw(st.permutations(known))[: draw(st.integers(0, len(known)))]
    return f"{','.join(inputs)}->{''.join(output)}"


@st.composite
def product_strings(draw: st.DrawFn) -> str:
    sizes = [draw(st.integers(low, 2)) for low in (0, 0, 0, 1)]
    names = iter("abcdefgh")
    batch, left, right, contracted = ["".join(next(names) for _ in range(n)) for n in sizes]
    lone = draw(st.sampled_from(("", "", "", "z")))
    terms = []
    for groups in ((batch, left, contracted), (batch, contracted, right), (batch, left, right)):
        term = "".join(draw(st.permutations(groups)))
        terms.append("".join(draw(st.permutations(term))) if draw(st.booleans()) else term)
    return f"{lone}{terms[0]},{terms[1]}->{terms[2]}"


@st.composite
def sum_strings(draw: st.DrawFn) -> str:
    term = "".join(draw(st.permutations("abcd")))[: draw(st.integers(1, 4))]
    output = draw(st.permutations(term)) if draw(st.booleans()) else list(term)
    cut = draw(st.integers(0, len(term)))
    return f"{term}->{''.join(output[cut:] if draw(st.booleans()) else output[:cut])}"


def laid_out(draw: st.DrawFn, shape: tuple[int, ...], dtype: Any) -> tuple[Any, Any]:
    """Return an array of any layout, and the larger array that it lies in."""
    order = draw(st.permutations(range(len(shape)))) if draw(st.booleans()) else range(len(shape))
    steps = [draw(st.sampled_from((1, 1, 1, 2, -1, -2))) for _ in shape]
    padding = draw(st.sampled_from((0, 0, 1)))
    base_shape = [shape[axis] * abs(steps[axis]) + padding for axis in order]
    offset = draw(st.sampled_from((0, 0, 0, 1)))
    raw = np.zeros(math.prod(base_shape) * np.dtype(dtype).itemsize + offset, np.uint8)
    base = raw[offset:].view(dtype).reshape(base_shape)
    base[...] = SENTINEL
    cuts = [slice(0, shape[axis] * abs(steps[axis]), abs(steps[axis])) for axis in order]
    flips = tuple(slice(None, None, -1 if steps[axis] < 0 else 1) for axis in order)
    view = base[(*cuts, ...)][(*flips, ...)]
    return view.transpose([list(order).index(axis) for axis in range(len(shape))]), base


@st.composite
def cases(draw: st.DrawFn, strings: Any) -> tuple[str, list[Any], Any, Any]:
    """Return a string, operands, an out of any layout and the larger array out lies in."""
    subscripts = draw(strings)
    left, output = subscripts.split("->")
    sizes = {letter: draw(st.sampled_from((0, 1, 2, 2, 3, 3, 4))) for letter in subscripts}
    dtype = draw(st.sampled_from((np.float32, np.float32, np.float64, np.complex64, np.int64)))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    operands = []
    for term in left.split(","):
        other = draw(st.sampled_from((dtype, dtype, dtype, dtype, np.float32)))
        operand, _ = laid_out(draw, tuple(sizes[letter] for letter in term), other)
        # Small integers: every order of summation gives the same, exact sum.
        operand[...] = random.integers(-3, 4, operand.shape)
        operand.flags.writeable = draw(st.booleans())
        operands.append(operand)
    out, base = laid_out(draw, tuple(sizes[letter] for letter in output), np.result_type(*operands))
    return subscripts, operands, out, base


def holds_einsum(case: tuple[str, list[Any], Any, Any]) -> None:
    subscripts, operands, out, base = case
    before = [operand.copy() for operand in operands]
    expected_base = base.copy()
    Contraction(subscripts)(*operands, out=out)
    np.testing.assert_array_equal(out, np.einsum(subscripts, *before), strict=True)
    for operand, copied in zip(operands, before, strict=True):
        np.testing.assert_array_equal(operand, copied)
    out[...] = SENTINEL
    np.testing.assert_array_equal(base, expected_base)


@given(cases(any_strings()))
@settings(max_examples=250, deadline=None)
def test_any_string_gives_what_einsum_gives(case: Any) -> None:
    holds_einsum(case)


@given(cases(product_strings()))
@settings(max_examples=300, deadline=None)
def test_planned_products_give_what_einsum_gives(case: Any) -> None:
    holds_einsum(case)


@given(cases(sum_strings()))
@settings(max_examples=120, deadline=None)
def test_planned_sums_give_what_einsum_gives(case: Any) -> None:
    holds_einsum(case)


@given(cases(st.sampled_from(MATRIX_PRODUCTS)))
@settings(max_examples=250, deadline=None)
def test_matrix_products_give_what_einsum_gives(case: Any) -> None:
    holds_einsum(case)


@given(cases(any_strings() | product_strings()))
@settings(max_examples=120, deadline=None)
def test_adjoints_are_adjoint(case: Any) -> None:
    subscripts, operands, out, _ = case
    contraction = Contraction(subscripts)
    operands = [operand.real.astype(np.float64) for operand in operands]
    value, u = np.empty(out.shape), np.arange(out.size, dtype=np.float64).reshape(out.shape) % 5
    contraction(*operands, out=value)
    for index, operand in enumerate(operands):
        term = contraction.inputs[index]
        others = [*contraction.inputs[:index], *contraction.inputs[index + 1 :]]
        if len(set(term)) < len(term) or set(term).difference(contraction.output, *others):
            with pytest.raises(ValueError, match=f"operand {index}"):
                contraction.adjoint(index)
            continue
        gradient = np.empty(operand.shape)
        rest = operands[:index] + operands[index + 1 :]
        contraction.adjoint(index)(u, *rest, out=gradient)
        assert np.vdot(operand, gradient) == np.vdot(value, u)


def test_adjoint_puts_the_gradient_first_and_keeps_the_others_in_order() -> None:
    product = Contraction("bi,oi->bo")
    assert product.adjoint(0).subscripts == "bo,oi->bi"
    assert product.adjoint(1).subscripts == "bo,bi->oi"
    assert Contraction("ai,bi,ci->abc").adjoint(1).subscripts == "abc,ai,ci->bi"


def test_adjoint_names_the_letters_that_keep_it_from_being_a_contraction() -> None:
    with pytest.raises(ValueError, match=r"Contraction\('bo->o'\).*got 'b'.*np\.copyto"):
        Contraction("bo->o").adjoint(0)
    with pytest.raises(ValueError, match="each letter once, got 'ii'"):
        Contraction("ii->i").adjoint(0)
    for index in (-1, 2):
        with pytest.raises(IndexError, match=f"from 0 to 1, got {index}"):
            Contraction("i,i->").adjoint(index)


def test_a_string_that_is_no_specification_is_refused() -> None:
    for rule, wrong in {
        "expected '->'": ["bi,oi", ""],
        "no ellipsis": ["b...,o->bo"],
        "letters a-z": ["b1->b", "b->b->b", "b->b,", "ö->ö"],
        "once in the output": ["bi->bb"],
        "output letters that some operand has": ["bi->bo", "->b"],
    }.items():
        for subscripts in wrong:
            with pytest.raises(ValueError, match=f"Contraction: .*{rule}.*{subscripts!r}; write"):
                Contraction(subscripts)


def test_terms_are_read_without_spaces() -> None:
    contraction = Contraction(" bi, oi -> bo ")
    assert contraction.subscripts == "bi,oi->bo"
    assert (contraction.inputs, contraction.output) == (("bi", "oi"), "bo")
    assert [each.subscripts for each in contractions("i->", "i,j->ij")] == ["i->", "i,j->ij"]


def test_copies_and_pickles_compute_the_same() -> None:
    contraction = Contraction("bi,oi->bo")
    for other in (copy.deepcopy(contraction), pickle.loads(pickle.dumps(contraction))):
        out = np.empty((1, 1))
        other(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), out=out)
        assert repr(other) == "Contraction('bi,oi->bo')"
        assert out.tolist() == [[11.0]]


def refused(error: type[Exception], match: str, subscripts: str, *arrays: Any) -> None:
    """Hold that a call is refused, in the same words for `kernel`, and leaves out as it was."""
    *operands, out = arrays
    before = np.array(out)
    for call in (Contraction(subscripts), Contraction(subscripts).kernel):
        with pytest.raises(error, match=match):
            call(*operands, out=out)
        np.testing.assert_array_equal(np.array(out), before)


@pytest.mark.parametrize("subscripts", MATRIX_PRODUCTS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_matrix_products_refuse_wrong_sizes(subscripts: str, order: Any) -> None:
    terms = subscripts.replace("->", ",").split(",")
    shapes = [tuple("..lcr".index(letter) for letter in term) for term in terms]
    good = [np.ones(shape, order=order) for shape in shapes]
    Contraction(subscripts)(*good[:2], out=good[2])
    for index in range(3):
        for axis in range(2):
            for size in (0, 1, 5):
                shape = list(shapes[index])
                shape[axis] = size
                bad = [*good[:index], np.ones(shape, order=order), *good[index + 1 :]]
                refused(ValueError, r"expected \w = \d in", subscripts, *bad)


@pytest.mark.parametrize("subscripts", MATRIX_PRODUCTS)
def test_matrix_products_refuse_what_dot_would_take(subscripts: str) -> None:
    # Numbers of axes of a, b and out that some a.dot(b, out), transposed or not, computes.
    for triple in ("1 2 1", "2 1 1", "0 2 2", "2 0 2", "1 3 2", "3 1 2", "3 2 3", "2 3 3"):
        arrays = [np.ones((3,) * int(ndim)) for ndim in triple.split()]
        refused(ValueError, "with the axes", subscripts, *arrays)


def test_size_one_does_not_stretch() -> None:
    refused(ValueError, "i = 1", "bi,i->b", np.ones((2, 1)), np.ones(3), np.ones(2))
    refused(ValueError, "a letter has one size", "bo->o", np.ones((2, 1)), np.ones(3))
    refused(ValueError, "b = 1 in out", "bo->b", np.ones((1, 2)), np.ones(2))
    refused(ValueError, "a letter has one size", "bi->ib", np.ones((1, 2)), np.ones((2, 2)))
    refused(ValueError, "a letter has one size", "ii->i", np.ones((1, 2)), np.ones(2))


def test_sums_refuse_other_numbers_of_axes() -> None:
    refused(ValueError, "the axes 'bo'", "bo->o", np.ones(2), np.ones(()))
    refused(ValueError, "the axes 'bo'", "bo->o", np.ones((2, 2, 2)), np.ones((2, 2)))
    refused(ValueError, "the axes 'o'", "bo->o", np.ones((2, 2)), np.ones((2, 2)))


def test_a_mismatch_names_both_shapes() -> None:
    with pytest.raises(ValueError) as caught:
        Contraction("bi,oi->bo")(np.ones((32, 63)), np.ones((10, 64)), out=np.ones((32, 10)))
    assert str(caught.value) == (
        "Contraction('bi,oi->bo'): expected i = 63 in operand 1, as in operand 0 of shape "
        "(32, 63), got (10, 64); a letter has one size"
    )


@pytest.mark.parametrize("subscripts", ["ab,cb->ac", "ab,cd->ac", "zab,zcb->zac", "ab->b"])
def test_an_out_that_cannot_hold_the_result_is_refused(subscripts: str) -> None:
    terms = subscripts.replace("->", ",").split(",")
    *operands, out = (np.ones((2,) * len(term)) for term in terms)
    refused(TypeError, "got float32", subscripts, *operands, out.astype(np.float32))
    out.flags.writeable = False
    refused(ValueError, "writeable=False", subscripts, *operands, out)


@pytest.mark.parametrize("subscripts", ["ab,bc->ac", "zab,zbc->zac", "ab,cd->ac"])
def test_what_is_no_array_is_refused(subscripts: str) -> None:
    out = np.ones((2,) * len(subscripts.split("->")[1]))
    refused(TypeError, "got list, float, ndarray; use np.asarray", subscripts, [1.0], 2.0, out)
    refused(TypeError, "ndarray, ndarray, list; use np.asarray", subscripts, out, out, [1.0])
    refused(TypeError, "got list, ndarray", "bo->o", [[1.0]], np.ones(1))


def test_a_wrong_number_of_operands_is_refused() -> None:
    with pytest.raises(TypeError, match=r"\('i,i->'\): expected 2 operands, got 3"):
        Contraction("i,i->")(np.ones(2), np.ones(2), np.ones(2), out=np.ones(()))


def test_scalars_are_arrays_without_axes() -> None:
    out = np.ones((), np.float32)
    Contraction(",->")(np.float32(2.0), np.float32(3.0), out=out)
    assert out.tolist() == 6.0


@pytest.mark.parametrize("dtype", [bool, np.int8, np.float16, np.longdouble, ">f4", object])
@pytest.mark.parametrize("subscripts", ["ab,cb->ac", "zab,zcb->zac", "ab->b", "ab->ba"])
def test_other_dtypes_give_what_einsum_gives(subscripts: str, dtype: Any) -> None:
    terms = subscripts.replace("->", ",").split(",")
    random = np.random.default_rng(0)
    arrays = [random.integers(0, 3, (2, 3, 3)[-len(term) :]).astype(dtype) for term in terms]
    arrays[-1] = expected = np.einsum(subscripts, *arrays[:-1])
    out = np.empty(expected.shape, expected.dtype)
    Contraction(subscripts)(*arrays[:-1], out=out)
    assert out.tolist() == expected.tolist()


def test_a_wider_out_is_computed_in_its_dtype() -> None:
    a, b = np.float32([[0.1, 0.2]]), np.float32([[0.3, 0.4]])
    out = np.empty((1, 1))
    Contraction("bi,oi->bo")(a, b, out=out)
    assert out[0, 0] == np.float64(a[0, 0]) * b[0, 0] + np.float64(a[0, 1]) * b[0, 1]


def peak_of(contraction: Contraction, *arrays: Any) -> int:
    """Return how many bytes a second call allocates."""
    contraction(*arrays[:-1], out=arrays[-1])
    tracemalloc.start()
    contraction(*arrays[:-1], out=arrays[-1])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(("subscripts", "shapes"), PLANNED)
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_planned_contractions_run_in_place_without_einsum(
    subscripts: str, shapes: list[Any], order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    operands = [random.integers(-3, 4, shape).astype(np.float32) for shape in shapes[:-1]]
    out = np.empty((*shapes[-1], 2), np.float32)[..., 0]
    if order != "strided":
        out = np.empty(shapes[-1], np.float32, order)
    expected = np.einsum(subscripts, *operands)
    monkeypatch.setattr(np, "einsum", None)
    assert peak_of(Contraction(subscripts), *operands, out) < BUFFER
    np.testing.assert_array_equal(out, expected)


def test_operands_whose_contracted_axes_do_not_merge_are_not_copied() -> None:
    a, b, out = np.ones((9, 40, 3, 50)), np.ones((3, 200, 50)), np.ones((9, 40, 200))
    assert peak_of(Contraction("bthd,hid->bti"), a, b, out) < 6 * BUFFER
    assert peak_of(Contraction("hid,bthd->bti"), b, a, out) < 6 * BUFFER
    assert peak_of(Contraction("bto->t"), np.ones((40, 50, 60)), np.ones(50)) < 6 * BUFFER


@pytest.mark.parametrize("subscripts", [*MATRIX_PRODUCTS, "lr->r", "lr->l"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_matrices_go_straight_to_dot(
    subscripts: str, order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    operands = random.integers(-9, 9, (subscripts.count(",") + 1, 5, 5)).astype(np.float32)
    expected = np.einsum(subscripts, *operands)
    out = np.empty(expected.shape, np.float32, order)
    monkeypatch.setattr("npnet.contraction._views", None)
    Contraction(subscripts)(*operands, out=out)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("rows", [0, 1, 2, 511, 512, 513, 1024, 1025, 512 * 512 + 513])
@pytest.mark.parametrize("columns", [0, 1, 3])
def test_row_sums_are_exact_for_integers(rows: int, columns: int) -> None:
    values = np.random.default_rng(0).integers(-9, 9, (rows, columns))
    expected = values.sum(0)
    for subscripts, given_values in [("bo->o", values), ("ob->o", values.T)]:
        for operand in (
            given_values.astype(np.float32),
            np.asfortranarray(given_values, np.float32),
        ):
            out = np.empty(columns, np.float32)
            Contraction(subscripts)(operand, out=out)
            assert out.tolist() == expected.tolist()


SHAPES = {"bo->o": (65_536, 16), "bo->b": (16, 65_536), "bto->o": (256, 256, 16), "b->": (65_536,)}


@pytest.mark.parametrize("subscripts", SHAPES)
def test_long_float32_sums_are_as_good_as_pairwise_ones(subscripts: str) -> None:
    values = np.random.default_rng(0).random(SHAPES[subscripts], np.float32)
    exact = np.einsum(subscripts, values.astype(np.float64))
    out = np.empty(exact.shape, np.float32)
    Contraction(subscripts)(values, out=out)
    assert np.abs(out / exact - 1).max() < 4e-7


def test_threads_do_not_mix_their_numbers() -> None:
    product, total = contractions("zbi,zoi->zbo", "bo->o")

    def right(size: int) -> bool:
        a, b = np.full((2, size, 3), size, np.float32), np.ones((2, 4, 3), np.float32)
        out, sums = np.empty((2, size, 4), np.float32), np.empty(3, np.float32)
        product(a, b, out=out)
        total(a[0], out=sums)
        return bool((out == 3 * size).all() and (sums == size * size).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(right, [*range(1, 60)] * 4))
