import math
import warnings

import numpy as np
import pytest

from npnet import init
from npnet.parameter import Parameter
from npnet.random import Generator, default_generator, manual_seed

DTYPES = (np.float32, np.float64)
SHAPES = [(1, 1), (3, 5), (5, 3), (64, 32), (6, 4, 3), (4, 2, 3, 3)]
# Functions whose numbers are torch's bit by bit, and arguments for them.
EXACT = [
    ("uniform_", ()),
    ("uniform_", (-0.3, 0.7)),
    ("normal_", ()),
    ("normal_", (0.1, 2.0)),
    ("trunc_normal_", ()),
    ("trunc_normal_", (0.5, 0.02)),
    ("trunc_normal_", (0.0, 1.0, -4.0, -1.0)),
    ("trunc_normal_", (0.0, 1.0, 1.0, 5.0)),
    ("trunc_normal_", (0.0, 1.0, -1e39, math.inf)),
    ("trunc_normal_", (0.0, 1.0, 0.5, 0.5)),
    ("constant_", (0.3,)),
    ("ones_", ()),
    ("zeros_", ()),
    ("xavier_uniform_", (1.5,)),
    ("xavier_normal_", ()),
    ("kaiming_uniform_", (0.2, "fan_out")),
    ("kaiming_uniform_", (0, "FAN_IN", "tanh")),
    ("kaiming_normal_", (0, "fan_in", "relu")),
    ("kaiming_normal_", (math.sqrt(5),)),
]
RANDOM = [name for name in init.__all__ if name.split("_")[0] not in ("constant", "ones", "zeros")]
RANDOM = [name for name in RANDOM if name not in ("calculate_gain", "eye_", "dirac_")]
GAINS = ["linear", "conv1d", "conv2d", "conv3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
GAINS += [f"conv_transpose{axes}d" for axes in (1, 2, 3)]

# What torch 2.13 gives for Linear(3, 2) after torch.manual_seed(0).
TORCH_WEIGHT = [
    [-0.004322517663240433, 0.3097158372402191, -0.4751853346824646],
    [-0.4248946011066437, -0.2223689705133438, 0.15482072532176971],
]
TORCH_BIAS = [-0.011439144611358643, 0.45777493715286255]


def needs_torch():
    """Return torch, where it computes with AVX2 and FMA."""
    torch = pytest.importorskip("torch")
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        pytest.skip("torch rounds otherwise without AVX2")
    return torch


def by_columns(shape, dtype):
    """Return an array whose memory runs through the first axis first."""
    return np.full(shape[::-1], np.nan, dtype).T


def filled(name, tensor, generator=None):
    """Fill a tensor by the function of that name."""
    arguments = (0.3,) if name == "sparse_" else ()
    return getattr(init, name)(tensor, *arguments, generator=generator)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [(1, 1), (2, 3), (1, 7), (5, 1), (64, 32), (784, 512)])
def test_linears_weight_and_bias_are_torchs_bit_by_bit(sizes, dtype):
    torch = needs_torch()
    in_features, out_features = sizes
    kind = torch.float32 if dtype is np.float32 else torch.float64
    for seed in range(20):
        torch.manual_seed(seed)
        theirs = torch.nn.Linear(in_features, out_features, dtype=kind)
        manual_seed(seed)
        weight = Parameter(by_columns((out_features, in_features), dtype))
        bias, bound = np.empty(out_features, dtype), 1 / math.sqrt(in_features)
        init.kaiming_uniform_(weight, a=math.sqrt(5))
        init.uniform_(bias, -bound, bound)
        assert weight.data.tobytes() == theirs.weight.detach().numpy().tobytes()
        assert bias.tobytes() == theirs.bias.detach().numpy().tobytes()
        assert default_generator().uniform(shape=3).tolist() == torch.rand(3).tolist()


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name, arguments", EXACT)
def test_numbers_are_torchs_bit_by_bit(name, arguments, dtype):
    torch = needs_torch()
    kind = torch.float32 if dtype is np.float32 else torch.float64
    for seed, shape in enumerate(SHAPES):
        torch.manual_seed(seed)
        theirs = getattr(torch.nn.init, name)(torch.empty(shape, dtype=kind), *arguments)
        manual_seed(seed)
        ours = getattr(init, name)(by_columns(shape, dtype), *arguments)
        assert ours.tobytes() == theirs.numpy().tobytes()
        assert default_generator().uniform(shape=3).tolist() == torch.rand(3).tolist()


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonal_numbers_are_torchs_within_rounding(shape, dtype):
    torch = needs_torch()
    kind = torch.float32 if dtype is np.float32 else torch.float64
    torch.manual_seed(3)
    theirs = torch.nn.init.orthogonal_(torch.empty(shape, dtype=kind), 2.0).numpy()
    manual_seed(3)
    ours = init.orthogonal_(by_columns(shape, dtype), 2.0)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=50 * np.finfo(dtype).eps)
    assert default_generator().uniform(shape=3).tolist() == torch.rand(3).tolist()


@pytest.mark.torch
@pytest.mark.parametrize("sparsity", [0, 0.25, 0.4, 1])
def test_sparse_numbers_are_torchs(sparsity):
    torch = needs_torch()
    torch.manual_seed(3)
    theirs = torch.nn.init.sparse_(torch.empty(7, 30), sparsity).numpy()
    manual_seed(3)
    ours = init.sparse_(by_columns((7, 30), np.float32), sparsity)
    assert ours.tobytes() == theirs.tobytes()


@pytest.mark.torch
@pytest.mark.parametrize("shape, groups", [((4, 3, 3), 2), ((4, 2, 2, 5), 1), ((6, 3, 1, 2, 3), 3)])
def test_dirac_is_torchs(shape, groups):
    torch = needs_torch()
    theirs = torch.nn.init.dirac_(torch.empty(shape), groups)
    assert init.dirac_(by_columns(shape, np.float32), groups).tolist() == theirs.tolist()


@pytest.mark.torch
@pytest.mark.parametrize("name", GAINS)
def test_gains_are_torchs(name):
    torch = needs_torch()
    for param in (None, 0, 0.2, -3):
        expected = torch.nn.init.calculate_gain(name, param)
        assert init.calculate_gain(name, param) == expected


@pytest.mark.torch
@pytest.mark.parametrize("shape", [(3, 5), (6, 4, 3), (4, 2, 3, 3)])
def test_fans_are_torchs_by_torchs_name(shape):
    torch = needs_torch()
    expected = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    assert init._calculate_fan_in_and_fan_out(Parameter(np.ones(shape))) == expected
    with pytest.raises(ValueError, match=r"init: expected axes .* got shape \(3,\)"):
        init._calculate_fan_in_and_fan_out(np.ones(3))


def test_numbers_that_torch_gave_for_a_linear_layer():
    manual_seed(0)
    weight, bias = np.empty((2, 3), np.float32), np.empty(2, np.float32)
    init.kaiming_uniform_(weight, a=math.sqrt(5))
    init.uniform_(bias, -1 / math.sqrt(3), 1 / math.sqrt(3))
    assert weight.tolist() == TORCH_WEIGHT
    assert bias.tolist() == TORCH_BIAS


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (2, 3, 4)])
def test_orthogonal_rows_or_columns_are_orthonormal_times_the_gain(shape):
    flat = init.orthogonal_(np.empty(shape), gain=3.0).reshape(shape[0], -1)
    product = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(product, 9 * np.eye(len(product)), atol=1e-13)


def test_truncated_numbers_lie_within_the_bounds():
    for mean, bounds in ((0.0, (-0.5, 1.0)), (2.0, (-0.5, 0.5)), (0.0, (1.0, 1.25))):
        numbers = init.trunc_normal_(np.empty(5000), mean, 1.0, *bounds, generator=Generator(0))
        assert bounds[0] <= numbers.min() < numbers.max() <= bounds[1]


def test_truncated_numbers_far_from_the_mean_warn():
    for mean in (-3.0, 3.0):
        with pytest.warns(UserWarning, match="more than 2 std outside"):
            init.trunc_normal_(np.empty(3), mean, 1.0, -0.5, 0.5)


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("dtype", DTYPES)
def test_layout_and_kind_of_tensor_do_not_matter(name, dtype):
    rows = filled(name, np.empty((4, 6), dtype), Generator(1))
    base = np.full((8, 6), 7, dtype)
    for tensor in (Parameter(by_columns((4, 6), dtype)), base[::2], np.empty((6, 4), dtype).T):
        assert filled(name, tensor, Generator(1)) is tensor
        np.testing.assert_array_equal(np.asarray(tensor), rows)
    assert (base[1::2] == 7).all()


@pytest.mark.parametrize("name", RANDOM)
def test_a_generator_given_serves_alone(name):
    manual_seed(0)
    expected = default_generator().uniform(shape=2).tolist()
    manual_seed(0)
    filled(name, np.empty((4, 6)), Generator(1))
    assert default_generator().uniform(shape=2).tolist() == expected


@pytest.mark.parametrize("name", [n for n in init.__all__ if n != "calculate_gain"])
@pytest.mark.parametrize(
    "tensor, message",
    [
        ([[1.0, 2.0]], "expected a Parameter or an array, got list"),
        (np.ones((2, 2), np.int64), "expected dtype float32 or float64, got int64"),
        (np.broadcast_to(1.0, (2, 2)), "got a read-only one"),
    ],
    ids=["list", "integers", "read-only"],
)
def test_what_cannot_be_filled_is_refused(name, tensor, message):
    arguments = {"constant_": (1.0,), "sparse_": (0.5,)}.get(name, ())
    with pytest.raises(TypeError, match=f"{name}: .*{message}"):
        getattr(init, name)(tensor, *arguments)


@pytest.mark.parametrize("name", RANDOM)
def test_another_kind_of_generator_is_refused(name):
    tensor = np.ones((2, 2))
    with pytest.raises(TypeError, match=r"expected a npnet\.random\.Generator, got Generator"):
        filled(name, tensor, np.random.default_rng(0))
    assert (tensor == 1).all()


@pytest.mark.parametrize(
    "name, shape, arguments, message",
    [
        ("uniform_", (2,), (1.0, 0.0), "low <= high"),
        ("normal_", (2,), (0.0, -1.0), "std >= 0"),
        ("trunc_normal_", (2,), (0.0, 0.0), "std > 0"),
        ("trunc_normal_", (2,), (0.0, 1.0, 2.0, 1.0), "a <= b"),
        ("trunc_normal_", (2,), (math.nan,), "finite mean"),
        ("xavier_uniform_", (2,), (), r"expected axes .* got shape \(2,\)"),
        ("xavier_normal_", (), (), r"got shape \(\)"),
        ("xavier_normal_", (2, 2), (-1.0,), "std >= 0"),
        ("kaiming_uniform_", (2,), (), r"got shape \(2,\)"),
        ("kaiming_uniform_", (2, 2), (0, "fan"), "expected mode 'fan_in' or 'fan_out', got 'fan'"),
        ("kaiming_normal_", (2, 2), (0, "fan_in", "swish"), "unknown nonlinearity 'swish'; known"),
        ("kaiming_normal_", (2, 2), (True,), "expected a number as slope, got True"),
        ("eye_", (2,), (), "expected 2 axes"),
        ("dirac_", (2, 2), (), "expected 3, 4 or 5 axes"),
        ("dirac_", (3, 2, 2), (2,), "expected groups to divide 3 outputs, got 2"),
        ("dirac_", (3, 2, 2), (0,), "got 0"),
        ("orthogonal_", (2,), (), "at least 2 axes"),
        ("sparse_", (2,), (0.5,), "expected 2 axes"),
        ("sparse_", (2, 2), (1.5,), "sparsity=1.5"),
        ("sparse_", (2, 2), (0.5, -1.0), "std >= 0"),
    ],
)
def test_a_bad_call_says_why_and_changes_nothing(name, shape, arguments, message):
    manual_seed(2)
    tensor = np.full(shape, 7.0)
    with pytest.raises(ValueError, match=message):
        getattr(init, name)(tensor, *arguments)
    assert (tensor == 7).all()
    assert default_generator().uniform().item() == Generator(2).uniform().item()


@pytest.mark.parametrize("name", ["kaiming_uniform_", "kaiming_normal_"])
def test_kaiming_warns_where_there_is_nothing_to_fill(name):
    with pytest.warns(UserWarning, match=rf"{name}: a tensor of shape \(0, 3\) has no elements"):
        getattr(init, name)(np.empty((0, 3)))


@pytest.mark.parametrize("name", [n for n in RANDOM if "kaiming" not in n])
def test_empty_tensors_draw_nothing(name):
    manual_seed(2)
    with warnings.catch_warnings(action="error"):
        for shape in ((0, 3), (3, 0), (0, 0)):
            assert filled(name, np.empty(shape)).shape == shape
    assert default_generator().uniform().item() == Generator(2).uniform().item()


def test_eye_is_the_identity_for_every_shape():
    assert init.eye_(np.empty((3, 2))).tolist() == [[1, 0], [0, 1], [0, 0]]
    assert init.eye_(Parameter(np.empty((2, 2)))).data.tolist() == [[1, 0], [0, 1]]
