"""What a figure shows is true, can be adjusted, and belongs to pyplot."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import itertools
import re
import threading
import warnings
import weakref
from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.colors import LinearSegmentedColormap, LogNorm, same_color, to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

import coma_xr as coma
from coma_xr.errors import ComaWarning, LayoutError, ParameterError, PathError
from coma_xr.plotting.averages import binned_errors
from coma_xr.plotting.quantities import quantity
from coma_xr.text import numbers
from tests.plotting.test_plot import apart, entries, points


@pytest.fixture
def curves():
    return xr.Dataset({"y": (("k", "x"), apart(3, 4))}, coords={"k": ["a", "b", "c"], "x": np.arange(4.0)})


@pytest.fixture
def plane():
    values = np.random.default_rng(0).random((8, 10))
    return xr.Dataset({"z": (("b", "a"), values)}, coords={"a": np.arange(10.0), "b": np.arange(8.0)})


# pyplot


def test_a_figure_is_that_of_pyplot(curves):
    figure = coma.plot(curves, x="x", y="y", hue="k")
    assert plt.gcf() is figure
    plt.title("mine")
    plt.xlim(0, 1)
    assert (figure.axes[0].get_title(), figure.axes[0].get_xlim()) == ("mine", (0, 1))


def test_a_map_with_a_colour_bar_leaves_its_own_axes_current(plane):
    figure = coma.plot(plane, x="a", y="b", z="z")
    assert plt.gca() is figure.axes[0]


def test_axes_of_the_user_register_nothing(curves):
    ax = Figure().subplots()
    coma.plot(curves, x="x", y="y", hue="k", ax=ax)
    assert plt.get_fignums() == []


def test_other_threads_do_not_touch_pyplot(curves):
    made = []
    thread = threading.Thread(target=lambda: made.append(coma.plot(curves, x="x", y="y", hue="k")))
    thread.start()
    thread.join()
    assert len(made[0].axes[0].lines) == 3
    assert plt.get_fignums() == []


def test_a_closed_figure_is_freed(curves):
    import gc

    reference = weakref.ref(coma.plot(curves, x="x", y="y", hue="k"))
    plt.close("all")
    gc.collect()
    assert reference() is None


CELLS = [
    ("the last value of a cell", "coma.plot(ds, x='x', y='y')", 1),
    ("the middle of a cell", "coma.plot(ds, x='x', y='y')\nnumber = 1", 1),
    ("a loop", "for name in ('y', 'w'):\n    coma.plot(ds, x='x', y=name)", 2),
    ("a name", "figure = coma.plot(ds, x='x', y='y')", 1),
    ("a figure of an earlier cell", "figure", 1),
    ("axes of pyplot", "f, ax = plt.subplots()\ncoma.plot(ds, x='x', y='y', ax=ax)", 1),
    ("a figure that pyplot does not know", "coma.plot(ds, x='x', y='y', ax=Figure().subplots())", 1),
]


@pytest.mark.ci
def test_a_notebook_shows_each_figure_once():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    start = (
        "import coma_xr as coma, xarray as xr\nfrom matplotlib import pyplot as plt\n"
        "from matplotlib.figure import Figure\n%matplotlib inline\n"
        "ds = xr.Dataset({'y': ('x', [1.0, 2.0]), 'w': ('x', [2.0, 3.0])}, coords={'x': [0, 1]})"
    )
    sources = [start, *(source for _, source, _ in CELLS)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = [sum("image/png" in one.get("data", {}) for one in cell.outputs) for cell in notebook.cells[1:]]
    assert dict(zip([name for name, _, _ in CELLS], shown, strict=True)) == {
        name: number for name, _, number in CELLS
    }


def test_saved_figures_are_the_same_and_have_outlines_of_fonts(curves):
    def saved(suffix: str) -> bytes:
        picture = io.BytesIO()
        coma.plot(curves, x="x", y="y", hue="k").savefig(picture, format=suffix)
        return picture.getvalue()

    assert hashlib.sha256(saved("svg")).digest() == hashlib.sha256(saved("svg")).digest()
    assert b"/Type3" not in saved("pdf")


# Labels that are no numbers

SPECIAL = [None, np.nan, np.inf, -np.inf, pd.NaT, pd.NA]


def with_special(value):
    labels = np.empty(3, dtype=object)
    labels[:] = [2, 5, value]
    return xr.Dataset(
        {"y": (("depth", "n"), apart(3, 4))}, coords={"depth": ("depth", labels), "n": np.arange(4.0)}
    )


@pytest.mark.parametrize("value", SPECIAL, ids=str)
def test_a_label_that_is_no_number_has_an_entry_a_panel_a_tick_and_a_row(value):
    ds = with_special(value)
    name = {"nan": "NaN", "<NA>": "NA", "-inf": "\N{MINUS SIGN}inf"}.get(str(value), str(value))
    hue = coma.plot(ds, x="n", y="y", hue="depth")
    assert sorted(entries(hue)) == sorted(["2", "5", name])
    assert len(hue.axes[0].lines) == 3
    panels = coma.plot(ds, x="n", y="y", col="depth").axes
    assert f"depth = {name}" in [ax.get_title() for ax in panels]
    assert all(len(ax.lines[0].get_xdata()) == 4 for ax in panels)
    across = coma.plot(ds, x="depth", y="y", hue="n")
    across.canvas.draw()
    ax = across.axes[0]
    assert name in [tick.get_text() for tick in ax.get_xticklabels()]
    assert sum(np.isfinite(line.get_ydata()).sum() for line in ax.lines) == 12
    rows = coma.plot(ds, x="n", y="depth", z="y")
    rows.canvas.draw()
    assert name in [tick.get_text() for tick in rows.axes[0].get_yticklabels()]
    assert rows.axes[0].collections[0].get_array().count() == 12
    lines = coma.plot(ds, x="n", y="y", row="depth").axes
    assert f"depth = {name}" in [ax.get_title() for ax in lines]
    styled = coma.plot(ds, x="n", y="y", style="depth")
    assert sorted(entries(styled)) == sorted(["2", "5", name])
    assert len({str(line.get_linestyle()) + line.get_marker() for line in styled.axes[0].lines}) == 3
    dots = coma.plot(ds, x="n", y="y", style="depth", kind="scatter")
    assert sorted(entries(dots)) == sorted(["2", "5", name])
    boxes = coma.plot(ds.rename(n="repeat"), x="depth", y="y", kind="box").axes[0]
    assert name in [tick.get_text() for tick in boxes.get_xticklabels()]


@pytest.mark.parametrize("value", SPECIAL, ids=str)
def test_a_label_among_names_is_a_name(value):
    ds = with_special(value).assign_coords(depth=np.array(["a", "b", value], dtype=object))
    assert len(entries(coma.plot(ds, x="n", y="y", hue="depth"))) == 3
    assert len(coma.plot(ds, x="depth", y="y", hue="n").axes[0].get_xticks()) == 3
    for role in ("row", "col"):
        assert len(coma.plot(ds, x="n", y="y", **{role: "depth"}).axes) == 3
    assert len(entries(coma.plot(ds, x="n", y="y", style="depth"))) == 3
    assert len(coma.plot(ds, x="n", y="depth", z="y").axes[0].get_yticks()) == 3


def test_an_axis_of_dates_that_are_all_missing_is_drawn():
    ds = xr.Dataset({"y": ("day", [1.0, 2.0])}, {"day": np.array(["NaT", "NaT"], "M8[s]")})
    figure = coma.plot(ds, x="day", y="y").figure
    figure.canvas.draw()
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["NaT"]


def test_labels_alone_have_no_numbers_between_them():
    ds = with_special(None).isel(depth=[2, 2]).assign_coords(depth=np.array([None, np.inf], dtype=object))
    figure = coma.plot(ds, x="n", y="depth", z="y")
    figure.canvas.draw()
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["inf", "None"]


# Numbers


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([273.15, 293.15], ["273.15", "293.15"]),
        ([0.1, np.float32(0.25)], ["0.1", "0.25"]),
        ([1e5, 1e6, 1e7], ["1e5", "1e6", "1e7"]),
        ([1234567, 1234568], ["1234567", "1234568"]),
        ([299792458.0], ["299792458"]),
        ([0.3, 0.1 + 0.2], ["0.3", "0.30000000000000004"]),
        ([-0.0, 1.0], ["0", "1"]),
        ([1e-19, 5e-19], ["1e-19", "5e-19"]),
        ([], []),
    ],
)
def test_numbers_are_short_and_true(values, texts):
    assert numbers(values) == texts


def test_numbers_give_values_back_and_never_coincide():
    rng = np.random.default_rng(4)
    for _ in range(300):
        values = np.unique(
            np.round(rng.normal(size=5) * 10.0 ** rng.integers(-19, 19), int(rng.integers(0, 12)))
        )
        texts = numbers(values)
        assert len(set(texts)) == len(values)
        np.testing.assert_allclose([float(text) for text in texts], values, rtol=1e-6)
        assert len({"e" in text for text in texts if text != "0"}) <= 1


# Errors of means


@pytest.fixture
def samples():
    y = np.random.default_rng(1).normal(size=(2, 3, 8))
    return xr.Dataset({"y": (("m", "x", "repeat"), y)}, coords={"m": ["a", "b"], "x": [0.0, 1.0, 2.0]})


def half_widths(figure):
    return [np.ptp(bar[:, 1]) / 2 for part in figure.axes[0].collections for bar in part.get_segments()]


@pytest.mark.parametrize(
    ("error", "factor", "text"),
    [
        ("repeat", 1 / np.sqrt(8), "mean ± standard error"),
        ("se", 1 / np.sqrt(8), "mean ± standard error"),
        ("sd", 1.0, "mean ± standard deviation"),
        (("sd", "repeat"), 1.0, "mean ± standard deviation"),
        # scipy.stats.t.ppf(0.975, 7) and (0.84, 7)
        (("ci", 95), 2.3646242510103 / np.sqrt(8), "mean and 95 % confidence interval"),
        (("ci", 68), 1.0702 / np.sqrt(8), "mean and 68 % confidence interval"),
    ],
)
def test_errors_of_a_mean(samples, error, factor, text):
    figure = coma.plot(samples, x="x", y="y", hue="m", error=error)
    expected = samples.y.std("repeat", ddof=1).values.ravel() * factor
    np.testing.assert_allclose(half_widths(figure), expected, rtol=1e-3)
    assert figure.axes[0].get_title(loc="left") == f"{text} over repeat (n = 8)"


def test_percentiles_are_drawn_around_the_median(samples):
    figure = coma.plot(samples, x="x", y="y", hue="m", error=("percentile", (10, 90)))
    line = figure.axes[0].lines[0]
    np.testing.assert_allclose(line.get_ydata(), samples.y[0].median("repeat"))
    bars = [bar for part in figure.axes[0].collections for bar in part.get_segments()]
    expected = np.percentile(samples.y, [10, 90], axis=-1)
    np.testing.assert_allclose([bar[:, 1] for bar in bars], expected.reshape(2, -1).T)


def chain(number: int, correlation: float) -> np.ndarray:
    rng = np.random.default_rng(number)
    steps = np.zeros(4096)
    for at, noise in enumerate(rng.normal(size=4096)):
        steps[at] = correlation * steps[at - 1] + noise * np.sqrt(1 - correlation**2)
    return steps


def test_binning_finds_the_error_of_correlated_samples():
    chains = np.array([chain(number, np.exp(-1 / 20)) for number in range(40)])
    true = chains.mean(axis=1).std(ddof=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ComaWarning)
        binned = binned_errors(chains)
    assert np.median(binned) == pytest.approx(true, rel=0.3)
    plain = chains.std(axis=1, ddof=1) / np.sqrt(4096)
    assert np.median(plain) < 0.3 * true


def test_errors_within_one_result_are_reported_as_correlated(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda T: {"m": chain(int(T), 0.95).tolist()}, {"T": [1.0, 2.0]}, progress=False)
    ds = e.to_dataset()
    with pytest.warns(
        ComaWarning, match=r"along 'm_index' lie within one result.*error=\('binned', 'm_index'\)"
    ):
        coma.plot(ds, x="T", y="m", error="m_index")
    figure = coma.plot(ds, x="T", y="m", error=("binned", "m_index"))
    assert "binning" in figure.axes[0].get_title(loc="left")


def test_an_error_cut_off_by_a_log_scale_is_reported():
    ds = xr.Dataset({"y": ("x", [1.0, 2.0]), "e": ("x", [2.0, 0.1])}, coords={"x": [0, 1]})
    with pytest.warns(ComaWarning, match="1 error of y reach 0 or less"):
        coma.plot(ds, x="x", y="y", error="e", yscale="log")


def test_curves_that_hide_each_other_are_reported(curves):
    curves.y[2] = curves.y[0]
    with pytest.warns(ComaWarning, match="Curves coincide and hide each other: those of hue='k' a, c"):
        coma.plot(curves, x="x", y="y", hue="k")


def test_an_empty_label_is_shown_in_quotes():
    ds = xr.Dataset({"y": (("k", "x"), [[1.0, 2.0], [1.0, 2.0]])}, coords={"k": ["", "a"], "x": [0, 1]})
    with pytest.warns(ComaWarning, match="those of hue='k' '', a"):
        figure = coma.plot(ds, x="x", y="y", hue="k")
    assert "''" in [text.get_text() for text in figure.findobj(match=Text)]


@pytest.mark.parametrize(("edge", "scale"), [(1, "log"), (0, "symlog")])
def test_cells_that_are_too_thin_to_be_seen_are_reported(edge, scale):
    coords = {"x": [1, 2], "y": [edge, 2, 4, 1000]}
    ds = xr.Dataset({"z": (("y", "x"), np.arange(8.0).reshape(4, 2))}, coords)
    with pytest.warns(ComaWarning, match=f"cells of 2 values of y. Use yscale='{scale}'"):
        coma.plot(ds, x="x", y="y", z="z")
    coma.plot(ds, x="x", y="y", z="z", yscale=scale)
    coma.plot(ds, x="x", y="y", z="z", ylim=(0, 5))
    coma.plot(ds.isel(y=slice(3)), x="x", y="y", z="z")


@pytest.mark.parametrize("kind", ["heatmap", "contour", "scatter"])
@pytest.mark.parametrize("axis", ["x", "y"])
def test_repeats_on_an_axis_of_a_map_are_not_averaged(samples, axis, kind):
    one = samples.isel(m=0)
    axes = {"x": "x", "y": "repeat"} if axis == "y" else {"x": "repeat", "y": "x"}
    ax = coma.plot(one, **axes, z="y", kind=kind).axes[0]
    assert ax.get_title(loc="left") == ""
    low, high = getattr(ax, f"get_{axis}lim")()
    assert low <= 0
    assert high >= 7
    if kind != "contour":
        np.testing.assert_allclose(
            np.sort(ax.collections[0].get_array().ravel()), np.sort(one.y.values.ravel())
        )


# Geometry


def test_contours_are_interpolated_on_the_scales_of_the_axes():
    x, y = np.geomspace(1, 1e4, 5), np.geomspace(1, 1e4, 5)
    ds = xr.Dataset({"z": (("y", "x"), np.add.outer(np.log10(y), np.log10(x)))}, coords={"x": x, "y": y})
    ax = coma.plot(
        ds, x="x", y="y", z="z", kind="contour", xscale="log", yscale="log", levels=[0, 2.5, 8]
    ).axes[0]
    edge = ax.collections[0].get_paths()[0].vertices
    on_edge = edge[(edge[:, 0] > 1.01) & (edge[:, 1] > 1.01)]
    np.testing.assert_allclose(np.log10(on_edge).sum(axis=1), 2.5, atol=1e-6)
    np.testing.assert_allclose((ax.get_xlim(), ax.get_ylim()), [(1, 1e4), (1, 1e4)])


@pytest.mark.parametrize("bins", [None, 5, ([0.0, 1.0, 10.0], 3)])
def test_a_sample_makes_a_heatmap_of_triangles_or_bins(bins):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"a": rng.random(60), "b": rng.random(60), "c": 1.0})
    how = {} if bins is None else {"bins": bins}
    values = coma.plot(frame, x="a", y="b", z="c", kind="heatmap", **how).axes[0].collections[0].get_array()
    np.testing.assert_allclose(values.compressed(), 1.0)


def test_a_sample_on_a_logarithmic_scale_has_such_axes(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    scan = coma.sample(64, a=(1e-3, 1e3, "log"), b=(0.0, 1.0), method="sobol", seed=1)
    e.run(lambda a, b: {"r": a * b}, scan, progress=False)
    assert coma.plot(e.to_dataset(), x="a", y="r", kind="scatter").axes[0].get_xscale() == "log"
    assert coma.plot(e.to_dataset(), x="b", y="r", kind="scatter").axes[0].get_xscale() == "linear"


def test_hues_that_are_spaced_geometrically_have_such_colours():
    ds = xr.Dataset({"y": (("k", "x"), apart(12, 3))}, coords={"k": np.geomspace(1e-2, 10, 12)})
    bar = coma.plot(ds, x="x", y="y", hue="k").axes[1]
    assert bar.get_yscale() == "log"


# Adjusting


def test_colours_of_a_map_can_be_chosen(plane):
    plane.z[3, 4] = 1e6
    mesh = coma.plot(plane, x="a", y="b", z="z", cmap="magma", vmin=0, vmax=1).axes[0].collections[0]
    assert (mesh.get_cmap().name, mesh.get_clim()) == ("magma", (0, 1))
    robust = coma.plot(plane, x="a", y="b", z="z", robust=True).axes[0].collections[0]
    assert robust.get_clim()[1] < 1
    logs = coma.plot(plane, x="a", y="b", z="z", zscale="log").axes[0].collections[0]
    assert isinstance(logs.norm, LogNorm)


def test_colours_of_groups_can_be_chosen(curves):
    def colors(palette):
        return [
            line.get_color()
            for line in coma.plot(curves, x="x", y="y", hue="k", palette=palette).axes[0].lines
        ]

    assert colors(["r", "g", "b"]) == ["r", "g", "b"]
    assert colors({"a": "k", "b": "r", "c": "c"}) == ["k", "r", "c"]
    assert len({tuple(color) for color in colors("plasma")}) == 3


def test_a_short_palette_repeats_its_colours_with_other_dashes(curves):
    for data in (curves, curves.assign_coords(k=[1, 2, 3])):
        lines = coma.plot(data, x="x", y="y", hue="k", palette=["r", "b"]).axes[0].lines
        looks = [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines]
        assert looks == [("r", "-", "o"), ("b", "-", "o"), ("r", "--", "s")]


def test_a_palette_is_used_for_a_colour_bar_and_a_map_too(plane):
    colors = ["#ff0000", "#00ff00", "#0000ff"]
    for palette in (colors, LinearSegmentedColormap.from_list("mine", colors)):
        lines = coma.plot(plane, x="b", y="z", hue="a", palette=palette).axes[0].lines
        assert to_hex(lines[0].get_color()) == "#ff0000"
        assert to_hex(lines[-1].get_color()) == "#0000ff"
        cmap = coma.plot(plane, x="a", y="b", z="z", palette=palette).axes[0].collections[0].get_cmap()
        assert to_hex(cmap(1.0)) == "#0000ff"
    curves = plane.isel(a=slice(3)).assign_coords(a=list("abc"))
    lines = coma.plot(curves, x="b", y="z", hue="a", palette=palette).axes[0].lines
    assert [to_hex(line.get_color()) for line in lines[::2]] == ["#ff0000", "#0000ff"]


@pytest.mark.parametrize("kind", ["line", "scatter"])
def test_hues_without_a_place_on_a_logarithmic_scale_are_grey_and_reported(plane, kind):
    ds = plane.assign_coords(a=np.arange(10.0) - 2)
    with pytest.warns(ComaWarning, match="Drawn in grey: 3 values of a that are 0 or less, on a log scale"):
        ax = coma.plot(ds, x="b", y="z", hue="a", hue_scale="log", kind=kind).axes[0]
    if kind == "line":
        colors = np.array([to_rgba(line.get_color()) for line in ax.lines])
    else:
        colors = ax.collections[0].to_rgba(ds.a.values)
    assert (colors[:, 3] == 1).all()
    assert np.unique(colors[:3]).tolist() == [0.5, 1]


def test_the_order_of_values_can_be_chosen(curves):
    assert entries(coma.plot(curves, x="x", y="y", hue="k", order=["c", "a", "b"])) == ["c", "a", "b"]
    assert entries(coma.plot(curves, x="x", y="y", hue="k", order={"k": ["b"]})) == ["b", "a", "c"]
    ax = coma.plot(curves, x="k", y="y", hue="x", order={"k": ["c", "a", "b"]}).axes[0]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["c", "a", "b"]


def test_a_figure_keeps_the_size_asked_for(curves):
    for legend in (True, "right", "bottom", "inside", False):
        figure = coma.plot(curves, x="x", y="y", hue="k", figsize=(3.4, 2.4), legend=legend, title="A title")
        assert figure.get_size_inches().tolist() == [3.4, 2.4]
        shown = bool(figure.legends) or figure.axes[0].get_legend() is not None
        assert shown == (legend is not False)


def test_artists_take_keyword_arguments(curves, plane):
    line = coma.plot(curves, x="x", y="y", hue="k", line_kw={"lw": 5, "linestyle": ":"}).axes[0].lines[0]
    assert (line.get_linewidth(), line.get_linestyle()) == (5, ":")
    dots = (
        coma.plot(curves, x="x", y="y", hue="k", kind="scatter", scatter_kw={"s": 99}).axes[0].collections[0]
    )
    assert dots.get_sizes().tolist() == [99]
    assert (
        coma.plot(plane, x="a", y="b", z="z", map_kw={"alpha": 0.5}).axes[0].collections[0].get_alpha() == 0.5
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"line_kw": {"color": "k"}}, "line_kw sets 'color', and the colours show 'k'.* Use palette="),
        ({"kind": "scatter", "scatter_kw": {"c": "k"}}, "scatter_kw sets 'c', and the colours show 'k'"),
    ],
)
def test_keywords_that_would_hide_what_colours_show_are_refused(curves, plane, arguments, message):
    with pytest.raises(LayoutError, match=message):
        coma.plot(curves, x="x", y="y", hue="k", **arguments)
    for name, argument in {"cmap": "cmap", "norm": "zscale"}.items():
        with pytest.raises(LayoutError, match=f"map_kw sets '{name}', .* Use {argument}="):
            coma.plot(plane, x="a", y="b", z="z", map_kw={name: "magma"})


def test_a_legend_has_the_colours_and_markers_that_artists_were_given(curves):
    ds = curves.isel(k=0).assign(exact=lambda ds: ds.y + 1)
    (legend,) = coma.plot(ds, x="x", y=["y", "exact"], line_kw={"color": "k"}).legends
    assert [line.get_color() for line in legend.get_lines()] == ["k", "k"]
    keywords = {"marker": "x", "alpha": 0.5}
    (legend,) = coma.plot(curves, x="x", y="y", hue="k", kind="scatter", scatter_kw=keywords).legends
    assert {(line.get_marker(), line.get_alpha()) for line in legend.get_lines()} == {("x", 0.5)}


@pytest.mark.parametrize(
    "keywords",
    [
        {"line_kw": {"lw": 3, "linewidth": 4}},
        {"line_kw": {"lw": "thick"}},
        {"legend_kw": {"loc": "nowhere"}},
    ],
)
def test_keywords_that_artists_refuse_are_named(curves, keywords):
    with pytest.raises(ParameterError, match=f"matplotlib refused {next(iter(keywords))}: "):
        coma.plot(curves, x="x", y="y", hue="k", **keywords)
    assert not plt.get_fignums()


def test_a_title_that_is_no_formula_is_written_as_it_is(curves):
    figure = coma.plot(curves, x="x", y="y", hue="k", title=r"$\nope$")
    figure.savefig(io.BytesIO())
    assert figure.axes[0].get_title() == r"\$\nope\$"


def test_bins_and_density_of_a_histogram():
    ds = xr.Dataset({"v": ("n", np.arange(100.0))})
    stairs = coma.plot(ds, x="v", bins=[0, 50, 100], density=True).axes[0].patches[0]
    np.testing.assert_allclose(stairs.get_data().values, 0.01)
    with pytest.warns(ComaWarning, match="Not counted: 49 values of v outside the bins"):
        coma.plot(ds, x="v", bins=[0, 25, 50])


def test_panels_can_have_axes_of_their_own(curves):
    axes = coma.plot(curves, x="x", y="y", col="k", sharey=False, xlim=(0, 2)).axes
    assert axes[0].get_ylim()[1] < axes[2].get_ylim()[0]
    assert axes[0].get_xlim() == (0, 2)


def test_styles_are_honoured(curves, plane):
    with mpl.rc_context({"lines.linewidth": 0.5, "axes.spines.top": False, "image.cmap": "cividis"}):
        ax = coma.plot(curves, x="x", y="y", hue="k").axes[0]
        assert ax.lines[0].get_linewidth() == 0.5
        assert not ax.spines["top"].get_visible()
        assert coma.plot(plane, x="a", y="b", z="z").axes[0].collections[0].get_cmap().name == "cividis"


def test_a_second_call_takes_the_next_colour_and_shares_the_legend():
    _, ax = plt.subplots()
    for name in ("theory", "data"):
        ds = xr.Dataset({name: ("x", [1.0, len(name)])}, coords={"x": [0, 1]})
        coma.plot(ds, x="x", y=name, ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["theory", "data"]
    assert not same_color(ax.lines[0].get_color(), ax.lines[1].get_color())


# More kinds


def test_names_and_bools_over_two_dims_are_maps_with_a_legend():
    won = np.random.default_rng(8).choice(["chess", "go", "draw"], (4, 5))
    ds = xr.Dataset({"won": (("a", "b"), won), "ok": (("a", "b"), won == "go")})
    figure = coma.plot(ds, x="a", y="b", z="won")
    assert sorted(entries(figure)) == ["chess", "draw", "go"]
    assert len(figure.axes) == 1
    assert entries(coma.plot(ds, x="a", y="b", z="ok")) == ["False", "True"]


def test_boxes_and_violins_sum_up_repeats(samples):
    figure = coma.plot(samples, x="x", y="y", hue="m", kind="box")
    assert entries(figure) == ["a", "b"]
    medians = [line for line in figure.axes[0].lines if line.get_linewidth() == 1.8]
    found = sorted(float(line.get_ydata()[0]) for line in medians)
    np.testing.assert_allclose(found, np.sort(samples.y.median("repeat").values.ravel()))
    assert "over repeat (n" not in figure.axes[0].get_xlabel()
    assert len(coma.plot(samples, x="m", y="y", col="x", kind="violin").axes[0].collections) >= 2


def test_two_lists_of_one_length_are_drawn_over_each_other(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda w: {"t": [0.0, 1.0, 2.0], "x": [0.0, w, 2 * w]}, {"w": [1.0, 2.0]}, progress=False)
    ax = coma.plot(e.to_dataset(), x="t", y="x", hue="w").axes[0]
    assert [line.get_xydata().tolist() for line in ax.lines] == [
        [[0, 0], [1, 1], [2, 2]],
        [[0, 0], [1, 2], [2, 4]],
    ]


def test_lists_of_different_lengths_are_an_error(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda w: {"t": [0.0, 1.0], "x": [0.0, w, 2 * w]}, {"w": [1.0, 2.0]}, progress=False)
    with pytest.raises(LayoutError, match="This plot does not use the dim 'x_index'"):
        coma.plot(e.to_dataset(), x="t", y="x", hue="w")


# Ticks


def ranges(number: int) -> Iterator[tuple[float, float]]:
    rng = np.random.default_rng(7)
    for _ in range(number):
        low = float(rng.normal() * 10.0 ** rng.integers(-12, 12))
        yield low, low + float(10.0 ** rng.uniform(-3, 3)) * abs(low)


def places(scale: str, low: float, high: float) -> np.ndarray:
    if scale == "log":
        return np.geomspace(abs(low), abs(low) + abs(high), 20)
    if scale == "logit":
        ends = np.sort(np.log(np.abs([low, high])) / 4)
        return 1 / (1 + np.exp(-np.linspace(*ends, 20)))
    if scale == "asinh":
        return np.concatenate([-np.geomspace(abs(low), 1e4 * abs(low), 10), np.linspace(low, high, 10)])
    return np.linspace(low, high, 20)


def number_of(text: str) -> float:
    "Return the number that a label of a tick states."
    text = text.replace("\N{MINUS SIGN}", "-").replace(" ", "")
    if text.startswith("1-"):
        return 1 - number_of(text[2:])
    text = re.sub(r"(^|-)10\$\^\{(.*)\}\$", r"\g<1>1e\2", text)
    return float(re.sub(r"\N{MULTIPLICATION SIGN}10\$\^\{(.*)\}\$", r"e\1", text))


@pytest.mark.parametrize("scale", ["linear", "log", "symlog", "asinh", "logit"])
@pytest.mark.parametrize("number", [4, pytest.param(40, marks=pytest.mark.ci)])
def test_tick_labels_are_true_and_never_overlap(scale, number):
    for low, high in ranges(number):
        x = np.unique(places(scale, low, high))
        ds = xr.Dataset({"y": ("x", np.arange(float(len(x))))}, coords={"x": x})
        figure = coma.plot(ds, x="x", y="y", xscale=scale, figsize=(2.5, 2))
        figure.canvas.draw()
        ax = figure.axes[0]
        ticks = [tick for tick in ax.xaxis._update_ticks() if tick.label1.get_window_extent().width]
        boxes = sorted((tick.label1.get_window_extent() for tick in ticks), key=lambda box: box.x0)
        assert len(boxes) > 1, (scale, low, high)
        assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes)), (scale, low, high)
        if scale != "linear":
            stated = [number_of(tick.label1.get_text()) for tick in ticks]
            np.testing.assert_allclose(stated, [tick.get_loc() for tick in ticks], rtol=1e-6, atol=1e-300)
        plt.close("all")


def test_no_warning_of_matplotlib_comes_with_a_dark_style(curves):
    with plt.style.context("dark_background"), warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = coma.plot(curves, x="x", y="y", hue="k").axes[0]
        assert not any(same_color(line.get_color(), "k") for line in ax.lines)


def test_dates_and_durations_beyond_what_matplotlib_draws_have_their_places():
    far = quantity("t", xr.Variable("t", np.array(["2020-01-01", "NaT", "-5000-01-01"], "M8[s]")))
    assert far.type == "name"
    assert far.categories == ("-5000-01-01T00:00:00", "2020-01-01T00:00:00")
    assert far.values.values.tolist()[::2] == [1, 0]
    near = quantity("t", xr.Variable("t", np.array(["1700-01-01", "2020-01-01"], "M8[s]")))
    assert near.type == "date"
    longest = quantity("d", xr.Variable("d", np.array([dt.timedelta.max, None, dt.timedelta(1)], object)))
    assert longest.units == "d"
    assert longest.values.values.tolist()[::2] == [pytest.approx(1e9), 1]
    seconds = quantity("d", xr.Variable("d", np.array([10**12, 1], "m8[s]")))
    assert seconds.values.values[0] == pytest.approx(10**12 / 86_400)


def test_dates_that_are_drawn_as_names_are_reported():
    times = np.array(["0100-01-01", "1500-01-01", "2000-01-01"], "M8[s]")
    ds = xr.Dataset({"y": ("t", [1.0, 2.0, 3.0]), "x": ("t", [1.0, 2.0, 3.0])}, {"t": times})
    with pytest.warns(
        ComaWarning, match=r"'t' holds dates near or beyond the years 1 and 9999.* at equal distances\."
    ):
        coma.plot(ds, x="t", y="y")
    coma.plot(ds, x="x", y="y", hue="t", kind="scatter")
    coma.plot(ds.isel(t=[1, 2]), x="t", y="y")


def test_dates_with_and_without_a_time_zone_have_no_common_axis():
    times = pd.array([pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-02", tz="UTC")], dtype=object)
    with pytest.raises(LayoutError, match="'t' holds dates with a time zone and dates without one"):
        coma.plot(pd.DataFrame({"t": times, "y": [1.0, 2.0]}), x="t", y="y")


def test_a_number_that_no_axis_holds_is_an_error_and_half_a_character_is_written_out():
    with pytest.raises(LayoutError, match="'n' has a number of 401 digits"):
        quantity("n", xr.Variable("n", np.array([10**400, 1], object)))
    # pandas, through which xarray puts arrays of objects, takes no half a character.
    halves = xr.Variable("s", np.array(["b", "a"], object))
    halves.values[0] = "\ud800"
    assert quantity("s", halves).categories == ("\\ud800", "a")


# what a mean, a time and a bar of colours show


@pytest.mark.parametrize("as_table", [False, True])
@pytest.mark.parametrize("axes", [{"x": "a", "y": "winner"}, {"x": "a", "y": "b", "z": "winner"}])
def test_names_have_no_mean_over_repeats(axes, as_table):
    winners = np.array(["chess", "go", "go", "draw"] * 3).reshape(2, 3, 2)
    ds = xr.Dataset(
        {"winner": (("b", "a", "repeat"), winners)}, {"a": [1, 2, 3], "b": [1, 2], "repeat": [0, 1]}
    )
    ds = ds if "z" in axes else ds.isel(b=0)
    with pytest.raises(LayoutError, match="'winner' holds names, which have no mean over 'repeat'"):
        coma.plot(ds.to_dataframe().reset_index() if as_table else ds, **axes)


def test_names_of_one_repeat_are_drawn_from_a_table():
    frame = pd.DataFrame({"x": [1, 2], "y": ["a", "b"], "repeat": [0, 0]})
    assert len(coma.plot(frame, x="x", y="y").axes[0].collections[0].get_offsets()) == 2


def test_times_with_a_zone_are_labelled_as_utc():
    times = pd.date_range("2026-03-28 23:00", periods=3, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"t": times, "y": [1.0, 2.0, 3.0], "x": [1, 1, 1]})
    assert coma.plot(frame, x="t", y="y").axes[0].get_xlabel() == "t [UTC]"
    assert coma.plot(frame, x="x", y="y", hue="t").legends[0].get_title().get_text() == "t [UTC]"
    titles = [axes.get_title() for axes in coma.plot(frame, x="x", y="y", col="t").axes]
    assert titles[0] == "t = 2026-03-28 22:00:00 UTC"
    naive = frame.assign(t=frame.t.dt.tz_localize(None))
    assert coma.plot(naive, x="t", y="y").axes[0].get_xlabel() == "t"


def test_levels_of_a_contour_over_many_decades_are_powers_of_ten():
    z = np.geomspace(1e-6, 1e6, 36).reshape(6, 6)
    ds = xr.Dataset({"z": (("b", "a"), z)}, {"a": range(6), "b": range(6)})
    figure = coma.plot(ds, x="a", y="b", z="z", kind="contour", zscale="log")
    figure.canvas.draw()
    bar = figure.axes[-1].yaxis
    texts = [text.get_text() for text in bar.get_ticklabels()]
    assert len(set(texts)) == len(texts) > 3
    assert not bar.get_offset_text().get_text()
    assert all(text.startswith("10$^") or text == "1" for text in texts), texts


@pytest.mark.parametrize(
    ("labels", "texts"),
    [
        ([1, "1"], ["1", "'1'"]),
        ([True, "True"], ["True", "'True'"]),
        ([None, "None"], ["'None'", "None"]),
        ([1, True, 2], ["1", "2", "True"]),
        ([2**60, 2**60 + 1], [str(2**60), str(2**60 + 1)]),
        ([10**19, 10**19 + 1], [str(10**19), str(10**19 + 1)]),
        (["a", "a ", "a\t\x1b"], ["a", "'a '", r"a\t\x1b"]),
    ],
)
def test_labels_that_differ_are_told_apart(labels, texts):
    index = pd.Index(np.array([*labels, None], dtype=object)[:-1], dtype=object)
    ds = xr.Dataset({"y": (("s", "x"), apart(len(labels), 3))}, {"s": index, "x": [1, 2, 3]})
    figure = coma.plot(ds, x="x", y="y", hue="s")
    assert entries(figure) == texts
    assert len({str(line.get_color()) for line in figure.axes[0].lines}) == len(labels)
    assert len(coma.plot(ds, x="x", y="y", col="s").axes) == len(labels)
    rows = coma.plot(ds, x="x", y="s", z="y").axes[0].collections[0].get_array()
    assert rows.shape == (len(labels), 3)


def test_dollars_of_a_name_and_its_units_make_no_formula():
    ds = xr.Dataset({"y": ("x", [1.0, 2.0], {"long_name": "price in $", "units": "$/h"})}, {"x": [1, 2]})
    figure = coma.plot(ds, x="x", y="y")
    label = figure.axes[0].yaxis.label
    assert label._preprocess_math(label.get_text()) == ("price in $ [$/h]", False)


# Values that the user names

DAYS = np.array(["2020-01-01", "2021-01-01", "2022-01-01"], "M8[ns]")
HOURS = np.array([1, 2, 3], "m8[h]").astype("m8[ns]")
NAMED = [
    (np.array([1, 2, 3]), [1, 2.0, np.int8(3)]),
    (np.array([1, 2, 3]), ["1", "2.0", "3"]),
    (np.array([0.1, 0.2, 0.3]), [0.1, 0.1 + 0.1, 0.1 + 0.2]),
    (np.array([0.1, 0.2, 0.3], np.float32), [*np.array([0.1, 0.2, 0.3], np.float32)]),
    (DAYS, [*DAYS]),
    (DAYS, [dt.date(2020, 1, 1), pd.Timestamp("2021-01-01").to_pydatetime(), pd.Timestamp("2022-01-01")]),
    (DAYS, ["2020-01-01", "2021-01-01T00:00", "2022-01-01"]),
    (HOURS, [*HOURS]),
    (HOURS, [dt.timedelta(hours=1), pd.Timedelta("2h"), np.timedelta64(3, "h")]),
    (np.array([False, True]), [np.False_, True]),
    (np.array(["a", "b", "c"]), ["a", "b", "c"]),
    (np.array([(1, 2), "b", 3, None], dtype=object)[1:3], ["b", 3]),
]


def labelled(values):
    return xr.Dataset({"y": (("h", "x"), apart(len(values), 2))}, {"h": values, "x": [10.0, 20.0]})


@pytest.mark.parametrize(("values", "wanted"), NAMED)
def test_the_order_of_any_values_can_be_chosen(values, wanted):
    ds = labelled(values)
    texts = entries(coma.plot(ds, x="x", y="y", hue="h"))
    for order in ({"h": wanted[::-1]}, wanted[::-1]):
        assert entries(coma.plot(ds, x="x", y="y", hue="h", order=order)) == texts[::-1]
    at = coma.plot(ds, x="h", y="y", hue="x", kind="scatter", order={"h": wanted[::-1]}).axes[0]
    assert [label.get_text() for label in at.get_xticklabels()] == texts[::-1]


def test_the_order_of_values_can_be_a_coord_or_a_series():
    ds = labelled(np.array([1, 2, 3]))
    for order in (ds.h[::-1], ds.h.values[::-1], pd.Series([3, 2, 1]), pd.Index([3, 2, 1]), (3, 2, 1)):
        assert entries(coma.plot(ds, x="x", y="y", hue="h", order={"h": order})) == ["3", "2", "1"]


@pytest.mark.parametrize("order", [{"h": 3}, {"h": "3"}, {"h": np.array(3)}, {"h": None}, 3])
def test_an_order_that_is_no_list_is_refused(order):
    with pytest.raises(LayoutError, match="Expected a list, or a mapping such as"):
        coma.plot(labelled(np.array([1, 2, 3])), x="x", y="y", hue="h", order=order)


@pytest.mark.parametrize(
    ("values", "order", "available"),
    [
        (np.array([1, 2, 3]), [4], ["1", "2", "3"]),
        (np.array([1, 0]), [True], ["0", "1"]),
        (np.array([False, True]), [1, 0], ["False", "True"]),
        (DAYS, [dt.datetime(2020, 1, 1, tzinfo=dt.UTC)], ["2020-01-01", "2021-01-01", "2022-01-01"]),
    ],
)
def test_values_that_are_not_the_same_give_no_order(values, order, available):
    with pytest.raises(LayoutError, match="order: 'h' has none of these values") as caught:
        coma.plot(labelled(values), x="x", y="y", hue="h", order={"h": order})
    assert [*caught.value.available] == available


def test_a_list_for_a_group_gives_no_order_to_numbers_on_axes():
    ds = labelled(np.array([10, 20, 30]))
    ax = coma.plot(ds, x="x", y="y", hue="h", order=[30, 10, 20]).axes[0]
    assert points(ax.lines[0])[0][0] == 10


@pytest.mark.parametrize(
    ("values", "wanted"), [case for case in NAMED if case[1][0] not in ("1", "2020-01-01")]
)
def test_any_values_can_have_labels_and_colours(values, wanted):
    texts = [f"label {at}" for at in range(len(wanted))]
    colors = ["#ff0000", "#00ff00", "#0000ff"][: len(wanted)]
    ds = labelled(values)
    figure = coma.plot(
        ds,
        x="x",
        y="y",
        hue="h",
        labels=dict(zip(wanted, texts, strict=True)),
        palette=dict(zip(wanted, colors, strict=True)),
    )
    assert entries(figure) == texts
    assert [line.get_color() for line in figure.axes[0].lines] == colors


def test_labels_of_bools_are_not_those_of_numbers():
    assert entries(coma.plot(labelled([False, True]), x="x", y="y", hue="h", labels={1: "one"})) == [
        "False",
        "True",
    ]
    assert entries(coma.plot(labelled([0, 1]), x="x", y="y", hue="h", labels={True: "on"})) == ["0", "1"]


def test_a_palette_without_a_colour_names_the_value():
    with pytest.raises(LayoutError, match=r"palette does not have a colour for 3\."):
        coma.plot(labelled([1, 2, 3]), x="x", y="y", hue="h", palette={1: "red", 2: "blue"})


# What is hidden, and areas


def test_a_density_has_the_area_one_together_with_labels():
    values = pd.DataFrame({"x": np.array([1.0, 2.0, 3.0, 3.0, None, None], dtype=object)})
    ax = coma.plot(values, x="x", density=True).axes[0]
    (stairs,) = [patch for patch in ax.patches if hasattr(patch, "get_data")]
    heights, edges, _ = stairs.get_data()
    bars = [patch for patch in ax.patches if patch is not stairs]
    area = (heights * np.diff(edges)).sum() + sum(bar.get_width() * bar.get_height() for bar in bars)
    assert (len(bars), area) == (1, pytest.approx(1))
    assert bars[0].get_height() * bars[0].get_width() == pytest.approx(2 / 6)


@pytest.mark.parametrize("kind", ["heatmap", "contour"])
def test_values_of_a_map_at_the_place_of_others_are_said(kind):
    x = np.array([[0.0, 1.0, 1.0], [0.0, 1.0, 2.0], [0.0, 1.0, 2.0]])
    y = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [2.0, 2.0, 2.0]])
    places = {"x": (("a", "b"), x), "y": (("a", "b"), y)}
    ds = xr.Dataset({"z": (("a", "b"), np.arange(9.0).reshape(3, 3))}, coords=places)
    with pytest.warns(ComaWarning, match="Hidden: 1 value of z at x and y of another"):
        coma.plot(ds, x="x", y="y", z="z", kind=kind)


@pytest.mark.parametrize(
    ("error", "suggestion"),
    [
        (("percentile", (95, 5)), None),
        (("percentile", (50, 50)), None),
        (("percentile", (0.05, 0.95)), "(5, 95)"),
        (("percentile", 0.9), "90"),
        (("percentile", 0), None),
        (("ci", 0.95), "95"),
        (("ci", 0), None),
        (("ci", 100), None),
        (("ci", (5, 95)), None),
        (("ci", True), None),
        (("sd", 5), None),
        (("repeat", "sd"), None),
        (["sd", "repeat"], None),
    ],
)
def test_a_level_of_errors_is_a_part_in_percent(samples, error, suggestion):
    with pytest.raises(LayoutError) as caught:
        coma.plot(samples, x="x", y="y", hue="m", error=error)
    assert caught.value.expected
    assert [*caught.value.ways] == ([f"Did you mean {suggestion}?"] if suggestion else [])


@pytest.mark.parametrize("error", [("percentile", 100), ("percentile", (0, 100)), ("ci", 99.9), ("ci", 1)])
def test_levels_of_errors_up_to_all_values(samples, error):
    assert coma.plot(samples, x="x", y="y", hue="m", error=error).axes[0].collections


@pytest.mark.parametrize("as_table", [False, True])
@pytest.mark.parametrize(
    ("error", "kind"), [(("std", "repeat"), "sd"), (("cii", 95), "ci"), ("binne", "binned")]
)
def test_kinds_of_errors_are_suggested(samples, error, kind, as_table):
    data = samples.to_dataframe() if as_table else samples
    with pytest.raises(PathError) as caught:
        coma.plot(data, x="x", y="y", hue="m", error=error)
    assert f"Did you mean {kind!r}?" in str(caught.value)


@pytest.mark.parametrize("as_table", [False, True])
def test_negative_errors_are_reported_and_not_drawn(as_table):
    errors = [0.1, -2.0, np.nan, -0.0]
    ds = xr.Dataset({"y": ("x", [1.0, 2, 3, 4]), "e": ("x", errors)}, {"x": [1, 2, 3, 4]})
    with pytest.warns(ComaWarning, match=r"Not drawn: 1 negative error of y\."):
        ax = coma.plot(ds.to_dataframe() if as_table else ds, x="x", y="y", error="e").axes[0]
    lengths = [float(np.diff(bar[:, 1])[0]) for bar in ax.collections[0].get_segments() if len(bar) == 2]
    assert [length for length in lengths if length > 0] == [pytest.approx(0.2)]
    assert len(ax.lines[0].get_xydata()) == 4


def test_infinite_errors_are_said():
    ds = xr.Dataset({"y": ("x", [1.0, 2.0, 3.0]), "e": ("x", [0.1, np.inf, np.nan])}, {"x": [1, 2, 3]})
    with pytest.warns(ComaWarning, match=r"Not drawn: 1 infinite error of y\."):
        coma.plot(ds, x="x", y="y", error="e")


# A second plot in the same axes


def curve(x, y):
    return xr.Dataset({"y": ("x", y)}, coords={"x": x})


def ticks(ax):
    return {text.get_text(): place for text, place in zip(ax.get_xticklabels(), ax.get_xticks(), strict=True)}


def test_names_of_a_second_plot_go_to_their_own_places():
    ax = coma.plot(curve(["a", "b"], [1.0, 2.0]), x="x", y="y").axes[0]
    coma.plot(curve(["b", "c"], [5.0, 6.0]), x="x", y="y", ax=ax)
    places = ticks(ax)
    assert list(places) == ["a", "b", "c"]
    drawn = {tuple(point) for part in ax.collections for point in part.get_offsets().tolist()}
    assert drawn == {(places["a"], 1.0), (places["b"], 2.0), (places["b"], 5.0), (places["c"], 6.0)}


def test_durations_of_a_second_plot_have_the_units_of_the_first():
    hours, minutes = np.array([1, 2], "m8[h]"), np.array([30, 45], "m8[m]")
    ax = coma.plot(curve(hours, [1.0, 2.0]), x="x", y="y").axes[0]
    coma.plot(curve(minutes, [1.0, 2.0]), x="x", y="y", ax=ax)
    assert ax.get_xlabel() == "x [h]"
    assert [line.get_xdata().tolist() for line in ax.lines] == [[1.0, 2.0], [0.5, 0.75]]


def vertical_errors(ax):
    segments = [segment for part in ax.collections for segment in part.get_segments()]
    return [pytest.approx((high - low) / 2) for (_, low), (_, high) in segments]


def test_errors_of_durations_have_the_units_of_their_axis():
    def table(values, errors):
        return pd.DataFrame({"x": [1, 2], "y": np.array(values, "m8[m]"), "e": np.array(errors, "m8[m]")})

    ax = coma.plot(table([60, 120], [6, 6]), x="x", y="y", error="e", kind="line").axes[0]
    assert (ax.get_ylabel(), vertical_errors(ax)) == ("y [h]", [0.1, 0.1])
    coma.plot(table([30, 45], [3, 3]), x="x", y="y", error="e", kind="line", ax=ax)
    assert [0.5, 0.75] in [line.get_ydata().tolist() for line in ax.lines]
    assert vertical_errors(ax) == [0.1, 0.1, 0.05, 0.05]


def test_errors_of_dates_are_durations():
    days = np.array(["2026-01-01", "2026-02-01"], "M8[D]")
    ds = xr.Dataset({"y": ("x", days), "e": ("x", np.array([12, 12], "m8[h]"))}, coords={"x": [1, 2]})
    assert vertical_errors(coma.plot(ds, x="x", y="y", error="e").axes[0]) == [0.5, 0.5]


def test_durations_on_one_axis_have_one_unit():
    ds = xr.Dataset(
        {"a": ("x", np.array([30, 45], "m8[m]")), "b": ("x", np.array([1, 2], "m8[h]"))}, {"x": [1, 2]}
    )
    ax = coma.plot(ds, x="x", y=["a", "b"]).axes[0]
    assert [line.get_ydata().tolist() for line in ax.lines] == [[0.5, 0.75], [1.0, 2.0]]
    assert ax.get_ylabel().endswith("[h]")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, 2.0], "a holds durations, b holds numbers"),
        (
            pd.date_range("2026", periods=2, tz="UTC"),
            "a holds dates with a time zone, b holds dates without",
        ),
    ],
)
def test_one_axis_has_no_two_units(values, message):
    is_dates = isinstance(values, pd.DatetimeIndex)
    table = pd.DataFrame({"x": [1, 2], "a": values, "b": values})
    if is_dates:
        table["b"] = table["b"].dt.tz_localize(None)
    else:
        table["a"] = np.array([1, 2], "m8[h]")
    with pytest.raises(LayoutError, match=message):
        coma.plot(table, x="x", y=["a", "b"])


def test_a_number_is_no_error_of_a_duration():
    ds = xr.Dataset({"y": ("x", np.array([1, 2], "m8[h]")), "e": ("x", [1.0, 2.0])}, coords={"x": [1, 2]})
    with pytest.raises(LayoutError, match="'e' cannot be the error of 'y': 'y' holds durations"):
        coma.plot(ds, x="x", y="y", error="e")
    with pytest.raises(LayoutError, match="'y' cannot be the error of 'e': 'y' holds durations"):
        coma.plot(ds, x="x", y="e", error="y")


def test_an_axis_of_names_takes_no_numbers():
    ax = coma.plot(curve(["a", "b"], [1.0, 2.0]), x="x", y="y").axes[0]
    with pytest.raises(
        LayoutError, match=r"The axis x .* shows 'x', which holds names, and 'x' holds numbers"
    ):
        coma.plot(curve([1.0, 2.0], [1.0, 2.0]), x="x", y="y", ax=ax)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.array([1, 2], "m8[h]"), [1.0, 2.0], "holds durations, and 'x' holds numbers"),
        ([1.0, 2.0], pd.date_range("2026", periods=2), "holds numbers, and 'x' holds dates"),
        (
            np.array([dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in (1, 2)], dtype=object),
            pd.date_range("2026", periods=2),
            "holds dates with a time zone, and 'x' holds dates",
        ),
    ],
)
def test_an_axis_takes_nothing_of_another_kind(first, second, message):
    ax = coma.plot(curve(first, [1.0, 2.0]), x="x", y="y").axes[0]
    with pytest.raises(LayoutError, match=message):
        coma.plot(curve(second, [1.0, 2.0]), x="x", y="y", ax=ax)


def test_axes_that_were_cleared_take_anything():
    ax = coma.plot(curve(["a", "b"], [1.0, 2.0]), x="x", y="y").axes[0]
    ax.clear()
    coma.plot(curve([1.0, 2.0], [1.0, 2.0]), x="x", y="y", ax=ax)
    assert ax.lines[0].get_xdata().tolist() == [1.0, 2.0]


# Limits, edges and levels


def durations(*hours):
    return np.array(hours, "m8[h]")


LIMITS = {
    "numpy": durations(12, 48),
    "pandas": [pd.Timedelta("12h"), pd.Timedelta("48h")],
    "python": (dt.timedelta(hours=12), dt.timedelta(hours=48)),
    "numbers on the axis": (0.5, 2),
}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=list(LIMITS))
def test_limits_edges_and_levels_of_durations_are_durations(limits):
    ds = curve([1, 2, 3], durations(1, 24, 60))
    plane = xr.Dataset({"z": (("a", "b"), durations(*range(0, 60, 10)).reshape(2, 3))})
    assert coma.plot(ds, x="x", y="y", ylim=limits).axes[0].get_ylim() == (0.5, 2)
    stairs = coma.plot(curve([1, 2, 3], durations(13, 24, 47)), x="y", bins=limits).axes[0].patches[0]
    assert stairs.get_data().edges.tolist() == [0.5, 2]
    mesh = coma.plot(plane, x="a", y="b", z="z", vmin=limits[0], vmax=limits[1]).axes[0].collections[0]
    assert mesh.get_clim() == (0.5, 2)
    areas = coma.plot(plane, x="a", y="b", z="z", kind="contour", levels=limits).axes[0].collections[0]
    assert areas.levels.tolist() == [0.5, 2]
    cells = coma.plot(plane.assign(y=plane.z), x="y", y="b", z="a", bins=(limits, 1)).axes[0].collections[0]
    assert cells.get_coordinates()[0, :, 0].tolist() == [0.5, 2]


@pytest.mark.parametrize(
    "limits",
    [
        ("2026-01-01", "2026-01-03"),
        (dt.date(2026, 1, 1), np.datetime64("2026-01-03")),
        (pd.Timestamp("2026-01-01", tz="UTC"), pd.Timestamp("2026-01-03 02:00", tz="Europe/Helsinki")),
    ],
)
def test_limits_of_dates_are_dates(limits):
    ds = curve([1, 2], pd.date_range("2026", periods=2))
    assert coma.plot(ds, x="x", y="y", ylim=limits).axes[0].get_ylim() == (20454, 20456)


def test_a_limit_of_none_is_the_end_of_the_data():
    low, high = coma.plot(curve([1, 2], [1.0, 2.0]), x="x", y="y", ylim=(None, 5)).axes[0].get_ylim()
    assert (low < 1, high) == (True, 5)


@pytest.mark.parametrize(
    ("values", "limits", "expected"),
    [
        (durations(1, 2), (dt.timedelta(1), dt.date(2026, 1, 1)), "durations"),
        (pd.date_range("2026", periods=2), (1, 2), "dates"),
        ([1.0, 2.0], durations(1, 2), "numbers"),
        ([1.0, 2.0], np.array([1, 2], "m8[ns]"), "numbers"),
        ([1.0, 2.0], (0, np.inf), "numbers"),
        ([1.0, 2.0], (0, np.nan), "numbers"),
        (durations(1, 2), (pd.NaT, pd.Timedelta("1h")), "durations"),
        (pd.date_range("2026", periods=2), ("2026", pd.NaT), "dates"),
        (pd.date_range("2026", periods=2), ("2026", np.datetime64("NaT", "ns")), "dates"),
        (pd.date_range("2026", periods=2), ("2026", "soon"), "dates"),
    ],
)
def test_limits_of_another_type_are_refused(values, limits, expected):
    with pytest.raises(LayoutError, match=rf"(?s)ylim=.* cannot be used\.\s+Expected {expected}\."):
        coma.plot(curve([1, 2], values), x="x", y="y", ylim=limits)


@pytest.mark.parametrize("kind", ["line", "hist", "map", "error"])
def test_numbers_near_the_end_of_floats_are_refused(kind):
    values = xr.Dataset({"y": (("a", "x"), [[-1.7e308, 1.7e308], [1.0, 2.0]])})
    arguments = {
        "line": {"x": "x", "y": "y", "hue": "a"},
        "hist": {"x": "y"},
        "map": {"x": "x", "y": "a", "z": "y"},
        "error": {"x": "x", "y": "one", "hue": "a", "error": "y"},
    }
    with pytest.raises(LayoutError, match=r"(?s)number of size 1\.7e\+308.*Expected numbers below 1e\+307"):
        coma.plot(values.assign(one=xr.ones_like(values.y)), **arguments[kind])


def in_units(**units):
    return xr.Dataset(
        {name: ("x", [1.0, 2.0], {"units": unit, "name": name}) for name, unit in units.items()},
        {"x": [1, 2]},
    )


def test_errors_in_other_units_are_reported():
    with pytest.warns(
        ComaWarning, match="without a conversion: 'e' is in ms, and 'y', whose error it is, is in s"
    ):
        coma.plot(in_units(y="s", e="ms"), x="x", y="y", error="e")


def test_a_second_plot_in_other_units_is_reported():
    ds = in_units(a="s", b="s", c="ms")
    ax = coma.plot(ds, x="x", y="a").axes[0]
    coma.plot(ds, x="x", y="b", ax=ax)
    with pytest.warns(ComaWarning, match="'c' is in ms, and 'b' on the same axis is in s"):
        coma.plot(ds, x="x", y="c", ax=ax)


# Legends of several plots in the same axes


def entries_beside(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize("kind", ["line", "scatter"])
def test_curves_of_one_name_and_of_two_colours_have_an_entry_each(kind):
    ax = coma.plot(curve([1, 2], [1.0, 2.0]), x="x", y="y", kind=kind).axes[0]
    coma.plot(curve([1, 2], [3.0, 2.0]), x="x", y="y", kind=kind, ax=ax)
    assert entries_beside(ax) == ["y", "y"]


def test_entries_of_the_same_colour_are_not_repeated(curves):
    colors = {"palette": ["red", "green", "blue"]}
    figure = coma.plot(curves, x="x", y="y", hue="k", **colors)
    coma.plot(curves + 1, x="x", y="y", hue="k", **colors, ax=figure.axes[0])
    assert entries(figure) == ["a", "b", "c"]
    assert figure.axes[0].get_legend() is None


def test_several_plots_in_the_same_axes_have_one_legend(curves):
    figure = coma.plot(curves, x="x", y="y", hue="k")
    coma.plot(curves.isel(k=0).assign_coords(k="d") + 1, x="x", y="y", ax=figure.axes[0])
    assert entries(figure) == []
    assert entries_beside(figure.axes[0]) == ["k", "a", "b", "c", " ", "y"]


def test_curves_on_a_colour_bar_have_no_entries(plane):
    ax = coma.plot(plane, x="b", y="z", hue="a").axes[0]
    figure = coma.plot(plane + 1, x="b", y="z", hue="a", ax=ax)
    assert ax.get_legend() is None
    assert len(figure.axes) == 2
    coma.plot(plane.isel(a=0).drop_vars("a").rename(z="theory"), x="b", y="theory", ax=ax)
    assert entries_beside(ax) == ["theory"]


def test_two_scales_with_the_same_colours_are_reported(plane):
    ax = coma.plot(plane, x="b", y="z", hue="a").axes[0]
    with pytest.warns(ComaWarning, match="Two colour bars have the same colours for different values of a"):
        figure = coma.plot(plane.assign_coords(a=plane.a + 5), x="b", y="z", hue="a", ax=ax)
    assert len(figure.axes) == 3
    few = plane.isel(a=slice(3))
    ax = coma.plot(few, x="b", y="z", hue="a").axes[0]
    with pytest.warns(ComaWarning, match="Lines of two plots in the same axes look alike: '0', '5'"):
        coma.plot(few.assign_coords(a=few.a + 5), x="b", y="z", hue="a", ax=ax)


@pytest.mark.parametrize("kind", ["heatmap", "contour"])
def test_a_map_over_another_map_is_reported(plane, kind):
    ax = coma.plot(plane, x="a", y="b", z="z", kind=kind).axes[0]
    with pytest.warns(ComaWarning, match="The map of z covers another map in the same axes"):
        coma.plot(plane, x="a", y="b", z="z", kind=kind, ax=ax)
    ax = coma.plot(plane, x="a", y="b", z="z").axes[0]
    coma.plot(plane.assign_coords(a=plane.a + 20), x="a", y="b", z="z", ax=ax)


def test_an_axis_names_what_all_plots_show(plane):
    ax = coma.plot(curve([1, 2], [1.0, 2.0]), x="x", y="y").axes[0]
    other = curve([1, 2], [3.0, 2.0]).rename(x="u", y="T")
    other["T"].attrs["units"] = "K"
    for _ in range(2):
        coma.plot(other, x="u", y="T", ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x, u", "y, T [K]")
    ax.set_ylabel("mine")
    coma.plot(other, x="u", y="T", ax=ax)
    assert ax.get_ylabel() == "T [K]"
    ax.clear()
    coma.plot(other, x="u", y="T", ax=ax)
    assert ax.get_xlabel() == "u"


def test_histograms_that_hide_each_other_are_reported(curves):
    ds = curves.assign(y=curves.y.isel(k=[0, 1, 1]).drop_vars("k"))
    with pytest.warns(ComaWarning, match="Histograms coincide and hide each other: those of hue='k' b, c"):
        coma.plot(ds, x="y", hue="k")
    names = ds.assign(y=ds.y.astype(str))
    coma.plot(names, x="y", hue="k")


def test_curves_that_differ_in_style_alone_are_reported(curves):
    ds = xr.concat([curves, curves], "mat").assign_coords(mat=["p", "q"])
    with pytest.warns(ComaWarning, match="those of style='mat' p, q, and so in 2 other sets"):
        coma.plot(ds, x="x", y="y", hue="k", style="mat")


def test_a_histogram_over_another_lets_it_shine_through():
    _, ax = plt.subplots()
    for step in range(2):
        coma.plot(xr.Dataset({"v": ("n", np.arange(5.0) + step)}), x="v", ax=ax)
    assert [bars.get_alpha() for bars in ax.patches] == [0.85, 0.15, None]
    assert not same_color(ax.patches[2].get_edgecolor(), ax.patches[0].get_facecolor())


def test_entries_of_histograms_have_the_colours_of_their_outlines(curves):
    ds = curves.assign_coords(k=[1, 2, 3])
    figure = coma.plot(ds, x="y", hue="k")
    colors = [patch.get_facecolor() for patch in figure.legends[0].get_patches()]
    coma.plot(ds + 1, x="y", hue="k", ax=figure.axes[0])
    assert entries(figure) == ["1", "2", "3"]
    coma.plot(ds.isel(k=0).drop_vars("k"), x="y", ax=figure.axes[0])
    legend = figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()][:4] == ["k", "1", "2", "3"]
    drawn = [patch.get_facecolor() for patch in legend.get_patches()][:3]
    assert all(same_color(first, second) for first, second in zip(colors, drawn, strict=True))


@pytest.mark.parametrize("projection", ["polar", "3d"])
def test_axes_with_another_projection_are_refused(curves, projection):
    _, ax = plt.subplots(subplot_kw={"projection": projection})
    with pytest.raises(LayoutError, match=f"Axes with the projection '{projection}' cannot be drawn on"):
        coma.plot(curves, x="x", y="y", hue="k", ax=ax)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("step", ["1D", "7h", "40D", "3min"])
def test_few_dates_in_small_panels_have_ticks_without_a_warning(step):
    dates = pd.date_range("2024-03-30", periods=3, freq=step)
    ds = xr.Dataset({"y": (("t", "g"), apart(3, 3))}, coords={"t": dates, "g": list("abc")})
    figure = coma.plot(ds, x="t", y="y", col="g", height=1.2)
    figure.savefig(io.BytesIO())
    assert len(figure.axes[0].get_xticks()) >= 1


def test_names_become_smaller_before_some_are_left_out():
    names = [f"a rather long name {at}" for at in range(20)]
    ax = coma.plot(xr.Dataset({"y": (("n", "x"), apart(20, 3))}, coords={"n": names})).axes[0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == names
    assert 5 <= ax.get_yticklabels()[0].get_fontsize() < 10


@pytest.mark.parametrize("limits", [(10, 20), (20, 10), (10, None), (None, -5)])
def test_limits_beyond_all_values_are_reported(curves, limits):
    with pytest.warns(ComaWarning, match="Nothing is visible: all values of x are beyond xlim"):
        coma.plot(curves, x="x", y="y", hue="k", xlim=limits)


@pytest.mark.parametrize(
    ("limits", "fault"),
    [
        ({"xlim": (1, 1)}, r"xlim=\(1, 1\) leaves no room\. Expected two limits that differ"),
        (
            {"ylim": (0, None), "yscale": "log"},
            r"ylim=\(0, None\) has no place on a log scale\. Expected limits above 0, or None",
        ),
        (
            {"ylim": (0.5, 1), "yscale": "logit"},
            "has no place on a logit scale. Expected limits between 0 and 1",
        ),
    ],
)
def test_limits_that_an_axis_cannot_have_are_refused(curves, limits, fault):
    with pytest.raises(LayoutError, match=fault):
        coma.plot((curves + 1) / 20, x="x", y="y", hue="k", **limits)


def test_places_side_by_side_have_no_scale(samples):
    with pytest.raises(
        LayoutError, match="A violin has its places on x side by side, and not on a log scale"
    ):
        coma.plot(samples, x="x", y="y", hue="m", kind="violin", xscale="log")


def test_durations_that_are_labels_have_few_digits():
    ds = xr.Dataset({"y": (("h", "x"), apart(3, 2))})
    ds = ds.assign_coords(h=np.array([1, 2, 300], "m8[s]"))
    figure = coma.plot(ds, x="x", y="y", hue="h")
    assert entries(figure) == ["1", "2", "300"]
    assert figure.legends[0].get_title().get_text() == "h [s]"
    figure = coma.plot(ds.assign_coords(h=np.array([30, 60, 90], "m8[m]")), x="x", y="y", hue="h")
    assert entries(figure) == ["0.5", "1", "1.5"]


def test_an_axis_has_the_units_of_limits_that_are_durations():
    t = np.arange(0, 200_000, 1000).astype("m8[s]")
    ds = xr.Dataset({"y": ("t", np.arange(200.0))}, coords={"t": t})
    ax = coma.plot(ds, x="t", y="y", xlim=(np.timedelta64(0, "s"), dt.timedelta(seconds=30))).axes[0]
    assert (ax.get_xlabel(), ax.get_xlim()) == ("t [s]", (0, 30))
    assert ax.lines[0].get_xdata()[1] == 1000


def test_dates_that_an_axis_does_not_distinguish_are_names():
    t = np.datetime64("2024-01-01", "ns") + np.arange(3)
    with pytest.warns(ComaWarning, match="'t' holds dates closer together than an axis can show"):
        ax = coma.plot(xr.Dataset({"y": ("t", apart(3))}, coords={"t": t}), x="t", y="y").axes[0]
    assert ax.collections[0].get_offsets()[:, 0].tolist() == [0, 1, 2]


def test_numbers_that_an_axis_shows_as_zeros_are_refused():
    ds = xr.Dataset({"y": ("x", apart(3) * 1e-300)})
    with pytest.raises(LayoutError, match=r"'y' has numbers up to 2\.0e-300, which an axis shows as zeros"):
        coma.plot(ds, y="y")
    logarithmic = coma.plot(ds.isel(x=slice(1, 3)), y="y", yscale="log")
    logarithmic.savefig(io.BytesIO())


def test_a_warning_that_is_an_error_is_not_taken_for_one_of_matplotlib():
    # pytest makes errors of warnings here.
    with pytest.raises(ComaWarning, match="Nothing is visible"):
        coma.plot(curve([1, 2], [1.0, 2.0]), x="x", y="y", xlim=(5, 6), line_kw={"linewidth": 3})


@pytest.mark.parametrize(
    "arguments",
    [
        {"z": "z", "map_kw": {"alpha": 0.4}},
        {"z": "z", "kind": "contour", "map_kw": {"alpha": 0.4}},
        {"hue": "z", "kind": "scatter", "scatter_kw": {"alpha": 0.4}},
    ],
)
def test_a_colour_bar_is_as_transparent_as_what_it_explains(plane, arguments):
    figure = coma.plot(plane, x="a", y="b", **arguments)
    assert 0.4 in [part.get_alpha() for part in figure.axes[1].collections]


def test_a_mean_over_rows_is_not_called_one_over_repeats():
    df = pd.DataFrame({"x": [1, 2, 1], "y": [1.0, 2.0, 3.0]})
    note = coma.plot(df, x="x", y="y", error=("sd",)).axes[0].get_title(loc="left")
    assert note == "mean ± standard deviation over rows (n = 1 to 2)"
    note = coma.plot(df.assign(repeat=[0, 0, 1]), x="x", y="y", error=("sd",)).axes[0].get_title(loc="left")
    assert note == "mean ± standard deviation over repeat (n = 1 to 2)"
