"""``coma-xr show``, ``paths`` and ``failures``."""

import sys

import pytest

import coma_xr as coma
from tests.terminal.conftest import inverse


def test_an_experiment_is_shown(e, run):
    said = run("show", "inverse")
    assert said.code == 0
    assert said.out == [
        f"path          {e.path}",
        "description   One over a",
        "tags          test, small",
        "state         active",
        "measurements  4",
        "failed        2",
        "missing       2",
        f"start_date    {e.start_date}",
        f"end_date      {e.end_date}",
        "definition    a, name",
        "",
        "parameters  type   distinct  range        path",
        "a           int           2  1 ... 2      parameters/a",
        "name        str           2  left, right  parameters/name",
        "scale       float         1  1            parameters/scale",
        "",
        "results  type         distinct  range       units  path",
        "y        float               2  0.5 ... 1   m      results/y",
        "both     list of int         2  shape (2,)         results/both",
    ]
    told = run("show", "inverse", "--json").json
    assert told["definition"] == {"a": "parameters/a", "name": "parameters/name"}
    assert told["annotations"] == {"results/y": {"units": "m", "long_name": "height"}}
    assert (told["measurements"], told["failed"], told["missing"]) == (4, 2, 2)


@pytest.mark.parametrize("words", [["inverse", "3"], ["inverse/measurement.000003.json"]])
def test_one_measurement_is_shown_as_a_tree(e, run, words):
    said = run("show", *words)
    assert said.code == 0
    assert said.out[:3] == ["measurement 3", "  info", "    measurement_id: 3"]
    assert said.out[-7:] == [
        "  parameters",
        "    a: 1",
        "    name: 'left'",
        "    scale: 1.0",
        "  results",
        "    y: 1.0",
        "    both: [1, -1]",
    ]
    assert run("show", *words, "--json").json["results"] == {"y": 1.0, "both": [1, -1]}


def test_a_long_value_is_cut_and_whole_in_json(here, run):
    e = coma.Experiment("e")
    e.run(lambda a: {"x": list(range(100)), "t": "a  b\x1b" * 40}, {"a": [1]}, progress=False)
    lines = run("show", "e", 1).out
    assert lines[-2].endswith(" ... (100 items)")
    assert lines[-1].startswith(r"    t: 'a  b\x1ba  b\x1b")
    assert lines[-1].endswith(" ...")
    assert max(map(len, lines)) < 130
    assert run("show", "e", 1, "--json").json["results"]["x"] == list(range(100))


@pytest.mark.parametrize("path", ["results/y", "y"])
def test_the_values_of_a_path_are_shown_with_the_parameters(e, run, path):
    assert run("show", "inverse", path).out == [
        "measurement_id  a  name   scale    y",
        "             3  1  left       1    1",
        "             4  1  right      1    1",
        "             5  2  left       1  0.5",
        "             6  2  right      1  0.5",
    ]
    assert run("show", "inverse", path, "--json").json[0] == {
        "measurement_id": 3,
        "a": 1,
        "name": "left",
        "scale": 1.0,
        "y": 1.0,
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["invrese"], "'invrese' does not exist. Available: inverse, others. Did you mean 'inverse'?"),
        (["nowhere/inverse"], "'nowhere/inverse' does not exist, nor does the directory 'nowhere'."),
        (["."], "There is no experiment in {here}. Below it: inverse, others/deep/a."),
        (["others"], "There is no experiment in others. Below it: others/deep/a."),
        (
            ["others/empty"],
            "There is no experiment in others/empty. `coma-xr ls DIR` lists the experiments below a directory.",
        ),
        (["inverse", "9"], "There is no measurement 9. The nearest of 4 are 4, 5, 6."),
        (["inverse", "reslts/y"], "No measurement has a path or name 'reslts/y'. Available: "),
    ],
)
def test_what_is_not_there_is_an_error_that_names_what_is(e, here, run, words, message):
    coma.Experiment("others/deep/a")
    (here / "others" / "empty").mkdir()
    coma.Experiment("others/empty/1/2/3/4/too-far-to-look-for-it")
    said = run("show", *words)
    assert (said.code, said.out) == (1, [])
    assert " ".join(said.err).startswith(f"coma-xr: {message.replace('{here}', str(here))}")


def test_beside_what_is_not_there_experiments_are_named_and_no_pictures(e, here, run):
    for name in ("inverse.png", "inverse.nc"):
        (here / name).write_text("")
    assert run("show", "invers").err == [
        "coma-xr: 'invers' does not exist. Available: inverse. Did you mean 'inverse'?"
    ]
    e.path.rename(here.parent / "elsewhere")
    assert run("show", "inverse").err == ["coma-xr: 'inverse' does not exist."]


def test_a_broken_measurement_is_told_once_and_the_others_are_shown(e, here, run):
    (here / "inverse" / "measurement.000003.json").write_text("{")
    said = run("show", "inverse")
    assert said.code == 0
    [warning] = said.err
    assert warning.startswith("coma-xr: warning: 1 measurement of ")
    assert "measurement.000003.json: not valid JSON" in warning
    said = run("show", "inverse", 3)
    assert (said.code, said.out) == (1, [])
    assert " ".join(said.err).startswith(f"coma-xr: {here}/inverse/measurement.000003.json: not valid JSON")


def test_paths_are_listed(e, run):
    e.deactivate()
    lines = run("paths", "inverse").out
    assert lines[0].split() == ["path", "name", "role", "type", "distinct", "range", "measurements"]
    assert lines[-2].split() == ["results/y", "y", "result", "float", "2", "0.5", "...", "1", "4"]
    assert run("paths", "inverse", "--json").json[-2]["range"] == "0.5 ... 1"


def test_failures_are_listed_by_exception_and_line(e, run):
    said = run("failures", "inverse")
    assert said.code == 0
    assert said.out[:3] == [
        "2 failures  ZeroDivisionError: float division by zero",
        '  conftest.py:46 in inverse: return {"y": scale / a, "both": [a, -a]}',
        "id  a  name   date                  host",
    ]
    assert [line.split()[:3] for line in said.out[3:5]] == [["1", "0", "left"], ["2", "0", "right"]]
    assert said.out[-1] == "`coma-xr failures inverse --traceback ID` prints a traceback."
    assert [failure["name"] for failure in run("failures", "inverse", "--json").json] == ["left", "right"]


def test_failures_of_two_kinds_are_listed_apart_and_only_the_first_of_many(here, run):
    def f(a):
        return {"y": 1 / a} if a < 1 else {"y": 1 + str(a)}

    e = coma.Experiment("e")
    with pytest.warns(coma.ComaWarning, match="13 of 13 parameter sets failed"):
        e.run(f, {"a": [0, *range(1, 13)]}, progress=False, on_error="continue")
    lines = run("failures", "e").out
    assert [line.partition("  ")[0] for line in lines if "failure" in line][:2] == [
        "12 failures",
        "1 failure",
    ]
    assert lines[13:16] == ["... and 2 more; --all lists them.", "", lines[15]]
    assert lines[15].startswith("1 failure  ZeroDivisionError: ")
    everything = run("failures", "e", "--all").out
    assert [line for line in everything if line.startswith("... and")] == []
    assert len(everything) == len(lines) + 1


def test_a_failure_without_a_line_has_none(here, run):
    e = coma.Experiment("e")
    with pytest.warns(coma.ComaWarning, match="1 of 1 parameter set failed"):
        # No line of Python raises what a function in C raises.
        e.run(pow, {"base": [0], "exp": [-1]}, progress=False, on_error="continue")
    lines = run("failures", "e").out
    assert lines[0].startswith("1 failure  ZeroDivisionError: ")
    assert lines[1].split()[:3] == ["id", "base", "exp"]


def test_an_experiment_without_failures_has_no_traceback(here, run):
    coma.Experiment("e")
    assert run("failures", "e", "--traceback") == (1, [], ["coma-xr: e has no failures."])


@pytest.mark.parametrize("id", [[1], []], ids=["named", "all-alike"])
def test_the_traceback_of_a_failure_is_printed(e, run, id):
    lines = run("failures", "inverse", "--traceback", *id).out
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "ZeroDivisionError: float division by zero"


def test_a_traceback_needs_an_id_where_failures_differ(e, run):
    said = run("failures", "inverse", "--traceback", 3)
    assert (said.code, " ".join(said.err)) == (1, f"coma-xr: {e.path} has no failure 3. Available: 1, 2.")
    with pytest.warns(coma.ComaWarning, match="1 of 1 parameter set failed"):
        e.run(inverse, {"a": [None], "name": ["left"]}, progress=False)
    said = run("failures", "inverse", "--traceback")
    assert said.err == ["coma-xr: inverse has failures of 2 kinds. Expected --traceback with an id: 1, 7."]


def test_an_experiment_without_failures_has_none(here, run):
    coma.Experiment("e")
    assert run("failures", "e") == (0, ["no failures"], [])
    assert run("failures", "e", "--json").json == []


def test_code_is_listed_printed_and_compared(here, run, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    for factor, a in ((2, 1), (30, 2), (30, 3)):
        (here / "scaled.py").write_text(f"def f(a):\n    return {{'y': {factor} * a}}\n")
        assert run("run", "scaled.py:f", f"a={a}", "--code", "accept").code == 0
        del sys.modules["scaled"]
    assert [row["measurements"] for row in run("code", "f", "--json").json] == [1, 2]
    (source,) = run("code", "f", 1, "--json").json.items()
    assert source == ("scaled.py", "def f(a):\n    return {'y': 2 * a}\n")
    assert run("code", "f", 1).out[:2] == ["# scaled.py", "def f(a):"]
    changed = [line for line in run("code", "f", 1, 2).out if "* a" in line]
    assert changed == ["-    return {'y': 2 * a}", "+    return {'y': 30 * a}"]
    assert run("code", "f", 2, 3) == (0, [], ["coma-xr: measurements 2 and 3 were made by the same code"])
    assert run("code", "f", 1, 2, 3).err == ["coma-xr: Expected at most two ids, found 3."]
    assert run("code", "f", 1, 2, "--output", "copy").err == ["coma-xr: Expected one id, found 2."]
    assert run("code", "f", 1, "--output", "copy").out == ["wrote 2 files to copy"]  # requirements, too
    assert (here / "copy" / "scaled.py").read_text() == source[1]


def test_measurements_without_code_are_reported(here, run):
    coma.Experiment("e").add_measurements([{"parameters": {"a": 1}}])
    assert run("code", "e") == (0, [], ["coma-xr: no measurement records its code"])
    assert run("code", "e", "--json").json == []


def test_an_experiment_without_results_shows_its_parameters_only(here, run):
    coma.Experiment("e").add_measurements([{"parameters": {"a": 1}}])
    out = run("show", "e").out
    assert [line.split()[0] for line in out if line.endswith("path")] == ["parameters"]


def test_looking_writes_nothing(e, here, run):
    def state():
        return {path: path.stat().st_mtime_ns for path in here.rglob("*")}

    before = state()
    for words in (
        ["ls"],
        ["show", "inverse"],
        ["show", "inverse", 3],
        ["paths", "inverse"],
        ["failures", "inverse"],
    ):
        assert run(*words).code == 0
    for words in (["status", "inverse"], ["watch", "inverse"], ["verify", "inverse"]):
        assert run(*words).code == (words[0] == "watch")
    assert state() == before
