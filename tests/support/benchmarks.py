"""Stand-ins for the processes and the progress bar of the benchmarks."""

from dataclasses import replace

from benchmarks.peers import SIDES
from benchmarks.question import Effort

#: Little enough for a test.
SHORT = Effort(rounds=2, limit=1.0, short=True, seconds=0.001)


class Bar:
    """Counts what a bar would show."""

    def __init__(self):
        self.rounds, self.said = 0, []

    def update(self, count=1):
        self.rounds += count

    def set_postfix_str(self, text):
        self.said.append(text)


class Fake:
    """A process that takes a fixed time for a piece of work, and answers what it is told to.

    `answers` maps a method to its result; a step takes `step` seconds, or what `step` gives for
    the problem that is loaded.
    """

    def __init__(self, name, step=0.01, **answers):
        self.side, self.step, self.answers = SIDES[name], step, answers
        self.loaded, self.timed = [], 0

    def call(self, method, *arguments):
        if method == "load":
            self.loaded.append(arguments)
        if method == "seconds":
            self.timed += 1
            step = self.step(self.loaded[-1][0]) if callable(self.step) else self.step
            return step * arguments[0]
        return self.answers.get(method)


class Changed:
    """A process that is given another problem than it should be."""

    def __init__(self, process, change):
        self.process, self.side, self.change = process, process.side, change

    def call(self, method, *arguments):
        if method == "load":
            problem, *rest = arguments
            arguments = (replace(problem, **self.change), *rest)
        return self.process.call(method, *arguments)
