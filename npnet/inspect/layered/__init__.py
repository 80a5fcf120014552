"""Layered: a directed graph laid out in columns, left to right, whatever it is a graph of."""

from npnet.inspect.layered.arranging import arrange
from npnet.inspect.layered.model import Arc, Layout, Line, Placed, Room, Vertex

__all__ = ["Arc", "Layout", "Line", "Placed", "Room", "Vertex", "arrange"]
