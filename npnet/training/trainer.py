"""Trainer: trains a model for epochs, and keeps what it needs to go on after anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence, Sized
from pathlib import Path
from typing import Any

import numpy as np

from npnet.module import Module
from npnet.optim import Optimizer
from npnet.parameter import Parameter
from npnet.training import checkpoint, snapshot
from npnet.training.callbacks import Callback, overridden
from npnet.training.evaluation import evaluated, predicted
from npnet.training.history import History
from npnet.training.interrupt import waiting_for_interrupt
from npnet.training.keeper import Keeper, is_empty, newest
from npnet.training.loop import Run
from npnet.training.monitor import Monitor
from npnet.training.objective import Objective
from npnet.training.parts import check_monitored, check_numbers, check_parts, described
from npnet.training.passes import check_batches, no_batches, shape_of
from npnet.training.streams import Streams
from npnet.training.weights import SampleWeights

__all__ = ["Trainer"]


class Trainer:
    """Trains a model for epochs: the loop of README, with all that a long run needs around it.

    A step is `objective(*batch)`, `backward`, the optimizer's `step`. Around it there are a bar
    with loss, metrics, speed and time left (on a terminal), validation, a history, callbacks, and
    checkpoints from which a run goes on bit for bit.

    Parameters
    ----------
    model : Module
        Or the whole objective, a Module that takes a batch and returns the loss, or a tuple of the
        loss and outputs for the metrics; `loss` is then None.
    loss : Module or function, optional
        Takes what the model returns, and the target.
    optimizer : Optimizer
    schedule : schedule of npnet.optim.lr_scheduler, optional
        Goes on at the end of each epoch; a ReduceLROnPlateau by what `monitor` names.
    schedule_steps : bool, default False
        The schedule goes on after each step instead.
    metrics : sequence of metrics, optional
        Objects with `name`, `reset()`, `update(outputs, target, weights)` and `compute()`.
    callbacks : sequence of Callback, optional
    clip : float, optional
        The highest norm of all gradients together.
    accumulate : int, default 1
        A step is taken on so many batches, as on one of all their samples.
    class_weight : mapping of labels to weights, or sequence of weights, optional
        What a sample's loss counts, by its label; 1 for labels that a mapping does not name.
    sample_weight : bool, default False
        Batches end with the weights of their samples. With weights of either kind the loss is the
        mean (sum w l) / (sum w), in evaluation too.
    monitor : str, optional
        What in the record of an epoch says which is the best; by default "val_loss", or "loss".
    mode : {"min", "max"}, optional
        Which way is better; by default as for `EarlyStopping`.
    check_gradients : bool, default False
        Look at all gradients before each step. A loss that is not finite always stops the run.

    Attributes
    ----------
    history : History
        A record an epoch.
    epoch, steps : int
        Epochs that are finished, steps that are taken.
    stopped : bool
        Set it to stop after the step or the epoch; False lets a later `fit` go on.

    Errors
    ------
    TypeError
        For parts that are none.
    ValueError
        For options out of range, metrics of the same name or of one that a record has, a loss of
        several numbers, and an optimizer without parameters of the model.

    Examples
    --------
    >>> import npnet
    >>> from npnet.data import DataLoader
    >>> from npnet.optim import SGD
    >>> x = npnet.rand(64, 3, generator=npnet.Generator(0))
    >>> model = npnet.Linear(3, 1)
    >>> model.weight.data, model.bias.data = np.zeros((1, 3)), np.zeros(1)
    >>> trainer = Trainer(model, npnet.MSELoss(), SGD(model.parameters(), lr=0.3))
    >>> history = trainer.fit(DataLoader(x, x @ np.float32([[1], [2], [3]]), 16), 100)
    >>> model.weight.data.round(2).tolist(), trainer.steps
    ([[1.0, 2.0, 3.0]], 400)
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[..., Any] | None = None,
        optimizer: Optimizer | None = None,
        *,
        schedule: Any = None,
        schedule_steps: bool = False,
        metrics: Sequence[Any] = (),
        callbacks: Sequence[Callback] = (),
        clip: float | None = None,
        accumulate: int = 1,
        class_weight: Any = None,
        sample_weight: bool = False,
        monitor: str | None = None,
        mode: str | None = None,
        check_gradients: bool = False,
    ) -> None:
        check_parts(model, loss, optimizer, schedule, schedule_steps, metrics, callbacks)
        check_numbers(accumulate, clip)
        self.model, self.loss = model, loss
        self.optimizer: Any = optimizer
        self.schedule, self.schedule_steps = schedule, schedule_steps
        self.metrics, self.callbacks = list(metrics), list(callbacks)
        self.clip, self.accumulate = clip, accumulate
        self.monitor, self.check_gradients = Monitor(monitor, mode), check_gradients
        ignored = getattr(loss, "ignore_index", None)
        self.weights = SampleWeights(sample_weight, class_weight, ignored)
        self.objective = self._objective()
        self.history = History()
        self.epoch = self.steps = 0
        self.stopped = False
        self.open_epoch: snapshot.OpenEpoch | None = None
        self.streams = Streams(self.objective)
        #: Where the streams of a checkpoint were, until a fit names its loaders.
        self.waiting_streams: Any = None
        #: The folder with this run's checkpoints.
        self.home: Path | None = None

    def fit(
        self,
        loader: Iterable[Any],
        epochs: int,
        validation: Iterable[Any] | None = None,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        every: int | str = "epoch",
        keep: int = 1,
        on_save_error: str = "raise",
        progress: bool | None = None,
    ) -> History:
        """Train until the run has had so many epochs, and return its history.

        A run that was stopped or resumed goes on where it was: `epochs` counts from its very
        beginning, and a run that has had them does nothing. Ctrl-C finishes the step, saves and
        raises KeyboardInterrupt; a second one stops at once. NumPy warns of no overflow meanwhile:
        what is not finite stops the run.

        Parameters
        ----------
        loader : iterable of batches
            A DataLoader, or what can be gone through once an epoch. A batch is a tuple of arrays:
            the inputs, then the target, then the weights of the samples where there are any.
        epochs : int
        validation : iterable of batches, optional
            Evaluated at the end of each epoch; its figures begin with "val_".
        checkpoint : path, optional
            A folder for checkpoints; made where it is not there. `resume` takes it.
        every : int or str, default "epoch"
            How often to save: after so many steps, "500 steps", or "2 epochs". A checkpoint is also
            written where the fit ends, and where Ctrl-C ends it.
        keep : int, default 1
            How many of the last checkpoints stay; that of the best epoch, best.npz, stays beside.
        on_save_error : {"raise", "warn"}, default "raise"
            What becomes of a run that cannot be saved. Earlier checkpoints stay whole.
        progress : bool, optional
            Draw bars; by default where errors go to a terminal.

        Errors
        ------
        TypeError
            For arrays in place of a loader.
        ValueError
            For a loader without batches, one that is not that of the epoch to go on with, and a
            monitor that names no figure of an epoch.
        NonFiniteError
            For a loss that is not finite, with the layer and the samples it came from. Parameters
            and buffers are as before that step.
        FileExistsError
            For a folder with another run's checkpoints.
        What layers and loaders raise has a note that names the step, the batch and its samples.
        """
        self._check_loaders(loader, validation)
        check_monitored(self, validation is not None, checkpoint is not None)
        self._take_up(loader, validation, epochs)
        keeper = None
        if checkpoint is not None:
            keeper = Keeper(checkpoint, every, keep, self.monitor, on_save_error)
            keeper.prepare(self)
        if not self.model.training:
            self.model.train()
        with waiting_for_interrupt() as interrupt, np.errstate(all="ignore"):
            for hook in overridden(self.callbacks, "on_fit_start"):
                hook(self)
            Run(self, loader, validation, epochs, keeper, interrupt, progress).train()
            if keeper is not None:
                keeper.finish(self)
        for hook in overridden(self.callbacks, "on_fit_end"):
            hook(self)
        return self.history

    def evaluate(self, loader: Iterable[Any]) -> dict[str, Any]:
        """Return the mean loss over a loader, and each metric by its name.

        The mean is over samples, by their weights where there are any, and by those of their
        labels where the loss has such; labels that it ignores do not count. The model is in
        evaluation meanwhile; nothing is changed, and a loss that is not finite is returned as it
        is.

        Errors
        ------
        TypeError
            For arrays in place of a loader.
        ValueError
            For a loader without batches.
        """
        self._check_batches(loader, "Trainer.evaluate", "data")
        return evaluated(self, loader)

    def predict(self, inputs: Any, batch_size: int = 256) -> Any:
        """Return what the model makes of inputs, in evaluation.

        Parameters
        ----------
        inputs : array, tuple of arrays, or iterable of batches
            A tuple holds the inputs of a model of several. Batches are as in `fit`, whose targets
            are left out, or arrays.
        batch_size : int, default 256
            Rows of arrays that are gone through at a time.

        Returns
        -------
        array, or tuple of arrays for a model of several outputs

        Errors
        ------
        TypeError
            For a run whose model is an objective, which returns a loss.
        ValueError
            For inputs of different lengths, a batch_size below 1, and no batches.
        """
        if self.loss is None:
            raise TypeError(
                "Trainer.predict: the model is an objective, which returns a loss; call the part "
                "of it that predicts"
            )
        if batch_size < 1:
            raise ValueError(f"Trainer.predict: expected batch_size >= 1, got {batch_size}")
        return predicted(self.model, inputs, batch_size, 2 if self.weights.own else 1)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a checkpoint: all that the run needs to go on bit for bit, in one file.

        It holds parameters and buffers, optimizer, schedule, random streams, the place in the epoch
        and in the order of the data, history, callbacks with the best weights, and npnet's version;
        no pickle. It replaces a file of this name as a whole, or not at all. `numpy.load` shows its
        arrays. Streams that layers, loaders and samplers hold as attributes are found; those of
        `numpy.random` are not.

        Errors
        ------
        OSError
            Where it cannot be written.
        TypeError
            For a part whose state is no dict of arrays, numbers and strings.
        """
        checkpoint.write(snapshot.collect(self), path)

    def resume(
        self,
        path: str | os.PathLike[str],
        *,
        missing_ok: bool = False,
        other_version: bool = False,
    ) -> Trainer:
        """Put the run where a checkpoint was written, and return it; `fit` goes on from there.

        The Trainer is made like the one that was saved; then the file is checked as a whole before
        anything is changed.

        Parameters
        ----------
        path : path
            A file, or a folder of checkpoints, of which the newest whole one is taken.
        missing_ok : bool, default False
            Begin anew where there is no such file, or no checkpoint in the folder.
        other_version : bool, default False
            Take checkpoints of other versions of npnet too.

        Errors
        ------
        CheckpointError
            For a file that is damaged, or of another model, optimizer or version.
        OSError
            Where it cannot be opened.

        Warnings
        --------
        RuntimeWarning
            For damaged files in a folder that are newer than the one taken.
        """
        place = Path(path)
        if missing_ok and is_empty(place):
            return self
        if place.is_dir():
            place, state = newest(place)
        else:
            state = checkpoint.read(place)
        snapshot.restore(self, state, os.fspath(place), other_version=other_version)
        self.home = place.parent.resolve()
        return self

    def forget_place(self) -> None:
        """Forget the place in an epoch that was broken off, and where the random streams were then.

        The next `fit` begins a new epoch, on whatever data, instead of going on with that one.
        """
        self.open_epoch = self.waiting_streams = None

    def __repr__(self) -> str:
        """Return its parts, as a Module's, and how far it is."""
        return described(self)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the first group."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def trained(self) -> list[Parameter]:
        """The parameters that the optimizer has."""
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    @property
    def adds_up(self) -> bool:
        """Whether the loss is a sum over samples, which accumulating adds up too."""
        return getattr(self.loss, "reduction", None) == "sum" and not self.weights.needed

    def _objective(self) -> Module:
        """Return the model and the loss as one Module."""
        if self.loss is None:
            if self.weights.named is not None or self.weights.listed is not None:
                raise ValueError("Trainer: class_weight needs a loss; write it into the objective")
            return self.model
        wanted = bool(self.metrics)
        return Objective(self.model, self.loss, outputs=wanted, weighted=self.weights.needed)

    def _check_batches(self, loader: Any, who: str, what: str) -> None:
        """Raise for data in place of a loader; a lone objective may take one array a batch."""
        operands = 1 if self.loss is None else 2 + self.weights.own
        check_batches(loader, who, what, operands)

    def _check_loaders(self, loader: Any, validation: Any) -> None:
        """Raise for loaders that a fit cannot go through."""
        self._check_batches(loader, "Trainer.fit", "data")
        if validation is not None:
            self._check_batches(validation, "Trainer.fit", "validation")
            if isinstance(validation, Sized) and not len(validation):
                raise no_batches("Trainer.fit", "the validation")

    def _take_up(self, loader: Any, validation: Any, epochs: int) -> None:
        """Check that a fit can go on with these loaders; go to where the random streams were."""
        if isinstance(epochs, bool) or not isinstance(epochs, int | np.integer) or epochs < 0:
            raise ValueError(f"Trainer.fit: expected epochs as an integer >= 0, got {epochs!r}")
        streams, epoch = (
            Streams(self.objective, train=loader, validation=validation),
            self.open_epoch,
        )
        if epoch is not None and epoch.shape != shape_of(loader):
            raise ValueError(
                f"Trainer.fit: expected the loader of the epoch that was broken off, of "
                f"{epoch.shape}, got one of {shape_of(loader)}; give that, or call "
                "trainer.forget_place() to begin an epoch anew"
            )
        if self.waiting_streams is not None:
            streams.check(self.waiting_streams["names"])
            streams.go_to(self.waiting_streams["states"])
        self.streams, self.waiting_streams = streams, None
