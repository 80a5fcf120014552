"""What torch has too, and the samples of its own tests, without the package they are run with."""

from __future__ import annotations

import re
import sys
import types
import unittest
from importlib import import_module
from typing import Any

import pytest

import npnet

__all__ = ["NAMES", "database"]

#: Layers that torch has too: they name it as their source.
NAMES = [
    name
    for name in npnet.layers.__all__
    if re.search(rf"\btorch\.nn\.{name}\b", getattr(npnet, name).__doc__)
]


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
