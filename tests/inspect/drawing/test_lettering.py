"""How wide words get."""

import pytest

from npnet.inspect.drawing.lettering import Run, plain, width


def test_widths_grow_with_the_font_and_with_every_character():
    words = (Run("Linear", "bold"), Run(" 2"))
    assert width(words, 24) == 2 * width(words, 12)
    assert width((*words, Run("i")), 12) > width(words, 12)
    assert width((), 12) == 0


def test_bold_is_wider_and_an_index_narrower():
    size = width([Run("x")], 10)
    assert width([Run("x", "bold")], 10) > size > width([Run("x", "", -1)], 10)


@pytest.mark.parametrize("character", ["漢", "Ж", "\u2603"])
def test_what_is_not_known_is_taken_to_be_wide(character):
    assert width([Run(character)], 10) >= width([Run("X")], 10)


def test_plain_words():
    assert plain([Run("h", "math"), Run("12", "", -1)]) == "h12"
