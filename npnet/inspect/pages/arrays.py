"""Arrays: numbers on a page, small ones as a table, large ones as a heat map."""

from __future__ import annotations

from html import escape

import numpy as np

from npnet.inspect.expressions import Expr
from npnet.inspect.numbers import compact, shape_text
from npnet.inspect.pages.heat import heat_map
from npnet.inspect.rendering import mathml, text
from npnet.inspect.rendering.writer import number_text
from npnet.parameter import Array

__all__ = ["figure", "written"]

#: Up to so many rows and columns are a table.
ROWS, COLUMNS = 8, 8
#: A dot of a heat map is so many pixels wide, less where there are many, and never fewer than 2.
_DOT, _WIDE = 10, 384


def figure(what: str, name: Expr, array: Array, **data: object) -> str:
    """Return an array with its name and shape, as a figure of HTML.

    A number is written in six digits; the <data> element around it has them all.

    Parameters
    ----------
    what : str
        Its class: "value", "gradient" and the like.
    name : Expr
    array : array
    **data
        What it is found by: ``slot=3`` makes data-slot="3".

    Examples
    --------
    >>> from npnet.inspect.expressions import Symbol
    >>> print(figure("value", Symbol("x"), np.array(1 / 3)))
    <figure class="array value"><figcaption><math><mi>x</mi></math></figcaption><p \
class="numbers"><data value="0.3333333333333333">0.333333</data></p></figure>
    """
    attributes = "".join(f' data-{key}="{escape(str(value))}"' for key, value in data.items())
    size = f' <span class="shape">{shape_text(array.shape)}</span>' if array.ndim else ""
    caption = f"<figcaption>{mathml(name)}{size}</figcaption>"
    return f'<figure class="array {what}"{attributes}>{caption}{_body(name, array)}</figure>'


def written(value: float) -> str:
    """Return a number in six digits, with all of them around it.

    >>> written(-0.5)
    '<data value="-0.5">−0.5</data>'
    """
    digits = number_text(value + 0.0)
    return f'<data value="{value + 0!r}">{digits.replace("-", "−")}</data>'


def _body(name: Expr, array: Array) -> str:
    """Return the numbers."""
    if not array.size:
        return '<p class="numbers">empty</p>'
    if not array.ndim:
        return f'<p class="numbers">{written(array.item())}</p>'
    matrix = array.reshape(-1, array.shape[-1])
    if matrix.shape[0] > ROWS or matrix.shape[1] > COLUMNS:
        return _heat(name, array)
    rows = "".join(
        f"<tr>{''.join(f'<td>{written(value)}</td>' for value in row)}</tr>"
        for row in matrix.tolist()
    )
    label = f"{text(name)}, {matrix.shape[0]} by {matrix.shape[1]}"
    return f'<table class="numbers" aria-label="{escape(label)}">{rows}</table>'


def _heat(name: Expr, array: Array) -> str:
    """Return a heat map with its legend, and in words."""
    found = heat_map(array)
    dot = max(2, min(_DOT, _WIDE // max(found.rows, found.columns)))
    size = f'width="{dot * found.columns}" height="{dot * found.rows}"'
    bound = number_text(found.scale, 4)
    said = f"Heat map of {text(name)}: {compact(array)}"
    finite = array[np.isfinite(array)]
    extremes = ""
    if finite.size:
        edges = (
            ("least", finite.min()),
            ("mean", finite.mean(dtype=float)),
            ("greatest", finite.max()),
        )
        extremes = ", ".join(f"{word} {written(value.item())}" for word, value in edges)
    notes = []
    if found.block != (1, 1):
        notes.append(f"a dot is the mean of {found.block[0]} × {found.block[1]} numbers")  # noqa: RUF001
    if array.ndim > 2:
        notes.append("all axes but the last go down")
    if found.unusual:
        notes.append(f"{found.unusual} not finite, grey")
    return (
        f'<img class="heat" {size} src="{found.uri}" alt="{escape(said)}">'
        f'<p class="scale" aria-hidden="true">−{bound}<span class="bar"></span>{bound}</p>'
        f'<p class="numbers">{extremes}</p>'
        + (f'<p class="note">{"; ".join(notes)}</p>' if notes else "")
    )
