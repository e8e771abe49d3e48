"""Figures that are kept with an experiment."""

from __future__ import annotations

import html
import json
import re
import warnings
from pathlib import Path

import pytest

import coma_xr as coma
from coma_xr.cli import main


@pytest.fixture
def e(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    e = coma.Experiment("squares")
    e.run(lambda a, x: {"y": a * x**2}, coma.grid(a=[1, 2], x=[1, 2, 3]), progress=False)
    return e


@pytest.fixture(autouse=True)
def _close():
    yield
    from matplotlib import pyplot as plt

    plt.close("all")


def test_a_figure_is_kept_with_the_exact_types_of_its_arguments(e):
    labels = {"x": "side", 2.0: "two"}
    e.define_figure("parabola", x="x", y="y", hue="a", where=coma.P.x > 1, xlim=(0, 4), labels=labels)
    kept = {"where": "x > 1", "x": "x", "y": "y", "hue": "a", "xlim": (0, 4), "labels": labels}
    assert coma.Experiment("squares", mode="r").figures == {"parabola": kept}
    ax = e.plot("parabola").axes[0]
    assert ax.lines[0].get_xdata().tolist() == [2, 3]
    assert (ax.get_xlim(), ax.get_xlabel()) == ((0, 4), "side")
    assert e.plot("parabola", where=None, yscale="log").axes[0].lines[0].get_xdata().tolist() == [1, 2, 3]


def test_a_figure_that_is_not_kept_is_plotted_by_its_arguments(e):
    ax = e.plot(x="x", y="y", hue="a", where="x > 1").axes[0]
    assert ax.lines[0].get_xdata().tolist() == [2, 3]
    with pytest.raises(coma.ComaError, match=r"Experiment.plot\(\) takes 1 positional argument, not 2"):
        e.plot("x", "y")


def test_figures_of_two_processes_are_both_kept(e):
    other = coma.Experiment("squares")
    assert e.figures == other.figures == {}
    e.define_figure("one", x="x", y="y", hue="a")
    other.define_figure("two", x="x", y="y", col="a")
    assert len(e)  # looks at the directory
    assert sorted(e.figures) == ["one", "two"]
    e.define_figure("one")
    assert len(other)
    assert list(other.figures) == ["two"]


def test_what_cannot_be_kept_is_an_error(e):
    for arguments in ({"ax": 1}, {"palette": print}, {"where": lambda m: True}):
        with pytest.raises(coma.ParameterError):
            e.define_figure("one", x="x", **arguments)
    for name in ("", "a/b", "a\nb"):
        with pytest.raises(coma.ParameterError, match="cannot be used"):
            e.define_figure(name, x="x")
    with pytest.raises(coma.ArgumentError, match="Did you mean 'hue'"):
        e.define_figure("one", hu="a")
    assert e.figures == {}
    e.define_figure("parabola", x="x", y="y", hue="a")
    with pytest.raises(coma.PathError, match="There is no figure 'parabla'[^?]*Did you mean 'parabola'"):
        e.plot("parabla")


def test_the_report_and_the_terminal_draw_them(e, capsys):
    e.define_figure("parabola", x="x", y="y", hue="a", where="x > 1")
    e.define_figure("broken", x="none", y="y")
    e.define_figure("chosen by what is not there", x="x", y="y", where="nothing > 1")
    page = html.unescape(e.report("page.html").read_text())
    assert "e.plot('parabola')" in page
    assert "only x > 1" in page
    assert "x='none' is not a dimension" in page
    assert "chosen by what is not there; only nothing > 1 cannot be drawn: No measurement has" in re.sub(
        "<.*?>", "", page
    )
    assert main(["plot", "squares", "parabola", "--title", "T"]) == 0
    assert Path("parabola.png").read_bytes().startswith(b"\x89PNG")
    assert main(["plot", "squares", "parabel"]) == 1
    assert "Did you mean 'parabola'" in capsys.readouterr().err


def test_a_damaged_section_is_left_out_with_a_warning(e):
    e.define_figure("parabola", x="x", y="y", hue="a")
    path = Path("squares", "coma.json")
    tree = json.loads(path.read_text())
    tree["coma_xr"]["figures"]["other"] = [1]
    path.write_text(json.dumps(tree))
    with pytest.warns(coma.DataFileWarning, match="'figures' is not a dictionary of figures"):
        e = coma.Experiment("squares")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert list(e.figures) == ["parabola"]
