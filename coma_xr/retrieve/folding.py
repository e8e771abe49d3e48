"""A measurement tree as HTML that folds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from coma_xr.errors import DataFileError
from coma_xr.html import Html, fold, join, lines_of, short, tag
from coma_xr.tree import is_typed
from coma_xr.values.external import Reference, is_external
from coma_xr.values.plain import Tree, from_plain

__all__ = ["folding_tree"]

# So much of a tree is shown: values below one branch, branches and values in all, levels.
_BELOW = 40
_IN_ALL = 400
_LEVELS = 12
_LETTERS = 3000

# What is of interest last.
_CLOSED = {"info"}


def folding_tree(tree: Tree, *, is_open: bool = True) -> Html:
    """Return a measurement tree, or a branch of it, as HTML.

    Examples
    --------
    >>> str(folding_tree({"E": 0.5}))
    '<div class="coma-leaf"><span class="coma-code coma-key">E:</span> <span class="coma-code">0.5</span></div>'
    """
    return _Folding(is_open).branch(tree.items(), len(tree), 1)


class _Folding:
    """Goes through one tree, up to so many nodes."""

    def __init__(self, is_open: bool) -> None:
        self._is_open = is_open
        self._left = _IN_ALL

    def branch(self, items: Iterable[tuple[object, Tree]], size: int, level: int) -> Html:
        shown: list[Html] = []
        for key, node in items:
            if len(shown) == _BELOW or not self._left:
                break
            self._left -= 1
            shown.append(self._node(key, node, level))
        left = size - len(shown)
        more = tag("div", f"... and {left:,} more", class_="coma-muted") if left else None
        return join(*shown, more)

    def _node(self, key: object, node: Tree, level: int) -> Html:
        name = tag("span", f"{key}:", class_="coma-code coma-key")
        if is_typed(node):
            return _typed(name, node)
        if level < _LEVELS and isinstance(node, dict) and node:
            is_open = self._is_open and level == 1 and key not in _CLOSED
            summary = join(name, " ", _muted(f"{len(node):,}"))
            return fold(summary, self.branch(node.items(), len(node), level + 1), is_open=is_open)
        if level < _LEVELS and isinstance(node, list) and any(map(_is_branch, node[:_BELOW])):
            summary = join(name, " ", _muted(f"list of {len(node):,}"))
            return fold(summary, self.branch(enumerate(node), len(node), level + 1))
        if isinstance(node, list):
            return _leaf(name, short(node), f"list of {len(node):,}")
        return _leaf(name, short(node))


def _is_branch(node: Tree) -> bool:
    return isinstance(node, (dict, list))


def _typed(name: Html, node: dict[str, Any]) -> Html:
    """Return a value that its stored form describes, as its type shows it."""
    try:
        if is_external(node):
            # It may be larger than memory, and is not read to be shown.
            return _external(name, Reference.of(node))
        value = from_plain(node)
    except DataFileError as error:
        return _leaf(name, tag("span", f"cannot be read: {error}", class_="coma-bad"))
    shape = getattr(value, "shape", ())
    kind = type(value).__name__
    if shape and hasattr(value, "dtype"):
        kind = f"{kind} of {value.dtype}, {' by '.join(map(str, shape))}"
    lines = lines_of(value)
    if len(lines) == 1 or (kind.startswith("ndarray") and len(shape) < 2):
        return _leaf(name, short(value), kind if shape else "")
    text = "\n".join(lines)
    return fold(join(name, " ", _muted(kind)), tag("pre", text[:_LETTERS], "\n..." * (len(text) > _LETTERS)))


def _external(name: Html, reference: Reference) -> Html:
    kind = reference.type.rpartition(".")[2] + (f" of {reference.dtype}" if reference.dtype else "")
    shape = " by ".join(f"{size:,}" for size in reference.shape)
    return _leaf(name, f"in the file {reference.file}", f"{kind}, {shape}, {reference.size:,} bytes")


def _leaf(name: Html, value: object, kind: str = "") -> Html:
    code = tag("span", value, class_="coma-code")
    return tag("div", name, " ", code, *(_behind(kind) if kind else ()), class_="coma-leaf")


def _behind(kind: str) -> tuple[object, ...]:
    return " ", _muted(kind)


def _muted(text: str) -> Html:
    return tag("span", text, class_="coma-muted")
