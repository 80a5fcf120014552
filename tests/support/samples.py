"""The samples that torch's own tests use, without the package those tests are run with."""

from __future__ import annotations

import sys
import types
import unittest
from importlib import import_module
from typing import Any

import pytest

__all__ = ["database"]


def database(module: str, name: str) -> list[Any]:
    """Return a list of torch.testing._internal: "common_modules" has "module_db"."""
    pytest.importorskip("torch")
    stub = types.ModuleType("expecttest")
    stub.TestCase = unittest.TestCase  # type: ignore[attr-defined]
    missing = "expecttest" not in sys.modules
    if missing:
        sys.modules["expecttest"] = stub
    try:
        found: list[Any] = getattr(import_module(f"torch.testing._internal.{module}"), name)
    finally:
        if missing:
            del sys.modules["expecttest"]
    return found
