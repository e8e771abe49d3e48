"""The public list: each name once, sorted, documented, and nothing heavy loaded before it is used."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import itertools
import pkgutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import coma_xr as coma
from coma_xr import errors

PACKAGE = Path(coma.__file__).parent
HEAVY = {"numpy", "pandas", "xarray", "matplotlib", "netCDF4", "loky", "tqdm", "filelock", "msgspec"}
MODULES = sorted(module.name for module in pkgutil.walk_packages([str(PACKAGE)], "coma_xr."))
PUBLIC = [name for name in coma.__all__ if name != "__version__"]


def own_doc(thing: object) -> str:
    return inspect.getdoc(thing) or ""


def test_the_public_list_is_sorted_and_has_no_name_twice():
    assert coma.__all__ == sorted(set(coma.__all__))
    assert dir(coma) == coma.__all__


def test_all_errors_are_public():
    assert set(errors.__all__) <= set(coma.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_can_be_had(name):
    assert getattr(coma, name).__module__.startswith("coma_xr.")


def test_type_checkers_see_what_is_loaded_on_first_use():
    "The imports under TYPE_CHECKING and the table of homes say the same."
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    guarded = next(n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    seen = {alias.name: node.module for node in guarded.body for alias in node.names}
    assert seen == {name: f"coma_xr.{home}" for name, home in coma._HOMES.items()}


def test_an_unknown_name_is_an_error_that_suggests_near_ones():
    text = r"module 'coma_xr' has no attribute 'Experimant'.*'Experiment'"
    with pytest.raises(AttributeError, match=text) as raised:
        coma.Experimant
    # Python suggests a name itself where both are known, and the suggestion would be printed twice.
    assert (raised.value.name, raised.value.obj) == ("Experimant", None)


# What a public call returns that is another class of the package, and the class of another library that it is.
OTHER_CLASSES = {"PlotFigure": "matplotlib.figure.Figure"}

# Members that change the experiment so that others have nothing to return, or need a person.
LEFT_OUT = {
    "activate",
    "deactivate",
    "empty_removed",
    "explore",
    "remove",
    "remove_duplicates",
    "reset",
    "watch",
}

# What members need to be called.
ARGUMENTS = {
    "add_measurements": ([{"parameters": {"x": 7}, "results": {"y": 1}}],),
    "add_parameter_set": (5,),
    "annotate": ("y",),
    "between": (1, 2),
    "close": (1,),
    "code_diff": (1, 2),
    "contains": ("a",),
    "define_figure": ("z",),
    "define_layout": (None,),
    "define_parameter_set": ("x",),
    "endswith": ("a",),
    "exclude": ([1], "wrong"),
    "export": ("all.csv",),
    "failure": (3,),
    "filter_results": (("y", 1),),
    "forget_missing": ("x > 99",),
    "isin": ([1],),
    "measurement": (1,),
    "merge": ("other",),
    "plot": ("y",),
    "report": ("all.html",),
    "retrieve_results": (["y"],),
    "save": ({"parameters": {"x": 8}, "results": {"y": 1}},),
    "startswith": ("a",),
    "where": ("x > 1",),
}


def returned_by(thing, name):
    """Yield what the public members of an object are, or return; those that fail return nothing."""
    for member in dir(thing):
        if member.startswith("_") or member in LEFT_OUT:
            continue
        with contextlib.suppress(Exception):
            value = getattr(thing, member)
            # What scans and programs are made of has no page.
            if callable(value) and not isinstance(value, type):
                yield f"{name}.{member}()", value(*ARGUMENTS.get(member, ()))
            elif member not in ("definition", "template"):
                yield f"{name}.{member}", value


def parts_of(value):
    yield value
    if isinstance(value, dict):
        for child in value.values():
            yield from parts_of(child)
    elif isinstance(value, (list, tuple, Iterator)):
        yield from itertools.islice(value, 2)


def test_classes_of_what_is_returned_can_be_imported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    e = coma.Experiment("e")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = e.run(lambda x: {"y": 1 / x, "d": {"q": 1}}, {"x": [1, 2, 0]}, progress=False)
        coma.Experiment("other").run(lambda x: {"y": x}, {"x": [3]}, progress=False)
        e.define_figure("y", x="x", y="y")
        (tmp_path / "e" / "measurement.000009.json").write_text("{")
        roots = {
            "e": e,
            "report": report,
            "m": e.measurement(1),
            "failure": e.failure(3),
            "ds.coma": e.to_dataset().coma,
            "results": e.retrieve_results(["y"]),
            "result": e.retrieve_results(["y"])[0],
            "experiments": coma.open_experiments("e"),
            "scan": coma.grid(x=[1, 2]),
            "new": e.new_measurement(),
            "term": coma.P.x,
            "condition": coma.P.x > 1,
            "external": coma.external(np.zeros(3)),
            "program": coma.program("expr 1 + {x}", output="text"),
        }
        found = {}
        for name, root in roots.items():
            for call, value in [(name, root), *returned_by(root, name)]:
                for part in parts_of(value):
                    found.setdefault(type(part), call)
    own = {kind: call for kind, call in found.items() if kind.__module__.startswith("coma_xr")}
    assert {
        coma.Experiments,
        coma.Finding,
        coma.RunReport,
        coma.Scan,
        coma.ParameterSet,
        coma.Branch,
    } <= own.keys()
    hidden = {
        f"{call} returns {kind.__name__}"
        for kind, call in own.items()
        if getattr(coma, kind.__name__, None) is not kind and kind.__name__ not in OTHER_CLASSES
    }
    assert not hidden


def test_importing_the_package_loads_nothing_heavy():
    script = "import sys, coma_xr; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not HEAVY & set(run.stdout.split())


@pytest.mark.parametrize("module", MODULES)
def test_every_module_lists_names_that_it_has(module):
    if module == "coma_xr.__main__":
        return
    loaded = importlib.import_module(module)
    names = getattr(loaded, "__all__", [])
    assert len(names) == len(set(names))
    assert not [name for name in names if not hasattr(loaded, name)]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_object_is_documented(name):
    "A summary, and for what is called its parameters, in numpydoc's sections."
    thing = getattr(coma, name)
    doc = own_doc(thing)
    assert doc.strip(), f"{name} has no docstring"
    if inspect.isclass(thing) and issubclass(thing, (Exception, Warning)):
        return
    assert "Examples\n--------" in doc, f"{name} has no example"
    assert ">>>" in doc
    if inspect.isfunction(thing) and inspect.signature(thing).parameters:
        assert "Parameters\n----------" in doc


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_method_is_documented(name):
    thing = getattr(coma, name)
    if not inspect.isclass(thing) or issubclass(thing, (Exception, Warning)):
        return
    methods = [
        member
        for attribute, member in vars(thing).items()
        if not attribute.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
    ]
    assert not [member for member in methods if not own_doc(member).strip()]


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_name_the_parameters_that_there_are(name):
    "A parameter that is documented exists, and one that exists is documented."
    thing = getattr(coma, name)
    if inspect.isclass(thing) and issubclass(thing, Warning):
        return
    for label, function, doc in documented(name, thing):
        if "Parameters\n----------" not in doc:
            continue
        told = parameters_of(doc)
        there = {
            ("*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else "") + p.name
            for p in inspect.signature(function).parameters.values()
            if p.name not in {"self", "cls"} and not p.name.startswith("_")
        }
        assert told == there, label


def documented(name, thing):
    if not inspect.isclass(thing):
        yield name, thing, own_doc(thing)
        return
    yield name, thing.__init__, own_doc(thing)
    for attribute, member in vars(thing).items():
        if inspect.isfunction(member) and not attribute.startswith("_"):
            yield f"{name}.{attribute}", member, own_doc(member)


def parameters_of(doc: str) -> set[str]:
    lines = doc.split("Parameters\n----------\n", 1)[1].splitlines()
    names: set[str] = set()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if following.startswith("---"):
            break
        if line and not line.startswith(" "):
            names |= {part.strip() for part in line.partition(" : ")[0].split(",")}
    return names
