"""Functions: layers called by name on a tape or on arrays; torch.nn.functional's names."""

from npnet.functional import activation, elementwise
from npnet.functional.activation import *  # noqa: F403
from npnet.functional.elementwise import *  # noqa: F403

__all__ = [*activation.__all__, *elementwise.__all__]
