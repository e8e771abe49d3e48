"""What no module of coma_xr does, found in its source."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import coma_xr

PACKAGE = Path(coma_xr.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in MODULES]

MOST_LINES = 900

# The public class with the documentation of all its methods: so many lines without docstrings.
DOCUMENTED, MOST_LINES_OF_CODE = PACKAGE / "experiment.py", 450
MOST_LINES_OF_A_FUNCTION = 50

# Nothing runs because a file says so.
RUNNING = {"eval", "exec", "compile", "__import__"}
IMPORTING = "import_module"
RUNNING_MODULES = {"pickle", "marshal", "shelve", "dill", "code", "runpy", "imp"}
# The package's own names, from a table in its source, are loaded on first use; and `coma-xr run` imports the module
# that its user names.
IMPORTING_ALLOWED = {PACKAGE / "__init__.py", PACKAGE / "terminal" / "functions.py"}

# Only files.py touches files. These names of os are no system calls on files.
HARMLESS_OS = {
    "PathLike",
    "cpu_count",
    "environ",
    "fsdecode",
    "fsencode",
    "fspath",
    "get_terminal_size",
    "getpid",
    "killpg",
    "linesep",
    "name",
}
HARMLESS_OS |= {"path", "sep", "strerror"}
HARMLESS_OS_PATH = {"basename", "dirname", "expanduser", "expandvars", "isabs", "join", "normpath", "split"}
FILE_MODULES = {
    "shutil",
    "tempfile",
    "glob",
    "fcntl",
    "mmap",
    "io",
    "zipfile",
    "gzip",
    "tarfile",
    "fileinput",
}
FILE_MODULES_ALLOWED = {("demo.py", "io")}
FILE_METHODS = {
    *("chmod", "exists", "glob", "group", "hardlink_to", "is_dir", "is_fifo", "is_file"),
    *(
        "is_mount",
        "is_socket",
        "is_symlink",
        "iterdir",
        "lchmod",
        "link_to",
        "lstat",
        "mkdir",
        "open",
        "owner",
    ),
    *("read_bytes", "read_text", "readlink", "rglob", "rmdir", "samefile", "symlink_to", "touch"),
    *("unlink", "write_bytes", "write_text"),
}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def calls(tree: ast.AST) -> Iterator[tuple[str, str, int]]:
    """Yield what is called: the object in front of the dot, the name, the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield "", node.func.id, node.lineno
            elif isinstance(node.func, ast.Attribute):
                yield ast.unparse(node.func.value), node.func.attr, node.lineno


def imported(tree: ast.AST) -> Iterator[tuple[str, str, int]]:
    """Yield what is imported: the module, the name from it, the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "", node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name, node.lineno) for alias in node.names)


def runs_what_it_is_told(path: Path) -> list[str]:
    tree = tree_of(path)
    found = [f"line {line}: {m}" for m, _, line in imported(tree) if m.partition(".")[0] in RUNNING_MODULES]
    for owner, called, line in calls(tree):
        if called in RUNNING and owner in {"", "builtins"}:
            found.append(f"line {line}: {called}()")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == IMPORTING:
            names = {leaf for leaf in ast.walk(node.args[0]) if isinstance(leaf, (ast.Constant, ast.Name))}
            if isinstance(node.args[0], ast.JoinedStr) or not any(isinstance(n, ast.Constant) for n in names):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_nothing_is_run_because_a_file_says_so(path):
    "What is imported by name is named in the source."
    if path not in IMPORTING_ALLOWED:
        assert not runs_what_it_is_told(path)


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "def f():\n    from marshal import loads",
        "eval('1')",
        "exec(text)",
        "import importlib\nimportlib.import_module(name)",
        "import importlib\nimportlib.import_module(f'numpy.{name}')",
    ],
)
def test_the_guard_finds_what_runs_code(source, tmp_path):
    path = tmp_path / "module.py"
    path.write_text(source)
    assert runs_what_it_is_told(path)


def touches_files(path: Path) -> list[str]:
    tree, name = tree_of(path), path.name
    found = []
    for owner, called, line in calls(tree):
        if (not owner and called == "open") or (owner == "io" and called.startswith("open")):
            found.append(f"line {line}: open()")
        elif owner == "os.path":
            if called not in HARMLESS_OS_PATH:
                found.append(f"line {line}: os.path.{called}()")
        elif owner != "files" and called in FILE_METHODS:
            found.append(f"line {line}: {owner}.{called}()")
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and ast.unparse(node.value) == "os"
            and node.attr not in HARMLESS_OS
        ):
            found.append(f"line {node.lineno}: os.{node.attr}")
    for module, what, line in imported(tree):
        if module == "os" and what and what not in HARMLESS_OS:
            found.append(f"line {line}: from os import {what}")
        if module.partition(".")[0] in FILE_MODULES and (name, module) not in FILE_MODULES_ALLOWED:
            found.append(f"line {line}: import {module}")
    return found


OTHERS = [path for path in MODULES if path not in (PACKAGE / "files.py", PACKAGE / "scratch.py")]


@pytest.mark.parametrize("path", OTHERS, ids=[str(path.relative_to(PACKAGE)) for path in OTHERS])
def test_only_one_module_touches_files(path):
    "So that the tests can kill a process at each system call of every operation."
    assert not touches_files(path)


@pytest.mark.parametrize(
    "source",
    [
        "open('x')",
        "import os\nos.replace('a', 'b')",
        "from os import unlink",
        "import shutil",
        "path.write_text('x')",
        "import os\nos.path.exists('x')",
        "import os\nremove = os.remove",
        "def f():\n    import tempfile",
    ],
)
def test_the_guard_finds_what_touches_files(source, tmp_path):
    path = tmp_path / "module.py"
    path.write_text(source)
    assert touches_files(path)


def comments(path: Path) -> Iterator[tuple[str, int]]:
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.string, token.start[0]


TEXTS = sorted(
    path
    for pattern in (
        "coma_xr/**/*.py",
        "tests/**/*.py",
        "gallery/*.py",
        "docs/*.md",
        "docs/*.py",
        "*.md",
        "*.toml",
    )
    for path in ROOT.glob(pattern)
    if ".venv" not in path.parts
)

# Put together here, so that this file does not find itself.
NOTES = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]))
MACHINES = re.compile("|".join(["/" + "home/(?!user|burkhard)", "/" + "work/", "/" + "root/", "/" + "opt/"]))


@pytest.mark.parametrize("path", TEXTS, ids=[str(path.relative_to(ROOT)) for path in TEXTS])
def test_there_are_no_notes_to_self_and_no_paths_of_a_machine(path):
    lines = path.read_text("utf-8").splitlines()
    assert not [line for line in lines if NOTES.search(line)]
    assert not [line for line in lines if MACHINES.search(line)]


def docstring_lines(node: ast.AST) -> set[int]:
    if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return set()
    if not node.body or ast.get_docstring(node, clean=False) is None:
        return set()
    first = node.body[0]
    return set(range(first.lineno, (first.end_lineno or first.lineno) + 1))


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_modules_are_short(path):
    length = len(path.read_text("utf-8").splitlines())
    if path == DOCUMENTED:
        docstrings = set[int]().union(*map(docstring_lines, ast.walk(tree_of(path))))
        assert length - len(docstrings) <= MOST_LINES_OF_CODE
    else:
        assert length <= MOST_LINES


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_functions_fit_on_a_screen(path):
    "The docstring not counted."
    long = [
        f"{node.name}: {length} lines"
        for node in ast.walk(tree_of(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for length in [(node.end_lineno or 0) - node.lineno + 1 - len(docstring_lines(node))]
        if length > MOST_LINES_OF_A_FUNCTION
    ]
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_comments_are_no_code(path):
    "Code that was commented out would be read as if it meant something."
    code = re.compile(r"#\s*(def |class |import |from \w+ import|return |if .*:$|for .* in .*:$|\w+ = )")
    assert not [f"line {line}: {text}" for text, line in comments(path) if code.match(text)]


# What users import from, and what the reference lists.
PUBLIC = {"__init__.py", "errors.py", "testing.py", "define/conditions.py"}


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_only_public_modules_list_their_names(path):
    assert str(path.relative_to(PACKAGE)) in PUBLIC or "\n__all__" not in path.read_text("utf-8")


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_an_experiment_is_used_by_its_methods_and_one_protocol(path):
    "`coma_xr.records.Opened` is what there is besides, which the class and its base in `coma2.py` implement."
    found = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
        and node.attr in {"_look", "_place"}
        and ast.unparse(node.value) != "self"
    ]
    assert path.name in {"records.py", "experiment.py", "coma2.py"} or not found


READING = {"match", "search", "fullmatch", "findall", "finditer", "sub", "subn", "split"}
PATTERN = re.compile(r"re|.*(pattern|regex)|_?[A-Z][A-Z0-9_]*", re.IGNORECASE)


def reads_messages(source: str) -> list[str]:
    """Return the regular expressions that look at the text of an error or warning, by line."""
    found = []
    for handler in ast.walk(ast.parse(source)):
        scope = handler.body if isinstance(handler, ast.ExceptHandler) else []
        of_errors = {handler.name} if isinstance(handler, ast.ExceptHandler) and handler.name else set()
        if isinstance(handler, ast.FunctionDef):
            scope = handler.body
            annotated = {a.arg: ast.unparse(a.annotation) for a in handler.args.args if a.annotation}
            of_errors = {
                name for name, kind in annotated.items() if re.search("Error|Exception|Warning", kind)
            }
        for node in (n for statement in scope for n in ast.walk(statement)):
            # What is made of an error holds its message, too.
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                used = {name.id for name in ast.walk(node.value) if isinstance(name, ast.Name)}
                of_errors |= {node.targets[0].id} if used & of_errors else set()
            if not (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in READING
            ):
                continue
            is_pattern = PATTERN.fullmatch(ast.unparse(node.func.value)) is not None
            names = {n.id for argument in node.args for n in ast.walk(argument) if isinstance(n, ast.Name)}
            if is_pattern and names & of_errors:
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_no_regular_expression_reads_a_message(path):
    "What an error has to tell stands in its attributes: where, found, expected, ways."
    assert not reads_messages(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    f()\nexcept ValueError as error:\n    re.search('no (.*)', str(error))",
        "try:\n    f()\nexcept ValueError as error:\n    text = str(error)\n    _NAME.match(text)",
        "def way_of(error: ComaError) -> str:\n    return _PLACE.sub('', error.what)",
    ],
)
def test_the_guard_finds_what_reads_a_message(source):
    assert reads_messages(source)


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").is_file()


def test_the_citation_names_the_version_of_the_package():
    lines = (ROOT / "CITATION.cff").read_text("utf-8").splitlines()
    assert f"version: {coma_xr.__version__}" in lines
