"""Taking measurements out, and marking them: nothing is deleted."""

from __future__ import annotations

import itertools
import shutil

import pytest

import coma_xr as coma
from coma_xr.encoding import json
from coma_xr.errors import DataFileError, DataFileWarning, InactiveError, PathError
from coma_xr.store.place import ExperimentDirectory
from tests.reliability.operations import with_files


def opened(path, **keywords):
    return ExperimentDirectory(path, **{"config": {}, **keywords})


@pytest.fixture
def place(experiment_path, rest):
    "With the measurements 1, 2, 3."
    place = opened(experiment_path)
    for value in ("one", "two", "three"):
        place.look().measurements.add({}, rest(value))
    place.write_index()
    return place


def removed(path):
    """List what is in the folders of all operations, other than their records."""
    found = (file.name for file in path.glob("removed/*/*") if file.name != "removed.json")
    return sorted(found)


def restore(place, *ids):
    return place.restore((lambda removed: [one for one in removed if one.id in ids]) if ids else None)


def test_what_is_removed_is_moved_with_date_and_reason_and_can_be_put_back(place, experiment_path):
    content = (experiment_path / "measurement.000002.json").read_bytes()
    folder = experiment_path / place.remove([2], "the lamp was off")
    assert place.look().measurements.ids() == [1, 3]
    assert (folder / "measurement.000002.json").read_bytes() == content
    record = json.decode((folder / "removed.json").read_bytes())["removed"]
    assert record == {"date": record["date"], "operation": "remove", "reason": "the lamp was off"}
    assert folder.name == f"{record['date'].partition('.')[0].replace(':', '')}Z-remove"
    [one] = place.removed()
    assert (one.id, one.tree["results"]["value"], one.folder.reason) == (2, "two", "the lamp was off")
    assert restore(place) == {2: 2}
    assert place.look().measurements.read(2)["results"]["value"] == "two"
    assert not (experiment_path / "removed").exists()


def test_an_id_that_was_removed_is_not_given_again(place, experiment_path, rest):
    (experiment_path / "measurement.index.json").unlink()
    place.remove([2, 3, 3])
    assert (place.look().number(), place.look().next_id()) == (1, 4)
    assert removed(experiment_path) == ["measurement.000002.json", "measurement.000003.json"]


def test_each_operation_has_a_folder(place, experiment_path):
    folders = [place.remove([id]) for id in (1, 2, 3)]
    assert len(set(folders)) == 3
    assert [one.folder.name for one in place.removed()] == folders
    assert restore(place, 2) == {2: 2}
    assert removed(experiment_path) == ["measurement.000001.json", "measurement.000003.json"]
    assert place.empty_removed()["measurements"] == 2
    assert list(place.removed()) == []
    assert not list(experiment_path.glob(".coma-tmp-*"))


def test_an_id_that_was_given_again_is_left_alone_and_the_restored_one_gets_another(
    place, experiment_path, rest
):
    place.reset()
    assert place.look().measurements.add({}, rest("new"), id=1) == 1
    assert restore(place, 1, 2) == {1: 4, 2: 2}
    found = {id: tree["results"]["value"] for id, tree in place.look().measurements.trees()}
    assert found == {1: "new", 2: "two", 4: "one"}
    assert removed(experiment_path) == ["measurement.000003.json"]
    assert place.verify() == []


def test_both_formats_of_a_measurement_go_and_come_back(place, experiment_path):
    path = experiment_path / "measurement.000001.xml"
    path.write_text("<measurement><info><a>1</a></info></measurement>")
    place.remove([1])
    assert removed(experiment_path) == ["measurement.000001.json", "measurement.000001.xml"]
    assert restore(place) == {1: 1}
    assert path.exists()


def test_what_version_1_removed_is_listed_and_restored(place, experiment_path):
    """It gave names that were taken a number."""
    old = experiment_path / ".coma.removed"
    old.mkdir()
    for name, text in {"measurement.000001.json": "first", "measurement.000001.1.json": "second"}.items():
        tree = {"info": {"measurement_id": 1}, "results": {"value": text}}
        (old / name).write_bytes(json.encode({"measurement": tree}))
    (experiment_path / "measurement.000001.json").unlink()
    assert sorted((one.id, one.tree["results"]["value"]) for one in place.removed()) == [
        (1, "first"),
        (1, "second"),
    ]
    restore(place)
    found = {id: tree["results"]["value"] for id, tree in place.look().measurements.trees()}
    assert found == {1: "first", 2: "two", 3: "three", 4: "second"}
    assert not old.exists()


def test_other_files_in_removed_are_left_alone(place, experiment_path):
    mine = experiment_path / "removed" / "mine"
    mine.mkdir(parents=True)
    (mine / "measurement.000007.json").write_text("notes")
    place.remove([1])
    assert [one.id for one in place.removed()] == [1]
    place.empty_removed()
    assert [file.name for file in (experiment_path / "removed").rglob("*.json")] == [
        "measurement.000007.json"
    ]


@pytest.mark.parametrize("call", ["remove", "exclude"])
def test_an_unknown_id_changes_nothing(place, experiment_path, call):
    arguments = ([1, 7, 9],) if call == "remove" else ([1, 7, 9], "reason")
    text = rf"^{experiment_path} has no measurement 7, 9\. Nothing was {call}d"
    with pytest.raises(PathError, match=text):
        getattr(place, call)(*arguments)
    assert place.look().number() == 3
    assert place.look().excluded() == {}


def test_nothing_is_removed_from_an_archive(place):
    place.deactivate()
    with pytest.raises(InactiveError, match="The experiment is inactive"):
        place.remove([1])


def test_excluded_measurements_are_marked_and_stay(place, experiment_path):
    place.exclude([3, 1], "not converged")
    place.exclude([3], "wrong")
    for again in (place, opened(experiment_path, mode="r")):
        assert list(again.look().excluded().items()) == [(1, "not converged"), (3, "wrong")]
        assert again.look().number() == 3
    state = json.decode((experiment_path / "coma.json").read_bytes())["coma_xr"]
    of = {"parameters": {"a": 1}}
    assert state["excluded"] == {
        "3": {"reason": "wrong", "of": of},
        "1": {"reason": "not converged", "of": of},
    }
    place.include([1, 2])
    assert place.look().excluded() == {3: "wrong"}


def test_marks_go_along_into_the_archive(place, experiment_path, tmp_path):
    place.exclude([2], "wrong")
    place.deactivate()
    shutil.copy(experiment_path / "experiment.none.json", tmp_path)
    assert opened(tmp_path, mode="r").look().excluded() == {2: "wrong"}
    place.exclude([3], "too")
    assert place.look().excluded() == {2: "wrong", 3: "too"}


def test_marks_go_with_what_they_mark(place):
    place.exclude([1, 2], "wrong")
    place.remove([2])
    assert place.look().excluded() == {1: "wrong"}
    restore(place)
    assert place.look().excluded() == {1: "wrong", 2: "wrong"}
    place.reset()
    assert place.look().excluded() == {}
    restore(place, 1)
    assert place.look().excluded() == {1: "wrong"}


def test_a_mark_does_not_pass_to_another_measurement_of_the_same_id(place, experiment_path):
    path = experiment_path / "measurement.000002.json"
    place.exclude([2, 3], "wrong")
    text = path.read_text()
    path.write_text(text.replace('"a": 1', '"a": 7'))
    with pytest.warns(
        DataFileWarning, match=r"measurement 2 was excluded \(wrong\) when it had other parameters"
    ):
        assert place.look().excluded() == {3: "wrong"}
    [finding] = place.verify()
    assert (finding.file, finding.kind) == ("coma.json", "mark")
    path.write_text(text.replace('"value": "two"', '"value": "2"'))
    assert place.look().excluded() == {2: "wrong", 3: "wrong"}


@pytest.mark.parametrize(
    ("marks", "sound", "text"),
    [
        (
            {"1": "a", "x": "b", "-1": "c"},
            {1: "a"},
            "has an entry that is not used: 'excluded' marks no measurement by 'x', '-1'.",
        ),
        ([1], {}, "has an entry that is not used: 'excluded' is not a dictionary of reasons by id."),
    ],
)
def test_marks_that_make_no_sense_are_passed_over(place, marks, sound, text):
    place.change_state(lambda state: state.update({"excluded": marks}))
    with pytest.warns(DataFileWarning, match=text):
        again = opened(place.path)
    assert again.look().excluded() == sound


def remove_two(place):
    place.remove([id for id in (1, 2) if id in place.look().measurements.ids()])


def remove_and_restore(place):
    remove_two(place)
    restore(place)


def reset_and_restore(place):
    if place.look().number():
        place.reset()
    restore(place)


@pytest.mark.leaves_files
@pytest.mark.parametrize("operation", [remove_two, remove_and_restore, reset_and_restore])
def test_a_kill_while_removing_or_restoring_loses_nothing(quick_path, deaths, rest, report_line, operation):
    original, copy, survived = quick_path / "original", quick_path / "copy", 0
    place = opened(original)
    for value in ("one", "two", "three"):
        beside = {"psi.nc": value.encode()}
        place.look().measurements.add({"external": ["psi.nc"]}, rest(value), beside=beside)
    place.write_index()
    contents = {file.read_bytes() for file in original.glob("measurement.00*")}

    for at in itertools.count(1):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(original, copy)
        if not deaths.run(lambda: operation(opened(copy)), at).dead:
            break
        everywhere = {file.read_bytes() for file in copy.rglob("measurement.00*")}
        assert everywhere == contents
        place = opened(copy, mode="r")
        for id, tree in place.look().measurements.trees():
            assert (copy / f"measurement.00000{id}.psi.nc").read_text() == tree["results"]["value"]
        for one in place.removed():
            assert [path.rpartition(".")[2] for path in one.beside] == ["nc"]
        deaths.run(lambda: restore(opened(copy)))
        place = opened(copy)
        assert sorted(tree["results"]["value"] for _, tree in place.look().measurements.trees()) == [
            *("one", "three", "two")
        ]
        assert place.look().measurements.ids() == [1, 2, 3]
        survived += 1
    report_line(f"kill points of {operation.__name__}: {survived} of {survived} survived")
    assert survived > 10


def test_of_several_removed_with_one_id_the_last_one_is_restored(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    e.run(lambda a: a, {"a": [1, 2]}, progress=False)
    e.reset()
    e.run(lambda a: a, {"a": [3]}, progress=False)
    e.remove(1)
    assert e.restore([1]) == [1]
    assert [m.parameters.a for m in e.measurements()] == [3]


def test_of_several_removed_with_one_id_each_keeps_its_own_mark(place, rest):
    place.exclude([1], "wrong")
    place.remove([1])
    place.look().measurements.add({}, rest("other"), id=1)
    place.remove([1])
    place.restore()
    values = {id: tree["results"]["value"] for id, tree in place.look().measurements.trees()}
    [marked] = place.look().excluded()
    assert (values[marked], sorted(values.values(), key=str).count("other")) == ("one", 1)


def test_a_measurement_that_lacks_a_file_is_not_restored(tmp_path):
    with_files(tmp_path)
    place = opened(tmp_path / "e")
    folder = tmp_path / "e" / place.remove([1])
    (folder / "measurement.000001.psi.nc").unlink()
    with pytest.raises(DataFileError, match="psi.nc: missing next to the measurements"):
        place.restore()
    assert (folder / "measurement.000001.json").exists()
