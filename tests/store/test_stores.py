"""One set of tests for every store of measurements."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
from dataclasses import replace
from pathlib import Path

import pytest

from coma_xr import files
from coma_xr.encoding import json, xml
from coma_xr.errors import DataFileError, DataFileWarning, InactiveError, PathError, StorageError
from coma_xr.store import documents
from coma_xr.store.config import Config
from coma_xr.store.measurements import ArchiveStore, DirectoryStore
from coma_xr.store.place import ExperimentDirectory

INFO = {"start_date": "2026-11-22T11:02:50Z"}


def rest_of(value, pretty=True):
    return json.encode_rest(
        {"parameters": {"a": value}, "results": {"E": [value, float("inf")]}}, pretty=pretty
    )


def tree_of(id, value):
    return {
        "info": {"measurement_id": id, **INFO},
        "parameters": {"a": value},
        "results": {"E": [value, float("inf")]},
    }


def directory_store(path, pretty=True):
    path.mkdir(exist_ok=True)
    return DirectoryStore(str(path), Config().measurements(), Config().measurements(".xml"), pretty=pretty)


@pytest.fixture(params=["directory", "compact directory"])
def pretty_and_store(request, tmp_path):
    pretty = request.param == "directory"
    return pretty, directory_store(tmp_path, pretty)


@pytest.fixture
def store(pretty_and_store):
    return pretty_and_store[1]


@pytest.fixture
def rest(pretty_and_store):
    return lambda value: rest_of(value, pretty_and_store[0])


@pytest.fixture(params=["directory", "archive", "archive and files", "files beside an empty archive"])
def filled(request, tmp_path):
    """A store with the measurements 2, 3 and 7."""
    values = {2: "two", 3: 3.0, 7: float("nan")}
    entries = [tree_of(id, value) for id, value in values.items()]
    if request.param == "archive":
        return ArchiveStore("experiment.none.json", entries[::-1])
    store = directory_store(tmp_path)
    for id, value in values.items():
        store.add(INFO, rest_of(value), id=id)
    if request.param == "archive and files":
        return ArchiveStore("experiment.none.json", entries[:2], store)
    if request.param == "files beside an empty archive":
        return ArchiveStore("experiment.none.json", [], store)
    return store


def the_problem(store):
    """Return the text of the only problem."""
    [problem] = store.problems
    return str(problem)


# ------------------------------------------------------------------------------------------- reading


def test_ids_are_sorted(filled):
    assert filled.ids() == [2, 3, 7]


def test_a_measurement_is_read_with_its_id_first(filled):
    tree = filled.read(2)
    assert tree == tree_of(2, "two")
    assert next(iter(tree)) == "info"
    assert next(iter(tree["info"])) == "measurement_id"


def test_trees_come_in_the_order_of_the_ids(filled):
    found = list(filled.trees())
    assert [id for id, _ in found] == [2, 3, 7]
    assert repr(found[2][1]) == repr(tree_of(7, float("nan")))
    assert [tree for _, tree in found[:2]] == [tree_of(2, "two"), tree_of(3, 3.0)]
    assert filled.problems == []


@pytest.mark.parametrize("id", [1, 6, 99, 0, -1])
def test_an_unknown_id_is_an_error_that_names_those_that_exist(filled, id):
    with pytest.raises(PathError, match=rf"^There is no measurement {id}\. Available: 2, 3, 7\.$"):
        filled.read(id)


def test_what_is_no_id_is_an_error(filled):
    with pytest.raises(
        PathError, match=r"There is no measurement '2'\. Expected an integer\. Available: 2, 3, 7\."
    ):
        filled.read("2")
    with pytest.raises(PathError, match=r"There is no measurement True"):
        filled.read(True)


# ------------------------------------------------------------------------------------------- writing


def test_an_empty_store_has_nothing(store):
    assert store.ids() == []
    assert list(store.trees()) == []
    with pytest.raises(PathError, match=r"^There is no measurement 1\. There are none\.$"):
        store.read(1)


def test_ids_are_given_from_1_on(store, rest):
    assert [store.add(INFO, rest(value)) for value in (1.5, 2.5)] == [1, 2]
    assert store.read(2) == tree_of(2, 2.5)


def test_an_id_can_be_chosen_and_gaps_stay(store, rest):
    assert store.add(INFO, rest(0.5), id=5) == 5
    assert store.add(INFO, rest(1.5)) == 6
    assert store.ids() == [5, 6]


def test_an_id_that_is_taken_is_not_overwritten(store, rest):
    store.add(INFO, rest("first"), id=3)
    assert store.add(INFO, rest("second"), id=3) == 4
    assert [tree["parameters"]["a"] for _, tree in store.trees()] == ["first", "second"]
    assert store.read(4)["info"]["measurement_id"] == 4


def test_an_id_in_the_info_does_not_count(store, rest):
    assert store.add({"host": "h", "measurement_id": 77}, rest(1)) == 1
    assert list(store.read(1)["info"].items()) == [("measurement_id", 1), ("host", "h")]


def test_what_is_read_can_be_changed_without_changing_what_is_stored(store, rest):
    store.add(INFO, rest(1))
    store.read(1)["parameters"]["a"] = 2
    assert store.read(1) == tree_of(1, 1)


def test_a_measurement_can_be_removed(store, rest):
    for value in (1, 2):
        store.add(INFO, rest(value))
    store.remove(1)
    assert store.ids() == [2]
    with pytest.raises(PathError, match=r"There is no measurement 1\. Available: 2\."):
        store.remove(1)
    with pytest.raises(PathError, match=r"There is no measurement '\.\./2'"):
        store.remove("../2")


# --------------------------------------------------------------------------------------- in a directory


def test_a_file_looks_as_in_the_tutorial(tmp_path):
    directory_store(tmp_path).add(INFO, rest_of(1.5))
    assert [path.name for path in tmp_path.iterdir()] == ["measurement.000001.json"]
    assert (tmp_path / "measurement.000001.json").read_text() == (
        '{\n  "measurement": {\n    "info": {\n      "measurement_id": 1,\n'
        '      "start_date": "2026-11-22T11:02:50Z"\n    },\n    "parameters": {\n      "a": 1.5\n    },\n'
        '    "results": {\n      "E": [\n        1.5,\n        Infinity\n      ]\n    }\n  }\n}'
    )


def test_a_compact_file_has_no_blanks(tmp_path):
    directory_store(tmp_path, pretty=False).add({}, rest_of(1, pretty=False))
    assert (tmp_path / "measurement.000001.json").read_text() == (
        '{"measurement":{"info":{"measurement_id":1},"parameters":{"a":1},"results":{"E":[1,Infinity]}}}'
    )


def test_the_id_in_the_name_wins_over_the_one_inside(tmp_path):
    store = directory_store(tmp_path)
    store.add(INFO, rest_of(1))
    (tmp_path / "measurement.000001.json").rename(tmp_path / "measurement.000042.json")
    assert list(store.trees()) == [(42, tree_of(42, 1))]
    assert store.other_ids == {42: 1}
    with pytest.warns(DataFileWarning, match=r"another id inside .*: 42 \(1 inside\)"):
        assert store.read(42) == tree_of(42, 1)


BAD = {
    "empty": (b"", r"empty\."),
    "zeros": (b"\0" * 100, r"nothing but blanks or zero bytes\."),
    "truncated": (b'{\n  "measurement": {\n', r"not valid JSON: .*, line 3, column 1\."),
    "list": (b"[1]", r"expected a dictionary with the key 'measurement', found a list\."),
    "number": (b"1", r"expected a dictionary with the key 'measurement', found a value of type int\."),
    "foreign": (b'{"features": [], "type": 1}', r"expected the key 'measurement', found features, type\."),
    "empty dictionary": (b"{}", r"expected the key 'measurement', found no key\."),
    "list inside": (b'{"measurement": []}', r"expected a dictionary under 'measurement', found a list\."),
    "nothing": (
        b'{"measurement": {}}',
        r"expected a dictionary 'measurement/info', found an empty measurement\.",
    ),
    "text for info": (
        b'{"measurement": {"info": "a"}}',
        r"expected a dictionary 'measurement/info', found text\.",
    ),
    "no text": (b"\xff\xfe", r"not UTF-8 text at byte 0\."),
    "deep": (b'{"measurement":' * 200 + b"1" + b"}" * 200, r"nested deeper than 100 levels\."),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_noted_and_the_others_are_read(tmp_path, kind):
    store = directory_store(tmp_path)
    for value in (1, 2, 3):
        store.add(INFO, rest_of(value))
    content, reason = BAD[kind]
    (tmp_path / "measurement.000002.json").write_bytes(content)
    assert [id for id, _ in store.trees()] == [1, 3]
    [problem] = store.problems
    with pytest.raises(DataFileError, match=rf"^{tmp_path}/measurement\.000002\.json: {reason}$"):
        raise problem
    with pytest.raises(DataFileError, match=reason):
        store.read(2)
    assert store.ids() == [1, 2, 3]
    assert store.add(INFO, rest_of(4)) == 4
    assert (tmp_path / "measurement.000002.json").read_bytes() == content


def test_odd_things_under_a_measurements_name_are_noted(tmp_path):
    store = directory_store(tmp_path)
    store.add(INFO, rest_of(1))
    os.mkfifo(tmp_path / "measurement.000002.json")
    (tmp_path / "measurement.000003.json").mkdir()
    (tmp_path / "measurement.000004.json").symlink_to("nowhere")
    (tmp_path / "measurement.000005.json").symlink_to("measurement.000005.json")
    (tmp_path / "measurement.000006.json").symlink_to("measurement.000001.json")
    (tmp_path / "measurement.000007.xml").write_text("<measurement/>")
    assert list(store.trees()) == [(1, tree_of(1, 1)), (6, tree_of(6, 1))]
    assert sorted(str(problem).removeprefix(f"{tmp_path}/measurement.") for problem in store.problems) == [
        "000002.json: expected a regular file, found a pipe (FIFO).",
        "000003.json: expected a regular file, found a directory.",
        "000004.json: a symbolic link that leads nowhere.",
        "000005.json: cannot read measurement.000005.json: too many levels of symbolic links.",
        "000007.xml: expected a dictionary under 'measurement', found nothing.",
    ]
    assert store.add(INFO, rest_of(2)) == 8


def xml_file(id, value):
    return xml.encode({"measurement": tree_of(id, value)})


def test_files_of_both_formats_are_measurements_of_one_directory(tmp_path):
    store = directory_store(tmp_path)
    store.add(INFO, rest_of(1))
    (tmp_path / "measurement.000002.xml").write_bytes(xml_file(2, "1e5"))
    (tmp_path / "measurement.000004.xml").write_bytes(xml_file(4, 4.0))
    assert store.ids() == [1, 2, 4]
    assert list(store.trees()) == [(1, tree_of(1, 1)), (2, tree_of(2, "1e5")), (4, tree_of(4, 4.0))]
    assert store.problems == []
    assert store.read(2) == tree_of(2, "1e5")
    assert store.path(2) == str(tmp_path / "measurement.000002.xml")
    assert store.add(INFO, rest_of(5), id=4) == 5
    assert store.add(INFO, rest_of(6)) == 6
    store.remove(4)
    assert store.ids() == [1, 2, 5, 6]
    assert not (tmp_path / "measurement.000004.xml").exists()


def test_new_files_have_the_format_of_the_store(tmp_path):
    store = DirectoryStore(str(tmp_path), Config().measurements(".xml"), Config().measurements(".json"))
    rest = xml.encode_rest({"parameters": {"a": "12"}})
    assert [store.add(INFO, rest), store.add(INFO, rest)] == [1, 2]
    assert sorted(os.listdir(tmp_path)) == ["measurement.000001.xml", "measurement.000002.xml"]
    assert store.read(2) == {"info": {"measurement_id": 2, **INFO}, "parameters": {"a": "12"}}


def test_equal_files_of_one_id_in_both_formats_count_once(tmp_path):
    store = directory_store(tmp_path)
    store.add(INFO, rest_of("12"))
    (tmp_path / "measurement.000001.xml").write_bytes(xml_file(1, "12"))
    assert store.ids() == [1]
    assert list(store.trees()) == [(1, tree_of(1, "12"))]
    assert store.problems == []
    assert store.files() == {
        1: [str(tmp_path / f"measurement.000001.{suffix}") for suffix in ("json", "xml")]
    }
    store.remove(1)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("format", ["json", "xml"])
def test_of_different_files_of_one_id_that_in_the_format_of_new_files_counts(tmp_path, format):
    directory_store(tmp_path).add(INFO, rest_of("json"))
    (tmp_path / "measurement.000001.xml").write_bytes(xml_file(1, "xml"))
    names = Config(archive_default_format=format).all_measurements()
    store = DirectoryStore(str(tmp_path), *names)
    assert list(store.trees()) == [(1, tree_of(1, format))]
    assert store.read(1) == tree_of(1, format)
    other = "xml" if format == "json" else "json"
    assert the_problem(store) == (
        f"{tmp_path}/measurement.000001.{other}: differs from {tmp_path}/measurement.000001.{format}, which counts.\n"
        "Move one of them out of the directory."
    )


def test_of_two_files_of_one_id_the_one_that_can_be_read_counts(tmp_path):
    store = directory_store(tmp_path)
    (tmp_path / "measurement.000001.json").touch()
    (tmp_path / "measurement.000001.xml").write_bytes(xml_file(1, 1))
    assert list(store.trees()) == [(1, tree_of(1, 1))]
    assert store.read(1) == tree_of(1, 1)
    assert [str(problem) for problem in store.problems] == [f"{tmp_path}/measurement.000001.json: empty."]
    (tmp_path / "measurement.000001.xml").write_text("<measurement>")
    assert list(store.trees()) == []
    assert len(store.problems) == 2
    with pytest.raises(DataFileError, match=r"000001\.json: empty\."):
        store.read(1)


def test_stale_files_of_coma_2_are_left_alone(tmp_path):
    store = directory_store(tmp_path)
    for name in ("measurement.000000.json", "measurement.1.json", "measurement.000001.json~", "notes.txt"):
        (tmp_path / name).write_text("mine")
    assert store.ids() == []
    assert list(store.trees()) == []
    assert store.problems == []


def test_a_file_that_vanishes_while_others_are_read_is_no_problem(tmp_path):
    store = directory_store(tmp_path)
    for value in (1, 2):
        store.add(INFO, rest_of(value))
    passing = store.trees()
    assert next(passing)[0] == 1
    store.remove(2)
    assert list(passing) == []
    assert store.problems == []


def test_a_directory_that_is_gone_has_no_measurements(tmp_path):
    store = directory_store(tmp_path / "a")
    (tmp_path / "a").rmdir()
    assert store.ids() == []


# --------------------------------------------------------------------------------------- in an archive


def test_nothing_can_be_added_to_an_archive():
    store = ArchiveStore("e.json", [tree_of(1, 1)])
    text = r"^The experiment is inactive\. Its measurements are stored in e\.json\.\s+Call activate\(\) before adding to it\.$"
    with pytest.raises(InactiveError, match=text):
        store.add({}, b"")
    with pytest.raises(InactiveError, match=text):
        store.remove(1)


def test_equal_copies_in_an_archive_count_once_and_different_ones_are_noted():
    store = ArchiveStore("e.json", [tree_of(1, 1), tree_of(1, 1), tree_of(1, 2), tree_of(2, 2)])
    assert list(store.trees()) == [(1, tree_of(1, 1)), (2, tree_of(2, 2))]
    assert [str(problem) for problem in store.problems] == [
        "e.json: experiment/measurements/2: a second, different measurement with the id 1."
    ]


@pytest.mark.parametrize("entry", [None, [], {}, {"info": []}, {"info": {"measurement_id": "1"}}])
def test_what_is_no_measurement_in_an_archive_is_noted(entry):
    store = ArchiveStore("e.json", [entry, tree_of(2, 2)])
    assert store.ids() == [2]
    assert list(store.trees()) == [(2, tree_of(2, 2))]
    assert the_problem(store).startswith(
        "e.json: experiment/measurements/0: expected a measurement with an id from 1 on"
    )


def test_a_file_that_differs_from_the_archive_is_noted_and_the_archive_counts(tmp_path):
    files = directory_store(tmp_path)
    files.add(INFO, rest_of("file"))
    store = ArchiveStore("e.json", [tree_of(1, "archive")], files)
    assert list(store.trees()) == [(1, tree_of(1, "archive"))]
    assert the_problem(store) == (
        f"{tmp_path}/measurement.000001.json: differs from the measurement of this id in e.json.\n"
        "Move one of them out of the directory."
    )


def test_a_bad_file_beside_an_archive_is_noted(tmp_path):
    files = directory_store(tmp_path)
    (tmp_path / "measurement.000003.json").touch()
    store = ArchiveStore("e.json", [tree_of(1, 1)], files)
    assert list(store.trees()) == [(1, tree_of(1, 1))]
    assert [str(problem) for problem in store.problems] == [f"{tmp_path}/measurement.000003.json: empty."]


def test_a_process_without_free_files_says_so_instead_of_noting_every_file(tmp_path, monkeypatch):
    store = directory_store(tmp_path)
    store.add(INFO, rest_of(1))

    def refuse(path, *limit):
        raise StorageError(errno.EMFILE, "cannot read: this process has too many open files", path)

    monkeypatch.setattr(files, "read", refuse)
    with pytest.raises(StorageError, match="this process has too many open files"):
        list(store.trees())


def test_measurements_that_are_being_deleted_do_not_count(tmp_path):
    directory_store(tmp_path).add(INFO, rest_of(1), id=3)
    store = DirectoryStore(str(tmp_path), Config().measurements(), floor=3)
    assert (store.ids(), list(store.trees())) == ([], [])
    for call in (store.read, store.remove):
        with pytest.raises(PathError, match="There is no measurement 3"):
            call(3)
    assert store.add(INFO, rest_of(2)) == 4


ADDING = """
    import sys
    from coma_xr.store.config import Config
    from coma_xr.store.measurements import DirectoryStore
    from coma_xr.encoding import json

    store = DirectoryStore(sys.argv[1], Config().measurements())
    rest = json.encode_rest({"results": {"writer": int(sys.argv[2])}})
    print("ready", flush=True)
    sys.stdin.readline()
    print([store.add({}, rest, id=number) for number in range(1, 201)], flush=True)
"""


def test_processes_that_want_the_same_ids_at_once_lose_nothing(tmp_path, child):
    writers = [child(ADDING, tmp_path, number) for number in range(3)]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    used = {
        id: number
        for number, writer in enumerate(writers)
        for id in json.decode(writer.stdout.readline().encode())
    }
    found = {id: tree["results"]["writer"] for id, tree in directory_store(tmp_path).trees()}
    assert found == used
    assert len(found) == 600


@pytest.mark.parametrize("text", ["[]", "no JSON"])
@pytest.mark.parametrize("was_enabled", [True, False])
def test_the_garbage_collector_waits_while_a_long_file_is_read_and_is_as_it_was_then(
    tmp_path, text, was_enabled, monkeypatch
):
    seen = []

    def looking_on(decode):
        def looked_on(data):
            if len(data) > 100_000:
                seen.append(gc.isenabled())
            return decode(data)

        return looked_on

    text += " " * 100_000
    decoders = {name: looking_on(getattr(documents.JSON, name)) for name in ("decode", "decode_archive")}
    monkeypatch.setattr(documents, "JSON", replace(documents.JSON, **decoders))
    place = ExperimentDirectory(tmp_path / "e", config={})
    Path(place.look().experiment_file).write_text(
        f'{{"experiment": {{"info": {{}}, "measurements": {text}}}}}'
    )
    (gc.enable if was_enabled else gc.disable)()
    try:
        with contextlib.suppress(DataFileError):
            ExperimentDirectory(tmp_path / "e", mode="r", config={})
        assert gc.isenabled() == was_enabled
        assert set(seen) == {False}
    finally:
        gc.enable()
