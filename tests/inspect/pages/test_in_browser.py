"""The page in a browser: every event is stepped through, and its numbers are the trace's."""

import json

import numpy as np
import pytest

from npnet import Linear, MSELoss, ReLU, Sequential
from npnet.inspect import page, record, trace
from npnet.inspect.drawing.blocks import block_of
from npnet.inspect.pages.sentences import heading, sentence
from npnet.inspect.rendering import text
from tests.support.figures import expression, two_paths

pytestmark = pytest.mark.browser

LEFT, RIGHT, HOME, END, SPACE, TAB = "\ue012", "\ue014", "\ue011", "\ue010", " ", "\ue004"


@pytest.fixture(scope="module")
def recording():
    graph, names = two_paths()
    return record(graph, names=names)


@pytest.fixture(scope="module")
def path(recording, tmp_path_factory):
    return page(recording, tmp_path_factory.mktemp("page") / "backprop.html")


@pytest.fixture
def opened(browser, path):
    browser.open(path)
    yield browser
    assert browser.complaints() == []


def expected_figures(event, recording):
    """Return kind, slot and numbers of what an event has, in order."""

    def found(what, slot, array):
        return what, slot.id, [float(value) for value in np.ravel(array)]

    if event.kind == "forward":
        slots = dict.fromkeys(operand.slot for operand in event.operands)
        return [found("value", slot, slot.value) for slot in (*slots, *event.outputs)]
    if event.kind == "seed":
        return [found("contribution", event.slot, event.contributions[0].value)]
    pairs = zip(event.step.outputs, event.arrived, strict=True)
    figures = [found("arrived", slot, array) for slot, array in pairs if array is not None]
    for given in event.contributions:
        figures.append(found("contribution", given.slot, given.value))
        if given.number > 1:
            before = recording.contributions(given.slot)[given.number - 2].total
            figures.append(found("before", given.slot, before))
            figures.append(found("total", given.slot, given.total))
    return figures


def expected_labels(index, recording):
    """Return kind, place and numbers of what stands in the picture at an event."""
    events = recording.events[: index + 1]
    ran = {event.step.number for event in events if event.kind == "forward"}
    there = [slot for slot in recording.slots if slot.step is None or slot.step in ran]
    labels = [("value", [slot.id, None, None], slot.value) for slot in there]
    sums = {}
    for event in events:
        for given in getattr(event, "contributions", ()):
            sums[given.slot.id] = given.total
            if given.of > 1 and given.operand is not None:
                place = [given.slot.id, event.step.id, str(given.operand.position)]
                labels.append(("contribution", place, given.value))
    labels += [("gradient", [slot, None, None], total) for slot, total in sums.items()]
    columns = (zip(*block_of(array).rows, strict=True) for _, _, array in labels)
    return sorted(
        (kind, place, [cell for column in cells for cell in column])
        for (kind, place, _), cells in zip(labels, columns, strict=True)
    )


def check_event(shown, event, recording):
    """Hold what the page shows to the event."""
    assert (shown["sections"], shown["index"]) == (1, event.index)
    assert shown["heading"] == heading(event)
    assert all(figure["seen"] for figure in shown["figures"])
    found = [(f["what"], f["slot"], f["numbers"]) for f in shown["figures"]]
    # Beside the local derivatives, which have what arrived before them once more.
    wanted = expected_figures(event, recording)
    rest = [figure for figure in found if figure[0] != "local"]
    assert [figure for figure in wanted if figure in rest] == wanted
    assert {what for what, _, _ in rest} == {what for what, _, _ in wanted}
    for figure in shown["figures"]:
        for number, written in zip(figure["numbers"], figure["texts"], strict=True):
            assert float(written.replace("−", "-")) == pytest.approx(number, rel=5e-6)
    numbers = [label for label in shown["labels"] if label["kind"] != "name"]
    labels = sorted((label["kind"], label["place"], label["texts"]) for label in numbers)
    assert labels == expected_labels(event.index, recording)
    words = sentence(event, recording)
    assert shown["status"] == shown["spoken"] == words
    assert shown["place"] == f"{event.index + 1} of {len(recording.events)}"
    assert (shown["slider"], shown["current"]) == (str(event.index + 1), event.index)


def check_picture(shown, event, recording):
    """Hold what is marked in the picture to the event."""
    ran = {e.step.id for e in recording.events[: event.index + 1] if e.kind == "forward"}
    steps = {step.id for step in recording.steps}
    assert {id_ for id_ in shown["later"] if id_.startswith("step")} == steps - ran
    if event.kind == "seed":
        assert shown["now"] == [event.slot.id]
        assert shown["goes"] == shown["comes"] == []
        return
    assert shown["now"] == [event.step.id]
    read = [[o.slot.id, event.step.id, str(o.position)] for o in event.step.operands]
    if event.kind == "forward":
        assert (sorted(shown["goes"]), shown["comes"]) == (sorted(read), [])
        return
    given = {str(c.operand.position) for c in event.contributions}
    assert sorted(shown["comes"]) == sorted(edge for edge in read if edge[2] in given)


def test_every_event_has_the_numbers_of_the_trace(opened, recording):
    graph, names = two_paths()
    found = trace(graph, names=names)
    for event in found:
        check_event(opened.shown(), event, found.recording)
        check_picture(opened.shown(), event, found.recording)
        opened.press(RIGHT)
    assert opened.shown()["index"] == len(found) - 1 == len(recording.events) - 1


def test_every_event_of_an_expression(browser, tmp_path):
    recording = expression()
    browser.open(page(recording, tmp_path / "page.html"))
    for event in recording.events:
        check_event(browser.shown(), event, recording)
        check_picture(browser.shown(), event, recording)
        browser.press(RIGHT)
    assert browser.complaints() == []


def test_equations_are_set_as_mathematics(opened, recording):
    opened.press(RIGHT)
    assert opened.shown()["formulas"] == ["h=max\u2061(0,a)"]
    assert text(recording.steps[1].rule.forward[0]) == "h = max(0, a)"
    box = opened.run("return document.querySelector('#event1 math').getBoundingClientRect()")
    assert box["height"] > 10


def test_keys(opened):
    for key, index in ((END, 16), (RIGHT, 16), (LEFT, 15), (HOME, 0), (LEFT, 0), (RIGHT, 1)):
        opened.press(key)
        assert opened.shown()["index"] == index, repr(key)


def test_buttons(opened):
    assert opened.shown()["disabled"] == ["first", "back"]
    for name, index in (("next", 1), ("next", 2), ("back", 1), ("last", 16), ("first", 0)):
        opened.click(f"#{name}")
        assert opened.shown()["index"] == index, name
    opened.click("#last")
    assert opened.shown()["disabled"] == ["next", "last"]


def test_slider(opened):
    opened.run("document.getElementById('slider').focus()")
    for key, index in ((RIGHT, 1), (RIGHT, 2), (LEFT, 1), (END, 16), (HOME, 0)):
        opened.press(key)
        assert opened.shown()["index"] == index, repr(key)
    opened.click("#slider")  # in its middle
    assert opened.shown()["index"] == 8


def test_entries_and_steps_of_the_picture_lead_to_their_events(opened):
    opened.click("#list li:nth-child(12) button")
    assert opened.shown()["index"] == 11
    opened.click(".node[data-id='step3']")
    assert opened.shown()["index"] == 13  # on the way back, its backward event
    opened.press(HOME)
    opened.click(".node[data-id='step3']")
    assert opened.shown()["index"] == 3


def test_the_address_has_the_step(opened, path):
    opened.press(END)
    assert opened.driver.current_url == f"{path.as_uri()}#17"
    opened.driver.refresh()
    assert opened.shown()["index"] == 16
    opened.go(4)
    assert opened.shown()["index"] == 3
    opened.go("nonsense")
    assert opened.shown()["index"] == 0


CLOCK = """
window.setInterval = (tick, pause) => { window.ticking = { tick, pause }; return 7; };
window.clearInterval = (timer) => { if (timer === 7) window.ticking = null; };
"""


def test_the_space_bar_plays_to_the_end(opened):
    opened.run(CLOCK)
    opened.press(SPACE)
    assert opened.run("return document.getElementById('play').textContent") == "Pause"
    assert opened.run("return document.getElementById('status').ariaLive") == "off"
    assert opened.run("return ticking.pause") >= 1000
    for index in range(1, 17):
        opened.run("ticking.tick()")
        assert opened.shown()["index"] == index
    assert opened.run("return ticking") is None
    assert opened.run("return document.getElementById('play').textContent") == "Play"
    assert opened.run("return document.getElementById('status').ariaLive") == "polite"
    opened.press(SPACE)  # from the first one again
    assert opened.shown()["index"] == 0
    opened.press(SPACE)
    assert opened.run("return ticking") is None


def test_a_step_by_hand_ends_playing_and_space_on_a_button_is_the_button_s(opened):
    opened.run(CLOCK)
    opened.click("#play")
    opened.press(RIGHT)
    assert opened.run("return ticking") is None
    opened.run("document.getElementById('next').focus()")
    opened.press(SPACE)
    assert opened.shown()["index"] == 2
    assert opened.run("return ticking") is None


def test_what_a_screen_reader_hears(opened):
    nodes = opened.command("Accessibility.getFullAXTree")["nodes"]
    found = {
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    }
    for name in ("First", "Back", "Play", "Next", "Last", "Fit the whole picture"):
        assert ("button", name) in found
    assert ("slider", "Step") in found
    assert ("image", "Graph: a graph of 8 steps") in found
    assert ("region", "Picture of the graph") in found
    assert ("navigation", "All steps") in found
    roles = [role for role, _ in found]
    assert "status" in roles
    assert "main" in roles
    assert "MathMLMath" in roles
    assert ("region", "Forward: Linear, a") in found
    described = [node.get("description", {}).get("value", "") for node in nodes]
    assert any("Step 1, ReLU: h = max(0, a)." in words for words in described)


def test_the_tabulator_goes_from_the_picture_through_the_buttons_to_the_list(opened):
    opened.press(END)
    order = []
    for _ in range(8):
        opened.press(TAB)
        order.append(opened.run("return document.activeElement.id || document.activeElement.type"))
    assert order == ["board", "first", "back", "play", "fit", "slider", "button", "button"]
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert opened.run(outline) == "solid"


LUMINANCE = """
const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => [r, g, b]
  .map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const found = parts(getComputedStyle(at).backgroundColor);
    if (found.length < 4 || found[3] > 0) return found;
  }
  return [255, 255, 255];
};
return [...document.querySelectorAll("h1, h2, h3, p, button, label, output, td, data, figcaption")]
  .filter((e) => e.getClientRects().length && e.textContent && !e.disabled)
  .map((e) => {
    const [low, high] = [parts(getComputedStyle(e).color), behind(e)].map(luminance).sort();
    return [(high + 0.05) / (low + 0.05), e.outerHTML.slice(0, 80)];
  }).filter(([contrast]) => contrast < 4.5);
"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("event", [2, 15])
def test_words_are_readable_in_light_and_in_the_dark(browser, path, dark, event):
    browser.open(path, dark=dark)
    browser.go(event)
    assert browser.run(LUMINANCE) == []
    paper = browser.run("return getComputedStyle(document.querySelector('.paper')).fill")
    assert paper == browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") != dark


def test_a_phone_shows_all_without_moving_sideways(browser, path, recording):
    browser.open(path, size=(390, 844), phone=True)
    for _ in recording.events:
        wide = "return [document.documentElement.scrollWidth, document.body.scrollWidth]"
        assert max(browser.run(wide)) <= 390
        browser.press(RIGHT)
    sizes = browser.run(
        "return [...document.querySelectorAll('.buttons button, #slider')]"
        ".map((e) => e.getBoundingClientRect()).map((b) => [b.width, b.height, b.right])"
    )
    for width, height, right in sizes:
        assert height >= 44
        assert width >= 44
        assert right <= 390
    board = browser.run("return document.getElementById('board').getBoundingClientRect()")
    now = browser.run("return document.querySelector('.node.now').getBoundingClientRect()")
    assert board["left"] <= now["left"] < now["right"] <= board["right"]
    assert browser.complaints() == []


def test_the_picture_follows_and_moves_calmly_where_that_is_wished(browser, path):
    follow = (
        "window.moves = []; Element.prototype.scrollTo = function (how) { moves.push(how); };"
        "document.getElementById('next').click(); return moves.map((how) => how.behavior)"
    )
    browser.open(path, calm=True)
    assert browser.run(follow) == ["auto"]
    browser.open(path, calm=False)
    assert browser.run(follow) == ["smooth"]


def test_the_whole_picture_fits_on_request(opened):
    width = "return document.querySelector('#board svg').getBoundingClientRect().width"
    natural = opened.run(width)
    opened.click("#fit")
    assert opened.run(width) < 1280 < natural
    assert opened.run("return document.getElementById('fit').ariaPressed") == "true"
    opened.click("#fit")
    assert opened.run(width) == natural


def test_without_scripts_all_events_are_there(browser, path):
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(path)
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)
    seen = (
        "return [...document.querySelectorAll('.event')].filter((e) => e.getClientRects().length)"
    )
    assert len(browser.run(seen)) == 17
    early = "return getComputedStyle(document.querySelector('[data-until]')).display"
    assert browser.run(early) == "none"


def test_large_arrays_are_heat_maps(browser, tmp_path):
    model = Sequential(Linear(40, 60), ReLU())
    x = np.random.default_rng(0).normal(size=(70, 40)).astype(np.float32)
    recording = record(model, x, gradients=np.ones((70, 60)))
    browser.open(page(recording, tmp_path / "page.html"))
    for event in recording.events:
        images = browser.run(
            "return [...document.querySelectorAll('.event:not([hidden]) img')].map((i) => "
            "[i.complete, i.naturalWidth, i.naturalHeight, i.alt, i.width])"
        )
        assert len(images) >= 1
        assert all(complete and width > 1 and alt for complete, width, _, alt, _ in images)
        figures = {(f["what"], f["slot"]): f["numbers"] for f in browser.shown()["figures"]}
        if event.kind == "forward":
            out = event.outputs[0]
            low, mean, high = figures["value", out.id]
            assert (low, high) == (out.value.min(), out.value.max())
            assert mean == pytest.approx(out.value.mean(dtype=float))
        browser.press(RIGHT)
    assert browser.complaints() == []


def test_nothing_is_asked_of_the_network(opened):
    asked = opened.run("return performance.getEntriesByType('resource').map((e) => e.name)")
    assert [name for name in asked if not name.startswith("data:")] == []


def test_a_loss_of_batches_is_stepped_through_from_a_model(browser, tmp_path):
    class Objective(Sequential):
        def forward(self, x, y):
            return MSELoss()(super().forward(x), y)

    model = Objective(Linear(3, 2, dtype=np.float64), ReLU())
    x, y = np.arange(12.0).reshape(4, 3), np.ones((4, 2))
    recording = record(model, x, y)
    browser.open(page(recording, tmp_path / "page.html"))
    for event in recording.events:
        check_event(browser.shown(), event, recording)
        browser.press(RIGHT)
    assert json.dumps(browser.complaints()) == "[]"
