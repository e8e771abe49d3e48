"""The cache of what was found out about sources: what is written to it, and what is not believed."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

import pytest

import coma_xr as coma
from coma_xr.code import fingerprint, sources

MODEL = "TABLE = [1, (2, 3)]\nclass A:\n    size = 2\n\ndef f(a):\n    return {'y': a * A.size + TABLE[0]}\n"


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A module of the user."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "cached_model.py").write_text(MODEL)
    importlib.invalidate_caches()
    yield importlib.import_module("cached_model")
    sys.modules.pop("cached_model")


@pytest.fixture
def as_new_process(monkeypatch):
    """Return a function that forgets what this process knows about sources, and counts those that it parses then."""
    parsed = []

    class Syntax(sources.Syntax):
        def __init__(self, file, text):
            parsed.append(file)
            super().__init__(file, text)

    def forget():
        monkeypatch.setattr(fingerprint, "SOURCES", sources.Sources())
        monkeypatch.setattr(sources, "Syntax", Syntax)
        parsed.clear()
        return parsed

    return forget


@pytest.fixture
def e(experiment_path):
    return coma.Experiment(experiment_path)


def cached(e):
    return sorted((e.path / ".coma.cache").glob("code/*"))


def test_another_process_neither_parses_nor_compares_unchanged_files(e, model, as_new_process, monkeypatch):
    as_new_process()
    e.run(model.f, {"a": [1]})
    (code,) = {m.info["code"] for m in e.measurements()}
    assert len(cached(e)) == 1
    parsed = as_new_process()
    monkeypatch.setattr(sources, "compiled", parsed.append)
    assert e.run(model.f, {"a": [1, 2]}).other_code == 0
    assert not parsed
    assert {m.info["code"] for m in e.measurements()} == {code}


@pytest.mark.parametrize("damage", ["flipped", "short", "empty", "foreign", "old"])
def test_a_damaged_file_is_ignored_and_written_again(e, model, as_new_process, damage):
    as_new_process()
    e.run(model.f, {"a": [1]})
    (file,) = cached(e)
    whole = file.read_bytes()
    middle = len(whole) // 2
    contents = {
        "flipped": whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :],
        "short": whole[:middle],
        "empty": b"",
        "foreign": b"something else",
        "old": whole.replace(b"cache 1", b"cache 0"),
    }
    file.write_bytes(contents[damage])
    parsed = as_new_process()
    assert e.run(model.f, {"a": [1, 2]}).other_code == 0
    assert parsed == [model.__file__]
    assert [path.read_bytes() for path in cached(e)] == [whole]


def test_facts_of_another_shape_are_ignored(e, model, as_new_process):
    e.run(model.f, {"a": [1]})
    place = e._place.code_cache(writes=True)
    (file,) = cached(e)
    place.write(file.name, b"\x93\x01\x02\x03")
    parsed = as_new_process()
    assert e.run(model.f, {"a": [1]}).other_code == 0
    assert parsed


@pytest.mark.parametrize("case", ["dry run", "shard", "fingerprint", "off"])
def test_what_is_not_to_be_stored_is_not_cached(experiment_path, model, case, as_new_process):
    as_new_process()
    config = {"record_code": case} if case in ("fingerprint", "off") else {}
    e = coma.Experiment(experiment_path, config=config)
    options = {"dry run": {"dry_run": True}, "shard": {"shard": (0, 1)}}.get(case, {})
    e.run(model.f, {"a": [1]}, **options)
    assert not cached(e)


def test_a_class_keeps_the_source_it_was_loaded_from(e, model, as_new_process):
    "The file is edited, the module is not loaded again: no method tells, only an attribute has changed."
    as_new_process()
    before = fingerprint.fingerprint(model.f)
    path = model.__file__
    with open(path, "w") as file:
        file.write(MODEL.replace("size = 2", "size = 33"))
    after = fingerprint.fingerprint(model.f)
    assert (after.hash, after.edited) == (before.hash, (path,))
    importlib.reload(model)
    again = fingerprint.fingerprint(model.f)
    assert again.hash != before.hash
    assert not again.edited


def test_what_python_compiled_of_an_earlier_file_of_the_same_second_is_told(
    e, model, monkeypatch, as_new_process
):
    "Python compares the size and the second; another process runs the old code, and no restart helps."
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = model.__file__
    importlib.reload(model)
    second = os.stat(path).st_mtime_ns // 10**9 * 10**9
    with open(path, "w") as file:
        file.write(MODEL.replace("a * A", "a + A"))
    os.utime(importlib.util.cache_from_source(path), ns=(second, second))
    os.utime(path, ns=(second + 1000, second + 1000))
    importlib.reload(model)
    as_new_process()
    with pytest.warns(
        coma.ComaWarning, match="edited after it was imported.*Delete the directory __pycache__"
    ):
        e.run(model.f, {"a": [1]})
    assert e.to_dataframe()["y"].tolist() == [3]


def test_git_is_asked_only_if_something_is_computed(e, model, tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    e.run(model.f, {"a": [1]})
    mark, folder = tmp_path / "asked", tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n: > '{mark}'\nexit 1\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    e.run(model.f, {"a": [1]})
    e.status()
    assert not mark.exists()
    e.run(model.f, {"a": [1, 2]})
    assert mark.exists()
