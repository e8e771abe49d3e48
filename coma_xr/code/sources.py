"""The source of code that is loaded: which files are the user's, and what in them is a function, class or assignment."""

from __future__ import annotations

import hashlib
import importlib.util
import linecache
import operator
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple, Protocol

import msgspec

from coma_xr import files
from coma_xr.code import forms, syntax
from coma_xr.code.syntax import Assignment, Definition, Syntax, essence
from coma_xr.errors import ComaError

# Bytes of a file that is read as source.
_MOST = 20_000_000

# Characters of a source from which on reading a cache takes less time than parsing.
_SMALL = 4_000

_LIBRARY_FOLDERS = {"site-packages", "dist-packages"}
_HERE = str(Path(__file__).parents[1]) + os.sep


@cache
def _library_directories() -> tuple[str, ...]:
    # Of what is installed, the folders have the names above; sysconfig takes milliseconds to tell.
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    paths = [str(Path(linecache.__file__).parent), str(Path(sys.base_exec_prefix, sys.platlibdir, version))]
    return (_HERE, *(path + os.sep for path in dict.fromkeys(paths)))


@lru_cache(maxsize=10_000)
def is_users(file: str) -> bool:
    """Whether a file name of code is the user's: neither of Python, nor of an installed package, nor of coma_xr.

    >>> is_users(linecache.__file__), is_users("model.py"), is_users("<frozen importlib._bootstrap>")
    (False, True, False)
    """
    if not file or file.startswith("<frozen ") or file == "<string>":
        return file == "<string>"
    if _LIBRARY_FOLDERS.intersection(Path(file).parts):
        return False
    return not file.startswith(_library_directories())


class FactCache(Protocol):
    """A folder of files with checksums."""

    home: str

    def read(self, name: str) -> memoryview | None:
        """Return the contents of a file; None without a whole one."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file in the place of any other of its name, if that is possible."""


class Facts(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """Facts about a source: lines of code, definitions, assignments, and names that functions set."""

    lines: dict[str, int | None]
    definitions: dict[str, Definition | None]
    assignments: dict[str, Assignment]
    rebound: frozenset[str]

    def number(self) -> int:
        """Return how much there is."""
        return len(self.lines) + len(self.definitions) + len(self.assignments)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Facts).decode


class Source:
    """The source of one file, or of one cell of a notebook; it is parsed when something is asked for the first time."""

    def __init__(self, file: str, text: str, facts: Facts | None = None) -> None:
        self.file = file
        self.text = text
        self._syntax = None if facts else Syntax(file, text)
        self._facts = facts or Facts({}, {}, {}, frozenset(self.syntax.rebound))
        self._lines: dict[int, tuple[CodeType, int | None]] = {}
        # How much each cache has.
        self._kept: dict[str, int] = {}

    @property
    def syntax(self) -> Syntax:
        """The syntax tree."""
        if self._syntax is None:
            self._syntax = Syntax(self.file, self.text)
        return self._syntax

    @property
    def rebound(self) -> frozenset[str]:
        """Names of the module that functions set."""
        return self._facts.rebound

    def _known(self, key: str, find: Callable[[], Definition | None]) -> Definition | None:
        known = self._facts.definitions
        if key not in known:
            known[key] = find()
        return known[key]

    def module(self) -> Definition:
        """Return the source as a whole."""
        whole = self._known("module", lambda: self.syntax.module)
        assert whole is not None
        return whole

    def line_of(self, code: CodeType) -> int | None:
        """Return the line at which the source has some code; None when it was made of another one."""
        if id(code) not in self._lines:
            key, known = f"{essence(code)} {code.co_firstlineno}", self._facts.lines
            if key not in known:
                match = self.syntax.match(code)
                known[key] = None if match is None else match.co_firstlineno
            # The code is kept, so that no other one gets its id.
            self._lines[id(code)] = code, known[key]
        return self._lines[id(code)][1]

    def of_code(self, code: CodeType, recorded: frozenset[str] = frozenset()) -> Definition | None:
        """Return the definition that the code of a function was made of; None when it was made of another one."""
        if self.line_of(code) is None:
            return None
        key = f"{essence(code)} {code.co_firstlineno} {sorted(recorded)}"
        return self._known(key, lambda: self.syntax.at_lines(self.syntax.match(code) or code, recorded))

    def of_class(self, qualname: str, lines: Sequence[int]) -> Definition | None:
        """Return the definition of a class, of several with one name that in which a method begins at one of the lines."""
        return self._known(f"class {qualname} {lines}", lambda: self.syntax.of_class(qualname, lines))

    def assignment(self, name: str) -> Assignment:
        """Return what is assigned to a name outside of functions."""
        known = self._facts.assignments
        if name not in known:
            known[name] = self.syntax.assignment(name)
        return known[name]

    def keep(self, cache: FactCache) -> None:
        """Write what was found out into a cache, unless it has that, or does not save the next process any time."""
        number = self._facts.number()
        if len(self.text) >= _SMALL and self._facts.lines and self._kept.get(cache.home) != number:
            self._kept[cache.home] = number
            cache.write(_cache_name(self.text), _encode(self._facts))

    @classmethod
    def read(cls, file: str, text: str, cache: FactCache | None) -> Source | None:
        """Return the source of a file; None when it cannot be parsed."""
        data = None if cache is None or len(text) < _SMALL else cache.read(_cache_name(text))
        with suppress(msgspec.MsgspecError, TypeError):
            if data is not None and cache is not None:
                source = cls(file, text, _decode(data))
                source._kept[cache.home] = source._facts.number()
                return source
        try:
            return cls(file, text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


@cache
def _rules() -> str:
    """Return what facts about a source depend on besides it: the version of Python, and the modules that find them."""
    stamps = [files.stamp(module.__file__ or "") for module in (forms, syntax)]
    return f"{sys.version} {sys.flags.optimize} {stamps}\n"


def _cache_name(text: str) -> str:
    return hashlib.sha256((_rules() + text).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Found(NamedTuple):
    """A definition, the source that it is in, and whether its file was edited since it was loaded."""

    source: Source
    definition: Definition
    edited: bool


class Sources:
    """The sources seen in this process, by their files, so that an edited one is noticed."""

    def __init__(self) -> None:
        self._seen: dict[str, list[tuple[Any, Source | None]]] = {}
        self._loaded: dict[tuple[str, int], tuple[list[CodeType], Source]] = {}
        # Files, and modules, that were looked at since the last call of `begin`.
        self._current: dict[str, list[Source]] = {}
        self._current_modules: dict[tuple[str, int], Source | None] = {}
        self._cache: FactCache | None = None

    def begin(self, cache: FactCache | None) -> None:
        """Look at files again from now on; what is known of unchanged ones may be in a cache."""
        self._current, self._current_modules, self._cache = {}, {}, cache

    def keep(self) -> None:
        """Write what is known of the files that were looked at into the cache."""
        if self._cache is not None:
            for seen in self._current.values():
                for source in seen[:1]:
                    source.keep(self._cache)

    def of(self, file: str) -> list[Source]:
        """Return the present source of a file, and earlier ones of this process, the latest first."""
        if file not in self._current:
            self._current[file] = self._look(file)
        return self._current[file]

    def _look(self, file: str) -> list[Source]:
        seen = self._seen.setdefault(file, [])
        stamp = files.stamp(file) or _cached_stamp(file)
        if not seen or seen[0][0] != stamp:
            text = _text(file)
            seen.insert(0, (stamp, Source.read(file, text, self._cache) if text else None))
            lines = linecache.cache.get(file)
            if len(seen) == 1 and lines is not None and len(lines) > 1:
                # What a traceback has shown may be older than the file.
                shown = "".join(lines[2])
                if seen[0][1] is None or shown != seen[0][1].text:
                    seen.append((None, Source.read(file, shown, self._cache)))
            del seen[8:]
        return [source for _, source in seen if source is not None]

    def loaded(self, file: str, space: Mapping[str, Any] | None) -> Source | None:
        """Return the source that the module with a namespace was loaded from: as long as it is not loaded again, the first."""
        if space is None:
            return next(iter(self.of(file)), None)
        key = file, id(space)
        if key not in self._current_modules:
            self._current_modules[key] = self._source_of_module(key, space)
        return self._current_modules[key]

    def _source_of_module(self, key: tuple[str, int], space: Mapping[str, Any]) -> Source | None:
        seen = self.of(key[0])
        codes = [
            value.__code__
            for value in list(space.values())
            if isinstance(value, FunctionType) and value.__code__.co_filename == key[0]
        ]
        before, source = self._loaded.get(key, ([], None))
        is_same = len(before) == len(codes) > 0 and all(map(operator.is_, before, codes))
        if not (is_same and source in seen):
            source = next(iter(seen), None)
        if source is not None:
            self._loaded[key] = codes, source
        return source

    def of_code(
        self, code: CodeType, module: ModuleType | None, recorded: frozenset[str] = frozenset()
    ) -> Found | None:
        """Return the definition that some code was made of."""
        seen = self.of(code.co_filename)
        if not is_source_loaded(module):
            # Other tools have rewritten it, as pytest does with the modules of tests.
            definition = seen[0].syntax.at_lines(code, recorded) if seen else None
            return None if definition is None else Found(seen[0], definition, edited=False)
        found = self._first(code.co_filename, module, lambda source: source.of_code(code, recorded))
        if found is None or found.source is not seen[0] or code.co_name == "<lambda>":
            return found
        return found._replace(edited=found.definition.first != code.co_firstlineno)

    def of_class(
        self, file: str, module: ModuleType | None, qualname: str, codes: Sequence[CodeType]
    ) -> Found | None:
        """Return the definition of a class whose methods have some code."""
        lines = [code.co_firstlineno for code in codes]
        found = self._first(file, module, lambda source: source.of_class(qualname, lines))
        if found is None or found.edited or not is_source_loaded(module):
            return found
        moved = any(
            found.source.line_of(code) != code.co_firstlineno for code in codes if code.co_filename == file
        )
        return found._replace(edited=moved)

    def _first(
        self, file: str, module: ModuleType | None, find: Callable[[Source], Definition | None]
    ) -> Found | None:
        """Return the definition in the source that the module was loaded from, else in the latest source with it."""
        seen = self.of(file)
        is_own = module is not None and getattr(module, "__file__", None) == file
        first = self.loaded(file, vars(module) if is_own else None)
        for source in sorted(seen, key=lambda source: source is not first):
            definition = find(source)
            if definition is not None:
                return Found(source, definition, self.is_edited(source, lambda s: _digest_in(find(s))))
        return None

    def is_edited(self, source: Source, what: Callable[[Source], object]) -> bool:
        """Whether something in the present source of a file is not what it is in one that was loaded."""
        present = self.of(source.file)[0]
        return source is not present and what(source) != what(present)


def _digest_in(definition: Definition | None) -> str:
    return "" if definition is None else definition.digest


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
