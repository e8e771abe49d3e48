"""What users get wrong, and what they read then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

import coma_xr as coma
from coma_xr.errors import (
    ComaWarning,
    DataFileError,
    DataFileWarning,
    ExperimentError,
    InactiveError,
    ParameterError,
    PathError,
)

COMA2 = Path(__file__).parent / "data" / "coma2"
DENIED = "cannot write in the directory pendulum: permission denied; check the owner and mode of it and of its directory"
READ_ONLY = "the experiment was opened with mode='r', to be read only"


@pytest.fixture
def pendulum(tmp_path):
    """An experiment of Coma 2's with twelve measurements."""
    path = tmp_path / "pendulum"
    shutil.copytree(COMA2 / "pendulum-json-pretty-active", path)
    return path


@pytest.fixture
def inactive(tmp_path):
    """The same, inactive."""
    path = tmp_path / "inactive"
    shutil.copytree(COMA2 / "pendulum-json-pretty-inactive", path)
    return path


@pytest.fixture
def e(experiment_path):
    """A new experiment with two parameters defined."""
    e = coma.Experiment(experiment_path)
    e.define_parameter_set("theta_0", "theta")
    return e


# Parameters


def test_parameter_sets_need_a_definition(experiment_path):
    with pytest.raises(ParameterError) as caught:
        coma.Experiment(experiment_path).add_parameter_set(1.0)
    assert str(caught.value) == (
        f"The parameters of {experiment_path} are not defined yet.\n"
        "Define them, for example define_parameter_set('theta_0', 'theta')."
    )


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((1, 2, 3), {}, "Expected 2 values (theta_0, theta), found 3"),
        ((1,), {}, "Expected 2 values (theta_0, theta), found 1; missing: theta"),
        ((), {"theta": 1}, "Expected 2 values (theta_0, theta), found 1; missing: theta_0"),
        (
            (1,),
            {"tehta": 2},
            "Unknown parameter 'tehta'. Available: theta_0, theta. Did you mean 'theta' or 'theta_0'?",
        ),
        ((1, 2), {"theta": 2}, "The parameter 'theta' was given twice."),
        ((1, object()), {}, "theta: cannot store an object."),
    ],
)
def test_wrong_values_are_refused_when_they_are_added(e, args, kwargs, text):
    with pytest.raises(ExperimentError) as caught:
        e.add_parameter_set(*args, **kwargs)
    assert text in str(caught.value)
    e.add_parameter_set(1, 2)
    assert e.run(lambda p: {}, progress=False) == (1, 1)


def test_a_run_needs_something_to_run(experiment_path):
    e = coma.Experiment(experiment_path)
    with pytest.raises(ParameterError, match="There is nothing to run in"):
        e.run(lambda p: {})


def test_a_function_that_lacks_an_argument_is_not_called(experiment_path):
    called = []

    def pendulum(theta):
        called.append(theta)

    text = r"pendulum\(\) takes no argument 'tehta'.*Did you mean 'theta'\?"
    with pytest.raises(ParameterError, match=text):
        coma.Experiment(experiment_path).run(pendulum, {"tehta": [1]})
    assert not called


def test_other_parameters_than_those_of_the_measurements_are_refused(e):
    e.run(lambda theta_0, theta: {"t": 1}, {"theta_0": [1], "theta": [2]})
    with pytest.raises(ParameterError) as caught:
        e.run(lambda theta_0, theta, L: {"t": 1}, {"theta_0": [1], "theta": [2], "L": [1.0, 2.0]})
    assert str(caught.value).splitlines() == [
        "Measurement 1, made with the parameters theta_0, theta, has no 'parameters/L'.",
        "Call annotate('parameters/L', default=...) with the value that it had in them.",
        "If it was stored under another path, call annotate('parameters/L', formerly=...).",
        "Or start a new experiment.",
    ]
    with pytest.raises(ParameterError) as caught:
        e.define_parameter_set("theta_0")
    assert str(caught.value).splitlines() == [
        "The new definition lacks theta, but the measurements were made with the parameters theta_0, theta.",
        "Put theta into the scan, with one value if it does not vary.",
        "If it has another name now, call annotate('PATH', formerly='parameters/theta').",
        "Or start a new experiment.",
    ]
    with pytest.raises(ParameterError, match=r"annotate\('parameters/angle', formerly='parameters/theta'\)"):
        e.define_parameter_set("theta_0", "angle")


def test_a_parameter_that_a_default_would_stand_for_is_named_with_its_value(e):
    def fall(x, g=9.81):
        return {"y": x * g}

    e.run(fall, coma.grid(x=[1, 2], g=[1.6, 9.81]))
    with pytest.raises(ParameterError, match=r"such as the function's own default \(g=9\.81\)"):
        e.run(fall, {"x": [3]})
    assert e.run(fall, {"x": [3], "g": 9.81}) == (1, 1)


def test_a_constant_becomes_a_parameter(e):
    """The way out that the error names works: measurements without it count as the default."""
    e.run(lambda theta_0, theta: {"t": 1}, {"theta_0": [1], "theta": [2, 3]})
    e.annotate("parameters/L", default=1.0)
    scan = {"theta_0": [1], "theta": [2, 3], "L": [1.0, 2.0]}
    with pytest.warns(ComaWarning, match="to a grid over theta_0, theta, L"):
        assert e.run(lambda theta_0, theta, L: {"t": L}, scan, code="accept") == (2, 4)
    assert e.to_dataset().t.sizes == {"theta_0": 1, "theta": 2, "L": 2}
    assert e.to_dataset().t.sel(L=1.0).values.tolist() == [[1, 1]]


def test_a_default_that_becomes_a_parameter_is_found_in_the_files(experiment_path):
    e = coma.Experiment(experiment_path)
    e.run(lambda x, L=1.0: {"y": x * L}, {"x": [1, 2]})
    with pytest.warns(ComaWarning, match="to a grid over x, L"):
        assert e.run(lambda x, L: {"y": x * L}, {"x": [1, 2], "L": [1.0, 2.0]}) == (2, 4)
    assert e.to_dataset().y.sel(L=2.0).values.tolist() == [2, 4]


def test_a_misspelt_parameter_is_no_new_one(experiment_path):
    e = coma.Experiment(experiment_path)
    e.run(lambda x, L=1.0: {"y": x * L}, {"x": [1, 2]})
    with pytest.raises(ParameterError, match=r"takes no argument 'l'"):
        e.run(lambda x, L=1.0: {"y": x * L}, {"x": [1, 2], "l": [2.0]})


def test_an_annotation_of_nothing_is_named(experiment_path):
    e = coma.Experiment(experiment_path)
    e.annotate("results/later", units="m")
    e.run(square, {"x": [1, 2]})
    with pytest.warns(
        ComaWarning, match="None of the 2 measurements in .* has 'results/yy'.*Did you mean 'results/y'"
    ):
        e.annotate("results/yy", units="m")
    with pytest.raises(PathError) as error:
        e.annotate("results/y", coords={"i": "results/xx"})
    assert error.value.name == "results/xx"
    assert "results/y" not in e.annotations
    e.annotate("results/y", units="J", coords=None)
    e.annotate("results/yy", units=None)
    assert e.annotations == {"results/later": {"units": "m"}, "results/y": {"units": "J"}}


def test_an_empty_experiment_says_that_it_is_empty(experiment_path):
    e = coma.Experiment(experiment_path)
    with pytest.warns(ComaWarning, match=r"There are no measurements in .*experiment\.$"):
        assert not e.to_dataset().sizes
    with pytest.warns(ComaWarning, match="failed"):
        e.run(lambda x: 1 / x, {"x": [0]})
    with pytest.warns(
        ComaWarning, match=r"There are no measurements in .* 1 parameter set failed\. failures\(\)"
    ):
        assert e.to_dataframe().empty


def square(x):
    return {"y": x**2}


def test_near_doubles_are_named(experiment_path):
    e = coma.Experiment(experiment_path)
    with pytest.warns(ComaWarning, match=r"count as different values: x = 0.3 and 0.30000000000000004"):
        assert e.run(lambda x: x, {"x": [0.3, 0.1 + 0.2]}) == (2, 2)


def test_a_changed_default_is_named(experiment_path):
    """What is on file with another value of the function's own default is not taken for the same in silence."""
    e = coma.Experiment(experiment_path)
    e.run(lambda x, L=1.0: {"y": x * L}, {"x": [1, 2]})
    with pytest.warns(ComaWarning) as said:
        assert e.run(lambda x, L=2.0: {"y": x * L}, {"x": [1, 2]}) == (2, 2)
    assert any("The default L = 2.0 of <lambda>() was 1.0" in str(w.message) for w in said)


# Opening


def test_a_file_is_no_experiment(tmp_path):
    path = tmp_path / "results.txt"
    path.write_text("hello")
    with pytest.raises(ExperimentError) as caught:
        coma.Experiment(path)
    assert (
        str(caught.value)
        == f"{path} is a file.\nExpected the directory of an experiment, or its experiment file."
    )


def test_two_experiment_files_need_a_choice(inactive):
    shutil.copy(
        COMA2 / "pendulum-json-compact-inactive" / "experiment.none.json", inactive / "experiment.000009.json"
    )
    with pytest.raises(ExperimentError) as caught:
        coma.Experiment(inactive)
    assert str(caught.value) == (
        f"{inactive} holds several experiments: experiment.000007.json, experiment.000009.json.\n"
        "Pass id= or the path of the experiment file."
    )
    e = coma.Experiment(inactive, id=7)
    assert e.number_of_measurements() == 12
    assert coma.Experiment(inactive / "experiment.000007.json").id == 7
    with pytest.raises(coma.ComaError, match="move this experiment file to its own directory"):
        e.activate()


def test_a_wrong_id_is_refused(pendulum):
    with pytest.raises(
        ExperimentError, match=r"holds no experiment with the id 8, but experiment.000007.json"
    ):
        coma.Experiment(pendulum, id=8)
    with pytest.raises(ParameterError, match=r"^id='\.\./7' is a str"):
        coma.Experiment(pendulum, id="../7")


def test_modes(tmp_path, pendulum):
    with pytest.raises(
        ExperimentError,
        match=r"There is no experiment in .*nothing does not exist; mode='a' makes a new one.",
    ):
        coma.Experiment(tmp_path / "nothing", "r")
    assert not (tmp_path / "nothing").exists()
    with pytest.raises(ExperimentError, match=r"holds an experiment already\."):
        coma.Experiment(pendulum, "x")
    with pytest.raises(ExperimentError, match="^mode='w' is unknown"):
        coma.Experiment(pendulum, "w")


def test_mode_r_never_writes(pendulum):
    before = snapshot(pendulum)
    e = coma.Experiment(pendulum, "r")
    e.to_dataset()
    called = []
    for write in (
        lambda: e.run(lambda theta_0, theta: called.append(1), {"theta_0": [1], "theta": [1]}),
        lambda: e.annotate("results/t", units="s"),
        lambda: e.define_parameter_set("theta"),
        lambda: coma.Experiment(pendulum, "r", description="other"),
        e.new_measurement,
        e.deactivate,
        e.reset,
    ):
        with pytest.raises(coma.StorageError, match=READ_ONLY):
            write()
    assert not called
    assert snapshot(pendulum) == before


# Reading


def test_unknown_paths_name_the_nearest(pendulum):
    e = coma.Experiment(pendulum)
    empty = coma.Experiment(e.path / "empty")
    unknown = {
        "results/tt": [
            lambda: e.to_dataset(["results/tt"]),
            lambda: e.retrieve_results([("t", "results/tt")]),
            lambda: e.to_dataframe(where="`results/tt` > 1"),
        ],
        "theta0": [lambda: e.to_dataset(dims=["theta0"]), lambda: e.to_dataframe(["theta0"])],
        "tt": [
            lambda: e.measurement(3)["results/tt"],
            lambda: e.measurement(3).results.tt,
            lambda: e.annotate("tt", units="s"),
            lambda: empty.annotate("tt", units="s"),
        ],
    }
    near = {"results/tt": "results/t", "theta0": "theta_0", "tt": "t"}
    for name, calls in unknown.items():
        for call in calls:
            with pytest.raises((PathError, AttributeError)) as error:
                call()
            assert error.value.name == name
            assert near[name] in error.value.near or not error.value.available
    with pytest.raises(PathError, match="There is no measurement 99. The nearest of 12 are 10, 11, 12."):
        e.measurement(99)


BAD = {
    "measurement.000003.json": (b"", "empty"),
    "measurement.000004.json": (
        b'{\n  "measurement": {\n    "info": {\n      "meas',
        "not valid JSON: Unterminated",
    ),
    "measurement.000005.json": (b'{"a": 1}', "expected the key 'measurement', found a"),
    "measurement.000006.json": (b"[1]", "list"),
    "measurement.000007.json": (b"\0" * 400, "nothing but blanks or zero bytes"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_and_the_good_ones_are_returned(pendulum, name):
    content, text = BAD[name]
    (pendulum / name).write_bytes(content)
    e = coma.Experiment(pendulum)
    with pytest.warns(DataFileWarning, match="1 measurement of .* cannot be read and was skipped") as caught:
        df = e.to_dataframe()
    assert len(df) == 11
    assert name in str(caught[0].message)
    assert text in str(caught[0].message)
    with pytest.raises(DataFileError, match=name):
        e.to_dataset(strict=True)
    with pytest.raises(DataFileError, match=f"Nothing was changed.*{name}"):
        e.deactivate()
    assert (pendulum / name).read_bytes() == content
    assert e.isactive()


def test_a_value_that_contradicts_itself_is_named_and_the_others_are_returned(pendulum):
    name = pendulum / "measurement.000003.json"
    lie = '"t": {"__type__": "numpy.ndarray", "shape": [2], "list": [1]}'
    name.write_text(name.read_text().replace('"t": 0.6104150845871887', lie))
    e = coma.Experiment(pendulum)
    text = r"measurement 3, results/t: an array of shape \(2,\) cannot have 1 items"
    for read, size in ((e.to_dataframe, len), (lambda: e.to_dataset(layout="points").t, len)):
        with pytest.warns(DataFileWarning, match=f"{text}.* 1 of 12 measurements are left out"):
            assert size(read()) == 11
    with pytest.raises(DataFileError, match=text):
        e.to_dataset(strict=True)
    with pytest.raises(DataFileError, match=r"Measurement 3, results/t: an array"):
        e.measurement(3).results.t


def test_a_bad_file_is_computed_again_under_a_new_id(pendulum):
    (pendulum / "measurement.000003.json").write_bytes(b"")
    e = coma.Experiment(pendulum)
    e.define_parameter_set("theta_0", "theta")
    for theta in (-5.0, -1.6667, 1.6667, 5.0):
        e.add_parameter_set(-5.0, theta)
    with pytest.warns(DataFileWarning, match=r"measurement.000003.json: empty"):
        assert e.run(lambda p: {"results": {"t": 0.0}}) == (1, 4)
    assert e.measurement(13)["parameters/theta"] == 1.6667
    assert (pendulum / "measurement.000003.json").read_bytes() == b""


@pytest.fixture
def public_directory():
    """A directory that every user can reach; pytest's own are root's alone."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


AS_NOBODY = """
import os, sys
import coma_xr as coma
path = sys.argv[1]
def use(mode):
    e = coma.Experiment(path, mode)
    print(e.to_dataset().sizes["theta_0"], len(e.to_dataframe()))
    try:
        e.run(lambda theta_0, theta: print("computed"), {"theta_0": [-5.0], "theta": [-5.0]})
    except coma.StorageError as error:
        print(error)
use("r")                   # as root, to import all that is needed
os.seteuid(65534)
use("a")
os.seteuid(0)              # as root again, to write the data of coverage
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_read_only_directory_is_read_but_not_computed_for(public_directory):
    """Reading works without any right to write; a run says so before it computes anything."""
    path = public_directory / "pendulum"
    shutil.copytree(COMA2 / "pendulum-json-pretty-active", path)
    for file in (*path.iterdir(), path):
        file.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, path], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "3 12",
        f"[Errno 30] {READ_ONLY}; open it with mode='a': '{path}/experiment.000007.json'",
        "3 12",
        f"[Errno 13] {DENIED}; nothing was computed: '{path}'",
    ]


# Results


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda p: {"results": {"x": threading.Lock()}}, "results/x: cannot store a _thread.lock."),
        (lambda p: {"results": {"x": {1: 2}}}, "results/x: the key 1 is an int"),
        (
            lambda p: {"results": {"x": {"": 2}}},
            "results/x: the key '' is empty, and no path leads to it. Choose a name.",
        ),
        (
            lambda p: {"parameters": {"theta": 7}},
            "The result has parameters/theta = 7, and the parameter set theta = 2.0.",
        ),
        (lambda p: {"parameters": 7}, "parameters"),
        (lambda p: None, "returned None.\nExpected a measurement tree, such as"),
        (lambda p: p.tehta, "Unknown parameter 'tehta'. Available: theta_0, theta."),
    ],
)
def test_a_result_that_cannot_be_stored_is_the_failure_of_its_set_alone(e, function, text):
    e.add_parameter_set(1.0, 2.0)
    e.add_parameter_set(1.0, 3.0)
    with pytest.warns(ComaWarning, match="1 of 2 parameter sets failed"):
        assert e.run(lambda p: function(p) if p.theta == 2.0 else {"results": {"x": 1}}) == (1, 2)
    failures = e.failures()
    assert len(failures) == 1
    assert text in failures.message.iloc[0]
    assert failures[["theta_0", "theta"]].values.tolist() == [[1.0, 2.0]]
    assert [m["parameters/theta"] for m in e.measurements()] == [3.0]


def test_a_whole_tree_where_results_were_expected(experiment_path):
    e = coma.Experiment(experiment_path)
    with pytest.warns(ComaWarning, match="failed"):
        e.run(lambda a: {"parameters": {"a": a}, "results": {"b": 1}}, {"a": [1]})
    assert "returned a whole measurement tree (parameters, results)" in e.failures().message.iloc[0]


# The wrong state


def test_an_inactive_experiment_is_not_run(inactive):
    e = coma.Experiment(inactive)
    called = []
    for write in (
        lambda: e.run(lambda theta_0, theta: called.append(1), {"theta_0": [1], "theta": [2]}),
        e.new_measurement,
    ):
        with pytest.raises(InactiveError) as caught:
            write()
        assert " ".join(str(caught.value).split()) == (
            f"The experiment is inactive. Its measurements are stored in {inactive}/experiment.000007.json. "
            "Call activate() before adding to it."
        )
    assert not called
    with pytest.raises(InactiveError, match=f"The experiment in {inactive} is already inactive."):
        e.deactivate()
    e.activate()
    with pytest.raises(InactiveError, match="is already active"):
        e.activate()


def test_exports_are_not_overwritten(pendulum, tmp_path):
    e = coma.Experiment(pendulum)
    e.export(tmp_path / "x.csv")
    before = (tmp_path / "x.csv").read_bytes()
    with pytest.raises(coma.StorageError, match="this file exists already(.|\\n)* overwrite=True"):
        e.export(tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_bytes() == before
    e.export(tmp_path / "x.csv", overwrite=True)
    with pytest.raises(ExperimentError, match=r"'.*x.xls' does not end in a known format"):
        e.export(tmp_path / "x.xls")


def test_misspelt_names_of_the_package():
    with pytest.raises(AttributeError, match=r"no attribute 'Experment'.*Did you mean 'Experiment'"):
        coma.Experment


def snapshot(directory):
    """Return the content of all files."""
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def test_numpy_values_are_welcome(experiment_path):
    """What users have at hand counts as the same as Python's own."""
    e = coma.Experiment(experiment_path)
    assert e.run(lambda x, n: x * n, {"x": np.linspace(0, 1, 3), "n": np.arange(2)}) == (6, 6)
    assert e.run(lambda x, n: x * n, {"x": [0, 0.5, 1], "n": [np.float32(0), 1.0]}) == (0, 6)
