"""Clock: no moment comes again."""

from npnet import parameter
from npnet.clock import Clock, structure


def test_every_tick_is_another_moment_and_between_them_time_stands_still():
    clock = Clock()
    seen = [clock.now]
    for _ in range(100):
        assert clock.now is seen[-1]
        clock.tick()
        seen.append(clock.now)
    assert len(set(map(id, seen))) == len(seen)


def test_there_is_one_for_all():
    assert parameter.structure is structure
