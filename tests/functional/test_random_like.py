import numpy as np
import pytest

import npnet
from npnet import Generator, Graph, Module, Parameter
from npnet.random import default_generator
from npnet.tape import Node

NAMES = ["rand_like", "randn_like"]


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_of_an_array_torchs_numbers_in_its_shape_and_dtype(name, dtype):
    torch = pytest.importorskip("torch")
    npnet.manual_seed(4)
    torch.manual_seed(4)
    for shape in ((), (3,), (0, 2), (4, 5), (2, 3, 17)):
        x = np.ones(shape, dtype)
        ours, theirs = getattr(npnet, name)(x), getattr(torch, name)(torch.tensor(x))
        np.testing.assert_array_equal(ours, theirs.numpy(), strict=True)
        assert (x == 1).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_generator_of_ones_own(name):
    call, x = getattr(npnet, name), np.ones(5)
    before = default_generator().mark()
    ours = [call(x, generator=Generator(2)).tolist() for _ in range(2)]
    assert ours[0] == ours[1] and default_generator().mark() == before
    assert call([1.0, 2.0]).dtype == np.float32


@pytest.mark.parametrize("name", NAMES)
def test_in_a_forward_every_run_draws_anew_of_buffers_and_parameters_too(name):
    class Noise(Module):
        def __init__(self):
            super().__init__()
            self.weight = Parameter(np.ones(3))
            self.register_buffer("held", np.zeros(3))

        def forward(self, x):
            call = getattr(npnet, name)
            return x + call(x) + call(self.held) + call(self.weight), call(np.zeros(3))

    model, draw = Noise().double(), getattr(npnet, name.removesuffix("_like"))
    seen = []
    for seed in (1, 1, 2):
        npnet.manual_seed(seed)
        seen.append([y.tolist() for y in model(np.zeros(3))])
        model.backward(np.ones(3), None)
        assert model.weight.grad is None or not model.weight.grad.any()
    npnet.manual_seed(1)
    four = [draw(3, dtype=np.float64) for _ in range(4)]
    assert seen[0] == seen[1] == [(four[0] + four[1] + four[2]).tolist(), four[3].tolist()]
    assert seen[2] != seen[1]
    assert model(np.zeros(3))[1].tolist() != model(np.zeros(3))[1].tolist()


@pytest.mark.parametrize("name", NAMES)
def test_no_gradient_goes_through(name):
    class Noise(Module):
        def forward(self, x):
            return x * getattr(npnet, name)(x)

    model, x = Noise(), np.full(4, 3.0)
    y = model(x)
    np.testing.assert_allclose(model.backward(np.ones(4), input_grad=True), y / x, rtol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_drawn_is_refused(name):
    call, x = getattr(npnet, name), np.zeros(3)
    npnet.manual_seed(0)
    before = default_generator().mark()
    with pytest.raises(TypeError, match=rf"^{name}: expected an array of float32 .*, got int64; n"):
        call(np.arange(3))
    for option, value in {
        "dtype": np.float64,
        "layout": "strided",
        "device": "cuda",
        "requires_grad": True,
        "memory_format": 1,
    }.items():
        with pytest.raises(TypeError, match=f"^{name}: expected no {option}, got "):
            call(x, **{option: value})
    with pytest.raises(TypeError, match=f"^{name}: got an unexpected keyword 'size'"):
        call(x, size=3)
    assert default_generator().mark() == before
    options = {"dtype": None, "layout": None, "device": "cpu", "requires_grad": False}
    assert call(x, **options).shape == (3,)
    assert isinstance(call(Graph().input("x"), device=None), Node)
