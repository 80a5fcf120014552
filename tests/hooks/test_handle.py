import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

from npnet import Linear, ReLU, Sequential
from npnet.hooks import RemovableHandle
from npnet.hooks.handle import TABLES, register
from npnet.parameter import structure


def watch(*values):
    """Do nothing, as a hook that can be pickled."""


@pytest.mark.parametrize("table", TABLES)
def test_hooks_stand_in_their_table_in_order(table):
    relu = ReLU()
    handles = [register(relu, table, watch, prepend) for prepend in (False, False, True)]
    assert list(getattr(relu, table)) == [handles[2].id, handles[0].id, handles[1].id]
    assert len({handle.id for handle in handles}) == 3
    handles[0].remove()
    assert list(getattr(relu, table)) == [handles[2].id, handles[1].id]


def test_registering_and_removing_are_changes_of_structure():
    relu = ReLU()
    signature, now = relu.signature(), structure.now
    handle = register(relu, TABLES[0], watch, False)
    assert relu.signature() != signature
    assert structure.now is not now
    signature, now = relu.signature(), structure.now
    handle.remove()
    assert relu.signature() != signature
    assert structure.now is not now
    now = structure.now
    relu._forward_pre_hooks.clear()
    RemovableHandle(relu, TABLES[0]).remove()
    assert structure.now is now


def test_leaving_a_with_removes_even_after_an_error():
    relu = ReLU()
    with pytest.raises(KeyError), register(relu, "_forward_hooks", watch, False, True) as handle:
        assert relu._hooks_with_kwargs == {handle.id}
        raise KeyError
    assert not relu._forward_hooks
    assert not relu._hooks_with_kwargs


def test_a_handle_does_not_keep_its_module_alive():
    relu = ReLU()
    handle = relu.register_forward_hook(watch)
    gone = weakref.ref(relu)
    del relu
    gc.collect()
    assert gone() is None
    handle.remove()
    copy.deepcopy(handle).remove()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copied_handle_removes_from_the_copied_module(copied):
    model = Sequential(Linear(2, 2))
    model.handles = [model[0].register_forward_hook(watch)]
    other = copied(model)
    other.handles[0].remove()
    assert len(model[0]._forward_hooks) == 1
    assert len(other[0]._forward_hooks) == 0
    other[0].register_forward_hook(watch)
    assert len(other[0]._forward_hooks) == 1


@pytest.mark.torch
def test_tables_are_named_as_torchs():
    torch = pytest.importorskip("torch")
    theirs, ours = torch.nn.ReLU(), ReLU()
    for kind in (
        "forward_pre_hook",
        "forward_hook",
        "full_backward_pre_hook",
        "full_backward_hook",
    ):
        sizes = []
        for module in (ours, theirs):
            getattr(module, f"register_{kind}")(watch)
            sizes.append([len(getattr(module, table)) for table in TABLES])
        assert sizes[0] == sizes[1]
    assert np.sum(sizes) == 8
