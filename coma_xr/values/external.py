"""Arrays in files next to the measurement: what marks them in a result, and what the tree keeps of them.

The tree has ``{"__type__": "coma.external", "file": "psi.nc", "type": "numpy.ndarray", ...}``, and ``info`` lists
the files. A file's whole name is that of the measurement, without its ending, then a dot and ``psi.nc``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from coma_xr.checks import checks_keywords
from coma_xr.errors import DataFileError, SerializationError
from coma_xr.text import with_article
from coma_xr.tree import TYPE, ToValue, part, whole_numbers

EXTERNAL = "coma.external"

FILES = "external"
"""The key in ``info`` below which a measurement lists its files."""

_PATH = "path"
_KINDS = {"numpy": {"ndarray"}, "xarray": {"DataArray", "Dataset"}}
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,120}\.nc")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LARGEST = 2**62


@checks_keywords
class External:
    """An array on its way to a file of its own, as `external` returns it.

    Parameters
    ----------
    value : ndarray, DataArray or Dataset
        The array.

    Examples
    --------
    >>> import numpy as np
    >>> external(np.zeros(3)).value
    array([0., 0., 0.])
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"external({type(self.value).__name__})"


@checks_keywords
def external(value: Any) -> External:
    """Mark a large array in a result, to store it in a netCDF file next to the measurement.

    Use it for arrays from about ten megabytes on. The measurement file keeps shape, dtype and SHA-256.

    Parameters
    ----------
    value : ndarray, DataArray or Dataset
        The array, of every dtype except structured ones. An array within a list is read together with the list.

    Returns
    -------
    External
        A marker to return from the function.

    Raises
    ------
    SerializationError
        For anything else.

    Notes
    -----
    A measurement returns the array with its type. A NumPy array is read when you access it, a DataArray or Dataset when
    you use its values. In the Dataset of the experiment, it is one lazy array that reads only the files of the
    selected part.

    Examples
    --------
    >>> import numpy as np
    >>> import coma_xr as coma
    >>> def wave(k):
    ...     return {"norm": 1.0, "psi": coma.external(np.exp(1j * k * np.linspace(0, 1, 1000)))}
    >>> e = coma.Experiment("waves")
    >>> e.run(wave, {"k": [1.0, 2.0, 3.0]})
    RunReport(saved=3, asked=3, skipped=0, failed=0)
    >>> e.to_dataset().psi.sizes
    Frozen({'k': 3, 'psi_index': 1000})
    """
    kind = type(value)
    if kind.__name__ not in _KINDS.get(kind.__module__.partition(".")[0], ()):
        raise SerializationError(
            f"coma.external() cannot take {with_article(kind.__name__)}.",
            expected="a NumPy array, a DataArray or a Dataset",
        )
    return External(value)


class _Path(str):
    """A path that was put into a tree here; one that a file names is plain text."""

    __slots__ = ()


@dataclass(frozen=True)
class Reference:
    """The record in a tree of an array in a file of its own."""

    file: str
    type: str
    shape: tuple[int, ...]
    dtype: str | None
    size: int
    sha256: str
    variable: str | None = None
    name: str | None = None
    path: str | None = None

    def to_tree(self) -> dict[str, Any]:
        """Return the stored form."""
        tree: dict[str, Any] = {
            TYPE: EXTERNAL,
            "file": self.file,
            "type": self.type,
            "shape": list(self.shape),
        }
        optional = {"dtype": self.dtype, "variable": self.variable, "name": self.name}
        tree |= {key: value for key, value in optional.items() if value is not None}
        return {**tree, "size": self.size, "sha256": self.sha256}

    @classmethod
    def of(cls, node: dict[str, Any]) -> Reference:
        """Return what a stored form says; DataFileError when it makes no sense."""
        file, sha256 = part(node, "file", str), part(node, "sha256", str)
        shape, size = whole_numbers(node, "shape"), part(node, "size", int)
        if not is_plain_name(file):
            raise DataFileError(
                f"a stored {EXTERNAL} names the file {file[:80]!r}", expected="a plain name that ends in .nc"
            )
        if not _SHA256.fullmatch(sha256) or size < 0 or not all(0 <= length < _LARGEST for length in shape):
            raise DataFileError(
                f"a stored {EXTERNAL} has an impossible shape, size or SHA-256",
                expected="lengths, a number of bytes and 64 hexadecimal digits",
            )
        root, _, kind = part(node, "type", str).partition(".")
        if kind not in _KINDS.get(root, ()):
            raise DataFileError(
                f"a stored {EXTERNAL} has the unknown type {node['type'][:80]!r}",
                available=[f"{root}.{kind}" for root, kinds in _KINDS.items() for kind in kinds],
            )
        texts = [node.get(key) for key in ("dtype", "variable", "name")]
        if not all(text is None or type(text) is str for text in texts):
            raise DataFileError(
                f"a stored {EXTERNAL} has a dtype or name that is not a string", expected="strings"
            )
        if kind != "Dataset" and (texts[0] is None or texts[1] is None):
            raise DataFileError(
                f"a stored {EXTERNAL} of one array has no dtype or no variable", expected="both"
            )
        # Each value takes a byte at least; who believed more would make room for what nobody stored.
        if kind != "Dataset" and math.prod(shape) > size:
            raise DataFileError(
                f"a stored {EXTERNAL} has {math.prod(shape):,} values in a file of {size:,} bytes",
                expected="at least one byte for each value",
            )
        path = node.get(_PATH)
        known = str(path) if type(path) is _Path else None
        variable = None if kind == "Dataset" else texts[1]
        return cls(file, node["type"], tuple(shape), texts[0], size, sha256, variable, texts[2], known)


_opener: Callable[[Reference], Any] | None = None


def open_with(function: Callable[[Reference], Any]) -> None:
    """Set the function that makes values of references; whoever tells trees where files are sets it."""
    global _opener  # noqa: PLW0603  the one place where it is set
    _opener = function


def is_external(node: Any) -> bool:
    """Whether a node of a plain tree stands for an array in a file of its own."""
    return isinstance(node, dict) and node.get(TYPE) == EXTERNAL


def is_plain_name(file: Any) -> bool:
    """Whether a string can be the last part of a file's name, and nothing but that."""
    return type(file) is str and _NAME.fullmatch(file) is not None


def files_of(tree: Any) -> list[str]:
    """Return the last parts of the names of a measurement's own files, as its ``info`` lists them.

    >>> files_of({"info": {"external": ["psi.nc"]}})
    ['psi.nc']
    """
    info = tree.get("info")
    listed = info.get(FILES) if isinstance(info, dict) else None
    if not isinstance(listed, list) or not all(map(is_plain_name, listed)):
        return []
    return listed


def references(tree: Any) -> Iterator[Reference]:
    """Yield the references in a plain tree that make sense."""
    children = tree if type(tree) is list else tree.values() if type(tree) is dict else ()
    if is_external(tree):
        try:
            yield Reference.of(tree)
        except DataFileError:
            return
        return
    for child in children:
        if type(child) in (dict, list):
            yield from references(child)


def located(tree: Any, stem: str) -> Any:
    """Return a plain tree in which references say where their files are."""
    if type(tree) is list:
        return [located(child, stem) if type(child) in (dict, list) else child for child in tree]
    if type(tree) is not dict:
        return tree
    if tree.get(TYPE) == EXTERNAL and is_plain_name(tree.get("file")):
        return {**tree, _PATH: _Path(f"{stem}.{tree['file']}")}
    return {
        key: located(child, stem) if type(child) in (dict, list) else child for key, child in tree.items()
    }


def read(node: Mapping[str, Any], _value: ToValue) -> Any:
    """Return the value that a node stands for; the reference itself where it is not known where the file is."""
    reference = Reference.of(dict(node))
    if reference.path is None or _opener is None:
        return reference
    return _opener(reference)


DECODERS = {EXTERNAL: read}
