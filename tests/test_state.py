"""State: written down by name and taken back, as torch does."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from npnet import BatchNorm1d, Linear, Module, Parameter, Sequential
from npnet.optim import SGD
from tests.support.block import Block


def test_state_dict_is_ordered_and_live():
    block = Block()
    state = block.state_dict()
    assert list(state) == [
        "scale",
        "shift",
        "mean",
        "fc.weight",
        "fc.bias",
        "inner.1.weight",
        "again.weight",
        "again.bias",
    ]
    assert isinstance(state, OrderedDict)
    block.scale.data = [7.0, 8.0]
    assert state["scale"].tolist() == [7, 8]
    assert next(iter(block.state_dict("a."))) == "a.scale"


def test_state_is_loaded_in_place():
    source, target = Block(), Block()
    storage = target.fc.weight.data
    result = target.load_state_dict(source.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    assert (result.missing_keys, result.unexpected_keys) == ([], [])
    assert target.fc.weight.data is storage
    for name, array in source.state_dict().items():
        np.testing.assert_array_equal(target.state_dict()[name], array)
    source.fc.weight.data += 1
    assert not np.array_equal(target.fc.weight.data, source.fc.weight.data)


def test_loading_lists_all_problems_and_changes_nothing():
    block = Block()
    before = {name: array.copy() for name, array in block.state_dict().items()}
    state = {name: array + 1 for name, array in before.items()}
    del state["scale"], state["fc.bias"]
    state |= {"extra": np.ones(1), "fc.weight": np.ones((3, 2)), "shift": np.array(["a", "b"])}
    with pytest.raises(RuntimeError) as caught:
        block.load_state_dict(state)
    message = str(caught.value)
    assert message.startswith("Error(s) in loading state_dict for Block:")
    for part in (
        'Unexpected key(s) in state_dict: "extra". ',
        'Missing key(s) in state_dict: "scale", "fc.bias". ',
        "size mismatch for fc.weight: copying a param with shape (3, 2) from checkpoint, "
        "the shape in current model is (2, 2).",
        "shift",
    ):
        assert part in message
    with pytest.raises(RuntimeError, match=r"size mismatch for fc\.weight"):
        block.load_state_dict(state, strict=False)
    with pytest.raises(TypeError, match="dict-like"):
        block.load_state_dict([1])
    for path in ("model.npz", Path("model.npz")):
        with pytest.raises(TypeError, match=r"; read the file: npnet\.load\(path\)$"):
            block.load_state_dict(path)
    for name, array in block.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_loading_loosely_says_what_was_left():
    block = Block()
    result = block.load_state_dict({"scale": [3, 4], "extra": 1}, strict=False)
    assert result.unexpected_keys == ["extra"]
    assert result.missing_keys[0] == "shift"
    assert "extra" in repr(result)
    assert block.scale.data.tolist() == [3, 4]


def test_state_dict_writes_into_what_it_is_given():
    block, given = Block(), OrderedDict(first=1)
    assert block.state_dict(prefix="a.", destination=given) is given
    assert list(given)[:2] == ["first", "a.scale"]
    assert given["a.scale"] is block.scale.data


def test_keep_vars_gives_the_parameters_themselves():
    block = Block()
    state = block.state_dict(keep_vars=True)
    assert state["fc.weight"] is state["again.weight"] is block.fc.weight
    assert state["mean"] is block.mean


def test_assigning_takes_dtypes_and_keeps_ties_and_freezing():
    block = Block()
    block.scale.requires_grad = False
    old = dict(block.named_parameters())
    state = {name: array.astype(np.float32) + 1 for name, array in block.state_dict().items()}
    result = block.load_state_dict(state, assign=True)
    assert repr(result) == "<All keys matched successfully>"
    for name, parameter in block.named_parameters():
        assert parameter is not old[name]
        assert parameter.dtype == np.float32
        assert parameter.requires_grad == old[name].requires_grad
        assert parameter.name == old[name].name
        np.testing.assert_array_equal(parameter.data, state[name])
        assert not np.shares_memory(parameter.data, state[name])
    assert block.again.weight is block.fc.weight
    assert block.mean.dtype == np.float32
    assert block.mean.tolist() == [1, 1]
    given = Parameter(np.ones(2), name="mine")
    block.load_state_dict({"scale": given}, strict=False, assign=True)
    assert block.scale is given
    assert not given.requires_grad


def test_assigning_is_followed_by_what_was_traced_and_fails_whole():
    fc = Linear(2, 1, dtype=np.float64)
    fc(np.ones((1, 2)))
    fc.load_state_dict({"weight": np.array([[2.0, 3.0]]), "bias": np.array([1.0])}, assign=True)
    assert fc(np.ones((1, 2))).tolist() == [[6]]
    optimizer = SGD(fc.parameters(), lr=1.0)
    fc.backward([[1.0]])
    optimizer.step()
    assert fc(np.ones((1, 2))).tolist() == [[3]]
    weight = fc.weight
    with pytest.raises(RuntimeError, match=r"size mismatch for bias"):
        fc.load_state_dict({"weight": np.ones((1, 2)), "bias": np.ones(3)}, assign=True)
    assert fc.weight is weight


def test_a_number_too_large_leaves_all_as_it_was():
    """Warnings are errors in these tests."""
    model = Sequential(Linear(2, 1), BatchNorm1d(1))
    before = {name: array.copy() for name, array in model.state_dict().items()}
    for name in ("0.bias", "1.running_var"):
        state = {key: array + 1.0 for key, array in before.items()}
        state[name] = np.full(1, 1e300)
        with pytest.raises(RuntimeWarning, match="overflow encountered in cast"):
            model.load_state_dict(state)
        for key, array in model.state_dict().items():
            np.testing.assert_array_equal(array, before[key])


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble])
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_a_dtype_npnet_does_not_compute_in_is_converted_or_refused(dtype, name):
    fc = Linear(2, 1)
    held, state = dict(fc.named_parameters()), {n: a + 1 for n, a in fc.state_dict().items()}
    for given in (state[name].astype(dtype), Parameter(state[name].astype(dtype))):
        message = (
            rf'While assigning the parameter named "{name}": expected dtype float32 or float64, '
            rf"got {np.dtype(dtype)}; without assign=True it is converted\."
        )
        with pytest.raises(RuntimeError, match=message):
            fc.load_state_dict({**state, name: given}, assign=True)
        assert all(parameter is held[n] for n, parameter in fc.named_parameters())
    fc.load_state_dict({**state, name: state[name].astype(dtype)})
    np.testing.assert_allclose(fc.state_dict()[name], state[name], rtol=1e-3)
    assert fc.weight.dtype == fc.bias.dtype == np.float32


def test_what_has_such_a_dtype_may_be_assigned_one():
    module = Module()
    module.register_buffer("short", np.ones(2, np.float16))
    module.short_parameter = Parameter(np.ones(2, np.float16))
    state = {name: array * 2 for name, array in module.state_dict().items()}
    module.load_state_dict(state, assign=True)
    assert module.short.tolist() == module.short_parameter.data.tolist() == [2, 2]
    assert module.short.dtype == module.short_parameter.dtype == np.float16


def test_parameters_that_two_modules_share_stay_shared_when_assigned():
    model = Sequential(Linear(2, 2), Linear(2, 2))
    model[1].weight = model[0].weight
    state = {name: array.astype(np.float64) for name, array in model.state_dict().items()}
    model.load_state_dict(state, assign=True)
    assert model[1].weight is model[0].weight
    assert model[0].weight.dtype == np.float64


@pytest.mark.parametrize("assign", [False, True])
def test_what_forward_computes_from_a_buffer_is_computed_again(assign):
    class Rooted(Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("square", np.array([4.0, 9.0]))

        def forward(self, x):
            return x * np.sqrt(self.square)

    model = Sequential(Rooted())
    assert model(np.ones(2)).tolist() == [2, 3]
    model.load_state_dict({"0.square": [16.0, 25.0]}, assign=assign)
    assert model(np.ones(2)).tolist() == [4, 5]


def test_a_single_number_may_come_with_an_axis():
    class Single(Module):
        def __init__(self):
            super().__init__()
            self.gain = Parameter(np.array(1.0))

    single = Single()
    single.load_state_dict({"gain": np.array([5.0])})
    assert single.gain.data.tolist() == 5
    with pytest.raises(RuntimeError, match=r"size mismatch for gain: .*shape \(2,\)"):
        single.load_state_dict({"gain": np.ones(2)})


def test_what_is_no_number_is_named():
    block = Block()
    for given in (np.array(["a", "b"]), [[1.0], [1.0, 2.0]], {"nested": 1.0}, None):
        state = {**block.state_dict(), "scale": given}
        with pytest.raises(RuntimeError, match='named "scale", expected an array of real numbers'):
            block.load_state_dict(state)


@pytest.mark.torch
def test_errors_name_keys_as_torchs_do():
    torch = pytest.importorskip("torch")

    import npnet

    def model(nn):
        return nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 1, bias=False)))

    messages = []
    for part, ones in ((model(npnet), np.ones), (model(torch.nn), torch.ones)):
        state = {"0.weight": ones((3, 3)), "1.0.weight": ones((1, 3)), "1.extra": ones(1)}
        with pytest.raises(RuntimeError) as caught:
            part.load_state_dict(state)
        messages.append(str(caught.value).replace("torch.Size([3, 3])", "(3, 3)"))
    assert messages[0] == messages[1].replace("torch.Size([3, 2])", "(3, 2)")


@pytest.mark.torch
def test_a_state_goes_to_torch_and_back():
    torch = pytest.importorskip("torch")
    ours = Sequential(Linear(3, 4), Sequential(Linear(4, 2)))
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Sequential(torch.nn.Linear(4, 2)))
    ours.load_state_dict({name: t.numpy() for name, t in theirs.state_dict().items()})
    x = np.ones((2, 3), np.float32)
    expected = theirs(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(ours(x), expected, rtol=1e-5, atol=1e-6)
    ours.load_state_dict({name: a + 1 for name, a in ours.state_dict().items()})
    state = {name: torch.from_numpy(a.copy()) for name, a in ours.state_dict().items()}
    assert "matched" in repr(theirs.load_state_dict(state))
    expected = theirs(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(ours(x), expected, rtol=1e-5, atol=1e-6)
