"""Which edits change the fingerprint of a function, and which do not."""

from __future__ import annotations

import ast
import functools
import importlib
import linecache
import logging
import py_compile
import random
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import coma_xr
from coma_xr.code.compiled import compiled
from coma_xr.code.fingerprint import fingerprint
from coma_xr.code.sources import is_users
from coma_xr.code.syntax import codes_in

MODEL = """\
import functools
import logging
import time

import numpy as np

import helpers
from helpers import scale

log = logging.getLogger("model")
rng = np.random.default_rng()
begin = time.time()
COUPLING = 2
SIZES = {"a": [1, 2]}
WEIGHTS = np.ones(3)
calls = 0


def decorate(function):
    @functools.wraps(function)
    def wrapper(*args, **options):
        return function(*args, **options)

    return wrapper


class Base:
    def energy(self, x):
        return x


class Lattice(Base):
    size = 8

    def area(self, x):
        return self.energy(x) * self.size


def helper(x, power=2):
    "Raise it."
    return x**power


@decorate
def simulate(a, c=7):
    global calls
    calls += 1
    total = 0
    for i in range(3):
        total = total + scale(i) * COUPLING + SIZES["a"][0]
    log.info("%s %s", rng.random(), begin)
    return {"y": helper(a) + total + helpers.shift(1) + Lattice().area(a) + np.sin(c) + WEIGHTS.sum()}
"""

HELPERS = """\
OFFSET = 1


def inner(x):
    return x + OFFSET


def scale(x):
    return inner(x)


def shift(x):
    return x - 1


def unused(x):
    return x
"""


def load(directory, model=MODEL, helpers=HELPERS):
    """Import the two modules from a directory, as another process would."""
    for name, text in (("helpers", helpers), ("model", model)):
        (directory / f"{name}.py").write_text(text)
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    return importlib.import_module("model")


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name in ("model", "helpers"):
        sys.modules.pop(name, None)


def both(directory, model=MODEL, helpers=HELPERS, *, recorded=("a", "c")):
    """Return the fingerprints before and after an edit."""
    before = fingerprint(load(directory).simulate, recorded)
    other = directory / "edited"
    other.mkdir()
    sys.path.insert(0, str(other))
    try:
        return before, fingerprint(load(other, model, helpers).simulate, recorded)
    finally:
        sys.path.remove(str(other))


REPORTED = {
    "body": ("total = 0", "total = 1"),
    "operator": ("total + scale", "total - scale"),
    "helper in this module": ("x**power", "x**power + 1"),
    "default of a helper": ("power=2", "power=3"),
    "constant": ("COUPLING = 2", "COUPLING = 3"),
    "member of a table": ("[1, 2]", "[3, 2]"),
    "array": ("np.ones(3)", "np.ones(4)"),
    "new argument": ("c=7):", "c=7, d=1):"),
    "removed argument": ("(a, c=7)", "(a)"),
    "renamed argument": ("(x, power=2)", "(x, exponent=2)"),
    "decorator removed": ("@decorate\n", ""),
    "decorator edited": ("return function(*args", "return 1 + function(*args"),
    "class attribute": ("size = 8", "size = 9"),
    "method": ("* self.size", "+ self.size"),
    "base class": ("return x\n", "return 2 * x\n"),
    "another base class": ("Lattice(Base)", "Lattice(dict)"),
    "another function of a package": ("np.sin", "np.cos"),
}

REPORTED_HELPERS = {
    "helper in another module": ("x - 1", "x - 2"),
    "helper of a helper": ("x + OFFSET", "x - OFFSET"),
    "constant of a helper": ("OFFSET = 1", "OFFSET = 2"),
}

NOT_REPORTED = {
    "comment": ("total = 0", "# begin\n    total = 0  # zero"),
    "docstring": ('"Raise it."', '"Raise it to a power."'),
    "docstring removed": ('    "Raise it."\n', ""),
    "formatting": ("helper(a) + total", "(helper( a )\n + total)"),
    "renamed local variable": ("total", "t"),
    "renamed loop variable": (
        "for i in range(3):\n        total = total + scale(i)",
        "for k in range(3):\n        total = total + scale(k)",
    ),
    "recorded default": ("c=7", "c=8"),
    "annotations": ("def helper(x, power=2):", "def helper(x: int, power: int = 2) -> int:"),
    "import that is not used": ("import time\n", "import time\nimport math\n"),
    "function that is not used": ("class Base", "def other():\n    return 1\n\n\nclass Base"),
}


@pytest.mark.parametrize("edit", REPORTED)
def test_an_edit_that_may_change_results_is_another_fingerprint(directory, edit):
    old, new = REPORTED[edit]
    assert old in MODEL
    before, after = both(directory, MODEL.replace(old, new))
    assert before.hash != after.hash


@pytest.mark.parametrize("edit", REPORTED_HELPERS)
def test_an_edit_of_another_module_is_another_fingerprint(directory, edit):
    old, new = REPORTED_HELPERS[edit]
    before, after = both(directory, helpers=HELPERS.replace(old, new))
    assert before.hash != after.hash


@pytest.mark.parametrize("edit", NOT_REPORTED)
def test_an_edit_that_changes_no_result_is_the_same_fingerprint(directory, edit):
    old, new = NOT_REPORTED[edit]
    assert old in MODEL
    before, after = both(directory, MODEL.replace(old, new))
    assert before.hash == after.hash


# Small modules: the source, what is replaced in it by what, and whether that is other code.
MODULES = {
    "lambda": ("simulate = lambda a: a + 1", "+ 1", "+ 2", True),
    "lambda moved to another line": ("simulate = lambda a: a + 1", "simulate", "\n\nsimulate", False),
    "keyword of a partial": (
        "from functools import partial\ndef g(a, k): return a\nsimulate = partial(g, k=1)",
        "k=1)",
        "k=2)",
        True,
    ),
    "argument of a partial": (
        "from functools import partial\ndef g(k, a): return a\nsimulate = partial(g, 1)",
        "g, 1",
        "g, 2",
        True,
    ),
    "value in a closure": (
        "def make(c):\n    def g(a): return a * c\n    return g\nsimulate = make(2)",
        "make(2)",
        "make(3)",
        True,
    ),
    "cached function": (
        "import functools\n@functools.cache\ndef g(a): return a\ndef simulate(a): return g(a)",
        "return a\n",
        "return -a\n",
        True,
    ),
    "decorator of a package": (
        (
            "import contextlib\nclass A:\n    @contextlib.contextmanager\n    def f(self): yield 1\n"
            "def simulate(a): return A().f()"
        ),
        "yield 1",
        "yield 2",
        True,
    ),
    "field of a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\ndef simulate(a): return A().x",
        "= 1",
        "= 2",
        True,
    ),
    "function for another type": (
        (
            "from functools import singledispatch\n@singledispatch\ndef g(a): return a\n"
            "@g.register\ndef _(a: int): return a + 1\ndef simulate(a): return g(a)"
        ),
        "+ 1",
        "+ 2",
        True,
    ),
    "recursion": (
        "def f(n): return g(n - 1)\ndef g(n): return n and f(n)\ndef simulate(a): return f(a)",
        "n and f",
        "n or f",
        True,
    ),
    "order of functions": (
        "def f(n): return n\ndef g(n): return f(n)\ndef simulate(a): return g(a)",
        "def f(n): return n\ndef g(n): return f(n)",
        "def g(n): return f(n)\ndef f(n): return n",
        False,
    ),
    "block of the main program": (
        "def simulate(a): return a\nif __name__ == '__main__':\n    print(1)",
        "print(1)",
        "print(2)",
        False,
    ),
    "import for types": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os\ndef simulate(a: 'os.PathLike'): return a",
        "import os",
        "import os as os",
        False,
    ),
    "import under a condition": (
        (
            "try:\n    import lacking_package as fast\nexcept ImportError:\n    fast = None\n"
            "def simulate(a): return fast or a"
        ),
        "lacking_package",
        "other_lacking",
        False,
    ),
    "comment in a table": ("T = {\n'a': 1}\ndef simulate(a): return T", "{", "{  # units", False),
    "value in a table": ("T = {'a': [1, 2]}\ndef simulate(a): return T", "2]", "3]", True),
    "function in a table": (
        "def f(): return 1\nT = {'a': f}\ndef simulate(a): return T['a']()",
        "return 1",
        "return 2",
        True,
    ),
    "name of the file": (
        (
            "import logging, os\nlog = logging.getLogger(__name__)\nHERE = os.path.dirname(__file__)\n"
            "def simulate(a): return log, HERE, a"
        ),
        "",
        "",
        False,
    ),
    "set in a condition": ("def simulate(a): return a in {'u', 'v', 'w', 'x', 'y', 'z'}", "", "", False),
    "member of an enumeration": (
        "from enum import Enum\nclass C(Enum):\n    A = 1\ndef simulate(a): return C.A.value",
        "A = 1",
        "A = 2",
        True,
    ),
    "method that a class is given later": (
        "class A: pass\ndef g(self): return 1\nA.g = g\ndef simulate(a): return A().g()",
        "return 1",
        "return 2",
        True,
    ),
    "attribute that a class is given later": (
        "class A: pass\nA.k = 1\ndef simulate(a): return A.k",
        "k = 1",
        "k = 2",
        True,
    ),
    "attribute of a function": (
        "def g(a): return a * g.k\ng.k = 2\ndef simulate(a): return g(a)",
        "k = 2",
        "k = 3",
        True,
    ),
    "default of a named tuple": (
        "from collections import namedtuple\nP = namedtuple('Q', 'x y', defaults=(1,))\ndef simulate(a): return P(a).y",
        "(1,)",
        "(2,)",
        True,
    ),
    "default in a class of a named tuple": (
        "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\n    y: int = 1\ndef simulate(a): return P(a).y",
        "= 1",
        "= 2",
        True,
    ),
    "function that is registered": (
        (
            "TABLE = {}\ndef register(f):\n    TABLE[f.__name__] = f\n    return f\n"
            "@register\ndef one(x): return x + 1\ndef simulate(a): return TABLE['one'](a)"
        ),
        "x + 1",
        "x + 2",
        True,
    ),
    "subclass that its base registers": (
        (
            "class B:\n    all = []\n    def __init_subclass__(cls): B.all.append(cls)\n"
            "class D(B):\n    def g(self): return 1\ndef simulate(a): return B.all[0]().g()"
        ),
        "return 1",
        "return 2",
        True,
    ),
    "path of data": ("DATA = 'a.csv'\ndef simulate(a): return DATA", "a.csv", "b.csv", True),
}


@pytest.mark.parametrize("case", MODULES)
def test_which_edits_of_a_module_are_reported(directory, case):
    source, old, new, is_reported = MODULES[case]
    assert old in source
    before = fingerprint(load(directory, source).simulate)
    assert not before.edited
    other = directory / "edited"
    other.mkdir()
    sys.path.insert(0, str(other))
    try:
        after = fingerprint(load(other, source.replace(old, new, 1) if old else source).simulate)
    finally:
        sys.path.remove(str(other))
    assert (before.hash != after.hash) == is_reported


@pytest.mark.parametrize("folder", ["site-packages", "src"])
def test_an_editable_install_counts_and_an_installed_package_does_not(directory, monkeypatch, folder):
    package = directory / folder
    package.mkdir()
    monkeypatch.syspath_prepend(package)
    hashes = []
    for number in (1, 222):
        (package / "installed_model.py").write_text(f"def g(a):\n    return {number}\n")
        sys.modules.pop("installed_model", None)
        hashes.append(
            fingerprint(
                load(
                    directory, "import installed_model\ndef simulate(a): return installed_model.g(a)"
                ).simulate
            ).hash
        )
    sys.modules.pop("installed_model")
    assert (hashes[0] != hashes[1]) == (folder == "src")


def test_what_is_not_reached_does_not_count(directory):
    before, after = both(
        directory, helpers=HELPERS.replace("def unused(x):\n    return x", "def unused(x): 1")
    )
    assert before.hash == after.hash
    assert {Path(file).name for file in before.sources} == {"model.py", "helpers.py"}


def test_a_moved_function_is_the_same(directory):
    model = load(directory)
    (directory / "physics.py").write_text(HELPERS)
    moved = MODEL.replace("import helpers\nfrom helpers", "import physics as helpers\nfrom physics")
    before = fingerprint(model.simulate)
    assert fingerprint(load(directory, moved).simulate).hash == before.hash
    sys.modules.pop("physics")


def test_clocks_loggers_and_random_generators_do_not_count(directory):
    first = fingerprint(load(directory).simulate)
    time.sleep(0.01)
    model = load(directory)
    model.simulate(1)
    assert fingerprint(model.simulate).hash == first.hash


def test_a_constant_that_was_set_from_outside_counts(directory):
    model = load(directory)
    before = fingerprint(model.simulate).hash
    model.COUPLING = 5
    assert fingerprint(model.simulate).hash != before


def test_a_renamed_module_level_function_is_reported(directory):
    before, after = both(directory, MODEL.replace("helper(", "raised("))
    assert before.hash != after.hash


def test_partials_closures_and_objects_count_by_value():
    def make(c):
        return lambda a: a * c

    class Model:
        def __init__(self, c):
            self.c = c
            self.log = logging.getLogger("x")
            self.table = pd.DataFrame({"a": [time.time()]})

        def g(self, a):
            return a * self.c

        def __call__(self, a):
            return a * self.c

    def g(c, a):
        return a * c

    kinds = [
        make,
        lambda c: Model(c).g,
        Model,
        lambda c: functools.partial(g, c),
        lambda c: functools.partial(g, c=c),
    ]
    for kind in kinds:
        one, same, other = fingerprint(kind(3)), fingerprint(kind(3)), fingerprint(kind(5))
        assert one.hash == same.hash != other.hash
        assert "3" in one.values.values()
    assert fingerprint(make(np.arange(3))).hash == fingerprint(make(np.arange(3))).hash
    assert fingerprint(make(np.arange(3))).hash != fingerprint(make(np.arange(4))).hash
    assert fingerprint(make([1, (2, {"a": 0.5})])).hash != fingerprint(make([1, (2, {"a": 0.25})])).hash
    recorded = functools.partial(g, c=3), functools.partial(g, c=5)
    assert len({fingerprint(f, ["c"]).hash for f in recorded}) == 1


@pytest.mark.parametrize(
    "thing",
    [
        random.Random(1),
        np.random.default_rng(1),
        logging.getLogger("x"),
        pd.DataFrame({"a": [1]}),
        np.zeros(200_000),
        np.array([object()]),
        subprocess,
        object(),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_what_cannot_be_followed_counts_by_its_type_and_is_listed(thing):
    def make(thing):
        return lambda a: (a, thing)

    first = fingerprint(make(thing))
    if isinstance(thing, types.ModuleType):
        assert not first.not_followed
    else:
        assert any(type(thing).__name__ in text for text in first.not_followed)
    if isinstance(thing, random.Random):
        thing.random()
        assert fingerprint(make(thing)).hash == first.hash


def test_what_looks_up_names_while_it_runs_is_listed():
    def simulate(a):
        return eval("a + 1"), importlib.import_module("math"), a

    assert {text.partition(": ")[2] for text in fingerprint(simulate).not_followed} == {
        "eval()",
        "import_module()",
    }


CELL = '''
import functools
import math
CONSTANT = 3
LIST = [1, 2]
RADIUS = 2 * math.pi

def helper(x):
    return x * CONSTANT + LIST[0]

@functools.cache
def simulate(x):
    """Do it."""
    values = [helper(i) for i in range(3)]
    return {"y": sum(values), "text": f"{x!r:>{4}} {x=}" "end", "r": RADIUS}
'''


def cell(text, number):
    """Run a cell of a notebook as IPython does, each statement by itself, and return its function."""
    name = f"<ipython-input-{number}-0123>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    space = {"__name__": "__main__"}
    for statement in ast.parse(text).body:
        exec(compile(ast.Module([statement], []), name, "exec"), space)
    return space["simulate"]


def test_the_source_of_a_cell_that_imports_what_it_calls_is_found():
    "Python calls functions of modules in another way where it sees their import."
    found = fingerprint(cell("import math\ndef simulate(a):\n    return math.floor(a)\n", 5))
    assert (found.not_followed, found.edited) == ((), ())
    assert [part.name for part in found.parts] == ["simulate"]


RELOADED = """
class Model:
    step = 1
    def g(self, a): return a * self.step
def simulate(a): return Model().g(a)
"""

NOTEBOOK = """
import os
import sys
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell
from coma_xr.code.fingerprint import fingerprint

shell = InteractiveShell.instance()
path = Path("reloaded.py")

def look(source=None):
    if source is not None:
        path.write_text(source)
        look.time += 1
        os.utime(path, (look.time, look.time))
    assert shell.run_cell("import reloaded").success
    found = fingerprint(sys.modules["reloaded"].simulate)
    print(found.hash, len(found.edited))

look.time = 1_700_000_000
source = path.read_text()
look(source)
if "late" in sys.argv:
    look(source.replace("= 1", "= 2"))
shell.run_cell("%load_ext autoreload")
shell.run_cell("%autoreload 2")
look()
look(source.replace("= 1", "= 3"))
look(source.replace("= 1", "= 3") + "def f(:")
look(source.replace("= 1", "= 4"))
"""


@pytest.mark.ci
@pytest.mark.parametrize("start", ["early", "late"])
def test_what_ipython_loads_again_by_itself_is_loaded(directory, monkeypatch, start):
    "It sets what was edited, so that neither the functions of the module nor what Python compiled show it."
    pytest.importorskip("IPython")
    monkeypatch.setenv("PYTHONPATH", str(Path(coma_xr.__file__).parents[1]))
    monkeypatch.setenv("IPYTHONDIR", str(directory))
    (directory / "reloaded.py").write_text(RELOADED)
    (directory / "notebook.py").write_text(NOTEBOOK)
    hashes = [
        fingerprint(load(directory, RELOADED.replace("= 1", f"= {step}")).simulate).hash for step in range(5)
    ]
    lines = [line for line in printed(["notebook.py", start], directory).splitlines() if line[-2] == " "]
    expected = [(1, 0), (1, 0), (3, 0), (3, 1), (4, 0)]
    if start == "late":
        # What was edited before IPython watched the file is not loaded.
        expected[1:2] = [(1, 1), (1, 1)]
    assert lines == [f"{hashes[step]} {edited}" for step, edited in expected]


def test_a_cell_that_is_run_again_is_the_same(tmp_path, monkeypatch):
    first, again = fingerprint(cell(CELL, 1)), fingerprint(cell("\n\n" + CELL, 2))
    assert first.hash == again.hash
    assert not first.not_followed
    assert fingerprint(cell(CELL.replace("CONSTANT = 3", "CONSTANT = 4"), 3)).hash != first.hash


PRINT = "from coma_xr.code.fingerprint import fingerprint\nprint(fingerprint(simulate).hash)\n"


def printed(arguments, directory, python=sys.executable):
    done = subprocess.run([python, *arguments], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_script_a_module_and_a_cell_have_the_same_fingerprint(directory, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(coma_xr.__file__).parents[1]))
    (directory / "script.py").write_text(CELL + PRINT)
    (directory / "model.py").write_text(CELL)
    expected = fingerprint(cell(CELL, 4)).hash
    assert printed(["script.py"], directory) == expected
    assert printed(["-c", f"from model import simulate\n{PRINT}"], directory) == expected


def test_the_fingerprint_is_the_same_on_every_version_of_python():
    "The tests of each version compare with this one."
    assert fingerprint(cell(CELL, 5)).hash == "cc57cffb6945"


DATA_CELL = """
from dataclasses import dataclass, field

@dataclass(order=True)
class Setting:
    size: int = 3
    names: list = field(default_factory=list)

    def area(self):
        return self.size**2 if self.size not in {1, 2, "many"} else 0

def simulate(x):
    return Setting().area()
"""


def test_a_dataclass_has_one_fingerprint_on_every_version_of_python():
    "What the standard library generates for it differs."
    found = fingerprint(cell(DATA_CELL, 6))
    assert (found.hash, found.not_followed) == ("a1230bbb61f9", ())


MADE = """
from dataclasses import make_dataclass

Setting = make_dataclass(
    "Setting", [("size", int), ("scale", float, 2.0)], namespace={"area": lambda self: self.size * 4}
)

def simulate(x):
    return Setting(x).area()
"""


def test_a_dataclass_that_is_made_of_names_has_one_fingerprint_on_every_version_of_python():
    "Up to Python 3.11, it does not say where it was made."
    found = fingerprint(cell(MADE, 7))
    assert (found.hash, found.not_followed) == ("2f0ff6dc4793", ())


@pytest.mark.parametrize(
    ("old", "new"), [("2.0", "3.0"), ('("size"', '("more", int), ("size"'), ("* 4", "* 5")]
)
def test_an_edit_of_a_dataclass_that_is_made_of_names_is_reported(directory, old, new):
    before, after = (fingerprint(load(directory, text).simulate) for text in (MADE, MADE.replace(old, new)))
    assert before.hash != after.hash


def test_a_script_that_was_just_written_is_not_edited(directory, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(coma_xr.__file__).parents[1]))
    show = PRINT.replace(".hash", ".edited")
    for number in range(3):
        (directory / "physics.py").write_text(
            f"def g(x):\n    return x in {{'a', 'b', 'c', 'd', {number}}}\n"
        )
        (directory / "script.py").write_text(
            f"from physics import g\ndef simulate(x): return g(x) + {number}\n{show}"
        )
        assert printed(["-B", "script.py"], directory) == "()"


def test_a_file_that_is_edited_after_its_import_is_reported(directory):
    model = load(directory)
    (directory / "model.py").write_text(MODEL.replace("total = 0", "total = 1"))
    assert [Path(file).name for file in fingerprint(model.simulate).edited] == ["model.py"]


def test_the_code_that_is_loaded_counts_not_the_file(directory):
    model = load(directory)
    before = fingerprint(model.simulate)
    assert not before.edited
    (directory / "model.py").write_text(MODEL.replace("total = 0", "total = 11"))
    after = fingerprint(model.simulate)
    assert (after.hash, [Path(file).name for file in after.edited]) == (before.hash, ["model.py"])
    assert fingerprint(load(directory, MODEL.replace("total = 0", "total = 11")).simulate).hash != before.hash


BEFORE_THE_FIRST_LOOK = {
    "class attribute": ("size = 8", "size = 99", True),
    "table": ("[1, 2]", "[13, 2]", True),
    "default of a helper": ("power=2", "power=33", True),
    "comment": ("size = 8", "size = 8  # more", False),
    "another function at the end": (
        "WEIGHTS.sum()}\n",
        "WEIGHTS.sum()}\n\n\ndef other(x):\n    return x\n",
        False,
    ),
    "nothing": ("size = 8", "size = 8", False),
}


def test_what_a_method_changes_itself_counts_by_its_type():
    class Model:
        def __init__(self, k):
            self.k, self.calls, self.known = k, 0, {}

        def g(self, a):
            self.calls += 1
            self.known[a] = a * self.k
            return self.known[a]

        __call__ = g

    for kind in (lambda k: Model(k).g, Model):
        one, other = kind(2), kind(3)
        before = fingerprint(one)
        one(1)
        assert fingerprint(one).hash == before.hash != fingerprint(other).hash
        assert before.not_followed == ("Model.calls: builtins.int", "Model.known: builtins.dict")


def test_a_function_that_a_notebook_loads_again_by_itself_is_not_edited(directory, monkeypatch):
    "IPython compiles only what was edited, as if it stood at the top of the file."
    source = "K = 1\n\nclass A:\n    def g(self, a): return a\n\ndef simulate(a): return A().g(a)\n"
    model = load(directory, source)
    before = fingerprint(model.simulate)
    monkeypatch.setitem(sys.modules, "IPython.extensions.autoreload", types.ModuleType("autoreload"))
    edited = source.replace("return a\n", "return a + 1000\n")
    (directory / "model.py").write_text(edited)
    space = {}
    exec(compile("class A:\n    def g(self, a): return a + 1000\n", model.__file__, "exec"), space)
    model.A.g.__code__ = space["A"].g.__code__
    after = fingerprint(model.simulate)
    assert not after.edited
    assert after.hash == fingerprint(load(directory, edited).simulate).hash != before.hash


@pytest.mark.parametrize("name", ["K", "helpers.K"])
def test_the_file_of_a_constant_is_reached(directory, name):
    "It is recorded, compared with the commit and by workers, although the constant counts by its value."
    model = f"import helpers\nfrom helpers import K\ndef simulate(a): return a * {name}\n"
    found = fingerprint(load(directory, model, "K = 1\n").simulate)
    assert sorted(Path(file).name for file in found.sources) == ["helpers.py", "model.py"]


def test_a_table_that_a_notebook_loads_again_by_itself_is_not_edited(directory):
    source = "T = {'a': [1]}\ndef simulate(a): return T\n"
    model = load(directory, source)
    before = fingerprint(model.simulate)
    (directory / "model.py").write_text(source.replace("[1]", "[777]"))
    assert fingerprint(model.simulate).edited
    model.T = {"a": [777]}
    after = fingerprint(model.simulate)
    assert not after.edited
    assert (
        after.hash
        == fingerprint(load(directory, source.replace("[1]", "[777]")).simulate).hash
        != before.hash
    )


def test_a_file_that_was_saved_in_the_middle_of_an_edit_is_reported(directory):
    model = load(directory)
    before = fingerprint(model.simulate)
    (directory / "model.py").write_text(MODEL + "def f(:")
    after = fingerprint(model.simulate)
    assert (after.hash, [Path(file).name for file in after.edited]) == (before.hash, ["model.py"])


@pytest.mark.parametrize("edit", BEFORE_THE_FIRST_LOOK)
def test_an_edit_between_the_import_and_the_first_look_is_reported(directory, monkeypatch, edit):
    "What Python has compiled for the import tells."
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    old, new, is_reported = BEFORE_THE_FIRST_LOOK[edit]
    model = load(directory)
    (directory / "model.py").write_text(MODEL.replace(old, new))
    found = fingerprint(model.simulate)
    assert bool(found.edited) == is_reported
    expected = fingerprint(load(directory, MODEL.replace(old, new)).simulate)
    assert not expected.edited
    assert (found.hash != expected.hash) == is_reported


def test_a_loop_behind_a_new_statement_is_the_same_loop(directory, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    loop = "T = []\n\nfor n in range(3):\n    T.append(n)\ndef simulate(a):\n    return T\n"
    model = load(directory, loop)
    (directory / "model.py").write_text(loop.replace("\n\n", "\nU = 1\n"))
    assert not fingerprint(model.simulate).edited
    model = load(directory, loop)
    (directory / "model.py").write_text(loop.replace("\n\n", "\nU = 1\n").replace("range(3)", "range(44)"))
    assert fingerprint(model.simulate).edited


def test_arguments_made_keyword_only_before_the_first_look_are_reported(directory):
    "What the function does is the same; without a compiled file, only how it is called tells."
    model = load(directory, "def simulate(a, b=1):\n    return a + b\n")
    (directory / "model.py").write_text("def simulate(a, *, b=1):\n    return a + b\n")
    assert fingerprint(model.simulate).edited


def test_lambdas_on_one_line_are_told_apart_by_their_defaults(directory):
    source = "one, other = (lambda x=1: x), (lambda x=2: x)\n"
    one, other = (
        [fingerprint(f).hash for f in (model.one, model.other)]
        for model in (load(directory, text) for text in (source, source.replace("2", "3")))
    )
    assert one[0] == other[0]
    assert len({*one, *other}) == 3


def test_integers_that_python_does_not_write_out_count(directory):
    texts = (f"def simulate(a):\n    return a + 0x{5_000 * 'f'}{end}\n" for end in "ab")
    assert len({fingerprint(load(directory, text).simulate).hash for text in texts}) == 2


def test_what_python_has_compiled_is_the_file_that_was_looked_at(directory):
    "It is read once, by the function that refuses pipes and files that are too large."
    path = directory / "model.py"
    path.write_text("def f(): return 1\n")
    place = Path(py_compile.compile(str(path), doraise=True))
    found = compiled(str(path))
    place.write_bytes(b"")
    assert [item.co_name for item in codes_in(found.code())] == ["f"]


def test_the_path_and_the_name_of_another_module_do_not_count(directory):
    source = "import helpers\ndef simulate(a): return helpers.__file__, helpers.__name__, helpers.OFFSET"
    before, after = (fingerprint(load(directory, source).simulate).hash for _ in range(2))
    other = directory / "moved"
    other.mkdir()
    sys.path.insert(0, str(other))
    try:
        assert before == after == fingerprint(load(other, source).simulate).hash
    finally:
        sys.path.remove(str(other))


def test_code_of_installed_packages_is_not_the_users():
    assert not is_users(np.__file__)
    assert not is_users(linecache.__file__)
    assert not is_users(coma_xr.__file__)
    assert is_users(__file__)
    assert is_users("C.py")


@pytest.mark.parametrize(
    "statement", ["from . import part", "from package_16 import part", "import package_16.part as part"]
)
def test_a_module_that_a_function_imports_from_a_package_counts(directory, statement):
    source = f"def simulate(a):\n    {statement}\n    return part.g(a)\n"
    hashes = []
    for number in (1, 222):
        folder = directory / str(number) / "package_16"
        folder.mkdir(parents=True)
        texts = {"__init__": "", "main": source, "part": f"def g(a):\n    return {number}\n"}
        for name, text in texts.items():
            (folder / f"{name}.py").write_text(text)
        sys.path.insert(0, str(folder.parent))
        try:
            hashes.append(fingerprint(importlib.import_module("package_16.main").simulate).hash)
        finally:
            sys.path.remove(str(folder.parent))
            for name in [name for name in sys.modules if name.startswith("package_16")]:
                del sys.modules[name]
    assert hashes[0] != hashes[1]


def test_modules_that_a_function_imports_itself_count_as_a_whole(directory):
    model = MODEL.replace("    global calls\n", "    from helpers import unused\n    global calls\n")
    before = fingerprint(load(directory, model).simulate)
    after = fingerprint(
        load(directory, model, HELPERS.replace("def unused(x):\n    return x", "def unused(x): 1")).simulate
    )
    assert before.hash != after.hash


def test_a_compiled_file_that_names_no_time_shows_no_version(directory):
    path = directory / "model.py"
    path.write_text("def f(): return 1\n")
    py_compile.compile(str(path), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    assert compiled(str(path)) is None
