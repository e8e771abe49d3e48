"""Arrays in files beside their measurements: exact, read when they are used, carried along, and named when lost."""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
import h5py
import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import coma_xr as coma
from coma_xr import files
from coma_xr.exports import external as reading
from coma_xr.exports.collector import Collector
from coma_xr.exports.netcdf import opened
from coma_xr.values.external import located

X = np.linspace(0, 1, 5)


def wave(k):
    return {
        "norm": 1.5,
        "psi": coma.external(np.exp(1j * k * X)),
        "field": coma.external(
            xr.DataArray(np.outer(X, [1, 2, k]), {"x": X, "m": list("abc")}, ["x", "m"], "f", {"units": "T"})
        ),
        "moments": coma.external(
            xr.Dataset({"u": ("x", X * k), "v": ("x", X + k)}, {"x": X}, {"note": "by hand"})
        ),
    }


@pytest.fixture
def e(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    e.run(wave, {"k": [1.0, 2.0, 3.0]})
    return e


def names(path):
    return sorted(
        file.name for file in path.iterdir() if file.suffix in {".nc", ".json"} and "none" not in file.name
    )


def test_each_array_is_a_file_beside_the_measurement_and_the_tree_keeps_a_reference(e, tmp_path):
    assert [name for name in names(tmp_path / "e") if name.startswith("measurement.000002")] == [
        "measurement.000002.field.nc",
        "measurement.000002.json",
        "measurement.000002.moments.nc",
        "measurement.000002.psi.nc",
    ]
    tree = json.loads((tmp_path / "e/measurement.000002.json").read_text())["measurement"]
    assert tree["info"]["external"] == ["psi.nc", "field.nc", "moments.nc"]
    psi = tree["results"]["psi"]
    assert psi["__type__"] == "coma.external"
    assert (psi["type"], psi["shape"], psi["dtype"]) == ("numpy.ndarray", [5], "<c16")
    assert psi["size"] == (tmp_path / "e/measurement.000002.psi.nc").stat().st_size
    # For programs that know nothing of coma_xr.
    with xr.open_dataset(tmp_path / "e/measurement.000002.moments.nc") as ds:
        np.testing.assert_array_equal(ds.u, X * 2)


def test_values_come_back_as_they_were(e):
    expected = wave(2.0)
    found = e.measurement(2).results
    assert type(found.psi) is np.ndarray
    np.testing.assert_array_equal(found.psi, expected["psi"].value)
    assert found.field.identical(expected["field"].value)
    assert found.moments.identical(expected["moments"].value)
    assert found.moments.variables["u"].dtype == float
    assert e.measurement(2).tree["results"]["field"].identical(expected["field"].value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    array=hnp.arrays(
        dtype=st.one_of(
            hnp.boolean_dtypes(),
            hnp.integer_dtypes(),
            hnp.unsigned_integer_dtypes(),
            hnp.floating_dtypes(sizes=(16, 32, 64)),
            hnp.complex_number_dtypes(sizes=(64, 128)),
            hnp.datetime64_dtypes(min_period="ns", max_period="s", endianness="<"),
            hnp.unicode_string_dtypes(endianness="<", max_len=3),
        ),
        shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    )
)
def test_arrays_of_every_dtype_keep_dtype_shape_and_values(array):
    collector = Collector()
    tree = collector(array, ("results", "a"))
    (content,) = collector.files.values()
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "m.a.nc").write_bytes(content)
        value = coma.Measurement(1, located({"results": {"a": tree}}, f"{directory}/m")).results.a
    assert (type(value), value.dtype, value.shape) == (np.ndarray, array.dtype, array.shape)
    np.testing.assert_array_equal(value, array)


def test_a_dataset_reads_only_the_files_that_are_looked_at(e, monkeypatch):
    read = []
    check = reading.check
    monkeypatch.setattr(reading, "check", lambda reference: read.append(reference.file) or check(reference))
    ds = e.to_dataset()
    assert ds.psi.dims == ("k", "psi_index")
    assert (ds.field.dims, ds.u.dims) == (("k", "x", "m"), ("k", "x"))
    assert ds.field.attrs["units"] == "T"
    assert read == []
    np.testing.assert_array_equal(ds.psi.sel(k=2.0), np.exp(2j * X))
    assert read == ["psi.nc"]
    np.testing.assert_array_equal(ds.u.isel(k=[0, 2], x=1), [X[1], X[1] * 3])
    assert len(read) == 3
    assert float(ds.field.sel(k=3.0, m="c", x=1.0)) == 3.0


@pytest.mark.parametrize(
    "key",
    [
        {"k": 1},
        {"k": slice(None, None, -1)},
        {"k": [2, 0], "x": [3, 1, 1]},
        {"x": slice(1, 4, 2), "m": 0},
        {"k": xr.DataArray([0, 1], dims="p"), "x": xr.DataArray([4, 2], dims="p")},
        {"k": -1, "x": -1, "m": -1},
        {"m": []},
    ],
    ids=str,
)
@pytest.mark.ci
def test_any_part_of_a_lazy_array_is_what_it_is_of_the_whole(e, key):
    lazy, whole = e.to_dataset().field, e.to_dataset().field.load()
    assert lazy.isel(key).identical(whole.isel(key))


def test_a_lazy_dataset_goes_through_pickle_dask_and_netcdf(e, tmp_path):
    ds = e.to_dataset()
    whole = e.to_dataset().load()
    assert pickle.loads(pickle.dumps(ds)).load().identical(whole)
    chunked = e.to_dataset(chunks={})
    assert chunked.psi.chunks == ((1, 1, 1), (5,))
    assert chunked.norm.chunks is None
    assert e.to_dataset(chunks={"k": 2}).psi.chunks == ((2, 1), (5,))
    with dask.config.set(scheduler="synchronous"):
        np.testing.assert_array_equal(chunked.psi.mean("k").compute(), whole.psi.mean("k"))
    assert xr.open_dataset(tmp_path / "e", chunks={}).psi.chunks is not None
    e.export(tmp_path / "e.nc")
    assert coma.load(tmp_path / "e.nc").identical(whole)


def test_holes_of_a_lazy_array_are_nan(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    e.run(
        lambda a, b: {"n": coma.external(np.array([a, 2**40 + b]))},
        coma.cases([{"a": 1, "b": 1}, {"a": 2, "b": 2}]),
    )
    ds = e.to_dataset(layout="grid")
    np.testing.assert_array_equal(ds.n.sel(a=1, b=1), [1, 2**40 + 1])
    assert np.isnan(ds.n.sel(a=1, b=2)).all()
    assert ds.n.attrs["type"] == "int"
    assert (e.to_dataset(layout="grid", fill=-1).n.sel(a=2, b=1) == -1).all()


def test_arrays_of_unequal_shapes_are_cells_that_load_on_access(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    e.run(lambda n: coma.external(np.arange(n)), {"n": [1, 2]})
    with pytest.warns(coma.ComaWarning, match="'result' has arrays of unequal shapes in files"):
        ds = e.to_dataset()
    cell = ds.result.item(1)
    assert isinstance(cell, xr.DataArray)
    np.testing.assert_array_equal(cell, [0, 1])
    frame = e.to_dataframe()
    np.testing.assert_array_equal(frame.loc[2, "result"], [0, 1])


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("suffix", ["json", "xml"])
@pytest.mark.ci
def test_they_come_from_workers_and_stand_in_xml(tmp_path, workers, suffix):
    e = coma.Experiment(tmp_path / "e", config={"archive_default_format": suffix})
    assert e.run(wave, {"k": [1.0, 2.0]}, max_workers=workers) == (2, 2)
    np.testing.assert_array_equal(e.to_dataset().psi, np.exp(1j * np.outer([1, 2], X)))


def test_deactivate_leaves_them_where_they_are(e, tmp_path):
    whole, files = e.to_dataset().load(), [n for n in names(tmp_path / "e") if n.endswith(".nc")]
    e.deactivate()
    assert [n for n in names(tmp_path / "e") if n.endswith(".nc")] == files
    assert coma.Experiment(tmp_path / "e", "r").to_dataset().load().identical(whole)
    assert e.verify() == []
    e.activate()
    assert e.to_dataset().load().identical(whole)
    assert e.verify() == []


@pytest.mark.parametrize("state", ["active", "inactive"])
def test_reset_deletes_those_of_measurements_and_nothing_else(e, tmp_path, state):
    own = tmp_path / "e/measurement.000001.mine.nc"
    own.write_bytes(b"not listed by any measurement")
    if state == "inactive":
        e.deactivate()
    e.reset()
    assert [n for n in names(tmp_path / "e") if n.endswith(".nc")] == [own.name]
    if state == "active":
        e.restore()
        assert np.isfinite(e.to_dataset()["psi"].values).all()
        e.reset(delete=True)
        assert [n for n in names(tmp_path / "e") if n.endswith(".nc")] == [own.name]


def test_remove_takes_them_along_and_they_can_be_put_back(e, tmp_path):
    whole = e.to_dataset().load()
    e.remove(where="k > 2.5")
    [removed] = (tmp_path / "e/removed").iterdir()
    assert names(removed) == [
        *(f"measurement.000003.{end}" for end in ("field.nc", "json", "moments.nc", "psi.nc")),
        "removed.json",
    ]
    assert e.verify() == []
    assert e.restore() == [3]
    assert e.to_dataset().load().identical(whole)


@pytest.mark.parametrize("state", ["active", "inactive"])
def test_merge_copies_them_under_the_new_ids(e, tmp_path, state):
    other = coma.Experiment(tmp_path / "other", config={})
    other.run(wave, {"k": [2.0, 5.0]})
    if state == "inactive":
        other.deactivate()
    # The files are written alike each time, so that equal measurements are known to be equal.
    assert e.merge(other) == {2: 4}
    np.testing.assert_array_equal(e.measurement(4).results.psi, np.exp(5j * X))
    assert (tmp_path / "e/measurement.000004.psi.nc").exists()
    assert e.verify() == []


def test_merge_says_what_is_missing_before_it_writes(e, tmp_path):
    other = coma.Experiment(tmp_path / "other", config={})
    other.run(wave, {"k": [4.0, 5.0]})
    (tmp_path / "other/measurement.000002.psi.nc").unlink()
    before = names(tmp_path / "e")
    with pytest.raises(
        coma.DataFileError, match=r"measurement\.000002\.psi\.nc: missing next to the measurements"
    ):
        e.merge(other)
    assert names(tmp_path / "e") == before


def test_a_missing_file_is_named_where_it_is_read_and_by_verify(e, tmp_path):
    ds = e.to_dataset()
    path = tmp_path / "e/measurement.000002.psi.nc"
    path.unlink()
    assert e.measurement(2).results.norm == 1.5
    with pytest.raises(
        coma.DataFileError, match=rf"Measurement 2, results/psi: {path}: the file is missing; .*\nCopy it"
    ):
        e.measurement(2).results.psi
    with pytest.raises(coma.DataFileError, match=rf"{path}: the file is missing"):
        ds.psi.load()
    np.testing.assert_array_equal(ds.psi.isel(k=0), np.exp(1j * X))
    assert [str(finding) for finding in e.verify()] == [
        "measurement.000002.psi.nc is missing; measurement 2 refers to it."
    ]
    with pytest.warns(
        coma.DataFileWarning,
        match=r"measurement\.000002\.psi\.nc: the file is missing.* 1 of 3 measurements have holes there\.$",
    ):
        ds = e.to_dataset()
    # The rest of the measurement is kept.
    assert ds.measurement_id.values.tolist() == [1, 2, 3]
    assert ds.norm.values.tolist() == [1.5, 1.5, 1.5]
    assert np.isnan(ds.psi.values[:, 0]).tolist() == [False, True, False]
    with pytest.warns(coma.DataFileWarning, match="holes there"):
        df = e.to_dataframe()
    assert df.norm.tolist() == [1.5, 1.5, 1.5]
    assert df.psi.isna().tolist() == [False, True, False]
    with pytest.raises(coma.DataFileError, match="the file is missing"):
        e.to_dataset(strict=True)


def test_a_changed_file_is_named_where_it_is_read_and_by_verify(e, tmp_path):
    ds = e.to_dataset()
    path = tmp_path / "e/measurement.000002.field.nc"
    shutil.copy(tmp_path / "e/measurement.000003.field.nc", path)
    with pytest.raises(coma.DataFileError, match=rf"{path}: not the file that was written .*SHA-256"):
        ds.field.load()
    field = e.measurement(2).results.field
    with pytest.raises(coma.DataFileError, match="not the file that was written"):
        field.load()
    assert [str(finding) for finding in e.verify()] == [
        "measurement.000002.field.nc is not as it was written with measurement 2 (SHA-256)."
    ]
    path.write_bytes(b"no netCDF at all")
    with pytest.raises(coma.DataFileError, match="not the file that was written"):
        e.measurement(2).results.field


def test_what_a_killed_run_leaves_is_found_and_put_aside(e, tmp_path):
    orphan = tmp_path / "e/measurement.000004.psi.nc"
    orphan.write_bytes(b"half a measurement")
    # Its name is not used again.
    e.run(wave, {"k": [4.0]})
    assert e.measurement(5).results.norm == 1.5
    assert "belongs to no measurement" in str(e.verify()[0])
    assert [finding.done for finding in e.verify(repair=True)] == [True]
    assert e.verify() == []
    [kept] = tmp_path.glob(f"e/removed/*/{orphan.name}")
    assert kept.read_bytes() == b"half a measurement"


@pytest.mark.parametrize("name", ["../../secret.nc", "/etc/secret.nc", "a/b.nc", "psi.txt", "", "\\a.nc"])
def test_a_file_cannot_lead_out_of_the_directory(e, tmp_path, name):
    file = tmp_path / "e/measurement.000002.json"
    file.write_text(file.read_text().replace('"psi.nc"', json.dumps(name)))
    with pytest.raises(
        coma.DataFileError,
        match=r"a stored coma\.external names the file '",
    ):
        e.measurement(2).results.psi


def test_a_path_that_a_file_names_itself_is_not_believed(e, tmp_path):
    file = tmp_path / "e/measurement.000002.json"
    tree = json.loads(file.read_text())
    tree["measurement"]["results"]["psi"]["path"] = str(tmp_path / "e/measurement.000001.psi.nc")
    del tree["measurement"]["info"]["external"]
    file.write_text(json.dumps(tree))
    assert type(e.measurement(2).results.psi).__name__ == "Reference"


def test_what_cannot_be_stored_is_said_at_once(tmp_path):
    with pytest.raises(
        coma.SerializationError,
        match=r"coma\.external\(\) cannot take a list\. Expected a NumPy array, a DataArray or a Dataset\.",
    ):
        coma.external([1, 2])
    with pytest.raises(coma.SerializationError, match="needs a measurement to put its file next to"):
        coma.grid(a=[coma.external(X)])
    e = coma.Experiment(tmp_path / "e", config={})
    with pytest.warns(coma.ComaWarning, match=r"results/s: .*cannot"):
        e.run(lambda a: {"s": coma.external(np.array([lambda: 0]))}, {"a": [1]})
    assert not [n for n in names(tmp_path / "e") if n.endswith(".nc")]


def test_text_beyond_ten_megabytes_gets_a_hint(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    with pytest.warns(coma.ComaWarning, match=r"has \d\d MB of text\. .*coma\.external\(array\)"):
        e.run(lambda a: "x" * 11_000_000, {"a": [1]})


@pytest.mark.leaves_files
@pytest.mark.ci
def test_a_process_that_dies_at_any_call_leaves_a_whole_measurement_or_none(deaths, quick_path, report_line):
    """With files beside it a measurement counts only when all of them are there."""
    path = quick_path / "e"

    def run():
        return coma.Experiment(path, config={}).run(small, {"a": [1]}, progress=False)

    def die(at, how):
        shutil.rmtree(path, ignore_errors=True)
        coma.Experiment(path, config={})
        return deaths.run(run, at, how)

    survived = 0
    # The first run writes what it finds out about the source into the cache, and no other does.
    die(0, "")
    for at, call in enumerate(die(0, "").log, 1):
        for how in ("before", "half", "after") if call == "write" else ("before", "after"):
            assert die(at, how).dead
            e = coma.Experiment(path, "r", config={})
            for m in e.measurements():
                np.testing.assert_array_equal(m.results.one, [1, 1])
                np.testing.assert_array_equal(m.results.two, [2.0])
            report = run()
            assert report.saved + report.skipped == 1
            e = coma.Experiment(path, config={})
            np.testing.assert_array_equal(
                e.measurement(e.to_dataset().measurement_id.item()).results.two, [2.0]
            )
            e.verify(repair=True)
            assert e.verify() == []
            survived += 1
    report_line(f"kill points of a measurement with files beside it (K): {survived} of {survived} survived")


def small(a):
    return {"one": coma.external(np.array([a, a])), "two": coma.external(np.array([2.0]))}


@pytest.mark.parametrize(
    "key", [".x", "-x", "__x", "dim_0", "zarr.json", "\N{GREEK SMALL LETTER PSI}", "a/b", "x" * 300]
)
@pytest.mark.parametrize("array", [X, np.array([["a", "b"], ["c", "d"]])], ids=["numbers", "text"])
def test_an_array_comes_back_from_below_any_key(tmp_path, key, array):
    e = coma.Experiment(tmp_path / "e", config={})
    e.run(lambda k: {key: coma.external(array)}, {"k": [1.0, 2.0]})
    np.testing.assert_array_equal(e.measurement(1).results.tree[key], array)
    np.testing.assert_array_equal(e.to_dataset()[key].isel(k=1), array)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (
            {"shape": [10**12]},
            r"a stored coma\.external has 1,000,000,000,000 values in a file of 8,272 bytes",
        ),
        (
            {"shape": [10**30]},
            r"a stored coma\.external has an impossible shape, size or SHA-256",
        ),
        ({"shape": [3]}, r"no array 'psi' of complex128, 3, is in it\."),
        ({"shape": [5, 1]}, r"no array 'psi' of complex128, 5 by 1, is in it\."),
        ({"dtype": "<i2"}, r"no array 'psi' of int16, 5, is in it\."),
        (
            {"dtype": "garbage"},
            r"a stored coma\.external has the dtype 'garbage': data type 'garbage' not understood\.",
        ),
        (
            {"dtype": "(1000000000,)f8"},
            r"a stored coma\.external has the dtype '\(1000000000,\)f8': invalid shape in fixed-type tuple: dtype size in bytes must fit into a C int\.",
        ),
        (
            {"dtype": None},
            r"a stored coma\.external of one array has no dtype or no variable\.",
        ),
        ({"variable": "phi"}, r"no array 'phi' of complex128, 5, is in it\."),
        (
            {"variable": None},
            r"a stored coma\.external of one array has no dtype or no variable\.",
        ),
        (
            {"size": 9000},
            r"not the file that was written with the measurement: it has 8272 bytes, expected 9000\.",
        ),
        ({"type": "xarray.DataArray", "variable": "phi"}, "cannot be read: KeyError"),
    ],
    ids=str,
)
def test_a_reference_that_does_not_fit_its_file_is_named_and_nothing_is_made_of_it(e, said, text):
    _say(e, 2, "psi", said)
    with pytest.raises(coma.DataFileError, match=text):
        np.asarray(e.measurement(2).results.psi)
    with pytest.raises(coma.DataFileError, match=text):
        e.to_dataset("results/psi", where="k == 2.0", strict=True).psi.load()


@pytest.mark.parametrize("kind", ["numpy.ndarray", "xarray.DataArray"])
def test_a_small_file_that_says_to_be_huge_is_not_read(e, tmp_path, kind):
    path = tmp_path / "e/measurement.000001.psi.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("dim_0", 10**11)
        for name in ("psi", "dim_0"):
            file.createVariable(name, "f8", ("dim_0",), zlib=True, chunksizes=(10**6,))
    content = path.read_bytes()
    facts = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    _say(e, 1, "psi", {"type": kind, "shape": [len(content)], "dtype": "<f8", **facts})
    with pytest.raises(coma.DataFileError, match=r"'\w+' claims 100,000,000,000 values"):
        np.asarray(e.measurement(1).results.psi)


@pytest.mark.parametrize("kind", ["link", "storage", "virtual"])
def test_a_file_that_would_show_another_is_not_read(e, tmp_path, kind):
    """Also when a measurement of a stranger says that it is the file that was written."""
    (tmp_path / "secret.txt").write_text("TOPSECRET!")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["psi"] = np.frombuffer(b"TOPSECRET!", "u1")
    path = tmp_path / "e/measurement.000001.psi.nc"
    with h5py.File(path, "w", track_order=True) as file:
        if kind == "storage":
            file.create_dataset("psi", (10,), "u1", external=[(str(tmp_path / "secret.txt"), 0, 10)])
        elif kind == "link":
            file["psi"] = h5py.ExternalLink("../other.h5", "/psi")
        else:
            layout = h5py.VirtualLayout((10,), "u1")
            layout[:] = h5py.VirtualSource("../other.h5", "psi", (10,))
            file.create_virtual_dataset("psi", layout)
    content = path.read_bytes()
    facts = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    _say(e, 1, "psi", {"type": "numpy.ndarray", "shape": [10], "dtype": "|u1", **facts})
    for read in (
        lambda: np.asarray(e.measurement(1).results.psi),
        lambda: e.to_dataset("results/psi", where="k == 1.0", strict=True).psi.load(),
    ):
        with pytest.raises(coma.DataFileError, match=r"(secret\.txt|other\.h5).*Nothing was read") as caught:
            read()
        assert "TOPSECRET" not in str(caught.value)


def _say(e, id, key, said):
    """Change what a measurement says of one of its results."""
    file = e.path / f"measurement.{id:06}.json"
    tree = json.loads(file.read_text())
    tree["measurement"]["results"][key].update(said)
    file.write_text(json.dumps(tree))


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda path: path.symlink_to("nowhere"), "leads nowhere"),
        (Path.mkdir, "expected a regular file, found a directory"),
        pytest.param(
            lambda path: os.mkfifo(path),
            "expected a regular file, found a pipe",
            marks=pytest.mark.skipif(
                not hasattr(os, "mkfifo"), reason="this system has no pipes among files"
            ),
        ),
    ],
    ids=["link", "directory", "pipe"],
)
@pytest.mark.parametrize("key", ["psi", "field"])
def test_what_is_no_file_is_named_by_readers_and_verify(e, tmp_path, make, found, key):
    path = tmp_path / f"e/measurement.000001.{key}.nc"
    path.unlink()
    make(path)
    with pytest.raises(coma.DataFileError, match="is missing"):
        np.asarray(e.measurement(1).results[key])
    with pytest.warns(coma.DataFileWarning, match="is missing.* 1 of 3 measurements"):
        e.to_dataset()
    assert [found in str(finding) and path.name in str(finding) for finding in e.verify()] == [True]


def test_text_of_another_file_is_not_taken_for_the_measurement_s(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    e.run(lambda k: {"s": coma.external(np.array([k, "b"]))}, {"k": ["u", "v"]})
    shutil.copy(tmp_path / "e/measurement.000002.s.nc", tmp_path / "e/measurement.000001.s.nc")
    with pytest.raises(
        coma.DataFileError,
        match=r"not the file that was written with the measurement: its SHA-256 is ",
    ):
        e.to_dataset(strict=True)


def test_a_missing_file_is_found_without_reading_the_others(e, tmp_path, monkeypatch):
    (tmp_path / "e/measurement.000002.psi.nc").unlink()
    read = []
    monkeypatch.setattr(reading, "check", lambda reference: read.append(reference.file))
    with pytest.warns(coma.DataFileWarning, match="1 of 3 measurements"):
        e.to_dataset()
    assert read == []


def test_a_file_larger_than_memory_can_be_checked(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_PIECE", 1000)
    monkeypatch.setattr(files, "read", None)
    path = tmp_path / "a.nc"
    path.write_bytes(bytes(range(256)) * 10)
    assert files.sha256(str(path), 2560) == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(coma.DataFileError, match="expected 2561 bytes, found 2560"):
        files.sha256(str(path), 2561)


def test_a_measurement_that_counts_keeps_its_files_when_the_disk_fails_just_then(tmp_path, monkeypatch):
    e = coma.Experiment(tmp_path / "e", config={})

    def sync(directory):
        if (tmp_path / "e/measurement.000001.json").exists():
            raise coma.StorageError(5, "the disk reports an error", directory)

    monkeypatch.setattr(files, "sync_directory", sync)
    with pytest.raises(coma.StorageError, match="the disk reports an error"):
        e.run(small, {"a": [1]})
    monkeypatch.undo()
    np.testing.assert_array_equal(e.measurement(1).results.two, [2.0])


def test_one_thread_at_a_time_is_in_the_library_of_netcdf(e, tmp_path):
    path = tmp_path / "e/measurement.000001.psi.nc"
    with ThreadPoolExecutor(2) as pool:
        with opened(path):
            others = [
                pool.submit(lambda: e.measurement(2).results.psi),
                pool.submit(Collector(), X, ("results", "a")),
            ]
            assert not concurrent.futures.wait(others, timeout=0.3).done
        assert len(concurrent.futures.wait(others, timeout=60).done) == 2


@pytest.mark.ci
def test_threads_read_and_write_at_once(tmp_path):
    """In a process of its own: without a lock it crashes as a whole."""
    program = """
        from concurrent.futures import ThreadPoolExecutor
        import dask, numpy as np, coma_xr as coma, xarray as xr

        def full(k):
            da = xr.DataArray(np.full(2000, k), {"x": np.arange(2000)}, ["x"])
            return {"psi": coma.external(np.full(2000, k)), "f": coma.external(da)}

        e = coma.Experiment("e", config={})
        k = np.arange(60.0)
        with ThreadPoolExecutor(8) as pool:
            assert e.run(full, {"k": k}, executor=pool, progress=False) == (60, 60)
            for _ in range(3):
                ds = e.to_dataset()
                np.testing.assert_array_equal(list(pool.map(lambda i: ds.psi.isel(k=i)[3], range(60))), k)
                np.testing.assert_array_equal(list(pool.map(lambda i: e.measurement(i).results.f[3], range(1, 61))), k)
                with dask.config.set(scheduler="threads", num_workers=8):
                    np.testing.assert_array_equal(e.to_dataset(chunks={}).f.mean("x"), k)
        """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_tables_with_rows_and_tables_in_files_have_the_values(e, tmp_path):
    long = e.to_dataframe(unfold="rows")
    assert long.u.dropna().tolist() == [x * k for k in (1.0, 2.0, 3.0) for x in X]
    e.export(tmp_path / "e.csv")
    table = coma.load(tmp_path / "e.csv")
    np.testing.assert_array_equal(table.psi[1], np.exp(1j * X))
    np.testing.assert_array_equal(table.field[3][1], [0.25, 0.5, 0.75])


def test_a_dataset_may_have_the_names_of_parameters_and_dtypes_of_pandas(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})

    def both(k):
        ds = xr.Dataset({"k": ("x", [k, k]), "kind": ("x", pd.Categorical(["a", "b"]))})
        return {"ds": coma.external(ds)}

    e.run(both, {"k": [1.0, 2.0]})
    ds = e.to_dataset()
    assert ds.kind.values.tolist() == [["a", "b"]] * 2
    np.testing.assert_array_equal(ds.ds_k, [[1, 1], [2, 2]])


def test_one_item_of_an_array_is_reached_by_its_path(e):
    assert e.measurement(2)["results/psi/1"] == np.exp(2j * X[1])
    np.testing.assert_array_equal(e.to_dataset("results/psi/4").psi_5, np.exp(1j * np.array([1, 2, 3])))
    ds = e.to_dataset({"first": "results/field/0"})
    np.testing.assert_array_equal(e.measurement(2)["results/field/0"], ds["first"].values[1])


@pytest.mark.ci
def test_many_experiments_leave_out_what_has_lost_a_file_and_read_by_dask(e, tmp_path):
    coma.Experiment(tmp_path / "f", config={}).run(wave, {"k": [1.0, 2.0]})
    both = coma.open_experiments([tmp_path / "e", tmp_path / "f"])
    assert both.to_dataset(chunks={}).psi.chunks == ((1, 1), (1, 1, 1), (5,))
    (tmp_path / "f/measurement.000002.psi.nc").unlink()
    with pytest.warns(coma.DataFileWarning, match=r"Left out.*/f: measurement 2, results/psi: .* is missing"):
        ds = both.to_dataset()
    assert ds.measurement_id.sel(experiment="f").values.tolist() == [1, 2, 0]
    assert np.isnan(ds.psi.sel(experiment="f").values[:, 0]).tolist() == [False, True, True]
    with pytest.warns(coma.DataFileWarning, match="Left out"):
        df = both.to_dataframe()
    assert df.index.tolist() == [("e", 1), ("e", 2), ("e", 3), ("f", 1), ("f", 2)]
    assert df.psi.isna().tolist() == [False, False, False, False, True]
    with pytest.raises(coma.DataFileError, match="is missing"):
        both.to_dataset(strict=True)


@pytest.mark.parametrize(
    ("value", "what", "way"),
    [
        (
            np.zeros((1,) * 40),
            "results/psi: it has 40 dims, more than netCDF holds",
            "Return it without coma.external().",
        ),
        (
            np.zeros(2, [("n", "i4")]),
            "results/psi: netCDF has no structured arrays",
            "Return an array for each field.",
        ),
        (xr.DataArray([1.0], dims="x", name=5), "results/psi: the name of a DataArray is 5", None),
    ],
    ids=["dims", "structured", "name"],
)
def test_what_netcdf_cannot_hold_is_a_failure_that_names_the_path(tmp_path, value, what, way):
    e = coma.Experiment(tmp_path / "e")
    with pytest.warns(coma.ComaWarning, match="1 of 1 parameter set failed"):
        e.run(lambda k: {"psi": coma.external(value)}, {"k": [1]}, progress=False)
    message = e.failure(1).message
    assert message.startswith(what)
    assert way is None or way in message
    assert [file for file in names(e.path) if file.endswith(".nc")] == []


def test_files_have_names_that_differ_in_more_than_case(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(
        lambda k: {"psi": coma.external(np.ones(2)), "Psi": coma.external(np.zeros(2))},
        {"k": [1]},
        progress=False,
    )
    (first, second) = (file.lower() for file in names(e.path) if file.endswith(".nc"))
    assert first != second
    results = e.measurement(1).results
    assert (results["psi"].tolist(), results["Psi"].tolist()) == ([1, 1], [0, 0])
