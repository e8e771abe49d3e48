"""The search of the documentation answers a newcomer's words: the page is among the first three hits.

The built site is read from `docs/_build/html`, or from the directory that the environment variable `COMA_XR_SITE` names. The
ranking is that of Sphinx's own `searchtools.js`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.ci

SITE = Path(os.environ.get("COMA_XR_SITE", Path(__file__).parents[1] / "docs" / "_build" / "html"))
FIRST = 3

TASKS = {
    "colormap": "plot-heatmaps",
    "latex": "units figure-styles",
    "multiprocessing": "parallel",
    "checkpoint": "resume",
    "retry": "failures",
    "faq": "faq",
    "resume": "resume",
    "slurm": "clusters",
    "error bars": "repeats plot-errors",
    "seed": "repeats",
    "csv": "csv exporting",
    "pandas": "dataframes retrieving",
    "netcdf": "exporting",
    "missing": "missing-points",
    "failed": "failures",
    "units": "units",
    "sklearn": "sklearn",
    "pytorch": "pytorch",
    "migrate joblib": "migrate-files",
    "joblib": "parallel migrate-files",
    "speed": "speed",
    "parameter sweep": "running scanning",
    "grid search": "sklearn",
    "hyperparameter": "sklearn",
    "job array": "clusters",
    "timeout": "timeouts",
    "traceback": "failures",
    "time series": "time-series",
    "large arrays": "big-arrays",
    "latin hypercube": "sampling",
    "heatmap": "plot-heatmaps",
    "rename": "rename",
    "delete": "remove",
    "cite": "cite",
    "signac": "migrate-trackers coming-from",
    "git": "code",
    "excel": "csv",
    "jupyter": "looking",
    "command line": "terminal",
    "settings": "configuration",
    "install": "install",
    "quickstart": "first-minute",
    "resume run": "resume",
    "rerun only missing": "resume",
    "slurm array": "clusters",
    "cache results": "running",
    "memoize": "migrate-files migrate",
    "memory": "lazy-arrays",
    "memory limit": "timeouts",
    "hdf5": "exporting",
    "log scale": "plotting",
    "logarithmic axis": "plotting",
    "colorbar": "plot-heatmaps",
    "confidence interval": "plot-errors",
    "nested parameters": "derived-parameters",
    "derived parameter": "derived-parameters",
    "xarray dataset": "retrieving",
    "export csv": "csv",
    "merge experiments": "merge",
    "exclude points": "remove",
    "outliers": "remove",
    "backup": "faq",
    "progress bar": "progress",
    "provenance": "provenance",
    "interrupt": "resume",
    "walltime": "time-limit clusters",
    "incremental": "evolution",
    "sobol": "sampling",
    "dry run": "progress",
    "dask": "clusters-executors",
    "mpi": "clusters-executors",
    "fortran": "executables",
    "histogram": "plot-distributions",
    "box plot": "plot-distributions",
    "scatter plot": "plot-heatmaps",
    "subplots": "plotting own-axes",
    "pint": "quantities",
    "polars": "recipes",
    "recompute": "recompute",
    "stdout": "capture-output",
    "compress": "archive",
    "html report": "report",
    "background": "background",
}


@pytest.fixture(scope="module")
def index() -> dict[str, Any]:
    path = SITE / "searchindex.js"
    if not path.is_file():
        pytest.skip(f"no built documentation in {SITE}")
    text = path.read_text("utf-8")
    return json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))


class Search:
    """The ranking of searchtools.js: hits are (score, title, page, place), the best first."""

    def __init__(self, index: dict[str, Any]) -> None:
        SearchEnglish = pytest.importorskip("sphinx.search.en").SearchEnglish

        self.index = index
        self.language = SearchEnglish({})

    def hits(self, query: str) -> list[tuple[str, str]]:
        """Return page and title of the hits in the order in which they are shown."""
        ranked = [
            sorted(group, key=lambda hit: (-hit[0], hit[1].lower()))
            for group in (self._ranked(query), self._references(query))
        ]
        seen = dict.fromkeys((page, title, place) for group in ranked for _, title, page, place in group)
        return [(self.index["docnames"][page], title) for page, title, _ in seen]

    def _ranked(self, query: str) -> Iterator[tuple[float, str, int, str]]:
        yield from self._titles(query.lower())
        yield from self._entries(query.lower(), main=True)
        terms = set(re.findall(r"\w+", query.lower()))
        for term in terms:
            yield from self._objects(term, terms - {term})
        yield from self._texts(
            {self.language.stem(term) for term in terms if term not in self.language.stopwords}
        )

    def _references(self, query: str) -> Iterator[tuple[float, str, int, str]]:
        yield from self._entries(query.lower(), main=False)

    def _titles(self, query: str) -> Iterator[tuple[float, str, int, str]]:
        for title, places in self.index["alltitles"].items():
            if query in title.lower() and len(query) >= len(title) / 2:
                for page, place in places:
                    page_title = self.index["titles"][page]
                    shown = title if title == page_title else f"{page_title} > {title}"
                    yield (
                        round(15 * len(query) / len(title)) + (title == page_title),
                        shown,
                        page,
                        place or "",
                    )

    def _entries(self, query: str, *, main: bool) -> Iterator[tuple[float, str, int, str]]:
        for entry, places in self.index["indexentries"].items():
            if query in entry and len(query) >= len(entry) / 2:
                for page, place, is_main in places:
                    if bool(is_main) == main:
                        yield (
                            round(100 * len(query) / len(entry)),
                            self.index["titles"][page],
                            page,
                            place or "",
                        )

    def _objects(self, term: str, others: set[str]) -> Iterator[tuple[float, str, int, str]]:
        for prefix, objects in self.index["objects"].items():
            for page, kind, priority, _, name in objects:
                full = f"{prefix}.{name}" if prefix else name
                title = self.index["titles"][page]
                known = f"{prefix} {name} {self.index['objnames'][str(kind)][2]} {title}".lower()
                if term in full.lower() and all(other in known for other in others):
                    last = full.lower().rsplit(".", 1)[-1]
                    score = 11 if term in (full.lower(), last) else 6 if term in last else 0
                    yield score + {0: 15, 1: 5, 2: -5}.get(priority, 0), full, page, full

    def _texts(self, words: set[str]) -> Iterator[tuple[float, str, int, str]]:
        scores: dict[int, dict[str, int]] = {}
        for word in words:
            for table, full, part in (("terms", 5, 2), ("titleterms", 15, 7)):
                known = self.index[table]
                found = {word: full} if word in known else {}
                if not found and len(word) > 2:
                    found = {term: part for term in known if word in term}
                for term, score in found.items():
                    pages = known[term] if isinstance(known[term], list) else [known[term]]
                    for page in pages:
                        scores.setdefault(page, {})[word] = score
        for page, by_word in scores.items():
            if len(by_word) == len(words):
                yield max(by_word.values()), self.index["titles"][page], page, ""


@pytest.mark.parametrize("query", TASKS)
def test_the_answer_is_among_the_first_hits(index, query):
    hits = Search(index).hits(query)[:FIRST]
    assert {page for page, _ in hits} & set(TASKS[query].split()), hits


def test_every_name_and_argument_is_found(index):
    "Names as objects, arguments and errors in the text of their page."
    import coma_xr as coma

    names = {name for objects in index["objects"].values() for *_, name in objects}
    assert {name for name in coma.__all__ if not name.startswith("__")} <= names
    entries = " ".join(index["indexentries"])
    assert all(
        f"{argument} (argument of " in entries for argument in ("max_workers", "unfold", "cmap", "where")
    )
