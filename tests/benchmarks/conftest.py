"""Worker processes, each started once for all tests that ask for it."""

from contextlib import ExitStack

import pytest

from benchmarks.peers import SIDES, missing
from benchmarks.process import start


@pytest.fixture(scope="session")
def worker():
    """Return a function from a side's name to its process; what is not installed is skipped."""
    with ExitStack() as stack:
        running = {}

        def get(name):
            if name not in running:
                if lack := missing(SIDES[name]) if SIDES[name].package else "":
                    pytest.skip(lack)
                running[name] = stack.enter_context(start([SIDES[name]]))[name]
            return running[name]

        yield get


@pytest.fixture(scope="session")
def beside(worker):
    """Return a function from peers' names to the processes of npnet and of these peers."""
    return lambda *names: {name: worker(name) for name in ("npnet", *names)}
