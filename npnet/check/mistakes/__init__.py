"""Mistakes: what people get wrong in backward passes, to see that it is caught and named."""

from npnet.check.mistakes.table import MISTAKES, examine, summary

__all__ = ["MISTAKES", "examine", "summary"]
