"""ParameterList: beside torch's."""

import numpy as np
import pytest

from npnet import Module, Parameter, ParameterList


class Polynomial(Module):
    """a_0 + x (a_1 + x (a_2 ...)), the coefficients in a list."""

    def __init__(self, *coefficients):
        super().__init__()
        self.a = ParameterList(np.array([a]) for a in coefficients)

    def forward(self, x):
        result = self.a[-1]
        for a in list(self.a)[-2::-1]:
            result = result * x + a
        return result


def test_forward_reads_it_and_it_is_trained():
    model, x = Polynomial(1.0, 2.0, 3.0), np.array([2.0])
    assert model(x).tolist() == [1 + 4 + 12]
    model.backward([1.0])
    assert [a.grad.tolist() for a in model.a] == [[1], [2], [4]]
    model.a[0] = np.array([7.0])
    assert model(x).tolist() == [7 + 4 + 12]
    model.a.append(np.array([1.0]))
    assert model(x).tolist() == [7 + 4 + 12 + 8]
    assert list(model.state_dict()) == ["a.0", "a.1", "a.2", "a.3"]


@pytest.mark.torch
def test_names_texts_and_methods_are_torchs():
    torch = pytest.importorskip("torch")
    import npnet

    def tensor(*shape):
        return torch.ones(shape)

    texts = []
    for nn, ones in ((npnet, lambda *s: np.ones(s, np.float32)), (torch.nn, tensor)):
        parts = nn.ParameterList([ones(2, 3), 5, nn.Parameter(ones(4))])
        parts += [None, ones()]
        parts.append("text").extend(nn.ParameterList([ones(1)]))
        parts[1] = 6
        parts[-1] = nn.Parameter(ones(1) * 2)
        found = [repr(parts), len(parts), list(parts.state_dict()), repr(parts[1:3])]
        found += [repr(parts[::-2]), parts[1], [type(part).__name__ for part in parts]]
        found += [repr(nn.ParameterList()), repr(nn.ParameterList([3])), "0" in dir(parts)]
        texts.append([str(part).replace("[torch.", "[") for part in found])
    assert texts[0] == texts[1]


def test_given_parameters_are_held_themselves():
    weight = Parameter(np.ones(2))
    parts = ParameterList([weight])
    assert parts[0] is weight
    assert parts[:][0] is weight
    assert next(iter(parts.parameters())) is weight


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda p: p[1], IndexError, "index 1 is out of range for 1 parts"),
        (lambda p: p.__setitem__(-2, 1), IndexError, "index -2 is out of range"),
        (lambda p: p.extend(np.ones(2)), TypeError, "an iterable of Parameters, got ndarray"),
        (lambda p: p.extend(Parameter([1.0])), TypeError, "an iterable of Parameters, got Param"),
        (lambda p: p.extend(3), TypeError, "an iterable of Parameters, got int"),
        (lambda p: p.extend([[1.0], np.ones(1), np.array("a")]), TypeError, "real numbers, got"),
        (lambda p: p.__iadd__([np.ones(1), np.array(1j)]), TypeError, "real numbers, got"),
        (lambda p: p.__setitem__(0, 3), TypeError, "cannot assign int as parameter '0'"),
        (lambda p: p.__setitem__(0, np.ones(3)), ValueError, r"of shape \(2,\) as '0', got \(3,\)"),
        (lambda p: p(1.0), NotImplementedError, "has no forward; it holds Parameters"),
    ],
)
def test_what_is_refused_changes_nothing(change, kind, message):
    parts = ParameterList([np.ones(2)])
    with pytest.raises(kind, match=f"^Parameter(List)?: .*{message}"):
        change(parts)
    assert len(parts) == 1
    assert parts[0].data.tolist() == [1, 1]
