import numpy as np
import pytest

import npnet
from npnet import CrossEntropyLoss, Linear, Module
from npnet.data import DataLoader
from npnet.optim import SGD
from npnet.training import Trainer
from tests.support.runs import BATCH, BATCHES, Hits, bits, loaders, samples, trainer


def trained():
    run = trainer()
    run.fit(loaders()[0], 2)
    return run


def test_the_mean_is_over_samples_whatever_the_batches():
    run, (x, y) = trained(), samples()
    run.model.eval()
    logits = run.model(x)
    run.model.train()
    loss, hits = float(CrossEntropyLoss()(logits, y)), float((logits.argmax(1) == y).mean())
    for size in (1, 4, 22, 50):
        found = run.evaluate(DataLoader(x, y, size))
        assert found == {"loss": pytest.approx(loss, rel=1e-5), "accuracy": pytest.approx(hits)}


@pytest.mark.parametrize("options", [{}, {"weight": np.float32([0.5, 2, 1])}])
def test_the_mean_is_over_the_labels_that_count_whatever_the_batches(options):
    x, y = samples()
    y = np.where(np.arange(len(y)) < 9, y, -100)
    model, loss = Linear(x.shape[1], 3), CrossEntropyLoss(**options)
    run = Trainer(model, loss, SGD(model.parameters(), lr=0.1))
    expected = float(CrossEntropyLoss(**options)(model(x), y))
    for size in (2, 4, 22):
        batches = [b for b in DataLoader(x, y, size) if (b[1] >= 0).any()]
        assert run.evaluate(batches)["loss"] == pytest.approx(expected, rel=1e-6)
    assert np.isnan(run.evaluate([(x, np.full(len(y), -100))])["loss"])


def test_weights_count_in_evaluation_too():
    x, y = samples()
    w = np.random.default_rng(0).uniform(0, 2, len(x))
    model = Linear(5, 3)
    optimizer = SGD(model.parameters(), lr=0.1)
    run = Trainer(
        model,
        CrossEntropyLoss(),
        optimizer,
        metrics=[Hits()],
        sample_weight=True,
        class_weight={1: 3},
    )
    counts = w * np.where(y == 1, 3, 1)
    each, hits = CrossEntropyLoss(reduction="none")(model(x), y), model(x).argmax(1) == y
    found = run.evaluate([(x[:15], y[:15], w[:15]), (x[15:], y[15:], w[15:])])
    assert found["loss"] == pytest.approx((each * counts).sum() / counts.sum(), rel=1e-6)
    assert found["accuracy"] == pytest.approx((hits * counts).sum() / counts.sum(), rel=1e-6)


def test_nothing_is_changed_but_the_stream_of_the_loader():
    run = trained()
    run.model[1].eval()
    before = bits(run)
    metric = vars(run.metrics[0]).copy()
    loader = DataLoader(*samples(), BATCH, generator=npnet.Generator(0))
    assert run.evaluate(loader) == run.evaluate(loader)
    run.predict(samples()[0])
    assert bits(run) == before and vars(run.metrics[0]) == metric
    assert [module.training for module in run.model.modules()] == [True, True, False, *[True] * 3]


def test_figures_that_are_arrays_come_as_they_are():
    class Table(Hits):
        name = "table"

        def compute(self):
            return np.eye(2)

    run = trainer(metrics=[Table()])
    loader, validation = loaders()
    assert run.evaluate(validation)["table"].tolist() == [[1, 0], [0, 1]]
    assert "val_table" not in run.fit(loader, 1, validation).names


def test_a_batch_that_fails_is_named():
    x, y = samples()
    y = y.copy()
    y[9] = 5
    with pytest.raises(IndexError) as error:
        trained().evaluate(DataLoader(x, y, 4))
    assert error.value.__notes__[-1] == (
        "Trainer: in evaluation, batch 2, of samples [8, 9, 10, 11]"
    )


def test_no_batches_are_no_mean():
    with pytest.raises(ValueError, match="evaluate: expected at least one batch in the data, got"):
        trained().evaluate([])
    words = r"^Trainer\.fit: expected at least one batch in the validation, got none"
    for empty, steps in (([], 0), (iter([]), BATCHES)):  # known beforehand, or not
        run = trainer()
        with pytest.raises(ValueError, match=words):
            run.fit(loaders()[0], 1, empty)
        assert run.steps == steps


def test_predictions_are_those_of_evaluation():
    run, (x, y) = trained(), samples()
    run.model.eval()
    expected = run.model(x)
    run.model.train()
    for inputs in (x, (x,), DataLoader(x, batch_size=4), DataLoader(x, y, 4), [x[:9], x[9:]]):
        for size in (1, 5, 100):
            found = run.predict(inputs, size)
            assert found.shape == (22, 3)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert run.predict(x[:0]).shape == (0, 3)


def test_predictions_of_several_inputs_and_outputs():
    class Two(Module):
        def forward(self, x, y):
            return x + y, x - y

    model = Two()
    model.weight = npnet.Parameter([1.0])
    run = Trainer(model, lambda outputs, target: outputs[0], SGD(model.parameters(), lr=0.1))
    x, y = np.arange(6.0), np.ones(6)
    for inputs in ((x, y), [(x[:4], y[:4], None), (x[4:], y[4:], None)]):
        total, difference = run.predict(inputs, 4)
        assert total.tolist() == (x + y).tolist() and difference.tolist() == (x - y).tolist()
    with pytest.raises(ValueError, match=r"inputs of one length, got \[6, 5\]"):
        run.predict((x, y[1:]))


def test_predictions_that_cannot_be():
    run = trained()
    with pytest.raises(ValueError, match="at least one batch"):
        run.predict([])
    with pytest.raises(ValueError, match="batch_size >= 1, got 0"):
        run.predict(samples()[0], 0)
    with pytest.raises(ValueError, match="Linear") as error:
        run.predict([samples()[0], np.zeros((2, 9))])
    assert error.value.__notes__[-1] == "Trainer: in prediction, batch 1"
    objective = Linear(2, 1)
    with pytest.raises(TypeError, match="the model is an objective"):
        Trainer(objective, optimizer=SGD(objective.parameters(), lr=0.1)).predict(np.ones((1, 2)))
