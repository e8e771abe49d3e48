"""The commit that files belong to, asked without running anything that a repository's configuration names."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from coma_xr import files

# Seconds for all questions of one run.
_PATIENCE = 2.0

UNKNOWN = "unknown"

_COMMIT = "# branch.oid "

# Hooks, monitors and the like are commands of the repository's.
_HARMLESS = {
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.pager": "cat",
    "diff.external": "",
    "status.submoduleSummary": "false",
    "core.untrackedCache": "false",
}
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}
# Set while a hook of another repository runs.
_ELSEWHERE = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_EXTERNAL_DIFF"}
_FILTERS = r"^filter\..*\.(clean|smudge|process|required)$"


class GitState(NamedTuple):
    """The commit of files, whether any of them has changed since, and what else in the repository has."""

    commit: str
    dirty: bool | str
    modified: tuple[str, ...] = ()

    @property
    def info(self) -> dict[str, str | bool]:
        """The record of it in a measurement."""
        return {"git_commit": self.commit, "git_dirty": self.dirty}


def git_state(paths: Iterable[str], *, others: bool = False) -> GitState | None:
    """Return the state of the repository of the first file, and whether any file differs from its commit.

    With `others`, the names of all modified files of the repository too. None means that the first file is in no repository, or that git ignores it.
    """
    groups: dict[str, list[str]] = {}
    outside = False
    for path in paths:
        root = _root(path)
        if root is not None:
            groups.setdefault(root, []).append(path)
        elif not groups:
            return None
        else:
            outside = True
    end = time.monotonic() + _PATIENCE
    states: list[GitState | None] = []
    for root, inside in groups.items():
        try:
            states.append(_state(root, inside, end, others=others and not states))
        except subprocess.TimeoutExpired:
            states.append(GitState(UNKNOWN, UNKNOWN))
        except (OSError, ValueError, subprocess.SubprocessError):
            states.append(None)
    if not states or states[0] is None:
        return None
    # A file in no repository belongs to no commit, so that the commit alone does not give the results back.
    dirty: bool | str = outside or any(state is None or state.dirty is True for state in states)
    if not dirty and any(state is not None and state.dirty == UNKNOWN for state in states):
        dirty = UNKNOWN
    return states[0]._replace(dirty=dirty)


# The repositories found so far, by directory; where there was none, one may be made.
_roots: dict[str, str] = {}


def _root(path: str) -> str | None:
    """Return the nearest directory with a repository, be it a worktree or a submodule."""
    parents = Path(path).absolute().parents
    directory = str(parents[0])
    if directory not in _roots:
        for parent in parents:
            if files.exists(files.inside(str(parent), ".git")):
                _roots[directory] = str(parent)
                break
    return _roots.get(directory)


def _state(root: str, paths: list[str], end: float, *, others: bool) -> GitState | None:
    filters = _git(root, ["config", "-z", "--name-only", "--get-regexp", _FILTERS], {}, end, codes=(0, 1))
    if "=" in filters:
        # On the command line, no such filter can be turned off.
        return GitState(UNKNOWN, UNKNOWN)
    # A filter without a command leaves files as they are.
    settings = {**_HARMLESS, **{name: _neutral(name) for name in filters.split("\0") if name}}
    status = ["status", "--porcelain=v2", "--branch", "--ignore-submodules=all", "--no-renames", "-z"]
    options = ["--untracked-files=normal", "--ignored=matching", "--", *map(_literal, paths)]
    lines = _git(root, [*status, *options], settings, end).split("\0")
    commits = [line.removeprefix(_COMMIT) for line in lines if line.startswith(_COMMIT)]
    changes = [line for line in lines if line and not line.startswith("#")]
    if not commits or not commits[0].isalnum() or any(line.startswith("!") for line in changes):
        return None
    modified: tuple[str, ...] = ()
    if others:
        try:
            entries = _git(root, [*status, "--untracked-files=no"], settings, end).split("\0")
            modified = tuple(line.split(" ", 8)[-1] for line in entries if line[:2] in ("1 ", "u "))
        except subprocess.SubprocessError:
            modified = (UNKNOWN,)
    return GitState(commits[0], bool(changes), modified)


def _neutral(name: str) -> str:
    return "false" if name.endswith(".required") else ""


def _literal(path: str) -> str:
    return f":(literal){Path(path).absolute()}"


def _git(
    root: str, words: list[str], settings: Mapping[str, str], end: float, codes: Iterable[int] = (0,)
) -> str:
    """Return what git prints; TimeoutExpired, CalledProcessError or OSError when it does not."""
    command = ["git", "--no-pager", "-C", root]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    done = subprocess.run(
        [*command, *words],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=max(0.01, end - time.monotonic()),
        stdin=subprocess.DEVNULL,
        env={**{name: value for name, value in os.environ.items() if name not in _ELSEWHERE}, **_ENVIRONMENT},
        check=False,
    )
    if done.returncode not in codes:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout
