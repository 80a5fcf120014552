import copy

import numpy as np
import pytest

import npnet
from npnet import Generator, Linear, Module, RandLike, RandnLike, Sequential
from npnet.random import default_generator
from tests.support.effects import Fails

KINDS = {RandLike: Generator.uniform, RandnLike: Generator.normal}
DTYPES = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (15,), (16,), (4, 5), (3, 1500), (5000,)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_generators_numbers_in_the_shape_and_dtype_of_x(kind, shape, dtype):
    layer, other = kind(generator=Generator(3)), Generator(3)
    for _ in range(2):
        expected = np.asarray(KINDS[kind](other, shape=shape, dtype=dtype))
        np.testing.assert_array_equal(layer(np.zeros(shape, dtype)), expected, strict=True)
        gradient = layer.backward(np.ones(shape, dtype))
        np.testing.assert_array_equal(gradient, np.zeros(shape, dtype), strict=True)
    assert layer.generator.mark() == other.mark()


@pytest.mark.parametrize("kind", KINDS)
def test_in_evaluation_it_draws_all_the_same_and_of_x_only_the_shape_counts(kind):
    layer = kind(generator=Generator(3)).eval()
    first = layer(np.zeros((4, 3)))
    second = layer(np.full((3, 4), np.nan).T)
    layer.generator.manual_seed(3)
    np.testing.assert_array_equal(layer(np.ones((4, 3))), first)
    np.testing.assert_array_equal(layer(np.ones((4, 3))), second)
    assert (first != second).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_forward_that_fails_draws_nothing(kind):
    model, x = Sequential(kind(), Fails()), np.ones((3, 20))
    before = default_generator().mark()
    with pytest.raises(ArithmeticError):
        model(x)
    assert default_generator().mark() == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_goes_on_alone_and_a_generator_is_npnets(kind):
    layer = kind(generator=Generator(1))
    other = copy.deepcopy(layer)
    assert layer(np.ones(3)).tolist() == other(np.ones(3)).tolist()
    with pytest.raises(TypeError, match=rf"{kind.__name__}: expected a npnet\.random\.Generator"):
        kind(generator=3)


def vae(lib, nn):
    """Return a variational autoencoder, written for torch and for npnet alike."""

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.drop = nn.Linear(6, 8), nn.Dropout(0.2)
            self.mu, self.log_std = nn.Linear(8, 3), nn.Linear(8, 3)
            self.out, self.loss = nn.Linear(3, 6), nn.MSELoss()

        def forward(self, x):
            h = self.drop(lib.relu(self.body(x)))
            mu, std = self.mu(h), lib.exp(self.log_std(h))
            z = mu + lib.randn_like(std) * std
            mixed = z * lib.rand_like(z)
            divergence = (mu * mu + std * std - 1.0).mean() - self.log_std(h).mean()
            return self.loss(self.out(self.drop(mixed)), x) + 0.01 * divergence

    return VAE()


@pytest.mark.torch
@pytest.mark.parametrize("rows", [4, 40])
@pytest.mark.parametrize("dtype, room", [(np.float32, 2e-5), (np.float64, 1e-12)])
def test_a_variational_autoencoder_trains_as_torchs(dtype, room, rows):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(rows, 6)).astype(dtype)
    losses, weights = {}, {}
    for lib, nn, array in ((npnet, npnet, np.asarray), (torch, torch.nn, torch.tensor)):
        lib.manual_seed(5)
        model, given = vae(lib, nn), array(x)
        model = model.double() if dtype == np.float64 else model
        optimizer, found = lib.optim.SGD(model.parameters(), lr=0.05), losses.setdefault(lib, [])
        for _ in range(20):
            loss = model(given)
            optimizer.zero_grad()
            (model if lib is npnet else loss).backward()
            optimizer.step()
            found.append(loss.item())
        model.eval()
        found.append(model(given).item())
        weights[lib] = [np.asarray(array) for array in model.state_dict().values()]
    np.testing.assert_allclose(losses[npnet], losses[torch], rtol=room)
    for ours, theirs in zip(weights[npnet], weights[torch], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=room, atol=room)
    assert npnet.rand(1).item() == torch.rand(1).item()


class Noisy(Module):
    """Draws twice."""

    def __init__(self):
        super().__init__()
        self.fc = Linear(3, 4)

    def forward(self, x):
        y = self.fc(x)
        return y + npnet.randn_like(y), npnet.randn_like(x)


def test_two_uses_draw_twice_in_the_order_they_are_written():
    model, x = Noisy(), np.ones((2, 3), np.float32)
    npnet.manual_seed(1)
    first, second = model(x)
    npnet.manual_seed(1)
    noise = npnet.randn(2, 4)
    np.testing.assert_array_equal(second, npnet.randn(2, 3))
    np.testing.assert_array_equal(first, model.fc(x) + noise)
