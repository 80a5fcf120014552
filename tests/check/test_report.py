import math

import numpy as np
import pytest

from npnet.check.checks.table import CHECKS
from npnet.check.comparing import Disagreement
from npnet.check.function import GradientShape
from npnet.check.gradchecking import Fault, GradcheckResult, GradientError
from npnet.check.report import CheckError, Finding, Line, Report, findings_of

GRADIENTS = CHECKS[0]
LINES = (
    Line("gradients", "every gradient agrees", "FAIL"),
    Line("rows", "a batch gives each row what it gives alone", "skip", "there are no rows"),
    Line("untouched", "what it is given stays as it is", "ok"),
)
FINDING = Finding("gradients", "gradient of x is wrong", "x", (1, 2), 0.5, -0.5, "wrong sign")


def report(*findings):
    return Report("check_layer", "Mine()", ("x (2, 3): as given",), LINES, findings)


def test_a_report_without_findings_is_ok_and_true():
    assert report().ok and report() and not report().cause
    assert not report(FINDING).ok and not report(FINDING)


def test_it_prints_a_line_for_each_check_and_below_what_failed():
    assert str(report(FINDING)).splitlines() == [
        "check_layer: Mine(): 1 of 2 checks failed",
        "  x (2, 3): as given",
        "  FAIL  every gradient agrees",
        "        gradient of x is wrong",
        "        likely mistake: wrong sign",
        "  skip  a batch gives each row what it gives alone (there are no rows)",
        "  ok    what it is given stays as it is",
    ]
    assert repr(report(FINDING)) == str(report(FINDING))


def test_long_findings_are_wrapped_and_indented():
    lines = str(report(Finding("gradients", "word " * 50))).splitlines()
    found = [line for line in lines if line.startswith("        ")]
    assert len(found) == 3 and all(len(line) <= 96 for line in found)
    assert found[1].startswith(" " * 10 + "word")


def test_its_cause_is_the_first_there_is():
    assert report(Finding("rows", "no cause"), FINDING).cause == "wrong sign"


def test_a_cause_that_the_message_has_is_said_once():
    assert str(Finding("rows", "x: wrong sign", cause="wrong sign")) == "x: wrong sign"


def test_an_error_has_its_report():
    error = CheckError("failed", report(FINDING))
    assert isinstance(error, AssertionError) and not error.report


def test_faults_of_gradcheck_become_findings():
    faults = (
        Fault("w", (0, 1), 2.0, 1.0, 3, 6, "a constant factor of 2"),
        Fault("x", None, math.nan, math.nan, 0, 0, "x is written to"),
    )
    error = GradientError("text", GradcheckResult("Mine", {}, {}, faults, "step 2"))
    (w, x), culprit = findings_of(GRADIENTS, error)
    assert culprit == "step 2"
    assert (w.operand, w.element, w.expected, w.got) == ("w", (0, 1), 1.0, 2.0)
    assert "gradient of w[0, 1]: expected 1 (central differences), got 2 (backward)" in w.message
    assert "3 of 6 elements are wrong" in w.message and w.cause == "a constant factor of 2"
    assert (x.element, x.message) == (None, "x: x is written to")


@pytest.mark.parametrize(
    "error, message, operand, cause",
    [
        (Disagreement("y differs", "y", (0,), 1.0, 2.0, "kept"), "y differs", "y", "kept"),
        (GradientShape("dx has shape", "x", "transposed"), "dx has shape", "x", "transposed"),
        (ValueError("no"), "it raises ValueError: no", "", ""),
    ],
)
def test_errors_of_checks_become_findings(error, message, operand, cause):
    ((found,), culprit) = findings_of(GRADIENTS, error)
    assert (found.check, found.message) == ("gradients", message)
    assert (found.operand, found.cause, culprit) == (operand, cause, "")


def test_numbers_are_those_of_the_disagreement():
    error = Disagreement("y", "y", (0,), np.float32(1.0), np.float32(2.0))
    (found,), _ = findings_of(GRADIENTS, error)
    assert (found.element, found.expected, found.got) == ((0,), 1.0, 2.0)


def test_what_is_to_be_said_of_several_checks_is_said_once():
    checks = ("one", "two", "three", "four", "five")
    marks = dict(zip(checks, ("FAIL", "FAIL", "skip", "skip", "FAIL"), strict=True))
    lines = [
        Line(name, f"{name} holds", mark, "cannot be compared" * (mark == "skip"))
        for name, mark in marks.items()
    ]
    same = "it raises NameError: x"
    findings = (Finding("one", f"backward: {same}", "backward"), Finding("two", same))
    found = Report("check_layer", "Mine()", (), tuple(lines), (*findings, Finding("five", "other")))
    assert str(found).splitlines()[1:] == [
        "  FAIL  one holds",
        "  FAIL  two holds",
        f"        {same}",
        "  skip  three holds",
        "  skip  four holds",
        "        cannot be compared",
        "  FAIL  five holds",
        "        other",
    ]


@pytest.mark.parametrize(
    ("found", "words"), [((), "1 check passed"), ((FINDING,), "1 check failed")]
)
def test_one_check_is_one(found, words):
    line = Line("gradients", "every gradient agrees", "FAIL" if found else "ok")
    text = str(Report("check_layer", "Mine()", (), (line, LINES[1]), found))
    assert text.splitlines()[0] == f"check_layer: Mine(): {words}"
