"""Figures that belong to nobody but the one who asked for them.

This module is loaded when the first figure is made, since its import brings matplotlib.
"""

from __future__ import annotations

from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["PlotFigure", "new_figure"]

# Pixels for each point of a notebook's page, so that text is sharp on fine screens.
SHARP = 2


class PlotFigure(Figure):
    """A figure that shows itself in a notebook, once, without being in pyplot's list of open ones."""

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
