"""Page: a forward and backward pass as one file of HTML to step through."""

from __future__ import annotations

import os
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from npnet.expression import Expression
from npnet.inspect.drawing.composing import composed
from npnet.inspect.drawing.scene import scene_of_recording
from npnet.inspect.drawing.svg import svg
from npnet.inspect.pages.sections import section
from npnet.inspect.pages.sentences import heading
from npnet.inspect.recording import Recording, recorded
from npnet.module import Module

__all__ = ["html", "page"]


def page(
    graph: Module | Recording,
    path: str | Path,
    /,
    *inputs: Any,
    gradients: Any = None,
    names: Mapping[Expression | str, str] | None = None,
    title: str | None = None,
    **named: Any,
) -> Path:
    """Write a graph's last forward and backward to a page to step through; return its path.

    The page is one file that needs no network: the drawing, and for every step its equations and
    numbers, forward and then back, with the sum so far where a value is read more than once.

    Parameters
    ----------
    graph : Graph, any Module, or a Recording
    path : str or Path
        Where to write it; ends in .html.
    *inputs, gradients, names, **named
        As `record` takes them; without inputs, those of the last call.
    title : str, optional
        What stands above it.

    Errors
    ------
    RuntimeError
        Without inputs, where the graph has not run.
    ValueError
        For a path that ends otherwise, and as `record`.
    TypeError
        As `record`.

    Examples
    --------
    >>> import tempfile, npnet
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = page(npnet.Sigmoid(), Path(folder) / "sigmoid.html", 0.0)
    ...     path.name, "0.25" in path.read_text("utf-8")
    ('sigmoid.html', True)
    """
    if isinstance(graph, str | os.PathLike) and isinstance(path, Module | Recording):
        raise TypeError(
            "page: expected the model first and then the path, got them the other way round; write "
            f"page(model, {os.fspath(graph)!r})"
        )
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"page: expected a path that ends in .html, got {type(path).__name__}; give one before "
            "the inputs: page(model, 'page.html', x)"
        )
    place = Path(path)
    if place.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"page: expected a path that ends in .html, got {str(path)!r}")
    recording = recorded(graph, inputs, named, gradients, names, "page")
    place.write_text(html(recording, title), encoding="utf-8", newline="\n")
    return place


def html(recording: Recording, title: str | None = None) -> str:
    """Return a recording as a page to step through."""
    events = recording.events
    drawn = composed(scene_of_recording(recording), values=True, gradients=True, stages=True)
    entries = (
        f'<li><button type="button">{escape(heading(event))}</button></li>' for event in events
    )
    return Template(_asset("page.html")).substitute(
        title=escape(title or f"Backpropagation through {recording.title}"),
        style=_asset("page.css"),
        drawing=svg(drawn),
        count=len(events),
        sections="\n".join(section(event, recording) for event in events),
        entries="\n".join(entries),
        script=_asset("page.js"),
    )


def _asset(name: str) -> str:
    """Return one of the files that a page is made of."""
    return files("npnet.inspect.pages").joinpath(name).read_text(encoding="utf-8")
