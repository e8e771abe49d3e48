"""ds.coma: selecting by name and path, cells without values, and being there in time."""

from __future__ import annotations

import datetime as dt
import enum
import math
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.define.conditions import P
from coma_xr.errors import ComaWarning, ConditionError, ParameterError, PathError
from coma_xr.plugins.hook import register
from coma_xr.plugins.matching import matches
from coma_xr.retrieve.dataset import build_dataset
from coma_xr.retrieve.dims import Status
from tests.retrieve.builders import EXPANDED, PENDULUM, measured, pendulum

register()


@pytest.fixture
def ds():
    return build_dataset(pendulum(), definition=PENDULUM, rule=EXPANDED)


@pytest.fixture
def chain():
    trees = measured(
        *[
            ({"model": m, "mu": mu, "layout": {"N": n}}, {"E": [n, 2 * n], "N": n, "on": mu > 150})
            for m, mus in [("Ising", (100, 250)), ("Bond", (100,))]
            for mu in mus
            for n in (1, 2)
        ]
    )
    return build_dataset(trees)


# Names


def test_variables_are_found_by_name_path_and_the_names_of_everywhere_else(chain):
    assert chain.coma["results/N"].identical(chain.results_N)
    assert chain.coma["layout/N"].identical(chain.N)
    assert chain.coma["parameters/layout/N"].identical(chain.coma["N"])
    assert chain.coma["parameters/mu"].identical(chain.mu)


def test_items_of_lists_are_found_too(chain):
    np.testing.assert_array_equal(chain.coma["results/E/1"], chain.E.isel(E_index=1))
    np.testing.assert_array_equal(chain.coma["E_1"], chain.E.isel(E_index=0))
    with pytest.raises(PathError, match=r"'results/E/5' leads nowhere: 'E' has lists of the shape \(2,\)"):
        chain.coma["results/E/5"]


def test_a_name_given_in_the_call_is_known_beside_its_path():
    ds = build_dataset(pendulum(), variables={"period": "results/t"}, definition=PENDULUM, rule=EXPANDED)
    assert ds.coma["period"].identical(ds.coma["results/t"])


def test_an_unknown_name_lists_near_ones(chain):
    with pytest.raises(PathError, match="This Dataset has no 'results/En'") as error:
        chain.coma["results/En"]
    assert (error.value.name, error.value.near[0]) == ("results/En", "results/E")


def test_any_dataset_has_the_accessor():
    ds = xr.Dataset({"y": ("x", [1, 2])}, {"x": [0.1, 0.3]})
    assert ds.coma["y"].identical(ds.y)
    assert ds.coma.sel(x=0.1 + 0.2).y == 2
    assert ds.coma.where(P.y > 1, drop=True).y.values.tolist() == [2]


# sel


def test_sel_takes_dims_with_a_tolerance_and_squeezes_them(ds):
    part = ds.coma.sel(theta_0=-30 * (1 + 1e-12))
    assert part.t.dims == ("theta_index",)
    assert part.theta_0 == -30


def test_sel_takes_coords_over_several_dims(ds):
    part = ds.coma.sel(theta=-30.0)
    assert set(part.theta.values.ravel()[part.measurement_id.values.ravel() > 0]) == {-30.0}
    assert dict(part.sizes) == {"theta_0": 2, "theta_index": 2}
    assert float(ds.coma.sel(theta=-2.5).t) == -0.25


def test_sel_drops_labels_that_nothing_is_left_of(chain):
    part = chain.coma.sel(model="Bond")
    assert part.mu == 100
    assert part.results_N.dims == ("N",)
    assert part.results_N.dtype == np.float64
    assert dict(chain.coma.sel(model="Ising").measurement_id.sizes) == {"mu": 2, "N": 2}


def test_sel_takes_paths_lists_and_ranges(chain):
    part = chain.coma.sel({"parameters/layout/N": 2}, mu=[100])
    assert dict(part.measurement_id.sizes) == {"model": 2, "mu": 1}
    assert chain.coma.sel(mu=slice(200, None)).model == "Ising"
    assert chain.coma.sel(model=["Ising", "Bond"]).identical(chain)


def test_sel_refuses_data_variables_and_points_to_where(chain):
    for name in ("on", "results/on", "results_N", "results/E/0", "E_1"):
        with pytest.raises(PathError, match="sel selects by dims and coords") as error:
            chain.coma.sel({name: True})
        assert error.value.name == name
        assert "ds.coma.where" in error.value.ways[0]
    assert chain.coma.sel(N=2).N == 2


def test_sel_takes_numbers_of_lists(chain):
    assert "E_index" not in chain.coma.sel(E_index=2).dims


def test_sel_names_what_is_nearest(chain):
    with pytest.raises(PathError, match=r"Nothing has mu = 251\. The nearest is 250\. ") as caught:
        chain.coma.sel(mu=251)
    assert caught.value.available == ("100", "250")
    with pytest.raises(PathError, match="Nothing has model = 'Isng'") as caught:
        chain.coma.sel(model="Isng")
    assert caught.value.near == ("Ising",)


def test_sel_says_that_numbers_are_no_texts():
    ds = xr.Dataset(coords={"a": [1, 2]})
    with pytest.raises(PathError, match="Nothing has a = '1'") as caught:
        ds.coma.sel(a="1")
    assert caught.value.expected == "a number"
    assert caught.value.available == ("1", "2")
    assert caught.value.near == ()


def test_sel_tells_true_from_one_and_takes_none_and_nan():
    trees = measured(*[({"p": p}, {"i": i}) for i, p in enumerate([True, 1, None, "x"])])
    ds = build_dataset(trees)
    assert [int(ds.coma.sel(p=p).i) for p in (True, 1, None, "x")] == [0, 1, 2, 3]
    ds = build_dataset(measured(({"p": np.nan}, {"i": 0}), ({"p": 1.0}, {"i": 1})))
    assert ds.coma.sel(p=np.nan).i == 0


def test_sel_takes_lists_as_labels_and_dates():
    ds = build_dataset(measured(({"s": [1, 2]}, {"i": 0}), ({"s": [3]}, {"i": 1})))
    if ds.measurement_id.dims == ("s",):
        assert ds.coma.sel(s=[1, 2]).i.values.tolist() == [0]
    ds = xr.Dataset({"i": ("d", [0, 1])}, {"d": np.array(["2026-01-01T12", "2026-01-02"], "M8[ns]")})
    assert ds.coma.sel(d="2026-01-01").i == 0


class Model(enum.Enum):
    ISING = "Ising"
    PAIR = (1, 2)


def test_sel_takes_members_of_an_enum():
    trees = measured(*[({"model": m, "b": b}, {"y": b}) for m in Model for b in (1, 2)])
    ds = build_dataset(trees, definition=[("model", "parameters/model"), ("b", "parameters/b")])
    assert ds.coma.sel(model=Model.ISING, b=2).measurement_id.item() == 2
    assert ds.coma.sel(model=[Model.PAIR], b=2).measurement_id.values.tolist() == [4]


def test_sel_takes_ranges_of_dates_and_says_which_there_are():
    days = [dt.datetime.fromisoformat(f"2020-0{month}-01T12:00") for month in (1, 2, 3)]
    trees = measured(*[({"d": day, "b": b}, {"y": b}) for day in days for b in (1, 2)])
    ds = build_dataset(trees, definition=[("d", "parameters/d"), ("b", "parameters/b")])
    assert ds.coma.sel(d=slice("2020-01-15", "2020-03")).sizes == {"d": 2, "b": 2}
    assert ds.coma.sel(d=slice(None, "2020-02-01")).sizes == {"d": 2, "b": 2}
    # A date is its midnight, as in conditions.
    assert ds.coma.sel(d=slice(None, dt.date(2020, 2, 1))).sizes == {"d": 1, "b": 2}
    assert ds.coma.sel(d=slice(days[1], None)).sizes == {"d": 2, "b": 2}
    for nowhere in ("soon", 3, "2021"):
        with pytest.raises(PathError, match="Available: 2020-01-01T12"):
            ds.coma.sel(d=nowhere)
    with pytest.raises(ConditionError, match=r"d has no range 'soon' \.\.\. None"):
        ds.coma.sel(d=slice("soon", None))


def test_sel_takes_ranges_of_durations():
    steps = [dt.timedelta(seconds=s) for s in (1, 2, 3)]
    ds = build_dataset(measured(*[({"s": s}, {"y": 1}) for s in steps]), definition=[("s", "parameters/s")])
    assert ds.coma.sel(s=slice(steps[1], None)).sizes == {"s": 2}
    with pytest.raises(PathError, match="Available: 0:00:01, 0:00:02, 0:00:03"):
        ds.coma.sel(s=dt.timedelta(seconds=9))


def test_ranges_leave_none_out_and_say_what_has_no_order():
    ds = build_dataset(
        measured(*[({"a": a}, {"y": 1}) for a in ("x", None, "y", "z")]), definition=[("a", "parameters/a")]
    )
    assert ds.coma.sel(a=slice("y", None)).a.values.tolist() == ["y", "z"]
    with pytest.raises(ConditionError, match="a has no range 0 ... 2"):
        ds.coma.sel(a=slice(0, 2))


def test_zero_is_found_among_numbers_that_are_almost_zero():
    ds = xr.Dataset({"i": ("x", range(21))}, {"x": np.linspace(-1, 1, 21) + 1e-17})
    assert ds.coma.sel(x=0).i == 10


# where and missing


def test_where_drops_labels_and_empties_cells(chain):
    part = chain.coma.where((P.mu > 150) | (P.model == "Bond"), drop=True)
    assert dict(part.measurement_id.sizes) == {"model": 2, "mu": 2, "N": 2}
    assert part.measurement_id.sel(model="Ising", mu=100).values.tolist() == [0, 0]
    assert np.isnan(part.results_N.sel(model="Ising", mu=100)).all()
    assert part.on.sel(model="Ising", mu=250).values.tolist() == [True, True]
    assert part.results_N.attrs["type"] == "int"
    assert chain.coma.where("mu > 150", drop=True).mu.values.tolist() == [250]
    assert chain.coma.where(P["results/N"] == 2, drop=True).N.values.tolist() == [2]


def test_where_keeps_types_where_no_hole_is_made(ds):
    trees = measured(*[({"a": a, "b": b}, {"n": a}) for a in (1, 2) for b in (1, 2)])
    part = build_dataset(trees).coma.where(P.a == 2, drop=True)
    assert part.n.dtype == np.int64


def test_where_keeps_the_shape(chain):
    part = chain.coma.where(P.mu > 150)
    assert part.sizes == chain.sizes
    assert (part.measurement_id > 0).sum() == 2


def test_where_on_lists_empties_items(chain):
    part = chain.coma.where("E > 3", drop=True)
    assert part.N.values.tolist() == [2]
    assert np.unique(part.E.values[~np.isnan(part.E.values)]).tolist() == [4]


def test_where_explains_what_it_cannot_do(chain):
    with pytest.raises(TypeError, match="with P or as text"):
        chain.coma.where(lambda p: p.mu > 1)
    with pytest.raises(PathError, match="no 'muu'"):
        chain.coma.where("muu > 1")


def test_holes_lists_the_cells_without_values():
    status = Status(["parameters/a", "parameters/b"], [[1, "x"], [1, "y"], [2, "x"]])
    definition = [("a", "parameters/a"), ("b", "parameters/b")]
    ds = build_dataset(measured(({"a": 1, "b": "x"}, {"E": 1})), definition=definition, status=status)
    assert ds.coma.holes().to_dict("list") == {
        "a": [1, 2],
        "b": ["y", "x"],
        "status": ["missing", "missing"],
    }
    assert ds.coma.holes(not_asked=True).status.tolist() == ["missing", "missing", "not_asked"]
    assert ds.isel(a=0, b=0).coma.holes().empty
    for method in (
        ds.drop_vars("measurement_status").coma.holes,
        ds.drop_vars("measurement_status").coma.missing,
    ):
        with pytest.raises(PathError, match="has no 'measurement_status'"):
            method()


@pytest.mark.filterwarnings("ignore::coma_xr.ComaWarning")
def test_what_a_dataset_and_its_experiment_call_missing_is_the_same_scan(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    scan = coma.grid({"parameters/model/N": [1, 2, 3], "b": ["x", "y"], "L": 2.0})
    e.run(lambda N, b, L: {"y": N // (N - 2)}, scan, repeats=2, limit=9, progress=False)
    missing = e.to_dataset().coma.missing()
    assert isinstance(missing, coma.Scan)
    assert {tuple(p.values()) for p in missing} == {tuple(p.values()) for p in e.missing()}
    assert e.run(lambda N, b, L: {"y": N}, missing, repeats=2, progress=False).asked == 2 * len(missing)
    assert len(e.to_dataset().coma.missing()) == len(e.missing()) == 0
    assert len(e) == 12


def test_export_and_plot_are_those_of_the_package(ds, tmp_path):
    path = ds.coma.export(tmp_path / "pendulum.nc")
    assert path.is_file()
    figure = ds.coma.plot("theta", "t", hue="theta_0")
    assert figure.axes


def test_it_survives_what_xarray_does(ds):
    assert xr.concat([ds, ds], "copy").coma["results/t"].dims == ("copy", "theta_0", "theta_index")
    assert ds.mean("theta_index").coma["t"].dims == ("theta_0",)
    assert repr(ds.coma) == "<coma accessor of a Dataset with t, t_>"


# The order of imports

SHOW = "import xarray, coma_xr; print(xarray.Dataset({'y': ('x', [1, 2])}).coma['y'].sum().item())"


@pytest.mark.parametrize(
    "code",
    [
        "from coma_xr.plugins.hook import install; install(); {show}",
        "import xarray; from coma_xr.plugins.hook import install; install(); {show}",
        "from coma_xr.plugins.hook import install; install(); install(); from xarray import Dataset; {show}",
        (
            "from coma_xr.plugins.hook import install; install(); import importlib, xarray; {show}; "
            "assert type(xarray.__spec__.loader).__name__ == 'SourceFileLoader'; "
            "assert not any('coma' in type(f).__module__ for f in __import__('sys').meta_path)"
        ),
    ],
)
@pytest.mark.ci
def test_the_accessor_is_there_in_whatever_order(code):
    command = [sys.executable, "-W", "error", "-c", code.format(show=SHOW)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("3", "")


@pytest.mark.parametrize("first", ["import xarray", ""], ids=["xarray first", "xarray last"])
@pytest.mark.ci
def test_the_package_can_be_imported_again(first):
    "As autoreload and coverage do; nothing is registered twice, so that nothing warns."
    code = f"""
{first}
import coma_xr, sys, warnings
warnings.simplefilter("error")
for name in [name for name in sys.modules if name.partition(".")[0] == "coma_xr"]:
    del sys.modules[name]
import coma_xr, xarray
assert repr(xarray.Dataset().coma).startswith("<coma")
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_hook_loads_nothing_by_itself():
    code = (
        "import sys; from coma_xr.plugins.hook import install; install(); "
        "print(sorted({'xarray', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_python_without_xarray_is_none_of_our_business():
    code = (
        "import sys; from coma_xr.plugins.hook import install; install(); sys.path[:] = []; "
        "sys.path_importer_cache.clear()\ntry:\n    import xarray\nexcept ModuleNotFoundError as e:\n    print(e)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "No module named 'xarray'"


def double(x):
    return 2 * x


def half(x):
    return x / 2


def test_functions_select_as_their_labels_do(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda f, x: {"y": f(x)}, coma.grid(f=[double, half], x=[1, 2]), progress=False)
    ds = e.to_dataset()
    assert ds.coma.sel(f=double)["y"].values.tolist() == [2, 4]
    assert ds.coma.sel(f=[half]).sizes["f"] == 1
    assert e.to_dataset(where=coma.P.f == half)["y"].values.ravel().tolist() == [0.5, 1]
    assert len(list(e.measurements(coma.P.f.isin([double])))) == 2
    with pytest.raises(coma.PathError, match="Nothing has f = 'math:sin'"):
        ds.coma.sel(f=math.sin)


@pytest.mark.parametrize("factor", [0, 0.5, -0.9])
def test_near_zero_a_label_is_meant_that_is_zero_except_for_rounding_errors(factor):
    labels = np.array([-0.1, 1e-17, 0.1])
    assert matches("x", labels, factor * 1e-13).tolist() == [False, True, False]
    with pytest.raises(PathError, match="Nothing has x = "):
        matches("x", labels, 2e-13)
    assert matches("x", np.arange(-5, 5, 1e-3), 0.0).sum() == 1


@pytest.mark.parametrize("labels", [[1e-8, 1e-2, 1], [1, 1e7], np.logspace(-15, 0, 16)])
def test_small_labels_next_to_large_ones_are_not_near_zero(labels):
    with pytest.raises(PathError, match="Nothing has x = "):
        matches("x", np.array(labels, dtype=float), 1.5 * labels[0])


@pytest.mark.parametrize("label", [0.1, 1.0, 1e6])
@pytest.mark.parametrize("tolerance", [None, 1e-9])
def test_away_from_zero_only_the_tolerance_counts(label, tolerance):
    ds = xr.Dataset({"y": ("T", [1, 2])}, {"T": [label, 5e6]})
    assert ds.coma.sel(T=label * (1 + 9e-10), tolerance=tolerance).y == 1
    with pytest.raises(PathError, match="The nearest is"):
        ds.coma.sel(T=label * (1 + 2e-9), tolerance=tolerance)


def test_a_given_tolerance_is_never_widened():
    for labels, wanted in ((np.array([-0.1, 0.0, 0.1]), 1e-14), (np.array([0.1], dtype="f4"), 0.1)):
        ds = xr.Dataset(coords={"x": labels})
        assert ds.coma.sel(x=wanted).x.size == 1
        with pytest.raises(PathError):
            ds.coma.sel(x=wanted, tolerance=1e-9)


@pytest.mark.parametrize("tolerance", [-1, "x", float("nan"), float("inf"), True])
def test_a_tolerance_that_is_no_number_from_0_up_is_refused(tolerance):
    with pytest.raises(ParameterError):
        xr.Dataset(coords={"x": [1.0]}).coma.sel(x=1, tolerance=tolerance)
    assert xr.Dataset(coords={"x": [1.0]}).coma.sel(x=1.05, tolerance=np.float32(0.1)).x == 1


@pytest.mark.parametrize(
    "condition",
    ["E == [2, 4]", "E != [2, 4]", "E in [[2, 4]]", "N > 1 and not E == [2, 4]", P.E == [2, 4]],
)
def test_where_refuses_whole_lists_for_lists_that_are_dims(chain, condition):
    with pytest.raises(ConditionError):
        chain.coma.where(condition)
    assert chain.coma.where("`results/E/0` == 2", drop=True).N == 2
    assert chain.coma.where("E in [2, 4]", drop=True).E.notnull().sum() == 9
    with pytest.warns(ComaWarning, match="isin"):
        chain.coma.where("N == [1, 2]")


def test_where_compares_lists_that_are_whole_in_their_cells():
    ds = build_dataset(measured(({"a": 1}, {"E": [2, 4]}), ({"a": 2}, {"E": [3]})), unfold={"E": None})
    assert ds.coma.where("E == [2, 4]", drop=True).a.values.tolist() == [1]


@pytest.mark.parametrize("wanted", [np.array(0.5), xr.DataArray(0.5), np.ma.masked_array(0.5)])
def test_an_array_without_dims_selects_like_its_number(wanted):
    ds = xr.Dataset({"y": ("x", [1, 2])}, {"x": [0.5, 1.5]})
    assert not ds.coma.sel(x=wanted).y.dims
    assert ds.coma.sel(x=[wanted]).y.dims == ("x",)


def test_sel_refuses_a_step_of_a_slice():
    ds = xr.Dataset({"y": ("x", [1, 2])}, {"x": [0.5, 1.5]})
    for given in (slice(None, None, 2), [slice(0, 1, 2)]):
        with pytest.raises(ParameterError, match="got a slice with the step 2"):
            ds.coma.sel(x=given)


def test_times_with_and_without_a_zone_are_told_apart_in_messages(tmp_path):
    berlin = dt.timezone(dt.timedelta(hours=1))
    e = coma.Experiment(tmp_path / "e")
    moments = [dt.datetime(2024, month, 1, tzinfo=berlin) for month in (1, 2)]
    e.run(
        lambda d, n: {"y": 1},
        coma.zipped(d=moments, n=[m.replace(tzinfo=None) for m in moments]),
        progress=False,
    )
    ds = e.to_dataset()
    with_zone = "a time with a time zone, such as '2026-01-31T12:00"
    for naive in (
        "2024-02",
        dt.date(2024, 2, 1),
        moments[1].replace(tzinfo=None),
        np.datetime64("2024-02-01"),
    ):
        with pytest.raises(PathError, match=with_zone):
            ds.coma.sel(d=naive)
        with pytest.raises(ConditionError, match="only one of these times has a time zone") as error:
            ds.coma.sel(d=slice(naive, None))
        assert with_zone in str(error.value)
        for where in (P.d == naive, P.d.isin([naive])):
            with pytest.warns(coma.ComaWarning, match=f"Expected {with_zone}"):
                assert not list(e.measurements(where))
        for order in (P.d > naive, naive < P.d):
            with pytest.raises(ConditionError, match="two times with a time zone, .* or two without one"):
                list(e.measurements(order))
    with pytest.raises(PathError, match="Expected a time without a time zone"):
        ds.coma.sel(n=moments[1])
    with pytest.warns(coma.ComaWarning, match="Expected a time without a time zone"):
        assert e.to_dataframe(where="n == '2024-02-01T00:00+01:00'").empty
    assert ds.coma.sel(d="2024-02-01T00:00+01:00").measurement_id == 2
