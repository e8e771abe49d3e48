"""The house: a module imports only from the floors below its own, wherever in it the import stands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import coma_xr

PACKAGE = Path(coma_xr.__file__).parent


def layers_of_contributing() -> list[set[str]]:
    """Return the layers that CONTRIBUTING.md lists, from the ground up; modules of one layer do not know each other."""
    section = (PACKAGE.parent / "CONTRIBUTING.md").read_text("utf-8").partition("## Layers")[2]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return [set(re.findall(r"`(\w+)`", row)) for row in reversed(rows)]


FLOORS = layers_of_contributing()

_COMMON = {"text", "errors", "checks", "html", "tree", "values", "same"}

# Rules beyond the order of the floors: these know only what is listed here.
ONLY = {
    "tree": {"text", "errors"},
    "values": {"text", "errors", "checks", "tree"},
    "same": {"text", "errors", "tree", "values"},
    "encoding": {"text", "errors", "tree"},
    "exports": {
        "text",
        "errors",
        "checks",
        "files",
        "scratch",
        "tree",
        "values",
        "same",
        "encoding",
    },
    "plotting": {"text", "errors", "checks", "tree", "same"},
    "output": {"text", "errors", "checks", "files", "html", "same", "plotting"},
    "define": _COMMON,
    "code": {"text", "errors", "files", "tree"},
    "run": {*_COMMON, "files", "scratch", "encoding", "exports", "define", "code"},
    "retrieve": {*_COMMON, "encoding", "exports", "define"},
}

MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    parts = ("coma_xr", *path.with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {dotted(path): path for path in MODULES}


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the modules of coma_xr that one imports, and the lines."""
    for node in ast.walk(ast.parse((PACKAGE / path).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name in NAMES)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in NAMES:
                    yield full, node.lineno
                elif node.module in NAMES:
                    yield node.module, node.lineno


def room(name: str) -> str:
    """Return the part of the house: `trees` for `coma_xr.encoding.json`."""
    return f"{name}.".split(".")[1]


def floor(name: str) -> int:
    for number, rooms in enumerate(FLOORS):
        if room(name) in rooms:
            return number
    raise AssertionError(f"{name} has no layer; give it one in CONTRIBUTING.md")


INSIDE = [path for path in MODULES if path != Path("__init__.py")]


@pytest.mark.parametrize("path", INSIDE, ids=str)
def test_a_module_imports_only_from_below(path):
    here = dotted(path)
    for name, line in imports(path):
        if room(name) == room(here):
            continue
        # The package itself tells nothing but its version.
        if name == "coma_xr":
            assert floor(here) >= floor("coma_xr.experiment"), f"{path}:{line}: imports the package"
            continue
        assert floor(name) < floor(here), f"{path}:{line}: {here} imports {name}, which is not below it"
        if room(here) in ONLY:
            known = ONLY[room(here)]
            assert room(name) in known, f"{path}:{line}: {room(here)} knows only {known}, not {name}"


def test_the_layers_are_what_is_in_the_folder():
    rooms = {path.parts[0].removesuffix(".py") for path in INSIDE}
    assert sorted(room for layer in FLOORS for room in layer) == sorted(rooms)


def test_there_are_no_circles():
    "Within a floor too, modules can be put in an order."
    graph = {dotted(path): {name for name, _ in imports(path) if name != dotted(path)} for path in INSIDE}
    order = list(TopologicalSorter(graph).static_order())
    assert set(graph) <= set(order)


def test_every_import_that_python_makes_was_looked_at():
    "The test sees the imports in functions and under TYPE_CHECKING."
    source = "if TYPE_CHECKING:\n    import coma_xr.errors\ndef f():\n    from coma_xr import errors\n"
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert len(found) == 2
    assert "coma_xr.errors" in NAMES


@pytest.mark.parametrize("package", sorted({path.parent for path in INSIDE} - {Path()}), ids=str)
def test_a_package_imports_nothing_when_it_is_imported(package):
    "So that the import of one module brings only what it needs."
    assert not list(imports(package / "__init__.py"))


@pytest.mark.parametrize("path", INSIDE, ids=str)
def test_a_module_imports_no_private_name(path):
    "Whether at the top or in a function; what another module needs has a public name."
    found = [
        f"line {node.lineno}: {alias.name}"
        for node in ast.walk(ast.parse((PACKAGE / path).read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("coma_xr")
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert not found
