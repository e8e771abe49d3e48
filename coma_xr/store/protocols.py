"""Archiving an experiment, bringing it back, resetting it: in steps that may be cut off anywhere.

At every instant all measurements can be read, from the experiment file or from measurement files; a step
that deletes comes after what replaces it is on the disk for good. Repeating the call finishes what was cut
off. The caller holds the lock of the experiment.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from coma_xr import files
from coma_xr.encoding.formats import JSON, format_of
from coma_xr.errors import DataFileError, DataFileWarning, InactiveError, warn
from coma_xr.store import beside, documents
from coma_xr.store.archive import differs, entries_by_id
from coma_xr.store.layout import (
    NO_DATES,
    ExperimentDocument,
    Layout,
    StateDocument,
    failure_id,
    without_marks,
)
from coma_xr.text import listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coma_xr.values.plain import Tree

__all__ = ["activate", "deactivate", "finish_reset", "reset"]


# ---------------------------------------------------------------------------------------------- archive


def deactivate(layout: Layout, document: ExperimentDocument, *, compress: bool = False) -> None:
    """Move all measurements and failures into the experiment file.

    Parameters
    ----------
    layout : Layout
        Where.
    document : ExperimentDocument
        What the experiment file holds now.
    compress : bool, default False
        Write a compressed experiment file.

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
    kept = {failure_id(tree): tree for tree in document.failures}
    failures = {id: layout.load_failure(id) for id in layout.failure_ids()}
    if document.measurements is not None and not (found or failures or layout.index_files()):
        raise InactiveError(f"The experiment in {layout.directory} is inactive already.")
    # What is archived keeps its digests, so that damage since then is not passed for sound.
    everything, digests = {**found, **archived}, document.digest_of()
    all_failures = {**kept, **failures}
    ids = sorted(everything)
    document = ExperimentDocument(
        document.info,
        [everything[id] for id in ids],
        layout.load_state().state or document.state,
        [all_failures[id] for id in sorted(all_failures)],
        [digests.get(id) or documents.digest(everything[id]) for id in ids],
        compressed=compress or document.compressed,
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


def _read_all(layout: Layout) -> dict[int, Tree]:
    store = layout.store()
    found = dict(store.trees())
    if store.problems:
        raise _refuse(store.problems)
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


def activate(layout: Layout, document: ExperimentDocument) -> None:
    """Write each archived measurement and failure to a file of its own, then take them out of the experiment file.

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
    texts = dict(_texts(layout, _archived(layout, document), archive))
    for failure in document.failures:
        texts[layout.failure_file(failure_id(failure))] = layout.failure_text(failure)
    lacking = [path for path, text in texts.items() if not _is_there(path, text, archive)]
    for path in lacking:
        _write_out(path, texts[path], archive)
    files.sync_everything(layout.directory, [path.removeprefix(layout.path("")) for path in texts])
    state = layout.load_state()
    if state.state is None and document.state:
        layout.save_state(StateDocument(document.state, state.reset))
    layout.save_index(layout.store().last_id())
    layout.save_experiment(ExperimentDocument(document.info))


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


def reset(layout: Layout, document: ExperimentDocument) -> None:
    """Delete all measurements and failures; the next id is 1 again.

    Files that cannot be read stay, and a warning names them.
    """
    state = layout.load_state()
    archived = entries_by_id(document.measurements or [], layout.experiment_file)[0]
    kept = [failure_id(tree) for tree in document.failures]
    last = max(layout.store().last_id(), max(archived, default=0), state.measurement_floor)
    last_failure = max([*layout.failure_ids(), *kept, state.failure_floor], default=0)
    # From here on nobody counts what is about to be deleted, so that half a reset is not seen.
    state.reset = {"measurements": last, "failures": last_failure}
    layout.save_state(state)
    finish_reset(layout, document, state)


def finish_reset(layout: Layout, document: ExperimentDocument, state: StateDocument) -> None:
    """Delete what a reset began to; `document` and `state` are what the files hold now."""
    measurements = None
    if document.measurements is not None:
        archived = entries_by_id(document.measurements, layout.experiment_file)[0]
        for id, tree in archived.items():
            if id <= state.measurement_floor:
                beside.remove(tree, layout.store().stem(id))
        measurements = [tree for id, tree in archived.items() if id > state.measurement_floor]
    failures = [tree for tree in document.failures if failure_id(tree) > state.failure_floor]
    info = {**document.info, **NO_DATES}
    digests = document.digest_of()
    layout.save_experiment(
        ExperimentDocument(
            info,
            measurements,
            without_marks(document.state),
            failures,
            [digests.get(failure_id(tree)) for tree in measurements or []] if digests else None,
            document.compressed,
        )
    )
    problems = _delete_measurements(layout, state.measurement_floor)
    for id in layout.failure_ids():
        try:
            if id <= state.failure_floor and layout.load_failure(id):
                files.remove(layout.failure_file(id))
        except DataFileError as error:
            problems.append(error)
    if document.measurements is None:
        layout.save_index(max(layout.store(state.measurement_floor).ids(), default=0))
    files.sync_directory(layout.directory)
    layout.save_state(StateDocument(without_marks(state.state)))
    if problems:
        warn(
            f"These files bear a measurement's or failure's name but cannot be read; the reset left them: "
            f"{_said(problems)}.",
            DataFileWarning,
        )


def _delete_measurements(layout: Layout, last: int) -> list[DataFileError]:
    """Delete the measurement files up to an id, and return what is wrong with those that stay."""
    problems = []
    store = layout.store()
    for id, paths in store.files().items():
        for path in paths if id <= last else ():
            # What is read first is known to be a measurement; whatever else has such a name is not ours to delete.
            try:
                tree = documents.load_measurement(path, id)
                beside.remove(tree, store.stem(id))
                files.remove(path)
            except DataFileError as error:
                problems.append(error)
            except FileNotFoundError:
                pass
    return problems
