"""Values of all kinds as labels: `sel` and conditions find each of them, from the Dataset and from its exports."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import uuid

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr import P
from coma_xr.define.conditions import parse
from coma_xr.testing import assert_same
from tests.output.kinds import zarr_ends

__all__ = ["zarr_ends"]


@dataclasses.dataclass
class Lattice:
    L: int
    boundary: tuple[str, ...] = ("open", "open")


Point = collections.namedtuple("Point", "x y")


class Model(enum.Enum):
    ISING = "ising"


RECORD = np.array([(1, 2.5)], dtype=[("n", "i4"), ("E", "f8")])
LABELS = [
    pathlib.Path("a/b"),
    pathlib.PureWindowsPath("c:/d"),
    b"\x00\xff",
    uuid.UUID(int=1),
    dt.time(1, 2, 3, 4),
    dt.time(1, tzinfo=dt.UTC),
    dt.timedelta.max,
    dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    np.timedelta64(1, "ns"),
    np.timedelta64(1, "M"),
    np.longdouble(2) / 3,
    np.complex64(1 + 2j),
    decimal.Decimal("0.1"),
    fractions.Fraction(1, 3),
    2**70,
    1.5,
    True,
    None,
    "1.5",
    Model.ISING,
    Lattice(8),
    Lattice(16),
    Point(1, 2),
    Point(1, 3),
    {"a/b": 1},
    {"a": {"b": 1}},
    {1, 2},
    frozenset({"a"}),
    range(3),
    [1, 2],
    (1, (2, 3)),
    pd.Period("2020-01", "M"),
    pd.Interval(0, 1),
    RECORD[0],
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    numbers = iter(range(len(LABELS)))
    e = coma.Experiment(tmp_path_factory.mktemp("labels") / "e")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(e.path.parent)
        assert e.run(lambda v: {"answer": next(numbers)}, {"v": LABELS}, progress=False).saved == len(LABELS)
    return e, e.to_dataset()


@pytest.mark.parametrize("number", range(len(LABELS)), ids=lambda number: type(LABELS[number]).__name__)
def test_every_door_finds_a_label(made, number):
    (e, ds), label = made, LABELS[number]
    assert ds.coma.sel(v=label).answer.item() == number
    for condition in (P.v == label, P.v.isin([label])):
        assert [m.results.answer for m in e.measurements(where=condition)] == [number]
        assert ds.coma.where(condition, drop=True).answer.values.tolist() == [number]
        assert parse(str(condition)) == condition
        assert [m.results.answer for m in e.measurements(where=str(condition))] == [number]
    assert sum(1 for m in e.measurements(where=P.v != label)) == len(LABELS) - 1


def test_running_again_and_merging_know_each_label(made, tmp_path):
    e, ds = made
    assert e.run(lambda v: {"answer": -1}, {"v": LABELS[::-1]}, progress=False, code="accept").saved == 0
    other = coma.Experiment(tmp_path / "other")
    assert len(other.merge(e)) == len(LABELS)
    assert other.merge(e) == {}
    assert_same(other.to_dataset().drop_attrs(deep=False), ds.drop_attrs(deep=False))


@pytest.mark.ci
@pytest.mark.parametrize("suffix", [".csv", ".json", ".nc", ".parquet", ".zarr"])
def test_an_export_finds_each_label(made, tmp_path, suffix):
    e, ds = made
    loaded = coma.load(coma.export(ds, tmp_path / f"x{suffix}"))
    assert [loaded.coma.sel(v=label).answer.item() for label in LABELS] == list(range(len(LABELS)))
    frame = e.to_dataframe()
    assert_same(coma.load(coma.export(frame, tmp_path / f"t{suffix}")), frame)


def test_tables_have_each_label(made):
    e, _ = made
    assert_same(coma.cases([{"v": label} for label in LABELS]).to_dataframe().v[17], None)
    removed = coma.Experiment(e.path.parent / "removed")
    removed.merge(e)
    removed.remove(where=P.v.isin([np.timedelta64(1, "M"), None]))
    assert removed.removed().v.tolist() == [np.timedelta64(1, "M"), None]
    assert coma.grid(v=[None, 1.5]).to_dataframe().v.tolist() == [None, 1.5]
    assert coma.grid(v=[np.timedelta64(1, "M")]).to_dataframe().v.tolist() == [np.timedelta64(1, "M")]


def test_items_with_fields_and_arrays_without_dims_are_labels_alone_too(tmp_path):
    for number, labels in enumerate(
        [[RECORD[0], np.zeros(1, RECORD.dtype)[0]], [np.array(1.5), np.array(2.5)]]
    ):
        e = coma.Experiment(tmp_path / f"e{number}")
        e.run(
            lambda v: {"y": float(np.asarray(v)["E"]) if v.dtype.names else float(v)},
            {"v": labels},
            progress=False,
        )
        assert e.to_dataframe().y.tolist() == e.to_dataset().y.values.tolist()
        assert e.to_dataset().coma.sel(v=labels[1]).y.item() == e.to_dataframe().y[2]
    arrays = coma.Experiment(tmp_path / "arrays")
    scan = coma.cases([{"v": RECORD}, {"v": np.zeros(1, RECORD.dtype)}])
    arrays.run(lambda v: {"y": v["n"][0]}, scan, progress=False)
    assert arrays.to_dataset().coma.sel(v=RECORD).y.item() == 1


def test_arrays_and_datasets_next_to_other_labels_are_found(tmp_path):
    labels = [
        "other",
        np.array([1, 2]),
        np.array([[1.5], [2.5]], ">f4"),
        xr.Dataset({"a": ("t", [1, 2])}),
        np.array([]),
    ]
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda v, n: {"y": n}, coma.cases([{"v": v, "n": n} for n, v in enumerate(labels)]), progress=False)
    ds = e.to_dataset(dims=["v"])
    assert [ds.coma.sel(v=label).y.item() for label in labels] == list(range(len(labels)))
    with pytest.raises(coma.PathError, match="Nothing has v = nan"):
        ds.coma.sel(v=np.ma.masked)


@pytest.mark.ci
@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (
            [np.datetime64("2026-01-02", "us"), np.datetime64("2026-01-01T12", "us")],
            "2026-01-01T12:00, 2026-01-02",
        ),
        ([dt.timedelta(1), dt.timedelta(hours=3)], "3:00:00, 1 day, 0:00:00"),
        ([np.timedelta64(1, "M"), np.timedelta64(2, "M")], "1 months, 2 months"),
        ([np.zeros(2), "text"], "array([0., 0.]), text"),
        ([pd.DataFrame({"a": [1]}), 1], "DataFrame or int"),
        ([decimal.Decimal("sNaN"), decimal.Decimal("NaN")], "sNaN"),
    ],
)
def test_a_report_shows_labels_that_are_times_or_have_no_order(labels, shown, tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda v: {"y": 1.0}, coma.cases([{"v": label} for label in labels]), progress=False)
    assert shown in e.report(tmp_path / "report.html").read_text("utf-8")
    coma.plot(e.to_dataset(), x="v", y="y") if isinstance(labels[0], decimal.Decimal) else None
