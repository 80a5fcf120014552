"""What a student reads; that it is right is held in test_rules.py."""

import npnet
from tests.support.written import written


def test_an_affine_map_of_rows():
    layer = npnet.Linear(4, 3)
    assert written(layer, x=(5, 4), weight=(3, 4), bias=(3,)) == [
        "y = x weightᵀ + bias",
        "dx = dy weight",
        "dweight = dyᵀ x",
        "dbias = sum(dy, axis 0)",
    ]
    assert written(layer, [(3,)], x=(4,), weight=(3, 4), bias=(3,))[-1] == "dbias = dy"
    assert written(npnet.Linear(4, 3, bias=False), x=(5, 4), weight=(3, 4))[0] == "y = x weightᵀ"


def test_a_table_of_rows():
    lines = written(npnet.Embedding(9, 3), [(5, 3)], x=(5,), weight=(9, 3))
    assert lines == ["y = weight[x]", "dweight = one_hot(x)ᵀ dy"]
    padded = written(npnet.Embedding(9, 3, padding_idx=0), [(5, 3)], x=(5,), weight=(9, 3))
    assert padded[-1] == "dweight = [row ≠ 0] ⊙ one_hot(x)ᵀ dy"


def test_shapes_are_written_out_where_they_are_known():
    assert written(npnet.Flatten(), [(5, 6)], x=(5, 2, 3)) == [
        "y = reshape(x, (5, 6))",
        "dx = reshape(dy, (5, 2, 3))",
    ]
    assert written(npnet.Flatten(), [None], x=None)[1] == "dx = reshape(dy, shape of x)"


def test_each_part_gets_its_own_gradient():
    layer = npnet.Concatenate(1)
    assert written(layer, [(5, 6)], terms0=(5, 4), terms1=(5, 2))[1:] == [
        "dterms0 = dy[:, 0:4]",
        "dterms1 = dy[:, 4:6]",
    ]
    assert written(layer, [None], terms0=None, terms1=None)[-1] == "dterms1 = dy[part 1]"


def test_two_inputs_features_in_the_letters_of_einsum():
    lines = written(
        npnet.Bilinear(3, 4, 2, bias=False),
        [(5, 2)],
        input1=(5, 3),
        weight=(2, 3, 4),
        input2=(5, 4),
    )
    assert lines[0] == "y = einsum(...i, oij, ...j → ...o, input1, weight, input2)"
    assert "dweight = einsum(ao, ai, aj → oij, dy, input1, input2)" in lines


def test_axes_are_exchanged_and_exchanged_back():
    matrix = ["y = xᵀ", "dx = dyᵀ"]
    assert written(npnet.Permute(1, 0), [(4, 5)], x=(5, 4)) == matrix
    assert written(npnet.Transpose(1, 2), [(2, 4, 3)], x=(2, 3, 4)) == matrix
    assert written(npnet.Transpose(-2, -1), [None], x=None) == matrix
    assert written(npnet.Transpose(0, 2), [(4, 3, 2)], x=(2, 3, 4)) == [
        "y = transpose(x, axes 0 and 2)",
        "dx = transpose(dy, axes 0 and 2)",
    ]
    assert written(npnet.Transpose(0, 1), [None], x=None)[0] == "y = transpose(x, axes 0 and 1)"
    assert written(npnet.Permute(2, 0, 1), [(4, 2, 3)], x=(2, 3, 4)) == [
        "y = permute(x, axes 2, 0, 1)",
        "dx = permute(dy, axes 1, 2, 0)",
    ]


def test_axes_of_length_1_are_a_matter_of_shape():
    assert written(npnet.Unsqueeze(1), [(5, 1, 3)], x=(5, 3)) == [
        "y = reshape(x, (5, 1, 3))",
        "dx = reshape(dy, (5, 3))",
    ]


def test_what_is_picked_out_is_put_back_among_zeros():
    layer = npnet.Index((slice(None), 1))
    assert written(layer, [(5,)], x=(5, 4)) == ["y = x[:, 1]", "dx = scatter(dy, [:, 1], (5, 4))"]
    twice = npnet.Index([0, 0])
    assert written(twice, [None], x=None)[1] == "dx = scatter_add(dy, [[0, 0]], shape of x)"
