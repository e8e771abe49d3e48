"""The commit that files belong to, in repositories of all kinds, without running what they configure."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from coma_xr.code import git
from coma_xr.code.git import git_state


def run_git(directory, *arguments):
    own = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
    own += ["-c", "protocol.file.allow=always"]
    done = subprocess.run(
        ["git", "-C", str(directory), *own, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A repository with two committed modules."""
    directory = tmp_path / "repository"
    directory.mkdir()
    for name in ("model", "helpers"):
        (directory / f"{name}.py").write_text("value = 1\n")
    run_git(directory, "init", "--quiet")
    run_git(directory, "add", ".")
    run_git(directory, "commit", "--quiet", "-m", "first")
    return directory


def state(directory, *names, **options):
    return git_state([str(directory / name) for name in names], **options)


def test_a_clean_and_a_changed_file(repository):
    commit = run_git(repository, "rev-parse", "HEAD")
    assert state(repository, "model.py", "helpers.py").info == {"git_commit": commit, "git_dirty": False}
    (repository / "helpers.py").write_text("value = 2\n")
    assert state(repository, "model.py").info == {"git_commit": commit, "git_dirty": False}
    assert state(repository, "model.py", "helpers.py").info == {"git_commit": commit, "git_dirty": True}
    assert state(repository, "model.py", others=True).modified == ("helpers.py",)


def test_a_file_that_was_never_committed_is_a_change(repository):
    (repository / "new file [1].py").write_text("")
    assert state(repository, "model.py", "new file [1].py").dirty is True
    assert state(repository, "new file [1].py").dirty is True


def test_a_file_that_git_ignores_or_that_is_in_no_repository_has_no_commit(repository, tmp_path):
    (repository / ".gitignore").write_text("ignored.py\n")
    (repository / "ignored.py").write_text("")
    (tmp_path / "outside.py").write_text("")
    assert state(repository, "ignored.py") is None
    assert state(tmp_path, "outside.py") is None
    assert git_state([str(repository / "model.py"), str(tmp_path / "outside.py")]).dirty is True


def test_a_repository_without_a_commit_has_none(tmp_path):
    run_git(tmp_path, "init", "--quiet")
    (tmp_path / "model.py").write_text("")
    assert state(tmp_path, "model.py") is None


def test_without_git_there_is_none(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert state(repository, "model.py") is None


def test_a_detached_worktree_and_a_submodule(repository, tmp_path):
    commit = run_git(repository, "rev-parse", "HEAD")
    run_git(repository, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    assert state(tmp_path / "tree", "model.py").info == {"git_commit": commit, "git_dirty": False}
    outer = tmp_path / "outer"
    outer.mkdir()
    run_git(outer, "init", "--quiet")
    run_git(outer, "submodule", "--quiet", "add", str(repository), "inner")
    (outer / "main.py").write_text("")
    run_git(outer, "add", ".")
    run_git(outer, "commit", "--quiet", "-m", "outer")
    assert state(outer / "inner", "model.py").info == {"git_commit": commit, "git_dirty": False}
    both = [str(outer / "main.py"), str(outer / "inner" / "model.py")]
    assert git_state(both).info == {"git_commit": run_git(outer, "rev-parse", "HEAD"), "git_dirty": False}
    (outer / "inner" / "model.py").write_text("value = 3\n")
    assert git_state(both).dirty is True


def test_nothing_that_a_repository_configures_is_run(repository, tmp_path):
    mark = tmp_path / "was run"
    command = tmp_path / "command"
    command.write_text(f"#!/bin/sh\ntouch '{mark}'\ncat\n")
    command.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-commit", "reference-transaction"):
        os.link(command, hooks / hook)
    (repository / ".gitattributes").write_text("*.py filter=own diff=own\n")
    run_git(repository, "add", ".gitattributes")
    run_git(repository, "commit", "--quiet", "-m", "attributes")
    commands = (
        *("core.fsmonitor", "filter.own.clean", "filter.own.smudge", "diff.external", "diff.own.textconv"),
        *("diff.own.command", "core.pager", "pager.status", "core.sshCommand", "core.editor"),
    )
    for name in commands:
        run_git(repository, "config", name, str(command))
    run_git(repository, "config", "filter.own.required", "true")
    run_git(repository, "config", "core.hooksPath", str(hooks))
    os.utime(repository / "model.py", (time.time() + 5, time.time() + 5))
    assert not mark.exists()
    assert state(repository, "model.py", "helpers.py", others=True).dirty is False
    assert not mark.exists()
    subprocess.run(["git", "-C", str(repository), "status"], check=True, capture_output=True)
    assert mark.exists(), "the repository of this test runs nothing"


@pytest.mark.parametrize("name", ["own", "a.b", "a=b"])
def test_a_filter_of_any_name_is_not_run(repository, tmp_path, name):
    mark = tmp_path / "was run"
    (repository / ".gitattributes").write_text(f"*.py filter={name}\n")
    run_git(repository, "add", ".gitattributes")
    run_git(repository, "commit", "--quiet", "-m", "attributes")
    with (repository / ".git" / "config").open("a") as file:
        file.write(f"[filter \"{name}\"]\n\tclean = touch '{mark}'; cat\n")
    (repository / "model.py").write_text("value = 2\n")
    assert state(repository, "model.py", others=True).dirty == ("unknown" if "=" in name else True)
    assert not mark.exists()
    subprocess.run(["git", "-C", str(repository), "diff"], check=True, capture_output=True)
    assert mark.exists(), "the repository of this test runs nothing"


def test_git_that_takes_too_long_is_unknown(repository, tmp_path, monkeypatch):
    slow = tmp_path / "bin"
    slow.mkdir()
    (slow / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (slow / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow}:{os.environ['PATH']}")
    monkeypatch.setattr(git, "_PATIENCE", 0.1)
    assert state(repository, "model.py").info == {"git_commit": "unknown", "git_dirty": "unknown"}
