"""The samples that torch's own tests of its optimizers use, run on npnet."""

import types
from functools import partial

import numpy as np
import pytest

from npnet import Parameter, optim
from npnet.optim import lr_scheduler
from tests.support.rules import arrays, give
from tests.support.samples import database

pytestmark = pytest.mark.torch

#: How many samples of options there are for each optimizer. All are run, as are all schedules.
KINDS = {"SGD": 9, "Adam": 5, "AdamW": 5, "RMSprop": 8, "Adagrad": 7}

#: Wrong inputs that npnet answers in another way than torch, by description: what it raises (None
#: for nothing), and why.
OTHERWISE = {
    "a param group cannot have duplicate parameters": (
        ValueError,
        "torch only warns, and steps the parameter twice",
    ),
    "Tensor lr must be 1-element": (
        TypeError,
        "an array is no number, and what is no number is a TypeError throughout npnet",
    ),
    "betas must be either both floats or both Tensors": (
        None,
        "a 0-d array is the number it holds, beside a float too",
    ),
}


@pytest.fixture(scope="module")
def infos():
    """Return torch's entries by the name of the optimizer."""
    entries = database("common_optimizers", "optim_db")
    return {info.name: info for info in entries if info.name in KINDS}


def dtypes():
    torch = pytest.importorskip("torch")
    return (torch.float32, torch.float64)


def to_npnet(value, made):
    """Return what torch was given as npnet takes it: Parameters, once each, and arrays."""
    torch = pytest.importorskip("torch")
    if isinstance(value, torch.nn.Parameter):
        return made.setdefault(id(value), Parameter(value.detach().numpy()))
    if isinstance(value, torch.Tensor):
        return value.numpy()
    if isinstance(value, dict):
        return {name: to_npnet(entry, made) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(to_npnet(entry, made) for entry in value)
    return value


def twins(kind, options, dtype):
    """Return npnet's parameters and optimizer, and torch's."""
    torch = pytest.importorskip("torch")
    given = arrays(np.random.default_rng(0), torch.zeros(0, dtype=dtype).numpy().dtype)
    mine = [Parameter(array) for array in given]
    theirs = [torch.nn.Parameter(torch.tensor(array)) for array in given]
    return (
        (mine, getattr(optim, kind)(mine, **to_npnet(options, {}))),
        (theirs, getattr(torch.optim, kind)(theirs, **options)),
    )


def assert_close(mine, theirs):
    close = pytest.importorskip("torch").testing.assert_close
    for own, twin in zip(mine, theirs, strict=True):
        close(own.data, twin.detach().numpy())


def errors(info, dtype):
    """Return torch's wrong inputs for an optimizer."""
    return info.optim_error_inputs_func("cpu", dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_options_of_torchs_samples_step_as_torch(infos, kind):
    for dtype in dtypes():
        samples = infos[kind].optim_inputs_func("cpu", dtype)
        assert len(samples) == KINDS[kind]
        for sample in samples:
            (mine, own), (theirs, twin) = twins(kind, sample.kwargs, dtype)
            rng = np.random.default_rng(1)
            for _ in range(10):
                give(rng, mine, theirs, missing=0.1)
                own.step()
                twin.step()
                assert_close(mine, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_schedules_of_torchs_samples_set_torchs_rates(infos, kind):
    torch = pytest.importorskip("torch")
    ours = {name: getattr(lr_scheduler, name) for name in lr_scheduler.__all__}
    for makers in infos[kind].scheduler_inputs:
        (mine, own), (theirs, twin) = twins(kind, {}, torch.float64)
        # The functions find the schedules by name: npnet's for its optimizer, else torch's.
        rebuilt = [
            types.FunctionType(m.__code__, {**m.__globals__, **ours}, closure=m.__closure__)
            for m in makers
        ]
        pairs = [(mine_(own), maker(twin)) for mine_, maker in zip(rebuilt, makers, strict=True)]
        rng = np.random.default_rng(1)
        for _ in range(30):
            give(rng, mine, theirs)
            own.step()
            twin.step()
            for pair in pairs:
                for scheduler in pair:
                    plateau = type(scheduler).__name__ == "ReduceLROnPlateau"
                    scheduler.step(*([1.0] if plateau else []))
            assert own.learning_rates == [group["lr"] for group in twin.param_groups]
        assert all(type(one).__module__.startswith("npnet") for one, _ in pairs)
        assert_close(mine, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_inputs_of_torchs_samples_are_refused(infos, kind):
    for dtype in dtypes():
        for error in errors(infos[kind], dtype):
            given, made = error.optimizer_error_input, {}
            params = [Parameter([1.0])] if given.params is None else to_npnet(given.params, made)
            expected, _ = OTHERWISE.get(given.desc, (error.error_type, ""))
            assert error.error_on.name == "CONSTRUCTION_ERROR"
            build = partial(getattr(optim, kind), params, **to_npnet(given.kwargs, {}))
            if expected is None:
                build()
                continue
            before = [parameter.data for parameter in made.values()]
            with pytest.raises(expected, match=f"^{kind}: "):
                build()
            for parameter, data in zip(made.values(), before, strict=True):
                assert parameter.data is data


def test_every_row_of_the_table_is_needed(infos):
    assert infos.keys() == KINDS.keys()
    answers = {}
    for info in infos.values():
        found = errors(info, dtypes()[0])
        answers |= {error.optimizer_error_input.desc: error.error_type for error in found}
    for row, (answer, why) in OTHERWISE.items():
        assert row in answers and answers[row] is not answer and why
