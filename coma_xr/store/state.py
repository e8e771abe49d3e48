"""``coma.json``: what the user defined, noted and ran, kept as sections that writers at the same time unite."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.encoding import json
from coma_xr.encoding.formats import JSON
from coma_xr.errors import DataFileError, DataFileWarning, ExperimentError, StorageError, warn
from coma_xr.store import documents, removing
from coma_xr.store.documents import ASKED, SCANS, sound_state
from coma_xr.text import listing
from coma_xr.tree import no_collection

if TYPE_CHECKING:
    from coma_xr.store.layout import Layout
    from coma_xr.values.plain import Tree

STATE = "coma.json"
ROOT = "coma_xr"
RESET = "reset"

# Where version 1 kept the state and the last scan.
OLD_STATE, OLD_SCAN = ".coma.json", ".coma.scan.json"

# Our own file begins with the root; what else cannot be read was cut off or damaged.
_BEGINNING = 64


@dataclass(frozen=True)
class StateDocument:
    """The content of ``coma.json``."""

    sections: dict[str, Tree] = field(default_factory=dict)
    reset: dict[str, Any] | None = None
    damaged: str = ""
    fault: str = ""
    foreign: str = ""
    data: bytes | None = None
    old: tuple[str, ...] = ()
    # What the operating system said where it refused to read a file: what is in it is unknown.
    refusal: StorageError | None = None

    @property
    def measurement_floor(self) -> int:
        """The highest measurement id that is being taken away, 0 if none is."""
        return int((self.reset or {}).get("measurements", 0))

    @property
    def failure_floor(self) -> int:
        """The highest failure id that is being taken away, 0 if none is."""
        return int((self.reset or {}).get("failures", 0))

    @property
    def tree(self) -> dict[str, Tree]:
        """The content below the root of the file."""
        return self.sections if self.reset is None else {**self.sections, RESET: self.reset}

    def check_known(self) -> None:
        """Raise StorageError when the disk did not give out the state, which every change has to carry on."""
        if self.refusal is not None:
            error = self.refusal
            raise StorageError(
                error.errno, f"{error.strerror}; nothing was changed", error.filename
            ) from error


@no_collection()
def load(layout: Layout) -> StateDocument:
    """Return the state, of version 1's files too; what cannot be used is left out with a warning."""
    path = layout.path(STATE)
    data, tree, foreign, fault, refusal = None, {}, "", "", None
    try:
        data = files.read(path)
        tree = documents.branch(JSON.decode(data), ROOT, path)
    except FileNotFoundError:
        pass
    except StorageError as error:
        refusal = error
    except DataFileError as error:
        fault = f"cannot be read and counts as empty ({documents.reason(error, path)})"
        if data is None or not is_own(data):
            foreign = f"is not a file of coma_xr ({documents.reason(error, path)})"
            fault = ""
            warn(
                f"{path} {foreign}: definition, annotations and marks are not read from it.", DataFileWarning
            )
    sections, reset, faults = _sound(tree)
    if faults:
        fault = f"has an entry that is not used: {'; '.join(faults)}"
    if fault:
        warn(f"{path} {fault}.", DataFileWarning)
    old = _load_old(layout)
    refusal = refusal or old.refusal
    if refusal is not None:
        warn(
            f"{layout.directory}: {refusal.strerror}. Definition, annotations and marks in it are not known, and "
            "nothing can be changed.",
            DataFileWarning,
        )
    return StateDocument(
        {**old.sections, **sections},
        old.reset if reset is None else reset,
        STATE if fault else old.damaged,
        fault or old.fault,
        foreign,
        data,
        old.old,
        refusal,
    )


def load_to_change(layout: Layout) -> StateDocument:
    """Return the state; StorageError when the disk does not give it out."""
    kept = load(layout)
    kept.check_known()
    return kept


def is_own(data: bytes) -> bool:
    """Whether the content of a ``coma.json`` was written by coma_xr, or is what a power cut leaves of it."""
    return b'"coma_xr"' in data[:_BEGINNING] or not data.strip(b"\0")


def _sound(tree: dict[str, Tree]) -> tuple[dict[str, Tree], dict[str, Any] | None, list[str]]:
    """Return the sections that can be used, the mark of a reset, and what is wrong with the others."""
    reset = tree.get(RESET)
    sections, faults = sound_state({name: section for name, section in tree.items() if name != RESET})
    if reset is None or _is_reset(reset):
        return sections, reset, faults
    return sections, None, [*faults, f"{RESET!r} marks no reset"]


def _is_reset(reset: Tree) -> bool:
    return isinstance(reset, dict) and all(
        documents.whole_number(reset.get(name, 0)) for name in ("measurements", "failures")
    )


def _load_old(layout: Layout) -> StateDocument:
    """Return what is in the files of version 1."""
    sections: dict[str, Tree] = {}
    reset, names, damaged, fault, refusal = None, [], "", "", None
    for name in (OLD_STATE, OLD_SCAN):
        path, faults = layout.path(name), []
        try:
            tree = documents.load(path, ROOT)
        except FileNotFoundError:
            continue
        except (StorageError, DataFileError) as error:
            if refused := documents.refused(error):
                refusal = refused
                continue
            faults = [f"cannot be read and counts as empty ({documents.reason(error, path)})"]
        else:
            own, mark, wrong = _sound(_sections_of(name, tree))
            sections, reset = {**sections, **own}, reset or mark
            faults = [f"has an entry that is not used: {'; '.join(wrong)}"] if wrong else []
        names.append(name)
        if faults:
            damaged, fault = name, faults[0]
            warn(f"{path} {fault}.", DataFileWarning)
    return StateDocument(sections, reset, damaged, fault, old=tuple(names), refusal=refusal)


def _sections_of(name: str, tree: dict[str, Tree]) -> dict[str, Tree]:
    """Return as sections what a file of version 1 holds."""
    if name == OLD_SCAN:
        return {ASKED: tree} if tree else {}
    state = tree.get("state")
    sections = dict(state) if isinstance(state, dict) else {} if state is None else {"state": state}
    return sections if tree.get(RESET) is None else {**sections, RESET: tree[RESET]}


def save(layout: Layout, document: StateDocument, base: StateDocument) -> StateDocument:
    """Write the state, united with what another process wrote since `base` was read; return what is written.

    Raise ExperimentError when ``coma.json`` is a file of another program's, which was not changed.
    """
    path = layout.path(STATE)
    if base.foreign:
        raise ExperimentError(
            f"{path} {base.foreign}, and is not overwritten.",
            name=STATE,
            ways=[
                "Move it out of the directory, or rename it: coma_xr keeps definition, annotations and marks there."
            ],
        )
    mine, expected = document.tree, base.data
    while True:
        current = _read(path)
        if current != expected:
            mine, expected = united(base.tree, mine, _decoded(layout, current)), current
        text = _text(layout, mine)
        with suppress(FileExistsError):  # made meanwhile, where locks do not hold
            replaced = files.swap(path, text)
            if replaced == expected:
                break
            # What was replaced has to be carried on here: its writer takes it for written.
            mine, expected = united(base.tree, mine, _decoded(layout, replaced)), text
    _forget_old(layout, base)
    reset: Any = mine.get(RESET)
    return StateDocument({name: section for name, section in mine.items() if name != RESET}, reset, data=text)


def _read(path: str) -> bytes | None:
    try:
        return files.read(path)
    except FileNotFoundError:
        return None


def _decoded(layout: Layout, data: bytes | None) -> dict[str, Tree]:
    """Return what another process wrote; what cannot be read is kept aside."""
    if data is None:
        return {}
    try:
        return documents.branch(JSON.decode(data), ROOT, STATE)
    except DataFileError:
        removing.keep(layout, STATE, data)
        return {}


# How deep sections are united, by default their entries; of what is consistent only as one, either version is taken.
_DEPTHS = {"annotations": 2, "definition": 0, "layout": 0, ASKED: 0, RESET: 0}


def united(base: dict[str, Tree], ours: dict[str, Tree], theirs: dict[str, Tree]) -> dict[str, Tree]:
    """Return two changed versions of the sections as one, key by key; of what both changed, theirs.

    What is missing in theirs alone is kept: they may never have seen it.

    >>> united({"seed": 1}, {"seed": 1, "excluded": {"1": "a"}}, {"seed": 1, "excluded": {"2": "b"}})
    {'seed': 1, 'excluded': {'2': 'b', '1': 'a'}}
    """
    both: dict[str, Tree] = {}
    for name in dict.fromkeys([*theirs, *ours]):
        before, mine, other = ({name: tree[name]} if name in tree else {} for tree in (base, ours, theirs))
        both |= _united(before, mine, other, _DEPTHS.get(name, 1))
    return both


def _united(
    base: dict[str, Tree], ours: dict[str, Tree], theirs: dict[str, Tree], depth: int
) -> dict[str, Tree]:
    """Return two versions of a dictionary as one, with the dictionaries in it down to a depth."""
    both = {}
    for key in dict.fromkeys([*theirs, *ours]):
        if key not in theirs:
            both[key] = ours[key]
        elif key not in ours:
            if key not in base or not documents.same(base[key], theirs[key]):
                both[key] = theirs[key]
        elif depth and isinstance(ours[key], dict) and isinstance(theirs[key], dict):
            earlier = base.get(key)
            both[key] = _united(
                earlier if isinstance(earlier, dict) else {}, ours[key], theirs[key], depth - 1
            )
        else:
            unchanged = key in base and documents.same(base[key], theirs[key])
            both[key] = ours[key] if unchanged else theirs[key]
    return both


def _text(layout: Layout, tree: dict[str, Tree]) -> bytes:
    """Return the text of the file: indented, but each scan on one line, which may have very many values."""
    config = layout.config
    strict = config.archive_strict_json
    rest = {name: section for name, section in tree.items() if name not in (SCANS, ASKED)}
    if not (rest and len(rest) < len(tree) and config.archive_pretty_print):
        return json.encode({ROOT: tree}, pretty=config.archive_pretty_print, strict=strict)

    def line(indent: int, name: str, value: Tree) -> bytes:
        return b"%b%b: %b" % (
            b" " * indent,
            json.encode(name),
            json.encode(value, pretty=False, strict=strict),
        )

    end = b"\n  }\n}"
    sections = [json.encode({ROOT: rest}, strict=strict).removesuffix(end)]
    if SCANS in tree:
        records = b",\n".join(line(6, name, record) for name, record in tree[SCANS].items())
        sections.append(b'    "%b": {\n%b\n    }' % (SCANS.encode(), records))
    if ASKED in tree:
        sections.append(line(4, ASKED, tree[ASKED]))
    return b",\n".join(sections) + end


def _forget_old(layout: Layout, base: StateDocument) -> None:
    """Delete version 1's files once the new file has their content; a file that holds more is kept."""
    for name in base.old:
        path = layout.path(name)
        with suppress(FileNotFoundError):
            if name == base.damaged or not _is_within(documents.load(path, ROOT), name, base.sections):
                removing.set_aside(layout, [path], f"replaced by {STATE}")
            else:
                files.remove(path)


def _is_within(old: dict[str, Tree], name: str, sections: dict[str, Tree]) -> bool:
    earlier = {key: section for key, section in _sections_of(name, old).items() if key != RESET}
    return all(key in sections and documents.same(sections[key], section) for key, section in earlier.items())


def describe(document: StateDocument) -> str:
    """Return what will happen to version 1's files."""
    entries = listing(sorted(document.sections)) if document.sections else "nothing"
    return f"is of version 1; the next change moves what it holds ({entries}) to {STATE}"
