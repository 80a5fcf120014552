"""An event as a part of a page has all its numbers."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings

import npnet
from npnet import Graph
from npnet.inspect import record
from npnet.inspect.pages.sections import section
from tests.support.figures import expression, two_paths
from tests.support.programs import ProgramModule, cases


def parsed(event, recording):
    """Return the section of an event as a tree."""
    html = re.sub(r"(<img[^>]*)>", r"\1/>", section(event, recording))
    return ElementTree.fromstring(html.replace("&#xa0;", " "))


def figures(tree, kind):
    """Return slot and numbers of the figures of a kind."""
    return [
        (f.get("data-slot"), [float(d.get("value")) for d in f.iter("data")])
        for f in tree.iter("figure")
        if kind in f.get("class").split()
    ]


def flat(array):
    """Return an array's numbers in a list."""
    return [float(value) for value in array.ravel()]


def check_section(event, recording):
    """Hold the numbers of a section to the event's, where arrays are small."""
    tree = parsed(event, recording)
    assert tree.get("data-kind") == event.kind
    if event.kind == "forward":
        read = {o.slot.number: o.slot for o in event.operands}.values()
        shown = [s for s in read if s.kind != "constant" or s.shape] + list(event.outputs)
        assert figures(tree, "value") == [(slot.id, flat(slot.value)) for slot in shown]
        return
    given_ = event.contributions
    assert figures(tree, "contribution") == [(c.slot.id, flat(c.value)) for c in given_]
    later = [c for c in given_ if c.number > 1]
    assert figures(tree, "total") == [(c.slot.id, flat(c.total)) for c in later]
    before = [recording.contributions(c.slot)[c.number - 2].total for c in later]
    assert [numbers for _, numbers in figures(tree, "before")] == [flat(b) for b in before]


@settings(max_examples=25)
@given(cases())
def test_every_number_of_random_programs(case):
    recording = record(ProgramModule(case), *case.leaves[:2], gradients=(*case.seeds,))
    for event in recording.events:
        check_section(event, recording)


def test_the_equations_are_mathml():
    recording = expression()
    tree = parsed(recording.events[1], recording)
    formula = tree.find("p[@class='formula']/math")
    assert "".join(formula.itertext()) == "q=ep"
    assert formula.get("display") == "block"


def test_what_arrived_times_the_local_derivative_is_what_is_received():
    recording = expression()
    tree = parsed(recording.events[-1], recording)
    first = tree.find(".//article")
    assert figures(first, "arrived") == [("slot3", [pytest.approx(3.0, rel=1e-14)])]
    assert figures(first, "local") == [("slot1", [2 * np.log(3)])]
    signs = ["".join(sign.itertext()) for sign in first.iter("span") if sign.get("class") == "sign"]
    assert signs == ["·", "=", "+ contribution 2 ="]


def test_no_product_is_claimed_where_numbers_are_gathered_besides():
    g = Graph(dtype=np.float64)
    x, b = g.input("x", requires_grad=True), g.input("b", requires_grad=True)
    g.output(x * b)
    recording = record(g, np.ones((2, 3)), 2.0, gradients=np.ones((2, 3)))
    to_x, to_b = parsed(recording.events[-1], recording).iter("article")
    assert len(figures(to_x, "arrived")) == 1
    assert [s.text for s in to_x.iter("span") if s.get("class") == "sign"] == ["⊙", "="]
    assert figures(to_b, "arrived") == []
    assert figures(to_b, "contribution") == [("slot1", [6.0])]


def test_what_else_stands_in_an_equation_is_said():
    recording = record(npnet.LayerNorm(3, dtype=np.float64), np.array([[1.0, 2.0, 4.0]]))
    tree = parsed(recording.events[0], recording)
    assert len(tree.findall("p[@class='formula']")) == 1 + len(recording.steps[0].rule.where)
    assert tree.find("p[@class='where']") is not None


@pytest.mark.parametrize(("number", "words"), [(1, "1 to come"), (2, "the sum is complete")])
def test_which_of_several_contributions_it_is(number, words):
    graph, names = two_paths()
    recording = record(graph, names=names)
    event = next(
        e
        for e in recording.backward
        for c in e.contributions
        if c.slot.name == "W" and c.number == number
    )
    text = "".join(parsed(event, recording).itertext())
    assert f"contribution {number} of 2: {words}" in text


def test_names_are_escaped():
    g = Graph(dtype=np.float64)
    g.output(-g.input("<i>", requires_grad=True))
    recording = record(g, 2.0)
    for event in recording.events:
        assert "<i>" not in section(event, recording).replace("<mi>", "")
