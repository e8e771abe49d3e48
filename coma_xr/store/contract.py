"""What every store of measurements does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from coma_xr.errors import DataFileError, PathError
from coma_xr.text import listing

if TYPE_CHECKING:
    from coma_xr.values.plain import Tree

__all__ = ["MeasurementStore"]

_NEAREST = 3


class MeasurementStore(ABC):
    """Measurement trees by their ids.

    A measurement tree is a dictionary with ``info`` first, in which ``measurement_id`` comes first. A tree
    that a store hands out may be shared: whoever changes it makes a copy first.
    """

    def __init__(self) -> None:
        self.problems: list[DataFileError] = []
        self.other_ids: dict[int, Tree] = {}

    @abstractmethod
    def ids(self) -> list[int]:
        """Return the ids, sorted. No file is read for it, so that one of a bad file is among them."""

    @abstractmethod
    def read(self, id: int) -> Tree:
        """Return the tree of one measurement.

        Raises
        ------
        PathError
            There is no measurement of this id. The message names the nearest ones.
        DataFileError
            Its file cannot be read.
        """

    @abstractmethod
    def trees(self) -> Iterator[tuple[int, Tree]]:
        """Yield id and tree of every measurement, in the order of the ids.

        Bad files are passed over and noted in `problems`.
        """

    @abstractmethod
    def add(
        self,
        info: Mapping[str, Any],
        rest: bytes,
        *,
        id: int | None = None,
        sync: bool = False,
        beside: Mapping[str, bytes] | None = None,
    ) -> int:
        """Store one measurement.

        Raises
        ------
        InactiveError
            Nothing can be added to an inactive experiment.
        StorageError
            The operating system refused; nothing was stored.
        """

    @abstractmethod
    def remove(self, id: int) -> None:
        """Delete one measurement; PathError when there is none of this id."""

    def _unknown(self, id: object) -> PathError:
        ids = self.ids()
        near = (
            sorted(ids, key=lambda known: abs(known - id))[:_NEAREST] if type(id) is int else ids[:_NEAREST]
        )
        there_are = f"The nearest of {len(ids)} are {listing(sorted(near))}." if ids else "There are none."
        whole = "" if type(id) is int else " Ids are whole numbers."
        return PathError(f"There is no measurement {id!r}. {there_are}{whole}")


def with_id(info: Mapping[str, Any], id: int) -> dict[str, Any]:
    """Return `info` with the id in front."""
    numbered = {"measurement_id": id, **info}
    numbered["measurement_id"] = id
    return numbered
