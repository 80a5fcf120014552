from functools import partial

import pytest

from npnet.program import Program


def test_runs_calls_in_order_and_lists_them_once():
    seen, listed = [], []

    def list_calls(number, *, name):
        listed.append(number)
        yield partial(seen.append, (name, number))
        yield partial(seen.append, (name, -number))

    program = Program()
    program.add(list_calls, [1], {"name": "a"}, [partial(seen.append, "then")])
    program.add(list_calls, [2], {"name": "b"})
    assert (len(program), listed) == (2, [])
    for _ in range(2):
        program.run()
    once = [("a", 1), ("a", -1), "then", ("b", 2), ("b", -2)]
    assert (seen, listed) == (once * 2, [1, 2])


def test_lists_again_only_what_was_touched():
    seen, listed, numbers = [], [], [[1], [2]]

    def list_calls(number):
        listed.append(number)
        return [partial(seen.append, number)] * number

    program = Program()
    for arguments in numbers:
        program.add(list_calls, arguments, {})
    program.run()
    numbers[0][0] = 3
    program.touch(0)
    program.run()
    program.run()
    assert listed == [1, 2, 3]
    assert seen == [1, 2, 2] + [3, 3, 3, 2, 2] * 2


def test_a_stage_that_cannot_be_listed_is_tried_again():
    arguments, seen = [None], []

    def list_calls(number):
        return [partial(seen.append, number + 1)]

    program = Program()
    program.add(list_calls, arguments, {})
    with pytest.raises(TypeError):
        program.run()
    arguments[0] = 1
    program.run()
    assert seen == [2]
