"""The fingerprint of a function and of all that it reaches in the user's own files."""

from __future__ import annotations

import ast
import functools
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum
from types import BuiltinFunctionType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any, NamedTuple

import msgspec

from coma_xr import files
from coma_xr.code import sources
from coma_xr.code.forms import text_of
from coma_xr.code.sources import FactCache, Source, Sources, is_users, module_file, name_in_cache
from coma_xr.code.syntax import Definition, Imported, digest_of, key_of_all
from coma_xr.text import cut, shortened
from coma_xr.tree import no_collection

SCHEME = 1
"""The number of the rules by which fingerprints are made; those of unequal numbers cannot be compared."""

# Beyond these, a value counts by its type.
_MOST_BYTES = 1_000_000
_MOST_ITEMS = 10_000
_MOST_DEPTH = 20

# Characters of a value in a message.
_MOST_SHOWN = 80

# Of a program with fewer plain functions, a summary takes longer to read than it saves.
_FEW = 4

# A program that reaches more than this is not followed further.
_MOST_PARTS = 5_000

# Where objects of packages keep the function that they stand for.
_WRAPPED = ("__wrapped__", "py_func", "pyfunc", "func", "function")

# Beginnings of the files of functions that are made of text, such as those of dataclasses.
_GENERATED = ("<string>", "namedtuple_", "<attrs generated")

# What a module is called and where it is does not count.
_OF_MODULES = {
    "__name__",
    "__file__",
    "__path__",
    "__package__",
    "__spec__",
    "__loader__",
    "__cached__",
    "__doc__",
}

_SCALARS = (type(None), bool, int, float, complex, str, bytes)
_FOLLOWED = (FunctionType, MethodType, type, functools.partial, ModuleType, BuiltinFunctionType)

SOURCES = Sources()


class Part(NamedTuple):
    """One definition that a function reaches."""

    name: str
    file: str
    first: int
    last: int
    digest: str


@dataclass(frozen=True)
class Fingerprint:
    """The code and values that a function reaches, and their hash."""

    hash: str
    parts: tuple[Part, ...]
    values: Mapping[str, str]
    not_followed: tuple[str, ...]
    sources: Mapping[str, Source]
    edited: tuple[str, ...]


@dataclass
class _Walk:
    recorded: frozenset[str]
    numbers: dict[int | str, int] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    not_followed: dict[str, None] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    edited: dict[str, None] = field(default_factory=dict)
    globals: dict[tuple[int, str], str] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)
    # The tokens of dotted names, by the namespaces that they are looked up in.
    paths: dict[int, dict[str, str]] = field(default_factory=dict)
    # The definitions of plain functions, by their modules and names; and the tokens of those that are not followed again.
    plain: dict[str, dict[str, Definition]] = field(default_factory=dict)
    known: dict[int, str] = field(default_factory=dict)

    def result(self, hash: str) -> Fingerprint:
        """Return what was found."""
        return Fingerprint(
            hash,
            tuple(self.parts),
            self.values,
            tuple(self.not_followed),
            self.sources,
            tuple(self.edited),
        )


def fingerprint(
    function: Callable[..., Any], recorded: Iterable[str] = (), cache: FactCache | None = None
) -> Fingerprint:
    """Return the fingerprint of a function; defaults of `recorded` arguments do not count.

    What is found out about sources is kept in a cache for other processes.

    >>> first, second = (fingerprint(functools.partial(max, number)) for number in (1, 2))
    >>> first.hash == second.hash, first.values
    (False, {'max: argument 0': '1'})
    """
    names = frozenset(recorded)
    SOURCES.begin(cache)
    with no_collection():
        name = None if cache is None else _summary_name(function, names)
        found = None if cache is None or name is None else _of_summary(function, names, cache.read(name))
        if found is None:
            walk = _Walk(names)
            token = _Reach(walk).visit(function, "", is_root=True)
            found = walk.result(digest_of("\n".join([f"{SCHEME} {token}", *walk.lines, *walk.unknown])))
            if cache is not None and name is not None:
                _write_summary(function, walk, found, cache, name)
        SOURCES.keep()
    return found


def with_values(found: Fingerprint, values: Mapping[str, str]) -> Fingerprint:
    """Return a fingerprint that also depends on some values, such as the hashes of input files."""
    if not values:
        return found
    text = f"{found.hash} {sorted(values.items())!r}"
    return replace(found, hash=digest_of(text), values={**found.values, **values})


class _Reach:
    """Follows a function to all that it reaches; each kind of object becomes a token of the text that is hashed."""

    def __init__(self, walk: _Walk) -> None:
        self.walk = walk

    def visit(self, value: Any, name: str, *, is_root: bool = False) -> str:
        """Return the token of an object: for what is followed, its number."""
        recorded = self.walk.recorded if is_root else frozenset()
        if isinstance(value, FunctionType):
            return self._function(value, recorded)
        if isinstance(value, functools.partial):
            return self._partial(value, name, recorded, is_root=is_root)
        if isinstance(value, MethodType):
            function = self.visit(value.__func__, name, is_root=is_root)
            return f"method({function},{self._instance(value.__self__, name, value.__func__)})"
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, ModuleType):
            return self._module(value.__name__, getattr(value, "__file__", None))
        if is_root and hasattr(value, "coma_code"):
            state = value.coma_code()
            self.walk.values.update({f"{name}{key}": shortened(item) for key, item in state.items()})
            return f"state({sorted(state.items())!r})"
        inner = _wrapped(value)
        if inner is not None:
            return f"wrapper({_top(type(value))}:{type(value).__name__},{self.visit(inner, name, is_root=is_root)})"
        if isinstance(value, BuiltinFunctionType):
            return f"library({_top(value)}:{value.__name__})"
        if not is_root:
            return self.value(value, name)
        return self._instance(value, name, type(value).__call__ if callable(value) else None)

    # Functions, classes, modules

    def _number(self, value: Any) -> tuple[str, bool]:
        """Return the token of what is followed, and whether it was followed already."""
        numbers = self.walk.numbers
        if id(value) in numbers:
            return f"#{numbers[id(value)]}", True
        numbers[id(value)] = len(self.walk.lines)
        self.walk.kept.append(value)
        self.walk.lines.append("")
        return f"#{numbers[id(value)]}", len(numbers) > _MOST_PARTS

    def _function(self, function: FunctionType, recorded: frozenset[str]) -> str:
        code = function.__code__
        if id(function) in self.walk.known:
            return self.walk.known[id(function)]
        if not is_users(code.co_filename):
            return self._library_function(function)
        token, is_known = self._number(function)
        if is_known:
            return token
        module = sys.modules.get(function.__module__ or "")
        found = SOURCES.of_code(code, module, recorded)
        if found is None:
            definition, source = self._compiled(function), None
        else:
            source, definition, edited = found
            self._add_part(source, definition, function.__qualname__, edited=edited)
            if _is_plain(function, module, definition, source):
                self.walk.plain.setdefault(function.__module__, {})[function.__name__] = definition
        lines = [definition.digest, *self._attributes(source, function.__name__, function.__globals__)]
        inner = vars(function).get("__wrapped__")
        if inner is not None:
            # Before the closure, which holds it too: its arguments are those that are recorded.
            lines.append(f"wrapped={self.visit(inner, function.__qualname__, is_root=bool(recorded))}")
        lines += self._outside(definition, function.__globals__, source, function.__qualname__)
        for name, cell in sorted(zip(code.co_freevars, function.__closure__ or (), strict=False)):
            with suppress(ValueError):  # an empty cell
                lines.append(
                    f"{name}={self._held(cell.cell_contents, name, function.__qualname__, definition)}"
                )
        self.walk.lines[int(token[1:])] = " ".join(lines)
        return token

    def _held(self, value: Any, name: str, owner: str, definition: Definition) -> str:
        """Return the token of an object in a closure; one that the function itself changes counts by its type."""
        label = f"{short_name(owner)}: {name}"
        if name in definition.changed and not isinstance(value, _FOLLOWED):
            return self._by_type(value, label)
        return self.visit(value, label)

    def _compiled(self, function: FunctionType) -> Definition:
        """Return what stands for a function without source: the code itself, which depends on Python's version."""
        code = function.__code__
        if not code.co_filename.startswith("<") and SOURCES.of(code.co_filename):
            self.walk.edited[code.co_filename] = None
        self.walk.not_followed[f"{short_name(function.__qualname__)}: its source is not available"] = None
        digest = digest_of(f"code{sys.version_info[:2]}{_compiled_text(code)}{function.__defaults__!r:.200}")
        # An import of a package's module, such as "os.path", names it as a whole.
        names = tuple(name for name in _names_in(code) if "." not in name)
        return Definition(0, 0, digest, digest, names, (), (), frozenset())

    def _library_function(self, function: FunctionType) -> str:
        """Return the token of a function of a package, which may stand for one of the user's."""
        held = [cell.cell_contents for cell in function.__closure__ or () if _holds_function(cell)]
        inner = vars(function).get("__wrapped__")
        held += [] if inner is None else [inner]
        tokens = [self.visit(item, function.__name__) for item in held]
        # What functools.singledispatch calls for other types.
        registry = vars(function).get("registry")
        others = registry.items() if isinstance(registry, MappingProxyType) else ()
        for kind, other in sorted(others, key=lambda item: str(item[0])):
            if isinstance(other, FunctionType) and other is not inner:
                tokens.append(f"{getattr(kind, '__name__', '')}={self.visit(other, function.__name__)}")
        return f"library({_top(function)}:{function.__name__}{','.join(['', *tokens])})"

    def _class(self, kind: type) -> str:
        if id(kind) in self.walk.numbers:
            return f"#{self.walk.numbers[id(kind)]}"
        start = f"{kind.__qualname__}."
        functions = [value for value in vars(kind).values() if isinstance(value, FunctionType)]
        methods = [function for function in functions if function.__qualname__.startswith(start)]
        # Up to Python 3.11, make_dataclass does not say in which module it was called.
        is_nowhere = kind.__module__ == "types" and is_dataclass(kind)
        module = None if is_nowhere else sys.modules.get(kind.__module__)
        plain = [_unwrapped(method) for method in methods]
        codes = [method.__code__ for method in plain if _is_written(method)]
        file = codes[0].co_filename if codes else getattr(module, "__file__", None) or ""
        is_cell = kind.__module__ == "__main__" and not file
        if not (is_cell or is_nowhere or is_users(file)):
            return f"library({_top(kind)}:{kind.__qualname__})"
        token, is_known = self._number(kind)
        if is_known:
            return token
        found = SOURCES.of_class(file, module, kind.__qualname__, codes) if file else None
        if found is None:
            lines = [f"class {kind.__name__}"]
            lines += [f"{n}={self.visit(v, f'{kind.__qualname__}.{n}')}" for n, v in _members(kind).items()]
        else:
            source, definition, edited = found
            space = plain[0].__globals__ if plain else vars(module) if module else {}
            self._add_part(source, definition, kind.__qualname__, edited=edited)
            lines = [definition.digest, *self._outside(definition, space, source, kind.__qualname__)]
            lines += self._cells(methods, kind.__qualname__, definition)
            lines += self._attributes(source, kind.__qualname__, space)
        lines += self._added(kind)
        lines += [self._class(base) for base in kind.__mro__[1:] if base is not object]
        self.walk.lines[int(token[1:])] = " ".join(lines)
        return token

    def _attributes(self, source: Source | None, name: str, space: Mapping[str, Any]) -> list[str]:
        """Return the tokens of the statements of a module that set attributes of one of its functions or classes."""
        if source is None or name not in source.extended:
            return []
        return [
            token
            for definition in source.assignment(name).attributes
            for token in (definition.digest, *self._outside(definition, space, source, name))
        ]

    def _added(self, kind: type) -> Iterator[str]:
        """Yield the tokens of the user's functions and classes that a class was given from elsewhere, in tables too."""
        for name, value in list(vars(kind).items()):
            if isinstance(value, FunctionType):
                is_own = "<locals>" in value.__qualname__ or value.__qualname__.startswith(
                    f"{kind.__qualname__}."
                )
                if not is_own and _is_written(value) and id(value) not in self.walk.numbers:
                    yield f"{name}={self._function(value, frozenset())}"
            elif not name.startswith("__"):
                yield from self._registered(value, name, f"{kind.__qualname__}.")

    def _cells(self, methods: Iterable[FunctionType], owner: str, definition: Definition) -> Iterator[str]:
        """Yield the tokens of what the user's methods of a class hold in closures."""
        cells = {
            name: cell
            for method in methods
            # Those that are made of text differ between versions of Python.
            if not _unwrapped(method).__code__.co_filename.startswith(_GENERATED)
            for name, cell in zip(method.__code__.co_freevars, method.__closure__ or (), strict=False)
            if name != "__class__"
        }
        for name in sorted(cells):
            with suppress(ValueError):
                yield f"{name}={self._held(cells[name].cell_contents, name, owner, definition)}"

    def _module(self, name: str, file: str | None) -> str:
        """Return the token of a module that counts as a whole."""
        if not file or not is_users(file):
            return f"library({name})"
        if file in self.walk.numbers:
            return f"#{self.walk.numbers[file]}"
        number = self.walk.numbers[file] = len(self.walk.lines)
        self.walk.lines.append("")
        module = sys.modules.get(name)
        space = None if module is None else vars(module)
        source = SOURCES.loaded(file, space) if file.endswith(".py") else None
        if source is None:
            self.walk.not_followed[f"{name}: a module without Python source"] = None
            self.walk.lines[number] = f"module {name.rpartition('.')[2]}"
            return f"#{number}"
        definition = source.module()
        edited = SOURCES.is_edited(source, lambda source: source.module().digest)
        self._add_part(source, definition, f"module {name}", edited=edited)
        package = name if file.endswith("__init__.py") else name.rpartition(".")[0]
        lines = [definition.digest, *self._imports(definition, package)]
        self.walk.lines[number] = " ".join(lines)
        return f"#{number}"

    def _add_part(self, source: Source, definition: Definition, name: str, *, edited: bool) -> None:
        part = Part(short_name(name), source.file, definition.first, definition.last, definition.part)
        self.walk.parts.append(part)
        self.walk.sources[source.file] = source
        unknown = SOURCES.unknown(source.file)
        if unknown is not None:
            self.walk.unknown[f"loaded {unknown}"] = None
        if edited or unknown is not None:
            self.walk.edited[source.file] = None

    # What a definition refers to

    def _outside(
        self, definition: Definition, space: Mapping[str, Any], source: Source | None, name: str
    ) -> list[str]:
        """Return tokens for the names that a definition refers to, and for the modules that it imports."""
        for word in definition.dynamic:
            self.walk.not_followed[f"{short_name(name)}: {word}()"] = None
        lines, known = [], self.walk.paths.setdefault(id(space), {})
        for path in definition.names:
            token = known.get(path)
            if token is None:
                first, *rest = path.split(".")
                if first in space and first not in _OF_MODULES:
                    token = f"{path}={self.follow(first, rest, space, source, definition.changed)}"
                    known[path] = token
            if token is not None:
                lines.append(token)
        if definition.imports:
            lines += self._imports(definition, str(space.get("__package__") or ""))
        return lines

    def _imports(self, definition: Definition, package: str) -> list[str]:
        tokens = []
        for name, level in definition.imports:
            parts = package.split(".") if package else []
            base = parts[: len(parts) - level + 1] if level else []
            full = ".".join([*base, *([name] if name else [])])
            file = module_file(full) if full else None
            if file is not None and is_users(file):
                tokens.append(self._module(full, file))
        return tokens

    def follow(
        self,
        name: str,
        rest: list[str],
        space: Mapping[str, Any],
        source: Source | None = None,
        changed: frozenset[str] = frozenset(),
    ) -> str:
        """Return the token of a name, and the attributes after it: what it stands for, or the source of its assignment."""
        value = space[name]
        while rest and isinstance(value, ModuleType) and is_users(getattr(value, "__file__", None) or ""):
            inner = vars(value)
            if rest[0] in _OF_MODULES:
                return f"module({rest[0]})"
            if rest[0] not in inner:
                break
            space, name, source, changed = inner, rest.pop(0), None, frozenset()
            value = inner[name]
        if isinstance(value, _FOLLOWED) or _wrapped(value) is not None:
            return self.visit(value, name)
        key = id(space), name
        if key not in self.walk.globals:
            self.walk.globals[key] = "(itself)"
            self.walk.globals[key] = self._assigned(name, value, space, source, changed)
        return self.walk.globals[key]

    def _assigned(
        self, name: str, value: Any, space: Mapping[str, Any], source: Source | None, changed: frozenset[str]
    ) -> str:
        file = space.get("__file__")
        own = source if source is not None and source.file == file else None
        if own is None and isinstance(file, str):
            if not is_users(file):
                return self.value(value, name)
            own = SOURCES.loaded(file, space)
        assigned = None if own is None else own.assignment(name)
        if own is None or assigned is None or not assigned.definitions:
            return self._by_type(value, name) if name in changed else self.value(value, name)
        self.walk.sources[own.file] = own
        if SOURCES.is_edited(own, lambda source: [d.digest for d in source.assignment(name).definitions]):
            present = SOURCES.of(own.file)[0].assignment(name)
            if present.literal is not None and repr(_written(present.literal)) == repr(value):
                # It was loaded again, by itself.
                assigned = present
            else:
                self.walk.edited[own.file] = None
        if assigned.imported is not None:
            return self._imported(name, value, assigned.imported, space)
        is_fixed = isinstance(value, (*_SCALARS, Enum, tuple)) and name not in own.rebound
        if is_fixed and not assigned.has_call:
            return self.value(value, name)
        if assigned.literal is not None:
            return " ".join([self.value(_written(assigned.literal), name), *self._registered(value, name)])
        for definition in assigned.definitions:
            self._add_part(own, definition, name, edited=False)
        lines = [definition.digest for definition in assigned.definitions]
        for definition in assigned.definitions:
            names = tuple(path for path in definition.names if path.partition(".")[0] != name)
            lines += self._outside(definition._replace(names=names), space, own, name)
        return f"assigned({' '.join(lines)})"

    def _registered(self, value: Any, name: str, owner: str = " ") -> list[str]:
        """Return the tokens of functions and classes in a table whose source does not name them: they came later."""
        items = value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
        found = [
            (str(key), item)
            for key, item in items
            if isinstance(item, (FunctionType, type))
            and id(item) not in self.walk.numbers
            and not item.__qualname__.startswith(owner)
        ]
        return [f"{key}={self.visit(item, name)}" for key, item in sorted(found, key=lambda pair: pair[0])]

    def _imported(self, name: str, value: Any, imported: Imported, space: Mapping[str, Any]) -> str:
        """Return the token of data that was imported from another module."""
        if imported.name:
            parts = str(space.get("__package__") or "").split(".")
            base = parts[: len(parts) - imported.level + 1] if imported.level else []
            module = sys.modules.get(".".join([*base, *([imported.module] if imported.module else [])]))
            file = getattr(module, "__file__", None)
            if module is not None and file and is_users(file) and vars(module) is not space:
                return self._assigned(imported.name, value, vars(module), None, frozenset())
        return self.value(value, name)

    # Values

    def _partial(
        self, value: functools.partial[Any], name: str, recorded: frozenset[str], *, is_root: bool
    ) -> str:
        inner = self.visit(value.func, name, is_root=is_root)
        label = getattr(value.func, "__name__", "partial")
        tokens = [self.visit(item, f"{label}: argument {i}") for i, item in enumerate(value.args)]
        tokens += [
            f"{key}={self.visit(item, f'{label}: {key}')}"
            for key, item in sorted(value.keywords.items())
            if key not in recorded
        ]
        return f"partial({inner},{','.join(tokens)})"

    def _instance(self, value: Any, name: str, method: Any) -> str:
        """Return the token of an object whose method is run: its class, and its attributes by value.

        Those that the method itself changes count by their type.
        """
        if isinstance(value, (type, ModuleType)):
            return self.visit(value, name)
        kind = self._class(type(value))
        if kind.startswith("library"):
            return self.value(value, name)
        state = dict(vars(value)) if hasattr(value, "__dict__") else {}
        for base in type(value).__mro__:
            slots = vars(base).get("__slots__", ())
            for slot in [slots] if isinstance(slots, str) else slots:
                with suppress(AttributeError):
                    state.setdefault(slot, getattr(value, slot))
        label = type(value).__name__
        changed = _changed_attributes(method)
        tokens = [
            f"{key}={(self._by_type if key in changed else self.visit)(state[key], f'{label}.{key}')}"
            for key in sorted(state, key=str)
        ]
        return f"object({kind},{','.join(tokens)})"

    def value(self, value: Any, name: str) -> str:
        """Return the token of data by its value, or by its type where that may differ in every process."""
        token = self._plain(value, name, 0, [_MOST_ITEMS])
        if token is None and callable(value) and isinstance(getattr(value, "__name__", None), str):
            return f"library({_top(value)}:{value.__name__})"
        if token is None:
            return self._by_type(value, name)
        if name and (text := _shown(value, token)):
            self.walk.values[name] = text
        return token

    def _by_type(self, value: Any, name: str) -> str:
        kind = type(value)
        self.walk.not_followed[f"{name}: {kind.__module__}.{kind.__qualname__}"] = None
        if is_users(_file_of(kind)):
            return f"type({self._class(kind)})"
        return f"type({_top(kind)}:{kind.__qualname__})"

    def _plain(self, value: Any, name: str, depth: int, left: list[int]) -> str | None:
        left[0] -= 1
        kind = type(value)
        if left[0] < 0 or depth > _MOST_DEPTH:
            return None
        if kind in _SCALARS:
            return f"{kind.__name__}:{_scalar(value)}"
        if isinstance(value, Enum):
            return f"{kind.__name__}.{value.name}"
        if (
            isinstance(value, (FunctionType, type, functools.partial, MethodType))
            or _wrapped(value) is not None
        ):
            return self.visit(value, name)
        if kind in (list, tuple, set, frozenset):
            tokens = [self._plain(item, name, depth + 1, left) for item in value]
            if None in tokens:
                return None
            texts = [str(token) for token in tokens]
            return f"{kind.__name__}({','.join(sorted(texts) if kind in (set, frozenset) else texts)})"
        if kind is dict:
            pairs = [
                (self._plain(key, name, depth + 1, left), self._plain(item, name, depth + 1, left))
                for key, item in value.items()
            ]
            if any(None in pair for pair in pairs):
                return None
            return f"dict({','.join(f'{key}:{item}' for key, item in pairs)})"
        return _array(value)


# The summary of a function spares the next process most of the way. It has the names of plain functions, which are compared
# by their code, and of all else that these refer to, which is followed as ever.


class _Module(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A module, its plain functions, and the other names that these refer to: those that it has, and that it does not."""

    name: str
    file: str
    source: str
    functions: list[str]
    others: list[str]
    missing: list[str]


class _Summary(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The code and values that a function reaches, and the digest of the state in which it does."""

    modules: list[_Module]
    state: str
    hash: str
    parts: tuple[Part, ...]
    values: dict[str, str]
    not_followed: tuple[str, ...]
    files: list[str]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Summary).decode


@functools.cache
def _rules() -> str:
    return f"{SCHEME} {[files.stamp(module) for module in (__file__, sources.__file__)]}"


def _summary_name(function: Any, recorded: frozenset[str]) -> str | None:
    """Return the name of the summary of a function in a cache; None for other callables, which have none."""
    while isinstance(function, (functools.partial, MethodType)):
        function = function.func if isinstance(function, functools.partial) else function.__func__
    if not isinstance(function, FunctionType):
        return None
    label = function.__module__, function.__qualname__, function.__code__.co_filename, sorted(recorded)
    return name_in_cache(f"{_rules()} {label}")


def _is_plain(function: FunctionType, module: object, definition: Definition, source: Source) -> bool:
    """Whether a function is found by its name in its module, and reaches nothing but what its names stand for."""
    return (
        isinstance(module, ModuleType)
        and vars(module).get("__file__") == source.file
        and _is_global(function, function.__name__, module, source.file)
        and not definition.imports
        and definition.changed.isdisjoint(path.partition(".")[0] for path in definition.names)
        and function.__name__ not in source.extended
    )


def _is_global(function: object, name: str, module: ModuleType, file: str) -> bool:
    return (
        vars(module).get(name) is function
        and isinstance(function, FunctionType)
        and function.__globals__ is vars(module)
        and function.__module__ == vars(module).get("__name__")
        and function.__name__ == function.__qualname__ == name
        and function.__code__.co_filename == file
        and function.__closure__ is None
        and not vars(function)
    )


def _write_summary(
    function: Callable[..., Any], walk: _Walk, found: Fingerprint, cache: FactCache, place: str
) -> None:
    """Write the summary of a function whose files have not changed since the last run, if it saves the next one any time."""
    is_small = sum(map(len, walk.plain.values())) < _FEW
    if is_small or len(walk.numbers) > _MOST_PARTS or SOURCES.have_changed():
        return
    modules = [_module(name, functions) for name, functions in walk.plain.items()]
    state, _ = _state(function, walk.recorded, modules)
    if state:
        result = found.hash, found.parts, walk.values, found.not_followed, [*found.sources]
        cache.write(place, _encode(_Summary(modules, state, *result)))


def _module(name: str, functions: Mapping[str, Definition]) -> _Module:
    module = sys.modules[name]
    space, file = vars(module), str(module.__file__)
    source = SOURCES.only_source(module, file)
    paths = {path: path.partition(".")[0] for definition in functions.values() for path in definition.names}
    others = [p for p, n in paths.items() if n in space and n not in _OF_MODULES and p not in functions]
    missing = [n for n in {*paths.values()} if n not in space]
    return _Module(name, file, source.name if source else "", [*functions], others, missing)


def _of_summary(
    function: Callable[..., Any], recorded: frozenset[str], data: memoryview | None
) -> Fingerprint | None:
    """Return the fingerprint that a summary has of the present state; None if it has none."""
    if data is None:
        return None
    try:
        summary = _decode(data)
    except msgspec.MsgspecError:
        return None
    state, reached = _state(function, recorded, summary.modules)
    paths = {*summary.files}
    is_whole = {part.file for part in summary.parts} <= paths <= reached.keys() and _is_digest(summary.hash)
    if not is_whole or state != summary.state:
        return None
    result = summary.parts, summary.values, summary.not_followed
    return Fingerprint(summary.hash, *result, {path: reached[path] for path in summary.files}, ())


def _state(
    function: Callable[..., Any], recorded: frozenset[str], modules: Iterable[_Module]
) -> tuple[str, dict[str, Source]]:
    """Return the digest of all that the fingerprint of a function depends on, and the sources that it reaches.

    The digest is empty if files were edited since they were loaded, or a name does not stand for what it stood for.
    """
    walk = _Walk(recorded)
    codes: list[CodeType] = []
    for each in modules:
        module = sys.modules.get(each.name)
        source = SOURCES.only_source(module, each.file) if isinstance(module, ModuleType) else None
        if module is None or source is None or source.name != each.source or not is_users(each.file):
            return "", {}
        space = vars(module)
        is_same = space.keys().isdisjoint(each.missing) and all(
            _is_global(space.get(name), name, module, each.file) for name in each.functions
        )
        if not is_same or any(path.partition(".")[0] not in space for path in each.others):
            return "", {}
        walk.sources[each.file] = source
        for name in each.functions:
            walk.known[id(space[name])] = f"@{len(codes)}"
            codes.append(space[name].__code__)
    reach = _Reach(walk)
    tokens = [key_of_all(codes), reach.visit(function, "", is_root=True)]
    for each in modules:
        space = vars(sys.modules[each.name])
        for path in each.others:
            first, *rest = path.split(".")
            tokens.append(reach.follow(first, rest, space))
    if walk.edited or walk.unknown:
        return "", {}
    observed = tokens, walk.lines, walk.parts, walk.values, [*walk.not_followed]
    return digest_of(repr(observed)), walk.sources


def _is_digest(text: str) -> bool:
    """Whether a string may be a fingerprint, by which a file is named."""
    return len(text) == len(digest_of("")) and set(text) <= set("0123456789abcdef")


def short_name(qualname: str) -> str:
    """Return a qualified name without the functions that it was defined in.

    >>> short_name("make.<locals>.Model.run")
    'Model.run'
    """
    return qualname.rpartition("<locals>.")[2]


def _shown(value: Any, token: str) -> str:
    """Return data as a message shows it, unequal for unequal data; nothing for what may be written with its address."""
    if isinstance(value, (set, frozenset)):
        # The order of a set differs between processes.
        items = f"{{{', '.join(sorted(map(repr, value)))}}}" if value else ""
        text = items if items and type(value) is set else f"{type(value).__name__}({items})"
        text = cut(text, _MOST_SHOWN)
    elif not isinstance(value, (*_SCALARS, list, tuple, dict)):
        return "" if "#" in token else cut(token, 30)
    else:
        text = shortened(value, _MOST_SHOWN)
    rest = f" ({digest_of(token)[:6]})" if len(text) == _MOST_SHOWN else ""
    return "" if "<" in text else text + rest


def _array(value: Any) -> str | None:
    """Return the token of a NumPy number or array by value; None for all else."""
    if type(value).__module__.partition(".")[0] != "numpy":
        return None
    import numpy as np

    if isinstance(value, np.generic) and not value.dtype.hasobject:
        return f"{value.dtype.str}:{value.tobytes().hex()}"
    if type(value) is not np.ndarray or value.dtype.hasobject or value.nbytes > _MOST_BYTES:
        return None
    data = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    return f"{value.dtype.str}{value.shape}:{data}"


def _scalar(value: Any) -> str:
    text = text_of(value)
    return text if len(text) <= 1000 else f"{len(text)}:{digest_of(text)}"


@functools.lru_cache(maxsize=1_000)
def _written(literal: str) -> Any:
    """Return the value that a literal writes out; nobody may change it."""
    return ast.literal_eval(literal)


def _wrapped(value: Any) -> Any:
    """Return the function that an object of a package stands for, such as one with a cache; else None."""
    if isinstance(value, _FOLLOWED):
        return None
    try:
        held = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    if type(held) is not dict:
        return None
    return next(
        (held[key] for key in _WRAPPED if isinstance(held.get(key), (FunctionType, MethodType))), None
    )


def _changed_attributes(method: Any) -> set[str]:
    """Return the attributes of its object that a method of the user's sets or changes."""
    if not isinstance(method, FunctionType) or not _is_written(method) or not method.__code__.co_argcount:
        return set()
    found = SOURCES.of_code(method.__code__, sys.modules.get(method.__module__ or ""))
    owner = f"{method.__code__.co_varnames[0]}."
    return set() if found is None else {n[len(owner) :] for n in found[1].changed if n.startswith(owner)}


def _members(kind: type) -> dict[str, Any]:
    """Return what counts of a class without a source, equal for all versions of Python: the fields of one made of names."""
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return {name: getattr(kind, name, None) for name in ("_fields", "_field_defaults")}
    members = {name: value for name, value in vars(kind).items() if not name.startswith("_")}
    return {"fields": tuple(each.name for each in fields(kind)), **members} if is_dataclass(kind) else members


def _is_written(function: FunctionType) -> bool:
    """Whether a function is written in a file of the user's, or a cell."""
    file = function.__code__.co_filename
    return is_users(file) and not file.startswith(_GENERATED)


def _unwrapped(function: FunctionType) -> FunctionType:
    """Return the function that decorators have wrapped."""
    inner = vars(function).get("__wrapped__")
    return _unwrapped(inner) if isinstance(inner, FunctionType) and inner is not function else function


def _holds_function(cell: Any) -> bool:
    try:
        value = cell.cell_contents
    except ValueError:
        return False
    return isinstance(value, FunctionType) and is_users(value.__code__.co_filename)


def _file_of(kind: type) -> str:
    if kind.__module__ == "__main__":
        return getattr(sys.modules["__main__"], "__file__", None) or "<string>"
    return getattr(sys.modules.get(kind.__module__), "__file__", None) or ""


def _top(value: Any) -> str:
    """Return the package that an object belongs to, under which it is in every version of it."""
    module = getattr(value, "__module__", None) or type(value).__module__
    return str(module).partition(".")[0]


def _names_in(code: CodeType) -> list[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.update(_names_in(constant))
    return sorted(names)


def _compiled_text(code: CodeType) -> str:
    constants = [_compiled_text(c) if isinstance(c, CodeType) else text_of(c) for c in code.co_consts]
    return f"({code.co_name} {code.co_code.hex()} {constants} {code.co_names} {code.co_varnames})"
