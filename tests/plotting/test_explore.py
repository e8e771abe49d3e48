"""Figures with controls for a notebook."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import coma_xr as coma
from coma_xr.plotting import explore as module
from coma_xr.store.locks import LiveRun
from tests.pages import Page
from tests.plotting.test_plot import apart

widgets = pytest.importorskip("ipywidgets")


@pytest.fixture
def ds():
    coords = {"k": ["a", "b"], "T": [0.5, 1.5, 2.5], "x": np.arange(4.0)}
    return xr.Dataset({"y": (("k", "T", "x"), apart(6, 4).reshape(2, 3, 4))}, coords=coords)


def parts(view):
    row, image, message, code = view.children
    return row.children, image, message, code


def test_each_dim_that_the_figure_does_not_use_has_a_control(ds):
    controls, image, message, code = parts(ds.coma.explore(x="x", y="y"))
    kinds = {control.description: type(control) for control in controls}
    assert kinds == {"k": widgets.Dropdown, "T": widgets.SelectionSlider}
    assert bytes(image.value).startswith(b"\x89PNG")
    assert [label for label, _ in controls[1].options] == ["0.5", "1.5", "2.5"]
    for control in controls:
        before = bytes(image.value)
        control.value = 1
        assert bytes(image.value) != before
    assert code.value == "coma.plot(ds.isel({'k': 1, 'T': 1}), x='x', y='y')"
    assert message.value == ""
    assert plt.get_fignums() == []
    figure = eval(code.value, {"coma": coma, "ds": ds})
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), ds.y[1, 1])


@pytest.mark.parametrize(
    ("values", "units", "name", "texts"),
    [
        (
            [0.1, 0.1 + 0.2, np.nan, np.inf],
            r"$\mathrm{m}\,\mathrm{s}^{-1}$",
            "k [m s⁻¹]",
            ["0.1", "0.3", "NaN", "inf"],
        ),
        (np.array([1, 60], "m8[s]"), None, "k [s]", ["1", "60"]),
        (np.array(["2026-01-01", "2026-01-02"], "M8[ns]"), None, "k", ["2026-01-01", "2026-01-02"]),
        (np.array(["a", None, 2], object), None, "k", ["a", "None", "2"]),
    ],
)
def test_the_values_of_controls_are_written_as_in_a_legend(values, units, name, texts):
    coord = xr.Variable("k", values, {"units": units} if units else {})
    ds = xr.Dataset({"y": (("k", "x"), apart(len(values), 3))}, {"k": coord, "x": [0, 1, 2]})
    (control,), *_ = parts(ds.coma.explore(x="x", y="y"))
    assert control.description == name
    assert [label for label, _ in control.options] == texts


def test_a_figure_that_uses_all_dims_has_no_control(ds):
    controls, _, _, code = parts(ds.coma.explore(x="x", y="y", hue="k", col="T"))
    assert controls == ()
    assert code.value.startswith("coma.plot(ds, ")


def test_a_misspelt_name_is_an_error_and_values_that_cannot_be_drawn_are_a_message(ds):
    with pytest.raises(coma.PathError, match="Did you mean"):
        ds.coma.explore(x="x", y="yy")
    with pytest.raises(coma.ArgumentError, match="Did you mean 'hue'"):
        ds.coma.explore(x="x", y="y", hu="k")


def test_an_experiment_shows_new_measurements(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "INTERVAL", 0.01)
    e = coma.Experiment("squares")
    e.run(lambda a, x: {"y": a * x**2}, coma.grid(a=[1, 2], x=[1, 2, 3]), progress=False)
    e.define_figure("parabola", x="x", y="y", where="x > 1")

    async def look() -> list[str]:
        view = e.explore("parabola")
        (control,), image, _, code = parts(view)
        control.value = 1
        before = bytes(image.value)
        assert code.value == "coma.plot(e.to_dataset(where='x > 1').isel({'a': 1}), x='x', y='y')"
        e.run(lambda a, x: {"y": a * x**2}, coma.grid(a=[1, 2, 3], x=[1, 2, 3, 4]), progress=False)
        for _ in range(500):
            await asyncio.sleep(0.01)
            if bytes(image.value) != before:
                break
        (control,), image, _, _ = parts(view)
        view.close()
        assert control.value == 1
        _, _, _, code = parts(e.explore("parabola", where=None))
        assert code.value == "coma.plot(e.to_dataset().isel({'a': 0}), x='x', y='y')"
        return [label for label, _ in control.options]

    assert asyncio.run(look()) == ["1", "2", "3"]


def test_a_widget_follows_a_run_of_another_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "INTERVAL", 0.01)
    e = coma.Experiment("squares")
    e.run(lambda x: {"y": x**2}, {"x": range(4)}, limit=1, progress=False)
    runs = [LiveRun("node7", 12, "2026-11-30T01:00:00Z", todo=3, done=1, failed=0, seconds=2.0)]
    monkeypatch.setattr(e, "runs", lambda: list(runs))

    async def look() -> str:
        view = e.watch()
        assert '<progress value="1" max="3" aria-label="Progress">' in view.value
        assert "1 of 3 done, 30 a minute, about 4.0 s left" in Page(view.value).text
        runs.clear()
        e.run(lambda x: {"y": x**2}, {"x": range(4)}, progress=False)
        for _ in range(500):
            await asyncio.sleep(0.01)
            if "No run in progress." in view.value:
                break
        view.close()
        return Page(view.value).text

    assert asyncio.run(look()).startswith("4 measurements · the last run requested 4")
