"""Plots: a run's curves, its mistakes and its weights as pictures, with matplotlib."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from npnet.parameter import Array, Parameter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["confusion_matrix", "curves", "weights"]

_File: TypeAlias = str | os.PathLike[str]

#: Columns of a history that are no figures of quality, and what a validation's begin with.
_NOT_DRAWN, _VALIDATION = ("epoch", "seconds", "lr"), "val_"
#: Up to so many classes their numbers are written into the squares.
_WRITTEN = 30


def curves(
    history: Any,
    path: _File | None = None,
    *,
    names: Iterable[str] | None = None,
    log: bool = False,
) -> Figure:
    """Return curves over the epochs, each figure of the validation with that of the training.

    Parameters
    ----------
    history : History
    path : path, optional
        Save the picture there; the suffix says the format.
    names : iterable of str, optional
        The columns to draw; by default all but epoch, seconds and lr.
    log : bool, default False
        Draw on a logarithmic axis.

    Errors
    ------
    ModuleNotFoundError
        Without matplotlib.
    KeyError
        For a column that is not there.
    ValueError
        Where there is nothing to draw.

    Examples
    --------
    >>> from npnet.training.history import History
    >>> history = History()
    >>> history.append({"epoch": 1, "loss": 0.75, "val_loss": 0.8})
    >>> figure = curves(history, "curves.png")  # doctest: +SKIP
    """
    chosen = [n for n in history.names if n not in _NOT_DRAWN] if names is None else list(names)
    panels: dict[str, list[str]] = {}
    for name in chosen:
        panels.setdefault(name.removeprefix(_VALIDATION), []).append(name)
    if not panels:
        raise ValueError("curves: there is nothing to draw; the history has no figures")
    columns = {name: history[name] for name in chosen}
    epochs = history["epoch"] if "epoch" in history.names else np.arange(1.0, len(history) + 1)
    figure, axes = _panels(len(panels), most=3, width=4.2, height=3.2)
    for axis, (title, members) in zip(axes, panels.items(), strict=True):
        for name in members:
            _curve(axis, epochs, columns[name], name.startswith(_VALIDATION))
        _finish(axis, title, log and any((columns[name] > 0).any() for name in members))
    return _saved(figure, path)


def confusion_matrix(
    matrix: ArrayLike, path: _File | None = None, *, labels: Sequence[str] | None = None
) -> Figure:
    """Return a confusion matrix as a picture: true classes down, predicted ones across.

    A square is as dark as the root of its share of its true class, so that rare classes and rare
    mistakes show, too; the number written into it is the matrix's own.

    Shapes: matrix (C, C), as `ConfusionMatrix` returns it.

    Parameters
    ----------
    matrix : array
    path : path, optional
        Save the picture there; the suffix says the format.
    labels : sequence of str, optional
        What the classes are called; by default 0, 1, 2, ...

    Errors
    ------
    ModuleNotFoundError
        Without matplotlib.
    ValueError
        For a matrix that is not square, and another number of labels.

    Examples
    --------
    >>> figure = confusion_matrix([[5, 1], [0, 4]], labels=["cat", "dog"])  # doctest: +SKIP
    """
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ValueError(f"confusion_matrix: expected shape (C, C), got {counts.shape}")
    classes = len(counts)
    called = [str(number) for number in range(classes)] if labels is None else list(labels)
    if len(called) != classes:
        raise ValueError(
            f"confusion_matrix: expected {classes} labels, one a class, got {len(called)}"
        )
    totals = counts.sum(axis=1, keepdims=True, dtype=np.float64)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    side = min(2.4 + 0.42 * classes, 14.0)
    figure, (axis, *_) = _panels(1, most=1, width=side + 1.8, height=side)
    from matplotlib.colors import PowerNorm

    image = axis.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=1))
    figure.colorbar(image, ax=axis, label="share of the true class")
    places = range(classes)
    turned = max(map(len, called)) > 3
    axis.set_xticks(places, called, rotation=90 if turned else 0)
    axis.set_yticks(places, called)
    axis.set(xlabel="predicted", ylabel="true")
    if classes <= _WRITTEN:
        _write(axis, counts, shares)
    return _saved(figure, path)


def weights(
    weight: ArrayLike | Parameter,
    path: _File | None = None,
    *,
    shape: tuple[int, int] | None = None,
    count: int = 64,
) -> Figure:
    """Return the weights of a layer's units as images: what of its input each unit looks for.

    Red is positive, blue negative, white 0; all units have one scale, which the bar shows.

    Shapes: weight (O, I) with I = height * width, or (O, height, width).

    Parameters
    ----------
    weight : array or Parameter
        As `Linear.weight`.
    path : path, optional
        Save the picture there; the suffix says the format.
    shape : (int, int), optional
        Height and width of the images; by default they are square.
    count : int, default 64
        How many units to draw, from the first on.

    Errors
    ------
    ModuleNotFoundError
        Without matplotlib.
    ValueError
        For weights that are no images of that shape, and a count below 1.

    Examples
    --------
    >>> from npnet import Linear
    >>> figure = weights(Linear(64, 16).weight, "weights.png")  # doctest: +SKIP
    """
    array = np.asarray(weight.data if isinstance(weight, Parameter) else weight)
    if count < 1:
        raise ValueError(f"weights: expected count >= 1, got {count}")
    images = _images(array, shape)[:count]
    finite = np.abs(images[np.isfinite(images)])
    most = float(finite.max(initial=0.0)) or 1.0
    across = math.ceil(math.sqrt(len(images)))
    side = max(0.9, 2.4 / across)
    figure, axes = _panels(len(images), most=across, width=side, height=side)
    drawn: Any = None
    for number, (axis, image) in enumerate(zip(axes, images, strict=True)):
        drawn = axis.imshow(image, cmap="RdBu_r", vmin=-most, vmax=most)
        axis.set_title(str(number), fontsize=6, pad=2)
        axis.set_axis_off()
    figure.colorbar(drawn, ax=list(axes), shrink=0.8)
    return _saved(figure, path)


def _figure(width: float, height: float) -> Figure:
    """Return an empty picture that no window and no other picture knows of."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise ModuleNotFoundError(
            "npnet.training.plots: pictures need matplotlib; pip install 'npnet[plot]'",
            name="matplotlib",
        ) from error
    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def _panels(count: int, most: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return a picture of `count` axes, at most `most` side by side."""
    across = min(count, most)
    down = math.ceil(count / across)
    figure = _figure(width * across, height * down)
    grid = figure.subplots(down, across, squeeze=False).reshape(-1)
    for axis in grid[count:]:
        axis.remove()
    return figure, list(grid[:count])


def _curve(axis: Axes, epochs: Array, values: Array, validation: bool) -> None:
    """Draw a column; epochs without it, or not finite, are passed over."""
    there = np.isfinite(values)
    style = {"color": "C1", "label": "validation"} if validation else {"color": "C0"}
    style.setdefault("label", "training")
    alone = there.sum() == 1
    axis.plot(epochs[there], values[there], marker="o" if alone else None, **style)  # type: ignore[arg-type]


def _finish(axis: Axes, title: str, log: bool) -> None:
    """Say what is drawn."""
    from matplotlib.ticker import MaxNLocator

    axis.set(title=title, xlabel="epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.3)
    if log:
        axis.set_yscale("log")
    axis.legend()


def _write(axis: Axes, counts: Array, shares: Array) -> None:
    """Write numbers into the squares, white on dark."""
    whole = counts.dtype.kind in "iub"
    size = 9 if len(counts) <= 12 else 6
    for (row, column), share in np.ndenumerate(shares):
        text = str(counts[row, column]) if whole else f"{counts[row, column]:.2g}"
        color = "white" if share > 0.3 else "black"
        axis.text(column, row, text, ha="center", va="center", color=color, fontsize=size)


def _images(array: Array, shape: tuple[int, int] | None) -> Array:
    """Return weights as images, or say why they are none."""
    if array.ndim == 3 and shape is None:
        return array
    if array.ndim != 2 or not array.size:
        raise ValueError(f"weights: expected shape (O, I) or (O, height, width), got {array.shape}")
    units, inputs = array.shape
    side = math.isqrt(inputs)
    height, width = (side, side) if shape is None else shape
    if height * width != inputs:
        mend = "give shape=(height, width)" if shape is None else "height * width must be that"
        raise ValueError(
            f"weights: expected images of {height} x {width}, got {inputs} weights a unit; {mend}"
        )
    return array.reshape(units, height, width)


def _saved(figure: Figure, path: _File | None) -> Figure:
    """Return a picture, after saving it where asked for."""
    if path is not None:
        figure.savefig(os.fspath(path))
    return figure
