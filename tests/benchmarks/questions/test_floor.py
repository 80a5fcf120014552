"""The question `floor`: what the limit is made of."""

import pytest

from benchmarks.problem import random_problem
from benchmarks.questions import floor
from benchmarks.questions.floor import GOALS, QUESTION, Limit, work
from benchmarks.questions.step import SIZES
from tests.support.benchmarks import SHORT, Fake


def test_work_of_a_two_layer_step_by_hand():
    parts = work(random_problem(4, (5, 6, 3)))
    found = [(len(part.calls), part.moves, part.items) for part in parts]
    # hidden units 4 x 6, logits 4 x 3, parameters 6 x (5 + 1) + 3 x (6 + 1)
    assert found == [(2, 2, 24), (3, 3, 24), (12, 2, 12), (2, 3, 57)]


def test_every_hidden_layer_adds_its_work():
    assert len(work(random_problem(4, (5, 6, 7, 8, 3)))) == 2 * 3 + 2


class Machine(Fake):
    """Moves three arrays' items in a nanosecond for each of one; a call takes 10 µs."""

    def call(self, method, *arguments):
        if method == "ask":
            what, *given = arguments
            return 1e-9 * given[0] if what == "move_seconds" else 1e-5
        return super().call(method, *arguments)


def test_the_limit_adds_products_bytes_and_calls():
    limit = Limit.measure(Machine("floor"), random_problem(4, (5, 6, 3)), [1e-6, 2e-6])
    moves = (2 * 24 + 3 * 24 + 2 * 12 + 3 * 57) / 3
    assert limit.moves == pytest.approx(1e-9 * moves)
    assert limit.calls == pytest.approx(1e-5 * 19)
    assert limit.whole(calls=False) == pytest.approx([1e-6 + limit.moves, 2e-6 + limit.moves])
    assert limit.whole(calls=True)[0] == pytest.approx(1e-6 + limit.moves + limit.calls)


def test_goals_for_the_three_larger_sizes():
    assert len(GOALS) == len(SIZES)
    assert GOALS == (None, None, 0.85, 0.90, 0.93)


def test_limit_over_step_and_its_goal(monkeypatch):
    monkeypatch.setattr(floor, "SIZES", ((1, 3, 4, 3), (2, 3, 4, 3), (4, 3, 4, 3)))
    found = QUESTION.answer({"npnet": Fake("npnet", 0.01), "floor": Machine("floor", 0.009)}, SHORT)
    assert [row.reached for row in found.rows] == [None, None, True]
    ratios = [row.ratios[0] for row in found.rows]
    assert ratios == pytest.approx([0.9 + 0.019, 0.9 + 0.019, 0.9], rel=1e-4)
    (table,) = found.tables
    # Calls count in the two smallest sizes only.
    assert [row[4] for row in table.rows] == ["190.0", "190.0", "-"]
    assert "µs a step: limit" in found.markdown()


def test_it_runs(worker, monkeypatch):
    monkeypatch.setattr(floor, "SIZES", ((1, 3, 4, 3), (2, 3, 4, 3), (4, 3, 4, 3)))
    assert [side.name for side in QUESTION.beside] == ["floor"]
    found = QUESTION.answer({name: worker(name) for name in ("npnet", "floor")}, SHORT)
    assert found.failures == []
    assert all(0 < row.ratios[0] < 2 for row in found.rows)
