"""The source of code that is loaded: which files are the user's, and what in them is a function, class or assignment."""

from __future__ import annotations

import hashlib
import importlib.util
import linecache
import operator
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, cached_property, lru_cache
from importlib.abc import InspectLoader
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec

from coma_xr import files
from coma_xr.code import forms, syntax
from coma_xr.code.compiled import compiled, path_of, statements_of
from coma_xr.code.syntax import Assignment, Definition, Syntax, codes_in, digest_of, key_of
from coma_xr.errors import ComaError

# Bytes of a file that is read as source.
_MOST = 20_000_000

_IN_LIBRARY = re.compile(r"(?:^|[\\/])(?:site|dist)-packages[\\/]").search
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
    if _IN_LIBRARY(file):
        return False
    return not file.startswith(_library_directories())


class FactCache(Protocol):
    """A folder of files with checksums."""

    home: str

    def read(self, name: str) -> memoryview | None:
        """Return the contents of a file; None without a whole one."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file in the place of any other of its name, if that is possible."""


_Fact = TypeVar("_Fact")


class Facts(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """Facts about a source: lines of code, definitions, assignments, and names that functions set or that get attributes.

    Definitions and assignments are only decoded when they are asked for, since few of a large file are.
    """

    lines: dict[str, int | None]
    definitions: dict[str, msgspec.Raw]
    assignments: dict[str, msgspec.Raw]
    rebound: frozenset[str]
    extended: frozenset[str]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Facts).decode
_decode_definition = msgspec.msgpack.Decoder(Definition | None).decode
_decode_assignment = msgspec.msgpack.Decoder(Assignment).decode

Contents: TypeAlias = "bytes | str"
"""The origin of a source: the bytes of a file, or the text of a cell."""

Stamp: TypeAlias = "tuple[int, int, int] | None"


class Source:
    """The source of one file, or of one cell of a notebook; it is parsed when something is asked for the first time."""

    def __init__(
        self, file: str, contents: Contents, facts: Facts | None = None, stamp: Stamp = None
    ) -> None:
        self.file = file
        self._contents = contents
        self._stamp = stamp
        self._syntax = None if facts else Syntax(file, self.text)
        self._facts = facts or Facts(
            {}, {}, {}, frozenset(self.syntax.rebound), frozenset(self.syntax.extended)
        )
        # Names of the module that functions set, and those whose attributes it sets, such as methods that are added to a class.
        self.rebound, self.extended = self._facts.rebound, self._facts.extended
        self._definitions: dict[str, Definition | None] = {}
        self._assignments: dict[str, Assignment] = {}
        self._keys: dict[int, tuple[CodeType, str]] = {}
        # How many facts there are, and how many of them each cache has.
        known = self._facts
        self._number = len(known.lines) + len(known.definitions) + len(known.assignments)
        self._kept: dict[str, int] = {}

    @cached_property
    def text(self) -> str:
        """The source as a string."""
        return _text(self.file, self._contents)

    def has_time(self, time: float) -> bool:
        """Whether the file of this source was changed at a time in seconds."""
        return self._stamp is not None and abs(self._stamp[2] / 1e9 - time) < 1e-6

    @property
    def is_parsed(self) -> bool:
        """Whether the syntax tree was needed."""
        return self._syntax is not None

    @cached_property
    def name(self) -> str:
        """The name of the file of a cache for what is known of this source."""
        return name_in_cache(self._contents)

    @property
    def syntax(self) -> Syntax:
        """The syntax tree."""
        if self._syntax is None:
            self._syntax = Syntax(self.file, self.text)
        return self._syntax

    @cached_property
    def _compiled(self) -> dict[tuple[str, int], CodeType]:
        """The code objects that Python has compiled of this source, by names and lines."""
        found = None if self._stamp is None else compiled(self.file)
        code = found.code() if found and self._stamp and found.is_of(self._stamp) else None
        return {(inner.co_qualname, inner.co_firstlineno): inner for inner in codes_in(code)} if code else {}

    def _match(self, code: CodeType) -> CodeType | None:
        """Return the code of this source that some code is equal to."""
        is_here = self._compiled.get((code.co_qualname, code.co_firstlineno)) == code
        return code if is_here else self.syntax.match(code)

    def forget_syntax(self) -> None:
        """Keep only what was found out, since a tree is large and makes the garbage collector slow."""
        self._syntax = None
        vars(self).pop("_compiled", None)

    def _definition(self, key: str, find: Callable[[], Definition | None]) -> Definition | None:
        if key not in self._definitions:
            self._definitions[key] = self._fact(self._facts.definitions.get(key), _decode_definition, find)
        return self._definitions[key]

    def _fact(
        self, known: msgspec.Raw | None, decode: Callable[[Any], _Fact], find: Callable[[], _Fact]
    ) -> _Fact:
        """Return what a cache knows, or what is found out if it has nothing, or something else."""
        if known is not None:
            with suppress(msgspec.MsgspecError):
                return decode(known)
        self._number += 1
        return find()

    def module(self) -> Definition:
        """Return the source as a whole."""
        whole = self._definition("module", lambda: self.syntax.module)
        assert whole is not None
        return whole

    def _key(self, code: CodeType) -> str:
        known = self._keys.get(id(code))
        if known is None:
            # The code is kept, so that no other one gets its id.
            known = self._keys[id(code)] = code, key_of(code)
        return known[1]

    def line_of(self, code: CodeType) -> int | None:
        """Return the line at which the source has some code; None when it was made of another one."""
        key, known = self._key(code), self._facts.lines
        if key not in known:
            match = self._match(code)
            known[key] = None if match is None else match.co_firstlineno
            self._number += 1
        return known[key]

    def of_code(self, code: CodeType, recorded: frozenset[str] = frozenset()) -> Definition | None:
        """Return the definition that the code of a function was made of; None when it was made of another one."""
        key = self._key(code)
        if recorded:
            key = f"{key} {sorted(recorded)}"
        return self._definition(key, lambda: self._find(code, recorded))

    def _find(self, code: CodeType, recorded: frozenset[str]) -> Definition | None:
        match = self._match(code)
        return None if match is None else self.syntax.at_lines(match, recorded)

    def of_class(self, qualname: str, lines: Sequence[int]) -> Definition | None:
        """Return the definition of a class, of several with one name that in which a method begins at one of the lines."""
        return self._definition(f"class {qualname} {lines}", lambda: self.syntax.of_class(qualname, lines))

    def assignment(self, name: str) -> Assignment:
        """Return what is assigned to a name outside of functions."""
        if name not in self._assignments:
            self._assignments[name] = self._fact(
                self._facts.assignments.get(name), _decode_assignment, lambda: self.syntax.assignment(name)
            )
        return self._assignments[name]

    def keep(self, cache: FactCache) -> None:
        """Write what was found out about a file into a cache, unless it has that; cells change more often than they are read."""
        is_file = isinstance(self._contents, bytes)
        if is_file and self._number and self._kept.get(cache.home) != self._number:
            self._kept[cache.home] = self._number
            known = self._facts
            definitions: dict[str, Any] = {**known.definitions, **self._definitions}
            assignments: dict[str, Any] = {**known.assignments, **self._assignments}
            facts = Facts(known.lines, definitions, assignments, known.rebound, known.extended)
            cache.write(self.name, _encode(facts))

    @classmethod
    def read(
        cls, file: str, contents: Contents, cache: FactCache | None, stamp: Stamp = None
    ) -> Source | None:
        """Return the source of a file; None when it cannot be parsed."""
        name = "" if isinstance(contents, str) else name_in_cache(contents)
        data = cache.read(name) if cache is not None and name else None
        with suppress(msgspec.MsgspecError, TypeError, RecursionError):
            if data is not None and cache is not None:
                source = cls(file, contents, _decode(data), stamp)
                source.name, source._kept[cache.home] = name, source._number
                return source
        try:
            source = cls(file, contents, None, stamp)
            return source if source.text else None
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


@cache
def _rules() -> bytes:
    """Return what facts about a source depend on besides it: the version of Python, and the modules that find them."""
    stamps = [files.stamp(module.__file__ or "") for module in (forms, syntax)]
    return f"{sys.version} {sys.flags.optimize} {stamps}\n".encode()


def name_in_cache(contents: Contents) -> str:
    """Return the name of the file for what is known of a source under the present rules."""
    whole = hashlib.sha256(_rules())
    whole.update(contents.encode("utf-8", "surrogatepass") if isinstance(contents, str) else contents)
    return whole.hexdigest()[:32]


class _Place(NamedTuple):
    """The sources of a file, the one that a module was loaded from, and whether Python itself loaded that."""

    seen: list[Source]
    first: Source | None
    is_loaded: bool


class _Loaded(NamedTuple):
    """The functions that a module had, the source that it was loaded from, and the time of its file for IPython."""

    codes: list[CodeType]
    source: Source | None
    time: float | None


_NOT_LOADED = _Loaded([], None, None)

Found: TypeAlias = tuple[Source, Definition, bool]
"""A source, the definition in it, and whether its file was edited since it was loaded."""


class Sources:
    """The sources seen in this process, by their files, so that an edited one is noticed."""

    def __init__(self) -> None:
        self._seen: dict[str, list[tuple[Any, Source | None]]] = {}
        self._loaded: dict[tuple[str, int], _Loaded] = {}
        # Files, and modules, that were looked at since the last call of `begin`.
        self._current: dict[str, list[Source]] = {}
        self._current_modules: dict[tuple[str, int], Source | None] = {}
        self._places: dict[tuple[str, int], _Place] = {}
        # Files that were edited before they were looked at, with the time of their compiled form and its statements.
        self._unknown: dict[str, tuple[int, str]] = {}
        self._cache: FactCache | None = None

    def begin(self, cache: FactCache | None) -> None:
        """Look at files again from now on; what is known of unchanged ones may be in a cache."""
        self._current, self._current_modules, self._places, self._cache = {}, {}, {}, cache

    def keep(self) -> None:
        """Write what is known of the files that were looked at into the cache, and keep no syntax trees."""
        for seen in self._current.values():
            for source in seen:
                source.forget_syntax()
            if self._cache is not None and seen:
                seen[0].keep(self._cache)

    def have_changed(self) -> bool:
        """Whether any of the files that were looked at had to be parsed."""
        return any(source.is_parsed for seen in self._current.values() for source in seen)

    def of(self, file: str) -> list[Source]:
        """Return the present source of a file, and earlier ones of this process, the latest first."""
        if file not in self._current:
            self._current[file] = self._look(file)
        return self._current[file]

    def _look(self, file: str) -> list[Source]:
        seen = self._seen.setdefault(file, [])
        on_disk = files.stamp(file)
        stamp = on_disk or _cached_stamp(file)
        if not seen or seen[0][0] != stamp:
            contents = _contents(file)
            source = Source.read(file, contents, self._cache, on_disk) if contents else None
            if source is None and contents and any(earlier for _, earlier in seen):
                # Half an edit was saved: nothing in it is what was loaded.
                source = Source(file, "")
            seen.insert(0, (stamp, source))
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
        kinds = [value for value in space.values() if isinstance(value, type)]
        codes = [
            value.__code__
            for holder in (space, *map(vars, kinds))
            for value in list(holder.values())
            if isinstance(value, FunctionType) and value.__code__.co_filename == key[0]
        ]
        self._note_unknown(key, space)
        before, source, time = self._loaded.get(key, _NOT_LOADED)
        again = _time_of_reload(space.get("__name__"), key[0])
        is_same = len(before) == len(codes) > 0 and all(map(operator.is_, before, codes))
        if time is not None and again is not None and time != again:
            source = next((found for found in seen if found.has_time(again)), source)
        elif not is_same:
            source = None
        if source not in seen:
            source = next(iter(seen), None)
        if source is not None:
            self._loaded[key] = _Loaded(codes, source, again or time)
        return source

    def _note_unknown(self, key: tuple[str, int], space: Mapping[str, Any]) -> None:
        """Note a file that was edited after its import and before it was first looked at, if statements of it differ.

        Python compiles what it imports, so that the file of that form is of the source that was loaded.
        """
        file, seen = key[0], self.of(key[0])
        known = self._unknown.pop(file, None)
        is_kept = space.get("__cached__") and not sys.dont_write_bytecode and seen
        if (
            not is_kept
            or (known is None and key in self._loaded)
            or type(space.get("__loader__")) is not SourceFileLoader
        ):
            return
        head, stamp = compiled(file, is_head=True), files.stamp(file)
        if head is None or stamp is None or space["__cached__"] != path_of(file) or head.is_of(stamp):
            return
        loaded = compiled(file)
        if loaded is None or loaded.is_of(stamp):
            return
        if known is not None:
            self._unknown.update({file: known} if known[0] == loaded.written else {})
        elif files.is_writable(str(Path(path_of(file)).parent)):
            with suppress(SyntaxError, ValueError, RecursionError):
                code = loaded.code()
                statements = statements_of(code) if code else Counter()
                present = statements_of(InspectLoader.source_to_code(seen[0].text, file))
                # What was added to the file is not what was loaded.
                if statements - present:
                    self._unknown[file] = loaded.written, digest_of(repr(sorted(statements)))

    def unknown(self, file: str) -> str | None:
        """Return the digest of the statements that a file had when it was loaded, if its source of then is not known."""
        return self._unknown[file][1] if file in self._unknown else None

    def of_code(
        self, code: CodeType, module: ModuleType | None, recorded: frozenset[str] = frozenset()
    ) -> Found | None:
        """Return the definition that some code was made of."""
        place = self._place(code.co_filename, module)
        if not place.is_loaded:
            # Other tools have rewritten it, as pytest does with the modules of tests.
            definition = place.seen[0].syntax.at_lines(code, recorded) if place.seen else None
            return None if definition is None else (place.seen[0], definition, False)
        source, definition = _first(place, Source.of_code, code, recorded)
        if source is None or definition is None:
            return None
        if source is place.seen[0]:
            moved = definition.first != code.co_firstlineno and code.co_name != "<lambda>"
            return source, definition, moved and not _is_loaded_in_pieces()
        present = place.seen[0].of_code(code, recorded)
        return source, definition, present is None or present.digest != definition.digest

    def of_class(
        self, file: str, module: ModuleType | None, qualname: str, codes: Sequence[CodeType]
    ) -> Found | None:
        """Return the definition of a class whose methods have some code."""
        lines = [code.co_firstlineno for code in codes]
        place = self._place(file, module)
        source, definition = _first(place, Source.of_class, qualname, lines)
        if source is None or definition is None:
            return None
        edited = self.is_edited(source, lambda source: _digest_in(source.of_class(qualname, lines)))
        if not edited and place.is_loaded and not _is_loaded_in_pieces():
            inside = [code for code in codes if code.co_filename == file]
            edited = any(source.line_of(code) != code.co_firstlineno for code in inside)
        return source, definition, edited

    def _place(self, file: str, module: ModuleType | None) -> _Place:
        key = file, id(module)
        place = self._places.get(key)
        if place is None:
            is_own = module is not None and getattr(module, "__file__", None) == file
            first = self.loaded(file, vars(module) if is_own else None)
            place = self._places[key] = _Place(self.of(file), first, is_source_loaded(module))
        return place

    def only_source(self, module: ModuleType, file: str) -> Source | None:
        """Return the source of a file that a module was loaded from; None if any other was seen in this process."""
        if vars(module).get("__file__") != file or _is_loaded_in_pieces():
            return None
        place = self._place(file, module)
        is_only = place.is_loaded and place.seen == [place.first] and self.unknown(file) is None
        return place.first if is_only else None

    def is_edited(self, source: Source, what: Callable[[Source], object]) -> bool:
        """Whether something in the present source of a file is not what it is in one that was loaded."""
        present = self.of(source.file)[0]
        return source is not present and what(source) != what(present)


def _first(
    place: _Place, find: Callable[..., Definition | None], *given: object
) -> tuple[Source | None, Definition | None]:
    """Return the definition in the source that the module was loaded from, else in the latest source with it."""
    for source in (place.first, *place.seen):
        definition = None if source is None else find(source, *given)
        if definition is not None:
            return source, definition
    return None, None


def _is_loaded_in_pieces() -> bool:
    """Whether single functions may have been compiled again, whose lines are not those of the file."""
    return "IPython.extensions.autoreload" in sys.modules


def _time_of_reload(name: object, file: str) -> float | None:
    """Return the time of the file that IPython has loaded a module from again, or has seen first; else None."""
    if not _is_loaded_in_pieces():
        return None
    # IPython tells nobody what it loads; it exchanges what was edited, so that the module does not show it.
    with suppress(AttributeError, KeyError, TypeError):
        shell = sys.modules["IPython"].get_ipython()
        reloader = shell.magics_manager.registry["AutoreloadMagics"]._reloader
        time = None if file in reloader.failed else reloader.modules_mtimes.get(name)
        return time if isinstance(time, float) else None
    return None


def _digest_in(definition: Definition | None) -> str:
    return "" if definition is None else definition.digest


def _cached_stamp(file: str) -> Any:
    entry = linecache.cache.get(file)
    return None if entry is None or len(entry) == 1 else (entry[0], hash("".join(entry[2])))


def _contents(file: str) -> Contents:
    try:
        return files.read(file, _MOST)
    except (ComaError, OSError, ValueError):
        return "".join(linecache.getlines(file))


def _text(file: str, contents: Contents) -> str:
    try:
        return contents if isinstance(contents, str) else importlib.util.decode_source(contents)
    except (UnicodeDecodeError, SyntaxError, ValueError):
        return "".join(linecache.getlines(file))


def hash_of_source(file: str, text: str | None = None) -> str:
    """Return the SHA-256 of a source, of the present one of a file by default."""
    data = (_text(file, _contents(file)) if text is None else text).encode("utf-8", "surrogatepass")
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
        if depth and path is None:  # it is in no package
            return None
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
