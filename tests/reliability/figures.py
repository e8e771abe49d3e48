"""Counting of cases, and the table of `docs/promises.md` that shows the counts of the last runs."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

PAGE = "docs/promises.md"
BEGIN, END = "<!-- figures: written by pytest --figures -->\n", "<!-- end of figures -->\n"

# Kinds of cases, with what is promised of them, in the order of the table.
PROMISES = {
    "power cuts": "states of the disk after a power cut: what was acknowledged is whole",
    "second power cuts": "states after another power cut in the repetition",
    "syncs left out": "syncs without which a power cut loses something, so that a test fails",
    "kill points": "kills before, in or after a system call: nothing finished is lost",
    "second kills": "kills in the repetition after a kill",
    "random kills": "real processes killed at a random time",
    "interrupts": "Ctrl-C in a line of the source: nothing finished is lost, and the same process goes on",
    "I/O errors": "errors of system calls: an error of coma_xr, nothing lost, the next try works",
    "checks left out": "checks, locks and renames without which a test fails",
    "round trips": "random trees that come back equal, value and type",
    "bad inputs": "damaged and hostile files that are read or refused, never worse",
}

# Failures whose tracebacks are shown.
SHOWN = 3


class Tally:
    """Counts cases; ``with tally:`` is one. A case that fails is counted as tried, and the next one goes on."""

    def __init__(self, kind: str) -> None:
        assert kind in PROMISES
        self.kind = kind
        self.tried = self.held = 0
        self.failures: list[str] = []

    def __enter__(self) -> None:
        self.tried += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if error is None:
            self.held += 1
        elif isinstance(error, Exception):
            if len(self.failures) < SHOWN:
                self.failures.append("".join(traceback.format_exception(error)))
            return True
        return False

    def add(self, number: int) -> None:
        """Count cases that were tried and held somewhere else."""
        self.tried += number
        self.held += number

    def check(self) -> None:
        """Fail when a case did not hold."""
        failures = "\n".join(self.failures)
        assert self.held == self.tried, f"{self.kind}: {self.held} of {self.tried} held\n{failures}"


Rows = dict[str, dict[str, str]]


def rows(page: str) -> Rows:
    """Return the figures in the table of a page, by kind and tier."""
    table = page.partition(BEGIN)[2].partition(END)[0]
    found: Rows = {}
    for line in table.splitlines()[2:]:
        kind, _, ci, full = (cell.strip() for cell in line.strip("|").split("|"))
        found[kind] = {"ci": ci, "full": full}
    return found


def table(figures: Mapping[str, Mapping[str, str]]) -> str:
    """Return the table with the figures."""
    lines = ["| cases | promise | held with `--ci` | held with `--full` |", "| --- | --- | --- | --- |"]
    for kind, promise in PROMISES.items():
        counts = figures.get(kind, {})
        lines.append(f"| {kind} | {promise} | {counts.get('ci', '-')} | {counts.get('full', '-')} |")
    return "\n".join(lines) + "\n"


def update(path: Path, tier: str, counted: Mapping[str, Sequence[int]]) -> None:
    """Write what a run counted into the table of a page; kinds that were not run keep their figures."""
    page = path.read_text("utf-8")
    figures = rows(page)
    for kind, (tried, held) in counted.items():
        figures.setdefault(kind, {})[tier] = f"{held:,} of {tried:,}"
    head, begin, rest = page.partition(BEGIN)
    assert begin, f"{path} has no place for figures"
    path.write_text(head + begin + table(figures) + END + rest.partition(END)[2], "utf-8")
