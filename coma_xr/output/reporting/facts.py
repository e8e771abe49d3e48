"""What a report says of an experiment, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Facts", "FailureGroup", "Quantity"]


@dataclass(frozen=True)
class Quantity:
    """One parameter or result.

    Attributes
    ----------
    name, path, type : str
    values : str
        Which values it has, in a few words.
    units, long_name : str or None
    number : int
        How many measurements have it.
    varies : bool
        Whether it has several values.
    """

    name: str
    path: str
    type: str
    values: str
    units: str | None = None
    long_name: str | None = None
    number: int = 0
    varies: bool = True


@dataclass(frozen=True)
class FailureGroup:
    """Failures with the same exception, raised at the same line.

    Attributes
    ----------
    exception, line : str
    messages, parameters : sequence of str
        Of the first ones.
    traceback : str
        Of the first one.
    number : int
    """

    exception: str
    line: str
    messages: Sequence[str]
    parameters: Sequence[str]
    traceback: str
    number: int


@dataclass(frozen=True)
class Facts:
    """What a report says of an experiment.

    Attributes
    ----------
    name : str
        What the experiment is called; nothing of the directories above it.
    description : str or None
    about : mapping of str to str
        Names and values for the head: id, tags, dates.
    measurements, failed : int
        How many there are.
    missing : int or None
        How many parameter sets of the last scan were neither done nor failed; None when that is not known.
    parameters, results : sequence of Quantity
    dataset : Dataset or None
        What came out; None when no Dataset could be made.
    how : str
        The call that makes this Dataset from the experiment ``e``.
    failures : sequence of FailureGroup
    durations : sequence of float
        Of measurements [s].
    made_with : mapping of str to mapping of str to int
        For hosts, programs, versions, commits: how many measurements.
    created : str
        When the report was made, and by which version.
    problems, notes : sequence of str
        Files that cannot be read; warnings.
    """

    name: str
    description: str | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    measurements: int = 0
    failed: int = 0
    missing: int | None = None
    parameters: Sequence[Quantity] = ()
    results: Sequence[Quantity] = ()
    dataset: xr.Dataset | None = None
    how: str = "e.to_dataset()"
    failures: Sequence[FailureGroup] = ()
    durations: Sequence[float] = ()
    made_with: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    created: str = ""
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()
