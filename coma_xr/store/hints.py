"""What may stand in the files of ours that anybody may change: the state, the last scan, records of failures.

Each function tells what of a tree has the shape that the rest of the package relies on, and what has not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coma_xr.define.parameters import Definition
from coma_xr.errors import ExperimentError
from coma_xr.text import listing
from coma_xr.tree import split

if TYPE_CHECKING:
    from coma_xr.values.plain import Tree

# A file of some bytes must not make work for hours: more sets than are written out, beyond which a run was
# never asked for.
_MANY_REPEATS = 100
_MANY_POINTS = 1_000_000

# Sections of the state: marks by ids, the ids as strings; scans by a key, and the key of the last one.
EXCLUDED = "excluded"
SCANS, ASKED = "scans", "asked"

# In a mark: why, and of which measurement.
REASON, OF = "reason", "of"
_DIGITS = 19

_AXIS: dict[str, Any] = {"dim": str, "names": list, "depends": (bool, list), "derived": bool, "points": bool}
_NOTE: dict[str, Any] = {"dims": list, "coords": dict, "formerly": (str, list)}
_EXCEPTION = ("type", "message", "traceback")


def sound_state(state: dict[str, Tree]) -> tuple[dict[str, Tree], list[str]]:
    """Return the entries of a state that can be used, and what is wrong with the others.

    Examples
    --------
    >>> sound_state({"definition": [["a", "parameters/a"]], "seed": "none"})
    ({'definition': [['a', 'parameters/a']]}, ["'seed' is no whole number"])
    """
    sound, faults = {}, []
    for name, value in state.items():
        fault = _CHECKS[name](value) if name in _CHECKS else ""
        if fault:
            faults.append(f"{name!r} {fault}")
        if not fault:
            sound[name] = value
        elif name in _ENTRIES and isinstance(value, dict):
            sound[name] = {key: entry for key, entry in value.items() if _ENTRIES[name](key, entry)}
    return sound, faults


def _fault_of_definition(value: Tree) -> str:
    if not isinstance(value, list) or not all(map(_is_pair, value)):
        return "is no list of names and paths"
    try:
        Definition.from_state(value)
    except ExperimentError as error:
        return f"defines no parameters: {error}"
    return ""


def _is_pair(value: Tree) -> bool:
    return isinstance(value, list) and len(value) == 2 and _are_texts(value)


def _are_texts(value: Tree) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _fault_of_annotations(value: Tree) -> str:
    if not isinstance(value, dict) or not all(isinstance(note, dict) for note in value.values()):
        return "is no dictionary of notes by path"
    for path, note in value.items():
        for name, kind in _NOTE.items():
            there = note.get(name)
            if there is not None and not isinstance(there, kind):
                return f"has {name!r} of {path!r} that is of type {type(there).__name__}"
        texts = [
            *(note.get("coords") or {}).values(),
            *(_list(note.get("dims"))),
            *_list(note.get("formerly")),
        ]
        if not _are_texts([text for text in texts if text is not None]):
            return f"has names for {path!r} that are no texts"
    return ""


def _list(value: Tree) -> list[Tree]:
    return value if isinstance(value, list) else []


def _fault_of_marks(value: Tree) -> str:
    if not isinstance(value, dict):
        return "is no dictionary of reasons by id"
    bad = [id for id, reason in value.items() if not _is_mark(id, reason)]
    return f"marks no measurement by {listing(map(repr, bad), 3)}" if bad else ""


def _is_mark(id: str, mark: Tree) -> bool:
    reason = mark.get(REASON) if isinstance(mark, dict) else mark
    return isinstance(reason, str) and id.isascii() and id.isdigit() and len(id) < _DIGITS


def _fault_of_records(value: Tree) -> str:
    if not isinstance(value, dict):
        return "is no dictionary of scans"
    return next(
        (f"has a scan {name!r} that cannot be used" for name in value if not _is_record(name, value[name])),
        "",
    )


def _is_record(_: str, record: Tree) -> bool:
    """Whether something holds parameters, axes and sets, each a list of groups of rows."""
    if not isinstance(record, dict) or _fault_of_definition(record.get("parameters")):
        return False
    axes, products = record.get("axes"), record.get("sets")
    if not isinstance(axes, list) or not all(map(_is_axis, axes)) or not isinstance(products, list):
        return False
    size = len(record["parameters"])
    groups = all(isinstance(product, list) and all(map(_are_rows, product)) for product in products)
    return groups and all(sum(len(rows[0]) for rows in product if rows) <= size for product in products)


def _are_rows(rows: Tree) -> bool:
    """Whether something is a list of lists of one length."""
    return isinstance(rows, list) and set(map(type, rows)) <= {list} and len(set(map(len, rows))) <= 1


def _fault_of_asked(value: Tree) -> str:
    return fault_of_scan(value) if isinstance(value, dict) else "is no scan"


def _fault_of_layout(value: Tree) -> str:
    if not isinstance(value, dict) or value.get("kind") not in ("grid", "points"):
        return "is no layout"
    dims = value.get("dims")
    return (
        ""
        if dims is None or (isinstance(dims, list) and all(map(_is_pair, dims)))
        else "has dims that are no pairs"
    )


def _fault_of_names(value: Tree) -> str:
    sound = isinstance(value, dict) and all(_is_name(name, path) for name, path in value.items())
    return "" if sound else "is no dictionary of paths by name"


def _is_name(name: str, path: Tree) -> bool:
    return bool(name) and isinstance(path, str) and bool(split(path))


def _fault_of_seed(value: Tree) -> str:
    return "" if type(value) is int and value >= 0 else "is no whole number"


def _fault_of_name(value: Tree) -> str:
    return "" if isinstance(value, str) else "is no name"


_CHECKS = {
    "definition": _fault_of_definition,
    "annotations": _fault_of_annotations,
    "names": _fault_of_names,
    EXCLUDED: _fault_of_marks,
    "seed": _fault_of_seed,
    "function": _fault_of_name,
    SCANS: _fault_of_records,
    ASKED: _fault_of_asked,
    "layout": _fault_of_layout,
}

# Sections that are used without those of their entries that make no sense.
_ENTRIES = {EXCLUDED: _is_mark, SCANS: _is_record, "names": _is_name}


def fault_of_scan(scan: dict[str, Tree]) -> str:
    """Return what is wrong with the record of what was asked for, empty if nothing is.

    Examples
    --------
    >>> fault_of_scan({"parameters": [["a", "parameters/a"]], "axes": None, "sets": [[1]], "repeats": None})
    ''
    >>> fault_of_scan({"parameters": [["a", "parameters/a"]], "sets": [[1, 2]]})
    "'sets' is no list of sets of 1 values"
    """
    parameters, sets = scan.get("parameters"), scan.get("sets")
    fault = _fault_of_definition(parameters)
    if fault:
        return f"'parameters' {fault}"
    size = len(parameters or [])
    if not isinstance(sets, list) or not set(map(type, sets)) <= {list} or not set(map(len, sets)) <= {size}:
        return f"'sets' is no list of sets of {size} values"
    repeats = scan.get("repeats")
    if repeats is not None and (type(repeats) is not int or repeats < 1):
        return "'repeats' is no number from 1 on"
    if repeats is not None and repeats > max(_MANY_REPEATS, _MANY_POINTS // max(1, len(sets))):
        return f"'repeats' asks for {repeats} times {len(sets)} points"
    if not _are_records(scan.get("exact") or {}):
        return "'exact' is no dictionary of pairs of values"
    axes = scan.get("axes")
    if axes is not None and not (isinstance(axes, list) and all(map(_is_axis, axes))):
        return "'axes' is no list of axes"
    return ""


def _are_records(exact: Tree) -> bool:
    lists = list(exact.values()) if isinstance(exact, dict) else [None]
    return all(isinstance(pairs, list) and all(_is_list_of_two(pair) for pair in pairs) for pairs in lists)


def _is_list_of_two(pair: Tree) -> bool:
    return isinstance(pair, list) and len(pair) == 2


def _is_axis(axis: Tree) -> bool:
    if not isinstance(axis, dict) or not {"dim", "names"} <= axis.keys():
        return False
    kinds = all(isinstance(axis[name], kind) for name, kind in _AXIS.items() if name in axis)
    return kinds and _are_texts(axis["names"]) and _are_texts(_list(axis.get("depends")))


def fault_of_failure(tree: dict[str, Tree]) -> str:
    """Return what is wrong with the record of a failure, empty if nothing is.

    Examples
    --------
    >>> fault_of_failure({"info": {}, "exception": "ValueError"})
    "expected a dictionary 'failure/exception' with texts 'type', 'message' and 'traceback'"
    """
    exception = tree.get("exception")
    if not isinstance(exception, dict) or not _are_texts([exception.get(name) for name in _EXCEPTION]):
        return "expected a dictionary 'failure/exception' with texts 'type', 'message' and 'traceback'"
    if type(tree["info"].get("repeat", 0)) is not int:
        return "expected a whole number 'failure/info/repeat'"
    return ""
