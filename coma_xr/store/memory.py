"""Measurements in memory: for trying things out, and for tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from coma_xr.encoding import json
from coma_xr.errors import SerializationError
from coma_xr.store.contract import MeasurementStore, with_id

if TYPE_CHECKING:
    from coma_xr.values.plain import Tree

__all__ = ["MemoryStore"]


class MemoryStore(MeasurementStore):
    """A store that is gone with its process.

    Examples
    --------
    >>> store = MemoryStore()
    >>> store.add({}, json.encode_rest({"results": {"t": 1.5}}))
    1
    >>> store.read(1)
    {'info': {'measurement_id': 1}, 'results': {'t': 1.5}}
    """

    def __init__(self) -> None:
        super().__init__()
        # As text, so that nobody can change what is stored.
        self._texts: dict[int, bytes] = {}

    def ids(self) -> list[int]:
        """Return the ids, sorted."""
        return sorted(self._texts)

    def read(self, id: int) -> Tree:
        """Return the tree of one measurement."""
        if id not in self._texts:
            raise self._unknown(id)
        return json.decode(self._texts[id])["measurement"]

    def trees(self) -> Iterator[tuple[int, Tree]]:
        """Yield id and tree of every measurement, in the order of the ids."""
        for id in self.ids():
            yield id, self.read(id)

    def add(
        self,
        info: Mapping[str, Any],
        rest: bytes,
        *,
        id: int | None = None,
        sync: bool = False,  # noqa: ARG002
        beside: Mapping[str, bytes] | None = None,
    ) -> int:
        """Store one measurement; there is no disk that could be synced, or hold files beside it."""
        if beside:
            raise SerializationError(
                "There are no files beside measurements in memory; return the array as it is."
            )
        if id is None or id in self._texts:
            id = max(self._texts, default=0) + 1
        self._texts[id] = json.prepend_info(with_id(info, id), rest)
        return id

    def remove(self, id: int) -> None:
        """Forget one measurement."""
        if id not in self._texts:
            raise self._unknown(id)
        del self._texts[id]
