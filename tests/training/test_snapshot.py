import copy

import numpy as np
import pytest

import npnet
from npnet import CheckpointError, CrossEntropyLoss, Linear, Module, Sequential
from npnet.optim import SGD, Adam
from npnet.optim.lr_scheduler import ExponentialLR, MultiStepLR, OneCycleLR, ReduceLROnPlateau
from npnet.training import Callback, EarlyStopping, Trainer, snapshot
from npnet.training.snapshot import OpenEpoch, collect, restore
from tests.support.runs import CLASSES, FEATURES, Hits, bits, loaders, samples, trainer


class AfterSteps(Callback):
    """Stops a run after so many steps."""

    def __init__(self, steps):
        self.steps = steps

    def on_step_end(self, trainer):
        trainer.stopped = trainer.steps == self.steps


def stopped(steps=8, **options):
    """Return a run in the middle of its second epoch."""
    run = trainer(callbacks=[EarlyStopping(patience=50), AfterSteps(steps)], **options)
    run.fit(loaders()[0], 3)
    return run


def changed(state, **parts):
    return {**copy.deepcopy(state), **parts}


def refused(run, state, match, **options):
    """Hold that a state is refused, and that nothing is changed by it."""
    before, waiting, opened = bits(run), run.waiting_streams, run.open_epoch
    random = npnet.random.default_generator().get_state()
    with pytest.raises(CheckpointError, match=match):
        restore(run, state, "run.npz", other_version=False, **options)
    assert bits(run) == before
    assert run.waiting_streams is waiting and (run.open_epoch is None) == (opened is None)
    assert repr(npnet.random.default_generator().get_state()) == repr(random)


def test_a_state_of_another_format_or_version_is_refused():
    state, run = collect(stopped()), stopped(3)
    refused(run, changed(state, format=2), "run.npz has format 2, this version of npnet reads 1")
    refused(run, [], "has format None")
    refused(
        run, changed(state, npnet="9.9"), r"written by npnet 9\.9, this is .*other_version=True"
    )
    restore(run, changed(state, npnet="9.9"), "run.npz", other_version=True)
    assert run.steps == 8


def test_a_state_of_another_model_is_refused_with_all_that_differs():
    state = collect(stopped())
    model = Sequential(Linear(FEATURES, 7), Linear(7, CLASSES, dtype=np.float64))
    other = Trainer(model, CrossEntropyLoss(), SGD(model.parameters(), lr=0.1))
    refused(other, state, r"another model: .*'4.weight', which is not here.* and \d more")
    match = r"it has no 'extra'; '0.weight' is float32 of shape \(6, 5\) there, .* of \(9, 5\) here"
    run = stopped(3)
    run.model._modules["0"] = Linear(FEATURES, 9)
    run.model.extra = npnet.Parameter([1.0])
    with pytest.raises(CheckpointError, match=match):
        restore(run, state, "run.npz", other_version=False)
    run = stopped(3)
    run.model.double()
    refused(run, state, "float32 of shape .* there, float64")


def test_other_parts_are_refused():
    state, model = collect(stopped()), None
    callbacks = [EarlyStopping(), AfterSteps(0)]
    refused(
        trainer(callbacks=callbacks[:1]), state, r"run with \['EarlyStopping', 'AfterSteps'\] as"
    )
    refused(
        trainer(callbacks=callbacks, schedule=None), state, "with StepLR as schedule, .* has None"
    )
    refused(trainer(callbacks=callbacks, metrics=[]), state, r"\['accuracy'\] as metrics")
    run = trainer(callbacks=callbacks)
    model = run.model
    other = SGD(model.parameters(), lr=0.1)
    run = Trainer(
        model,
        run.loss,
        other,
        schedule=ExponentialLR(other, 0.9),
        callbacks=callbacks,
        metrics=[Hits()],
    )
    refused(run, state, "with Adam as optimizer, this one has SGD")


@pytest.mark.parametrize("part", ["model", "optimizer", "schedule", "callbacks", "open", "rest"])
def test_a_state_with_a_part_missing_is_refused(part):
    state = collect(stopped())
    del state[part]
    refused(stopped(3), state, "none that a Trainer writes")


def test_what_does_not_fit_in_the_middle_changes_nothing():
    state = collect(stopped())
    groups = state["optimizer"]["state"]["param_groups"]
    wrong = {**state["optimizer"], "state": {"state": {}, "param_groups": groups * 2}}
    refused(stopped(3), changed(state, optimizer=wrong), "does not fit this run: .*groups of sizes")
    refused(stopped(3), changed(state, history={"records": [{"loss": "x"}]}), "expected a number")
    states = {"names": {}, "states": {"default": {"words": 3}}}
    refused(stopped(3), changed(state, streams=states), "does not fit this run")


def test_buffers_outside_the_state_dict_and_the_loss_are_part_of_it():
    class Counting(Module):
        def __init__(self):
            super().__init__()
            self.fc = Linear(FEATURES, CLASSES)
            self.register_buffer("hidden", np.zeros(2), persistent=False)

        def forward(self, x):
            return self.fc(x)

    class Tempered(Module):
        def __init__(self):
            super().__init__()
            self.scale, self.loss = npnet.Parameter([1.0]), CrossEntropyLoss()

        def forward(self, x, y):
            return self.loss(x * self.scale, y)

    def run():
        npnet.manual_seed(0)
        model, loss = Counting(), Tempered()
        optimizer = Adam([*model.parameters(), *loss.parameters()], lr=0.1)
        return Trainer(model, loss, optimizer)

    first, second = run(), run()
    first.fit(loaders()[0], 2)
    first.model.hidden[:] = 5
    restore(second, copy.deepcopy(collect(first)), "run.npz", other_version=False)
    assert second.model.hidden.tolist() == [5, 5]
    assert second.loss.scale.data == first.loss.scale.data != 1
    assert {*collect(first)["rest"]} == {"loss.scale", "model.hidden"}


@pytest.mark.parametrize(
    "schedule, steps",
    [
        (lambda o: MultiStepLR(o, [1, 3, 3]), False),
        (lambda o: OneCycleLR(o, 0.1, total_steps=40), True),
        (lambda o: ReduceLROnPlateau(o, patience=0, threshold=0.5), False),
    ],
)
def test_schedules_of_every_kind_go_on(schedule, steps):
    def run(last, state=None):
        found = trainer(callbacks=[AfterSteps(last)], schedule=None)
        found.schedule, found.schedule_steps = schedule(found.optimizer), steps
        if state:
            restore(found, state, "run.npz", other_version=False)
            found.stopped = False
        found.fit(loaders()[0], 5)
        return found

    whole, broken = run(0), run(8)
    again = run(0, copy.deepcopy(collect(broken)))
    assert bits(again) == bits(whole)


def test_metrics_go_on_by_their_state_dict_or_their_attributes():
    class Stateful(Hits):
        name = "stateful"

        def state_dict(self):
            return {"seen": (self.hits, self.rows)}

        def load_state_dict(self, state):
            self.hits, self.rows = state["seen"]

    run = stopped(metrics=[Hits(), Stateful()])
    again = trainer(metrics=[Hits(), Stateful()], callbacks=[EarlyStopping(), AfterSteps(0)])
    restore(again, copy.deepcopy(collect(run)), "run.npz", other_version=False)
    for one, other in zip(run.metrics, again.metrics, strict=True):
        assert vars(one) == vars(other) and one.rows == 8


def test_an_epoch_knows_how_long_it_took(monkeypatch):
    times = [10.0]
    monkeypatch.setattr(snapshot.time, "monotonic", lambda: times[-1])
    epoch = OpenEpoch({}, {}, True)
    times.append(14.0)
    state = epoch.state()
    times.append(100.0)
    again = OpenEpoch.of(state)
    times.append(101.0)
    assert again.seconds == 5.0 and again.state() == {**state, "seconds": 5.0}


def test_data_of_a_loader_without_numbers_is_no_part_of_it():
    x, y = samples()
    batches = [(x[i : i + 4], y[i : i + 4]) for i in range(0, 22, 4)][:5]
    run = trainer(callbacks=[AfterSteps(3)])
    run.fit(batches, 2)
    assert collect(run)["open"]["last"] is None and run.open_epoch.place == 3
