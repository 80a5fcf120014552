"""Functions: layers called by name on a tape or on arrays; torch.nn.functional's names."""

from npnet.functional import (
    activation,
    arithmetic,
    elementwise,
    joining,
    labels,
    loss,
    parametric,
    random_like,
)
from npnet.functional.activation import *  # noqa: F403
from npnet.functional.arithmetic import *  # noqa: F403
from npnet.functional.elementwise import *  # noqa: F403
from npnet.functional.joining import *  # noqa: F403
from npnet.functional.labels import *  # noqa: F403
from npnet.functional.loss import *  # noqa: F403
from npnet.functional.parametric import *  # noqa: F403
from npnet.functional.random_like import *  # noqa: F403
from npnet.layers import methods, pieces
from npnet.layers.methods import *  # noqa: F403
from npnet.layers.pieces import *  # noqa: F403

__all__ = [
    *activation.__all__,
    *arithmetic.__all__,
    *elementwise.__all__,
    *joining.__all__,
    *labels.__all__,
    *loss.__all__,
    *methods.__all__,
    *parametric.__all__,
    *pieces.__all__,
    *random_like.__all__,
]
