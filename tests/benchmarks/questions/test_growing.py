"""The questions `depth`, `batch` and `width`: what grows, and that it is ordinary training."""

import pytest

from benchmarks.questions import QUESTIONS
from tests.support.benchmarks import SHORT, Fake

GROWING = {name: QUESTIONS[name].answer for name in ("depth", "batch", "width")}


@pytest.mark.parametrize(
    ("name", "first", "last", "network"),
    [("depth", 2, 64, "64-64-10"), ("batch", 1, 8192, "64-64-10"), ("width", 8, 2048, "784-8-10")],
)
def test_what_grows_from_where_to_where(name, first, last, network):
    growth = GROWING[name]
    assert (growth.sizes[0], growth.sizes[-1]) == (first, last)
    assert set(growth.few) <= set(growth.sizes) | {1024}
    assert growth.problem(first).network == network
    assert growth.goals == ({"torch": 5.0} if name == "depth" else {})


def test_depth_counts_linear_layers():
    problem = GROWING["depth"].problem(8)
    assert len(problem.weights) == 8
    assert (problem.batch, set(problem.sizes[:-1]), problem.sizes[-1]) == (32, {64}, 10)


@pytest.mark.parametrize("name", GROWING)
def test_it_runs_and_fits_a_line(worker, name):
    found = GROWING[name]({"npnet": worker("npnet")}, SHORT)
    assert [row.run for row in found.rows] == [f"{name} {size}" for size in GROWING[name].few]
    assert found.extra["fits"]["npnet"]["best"]["slope"] > 0


def test_the_goal_of_depth_is_read_from_the_lines():
    def layers(price):
        return lambda problem: 1e-3 + price * len(problem.weights)

    sides = {
        "npnet": Fake("npnet", layers(1e-4), losses=[1.0]),
        "torch": Fake("torch", layers(6e-4), losses=[1.0]),
    }
    found = GROWING["depth"](sides, SHORT)
    assert found.tables[0].rows[1][-2:] == ["5", "yes"]


@pytest.mark.torch
def test_the_deepest_network_trains_on_torch_as_on_npnet(beside):
    problem = GROWING["depth"].problem(64)
    losses = []
    for process in beside("torch").values():
        process.call("load", problem)
        losses.append(process.call("losses", 20))
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert len(set(losses[0])) == 20
