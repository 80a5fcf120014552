"""Hypothesis profiles, and torch made compulsory on request."""

import os

import pytest
from hypothesis import settings

settings.register_profile("dev", deadline=None, max_examples=30)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_configure():
    """Under NPNET_REQUIRE_TORCH refuse to run without torch, instead of skipping."""
    if not os.environ.get("NPNET_REQUIRE_TORCH"):
        return
    try:
        import torch  # noqa: F401 - only whether it can be imported matters
    except ImportError as error:
        raise pytest.UsageError(
            f"NPNET_REQUIRE_TORCH is set, but torch cannot be imported ({error}); "
            "pip install -e '.[bench]'"
        ) from None
