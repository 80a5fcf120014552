"""Run each example in its short form, as its user does, with warnings as errors."""

import ast
import os
import re
import runpy
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from npnet.data import load_digits
from tests.support.idx import idx, write

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
#: Examples that train: the column of what falls, and what the short form must come to.
TRAINED = {
    "digits": ("loss", r"test accuracy: ([\d.]+)%", 85, 100),
    "housing": ("loss", r"R2 of the test: (-?[\d.]+)", 0.8, 1),
    "moons": ("loss", r"test accuracy: ([\d.]+)%", 90, 100),
    "autoencoder": ("loss", r"test error: ([\d.]+)", 0, 0.05),
    "regularized": ("objective", r"test accuracy: ([\d.]+)%", 85, 100),
}
NAMES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


def run(folder, *arguments):
    """Run Python in a folder, with the repository's npnet; return what became of it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def output(folder, name, *arguments):
    """Return what an example prints; it must succeed, and complain of nothing."""
    done = run(folder, ROOT / "examples" / f"{name}.py", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def column(printed, name):
    """Return a figure of each epoch, of a History's table or of lines "epoch 1  name 0.5 ..."."""
    said = re.findall(rf"^epoch +\d+ .*{name} ([\d.e+-]+)", printed, re.MULTILINE)
    if not said:
        lines = [line.split() for line in printed.splitlines()]
        head = next(number for number, line in enumerate(lines) if line[:1] == ["epoch"])
        rows = [line for line in lines[head + 1 :] if len(line) == len(lines[head])]
        said = [line[lines[head].index(name)] for line in rows if line[0].isdigit()]
    return [float(number) for number in said]


def mnist(folder):
    """Write the digits of 8 x 8 pixels as MNIST's files, each pixel three by three, in a frame."""
    inputs, labels = load_digits()
    images = np.kron(inputs.reshape(-1, 8, 8) * 255, np.ones((1, 3, 3))).astype(np.uint8)
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    labels = labels.astype(np.uint8)
    parts = images[:1000], labels[:1000], images[1000:], labels[1000:]
    for name, part in zip(NAMES, parts, strict=True):
        write(folder / f"{name}-ubyte.gz", idx(part))


def test_every_example_is_run_and_listed():
    listed = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    names = {path.stem for path in EXAMPLES}
    assert names == {*TRAINED, "mnist", "expression", "two_paths"}
    assert {name for name in names if f"examples/{name}.py" in listed} == names


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_is_a_screenful_with_main(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    functions = [n.name for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)]
    assert ("main" in functions) == (path.stem in {*TRAINED, "mnist"})


@pytest.mark.parametrize("name", TRAINED)
def test_trains(tmp_path, name):
    falling, result, least, most = TRAINED[name]
    printed = output(tmp_path, name, "--quick")
    figures = column(printed, falling)
    assert len(figures) >= 3
    assert figures[-1] < 0.7 * figures[0]
    assert least < float(re.search(result, printed)[1]) <= most
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", TRAINED)
def test_main_takes_epochs(capsys, name):
    example = runpy.run_path(str(ROOT / "examples" / f"{name}.py"))
    returned = example["main"](epochs=2)
    printed = capsys.readouterr().out
    assert len(column(printed, TRAINED[name][0])) == 2
    said = float(re.search(TRAINED[name][1], printed)[1])
    # What is printed is rounded: to a tenth of a percent, or to the third digit.
    unit, half = (100, 0.0501) if TRAINED[name][3] == 100 else (1, 0.000501)
    assert unit * returned == pytest.approx(said, abs=half)


@pytest.mark.parametrize("name", ["moons", "autoencoder"])
def test_draws(tmp_path, name):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    output(tmp_path, name, "--epochs", 1, "--picture", "picture.png")
    data = (tmp_path / "picture.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">2I", data[16:24])
    assert min(width, height) > 200


@pytest.mark.parametrize("name", ["moons", "autoencoder"])
def test_without_matplotlib_a_picture_is_refused_before_the_training(tmp_path, name):
    # A finder in front of all others that finds no matplotlib.
    hidden = (
        "import importlib.util, runpy, sys; found = importlib.util.find_spec; "
        "importlib.util.find_spec = lambda n: None if n == 'matplotlib' else found(n); "
        "sys.modules['matplotlib'] = None; script = sys.argv.pop(1); "
        "sys.argv[0] = script; runpy.run_path(script, run_name='__main__')"
    )
    script = ROOT / "examples" / f"{name}.py"
    done = run(tmp_path, "-c", hidden, script, "--epochs", 1, "--picture", "picture.png")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--picture needs matplotlib: pip install -e '.[plot]'" in done.stderr
    assert "Traceback" not in done.stderr and not [*tmp_path.iterdir()]


def test_mnist_trains(tmp_path):
    mnist(tmp_path)
    printed = output(tmp_path, "mnist", tmp_path, "--quick")
    first, second = column(printed, "loss")
    assert second < 0.7 * first
    assert float(re.search(r"test accuracy: ([\d.]+)%", printed)[1]) > 75
    assert len(column(output(tmp_path, "mnist", tmp_path, "--epochs", 1), "loss")) == 1


def test_mnist_says_which_files_are_missing(tmp_path):
    mnist(tmp_path)
    (tmp_path / f"{NAMES[1]}-ubyte.gz").unlink()
    done = run(tmp_path, ROOT / "examples" / "mnist.py", tmp_path, "--quick")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{tmp_path} lacks {NAMES[1]}-ubyte.gz; put" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["expression", "two_paths", "regularized"])
def test_graph_becomes_a_page(tmp_path, name):
    script = ROOT / "examples" / f"{name}.py"
    done = run(tmp_path, "-m", "npnet.inspect", script, "-o", "page.html")
    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert f"{name}.py" in page
    if name == "regularized":
        assert all(node in page for node in ("R_W", "R_M", "probabilities"))


def test_expression_by_hand(tmp_path):
    # b x = ln 3 and w x = 4 ln 3: f = (6 + ln(4 ln 3)) / 2.
    printed = output(tmp_path, "expression")
    w, b, x = 2.0, 0.5, 2 * np.log(3)
    assert printed.splitlines() == [
        f"f = {(6 + np.log(4 * np.log(3))) / 2:.6g}",
        f"df/dw = {(3 + 1 / w) * b:.6g}",
        f"df/db = {6 * x * b + 6 + np.log(w * x):.6g}",
        f"df/dx = {(6 * b + 1 / x) * b:.6g}",
    ]


def test_two_paths_by_hand(tmp_path):
    # a = (-1/2, 3/2), h = (0, 3/2), z = (0, 0, 0): L = ln 3, and 0.1 of 3.25 and of 143/9 each.
    printed = output(tmp_path, "two_paths")
    objective = float(re.search(r"J = ([\d.]+)", printed)[1])
    assert objective == pytest.approx(np.log(3) + 0.325 + 14.3 / 9, rel=1e-14)
    # dL/dz = (-2/3, 1/3, 1/3), so dL/dh = (0, -4/3) by M's columns (1, -1, 3) and (2, 2/3, -2/3).
    numbers = re.search(r"dJ/dW = (.+)", printed)[1]
    by_hand = [[0.2, -0.2], [0.1 - 4 / 3, 0.2 - 8 / 3]]
    np.testing.assert_allclose(ast.literal_eval(numbers), by_hand, rtol=1e-14)
