"""A figure in a notebook with a control for each dim that it does not use."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from coma_xr.errors import ComaError, ExperimentError
from coma_xr.plotting.arguments import PlotSpec
from coma_xr.plotting.data import Data, planned, unused_dims
from coma_xr.plotting.draw import draw
from coma_xr.plotting.kinds import KINDS
from coma_xr.plotting.panels import png_of
from coma_xr.plotting.quantities import label_of
from coma_xr.text import without_formulas

if TYPE_CHECKING:
    import xarray as xr

# How often a running experiment is looked at [s].
INTERVAL = 2.0


class Explorer:
    """The widgets of one figure."""

    def __init__(self, load: Callable[[], xr.Dataset], arguments: Mapping[str, Any], name: str) -> None:
        self._widgets = ipywidgets = needed_widgets("explore")
        self._load, self._arguments, self._name = load, dict(arguments), name
        self._controls: dict[str, Any] = {}
        self._image, self._message = ipywidgets.Image(format="png"), ipywidgets.HTML()
        self._code = ipywidgets.Textarea(description="Code", layout=ipywidgets.Layout(width="95%"))
        self._box, self._row = ipywidgets.VBox(), ipywidgets.VBox()
        self._box.children = [self._row, self._image, self._message, self._code]
        self.reload()

    @property
    def widget(self) -> Any:
        """The widget that a notebook shows."""
        return self._box

    def reload(self) -> None:
        """Read the data again, and keep the values that are selected."""
        self._ds = self._load()
        data, new = planned(Data.of(self._ds), PlotSpec.of(self._arguments), KINDS)
        selected = {dim: control.label for dim, control in self._controls.items()}
        self._controls = {dim: self._control(data, dim, selected.get(dim)) for dim in unused_dims(data, new)}
        self._row.children = list(self._controls.values())
        self._draw()

    def _control(self, data: Data, dim: str, selected: str | None) -> Any:
        """Return a slider for numbers and times, and a drop-down for names."""
        texts, units = label_of(dim, data.variable(dim)).in_short_units().labels()
        is_ordered = data.variable(dim).dtype.kind in "iufmM"
        kind = self._widgets.SelectionSlider if is_ordered else self._widgets.Dropdown
        options = [(text, at) for at, text in enumerate(texts)]
        value = texts.index(selected) if selected in texts else 0
        units = units or without_formulas(str(data.variable(dim).attrs.get("units") or ""))
        description = f"{dim} [{units}]" if units else dim
        control = kind(options=options, value=value, description=description)
        control.observe(lambda _: self._draw(), "value")
        return control

    def _draw(self) -> None:
        places = {dim: control.value for dim, control in self._controls.items()}
        self._message.value = ""
        try:
            png, size = png_of(draw(self._ds.isel(places), **self._arguments))
            self._image.value, self._image.width = png, str(size["width"])
        except ComaError as error:
            self._message.value = f"<pre>{html.escape(str(error))}</pre>"
        self._code.value = self.code

    @property
    def code(self) -> str:
        """The call that makes the figure."""
        parts = ", ".join(f"{dim!r}: {control.value}" for dim, control in self._controls.items())
        data = f"{self._name}.isel({{{parts}}})" if parts else self._name
        arguments = "".join(f", {name}={value!r}" for name, value in self._arguments.items())
        return f"coma.plot({data}{arguments})"


def follow(widget: Any, state: Callable[[], Any], change: Callable[[], None]) -> asyncio.Task[None] | None:
    """Call a function when a state changes while a widget is open; only where an event loop runs, as in a notebook."""

    async def following(last: Any) -> None:
        while widget.comm is not None:
            await asyncio.sleep(INTERVAL)
            with suppress(ComaError, OSError):
                now = state()
                if now != last:
                    last = now
                    change()

    with suppress(RuntimeError):
        return asyncio.get_running_loop().create_task(following(state()))
    return None


def needed_widgets(name: str) -> Any:
    """Return the module ipywidgets; ExperimentError when it is not installed."""
    try:
        import ipywidgets
    except ImportError:
        way = "Install it: pip install 'coma_xr[notebook]'."
        raise ExperimentError(f"{name} needs ipywidgets.", ways=[way]) from None
    return ipywidgets


def explore(
    load: Callable[[], xr.Dataset],
    arguments: Mapping[str, Any],
    name: str,
    state: Callable[[], Any] | None = None,
) -> Any:
    """Return the widget of a figure; it follows the changes of a state."""
    explorer = Explorer(load, arguments, name)
    if state is not None:
        explorer.widget._task = follow(explorer.widget, state, explorer.reload)
    return explorer.widget
