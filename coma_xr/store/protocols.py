"""Archiving an experiment, bringing it back, resetting it: in steps that may be cut off anywhere.

At every instant all measurements can be read, from the experiment file or from measurement files; a step
that deletes comes after what replaces it is on the disk for good. Repeating the call finishes what was cut
off. The caller holds the lock of the experiment.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.encoding.formats import JSON, format_of
from coma_xr.errors import DataFileError, DataFileWarning, InactiveError, StorageError, warn
from coma_xr.store import beside, documents, removing, state
from coma_xr.store.archive import differs, entries_by_id
from coma_xr.store.hints import EXCLUDED
from coma_xr.store.layout import NO_DATES, ExperimentDocument, Layout, failure_id, without_marks
from coma_xr.text import listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from coma_xr.store.state import StateDocument
    from coma_xr.values.plain import Tree


# ---------------------------------------------------------------------------------------------- archive


def deactivate(
    layout: Layout, document: ExperimentDocument, kept: StateDocument, *, compress: bool = False
) -> None:
    """Move all measurements and failures into the experiment file, with copies of the state and of ``code/``.

    Raises
    ------
    DataFileError
        A file cannot be read, or differs from what is archived under its id. Nothing was changed.
    InactiveError
        The experiment is inactive, and there is nothing left to do.
    """
    archived = _archived(layout, document)
    # Listed before they are read: what comes later was not taken along.
    paths = layout.store().files()
    found = _read_all(layout)
    for id in found.keys() & archived.keys():
        if not documents.same(found[id], archived[id]):
            raise differs(layout.store().path(id), layout.file_of(document))
    earlier = {failure_id(tree): tree for tree in document.failures}
    failures = _failures(layout)
    if document.measurements is not None and not (found or failures or layout.index_files()):
        raise InactiveError(f"The experiment in {layout.directory} is inactive already.")
    # What is archived keeps its digests, so that damage since then is not passed for sound.
    everything, digests = {**found, **archived}, document.digest_of()
    all_failures = {**earlier, **failures}
    ids = sorted(everything)
    document = ExperimentDocument(
        document.info,
        [everything[id] for id in ids],
        {**(document.state or {}), **kept.sections},
        [all_failures[id] for id in sorted(all_failures)],
        [digests.get(id) or documents.digest(everything[id]) for id in ids],
        compressed=compress or document.compressed,
        code={**document.code, **layout.load_code()},
    )
    _save_archive(layout, document)
    taken = [path for id in sorted(found) for path in paths.get(id, ())]
    for path in taken + [layout.failure_file(id) for id in sorted(failures)]:
        with suppress(FileNotFoundError):
            files.remove(path)
    layout.remove_index()
    files.sync_directory(layout.directory)


def _archived(layout: Layout, document: ExperimentDocument) -> dict[int, Tree]:
    found, bad = entries_by_id(document.measurements or [], layout.file_of(document))
    if bad:
        raise _refuse(bad)
    return found


def _failures(layout: Layout) -> dict[int, Tree]:
    found = {}
    for id in layout.failure_ids():
        with suppress(FileNotFoundError):  # removed since the directory was listed
            found[id] = layout.load_failure(id)
    return found


def _read_all(layout: Layout) -> dict[int, Tree]:
    store = layout.store()
    found = dict(store.trees())
    if store.problems:
        raise _refuse(store.problems)
    documents.warn_of_ids(layout.directory, store.other_ids)
    return found


def _said(problems: list[DataFileError]) -> str:
    return listing((str(problem).rstrip(".") for problem in problems), most=3)


def _refuse(problems: list[DataFileError]) -> DataFileError:
    return DataFileError(
        f"Nothing was changed, because {len(problems)} of the measurements cannot be taken along: "
        f"{_said(problems)}. Repair these files, or move them out of the directory."
    )


def _save_archive(layout: Layout, document: ExperimentDocument) -> None:
    text = layout.experiment_text(document)
    # What is not written as it was read would be lost with the measurement files.
    try:
        again = layout.text("experiment", layout.format.decode(text)["experiment"])
        reason = ""
    except DataFileError as error:
        again, reason = b"", f" ({error})"
    if again != text:
        raise DataFileError(
            f"{layout.file_of(document)}: would not read back as it was written{reason}; nothing was changed."
        )
    layout.write_experiment(document, text)


# ------------------------------------------------------------------------------------------- bring back


def activate(layout: Layout, document: ExperimentDocument, kept: StateDocument) -> None:
    """Write each archived measurement and failure to a file of its own, then take them out of the experiment file.

    What of the state and of ``code/`` is missing in the directory is taken from the experiment file.

    Raises
    ------
    DataFileError
        A file is in the way that differs from what is archived under its id. Nothing was changed.
    InactiveError
        The experiment is active.
    """
    if document.measurements is None:
        raise InactiveError(f"The experiment in {layout.directory} is active already.")
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
    there = layout.store().files()
    for id, tree in trees.items():
        path = layout.path(names.name(id))
        for other in there.get(id, ()):
            if other != path:
                _check_same(other, id, tree, archive)
        if path in there.get(id, (path,)):
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
        found = files.read(path)
    except FileNotFoundError:
        return False
    if found == text:
        return True
    # After a power cut the beginning of a file, or zero bytes, can bear its name.
    if text.startswith(found) or not found.strip(b"\0"):
        return False
    decode = (format_of(path) or JSON).decode
    try:
        same = documents.same(decode(found), decode(text))
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
    archived = entries_by_id(document.measurements or [], archive)[0]
    if not delete and document.measurements is not None:
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
    finish_reset(layout, document, state.load(layout))
    return {**number, "bytes": size, "folder": None if folder is None else folder.name}


def _size(layout: Layout, document: ExperimentDocument) -> int:
    """Return the bytes of all measurements and failures, and of the files beside them."""
    paths = [path for paths in layout.store().files().values() for path in paths]
    paths += [layout.failure_file(id) for id in layout.failure_ids()]
    names = layout.config.measurements()
    paths += [path for paths in beside.candidates(layout.directory, names).values() for path in paths]
    archive = [] if document.measurements is None else [layout.file_of(document)]
    return sum(map(files.size, [*paths, *archive]))


def finish_reset(layout: Layout, document: ExperimentDocument, kept: StateDocument) -> None:
    """Take away what a reset began to; `document` and `kept` are what the files hold now."""
    mark = kept.reset or {}
    folder = mark.get("folder")
    if folder is not None:
        _move_away(layout, document, mark, folder)
    last, last_failure = kept.measurement_floor, kept.failure_floor
    archived = entries_by_id(document.measurements or [], layout.experiment_file)[0]
    left = [tree for id, tree in archived.items() if id > last]
    digests = document.digest_of()
    layout.save_experiment(
        ExperimentDocument(
            {**document.info, **NO_DATES},
            None if document.measurements is None else left,
            without_marks(document.state),
            [tree for tree in document.failures if failure_id(tree) > last_failure],
            [digests.get(failure_id(tree)) for tree in left] if digests else None,
            document.compressed,
            document.code,
        )
    )
    problems = []
    if folder is None:
        for id, tree in archived.items():
            if id <= last:
                beside.remove(tree, layout.store().stem(id))
        problems = _delete(layout, mark)
    if document.measurements is None:
        layout.save_index(max(layout.store(last).ids(), default=0))
    files.sync_directory(layout.directory)
    state.save(layout, replace(kept, sections=without_marks(kept.sections) or {}, reset=None), kept)
    if problems:
        warn(
            f"{len(problems)} files have the name of a measurement or failure but cannot be read; the reset left them: "
            f"{_said(problems)}.",
            DataFileWarning,
        )


def _move_away(layout: Layout, document: ExperimentDocument, mark: Mapping[str, int], name: str) -> None:
    """Move measurements and failures, archived ones too, to the folder of a reset."""
    folder = removing.Folder(files.inside(layout.path(removing.REMOVED), name))
    files.make_directory(folder.path)
    archived = entries_by_id(document.measurements or [], layout.experiment_file)[0]
    paths = {id: paths for id, paths in layout.store().files().items() if id <= mark["measurements"]}
    removing.move_measurements(layout, {**dict.fromkeys(archived, ()), **paths}, folder, archived)
    for id in layout.failure_ids():
        if id <= mark["failures"]:
            with suppress(FileNotFoundError):
                path = layout.failure_file(id)
                files.move(path, folder.inside(path))
    if document.measurements is not None:
        archive = layout.file_of(document)
        for path, text in _all_texts(layout, document, archive).items():
            _write_out(folder.inside(path), text, archive)
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
                beside.remove(tree, store.stem(id))
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
