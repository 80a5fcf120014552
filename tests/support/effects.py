"""What a forward changes beside its outputs: the checks of npnet.check."""

from __future__ import annotations

from npnet.check.checks.lasting import Fails, lasting

__all__ = ["Fails", "lasting"]
