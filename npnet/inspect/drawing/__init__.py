"""Drawing: graphs as pictures."""

from npnet.inspect.drawing.drawing import Drawing, draw

__all__ = ["Drawing", "draw"]
