"""Taking measurements out, and marking them: nothing is deleted."""

from __future__ import annotations

import itertools
import shutil

import pytest

from coma_xr.encoding import json
from coma_xr.errors import DataFileWarning, InactiveError, PathError
from coma_xr.store.place import ExperimentDirectory


def opened(path, **keywords):
    return ExperimentDirectory(path, **{"config": {}, **keywords})


@pytest.fixture
def place(experiment_path, rest):
    "With the measurements 1, 2, 3."
    place = opened(experiment_path)
    for value in ("one", "two", "three"):
        place.measurements.add({}, rest(value))
    place.write_index()
    return place


def removed(path):
    directory = path / ".coma.removed"
    return sorted(file.name for file in directory.iterdir()) if directory.exists() else []


def test_what_is_removed_can_be_put_back(place, experiment_path):
    content = (experiment_path / "measurement.000002.json").read_bytes()
    assert place.remove([2]) == [str(experiment_path / ".coma.removed" / "measurement.000002.json")]
    assert place.measurements.ids() == [1, 3]
    kept = experiment_path / ".coma.removed" / "measurement.000002.json"
    assert kept.read_bytes() == content
    shutil.move(kept, experiment_path)
    assert place.measurements.read(2)["results"]["value"] == "two"


def test_an_id_that_was_removed_is_not_given_again(place, experiment_path, rest):
    (experiment_path / "measurement.index.json").unlink()
    place.remove([2, 3, 3])
    assert (place.number(), place.next_id()) == (1, 4)
    assert removed(experiment_path) == ["measurement.000002.json", "measurement.000003.json"]


def test_a_name_that_is_taken_gets_a_number(place, experiment_path):
    for _ in range(3):
        source = experiment_path / "measurement.000001.json"
        shutil.copy(source, experiment_path.parent / "kept.json")
        place.remove([1])
        shutil.copy(experiment_path.parent / "kept.json", source)
    assert removed(experiment_path) == [
        "measurement.000001.1.json",
        "measurement.000001.2.json",
        "measurement.000001.json",
    ]


def test_a_measurement_that_the_user_linked_elsewhere_is_not_taken_for_moved(
    place, experiment_path, tmp_path
):
    source = experiment_path / "measurement.000001.json"
    (tmp_path / "backup.json").hardlink_to(source)
    (experiment_path / ".coma.removed").mkdir()
    (experiment_path / ".coma.removed" / "measurement.000001.json").write_text("an older one")
    place.remove([1])
    assert removed(experiment_path) == ["measurement.000001.1.json", "measurement.000001.json"]
    assert (experiment_path / ".coma.removed" / "measurement.000001.json").read_text() == "an older one"


def test_both_formats_of_a_measurement_go(place, experiment_path):
    (experiment_path / "measurement.000001.xml").write_text(
        "<measurement><info><a>1</a></info></measurement>"
    )
    place.remove([1])
    assert removed(experiment_path) == ["measurement.000001.json", "measurement.000001.xml"]


@pytest.mark.parametrize("call", ["remove", "exclude"])
def test_an_unknown_id_changes_nothing(place, experiment_path, call):
    arguments = ([1, 7, 9],) if call == "remove" else ([1, 7, 9], "reason")
    text = rf"^{experiment_path} has no measurement 7, 9\. Nothing was {call}d"
    with pytest.raises(PathError, match=text):
        getattr(place, call)(*arguments)
    assert place.number() == 3
    assert place.excluded() == {}


def test_nothing_is_removed_from_an_archive(place):
    place.deactivate()
    with pytest.raises(InactiveError, match="The experiment is inactive"):
        place.remove([1])


def test_excluded_measurements_are_marked_and_stay(place, experiment_path):
    place.exclude([3, 1], "not converged")
    place.exclude([3], "wrong")
    for again in (place, opened(experiment_path, mode="r")):
        assert list(again.excluded().items()) == [(1, "not converged"), (3, "wrong")]
        assert again.number() == 3
    assert json.decode((experiment_path / ".coma.json").read_bytes())["coma_xr"]["state"] == {
        "excluded": {"3": "wrong", "1": "not converged"}
    }
    place.include([1, 2])
    assert place.excluded() == {3: "wrong"}


def test_marks_go_along_into_the_archive(place, experiment_path, tmp_path):
    place.exclude([2], "wrong")
    place.deactivate()
    shutil.copy(experiment_path / "experiment.none.json", tmp_path)
    assert opened(tmp_path, mode="r").excluded() == {2: "wrong"}
    place.exclude([3], "too")
    assert place.excluded() == {2: "wrong", 3: "too"}


def test_marks_go_with_what_they_mark(place):
    place.exclude([1, 2], "wrong")
    place.remove([2])
    assert place.excluded() == {1: "wrong"}
    place.reset()
    assert place.excluded() == {}


@pytest.mark.parametrize(
    ("marks", "sound", "text"),
    [
        (
            {"1": "a", "x": "b", "-1": "c"},
            {1: "a"},
            "'excluded' marks no measurement by 'x', '-1'. This is not used.",
        ),
        ([1], {}, "'excluded' is no dictionary of reasons by id. This is not used."),
    ],
)
def test_marks_that_make_no_sense_are_passed_over(place, marks, sound, text):
    with pytest.warns(DataFileWarning, match=text):
        place.change_state(lambda state: state.update({"excluded": marks}))
    assert place.excluded() == sound


@pytest.mark.leaves_files
def test_a_kill_while_removing_loses_nothing(quick_path, deaths, rest, report_line):
    original, copy, survived = quick_path / "original", quick_path / "copy", 0
    place = opened(original)
    for value in ("one", "two", "three"):
        place.measurements.add({}, rest(value))
    place.write_index()
    contents = {file.read_bytes() for file in original.glob("measurement.00*")}

    def remove(path):
        place = opened(path)
        place.remove([id for id in (1, 2) if id in place.measurements.ids()])

    for at in itertools.count(1):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(original, copy)
        if not deaths.run(lambda: remove(copy), at).dead:
            break
        everywhere = {file.read_bytes() for file in copy.rglob("measurement.00*")}
        assert everywhere == contents
        assert not opened(copy, mode="r").measurements.problems
        deaths.run(lambda: remove(copy))
        assert removed(copy) == ["measurement.000001.json", "measurement.000002.json"]
        assert opened(copy).measurements.ids() == [3]
        assert opened(copy).next_id() == 4
        survived += 1
    report_line(f"kill points of remove: {survived} of {survived} survived")
    assert survived > 10
