"""Arguments of every wrong type, at every public function and method: an error of coma_xr, or an answer.

No argument reaches NumPy, pandas or matplotlib unchecked, and no message repeats a long value.
"""

import datetime as dt
import inspect
import itertools
import math
import pathlib
import shutil
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr import P
from coma_xr.errors import ComaError
from coma_xr.plotting.arguments import PlotSpec

pytestmark = [pytest.mark.ci, pytest.mark.filterwarnings("ignore")]


class Own:
    """A value of the user's own; as a function of anything it makes one."""

    def __init__(self, *_):
        pass


WRONG = {
    "None": None,
    "int": 7,
    "negative": -1,
    "float": 1.5,
    "nan": math.nan,
    "huge": 10**40,
    "complex": 1j,
    "True": True,
    "object": Own(),
    "list": [1, 2],
    "objects": [Own()],
    "empty list": [],
    "tuple": (1, 2),
    "set": {1},
    "dict of ints": {1: 2},
    "dict": {"a": 1},
    "bytes": b"abc",
    "long text": "x" * 100_000,
    "no text": "",
    "text": "abc",
    "null character": "a\0b",
    "surrogate": "\ud800",
    "type": Own,
    "range": range(3),
    "ellipsis": ...,
    "array": np.arange(3),
    "array of two dims": np.zeros((2, 2)),
    "array without dims": np.array(3),
    "no Dataset": xr.Dataset(),
    "DataFrame": pd.DataFrame({"a": [1]}),
    "no DataFrame": pd.DataFrame(),
    "Series": pd.Series([1]),
    "NaT": pd.NaT,
    "date": dt.date(2020, 1, 1),
    "path": pathlib.Path("nope"),
    "term": P.a,
    "condition": P.a > 1,
    "P": P,
}

TREE = {"parameters": {"x": 4, "s": "a"}, "results": {"y": 1.0}}


def model(x, s):
    return {"y": float(x**2), "v/c": x, "fit": {"E": [x, x]}}


# What is passed for the arguments that a call needs, next to the wrong one.
NEEDED = {
    "function": model,
    "scan": coma.grid(x=[1], s=["a"]),
    "path": "good.csv",
    "paths": "src",
    "other": "src",
    "where": "x > 1",
    "condition": "x > 1",
    "ids": [1],
    "id": 1,
    "old": 1,
    "new": 1,
    "name": "y",
    "kind": "grid",
    "reason": "r",
    "trees": [TREE],
    "tree": TREE,
    "sets": [{"a": 1}],
    "command": ["true", "{x}"],
    "table_definition": [("x", "parameters/x")],
    "parameter_set": coma.ParameterSet(["x", "s"], [1, "a"]),
    "parameters": coma.ParameterSet(["x", "s"], [1, "a"]),
    "low": 1,
    "high": 2,
    "part": "a",
    "values": [1],
    "number": 3,
    "n": 3,
}

FUNCTIONS = [
    "Experiment",
    "ParameterSet",
    "cases",
    "create_default_config",
    "external",
    "grid",
    "load",
    "load_config",
    "open_experiments",
    "program",
    "read_tree",
    "sample",
    "zipped",
]

# Methods of objects that are handed out; those that only coma_xr calls, and those of lists and tuples, are left out.
METHODS = {
    "Experiment": [name for name in vars(coma.Experiment) if not name.startswith("_")],
    "Experiments": ["select", "to_dataset", "to_dataframe", "export", "plot", "__getitem__"],
    "Measurement": ["paths", "__getitem__"],
    "NewMeasurement": ["save", "start", "end"],
    "Scan": ["where", "sample", "__mul__", "__add__"],
    "Term": ["isin", "between", "close", "startswith", "endswith", "contains", "__add__", "__lt__", "__eq__"],
    "Condition": ["__and__", "__or__"],
    "P": ["__getitem__"],
    "ResultList": ["filter_results"],
    "accessor": ["sel", "where", "export", "plot", "missing", "holes"],
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source")
    e = coma.Experiment(path / "src")
    e.run(model, coma.grid(x=[1, 2, 3], s=["a", "b"]), progress=False)
    e.export(path / "good.csv")
    return path


@pytest.fixture(autouse=True)
def here(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMA_CONFIG_DIR", str(tmp_path / "settings"))
    shutil.copytree(source, tmp_path, dirs_exist_ok=True)
    yield
    plt.close("all")


def experiment():
    shutil.rmtree("used", ignore_errors=True)
    shutil.copytree("src", "used")
    return coma.Experiment("used")


MAKERS = {
    "Experiment": experiment,
    "Experiments": lambda: coma.open_experiments("src"),
    "Measurement": lambda: experiment().measurement(1),
    "NewMeasurement": lambda: experiment().new_measurement(),
    "Scan": lambda: coma.grid(a=[1, 2], b=[3]),
    "Term": lambda: P.a,
    "Condition": lambda: P.a > 1,
    "P": lambda: P,
    "ResultList": lambda: experiment().retrieve_results([("x", "parameters/x")]),
    "accessor": lambda: experiment().to_dataset().coma,
}


def check(call, told):
    """Call a function; an error is one of coma_xr with a message that fits on a screen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            answer = call()
            if inspect.isgenerator(answer):
                list(itertools.islice(answer, 3))
        except ComaError as error:
            for message in (str(error), error.message("terminal")):
                assert 0 < len(message) < 1500, f"{told}: {message[:300]}"
        except Exception as error:
            # A position beyond the end is Python's own error, as of a list.
            if not isinstance(error, IndexError) or "no experiment at position" not in str(error):
                error.add_note(told)
                raise


def calls(get):
    """Yield the names of arguments, and calls that get one of them."""
    kinds = inspect.Parameter
    parameters = list(inspect.signature(get()).parameters.values())
    only = [p for p in parameters if p.kind is kinds.POSITIONAL_ONLY]
    first = [NEEDED[p.name] for p in only if p.default is p.empty]
    needed = {
        p.name: NEEDED.get(p.name, "x")
        for p in parameters
        if p.default is p.empty and p.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
    }
    for p in parameters:
        if p.kind is kinds.VAR_POSITIONAL:
            yield p.name, lambda value: get()(*first, *needed.values(), value)
        elif p.kind is kinds.POSITIONAL_ONLY:
            before = first[: only.index(p)]
            yield p.name, lambda value, before=before: get()(*before, value, **needed)
        else:
            name = "unknown" if p.kind is kinds.VAR_KEYWORD else p.name
            yield name, lambda value, name=name: get()(*first, **{**needed, name: value})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_gets_arguments_of_every_type(name):
    for argument, call in calls(lambda: getattr(coma, name)):
        for kind, value in WRONG.items():
            check(lambda call=call, value=value: call(value), f"coma.{name}({argument}={kind})")


@pytest.mark.parametrize(("owner", "name"), [(owner, name) for owner in METHODS for name in METHODS[owner]])
def test_a_method_gets_arguments_of_every_type(owner, name):
    make = MAKERS[owner]
    if not callable(getattr(type(make()), name, None)):
        return
    for argument, call in calls(lambda: getattr(make(), name)):
        for kind, value in WRONG.items():
            check(lambda call=call, value=value: call(value), f"{owner}.{name}({argument}={kind})")


# matplotlib lays out and refuses texts itself, and takes anything with the methods of axes.
LEFT_TO_MATPLOTLIB = {("title", "long text"), ("title", "surrogate"), ("ax", "no Dataset")}


@pytest.mark.parametrize("argument", ["data", *PlotSpec.__annotations__])
def test_a_plot_gets_arguments_of_every_type(argument):
    data = experiment().to_dataset()
    for kind, value in WRONG.items():
        if (argument, kind) not in LEFT_TO_MATPLOTLIB:
            settings = {"data": data, "x": "x", "y": "y", "hue": "s", argument: value}
            check(lambda s=settings: coma.plot(s.pop("data"), **s), f"plot({argument}={kind})")
        plt.close("all")
