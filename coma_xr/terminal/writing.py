"""``coma-xr export``, ``plot`` and ``report``: files for other programs, and for people."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.errors import REPLACE, ExperimentError, StorageError
from coma_xr.terminal.finding import opened
from coma_xr.text import available, clean

if TYPE_CHECKING:
    from coma_xr.experiment import Experiment

__all__ = ["export", "plot", "report"]


def export(path: str, output: str, *, where: str | None, overwrite: bool) -> None:
    """Write an experiment into one file, and say which."""
    experiment = opened(path)
    _check_some(experiment, where)
    _wrote(experiment.export(output, where=where, overwrite=overwrite))


def plot(
    path: str, output: str | None, *, where: str | None, overwrite: bool, arguments: Mapping[str, Any]
) -> None:
    """Draw an experiment into a file, and say which."""
    experiment = opened(path)
    output = output or f"{experiment.path.name}.png"
    # Before the time that reading takes.
    _check(output, overwrite=overwrite)
    _check_some(experiment, where)
    from coma_xr.plotting.draw import draw

    figure = draw(experiment.to_dataset(where=where), **arguments)
    with files.placing(output, overwrite=overwrite) as temporary:
        figure.savefig(temporary, dpi=150)
    _wrote(Path(output))


def report(path: str, output: str | None, *, overwrite: bool) -> None:
    """Write a page about an experiment, and say which; None has the experiment's name, in the working directory."""
    experiment = opened(path)
    _wrote(experiment.report(output or f"{experiment.path.name}.html", overwrite=overwrite))


def _check(output: str, *, overwrite: bool) -> None:
    from matplotlib.backend_bases import FigureCanvasBase

    suffix = Path(output).suffix
    kinds = sorted(f".{kind}" for kind in FigureCanvasBase.get_supported_filetypes())
    if suffix.lower() not in kinds:
        raise ExperimentError(
            f"{output}: expected the name of a file that a figure can be saved in. {available(suffix, kinds)}"
        )
    if files.exists(output) and not overwrite:
        raise StorageError(errno.EEXIST, "this file exists already", output, ways=[REPLACE])


def _check_some(experiment: Experiment, where: str | None) -> None:
    """Raise ExperimentError for a condition that holds for no measurement."""
    if where is not None and not any(True for _ in experiment.measurements(where=where)):
        raise ExperimentError(
            f"There is no measurement with {where} in {experiment.path}. Nothing was written."
        )


def _wrote(path: Path) -> None:
    print(f"wrote {clean(path)}")
