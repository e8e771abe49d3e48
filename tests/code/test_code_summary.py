"""The summary of what a function reaches: what is noticed although most functions are not followed again."""

from __future__ import annotations

import functools
import importlib
import linecache
import sys
import types

import msgspec
import pytest

from coma_xr.code import fingerprint as fingerprints
from coma_xr.code import sources
from coma_xr.code.fingerprint import fingerprint
from coma_xr.store.cache import _CODE_MAGIC, CacheFolder

HELPERS = """
OFFSET = 5

def shift(x):
    return x + OFFSET

def spare(x):
    return x - OFFSET
"""
MODEL = """
import functools
import summary_helpers
from summary_helpers import shift as moved

RATE = 0.5
TABLE = {}
LISTED = [1, 2]

def first(x, y=1):
    return RATE * x + second(x) + len(LISTED)

def second(x):
    return third(x) + moved(x) + summary_helpers.shift(x)

def third(x):
    return fourth(x) + Model(x).run() + kept(x)

def fourth(x):
    return sum(g(x) for g in TABLE.values()) + (first(x) if x < 0 else 0)

def registered(x):
    return fifth(x)

def fifth(x):
    return x

def other(x):
    return x + 1

def make(n):
    def inner(x):
        return x * n
    return inner

kept = make(3)

class Base:
    scale = 1

class Model(Base):
    size = 2
    def __init__(self, x):
        self.x = x
    def run(self):
        return self.x * self.size + fifth(1)

def f(a):
    return {"y": first(a)}
"""


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A module of the user with more functions than are looked at one by one, and one that it imports."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "summary_helpers.py").write_text(HELPERS)
    (tmp_path / "summary_model.py").write_text(MODEL)
    importlib.invalidate_caches()
    yield importlib.import_module("summary_model")
    for name in ("summary_model", "summary_helpers"):
        sys.modules.pop(name)


@pytest.fixture
def cache(tmp_path):
    """The cache of an experiment."""
    (tmp_path / "experiment").mkdir()
    return CacheFolder(str(tmp_path / "experiment"), "code", _CODE_MAGIC)


@pytest.fixture
def look(monkeypatch, cache):
    """Return a function that looks at another one as a new process does, and whether it has used the summary."""
    used = []

    def of_summary(*given, inner=fingerprints._of_summary):
        found = inner(*given)
        used.append(found is not None)
        return found

    monkeypatch.setattr(fingerprints, "_of_summary", of_summary)

    def look_at(function, recorded=(), *, is_cached=True, is_new=True):
        if is_new:
            monkeypatch.setattr(fingerprints, "SOURCES", sources.Sources())
        found = fingerprint(function, recorded, cache if is_cached else None)
        texts = {path: source.text for path, source in found.sources.items()}
        result = found.hash, found.parts, found.values, found.not_followed, found.edited, texts
        return result, is_cached and used[-1]

    return look_at


@pytest.fixture
def summarised(model, look):
    """The model, with a summary of what its function reaches."""
    looks = [look(model.f) for _ in range(3)]
    assert [used for _, used in looks] == [False, False, True]
    return model


def plus(text):
    """Return a change that runs some code in the namespace of the model."""
    return lambda model: exec(text, vars(model))


CHANGES = {
    "a constant": plus("RATE = 0.75"),
    "a constant of the module that is imported": plus("summary_helpers.OFFSET = 6"),
    "a list": plus("LISTED = [1, 3]"),
    "a function that is another one": plus("third = other"),
    "the code of a function": plus("third.__code__ = other.__code__"),
    "a name that was built in": plus("len = other"),
    "a name that is missing": plus("del RATE"),
    "an imported function": plus("moved = summary_helpers.spare"),
    "a function of the module that is imported": plus("summary_helpers.shift = summary_helpers.spare"),
    "a module that is another one": plus(
        "import types; summary_helpers = types.SimpleNamespace(shift=other)"
    ),
    "a function that is registered": plus("TABLE['one'] = registered"),
    "what a closure holds": plus("kept = make(4)"),
    "a wrapper": plus("second = functools.wraps(second)(make(2))"),
    "a cache around a function": plus("second = functools.cache(second)"),
    "an attribute of a function": plus("second.__wrapped__ = other"),
    "a method of a class": plus("Model.run = other"),
    "a method that is added": plus("Model.more = other"),
    "a class that is another one": plus(
        "Model = type('Model', (Model,), {'size': 4, '__module__': __name__})"
    ),
    "a base class": plus("Model.__bases__ = (type('Other', (), {'scale': 2, '__module__': __name__}),)"),
    "a function in another place": plus("shown = registered; fifth = registered"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_at_run_time_is_noticed(summarised, look, change):
    before, _ = look(summarised.f)
    CHANGES[change](summarised)
    after, used = look(summarised.f)
    assert after == look(summarised.f, is_cached=False)[0]
    assert used is (after == before)
    # The next process has a summary of the new state.
    again, _ = look(summarised.f)
    assert again == after


def test_what_is_not_reached_does_not_count(summarised, look):
    before, _ = look(summarised.f)
    summarised.unused = summarised.other.unused = 3
    assert look(summarised.f) == (before, True)


@pytest.mark.parametrize("edit", ["comment", "code", "line"])
@pytest.mark.parametrize("is_new", [True, False])
def test_edited_files_are_noticed(summarised, look, edit, is_new):
    edits = {"comment": ("RATE *", "RATE *  "), "code": ("RATE *", "RATE +"), "line": ("def f", "\n\ndef f")}
    look(summarised.f)
    path = summarised.__file__
    with open(path, "w") as file:
        file.write(MODEL.replace(*edits[edit]))
    after, used = look(summarised.f, is_new=is_new)
    assert not used
    if is_new:
        assert after == look(summarised.f, is_cached=False)[0]
    else:
        assert after[4] == ((path,) if edit == "code" else ())
    importlib.reload(summarised)
    assert look(summarised.f)[0] == look(summarised.f, is_cached=False)[0]
    if not is_new:
        assert look(summarised.f, is_new=False)[0][4] == ()


def test_recorded_arguments_and_partials_have_their_own(summarised, look):
    for function, recorded in (
        (summarised.first, ()),
        (summarised.first, ("y",)),
        (functools.partial(summarised.first, y=2), ()),
        (functools.partial(summarised.first, y=3), ()),
        (summarised.Model(2).run, ()),
        (summarised.Model(3).run, ()),
    ):
        for _ in range(3):
            assert look(function, recorded)[0] == look(function, recorded, is_cached=False)[0]


FORGED = {
    "a hash that leads out of the folder": {"hash": "../../other"},
    "a hash of another length": {"hash": "0" * 11},
    "parts of other files": {"parts": [["f", "/etc/passwd", 1, 2, "0" * 12]]},
    "files that are not reached": {"files": ["/etc/passwd"]},
    "the state of another program": {"state": "0" * 12},
    "modules that are not loaded": {"modules": [["no_module", "/etc/passwd", "", [], [], []]]},
    "modules of the library": {"modules": [["json", "/etc/passwd", "", [], [], []]]},
    "another shape": {"values": [1]},
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_summary_that_does_not_fit_is_ignored(summarised, look, cache, kind):
    before, _ = look(summarised.f)
    name = fingerprints._summary_name(summarised.f, frozenset())
    known = msgspec.msgpack.decode(cache.read(name))
    fields = fingerprints._Summary.__struct_fields__
    forged = {**dict(zip(fields, known, strict=True)), **FORGED[kind]}
    cache.write(name, msgspec.msgpack.encode([*forged.values()]))
    assert look(summarised.f) == (before, False)
    assert look(summarised.f) == (before, True)


def test_cells_of_a_notebook_have_none(look, cache, monkeypatch):
    cells = types.ModuleType("cells")
    monkeypatch.setitem(sys.modules, "cells", cells)
    text = "".join(f"def f{i}(a):\n    return f{i + 1}(a)\n" for i in range(9))
    monkeypatch.setitem(
        linecache.cache, "<cell>", (len(text), None, text.splitlines(keepends=True), "<cell>")
    )
    exec(compile(text, "<cell>", "exec"), vars(cells))
    found = [look(cells.f0, is_new=number == 0) for number in range(3)]
    assert found == [found[0]] * 3
    assert len(found[0][0][1]) == 9
    assert not cache.names()


DEEP = b"\x91" * 100_000 + b"\xc0"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x95\x80\x81\xa1k" + DEEP + b"\x80\x90\x90",
        DEEP,
        b"\xc1",
        b"\x97\x90\xa0",
        b"\xdd\xff\xff\xff\xff",
    ],
)
def test_a_damaged_summary_is_ignored(summarised, look, cache, data):
    before, _ = look(summarised.f)
    for path in cache.names():
        cache.write(path, data)
    assert look(summarised.f) == (before, False)
