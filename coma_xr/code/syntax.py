"""The syntax of a source: the definitions that code was made of, their normal forms, and the assignments of a module."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property, partial
from importlib.abc import InspectLoader
from types import CodeType
from typing import Any, NamedTuple

import msgspec

from coma_xr.code.forms import Features, form_of, text_of

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


class Definition(NamedTuple):
    """A definition: its lines, the digests of its normal form and of that with all defaults, and what it refers to."""

    first: int
    last: int
    digest: str
    part: str
    names: tuple[str, ...]
    imports: tuple[tuple[str, int], ...]
    dynamic: tuple[str, ...]
    changed: frozenset[str]


class Imported(NamedTuple):
    """The module and name that a name was imported from; the name is empty if it stands for a module."""

    module: str
    level: int
    name: str


class Assignment(NamedTuple):
    """The statements outside of functions that assign a name, and those of them that only set attributes of it.

    `literal` is the source of its value, if that is written out.
    """

    definitions: tuple[Definition, ...] = ()
    imported: Imported | None = None
    has_call: bool = False
    literal: str | None = None
    attributes: tuple[Definition, ...] = ()


def digest_of(text: str) -> str:
    """Return the digest that fingerprints are made of: 48 bits in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


class Syntax:
    """The syntax tree of a source, and where in it things are."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._tree = ast.parse(text)
        self._definitions: dict[tuple[str, int], ast.AST] = {}
        self._by_name: dict[str, list[ast.AST]] = {}
        self._statements: dict[str, list[ast.stmt]] = {}
        self._assigned: dict[str, list[ast.stmt]] = {}
        self._codes: dict[tuple[ast.AST, int], dict[str, list[CodeType]]] = {}
        self._imports: list[ast.stmt] = []
        self._features = Features.of(text)
        self.rebound: set[str] = set()
        self.extended: set[str] = set()
        for statement in self._tree.body:
            self._index([statement], "", statement)

    def _index(self, body: Iterable[ast.stmt], prefix: str, top: ast.stmt | None) -> None:
        """Note definitions and assignments; `top` is the statement that they are in, None within a definition."""
        for node in body:
            if isinstance(node, _DEFINITIONS):
                self._definitions[node.name, _first_line(node)] = node
                self._by_name.setdefault(prefix + node.name, []).append(node)
                if top is not None:
                    tops = self._statements.setdefault(node.name, [])
                    tops += [] if top in tops else [top]
                inner = "." if isinstance(node, ast.ClassDef) else ".<locals>."
                self._index(node.body, prefix + node.name + inner, None)
                continue
            if isinstance(node, ast.Global):
                self.rebound.update(node.names)
            if top is not None:
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    self._imports.append(node)
                for name in _assigned(node):
                    self._assigned.setdefault(name, []).append(node)
                self.extended.update(_extended(node))
            for field in _BLOCKS:
                inner_body = getattr(node, field, None)
                if isinstance(inner_body, list):
                    self._index(inner_body, prefix, top)

    def definition(self, node: ast.AST, recorded: frozenset[str] = frozenset()) -> Definition:
        """Return a definition; the defaults of `recorded` arguments do not count."""
        features = self._features_of(node)
        form = form_of(node, recorded, features)
        digest = digest_of(form.text)
        part = digest_of(form_of(node, (), features).text) if recorded else digest
        if isinstance(node, ast.Module):
            lines = 1, self._text.count("\n") + 1
        else:
            lines = _first_line(node), node.end_lineno  # type: ignore[attr-defined]
        return Definition(*lines, digest, part, form.names, form.imports, form.dynamic, form.changed)

    def _features_of(self, node: Any) -> Features:
        """Return what may be in a node: less than in the source, as a rule."""
        if not any(self._features) or isinstance(node, ast.Module) or "\r" in self._text:
            return self._features
        return Features.of("\n".join(self._lines[_first_line(node) - 1 : node.end_lineno]))

    @cached_property
    def _lines(self) -> list[str]:
        return self._text.split("\n")

    @cached_property
    def module(self) -> Definition:
        """The source as a whole."""
        return self.definition(self._tree)

    def match(self, code: CodeType) -> CodeType | None:
        """Return the code of this source that some code is equal to, at the same place if possible; None without one."""
        alike: dict[bool, CodeType] = {}
        for other in self._compiled(code):
            if other == code or essence(other) == essence(code):
                is_at_line = other.co_firstlineno == code.co_firstlineno
                if is_at_line and other.co_linetable == code.co_linetable:
                    return other
                alike.setdefault(is_at_line, other)
        return alike.get(True, alike.get(False))

    def _compiled(self, code: CodeType) -> Iterator[CodeType]:
        """Yield the codes with the name of some code, from the statement at its lines first."""
        line = code.co_firstlineno
        statements = self._statements.get(code.co_qualname.partition(".")[0]) or self._tree.body
        for statement in sorted(statements, key=lambda node: not _is_around(line, node)):
            # What is imported decides how methods are called; the rest of a file makes no difference as a rule.
            # Of a cell of a notebook, each statement is compiled by itself.
            for imports in (self._imports, []):
                yield from self._compile(statement, imports).get(code.co_qualname, ())
        yield from self._compile(self._tree, []).get(code.co_qualname, ())

    def _compile(self, node: ast.stmt | ast.Module, imports: list[ast.stmt]) -> dict[str, list[CodeType]]:
        """Return the code of all functions in a statement after some imports, or in the source, by their names."""
        key = node, len(imports)
        if key not in self._codes:
            codes = self._codes[key] = {}
            body = node.body if isinstance(node, ast.Module) else [*imports, node]
            with suppress(SyntaxError, ValueError, RecursionError):
                # A cell of a notebook may await outside of functions.
                for inner in codes_in(InspectLoader.source_to_code(ast.Module(body, []), self._file)):
                    codes.setdefault(inner.co_qualname, []).append(inner)
        return self._codes[key]

    def at_lines(self, code: CodeType, recorded: frozenset[str] = frozenset()) -> Definition | None:
        """Return the definition at the lines of some code."""
        if code.co_name != "<lambda>":
            node = self._definitions.get((code.co_name, code.co_firstlineno))
            return None if node is None else self.definition(node, recorded)
        places = [place for place in code.co_positions() if None not in place and place[2] != place[3]]
        around = (node for node in self._tree.body if _is_around(code.co_firstlineno, node))
        fitting = [
            node
            for statement in around
            for node in ast.walk(statement)
            if isinstance(node, ast.Lambda) and all(_is_within(place, node) for place in places)
        ]
        return self.definition(fitting[-1], recorded) if fitting else None

    def of_class(self, qualname: str, lines: Sequence[int]) -> Definition | None:
        """Return the definition of a class, of several with one name that in which a method begins at one of the lines."""
        nodes = [node for node in self._by_name.get(qualname, ()) if isinstance(node, ast.ClassDef)]
        fitting = [
            node
            for node in nodes
            if any(node.lineno <= line <= (node.end_lineno or node.lineno) for line in lines)
        ]
        return self.definition((fitting or nodes)[0 if fitting else -1]) if nodes else None

    def assignment(self, name: str) -> Assignment:
        """Return what the source assigns to a name outside of functions."""
        statements = self._assigned.get(name, [])
        imports = [node for node in statements if isinstance(node, (ast.Import, ast.ImportFrom))]
        return Assignment(
            tuple(self.definition(statement) for statement in statements),
            _imported(imports[-1], name) if imports else None,
            any(isinstance(leaf, ast.Call) for node in statements for leaf in ast.walk(node)),
            self._literal(statements),
            tuple(self.definition(node) for node in statements if name in _extended(node)),
        )

    @staticmethod
    def _literal(statements: Sequence[ast.stmt]) -> str | None:
        """Return the source of the value that the only assignment of a name writes out; None if it does not."""
        if len(statements) != 1 or not isinstance(statements[0], (ast.Assign, ast.AnnAssign)):
            return None
        statement = statements[0]
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if statement.value is None or len(targets) != 1 or not isinstance(targets[0], ast.Name):
            return None
        try:
            text = repr(ast.literal_eval(statement.value))
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None
        # An infinity has no literal of its own.
        return ast.unparse(statement.value) if "inf" in text else text


def _first_line(node: Any) -> int:
    lines: list[int] = [node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))]
    return min(lines)


def _is_around(line: int, node: ast.stmt) -> bool:
    return _first_line(node) <= line <= (node.end_lineno or node.lineno)


def _imported(node: ast.Import | ast.ImportFrom, name: str) -> Imported:
    if isinstance(node, ast.Import):
        return Imported("", 0, "")
    names = [alias.name for alias in node.names if (alias.asname or alias.name) == name]
    return Imported(node.module or "", node.level, names[0] if names else "")


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


def _extended(node: ast.stmt) -> list[str]:
    """Return the names of the objects that a statement gives attributes."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    places = [target.value for target in targets if isinstance(target, ast.Attribute)]
    return [place.id for place in places if isinstance(place, ast.Name)]


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """Yield the codes of all functions and classes that are defined in some code."""
    for item in code.co_consts:
        if isinstance(item, CodeType):
            yield item
            yield from codes_in(item)


def key_of(code: CodeType) -> str:
    """Return the digest of some code with its lines, in every process of this version of Python."""
    return _digest((code, code.co_firstlineno, code.co_linetable))


def key_of_all(codes: Iterable[CodeType]) -> str:
    """Return the digest of the codes of several functions with their names and lines, in every process of this version."""
    whole = hashlib.sha256()
    for code in codes:
        whole.update(_encoded((code, code.co_qualname, code.co_firstlineno)))
    return whole.hexdigest()


def essence(code: CodeType) -> str:
    """Return the digest of what is equal for code that does the same, wherever it is in a file, in every process."""
    return _digest(code)


def _digest(value: object) -> str:
    return hashlib.sha256(_encoded(value)).hexdigest()[:24]


def _encoded(value: object) -> bytes:
    try:
        return _encode(value)
    except (OverflowError, ValueError):  # long integers, and half characters
        return _encode_as_text(value)


def _described(value: object, *, as_text: bool = False) -> object:
    """Return what code does, as far as the encoder has no form of it itself."""
    if not isinstance(value, CodeType):
        return constant(value)
    constants: Sequence[object] = value.co_consts
    if as_text or frozenset in map(type, constants):
        constants = [item if isinstance(item, CodeType) else constant(item) for item in constants]
    variables = value.co_varnames, value.co_freevars, value.co_cellvars
    # Other flags depend on what a cell before this one has imported from __future__.
    stars = value.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    arguments = value.co_argcount, value.co_posonlyargcount, value.co_kwonlyargcount, stars
    return value.co_name, value.co_code, constants, value.co_names, variables, arguments


_encode = msgspec.msgpack.Encoder(enc_hook=_described).encode
_encode_as_text = msgspec.msgpack.Encoder(enc_hook=partial(_described, as_text=True)).encode


def constant(value: object) -> str:
    """Return what is equal for equal constants of some code, in every process."""
    if isinstance(value, frozenset):
        # Its order depends on the process.
        return f"frozenset{sorted(map(constant, value))}"
    return text_of(value)
