"""Check: one's own layers and functions held to what npnet's own layers hold to."""

from npnet.check.checking import check_gradients, check_layer
from npnet.check.draws import labels
from npnet.check.gradchecking import Fault, GradcheckResult, GradientError, gradcheck
from npnet.check.report import CheckError, Finding, Report

__all__ = [
    "CheckError",
    "Fault",
    "Finding",
    "GradcheckResult",
    "GradientError",
    "Report",
    "check_gradients",
    "check_layer",
    "gradcheck",
    "labels",
]
