"""Archiving, bringing back and resetting: nothing is lost, and nothing deleted that was not understood."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json as standard_json
import os
import shutil

import pytest

from coma_xr import files
from coma_xr.encoding import json, xml
from coma_xr.encoding.formats import FORMATS
from coma_xr.errors import DataFileError, DataFileWarning, InactiveError, StorageError
from coma_xr.store import documents, layout
from coma_xr.store.place import ExperimentDirectory


def opened(path, **keywords):
    return ExperimentDirectory(path, **{"config": {}, **keywords})


def listing(path):
    """List what ``ls`` shows, other than ``coma.json``, which is always there."""
    return sorted(name for name in os.listdir(path) if not name.startswith(".") and name != "coma.json")


def removed(path):
    """List what is in the folder of the only operation."""
    (folder,) = (path / "removed").iterdir()
    return sorted(file.name for file in folder.iterdir())


def snapshot(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


def values(place):
    return {id: tree["results"]["value"] for id, tree in place.look().measurements.trees()}


@pytest.fixture
def place(experiment_path, rest):
    "With the measurements 1, 2 and 5, the failure 3, a state and dates."
    place = opened(experiment_path, description="d")
    for id, value in {1: "one", 2: float("inf"), 5: [1, None]}.items():
        place.look().measurements.add({"host": "h"}, rest(value), id=id)
    place.add_failure({"parameters": {"a": 3}}, 3)
    place.change_state(lambda state: state.update({"definition": [["a", "parameters/a"]]}))
    place.save_info(start_date="2026-11-22T11:02:50Z")
    place.write_index()
    return place


VALUES = {1: "one", 2: float("inf"), 5: [1, None]}


# ----------------------------------------------------------------------------------------- deactivate


def test_an_inactive_experiment_is_one_file(place, experiment_path):
    before = dict(place.look().measurements.trees()), place.look().failures(), place.look().info
    place.deactivate()
    assert listing(experiment_path) == ["experiment.none.json"]
    for again in (place, opened(experiment_path), opened(experiment_path, mode="r")):
        assert not again.look().active
        assert (dict(again.look().measurements.trees()), again.look().failures(), again.look().info) == before
        assert again.look().number() == 3
        assert again.look().next_id() == 6
        assert again.look().measurements.read(5)["results"]["value"] == [1, None]


def test_the_state_goes_along_when_the_archive_is_copied_alone(place, experiment_path, tmp_path):
    place.deactivate()
    shutil.copy(experiment_path / "experiment.none.json", tmp_path)
    copy = opened(tmp_path)
    assert copy.look().state() == {"definition": [["a", "parameters/a"]]}
    assert len(copy.look().failures()) == 1
    copy.activate()
    assert values(copy) == VALUES
    assert copy.look().state() == {"definition": [["a", "parameters/a"]]}
    assert opened(tmp_path).look().state() == {"definition": [["a", "parameters/a"]]}
    assert "coma_xr" not in (tmp_path / "experiment.none.json").read_text()


def test_without_state_and_failures_an_archive_is_what_coma_2_writes(experiment_path):
    place = opened(experiment_path)
    place.deactivate()
    assert json.decode((experiment_path / "experiment.none.json").read_bytes()) == {
        "experiment": {
            "info": {
                "experiment_id": None,
                "description": None,
                "tags": [],
                "start_date": None,
                "end_date": None,
            },
            "measurements": [],
        }
    }
    assert not opened(experiment_path).look().active


def test_deactivating_twice_is_an_error(place, experiment_path):
    place.deactivate()
    with pytest.raises(InactiveError, match=rf"^The experiment in {experiment_path} is already inactive\.$"):
        place.deactivate()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("measurement.000002.json", b""),
        ("measurement.000007.json", b'{"foreign": 1}'),
        ("measurement.000007.xml", b"<measurement/>"),
        ("failure.000003.json", b"{"),
    ],
)
def test_a_file_that_cannot_be_read_stops_the_archiving_before_anything_is_changed(
    place, experiment_path, name, content
):
    (experiment_path / name).write_bytes(content)
    before = snapshot(experiment_path)
    with pytest.raises(DataFileError, match=name.replace(".", r"\.")):
        place.deactivate()
    assert snapshot(experiment_path) == before
    assert place.look().active


def test_the_error_of_a_refused_archiving_says_what_to_do(place, experiment_path):
    (experiment_path / "measurement.000002.json").write_bytes(b"")
    text = (
        rf"^Nothing was changed, because 1 of the measurements cannot be moved: {experiment_path}/"
        r"measurement\.000002\.json: empty\.\nRepair these files, or move them out of the directory\.$"
    )
    with pytest.raises(DataFileError, match=text):
        place.deactivate()


@pytest.mark.parametrize("compress", [False, True])
def test_an_archive_that_does_not_read_back_deletes_nothing(place, experiment_path, monkeypatch, compress):
    before = snapshot(experiment_path)
    real = files.read

    def damaged(path, *limit, **options):
        data = real(path, *limit, **options)
        return data[:-1] + bytes([data[-1] ^ 1]) if files.TEMPORARY in path else data

    monkeypatch.setattr(files, "read", damaged)
    with pytest.raises(StorageError, match="what was written reads back differently"):
        place.deactivate(compress=compress)
    assert snapshot(experiment_path) == before


def test_an_archive_that_would_be_read_differently_deletes_nothing(place, experiment_path, monkeypatch):
    before, real = snapshot(experiment_path), layout.Layout.text
    calls = []

    def text(self, root, *more):
        calls.append(root)
        return real(self, root, *more) + b" " * calls.count("experiment")

    monkeypatch.setattr(layout.Layout, "text", text)
    with pytest.raises(DataFileError, match="would not read back as it was written; nothing was changed"):
        place.deactivate()
    assert snapshot(experiment_path) == before


def test_an_archive_that_is_packed_wrongly_deletes_nothing(place, experiment_path, monkeypatch):
    before = snapshot(experiment_path)
    monkeypatch.setattr(layout, "pack", lambda text: documents.pack(text[:-1] + b" "))
    with pytest.raises(StorageError, match="what was compressed reads back differently"):
        place.deactivate(compress=True)
    assert snapshot(experiment_path) == before


def test_a_different_file_beside_an_archive_is_in_the_way_of_a_reset(place, experiment_path):
    place.deactivate()
    path = experiment_path / "measurement.000001.json"
    path.write_text('{"measurement": {"info": {}, "results": {"value": "other"}}}')
    before = snapshot(experiment_path)
    with pytest.raises(DataFileError, match="differs from the measurement of this id"):
        place.reset()
    assert snapshot(experiment_path) == before


@pytest.mark.filterwarnings("ignore:.*another id inside:coma_xr.errors.DataFileWarning")
def test_files_copied_beside_an_archive_count_and_are_archived_too(place, experiment_path, rest):
    shutil.copy(experiment_path / "measurement.000001.json", experiment_path.parent)
    place.deactivate()
    shutil.copy(
        experiment_path.parent / "measurement.000001.json", experiment_path / "measurement.000009.json"
    )
    assert values(place) == VALUES | {9: "one"}
    assert place.look().next_id() == 10
    place.deactivate()
    assert listing(experiment_path) == ["experiment.none.json"]
    assert values(place) == VALUES | {9: "one"}


def test_a_different_file_beside_an_archive_is_in_the_way_of_both_directions(place, experiment_path):
    place.deactivate()
    path = experiment_path / "measurement.000001.json"
    path.write_text('{"measurement": {"info": {}, "results": {"value": "other"}}}')
    before = snapshot(experiment_path)
    text = rf"^{path}: differs from the measurement of this id in {place.look().experiment_file}\.\nMove one of them out"
    for call in (place.activate, place.deactivate):
        with pytest.raises(DataFileError, match=text):
            call()
    assert snapshot(experiment_path) == before
    assert values(place)[1] == "one"


def test_stale_files_and_files_of_the_user_stay(place, experiment_path):
    for name in ("notes.txt", "measurement.000000.json", "measurement.7.json"):
        (experiment_path / name).write_text("mine")
    place.deactivate()
    assert listing(experiment_path) == [
        "experiment.none.json",
        "measurement.000000.json",
        "measurement.7.json",
        "notes.txt",
    ]


@pytest.mark.parametrize("compress", [False, True])
def test_who_reads_while_another_process_archives_sees_each_measurement_once(
    place, experiment_path, compress
):
    reader = opened(experiment_path, mode="r")
    store = reader.look().measurements
    passing = store.trees()
    seen = [next(passing)]
    place.deactivate(compress=compress)
    seen += passing
    assert {id: tree["results"]["value"] for id, tree in seen} == VALUES
    assert len(seen) == 3
    # A store that was asked for before knows where they are now.
    assert {id: tree["results"]["value"] for id, tree in store.trees()} == VALUES
    assert store.read(5)["results"]["value"] == [1, None]
    assert store.problems == []


def test_who_reads_while_another_process_brings_back_sees_each_measurement_once(place, experiment_path):
    place.deactivate()
    passing = opened(experiment_path, mode="r").look().measurements.trees()
    seen = [next(passing)]
    place.activate()
    seen += passing
    assert {id: tree["results"]["value"] for id, tree in seen} == VALUES


def test_files_in_two_formats_under_one_id_are_archived_once_when_they_are_equal(place, experiment_path):
    tree = place.look().measurements.read(2)
    (experiment_path / "measurement.000002.xml").write_bytes(xml.encode({"measurement": tree}))
    assert place.look().number() == 3
    place.deactivate()
    assert listing(experiment_path) == ["experiment.none.json"]
    assert values(place) == VALUES


def test_files_in_two_formats_under_one_id_that_differ_are_not_archived(place, experiment_path):
    other = experiment_path / "measurement.000002.xml"
    other.write_text("<measurement><info>1</info><results><value>1</value></results></measurement>")
    before = snapshot(experiment_path)
    with pytest.raises(
        DataFileError, match=r"000002\.xml: expected a dictionary 'measurement/info', found a value"
    ):
        place.deactivate()
    other.write_text("<measurement><info><host>h</host></info></measurement>")
    with pytest.raises(
        DataFileError, match=r"^Nothing was changed, .*\.xml: differs from .*\.json, which counts"
    ):
        place.deactivate()
    assert snapshot(experiment_path) == before | {other.name: other.read_bytes()}


def test_a_file_in_the_other_format_beside_an_archive_is_not_written_again(place, experiment_path):
    tree = place.look().measurements.read(1)
    place.deactivate()
    path = experiment_path / "measurement.000001.xml"
    path.write_bytes(xml.encode({"measurement": {**tree, "results": {}}}))
    with pytest.raises(DataFileError, match=rf"^{path}: differs from the measurement of this id in "):
        place.activate()
    path.write_bytes(xml.encode({"measurement": tree}))
    place.activate()
    assert not (experiment_path / "measurement.000001.json").exists()
    assert values(place) == VALUES


# ------------------------------------------------------------------------------------------- activate


def test_an_activated_experiment_has_its_files_again(place, experiment_path):
    before = {name: data for name, data in snapshot(experiment_path).items() if not name.startswith(".")}
    place.deactivate()
    place.activate()
    after = {name: data for name, data in snapshot(experiment_path).items() if not name.startswith(".")}
    assert after == before


def test_activating_an_active_experiment_is_an_error(place, experiment_path):
    with pytest.raises(InactiveError, match=rf"^The experiment in {experiment_path} is already active\.$"):
        place.activate()


@pytest.mark.parametrize("left", [b"", b"\0" * 300, b'{\n  "measurement": {\n', b'{\n\0\0"mea\0\0'])
def test_what_a_power_cut_left_of_a_file_is_written_anew(place, experiment_path, left):
    place.deactivate()
    (experiment_path / "measurement.000001.json").write_bytes(left)
    place.activate()
    assert values(place) == VALUES


def test_an_equal_file_in_another_layout_stays_as_it_is(place, experiment_path):
    path = experiment_path / "measurement.000001.json"
    compact = json.encode(json.decode(path.read_bytes()), pretty=False)
    place.deactivate()
    path.write_bytes(compact)
    place.activate()
    assert path.read_bytes() == compact


@pytest.mark.parametrize("content", [b"nonsense", b'{"measurement": 1}'])
def test_something_else_under_the_name_is_not_overwritten(place, experiment_path, content):
    place.deactivate()
    path = experiment_path / "measurement.000005.json"
    path.write_bytes(content)
    with pytest.raises(DataFileError, match="differs from the measurement of this id"):
        place.activate()
    assert path.read_bytes() == content
    assert listing(experiment_path) == ["experiment.none.json", "measurement.000005.json"]


def test_an_archive_with_two_measurements_of_one_id_is_not_torn_apart(experiment_path):
    opened(experiment_path)
    file = experiment_path / "experiment.none.json"
    entry = '{"info": {"measurement_id": 1}, "a": %d}'
    file.write_text(f'{{"experiment": {{"info": {{}}, "measurements": [{entry % 1}, {entry % 2}]}}}}')
    before = file.read_bytes()
    place = opened(experiment_path)
    for call in (place.activate, place.deactivate):
        with pytest.raises(DataFileError, match="a second, different measurement with the id 1"):
            call()
    assert file.read_bytes() == before


# ------------------------------------------------------------------------------------------- compressed


@pytest.mark.parametrize("format", ["json", "xml"])
def test_a_compressed_archive_is_read_as_it_is_and_brought_back(experiment_path, format):
    place = opened(experiment_path, config={"archive_default_format": format})
    for value in ("12", float("inf"), [1, None]):
        place.look().measurements.add({}, FORMATS[place.suffix].encode_rest({"results": {"value": value}}))
    place.write_index()
    before = {name: data for name, data in snapshot(experiment_path).items() if not name.startswith(".")}
    found = list(place.look().measurements.trees())
    place.deactivate(compress=True)
    name = f"experiment.none.{format}"
    assert listing(experiment_path) == [f"{name}.gz"]
    assert gzip.decompress((experiment_path / f"{name}.gz").read_bytes()).startswith(
        {"json": b'{\n  "experiment"', "xml": b"<experiment>\n"}[format]
    )
    assert place.look().experiment_file == str(experiment_path / f"{name}.gz")
    for path in (experiment_path, experiment_path / f"{name}.gz", experiment_path / name):
        again = opened(path, mode="r")
        assert not again.look().active
        assert list(again.look().measurements.trees()) == found
        assert (again.look().number(), again.look().next_id()) == (3, 4)
    opened(experiment_path).save_info(description="other")
    assert listing(experiment_path) == [f"{name}.gz"]
    assert place.look().info["description"] == "other"
    place.save_info(description=None)
    with pytest.raises(InactiveError, match=r"stored in .*\.gz\.\nCall activate"):
        place.check_writable()
    with pytest.raises(InactiveError, match="is already inactive"):
        place.deactivate(compress=True)
    place.activate()
    after = {name: data for name, data in snapshot(experiment_path).items() if not name.startswith(".")}
    assert after == before


def test_a_compressed_archive_is_the_same_for_the_same_measurements(place, experiment_path):
    place.deactivate(compress=True)
    first = (experiment_path / "experiment.none.json.gz").read_bytes()
    place.activate()
    place.deactivate(compress=True)
    assert (experiment_path / "experiment.none.json.gz").read_bytes() == first


def test_a_reset_of_a_compressed_experiment_empties_the_list(place, experiment_path):
    place.deactivate(compress=True)
    place.reset()
    assert listing(experiment_path) == ["experiment.none.json.gz", "removed"]
    assert (place.look().active, place.look().number(), place.look().next_id()) == (False, 0, 1)


@pytest.mark.filterwarnings("ignore:.*another id inside:coma_xr.errors.DataFileWarning")
def test_files_copied_beside_a_compressed_archive_are_archived_too(place, experiment_path):
    kept = (experiment_path / "measurement.000001.json").read_bytes()
    place.deactivate(compress=True)
    (experiment_path / "measurement.000009.json").write_bytes(kept)
    place.deactivate()
    assert listing(experiment_path) == ["experiment.none.json.gz"]
    assert values(place) == VALUES | {9: "one"}


def test_of_a_compressed_file_and_another_the_one_with_measurements_counts(place, experiment_path):
    path = experiment_path / "experiment.none.json"
    active = path.read_bytes()
    place.deactivate(compress=True)
    # As a kill between the two steps leaves it.
    path.write_bytes(active)
    assert not place.look().active
    assert values(place) == VALUES
    assert opened(experiment_path).look().experiment_file == f"{path}.gz"
    place.save_info(description="new")
    assert listing(experiment_path) == ["experiment.none.json.gz"]
    place.activate()
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert place.look().active
    place.save_info(description="newer")
    assert "experiment.none.json.gz" not in listing(experiment_path)


def test_equal_archives_count_once_and_different_ones_are_an_error(place, experiment_path):
    path = experiment_path / "experiment.none.json"
    place.deactivate(compress=True)
    packed = path.with_name(f"{path.name}.gz")
    text = gzip.decompress(packed.read_bytes())
    path.write_bytes(text)
    assert values(opened(experiment_path)) == VALUES
    path.write_bytes(text.replace(b'"one"', b'"two"'))
    error = rf"^{packed}: holds other measurements than {path}\.\nMove one of them out of the directory\.$"
    with pytest.raises(DataFileError, match=error):
        opened(experiment_path)
    path.write_bytes(text)
    place.save_info(description="new")
    assert listing(experiment_path) == ["experiment.none.json"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data[:-9], r"not valid gzip: it is cut off"),
        (lambda data: b"", "empty"),
        (lambda data: data + data, r"not valid gzip: more follows behind its end"),
        (lambda data: b"{}", r"not valid gzip: Error -3 while decompressing data: incorrect header check"),
        (lambda data: data[:40] + b"\0\0\0\0" + data[44:], r"not valid gzip: Error -3 "),
    ],
)
def test_a_bad_compressed_archive_is_named(place, experiment_path, change, reason):
    place.deactivate(compress=True)
    path = experiment_path / "experiment.none.json.gz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataFileError, match=rf"^{path}: {reason}"):
        opened(experiment_path)


@pytest.mark.ci
def test_every_beginning_of_a_compressed_archive_is_refused_and_zero_bytes_behind_it_are_not(
    place, experiment_path
):
    place.deactivate(compress=True)
    path = experiment_path / "experiment.none.json.gz"
    data = path.read_bytes()
    for end in range(len(data)):
        path.write_bytes(data[:end])
        with pytest.raises(DataFileError):
            opened(experiment_path)
    path.write_bytes(data + b"\0" * 512)
    assert values(opened(experiment_path)) == VALUES


def test_what_an_archive_cannot_hold_stays_in_its_file(place, experiment_path):
    deep = '{"measurement": {"info": {}, "a": ' + "[" * 98 + "]" * 98 + "}}"
    (experiment_path / "measurement.000006.json").write_text(deep)
    assert place.look().measurements.read(6)["info"] == {"measurement_id": 6}
    before = snapshot(experiment_path)
    text = r"experiment\.none\.json: would not read back as it was written \(nested deeper than 100 levels\); nothing was"
    with pytest.raises(DataFileError, match=text):
        place.deactivate()
    assert snapshot(experiment_path) == before


def test_a_small_file_that_would_fill_the_memory_is_not_unpacked(place, experiment_path, monkeypatch):
    place.deactivate(compress=True)
    path = experiment_path / "experiment.none.json.gz"
    path.write_bytes(gzip.compress(b" " * 10_000_000) * 3)
    monkeypatch.setattr(documents, "ARCHIVE_LIMIT", 100_000)
    with pytest.raises(DataFileError, match=rf"^{path}: holds more than the 100000 bytes that are read\.$"):
        opened(experiment_path)


# -------------------------------------------------------------------------------------------- digests


@pytest.mark.parametrize("compress", [False, True])
def test_an_archive_has_the_digests_of_its_measurements(place, experiment_path, compress):
    place.deactivate(compress=compress)
    data = (experiment_path / f"experiment.none.json{'.gz' * compress}").read_bytes()
    tree = json.decode(gzip.decompress(data) if compress else data)["experiment"]
    expected = [
        hashlib.sha256(standard_json.dumps(one, separators=(",", ":")).encode()).hexdigest()
        for one in tree["measurements"]
    ]
    assert tree["info"]["coma_xr"]["sha256"] == expected
    assert len(expected) == 3
    place.save_info(description="new")
    assert opened(experiment_path).look().document.digests == expected
    place.activate()
    assert "sha256" not in (experiment_path / "experiment.none.json").read_text()


@pytest.mark.filterwarnings("ignore:.*another id inside:coma_xr.errors.DataFileWarning")
def test_what_was_archived_keeps_its_digest_when_more_is_archived(place, experiment_path):
    kept = (experiment_path / "measurement.000001.json").read_bytes()
    place.deactivate()
    path = experiment_path / "experiment.none.json"
    path.write_bytes(path.read_bytes().replace(b'"one"', b'"two"'))
    digests = place.look().document.digests
    (experiment_path / "measurement.000009.json").write_bytes(kept)
    place.deactivate()
    assert values(place)[1] == "two"
    assert place.look().document.digests[:3] == digests


# ---------------------------------------------------------------------------------------------- reset


FILES = ["failure.000003.json", *(f"measurement.00000{id}.json" for id in VALUES), "removed.json"]


def test_a_reset_moves_measurements_and_failures_and_clears_the_dates(place, experiment_path):
    size = sum((experiment_path / name).stat().st_size for name in FILES[:-1])
    (folder,) = {place.reset()["folder"]}
    assert listing(experiment_path) == ["experiment.none.json", "measurement.index.json", "removed"]
    assert removed(experiment_path) == FILES
    assert sum(file.stat().st_size for file in (experiment_path / folder).iterdir()) > size
    assert (place.look().number(), place.look().next_id(), place.look().failures()) == (0, 1, [])
    assert place.look().info["start_date"] is None
    assert place.look().info["description"] == "d"
    assert place.look().state() == {"definition": [["a", "parameters/a"]]}
    index = json.decode((experiment_path / "measurement.index.json").read_bytes())
    assert index == {"measurements": {"last_measurement_id": 0}}


def test_a_reset_of_an_inactive_experiment_empties_the_list(place, experiment_path):
    place.deactivate()
    place.reset()
    assert not place.look().active
    assert (place.look().number(), place.look().next_id(), place.look().failures()) == (0, 1, [])
    assert listing(experiment_path) == ["experiment.none.json", "removed"]
    assert removed(experiment_path) == FILES
    place.activate()
    assert listing(experiment_path) == ["experiment.none.json", "measurement.index.json", "removed"]
    assert place.restore() == {1: 1, 2: 2, 5: 5}
    assert (values(place), len(place.look().failures())) == (VALUES, 1)
    assert not (experiment_path / "removed").exists()


@pytest.mark.parametrize("active", [True, False])
def test_a_reset_deletes_when_it_is_asked_to(place, experiment_path, active):
    if not active:
        place.deactivate()
    assert place.reset(delete=True) | {"bytes": 0} == {
        "measurements": 3,
        "failures": 1,
        "bytes": 0,
        "folder": None,
    }
    assert listing(experiment_path) == ["experiment.none.json"] + ["measurement.index.json"] * active
    assert (place.look().number(), place.look().next_id(), place.look().failures()) == (0, 1, [])


def test_a_reset_that_deletes_works_on_a_full_disk(place, experiment_path, monkeypatch):
    """Nothing can be written before a measurement is gone."""
    real = files.os

    class FullDisk:
        def __getattr__(self, name):
            return getattr(real, name)

        def write(self, descriptor, data):
            if len(list(experiment_path.glob("measurement.00*"))) == 3:
                raise OSError(errno.ENOSPC, "full")
            return real.write(descriptor, data)

    monkeypatch.setattr(files, "os", FullDisk())
    with pytest.raises(StorageError, match="no space is left"):
        place.reset()
    assert values(place) == VALUES
    place.reset(delete=True)
    assert (place.look().number(), place.look().failures()) == (0, [])


def test_a_file_put_back_after_a_reset_counts_again(place, experiment_path, rest):
    shutil.copy(experiment_path / "measurement.000005.json", experiment_path.parent)
    place.reset()
    shutil.copy(experiment_path.parent / "measurement.000005.json", experiment_path)
    assert values(place) == {5: [1, None]}
    assert place.look().measurements.add({}, rest(1), id=place.look().next_id()) == 6


def test_what_a_reset_does_not_understand_it_does_not_delete(place, experiment_path):
    (experiment_path / "measurement.000002.json").write_text("nonsense")
    (experiment_path / "measurement.000003.xml").write_text("<measurement/>")
    (experiment_path / "measurement.000000.json").write_text("stale")
    (experiment_path / "failure.000004.json").write_text("[]")
    (experiment_path / "notes.txt").write_text("mine")
    with pytest.warns(DataFileWarning) as warned:
        place.reset(delete=True)
    [warning] = warned
    # How many more are named depends on the length of their paths.
    assert str(warning.message).startswith(
        "3 files have the name of a measurement or failure but cannot be read; the reset left them: "
        f"{experiment_path}/measurement.000002.json: not valid JSON: Expecting value, line 1, column 1"
    )
    assert listing(experiment_path) == [
        "experiment.none.json",
        "failure.000004.json",
        "measurement.000000.json",
        "measurement.000002.json",
        "measurement.000003.xml",
        "measurement.index.json",
        "notes.txt",
    ]


def test_a_symbolic_link_is_deleted_and_not_what_it_leads_to(place, experiment_path, tmp_path):
    (experiment_path / "measurement.000001.json").rename(tmp_path / "precious.json")
    (experiment_path / "measurement.000001.json").symlink_to(tmp_path / "precious.json")
    assert values(place) == VALUES
    place.reset(delete=True)
    assert place.look().number() == 0
    assert (tmp_path / "precious.json").exists()


@pytest.mark.leaves_files
@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("delete", [True, False])
def test_a_reset_that_was_cut_off_is_finished_by_the_next_writer_and_hidden_from_readers(
    place, experiment_path, deaths, rest, active, delete
):
    if not active:
        place.deactivate()
    steps = deaths.run(
        lambda: opened(shutil.copytree(experiment_path, experiment_path.parent / "x")).reset(delete=delete)
    ).log
    # The mark is in place with the first exchange of names; from there on the reset has happened.
    deaths.run(lambda: opened(experiment_path).reset(delete=delete), at=steps.index("exchange") + 2)
    reading = opened(experiment_path, mode="r")
    assert (reading.look().number(), reading.look().failures(), reading.look().info["start_date"]) == (
        0,
        [],
        None,
    )
    assert reading.look().next_id() == 6
    assert len(listing(experiment_path)) > 2 or not active
    place = opened(experiment_path)
    place.save_info(description="next writer")
    assert place.look().next_id() == 1
    left = ["experiment.none.json"] + ["measurement.index.json"] * active
    assert listing(experiment_path) == left + ["removed"] * (not delete)
    assert delete or removed(experiment_path) == FILES
