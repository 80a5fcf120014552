"""Buffers: what they take, and which of them are part of the state."""

import numpy as np
import pytest

from npnet import Graph, Linear, Module, Parameter


@pytest.mark.parametrize("deleted", [False, True])
def test_what_takes_the_name_of_a_buffer_that_is_not_kept_is_kept(deleted):
    module = Module()
    module.register_buffer("pos", np.zeros(2), persistent=False)
    assert "pos" not in module.state_dict()
    if deleted:
        del module.pos
        assert not module._transient
    module.pos = Parameter([1.0, 2.0])
    assert module.state_dict()["pos"].tolist() == [1, 2]
    child = Module()
    child.register_buffer("pos", np.zeros(2), persistent=False)
    child.pos = Linear(1, 1, bias=False)
    module.child = child
    assert list(module.state_dict()) == ["pos", "child.pos.weight"]


def test_a_buffer_stays_unkept_when_it_is_set_and_is_kept_when_registered_so():
    module = Module()
    module.register_buffer("pos", np.zeros(2), persistent=False)
    module.pos = [1.0, 2.0]
    module.double().pos = None
    assert list(module.state_dict()) == [] and "pos" in module._buffers
    module.pos = np.ones(2)
    assert list(module.float().state_dict()) == []
    module.register_buffer("pos", np.ones(2))
    assert list(module.state_dict()) == ["pos"]
    module.register_buffer("pos", np.ones(2), persistent=False)
    assert list(module.state_dict()) == []
    del module.pos
    module.pos = np.ones(2)
    module.register_buffer("other", np.ones(2))
    assert list(module.state_dict()) == ["other"]


def test_a_node_is_no_buffer():
    class Running(Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mu", np.zeros(2))

        def forward(self, x):
            self.mu = 0.9 * self.mu + 0.1 * x.mean(0)
            return x - self.mu

    running = Running()
    before, version = running.mu, running._version
    message = (
        r"^Running: expected an array as buffer 'mu', got Node; running statistics are computed "
        r"from arrays: after the call, in a forward hook, or, in place, in the kernel of a Layer$"
    )
    with pytest.raises(TypeError, match=message):
        running(np.ones((3, 2)))
    node = Graph().input("x")
    for value, kind in ((node, "Node"), ([node, 1.0], "list"), ([{}], "list")):
        with pytest.raises(TypeError, match=rf"buffer 'mu', got {kind}; running statistics"):
            running.register_buffer("mu", value, persistent=False)
    assert running.mu is before and running._version == version
    assert list(running.state_dict()) == ["mu"]
    fresh = Module()
    with pytest.raises(TypeError, match=r"^Module: expected an array as buffer 'mu', got Node"):
        fresh.register_buffer("mu", node)
    assert not hasattr(fresh, "mu")
    fresh.register_buffer("mu", Parameter([3.0]))
    assert type(fresh.mu) is np.ndarray


def test_running_statistics_are_followed_where_the_message_says():
    class Running(Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mu", np.zeros(2))

        def forward(self, x):
            return x - self.mu

    def follow(module, inputs, output):
        module.mu = 0.5 * module.mu + 0.5 * inputs[0].mean(0)

    x = np.array([[2.0, 4.0], [6.0, 0.0]])
    hooked, after = Running(), Running()
    hooked.register_forward_hook(follow)
    for mu in ([0.0, 0.0], [2.0, 1.0], [3.0, 1.5]):
        assert hooked.mu.tolist() == after.mu.tolist() == mu
        assert hooked(x).tolist() == after(x).tolist() == (x - mu).tolist()
        follow(after, (x,), None)
    assert hooked.state_dict()["mu"].tolist() == after.state_dict()["mu"].tolist() == [3.5, 1.75]
