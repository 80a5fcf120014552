import numpy as np
import pytest

import npnet
from npnet import CrossEntropyLoss, Linear, Module, MSELoss, Sequential
from npnet.data import DataLoader
from npnet.optim import SGD, Adam
from npnet.optim.lr_scheduler import OneCycleLR
from npnet.training import Trainer
from npnet.utils import clip_grad_norm_
from tests.support.runs import CLASSES, FEATURES, loaders, network, samples, trainer


def weights_of(model):
    return [parameter.data.copy() for parameter in model.parameters()]


def by_hand(model, loader, epochs, clip=None, schedule=None):
    """Train with the loop of README."""
    criterion = CrossEntropyLoss()
    optimizer = Adam(model.parameters(), lr=0.02)
    scheduler = schedule and schedule(optimizer)
    for _ in range(epochs):
        for x, y in loader:
            logits = model(x)
            criterion(logits, y)
            optimizer.zero_grad()
            model.backward(criterion.backward())
            if clip is not None:
                clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            if scheduler:
                scheduler.step()
    return weights_of(model)


def one_cycle(optimizer):
    return OneCycleLR(optimizer, 0.1, total_steps=30)


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("schedule", [None, one_cycle])
@pytest.mark.parametrize("own", [None, 5])
def test_steps_are_those_of_the_loop_written_by_hand(clip, schedule, own):
    def generator():
        return None if own is None else npnet.Generator(own)

    loader, _ = loaders(generator())
    expected = by_hand(network(), loader, 3, clip, schedule)
    model = network()
    optimizer = Adam(model.parameters(), lr=0.02)
    given = schedule and schedule(optimizer)
    run = Trainer(
        model, CrossEntropyLoss(), optimizer, clip=clip, schedule=given, schedule_steps=True
    )
    run.fit(loaders(generator())[0], 3)
    found = weights_of(model)
    assert [a.tobytes() for a in found] == [a.tobytes() for a in expected]
    assert run.steps == 18


def linear(count=24):
    """Return a model without a batch's statistics, and data, in float64."""
    npnet.manual_seed(0)
    x, y = samples(count)
    return Linear(FEATURES, CLASSES, dtype=np.float64), x.astype(np.float64), y


def trained(size, accumulate, loss=None, data=None, **options):
    model, x, y = linear()
    x, y, *more = (x, y) if data is None else data
    optimizer = SGD(model.parameters(), lr=0.1)
    run = Trainer(model, loss or CrossEntropyLoss(), optimizer, accumulate=accumulate, **options)
    batches = [
        tuple(part[start : start + size] for part in (x, y, *more))
        for start in range(0, len(x), size)
    ]
    run.fit(batches, 2)
    return run, weights_of(model)


@pytest.mark.parametrize("rows", [24, 22, 21, 17])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_batches_that_are_accumulated_make_the_step_of_one_large_batch(rows, reduction):
    _, x, y = linear(rows)
    loss = CrossEntropyLoss(reduction=reduction)
    _, expected = trained(12, 1, loss, (x, y))
    run, found = trained(4, 3, loss, (x, y), clip=np.inf)
    assert run.steps == 4
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_weights_accumulate_too():
    _, x, y = linear()
    weights = np.random.default_rng(0).uniform(0, 3, len(x))
    _, expected = trained(12, 1, None, (x, y, weights), sample_weight=True)
    _, found = trained(4, 3, None, (x, y, weights), sample_weight=True)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "options",
    [{}, {"ignore_index": 1}, {"weight": np.array([0.5, 2.0, 1.0])}, {"reduction": "sum"}],
)
def test_what_a_loss_ignores_and_weighs_accumulates_as_in_one_large_batch(options):
    _, x, y = linear()
    given = np.where(np.arange(len(y)) % 3, y, options.get("ignore_index", -100))
    one, expected = trained(12, 1, CrossEntropyLoss(**options), (x, given))
    run, found = trained(4, 3, CrossEntropyLoss(**options), (x, given))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    if options and "reduction" not in options:
        (_, a), (_, b) = (r.history["loss"] for r in (run, one))
        assert a == pytest.approx(b, rel=1e-12)


def test_class_weights_are_those_of_the_loss():
    _, x, y = linear()
    by_class = [0.5, 2.0, 1.0]
    _, expected = trained(6, 1, CrossEntropyLoss(weight=np.array(by_class)), (x, y))
    for given in (by_class, dict(enumerate(by_class)), {0: 0.5, 1: 2}):
        _, found = trained(6, 1, None, (x, y), class_weight=given)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_labels_that_the_loss_ignores_count_nothing_among_weights_either():
    _, x, y = linear()
    ignoring = np.where(np.arange(len(y)) % 3, y, -100)
    _, expected = trained(6, 1, CrossEntropyLoss(weight=np.full(CLASSES, 2.0)), (x, ignoring))
    _, found = trained(6, 1, None, (x, ignoring), class_weight=[2.0] * CLASSES)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


class Penalized(Module):
    """An objective with a penalty, which gives the logits too if asked to."""

    def __init__(self, outputs):
        super().__init__()
        self.fc, self.loss, self.outputs = Linear(FEATURES, CLASSES), CrossEntropyLoss(), outputs
        self.penalty = npnet.Regularization(0.1)

    def forward(self, x, y):
        logits = self.fc(x)
        value = self.loss(logits, y) + self.penalty(self.fc.weight)
        return (value, logits) if self.outputs else value


def test_an_objective_is_its_own_loss():
    npnet.manual_seed(0)
    objective = Penalized(outputs=False)
    x, y = samples()
    expected = float(objective(x, y))
    run = Trainer(objective, optimizer=SGD(objective.parameters(), lr=0.0))
    record = run.fit(DataLoader(x, y, 11), 1).records[0]
    assert record["loss"] == pytest.approx(expected, rel=1e-6)


def test_an_objective_with_outputs_has_metrics_and_accumulates():
    from tests.support.runs import Hits

    npnet.manual_seed(0)
    objective = Penalized(outputs=True)
    x, y = samples()
    hits = float((objective.fc(x).argmax(1) == y).mean())
    optimizer = SGD(objective.parameters(), lr=0.0)
    run = Trainer(objective, optimizer=optimizer, metrics=[Hits()], accumulate=2)
    assert run.fit(DataLoader(x, y, 5), 1).records[0]["accuracy"] == pytest.approx(hits)
    mute = Penalized(outputs=False)
    run = Trainer(mute, optimizer=SGD(mute.parameters(), lr=0.0), metrics=[Hits()])
    with pytest.raises(TypeError, match="let the objective return the loss and the outputs"):
        run.fit(DataLoader(x, y, 5), 1)


def test_a_batch_of_one_array_is_an_objectives_only_operand():
    class Reconstruction(Module):
        def __init__(self):
            super().__init__()
            self.fc, self.loss = Linear(FEATURES, FEATURES), MSELoss()

        def forward(self, x):
            return self.loss(self.fc(x), x)

    objective = Reconstruction()
    run = Trainer(objective, optimizer=SGD(objective.parameters(), lr=0.1))
    losses = run.fit(DataLoader(samples()[0], batch_size=4), 5)["loss"]
    assert losses[-1] < losses[0]


def test_a_batch_that_fails_is_named_by_its_samples():
    x, y = samples()
    y = y.copy()
    y[[9, 13]] = 7, -1
    run = trainer()
    order = np.arange(len(x))[::-1].tolist()
    with pytest.raises(IndexError, match=r"Target 7 is out of bounds|Target -1") as error:
        run.fit(DataLoader(x, y, 5, sampler=order), 1)
    first, second = error.value.__notes__[-2:]
    assert first == "Trainer: in step 2 (epoch 1, batch 1, of samples [16, 15, 14, 13, 12])"
    assert "expected labels from 0 to 2, got -1 in row 13" in second
    assert run.steps == 1 and run.open_epoch.place == 1


def test_a_failing_batch_among_several_is_named():
    x, y = samples()
    x = [*x]
    x[10] = np.zeros(3, np.float32)
    run = trainer(accumulate=2)
    data = [tuple(pair) for pair in zip(x, y, strict=True)]
    with pytest.raises(ValueError, match="one shape") as error:
        run.fit(DataLoader(data, 4), 1)
    assert "step 2 (epoch 1, batch 2, of samples [8, 9, 10, 11])" in error.value.__notes__[-1]


def test_a_last_batch_of_one_row_is_named_where_layers_need_more():
    x, y = samples(9)
    with pytest.raises(ValueError, match=r"more than 1 value per channel.*leave") as error:
        trainer().fit(DataLoader(x, y, 4), 1)
    assert "(epoch 1, batch 2, of samples [8])" in error.value.__notes__[-1]
    trainer().fit(DataLoader(x, y, 4, drop_last=True), 1)


def test_one_row_trains_where_layers_allow_it():
    x, y = samples(1)
    model = Sequential(Linear(FEATURES, CLASSES))
    run = Trainer(model, CrossEntropyLoss(), SGD(model.parameters(), lr=0.1))
    assert run.fit(DataLoader(x, y), 3)["loss"][-1] < 2


def test_inputs_and_targets_of_different_length_are_refused():
    x, y = samples()
    with pytest.raises(ValueError, match="one length, got 22 inputs, 21 targets"):
        DataLoader(x, y[1:], 4)
    with pytest.raises(ValueError, match="the batch sizes are 22 and 21") as error:
        trainer().fit([(x, y[1:])], 1)
    assert "step 1 (epoch 1, batch 0)" in error.value.__notes__[-1]
