"""Where a measurement comes from: the commit of the function's file, the versions of programs."""

from __future__ import annotations

import inspect
import os
import subprocess
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from coma_xr.text import listing

if TYPE_CHECKING:
    from coma_xr.values.plain import Tree

__all__ = ["Versions", "commit_of"]

# Seconds for git; nothing is worth waiting for longer.
_PATIENCE = 2.0

_COMMIT = "# branch.oid "


def commit_of(function: Callable[..., Any]) -> dict[str, Tree]:
    """Return the commit of the file that a function is in, and whether the file has changed since."""
    path = _file_of(function)
    if path is None:
        return {}
    directory, name = os.path.split(path)
    command = ["git", "-C", directory or ".", "status", "--porcelain=v2", "--branch"]
    command += ["--untracked-files=normal", "--ignored=matching", "--", name]
    try:
        done = subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            stdin=subprocess.DEVNULL,
            # Somebody else's git may be at work there.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return {}
    lines = done.stdout.splitlines()
    commits = [line.removeprefix(_COMMIT) for line in lines if line.startswith(_COMMIT)]
    changes = [line for line in lines if not line.startswith("#")]
    if not commits or not commits[0].isalnum() or any(line.startswith("!") for line in changes):
        return {}
    return {"git_commit": commits[0], "git_dirty": bool(changes)}


def _file_of(function: Any) -> str | None:
    inner = inspect.unwrap(getattr(function, "func", function))
    for candidate in (inner, type(inner)):
        try:
            path = inspect.getsourcefile(candidate)
        except TypeError:
            continue
        # Such as "<string>", or "<stdin>".
        return None if path is None or path.startswith("<") else path
    return None


class Versions:
    """The versions of each program that measurements were made with.

    Examples
    --------
    >>> versions = Versions()
    >>> versions.note({"program": "ising", "version": "1.0"}, 1)
    >>> versions.warning()
    >>> versions.note({"program": "ising", "version": "1.1"}, 7)
    >>> versions.warning()
    'The measurements are of several versions of ising: 1.0 (measurement 1), 1.1 (measurement 7). ...'
    """

    def __init__(self) -> None:
        self._first: dict[str, dict[str, int]] = {}

    def note(self, info: Mapping[str, Tree], id: int) -> None:
        """Take the ``info`` of one measurement into account."""
        version = info.get("version")
        if version is not None:
            self._first.setdefault(str(info.get("program")), {}).setdefault(str(version), id)

    def warning(self) -> str | None:
        """Return what to say when there are several of one program; else None."""
        for program, versions in self._first.items():
            if len(versions) > 1:
                texts = [f"{version} (measurement {id})" for version, id in versions.items()]
                return (
                    f"The measurements are of several versions of {program}: {listing(texts, 5)}. They count as done "
                    "all the same; a new experiment, or a parameter, tells them apart."
                )
        return None
