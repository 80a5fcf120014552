"""Holder: registration, traversal, state and printing as in torch.nn.Module."""

from functools import partial

import numpy as np
import pytest

from npnet import Linear, Module, Parameter, ReLU, Sequential
from tests.support.block import Block


def test_parts_are_registered_under_their_names():
    block = Block()
    assert [name for name, _ in block.named_parameters()] == [
        "scale",
        "shift",
        "fc.weight",
        "fc.bias",
        "inner.1.weight",
    ]
    assert [name for name, _ in block.named_children()] == ["fc", "inner"]
    names = ["", "fc", "inner", "inner.0", "inner.1"]
    assert [name for name, _ in block.named_modules()] == names
    assert [name for name, _ in block.named_buffers()] == ["mean", "noise"]
    assert next(iter(block.modules())) is block
    assert [type(child) for child in block.children()] == [Linear, Sequential]
    assert len(list(block.buffers())) == 2


def test_traversal_with_prefix_depth_and_duplicates():
    block = Block()
    own = [name for name, _ in block.named_parameters(prefix="p", recurse=False)]
    assert own == ["p.scale", "p.shift"]
    names = [name for name, _ in block.named_parameters(remove_duplicate=False)]
    assert names[-2:] == ["again.weight", "again.bias"]
    assert len(list(block.parameters(recurse=False))) == 2
    assert [name for name, _ in block.named_modules(prefix="m")][1] == "m.fc"


def test_parameter_shared_by_two_modules_is_yielded_once():
    block = Block()
    block.inner[1].weight = Parameter(np.ones((1, 2)))
    other = Linear(2, 1, bias=False, dtype=np.float64)
    block.other, other.weight = other, block.inner[1].weight
    names = [name for name, _ in block.named_parameters()]
    assert "other.weight" not in names
    assert "other.weight" in block.state_dict()


@pytest.mark.parametrize("part", [lambda: Parameter([1.0]), ReLU])
def test_parts_before_super_init_are_refused(part):
    class Early(Module):
        def __init__(self):
            self.part = part()

    with pytest.raises(AttributeError, match=r"^Early: cannot .*before super\(\)\.__init__\(\)"):
        Early()


def test_a_module_made_without_super_init_says_so_when_it_is_called():
    class Bare(Module):
        def __init__(self):
            self.factor = 2.0

        def forward(self, x):
            return x * self.factor

    with pytest.raises(AttributeError, match=r"^Bare: was made without super\(\)\.__init__\(\)"):
        Bare()(1.0)


@pytest.mark.parametrize("name", ["", "a.b", 3, "forward", "training"])
@pytest.mark.parametrize("kind", ["parameter", "buffer", "module"])
def test_names_a_state_dict_could_not_tell_apart_are_refused(name, kind):
    module = Module()
    register = {
        "parameter": lambda: module.register_parameter(name, Parameter([1.0])),
        "buffer": lambda: module.register_buffer(name, np.ones(1)),
        "module": lambda: module.add_module(name, ReLU()),
    }
    with pytest.raises((KeyError, TypeError), match=r"Module: "):
        register[kind]()
    assert module.state_dict() == {}
    assert module.training is True


@pytest.mark.torch
@pytest.mark.parametrize("taken", ["parameter", "buffer", "module", "plain", "free"])
@pytest.mark.parametrize("kind", ["parameter", "buffer", "module"])
def test_a_name_is_registered_again_in_its_own_table_only_as_in_torch(torch, kind, taken):
    """Elsewhere it would take a Parameter out of the state; assigning does that on purpose."""
    theirs = torch.nn.Module(), torch.nn.Parameter(torch.ones(1)), torch.ones(1), torch.nn.ReLU()
    refused = []
    for module, *parts in ((Module(), Parameter([1.0]), np.ones(1), ReLU()), theirs):
        register = {
            "parameter": partial(module.register_parameter, "x", parts[0]),
            "buffer": partial(module.register_buffer, "x", parts[1]),
            "module": partial(module.add_module, "x", parts[2]),
            "plain": partial(setattr, module, "x", 1),
            "free": lambda: None,
        }
        register[taken]()
        try:
            register[kind]()
        except KeyError as error:
            refused.append("attribute 'x' already exists" in str(error))
    assert refused == ([] if taken in (kind, "free") else [True, True])


def test_what_is_registered_must_be_of_its_kind():
    module = Block()
    with pytest.raises(TypeError, match=r"expected a Parameter as 'p', got ndarray"):
        module.register_parameter("p", np.ones(1))
    with pytest.raises(TypeError, match=r"expected a Module as 'm', got int"):
        module.add_module("m", 3)
    with pytest.raises(TypeError, match=r"cannot assign ndarray as parameter 'scale'.*\.data = "):
        module.scale = np.ones(2)
    with pytest.raises(TypeError, match=r"cannot assign int as child module 'fc'; assign a Module"):
        module.fc = 3
    assert module.scale.data.tolist() == [1, 1]
    assert isinstance(module.fc, Linear)


def test_replacing_by_another_shape_is_refused_by_the_same_shape_taken():
    fc = Linear(2, 3)
    old, new = fc.weight, Parameter(np.ones((3, 2), np.float32))
    with pytest.raises(ValueError, match=r"^Linear: expected a Parameter of shape \(3, 2\) as 'w"):
        fc.weight = Parameter(np.ones((2, 3)))
    assert fc.weight is old
    fc.weight = new
    assert fc.weight is new
    assert next(p is new for p in fc.parameters())
    fc.bias = None
    assert fc(np.ones((1, 2))).tolist() == [[2, 2, 2]]
    assert list(fc.state_dict()) == ["weight"]


def test_none_keeps_a_place_and_parts_change_their_kind():
    block = Block()
    block.fc = None
    assert [name for name, _ in block.named_children()] == ["inner", "again"]
    names = ["", "inner", "inner.0", "inner.1", "again"]
    assert [name for name, _ in block.named_modules()] == names
    block.scale = None
    assert "scale" not in block.state_dict()
    block.mean = [5.0, 6.0]
    assert block.state_dict()["mean"].tolist() == [5, 6]
    block.shift = ReLU()
    assert "shift" in dict(block.named_children())
    assert "shift" not in block.state_dict()
    block.plain = 1
    block.plain = Parameter([1.0])
    assert "plain" in block.state_dict()


def test_deleting_forgets():
    block = Block()
    for name in ("scale", "fc", "mean"):
        delattr(block, name)
        assert not hasattr(block, name)
    assert next(iter(block.state_dict())) == "shift"
    with pytest.raises(AttributeError):
        del block.scale


def test_train_and_eval_reach_all_and_return_self():
    block = Block()
    assert block.eval() is block
    assert not any(module.training for module in block.modules())
    block.inner.train()
    assert (block.training, block.inner[0].training) == (False, True)
    assert block.train() is block
    assert all(module.training for module in block.modules())
    with pytest.raises(ValueError, match=r"^Block: expected mode True or False, got 'no'"):
        block.train("no")


def test_apply_visits_children_first_and_returns_self():
    seen, block = [], Block()
    assert block.apply(lambda m: seen.append(type(m).__name__)) is block
    assert seen == ["Linear", "ReLU", "Linear", "Sequential", "Block"]


def test_requires_grad_reaches_all_and_returns_self():
    block = Block()
    assert block.requires_grad_(False) is block
    assert not any(p.requires_grad for p in block.parameters())


def test_zero_grad_forgets_or_sets_to_zero():
    block = Block()
    block.scale.grad = [1.0, 2.0]
    held = block.scale.grad
    block.zero_grad(set_to_none=False)
    assert block.scale.grad.tolist() == held.tolist() == [0, 0]
    assert block.shift.grad is None
    block.zero_grad()
    assert block.scale.grad is None


def test_repr_nests_by_two_spaces():
    class Named(ReLU):
        def extra_repr(self):
            return "first\nsecond"

    class Outer(Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = Sequential(Linear(1, 2)), Named()

        def extra_repr(self):
            return "k=1"

    assert repr(Outer()) == (
        "Outer(\n"
        "  k=1\n"
        "  (a): Sequential(\n"
        "    (0): Linear(in_features=1, out_features=2, bias=True)\n"
        "  )\n"
        "  (b): Named(\n"
        "    first\n"
        "    second\n"
        "  )\n"
        ")"
    )


def pair(nn, parameter, tensor):
    """Return the same nested module in npnet or torch."""

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(3, 3)
            self.body = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Linear(3, 3, bias=False)))
            self.gain = parameter([1.0, 2.0])
            self.register_buffer("seen", tensor([0.0]))
            self.register_buffer("hidden", tensor([0.0]), persistent=False)
            self.body[1][0].weight = self.first.weight
            self.absent = None
            self.register_parameter("none", None)
            self.alias = self.body

    return Tied()


@pytest.mark.torch
def test_names_orders_and_texts_are_torchs():
    torch = pytest.importorskip("torch")
    import npnet

    ours = pair(npnet, Parameter, np.array)
    theirs = pair(torch.nn, lambda d: torch.nn.Parameter(torch.tensor(d)), torch.tensor)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for method in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        names = [[name for name, _ in getattr(model, method)()] for model in (ours, theirs)]
        assert names[0] == names[1], method
    for keywords in ({"prefix": "x"}, {"recurse": False}, {"remove_duplicate": False}):
        for method in ("named_parameters", "named_buffers"):
            names = [[n for n, _ in getattr(m, method)(**keywords)] for m in (ours, theirs)]
            assert names[0] == names[1], (method, keywords)
    names = [[n for n, _ in m.named_modules(remove_duplicate=False)] for m in (ours, theirs)]
    assert names[0] == names[1]
    state = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}
    assert repr(ours.load_state_dict(state)) == repr(theirs.load_state_dict(theirs.state_dict()))


def test_parts_are_found_by_dotted_names():
    block = Block()
    assert block.get_submodule("") is block
    assert block.get_submodule("inner.1") is block.inner[1]
    assert block.get_parameter("inner.1.weight") is block.inner[1].weight
    assert block.get_parameter("scale") is block.scale
    assert block.get_buffer("mean") is block.mean
    assert block.get_buffer("later") is None


@pytest.mark.torch
def test_what_is_not_found_is_refused_as_by_torch():
    torch = pytest.importorskip("torch")
    import npnet

    ours = pair(npnet, Parameter, np.array)
    theirs = pair(torch.nn, lambda d: torch.nn.Parameter(torch.tensor(d)), torch.tensor)
    for method, target in (
        ("get_submodule", "body.7"),
        ("get_submodule", "gain"),
        ("get_submodule", "gain.x"),
        ("get_submodule", "absent"),
        ("get_parameter", "body"),
        ("get_parameter", "seen"),
        ("get_parameter", "body.1.0.nothing"),
        ("get_buffer", "gain"),
        ("get_buffer", "nothing"),
        ("get_buffer", "first.weight"),
    ):
        for model in (ours, theirs):
            with pytest.raises(AttributeError):
                getattr(model, method)(target)
    with pytest.raises(AttributeError, match=r"^Tied: 'body\.0\.training' leads to 'training'"):
        ours.get_submodule("body.0.training")
    with pytest.raises(AttributeError, match=r"^Sequential has no attribute '7'"):
        ours.get_submodule("body.7")


def test_submodules_are_set_by_dotted_names():
    block, relu = Block(), ReLU()
    block.set_submodule("inner.0", relu)
    block.set_submodule("fc", relu, strict=True)
    block.set_submodule("inner.new", relu)
    assert block.inner[0] is block.fc is block.inner.new is relu
    for target, module, strict, kind in (
        ("", relu, False, ValueError),
        ("fc", 3, False, ValueError),
        ("fresh", relu, True, AttributeError),
        ("nowhere.x", relu, False, AttributeError),
        ("scale", relu, False, AttributeError),
    ):
        with pytest.raises(kind, match=r"Block"):
            block.set_submodule(target, module, strict)
    assert not hasattr(block, "fresh")


def test_register_module_and_modules_with_duplicates():
    block = Block()
    block.register_module("more", block.fc)
    assert block.more is block.fc
    assert len(list(block.modules())) == 5
    assert len(list(block.modules(remove_duplicate=False))) == 7


def test_train_calls_the_train_of_every_child():
    class Frozen(ReLU):
        def train(self, mode=True):
            return super().train(False)

    class Sometimes(Module):
        def forward(self, x):
            return x * 2.0 if self.training else x

    frozen, inner = Sequential(Frozen(), Sometimes()), Sometimes()
    model = Sequential(frozen, inner)
    assert model.eval() is model
    assert model(np.ones(1)).tolist() == [1]
    model.train()
    assert [module.training for module in model.modules()] == [True, True, False, True, True]
    assert model(np.ones(1)).tolist() == [4]


def test_names_that_cannot_be_written_are_not_listed():
    names = dir(Sequential(ReLU()))
    assert "forward" in names
    assert "state_dict" in names
    assert "0" not in names


def test_elements_are_counted():
    assert sum(p.numel() for p in Block().parameters()) == 2 + 4 + 2 + 2 + 2
