"""What notebooks show: whole, escaped, short, and without reading everything."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr import files
from coma_xr.html import (
    ROWS,
    Html,
    escape,
    facts,
    fold,
    fragment,
    lines_of,
    several,
    short,
    table,
    tag,
    trace,
)
from tests.pages import Page

HOSTILE = "</details></td></pre><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def shown(value) -> Page:
    return Page(value._repr_html_())


def cells(page: str) -> int:
    return len(Page(page).named("td"))


# ------------------------------------------------------------------------------------------- the module


@pytest.mark.parametrize("make", [escape, lambda x: tag("b", x), lambda x: tag("b", title=x), trace])
def test_text_is_never_taken_for_markup(make):
    page = Page(make(HOSTILE))
    assert {name for name, _ in page.tags} <= {"b", "pre"}
    assert HOSTILE in [page.text, *(value for _, found in page.tags for value in found.values())]


def test_an_attribute_cannot_be_left_by_its_value():
    assert Page(tag("b", title='" onclick="x')).named("b") == [{"title": '" onclick="x'}]


def test_markup_is_not_escaped_twice():
    assert tag("p", tag("b", "<")) == "<p><b>&lt;</b></p>"


def test_what_has_no_place_in_a_page_is_replaced():
    assert escape("a\x00b\x1b[31m\ud800c\td\n") == "a\ufffdb\ufffd[31m\ufffdc\td\n"
    escape("\udcff").encode()


def test_a_table_says_how_many_rows_it_leaves_out():
    text = table(["n"], ([n] for n in range(1000)))
    assert cells(text) == ROWS
    assert "... and 980 more rows" in Page(text).text


def test_a_table_does_not_go_through_rows_that_are_counted_already():
    seen = []
    rows = ([seen.append(n)] for n in range(10**9))
    assert "... and 999,999,980 more rows" in table(["n"], rows, total=10**9)
    assert len(seen) == ROWS + 1


def test_a_row_that_is_too_short_is_filled_up():
    assert cells(table(["a", "b"], [[1]])) == 2


def test_numbers_are_put_to_the_right_and_bools_are_none():
    assert [found.get("class") for found in Page(table("ab", [[1, True]])).named("td")] == [
        "coma-number",
        None,
    ]


def test_facts_without_a_value_are_left_out():
    assert Page(facts([("a", 1), ("b", None), ("c", "")])).text == "a1"
    assert facts([]) == ""


def test_a_fold_unfolds_without_a_script():
    page = Page(fold("more", "content"))
    assert [name for name, _ in page.tags] == ["details", "summary", "div"]
    assert "open" not in page.named("details")[0]
    assert "open" in Page(fold("more", is_open=True)).named("details")[0]


def test_the_look_brings_no_colour_for_text_and_no_background_of_its_own():
    style = Page(fragment("x")).style
    assert "color: inherit" in style
    assert "background: #" not in style
    assert "var(--jp-" in style


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ising", "'Ising'"),
        (0.1 + 0.2, "0.30000000000000004"),
        ([1 << 20_000], "[an int of 20,001 bits]"),
        (list(range(9)), "[0, 1, 2, 3, 4, 5, ...]"),
        (np.eye(2), "array([[1., 0.], [0., 1.]])"),
    ],
)
def test_values_are_said_in_a_few_words(value, text):
    assert short(value) == text


@pytest.mark.parametrize(
    "value", ["x" * 10**6, list(range(10**6)), {i: i for i in range(10**5)}, np.zeros(10**6), b"x" * 10**6]
)
def test_no_value_is_long(value):
    assert len(short(value)) < 300


def test_a_value_that_cannot_say_what_it_is_does_not_hide_the_others():
    class Odd:
        def __repr__(self):
            raise RuntimeError("no")

    assert short([1, Odd()]) == "[1, <Odd, repr() raises RuntimeError>]"
    assert lines_of(Odd()) == ["<Odd, repr() raises RuntimeError>"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([3, 1, 3], "3, 1"),
        ([-60.0, -30.0, 0.1 + 0.2], "-60, -30, 0.3"),
        ([], ""),
        ([i / 7 for i in range(8)], "0 ... 1 (8 values)"),
        ([*range(7), float("nan")], "0 ... 6 (8 values)"),
        ([*range(7), "x"], "0, 1, 2, 3, 4, 5, ... (8 values)"),
        ([[1], [2]], "[1], [2]"),
    ],
)
def test_several_values_are_said_in_a_few_words(values, text):
    assert several(values) == text


# -------------------------------------------------------------------------------------------- measurements


def measurement(**results):
    from coma_xr.values.plain import to_plain

    return coma.Measurement(7, to_plain({"info": {"host": "n1"}, "parameters": {"x": 1}, "results": results}))


def test_a_measurement_is_a_tree_that_folds():
    page = shown(measurement(E=[0.5, 1.5], deep={"a": {"b": 2}}))
    assert "Measurement 7" in page.text
    assert "E: [0.5, 1.5] list of 2" in page.text
    assert "b: 2" in page.text
    opened = ["open" in found for found in page.named("details")]
    assert opened == [False, True, True, False, False]  # info, parameters, results, deep, a


def test_a_branch_of_a_measurement_shows_itself_too():
    page = shown(measurement(deep={"a": 1}).results)
    assert page.text.startswith("Measurement 7, results")
    assert "a: 1" in page.text


def test_a_measurement_shows_what_types_its_values_have():
    values = {
        "M": np.eye(2),
        "v": np.arange(3),
        "da": xr.DataArray([1.0, 2.0], dims="time"),
        "df": pd.DataFrame({"a": [1, 2]}),
        "z": 1 + 2j,
    }
    text = shown(measurement(**values)).text
    for said in ("ndarray of float64, 2 by 2", "array([0, 1, 2])", "(time: 2)", "DataFrame", "(1+2j)"):
        assert said in text


def test_hostile_names_and_values_of_a_measurement_are_text():
    page = shown(
        measurement(**{HOSTILE: HOSTILE[:100], "list": [{HOSTILE: 1}], "t": {"a" * 10: "</script>"}})
    )
    assert page.text.count("<script>") == 3


def test_a_stored_value_that_contradicts_itself_is_named_and_hides_nothing():
    tree = {
        "results": {"bad": {"__type__": "coma.ndarray", "shape": [3], "dtype": "int64", "list": [1]}, "y": 2}
    }
    page = shown(coma.Measurement(1, tree))
    assert "cannot be read" in page.text
    assert "y: 2" in page.text


def test_of_a_large_measurement_a_part_is_shown():
    wide = {f"n{i}": i for i in range(10_000)}
    deep: dict = {}
    for _ in range(60):
        deep = {"d": deep, "wide": dict(list(wide.items())[:50])}
    html = measurement(**wide, deep=deep)._repr_html_()
    assert "... and 9,961 more" in Page(html).text
    html = measurement(deep=deep, list=[wide] * 1000, text="x" * 10**6)._repr_html_()
    assert len(html) < 100_000
    Page(html)


# -------------------------------------------------------------------------- parameter sets, scans, results


def test_a_parameter_set_shows_its_names_and_values():
    e = coma.Experiment("e", config={})
    e.define_parameter_set("x", HOSTILE.replace("/", "|"))
    seen = []
    e.add_parameter_set(1.5, HOSTILE)
    e.run(lambda p: seen.append(p._repr_html_()) or {"results": {"y": 1}}, progress=False)
    page = Page(seen[0])
    assert "x1.5" in page.text
    assert page.text.count("<script>") == 2


def test_a_scan_shows_its_parameters_and_first_sets():
    scan = coma.grid({"parameters/layout/N": [1, 2]}, b=[0.5]).expand(c=lambda p: range(p.N)).where("c < 9")
    text = shown(scan).text
    assert "Scan of 3 parameter sets" in text
    assert "N1, 2parameters/layout/N" in text
    assert "c0, 1depends" in text
    assert "where c < 9" in text


def test_scans_of_every_kind_show_themselves():
    for scan, said in [
        (coma.zipped(a=[1, 2], b=[3, 4]), "2 in step"),
        (coma.cases([{"a": 1}, {"a": 5}]), "2 points"),
        (coma.grid(a=[1, 2]) + coma.grid(a=[2, 3]), "a1, 2, 32 + 2"),
        (coma.grid(a=[1, 2]).derive(b=lambda p: 2 * p.a), "b2, 4derived"),
        (coma.grid(a=[1, 2]).where("a > 5"), "of 0 parameter sets"),
        (coma.grid(a=HOSTILE), "of 1 parameter set"),
    ]:
        assert said in shown(scan).text


def test_no_million_of_sets_is_made_up_to_show_a_scan():
    made = []
    long = coma.grid(a=range(1_000_000), b=[1, 2, 3])
    assert "of 3,000,000 parameter sets" in shown(long).text
    assert "0, 1, 2, ... (1,000,000 values)" in shown(long).text
    for scan in [
        long.where(lambda p: made.append(p) or False),
        long.expand(c=lambda p: made.append(p) or [1]),
        long.derive(c=lambda p: made.append(p) or False),
        coma.grid(a=range(1000)).expand(b=lambda _: range(1000)).where(lambda p: made.append(p) or False),
        long.where(lambda p: made.append(p) or False) + coma.grid(a=[0], b=[0]),
    ]:
        shown(scan)
    assert len(made) < 30_000


def test_results_show_their_tables():
    e = coma.Experiment("e", config={})
    e.run(lambda x, n, model="Ising": {"y": x**n}, {"n": [1, 2], "x": range(30)}, progress=False)
    rs = e.retrieve_results([("x", "parameters/x"), ("y", "results/y")], [("n", "parameters/n")])
    page = shown(rs)
    assert "2 tables with the columns x, y" in page.text
    assert "1230" in page.text  # the second, n = 2, 30 rows
    page = shown(rs[1])
    assert "Result 30 rows" in page.text
    assert "... and 10 more rows" in page.text
    assert len(page.named("td")) == 1 + 3 * ROWS
    assert shown(rs[:0]).text.startswith("ResultList 0 tables")


def test_a_result_with_text_in_it_is_escaped():
    e = coma.Experiment("e", config={})
    e.run(lambda x: {"y": HOSTILE}, {"x": [1]}, progress=False)
    rs = e.retrieve_results([("y", "results/y")], [("x", "parameters/x")])
    assert "<script>" in shown(rs[0]).text


def test_an_experiment_shows_its_code_and_environment():
    e = coma.Experiment("e", config={})
    e.run(lambda x: {"y": x}, {"x": [1]}, progress=False)
    with pytest.warns(coma.ComaWarning, match="made by other code"):
        e.run(lambda x: {"y": x + 0}, {"x": [2]}, progress=False)
    text = shown(e).text
    assert "Code (2 states)" in text
    assert "what changed" in text
    assert "Environment" in text
    assert "packages" in text


def test_a_layout_shows_its_dims():
    e = coma.Experiment("e", config={})
    e.run(lambda a, b: {"y": a}, {"a": [1, 2], "b": [3]}, progress=False)
    assert "Grid from the recorded scans" in shown(e.layout).text


# ------------------------------------------------------------------------------------------- runs, failures


def failing(x):
    if x % 2:
        raise ValueError(f"{x} is odd {HOSTILE}")
    return {"y": x}


@pytest.fixture
def failed():
    e = coma.Experiment("failed", description=HOSTILE, tags=["a<b"], config={})
    with pytest.warns(coma.ComaWarning, match="failed"):
        report = e.run(failing, {"x": range(60)}, progress=False, on_error="continue")
    return e, report


def test_a_report_of_a_run_shows_failures_as_its_summary_does(failed):
    _, report = failed
    page = shown(report)
    assert "30 of 60 parameter sets saved" in page.text
    assert "30 failed" in page.text
    assert len(page.named("details")) == 1
    *_, summary = report.failed_text().split(": ", 1)
    assert summary.startswith("30 like (x=1): ValueError: 1 is odd")
    assert " ".join(summary.removesuffix(".").split()) in page.text
    assert "... and 25 more like these" in page.text
    assert "e.failure(2)" in page.text
    assert "Call failures() for details." in page.text
    assert "Traceback (most recent call last)" in page.text


def test_a_report_without_failures_is_short(failed):
    e, _ = failed
    page = shown(e.run(failing, {"x": range(60)}, progress=False, retry_failed=False))
    assert "0 of 60 parameter sets saved" in page.text
    assert "30 had a measurement already" in page.text
    assert "30 failed earlier and not tried again" in page.text
    assert not page.named("details")


def test_a_failure_shows_its_traceback(failed):
    e, _ = failed
    page = shown(e.failure(2))
    assert "(x=1): ValueError: 1 is odd" in page.text
    assert "in failing" in page.text
    assert "open" in page.named("details")[0]


def test_the_table_of_failures_is_escaped(failed):
    e, _ = failed
    assert "<script" not in e.failures()._repr_html_()


# ---------------------------------------------------------------------------------------------- experiments


def test_an_experiment_shows_what_it_is(failed):
    e, _ = failed
    e.annotate("parameters/x", units="m <s>", long_name="position")
    e.annotate("results/y", units="J")
    page = shown(e)
    for said in (
        "Experiment failed",
        HOSTILE,
        "30 measurements, 30 failed",
        "the last run requested 60",
        "x0 ... 59 (60 values)m <s>position",
        "Results: y [J]",
        "Measurement 1, for example",
        "a<b",
        str(e.path),
    ):
        assert said in page.text


def test_one_measurement_is_read_to_show_an_experiment(failed, monkeypatch):
    e, _ = failed
    read, real = [], files.read
    monkeypatch.setattr(
        files, "read", lambda path, *more, **options: read.append(path) or real(path, *more, **options)
    )
    shown(e)
    names = [path.rpartition("/")[2] for path in read]
    assert [name for name in names if name.startswith(("measurement.0", "failure."))] == [
        "measurement.000001.json"
    ]


def test_an_experiment_without_a_definition_shows_the_names_of_its_parameters():
    e = coma.Experiment("by_hand", config={})
    assert "0 measurements" in shown(e).text
    m = e.new_measurement()
    m.start()
    m.save({"parameters": {"layout": {"N": 2}}, "results": {"E": [1]}})
    assert "Parameters: layout/N" in shown(e).text
    e.deactivate()
    assert "1 measurement, inactive" in shown(e).text


def test_an_experiment_whose_first_file_is_bad_shows_that(failed):
    e, _ = failed
    (e.path / "measurement.000001.json").write_text("{")
    text = shown(e).text
    assert "measurement.000001.json" in text
    assert "30 measurements" in text


def test_experiments_show_themselves_and_their_problems(failed):
    (failed[0].path.parent / "empty").mkdir()
    page = shown(coma.open_experiments(["failed", "empty"]))
    assert "Experiments 1 of 2 that exist" in page.text
    assert "There is no experiment" in page.text
    assert HOSTILE in page.text


def test_all_of_these_have_a_short_text_too(failed):
    e, report = failed
    rs = e.retrieve_results([("y", "results/y")], [("x", "parameters/x")])
    shorts = [e, e.measurement(1), rs[0], rs[0].parameters, coma.grid(x=range(60)), report, e.failure(2)]
    assert all(len(repr(value)) < 200 + len(HOSTILE) and "object at" not in repr(value) for value in shorts)
    assert isinstance(escape("x"), Html)


def test_an_array_in_a_file_of_its_own_is_shown_without_being_read(monkeypatch):
    e = coma.Experiment("e", config={})
    e.run(lambda k: {"psi": coma.external(np.zeros((20, 30)))}, {"k": [1.0]}, progress=False)
    (e.path / "measurement.000001.psi.nc").unlink()
    for value in (e, e.measurement(1)):
        assert "psi: in the file psi.nc ndarray of <f8, 20 by 30, " in shown(value).text
