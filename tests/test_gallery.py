"""Every script of the gallery runs, and ends in a figure with labels."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

import matplotlib as mpl
import pytest

GALLERY = Path(__file__).parent.parent / "gallery"
SCRIPTS = sorted(GALLERY.glob("plot_*.py"))


def test_there_are_scripts():
    assert SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_ends_in_a_labelled_figure(script, tmp_path, monkeypatch):
    from matplotlib import pyplot as plt

    monkeypatch.chdir(tmp_path)
    with mpl.rc_context({"backend": "Agg"}):
        try:
            runpy.run_path(str(script), run_name="__main__")
            figures = [plt.figure(number) for number in plt.get_fignums()]
            assert figures, "the script makes no figure"
            for axes in figures[-1].axes:
                assert axes.has_data()
                assert axes.get_xlabel()
        finally:
            plt.close("all")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_begins_with_its_page(script):
    "A title, a line of = under it, and what the figure shows."
    doc = ast.get_docstring(ast.parse(script.read_text("utf-8"))) or ""
    title, line, *text = doc.splitlines()
    assert line == "=" * len(title)
    assert "".join(text).strip()
