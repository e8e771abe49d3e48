"""Every kind of value, in every kind of scan, in both layouts: each value is at its labels, and nothing else is."""

from __future__ import annotations

import datetime as dt
import itertools
import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from coma_xr.errors import ComaWarning
from coma_xr.exports.formats import export, load
from coma_xr.retrieve.dataframe import build_dataframe
from coma_xr.retrieve.dataset import build_dataset
from coma_xr.retrieve.dims import DONE
from coma_xr.same import key
from coma_xr.values.plain import to_plain
from tests.output.kinds import SUFFIXES, check, zarr_ends
from tests.retrieve.builders import measured

pytestmark = pytest.mark.ci

__all__ = ["zarr_ends"]

# Each makes the value of a measurement of its number; the dtypes are those without and with holes.
KINDS = {
    "int": (lambda n: n, "int64", "float64"),
    "large int": (lambda n: 2**60 + n, "int64", "object"),
    "huge int": (lambda n: 2**70 + n, "object", "object"),
    "float": (lambda n: n + 0.5, "float64", "float64"),
    "NaN": (lambda n: float("nan") if n % 2 else 1.5, "float64", "float64"),
    "complex": (lambda n: n + 2j, "complex128", "complex128"),
    "bool": (lambda n: n % 2 == 0, "bool", "object"),
    "text": (lambda n: f"text {n}", "<U", "object"),
    "None": (lambda n: None, "object", "object"),
    "number or None": (lambda n: None if n % 2 else n, "float64", "float64"),
    "text or None": (lambda n: None if n % 2 else f"{n}", "object", "object"),
    "mixed": (lambda n: f"{n}" if n % 2 else n, "object", "object"),
    "date": (lambda n: dt.datetime(2026, 1, 1 + n), "datetime64[ns]", "datetime64[ns]"),  # noqa: DTZ001
    "date in a zone": (lambda n: dt.datetime(2026, 1, 1 + n, tzinfo=dt.UTC), "object", "object"),
    "tuple": (lambda n: (n, 2 * n), "int64", "float64"),
    "duration": (lambda n: dt.timedelta(n), "timedelta64[ns]", "timedelta64[ns]"),
    "bytes": (lambda n: bytes([n]), "object", "object"),
    "single": (lambda n: np.float32(n), "float32", "float32"),
    "list": (lambda n: [n, 2 * n], "int64", "float64"),
    "ragged list": (lambda n: [n] * (1 + n % 3), "float64", "float64"),
    "nested list": (lambda n: [[n, 1], [2, 3]], "int64", "float64"),
    "empty list": (lambda n: [], "float64", "float64"),
    "list of text": (lambda n: ["a", f"{n}"], "<U", "object"),
    "array": (lambda n: np.full((2, 3), n), "int64", "float64"),
    "ragged array": (lambda n: np.full(1 + n % 2, n + 0.5), "float64", "float64"),
    "DataArray": (lambda n: xr.DataArray([n, n + 1], {"x": [0.0, 1.0]}, ["x"]), "int64", "float64"),
    "a list or a number": (lambda n: [n] if n % 2 else n, "object", "object"),
    "dict": (lambda n: {"in": n}, "int64", "float64"),
}

SCANS = {
    "full grid": [(a, b, 0) for a in (1, 2) for b in ("x", "y", "z")],
    "holes": [(1, "x", 0), (1, "y", 0), (2, "x", 0), (3, "z", 0), (3, "x", 0)],
    "repeats": [(a, b, r) for a in (1, 2) for b in ("x", "y") for r in (0, 1)],
    "points": [(1, "x", 0), (2, "y", 0), (3, "z", 0), (4, "w", 0)],
}
LAYOUTS = ["grid", "points"]
DEFINITION = [("a", "parameters/a"), ("b", "parameters/b")]


def trees_of(scan, make):
    trees = measured(*[({"a": a, "b": b}, {"v": make(n)}) for n, (a, b, _) in enumerate(scan)])
    for (_, tree), (_, _, repeat) in zip(trees, scan, strict=True):
        tree["info"]["repeat"] = repeat
    return trees


def cell_of(ds, scan, number):
    a, b, repeat = scan[number]
    if "measurement" in ds.dims:
        return ds.isel(measurement=number)
    where = {"a": ds.a.values.tolist().index(a), "b": ds.b.values.tolist().index(b)}
    if "repeat" in ds.dims:
        where["repeat"] = ds.repeat.values.tolist().index(repeat)
    return ds.isel(where)


def same(found, value):
    """Whether what a Dataset has is what was stored; None among numbers is NaN there, among dates NaT."""
    if isinstance(found, np.ndarray) and found.ndim == 0:
        found = found[()]
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return found == np.datetime64(value)
    if isinstance(value, dt.timedelta):
        return found == np.timedelta64(value)
    if value is None and found is not None:
        return bool(np.isnan(found))
    if isinstance(value, (int, float, complex, str, bytes, np.float32)) or value is None:
        plain = found.item() if isinstance(found, np.generic) else found
        return plain == value or (is_nan(plain) and is_nan(value))
    return key([to_plain(found)]) == key([to_plain(value)])


def is_nan(value):
    return value != value  # noqa: PLR0124


def nothing(values):
    return all(item is None or is_nan(item) for item in np.asarray(values, dtype=object).ravel())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_value_is_at_its_labels_and_holes_are_empty(kind, scan, layout):
    make, full, holed = KINDS[kind]
    points = SCANS[scan]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ComaWarning)
        ds = build_dataset(trees_of(points, make), definition=DEFINITION, layout=layout)
    name = "in" if kind == "dict" else "v"
    has_holes = layout == "grid" and scan in ("holes", "points")
    assert str(ds[name].dtype).startswith(holed if has_holes else full)
    assert ("repeat" in ds.coords) == (scan == "repeats")
    if layout == "points":
        assert ds.measurement_id.dims == ds.a.dims == ("measurement",)
        assert not nothing(ds.a)
    for number in range(len(points)):
        check_cell(cell_of(ds, points, number)[name], make(number), kind)
    empty = ds.measurement_status.values != DONE
    assert empty.sum() == ds.measurement_id.size - len(points)
    assert nothing(ds[name].values[empty])


def dataset_of(kind, scan, layout):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ComaWarning)
        return build_dataset(trees_of(SCANS[scan], KINDS[kind][0]), definition=DEFINITION, layout=layout)


def table_of(kind, scan):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ComaWarning)
        return build_dataframe(trees_of(SCANS[scan], KINDS[kind][0]), definition=DEFINITION)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_cell_of_the_matrix_comes_back_from_every_format(kind, suffix, tmp_path, report_line):
    made = {f"{scan}, {layout}": dataset_of(kind, scan, layout) for scan in SCANS for layout in LAYOUTS}
    made |= {f"{scan}, table": table_of(kind, scan) for scan in SCANS}
    for number, (cell, data) in enumerate(made.items()):
        path = export(data, tmp_path / f"{number}{suffix}")
        try:
            check(load(path), data)
        except AssertionError as error:
            error.add_note(f"This was {kind}, {cell}, in {path.name}.")
            raise
    if kind == next(iter(KINDS)):
        report_line(
            f"matrix of exports: {len(KINDS)} kinds x {len(made)} x {suffix}: {len(KINDS) * len(made)} cells"
        )


def check_cell(cell, value, kind):
    if kind == "dict":
        value = value["in"]
    if isinstance(value, xr.DataArray):
        value = value.values
    if isinstance(value, (list, tuple, np.ndarray)) and kind != "a list or a number":
        expected = np.asarray(value)
        inside = tuple(map(slice, expected.shape))
        assert same(cell.values[inside].tolist(), expected.tolist())
        rest = np.ones(cell.shape, dtype=bool)
        rest[inside] = False
        assert nothing(cell.values[rest])
    else:
        assert same(cell.values, value)


# Properties

SCALARS = st.one_of(
    st.integers(-3, 3), st.floats(width=16), st.text("ab", max_size=2), st.booleans(), st.none()
)
RESULTS = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=3), st.lists(st.lists(st.integers(), max_size=2), max_size=2)
)


@st.composite
def random_scans(draw):
    """Points with parameters of any kind, all of them different, with results of any kind."""
    axes = [draw(st.lists(SCALARS, min_size=1, max_size=3, unique_by=lambda v: key([v]))) for _ in "ab"]
    grid = list(itertools.product(*axes))
    chosen = draw(st.lists(st.sampled_from(range(len(grid))), min_size=1, unique=True))
    return [({"a": grid[i][0], "b": grid[i][1]}, {"v": draw(RESULTS)}) for i in chosen]


def built(trees, layout):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ComaWarning)
        return build_dataset(trees, definition=DEFINITION, layout=layout, unfold={"v": None})


def label(ds, name, value):
    (place,) = [i for i, found in enumerate(ds[name].values.tolist()) if key([found]) == key([value])]
    return place


@settings(deadline=None)
@given(random_scans(), st.sampled_from(["grid", "points"]), st.randoms(use_true_random=False))
def test_what_was_written_is_found_at_its_labels_whatever_the_order_of_files(sets, layout, random):
    trees = measured(*sets)
    ds = built(trees, layout)
    shuffled = built(random.sample(trees, len(trees)), layout)
    xr.testing.assert_identical(shuffled.drop_vars("v"), ds.drop_vars("v"))
    for number, (parameters, results) in enumerate(sets):
        if layout == "grid":
            cell = ds.isel({name: label(ds, name, value) for name, value in parameters.items()})
        else:
            cell = ds.isel(measurement=number)
        assert cell.measurement_id == number + 1
        assert same(cell.v.values, results["v"])
    assert (ds.measurement_status == DONE).sum() == len(sets)
    assert nothing(ds.v.values[ds.measurement_status.values != DONE])
