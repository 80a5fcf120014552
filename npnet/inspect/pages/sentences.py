"""Sentences: an event in words, to be read aloud."""

from __future__ import annotations

from npnet.inspect.events import Contribution, Event, Forward, Seed
from npnet.inspect.numbers import compact
from npnet.inspect.recording import Recording
from npnet.inspect.rendering import text

__all__ = ["heading", "sentence"]


def heading(event: Event) -> str:
    """Return what happens, in a few words.

    >>> import npnet
    >>> from npnet.inspect import record
    >>> [heading(event) for event in record(npnet.Sigmoid(), 0.0).events]
    ['Forward: Sigmoid, p', 'Backward: start at p', 'Backward: Sigmoid, to x']
    """
    if isinstance(event, Seed):
        return f"Backward: start at {event.slot.name}"
    if isinstance(event, Forward):
        return f"Forward: {event.step.kind}, {', '.join(slot.name for slot in event.outputs)}"
    names = dict.fromkeys(given.slot.name for given in event.contributions)
    return f"Backward: {event.step.kind}, to {', '.join(names)}"


def sentence(event: Event, recording: Recording) -> str:
    """Return what happens, in sentences.

    >>> import npnet
    >>> from npnet.inspect import record
    >>> recording = record(npnet.Sigmoid(), 0.0)
    >>> print(sentence(recording.events[0], recording))
    Step 1 of 3, forward: Sigmoid. p = σ(x). p is 0.5.
    >>> print(sentence(recording.events[2], recording))
    Step 3 of 3, backward: Sigmoid. dp is 1. x receives 0.25.
    """
    place = f"Step {event.index + 1} of {len(recording.events)}"
    if isinstance(event, Seed):
        (start,) = event.contributions
        return f"{place}, backward: start. {text(start.slot.gradient_symbol)} is {_started(start)}."
    if isinstance(event, Forward):
        equations = [f"{text(equation)}." for equation in event.step.rule.forward]
        values = [f"{slot.name} is {compact(slot.value)}." for slot in event.outputs]
        return " ".join([f"{place}, forward: {event.step.kind}.", *equations, *values])
    arrived = [
        f"{text(slot.gradient_symbol)} is {compact(gradient)}."
        for slot, gradient in zip(event.step.outputs, event.arrived, strict=True)
        if gradient is not None
    ]
    passed = [f"{_received(given)}." for given in event.contributions]
    return " ".join([f"{place}, backward: {event.step.kind}.", *arrived, *passed])


def _started(start: Contribution) -> str:
    """Return the gradient that an output starts with."""
    return compact(start.value) + (", others will be added" if start.of > 1 else "")


def _received(given: Contribution) -> str:
    """Return what one operand receives, and what it has then."""
    words = f"{given.slot.name} receives {compact(given.value)}"
    if given.of == 1:
        return words
    words += f", contribution {given.number} of {given.of}"
    return words if given.number == 1 else f"{words}, the sum is now {compact(given.total)}"
