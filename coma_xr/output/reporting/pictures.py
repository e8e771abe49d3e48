"""The figures of a report, drawn and put into the page."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coma_xr.errors import ComaWarning
from coma_xr.html import Html, tag, text_of
from coma_xr.output.reporting.choosing import Choice, choose
from coma_xr.plotting.draw import draw, png_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Pictures", "draw_all"]

_HEIGHT = 3.0
_BROAD = 700


@dataclass(frozen=True)
class Pictures:
    """The figures of a report."""

    figures: list[Html]
    left: dict[str, str]


def draw_all(ds: xr.Dataset, how: str) -> Pictures:
    """Draw the figures that sum a Dataset up."""
    choices, left = choose(ds)
    figures = []
    for choice in choices:
        try:
            figures.append(_figure(ds, choice, how))
        except Exception as error:  # noqa: BLE001  one that cannot be drawn, whatever it holds, spoils no report
            said = f"cannot be drawn: {type(error).__name__}: {str(error)[:300]}"
            left |= dict.fromkeys(choice.variables, said)
    return Pictures(figures, left)


def _figure(ds: xr.Dataset, choice: Choice, how: str) -> Html:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        figure = draw(choice.part(ds), height=_HEIGHT, **choice.arguments)
        png, size = png_of(figure)
    notes = [*_notes(ds, choice), *(str(w.message) for w in said if issubclass(w.category, ComaWarning))]
    names = " and ".join(choice.variables)
    over = choice.arguments["x"] + (f" and {choice.arguments['y']}" if "z" in choice.arguments else "")
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    # What is broad can be moved on a narrow screen, where it would be too small to be read.
    look = "coma-broad" if size["width"] > _BROAD else None
    picture = tag("img", src=source, alt=f"{names} over {over}", class_=look, **size)
    caption = [tag("b", names), f" over {over}", *(f"; {note}" for note in notes), "."]
    code = tag("pre", _code(choice, how))
    return tag(
        "figure",
        tag("div", picture, class_="coma-card"),
        tag("figcaption", *caption),
        tag("details", tag("summary", "Code"), code),
    )


def _notes(ds: xr.Dataset, choice: Choice) -> Iterable[str]:
    """Yield why its parameters were chosen, and what the figure does not show of its variables."""
    if choice.why:
        yield choice.why
    at = [f"{dim} = {_label(ds, dim, place)}" for dim, place in choice.at.items()]
    if at:
        yield f"at {', '.join(at)} (of {', '.join(f'{ds.sizes[dim]:,}' for dim in choice.at)} values)"
    for dim, step in choice.every.items():
        yield f"only every {step}th value of {dim} is drawn"


def _label(ds: xr.Dataset, dim: str, place: int) -> str:
    return text_of(ds[dim].values[place : place + 1].tolist()[0]) if dim in ds.variables else str(place)


def _code(choice: Choice, how: str) -> str:
    parts = [f"{dim!r}: {place}" for dim, place in choice.at.items()]
    parts += [f"{dim!r}: slice(None, None, {step})" for dim, step in choice.every.items()]
    data = f"ds.isel({{{', '.join(parts)}}})" if parts else "ds"
    arguments = "".join(f", {key}={value!r}" for key, value in choice.arguments.items())
    return f"ds = {how}\ncoma.plot({data}{arguments})"
