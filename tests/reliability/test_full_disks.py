"""Suite F: a real file system that is full or read-only; nothing is lost, and with space the operation ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from coma_xr.errors import ComaError, ComaWarning, StorageError
from tests.reliability.operations import OPERATIONS, Expected, everywhere, observed, prepared, snapshot

pytestmark = pytest.mark.ci

PAGE = 4096  # bytes, in which tmpfs counts
LARGE = "size=64m,nr_inodes=10000"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A small file system; called with its options, it has these from then on."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", LARGE, "none", path], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root can mount a file system")

    def remount(options: str) -> Path:
        subprocess.run(["mount", "-o", f"remount,{options}", path], check=True)
        return path

    # No size at all would be one without a limit.
    (path / "other").write_bytes(b"other")
    try:
        yield remount
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def almost_full(path: Path, what: str, left: int) -> str:
    """Return the options with which so many pages, or files, are left."""
    about = os.statvfs(path)
    if what == "pages":
        return f"size={(about.f_blocks - about.f_bfree) * about.f_bsize + left * PAGE}"
    return f"nr_inodes={about.f_files - about.f_ffree + left}"


def attempt(operation: Any, path: Path) -> tuple[set[Any], ComaError | None]:
    """Do an operation; return what it acknowledged, and its error."""
    told = set[Any]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ComaWarning)
        try:
            operation.run(path, told.add)
        except ComaError as error:
            return told, error
    return told, None


@pytest.mark.parametrize("what", ["pages", "files"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_full_disk_loses_nothing(disk, quick_path, tally, operation, what):
    original, whole, counted = quick_path / "original", quick_path / "whole", tally("I/O errors")
    prepared(operation, original)
    shutil.copytree(original, whole)
    before, saved = observed(original), everywhere(original)
    attempt(operation, whole)
    expected = Expected(operation, before, observed(whole), saved, everywhere(whole))
    for left in range(20):
        path = disk(LARGE) / "work"
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(original, path)
        disk(almost_full(path, what, left))
        told, error = attempt(operation, path)
        disk(LARGE)
        if error is None:
            break
        with counted:
            assert isinstance(error, StorageError)
            expected.check(path, told, is_done=False, again=True)
            expected.finish(path)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_on_a_read_only_disk_nothing_changes(disk, operation):
    path = disk(LARGE) / "work"
    prepared(operation, path)
    before = snapshot(path)
    disk("ro")
    _, error = attempt(operation, path)
    assert isinstance(error, StorageError)
    assert "read-only" in str(error)
    assert snapshot(path) == before
    disk("rw")
