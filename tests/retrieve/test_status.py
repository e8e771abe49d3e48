"""Cells that say why they are empty."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coma_xr.errors import ComaWarning
from coma_xr.retrieve.dataset import build_dataset
from coma_xr.retrieve.dims import FLAGS, Status
from tests.retrieve.builders import measured

AB = [("a", "parameters/a"), ("b", "parameters/b")]
PATHS = [path for _, path in AB]
SETS = [[a, b] for a in (1, 2) for b in (1, 2, 3)]


def some(*points):
    return measured(*[({"a": a, "b": b}, {"E": 10 * a + b}) for a, b in points])


def failure(id, a, b, **said):
    return id, {"info": {"measurement_id": id}, "parameters": {"a": a, "b": b}, **said}


def states(ds):
    return np.array(FLAGS)[ds.measurement_status.values].tolist()


def test_the_flags_are_those_of_the_cf_conventions():
    ds = build_dataset(some((1, 1)), definition=AB)
    status = ds.measurement_status
    assert status.dtype == np.int8
    assert status.attrs["flag_values"].tolist() == list(range(7))
    assert status.attrs["flag_values"].dtype == np.int8
    assert status.attrs["flag_meanings"] == "not_asked missing done failed timeout died excluded"


def test_a_cell_without_a_measurement_was_not_asked_for_if_nothing_else_is_known():
    ds = build_dataset(some((1, 1), (1, 2), (2, 1)), definition=AB)
    assert states(ds) == [["done", "done"], ["done", "not_asked"]]


def test_sets_that_were_not_run_yet_have_cells_that_are_missing():
    ds = build_dataset(some((1, 1), (1, 2)), definition=AB, status=Status(PATHS, SETS))
    assert dict(ds.sizes) == {"a": 2, "b": 3}
    assert states(ds) == [["done", "done", "missing"], ["missing"] * 3]
    assert ds.measurement_id.values.tolist() == [[1, 2, 0], [0, 0, 0]]
    assert ds.E.dtype == np.float64


def test_when_all_is_done_ints_stay_ints():
    ds = build_dataset(some(*SETS), definition=AB, status=Status(PATHS, SETS))
    assert ds.E.dtype == np.int64
    assert set(np.unique(ds.measurement_status)) == {FLAGS.index("done")}


def test_failures_say_what_became_of_them():
    failures = [
        failure(7, 1, 3),
        failure(8, 2, 1, exception={"status": "timeout"}),
        failure(9, 2, 2, info={"status": "died"}),
        failure(10, 1, 1, status="failed"),
    ]
    ds = build_dataset(some((1, 1), (1, 2)), definition=AB, status=Status(PATHS, SETS, failures=failures))
    assert states(ds) == [["done", "done", "failed"], ["timeout", "died", "missing"]]


def test_a_thin_grid_tells_failures_from_measurements():
    diagonal = [(place, place) for place in range(4)]
    status = Status(failures=[failure(10, 4, 4, status="failed")])
    with pytest.warns(
        ComaWarning, match="20 % full: 4 measurements and 1 parameter set without one in 25 cells"
    ):
        build_dataset(some(*diagonal), definition=AB, status=status, layout="grid")


def test_failures_have_cells_without_a_scan_too():
    ds = build_dataset(some((1, 1)), definition=AB, status=Status(failures=[failure(2, 5, 1)]))
    assert states(ds) == [["done"], ["failed"]]
    assert ds.a.values.tolist() == [1, 5]


def test_nothing_but_failures_is_a_dataset_of_coords():
    ds = build_dataset([], definition=AB, status=Status(failures=[failure(2, 5, 1)]))
    assert not ds.data_vars
    assert states(ds) == [["failed"]]


def test_what_is_excluded_keeps_its_id_and_loses_its_values():
    def E(m):
        assert m.id != 2
        return m.results.E

    trees = some(*SETS)
    ds = build_dataset(
        trees, variables={"E": "results/E", "f": E}, definition=AB, status=Status(excluded={2: "odd"})
    )
    assert states(ds)[0] == ["done", "excluded", "done"]
    assert ds.measurement_id.sel(a=1, b=2) == 2
    assert math.isnan(ds.E.sel(a=1, b=2))
    assert math.isnan(ds.f.sel(a=1, b=2))


def test_a_computed_nan_is_done():
    ds = build_dataset(measured(({"a": 1}, {"E": math.nan})), definition=AB[:1])
    assert states(ds) == ["done"]


def test_sets_are_the_same_as_parameter_sets_are():
    trees = measured(({"a": 1.0, "b": True}, {}), ({"a": math.nan, "b": None}, {}))
    sets = [[1, True], [math.nan, None], [1, 1]]
    ds = build_dataset(trees, definition=AB, status=Status(PATHS, sets))
    assert sorted(np.array(FLAGS)[ds.measurement_status.values].ravel().tolist()).count("missing") == 1


def test_sets_in_another_order_of_parameters_are_understood_and_of_others_ignored():
    sets = [[b, a] for a, b in SETS]
    ds = build_dataset(some((1, 1)), definition=AB, status=Status(PATHS[::-1], sets))
    assert dict(ds.sizes) == {"a": 2, "b": 3}
    ds = build_dataset(some((1, 1)), definition=AB, status=Status(["parameters/c"], [[1], [2]]))
    assert dict(ds.sizes) == {"a": 1, "b": 1}


def test_recorded_constants_stay_scalars_beside_missing_sets():
    trees = measured(({"a": 1, "b": 1, "L": 1.0}, {}))
    ds = build_dataset(trees, definition=AB, status=Status(PATHS, SETS))
    assert ds.L.dims == ()


def test_missing_sets_are_in_points_and_rows_too():
    status = Status(PATHS, SETS, failures=[failure(5, 2, 2)])
    ds = build_dataset(some((1, 1), (1, 2)), definition=AB, status=status, layout="points")
    assert states(ds) == ["done", "done", "failed", "missing", "missing", "missing"]
    assert ds.a.values.tolist() == [1, 1, 2, 1, 2, 2]
    ds = build_dataset(some((1, 1), (1, 2)), definition=AB, status=status, dims=["a"])
    assert states(ds) == [["done", "done", "missing"], ["missing", "failed", "missing"]]
    assert ds.b.values.tolist() == [1, 2, 3]


def test_missing_sets_are_left_out_where_dims_are_no_parameters():
    ds = build_dataset(some((1, 1), (1, 2)), definition=AB, status=Status(PATHS, SETS), dims=["E"])
    assert dict(ds.sizes) == {"E": 2}


# Repeats


def repeated(*points):
    trees = some(*[(a, b) for a, b, _ in points])
    for (_, tree), (_, _, repeat) in zip(trees, points, strict=True):
        if repeat is not None:
            tree["info"]["repeat"] = repeat
    return trees


def test_repeats_are_a_dim_with_their_numbers():
    ds = build_dataset(repeated(*[(a, b, r) for a, b in SETS for r in (0, 1)]), definition=AB)
    assert dict(ds.sizes) == {"a": 2, "b": 3, "repeat": 2}
    assert ds.repeat.values.tolist() == [0, 1]
    assert ds.E.sel(a=2, b=3, repeat=1) == 23
    assert ds.E.mean("repeat").sel(a=1, b=1) == 11


def test_one_repeat_is_no_dim_and_one_without_a_number_is_the_first():
    assert "repeat" not in build_dataset(repeated((1, 1, 0), (2, 1, 0)), definition=AB).dims
    ds = build_dataset(repeated((1, 1, None), (1, 1, 1)), definition=AB)
    assert ds.measurement_id.sel(a=1, b=1).values.tolist() == [1, 2]


def test_repeats_that_lack_are_missing():
    trees = repeated((1, 1, 0), (1, 1, 1), (1, 2, 0))
    ds = build_dataset(trees, definition=AB, status=Status(PATHS, [[1, 1], [1, 2]], repeats=3))
    assert states(ds) == [[["done", "done", "missing"], ["done", "missing", "missing"]]]


def test_given_dims_keep_repeats_apart_from_rows():
    trees = repeated(*[(a, b, r) for a, b in SETS for r in (0, 1)])
    assert dict(build_dataset(trees, definition=AB, dims=["a"]).E.sizes) == {"a": 2, "repeat": 2, "row": 3}
    assert dict(build_dataset(trees, definition=AB, dims=["repeat", "a", "b"]).sizes) == {
        "repeat": 2,
        "a": 2,
        "b": 3,
    }


def test_points_have_repeats_as_a_coord():
    ds = build_dataset(repeated((1, 1, 0), (1, 1, 1)), definition=AB, layout="points")
    assert ds.repeat.dims == ("measurement",)
    assert ds.repeat.values.tolist() == [0, 1]


@pytest.mark.filterwarnings("ignore:The measurements have a value called 'repeat'")
def test_a_parameter_called_repeat_wins():
    trees = measured(({"repeat": 5}, {}), ({"repeat": 5}, {}))
    for number, (_, tree) in enumerate(trees):
        tree["info"]["repeat"] = number
    ds = build_dataset(trees, definition=[("repeat", "parameters/repeat")])
    assert dict(ds.sizes) == {"repeat": 1, "coma_repeat": 2}
