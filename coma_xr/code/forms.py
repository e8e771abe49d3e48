"""The normal form of a piece of source: equal for all layouts, comments, docstrings and names of local variables.

It is written from the fields of the syntax tree, so that every version of Python gives the same.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

# Names that look up other names while the program runs.
_DYNAMIC = {"eval", "exec", "compile", "__import__", "globals", "import_module"}
_LOOKS_AT_LOCALS = {"locals", "vars", "dir", "eval", "exec"}
# A boundary in front of the words would make it look at every character.
_LOOKS = re.compile(rf"(?:{'|'.join(sorted(_LOOKS_AT_LOCALS))})\b")

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BOUND_NAMES = {"ExceptHandler": "name", "MatchAs": "name", "MatchStar": "name", "MatchMapping": "rest"}
_IGNORED = {"ctx", "type_comment", "kind", "type_ignores"}

# The fields in which statements bind names, unless an expression does with :=.
_BLOCK = ("body", "orelse")
_BINDING_FIELDS: dict[type, tuple[str, ...]] = {
    **dict.fromkeys((ast.Expr, ast.Return, ast.Raise, ast.Assert, ast.Pass, ast.Break, ast.Continue), ()),
    ast.Assign: ("targets",),
    **dict.fromkeys((ast.AugAssign, ast.AnnAssign), ("target",)),
    **dict.fromkeys((ast.For, ast.AsyncFor), ("target", *_BLOCK)),
    **dict.fromkeys((ast.If, ast.While), _BLOCK),
    **dict.fromkeys((ast.With, ast.AsyncWith), ("items", "body")),
    ast.withitem: ("optional_vars",),
    ast.ExceptHandler: ("body",),
    ast.match_case: ("pattern", "body"),
    ast.Match: ("cases",),
}

# What changes the object that a name stands for.
_CHANGING = {"add", "append", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}


class Form(NamedTuple):
    """The normal form of a definition, and what is outside of it: dotted names, modules that it imports itself."""

    text: str
    names: tuple[str, ...]
    imports: tuple[tuple[str, int], ...]
    dynamic: tuple[str, ...]
    changed: frozenset[str]


class Features(NamedTuple):
    """The words that a source may contain; where one is absent, nobody need look for it in the syntax tree."""

    looks_at_locals: bool = True
    assigns_in_expressions: bool = True

    @classmethod
    def of(cls, text: str) -> Features:
        """Return the features of a source."""
        return cls(_LOOKS.search(text) is not None, ":=" in text)


_ANY = Features()


def form_of(node: ast.AST, recorded: Container[str] = (), features: Features = _ANY) -> Form:
    """Return the normal form of a node; the defaults of `recorded` arguments are left out, if it is a function.

    >>> one, other = (form_of(ast.parse(f"def f(x): {name} = x; return g({name})").body[0]) for name in "yz")
    >>> one == other, one.names
    (True, ('g',))
    """
    writer = _Writer(features)
    if isinstance(node, _FUNCTIONS):
        writer.function(node, _NO_SCOPE, recorded)
    else:
        writer.write(node, _NO_SCOPE)
    return Form(
        "".join(writer.parts),
        tuple(map(".".join, sorted(writer.names))),
        tuple(sorted(writer.imports)),
        tuple(sorted(writer.dynamic)),
        frozenset(writer.changed),
    )


def text_of(constant: object) -> str:
    """Return a constant as text; Python refuses to write out long integers in decimal digits."""
    is_long = type(constant) is int and abs(constant) > 1 << 64
    return f"{constant:#x}" if is_long else repr(constant)


class _Scope(NamedTuple):
    """Replacement for the names of local variables here, and in functions that are defined here."""

    here: Mapping[str, str]
    inside: Mapping[str, str]


_NOTHING: Mapping[str, Any] = {}
_NO_SCOPE = _Scope(_NOTHING, _NOTHING)


class _Writer:
    def __init__(self, features: Features) -> None:
        self.features = features
        self.parts: list[str] = []
        self.names: set[tuple[str, ...]] = set()
        self.imports: set[tuple[str, int]] = set()
        self.dynamic: set[str] = set()
        self.changed: set[str] = set()
        self.count = 0

    def write(self, node: Any, scope: _Scope) -> None:
        """Write a node, a list of nodes, or what stands in a field of one."""
        _WRITERS[type(node)](self, node, scope)

    def _list(self, nodes: list[Any], scope: _Scope) -> None:
        self.parts.append("[")
        for node in nodes:
            _WRITERS[type(node)](self, node, scope)
        self.parts.append("]")

    def _fields(self, node: ast.AST, scope: _Scope, replaced: Mapping[str, Any] = _NOTHING) -> None:
        start, fields = _LAYOUTS[type(node)]
        append = self.parts.append
        append(start)
        for name, label in fields:
            value = replaced[name] if name in replaced else getattr(node, name, None)
            if not value and (value is None or value == []):
                continue
            append(label)
            _WRITERS[type(value)](self, value, scope)
        append(")")

    def _bare(self, node: ast.AST, _: _Scope) -> None:
        self.parts.append(f"{_LAYOUTS[type(node)][0]})")

    def _operation(self, node: ast.BinOp, scope: _Scope) -> None:
        """Write a calculation, the most frequent node, as `_fields` would."""
        append = self.parts.append
        append("(BinOp left=")
        _WRITERS[type(node.left)](self, node.left, scope)
        append(f"op=({type(node.op).__name__} )right=")
        _WRITERS[type(node.right)](self, node.right, scope)
        append(")")

    def _binding(self, node: ast.AST, scope: _Scope) -> None:
        self._fields(node, scope, _bound_name(node, scope))

    def _text(self, value: object, _: _Scope) -> None:
        self.parts.append(f"{value!r},")

    def _import(self, node: ast.Import, scope: _Scope) -> None:
        self.imports.update((alias.name, 0) for alias in node.names)
        self._fields(node, scope)

    def _import_from(self, node: ast.ImportFrom, scope: _Scope) -> None:
        self.imports.add((node.module or "", node.level))
        # What is imported from a package may be a module.
        self.imports.update(
            (f"{node.module or ''}.{alias.name}".lstrip("."), node.level) for alias in node.names
        )
        self._fields(node, scope)

    def _global(self, node: ast.Global, scope: _Scope) -> None:
        self.changed.update(node.names)
        self._fields(node, scope)

    def _subscript(self, node: ast.Subscript, scope: _Scope) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._change(node.value)
        self._fields(node, scope)

    def _change(self, node: ast.expr) -> None:
        """Note that an object is changed: that of a name, or of an attribute of one, such as `self.calls`."""
        if isinstance(node, ast.Name):
            self.changed.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            self.changed.add(f"{node.value.id}.{node.attr}")

    def _call(self, node: ast.Call, scope: _Scope) -> None:
        """Write a call, and note names that are looked up while the program runs, or whose objects are changed."""
        called = node.func
        is_method = isinstance(called, ast.Attribute)
        name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
        if name in _DYNAMIC and name not in scope.here:
            self.dynamic.update([] if is_method and name != "import_module" else [name])
        elif name in _CHANGING and isinstance(called, ast.Attribute):
            self._change(called.value)
        self._fields(node, scope)

    def _constant(self, node: ast.Constant, _: _Scope) -> None:
        self.parts.append(f"{text_of(node.value)},")

    def _variable(self, node: ast.Name, scope: _Scope) -> None:
        label = scope.here.get(node.id)
        if label is None:
            label = node.id
            self.names.add((label,))
        self.parts.append(f"{label},")

    def _name(self, path: tuple[str, ...], scope: _Scope) -> None:
        label = scope.here.get(path[0])
        if label is None:
            self.names.add(path)
            label = path[0]
        self.parts.append(f"{'.'.join((label, *path[1:]))},")

    def _attribute(self, node: ast.Attribute, scope: _Scope) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._change(node)
        attributes, value = [node.attr], node.value
        while isinstance(value, ast.Attribute):
            attributes.append(value.attr)
            value = value.value
        if isinstance(value, ast.Name):
            self._name((value.id, *reversed(attributes)), scope)
        else:
            self.write(value, scope)
            self.parts.append(f".{'.'.join(reversed(attributes))},")

    def _joined(self, node: ast.JoinedStr, scope: _Scope) -> None:
        """Write an f-string, whose literal parts versions of Python cut differently."""
        values: list[object] = []
        for value in node.values:
            is_literal = isinstance(value, ast.Constant)
            if is_literal and values and isinstance(values[-1], str):
                values[-1] += str(value.value)  # type: ignore[attr-defined]
            elif not is_literal or value.value:  # type: ignore[attr-defined]
                values.append(str(value.value) if is_literal else value)  # type: ignore[attr-defined]
        self.parts.append("(JoinedStr")
        self.write(values, scope)
        self.parts.append(")")

    def function(self, node: ast.AST, scope: _Scope, recorded: Container[str] = ()) -> None:
        """Write a function or lambda."""
        arguments: ast.arguments = node.args  # type: ignore[attr-defined]
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        self.parts.append(f"({type(node).__name__} {getattr(node, 'name', '')}")
        self.write(decorators, scope)
        self._arguments(arguments, scope, recorded, annotated=bool(decorators))
        labels = dict(scope.inside)
        taken = {argument.arg: argument.arg for argument in _all_arguments(arguments)}
        for name in taken:
            labels.pop(name, None)
        body = node.body if isinstance(node, ast.Lambda) else _body(node)
        statements = body if isinstance(body, list) else [body]
        keeps_names = self.features.looks_at_locals and _keeps_names(statements)
        self._take(labels, self._stored(statements), taken, keeps_names)
        labels |= taken
        self.write(body, _Scope(labels, labels))
        self.parts.append(")")

    def _take(
        self, labels: dict[str, str], stored: tuple[list[str], set[str]], taken: Container[str], keep: bool
    ) -> None:
        names, fixed = stored
        for name in names:
            if name in taken:
                continue
            if keep or name in fixed:
                labels[name] = name
            else:
                self.count += 1
                labels[name] = f"~{self.count}"

    def _stored(self, statements: Iterable[ast.AST]) -> tuple[list[str], set[str]]:
        """Return the names of local variables, and those of them that others see: of functions, classes and imports."""
        names: dict[str, None] = {}
        fixed: set[str] = set()
        outer: set[str] = set()
        in_expressions = self.features.assigns_in_expressions
        pending = list(reversed(list(statements)))
        while pending:
            node = pending.pop()
            kind = type(node)
            if isinstance(node, ast.Name):
                if not isinstance(node.ctx, ast.Load):
                    names[node.id] = None
            elif kind in _SCOPES:
                if not isinstance(node, ast.Lambda):
                    names[node.name] = None  # type: ignore[attr-defined]
                    fixed.add(node.name)  # type: ignore[attr-defined]
            elif kind in _COMPREHENSIONS:
                named = (leaf.target for leaf in ast.walk(node) if isinstance(leaf, ast.NamedExpr))
                names.update((target.id, None) for target in named)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                bound = [alias.asname or alias.name.partition(".")[0] for alias in node.names]
                names.update(dict.fromkeys(bound))
                fixed.update(bound)
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                outer.update(node.names)
            else:
                field = _BOUND_NAMES.get(kind.__name__)
                if field is not None and getattr(node, field):
                    names[getattr(node, field)] = None
                pending.extend(reversed(_children(node, kind._fields if in_expressions else None)))
        return [name for name in names if name not in outer], fixed

    def _arguments(
        self, arguments: ast.arguments, scope: _Scope, recorded: Container[str], *, annotated: bool
    ) -> None:
        by_position = [*arguments.posonlyargs, *arguments.args]
        defaults = [None] * (len(by_position) - len(arguments.defaults)) + list(arguments.defaults)
        groups: list[tuple[str, list[tuple[ast.arg, ast.expr | None]]]] = [
            ("", list(zip(by_position, defaults, strict=True))),
            ("*", [(argument, None) for argument in (arguments.vararg,) if argument is not None]),
            ("=", list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))),
            ("**", [(argument, None) for argument in (arguments.kwarg,) if argument is not None]),
        ]
        for mark, group in groups:
            self.parts.append(f"{mark}[")
            for argument, default in group:
                self.parts.append(f"{argument.arg},")
                if annotated and argument.annotation is not None:
                    self.write(argument.annotation, scope)
                if default is not None and argument.arg not in recorded:
                    self.parts.append("=")
                    self.write(default, scope)
            self.parts.append("]")
        self.parts.append(f"/{len(arguments.posonlyargs)}")

    def _class(self, node: ast.ClassDef, scope: _Scope) -> None:
        self.parts.append(f"(ClassDef {node.name}")
        for field in (node.decorator_list, node.bases, node.keywords):
            self.write(field, scope)
        names, _ = self._stored(node.body)
        self.write(_body(node), _Scope({**scope.inside, **{name: name for name in names}}, scope.inside))
        self.parts.append(")")

    def _comprehension(self, node: ast.AST, scope: _Scope) -> None:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        names = [name for generator in generators for name in _names_in(generator.target)]
        here, inside = dict(scope.here), dict(scope.inside)
        self._take(here, (list(dict.fromkeys(names)), set()), (), keep=False)
        inside |= {name: here[name] for name in names}
        inner = _Scope(here, inside)
        self.parts.append(f"({type(node).__name__} ")
        for position, generator in enumerate(generators):
            self.write(generator.target, inner)
            self.write(generator.iter, inner if position else scope)
            self.write(generator.ifs, inner)
            self.parts.append(f"{generator.is_async},")
        for name in ("elt", "key", "value"):
            if hasattr(node, name):
                self.write(getattr(node, name), inner)
        self.parts.append(")")


class _Layouts(dict[type, tuple[str, tuple[tuple[str, str], ...]]]):
    """How a node of each type begins, and the fields that are written, with their labels."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, tuple[tuple[str, str], ...]]:
        self[kind] = (
            f"({kind.__name__} ",
            tuple((name, f"{name}=") for name in kind._fields if name not in _IGNORED),
        )
        return self[kind]


_LAYOUTS = _Layouts()


class _Writers(dict[type, Callable[[_Writer, Any, _Scope], None]]):
    """The function that writes each type; those that are not named write their fields, or their text."""

    def __missing__(self, kind: type) -> Callable[[_Writer, Any, _Scope], None]:
        is_node = issubclass(kind, ast.AST)
        self[kind] = (
            _Writer._fields if is_node and _LAYOUTS[kind][1] else _Writer._bare if is_node else _Writer._text
        )
        return self[kind]


_REPLACED = (ast.Nonlocal, ast.Module, ast.AnnAssign, *(getattr(ast, name) for name in _BOUND_NAMES))
_WRITERS = _Writers(
    {
        list: _Writer._list,
        ast.Name: _Writer._variable,
        ast.Constant: _Writer._constant,
        ast.BinOp: _Writer._operation,
        ast.Attribute: _Writer._attribute,
        ast.Call: _Writer._call,
        ast.Subscript: _Writer._subscript,
        ast.Global: _Writer._global,
        ast.Import: _Writer._import,
        ast.ImportFrom: _Writer._import_from,
        ast.ClassDef: _Writer._class,
        ast.JoinedStr: _Writer._joined,
        **dict.fromkeys(_FUNCTIONS, _Writer.function),
        **dict.fromkeys(_COMPREHENSIONS, _Writer._comprehension),
        **dict.fromkeys(_REPLACED, _Writer._binding),
    }
)


def _bound_name(node: ast.AST, scope: _Scope) -> dict[str, object]:
    """Return what is written in place of a field that binds or annotates a name."""
    if isinstance(node, ast.Nonlocal):
        return {"names": [scope.here.get(name, name) for name in node.names]}
    if isinstance(node, ast.Module):
        return {"body": _body(node)}
    field = _BOUND_NAMES.get(type(node).__name__)
    if field is None:
        is_local = isinstance(node, ast.AnnAssign) and scope.here is scope.inside and scope.here
        return {"annotation": None} if is_local else {}
    name = getattr(node, field)
    return {field: scope.here.get(name, name)}


def _names_in(target: ast.AST) -> list[str]:
    """Return the names in what a loop assigns to."""
    if isinstance(target, ast.Name):
        return [target.id]
    return [leaf.id for leaf in ast.walk(target) if isinstance(leaf, ast.Name)]


def _body(node: ast.AST) -> list[ast.stmt]:
    """Return the statements of a definition, without its docstring."""
    body: list[ast.stmt] = node.body  # type: ignore[attr-defined]
    first = body[0] if body else None
    is_docstring = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    rest = body[1:] if is_docstring else body
    return [statement for statement in rest if not isinstance(statement, ast.Pass)]


def _children(node: ast.AST, fields: tuple[str, ...] | None) -> list[ast.AST]:
    """Return the nodes in some fields of a node, by default in those that bind names."""
    children: list[ast.AST] = []
    for name in _BINDING_FIELDS.get(type(node), node._fields) if fields is None else fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            children += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            children.append(value)
    return children


def _all_arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None)


def _keeps_names(statements: Iterable[ast.AST]) -> bool:
    """Whether a function looks at its local variables by their names."""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _LOOKS_AT_LOCALS
        for statement in statements
        for node in ast.walk(statement)
    )
