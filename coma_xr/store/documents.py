"""Files that hold one tree under one root, such as ``{"measurement": {...}}``: read, checked, written.

What is wrong with a file is said here and nowhere else.
"""

from __future__ import annotations

import errno
import gc
import hashlib
import json as standard_json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.encoding import json
from coma_xr.encoding.formats import JSON, Format, format_of
from coma_xr.errors import DataFileError, DataFileWarning, StorageError, warn
from coma_xr.store.packing import GZ, unpack
from coma_xr.text import count, listing

if TYPE_CHECKING:
    from coma_xr.values.plain import Tree

ARCHIVE_LIMIT = 4 * 2**30

# Bytes of a file from which on it pays to hold the garbage collector back.
_LONG = 100_000

# Characters of a key in a message.
_SHOWN = 80

# The file is not at fault when the process ran out of these.
_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def load(path: str, root: str, *, limit: int = files.LIMIT) -> Tree:
    """Return the tree under the root of a file.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DataFileError
        It cannot be read as what it should be. The message says why.
    """
    packed = path.endswith(GZ)
    decode = (format_of(path.removesuffix(GZ)) or JSON).decode
    try:
        data = files.read(path, limit)
        with _without_collector() if len(data) > _LONG else nullcontext():
            tree = decode(unpack(data, limit) if packed else data)
    except StorageError as error:
        if error.errno in _OURS:
            raise
        raise DataFileError(f"{path}: {error.strerror}.") from error
    except DataFileError as error:
        if str(error).startswith(path):
            raise
        raise DataFileError(f"{path}: {error}.") from error
    except MemoryError as error:
        raise DataFileError(f"{path}: reading it takes more memory than there is.") from error
    return branch(tree, root, path)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the garbage collector from looking through a large tree again and again while it grows."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def branch(tree: Tree, root: str, path: str) -> dict[str, Tree]:
    """Return the dictionary under the root of what was read from a file."""
    if not isinstance(tree, dict):
        raise DataFileError(f"{path}: expected a dictionary with the key '{root}', found {_kind(tree)}.")
    if root not in tree:
        raise DataFileError(
            f"{path}: expected the key '{root}', found {listing(_short(tree)) if tree else 'no key'}."
        )
    found = tree[root]
    if not isinstance(found, dict):
        raise DataFileError(f"{path}: expected a dictionary under '{root}', found {_kind(found)}.")
    return found


def _short(keys: Iterable[str]) -> list[str]:
    return [key[:_SHOWN] for key in keys]


def load_measurement(path: str, id: int, other_ids: dict[int, Tree] | None = None) -> Tree:
    """Return the measurement tree of a file, with the id of the file's name; note another one that is in it."""
    tree = load(path, "measurement")
    other_id = number(tree, path, id)
    if other_id is not None and other_ids is not None:
        other_ids[id] = other_id
    return tree


def number(tree: dict[str, Tree], path: str, id: int) -> Tree:
    """Give a measurement tree the id of its file's name; return another one that it had, None otherwise.

    Raises
    ------
    DataFileError
        It is no measurement.
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
            f"{path}: expected a dictionary 'measurement/info', found {_kind(info) if tree else 'an empty measurement'}."
        )
    rest = {name: child for name, child in tree.items() if name != "info"}
    tree.clear()
    tree |= {"info": {"measurement_id": id}, **rest}
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


def digest(tree: Tree) -> str:
    """Return the SHA-256 of a tree: of ``json.dumps(tree, separators=(",", ":"))``, by Python's own json.

    Examples
    --------
    >>> digest({"info": {"measurement_id": 1}})
    'bd5e62d8dfc5295c523b980e4f1bdb155a47cf44f888edf80f443749dcaf2116'
    """
    try:
        text = standard_json.dumps(tree, separators=(",", ":")).encode()
    except ValueError:  # ints of more digits than Python writes
        text = json.encode(tree, pretty=False)
    return hashlib.sha256(text).hexdigest()


def whole_number(value: Any) -> bool:
    """Whether a value read from a file is a number that can count something."""
    return type(value) is int and 0 <= value < 10**18


def reason(error: Exception, path: str) -> str:
    """Return why a file cannot be used, without its path and the full stop."""
    why = getattr(error, "strerror", None) or str(error)
    return why.removeprefix(f"{path}: ").removesuffix(".")


def _kind(value: Tree) -> str:
    return {dict: "a dictionary", list: "a list", str: "text", type(None): "nothing"}.get(
        type(value), f"a value of type {type(value).__name__}"
    )
