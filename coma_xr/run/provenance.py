"""The versions of the programs that measurements were made with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from coma_xr.text import listing

if TYPE_CHECKING:
    from coma_xr.values.plain import Tree


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
