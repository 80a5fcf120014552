"""What a student reads; that it is right is held in test_rules.py."""

import npnet
from tests.support.written import written


def test_rows_less_their_mean_over_their_spread():
    layer = npnet.LayerNorm(3, eps=0.5, elementwise_affine=False)
    assert written(layer, x=(5, 3)) == [
        "y = ẑ",
        "μ = mean(x, axis 1)",
        "ρ = √(mean((x − μ)², axis 1) + 0.5)",
        "ẑ = (x − μ)/ρ",
        "dx = (dy − mean(dy, axis 1) − ẑ ⊙ mean(dy ⊙ ẑ, axis 1))/ρ",
    ]


def test_without_the_mean():
    lines = written(npnet.RMSNorm(3, eps=0.5), x=(5, 3), weight=(3,))
    assert lines[:3] == ["y = ẑ ⊙ weight", "ρ = √(mean(x², axis 1) + 0.5)", "ẑ = x/ρ"]
    assert lines[-1] == "dweight = sum(dy ⊙ ẑ, axis 0)"
    # The smallest that 1 can be added to in float32, where no dtype is known.
    assert "+ 1.19209e-07)" in written(npnet.RMSNorm(3), x=(5, 3), weight=(3,))[1]


def test_a_batch_while_training_and_what_was_tracked_after():
    shapes = {"x": (5, 3, 2), "weight": (3,), "bias": (3,)}
    layer = npnet.BatchNorm1d(3, eps=0.5)
    training = written(layer, [(5, 3, 2)], **shapes)
    assert training[:2] == ["y = ẑ ⊙ weight + bias", "μ = mean(x, axes 0, 2)"]
    assert training[-1] == "dbias = sum(dy, axes 0, 2)"
    evaluation = written(layer.eval(), [(5, 3, 2)], **shapes)
    assert evaluation[1:3] == ["μ = running_mean", "ρ = √(running_var + 0.5)"]
    assert evaluation[4] == "dx = dy ⊙ weight/ρ"
