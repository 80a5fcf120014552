from npnet.check.mistakes.mistake import Mistake
from npnet.check.mistakes.table import MISTAKES


def test_a_mistake_is_a_layer_or_a_function_never_both():
    for mistake in MISTAKES:
        assert (mistake.function is None) != (mistake.layer is None), mistake.what
        assert mistake.form == ("layer" if mistake.layer else "function")


def test_every_mistake_says_what_it_is_and_what_names_it():
    for mistake in MISTAKES:
        assert mistake.what and mistake.words and mistake.operands, mistake
    keys = [(m.family, m.what, m.form, m.function, m.layer, len(m.operands)) for m in MISTAKES]
    several = [k for k in keys if keys.count(k) > 1 and k[2] == "layer"]
    assert several == [] and isinstance(MISTAKES[0], Mistake)
