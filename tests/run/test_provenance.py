import functools
import subprocess
import sys
import types

import pytest

from coma_xr.run.provenance import Versions, commit_of

SOURCE = """
def simulate(a):
    return a

class Simulation:
    def __call__(self, a):
        return a
"""


def git(directory, *arguments):
    own = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(directory), *own, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def module(tmp_path):
    """A module in a file that is committed."""
    (tmp_path / "simulation.py").write_text(SOURCE)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "simulation.py")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return load(tmp_path)


def load(directory):
    module = types.ModuleType("simulation")
    module.__file__ = str(directory / "simulation.py")
    exec(compile((directory / "simulation.py").read_text(), module.__file__, "exec"), module.__dict__)
    sys.modules["simulation"] = module
    return module


@pytest.fixture(autouse=True)
def forgotten():
    yield
    sys.modules.pop("simulation", None)


def test_the_commit_of_the_file_is_recorded(module, tmp_path):
    commit = git(tmp_path, "rev-parse", "HEAD")
    expected = {"git_commit": commit, "git_dirty": False}
    assert commit_of(module.simulate) == expected
    assert commit_of(functools.partial(module.simulate, a=1)) == expected
    assert commit_of(module.Simulation()) == expected


def test_a_change_to_the_file_itself_is_told(module, tmp_path):
    (tmp_path / "other.py").write_text("")
    assert commit_of(module.simulate)["git_dirty"] is False
    (tmp_path / "simulation.py").write_text(SOURCE + "\n")
    assert commit_of(module.simulate)["git_dirty"] is True


def test_a_file_that_was_never_committed_is_a_change(module, tmp_path):
    git(tmp_path, "mv", "simulation.py", "old.py")
    git(tmp_path, "commit", "--quiet", "-m", "moved")
    (tmp_path / "simulation.py").write_text(SOURCE)
    assert commit_of(load(tmp_path).simulate)["git_dirty"] is True


def test_what_git_does_not_look_after_has_no_commit(module, tmp_path):
    git(tmp_path, "rm", "--quiet", "--cached", "simulation.py")
    (tmp_path / ".gitignore").write_text("simulation.py\n")
    assert commit_of(module.simulate) == {}
    assert commit_of(len) == {}
    assert commit_of(eval("lambda a: a")) == {}


def test_outside_of_a_repository_and_without_git_there_is_none(tmp_path, monkeypatch):
    (tmp_path / "simulation.py").write_text(SOURCE)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    module = load(tmp_path)
    assert commit_of(module.simulate) == {}
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(module.simulate) == {}


def test_a_repository_without_a_commit_has_none(tmp_path):
    (tmp_path / "simulation.py").write_text(SOURCE)
    git(tmp_path, "init", "--quiet")
    assert commit_of(load(tmp_path).simulate) == {}


def test_several_versions_of_one_program_are_told_and_of_two_programs_are_not():
    versions = Versions()
    for id, (program, version) in enumerate([("a", "1"), ("b", "2"), ("a", "1"), (None, None)], 1):
        versions.note({"program": program, "version": version}, id)
    assert versions.warning() is None
    versions.note({"program": "b", "version": 3}, 9)
    assert versions.warning() == (
        "The measurements are of several versions of b: 2 (measurement 2), 3 (measurement 9). They count as done "
        "all the same; a new experiment, or a parameter, tells them apart."
    )
