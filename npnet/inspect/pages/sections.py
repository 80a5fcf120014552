"""Sections: an event as a part of a page, with its equations and numbers."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np

from npnet.inspect.events import Backward, Contribution, Event, Forward, Seed, Slot
from npnet.inspect.expressions import Expr, Words
from npnet.inspect.pages.arrays import figure
from npnet.inspect.pages.sentences import heading, sentence
from npnet.inspect.recording import Recording
from npnet.inspect.rendering import mathml

__all__ = ["section"]


def section(event: Event, recording: Recording) -> str:
    """Return an event as a section of HTML: its equations, what is read, what comes out."""
    if isinstance(event, Seed):
        where, body = f'data-slot="{event.slot.id}"', _seed(event, recording)
    elif isinstance(event, Forward):
        where, body = f'data-step="{event.step.id}"', _forward(event)
    else:
        where, body = f'data-step="{event.step.id}"', _backward(event, recording)
    number = event.index
    return (
        f'<section class="event {event.kind}" id="event{number}" data-kind="{event.kind}" {where} '
        f'aria-labelledby="title{number}" data-sentence="{escape(sentence(event, recording))}">'
        f'<h2 id="title{number}">{escape(heading(event))}</h2>{body}</section>'
    )


def _formulas(equations: Iterable[Expr], kind: str = "formula") -> str:
    """Return equations, one below the other."""
    return "".join(
        f'<p class="{kind}">{mathml(equation, display=True)}</p>' for equation in equations
    )


def _value(slot: Slot) -> str:
    """Return a slot's value."""
    return figure("value", slot.symbol, slot.value, slot=slot.id)


def _group(title: str, figures: Iterable[str]) -> str:
    """Return figures under a title, if there are any."""
    inside = "".join(figures)
    return f'<div class="group"><h3>{title}</h3><div class="row">{inside}</div></div>' * bool(
        inside
    )


def _forward(event: Forward) -> str:
    """Return what a step computes."""
    rule = event.step.rule
    read = {operand.slot.number: operand.slot for operand in event.operands}
    where = f'<p class="where">where</p>{_formulas(rule.where)}' if rule.where else ""
    return (
        _formulas(rule.forward)
        + where
        + _group(
            "it reads",
            (_value(slot) for slot in read.values() if slot.kind != "constant" or slot.shape),
        )
        + _group("it computes", map(_value, event.outputs))
    )


def _seed(event: Seed, recording: Recording) -> str:
    """Return the gradient that an output starts with."""
    (start,) = event.contributions
    name = start.slot.gradient_symbol
    shown = figure("contribution", name, start.value, slot=start.slot.id, number=start.number)
    words = "Going back starts with the gradient of the output by itself."
    more = _sum(start, recording) + _counted(start)
    return f"<p>{words}</p>{_group('it starts with', [shown])}{more}"


def _backward(event: Backward, recording: Recording) -> str:
    """Return what a step passes on."""
    arrived = (
        figure("arrived", slot.gradient_symbol, gradient, slot=slot.id)
        for slot, gradient in zip(event.step.outputs, event.arrived, strict=True)
        if gradient is not None
    )
    passed = (_passed(event, given, recording) for given in event.contributions)
    cards = f'<div class="cards">{"".join(passed)}</div>'
    return _group("the gradient that arrived", arrived) + cards


def _passed(event: Backward, given: Contribution, recording: Recording) -> str:
    """Return what one operand receives."""
    assert given.operand is not None
    rule, slot = event.step.rule, given.slot
    role = given.operand.role
    local = [equation for equation in rule.local.get(role, ()) if equation is not None]
    about = f'data-slot="{slot.id}" data-position="{given.operand.position}"'
    return (
        f'<article class="passed" {about}><h3>to {mathml(slot.symbol)}</h3>'
        f"{_formulas(local, 'local')}{_formulas([rule.backward[role]])}"
        f'<div class="row">{_product(event, given)}{_received(given)}</div>'
        f"{_sum(given, recording)}{_counted(given)}</article>"
    )


def _product(event: Backward, given: Contribution) -> str:
    """Return the local derivatives, and what arrived before one where the product is received."""
    assert given.operand is not None
    equations = event.step.rule.local.get(given.operand.role, ())
    found, parts = given.slot.id, []
    for slot, arrived, equation, local in zip(
        event.step.outputs, event.arrived, equations, given.local, strict=False
    ):
        if arrived is None or equation is None or local is None or not local.size:
            continue
        shown = figure("local", equation.left, local, slot=found)
        product = arrived * local
        # Not where numbers are gathered besides, as where an operand was broadcast.
        if product.shape == given.value.shape and np.allclose(product, given.value, equal_nan=True):
            before = figure("arrived", slot.gradient_symbol, arrived, slot=slot.id)
            times = "⊙" if arrived.ndim and local.ndim else "·"
            shown = f'{before}<span class="sign">{times}</span>{shown}<span class="sign">=</span>'
        parts.append(shown)
    return "".join(parts)


def _received(given: Contribution) -> str:
    """Return what is received."""
    name: Expr = given.slot.gradient_symbol
    if given.of > 1:
        name = Words(f"contribution {given.number}")
    return figure("contribution", name, given.value, slot=given.slot.id, number=given.number)


def _sum(given: Contribution, recording: Recording) -> str:
    """Return the sum of what is received and what has been before, where there is any."""
    if given.number == 1:
        return ""
    slot = given.slot
    before = recording.contributions(slot)[given.number - 2].total
    name: Expr = slot.gradient_symbol if given.complete else Words("sum so far")
    return (
        f'<div class="row">{figure("before", Words("sum before"), before, slot=slot.id)}'
        f'<span class="sign">+ contribution {given.number} =</span>'
        f"{figure('total', name, given.total, slot=slot.id, number=given.number)}</div>"
    )


def _counted(given: Contribution) -> str:
    """Return which of several contributions it is."""
    if given.of == 1:
        return ""
    rest = "the sum is complete" if given.complete else f"{given.of - given.number} to come"
    return f'<p class="counted">contribution {given.number} of {given.of}: {rest}</p>'
