"""A heat map's dots are the numbers."""

import struct
import zlib
from base64 import b64decode

import numpy as np
import pytest

from npnet.inspect.pages.heat import COLUMNS, ROWS, heat_map, png

BLUE, ORANGE, GREY = (0, 114, 178), (213, 94, 0), (128, 128, 128)


def decoded(data):
    """Return the dots of a PNG file, as its specification has them."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = {}, 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        (check,) = struct.unpack(">I", data[place + 8 + length : place + 12 + length])
        assert check == zlib.crc32(kind + body)
        chunks[kind] = body
        place += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [8, 6, 0, 0, 0]  # 8 bits, red green blue and opacity, not interlaced
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(height, width, 4)


def dots(found):
    """Return the dots of a heat map."""
    head, _, body = found.uri.partition(",")
    assert head == "data:image/png;base64"
    return decoded(b64decode(body))


def test_png_has_the_colours_given():
    colours = np.random.default_rng(0).integers(0, 256, (5, 7, 4)).astype(np.uint8)
    np.testing.assert_array_equal(decoded(png(colours)), colours)


def test_colour_is_sign_and_opacity_is_size():
    array = np.array([[-2.0, -1.0, 0.0], [0.5, 1.0, 2.0]])
    found = heat_map(array)
    shown = dots(found)
    assert (found.rows, found.columns, found.block, found.scale) == (2, 3, (1, 1), 2.0)
    assert tuple(shown[0, 0, :3]) == BLUE
    assert tuple(shown[1, 2, :3]) == ORANGE
    np.testing.assert_array_equal(shown[..., 3], np.rint(np.abs(array) / 2 * 255))


def test_a_large_array_has_means_of_blocks():
    array = np.arange(100.0 * 200).reshape(100, 200)
    found = heat_map(array)
    assert found.block == (3, 3)
    assert (found.rows, found.columns) == (34, 67)
    assert found.rows <= ROWS
    assert found.columns <= COLUMNS
    means = np.array(
        [[array[i : i + 3, j : j + 3].mean() for j in range(0, 200, 3)] for i in range(0, 100, 3)]
    )
    assert found.scale == pytest.approx(means.max())
    wanted = means / means.max() * 255
    assert np.abs(dots(found)[..., 3] - wanted).max() <= 0.5 + 1e-9


def test_axes_but_the_last_go_down():
    assert (heat_map(np.ones((2, 3, 4))).rows, heat_map(np.ones((2, 3, 4))).columns) == (6, 4)
    assert (heat_map(np.ones(50)).rows, heat_map(np.ones(50)).columns) == (1, 50)


def test_what_is_not_finite_is_grey_and_left_out_of_means():
    array = np.ones((ROWS + 1, 2))
    array[0], array[2, 0], array[3, 0] = np.nan, np.inf, -1.0
    found = heat_map(array)
    shown = dots(found)
    assert found.unusual == 3
    assert found.scale == 1.0
    assert shown[0, 0].tolist() == [*ORANGE, 255]  # the mean of nan and 1
    assert shown[1, 0].tolist() == [*BLUE, 255]  # of inf and -1
    plain = dots(heat_map(np.array([[np.nan, 1.0]])))
    assert plain[0, 0].tolist() == [*GREY, 255]


@pytest.mark.parametrize(
    "array", [np.zeros((3, 3)), np.full((2, 2), np.nan), np.zeros((2, 2), bool)]
)
def test_nothing_to_see(array):
    found = heat_map(array)
    assert found.scale == 0
    assert dots(found).shape == (*array.shape, 4)
