"""Runs that are refused: every argument is checked before anything is recorded."""

import os
import sys
import threading
import warnings

import pytest

import coma_xr as coma
from coma_xr.cli import main


def f(x):
    return {"y": x}


def changed(x, scale=2.0):
    return {"y": scale * x}


def by_position(x, /, scale=2.0):
    return scale * x


def with_more(x, needed, scale=2.0):
    return needed


async def later(x, scale=2.0):
    return x


def by_set(parameter_set, other):
    return {}


def content(path):
    """Return the bytes of all files of an experiment, other than those that can be thrown away."""
    found = {}
    for directory, names, files in os.walk(path):
        names[:] = [name for name in names if name != ".coma.cache"]
        for name in files:
            if not name.endswith(".lock"):
                with open(os.path.join(directory, name), "rb") as file:
                    found[os.path.join(directory, name)] = file.read()
    return found


@pytest.fixture
def e(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(f, {"x": [1, 2]}, progress=False)
    return e


X, LOCK = {"x": [1, 2, 7]}, threading.Lock()

REFUSALS = {
    "recompute: an unknown id": (changed, X, {"recompute": [999]}),
    "recompute: an unknown id in a dry run": (changed, X, {"recompute": [999], "dry_run": True}),
    "recompute: an unknown name": (changed, X, {"recompute": "qq == 1"}),
    "recompute: no condition": (changed, X, {"recompute": "x =="}),
    "recompute: a float": (changed, X, {"recompute": 1.5}),
    "inputs: a missing file": (changed, X, {"inputs": ["no_such_file.csv"]}),
    "inputs: no list": (changed, X, {"inputs": 3}),
    "resources: an unknown name": (changed, X, {"resources": {"zz": 1}}),
    "resources: a parameter": (changed, X, {"resources": {"x": 1}}),
    "resources: no mapping": (changed, X, {"resources": [1]}),
    "function: by position": (by_position, X, {}),
    "function: print": (print, X, {}),
    "function: none": (3, X, {}),
    "function: async": (later, X, {}),
    "function: an argument without a value": (with_more, X, {}),
    "function: by set": (by_set, None, {}),
    "function: cannot be sent": (lambda x, scale=2.0, lock=LOCK: lock, X, {"max_workers": 2}),
    "scan: an unknown argument": (changed, {"x": [1], "qq": [2]}, {}),
    "scan: another parameter": (lambda x, k, scale=2.0: k, {"x": [1], "k": [2]}, {}),
    "scan: a parameter less": (lambda k, scale=2.0: k, {"k": [2]}, {}),
    "scan: reserved": (lambda code, scale=2.0: code, {"info/code": [1]}, {}),
    "scan: no scan": (changed, 3, {}),
    "scan: no values": (changed, {"x": [object()]}, {}),
    "scan: too large": (changed, {"x": range(10**9)}, {}),
    "executor": (changed, X, {"executor": 3}),
    "an unknown option": (changed, X, {"worker": 3}),
    **{
        f"{name}={value!r}": (changed, X, {name: value})
        for name, value in {
            "max_workers": 0,
            "timeout": -1,
            "on_error": "foo",
            "retry_failed": "no",
            "retries": -1,
            "max_failures": 0,
            "max_time": "soon",
            "repeats": 0,
            "seed": 1.5,
            "shard": (3, 3),
            "limit": -1,
            "progress": "yes",
            "capture": "all",
            "dry_run": "yes",
            "code": "foo",
        }.items()
    },
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refused_run_leaves_every_byte(e, refusal):
    function, scan, options = REFUSALS[refusal]
    before, dataset = content(e.path), e.to_dataset()
    with warnings.catch_warnings():
        # Nothing that is reported is recorded either.
        warnings.simplefilter("error")
        with pytest.raises(coma.errors.ComaError):
            e.run(function, scan, **options)
    assert content(e.path) == before
    assert e.to_dataset().identical(dataset)
    assert e.status()["missing"] == 0


def test_a_refused_run_of_an_inactive_experiment_leaves_every_byte(e):
    e.deactivate()
    before = content(e.path)
    with pytest.raises(coma.InactiveError):
        e.run(changed, X)
    assert content(e.path) == before


def test_a_corrected_run_records_the_corrected_default(e):
    with pytest.raises(coma.ParameterError, match="no_such_file"):
        e.run(changed, X, inputs=["no_such_file.csv"])
    with pytest.warns(coma.ComaWarning, match=r"count as scale = 1\.0"):
        e.run(lambda x, scale=1.0: {"y": scale * x}, X, code="accept", progress=False)
    assert e.annotations == {"parameters/scale": {"default": 1.0}}
    assert e.to_dataset().scale.item() == 1.0


MODEL = """
def g(a):
    return a

def changed(a, scale=2.0):
    return a

def by_position(a, /):
    return a

def another(b):
    return b
"""

WORDS = [
    "g a=7 --recompute 999",
    "g a=7 --recompute qq==1",
    "changed a=7 --recompute 999",
    "changed a=7 --inputs no_such_file.csv",
    "changed a=7 b=8",
    "changed a= ",
    "changed a=7 --zip a,b",
    "changed a=7 --where zz>1",
    "changed a=7 --where a>9",
    "changed a=7 -j x",
    "changed a=7 --on-error foo",
    "changed a=7 --shard 3/3",
    "changed a=7 --timeout soon",
    "changed a=7 --worker 3",
    "by_position a=7",
    "another b=7",
    "print a=7",
    "g",
]


@pytest.fixture
def model(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "m.py").write_text(MODEL)
    assert main(["run", "m.py:g", "a=1,2", "-o", "e"]) == 0
    yield tmp_path
    sys.modules.pop("m", None)


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("words", WORDS)
def test_a_refused_command_leaves_every_byte(model, words, is_active):
    if not is_active:
        assert main(["deactivate", "e"]) == 0
    before = content(model / "e")
    try:
        code = main(["run", *f"m.py:{words}".split(" "), "-o", "e"])
    except SystemExit as error:
        code = error.code
    assert code in (1, 2)
    assert content(model / "e") == before


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("words", WORDS)
def test_a_refused_command_leaves_no_new_experiment(tmp_path, monkeypatch, capsys, words, is_there):
    if "qq==1" in words or "another" in words:
        pytest.skip("not refused without measurements")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "m.py").write_text(MODEL)
    if is_there:
        (tmp_path / "new" / "e").mkdir(parents=True)
    try:
        code = main(["run", *f"m.py:{words}".split(" "), "-o", "new/e"])
    except SystemExit as error:
        code = error.code
    finally:
        sys.modules.pop("m", None)
    assert code in (1, 2)
    assert list(tmp_path.rglob("new/**/*")) == ([tmp_path / "new" / "e"] if is_there else [])
    assert (tmp_path / "new").exists() is is_there


def test_a_run_that_fails_after_it_recorded_something_keeps_its_experiment(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "fails.py").write_text("def g(a):\n    raise ValueError(a)\n")
    assert main(["run", "fails.py:g", "a=1,2", "-o", "e", "--on-error", "stop"]) == 1
    sys.modules.pop("fails", None)
    assert len(coma.Experiment("e", "r").failures()) == 1
