"""Opening an experiment directory, what it shows, and every misuse with its text."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from pathlib import Path

import pytest

from coma_xr.encoding import json
from coma_xr.encoding.formats import FORMATS
from coma_xr.errors import (
    ComaWarning,
    DataFileError,
    DataFileWarning,
    ExperimentError,
    InactiveError,
    StorageError,
)
from coma_xr.store.config import create_default_config
from coma_xr.store.place import ExperimentDirectory

COMA2 = Path(__file__).parents[1] / "data" / "coma2"


def opened(path, **keywords):
    return ExperimentDirectory(path, **{"config": {}, **keywords})


def listing(path):
    return sorted(name for name in os.listdir(path) if not name.startswith("."))


@pytest.fixture
def place(experiment_path):
    return opened(experiment_path)


# ------------------------------------------------------------------------------------ new experiments


def test_a_new_experiment_looks_as_in_the_tutorial(experiment_path):
    place = opened(experiment_path, id=1, description="Half a period", tags=["a", "b"])
    assert listing(experiment_path) == ["experiment.000001.json", "measurement.index.json"]
    assert (experiment_path / "experiment.000001.json").read_text() == (
        '{\n  "experiment": {\n    "info": {\n      "experiment_id": 1,\n      "description": "Half a period",\n'
        '      "tags": [\n        "a",\n        "b"\n      ],\n      "start_date": null,\n      "end_date": null\n'
        "    }\n  }\n}"
    )
    assert (experiment_path / "measurement.index.json").read_text() == (
        '{\n  "measurements": {\n    "last_measurement_id": 0\n  }\n}'
    )
    assert place.path == str(experiment_path)
    assert place.look().experiment_file == str(experiment_path / "experiment.000001.json")
    assert repr(place) == f"ExperimentDirectory({place.look().experiment_file!r})"
    assert place.look().active
    assert not place.look().read_only
    assert place.pretty
    assert (place.look().number(), place.look().next_id()) == (0, 1)
    assert list(place.look().info.items()) == [
        ("experiment_id", 1),
        ("description", "Half a period"),
        ("tags", ["a", "b"]),
        ("start_date", None),
        ("end_date", None),
    ]


def test_without_an_index_of_experiments_there_is_no_id(place, experiment_path):
    assert listing(experiment_path) == ["experiment.none.json", "measurement.index.json"]
    assert place.look().info["experiment_id"] is None


def test_the_index_of_experiments_gives_the_ids(tmp_path, capsys):
    create_default_config()
    ids = [ExperimentDirectory(tmp_path / name).look().info["experiment_id"] for name in "abc"]
    assert ids == [1, 2, 3]
    assert ExperimentDirectory(tmp_path / "a").look().info["experiment_id"] == 1
    assert ExperimentDirectory(tmp_path / "d", id=77).look().info["experiment_id"] == 77
    assert ExperimentDirectory(tmp_path / "e").look().info["experiment_id"] == 4


def test_experiments_made_at_once_get_different_ids(tmp_path, capsys):
    create_default_config()
    ids = []

    def make(number):
        ids.append(ExperimentDirectory(tmp_path / str(number)).look().info["experiment_id"])

    threads = [threading.Thread(target=make, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ids) == list(range(1, 13))


def test_one_experiment_made_by_many_at_once_is_one(experiment_path, capsys):
    create_default_config()
    threads = [threading.Thread(target=ExperimentDirectory, args=(experiment_path,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert listing(experiment_path) == ["experiment.000001.json", "measurement.index.json"]


@pytest.mark.parametrize("content", ['{"experiments": {"last_experiment_id": -3}}', '{"experiments": {}}'])
def test_an_index_of_experiments_that_makes_no_sense_is_an_error(
    experiment_path, empty_configuration, content
):
    (empty_configuration / "experiment.index.json").write_text(content)
    text = r"expected an integer 'last_experiment_id', found "
    with pytest.raises(DataFileError, match=text):
        opened(experiment_path)
    assert opened(experiment_path, id=3).look().info["experiment_id"] == 3


def test_an_xml_index_of_experiments_gives_ids_too(experiment_path, empty_configuration):
    index = empty_configuration / "experiment.index.xml"
    index.write_text("<experiments><last_experiment_id>41</last_experiment_id></experiments>")
    assert opened(experiment_path).look().info["experiment_id"] == 42
    assert index.read_text() == (
        "<experiments>\n  <last_experiment_id>42</last_experiment_id>\n</experiments>\n"
    )


def test_an_index_of_experiments_may_be_anywhere(tmp_path):
    (tmp_path / "mine.json").write_text('{"experiments": {"last_experiment_id": 41}}')
    place = opened(tmp_path / "a", config={"experiment_index": str(tmp_path / "mine")})
    assert place.look().info["experiment_id"] == 42


def test_xml_can_be_chosen_for_a_new_experiment(experiment_path):
    place = opened(experiment_path, id=3, config={"archive_default_format": "xml"})
    assert listing(experiment_path) == ["experiment.000003.xml", "measurement.index.xml"]
    assert (experiment_path / "measurement.index.xml").read_text() == (
        "<measurements>\n  <last_measurement_id>0</last_measurement_id>\n</measurements>\n"
    )
    assert place.suffix == ".xml"
    rest = FORMATS[place.suffix].encode_rest({"results": {"n": "12", "done": True}}, pretty=place.pretty)
    assert place.look().measurements.add({"host": "h"}, rest) == 1
    place.write_index()
    assert (experiment_path / "measurement.000001.xml").read_text().startswith("<measurement>\n  <info>\n")
    # The format of what is there is found, whatever that of new files is.
    for again in (opened(experiment_path), opened(experiment_path / "experiment.000003.xml", mode="r", id=3)):
        assert again.suffix == ".json"
        assert again.look().measurements.read(1) == {
            "info": {"measurement_id": 1, "host": "h"},
            "results": {"n": "12", "done": True},
        }
        assert (again.look().number(), again.look().next_id(), again.look().info["experiment_id"]) == (
            1,
            2,
            3,
        )


@pytest.mark.parametrize("format", ["json", "xml"])
def test_files_of_both_formats_stand_side_by_side_and_come_back_as_they_were(experiment_path, format, rest):
    trees = [
        {"results": {"text": "12", "none": None, "empty": [], "deep": {"a b": [1, {"": True}]}}},
        {"results": {"big": 2**70, "inf": [float("inf"), -0.0, 0.1], "nothing": {}, "line": "a\r\nb"}},
    ]
    for number, other in enumerate(["json", "xml", "json", "xml"]):
        place = opened(experiment_path, config={"archive_default_format": other if number else format})
        assert place.suffix == f".{other if number else format}"
        rest = FORMATS[place.suffix].encode_rest(trees[number % 2], pretty=True)
        assert place.look().measurements.add({"host": "1e5"}, rest) == number + 1
    place.write_index()
    assert {Path(name).suffix for name in listing(experiment_path)} == {".json", ".xml"}
    before = repr(list(place.look().measurements.trees()))
    assert place.look().number() == 4
    place.deactivate()
    assert listing(experiment_path) == [f"experiment.none.{format}"]
    assert repr(list(place.look().measurements.trees())) == before
    place.activate()
    assert {Path(name).suffix for name in listing(experiment_path)} == {f".{format}"}
    assert repr(list(place.look().measurements.trees())) == before
    place.reset()
    assert listing(experiment_path) == [
        *("coma.json", f"experiment.none.{format}", f"measurement.index.{format}", "removed")
    ]


def test_an_index_in_the_other_format_counts_and_goes_with_the_next_one(place, experiment_path):
    (experiment_path / "measurement.index.xml").write_text(
        "<measurements><last_measurement_id>6</last_measurement_id></measurements>"
    )
    assert place.look().next_id() == 7
    place.write_index()
    assert listing(experiment_path) == ["experiment.none.json", "measurement.index.json"]
    assert place.look().next_id() == 7


# -------------------------------------------------------------------------------------------- opening


def test_opening_again_finds_everything(experiment_path, rest):
    place = opened(experiment_path, id=7, description="d")
    place.look().measurements.add({}, rest(1.5), id=4)
    place.change_state(lambda state: state.update({"more": 1}))
    place.save_scan({"parameters": [["a", "parameters/a"]], "sets": [[1]]})
    for again in (opened(experiment_path), opened(experiment_path / "experiment.000007.json", mode="r")):
        assert again.look().info == place.look().info
        assert again.look().state() == {"more": 1}
        assert list(again.look().asked().sets) == [(1,)]
        assert again.look().number() == 1
        assert again.look().next_id() == 5
        assert again.look().measurements.read(4)["results"] == {"value": 1.5}


def test_a_path_may_be_relative_and_stays_when_the_current_directory_changes(tmp_path, monkeypatch, rest):
    monkeypatch.chdir(tmp_path)
    place = opened("a/b")
    monkeypatch.chdir("/")
    place.look().measurements.add({}, rest(1))
    assert place.path == str(tmp_path / "a" / "b")
    assert opened(tmp_path / "a" / "b").look().number() == 1


def test_mode_r_needs_an_experiment_and_makes_none(experiment_path, tmp_path):
    text = (
        rf"^There is no experiment in {experiment_path}, since .* does not exist; mode='a' makes a new one\.$"
    )
    with pytest.raises(ExperimentError, match=text):
        opened(experiment_path, mode="r")
    assert not experiment_path.exists()
    with pytest.raises(ExperimentError, match="There is no experiment in"):
        opened(tmp_path, mode="r")
    assert os.listdir(tmp_path) == []
    opened(experiment_path)
    misspelt = experiment_path.with_name(experiment_path.name + "x")
    with pytest.raises(ExperimentError) as caught:
        opened(misspelt, mode="r")
    assert caught.value.near == (experiment_path.name,)


def test_mode_x_makes_an_experiment_where_there_is_none(experiment_path):
    opened(experiment_path, mode="x")
    with pytest.raises(ExperimentError, match=rf"^{experiment_path} holds an experiment already"):
        opened(experiment_path, mode="x")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"mode": "w"}, "^mode='w' is unknown"),
        ({"id": -1}, "^id=-1 is out of range"),
        ({"id": 10**30}, "^id=1000.* is too large"),
        ({"id": "../1"}, r"^id='\.\./1' is a str"),
        ({"id": True}, "^id=True is a bool"),
        ({"path": ""}, "^path='' is not a path"),
        ({"path": "a\0b"}, r"^path='a\\x00b' is not a path"),
    ],
)
def test_arguments_that_make_no_sense_are_errors(experiment_path, arguments, text):
    with pytest.raises(ExperimentError, match=text):
        opened(**{"path": experiment_path, **arguments})


def test_a_file_is_no_experiment_directory(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    text = r"is a file\."
    with pytest.raises(ExperimentError, match=text):
        opened(tmp_path / "notes.txt")
    (tmp_path / "other.json").write_text('{"features": 1}')
    with pytest.raises(DataFileError, match=r"other\.json: expected the key 'experiment', found features\.$"):
        opened(tmp_path / "other.json")
    with pytest.raises(StorageError, match="cannot create the directory a: its directory is a file"):
        opened(tmp_path / "notes.txt" / "a")


def test_another_id_than_the_files_is_an_error(experiment_path):
    opened(experiment_path, id=7)
    with pytest.raises(
        ExperimentError,
        match=rf"^{experiment_path} holds no experiment with the id 8, but experiment\.000007\.json\.\nLeave out id",
    ):
        opened(experiment_path, id=8)
    with pytest.raises(
        ExperimentError, match=r"experiment\.000007\.json is experiment 7\.\nExpected experiment 8"
    ):
        opened(experiment_path / "experiment.000007.json", id=8)
    assert opened(experiment_path, id=7).look().info["experiment_id"] == 7


def test_the_id_in_the_name_of_an_experiment_file_wins(experiment_path):
    opened(experiment_path, id=7)
    (experiment_path / "experiment.000007.json").rename(experiment_path / "experiment.000009.json")
    with pytest.warns(DataFileWarning, match="has the id 7 inside and the id 9 in its name"):
        assert opened(experiment_path).look().info["experiment_id"] == 9


def test_of_several_experiments_one_is_chosen_and_they_can_only_be_read(tmp_path):
    source = COMA2 / "pendulum-json-pretty-inactive" / "experiment.000007.json"
    shutil.copy(source, tmp_path)
    shutil.copy(source, tmp_path / "experiment.000008.json")
    text = rf"^{tmp_path} holds several experiments: experiment\.000007\.json, experiment\.000008\.json\.\nPass id="
    with pytest.raises(ExperimentError, match=text):
        opened(tmp_path)
    with pytest.raises(ExperimentError, match="holds no experiment with the id 9, but experiment"):
        opened(tmp_path, id=9)
    with pytest.warns(DataFileWarning, match="has the id 7 inside and the id 8 in its name"):
        places = opened(tmp_path, id=8), opened(tmp_path / "experiment.000008.json")
    for place in places:
        assert place.look().info["experiment_id"] == 8
        assert place.look().number() == 12
        assert place.look().read_only
        with pytest.raises(
            StorageError,
            match=r"the directory also holds experiment\.000007\.json, so its experiments are read-only; move",
        ):
            place.activate()
    assert listing(tmp_path) == ["experiment.000007.json", "experiment.000008.json"]


def test_a_bad_xml_experiment_is_named_and_left_alone(tmp_path):
    (tmp_path / "experiment.none.xml").write_text("<experiment><info>")
    with pytest.raises(
        DataFileError, match=r"experiment\.none\.xml: not valid XML: no element found, line 1"
    ):
        opened(tmp_path)
    assert listing(tmp_path) == ["experiment.none.xml"]


def test_an_experiment_file_in_each_format_is_one_too_many(tmp_path):
    for suffix in ("json", "xml"):
        shutil.copy(next((COMA2 / f"chain-{suffix}-pretty-inactive").iterdir()), tmp_path)
    text = (
        rf"^{tmp_path} holds several experiments: experiment\.none\.json, experiment\.none\.xml\.\nPass id="
    )
    with pytest.raises(ExperimentError, match=text):
        opened(tmp_path)
    assert opened(tmp_path / "experiment.none.xml").look().number() == 4


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"empty\."),
        (b'{"experiment": {', "not valid JSON"),
        (b"[]", "expected a dictionary with the key 'experiment', found a list"),
        (b'{"experiment": {"info": 1}}', "has no dictionary 'info', or 'measurements' that are not a list"),
        (
            b'{"experiment": {"measurements": {}}}',
            "has no dictionary 'info', or 'measurements' that are not a list",
        ),
    ],
)
def test_a_bad_experiment_file_is_named_and_left_alone(experiment_path, content, reason):
    opened(experiment_path)
    (experiment_path / "experiment.none.json").write_bytes(content)
    with pytest.raises(DataFileError, match=rf"^{experiment_path}/experiment\.none\.json: {reason}"):
        opened(experiment_path)
    assert (experiment_path / "experiment.none.json").read_bytes() == content


def test_measurements_without_an_experiment_file_are_found_with_a_warning(place, experiment_path, rest):
    place.look().measurements.add({}, rest(1.5))
    (experiment_path / "experiment.none.json").unlink()
    with pytest.warns(
        DataFileWarning,
        match=rf"^{experiment_path} has 1 measurement files but no experiment file; opened without description, "
        r"tags and dates\. experiment\.none\.json will be written with the next change\.$",
    ):
        again = opened(experiment_path)
    assert again.look().number() == 1
    assert listing(experiment_path) == ["measurement.000001.json", "measurement.index.json"]
    again.save_info(description="found")
    assert opened(experiment_path).look().info["description"] == "found"


def test_an_empty_directory_with_other_files_becomes_an_experiment(tmp_path):
    (tmp_path / "run.py").touch()
    (tmp_path / "measurement.000000.json").touch()
    opened(tmp_path)
    assert "experiment.none.json" in listing(tmp_path)


def test_names_of_files_can_be_chosen(experiment_path, rest):
    config = {
        "experiment_file": "e${experiment_id}x",
        "measurement_file": "m_${measurement_id}",
        "measurement_index": "i",
        "archive_pretty_print": "no",
    }
    place = opened(experiment_path, id=3, config=config)
    place.look().measurements.add({}, json.encode_rest({"a": 1}, pretty=place.pretty))
    assert listing(experiment_path) == ["e000003x.json", "i.json", "m_000001.json"]
    assert (experiment_path / "i.json").read_text() == '{"measurements":{"last_measurement_id":0}}'
    assert opened(experiment_path, config=config).look().number() == 1


# ----------------------------------------------------------------------------------- experiments of Coma 2


@pytest.mark.parametrize("name", sorted(path.name for path in COMA2.iterdir() if path.is_dir()))
def test_experiments_of_coma_2_are_read_and_stay_as_they_are(tmp_path, name):
    path = shutil.copytree(COMA2 / name, tmp_path / name)
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    place = opened(path)
    assert place.look().active is not name.endswith("inactive")
    assert place.look().info["description"] == f"Made by Coma 2.0: {name}"
    assert place.look().info["experiment_id"] == (
        7 if name.startswith("pendulum") and "-pretty-" in name else None
    )
    number = {"chain": 4, "pendu": 12, "value": 5}[name[:5]]
    assert place.look().number() == number
    assert place.look().next_id() == number + 1
    trees = dict(place.look().measurements.trees())
    assert list(trees) == list(range(1, number + 1))
    assert all(tree["info"]["measurement_id"] == id for id, tree in trees.items())
    assert place.look().measurements.problems == []
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before


@pytest.mark.parametrize("layout", ["pretty", "compact"])
@pytest.mark.parametrize("format", ["json", "xml"])
@pytest.mark.parametrize("kind", ["pendulum", "chain"])
def test_archiving_and_bringing_back_gives_the_files_of_coma_2(tmp_path, kind, format, layout):
    "Byte for byte, dates and descriptions aside."
    active = shutil.copytree(COMA2 / f"{kind}-{format}-{layout}-active", tmp_path / "active")
    before = {file.name: file.read_bytes() for file in active.iterdir()}
    place = opened(active, config={"archive_pretty_print": layout == "pretty"})
    place.deactivate()
    [archived] = listing(active)
    inactive = COMA2 / f"{kind}-{format}-{layout}-inactive" / archived
    form = FORMATS[f".{format}"]
    # What Coma 2 passes over: the digests.
    tree = form.decode((active / archived).read_bytes())
    assert list(tree["experiment"]["info"].pop("coma_xr")) == ["sha256"]
    text = form.encode(tree, pretty=layout == "pretty")
    assert text == inactive.read_bytes().replace(b"-inactive", b"-active")
    place.activate()
    after = {name: (active / name).read_bytes() for name in listing(active)}
    assert after == before


# -------------------------------------------------------------------------------------- small writing


def test_info_can_be_changed_but_for_the_id(place, experiment_path):
    place.save_info(description="other", start_date="2026-11-22T11:02:50Z")
    assert place.look().info["description"] == "other"
    assert opened(experiment_path).look().info["start_date"] == "2026-11-22T11:02:50Z"
    with pytest.raises(ExperimentError, match=r"experiment_id: The id of an experiment cannot be changed\."):
        place.save_info(experiment_id=3)
    place.look().info["description"] = "not written"
    assert place.look().info["description"] == "other"


def test_what_coma_2_put_into_the_info_stays(experiment_path):
    opened(experiment_path)
    file = experiment_path / "experiment.none.json"
    file.write_text('{"experiment": {"info": {"description": "d", "author": "me"}}}')
    place = opened(experiment_path)
    place.save_info(tags=["t"])
    assert json.decode(file.read_bytes())["experiment"]["info"] == {
        "experiment_id": None,
        "description": "d",
        "tags": ["t"],
        "start_date": None,
        "end_date": None,
        "author": "me",
    }


def test_another_process_sees_what_was_written(place, experiment_path, rest):
    other = opened(experiment_path)
    place.save_info(description="new")
    place.change_state(lambda state: state.update({"a": 1}))
    place.look().measurements.add({}, rest(1))
    assert (other.look().info["description"], other.look().state(), other.look().number()) == (
        "new",
        {"a": 1},
        1,
    )
    place.deactivate()
    assert not other.look().active
    assert other.look().number() == 1


def test_the_state_is_a_copy(place):
    place.change_state(lambda state: state.update({"more": {"a": [1]}}))
    place.look().state()["more"]["a"].append(2)
    assert place.look().state() == {"more": {"a": [1]}}


def test_a_state_that_cannot_be_read_is_empty_with_a_warning(place, experiment_path):
    (experiment_path / "coma.json").write_text('{"coma_xr": nonsense')
    text = r"/coma\.json cannot be read and counts as empty \(not valid JSON: "
    with pytest.warns(DataFileWarning, match=text):
        assert (place.look().state(), place.look().asked()) == ({}, None)


def test_the_index_is_a_hint(place, experiment_path, rest):
    place.look().measurements.add({}, rest(1), id=5)
    assert place.look().next_id() == 6
    place.write_index()
    index = experiment_path / "measurement.index.json"
    assert json.decode(index.read_bytes()) == {"measurements": {"last_measurement_id": 5}}
    place.look().measurements.remove(5)
    assert place.look().next_id() == 6
    index.unlink()
    assert place.look().next_id() == 1
    place.write_index()
    assert json.decode(index.read_bytes()) == {"measurements": {"last_measurement_id": 0}}


@pytest.mark.parametrize("last", ["-1", "1e30", "true", "null", '"7"', "10000000000000000000000"])
def test_an_index_that_makes_no_sense_is_said_and_not_used(place, experiment_path, rest, last):
    place.look().measurements.add({}, rest(1), id=3)
    index = experiment_path / "measurement.index.json"
    index.write_text(f'{{"measurements": {{"last_measurement_id": {last}}}}}')
    with pytest.warns(
        ComaWarning, match=r"index\.json: expected an integer .* of the measurement files are used"
    ):
        assert place.look().next_id() == 4
    index.write_text("garbage")
    with pytest.warns(
        ComaWarning, match=r"index\.json: not valid JSON: .* of the measurement files are used"
    ):
        assert place.look().next_id() == 4


# ------------------------------------------------------------------------------------------- failures


def test_failures_are_recorded_under_the_number_that_the_measurement_would_have_had(place, experiment_path):
    assert place.add_failure({"info": {"host": "h"}, "parameters": {"a": 1}}, 3) == 3
    assert place.add_failure({"parameters": {"a": 2}}, 3, sync=True) == 4
    assert listing(experiment_path)[1:3] == ["failure.000003.json", "failure.000004.json"]
    assert place.look().failures() == [
        {"info": {"measurement_id": 3, "host": "h"}, "parameters": {"a": 1}},
        {"info": {"measurement_id": 4}, "parameters": {"a": 2}},
    ]
    assert (place.look().next_id(), place.look().number()) == (5, 0)
    place.remove_failures([3, 99])
    assert [failure["info"]["measurement_id"] for failure in place.look().failures()] == [4]


def test_a_record_of_a_failure_that_cannot_be_read_is_passed_over(place, experiment_path):
    (experiment_path / "failure.000002.json").write_text("nonsense")
    (experiment_path / "failure.000003.json").write_text('{"failure": {}}')
    with pytest.warns(DataFileWarning) as warned:
        assert place.look().failures() == []
    assert [str(warning.message) for warning in warned] == [
        f"{experiment_path}/failure.000002.json: not valid JSON: Expecting value, line 1, column 1. It is skipped.",
        f"{experiment_path}/failure.000003.json: expected a dictionary 'failure/info', found nothing. It is skipped.",
    ]
    assert place.look().next_id() == 4


# ---------------------------------------------------------------------------------------- read-only


def everything_that_writes(place):
    return {
        "check_writable": place.check_writable,
        "add": lambda: place.look().measurements.add({}, b""),
        "remove": lambda: place.look().measurements.remove(1),
        "save_info": lambda: place.save_info(description="x"),
        "change_state": lambda: place.change_state(lambda state: state.update({})),
        "save_scan": lambda: place.save_scan({}),
        "write_index": place.write_index,
        "add_failure": lambda: place.add_failure({}, 1),
        "remove_failures": lambda: place.remove_failures([1]),
        "running": lambda: place.running().__enter__(),
        "saving": place.saving,
        "deactivate": place.deactivate,
        "reset": place.reset,
    }


def test_mode_r_never_writes(place, experiment_path, rest):
    place.look().measurements.add({}, rest(1))
    before = set(os.listdir(experiment_path))
    reading = opened(experiment_path, mode="r")
    assert reading.look().read_only
    assert reading.look().number() == 1
    for name, call in everything_that_writes(reading).items():
        with pytest.raises(StorageError) as caught:
            call()
        text = "the experiment was opened with mode='r', to be read only; open it with mode='a'"
        assert caught.value.strerror == text, name
    assert set(os.listdir(experiment_path)) == before


def test_nothing_is_added_to_an_inactive_experiment(place, rest):
    place.look().measurements.add({}, rest(1))
    place.deactivate()
    calls = everything_that_writes(place)
    for name in ("check_writable", "add", "remove", "add_failure", "remove_failures", "running", "saving"):
        with pytest.raises(
            InactiveError,
            match=rf"^The experiment is inactive. Its measurements are stored in {place.look().experiment_file}\.\nCall activate\(\)",
        ):
            calls[name]()


READ_ONLY = """
    import os, sys, warnings
    import filelock, numpy, coma_xr.store.place as store
    from coma_xr.errors import StorageError
    from coma_xr.encoding import json

    path = sys.argv[1]
    os.chmod(path, 0o555)
    os.seteuid(65534) if os.geteuid() == 0 else None
    place = store.ExperimentDirectory(path, config={})
    print(place.look().number(), place.look().next_id(), place.look().active, len(list(place.look().measurements.trees())), place.look().state())
    rest = json.encode_rest({})
    for call in (
        place.check_writable,
        lambda: place.look().measurements.add({}, rest),
        lambda: place.save_info(description="x"),
        place.deactivate,
        place.reset,
        lambda: place.running().__enter__(),
        lambda: store.ExperimentDirectory(path + "/new", config={}),
    ):
        try:
            call()
        except StorageError as error:
            print(error.errno, error.strerror)
    os.seteuid(os.getuid())  # to write the data of coverage
"""


def test_a_read_only_directory_is_read_and_says_so_before_anything_is_computed(child, rest):
    # pytest's own directories are closed to other users.
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        path = Path(parent, "experiment")
        place = opened(path)
        place.look().measurements.add({}, rest(1))
        place.change_state(lambda state: state.update({"a": 1}))
        (path / ".coma.lock").unlink()
        before = sorted(os.listdir(path))
        output, errors = child(READ_ONLY, path).communicate(timeout=60)
        assert not errors
        denied = "permission denied; check the owner and mode of it and of its directory"
        assert output.splitlines() == [
            "1 2 True 1 {'a': 1}",
            f"13 cannot write in the directory experiment: {denied}; nothing was computed",
            f"13 cannot write measurement.000002.json: {denied}",
            f"13 cannot lock .coma.lock: {denied}",
            f"13 cannot lock .coma.lock: {denied}",
            f"13 cannot lock .coma.lock: {denied}",
            f"13 cannot lock .coma.lock: {denied}",
            f"13 cannot create the directory new: {denied}",
        ]
        assert sorted(os.listdir(path)) == before


def test_a_measurement_file_that_may_not_be_read_is_a_problem_and_not_the_end(child, rest):
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        path = Path(parent, "experiment")
        place = opened(path)
        for value in (1, 2):
            place.look().measurements.add({}, rest(value))
        (path / "measurement.000001.json").chmod(0)
        script = """
            import os, sys, numpy
            from coma_xr.store.place import ExperimentDirectory

            os.seteuid(65534) if os.geteuid() == 0 else None
            store = ExperimentDirectory(sys.argv[1], config={}).look().measurements
            print([id for id, _ in store.trees()], store.problems)
            os.seteuid(os.getuid())  # to write the data of coverage
        """
        output, errors = child(script, path).communicate(timeout=60)
        assert not errors
        assert output.startswith("[2] [DataFileError(")
        assert (
            "[2] [DataFileError('cannot read measurement.000001.json: permission denied; check the owner and mode of it and of its directory')]"
            in output
        )


@pytest.mark.filterwarnings("ignore::coma_xr.errors.DataFileWarning")
@pytest.mark.parametrize("damage", ["cut", "one entry"])
def test_a_damaged_state_is_kept_before_it_is_written_anew(tmp_path, damage):
    place = opened(tmp_path / "e")
    place.change_state(lambda state: state.update(definition=[["a", "parameters/a"]], seed=7))
    file = tmp_path / "e/coma.json"
    text = file.read_text()
    damaged = text[:-10] if damage == "cut" else text.replace("7", '"seven"')
    file.write_text(damaged)
    place = opened(tmp_path / "e")
    with pytest.warns(
        DataFileWarning,
        match=r"was damaged and is written again.* is kept as .*/removed/.*-repair/coma\.json",
    ):
        place.save_info(description="new")
    [kept] = tmp_path.glob("e/removed/*/coma.json")
    assert kept.read_text() == damaged
    assert place.look().state().get("definition") == (
        [["a", "parameters/a"]] if damage == "one entry" else None
    )
    assert place.verify() == []
    # Once only.
    place.save_info(description="newer")
    assert len(list((tmp_path / "e/removed").iterdir())) == 1
