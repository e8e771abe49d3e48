"""The wording of a message of each kind of error, in Python's language and in that of the terminal."""

from __future__ import annotations

import inspect
import re
import threading

import pytest

import coma_xr as coma
from coma_xr import P, errors
from coma_xr.errors import ComaError

KINDS = [
    kind
    for kind in (getattr(errors, name) for name in errors.__all__)
    if issubclass(kind, ComaError) and kind is not ComaError
]

# Forms that the documentation and the messages do not use.
BANNED = re.compile(
    r"\b(shall|is said|are told|says so|is told|There (is|are): |of which|in silence|whole number|at once|anew|"
    r"foreign|is no [a-z]+ of|we|our|ours)\b|^(What|Which|That|Whoever) (?!is wrong)"
)
PRIVATE = re.compile(
    r"\b_[A-Za-z]\w+|\b(Readable|Branch|Records|Snapshot|ExperimentDirectory|NamedMeasurement)\b"
)


@pytest.fixture
def e(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    e = coma.Experiment("squares")
    e.run(lambda x: {"y": x**2, "fit": {"E": [x, -x], "s": 1}}, {"x": [1, 2, 3]}, progress=False)
    return e


def busy(e):
    def again(x):
        e.run(again, {"x": [9]}, progress=False)

    e.run(again, {"x": [8]}, progress=False, on_error="stop")


def inactive(e):
    e.deactivate()
    e.new_measurement()


def fail(e):
    def fail(x):
        raise ValueError("no")

    e.run(fail, {"x": [7]}, on_error="stop", progress=False)


def unequal(e):
    for name, seed in (("one", 1), ("two", 2)):
        coma.Experiment(name).run(lambda x, rng: rng.random(), {"x": [1]}, seed=seed, progress=False)
    coma.Experiment("one").merge("two")


def damaged(e):
    next(e.path.glob("*1.json")).write_text("{")
    e.measurement(1)


CATALOGUE = {
    "misspelt argument": (
        errors.ArgumentError,
        lambda e: e.to_dataset(variable=["y"]),
        (
            "Experiment.to_dataset() has no argument 'variable'.\n"
            "Available: variables, dims, layout, unfold, fill, where, chunks, strict.\nDid you mean 'variables'?"
        ),
    ),
    "too many arguments": (
        errors.ArgumentError,
        lambda e: e.status(5),
        "Experiment.status() takes 0 positional arguments, not 1.",
    ),
    "no experiment": (
        errors.ExperimentError,
        lambda e: coma.Experiment(5),
        "path=5 is not a path. Expected a str or a path-like object.",
    ),
    "unknown format": (
        errors.ExperimentError,
        lambda e: e.export("y.cvs"),
        "'y.cvs' has no ending of a known format.\nAvailable: .csv, .json, .nc, .parquet, .zarr.\nDid you mean '.csv'?",
    ),
    "misspelt name": (
        errors.PathError,
        lambda e: e.to_dataset(["fit/F"]),
        "No measurement has a path or name 'fit/F'.\nAvailable: parameters/x, results/y, results/fit/E, results/fit/s, info/measurement_id, ",
    ),
    "branch": (
        errors.PathError,
        lambda e: e.to_dataset(where="fit > 1"),
        (
            "'fit' is a branch with 2 values, not a value.\nExpected one value.\nAvailable: results/fit/E, results/fit/s.\n"
            "    fit > 1\n    ^"
        ),
    ),
    "attribute": (
        errors.MissingAttributeError,
        lambda e: e.measurement(1).results.fit.F,
        "Measurement 1: No 'F' in results/fit (path 'results/fit/F'). Available: E, s.",
    ),
    "unknown choice": (
        errors.ParameterError,
        lambda e: e.run(lambda x: x, {"x": [1]}, on_error="contine"),
        "on_error='contine' is unknown. Available: auto, continue, stop. Did you mean 'continue'?",
    ),
    "misspelt parameter": (
        errors.ParameterError,
        lambda e: e.run(lambda length: 1, {"lenght": [1]}),
        "<lambda>() takes no argument 'lenght'. Available: length. Did you mean 'length'?",
    ),
    "condition": (
        errors.ConditionError,
        lambda e: e.to_dataset(where=P.x > "a"),
        (
            "1 (a number) and 'a' (text) have no order.\n"
            "Expected numbers with numbers, text with text, or dates with dates such as '2026-01-31'.\n    x > 'a'"
        ),
    ),
    "text of a condition": (
        errors.ParameterError,
        lambda e: e.to_dataset(where="x > 1 and"),
        "The condition is incomplete. Expected a name or a value here.\n    x > 1 and\n             ^",
    ),
    "layout": (
        errors.LayoutError,
        lambda e: e.define_layout("points", dims=["x"]),
        "The layout 'points' takes no dims. Leave dims= out, or define 'grid'.",
    ),
    "configuration": (
        errors.ConfigError,
        lambda e: coma.Experiment("c", config={"archive_default_format": "yaml"}),
        "yaml",
    ),
    "storable": (
        errors.SerializationError,
        lambda e: coma.grid(x=[threading.Lock()]),
        (
            "parameters/x: cannot store a _thread.lock.\nRegister its class: coma.register(lock, to_tree, from_tree).\n"
            "Or give it a method coma_getstate() that returns a dictionary."
        ),
    ),
    "existing file": (
        errors.StorageError,
        lambda e: [e.export("y.csv"), e.export("y.csv")],
        "[Errno 17] this file exists already: 'y.csv'. Choose another name or pass overwrite=True.",
    ),
    "inactive": (errors.InactiveError, inactive, "is inactive"),
    "busy": (errors.RunError, busy, "ExperimentBusyError"),
    "failure": (errors.RunError, fail, "(x=7): ValueError: no"),
    "ensembles": (errors.ExperimentError, unequal, 'repeats="append"'),
    "damaged file": (errors.DataFileError, damaged, "no valid JSON"),
}

TERMINAL = {
    "existing file": "y.csv: this file exists already. Choose another name or pass --overwrite.",
    "ensembles": "--repeats append",
    "inactive": "coma-xr activate",
}


@pytest.mark.parametrize("case", CATALOGUE)
def test_the_message_of_each_kind_of_error(e, case):
    kind, provoke, text = CATALOGUE[case]
    with pytest.raises(kind) as caught:
        provoke(e)
    error = caught.value
    assert type(error) is kind
    assert text in str(error)
    for language in ("python", "terminal"):
        message = error.message(language).replace(str(e.path.parent), "")
        assert len(message) <= 300, message
        assert not BANNED.search(message), message
        assert not PRIVATE.search(message.replace("_thread", "")), message
    assert TERMINAL.get(case, "") in error.message("terminal")
    assert "=" not in error.message("terminal").replace(text, "") or case not in TERMINAL


def test_the_catalogue_has_every_kind_of_error():
    kinds = {kind for kind, *_ in CATALOGUE.values()}
    assert {kind.__name__ for kind in KINDS} - {kind.__name__ for kind in kinds} == {"ExperimentBusyError"}


def test_errors_are_raised_with_the_names_of_public_classes():
    assert all(kind.__module__ == "coma_xr.errors" for kind in KINDS)
    assert {kind.__name__ for kind in KINDS} <= {name for name, _ in inspect.getmembers(coma)}
