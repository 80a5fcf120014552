"""Pages: a forward and backward pass to step through in a browser."""

from npnet.inspect.pages.page import page

__all__ = ["page"]
