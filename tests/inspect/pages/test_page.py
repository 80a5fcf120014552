"""The page: one file, whole, that needs nothing from elsewhere."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import npnet
from npnet import Linear, ReLU, Sequential
from npnet.inspect import page, record
from npnet.inspect.pages.page import html
from tests.support.figures import expression, two_paths

VOID = {"meta", "img", "input"}


class Checker(HTMLParser):
    """Reads a page and notes what it is made of."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.addresses, self.kinds = [], [], [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.kinds.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.addresses += [v for k, v in attributes if k in ("src", "href", "action", "srcset")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.kinds.append(tag)


def checked(text):
    """Return what a page is made of."""
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert checker.open == []
    return checker


@pytest.fixture(scope="module")
def text():
    graph, names = two_paths()
    return html(record(graph, names=names))


def test_every_tag_is_closed_and_every_id_is_there_once(text):
    found = checked(text)
    assert len(found.ids) == len(set(found.ids))
    assert found.kinds.count("section") == 17
    assert text.startswith("<!DOCTYPE html>")
    assert '<html lang="en">' in text


def test_it_asks_for_nothing_from_elsewhere():
    model = Sequential(Linear(30, 20), ReLU())
    recording = record(model, np.ones((9, 30), np.float32), gradients=np.ones((9, 20)))
    text = html(recording)
    addresses = checked(text).addresses
    assert addresses
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    found = set(re.findall(r"https?://[^\s\"'<)]*", text))
    assert found == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in text
    assert "@import" not in text


def test_the_same_recording_makes_the_same_page(text):
    graph, names = two_paths()
    assert html(record(graph, names=names)) == text


def test_every_event_has_an_entry_and_a_section(text):
    entries = re.findall(r'<li><button type="button">([^<]*)</button></li>', text)
    headings = re.findall(r'<h2 id="title\d+">([^<]*)</h2>', text)
    assert entries == headings
    assert len(entries) == 17
    assert 'max="17"' in text
    assert ">1 of 17<" in text


def test_title(text):
    assert "<title>Backpropagation through Graph</title>" in text
    named = html(expression(), title="a < b & c")
    assert "<h1>a &lt; b &amp; c</h1>" in named


@pytest.mark.parametrize("name", ["page.html", "page.htm", "PAGE.HTML"])
def test_page_writes_it(tmp_path, name):
    recording = expression()
    path = page(recording, tmp_path / name)
    assert path == tmp_path / name
    assert path.read_text(encoding="utf-8") == html(recording)
    assert b"\r" not in path.read_bytes()


def test_page_takes_what_record_takes(tmp_path):
    model = Sequential(Linear(2, 3), ReLU())
    x, dy = np.ones((1, 2), np.float32), np.ones((1, 3))
    path = page(model, str(tmp_path / "a.html"), x, gradients=dy, names={"h2": "y"})
    assert path.read_text("utf-8") == html(record(model, x, gradients=dy, names={"h2": "y"}))


def test_without_a_way_back_there_are_forward_events_only(tmp_path):
    path = page(ReLU(), tmp_path / "a.html", np.ones(3))
    assert checked(path.read_text("utf-8")).kinds.count("section") == 1


def test_other_endings_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"^page: expected a path that ends in \.html, got"):
        page(expression(), tmp_path / "page.pdf")
    with pytest.raises(RuntimeError, match=r"^page: ReLU has not run"):
        page(ReLU(), tmp_path / "page.html")
    with pytest.raises(TypeError, match=r"^page: expected a Graph or another Module, got int"):
        page(3, tmp_path / "page.html")
    model = ReLU()
    model(np.ones(3))
    words = (
        r"^page: expected the model first and then the path, .*; write page\(model, 'a\.html'\)$"
    )
    with pytest.raises(TypeError, match=words):
        page("a.html", model)
    with pytest.raises(TypeError, match=r"ends in \.html, got ndarray; give one before the inputs"):
        page(model, np.ones(3))
    assert [*tmp_path.iterdir()] == []


def test_page_is_where_the_documents_say():
    assert npnet.inspect.page is page
