"""Which names the variables and dims of one Dataset get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from coma_xr.errors import LayoutError
from coma_xr.retrieve.names import free_name, role
from coma_xr.tree import join

if TYPE_CHECKING:
    from coma_xr.retrieve.layout import Layout
    from coma_xr.retrieve.requests import Request, Source
    from coma_xr.tree import Path

__all__ = ["Taken"]


class Taken:
    """Names in a Dataset: those that the call gives win, then dims, then the rule's; ours make way.

    Parameters
    ----------
    source : Source
    wanted, dims : sequence of Request
    """

    def __init__(self, source: Source, wanted: Sequence[Request], dims: Sequence[Request]) -> None:
        self._source = source
        self._users = {source.name(request) for request in (*wanted, *dims)}
        self._users |= {
            source.names.of(path) for path in source.columns.paths if role(path) not in ("info", "class")
        }
        self._paths: dict[str, Path | str | None] = {}

    def ours(self, name: str) -> str:
        """Return a name of ours, another one when the user has it."""
        while name in self._users:
            name = "coma_" + name.removeprefix("measurement_")
        return name

    def claim_dims(self, layout: Layout) -> None:
        """Take the names of the dims."""
        self._paths |= {axis.dim: axis.path for axis in layout.axes}

    def claim(self, request: Request, path: Path | None) -> str:
        """Take the name that the user gave; an error when it is taken by something else."""
        name = self._source.name(request)
        if name in self._paths and self._paths[name] != path:
            other = self._paths[name]
            first = (other if isinstance(other, str) else join(other)) if other else "a dim"
            raise LayoutError(f"The name '{name}' is asked for twice, for {first} and {request.text}.")
        self._paths[name] = path
        return name

    def of(self, path: Path) -> str:
        """Take the name of a path by the rule, a longer one when it is taken."""
        name = self._source.names.of(path)
        if self._paths.get(name, path) != path:
            name = free_name(path, self._paths)
        self._paths[name] = path
        return name

    def brought(self, name: str, owner: str) -> str:
        """Return the name of a dim or coordinate that a DataArray brought; another one when it is taken."""
        while name in self._users or name in self._paths:
            name = f"{owner}_{name}"
        return name
