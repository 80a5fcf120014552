"""A drawing in a browser: its letters are as wide as the browser makes them, and still fit."""

import pytest

from npnet.inspect import draw
from tests.support.figures import deep, expression, two_paths

pytestmark = pytest.mark.browser

OVERLAPS = """
const drawing = document.querySelector("svg");
const box = (e) => e.getBoundingClientRect();
const texts = [...drawing.querySelectorAll("text")].filter((t) => t.getClientRects().length);
const boxes = texts.map(box);
const found = [];
const inside = (a, b) => a.left < b.right - 0.5 && b.left < a.right - 0.5
  && a.top + 2 < b.bottom - 2 && b.top + 2 < a.bottom - 2;
for (let i = 0; i < boxes.length; i++) {
  for (let j = i + 1; j < boxes.length; j++) {
    if (inside(boxes[i], boxes[j])) found.push([texts[i].textContent, texts[j].textContent]);
  }
}
for (const node of drawing.querySelectorAll(".node")) {
  const body = box(node.querySelector(".body"));
  for (const text of node.querySelectorAll("text")) {
    const { left, right, top } = box(text);
    const below = top > body.bottom - 4;
    if (!below && (left < body.left || right > body.right)) found.push(["out", text.textContent]);
  }
}
const paper = box(drawing);
for (const [i, b] of boxes.entries()) {
  if (b.left < paper.left || b.right > paper.right || b.bottom > paper.bottom) {
    found.push(["off the paper", texts[i].textContent]);
  }
}
return [texts.length, found];
"""


@pytest.mark.parametrize("name", ["two paths", "expression", "deep"])
@pytest.mark.parametrize("numbers", [False, True])
def test_no_text_overlaps_another_as_the_browser_sets_it(browser, tmp_path, name, numbers):
    graph, names = two_paths()
    drawings = {
        "two paths": lambda: draw(graph, names=names, values=numbers, gradients=numbers),
        "expression": lambda: draw(expression(), values=numbers, gradients=numbers),
        "deep": lambda: draw(deep(20), values=numbers, gradients=numbers),
    }
    browser.open(drawings[name]().save(tmp_path / "drawing.svg"))
    count, found = browser.run(OVERLAPS)
    assert found == []
    assert count > 10
