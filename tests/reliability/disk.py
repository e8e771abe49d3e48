"""A model of what a disk holds after a power cut, for any order in which a file system writes.

`Recorder` stands for `os` in `coma_xr.files`: what is done to files is done, and noted as events. `cuts` returns the
states of the disk that a power cut can leave at any of them.
"""

from __future__ import annotations

import functools
import itertools
import os
import random
import shutil
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coma_xr import files

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

# Lock files hold nothing that outlives a process.
LOCKS = (".coma.lock", ".coma.run.")

ROOT = 0

Name = tuple[int, str]


@dataclass(frozen=True)
class Event:
    """Something that was done: "names" (what each is from now on), "data", "sync", "sync all", "done"."""

    kind: str
    what: Any
    sites: tuple[str, ...] = ()


@dataclass
class Image:
    """Names and contents, by the numbers of files and directories."""

    names: dict[Name, int] = field(default_factory=dict)
    directories: set[int] = field(default_factory=lambda: {ROOT})
    contents: dict[int, bytes] = field(default_factory=dict)

    def walk(self, directory: int = ROOT, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield path and number of all that can be reached, a directory before what is in it."""
        for name, number in self.children().get(directory, ()):
            yield f"{prefix}{name}", number
            if number in self.directories:
                yield from self.walk(number, f"{prefix}{name}/")

    def children(self) -> dict[int, list[tuple[str, int]]]:
        """Return the sorted entries of each directory."""
        found: dict[int, list[tuple[str, int]]] = {}
        for (directory, name), number in sorted(self.names.items()):
            found.setdefault(directory, []).append((name, number))
        return found

    def key(self) -> Any:
        """Return what is equal for two states that differ in temporary files at most."""
        first: dict[int, str] = {}
        return tuple(
            (path, first.setdefault(number, path), self.contents.get(number))
            for path, number in self.walk()
            if files.TEMPORARY not in path
        )

    def write(self, path: Path) -> None:
        """Make the files below an empty or missing directory."""
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        made: dict[int, Path] = {}
        for name, number in self.walk():
            target = path / name
            if number in self.directories:
                target.mkdir()
            elif number in made:
                os.link(made[number], target)
            else:
                target.write_bytes(self.contents[number])
                made[number] = target


class Recorder:
    """Stands for `os` in `coma_xr.files` and notes what is done below one directory."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.events: list[Event] = []
        self.now = Image()
        self.open_files: dict[int, int] = {}
        self.count = itertools.count(1)
        self.real_rename = files._rename
        self.linked: dict[int, int] = {}
        self._take_in(self.root, ROOT)
        self.start = Image(dict(self.now.names), set(self.now.directories), dict(self.now.contents))
        self.events.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    # ------------------------------------------------------------------------------------- what is there

    def _take_in(self, path: str, number: int) -> None:
        """Note a file or directory that is there already."""
        if not os.path.isdir(path):
            self.now.contents[number] = Path(path).read_bytes()
            self._note("data", (number, self.now.contents[number]))
            return
        self.now.directories.add(number)
        for name in sorted(os.listdir(path)):
            if name.startswith(LOCKS):
                continue
            status = os.lstat(os.path.join(path, name))
            child = self.linked.setdefault(status.st_ino, next(self.count))
            self._names({(number, name): child})
            if child not in self.now.contents:
                self._take_in(os.path.join(path, name), child)

    def _name(self, path: str) -> Name | None:
        """Return the directory and last part of a path, None where nothing is noted."""
        path = os.path.abspath(path)
        parent, name = os.path.split(path)
        if not f"{path}/".startswith(f"{self.root}/") or path == self.root or name.startswith(LOCKS):
            return None
        return self._number(parent), name

    def _number(self, path: str) -> int:
        """Return the number of what has a path; what a library made by itself is noted now."""
        path = os.path.abspath(path)
        if path == self.root:
            return ROOT
        parent, name = os.path.split(path)
        key = self._number(parent), name
        if key not in self.now.names:
            self._names({key: (number := next(self.count))})
            self._take_in(path, number)
        return self.now.names[key]

    def _names(self, changes: dict[Name, int | None]) -> None:
        for name, number in changes.items():
            if number is None:
                self.now.names.pop(name, None)
            else:
                self.now.names[name] = number
        self._note("names", tuple(changes.items()))

    def _note(self, kind: str, what: Any) -> None:
        self.events.append(Event(kind, what, sites() if kind.startswith("sync") else ()))

    def done(self, what: Any = None) -> None:
        """Note that the caller was told that something is saved."""
        self._note("done", what)

    # -------------------------------------------------------------------------------------------- the calls

    def open(self, path: Any, flags: int, mode: int = 0o777) -> int:
        is_new = flags & os.O_CREAT and not os.path.lexists(path)
        descriptor = os.open(path, flags, mode)
        name = self._name(path)
        if name is None:
            if os.path.abspath(path) == self.root:
                self.open_files[descriptor] = ROOT
            return descriptor
        if is_new:
            number = next(self.count)
            self.now.contents[number] = b""
            self._names({name: number})
            self._note("data", (number, b""))
        self.open_files[descriptor] = self._number(os.fspath(path))
        return descriptor

    def close(self, descriptor: int) -> None:
        self.open_files.pop(descriptor, None)
        os.close(descriptor)

    def write(self, descriptor: int, data: bytes) -> int:
        written = os.write(descriptor, data)
        number = self.open_files.get(descriptor)
        if number is not None:
            self.now.contents[number] += bytes(data)[:written]
            self._note("data", (number, self.now.contents[number]))
        return written

    def fsync(self, descriptor: int) -> None:
        number = self.open_files.get(descriptor)
        if number is not None:
            self._note("sync", number)

    def sync_file_system(self, descriptor: int) -> int:
        self._note("sync all", None)
        return 0

    def link(self, source: str, target: str, **keywords: Any) -> None:
        os.link(source, target, **keywords)
        name = self._name(target)
        if name is not None:
            self._names({name: self._number(source)})

    def unlink(self, path: str) -> None:
        name = self._name(path)
        if name is not None and os.path.lexists(path):
            self._number(path)
        os.unlink(path)
        if name is not None:
            self._names({name: None})

    def rmdir(self, path: str) -> None:
        os.rmdir(path)
        if name := self._name(path):
            self._names({name: None})

    def mkdir(self, path: str, mode: int = 0o777) -> None:
        os.mkdir(path, mode)
        if name := self._name(path):
            number = next(self.count)
            self.now.directories.add(number)
            self._names({name: number})

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        missing = [path]
        while not os.path.isdir(parent := os.path.dirname(missing[-1])):
            missing.append(parent)
        for directory in reversed(missing):
            if not (exist_ok and os.path.isdir(directory)):
                self.mkdir(directory)

    def rename(self, source: str, target: str) -> None:
        number = self._number(source) if self._name(source) else None
        os.rename(source, target)
        if number is not None:
            self._moved(source, target, number)

    replace = rename

    def _moved(self, source: str, target: str, number: int) -> None:
        old, new = self._name(source), self._name(target)
        assert old is not None
        self._names({old: None} if new is None else {new: number, old: None})

    def rename_with_condition(self, source: str, target: str, how: int) -> int:
        one = self._number(source) if os.path.lexists(source) else 0
        other = self._number(target) if os.path.lexists(target) else 0
        error: int = self.real_rename(source, target, how)
        if error:
            return error
        if how == files._EXCHANGE:
            names = self._name(target), self._name(source)
            self._names({name: n for name, n in zip(names, (one, other), strict=True) if name is not None})
        else:
            self._moved(source, target, one)
        return 0

    def rmtree(self, path: str, ignore_errors: bool = False) -> None:
        """Stand for `shutil.rmtree`."""
        for root, directories, names in os.walk(path, topdown=False):
            for name in names:
                self.unlink(os.path.join(root, name))
            for name in directories:
                self.rmdir(os.path.join(root, name))
        self.rmdir(path)


PACKAGE = str(Path(files.__file__).parent)


def sites() -> tuple[str, ...]:
    """Return the functions of coma_xr that are being called, the innermost first."""
    found, frame = [], sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGE):
            module = frame.f_code.co_filename.removeprefix(PACKAGE).strip("/").removesuffix(".py")
            found.append(f"{module}.{frame.f_code.co_name}")
        frame = frame.f_back  # type: ignore[assignment]
    return tuple(found)


def guard(event: Event) -> str:
    """Return which line of the source a sync comes from: what of coma_xr asked `files` for it, and for what."""
    inner = [site for site in event.sites if site.startswith("files.")]
    outer = next(site for site in event.sites if not site.startswith("files."))
    kind = "names" if {"files.sync_directory", "files.sync_everything"} & set(inner) else "data"
    return f"{outer} > {inner[-1].removeprefix('files.')}: {kind}"


# --------------------------------------------------------------------------------------------- power cuts


@dataclass(frozen=True)
class Change:
    """A change of names that a file system writes in one step, if it writes it."""

    at: int
    names: tuple[tuple[Name, int | None], ...]
    # A name goes only after the new one is on the disk.
    after: Change | None = None

    @functools.cached_property
    def directories(self) -> set[int]:
        return {directory for (directory, _), _ in self.names}


# Up to this many changes that are not on the disk yet, all subsets are tried.
ALL_SUBSETS = 6
SAMPLED_SUBSETS = 12


@dataclass
class Log:
    """What was done, from a start on."""

    start: Image
    events: Sequence[Event]

    def without(self, lost: Collection[str]) -> Log:
        """Return the log of a program that lacks some syncs."""
        kept = [event for event in self.events if not (event.kind == "sync" and guard(event) in lost)]
        return Log(
            self.start, [event for event in kept if event.kind != "sync all" or guard(event) not in lost]
        )

    def acknowledged(self, at: int) -> list[Any]:
        """Return what the caller was told up to a time; None is the end of the operation."""
        return [event.what for event in self.events[:at] if event.kind == "done"]

    def changes(self) -> list[Change]:
        found: list[Change] = []
        for at, event in enumerate(self.events):
            if event.kind != "names":
                continue
            if len({directory for (directory, _), _ in event.what}) == 1:
                found.append(Change(at, event.what))
                continue
            # A careless file system writes the two ends of a move apart, but not the loss first.
            first = Change(at, event.what[:1])
            found += [first, Change(at, event.what[1:], first)]
        return found

    def cuts(self, chance: random.Random, orders: Sequence[str]) -> dict[Any, tuple[Image, int, str]]:
        """Return by its key each state that a cut can leave, the latest time of it, and the strictest file system."""
        found: dict[Any, tuple[Image, int, str]] = {}
        changes = self.changes()
        for at in range(len(self.events) + 1):
            for order in orders:
                for chosen in self._chosen(changes, at, order, chance):
                    for image in self._with_contents(chosen, at, order):
                        key = image.key()
                        earlier = found.get(key)
                        found[key] = (image, at, earlier[2] if earlier else order)
        return found

    def _synced(self, change: Change, at: int) -> bool:
        """Whether a change is on the disk for good at a time, however careless the file system is."""
        later = self.events[change.at + 1 : at]
        return any(
            event.kind == "sync all" or (event.kind == "sync" and event.what in change.directories)
            for event in later
        )

    def _chosen(
        self, changes: list[Change], at: int, order: str, chance: random.Random
    ) -> Iterator[list[Change]]:
        """Yield the changes that are on the disk, in each way that is possible."""
        before = [change for change in changes if change.at < at]
        if order == "careless":
            safe = {change for change in before if self._synced(change, at)}
            safe |= {change.after for change in safe if change.after}
            pending = [change for change in before if change not in safe]
            for lost in lost_ones(pending, chance):
                yield [c for c in before if c not in lost and c.after not in lost]
            return
        # A journal is written from its beginning on: up to the last sync for certain.
        certain = 0
        for time, event in enumerate(self.events[:at]):
            if event.kind == "sync all" or (event.kind == "sync" and order == "ext4"):
                certain = time
            elif event.kind == "sync":
                touched = [c.at for c in before if c.at < time and self._touches(c, event.what)]
                certain = max([certain, *(time + 1 for time in touched)])
        for end in {certain, *(c.at + 1 for c in before if c.at >= certain)}:
            yield [c for c in before if c.at < end]

    @staticmethod
    def _touches(change: Change, number: int) -> bool:
        return number in change.directories or any(n == number for _, n in change.names)

    def _with_contents(self, chosen: list[Change], at: int, order: str) -> Iterator[Image]:
        """Yield the states in which files that are not synced hold more or less of what was written."""
        image = Image(dict(self.start.names), set(self.start.directories), dict(self.start.contents))
        for change in chosen:
            for name, number in change.names:
                if number is None:
                    image.names.pop(name, None)
                else:
                    image.names[name] = number
        unsynced = self._contents(image, at)
        image.directories |= {number for number in image.names.values() if number not in image.contents}
        visible = {n for path, n in image.walk() if files.TEMPORARY not in path}
        loose = [n for n in unsynced if n in visible]
        variants = {n: partial(image.contents[n], order) for n in loose}
        for contents in combinations(variants):
            yield Image(image.names, image.directories, {**image.contents, **contents})

    def _contents(self, image: Image, at: int) -> set[int]:
        """Set the newest contents at a time; return the files whose content is not on the disk for good."""
        unsynced: set[int] = set()
        for event in self.events[:at]:
            if event.kind == "data":
                number, data = event.what
                image.contents[number] = data
                unsynced.add(number)
            elif event.kind == "sync all":
                unsynced.clear()
            elif event.kind == "sync":
                unsynced.discard(event.what)
        return unsynced


def lost_ones(pending: list[Change], chance: random.Random) -> Iterator[set[Change]]:
    """Yield which changes did not reach the disk: all subsets of a few; of many those that tell most, and a sample."""
    number = len(pending)
    if number <= ALL_SUBSETS:
        for size in range(number + 1):
            yield from map(set, itertools.combinations(pending, size))
        return
    for index in range(number + 1):
        yield set(pending[index:])
        yield set(pending[:index])
    for change in pending:
        yield {change}
    for index in range(number):
        yield set(pending[:index] + pending[index + 1 :])
    for _ in range(SAMPLED_SUBSETS):
        yield {change for change in pending if chance.random() < 0.5}


def partial(data: bytes, order: str) -> list[bytes]:
    """Return what a file may hold whose content was not synced."""
    half = data[: len(data) // 2]
    found = [data, b"", half]
    if order == "careless":
        found += [bytes(len(data)), half + bytes(len(data) - len(half)), bytes(len(half)) + data[len(half) :]]
    return list(dict.fromkeys(found))


# Up to this many files, all combinations of what they may hold are tried.
ALL_COMBINATIONS = 2


def combinations(variants: dict[int, list[bytes]]) -> Iterator[dict[int, bytes]]:
    """Yield a content for each file."""
    if len(variants) <= ALL_COMBINATIONS:
        for contents in itertools.product(*variants.values()):
            yield dict(zip(variants, contents, strict=True))
        return
    whole = {number: some[0] for number, some in variants.items()}
    for kind in range(max(map(len, variants.values()))):
        yield {number: some[min(kind, len(some) - 1)] for number, some in variants.items()}
    for number, some in variants.items():
        for content in some[1:]:
            yield {**whole, number: content}
