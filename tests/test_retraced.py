"""What a forward does beside recording: it is done in every call."""

import copy
import random

import numpy as np
import pytest

import npnet
import npnet.functional as F
from npnet import BatchNorm1d, Dropout, Linear, Module, Parameter

X = np.linspace(0.5, 2.0, 12, dtype=np.float32).reshape(4, 3)


class Doing(Module):
    """A Module whose forward does something, and multiplies by what comes of it."""

    def __init__(self, deed):
        super().__init__()
        self.deed, self.calls = deed, 0
        self.weight = Parameter([1.0], requires_grad=False)
        self.register_buffer("seen", np.ones(1, np.float32))
        self.step = 1.0

    def forward(self, x):
        return x * self.deed(self)


def halve_weight(module):
    with npnet.no_grad():
        module.weight *= 0.5
    return module.weight


def assign_data(module):
    module.weight.data = module.weight.data * 0.5
    return module.weight


def write_data(module):
    module.weight.data[:] *= 0.5
    return module.weight


def read_data(module):
    module.step /= 2
    module.weight.data[:] = module.step
    return float(np.asarray(module.weight)[0])


def fill(module):
    module.weight.requires_grad_(False)
    npnet.init.constant_(module.weight, float(module.weight.data[0]) / 2)
    return module.weight


def write_buffer(module):
    module.seen[:] *= 0.5
    return module.seen


def replace_buffer(module):
    module.seen = module.seen * 0.5
    return module.seen


def count(module):
    module.step /= 2
    return module.step


@pytest.mark.parametrize(
    "deed",
    [halve_weight, assign_data, write_data, read_data, fill, write_buffer, replace_buffer, count],
)
def test_what_forward_changes_is_changed_in_every_call(deed):
    module = Doing(deed)
    assert [float(module(X)[0, 0]) for _ in range(4)] == [0.25, 0.125, 0.0625, 0.03125]


@pytest.mark.parametrize(
    "draw",
    [
        lambda module: npnet.randn(4, 3),
        lambda module: npnet.rand(3),
        lambda module: random.random(),
        lambda module: np.random.rand(),  # noqa: NPY002
        lambda module: float(npnet.randperm(1000)[0]),
    ],
)
def test_what_forward_draws_is_drawn_in_every_call(draw):
    module = Doing(draw)
    assert len({module(X).tobytes() for _ in range(8)}) > 4


def test_backward_is_that_of_the_draw():
    module = Doing(lambda module: npnet.randn(4, 3))
    for _ in range(3):
        y = module(X)
        assert module.backward(np.ones_like(X), input_grad=True).tolist() == pytest.approx(y / X)


@pytest.mark.torch
def test_draws_give_torchs_numbers():
    torch = pytest.importorskip("torch")
    npnet.manual_seed(3)
    torch.manual_seed(3)
    module = Doing(lambda module: npnet.randn(4, 3))
    for _ in range(3):
        np.testing.assert_array_equal(module(X), X * torch.randn(4, 3).numpy())


def test_what_layers_do_when_they_run_is_no_reason():
    traced = []

    class Usual(Module):
        def __init__(self):
            super().__init__()
            self.fc, self.drop, self.norm = Linear(3, 3), Dropout(0.5), BatchNorm1d(3)

        def forward(self, x):
            traced.append(x.shape)
            return F.dropout(self.norm(self.drop(self.fc(x))), 0.5, self.training)

    module = Usual()
    for _ in range(3):
        module(X)
        module.backward(np.ones_like(X))
    assert traced == [(4, 3)]


def test_what_is_done_once_is_traced_once_more():
    traced = []

    class Lazy(Module):
        def forward(self, x):
            traced.append(x.shape)
            if not hasattr(self, "scale"):
                self.scale = 2.0
            return x * self.scale

    module = Lazy()
    for _ in range(5):
        assert module(X).tolist() == (X * 2).tolist()
    assert len(traced) == 2


def test_numpys_stream_may_be_of_another_kind():
    usual = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(0))
    try:
        module = Doing(lambda module: np.random.rand())  # noqa: NPY002
        assert len({module(X).tobytes() for _ in range(4)}) == 4
    finally:
        np.random.set_bit_generator(usual)


def test_what_a_call_kept_is_no_number_in_the_next():
    class Recurrent(Module):
        def __init__(self):
            super().__init__()
            self.state = 0.0

        def forward(self, x):
            self.state = x + self.state
            return self.state

    recurrent = Recurrent()
    assert recurrent(X).tolist() == X.tolist()
    with pytest.raises(ValueError, match=r"an earlier call that kept a Node of it; .* return"):
        recurrent(X)


@pytest.mark.parametrize(
    "make, draw",
    [
        (np.random.default_rng, lambda stream: stream.random()),
        (lambda: np.random.Generator(np.random.Philox(1)), lambda stream: stream.normal()),
        (lambda: np.random.Generator(np.random.SFC64(1)), lambda stream: stream.random()),
        (lambda: np.random.RandomState(1), lambda stream: stream.randn()),
        (lambda: random.Random(1), lambda stream: stream.random()),
        (lambda: npnet.Generator(1), lambda stream: npnet.rand(1, generator=stream)),
    ],
)
def test_a_stream_of_its_own_goes_on_in_every_call(make, draw):
    module = Doing(lambda module: draw(module.stream))
    module.stream = make()
    assert len({module(X).tobytes() for _ in range(8)}) == 8


def test_what_is_written_anew_in_a_few_shapes_is_written_in_all_calls():
    class Counting(Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("rows", np.zeros(1, np.float32))

        def forward(self, x):
            self.rows[...] = x.shape[0]
            return x * self.rows

    counting = Counting()
    found = [float(counting(np.ones((rows, 1)))[0, 0]) for rows in (4, 4, 1, 4, 1, 4)]
    assert found == [4, 4, 1, 4, 1, 4]


def test_a_mode_that_forward_switches_is_that_of_the_next_call():
    class Once(Module):
        def forward(self, x):
            if self.training:
                self.eval()
                return x * 2.0
            return x * 3.0

    once = Once()
    assert [float(once(np.ones(()))) for _ in range(3)] == [2, 3, 3]


def test_a_copy_made_in_forward_has_the_numbers_of_the_call():
    class Copying(Module):
        def __init__(self):
            super().__init__()
            self.fc = Linear(3, 3)

        def forward(self, x):
            return copy.deepcopy(self.fc)(x)

    copying = Copying()
    copying(X)
    copying.fc.weight.data[...] = 0.0
    copying.fc.bias.data[...] = 1.0
    assert copying(X).tolist() == np.ones((4, 3)).tolist()


def test_updating_a_parameter_in_place_is_no_reason():
    traced = []

    class Usual(Module):
        def __init__(self):
            super().__init__()
            self.weight = Parameter(np.ones(3, np.float32))

        def forward(self, x):
            traced.append(x.shape)
            return x * self.weight

    usual = Usual()
    for _ in range(4):
        usual(X)
        usual.backward(np.ones_like(X))
        with npnet.no_grad():
            usual.weight -= 0.1 * usual.weight.grad
        usual.zero_grad()
    assert traced == [(4, 3)]
