"""What a report says of an experiment, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Quantity:
    """One parameter or result."""

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
    """Failures with the same exception, raised at the same line."""

    exception: str
    line: str
    messages: Sequence[str]
    parameters: Sequence[str]
    traceback: str
    number: int


@dataclass(frozen=True)
class DefinedFigure:
    """A figure that the user keeps with the experiment; an error in place of its Dataset when there is none."""

    name: str
    dataset: xr.Dataset | Exception
    arguments: Mapping[str, Any]
    where: str | None = None


@dataclass(frozen=True)
class Facts:
    """What a report says of an experiment."""

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
    figures: Sequence[DefinedFigure] = ()
    failures: Sequence[FailureGroup] = ()
    durations: Sequence[float] = ()
    made_with: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    created: str = ""
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()
