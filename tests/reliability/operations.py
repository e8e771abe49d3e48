"""What can be done to an experiment, and what holds after a power cut or an error in the middle of it."""

from __future__ import annotations

import json
import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coma_xr as coma
from coma_xr import files
from coma_xr.encoding import json as encoding
from coma_xr.errors import ComaWarning, DataFileError, DataFileWarning
from coma_xr.store.documents import OF, files_of, unpack
from coma_xr.store.layout import REMOVED
from coma_xr.store.place import ExperimentDirectory, Saver

# Called with what is acknowledged from now on.
Tell = Callable[[Any], None]


def inverse(x):
    return {"y": 1 / x}


def other_inverse(x):
    return {"y": 1.0 / x}


def negative(x):
    return {"y": -x}


def opened(path: Path, name: str = "e") -> coma.Experiment:
    return coma.Experiment(path / name, durable=True, config={})


def place_of(path: Path, mode: str = "a") -> ExperimentDirectory:
    return ExperimentDirectory(path / "e", config={}, mode=mode)


def text_of(tree: dict[str, Any]) -> str:
    """Return what is measured, without what differs between two runs."""
    return json.dumps({name: tree.get(name) for name in ("parameters", "results")}, sort_keys=True)


# ----------------------------------------------------------------------------------------------- what is there


def view(path: Path) -> dict[str, Any]:
    """Return what an experiment shows, read without writing."""
    place = place_of(path, "r")
    now = place.look(listed=True)
    trees = dict(now.measurements.trees())
    sections = {f"section {name}": value for name, value in now.state().items()}
    return {
        "problems": [str(problem) for problem in now.measurements.problems],
        "measurements": {id: text_of(tree) for id, tree in trees.items()},
        "failures": {json.dumps(failure["parameters"]) for failure in now.failures()},
        "code": now.code(),
        "next id": now.next_id(),
        "files": {name for name in now.names or () if not name.startswith((files.TEMPORARY, ".coma"))},
        "parts": {
            **sections,
            "excluded": {measured_of(now.marks()[str(id)], id): why for id, why in now.excluded().items()},
            "description": now.info["description"],
            "tags": now.info["tags"],
        },
    }


def measured_of(mark: Any, id: int) -> Any:
    """Return what a mark is on: which id a measurement gets again can depend on what could be read."""
    return id if isinstance(mark, str) else json.dumps(mark[OF], sort_keys=True)


def everywhere(path: Path) -> Counter[str]:
    """Return all measurements that are whole somewhere: in files, in the archive, in ``removed/``."""
    found: set[tuple[str, str]] = set()
    for file in (path / "e").rglob("*.json*"):
        if files.TEMPORARY in str(file):
            continue
        data = file.read_bytes()
        try:
            tree = json.loads(unpack(data, 10**7) if file.suffix == ".gz" else data)
        except (ValueError, DataFileError):  # it is not whole
            continue
        if not isinstance(tree, dict):
            continue
        some = [tree["measurement"]] if "measurement" in tree else []
        some += tree.get("experiment", {}).get("measurements") or []
        found |= {(str(one.get("info", {}).get("date_start", "")), text_of(one)) for one in some}
    return Counter(text for _, text in found)


def left_alone(path: Path) -> list[str]:
    """Return the files that a measurement lists and that are not next to it, wherever it is."""
    missing = []
    for file in (path / "e").rglob("measurement.0*.json"):
        try:
            tree = json.loads(file.read_bytes())["measurement"]
        except (ValueError, KeyError):  # it is not whole
            continue
        missing += [str(one) for name in files_of(tree) if not (one := file.with_suffix(f".{name}")).exists()]
    return missing


def snapshot(path: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in path.rglob("*") if file.is_file()}


# ------------------------------------------------------------------------------------------------- operations


@dataclass(frozen=True)
class Operation:
    """Something that is done to an experiment; done again, it does what is left.

    `atomic`: all measurements before it or all after it are visible. `durable`: a power cut leaves nothing behind
    that cannot be read. `deletes`: measurements may be gone.
    """

    name: str
    prepare: Callable[[Path], None]
    run: Callable[[Path, Tell], None]
    atomic: bool = True
    durable: bool = True
    deletes: bool = False

    def __str__(self) -> str:
        return self.name


def nothing(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)


def measured(path: Path) -> None:
    """Make three measurements, the record of a failure, a mark and a note."""
    e = opened(path)
    e.run(inverse, {"x": [1, 2, 3, 0, "a"]}, progress=False)
    e.exclude(2, "wrong")
    e.annotate("results/y", units="m")


def archived(path: Path) -> None:
    measured(path)
    opened(path).deactivate()


def packed(path: Path) -> None:
    measured(path)
    opened(path).deactivate(compress=True)


def archived_in_part(path: Path) -> None:
    """Leave what a deactivation leaves that was cut off: files next to the archive."""
    measured(path)
    left = {file: file.read_bytes() for file in (path / "e").glob("[mf]*.00000[1-4].json")}
    opened(path).deactivate()
    for file, data in left.items():
        file.write_bytes(data)


def with_removed(path: Path) -> None:
    measured(path)
    opened(path).remove([1, 2], "wrong")


def with_new_ids(path: Path) -> None:
    """Remove all, and measure others under the same ids."""
    measured(path)
    opened(path).reset()
    opened(path).run(negative, {"x": [7, 8]}, progress=False)


def with_another(path: Path) -> None:
    """Make a second experiment, of which one measurement is a copy."""
    opened(path).run(inverse, {"x": [1]}, progress=False)
    shutil.copytree(path / "e", path / "other")
    opened(path, "other").run(inverse, {"x": [2, 3]}, progress=False)


def of_version_1(path: Path) -> None:
    """Keep the state where version 1 kept it."""
    measured(path)
    state = path / "e" / "coma.json"
    sections = json.loads(state.read_text())["coma_xr"]
    sections = {name: section for name, section in sections.items() if name not in ("scans", "names")}
    scan = sections.pop("asked")
    sections["excluded"] = {id: mark["reason"] for id, mark in sections["excluded"].items()}
    (path / "e" / ".coma.json").write_text(json.dumps({"coma_xr": {"state": sections}}))
    (path / "e" / ".coma.scan.json").write_text(json.dumps({"coma_xr": scan}))
    state.unlink()


def with_files(path: Path) -> None:
    place = place_of(path)
    for x in (1, 2):
        beside = {"psi.nc": bytes([x]) * 100}
        data = encoding.encode_rest({"parameters": {"x": x}, "results": {"y": x}})
        place.look().measurements.add({"external": ["psi.nc"]}, data, beside=beside)
    place.write_index()


def damaged(path: Path) -> None:
    """Leave what a power cut leaves: an empty file, one that is cut off, an index that is lost."""
    measured(path)
    (path / "e" / "measurement.000006.json").write_bytes(b"")
    (path / "e" / "measurement.000007.json").write_bytes(b'{"measurement": {"info": {')
    (path / "e" / "measurements.json").unlink(missing_ok=True)
    (path / "e" / "measurement.index.json").unlink(missing_ok=True)


@contextmanager
def told(tell: Tell, synced: bool = True) -> Iterator[None]:
    """Tell of each measurement that is on the disk for good."""
    original = Saver.add

    def add(self: Saver, info: Any, data: bytes, **options: Any) -> int:
        id = original(self, info, data, **options)
        if synced:
            tell(text_of(self._store.read(id)))
        return id

    Saver.add = add  # type: ignore[method-assign]
    try:
        yield
    finally:
        Saver.add = original  # type: ignore[method-assign]


def run(path: Path, tell: Tell) -> None:
    with told(tell):
        opened(path).run(inverse, {"x": [0, 1, 2, 4]}, progress=False)


def run_other_code(path: Path, tell: Tell) -> None:
    with told(tell):
        opened(path).run(other_inverse, {"x": [1, 4, 5]}, progress=False)


def run_cheap(path: Path, tell: Tell) -> None:
    coma.Experiment(path / "e", config={}).run(inverse, {"x": [1, 2, 4]}, progress=False)


def save_by_hand(path: Path, tell: Tell) -> None:
    e = opened(path)
    have = everywhere(path)
    try:
        with told(tell):
            for x in (11, 12):
                tree = {"parameters": {"x": x}, "results": {"y": x}}
                if text_of(tree) not in have:
                    e.new_measurement().save(tree)
    finally:
        # Or else the index is written when the object goes, in the middle of what comes next.
        e._place.write_late_index()


def save_with_files(path: Path, tell: Tell) -> None:
    place = place_of(path)
    have = everywhere(path)
    with place.saving(True) as saver:
        for x in (21, 22):
            tree = {"parameters": {"x": x}, "results": {"y": x}}
            if text_of(tree) not in have:
                saver.add(
                    {"external": ["psi.nc"]},
                    encoding.encode_rest(tree),
                    id=place.look().next_id(),
                    seconds=1.0,
                    beside={"psi.nc": bytes([x]) * 100},
                )
                tell(text_of(tree))


def create(path: Path, tell: Tell) -> None:
    coma.Experiment(path / "e", config={}, description="d", tags=["t"])


def deactivate(path: Path, tell: Tell) -> None:
    e = opened(path)
    if e.isactive() or any((path / "e").glob("measurement.00*")):
        e.deactivate()


def deactivate_packed(path: Path, tell: Tell) -> None:
    e = opened(path)
    if e.isactive() or any((path / "e").glob("measurement.00*")):
        e.deactivate(compress=True)


def activate(path: Path, tell: Tell) -> None:
    if not opened(path).isactive():
        opened(path).activate()


def reset(path: Path, tell: Tell) -> None:
    opened(path).reset()


def reset_and_delete(path: Path, tell: Tell) -> None:
    opened(path).reset(delete=True)


def merge(path: Path, tell: Tell) -> None:
    opened(path).merge(path / "other")


def remove(path: Path, tell: Tell) -> None:
    e = opened(path)
    there = [id for id in (1, 3) if id in place_of(path, "r").look().measurements.ids()]
    if there:
        e.remove(there, "wrong")


def remove_with_files(path: Path, tell: Tell) -> None:
    if 2 in place_of(path, "r").look().measurements.ids():
        place_of(path).remove([2])


def restore(path: Path, tell: Tell) -> None:
    opened(path).restore()


def restore_with_files(path: Path, tell: Tell) -> None:
    remove_with_files(path, tell)
    place_of(path).restore()


def empty_removed(path: Path, tell: Tell) -> None:
    opened(path).empty_removed()


def exclude(path: Path, tell: Tell) -> None:
    opened(path).exclude([1, 3], "too warm")


def include(path: Path, tell: Tell) -> None:
    opened(path).exclude(2, None)


def describe(path: Path, tell: Tell) -> None:
    coma.Experiment(path / "e", config={}, description="other", tags=["a", "b"])


def annotate(path: Path, tell: Tell) -> None:
    opened(path).annotate("results/y", long_name="height")


def define_figure(path: Path, tell: Tell) -> None:
    opened(path).define_figure("one", x="x", y="results/y")


def accept_code(path: Path, tell: Tell) -> None:
    opened(path).accept_code()


def repair(path: Path, tell: Tell) -> None:
    opened(path).verify(repair=True)


OPERATIONS = [
    Operation("create", nothing, create),
    Operation("first run", nothing, run, atomic=False),
    Operation("run", measured, run, atomic=False),
    Operation("run of other code", measured, run_other_code, atomic=False),
    Operation("cheap run", measured, run_cheap, atomic=False, durable=False),
    Operation("save by hand", measured, save_by_hand, atomic=False),
    Operation("save with files", with_files, save_with_files, atomic=False),
    Operation("deactivate", measured, deactivate),
    Operation("deactivate, compressed", measured, deactivate_packed),
    Operation("activate", archived, activate, durable=False),
    Operation("activate, compressed", packed, activate, durable=False),
    Operation("reset", measured, reset),
    Operation("reset of an archive", archived, reset, durable=False),
    Operation("reset, delete", measured, reset_and_delete, deletes=True),
    Operation("reset of an archive, delete", archived, reset_and_delete, deletes=True),
    Operation("deactivate again", archived_in_part, deactivate),
    Operation("activate again", archived_in_part, activate, durable=False),
    Operation("reset of half an archive", archived_in_part, reset, durable=False),
    Operation("reset of half an archive, delete", archived_in_part, reset_and_delete, deletes=True),
    Operation("merge", with_another, merge, atomic=False, durable=False),
    Operation("remove", measured, remove, atomic=False),
    Operation("remove with files", with_files, remove_with_files, atomic=False),
    Operation("restore", with_removed, restore, atomic=False),
    Operation("restore under other ids", with_new_ids, restore, atomic=False),
    Operation("remove and restore with files", with_files, restore_with_files, atomic=False),
    Operation("empty removed", with_removed, empty_removed, deletes=True),
    Operation("exclude", measured, exclude),
    Operation("include", measured, include),
    Operation("exclude in an archive", archived, exclude),
    Operation("description and tags", measured, describe),
    Operation("description of an archive", archived, describe),
    Operation("annotate", measured, annotate),
    Operation("define a figure", measured, define_figure),
    Operation("accept code", measured, accept_code),
    Operation("migrate", of_version_1, annotate),
    Operation("repair", damaged, repair, durable=False),
]


def prepared(operation: Operation, path: Path) -> None:
    """Make what an operation starts from."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ComaWarning)
        operation.prepare(path)


# --------------------------------------------------------------------------------------------------- what must hold


# What is the same when an operation is done at another time.
STABLE = ("excluded", "description", "tags", "section definition", "section annotations")


@dataclass(frozen=True)
class Expected:
    """What there is before and after an operation; None where there is no experiment."""

    operation: Operation
    before: dict[str, Any] | None
    after: dict[str, Any]
    saved_before: Counter[str]
    saved_after: Counter[str]

    def check(self, path: Path, acknowledged: set[Any], *, is_done: bool, again: bool = False) -> None:
        """Check what lies on the disk in the middle of the operation, or of doing it again; nothing is written for it."""
        op, before, after = self.operation, self.before, self.after
        if not op.deletes:
            assert everywhere(path) >= self.saved_before, "a measurement is lost"
        assert not left_alone(path)
        left = snapshot(path)
        with warnings.catch_warnings():
            warnings.simplefilter("error" if op.durable else "ignore")
            try:
                now = view(path)
            except coma.ExperimentError:
                assert before is None
                assert not acknowledged
                assert not is_done
                return
        assert snapshot(path) == left, "reading wrote something"
        start = before or {"measurements": {}, "failures": set(), "code": {}, "parts": {}, "problems": []}
        assert not (op.durable and set(now["problems"]) - set(start["problems"])), now["problems"]
        have = now["measurements"]
        if op.atomic:
            assert have in (start["measurements"], after["measurements"])
        else:
            known = {*start["measurements"].values(), *after["measurements"].values()}
            assert set(have.values()) <= known, "half a measurement is visible"
        for name, value in now["parts"].items():
            if again and name not in STABLE:
                continue
            ends = [start["parts"].get(name), after["parts"].get(name)]
            assert value in ends or (before is None and not value), (name, value, ends)
        assert now["failures"] <= start["failures"] | after["failures"]
        if op.atomic:
            assert now["failures"] in (start["failures"], after["failures"])
        assert again or now["code"].items() <= (start["code"] | after["code"]).items()
        assert acknowledged <= set(have.values()), "an acknowledged measurement is lost"
        if is_done:
            assert Counter(have.values()) == Counter(after["measurements"].values())
            assert now["failures"] == after["failures"]
            assert now["code"].keys() == after["code"].keys()
            # Folders that were emptied may come back, which harms nobody.
            assert again or now["files"] - {REMOVED} == after["files"] - {REMOVED}
            assert again or now["next id"] == after["next id"]
            names = STABLE if again else after["parts"]
            assert {name: now["parts"].get(name) for name in names} == {
                name: after["parts"].get(name) for name in names
            }

    def finish(self, path: Path, *, doubles: bool = False) -> None:
        """Do the operation again, then add a measurement; nothing is in the way.

        `doubles`: what could not be read for a moment may have been measured again.
        """
        op = self.operation
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ComaWarning)
            op.run(path, lambda _: None)
            now, saved = view(path), everywhere(path)
            place = place_of(path)
            if not place.look().active:
                place.activate()
            with place.running():
                id = place.look().next_id()
                data = encoding.encode_rest({"parameters": {"x": 99}, "results": {"y": 99}})
                added = place.look().measurements.add({}, data, id=id)
            again = view(path)
        count = set if doubles else Counter
        assert count(now["measurements"].values()) == count(self.after["measurements"].values())
        assert saved >= self.saved_after, "a measurement is lost"
        for name in STABLE:
            assert now["parts"].get(name) == self.after["parts"].get(name), name
        assert now["failures"] == self.after["failures"]
        assert added not in now["measurements"]
        assert set(again["measurements"].values()) >= set(now["measurements"].values())
        left = [str(file) for file in (path / "e").glob(f"{files.TEMPORARY}*")]
        assert not left, left


def observed(path: Path) -> dict[str, Any] | None:
    """Return what an experiment shows, None when there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataFileWarning)
        return view(path) if (path / "e").exists() else None
