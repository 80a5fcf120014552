"""What stands in a checkpoint: models and optimizers, npnet's and torch's."""

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import npnet
from npnet import CheckpointError, Linear, ReLU, Sequential, optim

ROOT = Path(__file__).parent.parent.parent
FORMATS = ("npz", "safetensors", "pt")


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def model():
    return Sequential(Linear(3, 4), ReLU(), Linear(4, 2))


def run(code, *arguments):
    """Run Python where no torch can be imported, and return what it prints."""
    code = "import sys; sys.modules['torch'] = None\n" + code
    ran = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_import_loads_no_format():
    assert "npnet.checkpoint" not in run("import npnet; print(*sys.modules)").split()
    loaded = run("import npnet; npnet.load; print(*sys.modules)").split()
    assert {m for m in loaded if m.startswith("npnet.checkpoint.")} == {"npnet.checkpoint.files"}
    assert "safetensors" not in loaded and "zipfile" not in loaded


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("as_file", [False, True])
def test_a_model_and_back(format, as_file, tmp_path):
    pytest.importorskip("safetensors" if format == "safetensors" else "numpy")
    old, new = model(), model()
    path = tmp_path / f"a.{format}"
    if as_file:
        with path.open("wb") as file:
            npnet.save(old.state_dict(), file, format=format)
        with path.open("rb") as file:
            state = npnet.load(file)
    else:
        npnet.save(old.state_dict(), path)
        state = npnet.load(str(path))
    assert repr(new.load_state_dict(state)) == "<All keys matched successfully>"
    for name, array in old.state_dict().items():
        assert np.array_equal(array, new.state_dict()[name])
        assert not np.shares_memory(state[name], array)
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("format", FORMATS)
def test_what_cannot_be_written_leaves_everything(format, tmp_path):
    pytest.importorskip("safetensors" if format == "safetensors" else "numpy")
    path, file = tmp_path / f"a.{format}", io.BytesIO()
    npnet.save({"a": np.ones(2)}, path)
    before = path.read_bytes()
    bad = {"a": np.zeros(2), "b": np.array(["x"])}
    for target in (path, file):
        with pytest.raises(TypeError, match=r"^save: .*state\['b'\]"):
            npnet.save(bad, target, format=format)
    assert path.read_bytes() == before and [*tmp_path.iterdir()] == [path]
    assert file.getvalue() == b""


@pytest.mark.parametrize("format", FORMATS)
def test_the_name_does_not_matter(format, tmp_path):
    pytest.importorskip("safetensors" if format == "safetensors" else "numpy")
    path = tmp_path / "checkpoint.bin"
    npnet.save({"a": np.arange(3)}, path, format=format)
    assert npnet.load(path)["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"{}", b"\x89PNG\r\n\x1a\n1234", b"PK\5\6", b"x" * 99]
)
def test_files_of_other_kinds(data, tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"^load: .*a\.pt: (expected a file of .npz|the zip)"):
        npnet.load(path)


def test_a_state_that_does_not_fit_loads_nothing(tmp_path):
    old = model()
    before = {name: array.copy() for name, array in old.state_dict().items()}
    state = {name: array + 1 for name, array in before.items()}
    state["extra"] = state.pop("0.bias")
    state["2.bias"] = np.zeros(3, np.float32)
    npnet.save(state, tmp_path / "a.pt")
    with pytest.raises(RuntimeError) as caught:
        old.load_state_dict(npnet.load(tmp_path / "a.pt"))
    text = str(caught.value)
    assert text.startswith("Error(s) in loading state_dict for Sequential:\n\tMissing key(s) in")
    for part in (
        'Missing key(s) in state_dict: "0.bias". ',
        'Unexpected key(s) in state_dict: "extra"',
    ):
        assert part in text
    assert "size mismatch for 2.bias: copying a param with shape (3,) from checkpoint" in text
    assert all(np.array_equal(before[name], array) for name, array in old.state_dict().items())


def trained(parameters, optimizer, steps, seed):
    """Step along the same gradients wherever they come from."""
    generator = np.random.default_rng(seed)
    for _ in range(steps):
        for parameter in parameters:
            gradient = generator.standard_normal(parameter.shape).astype(np.float32)
            kind = type(parameter.data)
            parameter.grad = gradient if kind is np.ndarray else kind(gradient)
        optimizer.step()


OPTIMIZERS = {
    "SGD": {"lr": 0.125, "momentum": 0.5, "weight_decay": 0.25, "nesterov": True},
    "Adam": {"lr": 0.125, "betas": (0.5, 0.75), "amsgrad": True},
    "AdamW": {"lr": 0.125},
    "RMSprop": {"lr": 0.125, "momentum": 0.5, "centered": True},
    "Adagrad": {"lr": 0.125, "lr_decay": 0.5},
}


def pair(torch, name, tmp_path):
    """Return the same model and optimizer, npnet's and torch's, of the same start."""
    ours = model()
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    npnet.save(ours.state_dict(), tmp_path / "start.pt")
    theirs.load_state_dict(torch.load(tmp_path / "start.pt", weights_only=True))
    make = getattr(optim, name), getattr(torch.optim, name)
    return [
        ([*net.parameters()], make(net.parameters(), **OPTIMIZERS[name]))
        for net, make in zip((ours, theirs), make, strict=True)
    ]


def check_equal(ours, theirs):
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.data, other.detach().numpy(), rtol=2e-6, atol=2e-7)


@pytest.mark.torch
@pytest.mark.parametrize("name", [*OPTIMIZERS])
def test_torch_goes_on_from_npnets_checkpoint(torch, name, tmp_path):
    (ours, mine), (theirs, other) = pair(torch, name, tmp_path)
    trained(ours, mine, 3, seed=0)
    state = {"model": [p.data for p in ours], "optimizer": mine.state_dict(), "epoch": 3}
    npnet.save(state, tmp_path / "a.pt")
    found = torch.load(tmp_path / "a.pt", weights_only=True)
    assert found["epoch"] == 3
    with torch.no_grad():
        for parameter, values in zip(theirs, found["model"], strict=True):
            parameter.copy_(values)
    other.load_state_dict(found["optimizer"])
    trained(ours, mine, 3, seed=1)
    trained(theirs, other, 3, seed=1)
    check_equal(ours, theirs)


@pytest.mark.torch
@pytest.mark.parametrize("name", [*OPTIMIZERS])
def test_npnet_goes_on_from_torchs_checkpoint(torch, name, tmp_path):
    (ours, mine), (theirs, other) = pair(torch, name, tmp_path)
    trained(theirs, other, 3, seed=0)
    torch.save({"model": theirs, "optimizer": other.state_dict()}, tmp_path / "a.pt")
    found = npnet.load(tmp_path / "a.pt")
    for parameter, values in zip(ours, found["model"], strict=True):
        parameter.data = values
    mine.load_state_dict(found["optimizer"])
    trained(ours, mine, 3, seed=1)
    trained(theirs, other, 3, seed=1)
    check_equal(ours, theirs)


def resnet18():
    """Yield names and shapes of the state of ResNet-18: 11,689,512 parameters, and buffers."""

    def norm(name, size):
        for part in ("weight", "bias", "running_mean", "running_var"):
            yield f"{name}.{part}", (size,)
        yield f"{name}.num_batches_tracked", ()

    yield "conv1.weight", (64, 3, 7, 7)
    yield from norm("bn1", 64)
    for layer, (before, size) in enumerate([(64, 64), (64, 128), (128, 256), (256, 512)], 1):
        for block in range(2):
            into = size if block else before
            name = f"layer{layer}.{block}"
            for conv, channels in ((1, into), (2, size)):
                yield f"{name}.conv{conv}.weight", (size, channels, 3, 3)
                yield from norm(f"{name}.bn{conv}", size)
            if into != size:
                yield f"{name}.downsample.0.weight", (size, into, 1, 1)
                yield from norm(f"{name}.downsample.1", size)
    yield "fc.weight", (1000, 512)
    yield "fc.bias", (1000,)


DIGESTS = """
import hashlib, json, npnet
state = npnet.load(sys.argv[1])
print(json.dumps({
    name: [a.dtype.name, a.shape, hashlib.sha256(a.tobytes()).hexdigest()]
    for name, a in state.items()
}))
"""


@pytest.mark.torch
def test_weights_of_a_resnet_come_over_bit_for_bit_without_torch(torch, tmp_path):
    save_file = pytest.importorskip("safetensors.torch").save_file
    generator = torch.Generator().manual_seed(0)
    state = {
        name: torch.randn(shape, generator=generator) if shape else torch.tensor(7)
        for name, shape in resnet18()
    }
    trained_numbers = sum(v.numel() for n, v in state.items() if "running" not in n) - 20
    assert len(state) == 122 and trained_numbers == 11_689_512
    expected = {
        name: [
            str(value.dtype).removeprefix("torch."),
            [*value.shape],
            hashlib.sha256(value.numpy().tobytes()).hexdigest(),
        ]
        for name, value in state.items()
    }
    torch.save(state, tmp_path / "a.pt")
    save_file(state, tmp_path / "a.safetensors")
    for path in (tmp_path / "a.pt", tmp_path / "a.safetensors"):
        assert path.stat().st_size > 44_000_000
        assert json.loads(run(DIGESTS, path)) == expected


@pytest.mark.parametrize("format", FORMATS)
def test_torchs_words_for_where_and_how_are_taken_where_they_ask_for_what_is_done(format, tmp_path):
    pytest.importorskip("safetensors" if format == "safetensors" else "numpy")
    path = tmp_path / f"a.{format}"
    npnet.save({"w": np.ones(2)}, path)
    for place in (None, "cpu", "cpu:0"):
        assert npnet.load(path, place)["w"].tolist() == [1.0, 1.0]
        for only in (True, False, None):
            again = npnet.load(path, map_location=place, weights_only=only, mmap=None)
            assert again["w"].tolist() == [1.0, 1.0]
    for place, error in (
        ("cuda:0", ValueError),
        ({"cuda": "cpu"}, TypeError),
        (lambda storage, place: storage, TypeError),
    ):
        with pytest.raises(error, match=r"load: expected map_location None or 'cpu', got .* CPU$"):
            npnet.load(path, map_location=place)
    with pytest.raises(ValueError, match="load: expected mmap None or False, got True"):
        npnet.load(path, mmap=True)
    with pytest.raises(TypeError, match="load: expected weights_only True or False, got 'cpu'"):
        npnet.load(path, weights_only="cpu")


@pytest.mark.torch
def test_torchs_device_is_a_place(torch, tmp_path):
    torch.save({"w": torch.ones(2)}, tmp_path / "a.pt")
    state = npnet.load(tmp_path / "a.pt", map_location=torch.device("cpu"))
    assert state["w"].tolist() == [1.0, 1.0]
