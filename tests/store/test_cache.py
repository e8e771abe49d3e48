"""The cache of measurements: never wrong, never needed, never in the way."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import coma_xr as coma
from coma_xr import files, session
from coma_xr.cli import main
from coma_xr.encoding.columns import Block, Column, Piece, StoredPiece, blocks, encode_trees
from coma_xr.retrieve.columns import StoredTrees, collect, factorize
from coma_xr.store import cache, documents, layout
from coma_xr.store.config import Config
from coma_xr.store.layout import Layout
from coma_xr.store.measurements import ArchiveStore
from coma_xr.store.place import ExperimentDirectory
from coma_xr.tree import Numbers
from tests.deaths import Deaths

CACHE = files.CACHE

TREES = [
    {"info": {"measurement_id": n}, "parameters": {"x": n}, "results": results}
    for n, results in enumerate(
        [
            *({"y": n / 2, "name": "ab"[n % 2], "E": [0.5, n]} for n in range(12)),
            *({"y": n, "none": None, "deep": {"z": [1.0, 2.0]}, "empty": {}} for n in range(9)),
            *({"t": {"__type__": "coma.complex", "value": [n, 1]}, "y": True} for n in range(8)),
            {"y": {"z": 1}},
            {"y": [], "big": 2**80},
            {"y": "\ud800"},
            {"y": float("nan"), "": {"a": {}}},
            {},
        ],
        start=1,
    )
]
STAMP = (1, 2, 3, 4)


@pytest.fixture
def old(monkeypatch):
    """Let files count as old from the beginning, and few of them be worth a cache."""
    monkeypatch.setattr(cache, "_FRESH", -(10**10))
    monkeypatch.setattr(cache, "_FEWEST", 2)
    monkeypatch.setattr(documents, "LONG", 0)
    # On a busy machine trivial points look slow, and a run of those writes the cache.
    monkeypatch.setattr(session, "_SLOW", math.inf)


@pytest.fixture
def reads(monkeypatch):
    """The names of the measurement files that are read from here on."""
    names, real = [], files.read

    def read(path, *more, **options):
        if "measurement.0" in path:
            names.append(path.rpartition("/")[2])
        return real(path, *more, **options)

    monkeypatch.setattr(files, "read", read)
    return names


@pytest.fixture
def path(tmp_path, old):
    e = coma.Experiment(tmp_path / "e", durable=False)
    e.run(lambda a, b: {"y": a * b}, {"a": [1, 2, 3], "b": [0.5, 1.5, 2.5, 3.5]}, progress=False)
    return e.path


def cache_of(path: Path) -> list[Path]:
    return sorted((path / CACHE).glob("*/*.columns"))


def test_trees_of_all_structures_come_back_as_they_were():
    pieces = encode_trees([(n, STAMP, tree) for n, tree in enumerate(TREES, start=1)])
    found = {
        id: tree for block in blocks([(StoredPiece(p), None) for p in pieces]) for id, tree in block.trees()
    }
    left_out = {n for n in range(1, len(TREES) + 1) if n not in found}
    assert left_out == {31, 32}
    assert all(repr(tree) == repr(TREES[id - 1]) for id, tree in found.items())


def test_columns_of_blocks_are_those_of_trees():
    rows = [(n, STAMP, tree) for n, tree in enumerate(TREES, start=1) if n not in (31, 32)]
    trees = [(n, tree) for n, _, tree in rows]
    parts = blocks([(StoredPiece(piece), None) for piece in encode_trees(rows)])
    loose = [pair for block in parts if block.is_loose for pair in block.trees()]
    mixed = sorted(
        [*(block for block in parts if not block.is_loose), *loose],
        key=lambda part: part[0] if isinstance(part, tuple) else part.ids[0],
    )
    wanted = collect(trees)
    found = collect(StoredTrees(lambda: iter(trees), lambda: iter(trees), lambda: iter(mixed)))
    assert (found.ids, found.known, found.paths) == (wanted.ids, wanted.known, wanted.paths)
    assert all(repr(found[path]) == repr(wanted[path]) for path in wanted.paths)


def test_a_second_look_reads_only_what_changed(path, reads):
    ds = coma.Experiment(path).to_dataset()
    assert len(reads) == 12
    reads.clear()
    again = coma.Experiment(path, mode="r")
    assert again.to_dataset().identical(ds)
    assert again.status()["missing"] == 0
    assert list(again.paths().index)
    assert len(again.to_dataset(where="a > 1").a) == 2
    assert not reads
    file = path / "measurement.000003.json"
    file.write_text(file.read_text().replace('"y": 2.5', '"y": 9.5'))
    assert again.to_dataset().y.values[0, 2] == 9.5
    assert set(reads) == {"measurement.000003.json"}


@pytest.mark.parametrize("door", ["to_dataset", "status", "paths"])
def test_a_look_lists_the_directory_once_and_asks_once_for_each_file(path, monkeypatch, door):
    coma.Experiment(path).to_dataset()
    monkeypatch.setattr(layout, "_SETTLED", -(10**10))
    listed, asked, list_names = [], [], os.listdir
    monkeypatch.setattr(os, "listdir", lambda where: listed.append(str(where)) or list_names(where))

    def recorded(stat):
        return lambda where, **keywords: asked.append(str(where)) or stat(where, **keywords)

    for name in ("stat", "lstat"):
        monkeypatch.setattr(os, name, recorded(getattr(os, name)))
    getattr(coma.Experiment(path), door)()
    assert listed.count(str(path)) == 1
    assert sum("measurement.0" in where for where in asked) == 12


def test_what_comes_after_opening_is_seen(path, monkeypatch):
    monkeypatch.setattr(layout, "_SETTLED", -(10**10))
    os.utime(path, (1, 1))
    e = coma.Experiment(path)
    text = (path / "measurement.000001.json").read_text()
    (path / "measurement.000013.json").write_text(
        text.replace('"measurement_id": 1,', '"measurement_id": 13,')
    )
    assert e.status()["measurements"] == 13
    (path / "measurement.000013.json").unlink()
    assert e.status()["measurements"] == 12


@pytest.mark.parametrize(
    "values", [[2.0, -0.0, 0.0, 2.0], [3, 1, 2**60, 2**60 + 1, 1], [1e300, -1e300, math.inf, -math.inf]]
)
def test_arrays_are_numbered_as_their_items_are(values):
    codes, labels = factorize(Numbers(np.array(values)))
    wanted, wanted_labels = factorize(values)
    assert codes.tolist() == wanted.tolist()
    assert repr(labels) == repr(wanted_labels)


def test_a_second_run_reads_no_measurement(path, reads):
    scan = {"a": [1, 2, 3], "b": [0.5, 1.5, 2.5, 3.5]}
    coma.Experiment(path).status()
    reads.clear()
    report = coma.Experiment(path, durable=False).run(
        lambda a, b: {"y": 0}, scan, progress=False, code="accept"
    )
    assert (report.saved, report.skipped, reads) == (0, 12, [])


def test_conditions_are_judged_by_columns_and_their_errors_name_the_measurement(path, monkeypatch):
    coma.Experiment(path).to_dataset()
    e = coma.Experiment(path, mode="r")
    with pytest.raises(coma.ConditionError) as caught:
        e.to_dataset(where="a > 'x'")
    (note,) = caught.value.__notes__
    assert "a > 'x'" in note
    assert "on measurement 1" in note

    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(Block, "trees", refuse)
    assert e.to_dataset(where="a > 1 and b < 2").measurement_id.values.tolist() == [[5, 6], [9, 10]]
    assert e.to_dataframe(where="a > 1 and b < 2").index.tolist() == [5, 6, 9, 10]
    coma.Experiment(path).exclude([5, 9], "no reason")
    assert e.to_dataframe(where="a > 1 and b < 2").index.tolist() == [6, 10]


def test_a_run_of_slow_points_leaves_them_in_the_cache(tmp_path, old, monkeypatch, reads):
    monkeypatch.setattr(coma.session, "_SLOW", 0)
    e = coma.Experiment(tmp_path / "e", durable=False)
    e.run(lambda x: {"y": x}, {"x": range(5)}, progress=False)
    reads.clear()
    assert coma.Experiment(e.path, mode="r").to_dataset().y.values.tolist() == [0, 1, 2, 3, 4]
    assert not reads


def test_small_experiments_have_no_cache(tmp_path):
    e = coma.Experiment(tmp_path / "e", durable=False)
    e.run(lambda x: {"y": x}, {"x": range(20)}, progress=False)
    e.to_dataset()
    assert not (e.path / CACHE).exists()


def test_recent_files_are_cached_in_memory_only(tmp_path, monkeypatch, reads):
    monkeypatch.setattr(cache, "_FEWEST", 2)
    monkeypatch.setattr(cache, "_FINE_FRESH", -(10**10))
    e = coma.Experiment(tmp_path / "e", durable=False)
    e.run(lambda x: {"y": x}, {"x": range(5)}, progress=False)
    e.to_dataset()
    reads.clear()
    e.to_dataset()
    assert not reads
    assert not (e.path / CACHE).exists()


def test_a_reader_and_a_shard_write_no_cache(path, reads):
    reader = coma.Experiment(path, mode="r")
    reader.to_dataset()
    e = coma.Experiment(path, durable=False)
    e.run(
        lambda a, b: {"y": a * b}, {"a": [1, 2, 3], "b": [0.5]}, shard=(0, 2), progress=False, code="accept"
    )
    assert not (path / CACHE).exists()
    reads.clear()
    reader.to_dataset()
    assert not reads


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign", "empty", "forged"])
def test_a_damaged_cache_is_ignored_and_written_anew(path, damage, reads):
    ds = coma.Experiment(path).to_dataset()
    (file,) = cache_of(path)
    data = file.read_bytes()
    body = data[20:-300]
    forged = data[:16] + cache._checksum(body) + body
    file.write_bytes(
        {
            "cut": data[: len(data) // 2],
            "flipped": data[:400] + bytes([data[400] ^ 1]) + data[401:],
            "foreign": b"something else",
            "empty": b"",
            "forged": forged,
        }[damage]
    )
    reads.clear()
    assert coma.Experiment(path).to_dataset().identical(ds)
    assert len(reads) == 12
    reads.clear()
    assert coma.Experiment(path).to_dataset().identical(ds)
    assert not reads
    assert file not in cache_of(path)


def of_values(*values):
    """Return a column of twelve values."""
    return Column("m", memoryview(msgspec.msgpack.encode([*values, *[1] * (12 - len(values))])))


def deep(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


NULL = Column("n", memoryview(b""))
FORGED = {
    "bytes": [(["a"], 0, of_values(b"raw"))],
    "a date": [(["a"], 0, of_values(msgspec.msgpack.Ext(-1, bytes(4))))],
    "another type": [(["a"], 0, of_values([msgspec.msgpack.Ext(5, b"x")]))],
    "a number as a key": [(["a"], 2, of_values(*[{"__type__": "t", "v": {1: 2}}] * 12))],
    "something deep": [(["a"], 0, of_values(deep(200)))],
    "a dictionary for a value": [(["a"], 0, of_values({"b": 1}))],
    "a value for an array": [(["a"], 2, of_values())],
    "nothing for an array": [(["a"], 2, NULL)],
    "too few values": [(["a"], 0, Column("m", memoryview(msgspec.msgpack.encode([1] * 11))))],
    "no MessagePack": [(["a"], 0, Column("m", memoryview(b"\xc1")))],
    "a path in another": [(["a"], 0, NULL), (["a", "b"], 0, NULL)],
    "a path twice": [(["a"], 0, NULL), (["a"], 0, NULL)],
    "no path": [([], 0, NULL)],
    "a long path": [(["a"] * 5000, 0, NULL)],
    "an unknown kind": [(["a"], 7, NULL)],
    "more paths than bytes": [([str(n)], 0, NULL) for n in range(10_000)],
    "text longer than the file": [(["a"], 0, Column("s", memoryview(bytes(48)), table=["x" * 10_000]))],
}


def forge(path: Path, change) -> None:
    """Change what the cache has of some measurements, with the right checksum."""
    (file,) = cache_of(path)
    (data,) = cache._decode(file.read_bytes()[20:])
    body = cache._encode([msgspec.msgpack.encode(change(msgspec.msgpack.decode(data, type=Piece)))])
    file.write_bytes(cache._MAGIC + cache._checksum(body) + body)


@pytest.mark.parametrize("forged", FORGED)
def test_a_cache_altered_on_purpose_is_ignored_where_files_cannot_hold_it(path, forged, reads):
    ds = coma.Experiment(path).to_dataset()

    def change(piece):
        for leaf_path, kind, column in FORGED[forged]:
            piece.leaves.append((leaf_path, kind))
            piece.columns.append(column)
        return piece

    forge(path, change)
    reads.clear()
    assert coma.Experiment(path, mode="r").to_dataset().identical(ds)
    assert len(reads) == 12


@pytest.mark.parametrize("forged", ["an id", "no info", "info of a tree", "a tree"])
def test_a_cache_of_what_is_no_measurement_is_ignored(path, forged, reads):
    ds = coma.Experiment(path).to_dataset()

    def change(piece):
        place = [leaf for leaf, _ in piece.leaves].index(["info", "measurement_id"])
        if forged == "an id":
            piece.columns[place] = of_values()
        elif forged == "no info":
            del piece.leaves[place], piece.columns[place]
        else:
            piece.leaves, piece.columns = (
                [([], 2)],
                [of_values(*[{"info": 1} if "info" in forged else 1] * 12)],
            )
        return piece

    forge(path, change)
    reads.clear()
    assert coma.Experiment(path, mode="r").to_dataset().identical(ds)
    assert len(reads) == 12


@pytest.mark.ci
@pytest.mark.parametrize("is_active", [True, False])
def test_any_altered_byte_of_a_cache_is_read_as_values_or_ignored(path, tally, request, is_active):
    """With the right checksum, which no accident has; numbers and names can be others then, as in an altered file."""
    if not is_active:
        coma.Experiment(path).deactivate()
    coma.Experiment(path).to_dataset()
    (file,) = cache_of(path)
    data = file.read_bytes()[20:]
    counted = tally("bad inputs")
    # As in an altered file, the state can be one that is not used, and parameters can be those of another measurement.
    warnings.simplefilter("ignore", coma.ComaWarning)
    for at in range(0, len(data), 1 if request.config.getoption("--full") else 5 if is_active else 41):
        altered = bytearray(data)
        altered[at] ^= (1, 0x80, 0xFF)[at % 3]
        file.write_bytes(cache._MAGIC + cache._checksum(altered) + altered)
        with counted:
            e = coma.Experiment(path, mode="r")
            for _, tree in e._place.look().trees(strict=True):
                assert msgspec.json.decode(msgspec.json.encode(tree)) == tree
            e.paths(), e.status()
            with suppress(coma.PathError):  # no measurement has the names of the parameters
                e.to_dataset()


@pytest.mark.parametrize("command", ["show", "status", "paths"])
def test_a_command_that_reads_writes_the_cache_for_the_next_one(path, reads, capsys, command):
    main([command, str(path)])
    assert len(reads) == 12
    reads.clear()
    first = capsys.readouterr().out
    main([command, str(path)])
    assert not reads
    assert capsys.readouterr().out == first


def test_reading_in_python_after_a_command_still_writes_no_cache(path):
    main(["status", str(path)])
    shutil.rmtree(path / CACHE)
    coma.Experiment(path, mode="r").to_dataset()
    assert not (path / CACHE).exists()


def test_a_disk_that_is_full_is_no_error(path, monkeypatch):
    ds = coma.Experiment(path).to_dataset()
    shutil.rmtree(path / CACHE)

    def refuse(*_, **__):
        raise files.refusal(OSError(28, "No space"), "write", "x")

    monkeypatch.setattr(files, "create", refuse)
    e = coma.Experiment(path)
    assert e.to_dataset().identical(ds)
    assert e.to_dataset().identical(ds)


def test_the_cache_can_be_somewhere_else_or_off(path, tmp_path, reads):
    elsewhere = {"cache_dir": str(tmp_path / "caches")}
    coma.Experiment(path, mode="r", config=elsewhere).to_dataset()
    coma.Experiment(path, config={"cache_dir": "off"}).to_dataset()
    assert not (path / CACHE).exists()
    reads.clear()
    coma.Experiment(path, mode="r", config=elsewhere).to_dataset()
    assert not reads


def test_git_and_backups_ignore_the_cache_and_the_terminal_deletes_it(path, capsys):
    coma.Experiment(path).to_dataset()
    assert (
        (path / CACHE / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    )
    assert (path / CACHE / ".gitignore").read_text() == "*\n"
    assert main(["cache", "clear", str(path)]) == 0
    assert main(["cache", "clear", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: the cache is deleted",
        f"{path}: no cache",
    ]
    assert not (path / CACHE).exists()


def test_verify_reads_the_files(path):
    coma.Experiment(path).to_dataset()
    file = path / "measurement.000003.json"
    status = file.stat()
    file.write_text("{" + " " * (status.st_size - 1))
    assert any("000003" in str(finding) for finding in coma.Experiment(path).verify())


class Disk:
    """Measurement files whose times come from a clock that is coarse and jumps; links and renames as on a real disk."""

    size = 150

    def __init__(self, path: Path, chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.chance = path, chance
        self.tick = chance.choice([1, 10**6, 10**9, 2 * 10**9])
        self.now = 10**18
        self.times: dict[int, tuple[int, int]] = {}
        monkeypatch.setattr(files, "_stamp", self.stamp)
        monkeypatch.setattr(files, "clock", lambda _: self.time())
        # A reader goes by the clock of its own machine.
        monkeypatch.setattr(cache.time, "time_ns", self.time)

    def time(self) -> int:
        return self.now // self.tick * self.tick

    def stamp(self, status: os.stat_result) -> files.Stamp:
        times = self.times.get(status.st_ino, (0, 0))
        return status.st_size, *times, status.st_ino

    def names(self) -> list[str]:
        return sorted(name for name in os.listdir(self.path) if name.startswith("measurement.0"))

    def new_name(self) -> str:
        return f"measurement.{self.chance.randrange(1, 30):06}.json"

    def data(self, name: str) -> bytes:
        tree = self.tree()
        tree = {**tree, "info": {"measurement_id": int(name[12:18]), **tree.get("info", {})}}
        return json.dumps({"measurement": tree}).ljust(self.size).encode()

    def write(self, name: str) -> None:
        (self.path / name).write_bytes(self.data(name))
        inode = (self.path / name).stat().st_ino
        keeps_time = inode in self.times and self.chance.random() < 0.5
        self.times[inode] = (self.times[inode][0] if keeps_time else self.time(), self.time())

    def tree(self) -> dict:
        """Return what a measurement holds besides its `info`."""
        digit = self.chance.randrange(10)
        results = {self.chance.choice("uv"): digit} if self.chance.random() < 0.3 else {"y": float(digit)}
        return {"parameters": {"x": 1}, "results": results}

    def step(self) -> None:
        """Do something that a user, a copy program or another process may do."""
        names, chance = self.names(), self.chance
        kind = chance.choice(["edit", "edit", "new", "delete", "rename", "copy", "swap", "wait", "jump"])
        self.now += chance.choice([1, 1000, 10**7])
        name = chance.choice(names) if names else ""
        if kind == "wait":
            self.now += chance.choice([10**8, 10**9, 3 * 10**9])
        elif kind == "jump":
            # Back, a clock of full precision never shows the same time twice.
            self.now += chance.choice([10**10, -5 * 10**9 + 7 if self.tick == 1 else 10**11])
        elif kind == "new" or not names:
            self.write(self.new_name())
        elif kind == "edit":
            self.write(name)
        elif kind == "delete":
            (self.path / name).unlink()
        elif kind == "rename":
            (self.path / name).rename(self.path / self.new_name())
        elif kind == "copy":
            target = self.path / self.new_name()
            if target.name != name:
                shutil.copy(self.path / name, target)
                inode, old = target.stat().st_ino, self.times[(self.path / name).stat().st_ino]
                self.times[inode] = (old[0] if chance.random() < 0.5 else self.time(), self.time())
        else:
            other = self.path / chance.choice(names)
            (self.path / name).rename(self.path / "aside")
            if other.name != name:
                other.rename(self.path / name)
            (self.path / "aside").rename(other)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_to_the_files_a_look_shows_what_they_hold(tmp_path, monkeypatch, seed):
    monkeypatch.setattr(cache, "_FEWEST", 1)
    monkeypatch.setattr(cache, "_MANY_FILES", 3)
    chance = random.Random(seed)
    disk = Disk(tmp_path, chance, monkeypatch)
    writers = [cache.MeasurementCache(str(tmp_path), Config(), writes=bool(n)) for n in (1, 1, 0)]
    for _ in range(60):
        disk.step()
        layout = Layout(str(tmp_path), "experiment.none.json", Config())
        if chance.random() < 0.1:
            writers[0] = cache.MeasurementCache(str(tmp_path), Config(), writes=True)
        store = layout.store(cache=chance.choice(writers))
        assert list(store.trees()) == list(layout.store().trees())
        assert collect(dict(layout.store().trees()).items()).known == _known(store)


def _known(store) -> list:
    return collect(StoredTrees(store.trees, store.trees, store.parts)).known


class Archives(Disk):
    """An experiment file with measurements, and others that take its place, some with measurements that are none."""

    size = 3000

    def names(self) -> list[str]:
        return sorted(name for name in os.listdir(self.path) if name.startswith("experiment."))

    def new_name(self) -> str:
        return self.chance.choice(
            ["experiment.none.json", "experiment.none.json.gz", "experiment.other.json"]
        )

    def data(self, name: str) -> bytes:
        chance = self.chance
        ids = [*range(1, chance.randrange(2, 25))]
        trees: list[Any] = [{"info": {"measurement_id": id}, **self.tree()} for id in ids]
        odd = chance.choice(
            [None, None, None, [], {}, {"info": {}}, trees[0], "NaN", 2**80, "\ud800", math.nan]
        )
        if isinstance(odd, (list, dict)):
            trees.insert(chance.randrange(len(trees)), odd)
        elif odd is not None:
            chance.choice(trees)["results"] = {"y": odd}
        info = {"tags": [chance.randrange(10)], "coma_xr": {"state": {"seed": 1}, "sha256": ["0"] * len(ids)}}
        text = json.dumps({"experiment": {"info": info, "measurements": trees}}).ljust(self.size).encode()
        return documents.pack(text) if name.endswith(".gz") else text


def _archived(place: Layout, archives: cache.ArchiveCache | None) -> Any:
    """Return all that an experiment file shows, or the error that it raises."""
    try:
        document = place.load_experiment(archives)
    except (FileNotFoundError, coma.DataFileError) as error:
        return str(error)
    floor = document.info["tags"][0] if "tags" in document.info else 0
    store = ArchiveStore("e", document.measurements, floor=floor, pieces=document.pieces)
    trees = [*store.trees()]
    return (
        document.info,
        document.active,
        document.state,
        (store.ids(), trees, [store.read(id) for id in store.ids()]),
        [problem.line() for problem in store.problems],
        _known(store),
    )


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.ci) for seed in range(1, 8))])
def test_whatever_happens_to_an_experiment_file_a_look_shows_what_it_holds(tmp_path, monkeypatch, seed):
    monkeypatch.setattr(documents, "LONG", 0)
    chance = random.Random(seed)
    disk = Archives(tmp_path, chance, monkeypatch)
    openers = [cache.ArchiveCache(str(tmp_path), Config(), writes=bool(n)) for n in (1, 1, 0)]
    used = steps = 0
    while steps < 60 or not used:
        steps += 1
        disk.step()
        place = Layout(str(tmp_path), "experiment.none.json", Config())
        for _ in range(2):
            opener = chance.choice(openers)
            used += any(opener.find(file) for file in (place.experiment_file, place.packed_file))
            assert repr(_archived(place, opener)) == repr(_archived(place, None))


def test_an_inactive_experiment_is_opened_without_its_file(path, monkeypatch):
    with_files = coma.Experiment(path)
    with_files.to_dataset()
    with_files.exclude([3], "no reason")
    assert cache_of(path)
    with_files.deactivate()
    assert not cache_of(path)
    ds = coma.Experiment(path, config={"cache_dir": "off"}).to_dataset()
    assert coma.Experiment(path).to_dataset().identical(ds)
    loaded, load = [], documents.load
    monkeypatch.setattr(
        documents, "load", lambda path, *of, **how: loaded.append(path) or load(path, *of, **how)
    )
    e = coma.Experiment(path, mode="r")
    assert e.to_dataset().identical(ds)
    assert e.to_dataframe(where="a > 1").index.tolist() == [*range(5, 13)]
    assert (e.measurement(7).parameters.b, e.status()["excluded"]) == (2.5, 1)
    assert not any(file.endswith("experiment.none.json") for file in loaded)
    # What is written or checked is read from the file.
    coma.Experiment(path).description = "half a period"
    assert [*coma.Experiment(path).verify()] == []
    assert cache_of(path)
    coma.Experiment(path).activate()
    assert not cache_of(path)
    assert coma.Experiment(path).to_dataset().y.identical(ds.y)


@pytest.mark.leaves_files
@pytest.mark.parametrize("is_active", [True, False])
def test_a_process_that_dies_while_it_writes_the_cache_harms_nothing(path, monkeypatch, is_active):
    if not is_active:
        coma.Experiment(path).deactivate()
    deaths = Deaths(monkeypatch)
    wanted = list(ExperimentDirectory(path, config={"cache_dir": "off"}).look().measurements.trees())

    def look():
        return list(ExperimentDirectory(path).look(listed=True).measurements.trees())

    calls = deaths.run(look).log
    assert len(calls) > 8
    for at, call in enumerate(calls, start=1):
        for how in ("before", "after", "half") if call == "write" else ("before", "after"):
            shutil.rmtree(path / CACHE, ignore_errors=True)
            deaths.run(look, at, how)
            assert look() == wanted
            assert look() == wanted
            assert len(cache_of(path)) == 1
