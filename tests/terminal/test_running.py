"""``coma-xr run``: functions, values and files that it takes, and what it prints."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import coma_xr as coma

ROOT = str(Path(coma.__file__).parents[1])

MODEL = """
import sys

def simulate(T, x, scale=1.0):
    if T == 2 and x == 1:
        raise ValueError("no convergence")
    return {"y": scale * x / T, "kinds": f"{type(T).__name__} {type(x).__name__}"}

def positional(T, /):
    return T

def nothing():
    return 1

def anything(**parameters):
    return 1

constant = 1.0

if __name__ == "__main__":
    sys.exit("this must not run")
"""


@pytest.fixture
def model(here, monkeypatch):
    """A file ``model.py`` in the working directory; what it leaves in Python is taken back."""
    (here / "model.py").write_text(MODEL)
    modules = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield here
    for name in set(sys.modules) - modules:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(here)):
            del sys.modules[name]


def test_a_scan_runs_and_runs_on(model, run):
    said = run("run", "model.py:simulate", "T=1,4", "x=linspace(0,1,3)")
    assert (said.code, said.err) == (0, [])
    assert said.out[:5] == [
        "model.py:simulate in simulate",
        "parameter  number  values",
        "T               2  1, 4",
        "x               3  0, 0.5, 1",
        "6 points: 2 x 3.",
    ]
    assert said.out[5].startswith("6 of 6 parameter sets saved; ")
    assert said.out[6].startswith("`coma-xr show simulate` ")
    said = run("run", "T=1,4", "model.py:simulate", "--limit", 1, "x=linspace(0,1,5)")
    assert said.out[5].startswith("1 of 10 parameter sets saved, 6 had a measurement already, 3 not run; ")
    assert "coma-xr run model.py:simulate T=1,4 'x=linspace(0,1,5)'" in "\n".join(run("show", "simulate").out)
    assert coma.Experiment("simulate").to_dataset().y.dims == ("T", "x")


def test_failures_and_their_number_end_with_1(model, run):
    said = run("run", "model.py:simulate", "T=1,2", "x=1", "-o", "out")
    assert said.code == 1
    assert said.out[-1] == "`coma-xr failures out` lists what failed."
    # The line of the failure is printed once.
    assert [line.split(":")[0] for line in said.err] == ["(T=2,x=1)", "coma-xr"]
    assert (
        said.err[-1] == "coma-xr: warning: 1 of 2 parameter sets failed (1 saved). The next run retries them."
    )
    assert run("run", "model.py:simulate", "T=1,2", "x=1", "-o", "out", "--no-retry-failed").code == 1


def test_nothing_is_made_where_nothing_can_run(model, run):
    before = sorted(os.listdir(model))
    for words in (
        ["TT=1", "x=1"],
        ["T=1"],
        [],
        ["T=1", "x=1", "--dry-run"],
        ["T=1", "x=1", "-j", "0"],
        ["T=lnspace(0,1,3)", "x=1"],
        ["T=range(0)", "x=1"],
        ["T=1,2", "x=1", "--where", "T > 5"],
    ):
        assert (run("run", "model.py:simulate", *words).code == 0) == ("--dry-run" in words)
    assert sorted({*os.listdir(model)} - {"__pycache__"}) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["model.py"],
            "'model.py' names no function. Expected FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION. Name one",
        ),
        (
            ["modle.py:simulate", "T=1"],
            "There is no file 'modle.py'. Available: model.py. Did you mean 'model.py'?",
        ),
        (
            ["model.py:simulat", "T=1"],
            "model.py has no function 'simulat'. Available: simulate, positional, nothing, anything. Did you",
        ),
        (["model.py:constant", "T=1"], "model.py:constant is a float, not a function. Available: simulate"),
        (["modle.py"], "'modle.py' names no function. Expected FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION."),
        (
            ["model", "T=1"],
            "'model' names no function. Expected FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION.",
        ),
        (["notes.txt:f", "T=1"], "notes.txt is not a Python file. Expected FILE.py:FUNCTION"),
        (["scans:f", "T=1"], "'scans' is a directory. Expected FILE.py:FUNCTION"),
        (["my-model:f", "T=1"], "'my-model' is neither a file nor a module. Expected FILE.py:FUNCTION"),
        (["nowhere.at.all:f", "T=1"], "There is no module 'nowhere'. Expected a module that is installed"),
        (["model.py:simulate"], "No values of parameters are given. Expected NAME=VALUES"),
        (
            ["model.py:simulate", "TT=1", "x=1"],
            "simulate() takes no argument 'TT'. Available: T, x, scale. Did you",
        ),
        (["model.py:simulate", "T=1"], "simulate() needs an argument 'x', which the scan does not have."),
        (
            ["model.py:positional", "T=1"],
            "positional(T, /) takes 'T' by position only, and is called by keyword.",
        ),
        (
            ["model.py:simulate", "T=1", "x=1", "-j", "0"],
            "--max-workers 0 cannot be used. Expected an integer from 1",
        ),
        (
            ["model.py:simulate", "T=1", "x=1", "--limit", "many"],
            "--limit many cannot be used. Expected an integer",
        ),
        (
            ["model.py:simulate", "T=1", "x=1", "--shard", "8/8"],
            "--shard 8/8 is not a part. Expected I/N with I from 0",
        ),
        (["model.py:simulate", "T=1", "T=2"], "The parameter 'T' is given twice."),
        (
            ["model.py:simulate", "T=1", "x=1", "-o", "model.py"],
            "{here}/model.py is a file",
        ),
        (["model.py:simulate", "T=1", "x=1", "--zip", "T,y"], "--zip names 'y', which has no values."),
        (["scan.toml"], "There is no file 'scan.toml'."),
        (["T=1", "x=1"], "No function is given."),
    ],
)
def test_a_mistake_is_answered_in_words_of_the_terminal(model, run, words, message):
    (model / "notes.txt").write_text("f(T) = T")
    (model / "scans").mkdir()
    said = run("run", *words)
    is_usage = " names no function." in message or message.startswith(("No ", "--", "The parameter"))
    assert (said.code, said.out) == (2 if is_usage else 1, [])
    assert " ".join(said.err).startswith(f"coma-xr: {message.replace('{here}', str(model))}")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import sys\nsys.exit(3)", "ends the process when it is imported. Put what runs below `if __name__"),
        ("def f(:", "cannot be imported."),
        ("1 / 0", "cannot be imported."),
        ("import nosuchmodule", "cannot be imported."),
        (
            "import coma_xr\ncoma_xr.grid()",
            "cannot be imported. Put what runs below `if __name__ == '__main__':`.",
        ),
    ],
)
def test_a_file_that_cannot_be_imported_is_told_with_its_line(model, run, source, message):
    (model / "broken.py").write_text(source)
    said = run("run", "broken.py:f", "T=1")
    assert said.code == 1
    text = " ".join(said.err)
    assert text.startswith(f"coma-xr: broken.py {message}")
    assert ("broken.py" in text.partition("imported.")[2]) == message.startswith("cannot be imported.")
    assert "importlib" not in text
    assert "coma_xr/" not in text


def test_a_function_is_taken_of_a_package_and_of_its_modules(model, run):
    (model / "physics").mkdir()
    (model / "physics" / "__init__.py").write_text("def half(a):\n    return {'y': a / 2}\n")
    (model / "physics" / "ideal.py").write_text("def twice(a):\n    return {'y': 2 * a}\n")
    assert run("run", "physics:half", "a=4").out[0] == "physics:half in half"
    assert run("run", "physics.ideal:twice", "a=4").out[0] == "physics.ideal:twice in twice"
    assert [coma.Experiment(name).to_dataframe(["y"]).y.tolist() for name in ("half", "twice")] == [[2], [8]]


def test_a_file_may_have_the_name_of_a_module_of_python(model, run):
    import statistics

    (model / "statistics.py").write_text("def f(a):\n    return {'y': a + 1}\n")
    assert run("run", "statistics.py:f", "a=1").code == 0
    assert coma.Experiment("f").to_dataframe(["y"]).y.tolist() == [2]
    assert sys.modules["statistics"] is statistics


def test_parameters_go_in_step_and_conditions_choose(model, run):
    said = run("run", "model.py:simulate", "T=1,3,4", "x=5,6,7", "--zip", "T,x", "--where", "T < 4")
    assert said.out[-3] == "2 points."
    table = coma.Experiment("simulate").to_dataframe(["T", "x"])
    assert table[["T", "x"]].to_numpy().tolist() == [[1, 5], [3, 6]]


def test_a_toml_file_has_the_same_content(model, run):
    (model / "scans").mkdir()
    (model / "scans" / "model.py").write_text(MODEL)
    (model / "scans" / "scan.toml").write_text(
        'function = "model.py:simulate"\ndirectory = "fine"\n[scan]\nT = [1, 3]\nx = "linspace(0, 1, 3)"\n'
        "[options]\nrepeats = 2\nmax-failures = 3\n"
    )
    said = run("run", "scans/scan.toml", "T=5")
    assert said.out[0] == "model.py:simulate in scans/fine"
    assert "6 points: 3 x 2 repeats." in said.out
    assert said.code == 0
    command = "coma-xr run model.py:simulate T=5 'x=linspace(0, 1, 3)' --repeats 2 --max-failures 3"
    assert any(line.endswith(command) for line in run("show", "scans/fine").out)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "scan.toml is not a TOML file: "),
        ('fnction = "model.py:f"', "scan.toml: unknown key 'fnction'. Available: function"),
        ("[scan]\nT = 1", "scan.toml names no function."),
        ('function = "model.py:simulate"\nscan = 3', "scan.toml: scan = 3 cannot be used."),
        ('function = "model.py:simulate"\n[options]\nrepeat = 3', "scan.toml: unknown option 'repeat'."),
    ],
)
def test_a_toml_file_with_a_mistake_is_answered(model, run, text, message):
    (model / "scan.toml").write_text(text)
    said = run("run", "scan.toml")
    assert said.code == 1
    assert " ".join(said.err).startswith(f"coma-xr: {message}")


def test_a_directory_of_something_else_is_taken_only_if_it_is_named(model, run):
    (model / "simulate").mkdir()
    (model / "simulate" / "notes").write_text("")
    said = run("run", "model.py:simulate", "T=1", "x=1")
    assert said.err == [
        "coma-xr: The directory simulate exists and is not an experiment. Name another directory: -o DIR."
    ]
    assert run("run", "model.py:simulate", "T=1", "x=1", "-o", "simulate").code == 0


@pytest.mark.ci
def test_workers_import_files_of_any_name_and_ctrl_c_leaves_what_goes_on(model):
    source = "import time\ndef slow(a):\n    time.sleep(0.1)\n    return {'y': a}\n"
    (model / "my-model.py").write_text(source)
    command = [sys.executable, "-m", "coma_xr", "run", "my-model.py:slow", "a=range(40)", "-j", "2"]
    how = {"cwd": model, "text": True, "env": {**os.environ, "PYTHONPATH": ROOT}}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, **how) as process:
        deadline = time.monotonic() + 60
        while not list(model.glob("slow/measurement.0*")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Repeat the command to continue." in err
    assert "Traceback" not in err
    done = subprocess.run(command, capture_output=True, check=True, **how)
    assert "40 points." in done.stdout
    assert len(coma.Experiment(model / "slow", "r")) == 40


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (
            ["model.py:nothing"],
            [
                "coma-xr: model.py:nothing has no arguments, so no parameter can vary.",
                "Expected a function of at least one parameter.",
            ],
        ),
        (
            ["model.py:anything"],
            [
                "coma-xr: No values of parameters are given.",
                "Expected NAME=VALUES after the function, such as: model.py:anything x=1,2,3.",
            ],
        ),
        (
            ["model.py:simulate", "T=1", "x=1e400"],
            ["coma-xr: x: a number is too large for a float. Expected numbers up to 1.8e308, or inf."],
        ),
        (
            ["model.py:simulate", "T=1", "x=linspace(0,-1e400j,3)"],
            ["coma-xr: x: a number is too large for a float. Expected numbers up to 1.8e308, or inf."],
        ),
        (
            ["model.py:simulate", "T=1", "x=1e308*10"],
            ["coma-xr: x: 1e+308 * 10 cannot be computed. Expected a number."],
        ),
        (
            ["time.toml"],
            [
                "coma-xr: x: 12:00:00 cannot be used as a value.",
                "Expected numbers, strings, true, false, dates, date-times, and lists or tables of numbers and strings.",
            ],
        ),
        (
            ["date.toml"],
            [
                "coma-xr: x: 2020-01-01 cannot be used within a list of lists or a table.",
                "Expected numbers, strings, true, false, dates, date-times, and lists or tables of numbers and strings.",
            ],
        ),
        (
            ["large.toml"],
            ["coma-xr: large.toml: 1e400 is too large for a float. Expected numbers up to 1.8e308, or inf."],
        ),
    ],
)
def test_values_that_no_run_can_have(model, run, words, lines):
    for name, value in {"time": "[12:00:00]", "date": "[[2020-01-01]]", "large": "1e400"}.items():
        (model / f"{name}.toml").write_text(f'function = "model.py:simulate"\n[scan]\nT = 1\nx = {value}\n')
    assert run("run", *words).err[: len(lines)] == lines


def test_values_are_announced_as_they_are(model, run):
    said = run("run", "model.py:simulate", "T=1", "x=0.1+0.2,0.3,1e-20", "--dry-run")
    assert said.out[3] == "x               3  0.30000000000000004, 0.3, 1e-20"


def test_a_failure_is_pointed_to_where_its_measurement_is_asked_for(model, run):
    run("run", "model.py:simulate", "T=1,2", "x=1", "-o", "out")
    assert run("show", "out", 2).err == [
        "coma-xr: There is no measurement 2: this parameter set failed.",
        "`coma-xr failures DIR --traceback 2` prints the reason.",
    ]
    e = coma.Experiment("out", "r")
    with pytest.raises(coma.PathError) as caught:
        e.measurement(2)
    assert caught.value.ways[0].python == "failure(2) returns its record."
