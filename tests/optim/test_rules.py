"""What holds for every optimizer and each of its options."""

import copy
import math
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet import Parameter, optim
from npnet.optim import Optimizer
from tests.support.rules import EACH, OPTIONS, arrays, give, lockstep, numbers, pair, tensors

each = pytest.mark.parametrize(("kind", "options"), EACH)


def make(kind, params, options):
    return getattr(optim, kind)(params, **options)


def test_the_table_names_every_optimizer_and_option():
    kinds = {n for n in optim.__all__ if isinstance(getattr(optim, n), type)} - {"Optimizer"}
    assert OPTIONS.keys() == kinds
    for kind, rows in OPTIONS.items():
        known = make(kind, [Parameter([1.0])], {}).defaults.keys()
        if kind == "AdamW":
            known -= {"decoupled_weight_decay"}  # always
        assert set().union(*rows) == known


@pytest.mark.torch
@each
def test_a_thousand_steps_end_where_torchs_do(kind, options):
    given = [np.random.default_rng(0).standard_normal(30)]
    *_, (mine, theirs, _, _) = lockstep(kind, options, given, 1000, 0.2)
    np.testing.assert_allclose(mine[0].data, theirs[0].detach().numpy(), rtol=1e-10)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each
def test_each_of_a_hundred_steps_is_torchs(kind, options, dtype):
    torch = pytest.importorskip("torch")
    given = arrays(np.random.default_rng(0), dtype)
    for mine, theirs, _, _ in lockstep(kind, options, given, 100):
        found = np.concatenate([p.data.ravel() for p in mine])
        expected = torch.cat([p.detach().reshape(-1) for p in theirs])
        torch.testing.assert_close(torch.tensor(found), expected)


@each
def test_pieces_of_a_vector_make_no_difference(kind, options, monkeypatch):
    ends = []
    for size in (2**15, 7):
        monkeypatch.setattr("npnet.optim.packing.PIECE", size)
        rng = np.random.default_rng(0)
        weights = [Parameter(rng.standard_normal(n), dtype=np.float64) for n in (3, 20, 14)]
        optimizer = make(kind, weights, options)
        for _ in range(4):
            for weight in weights:
                weight.grad = rng.standard_normal(weight.shape)
            optimizer.step()
        ends.append(np.concatenate([weight.data for weight in weights]))
    np.testing.assert_array_equal(*ends)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each
def test_states_are_torchs_and_go_there_and_back(kind, options, dtype):
    close = pytest.importorskip("torch").testing.assert_close
    given = arrays(np.random.default_rng(0), dtype)
    group = {"lr": 0.02, "weight_decay": 0.05}
    *_, (mine, _, own, twin) = lockstep(kind, options, given, 7, 0.3, group)
    saved, expected = own.state_dict(), numbers(twin.state_dict())
    assert saved["state"].keys() == expected["state"].keys()
    for index, state in saved["state"].items():
        assert [*state] == [*expected["state"][index]]
        for name, value in state.items():
            close(value, expected["state"][index][name])
    for ours, torchs in zip(saved["param_groups"], expected["param_groups"], strict=True):
        assert ours == {name: torchs[name] for name in ours}

    # npnet goes on from torch's state, and torch from npnet's.
    (other, own), (others, twin) = pair(kind, {}, [p.data for p in mine])
    own.load_state_dict(expected)
    twin.load_state_dict(tensors(saved))
    rng = np.random.default_rng(1)
    for _ in range(5):
        give(rng, other, others)
        own.step()
        twin.step()
    for weight, tensor in zip(other, others, strict=True):
        close(weight.data, tensor.detach().numpy())


@pytest.mark.torch
@each
def test_a_new_optimizer_has_torchs_state_already(kind, options):
    (_, own), (_, twin) = pair(kind, options, arrays(np.random.default_rng(0), np.float32))
    saved, expected = own.state_dict(), numbers(twin.state_dict())
    assert saved["state"].keys() == expected["state"].keys()
    for index, state in saved["state"].items():
        for name, value in expected["state"][index].items():
            np.testing.assert_array_equal(state[name], value)


@pytest.mark.torch
@each
def test_gradients_that_are_not_finite_go_where_torchs_go(kind, options):
    torch = pytest.importorskip("torch")
    given = [np.ones(4, np.float32)]
    (mine, own), (theirs, twin) = pair(kind, options, given, None)
    for grad in ([math.inf, -math.inf, math.nan, 1.0], [1.0, 1.0, 1.0, 1.0]):
        mine[0].grad, theirs[0].grad = grad, torch.tensor(grad)
        with np.errstate(invalid="ignore"):
            own.step()
        twin.step()
        np.testing.assert_allclose(mine[0].data, theirs[0].detach().numpy(), rtol=1e-6)


@each
def test_gradients_stay_as_they_are(kind, options):
    weight = Parameter([1.0, 2.0])
    weight.grad = [3.0, 4.0]
    held = weight.grad
    optimizer = make(kind, [weight], options)
    for _ in range(2):
        optimizer.step()
    assert weight.grad is held and held.tolist() == [3.0, 4.0]
    optimizer.zero_grad()
    weight.grad = [5.0, 6.0]
    optimizer.step()
    assert held.tolist() == [3.0, 4.0] and weight.buffer.tolist() == [5.0, 6.0]


@given(
    st.sampled_from(EACH),
    st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=1, max_size=5),
    st.data(),
)
def test_each_parameter_steps_as_if_alone(row, shapes, data):
    kind, options = row
    together = [Parameter(np.full(shape, 2.0, np.float32)) for shape in shapes]
    alone = [Parameter(p.data) for p in together]
    one, many = make(kind, together, options), [make(kind, [p], options) for p in alone]
    for step in range(3):
        present = data.draw(st.lists(st.booleans(), min_size=len(shapes), max_size=len(shapes)))
        for index, has_grad in enumerate(present):
            grad = np.full(shapes[index], 7.5 * step + index + 0.5) if has_grad else None
            together[index].grad = alone[index].grad = grad
        one.step()
        for optimizer in many:
            optimizer.step()
        for packed, single in zip(together, alone, strict=True):
            assert packed.data.tolist() == single.data.tolist()


@each
def test_what_lies_between_parameters_stays_zero(kind, options):
    weights = [Parameter(np.ones(size, np.float32)) for size in (3, 5, 1)]
    optimizer = make(kind, weights, options)
    for _ in range(3):
        for weight in weights:
            weight.grad = np.ones(weight.shape)
        optimizer.step()
    ((_, block),) = optimizer._blocks
    (stretch,) = block._stretches
    gaps = np.delete(stretch.data, [0, 1, 2, 16, 17, 18, 19, 20, 32])
    assert stretch.data.size == 33 and not gaps.any()


@pytest.mark.parametrize("count", [1, 50])
@each
def test_one_update_serves_all_parameters(monkeypatch, kind, options, count):
    weights = [Parameter(np.ones((3, 2))) for _ in range(count)]
    optimizer = make(kind, weights, options)
    calls = []
    rule = optimizer.update
    monkeypatch.setattr(optimizer, "update", lambda *args: calls.append(rule(*args)))
    for _ in range(2):
        for weight in weights:
            weight.grad = np.ones((3, 2))
        optimizer.step()
    # 0 / 0 must not happen in the gaps, where eps does not prevent it.
    assert len(calls) == 2 * (count if options.get("eps") == 0.0 else 1)


@each
def test_a_steady_step_allocates_nothing_large(kind, options):
    weights = [Parameter(np.ones((100, 200))) for _ in range(3)]
    optimizer = make(kind, weights, options)
    for weight in weights:
        weight.grad = np.random.default_rng(0).standard_normal((100, 200))
    for _ in range(2):
        optimizer.step()
    tracemalloc.start()
    try:
        optimizer.step()
        assert tracemalloc.get_traced_memory()[1] < 10_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
@each
def test_copies_go_on_as_the_original(duplicate, kind, options):
    weights = [Parameter(np.ones(3)), Parameter(np.ones(2))]
    optimizer = make(kind, weights, options)
    twins, other = weights, optimizer
    for step in range(4):
        for weight, twin in zip(weights, twins, strict=True):
            weight.grad = twin.grad = np.arange(1.0, weight.size + 1) + step
        optimizer.step()
        if other is not optimizer:
            other.step()
        if step == 1:
            twins, other = duplicate((weights, optimizer))
    for weight, twin in zip(weights, twins, strict=True):
        assert weight.data.tolist() == twin.data.tolist()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
@pytest.mark.parametrize("kind", OPTIONS)
def test_any_floating_dtype_is_kept_and_stepped_in(kind, dtype):
    weight = Parameter(np.array([1.0, 2.0], dtype))
    optimizer = make(kind, [weight], {"lr": np.float64(0.25)})
    for _ in range(2):
        weight.grad = np.array([1.0, -2.0])
        optimizer.step()
    assert weight.dtype == dtype and weight.data[0] < 1 and weight.data[1] > 2
    assert optimizer.learning_rates == [0.25]


@pytest.mark.parametrize("kind", OPTIONS)
def test_torchs_ways_to_carry_out_a_step_may_be_left_off(kind):
    weight = Parameter([1.0])
    off = {"foreach": None, "fused": False, "capturable": False, "differentiable": False}
    optimizer = make(kind, [{"params": weight, "foreach": False}], off)
    assert not optimizer.defaults.keys() & off.keys()
    assert not optimizer.param_groups[0].keys() & off.keys()
    for name in off:
        with pytest.raises(ValueError, match=f"{kind}: {name} must be None or False, got True; le"):
            make(kind, [weight], {name: True})
        with pytest.raises(ValueError, match=f"{kind}: {name} must be None or False, got True"):
            make(kind, [{"params": weight, name: True}], {})
    with pytest.raises(
        TypeError, match=rf"{kind}: got an unexpected argument 'weight_dekay'; there"
    ):
        make(kind, [weight], {"weight_dekay": 0.1})
    with pytest.raises(TypeError, match=r"; there are params, lr, .*; do you mean 'lr'\?$"):
        make(kind, [weight], {"learning_rate": 0.1})


@pytest.mark.parametrize("kind", OPTIONS)
def test_numbers_out_of_range_are_refused_and_change_nothing(kind):
    weight = Parameter([1.0])
    data = weight.data
    for name, default in make(kind, [Parameter([1.0])], {}).defaults.items():
        if type(default) in (bool, tuple) or name == "dampening":
            continue
        for wrong in (-1.0, math.nan, math.inf):
            with pytest.raises(ValueError, match=rf"{kind}: {name} must be finite and at least 0"):
                make(kind, [weight], {name: wrong})
            with pytest.raises(ValueError, match=rf"{kind}: {name} must be finite and at least 0"):
                make(kind, [{"params": weight, name: wrong}], {})
        with pytest.raises(TypeError, match=f"{kind}: expected a number as {name}, got str"):
            make(kind, [weight], {name: "1"})
    assert weight.data is data


@pytest.mark.torch
@pytest.mark.parametrize("kind", OPTIONS)
def test_arguments_stand_in_torchs_order_with_torchs_defaults(kind):
    torch = pytest.importorskip("torch")
    import inspect

    own = inspect.signature(getattr(optim, kind)).parameters
    theirs = inspect.signature(getattr(torch.optim, kind)).parameters
    positional = [name for name, p in own.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == [*theirs][: len(positional)]
    for name, parameter in own.items():
        if name != "execution":
            assert parameter.default == theirs[name].default
    rest = {"foreach", "fused", "capturable", "differentiable"}
    assert theirs.keys() - own.keys() <= rest


@pytest.mark.torch
@pytest.mark.parametrize("kind", OPTIONS)
def test_state_that_torch_never_stepped_loads(kind):
    """Moments with a count of 0, as one sets it to begin the bias correction anew."""
    given = [np.ones(3)]
    *_, (mine, _, _, twin) = lockstep(kind, OPTIONS[kind][0], given, 3)
    saved = twin.state_dict()
    for state in saved["state"].values():
        if "step" in state:
            state["step"].zero_()
    (other, own), (others, twin) = pair(kind, {}, [p.data for p in mine])
    own.load_state_dict(numbers(saved))
    twin.load_state_dict(saved)
    assert own.state_dict()["state"].keys() == saved["state"].keys()
    give(np.random.default_rng(0), other, others)
    own.step()
    twin.step()
    np.testing.assert_allclose(other[0].data, others[0].detach().numpy(), rtol=1e-12)


def test_a_rule_must_say_where_0_by_0_could_happen():
    """The default serves rules that leave zeros alone."""

    class Plain(Optimizer):
        def options(self, group):
            return ()

        def update(self, options, age, data, grad, state, scratch):
            raise NotImplementedError

    assert Plain([Parameter([1.0])], {"lr": 1.0}).spans_gaps(())
