"""Files that hold one tree under one root, such as ``{"measurement": {...}}``: read, checked, written, packed."""

from __future__ import annotations

import errno
import hashlib
import json as standard_json
import math
import zlib
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.define.parameters import Definition
from coma_xr.define.scan_records import MOST_COMBINATIONS
from coma_xr.encoding import json
from coma_xr.encoding.formats import JSON, XML, Format
from coma_xr.errors import DataFileError, DataFileWarning, ExperimentError, StorageError, warn
from coma_xr.text import count, listing
from coma_xr.tree import no_collection
from coma_xr.values.external import files_of, references

if TYPE_CHECKING:
    from coma_xr.store.config import Names
    from coma_xr.values.plain import Tree

ARCHIVE_LIMIT = 4 * 2**30

# Bytes of a file from which on it pays to hold the garbage collector back, and to have a cache of an archive.
LONG = 100_000

# Characters of a key in a message.
_SHOWN = 80

# The file is not at fault when the process ran out of these.
_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def load(
    path: str,
    root: str,
    *,
    limit: int = files.LIMIT,
    stamps: list[files.Stamp] | None = None,
    as_archive: bool = False,
) -> Tree:
    """Return the tree under the root of a file, decoded by `Format.decode_archive` if it is read `as_archive`.

    Raise FileNotFoundError when there is no such file, and DataFileError when it cannot be read as what it should be.
    """
    packed = path.endswith(GZ)
    format = XML if path.removesuffix(GZ).endswith(XML.suffix) else JSON
    try:
        data = files.read(path, limit, stamps)
        decode = format.decode_archive if as_archive and len(data) >= LONG else format.decode
        with no_collection() if len(data) >= LONG else nullcontext():
            tree = decode(unpack(data, limit) if packed else data)
    except StorageError as error:
        if error.errno in _OURS:
            raise
        raise DataFileError(str(error.strerror), where=path) from error
    except DataFileError as error:
        if error.where == path:
            raise
        raise error.at(path) from error
    except MemoryError as error:
        raise DataFileError("reading it takes more memory than there is", where=path) from error
    return branch(tree, root, path)


def branch(tree: Tree, root: str, path: str) -> dict[str, Tree]:
    """Return the dictionary under the root of what was read from a file."""
    if not isinstance(tree, dict):
        raise DataFileError(found=_kind(tree), where=path, expected=f"a dictionary with the key '{root}'")
    if root not in tree:
        raise DataFileError(
            found=listing(_short(tree)) if tree else "no key", where=path, expected=f"the key '{root}'"
        )
    content = tree[root]
    if not isinstance(content, dict):
        raise DataFileError(found=_kind(content), where=path, expected=f"a dictionary under '{root}'")
    return content


def _short(keys: Iterable[str]) -> list[str]:
    return [key[:_SHOWN] for key in keys]


def load_measurement(
    path: str,
    id: int,
    other_ids: dict[int, Tree] | None = None,
    stamps: list[files.Stamp] | None = None,
) -> Tree:
    """Return the measurement tree of a file, with the id of the file's name; note another one that is in it."""
    tree = load(path, "measurement", stamps=stamps)
    other_id = number(tree, path, id)
    if other_id is not None and other_ids is not None:
        other_ids[id] = other_id
    return tree


def number(tree: dict[str, Tree], path: str, id: int) -> Tree:
    """Give a measurement tree the id of its file's name; return another one that it had, None otherwise.

    Raise DataFileError when it is not a measurement.
    """
    info = tree.get("info")
    if isinstance(info, dict):
        other_id = info.get("measurement_id")
        if type(other_id) is int and other_id == id:
            return None
        info["measurement_id"] = id
        return other_id
    if info is not None or not tree:
        raise DataFileError(
            found=_kind(info) if tree else "an empty measurement",
            where=path,
            expected="a dictionary 'measurement/info'",
        )
    branches = {name: child for name, child in tree.items() if name != "info"}
    tree.clear()
    tree |= {"info": {"measurement_id": id}, **branches}
    return None


def warn_of_ids(directory: str, other_ids: Mapping[int, Tree]) -> None:
    """Report measurements that have another id inside than in the names of their files."""
    if other_ids:
        pairs = listing((f"{id} ({other!r} inside)" for id, other in sorted(other_ids.items())), 3)
        warn(
            f"{count(len(other_ids), 'measurement')} in {directory} with another id inside than in the file's name, which "
            f"counts: {pairs}.",
            DataFileWarning,
        )


def text(root: str, tree: Tree, *, pretty: bool, strict: bool, format: Format = JSON) -> bytes:
    """Return the text of a file that holds a tree under a root."""
    return format.encode({root: tree}, pretty=pretty, strict=strict)


def same(one: Tree, other: Tree) -> bool:
    """Whether two trees are written alike: NaN equals NaN, 1 differs from 1.0."""
    return one is other or json.encode(one, pretty=False) == json.encode(other, pretty=False)


_encode_for_digest = standard_json.JSONEncoder(separators=(",", ":")).encode


def digest(tree: Tree) -> str:
    """Return the SHA-256 of a tree: of ``json.dumps(tree, separators=(",", ":"))``, by Python's own json.

    >>> digest({"info": {"measurement_id": 1}})
    'bd5e62d8dfc5295c523b980e4f1bdb155a47cf44f888edf80f443749dcaf2116'
    """
    try:
        text = _encode_for_digest(tree).encode()
    except ValueError:  # ints of more digits than Python writes
        text = json.encode(tree, pretty=False)
    return hashlib.sha256(text).hexdigest()


def whole_number(value: Any) -> bool:
    """Whether a value read from a file is a number that can count something."""
    return type(value) is int and 0 <= value < 10**18


def refused(error: BaseException) -> StorageError | None:
    """Return the refusal of the operating system behind an error; None when the content of a file is at fault."""
    return next((one for one in (error, error.__cause__) if isinstance(one, StorageError)), None)


def reason(error: Exception, path: str) -> str:
    """Return why a file cannot be used, without its path and the full stop."""
    why = getattr(error, "strerror", None) or str(error)
    return why.removeprefix(f"{path}: ").removesuffix(".")


def _kind(value: Tree) -> str:
    return {dict: "a dictionary", list: "a list", str: "text", type(None): "nothing"}.get(
        type(value), f"a value of type {type(value).__name__}"
    )


# A file of some bytes must not make work for hours: more sets than are written out, beyond which a run was
# never asked for.
_MANY_REPEATS = 100

# Sections of the state: marks by ids, the ids as strings; scans by a key, and the key of the last one.
EXCLUDED = "excluded"
SCANS, ASKED = "scans", "asked"

# In a mark: the reason, and the parameters of the measurement.
REASON, OF = "reason", "of"
_DIGITS = 19

_AXIS: dict[str, Any] = {"dim": str, "names": list, "depends": (bool, list), "derived": bool, "points": bool}
_NOTE: dict[str, Any] = {"dims": list, "coords": dict, "formerly": (str, list)}
_EXCEPTION = ("type", "message", "traceback")


def sound_state(state: dict[str, Tree]) -> tuple[dict[str, Tree], list[str]]:
    """Return the entries of a state that can be used, and what is wrong with the others.

    >>> sound_state({"definition": [["a", "parameters/a"]], "seed": "none"})
    ({'definition': [['a', 'parameters/a']]}, ["'seed' is not an integer"])
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
        return "is not a list of names and paths"
    try:
        Definition.from_state(value)
    except ExperimentError as error:
        return f"defines no parameters: {error.line()}"
    return ""


def _is_pair(value: Tree) -> bool:
    return isinstance(value, list) and len(value) == 2 and _are_texts(value)


def _are_texts(value: Tree) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _fault_of_annotations(value: Tree) -> str:
    if not isinstance(value, dict) or not all(isinstance(note, dict) for note in value.values()):
        return "is not a dictionary of notes by path"
    for path, note in value.items():
        for name, kind in _NOTE.items():
            noted = note.get(name)
            if noted is not None and not isinstance(noted, kind):
                return f"has {name!r} of {path!r} that is of type {type(noted).__name__}"
        texts = [
            *(note.get("coords") or {}).values(),
            *(_list(note.get("dims"))),
            *_list(note.get("formerly")),
        ]
        if not _are_texts([text for text in texts if text is not None]):
            return f"has names for {path!r} that are not strings"
    return ""


def _list(value: Tree) -> list[Tree]:
    return value if isinstance(value, list) else []


def _fault_of_marks(value: Tree) -> str:
    if not isinstance(value, dict):
        return "is not a dictionary of reasons by id"
    bad = [id for id, reason in value.items() if not _is_mark(id, reason)]
    return f"marks no measurement by {listing(map(repr, bad), 3)}" if bad else ""


def _is_mark(id: str, mark: Tree) -> bool:
    reason = mark.get(REASON) if isinstance(mark, dict) else mark
    return isinstance(reason, str) and id.isascii() and id.isdigit() and len(id) < _DIGITS


def _fault_of_records(value: Tree) -> str:
    if not isinstance(value, dict):
        return "is not a dictionary of scans"
    return next(
        (f"has a scan {name!r} that cannot be used" for name in value if not _is_record(name, value[name])),
        "",
    )


def _is_record(_: str, record: Tree) -> bool:
    """Whether something holds parameters, axes and sets, each a list of groups of rows."""
    if not isinstance(record, dict) or _fault_of_definition(record.get("parameters")):
        return False
    parameters, products = record["parameters"], record.get("sets")
    if not _are_axes(record.get("axes"), parameters) or not isinstance(products, list):
        return False
    size = len(parameters)
    return all(isinstance(product, list) and 0 <= _width(product) <= size for product in products)


def _width(groups: list[Tree]) -> int:
    """Return how many values rows of all groups have together, -1 where a group is no list of rows of one length."""
    return sum(len(rows[0]) for rows in groups if rows) if all(map(_are_rows, groups)) else -1


def _are_rows(rows: Tree, length: int | None = None) -> bool:
    """Whether something is a list of lists of one length, which may be given."""
    if not isinstance(rows, list) or not set(map(type, rows)) <= {list}:
        return False
    lengths = set(map(len, rows))
    return len(lengths) <= 1 and (length is None or lengths <= {length})


def _fault_of_layout(value: Tree) -> str:
    if not isinstance(value, dict) or value.get("kind") not in ("grid", "points"):
        return "is not a layout"
    dims = value.get("dims")
    return (
        ""
        if dims is None or (isinstance(dims, list) and all(map(_is_pair, dims)))
        else "has dims that are not pairs"
    )


def _fault_of_names(value: Tree) -> str:
    sound = isinstance(value, dict) and all(_is_name(name, path) for name, path in value.items())
    return "" if sound else "is not a dictionary of paths by name"


def _is_name(name: str, path: Tree) -> bool:
    return bool(name) and isinstance(path, str) and bool(path.strip("/"))


def _fault_of_codes(value: Tree) -> str:
    sound = isinstance(value, dict) and all(isinstance(date, str) for date in value.values())
    return "" if sound else "is not a dictionary of dates by code state"


def _fault_of_reports(value: Tree) -> str:
    return (
        ""
        if isinstance(value, dict) and all(map(_are_texts, value.values()))
        else "is not a dictionary of lists"
    )


def _is_figure(_: str, record: Tree) -> bool:
    return isinstance(record, dict)


def _fault_of_figures(value: Tree) -> str:
    if isinstance(value, dict) and all(_is_figure(name, record) for name, record in value.items()):
        return ""
    return "is not a dictionary of figures by name"


_CHECKS = {
    "accepted_code": _fault_of_codes,
    "reported_code": _fault_of_reports,
    "definition": _fault_of_definition,
    "annotations": _fault_of_annotations,
    "names": _fault_of_names,
    EXCLUDED: _fault_of_marks,
    "seed": lambda value: "" if type(value) is int and value >= 0 else "is not an integer",
    "function": lambda value: "" if isinstance(value, str) else "is not a name",
    "command": lambda value: "" if _are_texts(value) else "is not a list of words",
    SCANS: _fault_of_records,
    ASKED: lambda value: fault_of_scan(value) if isinstance(value, dict) else "is not a scan",
    "layout": _fault_of_layout,
    "figures": _fault_of_figures,
}

# Sections that are used without those of their entries that make no sense.
_ENTRIES = {EXCLUDED: _is_mark, SCANS: _is_record, "names": _is_name, "figures": _is_figure}


def fault_of_scan(scan: dict[str, Tree]) -> str:
    """Return what is wrong with the record of what was asked for, empty if nothing is.

    >>> fault_of_scan({"parameters": [["a", "parameters/a"]], "axes": None, "sets": [[1]], "repeats": None})
    ''
    >>> fault_of_scan({"parameters": [["a", "parameters/a"]], "sets": [[1, 2]]})
    "'sets' is not a list of sets of 1 values"
    """
    parameters, sets, most = scan.get("parameters"), scan.get("sets"), _MANY_REPEATS
    fault = _fault_of_definition(parameters)
    if fault:
        return f"'parameters' {fault}"
    size = len(parameters or [])
    if "products" in scan:
        groups = scan["products"]
        if not isinstance(groups, list) or not all(groups) or _width(groups) != size:
            return f"'products' is not a list of groups of rows with {size} values in all"
        number, most = math.prod(map(len, groups)), 1
        if number > MOST_COMBINATIONS:
            return f"'products' has {number} parameter sets"
    elif isinstance(sets, list) and _are_rows(sets, size):
        number = len(sets)
    else:
        return f"'sets' is not a list of sets of {size} values"
    beyond = scan.get("beyond", 0)
    if type(beyond) is not int or beyond < 0:
        return "'beyond' is not a number from 0 on"
    repeats = scan.get("repeats")
    if repeats is not None and (type(repeats) is not int or repeats < 1):
        return "'repeats' is not a number from 1 on"
    if repeats is not None and repeats > max(most, MOST_COMBINATIONS // max(1, number)):
        return f"'repeats' asks for {repeats} times {number} points"
    if not _are_records(scan.get("exact") or {}):
        return "'exact' is not a dictionary of pairs of values"
    axes = scan.get("axes")
    if axes is not None and not _are_axes(axes, parameters or []):
        return "'axes' is not a list of axes of these parameters"
    return ""


def _are_records(exact: Tree) -> bool:
    lists = list(exact.values()) if isinstance(exact, dict) else [None]
    return all(isinstance(pairs, list) and all(_is_list_of_two(pair) for pair in pairs) for pairs in lists)


def _is_list_of_two(pair: Tree) -> bool:
    return isinstance(pair, list) and len(pair) == 2


def _are_axes(axes: Tree, parameters: list[Tree]) -> bool:
    """Whether something is a list of axes, which name parameters that there are."""
    names = {name for name, _ in parameters}
    return isinstance(axes, list) and all(_is_axis(axis) and names.issuperset(axis["names"]) for axis in axes)


def _is_axis(axis: Tree) -> bool:
    if not isinstance(axis, dict) or not {"dim", "names"} <= axis.keys():
        return False
    kinds = all(isinstance(axis[name], kind) for name, kind in _AXIS.items() if name in axis)
    return kinds and _are_texts(axis["names"]) and _are_texts(_list(axis.get("depends")))


def fault_of_failure(tree: dict[str, Tree]) -> str:
    """Return what is wrong with the record of a failure, empty if nothing is.

    >>> fault_of_failure({"info": {}, "exception": "ValueError"})
    "expected a dictionary 'failure/exception' with strings 'type', 'message' and 'traceback'"
    """
    exception = tree.get("exception")
    if not isinstance(exception, dict) or not _are_texts([exception.get(name) for name in _EXCEPTION]):
        return "expected a dictionary 'failure/exception' with strings 'type', 'message' and 'traceback'"
    if type(tree["info"].get("repeat", 0)) is not int:
        return "expected an integer 'failure/info/repeat'"
    return ""


GZ = ".gz"

# With the header of gzip.
_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 6

# A small file must not fill the memory: what is unpacked may be this many times its size, from so many bytes on.
_MOST = 100
_FREE = 4 * 2**20


def pack(data: bytes) -> bytes:
    """Return the content of a compressed file; of the same data it is always the same.

    Data that could be packed to less than a hundredth are packed less well, so that they are read again.

    >>> unpack(pack(b"t" * 1000), 1000) == b"t" * 1000
    True
    """
    packed = _pack(data, zlib.Z_DEFAULT_STRATEGY)
    return packed if len(data) <= _most(packed) else _pack(data, zlib.Z_HUFFMAN_ONLY)


def _pack(data: bytes, strategy: int) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP, strategy=strategy)
    return packer.compress(data) + packer.flush()


def _most(packed: bytes) -> int:
    """Return the number of bytes that a file may hold."""
    return max(_FREE, _MOST * len(packed))


def unpack(data: bytes, limit: int) -> bytes:
    """Return what a compressed file holds.

    Raise DataFileError when it is damaged or cut off, or holds more than `limit` bytes, or more than 4 MiB and 100
    times its own size; no more are made.
    """
    unpacker = zlib.decompressobj(_GZIP)
    most = _most(data)
    try:
        unpacked = unpacker.decompress(data, min(limit, most) + 1)
    except zlib.error as error:
        raise DataFileError.damaged(f"not valid gzip: {error}", expected="a gzip file") from None
    if len(unpacked) > most:
        raise DataFileError(
            f"holds more than {_MOST} times its {len(data)} bytes, as files do that are made to fill the memory",
            ways=["If it is sound, unpack it with gunzip; then it is read."],
        )
    if len(unpacked) > limit:
        raise DataFileError(f"holds more than the {limit} bytes that are read")
    if not unpacker.eof:
        raise DataFileError.damaged("not valid gzip: it is cut off" if data else "empty")
    if unpacker.unused_data.strip(b"\0"):
        raise DataFileError.damaged("not valid gzip: more follows behind its end")
    return unpacked


_LARGEST = 2**62


def create(path: str, data: bytes, stem: str, contents: Mapping[str, bytes], *, sync: bool) -> None:
    """Write a measurement with files next to it, these first, so that it counts only when all exist.

    Raise FileExistsError when one of the names is taken; nothing was changed.
    """
    made: list[str] = []
    try:
        for file, content in contents.items():
            files.create(f"{stem}.{file}", content, sync=sync)
            made.append(f"{stem}.{file}")
        files.create(path, data, sync=sync)
    except FileExistsError:
        _discard(made)
        raise
    except BaseException:
        # A measurement that has its name already counts, whatever came then, and needs them.
        if not files.exists(path):
            _discard(made)
        raise


def paths_of(tree: Tree, stem: str) -> list[str]:
    """Return the paths of the files that a measurement lists."""
    return [f"{stem}.{file}" for file in files_of(tree)]


def lacking(tree: Tree, stem: str) -> list[str]:
    """Return those paths where there is no file."""
    return [path for path in paths_of(tree, stem) if not files.exists(path)]


def contents(tree: Tree, stem: str) -> dict[str, bytes]:
    """Return what is in the files that a measurement lists, by the last part of their names."""
    return {file: files.read(f"{stem}.{file}", _LARGEST) for file in files_of(tree)}


def remove(tree: Tree, stem: str) -> None:
    """Delete the files that a measurement lists, as far as they exist."""
    _discard(paths_of(tree, stem))


def candidates(directory: str, names: Names) -> dict[int, list[str]]:
    """Return the paths of all files in a directory whose names are those of files next to measurements, by their ids."""
    paths: dict[int, list[str]] = {}
    for name, id in names.beside(files.names(directory)):
        paths.setdefault(id, []).append(files.inside(directory, name))
    return {id: sorted(paths[id]) for id in sorted(paths)}


def digests_of(tree: Tree, stem: str) -> dict[str, tuple[int, str]]:
    """Return the size and SHA-256 that each file had when it was written, by its path."""
    return {
        f"{stem}.{reference.file}": (reference.size, reference.sha256)
        for reference in references(tree)
        if reference.file in files_of(tree)
    }


def _discard(paths: Iterable[str]) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            files.remove(path)
