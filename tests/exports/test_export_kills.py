"""A process that dies at any moment of an export leaves nothing half-visible."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from coma_xr import files
from coma_xr.errors import StorageError
from coma_xr.exports.formats import export, load
from tests.deaths import Deaths, DyingOs
from tests.output.kinds import SUFFIXES, check, environment_of_a_child, zarr_ends

__all__ = ["zarr_ends"]

pytestmark = [pytest.mark.ci, pytest.mark.leaves_files]

OLD = xr.Dataset({"v": ("n", [1.0, 2.0])}, attrs={"state": "old"})
NEW = xr.Dataset({"v": ("n", ["a", ""]), "w": ("n", np.array([1j, 2]))}, attrs={"state": "new", "odd": None})


class Dying(DyingOs):
    """The calls for directories too, and that of the C library that renames them."""

    changing = (*DyingOs.changing, "mkdir", "rmdir")

    def rename(self, name, *arguments):
        return self.call(name, REAL_CALL, name, *arguments)


REAL_CALL = files._call


class DeathsOfDirectories(Deaths):
    dying = Dying

    def stand_ins(self, dying):
        return {"os": dying, "_call": dying.rename}


def state(path: Path) -> str:
    """Return what is visible; all else fails."""
    if not path.exists():
        with pytest.raises(StorageError, match=r"there is no such file"):
            load(path)
        return "nothing"
    found = load(path)
    check(found, NEW if found.attrs["state"] == "new" else OLD)
    return found.attrs["state"]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_death_at_any_call_leaves_the_old_or_the_new(suffix, overwrite, tmp_path, monkeypatch, report_line):
    deaths, seen, number = DeathsOfDirectories(monkeypatch), set(), 0
    log = killed(deaths, tmp_path / "whole", suffix, overwrite, 0, "before")
    for at, call in enumerate(log, 1):
        for how in ("before", "after", "half") if call == "write" else ("before", "after"):
            directory = tmp_path / f"{at}-{how}"
            killed(deaths, directory, suffix, overwrite, at, how)
            path = directory / f"x{suffix}"
            seen.add(state(path))
            files.remove_leftovers(str(directory))
            visible = {path.name, f"{path.name}-metadata.json"}
            assert {found.name for found in directory.iterdir()} <= visible
            # What is there is no hindrance for the next one.
            export(NEW, path, overwrite=overwrite or path.exists())
            assert state(path) == "new"
            number += 1
    assert seen == ({"old", "new"} if overwrite else {"nothing", "new"})
    report_line(f"export into {suffix}{', overwriting' if overwrite else ''}: {number} deaths survived")


def killed(deaths, directory, suffix, overwrite, at, how):
    directory.mkdir()
    path = directory / f"x{suffix}"
    if overwrite:
        export(OLD, path)
    return deaths.run(lambda: export(NEW, path, overwrite=overwrite), at, how).log


@pytest.mark.parametrize("had_types", [True, False])
def test_a_table_that_lost_its_types_is_replaced_as_safely(had_types, tmp_path, monkeypatch):
    "Also when it was changed by hand, or never had a file of types."
    deaths = DeathsOfDirectories(monkeypatch)
    for at in range(1, 20):
        directory = tmp_path / str(at)
        directory.mkdir()
        path = export(OLD, directory / "x.csv")
        if not had_types:
            (directory / "x.csv-metadata.json").unlink()
        path.write_text("n,v\n0,7.0\n")
        log = deaths.run(lambda path=path: export(NEW, path, overwrite=True), at).log
        text = path.read_text()
        if text.startswith("n,v\n0,7.0"):
            # Before anything was written, the changed table warns as ever.
            with pytest.warns() if had_types and "replace" not in log[:-1] else nothing():
                assert load(path).v.tolist() == [7.0]
        else:
            check(load(path), NEW)
        if len(log) < at:
            break


class nothing:
    def __enter__(self): ...

    def __exit__(self, *arguments): ...


SCRIPT = """
import itertools, sys
import xarray as xr
import coma_xr
print("ready", flush=True)
for number in itertools.count():
    coma_xr.export(xr.Dataset({"v": ("n", [number] * 5)}, attrs={"odd": [number]}), sys.argv[1], overwrite=True)
"""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_process_that_is_killed_for_real_leaves_a_whole_file(suffix, tmp_path, request):
    generator = random.Random(suffix)
    path = tmp_path / f"x{suffix}"
    for _ in range(30 if request.config.getoption("--full") else 2):
        child = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(path)], stdout=subprocess.PIPE, env=environment_of_a_child()
        )
        try:
            assert child.stdout.readline() == b"ready\n"
            while not path.exists():
                time.sleep(0.01)
            time.sleep(generator.random() * 0.3)
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        found = load(path)
        assert found.v.values.tolist() == found.attrs["odd"] * 5
        files.remove_leftovers(str(tmp_path))
        assert {other.name for other in tmp_path.iterdir()} <= {path.name, f"{path.name}-metadata.json"}
