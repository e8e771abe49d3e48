"""Archiving an experiment, bringing it back, resetting it: in steps that may be cut off anywhere.

At every instant all measurements can be read, from the experiment file or from measurement files; a step
that deletes comes after what replaces it is on the disk for good. Repeating the call finishes what was cut
off. The caller holds the lock of the experiment.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from coma_xr import files
from coma_xr.errors import DataFileError, DataFileWarning, InactiveError, listing, warn
from coma_xr.store import documents
from coma_xr.store.archive import differs, entries_by_id
from coma_xr.store.layout import NO_DATES, ExperimentDocument, Layout, StateDocument, failure_id
from coma_xr.trees import json

if TYPE_CHECKING:
    from coma_xr.trees.plain import Tree

__all__ = ["activate", "deactivate", "finish_reset", "reset"]


# ---------------------------------------------------------------------------------------------- archive


def deactivate(layout: Layout, document: ExperimentDocument) -> None:
    """Move all measurements and failures into the experiment file.

    Parameters
    ----------
    layout : Layout
        Where.
    document : ExperimentDocument
        What the experiment file holds now.

    Raises
    ------
    DataFileError
        A file cannot be read, or differs from what is archived under its id. Nothing was changed.
    InactiveError
        The experiment is inactive, and there is nothing left to do.
    """
    archived = _archived(layout, document)
    found = _read_all(layout)
    for id in found.keys() & archived.keys():
        if not documents.same(found[id], archived[id]):
            raise differs(layout.store().path(id), layout.experiment_file)
    kept = {failure_id(tree): tree for tree in document.failures}
    failures = {id: layout.load_failure(id) for id in layout.failure_ids()}
    if document.measurements is not None and not (found or failures or files.exists(layout.index_file)):
        raise InactiveError(f"The experiment in {layout.directory} is inactive already.")
    everything, all_failures = {**archived, **found}, {**kept, **failures}
    document = ExperimentDocument(
        document.info,
        [everything[id] for id in sorted(everything)],
        layout.load_state().state or document.state,
        [all_failures[id] for id in sorted(all_failures)],
    )
    _save_archive(layout, document)
    for id in sorted(found):
        files.remove(layout.store().path(id))
    for id in sorted(failures):
        files.remove(layout.failure_file(id))
    with suppress(FileNotFoundError):
        files.remove(layout.index_file)
    files.sync_directory(layout.directory)


def _archived(layout: Layout, document: ExperimentDocument) -> dict[int, Tree]:
    found, bad = entries_by_id(document.measurements or [], layout.experiment_file)
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
    if json.encode(json.decode(text), pretty=layout.config.archive_pretty_print) != text:
        raise DataFileError(
            f"{layout.experiment_file}: would not read back as it was written; nothing was changed."
        )
    files.replace(layout.experiment_file, text, verify=True)


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
    store = layout.store()
    texts = {
        store.path(id): documents.text("measurement", tree, pretty=layout.config.archive_pretty_print)
        for id, tree in _archived(layout, document).items()
    }
    for failure in document.failures:
        texts[layout.failure_file(failure_id(failure))] = layout.failure_text(failure)
    lacking = [path for path, text in texts.items() if not _is_there(path, text, layout)]
    for path in lacking:
        _write_out(path, texts[path], layout)
    files.sync_everything(layout.directory, [path.removeprefix(layout.path("")) for path in texts])
    state = layout.load_state()
    if state.state is None and document.state:
        layout.save_state(StateDocument(document.state, state.reset))
    layout.save_index(store.last_id())
    layout.save_experiment(ExperimentDocument(document.info))


def _write_out(path: str, text: bytes, layout: Layout) -> None:
    try:
        files.create(path, text, sync=False)
    except FileExistsError:
        if not _is_there(path, text, layout):
            files.replace(path, text, sync=False)


def _is_there(path: str, text: bytes, layout: Layout) -> bool:
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
    try:
        same = documents.same(json.decode(found), json.decode(text))
    except DataFileError:
        same = False
    if not same:
        raise differs(path, layout.experiment_file)
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
        measurements = [tree for id, tree in archived.items() if id > state.measurement_floor]
    failures = [tree for tree in document.failures if failure_id(tree) > state.failure_floor]
    info = {**document.info, **NO_DATES}
    layout.save_experiment(ExperimentDocument(info, measurements, document.state, failures))
    store = layout.store()
    # What is read first is known to be a measurement; whatever else has such a name is not ours to delete.
    understood = [id for id, _ in store.trees() if id <= state.measurement_floor]
    for id in understood:
        files.remove(store.path(id))
    problems = store.problems
    for id in layout.failure_ids():
        try:
            if id <= state.failure_floor and layout.load_failure(id):
                files.remove(layout.failure_file(id))
        except DataFileError as error:
            problems.append(error)
    if document.measurements is None:
        layout.save_index(max(layout.store(state.measurement_floor).ids(), default=0))
    files.sync_directory(layout.directory)
    layout.save_state(StateDocument(state.state))
    if problems:
        warn(
            f"These files bear a measurement's or failure's name but cannot be read; the reset left them: "
            f"{_said(problems)}.",
            DataFileWarning,
        )
