"""Cells that are neither numbers nor text as contents that JSON can hold, and back.

The contents of most columns are what other programs read, and a short note leads back from them:

==========  ==========================================================================================
``arrays``  the contents are the lists of arrays of this dtype; a list of dtypes where they differ
``each``    the contents are one part of stored forms that are otherwise equal: ``[the rest, the part]``
``exact``   the contents are for readers only; these are the stored forms
==========  ==========================================================================================

Without a note the contents are the stored forms themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from coma_xr.exports.codec import is_bare, of_tree, readable, to_tree
from coma_xr.tree import TYPE
from coma_xr.values.numpy import dtype_of

Note = dict[str, Any]

# The parts of stored forms that are one thing by themselves.
_PARTS = ("value", "tree", "items", "base64")


def encode_cells(cells: Sequence[Any], where: str, *, for_readers: bool) -> tuple[list[Any], Note]:
    """Return the contents of cells, and the note that leads back.

    Raises
    ------
    SerializationError
        When a cell has no stored form.

    Examples
    --------
    >>> from decimal import Decimal
    >>> encode_cells([Decimal("1.10"), Decimal("2")], "'price'", for_readers=True)
    (['1.10', '2'], {'each': [{'__type__': 'coma.decimal'}, 'value']})
    >>> encode_cells([np.array([1, 2])], "'n'", for_readers=True)
    ([[1, 2]], {'arrays': 'int64'})
    >>> encode_cells([1, (1, 2)], "'n'", for_readers=True)
    ([1, [1, 2]], {'exact': [1, {'__type__': 'coma.tuple', 'items': [1, 2]}]})
    """
    if cells and all(map(_is_listable, cells)):
        names = [_name(cell.dtype) for cell in cells]
        return [_listed(cell) for cell in cells], {"arrays": names[0] if len(set(names)) == 1 else names}
    trees = [to_tree(cell, where) for cell in cells]
    if all(map(is_bare, trees)):
        return trees, {}
    varying = _varying(trees)
    if varying is not None:
        return [tree[varying] for tree in trees], {"each": [_without(trees[0], varying), varying]}
    return ([readable(tree) for tree in trees], {"exact": trees}) if for_readers else (trees, {})


def decode_cells(contents: Sequence[Any], note: Mapping[str, Any]) -> list[Any]:
    """Return the cells of contents."""
    exact = note.get("exact")
    if exact is not None and len(exact) == len(contents):
        return [of_tree(tree) for tree in exact]
    if "each" in note:
        rest, key = note["each"]
        return [of_tree({**rest, key: content}) for content in contents]
    if "arrays" in note:
        names = note["arrays"]
        rest = repeat(names) if isinstance(names, str) else iter(names)
        # Holes are not lists where a format has no empty cells; version 1 tagged other arrays too.
        return [
            _array(content, next(rest)) if isinstance(content, (list, np.ndarray)) else of_tree(content)
            for content in contents
        ]
    return [of_tree(content) for content in contents]


def _varying(trees: Sequence[Any]) -> str | None:
    """Return the one part of stored forms that differs between them; None unless it is a value alone."""
    first = trees[0]
    if type(first) is not dict or not all(
        type(tree) is dict and tree.keys() == first.keys() for tree in trees
    ):
        return None
    key = next((name for name in _PARTS if name in first), None)
    if key is None or TYPE not in first or readable(first) != readable(first[key]):
        return None
    rest = _without(first, key)
    alike = all(
        tree[key] is not None and is_bare(tree[key]) and _without(tree, key) == rest for tree in trees
    )
    return key if alike else None


def _without(tree: Mapping[str, Any], key: str) -> Note:
    return {name: part for name, part in tree.items() if name != key}


def _is_listable(cell: Any) -> bool:
    """Whether a cell is an array that its lists and its dtype make again."""
    if type(cell) is not np.ndarray or not (cell.ndim == 1 or cell.size > 0 < cell.ndim):
        return False
    kind, size = cell.dtype.kind, cell.dtype.itemsize
    return kind in "biuMm" or (kind == "f" and size <= 8) or (kind == "U" and size > 0)


def _name(dtype: np.dtype[Any]) -> str:
    return dtype.name if dtype.isnative and dtype.kind != "U" else dtype.str


def _listed(array: np.ndarray[Any, Any]) -> Any:
    if array.dtype.kind == "M":
        # NumPy takes no notice of the order of the bytes here.
        texts = np.datetime_as_string(array.astype(array.dtype.newbyteorder("="))).astype(object)
        texts[np.isnat(array)] = None
        return texts.tolist()
    if array.dtype.kind == "m":
        ticks = array.astype(array.dtype.newbyteorder("=")).view("i8").astype(object)
        ticks[np.isnat(array)] = None
        return ticks.tolist()
    return array.tolist()


def _array(content: Any, name: str) -> np.ndarray[Any, Any]:
    return np.array(content, dtype=dtype_of(name))
