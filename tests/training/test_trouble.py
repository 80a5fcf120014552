import numpy as np
import pytest

import npnet
from npnet import CrossEntropyLoss, Linear, Module, Sequential
from npnet.data import DataLoader
from npnet.optim import SGD
from npnet.training import Callback, NonFiniteError, Trainer
from tests.support.runs import BATCH, bits, loaders, samples, trainer


def spoilt(row, value=np.nan, column=2):
    x, y = samples()
    x[row, column] = value
    return x, y


def reversed_loader(x, y, **options):
    return DataLoader(x, y, BATCH, sampler=[*range(len(x))][::-1], **options)


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_inputs_that_are_not_finite_are_named_by_their_sample(accumulate, value):
    run = trainer(accumulate=accumulate)
    with pytest.raises(NonFiniteError) as error:
        run.fit(reversed_loader(*spoilt(8, value)), 1)
    found = error.value
    assert found.samples == [8] and (found.epoch, found.batch) == (1, 3)
    assert found.step == 4 if accumulate == 1 else found.step == 2
    assert found.anomaly.kind == "input" and found.anomaly.name == "input"
    assert "batch 3, of samples [9, 8, 7, 6])" in str(found)
    assert f"input 'input' has {value} at [1, 2], in row 1: sample 8" in str(found)


def test_batches_of_a_list_are_named_by_their_number_and_rows():
    x, y = spoilt(8)
    with pytest.raises(
        NonFiniteError, match=r"batch 2\): input 'input' has nan .* in row 0$"
    ) as error:
        trainer().fit([(x[i : i + 4], y[i : i + 4]) for i in range(0, 20, 4)], 1)
    assert error.value.samples == [0]


def test_several_bad_samples_are_listed():
    x, y = samples()
    x[[4, 6, 7]] = np.inf
    with pytest.raises(NonFiniteError, match=r"in rows 0, 2, 3: samples 4, 6, 7$"):
        trainer().fit(DataLoader(x, y, 4), 1)


def test_labels_without_a_class_are_named_where_samples_are_known():
    x, y = samples()
    y = y.copy()
    y[5] = 9
    with pytest.raises(IndexError) as error:
        trainer().fit([(x, y)], 1)
    assert error.value.__notes__ == ["Trainer: in step 1 (epoch 1, batch 0)"]
    ignoring = np.where(np.arange(len(y)) == 6, -100, y)
    with pytest.raises(IndexError) as error:
        trainer().fit(DataLoader(x, ignoring, 4), 1)
    assert "got 9 in row 5; there are 3 classes" in error.value.__notes__[-1]


def test_an_error_about_an_input_is_not_taken_for_one_about_a_label():
    model = Sequential(npnet.Embedding(4, 3), npnet.Flatten(), Linear(3, 2))
    run = Trainer(model, CrossEntropyLoss(), SGD(model.parameters(), lr=0.1))
    with pytest.raises(IndexError) as error:
        run.fit(DataLoader(np.array([[1], [9]]), np.array([0, 1]), 2), 1)
    assert error.value.__notes__ == ["Trainer: in step 1 (epoch 1, batch 0, of samples [0, 1])"]


def test_targets_that_are_not_finite_are_named():
    x, _ = samples()
    y = x @ np.ones((x.shape[1], 1), np.float32)
    y[4] = np.nan
    model = Linear(x.shape[1], 1)
    run = Trainer(model, npnet.MSELoss(), SGD(model.parameters(), lr=0.1))
    with pytest.raises(NonFiniteError, match=r"input 'target' has nan.*: sample 4") as error:
        run.fit(DataLoader(x, y, BATCH, prefetch=2), 1)
    assert error.value.samples == [4]


def test_a_layer_that_makes_inf_is_named_with_the_step():
    class Model(Module):
        def __init__(self):
            super().__init__()
            self.fc, self.exp = Linear(5, 3), npnet.Exp()

        def forward(self, x):
            return self.exp(self.fc(x))

    model = Model()
    run = Trainer(model, CrossEntropyLoss(), SGD(model.parameters(), lr=1e6))
    with pytest.raises(
        NonFiniteError, match=r"Exp \(model\.exp\), line 1 of the tape, makes inf"
    ) as error:
        run.fit(loaders()[0], 3)
    assert error.value.anomaly.kind == "forward" and error.value.samples == []
    assert error.value.step == run.steps + 1 == 2
    advice = ". The learning rate is 1e+06: lower it where numbers grow from step to step"
    assert str(error.value).endswith(advice)


def test_the_learning_rate_is_named_once_it_has_changed_anything():
    model = Sequential(npnet.Scale(1e30), Linear(5, 3), npnet.Exp())
    run = Trainer(model, CrossEntropyLoss(), SGD(model.parameters(), lr=0.1))
    with pytest.raises(NonFiniteError) as error:
        run.fit(loaders()[0], 1)
    assert error.value.step == 1 and "learning rate" not in str(error.value)
    groups = [
        {"params": [p], "lr": lr} for p, lr in zip([*model.parameters()], (0.5, 0.25), strict=True)
    ]
    run = Trainer(model, CrossEntropyLoss(), SGD(groups, lr=1.0))
    run.steps = 1
    with pytest.raises(NonFiniteError, match=r"learning rates are 0\.5, 0\.25: lower them where"):
        run.fit(loaders()[0], 1)


class AfterThree(Callback):
    """Stops a run after its third step."""

    def on_step_end(self, trainer):
        trainer.stopped = trainer.steps == 3


def test_the_run_is_as_before_the_step():
    run = trainer(callbacks=[])
    with pytest.raises(NonFiniteError):
        run.fit(reversed_loader(*spoilt(8)), 1)
    good = trainer(callbacks=[AfterThree()])
    good.fit(reversed_loader(*samples()), 1)
    assert bits(run) == bits(good) | {"counts": (0, 3, False)}


def gradient_run(**options):
    """Return a run whose loss is finite while a gradient is not, from its second step on."""

    class Root(Module):
        def __init__(self):
            super().__init__()
            self.fc = Linear(1, 1, bias=False)

        def forward(self, x):
            return npnet.sqrt(self.fc(x))

    model = Root()
    model.fc.weight.data = [[1.0]]
    run = Trainer(model, npnet.MSELoss(), SGD(model.parameters(), lr=1e-3), **options)
    x = np.ones((6, 1), np.float32)
    x[3] = 0
    return run, DataLoader(x, np.ones((6, 1), np.float32), 2)


@pytest.mark.parametrize("options", [{"check_gradients": True}, {"clip": 1.0}])
def test_gradients_are_looked_at_where_asked_for(options):
    run, loader = gradient_run(**options)
    with pytest.raises(NonFiniteError, match=r"norm of the gradients is (nan|inf)") as error:
        run.fit(loader, 1)
    found = error.value
    assert (found.step, found.batch) == (2, 1)
    assert found.anomaly.kind == "backward" and found.anomaly.layer == "Sqrt"
    assert np.isfinite(run.model.fc.weight.data).all()


def test_a_gradient_among_several_batches_is_found_where_it_was_made():
    run, loader = gradient_run(check_gradients=True, accumulate=3)
    with pytest.raises(
        NonFiniteError, match=r"batch 1, of samples \[2, 3\]\): Sqrt, line 1 of"
    ) as error:
        run.fit(loader, 1)
    assert (error.value.step, error.value.batch) == (1, 1)


def test_a_gradient_that_nobody_looked_at_is_found_in_the_next_step():
    run, loader = gradient_run()
    with pytest.raises(NonFiniteError, match=r"parameter 'model\.fc\.weight' has nan") as error:
        run.fit(loader, 1)
    assert error.value.step == 3
    assert "check_gradients=True) stops at the step that makes them" in str(error.value)


def test_inputs_of_the_batch_before_are_suspected():
    x, y = samples()
    x[5, 0] = -np.inf
    model = Sequential(Linear(5, 4), npnet.ReLU(), Linear(4, 3))
    model[0].weight.data = np.ones((4, 5))
    run = Trainer(model, CrossEntropyLoss(), SGD(model.parameters(), lr=0.1))
    with pytest.raises(NonFiniteError, match="batch before had such numbers in sample 5") as error:
        run.fit(DataLoader(x, y, BATCH), 1)
    assert error.value.samples == [5] and error.value.step == 3


def test_parameters_are_looked_at_where_an_epoch_ends():
    run, loader = gradient_run()
    with pytest.raises(NonFiniteError, match=r"'model\.fc\.weight' is not finite at the end of ep"):
        run.fit(DataLoader(loader.dataset.tensors[0][2:4], np.ones((2, 1), np.float32), 2), 1)
    assert len(run.history) == 0


def test_evaluation_shows_what_is_not_finite_as_it_is():
    run = trainer()
    assert np.isnan(run.evaluate(DataLoader(*spoilt(8), 8))["loss"])


def test_numpy_does_not_warn_meanwhile():
    run = trainer()
    with pytest.raises(NonFiniteError):
        run.fit(DataLoader(*spoilt(0, np.inf), BATCH), 1)
    with pytest.warns(RuntimeWarning):
        np.float32(np.inf) * np.float32(0)


def test_bits_stay_the_same_for_the_same_seed():
    def run():
        found = trainer()
        loader, validation = loaders()
        found.fit(loader, 3, validation)
        return bits(found)

    assert run() == run()
