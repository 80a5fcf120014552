"""Linting: what is likely wrong with a model before it is trained, and while it is."""

from npnet.inspect.linting.advice import Advice, Lint
from npnet.inspect.linting.linter import lint
from npnet.inspect.linting.watching import Watch, watch

__all__ = ["Advice", "Lint", "Watch", "lint", "watch"]
