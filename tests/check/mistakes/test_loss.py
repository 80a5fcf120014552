import pytest

from npnet.check.mistakes import loss
from tests.support.seeded import accused, hold


@pytest.mark.parametrize("mistake", loss.MISTAKES, ids=lambda m: f"{m.family}: {m.what}, {m.form}")
def test_is_caught_and_named(mistake):
    hold(mistake)


@pytest.mark.parametrize("right", loss.RIGHT, ids=lambda r: f"{r.family} {bool(r.layer)}")
def test_what_is_right_is_not_accused(right):
    assert accused(right) == []
