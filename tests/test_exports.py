"""The public list: each name once, sorted, documented, and nothing heavy loaded before it is used."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

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
    with pytest.raises(AttributeError, match=r"module 'coma_xr' has no attribute 'Experimant'.*'Experiment'"):
        coma.Experimant


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
