import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet.optim import SGD, sgd
from npnet.parameter import Parameter

#: momentum, dampening, nesterov
MOMENTA = [(0.0, 0.0, False), (0.9, 0.0, False), (0.9, 0.3, False), (0.9, 0.0, True)]
DYADIC = [(0.0, 0.0, False), (0.5, 0.0, False), (0.5, 0.5, False), (0.5, 0.0, True)]


def arrays(rng, dtype):
    """Return arrays of all kinds: Fortran and permuted orders, 0-d, empty, one larger."""
    shapes = [(3, 4), (4,), (), (0, 3), (24, 9), (1, 5), (7,)]
    found = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    found[0] = np.asfortranarray(found[0])
    found[4] = np.asfortranarray(found[4])
    return [*found, rng.standard_normal((4, 2, 3)).astype(dtype).transpose(1, 2, 0)]


def parameter(data, grad=None, **kwargs):
    made = Parameter(data, **kwargs)
    made.grad = grad
    return made


def stepped(options, grads, start=(1.0, -2.0)):
    """Return the data after each step along one of `grads`."""
    weight, seen = Parameter(start, dtype=np.float64), []
    optimizer = SGD([weight], **options)
    for grad in grads:
        weight.grad = grad
        assert optimizer.step() is None
        seen.append(weight.data.tolist())
    return seen


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"lr": 0.5}, [[0.0, -3.0], [-2.0, -3.0]]),
        ({"lr": 0.5, "maximize": True}, [[2.0, -1.0], [4.0, -1.0]]),
        # decay 0.5: g = (2 + 0.5, 2 - 1), then (4 - 0.125, 0 - 1.25)
        ({"lr": 0.5, "weight_decay": 0.5}, [[-0.25, -2.5], [-2.1875, -1.875]]),
        # b = (2, 2), then 0.5 b + (4, 0) = (5, 1)
        ({"lr": 0.5, "momentum": 0.5}, [[0.0, -3.0], [-2.5, -3.5]]),
        # b = (2, 2) undampened, then 0.5 b + 0.25 (4, 0) = (2, 1)
        ({"lr": 0.5, "momentum": 0.5, "dampening": 0.75}, [[0.0, -3.0], [-1.0, -3.5]]),
        # g + 0.5 b = (3, 3), then (4, 0) + 0.5 (5, 1) = (6.5, 0.5)
        ({"lr": 0.5, "momentum": 0.5, "nesterov": True}, [[-0.5, -3.5], [-3.75, -3.75]]),
        # g = -(2, 2) + 0.5 p = (-1.5, -3), then -(4, 0) + 0.5 (1.75, -0.5) = (-3.125, -0.25)
        (
            {"lr": 0.5, "weight_decay": 0.5, "maximize": True},
            [[1.75, -0.5], [3.3125, -0.375]],
        ),
    ],
)
def test_first_steps_by_hand(options, expected):
    assert stepped(options, [[2.0, 2.0], [4.0, 0.0]]) == expected


def test_defaults_are_torchs():
    assert SGD([Parameter([1.0])]).defaults == {
        "lr": 1e-3,
        "momentum": 0,
        "dampening": 0,
        "weight_decay": 0,
        "nesterov": False,
        "maximize": False,
    }


def lockstep(dtype, options, steps=50, gaps=True):
    """Step twins in npnet and torch; yield (npnet parameters, torch's) after every step."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(7)
    own = [Parameter(array) for array in arrays(rng, dtype)]
    twins = [torch.nn.Parameter(torch.tensor(p.data)) for p in own]
    half = len(own) // 2
    optimizers = []
    for maker, members in ((SGD, own), (torch.optim.SGD, twins)):
        groups = [
            {"params": members[:half]},
            {"params": members[half:], "lr": options["lr"] / 2, "weight_decay": 0.25},
        ]
        optimizers.append(maker(groups, **options))
    for _ in range(steps):
        for mine, twin in zip(own, twins, strict=True):
            grad = rng.standard_normal(mine.shape).astype(dtype)
            missing = gaps and rng.random() < 0.3
            mine.grad = None if missing else grad
            twin.grad = None if missing else torch.tensor(grad)
        for optimizer in optimizers:
            optimizer.step()
        yield own, [twin.detach().numpy() for twin in twins], optimizers


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.125])
@pytest.mark.parametrize("momentum", DYADIC)
def test_bits_are_torchs_where_products_are_exact(dtype, gaps, maximize, weight_decay, momentum):
    """torch fuses products with sums; a factor that is a power of two hides the difference."""
    mu, dampening, nesterov = momentum
    options = {"momentum": mu, "dampening": dampening, "nesterov": nesterov}
    options |= {"lr": 0.0625, "weight_decay": weight_decay, "maximize": maximize}
    for own, expected, _ in lockstep(dtype, options, gaps=gaps):
        for mine, twin in zip(own, expected, strict=True):
            assert mine.data.dtype == dtype
            np.testing.assert_array_equal(mine.data, twin)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
@pytest.mark.parametrize("momentum", MOMENTA)
def test_numbers_are_torchs(dtype, maximize, weight_decay, momentum):
    mu, dampening, nesterov = momentum
    options = {"momentum": mu, "dampening": dampening, "nesterov": nesterov}
    options |= {"lr": 0.05, "weight_decay": weight_decay, "maximize": maximize}
    largest = 1.0
    for count, (own, expected, _) in enumerate(lockstep(dtype, options), 1):
        for mine, twin in zip(own, expected, strict=True):
            largest = max(largest, np.abs(twin).max(initial=0.0))
            # One rounding of a product more than torch's: a unit in the last place each step.
            bound = count * np.finfo(dtype).eps * largest
            np.testing.assert_allclose(mine.data, twin, rtol=0, atol=bound)


@pytest.mark.torch
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_infinite_and_nan_gradients_go_where_torchs_go(momentum):
    torch = pytest.importorskip("torch")
    grads = [[np.inf, -np.inf, np.nan, 1.0], [-np.inf, -np.inf, 1.0, 1.0]]
    mine, twin = Parameter(np.ones(4, np.float32)), torch.nn.Parameter(torch.ones(4))
    own = SGD([mine], lr=0.5, momentum=momentum, weight_decay=0.5)
    theirs = torch.optim.SGD([twin], lr=0.5, momentum=momentum, weight_decay=0.5)
    for grad in grads:
        mine.grad, twin.grad = grad, torch.tensor(grad)
        with np.errstate(invalid="ignore"):
            own.step()
        theirs.step()
        np.testing.assert_array_equal(mine.data, twin.detach().numpy())
    assert np.isnan(mine.data[:3]).all() and np.isfinite(mine.data[3])


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_state_goes_to_torch_and_back(dtype):
    torch = pytest.importorskip("torch")
    options = {"lr": 0.0625, "momentum": 0.5, "nesterov": True}
    *_, (own, expected, (mine, theirs)) = lockstep(dtype, options, steps=3)
    saved = theirs.state_dict()
    saved["state"] = {
        index: {name: value.numpy() for name, value in state.items()}
        for index, state in saved["state"].items()
    }
    back = mine.state_dict()
    assert back["state"].keys() == saved["state"].keys()
    for index, state in back["state"].items():
        buffer, twin = state["momentum_buffer"], saved["state"][index]["momentum_buffer"]
        assert buffer.dtype == dtype and buffer.shape == twin.shape
        np.testing.assert_array_equal(buffer, twin)
    for ours, torchs in zip(back["param_groups"], saved["param_groups"], strict=True):
        assert ours == {name: torchs[name] for name in ours}

    half = len(own) // 2
    new = [Parameter(array) for array in expected]
    fresh = SGD([{"params": new[:half]}, {"params": new[half:]}], lr=1.0)
    fresh.load_state_dict(saved)
    twins = [torch.nn.Parameter(torch.tensor(array)) for array in expected]
    other = torch.optim.SGD([{"params": twins[:half]}, {"params": twins[half:]}], lr=1.0)
    back["state"] = {
        index: {name: torch.tensor(value) for name, value in state.items()}
        for index, state in back["state"].items()
    }
    other.load_state_dict(back)
    for mine_, twin in zip(new, twins, strict=True):
        mine_.grad, twin.grad = np.ones(mine_.shape), torch.ones_like(twin)
    fresh.step()
    other.step()
    for mine_, twin in zip(new, twins, strict=True):
        np.testing.assert_array_equal(mine_.data, twin.detach().numpy())
    assert fresh.param_groups[1]["weight_decay"] == 0.25


@given(
    st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=1, max_size=6),
    st.data(),
)
def test_each_parameter_steps_as_if_alone(shapes, data):
    together = [Parameter(np.full(shape, 2.0, np.float32)) for shape in shapes]
    alone = [Parameter(p.data) for p in together]
    options = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}
    one, many = SGD(together, **options), [SGD([p], **options) for p in alone]
    for step in range(4):
        present = data.draw(st.lists(st.booleans(), min_size=len(shapes), max_size=len(shapes)))
        for index, has_grad in enumerate(present):
            grad = np.full(shapes[index], step + index - 1.5) if has_grad else None
            together[index].grad = alone[index].grad = grad
        one.step()
        for optimizer in many:
            optimizer.step()
        for packed, single in zip(together, alone, strict=True):
            assert packed.data.tolist() == single.data.tolist()


def test_a_parameter_without_gradient_keeps_data_and_momentum():
    first, second = parameter([1.0], [1.0]), parameter([1.0], [1.0])
    optimizer = SGD([first, second], lr=0.5, momentum=0.5)
    optimizer.step()
    second.zero_grad()
    optimizer.step()
    assert second.data.tolist() == [0.5]
    saved = optimizer.state_dict()["state"]
    assert saved[0]["momentum_buffer"].tolist() == [1.5]
    assert saved[1]["momentum_buffer"].tolist() == [1.0]


def test_a_late_gradient_starts_its_momentum_then():
    early, late = parameter([0.0], [1.0]), Parameter([0.0])
    optimizer = SGD([early, late], lr=1.0, momentum=0.5, dampening=0.5)
    optimizer.step()
    assert list(optimizer.state_dict()["state"]) == [0]
    late.grad = [1.0]
    optimizer.step()
    assert early.data.tolist() == [-2.0] and late.data.tolist() == [-1.0]
    optimizer.step()
    assert early.data.tolist() == [-3.0] and late.data.tolist() == [-2.0]


def test_momentum_rests_while_it_is_switched_off():
    weight = parameter([0.0], [1.0])
    optimizer = SGD([weight], lr=1.0)
    seen = []
    for momentum in (0.0, 0.5, 0.0, 0.5, 0.5):
        optimizer.param_groups[0]["momentum"] = momentum
        optimizer.step()
        seen.append(weight.data.item())
    assert seen == [-1.0, -2.0, -3.0, -4.5, -6.25]


@pytest.mark.torch
def test_options_edited_against_the_constructors_rules_do_what_torchs_do():
    torch = pytest.importorskip("torch")
    mine, twin = Parameter([1.0]), torch.nn.Parameter(torch.ones(1))
    optimizers = SGD([mine], lr=0.5, momentum=0.5), torch.optim.SGD([twin], lr=0.5, momentum=0.5)
    edits = {"nesterov": True, "dampening": 0.5, "weight_decay": 0.5, "maximize": True}
    for optimizer in optimizers:
        optimizer.param_groups[0].update(edits)
    for value in (1.0, 2.0, 4.0):
        mine.grad, twin.grad = [value], torch.tensor([value])
        for optimizer in optimizers:
            optimizer.step()
        assert mine.data.tolist() == twin.tolist()


@pytest.mark.parametrize("lr", [1, np.float32(1), np.float64(1), np.int64(1), np.array(1.0), True])
def test_lr_of_any_kind_promotes_nothing(lr):
    weight = parameter(np.ones(3, np.float32), [0.5, 0.5, 0.5])
    optimizer = SGD([weight], lr=lr)
    optimizer.step()
    optimizer.param_groups[0]["lr"] = lr
    optimizer.step()
    assert weight.data.dtype == np.float32
    assert weight.data.tolist() == [0.0, 0.0, 0.0]
    assert optimizer.learning_rates == [1.0]


def test_a_step_leaves_gradients_as_they_are():
    for momentum, decay, nesterov in itertools.product((0.0, 0.5), (0.0, 0.5), (False, True)):
        weight = parameter([1.0, 2.0], [3.0, 4.0])
        held = weight.grad
        optimizer = SGD([weight], momentum=momentum, weight_decay=decay, maximize=True)
        optimizer.param_groups[0]["nesterov"] = nesterov
        optimizer.step()
        optimizer.step()
        assert weight.grad is held and held.tolist() == [3.0, 4.0]
        optimizer.zero_grad()
        weight.grad = [5.0, 6.0]
        optimizer.step()
        assert held.tolist() == [3.0, 4.0] and weight.buffer.tolist() == [5.0, 6.0]


def test_a_gradient_changed_in_place_counts():
    weight = parameter([1.0, 2.0], [1.0, 1.0])
    optimizer = SGD([weight], lr=1.0)
    weight.grad[:] *= 2
    optimizer.step()
    assert weight.data.tolist() == [-1.0, 0.0]


class Counted:
    """Stands in for numpy and add_scaled, and counts the calls of them."""

    def __init__(self):
        self.calls = 0

    def __getattr__(self, name):
        return self.counting(getattr(np, name))

    def counting(self, function):
        def counted(*args, **kwargs):
            self.calls += 1
            return function(*args, **kwargs)

        return counted


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 1),
        ({"momentum": 0.9}, 3),
        ({"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1, "maximize": True}, 5),
        ({"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, 6),
    ],
)
@pytest.mark.parametrize("count", [1, 50])
def test_calls_do_not_grow_with_parameters(monkeypatch, options, expected, count):
    weights = [parameter(np.ones((3, 2)), np.ones((3, 2))) for _ in range(count)]
    optimizer = SGD(weights, **options)
    optimizer.step()
    counted = Counted()
    monkeypatch.setattr(sgd, "np", counted)
    monkeypatch.setattr(sgd, "add_scaled", counted.counting(sgd.add_scaled))
    optimizer.step()
    assert counted.calls == expected


@pytest.mark.parametrize(("mu", "dampening", "nesterov"), MOMENTA)
def test_a_steady_step_allocates_nothing_large(mu, dampening, nesterov):
    weights = [parameter(np.ones((100, 200)), np.ones((100, 200))) for _ in range(3)]
    optimizer = SGD(weights, 0.1, mu, dampening, 0.1, nesterov, maximize=True)
    optimizer.step()
    optimizer.step()
    tracemalloc.start()
    try:
        optimizer.step()
        assert tracemalloc.get_traced_memory()[1] < 5_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": -0.1}, "SGD: lr must be finite and at least 0, got -0.1"),
        ({"lr": math.nan}, "SGD: lr must be finite and at least 0, got nan"),
        ({"lr": math.inf}, "SGD: lr must be finite and at least 0, got inf"),
        ({"lr": np.float32(-1)}, "SGD: lr must be finite and at least 0, got -1.0"),
        ({"momentum": -1}, "SGD: momentum must be finite and at least 0, got -1"),
        ({"momentum": math.nan}, "SGD: momentum must be finite and at least 0, got nan"),
        ({"weight_decay": -1e-9}, "SGD: weight_decay must be finite and at least 0, got -1e-09"),
        ({"weight_decay": math.inf}, "SGD: weight_decay must be finite"),
        ({"dampening": math.nan}, "SGD: dampening must be finite, got nan"),
        ({"nesterov": True}, "SGD: nesterov needs momentum above 0 and no dampening, got momentum"),
        ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "dampening=0.1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    weight = Parameter([1.0])
    data = weight.data
    with pytest.raises(ValueError, match=message):
        SGD([weight], **options)
    if "nesterov" not in options:
        with pytest.raises(ValueError, match=message):
            SGD([{"params": [weight], **options}])
    assert weight.data is data


@pytest.mark.parametrize("lr", ["0.1", None, [0.1], np.array([0.1]), 1j])
def test_options_that_are_no_numbers_are_refused(lr):
    with pytest.raises(TypeError, match="SGD: expected a number as lr, got"):
        SGD([Parameter([1.0])], lr=lr)


def test_negative_dampening_is_allowed_as_in_torch():
    assert stepped({"lr": 1.0, "momentum": 0.5, "dampening": -1.0}, [[1.0, 0.0], [1.0, 0.0]]) == [
        [0.0, -2.0],
        [-2.5, -2.0],
    ]
