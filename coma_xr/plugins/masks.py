"""Parts of Datasets: cells emptied, labels dropped that nothing is left of."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from coma_xr.retrieve.columns import with_holes
from coma_xr.retrieve.dims import FLAGS
from coma_xr.tree import ID_COORDS
from coma_xr.values.xarray import variable

if TYPE_CHECKING:
    import xarray as xr

Mask = npt.NDArray[np.bool_]

_NOT_ASKED = FLAGS.index("not_asked")
_MEANINGS = " ".join(FLAGS)


def id_of(ds: xr.Dataset) -> xr.DataArray | None:
    """Return the coordinate `measurement_id`, under the name that it has here; None when there is none."""
    found = [ds.coords[name] for name in ID_COORDS if name in ds.coords]
    return found[0] if found else None


def status_of(ds: xr.Dataset) -> xr.DataArray | None:
    """Return the coordinate `measurement_status`, under the name that it has here; None when there is none."""
    for name in ("coma_status", "measurement_status"):
        if name in ds.coords and ds.coords[name].attrs.get("flag_meanings") == _MEANINGS:
            return ds.coords[name]
    return None


def occupied(ds: xr.Dataset) -> xr.DataArray | None:
    """Return which cells have a measurement or were asked for; None when that is unknown."""
    status, ids = status_of(ds), id_of(ds)
    if status is not None:
        return status != _NOT_ASKED
    return None if ids is None else ids != 0


def cut(ds: xr.Dataset, mask: xr.DataArray) -> xr.Dataset:
    """Return the Dataset with only the cells of a mask, without the labels that nothing is left of."""
    mask = mask.drop_vars(list(mask.coords))
    for dim in mask.dims:
        left = np.flatnonzero(mask.any([other for other in mask.dims if other != dim]).values)
        if len(left) < mask.sizes[dim]:
            mask, ds = mask.isel({dim: left}), ds.isel({dim: left})
    return without_empty_labels(masked(ds, mask))


def without_empty_labels(ds: xr.Dataset) -> xr.Dataset:
    """Return the Dataset without the labels of measurements that no cell has."""
    full = occupied(ds)
    if full is None or full.size == 0:
        return ds
    for dim in full.dims:
        left = np.flatnonzero(full.any([other for other in full.dims if other != dim]).values)
        if len(left) < full.sizes[dim]:
            ds = ds.isel({dim: left})
    return ds


def masked(ds: xr.Dataset, mask: xr.DataArray) -> xr.Dataset:
    """Return the Dataset with holes in the cells where a mask does not hold; types stay where there are none.

    A variable that lacks dims of the mask keeps the cells that have any.
    """
    if bool(mask.all()):
        return ds
    ours = {coord.name for coord in (id_of(ds), status_of(ds)) if coord is not None}
    data: dict[Hashable, xr.Variable] = {}
    coords: dict[Hashable, xr.Variable] = {}
    for name in [*ds.data_vars, *ours]:
        array = ds[name]
        keep = _over(mask, array)
        if not keep.all():
            values, hole, said = (array.values, 0, {}) if name in ours else with_holes(array.values, {})
            values = values.copy()
            values[~keep] = hole
            new = variable([str(dim) for dim in array.dims], values, {**array.attrs, **said})
            (coords if name in ours else data)[name] = new
    return ds.assign(data).assign_coords(coords)


def _over(mask: xr.DataArray, array: xr.DataArray) -> Mask:
    """Return a mask over the dims of a variable."""
    if not set(mask.dims) & set(array.dims):
        return np.ones(array.shape, dtype=bool)
    own = mask.any([dim for dim in mask.dims if dim not in array.dims])
    own = own.transpose(*(dim for dim in array.dims if dim in own.dims))
    shape = [own.sizes.get(dim, 1) for dim in array.dims]
    return np.broadcast_to(own.values.reshape(shape), array.shape)
