"""The engine ``coma``: ``xr.open_dataset("pendulum")`` opens an experiment, read-only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from xarray.backends import BackendEntrypoint

from coma_xr.errors import ComaError
from coma_xr.plugins.hook import register

if TYPE_CHECKING:
    import xarray as xr


class ComaBackendEntrypoint(BackendEntrypoint):
    """Open an experiment, by its directory or experiment file, as a Dataset.

    ``xr.open_dataset`` takes the options of `Experiment.to_dataset`: ``variables``, ``dims``, ``layout``, ``unfold``,
    ``fill``, ``where``, ``strict``.

    Examples
    --------
    >>> import coma_xr as coma
    >>> coma.Experiment("squares").run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
    RunReport(saved=3, asked=3, skipped=0, failed=0)
    >>> import xarray as xr
    >>> xr.open_dataset("squares", engine=ComaBackendEntrypoint).y.values
    array([1, 4, 9])
    """

    description = "Open experiments of coma_xr and of Coma 2"
    url = "https://pypi.org/project/coma-xr"
    open_dataset_parameters = (
        *("filename_or_obj", "drop_variables"),
        *("variables", "dims", "layout", "unfold", "fill", "where", "strict"),
    )

    def open_dataset(  # type: ignore[override]
        self,
        filename_or_obj: str | os.PathLike[str],
        *,
        drop_variables: str | Iterable[str] | None = None,
        **options: Any,
    ) -> xr.Dataset:
        """Return the experiment as a Dataset. All values are read immediately, and no file stays open."""
        from coma_xr.experiment import Experiment

        register()
        ds = Experiment(filename_or_obj, "r").to_dataset(**options)
        dropped = [drop_variables] if isinstance(drop_variables, str) else list(drop_variables or ())
        return ds.drop_vars(dropped, errors="ignore")

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether this is a directory, or a file, that holds an experiment."""
        from coma_xr.store.place import ExperimentDirectory

        if not isinstance(filename_or_obj, (str, os.PathLike)) or "://" in str(filename_or_obj):
            return False
        try:
            ExperimentDirectory(filename_or_obj, mode="r")
        except (ComaError, OSError):
            return False
        return True
