"""The source of code that is loaded: which files are the user's, and what in them is a function, class or assignment."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import linecache
import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.abc import InspectLoader
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from coma_xr import files
from coma_xr.code.forms import Form, form_of
from coma_xr.errors import ComaError

# Bytes of a file that is read as source.
_MOST = 20_000_000

_LIBRARY_FOLDERS = {"site-packages", "dist-packages"}
_HERE = str(Path(__file__).parents[1]) + os.sep
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@cache
def _library_directories() -> tuple[str, ...]:
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [site.getusersitepackages(), str(Path(linecache.__file__).parent)]
    return (_HERE, *(path.rstrip(os.sep) + os.sep for path in dict.fromkeys(paths) if path))


@lru_cache(maxsize=10_000)
def is_users(file: str) -> bool:
    """Whether a file name of code is the user's: neither of Python, nor of an installed package, nor of coma_xr.

    Examples
    --------
    >>> is_users(ast.__file__), is_users("model.py"), is_users("<frozen importlib._bootstrap>")
    (False, True, False)
    """
    if not file or file.startswith("<frozen ") or file == "<string>":
        return file == "<string>"
    if _LIBRARY_FOLDERS.intersection(Path(file).parts):
        return False
    return not file.startswith(_library_directories())


class Source:
    """The source of one file, or of one cell of a notebook."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.tree = ast.parse(text)
        self.definitions: dict[tuple[str, int], ast.AST] = {}
        self.by_name: dict[str, list[ast.AST]] = {}
        self.assigned: dict[str, list[ast.stmt]] = {}
        self.rebound: set[str] = set()
        self._forms: dict[tuple[int, frozenset[str]], Form] = {}
        self._codes: dict[str, list[CodeType]] | None = None
        self._matches: dict[int, tuple[CodeType, ast.AST | None]] = {}
        self._index(self.tree.body, "", is_top=True)
        if "global " in text:
            nodes = ast.walk(self.tree)
            self.rebound = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}

    def _index(self, body: Iterable[ast.stmt], prefix: str, *, is_top: bool) -> None:
        for node in body:
            if isinstance(node, _DEFINITIONS):
                lines = [decorator.lineno for decorator in node.decorator_list]
                self.definitions[node.name, min([node.lineno, *lines])] = node
                self.by_name.setdefault(prefix + node.name, []).append(node)
                inner = "." if isinstance(node, ast.ClassDef) else ".<locals>."
                self._index(node.body, prefix + node.name + inner, is_top=False)
                continue
            if is_top:
                for name in _assigned(node):
                    self.assigned.setdefault(name, []).append(node)
            for field in ("body", "orelse", "finalbody", "handlers", "cases"):
                inner_body = getattr(node, field, None)
                if isinstance(inner_body, list):
                    self._index(inner_body, prefix, is_top=is_top)

    def form(self, node: ast.AST, recorded: frozenset[str] = frozenset()) -> Form:
        """Return the normal form of a node of this source."""
        key = id(node), recorded
        if key not in self._forms:
            self._forms[key] = form_of(node, recorded)
        return self._forms[key]

    def knows(self, code: CodeType) -> bool:
        """Whether some code was compared with this source before."""
        return id(code) in self._matches

    def node_of(self, code: CodeType) -> ast.AST | None:
        """Return the definition that the code of a function was made of; None when it was made of another one."""
        if id(code) not in self._matches:
            # The code is kept, so that no other one gets its id.
            self._matches[id(code)] = code, self._match(code)
        return self._matches[id(code)][1]

    def _match(self, code: CodeType) -> ast.AST | None:
        if self._codes is None:
            self._codes = {}
            try:
                for inner in _codes(InspectLoader.source_to_code(self.tree, self.file)):
                    self._codes.setdefault(inner.co_qualname, []).append(inner)
            except (SyntaxError, ValueError, RecursionError):
                # A cell of a notebook may await outside of functions.
                pass
        if not self._codes:
            return self.node_at(code)
        same = [other for other in self._codes.get(code.co_qualname, ()) if _essence(other) == _essence(code)]
        same.sort(key=lambda other: other.co_firstlineno != code.co_firstlineno)
        return next((node for other in same if (node := self.node_at(other)) is not None), None)

    def node_at(self, code: CodeType) -> ast.AST | None:
        """Return the definition at the lines of some code."""
        if code.co_name != "<lambda>":
            return self.definitions.get((code.co_name, code.co_firstlineno))
        places = [place for place in code.co_positions() if None not in place and place[2] != place[3]]
        fitting = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Lambda) and all(_is_within(place, node) for place in places)
        ]
        return fitting[-1] if fitting else None

    def class_node(self, qualname: str, lines: Iterable[int]) -> ast.ClassDef | None:
        """Return the definition of a class, of several with one name that in which a method begins at one of the lines."""
        nodes = [node for node in self.by_name.get(qualname, ()) if isinstance(node, ast.ClassDef)]
        wanted = list(lines)
        for node in nodes:
            if any(node.lineno <= line <= (node.end_lineno or node.lineno) for line in wanted):
                return node
        return nodes[-1] if nodes else None

    def segment(self, node: ast.AST) -> tuple[int, int]:
        """Return the first and last line of a definition."""
        if isinstance(node, ast.Module):
            return 1, self.text.count("\n") + 1
        lines = [decorator.lineno for decorator in getattr(node, "decorator_list", ())]
        first: int = node.lineno  # type: ignore[attr-defined]
        last: int = node.end_lineno  # type: ignore[attr-defined]
        return min([first, *lines]), last


def _is_within(place: Any, node: ast.Lambda) -> bool:
    start, end = (node.body.lineno, node.body.col_offset), (node.body.end_lineno, node.body.end_col_offset)
    return (start <= (place[0], place[2])) and ((place[1], place[3]) <= end)


def _assigned(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement outside of functions binds, or whose objects it changes."""
    targets: list[ast.AST] = []
    if isinstance(node, ast.Assign):
        targets = list(node.targets)
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.For)):
        targets = [node.target]
    elif isinstance(node, ast.With):
        targets = [item.optional_vars for item in node.items if item.optional_vars is not None]
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            yield called.value.id
    for target in targets:
        for leaf in ast.walk(target):
            if isinstance(leaf, ast.Name):
                yield leaf.id


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


@lru_cache(maxsize=10_000)
def _essence(code: CodeType) -> tuple[Any, ...]:
    """Return what is equal for code that does the same, wherever it is in a file."""
    constants = tuple(
        _essence(item) if isinstance(item, CodeType) else (type(item).__name__, repr(item))
        for item in code.co_consts
    )
    names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
    return code.co_name, code.co_code, constants, names


class Sources:
    """The sources seen in this process, by their files, so that an edited one is noticed."""

    def __init__(self) -> None:
        self._seen: dict[str, list[tuple[Any, Source | None]]] = {}

    def of(self, file: str) -> list[Source]:
        """Return the present source of a file, and earlier ones of this process, the latest first."""
        seen = self._seen.setdefault(file, [])
        stamp = files.stamp(file) or _cached_stamp(file)
        if not seen or seen[0][0] != stamp:
            seen.insert(0, (stamp, _load(file)))
            lines = linecache.cache.get(file)
            if len(seen) == 1 and lines is not None and len(lines) > 1:
                # What a traceback has shown may be older than the file.
                text = "".join(lines[2])
                if seen[0][1] is None or text != seen[0][1].text:
                    seen.append((None, _parsed(file, text)))
            del seen[8:]
        return [source for _, source in seen if source is not None]

    def find(self, code: CodeType, module: ModuleType | None) -> tuple[Source, ast.AST, bool] | None:
        """Return the source and definition of some code, and whether its file was edited since it was loaded."""
        seen = self.of(code.co_filename)
        if not is_source_loaded(module):
            # Other tools have rewritten it, as pytest does with the modules of tests.
            node = seen[0].node_at(code) if seen else None
            return None if node is None else (seen[0], node, False)
        for source in seen[1:]:
            # This very code was seen when the file had that source; a module that is loaded again has new code.
            if source.knows(code) and (node := source.node_of(code)) is not None:
                return source, node, True
        for source in seen:
            node = source.node_of(code)
            if node is not None:
                moved = code.co_name != "<lambda>" and source.segment(node)[0] != code.co_firstlineno
                return source, node, moved or source is not seen[0]
        return None

    def whole(self, file: str) -> Source | None:
        """Return the present source of a file, None when it has none."""
        return next(iter(self.of(file)), None)


def _cached_stamp(file: str) -> Any:
    entry = linecache.cache.get(file)
    return None if entry is None or len(entry) == 1 else (entry[0], hash("".join(entry[2])))


def _text(file: str) -> str:
    try:
        return importlib.util.decode_source(files.read(file, _MOST))
    except (ComaError, OSError, UnicodeDecodeError, SyntaxError, ValueError):
        return "".join(linecache.getlines(file))


def hash_of_source(file: str, text: str | None = None) -> str:
    """Return the SHA-256 of a source, of the present one of a file by default."""
    data = (_text(file) if text is None else text).encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()


def _load(file: str) -> Source | None:
    text = _text(file)
    return _parsed(file, text) if text else None


def _parsed(file: str, text: str) -> Source | None:
    try:
        return Source(file, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def is_source_loaded(module: ModuleType | None) -> bool:
    """Whether Python itself loaded a module from its file, so that its code can be compared with the source."""
    loader = getattr(module, "__loader__", None)
    return loader is None or type(loader) is SourceFileLoader or not getattr(module, "__file__", None)


def module_file(name: str) -> str | None:
    """Return the file of a module that need not be imported; None for one that is built in, or cannot be found."""
    module = sys.modules.get(name)
    if module is not None:
        return getattr(module, "__file__", None)
    path: Any = None
    spec = None
    parts = name.split(".")
    for depth in range(len(parts)):
        try:
            spec = PathFinder.find_spec(".".join(parts[: depth + 1]), path)
        except Exception:  # noqa: BLE001  finders of other packages may raise anything
            return None
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return None if spec is None else spec.origin


def hash_of_file(path: str) -> str | None:
    """Return the SHA-256 of a file, which is read once as long as it does not change; None for one that cannot be read."""
    stamp = files.stamp(path)
    try:
        return None if stamp is None else _hash(path, stamp)
    except (OSError, ComaError):
        return None


@lru_cache(maxsize=1_000)
def _hash(path: str, stamp: tuple[int, int, int]) -> str:
    return files.sha256(path, stamp[1])
