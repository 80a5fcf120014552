"""The graph of a script is found, or it is said why not."""

import sys
from pathlib import Path

import pytest

from npnet import Graph, Module
from npnet.inspect.scripts import ScriptError, chosen, names_in, running

GRAPH = """
from npnet import Graph
g = Graph()
w, x = g.input("w", requires_grad=True), g.input("x")
p = w * x
again = p
f = p + w
g.output(f)
"""
RUN = GRAPH + "g(w=3.0, x=2.0)\ng.backward()\n"


@pytest.fixture
def script(tmp_path):
    """Return what writes a script and returns its path."""

    def written(text):
        path = tmp_path / "script.py"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def found(path, name=None):
    """Return what a script is about, and its names there."""
    with running(path) as defined:
        module = chosen(defined, path, name)
        return module, names_in(defined, module)


def refused(path, name=None):
    """Return why a script is refused."""
    with pytest.raises(ScriptError) as caught:
        found(path, name)
    return str(caught.value).replace(str(path), "script.py")


def test_the_graph_that_ran_and_its_names(script):
    module, names = found(script(RUN))
    assert isinstance(module, Graph)
    assert sorted(names.values()) == ["f", "p"]
    assert module.value(next(node for node, name in names.items() if name == "p")) == 6


def test_parameters_have_the_script_s_names(script):
    text = """
import numpy as np
from npnet import Graph, Linear
g = Graph()
fc = Linear(2, 2)
W = fc.weight
_hidden = fc.bias
g.output(fc(g.input("x")))
g(np.ones((1, 2)))
"""
    module, names = found(script(text))
    assert {name: node.shape for node, name in names.items()} == {"W": (2, 2)}
    assert isinstance(module, Graph)


def test_a_name_that_an_input_has_is_left_to_it(script):
    text = RUN.replace("p = w * x", "p = w * x\nx = p")
    assert "x" not in found(script(text))[1].values()


def test_a_module_that_ran_where_there_is_no_graph(script):
    text = """
import numpy as np
from npnet import Linear, ReLU, Sequential
part = Linear(2, 2)
model = Sequential(part, ReLU())
unused = Sequential(ReLU())
model(np.ones((1, 2)))
"""
    module, _ = found(script(text))
    assert len(module) == 2


def test_a_script_runs_as_the_main_one(script):
    text = (
        RUN
        + """
import sys
assert __name__ == "__main__"
assert sys.argv == [__file__]
assert sys.modules["__main__"].g is g
import beside
"""
    )
    path = script(text)
    (path.parent / "beside.py").write_text("", encoding="utf-8")
    before = sys.modules["__main__"], sys.argv, list(sys.path)
    with running(path) as defined:
        assert sys.modules["__main__"].__dict__ is defined
    assert (sys.modules["__main__"], sys.argv, sys.path) == before


def test_everything_is_put_back_where_a_script_fails(script):
    before = sys.modules["__main__"], sys.argv, list(sys.path)
    with pytest.raises(ZeroDivisionError), running(script("1 / 0")):
        pass
    assert (sys.modules["__main__"], sys.argv, sys.path) == before


def test_a_script_may_end_itself_in_peace(script):
    assert isinstance(found(script(RUN + "import sys\nsys.exit()\n"))[0], Module)
    words = "script.py: ended itself with 'no data'"
    assert refused(script(RUN + "import sys\nsys.exit('no data')\n")) == words


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("x = 1", None, "script.py: defines no Graph or Module; it has to be there under a name"),
        (GRAPH, None, "script.py: defines g, but runs none; call it there once on numbers, and go"),
        (RUN, "model", "script.py: 'model' is no Graph or Module of the script; there are: g"),
        ("x = 1", "x", "script.py: 'x' is no Graph or Module of the script; there are: none"),
        (GRAPH, "g", "script.py: defines g, but runs none"),
    ],
)
def test_what_is_refused_is_told_why(script, text, name, words):
    assert refused(script(text), name).startswith(words)


def test_a_graph_that_ran_comes_before_modules_and_graphs_that_did_not(script):
    text = (
        RUN
        + """
import numpy as np
from npnet import ReLU
other, relu = Graph(), ReLU()
relu(np.ones(2))
"""
    )
    assert isinstance(found(script(text))[0], Graph)


def test_of_several_one_has_to_be_named(script):
    text = "from npnet import ReLU\na, b = ReLU(), ReLU()\na(1.0)\nb(2.0)\n"
    path = script(text)
    assert refused(path) == "script.py: runs a, b; say which one to show: --name NAME"
    assert found(path, "b")[0].execution.ran is not None


def test_a_file_that_is_not_there():
    with pytest.raises(ScriptError, match=r"^nothing\.py: there is no such file$"):
        found(Path("nothing.py"))


def test_names_of_what_has_not_run_are_none():
    assert names_in({}, Graph()) == {}
