"""The engine "coma" of xarray."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.errors import ExperimentError
from coma_xr.plugins.backend import ComaBackendEntrypoint

ROOT = Path(coma.__file__).parents[1]


@pytest.fixture
def path(tmp_path):
    e = coma.Experiment(tmp_path / "powers")
    e.run(lambda x, n: {"y": x**n}, {"n": [1, 2], "x": [1.0, 2.0, 3.0]}, progress=False)
    return e.path


def test_an_experiment_is_opened_as_a_dataset(path):
    ds = xr.open_dataset(path, engine=ComaBackendEntrypoint)
    xr.testing.assert_identical(ds.drop_encoding(), coma.Experiment(path, "r").to_dataset())
    assert ds.coma["results/y"].sel(n=2, x=3) == 9


def test_options_are_those_of_to_dataset(path):
    ds = xr.open_dataset(path, engine=ComaBackendEntrypoint, variables={"z": "results/y"}, dims=["x"])
    assert ds.z.dims == ("x", "row")
    ds = xr.open_dataset(path, engine=ComaBackendEntrypoint, drop_variables="y")
    assert "y" not in ds


def test_nothing_is_written(path):
    before = {entry.name: entry.stat().st_mtime_ns for entry in path.iterdir()}
    os.chmod(path, 0o555)
    try:
        xr.open_dataset(path, engine=ComaBackendEntrypoint)
    finally:
        os.chmod(path, 0o755)
    assert {entry.name: entry.stat().st_mtime_ns for entry in path.iterdir()} == before


def test_it_knows_what_it_can_open(path, tmp_path):
    can = ComaBackendEntrypoint().guess_can_open
    (file,) = path.glob("experiment*.json")
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    assert can(str(path))
    assert can(path)
    assert can(file)
    assert not can(tmp_path / "other.json")
    assert not can(tmp_path / "empty")
    assert not can(tmp_path / "nothing")
    assert not can("https://example.org/data.nc")
    assert not can(b"CDF")
    assert not list((tmp_path / "empty").iterdir())


def test_a_directory_without_an_experiment_is_an_error(tmp_path):
    with pytest.raises(ExperimentError, match="There is no experiment in"):
        xr.open_dataset(tmp_path, engine=ComaBackendEntrypoint)


@pytest.fixture
def installed(tmp_path):
    """The environment of a process in which the package is installed, as pyproject.toml says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    points = project.get("entry-points", {}).get("xarray.backends")
    if not points:
        pytest.fail("pyproject.toml has no entry point for xarray.backends")
    info = tmp_path / "site" / "coma_xr-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: coma_xr\nVersion: 0\n")
    lines = "".join(f"{name} = {target}\n" for name, target in points.items())
    (info / "entry_points.txt").write_text(f"[xarray.backends]\n{lines}")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(info.parent), str(ROOT)])}


def test_xarray_finds_the_engine_by_itself(path, installed):
    (file,) = path.glob("experiment*.json")
    code = (
        "import sys, xarray as xr; assert 'coma_xr' not in sys.modules\n"
        "for path in sys.argv[1:]:\n"
        "    ds = xr.open_dataset(path); print(ds.y.shape, ds.coma['results/y'].size)"
    )
    command = [sys.executable, "-c", code, str(path), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=installed)
    assert (done.stdout, done.stderr) == ("(2, 3) 6\n(2, 3) 6\n", "")
