"""Every example of the documentation runs and shows what is so, and the API page is complete.

Pages with code cells are run by the build of the documentation. The others are run here: examples with prompts as doctests,
blocks of Python as one program for each page or caption, scripts with stand-ins for the cluster.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import re
import runpy
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import coma_xr as coma

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))
CLUSTER = DOCS / "cluster"
PATIENCE = 60.0  # seconds

PROMPT = re.compile(r"^>>> ", re.MULTILINE)
BLOCK = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OPTIONS = re.compile(r"((?:^:[a-z]+:.*\n)*)(.*)", re.DOTALL | re.MULTILINE)
CELLS = "{code-cell}"
DIRECTIVE = re.compile(r"^\.\. auto(\w+):: (\S+)\n((?:   :.*\n?)*)", re.MULTILINE)

# Their blocks are parts of an example that has a test of its own.
ELSEWHERE = {
    "coming-from-coma-2.md": "test_tutorial.py",
    "analysis.md": "test_recipes.py",
    "executables.md": "test_cpp.py",
    "program.md": "test_cpp.py",
    "recipes.md": "test_recipes.py",
    "terminal.md": "terminal/test_page.py",
}
CONDITIONS = "coma_xr.define.conditions"
# Captions of examples for libraries that the tests do not install, and the names of these libraries.
PEERS = {
    "xyzpy": "xyzpy",
    "signac": "signac",
    "pipefunc": "pipefunc",
    "scikit-learn": "sklearn",
    "PyTorch": "torch",
}


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def blocks(page: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the language, the caption and the code of each block of a page."""
    for info, text in BLOCK.findall(text_of(page)):
        options, body = OPTIONS.match(text).groups()
        found = re.search(r"^:caption: (.*)$", options, re.MULTILINE)
        yield info.removeprefix("{code-block}").strip(), found[1] if found else "", body


def programs() -> Iterator[Any]:
    """Yield the name and source of all blocks of Python, those of one page and caption together."""
    for page in PAGES:
        sources: dict[str, list[str]] = {}
        for language, caption, body in blocks(page):
            if language == "python" and not PROMPT.search(body) and page.name not in ELSEWHERE:
                sources.setdefault(caption, []).append(body)
        for caption, bodies in sources.items():
            yield pytest.param(caption, "\n".join(bodies), id=f"{page.stem}-{caption}".rstrip("-"))


class Shown:
    """Standard error and warnings as the user sees them, between the values."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()

    def isatty(self) -> bool:
        return False


def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    print(f"{category.__name__}: {message}")


def examples_of(page: Path) -> doctest.DocTest:
    """Return the examples with prompts of a page, in which the lines of fences are no output."""
    lines = ["" if line.startswith("```") else line for line in text_of(page).splitlines()]
    names = {"__name__": "__main__"}
    return doctest.DocTestParser().get_doctest("\n".join(lines), names, page.name, str(page), 0)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if PROMPT.search(text_of(page))], ids=lambda page: page.name
)
def test_examples_show_what_is_so(page, tmp_path, monkeypatch):
    "Values, errors, warnings and what is said on standard error."
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stderr", Shown())
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    with warnings.catch_warnings(), pd.option_context("display.width", 120, "display.max_columns", 20):
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show)
        runner.run(examples_of(page), out=said.append)
    assert not runner.failures, "".join(said)


@pytest.mark.parametrize(("caption", "source"), list(programs()))
def test_programs_run_as_they_stand(caption, source, tmp_path, monkeypatch):
    "Those of other libraries where these are installed."
    from matplotlib import pyplot as plt

    if caption in PEERS:
        pytest.importorskip(PEERS[caption])
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        if caption in PEERS:
            warnings.simplefilter("ignore")
        exec(compile(source, "<example>", "exec"), {"__name__": "__main__"})
    plt.close("all")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_cells_are_on_pages_that_are_run(page):
    "Without its header a page with cells would be built, and nothing in it run."
    if f"```{CELLS}" in text_of(page):
        assert text_of(page).startswith("---\nfile_format: mystnb\n")
    assert "+SKIP" not in text_of(page)


# Two screens of 1280 by 900 pixels hold about this many words, those of the examples included.
MOST_WORDS = 420
FIGURE = 75  # words that take as much room as a figure
# Guides that are longer, with the reason.
LONG_GUIDES = {"cpp": "the complete source of a program in C++"}


def guides() -> list[Path]:
    """Return the pages under "How-to guides"."""
    trees = re.findall(r"^```{toctree}\n(.*?)^```$", text_of(DOCS / "guide.md"), re.DOTALL | re.MULTILINE)
    return [DOCS / f"{name}.md" for tree in trees for name in re.findall(r"^[\w-]+$", tree, re.MULTILINE)]


def words_of(page: Path) -> int:
    """Return how many words a page has below its title, with its scripts and with figures as words."""
    text = text_of(page).partition("\n# ")[2]
    scripts = re.findall(r"^```{literalinclude} (\S+)", text, re.MULTILINE)
    cells = re.findall(rf"^```{CELLS}(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    words = sum(len(part.split()) for part in (text, *(text_of(DOCS / script) for script in scripts)))
    return words + FIGURE * sum("plot(" in cell for cell in cells)


def test_guides_take_two_screens():
    "A longer one has several tasks, or explanations and tables that other pages are for."
    sizes = {page.stem: words_of(page) for page in guides()}
    assert len(sizes) > 60
    assert {name for name, words in sizes.items() if words > MOST_WORDS} == set(LONG_GUIDES)


# Clusters


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A directory with the scripts, and a `srun` that runs what it is given here."""
    directory = tmp_path / "cluster"
    shutil.copytree(CLUSTER, directory, ignore=shutil.ignore_patterns("__pycache__"))
    srun = tmp_path / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text('#!/bin/sh\nexec "$@"\n')
    srun.chmod(0o755)
    search = [str(srun.parent), str(Path(sys.executable).parent), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(search))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(DOCS.parent), str(directory / "standins")]))
    return directory


def stand_in(directory: Path, module: str, source: str) -> None:
    """Put a module in place of one that needs a cluster."""
    (directory / "standins").mkdir(exist_ok=True)
    (directory / "standins" / f"{module}.py").write_text(source)


def finish(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said


def start(directory: Path, *command: str, **environment: str) -> subprocess.Popen[str]:
    # The commands of this environment come first, as where it is activated.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {**os.environ, "PATH": path, **environment}
    return subprocess.Popen(command, cwd=directory, env=own, stderr=subprocess.PIPE, text=True)


def everything_is_there(directory: Path) -> None:
    e = coma.Experiment(directory / "chain", mode="r")
    assert e.number_of_measurements() == 12
    assert len(e.missing()) == 0
    assert e.verify() == []


@pytest.mark.ci
def test_a_job_array_does_the_scan(cluster):
    "All of its jobs at the same moment, each in its own process, as the script says."
    jobs = re.search(r"--array=(\d+)-(\d+)", (cluster / "array.sh").read_text())
    numbers = range(int(jobs[1]), int(jobs[2]) + 1)
    assert f"JOBS = {len(numbers)} " in (cluster / "job.py").read_text()
    cores = {"SLURM_CPUS_PER_TASK": "2"}
    finish(*(start(cluster, "bash", "array.sh", SLURM_ARRAY_TASK_ID=str(n), **cores) for n in numbers))
    everything_is_there(cluster)


def test_one_job_of_an_array_does_its_share(cluster):
    finish(start(cluster, "bash", "array.sh", SLURM_ARRAY_TASK_ID="0"))
    assert coma.Experiment(cluster / "chain", mode="r").number_of_measurements() == 3


def test_dask_jobqueue_does_the_scan(cluster):
    "With a cluster on this machine in place of SLURM's."
    pytest.importorskip("distributed")
    stand_in(
        cluster,
        "dask_jobqueue",
        "from distributed import LocalCluster\n\n\n"
        "class SLURMCluster(LocalCluster):\n"
        "    def __init__(self, *, cores, processes, memory, walltime):\n"
        "        super().__init__(n_workers=1, threads_per_worker=1, dashboard_address=None)\n\n"
        "    def adapt(self, *, maximum_jobs):\n"
        "        return super().adapt(minimum=1, maximum=2)\n",
    )
    finish(start(cluster, sys.executable, "dask_jobs.py"))
    everything_is_there(cluster)


def test_executorlib_does_the_scan(cluster):
    "With processes of this machine in place of job steps."
    stand_in(
        cluster,
        "executorlib",
        "from concurrent.futures import ProcessPoolExecutor\n\n\n"
        "class SlurmJobExecutor(ProcessPoolExecutor):\n"
        "    def __init__(self, *, max_workers, block_allocation):\n"
        "        super().__init__(min(2, max_workers))\n",
    )
    finish(start(cluster, sys.executable, "executorlib_jobs.py"))
    everything_is_there(cluster)


def test_mpi_does_the_scan(cluster):
    "With the command that the page says, on three processes."
    pytest.importorskip("mpi4py")
    assert "mpiexec -n 8 python -m mpi4py.futures mpi_jobs.py" in text_of(DOCS / "clusters-executors.md")
    finish(start(cluster, "mpiexec", "-n", "3", "python", "-m", "mpi4py.futures", "mpi_jobs.py"))
    everything_is_there(cluster)


# The API reference


def table_of_names() -> set[str]:
    """Return the full names in the tables of the API page: each has a page of its own."""
    tables = re.findall(
        r"^\.\. autosummary::\n   :toctree: api\n\n((?:   [\w.]+\n)+)", text_of(DOCS / "api.md"), re.MULTILINE
    )
    return {f"coma_xr.{name.strip()}" for table in tables for name in table.splitlines()}


def resolved(name: str) -> Any:
    """Return the object with a full name."""
    parts = name.split(".")
    found: Any = importlib.import_module(parts[0])
    for at, part in enumerate(parts[1:], 1):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[: at + 1]))
        found = getattr(found, part)
    return found


def test_every_public_name_is_in_the_api_reference():
    expected = {f"coma_xr.{name}" for name in coma.__all__ if name != "__version__"}
    assert not expected - table_of_names()
    assert all(resolved(name) is not None for name in table_of_names())


def test_pages_of_the_api_reference_differ_in_more_than_case():
    names = table_of_names()
    renamed = runpy.run_path(str(DOCS / "reference_topics.py"))["file_names"](names)
    assert renamed["coma_xr.External"] == "coma_xr.External-class"
    assert len({renamed.get(name, name).lower() for name in names}) == len(names)


def test_every_public_method_of_an_experiment_is_in_the_api_reference():
    "Those of other classes are on the page of their class."
    methods = {name for name in dir(coma.Experiment) if not name.startswith("_")}
    without_call = {
        "description",
        "end_date",
        "id",
        "path",
        "start_date",
        "tags",
    }  # attributes of the class's page
    assert {f"coma_xr.Experiment.{name}" for name in methods - without_call} <= table_of_names()


def public_members() -> Iterator[Any]:
    for name in sorted(table_of_names()):
        cls = resolved(name)
        if inspect.isclass(cls):
            for base in cls.__mro__:
                if base.__module__.startswith("coma_xr"):
                    for member, value in vars(base).items():
                        if not member.startswith("_") and (
                            inspect.isfunction(value) or isinstance(value, (property, classmethod))
                        ):
                            yield pytest.param(base, member, id=f"{cls.__name__}.{member}")


def test_every_public_method_has_a_docstring():
    assert not [case.id for case in public_members() if not inspect.getdoc(getattr(*case.values))]
