import numpy as np

from npnet import Linear
from npnet.check.case import BATCH, Case
from npnet.check.draws import Draw, Given, labels


def case(**options):
    operands = (Draw(("B", 3)), labels(4), Given(np.ones(2)))
    return Case("a case", lambda: Linear(3, 2), operands, **options)


def test_arrays_have_the_rows_and_the_dtype_of_the_case():
    x, y, w = case().arrays()
    assert x.shape == (BATCH, 3) and y.shape == (BATCH,) and w.shape == (2,)
    assert (x.dtype, y.dtype, w.dtype) == (np.float32, np.int64, np.float32)
    x, _, w = case(batch=2, dtype=np.float64).arrays()
    assert x.shape == (2, 3) and x.dtype == w.dtype == np.float64


def test_arrays_of_so_many_rows_and_another_dtype_and_seed():
    assert case().arrays(0)[0].shape == (0, 3)
    assert case().arrays(dtype=np.float64)[0].dtype == np.float64
    first, again, other = (case().arrays(seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_has_rows_where_an_operand_has():
    assert case().batched
    assert not Case("", lambda: None, (Draw((3,)),)).batched
