"""What the disk does not give out for a moment does not count as missing: a change that needs it is refused."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import coma_xr as coma
from coma_xr import files
from coma_xr.errors import DataFileWarning, StorageError
from tests.reliability.operations import of_version_1, snapshot


@pytest.fixture
def e(tmp_path):
    e = coma.Experiment(tmp_path / "e", durable=False)
    e.run(lambda x: {"y": x}, {"x": [1, 2, 3, 4]}, progress=False)
    e.annotate("results/y", units="m")
    e.remove([4], "wrong")
    return e


@contextmanager
def unreadable(
    monkeypatch: pytest.MonkeyPatch, name: str, names: tuple[str, ...] = ("open", "listdir", "lstat")
) -> Iterator[None]:
    """Refuse some system calls on paths that end with a name."""

    def refusing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **keywords: Any) -> Any:
            if str(path).endswith(name):
                raise OSError(errno.EIO, os.strerror(errno.EIO), path)
            return real(path, *arguments, **keywords)

        return call

    calls = {call: refusing(getattr(os, call)) for call in names}
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", SimpleNamespace(**{**vars(os), **calls}))
        yield


def left_alone(e: coma.Experiment, change: Callable[[], object], match: str) -> None:
    """Check that a change is refused, and changes nothing."""
    before = snapshot(e.path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataFileWarning)
        with pytest.raises(StorageError, match=match):
            change()
    assert snapshot(e.path) == before


def never(x):
    raise AssertionError("it was computed")


CHANGES: dict[str, Callable[[coma.Experiment], object]] = {
    "annotate": lambda e: e.annotate("results/y", long_name="height"),
    "exclude": lambda e: e.exclude(1, "wrong"),
    "run": lambda e: e.run(never, {"x": [9]}, progress=False, code="accept"),
    "save": lambda e: e.new_measurement().save({"parameters": {"x": 9}, "results": {"y": 9}}),
    "remove": lambda e: e.remove([1]),
    "restore": lambda e: e.restore(),
    "reset": lambda e: e.reset(),
    "deactivate": lambda e: e.deactivate(),
    "repair": lambda e: e.verify(repair=True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_change_goes_on_without_the_state(e, monkeypatch, change):
    Path(e.path, "measurement.000003.json").write_bytes(b"")
    with unreadable(monkeypatch, "/coma.json"):
        left_alone(e, lambda: CHANGES[change](coma_again(e)), "coma.json.*nothing was changed")
    assert e.annotations["results/y"]["units"] == "m"


def coma_again(e: coma.Experiment) -> coma.Experiment:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataFileWarning)
        return coma.Experiment(e.path, durable=False)


@pytest.mark.parametrize("name", [".coma.json", ".coma.scan.json"])
def test_no_change_goes_on_without_the_state_of_version_1(tmp_path, monkeypatch, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        of_version_1(tmp_path)
    e = coma.Experiment(tmp_path / "e")
    with unreadable(monkeypatch, f"/{name}"):
        left_alone(e, lambda: coma_again(e).annotate("results/y", long_name="height"), "nothing was changed")
    e.annotate("results/y", long_name="height")
    assert e.annotations["results/y"] == {"units": "m", "long_name": "height"}


def test_the_state_is_read_again_when_the_disk_gives_it_out(e, monkeypatch):
    again = coma_again(e)
    with unreadable(monkeypatch, "/coma.json"):
        (e.path / "coma.json").touch()
        with pytest.warns(DataFileWarning, match="cannot read coma.json.*nothing can be changed"):
            assert again.to_dataset().y.values.tolist() == [1, 2, 3]
    assert again.to_dataset().y.attrs["units"] == "m"


def test_an_index_that_cannot_be_read_is_not_lowered(e, monkeypatch):
    with unreadable(monkeypatch, "/measurement.index.json", ("open",)):
        left_alone(e, lambda: e.remove([3]), "cannot read measurement.index.json")
        (finding,) = (one for one in e.verify() if one.kind == "index")
        assert finding.text.startswith("cannot be read")
        assert not finding.repair


@pytest.mark.parametrize("name", ["/removed", "/removed.json"])
@pytest.mark.parametrize("change", ["restore", "empty_removed"])
def test_what_was_removed_does_not_count_as_missing(e, monkeypatch, name, change):
    with unreadable(monkeypatch, name):
        left_alone(e, getattr(e, change), "removed")
    assert e.restore() == [4]


def test_a_name_that_cannot_be_looked_for_may_be_there(tmp_path, monkeypatch):
    path = str(tmp_path / "a")
    assert not files.exists(path)
    assert not files.exists(f"{path}/b")
    assert not files.exists(path * 300)
    assert not files.exists("a\0b")
    with unreadable(monkeypatch, "/a"), pytest.raises(StorageError, match="cannot look for a"):
        files.exists(path)


def test_records_of_code_that_cannot_be_listed_are_reported(e, monkeypatch):
    now = e._place.look()
    assert now.code()
    with (
        unreadable(monkeypatch, "/code"),
        pytest.warns(DataFileWarning, match="records of code are not used"),
    ):
        assert not now.code_names()
    (name,) = now.code()
    with unreadable(monkeypatch, name), pytest.warns(DataFileWarning, match="It is not copied"):
        assert not now.code()
