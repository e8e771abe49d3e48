"""A measurement: its id and its tree, with three ways into it, and as HTML that folds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from coma_xr import tree as paths
from coma_xr.checks import checks_keywords
from coma_xr.define.values import NOTHING
from coma_xr.errors import DataFileError, ExperimentError, MissingAttributeError, PathError
from coma_xr.html import Html, fold, fragment, join, lines_of, short, tag
from coma_xr.tree import is_array, is_typed
from coma_xr.values.external import Reference, is_external
from coma_xr.values.objects import SETSTATE
from coma_xr.values.plain import Tree, from_plain, restore


class _AsNeeded:
    def __repr__(self) -> str:
        return "as needed"


AS_NEEDED: Final = _AsNeeded()
"""The value in holes when the user does not say: NaN, NaT or None."""


# So much of a tree is shown: values below one branch, branches and values in all, levels.
_BELOW = 40
_IN_ALL = 400
_LEVELS = 12
_LETTERS = 3000

# What is of interest last.
_CLOSED = {"info"}


def folding_tree(tree: Tree) -> Html:
    """Return a measurement tree, or a branch of it, as HTML.

    >>> str(folding_tree({"E": 0.5}))
    '<div class="coma-leaf"><span class="coma-code coma-key">E:</span> <span class="coma-code">0.5</span></div>'
    """
    return _Folding().branch(tree.items(), len(tree), 1)


class _Folding:
    """Goes through one tree, up to this many nodes."""

    def __init__(self) -> None:
        self._left = _IN_ALL

    def branch(self, items: Iterable[tuple[object, Tree]], size: int, level: int) -> Html:
        shown: list[Html] = []
        for key, node in items:
            if len(shown) == _BELOW or not self._left:
                break
            self._left -= 1
            shown.append(self._node(key, node, level))
        hidden = size - len(shown)
        more = tag("div", f"... and {hidden:,} more", class_="coma-muted") if hidden else None
        return join(*shown, more)

    def _node(self, key: object, node: Tree, level: int) -> Html:
        name = tag("span", f"{key}:", class_="coma-code coma-key")
        if is_typed(node):
            return _typed(name, node)
        if level < _LEVELS and isinstance(node, dict) and node:
            is_open = level == 1 and key not in _CLOSED
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


_HEADER = ("start_date", "end_date", "program", "version")


_WAYS_TO_CHANGE = [
    "Change a copy: tree = m.tree.",
    "Save the copy as a new measurement with e.new_measurement().save(tree).",
]

# Returns the value that a name or path means in a measurement with a tree, `NOTHING` when it means none.
Lookup = Callable[["Branch", Tree, paths.PathLike], Any]

# What Coma 2's measurements have besides the tree, unless the tree has it.
_OF_COMA_2 = {"start", "end", "save", "load", "archive"}


@checks_keywords
class Branch(Mapping[str, Any]):
    """A read-only view of one dictionary of a measurement tree.

    ``branch["a"]["b"]``, ``branch["a/b"]`` and ``branch.a.b`` are the same. A key that is also the name of a
    method (``items``, ``values``) is reached with brackets. Lists and arrays come as copies.

    Parameters
    ----------
    root : dict
        The whole measurement tree, in plain form.
    parents : tuple of str
        Keys that lead from the root to this branch.
    owner : str
        The name of the measurement in error messages.
    setstate : str, default "coma_setstate"
        The method by which objects take their state.
    lookup : callable, optional
        Finds what stands for a path that the tree lacks: a renamed value, or a default.

    Examples
    --------
    >>> import coma_xr as coma
    >>> e = coma.Experiment("tree")
    >>> e.run(lambda x: {"fit": {"slope": 2 * x}}, {"x": [1]}).saved
    1
    >>> e.measurement(1).results.fit.slope
    2
    """

    __slots__ = ("_lookup", "_node", "_owner", "_parents", "_root", "_setstate")

    def __init__(
        self,
        root: Tree,
        parents: tuple[str, ...],
        owner: str,
        setstate: str = SETSTATE,
        lookup: Lookup | None = None,
    ) -> None:
        self._root, self._parents, self._owner, self._setstate = root, parents, owner, setstate
        self._lookup = lookup
        self._node: dict[str, Tree] = paths.follow(root, parents)

    def __getitem__(self, path: paths.PathLike) -> Any:
        # A key that exists comes before a path of the same text.
        segments = (path,) if isinstance(path, str) and path in self._node else paths.split(path)
        try:
            node = paths.follow(self._node, segments)
        except PathError:
            try:
                node = self._follow_from_root(segments)
            except PathError:
                value = self._looked_up(segments)
                if value is NOTHING:
                    raise
                return value
        if isinstance(node, dict) and not is_typed(node):
            parents = (*self._parents, *map(str, segments))
            return Branch(self._root, parents, self._owner, self._setstate, self._lookup)
        try:
            return from_plain(node)
        except DataFileError as error:
            full_path = paths.join((*self._parents, *segments))
            raise error.at(f"{self._owner}, {full_path}") from None

    def _looked_up(self, path: paths.Path) -> Any:
        """Return what stands for a path that the branch lacks; a whole measurement is asked for names as well."""
        if self._lookup is None or not self._parents:
            return NOTHING
        root = Branch(self._root, (), self._owner, self._setstate)
        return self._lookup(root, self._root, (*self._parents, *path))

    def _follow_from_root(self, path: paths.Path) -> Any:
        """Raise the error that names the whole path, or return an item of an array."""
        full_path = (*self._parents, *path)
        try:
            return item(self._node, path)
        except (KeyError, IndexError):
            pass
        try:
            return paths.follow(self._root, full_path)
        except PathError as error:
            fault = f"{self._owner}: {error.what}"
            missing = PathError(fault, name=error.name, available=error.available, ways=error.ways)
            missing.path = full_path
            raise missing from None

    def __getattr__(self, name: str) -> Any:
        # Without the first test, unpickling would ask for _node in order to look for _node.
        if name in Branch.__slots__ or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        try:
            return self[(name,)]
        except PathError as error:
            missing = MissingAttributeError(error.what, name=error.name, available=error.available)
            missing.path = error.path
            raise missing from None

    def __setattr__(self, name: str, value: Any) -> None:
        # Slots are attributes of the class; copies and pickles set them.
        if not hasattr(type(self), name):
            raise MissingAttributeError(self._read_only((name,)), ways=_WAYS_TO_CHANGE)
        object.__setattr__(self, name, value)

    def __setitem__(self, path: paths.PathLike, value: Any) -> None:
        raise ExperimentError(self._read_only(paths.split(path)), ways=_WAYS_TO_CHANGE)

    def __delitem__(self, path: paths.PathLike) -> None:
        self[path] = None

    def _read_only(self, path: paths.Path) -> str:
        place = paths.join((*self._parents, *path))
        return f"{self._owner}: '{place}' cannot be set, because stored measurements are read-only."

    def __iter__(self) -> Iterator[str]:
        return iter(self._node)

    def __len__(self) -> int:
        return len(self._node)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Branch):
            return self._node == other._node
        return isinstance(other, Mapping) and self.tree == other

    __hash__ = None  # type: ignore[assignment]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self._node if key.isidentifier())]

    def __repr__(self) -> str:
        return _shortened(self.tree)

    def _repr_html_(self) -> str:
        title = tag("div", f"{self._owner}, ", paths.join(self._parents), class_="coma-muted")
        return fragment(title, folding_tree(self._node))

    @property
    def tree(self) -> dict[str, Any]:
        """A copy as nested dictionaries, with NumPy arrays."""
        try:
            copy: dict[str, Any] = from_plain(self._node, self._parents)
        except DataFileError as error:
            raise error.at(self._owner) from None
        return copy

    def restore(self, *classes: type, setstate: str | None = None) -> Any:
        """Return the branch with restored objects of the given classes in place of their state, at any depth.

        Parameters
        ----------
        *classes : class
            The classes to restore. They are found by the name stored as ``__class__``, with or without its module. The
            state of all other classes stays a dictionary.
        setstate : str, optional
            The name of the method that gets the state. By default it is the one in the configuration, or else
            ``coma_setstate``. If a class has no such method, a dataclass or named tuple is made by its constructor,
            and a member of an Enum by its name. For other classes, the state becomes the attributes.

        Returns
        -------
        object
            A dictionary, or an object if the branch itself is the state of one. A whole measurement also passes ``info``
            to its ``coma_setstate``; a dataclass or named tuple gets ``info`` and ``parameters`` if it has
            such fields.

        Raises
        ------
        DataFileError
            When a class does not take the state. The message names the path.
        """
        try:
            return restore(
                self._node, classes, setstate or self._setstate, whole=not self._parents, at=self._parents
            )
        except DataFileError as error:
            raise error.at(self._owner) from error

    def paths(self) -> list[str]:
        """Return the paths of all values, in their order in the tree; from the root of the tree."""
        return [paths.join((*self._parents, *keys)) for keys, _ in paths.leaves(self._node)]


@checks_keywords
class Measurement(Branch):
    """A measurement: one parameter set with its results.

    Parameters
    ----------
    id : int
        The measurement's id.
    tree : dict
        Its tree, in plain form; not copied.
    setstate : str, default "coma_setstate"
        The method by which objects take their state.
    lookup : callable, optional
        Finds what a name means, such as ``E_1`` or ``results_N``, as in tables and conditions.

    Examples
    --------
    >>> m = Measurement(1, {"parameters": {"theta": -5.0}, "results": {"E": [0.5, 1.5]}})
    >>> m["results"]["E"], m["results/E/0"], m.parameters.theta, m.data["parameters"]
    ([0.5, 1.5], 0.5, -5.0, {'theta': -5.0})
    >>> m["results/energy"]
    Traceback (most recent call last):
    ...
    coma_xr.errors.PathError: Measurement 1: No 'energy' in results (path 'results/energy'). Available: E.
    """

    __slots__ = ("id",)

    def __init__(self, id: int, tree: Tree, setstate: str = SETSTATE, lookup: Lookup | None = None) -> None:
        self.id = id
        super().__init__(tree, (), f"Measurement {id}", setstate, lookup)

    def __getitem__(self, path: paths.PathLike) -> Any:
        try:
            return super().__getitem__(path)
        except PathError as error:
            if self._lookup is None:
                raise
            name: Any = path[0] if isinstance(path, tuple) and len(path) == 1 else path
            value = self._lookup(self, self._root, name)
            if value is NOTHING:
                is_name = isinstance(name, str) and not paths.is_path(name)
                raise self._unknown(name, error) if is_name else error from None
            return value

    def _unknown(self, name: str, error: PathError) -> PathError:
        """Return an error that lists the names of values too, which a measurement takes as a path from its root."""
        leaves = sorted((keys for keys, _ in paths.leaves(self._node)), key=lambda keys: keys[0] == "info")
        names = [str(keys[-1]) for keys in leaves]
        unknown = PathError(error.what, name=name, available=list(dict.fromkeys([*self._node, *names])))
        unknown.path = error.path
        return unknown

    def __getattr__(self, name: str) -> Any:
        if name == "data" and name not in self._node:
            return self.tree
        try:
            return super().__getattr__(name)
        except MissingAttributeError:
            if name not in _OF_COMA_2:
                raise
            raise MissingAttributeError(
                f"{self._owner} has no '{name}', because stored measurements are read-only.",
                ways=_WAYS_TO_CHANGE,
            ) from None

    def _header(self, key: str) -> str | None:
        info = self._node.get("info")
        value = info.get(key) if isinstance(info, dict) else None
        return None if value is None else str(value)

    @property
    def start_date(self) -> str | None:
        """The start of the measurement (UTC, as in the file), or None."""
        return self._header("start_date")

    @property
    def end_date(self) -> str | None:
        """The end of the measurement (UTC, as in the file), or None."""
        return self._header("end_date")

    def __str__(self) -> str:
        known = ((key, self._header(key)) for key in _HEADER)
        lines = [f"  {key}: {value}\n" for key, value in known if value is not None]
        return f"Measurement {self.id}\n{''.join(lines)}  Fields: {list(self._node)}\n"

    def __repr__(self) -> str:
        return f"Measurement {self.id} ({', '.join(self._node)})"

    def _repr_html_(self) -> str:
        about = " · ".join([text for key in _HEADER if (text := self._header(key)) is not None])
        title = tag("span", f"Measurement {self.id}", class_="coma-title")
        return fragment(title, " ", tag("span", about, class_="coma-muted"), folding_tree(self._node))


# A longer list or array is shown by its ends.
_ITEMS, _ENDS = 50, 3


def _shortened(value: Any) -> str:
    """Return how a tree is written in Python, with the ends of long lists and arrays only."""
    if type(value) is dict:
        return f"{{{', '.join(f'{key!r}: {_shortened(part)}' for key, part in value.items())}}}"
    if type(value) is list:
        parts = list(map(_shortened, value if len(value) <= _ITEMS else value[:_ENDS] + value[-_ENDS:]))
        if len(value) > _ITEMS:
            parts.insert(_ENDS, "...")
        return f"[{', '.join(parts)}]"
    if not hasattr(value, "ndim"):
        return repr(value)
    import numpy as np

    with np.printoptions(threshold=_ITEMS, edgeitems=_ENDS):
        return repr(value)


def item(node: Tree, segments: paths.Path) -> Tree:
    """Return what segments lead to below a node, into arrays and Datasets too.

    Raise KeyError or IndexError when they lead nowhere.
    """
    is_read = False
    for segment in segments:
        if is_typed(node) and not is_read:
            # A dictionary of the user's in it may look like a stored form.
            has_items, node, is_read = is_array(node) or is_external(node), from_plain(node), True
            node = node.tolist() if has_items and hasattr(node, "tolist") else node
        if hasattr(node, "data_vars") or (is_read and isinstance(node, dict)):
            node = node[segment]
        else:
            node = paths.step(node.values.tolist() if hasattr(node, "dims") else node, segment)
    return node
