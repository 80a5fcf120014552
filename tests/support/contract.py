"""What every layer of npnet holds to: all checks of npnet.check, on a Case."""

from __future__ import annotations

from npnet.check.case import Case
from npnet.check.checking import failures
from npnet.check.checks.table import CHECKS

__all__ = ["CHECKS", "Case", "ContractError", "check_layer"]


class ContractError(AssertionError):
    """What a layer does not hold to; `failures` has the errors by check."""

    def __init__(self, case: Case, failures: dict[str, Exception]) -> None:
        lines = [f"{name}: {error}" for name, error in failures.items()]
        super().__init__(f"{case.name}: " + "\n".join(lines))
        self.failures = failures


def check_layer(case: Case) -> None:
    """Hold a layer to the whole contract.

    Errors
    ------
    ContractError
        With all that it does not hold to.
    """
    found = failures(case, CHECKS)
    if found:
        raise ContractError(case, found) from next(iter(found.values()))
