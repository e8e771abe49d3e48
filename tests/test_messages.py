"""The wording of a message of each kind of error, in Python's language and in that of the terminal."""

from __future__ import annotations

import ast
import inspect
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

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
    r"foreign|(?<!There )is no [a-z]+ of|we|our|ours)\b|^(What|Which|That|Whoever) (?!is wrong)"
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

    e.run(again, {"x": [8]}, code="accept", progress=False, on_error="stop")


def inactive(e):
    e.deactivate()
    e.new_measurement()


def fail(e):
    def fail(x):
        raise ValueError("no")

    e.run(fail, {"x": [7]}, code="accept", on_error="stop", progress=False)


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
        "'y.cvs' does not end in a known format.\nAvailable: .csv, .json, .nc, .parquet, .zarr.\nDid you mean '.csv'?",
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
            "1 (a number) and 'a' (text) cannot be put in order.\n"
            "Expected numbers with numbers, text with text, or dates with dates such as '2026-01-31'.\n    x > 'a'"
        ),
    ),
    "text of a condition": (
        errors.ParameterError,
        lambda e: e.to_dataset(where="x > 1 and"),
        "The condition is incomplete. Expected a name or a value here.\n    x > 1 and\n             ^",
    ),
    "time without a zone": (
        errors.ConditionError,
        lambda e: len(coma.grid(d=[pd.Timestamp("2020-01-01", tz="UTC")]).where("d > '2020'")),
        (
            "(a Timestamp) and '2020' (text) cannot be put in order.\n"
            "Expected two times with a time zone, such as '2026-01-31T12:00+01:00', or two without one."
        ),
    ),
    "step of a slice": (
        errors.ParameterError,
        lambda e: e.to_dataset().coma.sel(x=slice(None, None, 2)),
        (
            "sel(x=...) got a slice with the step 2.\nExpected a slice of a first and a last value.\n"
            "For every second label, pass it to ds.isel(x=...)."
        ),
    ),
    "layout": (
        errors.LayoutError,
        lambda e: e.define_layout("points", dims=["x"]),
        "The layout 'points' takes no dims. Leave dims= out, or define 'grid'.",
    ),
    "name that is no text": (
        errors.PathError,
        lambda e: e.to_dataset({1: "y"}),
        "1, the name of 'y', is an int. Expected a string.",
    ),
    "dim of lists": (
        errors.LayoutError,
        lambda e: e.to_dataset(unfold={"E": "y"}),
        (
            "'E' was given the dims y, but 'y' is a variable of the Dataset.\nChoose another name for the dim of its lists, "
            "such as unfold={'E': 'y_index'}, or annotate(..., dims='y_index')."
        ),
    ),
    "coordinate of lists": (
        errors.LayoutError,
        lambda e: e.to_dataset(unfold={"E": {"y": "results/fit/E"}}),
        (
            "The coordinate 'y' has the name of results/y.\n"
            "Choose another name or path, in unfold= or annotate(..., coords=...)."
        ),
    ),
    "coordinate of itself": (
        errors.LayoutError,
        lambda e: e.annotate("y", coords={"z": "y"}),
        "coords={'z': 'results/y'} of 'results/y' has this path itself. Expected paths of others.",
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
    "damaged file": (errors.DataFileError, damaged, "not valid JSON"),
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


SOURCES = Path(errors.__file__).parent
TESTS = Path(__file__).parent

# The wording of messages that no other test mentions.
WORDING = [
    (
        lambda e: bool(P.x > 1),
        "x > 1 has no truth value, so `and`, `or`, `not`, `in`, `if` and 1 < P.a < 3 cannot be used.",
    ),
    (lambda e: P.x.foo, "x has no method 'foo'."),
    (lambda e: P.x / 0, "x / 0 divides by zero. Expected another number."),
    (
        lambda e: e.to_dataset(where="y / x / 0 > 1"),
        "If a path is meant, put it in backticks: `results/E/0`.",
    ),
    (lambda e: e.failure([1]), "id=[1] is a list. Expected an integer."),
    (lambda e: e.code(1.5), "id=1.5 is a float. Expected an integer."),
    (lambda e: e.define_layout("grid", dims=7), "7 is an int. Expected paths or names, in a list or"),
    (lambda e: e.new_measurement().save({}, 7), "parameters=7 is an int. Expected a ParameterSet or None."),
    (lambda e: e.run_measurement(7, None), "run_measurement() got 7, an int. Expected a function."),
    (lambda e: coma.ParameterSet(7, [1]), "7 is an int. Expected names of parameters, in a list."),
    (lambda e: coma.ParameterSet(["x"], 7), "7 is an int. Expected values of parameters, in a list."),
    (lambda e: coma.program(7), "command=7 cannot be used. Expected a string, or a list of arguments."),
    (lambda e: coma.program("true", env=7), "env=7 cannot be used. Expected a mapping of names to values."),
    (lambda e: coma.cases(e.to_dataset().isel(x=0)[[]].drop_vars(["x"])), "The Dataset has no dims."),
    (
        lambda e: coma.open_experiments("squares").to_dataset(strct=True),
        "Experiments.to_dataset() has no argument 'strct'.",
    ),
    (
        lambda e: coma.plot(e.to_dataset(), x="x", y="y", height=10**6),
        "height=1000000 is too large. Expected a number up to 1000.",
    ),
    (lambda e: coma.plot(e.to_dataset(), y="y", status=7), "status=7 cannot be used."),
    (lambda e: coma.load("x" * 5000), " ... xxxx"),
    (lambda e: coma.load("\ud800"), "is not a path. Expected a path that is not empty."),
    (lambda e: P.x + 10**400, "0000000000000.\nExpected a number up to 1.8e308."),
    (
        lambda e: e.to_dataset(where="x < 1e400"),
        "1e400 is too large for a float. Write Decimal('1e400') for this number, or inf.",
    ),
    (
        lambda e: e.to_dataset(where="x < 1e300 * 1e300"),
        (
            "* of 1e+300 and 1e+300 is too large, or not a real number.\n"
            "Expected a float up to 1.8e308, or an int of at most 3000 bits."
        ),
    ),
    (lambda e: P.x.isin([P.a]), "a differs between measurements. Expected one value for all."),
    (
        lambda e: P.x.between(1, 2, inclusive="bth"),
        "Unknown option inclusive='bth'. Available: both, left, right, neither. Did you mean 'both'?",
    ),
    (lambda e: list(e.measurements("x > 1" + " " * 10**6)), "The condition has 1000005 characters."),
    (
        lambda e: coma.Experiment("s3://bucket/scan"),
        "'s3://bucket/scan' is a remote address (s3).\nExpected a path on this computer.",
    ),
    (
        lambda e: coma.Experiment("~nobody-of-this-name/a"),
        "No home directory is known for '~nobody-of-this-name/a'.",
    ),
    (lambda e: coma.Experiment("a", id=10**30), "id=1000000000000000000000000000000 is too large."),
    (
        lambda e: coma.Experiment("c", config={"measurement_file": "m1${measurement_id}"}),
        "measurement_file: a digit next to ${measurement_id} in 'm1${measurement_id}' would count as part of it.",
    ),
    (lambda e: coma.plot(e.to_dataset(), y=[]), "y=[] is empty."),
    (
        lambda e: coma.plot(e.to_dataset(), y=["y", "y"]),
        "names a variable twice. Expected different variables.",
    ),
    (
        lambda e: coma.plot(e.to_dataset().assign(c=lambda ds: ds.y * 1j), y="c"),
        "'c' is complex. Plot a part of it:",
    ),
    (lambda e: coma.plot(e.to_dataset(), y="y", line_kw={"colr": 1}), "line_kw has no keyword 'colr'."),
    (
        lambda e: coma.plot(e.to_dataset(), x="x", y="y", hue="x", line_kw={"c": "k"}),
        "line_kw sets 'c', and the colours show 'x'. Use palette=, or leave out hue.",
    ),
    (
        lambda e: coma.plot(e.to_dataset(), y="y", line_kw={"lw": "thick"}),
        "matplotlib refused line_kw: could not convert string to float: 'thick'",
    ),
    (
        lambda e: coma.plot(e.to_dataset(), y="y", palette=5),
        "palette=5 cannot be used.\nExpected a colour map, a list of colours, or a mapping",
    ),
    (lambda e: coma.plot(e.to_dataset(), y="y", palette=["rde"]), "palette: 'rde' is not a colour."),
    (
        lambda e: e.retrieve_results([("a", "results/y"), ("a", "results/y")]),
        "Two columns are called 'a'. Rename one of them.",
    ),
    (
        lambda e: e.measurement(1).save,
        "Measurement 1 has no 'save', because stored measurements are read-only.",
    ),
    (
        lambda e: coma.load("other.json"),
        "other.json: no exported Dataset or DataFrame. Expected 'coords' and 'data_vars'.",
    ),
    (lambda e: e.export("t.nc") and damage("t.nc"), "t.nc: damaged: "),
    (lambda e: e.annotate("results/y", formerly="results/y"), "is the path itself. Expected another path."),
    (
        lambda e: e.annotate("results/fit/E", formerly="results/y"),
        (
            "formerly=['results/y'] of 'results/fit/E' would hide 'results/y': 3 measurements have both, 1 for example.\n"
            "Expected a path that measurements with 'results/fit/E' lack."
        ),
    ),
    (
        lambda e: [e.annotate(f"results/{new}", formerly=f"results/{old}") for new, old in ("ay", "ya")],
        (
            "formerly=['results/a'] of 'results/y': 'results/a' was called 'results/y' formerly, by an earlier annotation.\n"
            "Take that back first: annotate('results/a', formerly=None)."
        ),
    ),
    (
        lambda e: [e.annotate(f"results/{new}", formerly="results/y") for new in "ac"],
        (
            "formerly=['results/y'] of 'results/c': 'results/y' is read as 'results/a' already.\n"
            "Take that back first: annotate('results/a', formerly=None)."
        ),
    ),
    (lambda e: e.annotate("results/y", default=1), "'results/y' cannot have a default."),
    (lambda e: e.annotate("results/fit/E", dims=["a", "a"]), "of 'results/fit/E' names the dim 'a' twice."),
    (
        lambda e: e.annotate("results/fit/E", dims="t", coords={"t": "results/q"}),
        "The coordinate 't' of 'results/fit/E' is in no measurement: 'results/q'.",
    ),
    (
        lambda e: coma.plot(e.to_dataset() * 1e-300, x="x", y="y"),
        "'y' has numbers up to 9.0e-300, which an axis shows as zeros.\nExpected numbers above 1e-286.",
    ),
    (
        lambda e: coma.plot(e.to_dataset(), x="x", y="y", ax=Figure().add_subplot(projection="polar")),
        "Axes with the projection 'polar' cannot be drawn on.\nExpected axes with x and y at right angles.",
    ),
    (
        lambda e: e.define_figure("f", y="y", kind="lin"),
        "kind='lin' is unknown.\nAvailable: line, scatter, heatmap, contour, hist, box, violin.\nDid you mean 'line' or 'violin'?",
    ),
    (
        lambda e: e.to_dataset().coma.where("`results/fit/E` == [1, -1]"),
        (
            "The cells of 'results/fit/E' are items of lists, which this Dataset has along E_index.\nExpected one value to "
            "compare the items with.\nUse where= of e.to_dataset() or e.to_dataframe() for whole lists, or one item: "
            "`results/fit/E/0` == 2."
        ),
    ),
    (
        lambda e: e.to_dataset(where="y == 2+1j"),
        "A number runs into a name here. Write complex('1+2j') for a complex number, `1j` for a name.",
    ),
    (
        lambda e: e.to_dataset().coma.sel(x=1, tolerance="x"),
        "tolerance='x' is a str. Expected a number from 0 up or None.",
    ),
    (
        lambda e: e.to_dataset(unfold={"results/fit/E": {"t": "results/y"}}),
        "The coordinate 't' (results/y) labels the dim t, but has no lists.\nExpected a path to lists with a label",
    ),
    (lambda e: e.define_figure("f", y="y", ax=1), "ax=int cannot be kept with a figure."),
    (lambda e: e.run(lambda x: x, {"x": [1]}, recompute=[99]), "to compute again."),
    (
        lambda e: e.new_measurement().save(
            {"results": {"a": coma.external(np.zeros(2, dtype=[("b", "i4")]))}}
        ),
        "netCDF has no structured arrays",
    ),
    (
        lambda e: e.run(lambda x: x, {"x": [1]}, executor=ThreadPoolExecutor),
        "'concurrent.futures.thread.ThreadPoolExecutor'> is a",
    ),
    (
        lambda e: e.run(lambda x: x, {"x": [1]}, executor=5),
        "executor=5 is an int. Expected a concurrent.futures.Executor or a dask Client.",
    ),
    (
        lambda e: with_resource(e, {"n": 3}, {}),
        (
            "got n from resources=, so that its value is not recorded, and this run would use the function's default n = 8.\n"
            "Pass n by resources=.\nOr call annotate('parameters/n', default=...) with the value that it had."
        ),
    ),
    (
        lambda e: with_resource(e, {}, {"n": 3}),
        (
            "has n = 8, and n from resources= would not be recorded.\nPut n into the scan.\n"
            "Or remove the default of n in the function, if it does not affect the results."
        ),
    ),
    (lambda e: e.measurement(1).restore(5), "restore() got 5, an int. Expected classes"),
    (lambda e: coma.plot(e.to_dataset(), z="y"), "A map of 'y' (over x) needs two axes."),
    (lambda e: coma.plot(e.to_dataset(), x=["x", "y"], y="y", z="y"), "A map has one x and one y."),
    (
        lambda e: coma.plot(
            e.to_dataset().assign(c=lambda ds: ds.y.astype(str)).expand_dims(r=2), x="x", y="c", error="r"
        ),
        "'c' holds names, which have no mean over 'r'.",
    ),
    (
        lambda e: coma.plot(
            pd.DataFrame({"x": [0] * 4, "a": [1, 1, 2, 2], "repeat": [0, 1] * 2, "y": range(4)}),
            x="x",
            y="y",
        ),
        "This plot does not use the column 'a' (2 values: 1, 2), over which y varies.",
    ),
    (
        lambda e: coma.plot(e.to_dataset(), x="x", y="y", error="std"),
        "error='std' is not a kind of error, dimension, coordinate or variable of the plotted data.",
    ),
    (
        lambda e: coma.plot(e.to_dataframe(), y="y", error="a"),
        "is not a kind of error or column of the table.",
    ),
    (
        lambda e: coma.plot(e.to_dataset(), x="x", y="y", error=("ci", 0.95)),
        "Expected a part in percent, such as ('ci', 95). Did you mean 95?",
    ),
    (
        lambda e: coma.plot(e.to_dataset(), x="x", y="y", error=("percentile", (0.05, 0.95))),
        "such as ('percentile', (5, 95)).\nDid you mean (5, 95)?",
    ),
    (
        lambda e: coma.plot(
            pd.DataFrame({"t": [pd.Timestamp(0), pd.Timestamp(0, tz="UTC")], "y": [1, 2]}), x="t", y="y"
        ),
        "'t' holds dates with a time zone and dates without one. Give all dates a time zone, or none.",
    ),
    (
        lambda e: coma.plot(e.to_dataset(), x="x", y="y", kind="box"),
        "kind='box' needs a dim of samples, and none is left. Leave a dim off x, hue, style, row and col.",
    ),
]

# Messages that consist of what is filled in, and those of damaged files and of states that no test has reached.
FILLED_IN, UNTESTED = 12, 22


def with_resource(e, *resources):
    e = coma.Experiment("resources")
    for given in resources:
        e.run(lambda x, n=8: x, {"x": [1]}, resources=given)


def damage(name):
    data = Path(name).read_bytes()
    Path(name).write_bytes(data[: len(data) // 2])
    coma.load(name)


@pytest.mark.parametrize(("provoke", "text"), WORDING, ids=range(len(WORDING)))
def test_the_wording_of_a_message(e, provoke, text):
    Path("other.json").write_text("{}")
    with pytest.raises(ComaError) as caught:
        provoke(e)
    assert text in str(caught.value)


def template(node):
    """Return a string or f-string with X in place of what is filled in; anything else is empty."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(part.value if isinstance(part, ast.Constant) else " X " for part in parts)


def messages():
    """Yield the place of each error that the package makes, and the string of which its message is made."""
    kinds = {kind.__name__ for kind in KINDS}
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in kinds:
                nodes = [*node.args[:2], *(word.value for word in node.keywords if word.arg == "expected")]
                if text := " X ".join(filter(None, map(template, nodes))):
                    yield f"{path.relative_to(SOURCES)}:{node.lineno}", text


def words(text):
    return re.sub(r"[\\\"'`\s]+", " ", text).strip().split(" ")


def pattern(text):
    """Return the expression that finds a message in the words of tests, whatever is filled in."""
    return ".{1,80}?".join(re.escape(" ".join(words(part))) for part in text.split(" X "))


@pytest.mark.ci
def test_each_message_keeps_to_the_rules_and_is_asserted_by_a_test():
    """Three words in a row of each message, a whole part of it, or all with something filled in occur in a test."""
    rows = [words(path.read_text()) for path in TESTS.rglob("*.py")]
    asserted = {run for row in rows for run in zip(row, row[1:], row[2:], strict=False)}
    tests = " ".join(" ".join(row) for row in rows)
    faults, filled_in, untested = [], [], []
    for place, text in messages():
        if (
            (BANNED.search(text) and "?" not in text)
            or PRIVATE.search(text.replace("X _", "X"))
            or len(text) > 300
        ):
            faults.append((place, text))
        row = words(text)
        if not asserted.isdisjoint(run for run in zip(row, row[1:], row[2:], strict=False) if "X" not in run):
            continue
        parts = [" ".join(words(part)).strip(" .") for part in text.split(" X ")]
        if sum(map(len, re.findall("[A-Za-z]{3,}", text))) < 6:
            filled_in.append((place, text))
        elif not re.search(pattern(text), tests) and not any(
            part in tests for part in parts if len(part) > 8
        ):
            untested.append((place, text))
    assert faults == []
    assert len(filled_in) <= FILLED_IN, filled_in
    assert len(untested) <= UNTESTED, untested


# Errors of one string without other parts, since nothing else could be expected or done.
WHOLE = {
    "The experiment in X is already active.",
    "The experiment in X is already inactive.",
    "X does not exist, nor does the directory X .",
    "No measurement in X meets the condition X . Nothing was written.",
    "X has no failures.",
    "X is not a TOML file: X .",
    "the record of a parameter's value cannot be read: X",
}


def test_errors_keep_their_parts_apart():
    """Other than fragments about what is in a file, to which its reader adds the place."""
    whole = []
    for path in sorted(SOURCES.rglob("*.py")):
        is_about_files = path.relative_to(SOURCES).parts[0] in {"encoding", "store", "values"}
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if name not in {kind.__name__ for kind in KINDS} or (is_about_files and name == "DataFileError"):
                continue
            if len(node.args) == 1 and not node.keywords:
                whole.append(" ".join(template(node.args[0]).split()))
    assert sorted(whole) == sorted(WHOLE)


# What messages call that is not the package's: Python's, xarray's, a user's function, and those of the terminal.
OTHERS = {"abs", "assign", "f", "isel", "linspace", "mean", "reset_index", "super", "timedelta64", "tolist"}


def called_names(node):
    for leaf in ast.walk(node):
        if text := template(leaf):
            text = text.replace(" X ", "{}")
            yield from re.findall(r"(?<![\w{}`])([A-Za-z_][\w.]*)\(", text)


def test_messages_name_public_functions_and_methods_only():
    public = {*OTHERS, *coma.__all__}
    for name in coma.__all__:
        public |= {member for member in dir(getattr(coma, name)) if not member.startswith("_")}
    unknown = set()
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if name in {kind.__name__ for kind in KINDS} | {"Way", "warn"}:
                names = {called.rpartition(".")[2] for called in called_names(node)}
                unknown |= {f"{path.name}:{node.lineno}: {called}()" for called in names - public}
    assert not unknown


def test_classes_that_messages_name_are_public():
    "An unknown argument is reported with the class of the object."
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and "checks_keywords" in map(ast.unparse, node.decorator_list):
                assert node.name == "Members" or node.name in coma.__all__
