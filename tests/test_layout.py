import numpy as np
import pytest

from npnet.layout import product_views, sum_views


def layouts(subscripts, *arrays):
    """Return the layouts of arrays whose axes have these letters."""
    terms = subscripts.replace("->", ",").split(",")
    return [(t, a.shape, a.strides) for t, a in zip(terms, arrays, strict=True)]


def seen(array, view):
    """Return an array as a view says."""
    axes, shape = view
    return array.transpose(axes).reshape(shape)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("bi,oi->bo", ((3, 4), (2, 4), (3, 2))),
        ("bti,oi->bto", ((3, 2, 4), (5, 4), (3, 2, 5))),
        ("bthd,bshd->bhts", ((2, 3, 4, 5), (2, 6, 4, 5), (2, 4, 3, 6))),
        ("bto,bti->oi", ((2, 3, 4), (2, 3, 5), (4, 5))),
    ],
)
def test_a_product_is_a_stack_of_matrix_products_without_a_copy(subscripts, shapes):
    random = np.random.default_rng(0)
    a, b, out = (random.normal(size=shape) for shape in shapes)
    views = product_views(*layouts(subscripts, a, b, out))
    left, right, into = (seen(x, v) for x, v in zip((a, b, out), views, strict=True))
    assert all(np.shares_memory(x, y) for x, y in ((a, left), (b, right), (out, into)))
    np.matmul(left, right, out=into)
    np.testing.assert_allclose(out, np.einsum(subscripts, a, b), rtol=1e-12, atol=1e-14)


def test_contracted_axes_that_lie_apart_have_no_product():
    a, b, out = np.empty((2, 3, 4)), np.empty((3, 2, 5)), np.empty((4, 5))
    assert product_views(*layouts("bto,tbi->oi", a, b, out)) == ()


@pytest.mark.parametrize(
    "subscripts, axes", [("bto->o", (0, 1)), ("bto->bo", (1,)), ("bt->", (0, 1))]
)
def test_a_sum_has_what_it_sums_over_in_front(subscripts, axes):
    a = np.random.default_rng(0).normal(size=(2, 3, 4)[: len(subscripts.split("->")[0])])
    out = np.empty(tuple(n for i, n in enumerate(a.shape) if i not in axes))
    view, into = sum_views(*layouts(subscripts, a, out))
    rows, total = seen(a, view), seen(out, into)
    found = rows.sum(axis=tuple(range(rows.ndim - total.ndim)))
    np.testing.assert_allclose(found.reshape(out.shape), a.sum(axis=axes), rtol=1e-12)
