"""The record of a code state, ``code/<hash>.json``: what made measurements, and how two such states differ."""

from __future__ import annotations

import difflib
import itertools
import json
import linecache
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from coma_xr import files
from coma_xr.code.fingerprint import SCHEME
from coma_xr.errors import ComaError
from coma_xr.text import count, listing

if TYPE_CHECKING:
    from coma_xr.code.fingerprint import Fingerprint
    from coma_xr.code.git import GitState


ROOT = "code"

_NO_FILE = "/dev/null"

# Beginning of the name of the directory, which does not exist, that ipykernel gives to cells.
_CELLS = "ipykernel_"

# Parts of a summary of differences.
_MOST = 2


def record_of(fingerprint: Fingerprint, function: str, git: GitState | None, date: str) -> dict[str, Any]:
    """Return the tree of a code state; names of files are relative to the directory that holds all of them."""
    names = _names(fingerprint.sources)
    return {
        "scheme": SCHEME,
        "hash": fingerprint.hash,
        "function": function,
        "date": date,
        "git": {}
        if git is None
        else {"commit": git.commit, "dirty": git.dirty, "modified": list(git.modified)},
        "edited": [names.get(path, path) for path in fingerprint.edited],
        "not_followed": list(fingerprint.not_followed),
        "values": [[name, value] for name, value in fingerprint.values.items()],
        "parts": [
            {
                "name": part.name,
                "file": names[part.file],
                "lines": [part.first, part.last],
                "hash": part.digest,
            }
            for part in fingerprint.parts
        ],
        "sources": [
            {"file": names[path], "text": source.text} for path, source in fingerprint.sources.items()
        ],
        "environment": environment(),
    }


def _names(paths: Iterable[str]) -> dict[str, str]:
    """Return short names of files, without the directories that all have in common, but with those of packages.

    Cells of notebooks are in none.
    """
    cells = {path: f"cell/{Path(path).name}" for path in paths if Path(path).parent.name.startswith(_CELLS)}
    real = {path: Path(path).absolute() for path in paths if path not in cells and not path.startswith("<")}
    folders = [path.parents[_depth(path) :] for path in real.values()]
    shared = [folder for folder in (folders[0] if folders else ()) if all(folder in f for f in folders)]
    return cells | {
        path: str(real[path].relative_to(shared[0])) if path in real and shared else path.strip("<>")
        for path in paths
        if path not in cells
    }


def _depth(path: Path) -> int:
    """Return how many packages a file is in, one within the other."""
    inside = itertools.takewhile(lambda folder: files.exists(str(folder / "__init__.py")), path.parents)
    return sum(1 for _ in inside)


def is_record(tree: object) -> bool:
    """Whether a file has the shape of the record of a code state."""
    if not isinstance(tree, dict) or not isinstance(tree.get("hash"), str):
        return False
    parts, sources, values = tree.get("parts"), tree.get("sources"), tree.get("values")
    return (
        isinstance(parts, list)
        and all(isinstance(part, dict) and {"name", "file", "lines", "hash"} <= part.keys() for part in parts)
        and all(_are_two(part["lines"], int) for part in parts)
        and isinstance(sources, list)
        and all(
            isinstance(item, dict) and isinstance(item.get("file"), str) and isinstance(item.get("text"), str)
            for item in sources
        )
        and isinstance(values, list)
        and all(_are_two(pair, str) for pair in values)
    )


def _are_two(pair: object, kind: type) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(item, kind) for item in pair)


def sources_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the sources of a state by the names of their files."""
    return {item["file"]: item["text"] for item in record["sources"]}


def has_equal_sources(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two states, whose hashes follow different schemes, are the same code."""
    return sorted(sources_of(one).values()) == sorted(sources_of(other).values()) and (
        one["values"] == other["values"]
    )


class Difference(NamedTuple):
    """A definition, or a value, that two states do not share; `lines` is None for a value."""

    name: str
    file: str
    lines: int | None


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Return how two states differ, by definitions and values."""
    before, after = _parts(old), _parts(new)
    changed = []
    for name in [*after, *(name for name in before if name not in after)]:
        first, second = before.get(name), after.get(name)
        if first is not None and second is not None and first["hash"] == second["hash"]:
            continue
        file = str((second or first or {})["file"])
        changed.append(Difference(name, file, _number_of_lines(_text(old, first), _text(new, second))))
    values, others = dict(old["values"]), dict(new["values"])
    for name in [*others, *(name for name in values if name not in others)]:
        if values.get(name) != others.get(name):
            # A value that one state lacks is no constant there, or is not used.
            texts = (values.get(name, "no constant"), others.get(name, "no constant"))
            changed.append(Difference(f"{name} = {' and '.join(texts)}", "", None))
    return changed


def _parts(record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {part["name"]: part for part in record["parts"]}


def _text(record: Mapping[str, Any], part: Mapping[str, Any] | None) -> list[str]:
    if part is None:
        return []
    lines = sources_of(record).get(part["file"], "").splitlines()
    return lines[max(0, part["lines"][0] - 1) : part["lines"][1]]


def _number_of_lines(old: Sequence[str], new: Sequence[str]) -> int:
    """Return the number of lines that were changed, added or removed."""
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return sum(max(b - a, d - c) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal")


def summary(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str:
    """Return in one phrase how two states differ."""
    if old is None:
        return "the record of that code is not available"
    texts = [
        item.name
        if item.lines is None
        # Of two definitions in one line the sources do not differ.
        else f"{item.name} in {item.file}" + (f" ({count(item.lines, 'line')})" if item.lines else "")
        for item in differences(old, new)
    ]
    if not texts:
        return "the difference is not in the recorded definitions"
    return f"they differ in {listing(texts, _MOST)}"


def diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return the unified diff of the sources of two states, and of the values that they were made with."""
    before, after = sources_of(old), sources_of(new)
    names = _same_files(old, new)
    lines: list[str] = []
    for first, second in names:
        lines += difflib.unified_diff(
            before.get(first, "").splitlines(),
            after.get(second, "").splitlines(),
            f"{old['hash']}/{first}" if first else _NO_FILE,
            f"{new['hash']}/{second}" if second else _NO_FILE,
            lineterm="",
        )
    values = ["\n".join(f"{name} = {value}" for name, value in record["values"]) for record in (old, new)]
    lines += difflib.unified_diff(
        values[0].splitlines(),
        values[1].splitlines(),
        f"{old['hash']} (values)",
        f"{new['hash']} (values)",
        lineterm="",
    )
    return "".join(f"{line}\n" for line in lines)


def _same_files(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return pairs of names for the same file, whose directories may differ; an empty one where there is no other.

    Cells of notebooks have another name whenever they change, so they are paired by the names of their definitions.
    """
    before, after = sources_of(old), sources_of(new)
    pairs = [(name, name) for name in after if name in before]
    unpaired = [name for name in before if name not in after]
    first, second = _definitions(old), _definitions(new)
    for name in after:
        if name in before:
            continue
        alike = [other for other in unpaired if Path(other).name == Path(name).name]
        if len(alike) != 1:
            alike = [other for other in unpaired if first.get(other, set()) & second.get(name, set())]
        if len(alike) == 1:
            unpaired.remove(alike[0])
            pairs.append((alike[0], name))
        else:
            pairs.append(("", name))
    return pairs + [(name, "") for name in unpaired]


def _definitions(record: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the names of the definitions in each file."""
    names: dict[str, set[str]] = {}
    for part in record["parts"]:
        names.setdefault(part["file"], set()).add(part["name"])
    return names


_JOBS = (
    *("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_JOB_NAME", "SLURM_JOB_PARTITION"),
    *("PBS_JOBID", "PBS_ARRAY_INDEX", "LSB_JOBID", "LSB_JOBINDEX", "JOB_ID", "SGE_TASK_ID", "OAR_JOB_ID"),
)
_CPU_INFO = "/proc/cpuinfo"


def environment() -> dict[str, Any]:
    """Return what a run depends on besides the user's own code.

    >>> sorted(environment())
    ['blas', 'cores', 'cpu', 'host', 'implementation', 'job', 'packages', 'platform', 'python']
    """
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "host": platform.node(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "blas": _blas(),
        "packages": installed(),
        "job": [f"{name}={os.environ[name]}" for name in _JOBS if os.environ.get(name)],
    }


def installed() -> list[str]:
    """Return the installed packages as a requirements file lists them, with those that no index of packages has."""
    packages: dict[str, str] = {}
    # The first one on the path is the one that is imported.
    for directory in reversed(sys.path):
        with suppress(OSError, ComaError):
            packages |= _installed_in(directory or ".", files.changed(directory or "."))
    return [packages[name] for name in sorted(packages)]


@lru_cache(maxsize=100)
def _installed_in(directory: str, _: object) -> dict[str, str]:
    """Return the packages in a directory by their names, as long as it does not change."""
    parts = filter(None, map(_PACKAGE, files.names(directory)))
    return {part[1].lower(): f"{part[1]}=={part[2]}{_origin(directory, part[0])}" for part in parts}


_PACKAGE = re.compile(r"([^-]+)-([^-]+)(?:-py[\d.]+)?\.(?:dist|egg)-info").fullmatch
_LOCAL = " (from a directory)"


def _origin(directory: str, name: str) -> str:
    """Return what to add to the version of a package that was not installed from an index of packages."""
    with suppress(OSError, ComaError, ValueError, TypeError, KeyError):
        source = json.loads(files.read(str(Path(directory, name, "direct_url.json"))))
        url = str(source["url"])
        if url.startswith("file:"):
            return _LOCAL
        version = source.get("vcs_info")
        return f" ({version['vcs']}+{url}@{version['commit_id']})" if version else f" ({url})"
    return ""


def packages_of(record: Mapping[str, Any]) -> list[str]:
    """Return the packages that a record lists."""
    known = record.get("environment")
    packages = known.get("packages") if isinstance(known, dict) else None
    return [str(package) for package in packages] if isinstance(packages, list) else []


def with_packages(record: Mapping[str, Any], updated: Iterable[object]) -> dict[str, Any]:
    """Return a record with other versions of some packages."""
    packages = {_name_of(package): package for package in [*packages_of(record), *map(str, updated)]}
    known = record.get("environment")
    others = known if isinstance(known, dict) else {}
    return {**record, "environment": {**others, "packages": [packages[name] for name in sorted(packages)]}}


def _name_of(package: str) -> str:
    return package.partition("==")[0].lower()


def requirements(record: Mapping[str, Any]) -> str:
    """Return the requirements file of a record; what cannot be installed from anywhere is a comment."""
    known = record.get("environment")
    lines = [f"# Python {known['python']}"] if isinstance(known, dict) and known.get("python") else []
    for package in packages_of(record):
        version, _, origin = package.removesuffix(")").partition(" (")
        if package.endswith(_LOCAL):
            lines.append(f"# {package}")
        elif origin:
            lines.append(f"{version.partition('==')[0]} @ {origin}")
        elif _name_of(package) != "pip":
            lines.append(package)
    return "".join(f"{line}\n" for line in lines)


def _blas() -> str:
    numpy = sys.modules.get("numpy")
    try:
        dependency = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[union-attr]
        return f"{dependency['name']} {dependency['version']}"
    except Exception:  # noqa: BLE001  versions of NumPy differ in what they tell
        return ""


def _cpu() -> str:
    # This file has no size, so that it cannot be read like others.
    for line in linecache.getlines(_CPU_INFO):
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            linecache.cache.pop(_CPU_INFO, None)
            return value.strip()
    return platform.processor() or platform.machine()
