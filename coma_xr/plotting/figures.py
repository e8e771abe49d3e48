"""Figures that belong to nobody but the one who asked for them.

This module is loaded when the first figure is made, since its import brings matplotlib.
"""

from __future__ import annotations

from typing import Any, Never

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from coma_xr.errors import ExperimentError

# Pixels for each point of a notebook's page, so that text is sharp on fine screens.
SHARP = 2


class PlotFigure(Figure):
    """A figure that shows itself in a notebook, once, without being in pyplot's list of open ones."""

    def show(self, warn: bool = True) -> Never:  # noqa: ARG002  matplotlib's signature
        """Raise ExperimentError that says how the figure can be seen, since no window belongs to it."""
        raise ExperimentError(
            "This figure is in no window. A notebook shows it as the last value of a cell; a script saves it: "
            "figure.savefig('plot.png'). For a window draw into one of pyplot: coma.plot(..., "
            "ax=plt.figure().add_subplot()), then plt.show()."
        )

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        picture = _Memory()
        self.canvas.print_figure(picture, format="png", dpi=SHARP * self.dpi)  # type: ignore[arg-type]
        width, height = self.get_size_inches() * self.dpi
        return bytes(picture), {"width": round(width), "height": round(height)}


class _Memory(bytearray):
    """What is written stays here, and touches no file."""

    def write(self, data: bytes) -> int:
        self.extend(data)
        return len(data)


def new_figure(**how: Any) -> PlotFigure:
    """Return an empty figure that can be drawn and saved."""
    figure = PlotFigure(layout="constrained", **how)
    FigureCanvasAgg(figure)
    return figure
