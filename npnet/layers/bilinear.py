"""Bilinear: products of two inputs' features, weighed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npnet import init
from npnet.contraction import contractions
from npnet.kernel import Spec
from npnet.layers.base import Layer
from npnet.layers.normalization import check_shape, filled
from npnet.layers.sizes import size_number
from npnet.parameter import Array, Parameter

__all__ = ["Bilinear"]


class Bilinear(Layer):
    """Sum over the products of two inputs' features.

    Equation: y_o = sum_ij input1_i weight_oij input2_j + bias_o

    Shapes: input1 (..., I), input2 (..., J) with the same leading axes, any number of them, none
    too; weight (O, I, J), bias (O,), y (..., O).

    Parameters
    ----------
    in1_features, in2_features, out_features : int
        I, 1 or more, J and O, 0 or more.
    bias : bool, default True
        Without it nothing is added.
    dtype : dtype, default float32
        Of the parameters and of the computation.
    generator : npnet.random.Generator, optional
        Where the initial numbers come from; by default the stream `npnet.manual_seed` sets.

    weight, then bias, are drawn from U(-1/sqrt(I), 1/sqrt(I)), bit for bit torch's for one seed.

    Errors
    ------
    ValueError
        For inputs of other widths or with different leading axes, and for sizes that are none.
    TypeError
        For a dtype that is neither float32 nor float64.

    Source: torch.nn.Bilinear.

    Examples
    --------
    >>> import numpy as np
    >>> product = Bilinear(2, 2, 1, bias=False)
    >>> product.weight.data = [[[1, 0], [0, 10]]]
    >>> product(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])).tolist()
    [[83.0]]
    """

    weight: Parameter
    bias: Parameter | None
    backward_reads = frozenset({"input1", "input2", "weight"})
    rows = frozenset({"input1", "input2", "bias", "y"})
    kept = frozenset({"products"})
    y, dproducts, dweight, dbias = contractions("bk,ok->bo", "bo,ok->bk", "bo,bk->ok", "bo->o")

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        generator: Any = None,
    ) -> None:
        super().__init__()
        self.in1_features = size_number(in1_features, "Bilinear", "in1_features", least=1)
        self.in2_features = size_number(in2_features, "Bilinear", "in2_features")
        self.out_features = size_number(out_features, "Bilinear", "out_features")
        self.weight = filled((out_features, in1_features, in2_features), 0.0, dtype, "Bilinear")
        zeros = filled(out_features, 0.0, dtype, "Bilinear") if bias else None
        self.register_parameter("bias", zeros)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw weight, then bias, anew."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound, generator=generator)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound, generator=generator)

    def infer(self, input1: Spec, input2: Spec, weight: Spec, bias: Spec | None) -> Spec:
        """Check widths and leading axes."""
        if len(weight.shape) != 3:
            raise ValueError(f"Bilinear: expected a weight of 3 axes, got shape {weight.shape}")
        for number, given, width in ((1, input1, weight.shape[1]), (2, input2, weight.shape[2])):
            if not given.shape or given.shape[-1] != width:
                raise ValueError(
                    f"Bilinear: expected input{number} of shape (B, {width}), got {given.shape}; "
                    f"in{number}_features is {width}"
                )
        if input1.shape[:-1] != input2.shape[:-1]:
            raise ValueError(
                "Bilinear: expected inputs with the same leading axes, got "
                f"{input1.shape} and {input2.shape}"
            )
        check_shape(self._who, "bias", bias, weight.shape[:1])
        return Spec((*input1.shape[:-1], weight.shape[0]), input1.dtype)

    def scratch_specs(
        self, input1: Spec, input2: Spec, weight: Spec, bias: Spec | None
    ) -> dict[str, Any]:
        """Return room for the products of the features, and for their gradients."""
        products = Spec((math.prod(input1.shape[:-1]), *weight.shape[1:]), input1.dtype)
        return {"products": products, "gradients": products}

    def forward_kernel(
        self,
        input1: Array,
        input2: Array,
        weight: Array,
        bias: Array | None,
        *,
        out: Array,
        scratch: Any,
    ) -> None:
        """Write y = (input1_i input2_j) @ weight.T + bias with all pairs ij as one axis."""
        products = scratch.products
        np.multiply(input1[:, :, None], input2[:, None, :], products)
        self.y.kernel(as_pairs(products), as_pairs(weight), out=out)
        if bias is not None:
            np.add(out, bias, out=out)

    def backward_kernel(
        self,
        dy: Array,
        input1: Array,
        input2: Array,
        weight: Array,
        bias: None,
        y: None,
        *,
        dinput1: Array | None,
        dinput2: Array | None,
        dweight: Array | None,
        dbias: Array | None,
        scratch: Any,
    ) -> None:
        """Write the gradients of both factors, of the weight and of the bias."""
        gradients = scratch.gradients
        if dweight is not None:
            self.dweight.kernel(dy, as_pairs(scratch.products), out=as_pairs(dweight))
        if dbias is not None:
            self.dbias.kernel(dy, out=dbias[0])
        if dinput1 is None and dinput2 is None:
            return
        self.dproducts.kernel(dy, as_pairs(weight), out=as_pairs(gradients))
        if dinput1 is not None:
            np.matmul(gradients, input2[:, :, None], out=dinput1[:, :, None])
        if dinput2 is not None:
            np.matmul(input1[:, None, :], gradients, out=dinput2[:, None, :])

    def extra_repr(self) -> str:
        """Torch's words."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


def as_pairs(array: Array) -> Array:
    """View an array (N, I, J) in C order as a matrix: both features' axes as one."""
    count, first, second = array.shape
    return array.reshape(count, first * second)
