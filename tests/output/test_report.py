"""The page of a report, made of plain data: what it says, what it draws, how long it can get."""

from __future__ import annotations

import base64
import io
import itertools
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import rc_context
from matplotlib.colors import to_rgb
from matplotlib.image import imread

import coma_xr as coma
from coma_xr import files
from coma_xr.html import STYLE as HTML_STYLE
from coma_xr.html import join
from coma_xr.output.pictures import DARK_GROUND, DARK_TEXT, Choice, _notes, choose, draw_all
from coma_xr.output.report import (
    DARK,
    LIGHT,
    Facts,
    Quantity,
    bar,
    check_path,
    counts_of,
    durations_html,
    map_of,
    render,
    seconds_text,
    status_of,
    write,
)
from coma_xr.plotting.draw import draw
from coma_xr.plotting.styling import contrast
from coma_xr.run.report import failures_html
from tests.pages import Page

HOSTILE = "</title></pre></details><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"

MEANINGS = "not_asked missing done failed timeout died excluded"


def parameter(dim, values, name=None):
    return xr.Variable(dim, values, {"path": f"parameters/{name or dim}", "name": name or dim})


def grid(sizes, *, units=None, dtype=float, **names):
    """Return a Dataset with the variables of `names` over parameters, or over bare dims that begin with `_`."""
    coords = {
        dim: parameter(dim, np.linspace(1, 2, size)) for dim, size in sizes.items() if not dim.startswith("_")
    }
    rng = np.random.default_rng(0)
    variables = {
        name: (
            dims,
            rng.normal(size=[sizes[dim] for dim in dims]).astype(dtype),
            {"units": units} if units else {},
        )
        for name, dims in names.items()
    }
    return xr.Dataset(variables, coords)


def only(ds):
    """Return the one figure of a Dataset, of which nothing is left out."""
    figures, left = choose(ds)
    assert not left
    assert len(figures) == 1
    return figures[0]


# --------------------------------------------------------------------------------------- which figures


def test_one_dim_is_a_line():
    assert only(grid({"a": 20}, y=["a"])).arguments == {"x": "a", "y": "y"}


def test_the_dim_with_the_most_values_is_on_x_and_few_are_colours():
    figure = only(grid({"L": 3, "T": 20}, y=["L", "T"]))
    assert figure.arguments == {"x": "T", "y": "y", "hue": "L"}


def test_two_long_dims_are_a_map():
    figure = only(grid({"a": 30, "b": 20}, y=["a", "b"]))
    assert figure.arguments == {"x": "a", "y": "b", "z": "y"}


def test_a_long_vector_is_along_x_whatever_was_scanned():
    figure = only(grid({"k": 30, "_t": 12}, y=["k", "_t"]).isel(k=slice(4)))
    assert (figure.arguments["x"], figure.arguments["hue"]) == ("_t", "k")


def test_a_scan_that_is_longer_than_a_list_is_along_x():
    ds = grid({"model": 2, "V": 60, "_i": 8}, y=["model", "V", "_i"])
    assert only(ds).arguments["x"] == "V"
    assert only(ds.assign_coords(_i=np.arange(1, 9))).arguments["x"] == "V"
    times = ds.assign_coords(_i=xr.Variable("_i", np.linspace(0, 1, 8), {"path": "results/t"}))
    assert only(times).arguments["x"] == "_i"


def test_points_are_drawn_over_the_parameters_with_the_highest_rank_correlation():
    ds = points(200, a=10**6, b=10**6, c=10**6, d=10**6)
    ds["y"] = np.exp(ds.c.astype(float) / 1e6 * 3) + 6 * ((ds.b - 5e5) / 5e5) ** 2
    figure = only(ds)
    assert (figure.arguments["x"], figure.arguments["y"]) == ("c", "b")
    assert figure.why.startswith("chosen by Spearman's rank correlation with y: c 0.")


def test_rank_correlations_have_their_sign_and_tell_that_of_the_distance_apart():
    x = np.arange(101.0)
    parameters = {name: ("measurement", values) for name, values in {"a": x, "b": (x * 37) % 101}.items()}
    ds = xr.Dataset({"y": ("measurement", -x)}, coords=parameters)
    for name in parameters:
        ds[name].attrs["path"] = f"parameters/{name}"
    assert "with y: a -1.00, b " in only(ds).why
    ds["y"] = ("measurement", np.abs(x - 60))
    rho = ds[["a", "y"]].to_pandas().rank().corr().loc["a", "y"]
    far = pd.Series(np.abs(x - 50)).rank().corr(ds.y.to_pandas().rank())
    assert f"a {rho:.2f} ({far:.2f} with the distance from its median)" in only(ds).why


def test_what_was_scanned_is_told_apart_before_the_items_of_a_short_list():
    figure = only(grid({"T": 20, "model": 2, "_i": 3}, y=["T", "model", "_i"]))
    assert figure.arguments == {"x": "T", "y": "y", "hue": "model", "col": "_i"}


def test_dims_without_a_place_stand_where_most_values_are():
    ds = grid({"a": 20, "b": 9, "c": 8, "d": 7}, y=["a", "b", "c", "d"])
    ds.y[:, :, :5] = np.nan
    ds.y[:, :, 5:, :6] = np.nan
    figure = only(ds)
    assert figure.arguments == {"x": "a", "y": "y", "hue": "b"}
    assert dict(figure.at) == {"c": 5, "d": 6}
    assert np.isfinite(figure.part(ds).y).all()


def test_variables_with_the_same_units_are_drawn_together():
    figure = only(
        grid({"theta_0": 3, "theta": 20}, units="s", t=["theta_0", "theta"], t_=["theta_0", "theta"])
    )
    assert figure.variables == ("t", "t_")
    assert figure.arguments == {"x": "theta", "y": ["t", "t_"], "col": "theta_0"}


def test_variables_without_units_are_drawn_apart():
    figures, _ = choose(grid({"a": 5}, y=["a"], z=["a"]))
    assert [figure.variables for figure in figures] == [("y",), ("z",)]


def test_repeats_give_the_error():
    figure = only(grid({"T": 20, "L": 15, "repeat": 5}, m=["T", "L", "repeat"]).drop_vars("repeat"))
    assert figure.arguments["error"] == "repeat"
    assert "z" not in figure.arguments


def test_a_parameter_with_few_values_along_x_makes_several_curves():
    "As in a scan in step, or one whose axis depends on another parameter."
    ds = grid({"V": 60}, y=["V"]).assign_coords(boa=parameter("V", np.repeat([1.2, 2.0], 30), "boa"))
    assert only(ds).arguments == {"x": "V", "y": "y", "hue": "boa"}
    ds = grid({"a": 6}, y=["a"]).assign_coords(b=parameter("a", np.arange(6), "b"))
    assert "hue" not in only(ds).arguments, "in step, one to one"


def test_a_dependent_axis_is_drawn_over_its_own_values():
    ds = grid({"theta_0": 3, "_index": 20}, t=["theta_0", "_index"])
    theta = xr.Variable(("theta_0", "_index"), np.arange(60.0).reshape(3, 20), {"path": "parameters/theta"})
    assert only(ds.assign_coords(theta=theta)).arguments["x"] == "theta"


def points(number=100, **distinct):
    rng = np.random.default_rng(0)
    coords = {
        name: parameter("measurement", rng.integers(n, size=number), name) for name, n in distinct.items()
    }
    return xr.Dataset({"y": ("measurement", rng.normal(size=number))}, coords)


def test_points_are_a_cloud_over_the_parameters_that_vary_most():
    assert only(points(a=10**6, b=10**5, c=2)).arguments == {"x": "a", "y": "b", "z": "y", "kind": "scatter"}
    assert only(points(a=10**6, c=2)).arguments == {"x": "a", "y": "y", "kind": "scatter", "hue": "c"}
    assert only(points(a=10**6)).arguments == {"x": "a", "y": "y", "kind": "scatter"}


def test_points_whose_parameters_are_no_numbers_are_in_no_figure():
    ds = points().assign_coords(s=parameter("measurement", np.array([f"s{i}" for i in range(100)]), "s"))
    assert choose(ds) == ([], {"y": "has no parameter to be drawn over"})


def test_vectors_of_points_are_lines_of_a_few_of_them():
    ds = grid({"measurement": 100, "_t": 50}, y=["measurement", "_t"]).drop_vars("measurement")
    figure = only(ds)
    assert (figure.arguments["x"], figure.arguments["hue"]) == ("_t", "measurement")
    assert figure.part(ds).sizes["measurement"] == 7


def test_too_many_lines_and_points_are_thinned_out():
    figure = only(
        grid({"_t": 3000, "name": 100}, y=["_t", "name"]).assign_coords(name=list(map(str, range(100))))
    )
    assert figure.arguments["hue"] == "name"
    assert dict(figure.every) == {"name": 15}
    figure = only(grid({"a": 500_000}, y=["a"]))
    assert dict(figure.every) == {"a": 5}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.array(["a", "b"]), "is text"),
        (np.array(["a", "b"], dtype=object), "is text"),
        (np.array([1j, 2]), "is complex"),
        (np.array([[1], None], dtype=object), "not single numbers"),
        (np.array([[1, [2]], None], dtype=object), "not single numbers"),
        (np.array(["a", None], dtype=object), "is text"),
        (np.array([True, None], dtype=object), "is True, False and missing"),
        (np.array([True, "a", np.nan], dtype=object), "has values of different types: bool, str"),
        (np.array([None, None], dtype=object), "has no values"),
        (np.array([np.nan, np.nan]), "has no values"),
        (np.array([np.nan, 1.0]), "has one value only"),
        (np.array([2, 2]), "the same everywhere"),
        (np.array([2.0, np.inf, 2.0]), "is the same everywhere, except where it is infinite"),
        (np.array([1.0]), "is a single value"),
    ],
)
def test_what_is_in_no_figure_has_a_reason(values, why):
    figures, left = choose(xr.Dataset({"y": ("a", values)}))
    assert not figures
    assert why in left["y"]


def test_steps_are_named_by_ordinals():
    choices = [Choice(("y",), {}, every={"x": step}) for step in (2, 13)]
    texts = [note for choice in choices for note in _notes(xr.Dataset(), choice)]
    assert texts == [f"only every {step} value of x is drawn" for step in ("2nd", "13th")]


def test_arrays_that_do_not_fit_are_not_read():
    huge = np.broadcast_to(np.float64(1), (10**6, 10**3))
    figures, left = choose(xr.Dataset({"y": (("a", "b"), huge)}))
    assert not figures
    assert "7,629 MiB" in left["y"]


def test_there_are_at_most_a_handful():
    figures, left = choose(grid({"a": 5}, **{f"y{n}": ["a"] for n in range(9)}))
    assert len(figures) == 6
    assert left == dict.fromkeys(["y6", "y7", "y8"], "is one of more than 6")


NAMES = {"a": 12, "b": 3, "_i": 2, "_t": 40, "repeat": 4}


@pytest.mark.parametrize("number", range(1, 5))
def test_every_choice_can_be_drawn(number):
    "Whatever dims a variable has."
    for dims in itertools.combinations(NAMES, number):
        ds = grid({dim: NAMES[dim] for dim in dims}, y=list(dims))
        ds = ds.drop_vars("repeat", errors="ignore")
        if dims == ("repeat",):
            continue
        choice = only(ds)
        assert draw(choice.part(ds), **choice.arguments).axes


# ------------------------------------------------------------------------------------------- pictures


def test_a_figure_is_in_the_page_with_its_caption_and_its_code():
    ds = grid({"a": 12, "b": 2}, units="s", y=["a", "b"])
    pictures = draw_all(ds, "e.to_dataset()")
    assert not pictures.left
    page = Page(join(*pictures.figures))
    (image,) = page.named("img")
    kind, _, content = image["src"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(content).startswith(b"\x89PNG")
    assert "y over a." in page.text
    assert "ds = e.to_dataset()\ncoma.plot(ds, x='a', y='y', hue='b')" in page.text


def test_the_code_below_a_figure_makes_the_figure():
    ds = grid({"a": 20, "b": 9, "c": 8}, y=["a", "b", "c"])
    text = Page(join(*draw_all(ds, "given").figures)).text
    assert "at c = 1.0 (of 8 values)" in text
    code = text[text.index("coma.plot") :]
    assert code.strip() == "coma.plot(ds.isel({'c': 0}), x='a', y='y', hue='b')"
    assert draw(ds.isel({"c": 0}), x="a", y="y", hue="b").axes


def test_a_variable_that_cannot_be_drawn_spoils_no_page(monkeypatch):
    from coma_xr.output import pictures

    def fails(ds, **arguments):
        if arguments["y"] == "y":
            raise ValueError(HOSTILE)
        return draw(ds, **arguments)

    monkeypatch.setattr(pictures, "draw", fails)
    made = draw_all(grid({"a": 5}, y=["a"], z=["a"]), "")
    assert len(made.figures) == 1
    assert made.left["y"].startswith("cannot be drawn: ValueError: </title>")


@pytest.mark.parametrize(
    "values",
    [
        pd.date_range("2026", periods=3, tz="Europe/Berlin").astype(object),
        [Decimal(1), Decimal(2), None],
        [1.5, 2, None],
        [Fraction(1, 3), Fraction(2, 3), Fraction(1)],
    ],
)
def test_objects_that_a_figure_shows_are_in_one(values):
    ds = grid({"a": 3}).assign(y=("a", np.array(values, dtype=object)))
    made = draw_all(ds, "e.to_dataset()")
    assert not made.left
    assert "coma.plot(ds, x='a', y='y')" in Page("".join(made.figures)).text


# ------------------------------------------------------------------------------------------- coverage


def with_status(values, *dims):
    values = np.array(values, dtype=np.int8)
    attrs = {"flag_values": np.arange(7, dtype=np.int8), "flag_meanings": MEANINGS}
    coords = {dim: np.arange(size) * 10 for dim, size in zip(dims, values.shape, strict=True)}
    return xr.Dataset(coords={**coords, "measurement_status": (dims, values, attrs)})


def kinds(html):
    return [found["class"].removeprefix("coma-fill-") for found in Page(html).named("rect")]


def test_a_bar_shows_parts_with_their_numbers():
    page = Page(bar({"done": 999, "failed": 1, "missing": 0}))
    assert "999 done (99.9 %)" in page.text
    assert "1 failed (0.1 %)" in page.text
    assert "missing" not in page.text
    assert "100 %" not in page.text


def test_a_map_shows_what_became_of_each_parameter_set():
    ds = with_status([[2, 2, 3], [1, 6, 0]], "a", "b")
    status = status_of(ds)
    assert counts_of(status) == {"done": 2, "excluded": 1, "failed": 1, "missing": 1}
    html = map_of(ds, status)
    # The first row is at the bottom.
    assert kinds(html) == ["missing", "excluded", "not_asked", "done", "done", "failed"]
    assert Page(html).text.startswith("10a (2 values)00b (3 values)20")


def test_failures_of_every_sort_are_failures():
    status = status_of(with_status([3, 4, 5], "a"))
    assert counts_of(status)["failed"] == 3


def test_where_all_is_done_there_is_no_map():
    ds = with_status([[2, 2], [2, 2]], "a", "b")
    assert map_of(ds, status_of(ds)) is None
    assert status_of(xr.Dataset()) is None


def test_in_a_cell_of_a_map_the_worst_is_seen():
    values = np.full((300, 4, 2), 2)
    values[7, 1, 1] = 3
    values[8, 1, 1] = 1
    ds = with_status(values, "a", "b", "c")
    html = map_of(ds, status_of(ds))
    assert kinds(html).count("failed") == 1
    text = Page(html).text
    assert "A cell stands for all values of c." in text
    assert "A cell stands for 3 by 1 values." in text
    assert text.endswith("values. It shows the first that is among them: failed, done.")


@pytest.mark.parametrize("shape", [(100_000,), (1000, 1000), (3, 100_000)])
def test_a_map_stays_small(shape):
    values = np.random.default_rng(0).integers(1, 4, size=shape)
    ds = with_status(values, *"ab"[: len(shape)])
    assert len(map_of(ds, status_of(ds))) < 2_000_000


# ------------------------------------------------------------------------------------------- durations


def test_durations_are_told_and_drawn():
    page = Page(durations_html([0.001, 0.002, 0.003, 0.004]))
    assert "shortest1 ms" in page.text
    assert "longest4 ms" in page.text
    assert "all together10 ms" in page.text
    assert "logarithmic" not in page.text
    assert len(page.named("rect")) == 4


def test_durations_of_every_size_are_drawn_over_their_logarithm():
    page = Page(durations_html([0.0, *np.geomspace(1e-5, 1e4, 200)]))
    assert "on a logarithmic scale" in page.text
    assert "1 took no measurable time" in page.text
    assert len(page.named("rect")) > 20


def test_equal_and_senseless_durations_need_no_histogram():
    assert "svg" not in durations_html([1.0, 1.0])
    assert durations_html([]) == durations_html([float("nan"), -1.0]) == ""
    assert "rect" in durations_html([0.0, 0.0, 1.0])


def test_seconds_have_the_unit_that_fits():
    texts = [seconds_text(value) for value in (0, 1e-7, 0.9999, 119, 125, 7300, 1e7)]
    assert texts == ["0 s", "0.1 µs", "1 s", "119 s", "2.08 min", "2.03 h", "116 d"]


# ------------------------------------------------------------------------------------------- the page


def full():
    exception = dict.fromkeys(("type", "line", "message", "traceback", "output"), HOSTILE)
    info = {"measurement_id": 1, "host": HOSTILE}
    failure = {"info": info, "parameters": {HOSTILE: HOSTILE}, "exception": exception}
    quantity = Quantity(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1)
    return Facts(
        name=HOSTILE,
        description=HOSTILE,
        about={HOSTILE: HOSTILE},
        measurements=3,
        failed=1,
        missing=2,
        parameters=[quantity],
        results=[quantity],
        dataset=xr.Dataset({HOSTILE: ("a", [1.0, 2.0]), "text": ("a", [HOSTILE, "b"])}),
        failures=failures_html([failure]),
        durations=[1.0, 2.0],
        environment={HOSTILE: {HOSTILE: 1}},
        created=HOSTILE,
        problems=[HOSTILE],
        notes=[HOSTILE],
    )


def test_nothing_that_is_said_becomes_a_part_of_the_page():
    text = render(full())
    page = Page(text)
    assert page.text.count("<script>") > 20
    assert "<script" not in text
    assert "onerror" not in {name for _, found in page.tags for name in found}


def test_a_page_loads_nothing():
    page = Page(render(full()))
    policy = next(found for found in page.named("meta") if "http-equiv" in found)
    assert "default-src 'none'" in policy["content"]
    assert all(found["src"].startswith("data:") for found in page.named("img"))
    assert "http" not in page.style


def test_a_page_follows_the_system_from_light_to_dark():
    page = Page(render(Facts("e")))
    assert "prefers-color-scheme: dark" in page.style
    assert {"name": "color-scheme", "content": "light dark"} in page.named("meta")


def test_every_link_leads_to_a_section():
    page = Page(render(full()))
    links = {found["href"] for found in page.named("a")}
    assert links == {f"#{found['id']}" for found in page.named("h2")}
    assert len(links) == 8


def test_a_page_about_nothing_is_a_page():
    page = Page(render(Facts("empty")))
    assert "0 measurements" in page.text
    assert "No measurement has results." in page.text
    assert "coma.Experiment('empty', mode=\"r\")" in page.text
    assert "Run this in the directory that contains 'empty', or give the path of the experiment." in page.text


def many_failures(number):
    exception = {
        "type": f"E{number % 1000}",
        "message": "m" * 10**4,
        "line": "f.py:1",
        "traceback": "t" * 10**5,
    }
    return {"info": {"measurement_id": number}, "parameters": {"x": "x" * 10**4}, "exception": exception}


def test_a_page_stays_small():
    n = 100_000
    many = Facts(
        name="many",
        measurements=n,
        parameters=[Quantity(f"p{i}", f"parameters/p{i}", "int", "1, 2") for i in range(n)],
        results=[Quantity(f"r{i}", f"results/r{i}", "int", "1, 2") for i in range(n)],
        failures=failures_html(map(many_failures, range(7000))),
        durations=list(np.random.default_rng(0).exponential(size=n)),
        environment={"host": {f"n{i}": 1 for i in range(n)}},
        problems=[f"file {i}" for i in range(n)],
    )
    text = render(many)
    Page(text)
    assert len(text) < 1_000_000
    for said in (
        "and 99,940 more of them",
        "and 6,860 in 980 other ways",
        "and 99,988 more",
        "and 99,950 more",
    ):
        assert said in text


# ------------------------------------------------------------------------------------------- the file


def test_a_page_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "e.html"

    def full_disk(path, data, **options):
        raise coma.StorageError(28, "no space", path)

    monkeypatch.setattr(files, "create", full_disk)
    with pytest.raises(coma.StorageError, match="no space"):
        write(Facts("e"), path)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_replaced_only_when_asked(tmp_path):
    path = tmp_path / "e.html"
    path.write_text("mine")
    for attempt in (lambda: check_path(path, overwrite=False), lambda: write(Facts("e"), path)):
        with pytest.raises(coma.StorageError, match=r"Choose another name or pass overwrite=True"):
            attempt()
    assert path.read_text() == "mine"
    assert write(Facts("e"), path, overwrite=True) == path
    assert "<h1>e</h1>" in path.read_text()


@pytest.mark.parametrize("name", ["report", "report.pdf", "report.html.zip"])
def test_a_name_that_is_no_page_is_refused(name, tmp_path):
    with pytest.raises(coma.ExperimentError, match=r"is not a name of a report\."):
        check_path(tmp_path / name, overwrite=False)


# ------------------------------------------------------------------------------------------- colours, printing


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_and_areas_differ_enough_from_what_they_lie_on(colors):
    for ground in (colors["page"], colors["tile"]):
        muted = 0.72 * np.array(to_rgb(colors["text"])) + 0.28 * np.array(to_rgb(ground))
        texts = [colors["text"], colors["link"], colors["failed"], tuple(muted)]
        assert min(contrast(texts, ground)) >= 4.5
        assert (
            min(contrast([colors[kind] for kind in ("done", "failed", "missing", "excluded")], ground)) >= 3
        )
    assert min(contrast([DARK_TEXT], DARK_GROUND)) >= 4.5


def test_failures_in_a_notebook_differ_enough_from_the_page():
    light, dark = re.search(r"light-dark\((#\w+), (#\w+)\)", HTML_STYLE).groups()
    assert contrast([light], "#ffffff")[0] >= 4.5
    assert contrast([dark], "#111111")[0] >= 4.5


def test_a_figure_is_light_or_dark_as_the_page():
    ds = xr.Dataset({"y": ("x", [1.0, 2.0])}, coords={"x": [1, 2]})
    page = Page(str(draw_all(ds, "ds").figures[0]))
    (source,) = page.named("source")
    assert source["media"] == "screen and (prefers-color-scheme: dark)"
    corners = []
    for url in (page.named("img")[0]["src"], source["srcset"]):
        pixels = imread(io.BytesIO(base64.b64decode(url.partition(",")[2])))
        corners.append(tuple(pixels[0, 0, :3].tolist()))
    assert corners == [(1, 1, 1), pytest.approx(to_rgb(DARK_GROUND), abs=0.01)]
    with rc_context({"axes.facecolor": "#eeeeee"}):
        assert not Page(str(draw_all(ds, "ds").figures[0])).named("source")


def test_a_printed_page_shows_what_is_folded():
    printed = Page(render(Facts("e"))).style.partition("@media print")[2]
    assert "details::details-content { content-visibility: visible" in printed


def test_a_variable_that_does_not_depend_on_a_dim_is_drawn_once():
    t = np.broadcast_to(np.arange(10.0), (4, 3, 10))
    coords = {
        "a": ("a", [1, 2, 3, 4], {"path": "parameters/a"}),
        "b": ("b", [1, 2, 3], {"path": "parameters/b"}),
    }
    ds = xr.Dataset({"t": (("a", "b", "i"), t)}, coords=coords)
    ((choice,), _) = choose(ds)
    assert (choice.same, choice.arguments) == (["a", "b"], {"x": "i", "y": "t"})
    assert "identical for all values of a and b" in draw_all(ds, "ds").figures[0]
    assert draw(choice.part(ds), **choice.arguments).axes[0].lines[0].get_ydata().tolist() == t[0, 0].tolist()


def test_a_place_is_drawn_at_which_values_differ():
    y = np.zeros((5, 2, 20))
    y[3, 0] = y[4, 1] = np.arange(20)
    x, k, a = np.linspace(0, 1, 20), list("abcde"), ("a", [1, 2], {"path": "parameters/a"})
    ((choice,), _) = choose(xr.Dataset({"y": (("k", "a", "x"), y)}, coords={"x": x, "k": k, "a": a}))
    assert choice.at == {"k": 3}


def test_the_axes_of_the_coverage_map_have_units_and_names():
    status = xr.DataArray([["done", "failed", "missing"]] * 2, dims=("a", "b"))
    ds = xr.Dataset(coords={"a": ("a", [0.1, 0.2], {"units": "T"}), "b": ["x", "y", "z"]})
    text = Page(str(map_of(ds, status))).text
    assert "0.2a [T] (2 values)0.1" in text
    assert "xb (3 values)z" in text


def test_code_states_and_environment_are_listed():
    rows = [
        ["aa", "f", 3, "1", "2", None, None, ""],
        ["bb", "f", 4, "3", "4", None, None, "f in m.py (2 lines)"],
    ]
    page = Page(render(Facts("e", code=rows, environment={"CPU": {"x86": 7}}, packages=["numpy==2"])))
    assert (
        "2 states of the code made these measurements. e.code_diff('aa', 'bb') shows the last change."
        in page.text
    )
    assert "f in m.py (2 lines)" in page.text
    assert "accepted" not in page.text
    assert "CPUx86" in page.text
    assert "1 installed packagesnumpy==2" in page.text
