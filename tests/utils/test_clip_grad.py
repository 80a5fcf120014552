import gc
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import npnet
from npnet import Linear, Parameter
from npnet.optim import SGD
from npnet.utils import clip_grad_norm_, clip_grad_value_

SHAPES = [(3, 4), (4,), (), (0, 3), (7, 1, 2)]


def parameter(grad, **kwargs):
    grad = None if grad is None else np.asarray(grad, kwargs.pop("dtype", np.float32))
    made = Parameter(np.zeros(() if grad is None else grad.shape, np.float32), **kwargs)
    if grad is not None:
        made = Parameter(np.zeros_like(grad), **kwargs)
        made.grad = grad
    return made


def twins(grads):
    """Return parameters of npnet and of torch with these gradients."""
    torch = pytest.importorskip("torch")
    mine = [parameter(g, dtype=None if g is None else g.dtype) for g in grads]
    theirs = [torch.nn.Parameter(torch.tensor(p.data)) for p in mine]
    for twin, grad in zip(theirs, grads, strict=True):
        twin.grad = None if grad is None else torch.tensor(grad)
    return mine, theirs


def assert_equal(mine, theirs):
    for own, twin in zip(mine, theirs, strict=True):
        if twin.grad is None:
            assert own.grad is None
        else:
            assert own.grad.dtype == twin.grad.numpy().dtype
            rtol = 4 * np.finfo(own.dtype).eps
            np.testing.assert_allclose(own.grad, twin.grad.numpy(), rtol=rtol)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("norm_type", [2.0, 1, 3, 0.5, 0, math.inf, "inf", -math.inf, -1.0])
@pytest.mark.parametrize("max_norm", [0.0, 0.5, 100.0, math.inf])
def test_norms_and_gradients_are_torchs(dtype, norm_type, max_norm):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    # torch has no norm of nothing for these orders.
    shapes = [s for s in SHAPES if 0 not in s or float(norm_type) in (0, 0.5, 1, 2, 3)]
    grads = [*(rng.standard_normal(shape).astype(dtype) for shape in shapes), None]
    grads[1][:] = 0
    mine, theirs = twins(grads)
    total = clip_grad_norm_(mine, max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    assert isinstance(total, dtype)
    np.testing.assert_allclose(total, expected.numpy(), rtol=8 * np.finfo(dtype).eps)
    assert_equal(mine, theirs)


@pytest.mark.torch
@pytest.mark.parametrize("max_norm", [1.0, math.inf])
@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_gradients_that_are_not_finite_go_where_torchs_go(bad, max_norm):
    torch = pytest.importorskip("torch")
    mine, theirs = twins([np.array([bad, 1.0], np.float32), np.array([2.0], np.float32)])
    total = clip_grad_norm_(mine, max_norm)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm)
    np.testing.assert_array_equal(total, expected.numpy())
    assert_equal(mine, theirs)


@pytest.mark.torch
def test_mixed_dtypes_have_a_norm_of_the_wider():
    torch = pytest.importorskip("torch")
    mine, theirs = twins([np.array([3.0], np.float32), np.array([4.0], np.float64)])
    total = clip_grad_norm_(mine, 1.0)
    assert isinstance(total, np.float64) and total == 5.0
    assert torch.nn.utils.clip_grad_norm_(theirs, 1.0).dtype == torch.float64
    assert_equal(mine, theirs)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0, 0.5, math.inf])
def test_cut_off_gradients_are_torchs(dtype, value):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    grads = [*(rng.standard_normal(shape).astype(dtype) for shape in SHAPES), None]
    grads[0][0, :3] = math.inf, -math.inf, math.nan
    mine, theirs = twins(grads)
    assert clip_grad_value_(mine, value) is None
    torch.nn.utils.clip_grad_value_(theirs, value)
    assert_equal(mine, theirs)


def test_a_network_is_clipped_between_backward_and_step():
    npnet.manual_seed(0)
    model = Linear(3, 2)
    optimizer = SGD(model.parameters(), lr=1.0)
    before = [p.data.copy() for p in model.parameters()]
    model(np.ones((4, 3), np.float32))
    model.backward(np.full((4, 2), 10.0, np.float32))
    # Each element of both gradients is 4 * 10, of eight in all.
    assert clip_grad_norm_(model.parameters(), 1.0) == np.float32(40 * math.sqrt(8))
    optimizer.step()
    steps = [b - p.data for b, p in zip(before, model.parameters(), strict=True)]
    total = math.sqrt(sum(float((step**2).sum()) for step in steps))
    assert math.isclose(total, 1.0, rel_tol=1e-5)


@pytest.mark.parametrize("foreach", [None, True, False])
def test_foreach_has_no_effect(foreach):
    weight = parameter([3.0, 4.0])
    assert clip_grad_norm_(weight, 1.0, 2.0, False, foreach) == 5.0
    assert weight.grad.tolist() == pytest.approx([0.6, 0.8], rel=1e-5)
    clip_grad_value_(weight, 0.25, foreach)
    clip_grad_value_(weight, 0.25, foreach=foreach)
    assert weight.grad.tolist() == [0.25, 0.25]


def test_a_generator_serves_and_one_parameter_too():
    weight = parameter([3.0, 4.0])
    assert clip_grad_norm_(weight, 1.0) == 5.0
    assert clip_grad_norm_((p for p in [weight]), 10.0) == pytest.approx(1.0, rel=1e-5)
    clip_grad_value_(weight, 0.25)
    assert weight.grad.tolist() == [0.25, 0.25]


@pytest.mark.parametrize(
    "clip", [lambda p: clip_grad_norm_(p, 1.0), lambda p: clip_grad_value_(p, 1)]
)
def test_who_holds_a_gradient_sees_it_clipped_and_one_let_go_never_changes(clip):
    weight = parameter([30.0, 40.0])
    held = weight.grad
    held[0] = 0.25  # what the holder writes counts
    clip([weight])
    assert held is weight.grad and held.tolist() == weight.buffer.tolist()
    assert held.tolist() in ([0.25, 1.0], pytest.approx([0.25 / 40, 1.0], rel=1e-4))
    weight.zero_grad()
    weight.grad = [30.0, 40.0]
    kept = held.tolist()
    clip([weight])
    assert held.tolist() == kept and weight.grad is not held
    before = weight.data.copy()
    assert (weight.data == before).all()


def test_gradients_in_flat_storage_leave_their_neighbours_alone():
    weights = [parameter(np.full((3, 2), value)) for value in (3.0, 4.0, 5.0)]
    weights[1] = Parameter(np.asfortranarray(weights[1].data))
    weights[1].grad = np.full((3, 2), 4.0)
    optimizer = SGD(weights)
    clip_grad_norm_([weights[1]], 0.0)
    assert [w.grad.sum() for w in weights] == [18.0, 0.0, 30.0]
    clip_grad_value_([weights[0]], 1.0)
    assert [w.grad.sum() for w in weights] == [6.0, 0.0, 30.0]
    assert len(optimizer._blocks) == 1


@given(st.lists(st.integers(0, 5), max_size=5), st.floats(0.01, 100), st.integers(0, 2**32 - 1))
def test_the_norm_is_that_of_one_long_vector_and_the_direction_stays(sizes, limit, seed):
    rng = np.random.default_rng(seed)
    grads = [rng.standard_normal(size) for size in sizes]
    weights = [parameter(g, dtype=np.float64) for g in grads]
    whole = np.concatenate([*grads, np.zeros(0)])
    total = clip_grad_norm_(weights, limit)
    assert math.isclose(total, np.sqrt((whole**2).sum()), rel_tol=1e-14, abs_tol=0)
    clipped = np.concatenate([*(w.grad for w in weights), np.zeros(0)])
    scale = min(1.0, limit / (total + 1e-6))
    np.testing.assert_allclose(clipped, scale * whole, rtol=1e-14)
    again = clip_grad_norm_(weights, limit)
    assert again <= limit


def test_long_and_large_gradients_have_an_exact_norm():
    long = parameter(np.full(3 * 8192 + 5, 0.1))
    expected = np.float32(0.1) * math.sqrt(3 * 8192 + 5)
    assert math.isclose(clip_grad_norm_(long, math.inf), expected, rel_tol=1e-6)
    large = parameter([3e30, 4e30])
    assert math.isclose(clip_grad_norm_(large, 1.0), 5e30, rel_tol=1e-6)
    np.testing.assert_allclose(large.grad, [0.6, 0.8], rtol=1e-6)
    clip_grad_value_(large, 1e300)
    clip_grad_norm_(large, 1e300)
    np.testing.assert_allclose(large.grad, [0.6, 0.8], rtol=1e-6)


def test_a_steady_clip_allocates_nothing_large():
    import tracemalloc

    weights = [parameter(np.ones((100, 200))) for _ in range(3)]
    clip_grad_norm_(weights, 1.0)
    gc.collect()
    tracemalloc.start()
    try:
        clip_grad_norm_(weights, 0.5)
        clip_grad_norm_(weights, 0.25, math.inf)
        clip_grad_value_(weights, 1e-9)
        assert tracemalloc.get_traced_memory()[1] < 10_000
    finally:
        tracemalloc.stop()


def test_without_gradients_the_norm_is_zero():
    total = clip_grad_norm_([parameter(None)], 1.0)
    assert total == 0 and isinstance(total, np.float32)
    assert clip_grad_norm_([], 1.0) == 0
    assert clip_grad_norm_([parameter(np.zeros((0, 2)))], 1.0, -math.inf) == 0


def test_an_iterator_that_was_used_before_warns():
    used = iter([])
    for clip in (clip_grad_norm_, clip_grad_value_):
        with pytest.warns(UserWarning, match="got an empty iterator; make a new one") as seen:
            clip(used, 1.0)
        assert seen[0].filename == __file__


@pytest.mark.parametrize(
    ("grads", "name", "message"),
    [
        (
            [[1.0], [math.nan]],
            "",
            r"the norm is nan, as the gradient of a parameter of shape \(1,\)",
        ),
        ([[math.inf]], "weight", "the norm is inf, as the gradient of weight is not finite"),
        ([[3e38, 3e38]], "", "the norm is inf, though all gradients are finite: it is too large"),
    ],
)
def test_a_norm_that_is_not_finite_may_be_an_error_and_changes_nothing(grads, name, message):
    weights = [parameter(g, name=name) for g in grads]
    before = [w.grad.copy() for w in weights]
    with pytest.raises(RuntimeError, match=f"clip_grad_norm_: {message}"):
        clip_grad_norm_(weights, 1.0, error_if_nonfinite=True)
    for weight, grad in zip(weights, before, strict=True):
        np.testing.assert_array_equal(weight.grad, grad)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (np.ones(2), TypeError, r"expected Parameters, got ndarray; pass model.parameters\(\)"),
        (Linear(2, 2), TypeError, "expected Parameters, got Linear; pass"),
        ([parameter([3.0]), np.ones(2)], TypeError, r"as parameters\[1\], got ndarray"),
    ],
)
def test_what_is_no_parameter_is_refused(parameters, error, message):
    for clip in (clip_grad_norm_, clip_grad_value_):
        with pytest.raises(error, match=f"{clip.__name__}: .*{message}"):
            clip(parameters, 1.0)


@pytest.mark.parametrize("limit", [-1.0, math.nan])
def test_limits_below_zero_are_refused(limit):
    weight = parameter([3.0])
    with pytest.raises(ValueError, match="clip_grad_norm_: max_norm must be at least 0, got"):
        clip_grad_norm_([weight], limit)
    with pytest.raises(ValueError, match="clip_grad_value_: clip_value must be at least 0, got"):
        clip_grad_value_([weight], limit)
    with pytest.raises(ValueError, match="norm_type must be a number, got nan"):
        clip_grad_norm_([weight], 1.0, math.nan)
    assert weight.grad.tolist() == [3.0]
