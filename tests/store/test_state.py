"""``coma.json``: visible, united by writers at the same time, never in the place of another program's file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import coma_xr as coma
from coma_xr import files
from coma_xr.errors import DataFileWarning, ExperimentError
from coma_xr.store.place import ExperimentDirectory
from coma_xr.store.state import united

pytestmark = pytest.mark.filterwarnings("error")


def measured(path, **options):
    e = coma.Experiment(path, config={}, **options)
    e.run(lambda a: {"y": float(a)}, {"a": [1, 2, 300]}, progress=False)
    e.annotate("results/y", units="m")
    e.exclude("a == 300", "bad vacuum")
    return e


def shown(e):
    """Return all that a user sees of what is kept in coma.json."""
    ds = e.to_dataset()
    status = e.status()
    return e.annotations, dict(ds.sizes), ds.y.attrs["units"], ds.y.values.tolist(), status


def read(e):
    return json.loads((e.path / "coma.json").read_text())["coma_xr"]


def without(path, *names):
    """Return a copy of an experiment without some files."""
    copy = path.with_name(f"{path.name}-copy")
    shutil.rmtree(copy, ignore_errors=True)
    return Path(shutil.copytree(path, copy, ignore=shutil.ignore_patterns(*names)))


@pytest.mark.parametrize("archived", [False, True])
def test_a_copy_without_hidden_files_is_the_same_experiment(experiment_path, archived):
    e = measured(experiment_path)
    expected = str(shown(e))
    if archived:
        e.deactivate()
    copy = coma.Experiment(without(experiment_path, ".*"), mode="r", config={})
    assert str(shown(copy)) == expected


def test_what_is_missing_beside_an_archive_comes_from_it_and_is_written_by_activate(experiment_path):
    """As after `cp experiment.none.json elsewhere`; also the records of code."""
    e = measured(experiment_path)
    (experiment_path / "code" / "0a1b.json").write_text('{"code": {"sources": {}}}')
    expected = str(shown(e))
    e.deactivate()
    alone = without(experiment_path, "coma.json", "code")
    copy = coma.Experiment(alone, config={})
    assert str(shown(copy)) == expected
    copy.activate()
    assert json.loads((alone / "coma.json").read_text())["coma_xr"] == read(e)
    assert json.loads((alone / "code" / "0a1b.json").read_text()) == {"code": {"sources": {}}}
    assert str(shown(copy)) == expected


def test_coma_2_in_between_loses_nothing(experiment_path):
    """It drops what it does not know in the experiment file, and leaves other files alone."""
    e = measured(experiment_path)
    expected = str(shown(e))
    e.deactivate()
    path = experiment_path / "experiment.none.json"
    tree = json.loads(path.read_text())
    del tree["experiment"]["info"]["coma_xr"]
    path.write_text(json.dumps(tree))
    again = coma.Experiment(experiment_path, config={})
    assert str(shown(again)) == expected
    again.activate()
    assert str(shown(again)) == expected


def test_what_was_taken_back_since_the_archiving_stays_so(experiment_path):
    e = measured(experiment_path)
    e.deactivate()
    e.annotate("results/y", units=None)
    e.exclude(3, None)
    again = coma.Experiment(experiment_path, config={})
    assert (again.annotations, again.status()["excluded"]) == ({}, 0)
    again.activate()
    assert (again.annotations, again.status()["excluded"]) == ({}, 0)


# ---------------------------------------------------------------------------------------- version 1


def as_version_1(e):
    """Keep the state where version 1 kept it."""
    sections = read(e)
    del sections["scans"]
    scan = sections.pop("asked")
    sections["excluded"] = {id: mark["reason"] for id, mark in sections["excluded"].items()}
    (e.path / ".coma.json").write_text(json.dumps({"coma_xr": {"state": sections}}))
    (e.path / ".coma.scan.json").write_text(json.dumps({"coma_xr": scan}))
    (e.path / "coma.json").unlink()
    return coma.Experiment(e.path, config={})


def hidden(path):
    return sorted(file.name for file in path.glob(".coma*json"))


def test_what_version_1_kept_is_read_and_moved_with_the_next_change(experiment_path):
    e = measured(experiment_path)
    expected = str(shown(e))
    e = as_version_1(e)
    assert str(shown(e)) == str(shown(coma.Experiment(e.path, "r", config={}))) == expected
    assert hidden(e.path) == [".coma.json", ".coma.scan.json"]
    e.annotate("results/y", long_name="height")
    assert hidden(e.path) == []
    assert read(e)["annotations"] == {"results/y": {"units": "m", "long_name": "height"}}
    assert e.status()["excluded"] == 1
    assert not (e.path / "removed").exists()


def test_verify_shows_what_will_be_moved_and_repair_moves_it(experiment_path):
    e = as_version_1(measured(experiment_path))
    found = {finding.file: finding for finding in e.verify()}
    assert found.keys() == {".coma.json", ".coma.scan.json"}
    for section in ("annotations", "definition", "excluded", "asked"):
        assert section in found[".coma.json"].text
    assert all("coma.json" in finding.text and finding.repair for finding in found.values())
    assert hidden(e.path) == [".coma.json", ".coma.scan.json"]
    assert all(finding.done for finding in e.verify(repair=True))
    assert (hidden(e.path), e.verify()) == ([], [])


def test_what_both_files_hold_differently_is_kept_aside(experiment_path):
    """Version 1 may have been used again after the move; the visible file counts."""
    e = measured(experiment_path)
    old = {"annotations": {"results/z": {"units": "s"}}, "seed": 5}
    (e.path / ".coma.json").write_text(json.dumps({"coma_xr": {"state": old}}))
    e = coma.Experiment(e.path, config={})
    assert e.annotations == {"results/y": {"units": "m"}}
    e.annotate("results/y", units="km")
    assert read(e)["seed"] == 5
    [kept] = e.path.glob("removed/*/.coma.json")
    assert json.loads(kept.read_text())["coma_xr"]["state"] == old


# ------------------------------------------------------------------------------- files of other programs


@pytest.mark.parametrize("content", ["[1, 2]", '{"name": "other"}', "not JSON", "<xml/>"])
@pytest.mark.parametrize("call", ["annotate", "exclude", "run", "reset", "scan"])
def test_a_coma_json_of_another_program_is_never_overwritten(experiment_path, content, call):
    e = coma.Experiment(experiment_path, config={})
    e.new_measurement().save({"parameters": {"a": 1}, "results": {"y": 1}})
    (e.path / "coma.json").write_text(content)
    with pytest.warns(DataFileWarning, match=r"/coma\.json is not a file of coma_xr"):
        e = coma.Experiment(experiment_path, config={})
    calls = {
        "annotate": lambda: e.annotate("results/y", units="m"),
        "exclude": lambda: e.exclude(1, "wrong"),
        "run": lambda: e.run(lambda a: {"y": a}, {"a": [1, 2]}, progress=False),
        "reset": e.reset,
        "scan": lambda: e._place.save_scan({"parameters": [["a", "parameters/a"]], "sets": []}),
    }
    with pytest.raises(ExperimentError) as caught:
        calls[call]()
    assert (caught.value.name, bool(caught.value.ways)) == ("coma.json", True)
    assert (e.path / "coma.json").read_text() == content
    assert e.number_of_measurements() == 1
    assert e.to_dataframe().y.tolist() == [1]
    assert "coma.json" in {finding.file for finding in e.verify()}


def test_a_directory_of_this_name_is_not_overwritten_either(experiment_path):
    coma.Experiment(experiment_path, config={})
    (experiment_path / "coma.json").mkdir()
    with pytest.warns(DataFileWarning, match=r"/coma\.json is not a file of coma_xr"):
        e = coma.Experiment(experiment_path, config={})
    with pytest.raises(ExperimentError, match="is not overwritten"):
        e.run(lambda a: {"y": a}, {"a": [1, 2]}, progress=False)
    assert e.number_of_measurements() == 0


def test_sections_that_are_unknown_are_kept(experiment_path):
    e = measured(experiment_path)
    sections = read(e)
    (e.path / "coma.json").write_text(json.dumps({"coma_xr": {**sections, "of version 9": {"a": [1]}}}))
    e.annotate("results/y", long_name="height")
    assert read(e)["of version 9"] == {"a": [1]}


def test_in_a_directory_of_several_archives_each_has_its_own(tmp_path):
    for id, units in ((1, "m"), (2, "s")):
        e = coma.Experiment(tmp_path / f"e{id}", id=id, config={})
        e.run(lambda a: {"y": float(a)}, {"a": [1, 2]}, progress=False)
        e.annotate("results/y", units=units)
        e.deactivate()
        shutil.copytree(e.path, tmp_path / "both", dirs_exist_ok=True)
    for id, units in ((1, "m"), (2, "s")):
        e = coma.Experiment(tmp_path / "both" / f"experiment.00000{id}.json", "r", config={})
        assert e.annotations == {"results/y": {"units": units}}


# ---------------------------------------------------------------------------------- several writers


LEAVES = st.integers(0, 2)
TREES = st.dictionaries(st.sampled_from("abc"), LEAVES | st.dictionaries(st.sampled_from("xyz"), LEAVES))


@given(TREES, TREES, TREES)
def test_two_changes_of_one_tree_are_united(base, ours, theirs):
    """What only one changed is as this one left it; nothing that one of them has is lost, unless we deleted it."""
    both = united(base, ours, theirs)
    for key in base.keys() | ours.keys() | theirs.keys():
        before, mine, other = (tree.get(key) for tree in (base, ours, theirs))
        if isinstance(mine, dict) and isinstance(other, dict):
            assert both[key].keys() >= mine.keys()
        elif other is None:
            assert both.get(key) == mine
        else:
            assert both.get(key) == (mine if before == other else other)
    assert united(base, ours, base) == ours
    assert united(base, base, theirs).keys() >= theirs.keys()


def test_a_number_and_a_truth_value_are_different_notes(experiment_path):
    e = coma.Experiment(experiment_path, config={})
    for default in (1, True, 1.0):
        e.annotate("parameters/a", default=default)
        kept = coma.Experiment(experiment_path, "r", config={}).annotations["parameters/a"]["default"]
        assert type(kept) is type(default)


@pytest.mark.parametrize("exchange", [True, False])
def test_what_another_process_writes_meanwhile_is_kept(experiment_path, monkeypatch, exchange):
    """Where neither locks hold, nor names can be exchanged."""
    place = ExperimentDirectory(experiment_path, config={})
    path = experiment_path / "coma.json"
    real, meanwhile = files.swap, iter([{"seed": 7, "a": 1}, {"seed": 7, "a": 1, "b": 2}])

    def swap(target, data):
        for sections in meanwhile:
            path.write_text(json.dumps({"coma_xr": sections}))
            break
        return real(target, data)

    monkeypatch.setattr(files, "swap", swap)
    if not exchange:
        monkeypatch.setattr(files, "_rename", lambda *_: 38)
    place.change_state(lambda state: state.update(seed=9, c=3))
    assert place.look().state() == {"seed": 7, "a": 1, "b": 2, "c": 3}


PROCESSES, NOTES = 8, 6

WRITER = """
import sys, warnings
import coma_xr as coma
warnings.simplefilter("ignore", coma.ComaWarning)
path, process, notes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
e = coma.Experiment(path, config={})
for number in range(notes):
    e.annotate(f"results/p{process}n{number}", units="m")
    e.exclude([process * notes + number + 1], f"by {process}")
    e.run(lambda a: {"y": a}, {"a": [1000 * process + number]}, progress=False)
"""

WITHOUT_LOCKS = """
import errno, fcntl
def flock(descriptor, how):
    raise OSError(errno.ENOTSUP, "no locks here")
fcntl.flock = flock
"""


@pytest.mark.parametrize("prelude", ["", WITHOUT_LOCKS], ids=["locks", "no locks"])
@pytest.mark.ci
def test_no_note_of_many_processes_is_lost(quick_path, report_line, prelude):
    path = quick_path / "e"
    e = coma.Experiment(path, config={})
    e.run(lambda a: {"y": a}, {"a": list(range(-PROCESSES * NOTES, 0))}, progress=False)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", prelude + WRITER, str(path), str(process), str(NOTES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for process in range(PROCESSES)
    ]
    try:
        assert all(writer.stdout.readline() == "ready\n" for writer in started)
        for writer in started:
            writer.stdin.write("\n")
            writer.stdin.flush()
        for writer in started:
            said = writer.communicate(timeout=120)[1]
            assert writer.returncode == 0, said
    finally:
        for writer in started:
            writer.kill()
            writer.communicate()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", coma.ComaWarning)
        e = coma.Experiment(path, config={})
        assert e.annotations.keys() == {
            f"results/p{process}n{number}" for process in range(PROCESSES) for number in range(NOTES)
        }
        assert e.status()["excluded"] == PROCESSES * NOTES
        assert e.number_of_measurements() == 2 * PROCESSES * NOTES
        assert not [finding for finding in e.verify() if finding.kind != "index"]
    report_line(
        f"{PROCESSES} processes x {NOTES} annotations, marks and runs, {'without' if prelude else 'with'} locks: "
        "no note lost"
    )
