"""Check, repair, archive, bring back and reset an experiment, in steps that may be cut off anywhere.

At every instant all measurements can be read, from the experiment file or from measurement files; a step
that deletes comes after what replaces it is on the disk for good. Repeating the call finishes what was cut
off. The caller holds the lock of the experiment.
"""

from __future__ import annotations

import errno
import json as standard_json
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.checks import checks_keywords
from coma_xr.encoding.formats import JSON, format_of
from coma_xr.errors import (
    ComaWarning,
    DataFileError,
    DataFileWarning,
    InactiveError,
    StorageError,
    warn,
    warning_once,
)
from coma_xr.same import doubles, event_of, key, repeat_of
from coma_xr.store import documents, removing, state
from coma_xr.store.documents import EXCLUDED, GZ, reason, unpack
from coma_xr.store.layout import NO_DATES, REMOVED, ExperimentDocument, Layout, failure_id, without_marks
from coma_xr.store.locks import noted_runs
from coma_xr.store.measurements import differs, entries_by_id, merged
from coma_xr.store.state import STATE
from coma_xr.text import listing
from coma_xr.tree import no_collection
from coma_xr.values.external import files_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coma_xr.store.measurements import MeasurementStore
    from coma_xr.store.state import StateDocument
    from coma_xr.values.plain import Tree


@checks_keywords
@dataclass(frozen=True)
class Finding:
    """A problem with a file of an experiment.

    Parameters
    ----------
    file : str
        Its name in the directory.
    kind : str
        "empty", "cut", "unreadable", "id", "name", "keys", "twice", "differs", "duplicate", "beside", "digest",
        "archive", "external", "index", "experiment", "reset", "state", "mark" or "temporary".
    text : str
        What is wrong.
    repair : str
        What ``verify(repair=True)`` does about it, empty when it leaves that to the user.
    done : bool, default False
        Whether it was repaired.

    Examples
    --------
    >>> print(Finding("measurement.000002.json", "empty", "is empty", "move it to removed"))
    measurement.000002.json is empty. To repair it: move it to removed.
    """

    file: str
    kind: str
    text: str
    repair: str = ""
    done: bool = False

    def __str__(self) -> str:
        repair = f"{'Repaired' if self.done else 'To repair it'}: {self.repair}." if self.repair else ""
        return f"{self.file} {self.text}. {repair}".strip()


# ---------------------------------------------------------------------------------------------- archive


@no_collection()
def deactivate(
    layout: Layout,
    document: ExperimentDocument,
    kept: StateDocument,
    names: list[str] | None = None,
    *,
    compress: bool = False,
    code: bool = True,
) -> None:
    """Move all measurements and failures into the experiment file, with copies of the state and, if `code`, of ``code/``.

    What comes after the `names` in the directory were listed is not taken along.

    Raise DataFileError when a file cannot be read, or differs from what is archived under its id, before anything is
    changed, and InactiveError when there is nothing left to do.
    """
    names = files.names(layout.directory) if names is None else names
    store = layout.store(names=names)
    paths = store.files()
    earlier = {failure_id(tree): tree for tree in document.failures}
    failures = _failures(layout, names)
    if not document.active and not (paths or failures or layout.index_files()):
        raise InactiveError(f"The experiment in {layout.directory} is already inactive.")
    digests, read = dict[int, str](), list[int]()
    texts = [*_entries(layout, _all_trees(layout, document, store, digests, read), layout.file_of(document))]
    all_failures = {**earlier, **failures}
    if not code:
        # An experiment file that was written earlier may have the only copy.
        layout.save_code(document.code)
    document = ExperimentDocument(
        document.info,
        active=False,
        state={**(document.state or {}), **kept.sections},
        failures=[all_failures[id] for id in sorted(all_failures)],
        digests=[*digests.values()],
        compressed=compress or document.compressed,
        code={**document.code, **layout.load_code()} if code else {},
    )
    _save_archive(layout, document, len(digests), texts)
    taken = [path for id in read for path in paths.get(id, ())]
    for path in taken + [layout.failure_file(id) for id in sorted(failures)]:
        with suppress(FileNotFoundError):
            files.remove(path)
    layout.remove_index()
    files.sync_directory(layout.directory)


def _archived(layout: Layout, document: ExperimentDocument) -> dict[int, Tree]:
    trees, bad = entries_by_id(document.measurements, layout.file_of(document))
    if bad:
        raise _refuse(bad)
    return trees


def _failures(layout: Layout, names: list[str]) -> dict[int, Tree]:
    trees = {}
    for id in layout.failure_ids(names=names):
        with suppress(FileNotFoundError):  # removed since the directory was listed
            trees[id] = layout.load_failure(id)
    return trees


def _all_trees(
    layout: Layout,
    document: ExperimentDocument,
    store: MeasurementStore,
    digests: dict[int, str],
    read: list[int],
) -> Iterator[Tree]:
    """Yield the tree of every measurement in the order of the ids; note all digests, and the ids that have files."""
    archived = sorted(_archived(layout, document).items(), key=itemgetter(0))
    # What is archived keeps its digests, so that damage since then is not passed for sound.
    known = document.digest_of()
    parts = [*([iter(archived)] if archived else []), _read_all(layout, store, read)]
    for id, trees in groupby(merged(parts), itemgetter(0)):
        (_, tree), *others = trees
        if not all(documents.same(tree, other) for _, other in others):
            raise differs(layout.store().path(id), layout.file_of(document))
        digests[id] = known.get(id) or documents.digest(tree)
        yield tree


def _read_all(layout: Layout, store: MeasurementStore, read: list[int]) -> Iterator[tuple[int, Tree]]:
    """Yield what is in all measurement files; DataFileError at the end when one cannot be read."""
    for id, tree in store.trees():
        read.append(id)
        yield id, tree
    if store.problems:
        raise _refuse(store.problems)
    documents.warn_of_ids(layout.directory, store.other_ids)


def _said(problems: list[DataFileError]) -> str:
    return listing((problem.line() for problem in problems), most=3)


def _refuse(problems: list[DataFileError]) -> DataFileError:
    return DataFileError(
        f"Nothing was changed, because {len(problems)} of the measurements cannot be moved: {_said(problems)}.",
        ways=["Repair these files, or move them out of the directory."],
    )


# So many measurements are encoded at a time, or bytes if these are fewer.
_AT_A_TIME, _BYTES_AT_A_TIME = 100, 2**20


def _entries(layout: Layout, trees: Iterator[Tree], where: str) -> Iterator[bytes]:
    """Yield encoded measurements, some at a time."""
    size = 1
    while some := [*islice(trees, size)]:
        yield (text := _checked(layout.entries_text(some), partial(_entries_again, layout, len(some)), where))
        size = max(1, min(_AT_A_TIME, _BYTES_AT_A_TIME * len(some) // len(text)))


def _entries_again(layout: Layout, number: int, text: bytes) -> bytes:
    return layout.entries_text(layout.format.decode_entries(text, number))


def _save_archive(layout: Layout, document: ExperimentDocument, number: int, entries: list[bytes]) -> None:
    def rewritten(text: bytes) -> bytes:
        return layout.text("experiment", layout.format.decode(text)["experiment"])

    _checked(layout.experiment_text(document), rewritten, layout.file_of(document))
    text = layout.experiment_text(document, number, entries)
    entries.clear()
    layout.write_experiment(document, text)


def _checked(text: bytes, rewritten: Callable[[bytes], bytes], where: str) -> bytes:
    """Return an encoded part of an archive; DataFileError when it is not the same after it was read and written again."""
    # The measurement files go, and what is not read back from it with them.
    try:
        again, reason = rewritten(text), ""
    except DataFileError as error:
        again, reason = b"", f" ({error.line()})"
    if again != text:
        raise DataFileError(
            f"would not read back as it was written{reason}; nothing was changed", where=where
        )
    return text


# ------------------------------------------------------------------------------------------- bring back


def activate(layout: Layout, document: ExperimentDocument, kept: StateDocument) -> None:
    """Write each archived measurement and failure to a file of its own, then take them out of the experiment file.

    What of the state and of ``code/`` is missing in the directory is taken from the experiment file.

    Raise DataFileError when a file differs from what is archived under its id, before anything is changed, and
    InactiveError when the experiment is active.
    """
    if document.active:
        raise InactiveError(f"The experiment in {layout.directory} is already active.")
    archive = layout.file_of(document)
    texts = _all_texts(layout, document, archive)
    lacking = [path for path, text in texts.items() if not _is_there(path, text, archive)]
    for path in lacking:
        _write_out(path, texts[path], archive)
    files.sync_everything(layout.directory, [path.removeprefix(layout.path("")) for path in texts])
    layout.save_code(document.code)
    sections = {**(document.state or {}), **kept.sections}
    if sections.keys() != kept.sections.keys():
        state.save(layout, replace(kept, sections=sections), kept)
    layout.save_index(layout.store().last_id())
    layout.save_experiment(ExperimentDocument(document.info))


def _all_texts(layout: Layout, document: ExperimentDocument, archive: str) -> dict[str, bytes]:
    """Return path and text of the files that archived measurements and failures are to have."""
    texts = dict(_texts(layout, _archived(layout, document), archive))
    for failure in document.failures:
        texts[layout.failure_file(failure_id(failure))] = layout.failure_text(failure)
    return texts


def _texts(layout: Layout, trees: dict[int, Tree], archive: str) -> Iterator[tuple[str, bytes]]:
    """Yield path and text of the files that archived measurements are to have."""
    names = layout.config.measurements(layout.format.suffix)
    known_paths = layout.store().files()
    for id, tree in trees.items():
        path = layout.path(names.name(id))
        for other in known_paths.get(id, ()):
            if other != path:
                _check_same(other, id, tree, archive)
        if path in known_paths.get(id, (path,)):
            yield path, layout.text("measurement", tree)


def _check_same(path: str, id: int, tree: Tree, archive: str) -> None:
    try:
        same = documents.same(documents.load_measurement(path, id), tree)
    except DataFileError:
        same = False
    if not same:
        raise differs(path, archive)


def _write_out(path: str, text: bytes, archive: str) -> None:
    try:
        files.create(path, text, sync=False)
    except FileExistsError:
        if not _is_there(path, text, archive):
            files.replace(path, text, sync=False)


def _is_there(path: str, text: bytes, archive: str) -> bool:
    """Whether a file has the content; DataFileError when it has another that means something."""
    try:
        content = files.read(path)
    except FileNotFoundError:
        return False
    if content == text:
        return True
    # After a power cut the beginning of a file can bear its name, with zero bytes where the disk has not been written.
    beginning = content.rstrip(b"\0")
    if len(beginning) <= len(text) and all(a in (0, b) for a, b in zip(beginning, text, strict=False)):
        return False
    decode = (format_of(path) or JSON).decode
    try:
        same = documents.same(decode(content), decode(text))
    except DataFileError:
        same = False
    if not same:
        raise differs(path, archive)
    return True


# ----------------------------------------------------------------------------------------------- reset


def reset(
    layout: Layout, document: ExperimentDocument, kept: StateDocument, *, delete: bool = False
) -> dict[str, Any]:
    """Move all measurements and failures to ``removed/``, or delete them; the next id is 1 again."""
    archive = layout.file_of(document)
    archived = entries_by_id(document.measurements, archive)[0]
    if not delete and not document.active:
        # A file that differs from what is archived, or an entry without an id, is found before anything is changed.
        for path, text in _all_texts(layout, document, archive).items():
            _is_there(path, text, archive)
    failures = {*layout.failure_ids(kept.failure_floor), *map(failure_id, document.failures)}
    ids = archived.keys() | layout.store(kept.measurement_floor).ids()
    mark: dict[str, Any] = {
        "measurements": max([kept.measurement_floor, *ids]),
        "failures": max([kept.failure_floor, *failures]),
    }
    number: dict[str, Any] = {"measurements": len(ids), "failures": len(failures)}
    size, folder = _size(layout, document), None
    if not delete and number != {"measurements": 0, "failures": 0}:
        marks = {**(document.state or {}), **kept.sections}.get(EXCLUDED)
        folder = removing.new_folder(layout, "reset", marks=marks)
        mark["folder"] = PurePath(folder.path).name
    marked = replace(kept, reset=mark)
    # From here on nobody counts what is about to go, so that half a reset is not seen.
    try:
        state.save(layout, marked, kept)
    except StorageError as error:
        if not delete or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        # There is no room for the mark before something is deleted.
        _delete(layout, mark)
        state.save(layout, marked, kept)
    finish_reset(layout, document, state.load_to_change(layout))
    return {**number, "bytes": size, "folder": None if folder is None else folder.name}


def _size(layout: Layout, document: ExperimentDocument) -> int:
    """Return the bytes of all measurements and failures, and of the files next to them."""
    paths = [path for paths in layout.store().files().values() for path in paths]
    paths += [layout.failure_file(id) for id in layout.failure_ids()]
    names = layout.config.measurements()
    paths += [path for paths in documents.candidates(layout.directory, names).values() for path in paths]
    archive = [] if document.active else [layout.file_of(document)]
    return sum(map(files.size, [*paths, *archive]))


def finish_reset(layout: Layout, document: ExperimentDocument, kept: StateDocument) -> None:
    """Take away what a reset began to; `document` and `kept` are what the files hold now."""
    mark = kept.reset or {}
    folder = mark.get("folder")
    if folder is not None:
        _move_away(layout, document, mark, folder)
    last, last_failure = kept.measurement_floor, kept.failure_floor
    archived = entries_by_id(document.measurements, layout.experiment_file)[0]
    remaining = [tree for id, tree in archived.items() if id > last]
    digests = document.digest_of()
    layout.save_experiment(
        replace(
            document,
            info={**document.info, **NO_DATES},
            measurements=remaining,
            state=without_marks(document.state),
            failures=[tree for tree in document.failures if failure_id(tree) > last_failure],
            digests=[digests.get(failure_id(tree)) for tree in remaining] if digests else None,
        )
    )
    problems = []
    if folder is None:
        for id, tree in archived.items():
            if id <= last:
                documents.remove(tree, layout.store().stem(id))
        problems = _delete(layout, mark)
    if document.active:
        layout.save_index(max(layout.store(last).ids(), default=0))
    files.sync_directory(layout.directory)
    # A file that the disk did not give out for a moment may be a measurement: while the mark stays, it does not count.
    is_left = any(map(documents.refused, problems))
    unmarked = without_marks(kept.sections) or {}
    state.save(layout, replace(kept, sections=unmarked, reset=kept.reset if is_left else None), kept)
    if problems:
        warn(
            f"{len(problems)} files have the name of a measurement or failure but cannot be read; the reset left them: "
            f"{_said(problems)}.{' The next change tries again.' * is_left}",
            DataFileWarning,
        )


def _move_away(layout: Layout, document: ExperimentDocument, mark: Mapping[str, int], name: str) -> None:
    """Move measurements and failures, archived ones too, to the folder of a reset."""
    folder = removing.Folder(files.inside(layout.path(REMOVED), name))
    files.make_directory(folder.path)
    archived = entries_by_id(document.measurements, layout.experiment_file)[0]
    paths = {id: paths for id, paths in layout.store().files().items() if id <= mark["measurements"]}
    removing.move_measurements(layout, {**dict.fromkeys(archived, ()), **paths}, folder, archived)
    for id in layout.failure_ids():
        if id <= mark["failures"]:
            with suppress(FileNotFoundError):
                path = layout.failure_file(id)
                files.move(path, folder.inside(path))
    if not document.active:
        archive = layout.file_of(document)
        texts = {folder.inside(path): text for path, text in _all_texts(layout, document, archive).items()}
        for path, text in texts.items():
            _write_out(path, text, archive)
        files.sync_everything(folder.path, [PurePath(path).name for path in texts])
    files.sync_directory(folder.path)


def _delete(layout: Layout, mark: Mapping[str, int]) -> list[DataFileError]:
    """Delete the files of measurements and failures up to some ids, and return what is wrong with those that stay."""
    problems = []
    store = layout.store()
    # What is read first is known to be a measurement; whatever else has such a name is not ours to delete.
    for id, paths in store.files().items():
        for path in paths if id <= mark.get("measurements", 0) else ():
            try:
                tree = documents.load_measurement(path, id)
                documents.remove(tree, store.stem(id))
                files.remove(path)
            except DataFileError as error:
                problems.append(error)
            except FileNotFoundError:
                pass
    for id in layout.failure_ids():
        try:
            if id <= mark.get("failures", 0) and layout.load_failure(id):
                files.remove(layout.failure_file(id))
        except DataFileError as error:
            problems.append(error)
        except FileNotFoundError:
            pass
    return problems


_ASIDE = f"move it to {REMOVED}"
_ARCHIVE = "move it into the experiment file, from which `activate` brings everything back"

Action = Callable[[], object]


class Inspection:
    """All that is wrong in the directory of one experiment, and what repairs it."""

    def __init__(
        self,
        layout: Layout,
        document: ExperimentDocument,
        kept: StateDocument,
        *,
        alone: bool = True,
        unfit: Sequence[str] = (),
    ) -> None:
        self._layout = layout
        self._document = document
        self._state = kept
        self._unfit = unfit
        self._folder: removing.Folder | None = None
        self._found: list[tuple[Finding, Action | None]] = []
        self._archived = entries_by_id(document.measurements, self._archive)[0]
        self._experiment_file()
        self._reset()
        self._temporary()
        self._hints()
        self._archive_entries()
        if alone:
            self._owners = {id: tree for id, tree in self._archived.items() if files_of(tree)}
            self._events: dict[Hashable, dict[int, str]] = {}
            self._has_runs = False
            self._measurements()
            self._external()
            self._failures()
            self._index()
            self._names()
        self._found.sort(key=lambda found: (found[0].file, found[0].kind))
        self.findings = [finding for finding, _ in self._found]

    def repair(self) -> None:
        """Repair what can be repaired. The caller holds the lock of the experiment."""
        actions: list[Action] = []
        for _, action in self._found:
            if action is not None and action not in actions:
                actions.append(action)
        # What moves a file out of the way comes before what needs all files to be readable.
        for action in sorted(actions, key=lambda action: action == self._take_into_archive):
            action()

    @property
    def _archive(self) -> str:
        return self._layout.file_of(self._document)

    def _note(self, path: str, kind: str, text: str, repair: str = "", action: Action | None = None) -> None:
        self._found.append((Finding(PurePath(path).name, kind, text, repair), action))

    # ----------------------------------------------------------------------------- files that are there once

    def _experiment_file(self) -> None:
        layout = self._layout
        if other := layout.other_id(self._document.info):
            self._note(self._archive, "id", other)
        plain, packed = files.exists(layout.experiment_file), files.exists(layout.packed_file)
        if not plain and not packed:
            text = "is lost; description, tags and dates are unknown"
            self._note(
                layout.experiment_file,
                "experiment",
                text,
                "write it",
                partial(layout.save_experiment, self._document),
            )
        elif plain and packed:
            other = layout.experiment_file if self._archive == layout.packed_file else layout.packed_file
            text = f"is next to {PurePath(self._archive).name}, which counts"
            self._note(other, "experiment", text, _ASIDE, self._aside(other))

    def _reset(self) -> None:
        if self._state.reset is not None:
            text = f"records an interrupted reset; measurements up to {self._state.measurement_floor} do not count"
            # Whoever takes the lock finishes it.
            self._note(STATE, "reset", text, "finish the reset", lambda: None)

    def _temporary(self) -> None:
        here = files.host()
        alive = [run for run in noted_runs(self._layout.directory) if run[0] != here]
        for name in files.leftovers(self._layout.directory, alive):
            text = "is the temporary file of a process that has ended"
            self._note(name, "temporary", text, "delete it", lambda: None)

    def _hints(self) -> None:
        kept = self._state
        if kept.foreign:
            self._note(STATE, "state", f"{kept.foreign}; move or rename it")
        if kept.damaged:
            self._note(kept.damaged, "state", kept.fault, "keep a copy and write it again", self._save_state)
        for name in kept.old:
            if name != kept.damaged:
                self._note(name, "state", state.describe(kept), "move it", self._save_state)
        for sentence in self._unfit:
            self._note(STATE, "mark", f"has a mark that is not used: {sentence}")

    def _save_state(self) -> None:
        kept = self._state
        if kept.damaged == STATE and kept.data is not None:
            removing.keep(self._layout, STATE, kept.data)
        state.save(self._layout, kept, kept)

    def _index(self) -> None:
        layout, paths = self._layout, self._layout.index_files()
        if not self._document.active:
            for path in paths:
                self._note(
                    path, "index", "is an index of an inactive experiment", "delete it", layout.remove_index
                )
            return
        if self._state.reset is not None:
            return
        last = layout.store().last_id()
        with warning_once(), warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always", ComaWarning)
            try:
                known = layout.load_index()
            except StorageError as error:
                self._note(layout.index_file, "index", f"cannot be read ({reason(error, layout.index_file)})")
                return
        text = ""
        if not paths:
            text = "is lost"
        elif warned:
            text = "makes no sense"
        elif known < last:
            text = f"says that the last measurement is {known}; it is {last}"
        elif len(paths) > 1:
            text = "exists in two formats"
        if text:
            repair = "write it from the existing files"
            self._note(layout.index_file, "index", f"{text}; Coma 2 goes by it", repair, self._write_index)

    def _write_index(self) -> None:
        with warning_once(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ComaWarning)
            self._layout.raise_index()

    # ---------------------------------------------------------------------------------------- measurements

    def _measurements(self) -> None:
        for id, paths in self._layout.store(self._state.measurement_floor).files().items():
            trees = {path: tree for path in paths if (tree := self._measurement(path, id)) is not None}
            if len(trees) == 2:
                self._twice(trees)
            self._owners.update((id, tree) for tree in trees.values() if files_of(tree))
            if not self._document.active:
                for path, tree in trees.items():
                    self._beside(path, tree, self._archived.get(id))
            for path, tree in list(trees.items())[:1]:
                event = event_of(tree)
                if event is not None:
                    self._has_runs |= isinstance(event, tuple)
                    name = event, key(tree.get("parameters")), repeat_of(tree)
                    self._events.setdefault(name, {})[id] = path
        self._duplicates()
        self._lost_state()

    def _lost_state(self) -> None:
        """Note that the state is missing, which `run` writes before its first measurement."""
        kept = self._state
        is_known = kept.sections or kept.damaged or kept.foreign or kept.refusal
        if self._has_runs and self._document.active and not is_known:
            text = "is lost; definition, annotations, marks and requested parameter sets are unknown"
            self._note(STATE, "state", text)

    def _duplicates(self) -> None:
        """Note which measurements record the event of another one."""
        paths = {id: path for some in self._events.values() if len(some) > 1 for id, path in some.items()}
        # One that is used counts before one that is not.
        marks = self._state.sections.get(documents.EXCLUDED, {})
        order = sorted(paths, key=lambda id: (str(id) in marks, id))
        trees = ((id, documents.load_measurement(paths[id], id)) for id in order)
        for id, other in doubles(trees).items():
            text = f"records the same event as measurement {other}, and does not count"
            self._note(paths[id], "duplicate", text)

    def _measurement(self, path: str, id: int) -> Tree | None:
        """Return the tree of a measurement file and note what is wrong in it."""
        data = self._content(path)
        if data is None:
            return None
        try:
            tree = documents.load(path, "measurement")
            other_id = documents.number(tree, path, id)
        except (DataFileError, FileNotFoundError) as error:
            self._note(path, "unreadable", f"cannot be read ({reason(error, path)}); it does not count")
            return None
        if other_id is not None:
            self._note(path, "id", f"has the id {other_id!r} inside; {id}, in its name, counts")
        if format_of(path) is JSON:
            self._keys(path, data)
        return tree

    def _content(self, path: str) -> bytes | None:
        """Return the content of a file, None when there is none."""
        try:
            data = files.read(path)
        except FileNotFoundError:
            self._note(path, "unreadable", "is a symbolic link that leads nowhere; it does not count")
        except (DataFileError, OSError) as error:
            self._note(path, "unreadable", f"cannot be read ({reason(error, path)}); it does not count")
        else:
            content = data.rstrip(b"\0 \r\n\t")
            if content.endswith((b"}", b">")):
                return data
            if content and content[:1] in b"{<":
                text = "is cut off, as a full disk or a power cut leaves it"
            elif content:
                return data
            else:
                text = f"{'holds zero bytes' if data else 'is empty'}, as a power cut leaves it"
            self._note(path, "cut" if content else "empty", text, _ASIDE, self._aside(path))
        return None

    def _keys(self, path: str, data: bytes) -> None:
        if twice := _keys_twice(data):
            text = f"has a key twice in one dictionary ({listing(twice, 3)}); the last one counts"
            self._note(path, "keys", text)

    def _twice(self, trees: dict[str, Tree]) -> None:
        one, other = trees
        if documents.same(trees[one], trees[other]):
            text = f"has the same content as {PurePath(one).name}"
            self._note(other, "twice", text, _ASIDE, self._aside(other))
        else:
            text = f"differs from {PurePath(one).name}, which counts"
            self._note(other, "differs", f"{text}; move one of them out of the directory")

    def _beside(self, path: str, tree: Tree, archived: Tree | None) -> None:
        name = PurePath(self._archive).name
        if archived is not None and not documents.same(archived, tree):
            text = f"differs from the measurement of this id in {name}, which counts"
            self._note(path, "differs", f"{text}; move one of them out of the directory")
            return
        text = f"is {'also in' if archived is not None else 'not in'} {name}, which makes the experiment inactive"
        # As deactivate or activate leave it that were cut off, or somebody who put it there.
        self._note(path, "beside", text, _ARCHIVE, self._take_into_archive)

    def _external(self) -> None:
        """Look at the files next to measurements: whether all exist, as they were written, and belong to one."""
        unclaimed = {
            path
            for paths in documents.candidates(
                self._layout.directory, self._layout.config.measurements()
            ).values()
            for path in paths
        }
        for id, tree in self._owners.items():
            stem = self._layout.store().stem(id)
            for path in documents.paths_of(tree, stem):
                if path not in unclaimed:
                    self._note(path, "external", f"is missing; measurement {id} refers to it")
                unclaimed.discard(path)
            for path, (size, sha256) in documents.digests_of(tree, stem).items():
                self._digest(path, size, sha256, id)
        for path in sorted(unclaimed):
            text = "belongs to no measurement, as a killed run leaves it"
            self._note(path, "external", text, _ASIDE, self._aside(path))

    def _digest(self, path: str, size: int, sha256: str, id: int) -> None:
        if not files.exists(path):
            return
        try:
            if files.sha256(path, size) != sha256:
                self._note(path, "external", f"is not as it was written with measurement {id} (SHA-256)")
        except FileNotFoundError:
            self._note(
                path, "external", f"is a symbolic link that leads nowhere; measurement {id} refers to it"
            )
        except (DataFileError, OSError) as error:
            self._note(
                path, "external", f"cannot be read ({reason(error, path)}); measurement {id} refers to it"
            )

    def _take_into_archive(self) -> None:
        try:
            deactivate(self._layout, self._layout.load_experiment(), state.load_to_change(self._layout))
        except DataFileError:
            # Of another file, which is among the findings.
            return

    def _archive_entries(self) -> None:
        if self._document.active:
            return
        entries, digests = self._document.measurements, self._document.digests
        for error in entries_by_id(entries, self._archive)[1]:
            self._note(self._archive, "archive", f"has a bad entry: {reason(error, self._archive)}")
        if digests is not None and len(digests) != len(entries):
            text = f"has {len(digests)} digests for {len(entries)} measurements; it was changed by hand"
            self._note(self._archive, "digest", text)
        for id, digest in self._document.digest_of().items():
            if digest and documents.digest(self._archived[id]) != digest:
                text = f"has a measurement {id} that is not as it was archived (SHA-256)"
                self._note(self._archive, "digest", text)
        if format_of(self._layout.experiment_name) is JSON:
            data = files.read(self._archive, documents.ARCHIVE_LIMIT)
            packed = self._archive.endswith(GZ)
            self._keys(self._archive, unpack(data, documents.ARCHIVE_LIMIT) if packed else data)

    # -------------------------------------------------------------------------------- failures, other names

    def _failures(self) -> None:
        layout = self._layout
        archived = {failure_id(tree) for tree in self._document.failures}
        for id in layout.failure_ids(self._state.failure_floor):
            path = layout.failure_file(id)
            if self._content(path) is None:
                continue
            try:
                layout.load_failure(id)
            except (DataFileError, FileNotFoundError) as error:
                text = f"cannot be read ({reason(error, path)}); the parameters count as never tried"
                self._note(path, "unreadable", text)
            else:
                if not self._document.active:
                    text = f"is {'also in' if id in archived else 'not in'} {PurePath(self._archive).name}"
                    self._note(path, "beside", text, _ARCHIVE, self._take_into_archive)

    def _names(self) -> None:
        for name in _almost(self._layout):
            self._note(name, "name", "is not a name of a measurement and does not count")

    def _aside(self, path: str) -> Action:
        def move() -> None:
            self._folder = removing.set_aside(self._layout, [path], "found by verify", self._folder)

        return move


def _almost(layout: Layout) -> Iterator[str]:
    """Yield names that begin and end as those of measurements and are none."""
    config = layout.config
    head = config.measurement_file.partition("${")[0]
    indices = {PurePath(path).name for path in layout.index_files()}
    for name in files.names(layout.directory):
        likely = name.startswith(head) and ("json" in name or "xml" in name)
        if not head or not likely or name in indices:
            continue
        if not any(kind.id_of(name) for kind in config.all_measurements()):
            yield name


def _keys_twice(data: bytes) -> list[str]:
    """Return the keys that a JSON text, which is known to be one, has twice in one dictionary."""
    twice: dict[str, None] = {}

    def note(pairs: list[tuple[str, Any]]) -> None:
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys):
            twice.update((key, None) for key, number in Counter(keys).items() if number > 1)

    standard_json.loads(data, object_pairs_hook=note, parse_int=str, parse_float=str)
    return list(twice)
