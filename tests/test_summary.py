"""Reports of experiments: active, archived, old, broken, empty ones."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr import files
from coma_xr.records import Records
from tests.pages import Page

DATA = Path(__file__).parent / "data" / "coma2"


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def report(e, name="report.html", **options) -> Page:
    path = e.report(name, **options)
    assert path == Path(name)
    return Page(path.read_text("utf-8"))


def experiment(name="e", **more):
    return coma.Experiment(name, config={}, **more)


def pendulum(theta_0, theta, L=1.0):
    return {"t": theta_0 * theta * L, "t_": theta_0 + theta}


def scan():
    return coma.grid(theta_0=[-5, -30]).expand(theta=lambda p: np.linspace(p.theta_0, -p.theta_0, 6))


@pytest.fixture
def whole():
    e = experiment("pendulum", description="How long it takes", tags=["swing"])
    e.run(pendulum, scan(), progress=False)
    e.annotate("parameters/theta", units="degree", long_name="angle")
    e.annotate("results/t", units="s", long_name="time")
    e.annotate("results/t_", units="s")
    return e


def test_a_report_says_what_was_scanned_what_came_out_and_how_to_load_it(whole):
    page = report(whole)
    for said in (
        "pendulum",
        "How long it takes",
        "tags: swing",
        "12measurements",
        "theta_0-30, -5int",
        "theta-30 ... 30 (12 values)degreeanglefloatparameters/theta",
        "L1float",
        "All parameter sets of the last run are done.",
        "t-900 ... 900",
        "stimefloatresults/t",
        "t and t_ over theta.",
        "coma.plot(ds, x='theta', y=['t', 't_'], col='theta_0')",
        "shortest",
        "Python3.",
        "coma_xr0.",
        "e = coma.Experiment('pendulum', mode=\"r\")",
        "ds = e.to_dataset()  # theta_0: 2, theta_index: 6",
        "Written by coma_xr on ",
    ):
        assert said in page.text
    assert len(page.named("img")) == 1
    assert "Problems" not in page.text
    assert "Failures" not in page.text


def test_a_report_names_no_directory_above_the_experiments(whole):
    (whole.path / "measurement.000003.json").write_text("{")
    report(whole)
    assert str(whole.path.parent) not in Path("report.html").read_text()


def test_a_report_changes_nothing_in_the_experiment(whole):
    before = {path: path.read_bytes() for path in whole.path.rglob("*") if path.is_file()}
    report(coma.Experiment(whole.path, "r", config={}))
    assert before == {path: path.read_bytes() for path in whole.path.rglob("*") if path.is_file()}


def test_a_report_is_not_written_over_another_file(whole, monkeypatch):
    Path("report.html").write_text("mine")
    read = []
    monkeypatch.setattr(files, "read", read.append)
    with pytest.raises(coma.StorageError, match="overwrite=True"):
        whole.report("report.html")
    assert not read, "refused before anything is read"
    monkeypatch.undo()
    assert "mine" in Path(whole.path.parent / "report.html").read_text()


def test_a_report_takes_the_place_of_another_when_asked(whole):
    Path("report.html").write_text("mine")
    assert "pendulum" in report(whole, overwrite=True).text


def test_a_report_of_an_archive_is_the_same(whole):
    page = report(whole, "active.html")
    whole.deactivate(compress=True)
    archived = report(whole, "inactive.html")
    assert "state: inactive" in archived.text
    assert (
        archived.text.replace(" · state: inactive", "").partition("Written")[0]
        == page.text.partition("Written")[0]
    )


OLD = sorted(path.name for path in DATA.iterdir() if path.is_dir())


@pytest.mark.parametrize("name", OLD)
@pytest.mark.ci
def test_experiments_of_coma_2_have_reports(name):
    shutil.copytree(DATA / name, name)
    page = report(experiment(name, mode="r"))
    assert "The requested parameter sets were not recorded." in page.text
    assert "0measurements" not in page.text


def test_an_empty_experiment_has_a_report():
    page = report(experiment())
    assert "0measurements" in page.text
    assert "No measurement has parameters." in page.text
    assert "No measurement has results." in page.text


def failing(x):
    if x > 3:
        raise ValueError(f"x is </pre><script>{x}</script>")
    if x == 2:
        raise OSError("no </details>")
    return {"y": x}


def run_quietly(e, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", coma.ComaWarning)
        return e.run(*arguments, progress=False, on_error="continue", **options)


def test_failures_are_told_with_their_tracebacks_the_most_frequent_first():
    e = experiment()
    run_quietly(e, failing, {"x": range(20)}, limit=15)
    page = report(e)
    text = page.text
    assert "12failed" in text
    assert "5missing" in text
    assert "3 done (15 %)" in text
    assert "12 failed (60 %)" in text
    assert "11 like (x=4): ValueError: x is" in text
    assert text.index("11 like (x=4): ValueError") < text.index("(x=2): OSError: no")
    assert "x is </pre><script>4</script>" in text
    assert "5(x=4)x is </pre>" in text
    assert "... and 6 more like these" in text
    assert "Traceback (most recent call last)" in text
    fills = [found["class"] for found in page.named("rect")]
    assert fills.count("coma-fill-failed") == 12


def test_a_failure_that_succeeded_since_counts_no_more():
    e = experiment()
    run_quietly(e, failing, {"x": [1, 2]})
    e.run(lambda x: {"y": x}, {"x": [1, 2]}, progress=False, code="accept")
    assert "failed" not in report(e).text


def test_an_experiment_of_failures_alone_has_a_report():
    e = experiment()
    run_quietly(e, failing, {"x": range(10, 16)}, limit=4)
    page = report(e)
    for said in (
        "0measurements",
        "4failed",
        "2missing",
        "x10, 11, 12, 13, 14, 15",
        "4 like (x=10): ValueError",
    ):
        assert said in page.text


def test_files_that_cannot_be_read_are_all_named(whole):
    for id in (1, 2, 4, 5):
        (whole.path / f"measurement.00000{id}.json").write_text("{")
    tree = '{"measurement": {"info": {}, "parameters": {"theta_0": -5, "theta": 1.5}, "results": {"t": %s}}}'
    array = '{"__type__": "coma.ndarray", "dtype": "int64", "shape": [3], "list": [1]}'
    (whole.path / "measurement.000003.json").write_text(tree % array)
    page = report(whole)
    for id in (1, 2, 4, 5):
        assert f"pendulum/measurement.00000{id}.json: not valid JSON" in page.text
    assert "measurement 3, results/t: an array of shape (3,) cannot have 1 items" in page.text
    assert page.text.count("measurement.000001.json") == 1
    assert "t and t_ over theta." in page.text


def test_an_excluded_measurement_is_told_with_its_reason(whole):
    whole.exclude([3], "not <converged>")
    page = report(whole)
    assert "Measurement 3 is excluded: not <converged>" in page.text


def test_a_grid_that_is_too_thin_is_told_as_points():
    e = experiment()
    e.define_parameter_set("a", "b", "c")
    for n in range(120):
        e.add_parameter_set(n, n * 37 % 127, n * 53 % 211)
    e.run(lambda p: {"results": {"y": p.a * p.b}}, progress=False)
    e.define_layout("grid")
    with pytest.raises(coma.LayoutError):
        e.to_dataset()
    page = report(e)
    assert "As points, since a grid is not possible" in page.text
    assert 'ds = e.to_dataset(layout="points")  # measurement: 120' in page.text
    assert "y over b and a; chosen by Spearman's rank correlation with y: b 0.68" in page.text


def test_warnings_of_ours_are_notes_and_others_stay_warnings(whole, monkeypatch):
    real = Records.dataset

    def dataset(self, **options):
        warnings.warn("about <something>", coma.ComaWarning, stacklevel=2)
        warnings.warn("of another library", FutureWarning, stacklevel=2)
        return real(self, **options)

    monkeypatch.setattr(Records, "dataset", dataset)
    with pytest.warns(FutureWarning, match="of another library"):
        page = report(whole)
    assert "about <something>" in page.text


def test_repeats_get_their_standard_error():
    e = experiment()
    e.run(lambda T, rng: {"m": T + rng.normal()}, {"T": [1.0, 2.0, 3.0]}, repeats=5, seed=1, progress=False)
    page = report(e)
    assert "error='repeat'" in page.text
    assert "15measurements" in page.text


def test_arrays_of_measurements_are_drawn_over_their_own_dims():
    def wave(k):
        t = np.linspace(0, 9, 50)
        x = xr.DataArray(np.cos(k * t), dims="time", coords={"time": t}, attrs={"units": "m"})
        return {"x": x, "name": f"wave {k}", "E": [1.0, k]}

    e = experiment()
    e.run(wave, {"k": [1.0, 2.0, 3.0]}, progress=False)
    page = report(e)
    assert "x over time." in page.text
    assert "E over k." in page.text
    assert "nameis text" in page.text


def test_hostile_names_and_values_are_text_in_a_report():
    hostile = "</script><img src=x onerror=alert(1)>"

    def evil(x, s):
        if x == 3:
            raise ValueError(hostile)
        return {hostile: 1.5 * x, r"$\frac{": x**2, "text": s, "sub": {"</details>": x}}

    e = experiment(description=hostile, tags=[hostile])
    run_quietly(e, evil, {"x": [1, 2, 3], "s": [hostile, "b"]})
    e.annotate("results/text", units=hostile, long_name=r"$\frac{")
    e.exclude([1], hostile)
    page = report(e)
    assert page.text.count(hostile) > 8
    assert {found["src"][:22] for found in page.named("img")} == {"data:image/png;base64,"}


def test_text_that_is_no_text_is_written_all_the_same():
    e = experiment()
    e.run(lambda x: {"t": "a\x00b\ud800c"}, {"x": [1, 2]}, progress=False)
    assert r"a\ufffdb\ud800c" in report(e).text.replace("\ufffd", r"\ufffd")


def test_what_it_was_made_with_is_counted():
    e = experiment()
    e.run(lambda x: {"y": x}, {"x": range(30)}, progress=False)
    for id in range(1, 31):
        path = e.path / f"measurement.{id:06d}.json"
        tree = json.loads(path.read_text())
        info = {"host": f"n{id % 2}", "program": "ising", "version": "1.0", "git_commit": "0123456789abcdef"}
        tree["measurement"]["info"] |= {**info, "git_dirty": id > 20}
        path.write_text(json.dumps(tree))
    text = report(e).text
    for said in (
        "hostn1 (15), n0 (15)",
        "programising 1.0",
        "0123456789ab (20), 0123456789ab and changes (10)",
    ):
        assert said in text


def test_old_measurements_last_as_long_as_their_dates_say():
    e = experiment()
    e.run(lambda x: {"y": x}, {"x": [1, 2]}, progress=False)
    dates = [("2014-02-25T22:50:11Z", "2014-02-25T22:52:11Z"), ("yesterday", "today")]
    for id, (start, end) in enumerate(dates, 1):
        path = e.path / f"measurement.{id:06d}.json"
        tree = json.loads(path.read_text())
        tree["measurement"]["info"] = {"start_date": start, "end_date": end}
        path.write_text(json.dumps(tree))
    assert "2 mincomputing time" in report(e).text


def test_arrays_in_files_of_their_own_are_drawn_too():
    e = experiment()
    e.run(
        lambda k: {"psi": coma.external(np.cos(k * np.linspace(0, 9, 50)))}, {"k": [1.0, 2.0]}, progress=False
    )
    assert "psi over psi_index." in report(e).text


def test_what_is_done_is_not_told_as_missing_where_there_is_no_dataset():
    e = experiment()
    e.annotate("results/y", dims=["time"])
    e.run(lambda x: {"y": x}, {"x": [1, 2, 3]}, limit=2, progress=False)
    page = report(e)
    assert "There is no Dataset" in page.text
    assert "1missing" in page.text.replace(" ", "")
    # Each repeat counts: four of nine are done, and all three sets lack one.
    e.run(lambda x, seed: {"y": x}, {"x": [1, 2, 3]}, repeats=3, limit=2, progress=False, code="accept")
    assert "5missing" in report(e, overwrite=True).text.replace(" ", "")


def test_values_of_a_parameter_are_told_apart():
    e = experiment()
    e.run(lambda a: {"y": 1.0}, {"a": [1, "1", None, float("nan"), True, ""]}, progress=False)
    assert "a1, '1', True, '', None, nan" in report(e).text
    f = experiment("f")
    f.run(lambda b: {"y": 1.0}, {"b": [3.0, 1.0, float("nan"), None]}, progress=False)
    assert "b1.0, 3.0, nan, None" in report(f, "f.html").text


def test_units_in_latex_are_text_in_a_report_and_in_a_notebook(tmp_path):
    e = coma.Experiment(tmp_path / "units")
    e.run(lambda T: {"E": T, "F": T}, {"T": [1.0, 2.0, 3.0]}, progress=False)
    e.annotate("T", units=r"$\mathrm{m}\,\mathrm{s}^{-1}$")
    e.annotate("E", units=r"$10^{-3}\,\Omega$", long_name=r"energy $E_\mathrm{kin}$")
    e.annotate("F", units=r"$\frac{1}{2}$")
    text = Page(e.report(tmp_path / "units.html").read_text()).text
    for words in ("m s⁻¹", "10⁻³ Ω", "energy E_kin", r"$\frac{1}{2}$"):
        assert words in text
    assert r"\mathrm{m}" not in text
    assert "m s⁻¹" in Page(e._repr_html_()).text
