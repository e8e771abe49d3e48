"""Everything that can be wrong in a directory is found, and what can be mended is, with nothing deleted."""

from __future__ import annotations

import ast
import errno
import gzip
import inspect
import os
import shutil
from pathlib import Path

import pytest

from coma_xr import files
from coma_xr.encoding import json, xml
from coma_xr.errors import DataFileWarning, ExperimentBusyError, StorageError
from coma_xr.store import upkeep
from coma_xr.store.place import ExperimentDirectory
from coma_xr.store.upkeep import Finding
from tests.deaths import DyingOs

ASIDE = "move it to removed"
ARCHIVE = "move it into the experiment file, from which `activate` brings everything back"


def opened(path, **keywords):
    return ExperimentDirectory(path, **{"config": {}, **keywords})


def snapshot(path):
    return {
        str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()
    }


def set_aside(path):
    """Return the files that a repair moved away, by name."""
    return {file.name: file for file in path.glob("removed/*/*") if file.name != "removed.json"}


def values(place):
    return {id: tree["results"]["value"] for id, tree in place.look().measurements.trees()}


VALUES = {1: "one", 2: float("inf"), 5: [1, None]}


@pytest.fixture
def place(experiment_path, rest):
    "With the measurements 1, 2 and 5, the failure 3 and a state."
    place = opened(experiment_path, description="d")
    for id, value in VALUES.items():
        place.look().measurements.add({"host": "h"}, rest(value), id=id)
    place.add_failure({"parameters": {"a": 3}}, 3)
    place.change_state(lambda state: state.update({"definition": [["a", "parameters/a"]]}))
    place.save_scan({"parameters": [["a", "parameters/a"]], "sets": []})
    place.write_index()
    return place


def only(place, **expected):
    "The one finding, which reading alone says and which changes nothing."
    path = place._layout.directory
    before = {name: os.stat(f"{path}/{name}").st_mtime_ns for name in os.listdir(path)}
    [finding] = opened(path, mode="r").verify()
    assert {name: os.stat(f"{path}/{name}").st_mtime_ns for name in os.listdir(path)} == before
    assert {name: getattr(finding, name) for name in expected} == expected
    assert not finding.done
    return finding


def mended(place, *expected):
    "Repair mends the findings, and nothing is left to say."
    found = place.verify(repair=True)
    assert [(finding.file, finding.done) for finding in found] == [(name, True) for name in expected]
    assert place.verify() == []


@pytest.mark.parametrize("compress", [None, False, True])
@pytest.mark.parametrize("format", ["json", "xml"])
def test_a_sound_experiment_has_no_findings(experiment_path, rest, format, compress):
    encode = {"json": json, "xml": xml}[format].encode_rest
    place = opened(experiment_path, config={"archive_default_format": format})
    for value in VALUES.values():
        place.look().measurements.add({}, encode({"results": {"value": value}}))
    place.write_index()
    if compress is not None:
        place.deactivate(compress=compress)
    assert place.verify() == []
    assert place.verify(repair=True) == []
    assert opened(experiment_path, mode="r").verify() == []


def test_an_experiment_that_is_being_run_is_sound(place, experiment_path, rest):
    with place.running(), place.saving(False) as saver:
        saver.add({}, rest("six"), id=6, seconds=0.0)
        place.write_index()
        assert opened(experiment_path, mode="r").verify() == []


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"", "is empty, as a power cut leaves it"), (b"\0" * 9, "holds zero bytes, as a power cut leaves it")],
)
def test_empty_files_are_moved_away(place, experiment_path, content, text):
    name = "measurement.000002.json"
    (experiment_path / name).write_bytes(content)
    finding = only(place, file=name, kind="empty", text=text, repair=ASIDE)
    assert str(finding) == f"{name} {text}. To repair it: {ASIDE}."
    [done] = place.verify(repair=True)
    assert str(done) == f"{name} {text}. Repaired: {ASIDE}."
    assert set_aside(experiment_path)[name].read_bytes() == content
    assert place.look().number() == 2
    assert place.verify() == []


def test_an_empty_record_of_a_failure_is_moved_away(place, experiment_path):
    (experiment_path / "failure.000003.json").write_bytes(b"")
    only(place, file="failure.000003.json", kind="empty", repair=ASIDE)
    mended(place, "failure.000003.json")
    assert place.look().failures() == []


@pytest.mark.parametrize(
    ("name", "content", "kind", "text"),
    [
        (
            "measurement.000002.json",
            b'{"measurement": }',
            "unreadable",
            "cannot be read (not valid JSON: Expecting value, line 1, column 17); it does not count",
        ),
        (
            "measurement.000007.xml",
            b"<measurement/>",
            "unreadable",
            "cannot be read (expected a dictionary under 'measurement', found nothing); it does not count",
        ),
        (
            "failure.000003.json",
            b'{"a": 1}',
            "unreadable",
            "cannot be read (expected the key 'failure', found a); the parameters count as never tried",
        ),
        (
            "measurement.000002.json",
            b'{"measurement": {"info": {"measurement_id": 4}}}',
            "id",
            "has the id 4 inside; 2, in its name, counts",
        ),
        (
            "measurement.000002.json",
            b'{"measurement": {"info": {"measurement_id": 2}, "a": {"b": 1, "b": 2}, "c": {"d": 1, "d": 1}}}',
            "keys",
            "has a key twice in one dictionary (b, d); the last one counts",
        ),
        ("measurement.7.json", b"", "name", "is not a name of a measurement and does not count"),
        ("measurement.000002.json~", b"", "name", "is not a name of a measurement and does not count"),
        ("measurement.000000.xml", b"", "name", "is not a name of a measurement and does not count"),
    ],
)
def test_what_only_the_user_can_decide_is_said_and_left(place, experiment_path, name, content, kind, text):
    (experiment_path / name).write_bytes(content)
    if name == "measurement.000007.xml":
        place.write_index()
    finding = only(place, file=name, kind=kind, text=text, repair="")
    assert str(finding) == f"{name} {text}."
    before = snapshot(experiment_path)
    assert place.verify(repair=True) == [finding]
    assert snapshot(experiment_path) == before


def test_odd_things_under_a_measurements_name_are_said(place, experiment_path):
    os.mkfifo(experiment_path / "measurement.000003.json")
    (experiment_path / "measurement.000004.json").symlink_to("nowhere")
    found = {finding.file: finding.text for finding in place.verify()}
    path = experiment_path / "measurement.000003.json"
    assert found == {
        path.name: "cannot be read (expected a regular file, found a pipe (FIFO)); it does not count",
        "measurement.000004.json": "is a symbolic link that leads nowhere; it does not count",
    }


def test_equal_files_in_two_formats_become_one(place, experiment_path):
    name = "measurement.000001.xml"
    (experiment_path / name).write_bytes(xml.encode({"measurement": place.look().measurements.read(1)}))
    text = "has the same content as measurement.000001.json"
    only(place, file=name, kind="twice", text=text, repair=ASIDE)
    mended(place, name)
    assert values(place) == VALUES
    assert name in set_aside(experiment_path)


def test_different_files_in_two_formats_are_left(place, experiment_path):
    name = "measurement.000001.xml"
    tree = {"measurement": {"info": {"measurement_id": 1}, "results": 1}}
    (experiment_path / name).write_bytes(xml.encode(tree))
    text = "differs from measurement.000001.json, which counts; move one of them out of the directory"
    finding = only(place, file=name, kind="differs", text=text, repair="")
    assert place.verify(repair=True) == [finding]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "is lost; Coma 2 goes by it"),
        ("nonsense", "makes no sense; Coma 2 goes by it"),
        ('{"measurements": {"last_measurement_id": -1}}', "makes no sense; Coma 2 goes by it"),
        (
            '{"measurements": {"last_measurement_id": 4}}',
            "says that the last measurement is 4; it is 5; Coma 2 goes by it",
        ),
    ],
)
def test_the_index_is_written_anew(place, experiment_path, content, text):
    index = experiment_path / "measurement.index.json"
    index.unlink()
    if content is not None:
        index.write_text(content)
    only(place, file=index.name, kind="index", text=text, repair="write it from the existing files")
    mended(place, index.name)
    assert json.decode(index.read_bytes()) == {"measurements": {"last_measurement_id": 5}}


def test_an_index_above_the_measurements_is_sound(place, experiment_path):
    text = '{"measurements": {"last_measurement_id": 40}}'
    (experiment_path / "measurement.index.json").write_text(text)
    assert place.verify() == []
    (experiment_path / "measurement.index.xml").write_text(
        "<measurements><last_measurement_id>7</last_measurement_id></measurements>"
    )
    only(place, kind="index", text="exists in two formats; Coma 2 goes by it")
    mended(place, "measurement.index.json")
    assert place.look().next_id() == 41


def test_a_lost_experiment_file_is_written(place, experiment_path):
    (experiment_path / "experiment.none.json").unlink()
    with pytest.warns(DataFileWarning, match="no experiment file"):
        again = opened(experiment_path)
    [finding] = again.verify()
    assert finding == Finding(
        "experiment.none.json", "experiment", "is lost; description, tags and dates are unknown", "write it"
    )
    mended(again, "experiment.none.json")
    assert values(opened(experiment_path)) == VALUES


def test_a_state_that_cannot_be_read_is_moved_away(place, experiment_path):
    (experiment_path / "coma.json").write_text('{"coma_xr": nonsense')
    with pytest.warns(DataFileWarning, match="counts as empty"):
        place = opened(experiment_path)
    assert [finding.text for finding in place.verify()] == [
        "cannot be read and counts as empty (not valid JSON: Expecting value, line 1, column 13)"
    ]
    mended(place, "coma.json")
    assert set_aside(experiment_path)["coma.json"].read_text() == '{"coma_xr": nonsense'


@pytest.mark.leaves_files
def test_temporary_files_of_the_dead_are_deleted(place, experiment_path):
    dead = f".coma-tmp-{files.host()}-999999999-a"
    for name in (dead, f".coma-tmp-{files.host()}-1-a"):
        (experiment_path / name).write_text("half")
    text = "is the temporary file of a process that has ended"
    only(place, file=dead, kind="temporary", text=text, repair="delete it")
    mended(place, dead)


def test_temporary_files_of_a_run_on_another_machine_are_no_leftovers(place, experiment_path):
    name = ".coma-tmp-elsewhere-12-a"
    (experiment_path / name).write_text("half")
    (experiment_path / ".coma.run.elsewhere.12").touch()
    assert place.verify() == []
    (experiment_path / name).unlink()


COMA2 = Path(__file__).parents[1] / "data" / "coma2"


@pytest.mark.parametrize("name", sorted(path.name for path in COMA2.iterdir() if path.is_dir()))
def test_experiments_of_coma_2_are_sound(name):
    assert opened(COMA2 / name, mode="r").verify() == []


# -------------------------------------------------------------------------------------- cut off, archives


@pytest.mark.leaves_files
def test_a_repair_that_was_killed_is_finished_by_the_next_one(place, experiment_path, deaths, report_line):
    tree = place.look().measurements.read(1)
    (experiment_path / "measurement.000002.json").write_bytes(b"")
    (experiment_path / "measurement.000001.xml").write_bytes(xml.encode({"measurement": tree}))
    (experiment_path / "measurement.index.json").unlink()
    (experiment_path / "failure.000003.json").write_bytes(b"")
    (experiment_path / f".coma-tmp-{files.host()}-999999999-a").touch()
    assert len(place.verify()) == 5
    copy, at = experiment_path.parent / "copy", 0
    while True:
        at += 1
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(experiment_path, copy)
        if not deaths.run(lambda: opened(copy).verify(repair=True), at).dead:
            break
        assert all(finding.done for finding in opened(copy).verify(repair=True))
        assert opened(copy).verify() == []
        assert values(opened(copy)) == {1: "one", 5: [1, None]}
        removed = sorted(set_aside(copy))
        assert removed == ["failure.000003.json", "measurement.000001.xml", "measurement.000002.json"]
    report_line(f"kill points of verify(repair=True): {at - 1} of {at - 1} survived")
    assert at > 15


@pytest.mark.leaves_files
def test_a_reset_that_was_cut_off_is_finished(place, experiment_path, deaths):
    steps = deaths.run(
        lambda: opened(shutil.copytree(experiment_path, experiment_path.parent / "x")).reset()
    ).log
    deaths.run(lambda: opened(experiment_path).reset(), at=steps.index("exchange") + 3)
    text = "records an interrupted reset; measurements up to 5 do not count"
    assert [finding.text for finding in opened(experiment_path, mode="r").verify()][:1] == [text]
    found = opened(experiment_path).verify(repair=True)
    assert all(finding.done for finding in found)
    assert found[0] == Finding("coma.json", "reset", text, "finish the reset", True)
    assert opened(experiment_path).verify() == []
    assert opened(experiment_path).look().number() == 0


@pytest.mark.leaves_files
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("what", ["deactivate", "activate"])
def test_after_a_kill_at_any_call_of_archiving_repair_leaves_nothing_to_say(
    place, experiment_path, deaths, report_line, what, compress
):
    if what == "activate":
        place.deactivate(compress=compress)
    copy, survived = experiment_path.parent / "copy", 0

    def operation():
        one = opened(copy)
        one.deactivate(compress=compress) if what == "deactivate" else one.activate()

    at = 0
    while True:
        at += 1
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(experiment_path, copy)
        if not deaths.run(operation, at).dead:
            break
        found = opened(copy).verify(repair=True)
        assert all(finding.done for finding in found), found
        assert opened(copy).verify() == []
        assert values(opened(copy)) == VALUES
        assert len(opened(copy).look().failures()) == 1
        assert not list(copy.glob(".coma-tmp-*"))
        survived += 1
    report_line(
        f"kill points of {what}{', compressed' * compress}, then verify(repair=True): {survived} of {survived}"
    )


def test_files_beside_an_archive_are_taken_into_it(place, experiment_path):
    copies = {file.name: file.read_bytes() for file in experiment_path.glob("*.0*.json")}
    place.deactivate()
    (experiment_path / "measurement.000001.json").write_bytes(copies["measurement.000001.json"])
    (experiment_path / "measurement.000009.json").write_bytes(
        copies["measurement.000001.json"].replace(b'"measurement_id": 1', b'"measurement_id": 9')
    )
    (experiment_path / "failure.000003.json").write_bytes(copies["failure.000003.json"])
    (experiment_path / "measurement.index.json").write_text("{}")
    assert place.verify() == [
        Finding("failure.000003.json", "beside", "is also in experiment.none.json", ARCHIVE),
        Finding(
            "measurement.000001.json",
            "beside",
            "is also in experiment.none.json, which makes the experiment inactive",
            ARCHIVE,
        ),
        Finding(
            "measurement.000009.json",
            "beside",
            "is not in experiment.none.json, which makes the experiment inactive",
            ARCHIVE,
        ),
        Finding("measurement.index.json", "index", "is an index of an inactive experiment", "delete it"),
    ]
    mended(
        place,
        "failure.000003.json",
        "measurement.000001.json",
        "measurement.000009.json",
        "measurement.index.json",
    )
    assert values(place) == VALUES | {9: "one"}


def test_a_file_that_differs_from_the_archive_stops_the_others_from_being_taken(place, experiment_path):
    copy = (experiment_path / "measurement.000001.json").read_bytes()
    place.deactivate()
    (experiment_path / "measurement.000001.json").write_bytes(copy)
    (experiment_path / "measurement.000002.json").write_bytes(copy.replace(b"1", b"2"))
    before = snapshot(experiment_path)
    found = place.verify(repair=True)
    assert [(finding.file[-8:-5], finding.kind, finding.done) for finding in found] == [
        ("001", "beside", False),
        ("002", "differs", False),
    ]
    assert snapshot(experiment_path) == before


@pytest.mark.parametrize("compress", [False, True])
def test_what_changed_in_an_archive_is_found_by_its_digest(place, experiment_path, compress):
    place.deactivate(compress=compress)
    path = experiment_path / f"experiment.none.json{'.gz' * compress}"
    text = gzip.decompress(path.read_bytes()) if compress else path.read_bytes()
    changed = text.replace(b'"one"', b'"two"')
    path.write_bytes(gzip.compress(changed) if compress else changed)
    finding = only(place, file=path.name, kind="digest", repair="")
    assert finding.text == "has a measurement 1 that is not as it was archived (SHA-256)"


def test_an_archive_that_was_changed_by_hand_is_said_to_be(place, experiment_path):
    place.deactivate()
    path = experiment_path / "experiment.none.json"
    tree = json.decode(path.read_bytes())
    entries = tree["experiment"]["measurements"]
    entries += [{"info": {"measurement_id": 1}}, {"info": {}}]
    path.write_bytes(
        json.encode(tree).replace(b'"description": "d"', b'"description": "c",\n"description": "d"')
    )
    assert [(finding.kind, finding.text) for finding in place.verify()] == [
        (
            "archive",
            "has a bad entry: experiment/measurements/3: a second, different measurement with the id 1",
        ),
        (
            "archive",
            "has a bad entry: experiment/measurements/4: expected a measurement with an id from 1 on, found None",
        ),
        ("digest", "has 3 digests for 5 measurements; it was changed by hand"),
        ("keys", "has a key twice in one dictionary (description); the last one counts"),
    ]


def test_a_file_beside_its_compressed_archive_is_moved_away(place, experiment_path):
    path = experiment_path / "experiment.none.json"
    active = path.read_bytes()
    place.deactivate(compress=True)
    path.write_bytes(active)
    text = "is next to experiment.none.json.gz, which counts"
    only(place, file=path.name, kind="experiment", text=text, repair=ASIDE)
    mended(place, path.name)
    assert set_aside(experiment_path)[path.name].read_bytes() == active


# -------------------------------------------------------------------------------------------- misuse


def test_nothing_is_repaired_while_a_run_works_or_where_nothing_may_be_written(place, experiment_path):
    (experiment_path / "measurement.000002.json").write_bytes(b"")
    with (
        place.running(),
        pytest.raises(ExperimentBusyError, match="cannot be repaired while it is being run"),
    ):
        opened(experiment_path).verify(repair=True)
    with pytest.raises(StorageError, match="to be read only"):
        opened(experiment_path, mode="r").verify(repair=True)
    assert (experiment_path / "measurement.000002.json").exists()


def test_experiments_that_share_a_directory_are_checked_but_for_the_measurement_files(place, experiment_path):
    place.deactivate()
    shutil.copy(experiment_path / "experiment.none.json", experiment_path / "experiment.000004.json")
    (experiment_path / "measurement.000001.json").write_bytes(b"")
    assert opened(experiment_path / "experiment.000004.json").verify() == []


class WithoutHardLinks(DyingOs):
    """As a file system that has neither hard links nor a rename that does not overwrite."""

    def __getattr__(self, name):
        if name == "link":
            return self.refuse
        return super().__getattr__(name)

    def refuse(self, *_, **__):
        raise OSError(errno.EPERM, "no hard links here")

    def rename_with_condition(self, source, target, how):
        return errno.ENOSYS


@pytest.mark.filterwarnings("ignore:.*has no hard links:coma_xr.errors.ComaWarning")
def test_half_a_file_of_a_file_system_without_hard_links_is_moved_away(place, experiment_path, rest, deaths):
    deaths.dying = WithoutHardLinks

    def add():
        opened(experiment_path).look().measurements.add({}, rest("six"), id=6)

    calls = deaths.run(add).log
    (experiment_path / "measurement.000006.json").unlink()
    last = max(number for number, call in enumerate(calls, 1) if call == "write")
    assert deaths.run(add, last, "half").dead
    half = (experiment_path / "measurement.000006.json").read_bytes()
    assert half
    assert half != rest("six")
    with pytest.warns(DataFileWarning, match="cannot be read and was skipped"):
        assert {id for id, _ in opened(experiment_path, mode="r").look().trees()} == set(VALUES)
    found = place.verify(repair=True)
    assert ("measurement.000006.json", "cut", True) in [(one.file, one.kind, one.done) for one in found]
    assert place.verify() == []
    assert set_aside(experiment_path)["measurement.000006.json"].read_bytes() == half
    assert values(place) == VALUES


def test_the_documentation_of_a_finding_names_every_kind():
    kinds = {
        part.value
        for node in ast.walk(ast.parse(inspect.getsource(upkeep)))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "_note"
        for part in ast.walk(node.args[1])
        if isinstance(part, ast.Constant)
    }
    assert "cut" in kinds
    assert {kind for kind in kinds if f'"{kind}"' not in Finding.__doc__} == set()
