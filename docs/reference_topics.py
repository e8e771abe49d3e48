"""What the pages of the API reference get beyond the docstrings: related names and how-to guides."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import coma_xr

TITLES = {
    "coma_xr.ComaAccessor": "ds.coma",
    "coma_xr.plugins.backend.ComaBackendEntrypoint": 'xarray.open_dataset(engine="coma")',
    "coma_xr.define.conditions": "Rules of conditions",
    "coma_xr.testing": "coma_xr.testing",
}
MEMBERS = {"coma_xr.define.conditions": "as_condition, parse"}

# Classes whose methods come from a base class that has no page.
INHERITED = {
    "coma_xr.Condition": "object",
    "coma_xr.Measurement": "Mapping",
    "coma_xr.plugins.backend.ComaBackendEntrypoint": "",
}

_MOST_RELATED = 8


def names_of(section: str) -> list[str]:
    """Return the full names in the table of a section of the page."""
    table = section.partition(".. autosummary::")[2].partition("```")[0]
    return [f"coma_xr.{name}" for name in re.findall(r"^   ([\w.]+)$", table, re.MULTILINE)]


def topics(page: Path) -> dict[str, dict[str, Any]]:
    """Return what the templates need for each name on the API page."""
    found: dict[str, dict[str, Any]] = {}
    for section in page.read_text("utf-8").split("\n## ")[1:]:
        names = names_of(section)
        guides = re.findall(r"\{doc\}`([\w-]+)`", section)
        for name in names:
            others = [other for other in names if other != name]
            found[name] = {
                "title": TITLES.get(name, name.removeprefix("coma_xr.")),
                "related": others[:_MOST_RELATED],
                "pages": [*guides, "api"],
                "members": MEMBERS.get(name, ""),
                "inherited": INHERITED.get(name, ""),
                "methods": [],
            }
    methods = sorted(name for name in found if name.startswith("coma_xr.Experiment."))
    found["coma_xr.Experiment"]["methods"] = [name.removeprefix("coma_xr.") for name in methods]
    return found


def file_names(names: Iterable[str]) -> dict[str, str]:
    """Return other file names for classes whose names differ only in case from others, such as `External`.

    On file systems that do not distinguish case, their pages would overwrite each other.
    """
    number = Counter(map(str.lower, names))
    return {
        name: f"{name}-class"
        for name in names
        if number[name.lower()] > 1 and name.rpartition(".")[2][0].isupper()
    }


def documented() -> set[str]:
    """Return the names of the public interface that need an entry."""
    return {f"coma_xr.{name}" for name in coma_xr.__all__ if name != "__version__"}
