"""Which points are missing, and whether they failed, as far as a Dataset tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.errors import LayoutError
from coma_xr.text import available

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from coma_xr.output.plotting.data import Data

__all__ = ["Status", "status_of", "wanted"]

NO_VALUE = "no value"
MISSING = "missing"
DONE = "done"
NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class Status:
    """What is known of each point.

    Parameters
    ----------
    codes : Variable
        Places in `names`.
    names : tuple of str
        Among them ``"done"``.
    foreign : str, optional
        The name of what nobody asked for: a hole that belongs to no curve.
    """

    codes: xr.Variable
    names: tuple[str, ...]
    foreign: str | None

    def of_holes(self, codes: NDArray[Any]) -> NDArray[Any]:
        """Return what is to be said of points without a value."""
        said = np.array([NO_VALUE if name == DONE else name for name in self.names], dtype=object)
        return np.asarray(said[codes.astype(np.intp)])

    def belongs(self, codes: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether a hole belongs to the curve that it is in, so that the curve breaks there."""
        ours = np.array([name != self.foreign for name in self.names])
        return np.asarray(ours[codes.astype(np.intp)])


def status_of(data: Data, dims: Sequence[str], averaged: Sequence[str]) -> Status | None:
    """Return the status of points over `dims`, or None where nothing tells it.

    A coord with the attrs `flag_values` and `flag_meanings` of the CF conventions goes before ``measurement_id``,
    which is 0 where there is no measurement.
    """
    for name, variable in data.ds.variables.items():
        if "flag_values" in variable.attrs and "flag_meanings" in variable.attrs:
            names = str(variable.attrs["flag_meanings"]).split()
            if DONE in names and (codes := _fitting(data.variable(str(name)), dims, averaged)) is not None:
                flags = np.atleast_1d(variable.attrs["flag_values"]).tolist()
                return Status(codes.copy(data=_places(codes.values, flags, names)), tuple(names), NOT_ASKED)
    if "measurement_id" in data.ds.variables:
        ids = _fitting(data.variable("measurement_id"), dims, averaged)
        if ids is not None and ids.dtype.kind in "iuf":
            return Status(ids.copy(data=(ids.values > 0).astype(np.intp)), (MISSING, DONE), MISSING)
    return None


def _places(codes: NDArray[Any], flags: list[Any], names: list[str]) -> NDArray[np.intp]:
    """Return where flags stand among all; what is none of them counts as done."""
    places = dict(zip(flags, range(len(names)), strict=False))
    done = names.index(DONE)
    return np.reshape([places.get(code, done) for code in codes.ravel().tolist()], codes.shape).astype(
        np.intp
    )


def _fitting(variable: xr.Variable, dims: Sequence[str], averaged: Sequence[str]) -> xr.Variable | None:
    """Return a variable over `dims`; of several that a mean was taken of, what is farthest from not asked."""
    variable = variable.max([dim for dim in averaged if dim in variable.dims])
    return variable if set(variable.dims) <= set(dims) else None


def wanted(status: Any, there: Sequence[str]) -> list[str]:
    """Return the statuses that are to be drawn.

    Raises
    ------
    LayoutError
        When one is unknown.
    """
    if status is True:
        return [name for name in there if name != NOT_ASKED]
    names = [status] if isinstance(status, str) else list(status or ())
    known = list(
        dict.fromkeys([*there, MISSING, "failed", "timeout", "died", "excluded", NOT_ASKED, NO_VALUE])
    )
    for name in names:
        if name not in known:
            raise LayoutError(f"status={name!r} is unknown. {available(str(name), known)}")
    return [name for name in names if name in there]
