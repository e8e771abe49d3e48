"""What `verify` says."""

from __future__ import annotations

from dataclasses import dataclass

from coma_xr.keywords import checks_keywords

__all__ = ["Finding"]


@checks_keywords
@dataclass(frozen=True)
class Finding:
    """Something about a file of an experiment that is not as it should be.

    Parameters
    ----------
    file : str
        Its name in the directory.
    kind : str
        "empty", "cut", "unreadable", "id", "name", "keys", "twice", "differs", "beside", "digest", "archive",
        "external", "index", "experiment", "reset", "state", "mark" or "temporary".
    text : str
        What is wrong.
    repair : str
        What ``verify(repair=True)`` does about it, empty when it leaves that to the user.
    done : bool, default False
        Whether it did.

    Examples
    --------
    >>> print(Finding("measurement.000002.json", "empty", "is empty", "move it to removed"))
    measurement.000002.json is empty. To repair it: move it to removed.
    """

    file: str
    kind: str
    text: str
    repair: str = ""
    done: bool = False

    def __str__(self) -> str:
        what = f"{'Repaired' if self.done else 'To repair it'}: {self.repair}." if self.repair else ""
        return f"{self.file} {self.text}. {what}".strip()
