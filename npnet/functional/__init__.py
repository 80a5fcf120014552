"""Functions: layers called by name on a tape or on arrays; torch.nn.functional's names."""

from npnet.functional import activation, elementwise, loss, parametric
from npnet.functional.activation import *  # noqa: F403
from npnet.functional.elementwise import *  # noqa: F403
from npnet.functional.loss import *  # noqa: F403
from npnet.functional.parametric import *  # noqa: F403

__all__ = [*activation.__all__, *elementwise.__all__, *loss.__all__, *parametric.__all__]
