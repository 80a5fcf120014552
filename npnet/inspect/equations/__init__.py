"""Equations: what every layer computes and its gradients, in the names of a graph."""

from npnet.inspect.equations.rule import Rule
from npnet.inspect.equations.rules import rule_of

__all__ = ["Rule", "rule_of"]
