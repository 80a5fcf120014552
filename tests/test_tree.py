"""Hold the shape of the source tree: mirror, import order, exports and sizes."""

import ast
import importlib
import inspect
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "npnet"
MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 40

#: The rooms right beneath each room; a module may import what is anywhere beneath it. A package
#: named here stands for all its modules, "layers" for those that no other room names.
BENEATH = {
    "clock": [],
    "spelling": [],
    "grad_mode": ["clock"],
    "expression": [],
    "parameter": ["expression", "grad_mode"],
    "random": ["parameter"],
    "init": ["random"],
    "blas": ["parameter"],
    "layout": [],
    "contraction": ["layout", "parameter"],
    "program": [],
    "kernel": [],
    "tape": ["parameter", "kernel"],
    "memory": ["kernel", "contraction"],
    "sweep": ["tape", "memory", "program"],
    "plan": ["sweep"],
    "execution": ["plan"],
    "hooks": ["execution"],
    "state": ["parameter"],
    "holder": ["state"],
    "cast": ["parameter"],
    "module": ["holder", "hooks", "cast"],
    "layers.base": ["module", "blas"],
    "layers": ["layers.base", "init"],
    "layers.__init__": ["layers"],
    "naming": ["tape"],
    "listing": ["tape"],
    "graph": ["layers.__init__", "naming", "listing"],
    "containers": ["graph"],
    "functional": ["layers.__init__"],
    "check": ["containers", "functional"],
    "inspect": ["containers", "functional"],
    "optim": ["blas", "spelling"],
    "data": ["random", "checkpoint", "spelling"],
    "checkpoint": ["parameter"],
    "utils": ["parameter"],
    "training": ["inspect", "optim", "data", "checkpoint", "utils"],
    "__init__": ["check", "training"],
}


def path_name(path):
    """Return npnet/layers/base.py as "layers.base"."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


SOURCES = {path_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def module_file(dotted):
    """Return the name in SOURCES of "npnet.layers" or "npnet.layers.base"; None for no module."""
    inner = dotted.removeprefix("npnet").removeprefix(".")
    package = f"{inner}.__init__" if inner else "__init__"
    return next((name for name in (package, inner) if name in SOURCES), None)


def imported(name):
    """Return the names in SOURCES of what a module imports anywhere in its file, sorted."""
    found = set()
    for node in ast.walk(ast.parse(SOURCES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: write the import in line {node.lineno} absolutely"
            parts = [f"{node.module}.{alias.name}" for alias in node.names]
            dotted = [part if module_file(part) else node.module for part in parts]
        else:
            continue
        found.update(d for d in dotted if d.split(".")[0] == "npnet")
    assert None not in map(module_file, found), f"{name}: imports what is not there: {found}"
    return sorted(map(module_file, found))


def room(name):
    """Return the room of a module: the longest entry of BENEATH that is it or holds it."""
    parts = name.split(".")
    prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((prefix for prefix in prefixes if prefix in BENEATH), None)


def beneath(name):
    """Return all rooms beneath a room."""
    return set(BENEATH[name]).union(*(beneath(lower) for lower in BENEATH[name]))


def is_abstract(layer):
    """Return whether other layers of npnet build on it: a class is abstract or final."""
    return any(heir.__module__.startswith("npnet.") for heir in layer.__subclasses__())


def public_layers():
    """Return (module, class name) of every final Layer a file of npnet/layers defines."""
    layer = importlib.import_module("npnet.layers.base").Layer
    found = []
    for name in SOURCES:
        if room(name) == "layers":
            module = importlib.import_module(f"npnet.{name}")
            classes = [c for _, c in inspect.getmembers(module, inspect.isclass)]
            own = [c for c in classes if c.__module__ == module.__name__ and issubclass(c, layer)]
            found += [(module, c.__name__) for c in own if not is_abstract(c)]
    return [(module, name) for module, name in found if not name.startswith("_")]


def function_lines(function):
    """Return how many lines a function has from `def` to its end, its docstring's not counted."""
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    docstring = first.end_lineno - first.lineno + 1 if documented else 0
    return function.end_lineno - function.lineno + 1 - docstring


def python_files():
    """Return every Python file of the repository as a path from its root."""
    folders = ("npnet", "benchmarks", "examples", "tests")
    return [
        p.relative_to(ROOT) for folder in folders for p in sorted((ROOT / folder).rglob("*.py"))
    ]


@pytest.mark.parametrize("name", [n for n in SOURCES if not n.endswith("__init__")])
def test_every_module_has_its_tests(name):
    *folders, file = name.split(".")
    tests = Path("tests", *folders, f"test_{file}.py")
    assert (ROOT / tests).is_file(), f"{tests} is missing"


@pytest.mark.parametrize("name", SOURCES)
def test_imports_point_down(name):
    own = room(name)
    assert own is not None, f"{name}: say in BENEATH where it belongs"
    allowed = beneath(own) | {own}
    wrong = [target for target in imported(name) if room(target) not in allowed]
    assert wrong == [], f"{name} may import {sorted(allowed)} only"


def test_imports_make_no_circle():
    TopologicalSorter({name: imported(name) for name in SOURCES}).prepare()


@pytest.mark.parametrize("name", [n for n in SOURCES if room(n) == "optim"])
def test_optimizers_see_parameters_only(name):
    assert {room(target) for target in imported(name)} <= {"parameter", "blas", "spelling", "optim"}


def test_every_public_layer_is_exported():
    import npnet

    layers = public_layers()
    assert layers
    missing = [
        f"{name} in {place.__name__}.__all__"
        for module, name in layers
        for place in (module, npnet.layers, npnet)
        if name not in place.__all__
    ]
    assert missing == []


@pytest.mark.parametrize(
    "package",
    [
        "npnet",
        "npnet.layers",
        "npnet.optim",
        "npnet.optim.lr_scheduler",
        "npnet.data",
        "npnet.check",
        "npnet.containers",
        "npnet.hooks",
        "npnet.training",
        "npnet.utils",
    ],
)
def test_all_names_what_is_there_once(package):
    module = importlib.import_module(package)
    assert len(module.__all__) == len(set(module.__all__))
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


@pytest.mark.parametrize("path", python_files(), ids=str)
def test_files_stay_small(path):
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
    assert lines < MAX_FILE_LINES


@pytest.mark.parametrize("path", python_files(), ids=str)
def test_functions_stay_small_docstrings_apart(path):
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, functions)]
    sizes = {f"{node.name} in line {node.lineno}": function_lines(node) for node in found}
    assert {name: size for name, size in sizes.items() if size >= MAX_FUNCTION_LINES} == {}


def test_import_loads_no_scipy_no_tqdm_no_data():
    code = "import sys, npnet; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    loaded = run.stdout.split()
    assert "npnet.module" in loaded
    later = ("npnet.data", "npnet.check", "npnet.inspect", "npnet.training")
    heavy = ("scipy", "tqdm", "difflib", "torch", "jax", *later)
    assert [m for m in loaded if any(m == h or m.startswith(f"{h}.") for h in heavy)] == []


def test_every_room_is_reached_by_its_name():
    rooms = sorted({name.split(".")[0] for name in SOURCES} - {"__init__"})
    code = f"import npnet; print(*[r for r in {rooms} if not hasattr(npnet, r)])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("\n", "")


def test_a_star_import_leaves_the_names_of_the_standard_library_alone():
    import npnet

    # torch's chunk has the name of a module that Python has dropped since.
    assert {*npnet.__all__} & {*sys.stdlib_module_names} <= {"chunk"}
