"""Paths that users give, at every door: ``~``, remote addresses, misspelt names, ids that disagree."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import coma_xr as coma
from coma_xr import files
from coma_xr.errors import ConfigError, DataFileError, DataFileWarning, ExperimentError
from coma_xr.store.config import Config

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home directory of the test, other than the directory in which it works."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


def measured(path, values=(1, 2)):
    e = coma.Experiment(path)
    e.run(lambda x: {"y": float(x)}, {"x": list(values)}, progress=False)
    return e


def terminal(*words):
    """Run a terminal command in this process, as its main function does."""
    from coma_xr import cli

    code = cli.main([str(word) for word in words])
    if code:
        raise ExperimentError(f"exit status {code}")


# Each is given the path of an experiment, or of a file in the same directory, and reads or writes it.
DOORS = {
    "Experiment": coma.Experiment,
    "Experiment r": lambda path: coma.Experiment(path, "r"),
    "Experiment x": lambda path: coma.Experiment(f"{path}-new", "x"),
    "open_experiments": lambda path: coma.open_experiments(path)[0],
    "open_experiments *": lambda path: coma.open_experiments(f"{path}*")[0],
    "export": lambda path: coma.Experiment(Path.home() / "scan", "r").export(f"{path}.csv"),
    "coma.export": lambda path: coma.export(xr.Dataset({"a": 1}), f"{path}.nc"),
    "load": lambda path: coma.load(f"{path}.json"),
    "report": lambda path: coma.Experiment(Path.home() / "scan", "r").report(f"{path}.html"),
    "merge": lambda path: measured("other", [3]).merge(path),
    "load_config": lambda path: coma.load_config(f"{path}.conf"),
    "experiment_index": lambda path: coma.Experiment("new", config={"experiment_index": f"{path}-index"}),
    "xarray": lambda path: xr.open_dataset(path, engine="coma"),
    "show": lambda path: terminal("show", path),
    "ls": lambda path: terminal("ls", path),
    "terminal export": lambda path: terminal("export", path, f"{path}.parquet"),
    "terminal report": lambda path: terminal("report", path, "-o", f"{path}2.html"),
    "terminal plot": lambda path: terminal("plot", path, "-o", f"{path}.png"),
    "terminal verify": lambda path: terminal("verify", path),
    "terminal merge": lambda path: terminal("merge", measured("other", [3]).path, path),
}


@pytest.mark.parametrize("door", DOORS)
def test_the_tilde_is_the_home_directory(door, home):
    e = measured(home / "scan")
    coma.export(e.to_dataset(), home / "scan.json")
    (home / "scan.conf").write_text("[coma]\n")
    (home / "scan-index.json").write_text('{"experiments": {"last_experiment_id": 0}}')
    DOORS[door]("~/scan")
    assert "~" not in os.listdir(".")


@pytest.mark.parametrize(
    "address", ["s3://bucket/scan", "https://host/scan", "sftp://host/scan", "s3:/bucket/scan"]
)
@pytest.mark.parametrize(
    "door", [door for door in DOORS if not door.startswith(("xarray", "terminal export"))]
)
def test_a_remote_address_is_refused_with_what_is_possible(door, address, home, capsys):
    measured(home / "scan")
    before = os.listdir(".")
    with pytest.raises(coma.ComaError) as caught:
        DOORS[door](address)
    said = capsys.readouterr().err + str(caught.value)
    assert "remote address" in said
    assert "rclone" in said
    assert {name for name in os.listdir(".") if ":" in name} == set()
    assert set(os.listdir(".")) <= {*before, "other"}


def test_a_remote_address_as_a_path_object_is_refused():
    with pytest.raises(ExperimentError, match="remote address"):
        coma.Experiment(Path("s3://bucket/scan"))


@pytest.mark.parametrize("path", ["~nobody-of-this-name/scan", "", "a\0b", None, 5, ["a"]])
def test_what_is_no_path_is_refused(path):
    for door in (coma.Experiment, coma.load, lambda path: coma.export(xr.Dataset(), path)):
        with pytest.raises(coma.ComaError):
            door(path)
    assert os.listdir(".") == []


# ------------------------------------------------------------------------------------------ misspelt


@pytest.mark.parametrize(
    ("path", "name", "near"),
    [
        ("pendlum", "pendlum", "pendulum"),
        ("scans/ising/seris2", "seris2", "series2"),
        ("scasn/ising", "scasn", "scans"),
    ],
)
def test_a_misspelt_path_to_read_names_the_near_one_and_makes_nothing(path, name, near):
    for there in ("pendulum", "scans/ising/series2"):
        measured(there)
    before = sorted(Path().rglob("*"))
    with pytest.raises(ExperimentError) as caught:
        coma.Experiment(path, "r")
    assert (caught.value.name, caught.value.near) == (name, (near,))
    assert sorted(Path().rglob("*")) == before


def test_an_experiment_that_a_typo_made_is_reported_when_it_is_read():
    measured("pendulum")
    (Path() / "pendulums").mkdir()
    with pytest.warns(coma.ComaWarning) as caught:
        coma.Experiment("pendlum").to_dataset()
    assert ["pendulum" in str(warning.message) for warning in caught] == [True]
    assert "pendulums" not in str(caught[0].message)


# --------------------------------------------------------------------------------------------- ids


def test_an_id_that_is_another_one_in_the_name_is_reported_and_not_overwritten():
    os.mkdir("e")
    path = Path("e/experiment.000003.json")
    path.write_text('{"experiment": {"info": {"experiment_id": 20}}}')
    with pytest.warns(DataFileWarning, match="has the id 20 inside and .* in its name"):
        e = coma.Experiment("e", tags=["looked at"])
    assert (e.id, e.tags) == (3, ["looked at"])
    [finding] = [finding for finding in e.verify() if finding.kind == "id"]
    assert finding.file == path.name
    e.run(lambda x: {"y": x}, {"x": [1]}, progress=False)
    e.deactivate()
    e.activate()
    e.reset()
    assert json.loads(path.read_text())["experiment"]["info"]["experiment_id"] == 20


def test_the_id_inside_counts_if_the_name_has_none():
    os.mkdir("e")
    Path("e/experiment.none.json").write_text('{"experiment": {"info": {"experiment_id": 20}}}')
    e = coma.Experiment("e", tags=["a"])
    assert (e.id, coma.Experiment("e").id) == (20, 20)
    assert [finding for finding in e.verify() if finding.kind == "id"] == []


def test_an_id_that_only_the_name_has_is_no_disagreement():
    os.mkdir("e")
    Path("e/experiment.000003.json").write_text('{"experiment": {"info": {"experiment_id": null}}}')
    assert coma.Experiment("e", tags=["a"]).id == 3
    assert [finding for finding in coma.Experiment("e").verify() if finding.kind == "id"] == []


def test_a_measurement_with_another_id_inside_is_reported_and_left_as_it_is():
    e = measured("e")
    path = e.path / "measurement.000002.json"
    text = path.read_text().replace('"measurement_id": 2', '"measurement_id": 7')
    path.write_text(text)
    for read in (e.to_dataset, e.to_dataframe, lambda: list(e.measurements()), lambda: e.measurement(2)):
        with pytest.warns(DataFileWarning, match=r"2 \(7 inside\)"):
            read()
    assert [finding.kind for finding in e.verify()] == ["id"]
    assert path.read_text() == text


@pytest.mark.parametrize("info", ["", '"info": null,'])
def test_a_measurement_without_info_is_read_everywhere(info):
    e = measured("e")
    (e.path / "measurement.000007.json").write_text(
        f'{{"measurement": {{{info} "parameters": {{"x": 7}}, "results": {{"y": 0.5}}}}}}'
    )
    assert e.to_dataset().y.values.tolist() == [1, 2, 0.5]
    assert e.measurement(7).results.y == 0.5
    assert [finding.kind for finding in e.verify()] == ["index"]
    assert e.run(lambda x: {"y": x}, {"x": [7]}, code="accept", progress=False).saved == 0
    e.exclude(7, "wrong")
    copy = measured("copy", [9])
    assert len(copy.merge(e)) == 3
    e.deactivate()
    assert e.to_dataframe().y.tolist() == [1, 2]
    e.activate()
    e.remove(7)
    assert e.restore() == [7]
    assert e.status()["excluded"] == 1


def test_an_empty_measurement_is_none():
    e = measured("e")
    (e.path / "measurement.000007.json").write_text('{"measurement": {}}')
    with pytest.raises(DataFileError, match="an empty measurement"):
        e.measurement(7)


# ------------------------------------------------------------------------------------ configuration


def test_an_index_in_the_working_directory_numbers_experiments(monkeypatch):
    monkeypatch.setenv("COMA_CONFIG_DIR", os.getcwd())
    coma.create_default_config()
    assert coma.Experiment("e").id == 1
    os.mkdir("below")
    monkeypatch.chdir("below")
    assert coma.Experiment("f").id == 2


def test_the_tilde_in_the_environment_is_the_home_directory(monkeypatch, home):
    monkeypatch.setenv("COMA_CONFIG_DIR", "~/settings")
    coma.create_default_config()
    assert (home / "settings" / "preferences.conf").exists()
    assert Config.of(None).experiment_index_path() == str(home / "settings" / "experiment.index.json")
    with pytest.raises(ConfigError, match="no such file"):
        coma.load_config("~/other.conf")


# ------------------------------------------------------------------------------------- saved by hand


def test_what_a_saved_tree_has_in_info_is_kept_and_the_rest_is_added():
    e = coma.Experiment("e")
    m = e.new_measurement()
    m.start()
    own = {
        "start_date": "2019-05-04T12:00:00Z",
        "end_date": "2019-05-04T13:00:00Z",
        "host": "old",
        "program": "sim",
        "measurement_id": 77,
    }
    id = m.save({"info": own, "parameters": {"x": 1}, "results": {"y": 2}})
    info = dict(e.measurement(id).info)
    assert {name: info[name] for name in own} == {**own, "measurement_id": id}
    assert info["duration"] == 3600.0
    assert info["coma_xr_version"] == coma.__version__


def test_dates_that_are_no_dates_give_no_duration():
    e = coma.Experiment("e")
    id = e.new_measurement().save({"info": {"start_date": "long ago"}, "results": {"y": 2}})
    info = dict(e.measurement(id).info)
    assert (info["start_date"], "duration" in info) == ("long ago", False)


def test_a_measurement_is_saved_though_its_index_is_not(monkeypatch):
    e = coma.Experiment("e")
    real = files.replace

    def full(path, data, **options):
        if "index" in path:
            raise files.refusal(OSError(errno.ENOSPC, "full"), "write", path)
        return real(path, data, **options)

    monkeypatch.setattr(files, "replace", full)
    m = e.new_measurement()
    with pytest.warns(coma.ComaWarning, match="The measurements are saved, but their index is not"):
        assert m.save({"parameters": {"a": 1}, "results": {"y": 1}}) == 1
    assert e.number_of_measurements() == 1


# --------------------------------------------------------------------- what belongs to an experiment


def test_removed_measurements_and_code_are_no_experiments_of_their_own(capsys):
    e = measured("all/e")
    e.remove(1)
    (e.path / "code").mkdir(exist_ok=True)
    measured("all/removed/inner")
    terminal("ls", "all")
    listed = capsys.readouterr().out
    assert "all/e" in listed
    assert "-remove" not in listed
    assert "all/removed/inner" in listed
    found = coma.open_experiments("all/**")
    assert sorted(str(e.path.name) for e in found) == ["e", "inner"]
    assert not [path for path in found.problems if path.startswith("all/e/")]


def test_a_link_in_place_of_an_array_is_not_read_for_ever():
    script = """
import numpy as np, coma_xr as coma
e = coma.Experiment("e")
e.run(lambda k: {"psi": coma.external(np.arange(10.0) * k)}, {"k": [1.0]}, progress=False)
path = next(e.path.glob("*.nc"))
path.unlink()
path.symlink_to("/dev/zero")
print([finding.kind for finding in e.verify()])
with open("sparse", "wb") as file:
    file.truncate(2**40)
path.unlink()
path.symlink_to("../sparse")
print([finding.kind for finding in e.verify()])
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(coma.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == ["['external']", "['external']"], done.stderr


def test_links_in_place_of_failures_and_temporary_files_are_in_nobody_s_way(tmp_path):
    e = coma.Experiment("e")
    with pytest.warns(coma.ComaWarning, match="failed"):
        e.run(lambda a: {"y": 1 / a}, {"a": [0, 1]}, progress=False)
    [path] = e.path.glob("failure.*.json")
    path.unlink()
    path.symlink_to("/nowhere/x")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (e.path / ".coma-tmp-otherhost-12-abcd").symlink_to(tmp_path / "precious")
    with pytest.raises(DataFileError, match="leads nowhere"):
        e.deactivate()
    with pytest.warns(DataFileWarning, match="leads nowhere"):
        assert e.run(lambda a: {"y": a}, {"a": [2]}, code="accept", progress=False).saved == 1
    assert not list(e.path.glob(".coma-tmp-*"))
    assert (tmp_path / "precious" / "file").exists()
    e.reset()
    assert (e.number_of_measurements(), list(e.path.glob("failure*"))) == (0, [])


@pytest.mark.parametrize("left", [b'{"measurement": {"info": {}, "para', b'{\n  "failure": {\n    "info"'])
def test_a_file_that_was_cut_off_is_moved_away_by_a_repair(left):
    e = measured("e")
    name = "failure.000009.json" if b"failure" in left else "measurement.000009.json"
    (e.path / name).write_bytes(left)
    assert [(finding.file, finding.kind) for finding in e.verify() if finding.kind != "index"] == [
        (name, "cut")
    ]
    assert all(finding.done for finding in e.verify(repair=True))
    assert e.verify() == []
    e.deactivate()
    [kept] = e.path.glob(f"removed/*/{name}")
    assert kept.read_bytes() == left


def test_only_experiments_are_suggested_next_to_a_path_without_one(tmp_path):
    e = coma.Experiment(tmp_path / "scans" / "squares")
    e.run(lambda x: {"y": x}, {"x": [1]}, progress=False)
    (tmp_path / "scans" / "squares.zarr").mkdir()
    (tmp_path / "old.zarr").mkdir()
    (tmp_path / "scans" / "figures").mkdir()
    with pytest.raises(coma.ExperimentError) as error:
        coma.Experiment(tmp_path / "scans" / "squars", mode="r")
    assert error.value.available == ("squares",)
    with pytest.raises(coma.ExperimentError) as error:
        coma.Experiment(tmp_path / "scan" / "squares", mode="r")
    assert "scans" in error.value.available
    assert "old.zarr" not in error.value.available
