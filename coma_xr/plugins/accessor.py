"""``ds.coma``: methods for the Dataset of an experiment."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from coma_xr.checks import check_flag, check_tolerance, checks_keywords
from coma_xr.define.condition_terms import Node
from coma_xr.define.conditions import Condition, as_condition
from coma_xr.define.scans import Scan, cases
from coma_xr.define.values import BRANCH, key_of, name_of_function
from coma_xr.errors import ConditionError, ParameterError, PathError, SerializationError, warn
from coma_xr.plugins.matching import container_labels, cut, masked, matches, status_of
from coma_xr.retrieve.dims import DONE, FLAGS
from coma_xr.text import listing, shortened, with_article
from coma_xr.tree import find_variable, measurement_ids, split, variable_at
from coma_xr.values.pandas import table_of
from coma_xr.values.xarray import squeezed

if TYPE_CHECKING:
    import os
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

    from coma_xr.tree import PathLike

# Cells that are looked at for the value nearest to one that no cell has.
_MOST_VALUES = 10_000


@checks_keywords
class ComaAccessor:
    """Select by name or path, and list missing and failed cells, in a Dataset of measurements.

    Parameters
    ----------
    dataset : Dataset
        Any Dataset. Only a Dataset from `Experiment.to_dataset` has paths and a status for each cell.

    Raises
    ------
    ParameterError
        If `dataset` is not a Dataset.

    Examples
    --------
    >>> import coma_xr as coma
    >>> e = coma.Experiment("pendulum")
    >>> e.run(lambda theta, L: {"t": theta * L}, {"theta": [0.1, 0.2, 0.3], "L": [1.0, 2.0]})
    RunReport(saved=6, asked=6, skipped=0, failed=0)
    >>> ds = e.to_dataset()
    >>> ds.coma["results/t"].dims
    ('theta', 'L')
    >>> ds.coma.sel(theta=0.1 + 0.2, L=2).t.item()
    0.6
    >>> ds.coma.where("theta > 0.15", drop=True).t.shape
    (2, 2)
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        if not isinstance(dataset, xr.Dataset):
            message = f"The accessor belongs to a Dataset, and {shortened(dataset)} is {with_article(type(dataset).__name__)}."
            raise ParameterError(message, ways=["Use it as ds.coma."])
        self._ds = dataset

    def __repr__(self) -> str:
        return f"<coma accessor of a Dataset with {listing(map(str, self._ds.data_vars))}>"

    # Names

    def __getitem__(self, path: PathLike) -> xr.DataArray:
        """Return the variable with a name or path, or an item of its lists (``results/E/0``, ``E_1``).

        Raises
        ------
        PathError
            If there is no such variable. The message suggests similar names.
        """
        return variable_at(self._ds, path)

    def _dims(self) -> tuple[Hashable, ...]:
        """Return the dims of measurements."""
        ids = measurement_ids(self._ds)
        return () if ids is None else ids.dims

    # What became of cells

    def missing(self, *, not_asked: bool = False) -> Scan:
        """Return the parameter sets of missing and failed cells, as a scan for `run`.

        Parameters
        ----------
        not_asked : bool, default False
            Include those that no scan requested: the holes of the grid.

        Returns
        -------
        Scan
            A scan of all parameters that are coordinates. Repeats of a parameter set count once.

        Raises
        ------
        ParameterError
            If a label may represent a value of another type, such as the text of a list, or midnight for a date.
            `Experiment.missing` has the exact values.
        PathError
            When the Dataset no longer has a status.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]}, limit=2)
        RunReport(saved=2, asked=3, skipped=0, failed=0)
        >>> list(e.to_dataset().coma.missing())
        [{'x': 3}]
        """
        states = {"missing", "failed", *(["not_asked"] if check_flag("not_asked", not_asked) else [])}
        table = self._cells(states, scalars=True).drop(columns="status")
        paths = {name: str(self._ds[name].attrs.get("path", name)) for name in table}
        table = table[[name for name, path in paths.items() if split(path)[0] == BRANCH]]
        for name in table:
            _check_exact(str(name), table[name])
        scan = cases(table.rename(columns=paths))
        numbers = [
            int(coord.max()) for coord in self._ds.coords.values() if coord.attrs.get("path") == "info/repeat"
        ]
        rows = {key_of(row): row for row in scan.rows()}
        return Scan.of_rows(scan.definition, rows.values(), repeats=max(numbers) + 1 if numbers else None)

    def holes(self, *, not_asked: bool = False) -> pd.DataFrame:
        """Return a table of the cells without a value, with the reasons.

        Parameters
        ----------
        not_asked : bool, default False
            Include those that no scan requested: the holes of the grid.

        Returns
        -------
        DataFrame
            A table with a row for each cell. Its columns are the labels, other coordinates, and ``status``: missing,
            failed, excluded or not_asked.

        Raises
        ------
        PathError
            When the Dataset no longer has a status.
        """
        states = {*FLAGS} - {FLAGS[DONE], *([] if check_flag("not_asked", not_asked) else ["not_asked"])}
        return self._cells(states)

    def _cells(self, states: Collection[str], *, scalars: bool = False) -> pd.DataFrame:
        """Return the coordinates and the status of all cells with one of some states."""
        status = status_of(self._ds)
        if status is None:
            raise PathError("This Dataset has no 'measurement_status'.", ways=["Use e.to_dataset()."])
        numbers = np.atleast_1d(status.values)
        wanted = np.isin(numbers, [FLAGS.index(state) for state in states])
        places = dict(zip(status.dims, np.nonzero(wanted), strict=False))
        count = int(wanted.sum())
        columns = {
            str(name): list(coord.values[tuple(places[dim] for dim in coord.dims)])
            if coord.dims
            else [coord.item()] * count
            for name, coord in self._ds.coords.items()
            # Coordinates without a path, such as ids, are made by coma_xr.
            if (coord.dims or scalars)
            and set(coord.dims) <= set(status.dims)
            and ("path" in coord.attrs or name in status.dims)
        }
        return table_of({**columns, "status": [FLAGS[state] for state in numbers[wanted]]})

    # Choosing

    def sel(
        self, indexers: Mapping[str, Any] | None = None, /, *, tolerance: float | None = None, **named: Any
    ) -> xr.Dataset:
        """Return the part of the Dataset where dims or coords have the given values.

        Parameters
        ----------
        indexers : mapping, optional
            The same as `named`, for names that are not identifiers, such as paths.
        tolerance : float, optional
            The tolerated difference of numbers, relative to the larger one. By default 1e-9. Then numbers also match if
            one of them has single precision, in which they are equal, or if both are 0 except for rounding errors (up to
            1e-12 of the largest label, and a millionth of the smallest distance between labels).
        **named : scalar, list or slice
            A value, several values, or a slice that includes both ends, by name.

        Returns
        -------
        Dataset
            The selected part. Labels without any remaining cell are dropped. Dims with one label are squeezed, unless a
            list or slice was given.

        Raises
        ------
        PathError
            If a name is unknown or is that of a data variable, or if no cell has the value. The message names the
            nearest value.
        ParameterError
            If `tolerance` is negative or not a number.
        """
        check_tolerance("tolerance", tolerance)
        ds, kept, touched = self._ds, set[Hashable](), set(self._dims())
        if not isinstance(indexers, Mapping | None):
            kind = with_article(type(indexers).__name__)
            raise ParameterError(
                f"sel got {shortened(indexers)}, {kind}.",
                expected="names with values, such as sel(x=1), or a mapping",
            )
        for text, value in {**(indexers or {}), **named}.items():
            name = _selectable(ds, text)
            wanted = _named(text, value)
            array = ds[name]
            mask = xr.DataArray(matches(name, array.values, wanted, tolerance), dims=array.dims)
            ds = cut(ds, mask) if array.dims else ds
            touched |= set(array.dims)
            if isinstance(wanted, (slice, list, tuple, range)) or (
                isinstance(wanted, np.ndarray) and wanted.ndim
            ):
                kept |= set(array.dims)
        return squeezed(ds, touched - kept)

    def where(self, condition: Any, drop: bool = False) -> xr.Dataset:
        """Replace values by holes where a condition does not hold, as xarray's `where` does.

        Parameters
        ----------
        condition : condition or str
            ``coma.P.theta > 3``, ``"theta > 3"``: see `coma_xr.define.conditions`.
        drop : bool, default False
            Drop labels without any remaining cell.

        Returns
        -------
        Dataset
            The masked Dataset. Variables without new holes keep their dtype. If the condition is on lists, a variable
            without their dims keeps the cells in which it holds for any item.

        Raises
        ------
        PathError
            If a name is unknown.
        ConditionError
            If a list is compared with a variable whose lists are unfolded into dims, so that its cells are items.
        TypeError
            If `condition` is not a condition, or is a function, which would need measurements.
        """
        wanted = as_condition(condition)
        wanted.resolve(lambda text: find_variable(self._ds, text))
        self._check_lists(wanted)
        column = self._with_containers if wanted.has_containers else self.__getitem__
        mask = xr.DataArray(wanted.evaluate_columns(column))
        if mask.size and not mask.any():
            known = {name: self[name].values.ravel()[:_MOST_VALUES] for name in wanted.equalities}
            warn(wanted.unfulfilled(mask.size, "cell", known))
        return (
            cut(self._ds, mask)
            if check_flag("drop", drop)
            else masked(self._ds, mask.drop_vars(list(mask.coords)))
        )

    def _check_lists(self, wanted: Condition) -> None:
        """Raise ConditionError if a list is compared with the items of lists that are unfolded into dims."""
        for name in wanted.lists:
            array = self[name]
            dims = [str(dim) for dim in array.dims if dim not in self._dims()] if self._dims() else []
            if dims:
                item = f"`{array.attrs.get('path', name)}/0` == 2"
                raise ConditionError(
                    f"The cells of '{name}' are items of lists, which this Dataset has along {listing(dims)}.",
                    expected="one value to compare the items with",
                    ways=[
                        f"Use where= of e.to_dataset() or e.to_dataframe() for whole lists, or one item: {item}."
                    ],
                )

    def _with_containers(self, path: PathLike) -> xr.DataArray:
        """Return a variable with lists and dictionaries in the place of their text, which their labels are."""
        array = self[path]
        return array.copy(data=container_labels(array.values)) if array.dtype.kind in "UO" else array

    # Doing

    def export(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the Dataset into a file, see `coma_xr.export`."""
        from coma_xr.exports.formats import export

        return export(self._ds, path, overwrite=overwrite)

    def plot(self, *args: Any, **kwargs: Any) -> Figure:
        """Plot the Dataset, see `coma_xr.plot`."""
        from coma_xr.plotting.draw import plot

        return plot(self._ds, *args, **kwargs)

    def explore(self, x: Any = None, y: Any = None, **arguments: Any) -> Any:
        """Show a figure in a notebook with a slider or drop-down for each dim that it does not use.

        Parameters
        ----------
        x, y, **arguments
            The arguments of `coma_xr.plot`, except `ax`.

        Returns
        -------
        ipywidgets.VBox
            The controls, the figure, and the call that makes it, to be copied.

        Raises
        ------
        ExperimentError
            If ipywidgets is not installed: ``pip install coma_xr[notebook]``.
        PathError, LayoutError
            As `coma_xr.plot`.

        Examples
        --------
        >>> import xarray as xr
        >>> ds = xr.Dataset({"y": (("a", "x"), [[1, 2], [3, 4]])}, coords={"a": [5, 6], "x": [0, 1]})
        >>> view = ds.coma.explore(x="x", y="y")
        """
        from coma_xr.plotting.explore import explore

        given = {"x": x, "y": y, **arguments}
        return explore(lambda: self._ds, {key: v for key, v in given.items() if v is not None}, "ds")


def _named(text: str, value: Any) -> Any:
    """Return a value, or a list of values, with functions and classes as the strings that label them."""
    if isinstance(value, (list, tuple)):
        return type(value)([_named(text, item) for item in value]) if type(value) in (list, tuple) else value
    if isinstance(value, slice) and value.step is not None:
        raise ParameterError(
            f"sel({text}=...) got a slice with the step {value.step!r}.",
            expected="a slice of a first and a last value",
            ways=[f"For every second label, pass it to ds.isel({text}=...)."],
        )
    unusable = "a condition" if isinstance(value, Node) else None
    try:
        name = None if unusable else name_of_function(value)
    except SerializationError:
        unusable = "a function without a name of its own"
    if unusable:
        raise ParameterError(
            f"sel({text}=...) got {unusable}.",
            expected="a value, a list of values or a slice",
            ways=[f"Use ds.coma.where('{text} > 1') for a condition."],
        )
    return value if name is None else name


def _selectable(ds: xr.Dataset, text: str) -> str:
    """Return the dim or coord that a name means, for `sel`."""
    choices = list(dict.fromkeys([*map(str, ds.dims), *map(str, ds.coords)]))
    try:
        name, places = find_variable(ds, text)
    except PathError as error:
        raise PathError(error.what, name=error.name, available=choices) from None
    if not places and name in choices:
        return name
    kind = f"an item of the lists in '{name}'" if places else "a data variable"
    raise PathError(
        f"sel selects by dims and coords, and '{text}' is {kind}.",
        name=text,
        available=choices,
        ways=[f"Use ds.coma.where(coma.P[{text!r}] == ...) for values of variables."],
    )


def _check_exact(name: str, labels: pd.Series[Any]) -> None:
    """Raise ParameterError for labels that may stand for values of another type, which would be other parameter sets."""
    values = labels.to_numpy()
    if values.dtype.kind == "M" and (values.astype("M8[D]") == values).any():
        kind = "midnights, which may stand for dates"
    elif any(isinstance(value, str) and value[:1] in ("[", "{") for value in values.tolist()):
        kind = "strings that may stand for lists or dictionaries"
    else:
        return
    raise ParameterError(
        f"{name!r} has {kind}. A Dataset does not keep the type of such values.",
        ways=["Use missing() of the experiment, which returns the exact values."],
    )
