"""The sides: what they need, what they take part in, and that they compute what npnet does."""

import importlib
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.peers import FLOOR, NPNET, PEERS, SIDES, missing
from benchmarks.problem import random_problem
from benchmarks.process import WorkerError
from benchmarks.questions import QUESTIONS

TRAINING = [pytest.param("torch", marks=pytest.mark.torch), "jax", "sklearn"]


@pytest.mark.parametrize("name", SIDES)
def test_every_side_has_a_module_and_takes_part_in_questions_that_there_are(name):
    side = SIDES[name]
    assert side.name == name
    assert side.module == f"benchmarks.peers.{name}_side"
    assert side.questions
    assert set(side.questions) <= set(QUESTIONS)


def test_npnet_takes_part_in_everything_and_the_floor_is_no_peer():
    assert set(NPNET.questions) == set(QUESTIONS)
    assert FLOOR.name not in PEERS


def test_nothing_is_missing_that_is_here():
    assert missing(NPNET) == ""


def test_a_package_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    assert missing(PEERS["torch"]) == "torch: torch is not installed; pip install -e '.[bench]'"
    assert missing(PEERS["onnx"]).startswith("onnx: onnxruntime and onnx are not installed")


@pytest.mark.parametrize(
    ("compiler", "lacks"), [(sys.executable, False), ("no-such-compiler", True)]
)
def test_a_compiled_side_needs_a_compiler(monkeypatch, compiler, lacks):
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setenv("CXX", compiler)
    for name in ("compile", "functional"):
        said = missing(PEERS[name])
        assert bool(said) == lacks
        assert not lacks or f"{name}: torch.compile needs a C++ compiler" in said
    assert missing(PEERS["torch"]) == ""


def losses(processes, problem, work="step", count=6):
    """Return each side's losses."""
    found = []
    for process in processes.values():
        process.call("load", problem, work)
        found.append(process.call("losses", count))
    return found


@pytest.mark.parametrize("name", TRAINING)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_peer_takes_the_same_steps(beside, name, dtype):
    problem = random_problem(4, (5, 6, 7, 3), dtype=dtype, lr=0.1, batches=4)
    ours, theirs = losses(beside(name), problem)
    assert theirs == pytest.approx(ours, rel=1e-5 if dtype is np.float32 else 1e-12)
    assert len(set(ours)) == len(ours)


@pytest.mark.parametrize("name", [*TRAINING[:2]])
def test_a_peer_takes_the_same_steps_with_momentum_and_penalties(beside, name):
    problem = random_problem(4, (5, 6, 3), lr=0.1, momentum=0.9, penalty=0.01)
    ours, theirs = losses(beside(name), problem)
    assert theirs == pytest.approx(ours, rel=1e-5)


@pytest.mark.parametrize("name", [*TRAINING, "onnx"])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_peer_computes_the_same_probabilities_before_and_after_it_infers(beside, name, batch):
    problem = random_problem(batch, (5, 6, 3))
    x = problem.batches[0][0]
    found = []
    for process in beside(name).values():
        process.call("load", problem, "inference")
        before = process.call("probabilities", x)
        assert process.call("seconds", 2, 1) > 0
        assert np.array_equal(process.call("probabilities", x), before)
        found.append(before)
    ours, theirs = found
    assert theirs.sum(axis=1) == pytest.approx(np.ones(batch), rel=1e-6)
    assert np.allclose(theirs, ours, rtol=1e-5, atol=0)


def epochs(rows=4):
    """Return a data set of 10 samples, to be cut."""
    return replace(random_problem(10, (5, 6, 3), batches=1, lr=0.1), rows=rows)


@pytest.mark.parametrize("name", TRAINING)
def test_an_epoch_of_slices_is_a_step_on_every_slice(beside, name):
    sides = beside(name)
    steps = losses(sides, epochs(), "step", 9)
    whole = losses(sides, epochs(), "slices", 3)
    # 10 samples are 3 slices, and an epoch's loss is that of its last one.
    assert whole[0] == pytest.approx(steps[0][2::3], rel=1e-6)
    assert whole[1] == pytest.approx(whole[0], rel=1e-5)


@pytest.mark.torch
def test_the_loaders_of_npnet_and_torch_shuffle_alike(beside):
    sides = beside("torch")
    ours, theirs = losses(sides, epochs(), "loader", 4)
    assert theirs == pytest.approx(ours, rel=1e-5)
    (in_order, _) = losses(sides, epochs(), "slices", 4)
    assert ours != pytest.approx(in_order, rel=1e-3)


def test_scikit_learns_own_batches_are_an_epoch_in_another_order(beside):
    steps = losses(beside("sklearn"), epochs(), "step", 3)[1]
    (shuffled,) = losses(beside("sklearn"), epochs(), "loader", 1)[1:]
    # Its loss of an epoch is the mean over the samples: 4, 4 and 2.
    assert shuffled == pytest.approx([np.average(steps, weights=[4, 4, 2])], rel=0.1)
    assert shuffled != pytest.approx([np.average(steps, weights=[4, 4, 2])], rel=1e-4)


@pytest.mark.parametrize(
    ("change", "why"), [({"momentum": 0.9}, "plain SGD"), ({"penalty": 0.1}, "plain SGD")]
)
def test_scikit_learn_says_what_it_does_not_take_part_in(worker, change, why):
    with pytest.raises(WorkerError, match=why):
        worker("sklearn").call("load", random_problem(2, (3, 4, 3), **change))
    with pytest.raises(WorkerError, match="two classes"):
        worker("sklearn").call("load", random_problem(2, (3, 4, 2)))


@pytest.mark.torch
@pytest.mark.parametrize("name", ["compile", "functional"])
@pytest.mark.parametrize("change", [{}, {"momentum": 0.9}, {"penalty": 0.01}])
def test_what_is_compiled_is_the_same_step(monkeypatch, worker, name, change):
    # Without the compiler, which takes many seconds: every run of the benchmarks holds what it
    # makes to npnet's losses.
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("TORCHINDUCTOR_COMPILE_THREADS", "1")
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda f, **_: compiled.append(f) or f)
    problem = random_problem(4, (5, 6, 7, 3), lr=0.1, batches=4, **change)
    trainer = importlib.import_module(PEERS[name].module).build(problem)
    theirs = [trainer.number(trainer.step(*trainer.convert(x, y))) for x, y in problem.batches]
    (ours,) = losses({"npnet": worker("npnet")}, problem, count=4)
    assert len(compiled) == 1
    assert theirs == pytest.approx(ours, rel=1e-5)
