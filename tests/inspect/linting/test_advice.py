from npnet.inspect import Advice, Lint

FIRST = Advice("a-code", "fc1", "what is there", "why it matters " * 12, "del model[3]")
SECOND = Advice("another", "fc2", "what", "why", "write this")


def test_an_advice_says_what_why_and_what_instead():
    lines = str(FIRST).splitlines()
    assert lines[:2] == ["a-code: fc1", "  what     what is there"]
    assert lines[2].startswith("  why      why it matters")
    assert lines[3].startswith("           ") and all(len(line) < 100 for line in lines)
    assert lines[-1] == "  instead  del model[3]"


def test_what_was_found_is_counted_and_printed():
    found = Lint("Net", (FIRST, SECOND))
    assert str(found).splitlines()[0] == "lint: Net: 2 findings"
    assert repr(found) == str(found) and str(SECOND) in str(found)
    assert str(Lint("Net", (SECOND,))).splitlines()[0] == "lint: Net: 1 finding"


def test_it_is_true_where_nothing_is_found():
    nothing, found = Lint("Net", ()), Lint("Net", (FIRST, SECOND))
    assert nothing and nothing.ok and str(nothing) == "lint: Net: nothing found"
    assert not found and not found.ok
    assert list(found) == [FIRST, SECOND] and found.codes == ("a-code", "another")


def test_a_long_line_to_write_has_its_remark_below():
    code, remark = "optimizer = SGD(model.parameters(), lr=0.1)", "made last " * 8
    lines = str(Advice("a", "b", "c", "d", f"{code}    # {remark.strip()}")).splitlines()
    assert lines[3] == f"  instead  {code}"
    assert all(line.startswith("           # ") for line in lines[4:]) and len(lines) > 4
    assert all(len(line) <= 100 for line in lines)
    assert " ".join(line[13:] for line in lines[4:]) == remark.strip()
    words = str(Advice("a", "b", "c", "d", "give what fits " * 10)).splitlines()
    assert len(words) > 4 and all(len(line) <= 100 for line in words)
