"""What runs record of their code, and what they do about measurements of other code."""

from __future__ import annotations

import importlib
import json
import linecache
import math
import multiprocessing
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import numpy as np
import pytest

import coma_xr as coma
from coma_xr.errors import ComaWarning
from coma_xr.exports.formats import FORMATS
from tests.output.kinds import zarr_ends

__all__ = ["zarr_ends"]


@pytest.fixture
def e(experiment_path):
    return coma.Experiment(experiment_path)


def times(factor):
    """Return one of two functions of the same name."""
    if factor == 1:

        def f(a):
            return {"y": a}

    else:

        def f(a):
            return {"y": a * 100}

    return f


def values(e):
    return dict(zip(e.to_dataframe()["a"], e.to_dataframe()["y"], strict=True))


def states(e):
    return sorted(path.stem for path in (e.path / "code").iterdir())


def test_each_measurement_names_the_state_that_made_it(e):
    e.run(times(1), {"a": [1, 2]})
    (state,) = states(e)
    assert {m.info["code"] for m in e.measurements()} == {state}
    record = json.loads((e.path / "code" / f"{state}.json").read_text())["code"]
    assert record["function"] == "f"
    assert record["hash"] == state
    assert [part["name"] for part in record["parts"]] == ["f"]
    assert record["sources"][0]["text"] == Path(__file__).read_text()
    assert {"python", "packages", "cpu", "blas", "job", "host"} <= record["environment"].keys()
    assert any(package.startswith("numpy==") for package in record["environment"]["packages"])


def test_other_code_is_reported_in_full_once_and_counted_later(e):
    e.run(times(1), {"a": [1, 2]})
    with pytest.warns(
        ComaWarning, match=r"2 measurements of f\(\) .* other code, for example 1: they differ in f in"
    ):
        report = e.run(times(2), {"a": [1, 2, 3]})
    assert (report.saved, report.other_code) == (1, 2)
    assert "2 measurements made by other code" in str(report)
    assert len(states(e)) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert e.run(times(2), {"a": [1, 2, 3]}).other_code == 2
    assert values(e) == {1: 1, 2: 2, 3: 300}


def test_other_code_is_reported_by_a_run_of_new_points_only(e):
    e.run(times(1), {"a": [1, 2]})
    assert e.run(times(2), {"a": [3]}, dry_run=True).other_code == 2
    text = (
        r"2 measurements of f\(\) .* They count as done\. Run their parameter sets with code='recompute' to compute them again, "
        r"or call accept_code\(\)"
    )
    with pytest.warns(ComaWarning, match=text):
        report = e.run(times(2), {"a": [3]})
    assert (report.saved, report.other_code) == (1, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = e.run(times(2), {"a": [4]})
        assert str(report).startswith("1 of 1 parameter set saved, 2 measurements made by other code; ")
        e.accept_code()
        assert e.run(times(2), {"a": [5]}).other_code == 0


@pytest.mark.parametrize(
    ("scan", "options", "fate"),
    [
        ([1, 2], {}, "They count as done. Pass code='recompute' to compute them again"),
        ([2, 3], {}, "They count as done. Pass code='recompute' to compute those of this scan again"),
        ([3], {"code": "recompute"}, "They count as done. Run their parameter sets with"),
        ([2, 3], {"code": "recompute"}, "1 of them is computed again, and 1 counts as done. Run"),
        ([1, 2], {"recompute": 1}, "1 of them is computed again, and 1 counts as done. Pass"),
        ([1, 2], {"code": "recompute"}, "They are computed again."),
        ([1, 2], {"recompute": True}, "They are computed again."),
    ],
)
def test_what_becomes_of_measurements_of_other_code_is_reported(e, scan, options, fate):
    e.run(times(1), {"a": [1, 2]})
    with pytest.warns(ComaWarning, match="other code") as said:
        report = e.run(times(2), {"a": scan}, **options)
    assert fate in str(said[0].message)
    assert report.other_code == 2 - report.recomputed


def test_points_of_other_code_are_computed_again_on_request(e):
    e.run(times(1), {"a": [1, 2]})
    with pytest.warns(ComaWarning, match="other code"):
        assert e.run(times(2), {"a": [2, 3]}, code="recompute", dry_run=False).recomputed == 1
    assert values(e) == {1: 1, 2: 200, 3: 300}
    assert [m.info.get("replaces") for m in e.measurements()] == [None, [2], None]
    assert e.removed().index.tolist() == [2]
    assert e.run(times(2), {"a": [2, 3]}, code="recompute").recomputed == 0


def test_a_dry_run_counts_and_changes_nothing(e):
    e.run(times(1), {"a": [1, 2]})
    report = e.run(times(2), {"a": [1, 2]}, code="recompute", dry_run=True)
    assert (report.recomputed, report.not_run) == (2, 2)
    assert e.run(times(2), {"a": [1, 2]}, dry_run=True).other_code == 2
    assert len(states(e)) == 1
    assert values(e) == {1: 1, 2: 2}


def test_a_failure_of_a_recomputed_point_leaves_the_old_one(e):
    e.run(times(1), {"a": [1, 2]})

    def f(a):
        return {"y": 10 / (a - 1)}

    with pytest.warns(ComaWarning):
        e.run(f, {"a": [1, 2]}, code="recompute")
    assert values(e) == {1: 1, 2: 10}
    assert e.failures().index.size == 1


def test_a_random_point_is_computed_again_with_its_seed(e):
    def draw(a, seed):
        return {"y": seed}

    e.run(draw, {"a": [1]}, repeats=2)
    seeds = e.to_dataframe()["y"].tolist()

    def draw(a, seed):
        return {"y": seed + 1}

    with pytest.warns(ComaWarning, match="other code"):
        e.run(draw, {"a": [1]}, repeats=2, code="recompute")
    assert e.to_dataframe()["y"].tolist() == [seed + 1 for seed in seeds]


def test_what_a_kill_left_is_ignored_and_moved_by_the_next_run(e, monkeypatch):
    from coma_xr.session import Session

    e.run(times(1), {"a": [1, 2]})
    with monkeypatch.context() as patch:
        patch.setattr(Session, "_move", lambda self, ids: None)
        with pytest.warns(ComaWarning, match="other code"):
            e.run(times(2), {"a": [1, 2]}, code="recompute")
    assert e.number_of_measurements() == 4
    assert e.to_dataset()["y"].values.tolist() == [100, 200]
    assert values(e) == {1: 100, 2: 200}
    e.run(times(2), {"a": [1, 2]})
    assert e.number_of_measurements() == 2


def test_accepted_code_is_not_reported(e):
    e.run(times(1), {"a": [1]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert e.run(times(2), {"a": [1, 2]}, code="accept").other_code == 0
        assert e.run(times(1), {"a": [1, 2]}).other_code == 0


def test_measurements_without_a_record_are_counted_and_never_computed_again(e):
    e.new_measurement().save({"parameters": {"a": 1}, "results": {"y": 7}})
    report = e.run(times(1), {"a": [1, 2]}, code="recompute")
    assert (report.saved, report.unknown_code, report.recomputed) == (1, 1, 0)
    assert values(e) == {1: 7, 2: 2}


def test_how_much_is_recorded_can_be_configured(experiment_path):
    for mode in ("fingerprint", "off"):
        e = coma.Experiment(experiment_path / mode, config={"record_code": mode})
        e.run(times(1), {"a": [1]})
        assert not (e.path / "code").exists()
        assert ("code" in e.measurement(1).info) == (mode == "fingerprint")
    with pytest.raises(
        coma.ConfigError, match="record_code: expected full, fingerprint or off, found 'some'"
    ):
        coma.Experiment(experiment_path / "c", config={"record_code": "some"})


def test_states_travel_with_the_experiment_file(experiment_path):
    for format in ("json", "xml"):
        e = coma.Experiment(experiment_path / format, config={"archive_default_format": format})
        e.run(times(1), {"a": [1]})
        before = states(e)
        e.deactivate()
        (e.path / "code" / f"{before[0]}.json").unlink()
        e.activate()
        assert states(e) == before


@pytest.mark.parametrize("door", ["python", "terminal"])
def test_an_experiment_file_without_sources(e, door):
    from coma_xr.cli import main

    e.run(times(1), {"a": [1]})
    before = states(e)
    e.deactivate()
    (file,) = e.path.glob("experiment.*")
    assert "def times" in file.read_text()
    (e.path / "code" / f"{before[0]}.json").unlink()
    e.activate()
    if door == "python":
        e.deactivate(code=False)
    else:
        assert main(["deactivate", str(e.path), "--no-code"]) == 0
    assert "def times" not in file.read_text()
    assert states(e) == before
    assert coma.Experiment(e.path, mode="r").code(1)
    with pytest.raises(coma.ParameterError, match="code"):
        e.deactivate(code="no")


def test_sources_that_only_the_experiment_file_has_stay_in_code(e):
    e.run(times(1), {"a": [1]})
    before = states(e)
    e.deactivate()
    (e.path / "code" / f"{before[0]}.json").unlink()
    # So that there is something to deactivate.
    (e.path / "measurement.index.json").write_text('{"measurement_index": 1}')
    e.deactivate(code=False)
    (file,) = e.path.glob("experiment.*")
    assert "def times" not in file.read_text()
    assert states(e) == before


@pytest.mark.parametrize("suffix", FORMATS)
def test_exports_have_no_sources(e, suffix, tmp_path):
    e.run(times(1), {"a": [1]})
    written = e.export(tmp_path / f"e{suffix}")
    parts = [path for path in written.rglob("*") if path.is_file()] if written.is_dir() else [written]
    assert not any(b"def times" in part.read_bytes() for part in parts)


def test_inputs_are_hashed_and_count_as_code(e, tmp_path):
    data = tmp_path / "train.csv"
    data.write_text("1")
    e.run(times(1), {"a": [1]}, inputs=[data])
    assert list(e.measurement(1).info["inputs"]) == [str(data)]
    assert e.run(times(1), {"a": [1]}, inputs=[data]).other_code == 0
    data.write_text("2")
    with pytest.warns(ComaWarning, match=r"train.csv = "):
        e.run(times(1), {"a": [1]}, inputs=data)
    with pytest.raises(
        coma.ParameterError, match=r"inputs: The file lacking\.csv does not exist or cannot be read\."
    ):
        e.run(times(1), {"a": [2]}, inputs=["lacking.csv"])


def test_a_program_counts_by_its_executable(e, tmp_path):
    for number in (1, 2):
        script = tmp_path / "simulate"
        script.write_text(f"#!/bin/sh\necho '{{\"y\": {number}}}'\n")
        script.chmod(0o755)
        program = coma.program([str(script), "{a}"], input=None)
        if number == 1:
            e.run(program, {"a": [1]})
        else:
            with pytest.warns(ComaWarning, match="made by other code.*argument 0"):
                e.run(program, {"a": [1]})


def test_conditions_select_by_code(e):
    e.run(times(1), {"a": [1]})
    with pytest.warns(ComaWarning):
        e.run(times(2), {"a": [1, 2]})
    code = e.measurement(2).info["code"]
    assert [m.id for m in e.measurements(where=f"code == '{code}'")] == [2]
    assert [m.id for m in e.measurements(where=coma.P["info/code"] == code)] == [2]


JOB = """\
import sys
import coma_xr as coma

def f(a):
    return {"y": a}

coma.Experiment("e").run(f, {"a": range(8)}, shard=(int(sys.argv[1]), 8), progress=False)
"""


@pytest.mark.ci
def test_jobs_that_start_at_the_same_time_leave_one_state(tmp_path):
    (tmp_path / "job.py").write_text(JOB)
    coma.Experiment(tmp_path / "e")

    def job(number):
        root = str(Path(coma.__file__).parents[1])
        command = [sys.executable, "job.py", str(number)]
        return subprocess.run(
            command, cwd=tmp_path, env={"PYTHONPATH": root}, capture_output=True, check=True
        )

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(job, range(8)))
    e = coma.Experiment(tmp_path / "e")
    assert len(states(e)) == 1
    assert {m.info["code"] for m in e.measurements()} == set(states(e))


@pytest.mark.ci
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_hundred_jobs_without_locks_leave_the_states_that_exist(e, monkeypatch):
    def without_locks(*_, **__):
        raise NotImplementedError

    monkeypatch.setattr(filelock.FileLock, "acquire", without_locks)
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(100)

    def job(number):
        warnings.simplefilter("ignore")
        barrier.wait(60)
        coma.Experiment(e.path).run(
            times(1 + number % 2), {"a": range(100)}, shard=(number, 100), progress=False
        )

    jobs = [context.Process(target=job, args=(number,)) for number in range(100)]
    for one in jobs:
        one.start()
    for one in jobs:
        one.join(120)
    assert [one.exitcode for one in jobs] == [0] * 100
    codes = [m.info["code"] for m in e.measurements()]
    assert len(codes) == 100
    assert len(states(e)) == 2
    assert set(codes) == set(states(e))
    assert all(coma.Experiment(e.path).code(code) for code in states(e))


def test_a_state_of_another_scheme_is_compared_by_its_sources(e, monkeypatch):
    e.run(times(1), {"a": [1]})
    for module in ("fingerprint", "states"):
        monkeypatch.setattr(f"coma_xr.code.{module}.SCHEME", 99)
    monkeypatch.setattr("coma_xr.code_history.SCHEME", 99)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert e.run(times(1), {"a": [1, 2]}).other_code == 0
    assert len(states(e)) == 2
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert e.run(times(1), {"a": [1, 2]}, code="recompute").recomputed == 0


def test_a_state_of_another_scheme_and_other_source_is_reported(e, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for scheme in (99, 1):
        (tmp_path / "scheme_model.py").write_text(MODULE.format(scheme))
        sys.modules.pop("scheme_model", None)
        import scheme_model

        for module in ("code.fingerprint", "code.states", "code_history"):
            monkeypatch.setattr(f"coma_xr.{module}.SCHEME", scheme)
        if scheme == 99:
            e.run(scheme_model.f, {"a": [1]})
        else:
            with pytest.warns(ComaWarning, match="FACTOR = 99 and 1"):
                assert e.run(scheme_model.f, {"a": [1]}).other_code == 1
    sys.modules.pop("scheme_model")


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        ("{'n': 5}", "{'n': 66}", r"T = \{'n': 5\} and \{'n': 66\}"),
        ([5] * 100, [5] * 50 + [6] + [5] * 49, r"T = \[5.* and \[5"),
        ("frozenset({5})", "frozenset({66})", r"T = frozenset\(\{5\}\) and frozenset\(\{66\}\)"),
        ("{'b', 'a', 'c'}", "set()", r"T = \{'a', 'b', 'c'\} and set\(\)"),
        ("np.arange(5)", "np.arange(6)", r"T = <i8\(5,\):.* and <i8\(6,\):"),
    ],
    ids=["dict", "long list", "frozenset", "set", "array"],
)
def test_a_changed_table_is_named(e, one, other, text):
    for value in (one, other):
        space = {"np": np, "__name__": "__main__"}
        exec(f"T = {value}\ndef f(a):\n    return {{'y': len(T)}}\n", space)
        if value == one:
            e.run(space["f"], {"a": [1]})
        else:
            with pytest.warns(ComaWarning, match=f"they differ in {text}"):
                e.run(space["f"], {"a": [1]})


def test_the_code_of_a_measurement_can_be_read_and_compared(e):
    e.run(times(1), {"a": [1]})
    with pytest.warns(ComaWarning):
        e.run(times(2), {"a": [1, 2]})
    assert e.code(1) == {"test_runs.py": Path(__file__).read_text()}
    table = e.code()
    assert table[["function", "measurements", "accepted"]].to_numpy().tolist() == [["f", 1, False]] * 2
    assert e.code_diff(1, 1) == ""
    assert e.code_diff(2, times(2)) == ""
    with pytest.raises(coma.PathError, match="no record of the code state 'abc'"):
        e.code_diff(1, "abc")
    e.new_measurement().save({"parameters": {"a": 5}, "results": {"y": 7}})
    with pytest.raises(coma.PathError, match="Measurement 3 .* does not record its code"):
        e.code(3)


MODULE = "FACTOR = {}\n\n\ndef f(a):\n    return {{'y': FACTOR * a}}\n"


@pytest.fixture
def two_states(e, tmp_path, monkeypatch):
    """An experiment of two states of one module."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for number in (1, 2):
        (tmp_path / "model.py").write_text(MODULE.format(number * 10))
        sys.modules.pop("model", None)
        import model

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            e.run(model.f, {"a": range(1, number + 1)})
    sys.modules.pop("model")
    return e


def test_a_diff_names_what_was_edited(two_states):
    diff = two_states.code_diff(1, 2).splitlines()
    assert [line for line in diff if line[0] in "+-"][2:4] == ["-FACTOR = 10", "+FACTOR = 20"]
    assert two_states.to_dataset().attrs["code_states"] == 2
    assert "code_states" not in two_states.to_dataset(where="a == 1").attrs


def test_a_diff_shows_a_file_that_was_added_and_finds_one_that_was_moved(e, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("")
    for number, path in enumerate(("helper_of_f.py", "tools/helper_of_f.py")):
        (tmp_path / path).write_text(f"def g(a):\n    return a + {number}\n")
    for id, (place, call) in enumerate(
        [
            ("", "a"),
            ("from helper_of_f import g\n", "g(a)"),
            ("from tools.helper_of_f import g\n", "g(a)"),
        ]
    ):
        (tmp_path / "model_of_f.py").write_text(f"{place}def f(a):\n    return {{'y': {call}}}\n")
        model = importlib.reload(importlib.import_module("model_of_f"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ComaWarning)
            e.run(model.f, {"a": [id]})
    for name in ("model_of_f", "helper_of_f", "tools.helper_of_f", "tools"):
        del sys.modules[name]

    def files(one, other):
        lines = e.code_diff(one, other).splitlines()
        return [line[4:].rpartition("/")[2] for line in lines if line.startswith(("---", "+++"))]

    assert sorted(e.code(2)) == ["helper_of_f.py", "model_of_f.py"]
    assert sorted(e.code(3)) == ["model_of_f.py", "tools/helper_of_f.py"]
    assert files(1, 2) == ["model_of_f.py", "model_of_f.py", "null", "helper_of_f.py"]
    assert files(2, 1) == ["model_of_f.py", "model_of_f.py", "helper_of_f.py", "null"]
    assert files(2, 3) == ["model_of_f.py"] * 2 + ["helper_of_f.py"] * 2


def test_a_function_that_was_added_is_named(e):
    space = {"__name__": "__main__"}
    for text in (
        "def f(a):\n    return {'y': a}\n",
        "def f(a):\n    return {'y': g(a)}\ndef g(a):\n    return 2 * a\n",
    ):
        name = str(e.path.parent / "model.py")
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), space)
        if "g" not in space:
            e.run(space["f"], {"a": [1]})
    with pytest.warns(
        ComaWarning, match=r"they differ in f in model\.py \(1 line\), g in model\.py \(2 lines\)"
    ):
        e.run(space["f"], {"a": [1]})


def test_a_value_that_is_no_longer_a_constant_is_named(e):
    for table in ("K = {'n': 2}\n", "K = {'n': 2}\nK['n'] = 9\n"):
        text = f"{table}def f(a):\n    return {{'y': a * K['n']}}\n"
        name = str(e.path.parent / "model.py")
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        space = {"__name__": "model", "__file__": name}
        exec(compile(text, name, "exec"), space)
        if "9" not in text:
            e.run(space["f"], {"a": [1]})
    with pytest.warns(ComaWarning, match=r"K in model.py \(1 line\), K = \{'n': 2\} and no constant\. They"):
        e.run(space["f"], {"a": [1]})


def test_two_functions_in_one_line_have_no_number_of_lines(e):
    first, second = (lambda a: {"y": a}), (lambda a: {"y": 2 * a})
    e.run(first, {"a": [1]})
    with pytest.warns(ComaWarning, match=r"they differ in .*<lambda> in test_runs\.py\. They count"):
        e.run(second, {"a": [1]})


def test_a_difference_outside_of_all_definitions_is_reported(e):
    def make(g):
        def f(a):
            return {"y": g(a)}

        return f

    e.run(make(math.sin), {"a": [1]})
    with pytest.warns(ComaWarning, match="other code, .*: the difference is not in the recorded definitions"):
        e.run(make(math.cos), {"a": [1]})


@pytest.mark.parametrize("damage", ["[]", '{"code": {"hash": 1}}', '{"code": {"hash": "x", "parts": {}}}'])
def test_a_damaged_record_of_code_counts_as_none(e, damage):
    e.run(times(1), {"a": [1]})
    (state,) = states(e)
    (e.path / "code" / f"{state}.json").write_text(damage)
    with pytest.raises(coma.PathError) as raised:
        e.code(1)
    assert raised.value.available == ()
    assert e.code()[["function", "measurements"]].to_numpy().tolist() == [[None, 1]]
    with pytest.warns(ComaWarning, match="other code, .*: the record of that code is not available"):
        e.run(times(2), {"a": [1]})


def test_a_diff_compares_the_cells_of_a_notebook_that_define_the_same(e):
    cells = {"f": "def f(a):\n    return {'y': g(a)}\n", "g": "def g(a):\n    return 10 * a\n"}
    space = {"__name__": "__main__"}

    def run_cell(text):
        name = str(e.path.parent / "ipykernel_77" / f"{hash(text)}.py")
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), space)

    for text in cells.values():
        run_cell(text)
    e.run(space["f"], {"a": [1]})
    for text in (cells["f"] + "\n# again\n", cells["g"].replace("10", "20")):
        run_cell(text)
    with pytest.warns(ComaWarning, match=r"they differ in g in cell/[-0-9]+\.py \(1 line\)"):
        e.run(space["f"], {"a": [1, 2]})
    lines = e.code_diff(1, 2).splitlines()
    assert [line for line in lines if line[0] in "+-" and line[:3] not in ("---", "+++")] == [
        "+",
        "+# again",
        "-    return 10 * a",
        "+    return 20 * a",
    ]


def test_accept_code_counts_all_states_as_one(two_states):
    assert len(two_states.accept_code()) == 2
    assert two_states.accept_code() == []
    assert two_states.code()["accepted"].all()


def test_the_command_lists_prints_and_writes_code(two_states, capsys, tmp_path):
    from coma_xr.cli import main

    path = str(two_states.path)
    assert main(["code", path]) == 0
    assert capsys.readouterr().out.split()[:3] == ["code", "function", "measurements"]
    assert main(["code", path, "1", "2"]) == 0
    assert "-FACTOR = 10\n+FACTOR = 20" in capsys.readouterr().out
    assert main(["code", path, "1"]) == 0
    assert capsys.readouterr().out.startswith("# model.py\nFACTOR = 10\n")
    assert main(["code", path, "1", "-o", str(tmp_path / "old")]) == 0
    assert (tmp_path / "old" / "model.py").read_text() == MODULE.format(10)
    assert "numpy==" in (tmp_path / "old" / "requirements.txt").read_text()
    assert main(["code", path, "1", "-o", str(tmp_path / "old")]) == 1
    assert main(["code", path, "--accept"]) == 0
    assert "accepted 2 code states" in capsys.readouterr().out


def test_a_package_that_is_updated_is_recorded_by_later_measurements(e, tmp_path, monkeypatch):
    "The code is the same, and so is its record."
    from coma_xr.cli import main

    monkeypatch.syspath_prepend(tmp_path / "site")
    origins = {
        "indexed": None,
        "local": {"url": "file:///local", "dir_info": {"editable": True}},
        "cloned": {"url": "https://example.org/r.git", "vcs_info": {"vcs": "git", "commit_id": "1a2b"}},
        "pip": None,
    }
    for version in (1, 2):
        for name, origin in origins.items():
            folder = tmp_path / "site" / f"{name}-{version}.0.dist-info"
            folder.mkdir(parents=True)
            if origin is not None:
                (folder / "direct_url.json").write_text(json.dumps(origin))
            if version == 2:
                (tmp_path / "site" / f"{name}-1.0.dist-info" / "direct_url.json").unlink(missing_ok=True)
                (tmp_path / "site" / f"{name}-1.0.dist-info").rmdir()
        e.run(times(1), {"a": range(version)})
        e.run(times(1), {"a": range(10, 10 + version)})
    infos = [m.info for m in e.measurements()]
    assert ["packages" in info for info in infos] == [False, False, True, True]
    assert "indexed==2.0" in infos[2]["packages"]
    assert len(states(e)) == 1
    for id, version in ((1, 1), (3, 2)):
        assert main(["code", str(e.path), str(id), "-o", str(tmp_path / str(id))]) == 0
        lines = (tmp_path / str(id) / "requirements.txt").read_text().splitlines()
        expected = {
            f"indexed=={version}.0",
            f"# local=={version}.0 (from a directory)",
            "cloned @ git+https://example.org/r.git@1a2b",
            f"# Python {sys.version.split()[0]}",
        }
        assert expected <= {*lines}
        assert not any(line.startswith("pip==") for line in lines)


def test_the_files_of_a_package_are_written_into_it(e, tmp_path, monkeypatch):
    "So that they import each other as before."
    from coma_xr.cli import main

    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    texts = {
        "outer/__init__.py": "",
        "outer/inner/__init__.py": "",
        "outer/inner/tools.py": "def g(a): return 10 * a\n",
        "outer/inner/written.py": "from .tools import g\ndef f(a): return {'y': g(a)}\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    from outer.inner.written import f

    e.run(f, {"a": [1]})
    for name in [name for name in sys.modules if name.startswith("outer")]:
        sys.modules.pop(name)
    assert main(["code", str(e.path), "1", "-o", str(tmp_path / "old")]) == 0
    command = [sys.executable, "-c", "from outer.inner.written import f; print(f(1))"]
    printed = subprocess.run(
        command, cwd=tmp_path / "old", env={}, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "{'y': 10}"


def test_a_record_cannot_write_outside_of_the_directory(two_states, tmp_path):
    from coma_xr.cli import main

    file = two_states.path / "code" / f"{two_states.measurement(1).info['code']}.json"
    tree = json.loads(file.read_text())
    tree["code"]["sources"][0]["file"] = "../outside.py"
    file.write_text(json.dumps(tree))
    assert main(["code", str(two_states.path), "1", "-o", str(tmp_path / "new" / "old")]) == 1
    assert not (tmp_path / "new").exists()


def test_a_file_that_is_edited_during_a_run_is_reported_by_the_workers(e, tmp_path, monkeypatch):
    "Workers import it after the session did."
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "edited_model.py").write_text(MODULE.format(10))
    import edited_model

    e.run(edited_model.f, {"a": [1]})
    (tmp_path / "edited_model.py").write_text(MODULE.format(20))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        e.run(edited_model.f, {"a": [2, 3]}, max_workers=2, progress=False)
    texts = " ".join(str(warning.message) for warning in said)
    assert "edited_model.py was edited after it was imported" in texts
    assert "edited_model.py was edited during the run: a worker process imported" in texts
    codes = [m.info["code"] for m in e.measurements()]
    assert codes[1].startswith("edited-during-run-")
    assert codes[1] == codes[2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert e.run(edited_model.f, {"a": [1, 2, 3]}, code="recompute").recomputed == 2
    assert values(e) == {1: 10, 2: 20, 3: 30}
    sys.modules.pop("edited_model")


def test_each_measurement_has_its_cpu_time_and_the_peak_memory(e):
    e.run(times(1), {"a": [1]})
    info = e.measurement(1).info
    assert 0 <= info["cpu_time"] < 60
    assert 1e6 < info["peak_memory"] < 1e12


def scale(default):
    """Return a function with a default."""

    def g(a, c=default):
        return {"y": a * c}

    return g


def test_a_changed_default_is_another_parameter_set(e):
    e.run(scale(7), {"a": [1, 2]})
    with pytest.warns(ComaWarning) as said:
        assert e.run(scale(9), {"a": [1, 2]}) == (2, 2)
    assert any("The default c = 9 of g() was 7 in measurements" in str(w.message) for w in said)
    ds = e.to_dataset()
    assert ds.y.sel(c=7).values.tolist() == [7, 14]
    assert ds.y.sel(c=9).values.tolist() == [9, 18]
    # Once; the argument stays a parameter.
    assert e.run(scale(9), {"a": [1, 2]}) == (0, 2)
    assert coma.Experiment(e.path).run(scale(7), {"a": [1, 2]}) == (0, 2)
    assert coma.Experiment(e.path).run(scale(5), {"a": [1]}) == (1, 1)


def test_measurements_without_a_new_argument_count_as_its_default(e):
    def g(a):
        return {"y": a}

    e.run(g, {"a": [1, 2]})
    with pytest.warns(ComaWarning) as said:
        assert e.run(scale(7), {"a": [1, 2, 3]}) == (1, 3)
    assert any("have no argument c, and from now on count as c = 7" in str(w.message) for w in said)
    assert e.annotations["parameters/c"] == {"default": 7}
    with pytest.warns(ComaWarning) as said:
        assert e.run(scale(8), {"a": [1, 2, 3]}) == (3, 3)
    assert any("The default c = 8 of g() was 7" in str(w.message) for w in said)


def test_a_default_that_is_back_and_new_in_some_measurements_runs_at_the_first_try(e):
    def g(a):
        return {"y": a}

    e.run(scale(2), {"a": [1, 2]})
    with pytest.warns(ComaWarning, match="other code"):
        e.run(g, {"a": [9]})
    for dry_run, counts in ((True, "would count"), (False, "from now on counts")):
        with pytest.warns(ComaWarning) as said:
            report = e.run(scale(5), {"a": [1, 2, 9]}, code="accept", dry_run=dry_run)
        assert any(f"such as 3, has no argument c, and {counts} as c = 5" in str(w.message) for w in said)
        assert any("The default c = 5 of g() was 2" in str(w.message) for w in said)
        assert (report.saved + report.not_run, report.skipped) == (2, 1)
        assert ("parameters/c" in e.annotations) != dry_run
    assert e.run(scale(5), {"a": [1, 2, 9]}, code="accept") == (0, 3)


def test_no_default_counts_for_measurements_that_got_an_argument_from_resources(e):
    e.run(scale(8), {"a": [1]}, resources={"c": 3})
    assert e.measurement(1).info.resources == ["c"]
    for _ in range(2):
        with pytest.raises(coma.ParameterError, match="Measurement 1 .* got c from resources=") as caught:
            e.run(scale(8), {"a": [1]})
    assert caught.value.name == "c"
    assert e.run(scale(8), {"a": [1, 2]}, resources={"c": 3}) == (1, 2)
    e.annotate("parameters/c", default=3)
    with pytest.warns(ComaWarning) as said:
        assert e.run(scale(8), {"a": [1]}) == (1, 1)
    assert any("The default c = 8 of g() was 3" in str(w.message) for w in said)
    assert e.to_dataset().y.sel(a=1).values.tolist() == [3, 8]


def test_a_resource_takes_no_place_of_a_recorded_default(e):
    e.run(scale(8), {"a": [1]})
    with pytest.raises(coma.ParameterError, match="Measurement 1 .* has c = 8, and c from resources="):
        e.run(scale(8), {"a": [1, 2]}, resources={"c": 3})

    def g(a, c):
        return {"y": c * a}

    with pytest.warns(ComaWarning, match="other code"):
        assert e.run(g, {"a": [1, 2]}, resources={"c": 8}) == (1, 2)
    assert "resources" not in e.measurement(2).info
