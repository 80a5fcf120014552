"""Pictures: what is drawn where; how they look was looked at."""

import math

import numpy as np
import pytest

from npnet import Linear
from npnet.training import plots
from npnet.training.history import History

pytest.importorskip("matplotlib", reason="pictures need matplotlib")


def history_of(*records):
    """Return a history of records."""
    history = History()
    for record in records:
        history.append(record)
    return history


def drawn(figure):
    """Return what is drawn: by title and label, the points of each curve."""
    return {
        axis.get_title(): {
            line.get_label(): np.asarray(line.get_xydata()).tolist() for line in axis.get_lines()
        }
        for axis in figure.axes
    }


@pytest.fixture(scope="module")
def history():
    return history_of(
        {"epoch": 3, "loss": 2.0, "accuracy": 0.5, "lr": 0.1, "seconds": 1.0},
        {"epoch": 4, "loss": math.nan, "val_loss": 1.5, "accuracy": 0.75, "lr": 0.1},
        {"epoch": 5, "loss": 1.0, "val_loss": math.inf, "val_f1": 0.5},
    )


def test_curves_of_training_and_validation_share_a_panel(history, tmp_path):
    figure = history.plot(tmp_path / "a.png")
    assert drawn(figure) == {
        "loss": {"training": [[3, 2], [5, 1]], "validation": [[4, 1.5]]},
        "accuracy": {"training": [[3, 0.5], [4, 0.75]]},
        "f1": {"validation": [[5, 0.5]]},
    }
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    # A point alone is no line: it shows as a dot.
    assert [line.get_marker() for line in figure.axes[0].get_lines()] == ["None", "o"]


def test_chosen_columns_and_a_logarithmic_axis(history, tmp_path):
    figure = plots.curves(history, tmp_path / "a.svg", names=["lr", "val_loss"], log=True)
    assert list(drawn(figure)) == ["lr", "loss"]
    assert {axis.get_yscale() for axis in figure.axes} == {"log"}
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()
    # Nothing of this is positive.
    figure = plots.curves(history_of({"r2": -1.0}), log=True)
    assert figure.axes[0].get_yscale() == "linear"


def test_without_epochs_they_are_counted_from_1():
    assert drawn(plots.curves(history_of({"a": 5.0}, {"a": 4.0}))) == {
        "a": {"training": [[1, 5], [2, 4]]}
    }


def test_many_panels_stand_in_rows():
    figure = plots.curves(history_of({f"m{number}": 1.0 for number in range(7)}))
    assert len(figure.axes) == 7 and figure.get_size_inches().tolist() == pytest.approx([12.6, 9.6])


def test_a_picture_disturbs_no_other(history):
    from matplotlib import _pylab_helpers

    before = list(_pylab_helpers.Gcf.figs)
    history.plot()
    assert list(_pylab_helpers.Gcf.figs) == before


def test_curves_of_nothing_are_refused(history):
    for empty in (History(), history_of({"epoch": 1, "lr": 0.1})):
        with pytest.raises(ValueError, match="curves: there is nothing to draw"):
            plots.curves(empty)
    with pytest.raises(KeyError, match="no column 'mae'"):
        history.plot(names=["mae"])


def test_a_confusion_matrix_is_drawn_by_shares_and_written_by_counts(tmp_path):
    matrix = np.array([[8, 2, 0], [0, 0, 0], [1, 1, 2]])
    figure = plots.confusion_matrix(matrix, tmp_path / "a.png", labels=["cat", "dog", "mouse"])
    axis = figure.axes[0]
    shares = [[0.8, 0.2, 0], [0, 0, 0], [0.25, 0.25, 0.5]]
    np.testing.assert_allclose(axis.get_images()[0].get_array(), shares)
    written = {tuple(map(int, text.get_position())): text.get_text() for text in axis.texts}
    assert written == {(c, r): str(matrix[r, c]) for r in range(3) for c in range(3)}
    assert [label.get_text() for label in axis.get_xticklabels()] == ["cat", "dog", "mouse"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted", "true")
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_confusion_matrices_of_weights_and_of_many_classes():
    figure = plots.confusion_matrix([[0.25, 0.75], [0, 0]])
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.25", "0.75", "0", "0"]
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["0", "1"]
    assert plots.confusion_matrix(np.eye(31)).axes[0].texts[:] == []


@pytest.mark.parametrize("matrix", [np.zeros((2, 3)), np.zeros(4), np.zeros((0, 0))])
def test_what_is_no_confusion_matrix_is_refused(matrix):
    with pytest.raises(ValueError, match=r"confusion_matrix: expected shape \(C, C\), got \("):
        plots.confusion_matrix(matrix)
    with pytest.raises(ValueError, match=r"confusion_matrix: expected 2 labels, .*, got 1"):
        plots.confusion_matrix(np.eye(2), labels=["a"])


def test_weights_are_images_of_one_scale_around_0(tmp_path):
    weight = np.arange(12.0).reshape(3, 4) - 3
    figure = plots.weights(weight, tmp_path / "a.png")
    images = [axis.get_images()[0] for axis in figure.axes[:3]]
    assert [np.asarray(i.get_array()).tolist() for i in images] == weight.reshape(3, 2, 2).tolist()
    assert {(image.norm.vmin, image.norm.vmax) for image in images} == {(-8, 8)}
    assert [axis.get_title() for axis in figure.axes[:3]] == ["0", "1", "2"]
    figure = plots.weights(Linear(6, 100).weight, shape=(2, 3), count=5)
    assert [a.get_images()[0].get_array().shape for a in figure.axes[:-1]] == [(2, 3)] * 5
    figure = plots.weights(np.full((2, 3, 5), np.nan))
    assert figure.axes[0].get_images()[0].norm.vmax == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weight": np.zeros((2, 6))}, r"images of 2 x 2, got 6 weights a unit; give shape=\(h"),
        ({"weight": np.zeros((2, 6)), "shape": (2, 2)}, "got 6 weights a unit; height \\* width"),
        ({"weight": np.zeros(4)}, r"expected shape \(O, I\) or \(O, height, width\), got \(4,\)"),
        ({"weight": np.zeros((0, 4))}, r"got \(0, 4\)"),
        ({"weight": np.zeros((2, 4)), "count": 0}, "expected count >= 1, got 0"),
    ],
)
def test_what_are_no_images_is_refused(arguments, message):
    with pytest.raises(ValueError, match=f"^weights: .*{message}"):
        plots.weights(**arguments)
