"""Hypothesis profiles, Ctrl-C, and torch: with one thread, and compulsory on request."""

import os
import signal

import pytest
from hypothesis import settings

from tests.support.browser import missing, started

settings.register_profile("dev", deadline=None, max_examples=30)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# A shell that starts the tests in the background has them ignore Ctrl-C, which some are about.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure():
    """Under NPNET_REQUIRE_TORCH and NPNET_REQUIRE_BROWSER refuse to run without, not to skip."""
    if os.environ.get("NPNET_REQUIRE_BROWSER") and missing():
        raise pytest.UsageError(f"NPNET_REQUIRE_BROWSER is set, but {missing()}")
    if not os.environ.get("NPNET_REQUIRE_TORCH"):
        return
    try:
        import torch  # noqa: F401 - only whether it can be imported matters
    except ImportError as error:
        raise pytest.UsageError(
            f"NPNET_REQUIRE_TORCH is set, but torch cannot be imported ({error}); "
            "pip install -e '.[bench]'"
        ) from None


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Return a Browser without a window, or skip the test."""
    if missing():
        pytest.skip(missing())
    with started(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def torch():
    """Return torch, or skip the test; with one thread, as two wait for each other's small work."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)
