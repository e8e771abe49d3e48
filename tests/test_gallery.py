"""Every script of the gallery runs in silence, and ends in a figure with labels."""

from __future__ import annotations

import ast
import sys
import types
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

pytestmark = pytest.mark.ci

GALLERY = Path(__file__).parent.parent / "gallery"
SCRIPTS = sorted(GALLERY.glob("plot_*.py"))

names = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)


def values(script: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Run a script, and return what its bare expressions are: what a notebook would show."""
    shown: list[Any] = []
    tree = ast.parse(script.read_text("utf-8"))
    for at, statement in enumerate(tree.body):
        if isinstance(statement, ast.Expr):
            show = ast.Name("_show", ast.Load())
            tree.body[at] = ast.Expr(ast.Call(show, [statement.value], []))
    main = types.ModuleType("__main__")
    vars(main).update(_show=shown.append, __file__=str(script))
    monkeypatch.setitem(sys.modules, "__main__", main)
    exec(compile(ast.fix_missing_locations(tree), str(script), "exec"), vars(main))
    return shown


def figures(shown: list[Any]) -> list[Any]:
    """Return the figures that a page of the gallery would have."""
    from matplotlib import pyplot as plt
    from matplotlib.figure import Figure

    opened = [plt.figure(number) for number in plt.get_fignums()]
    return [value for value in shown if isinstance(value, Figure) and value not in opened] + opened


def test_there_are_at_least_ten_scripts():
    assert len(SCRIPTS) >= 10


def test_the_order_of_the_gallery_names_every_script():
    page = ast.parse((GALLERY.parent / "docs" / "figures.py").read_text("utf-8"))
    assigned = {node.targets[0].id: node.value for node in page.body if isinstance(node, ast.Assign)}
    assert sorted(ast.literal_eval(assigned["ORDER"])) == [path.stem[len("plot_") :] for path in SCRIPTS]


@names
def test_a_script_ends_in_a_labelled_figure_and_prints_nothing(script, tmp_path, monkeypatch, capfd):
    from matplotlib import pyplot as plt

    monkeypatch.chdir(tmp_path)
    with mpl.rc_context({"backend": "Agg"}):
        try:
            made = figures(values(script, monkeypatch))
            assert made, "the script makes no figure"
            panels = [axes for axes in made[-1].axes if axes.get_label() != "<colorbar>"]
            assert all(axes.has_data() for axes in panels)
            assert any(axes.get_xlabel() for axes in panels)
            assert any(axes.get_ylabel() for axes in panels)
        finally:
            plt.close("all")
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir()), "the script leaves files where it is run"


@names
def test_a_script_begins_with_its_page(script):
    "A title, a line of = under it, and what the figure shows."
    doc = ast.get_docstring(ast.parse(script.read_text("utf-8"))) or ""
    title, line, *text = doc.splitlines()
    assert line == "=" * len(title)
    assert "".join(text).strip()
