"""The figures of a report, drawn and put into the page."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coma_xr.errors import ComaWarning
from coma_xr.html import Html, tag, text_of
from coma_xr.output.reporting.choosing import Choice, choose
from coma_xr.plotting.draw import draw, png_of

if TYPE_CHECKING:
    import xarray as xr

    from coma_xr.output.reporting.facts import DefinedFigure

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


def draw_defined(defined: DefinedFigure) -> Html:
    """Draw a figure that is kept with the experiment, or state why it cannot be drawn."""
    caption = [tag("b", defined.name), f"; only {defined.where}" if defined.where else ""]
    code = f"e.plot({defined.name!r})"
    try:
        if isinstance(defined.dataset, Exception):
            raise defined.dataset
        picture, said = _picture(defined.dataset, defined.arguments, defined.name)
    except Exception as error:  # noqa: BLE001  one that cannot be drawn, whatever it holds, spoils no report
        return tag("p", *caption, f" cannot be drawn: {str(error)[:300]}", class_="coma-bad")
    return _framed(picture, [*caption, *(f"; {note}" for note in said), "."], code)


def _figure(ds: xr.Dataset, choice: Choice, how: str) -> Html:
    names = " and ".join(choice.variables)
    over = choice.arguments["x"] + (f" and {choice.arguments['y']}" if "z" in choice.arguments else "")
    arguments = {"height": _HEIGHT, **choice.arguments}
    picture, said = _picture(choice.part(ds), arguments, f"{names} over {over}")
    notes = [*_notes(ds, choice), *said]
    caption = [tag("b", names), f" over {over}", *(f"; {note}" for note in notes), "."]
    return _framed(picture, caption, _code(choice, how))


def _picture(ds: xr.Dataset, arguments: Mapping[str, Any], alt: str) -> tuple[Html, list[str]]:
    """Return a figure as an image, and the warnings that came with it."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        png, size = png_of(draw(ds, **arguments))
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    # What is broad can be moved on a narrow screen, where it would be too small to be read.
    look = "coma-broad" if size["width"] > _BROAD else None
    notes = [str(warning.message) for warning in said if issubclass(warning.category, ComaWarning)]
    return tag("img", src=source, alt=alt, class_=look, **size), notes


def _framed(picture: Html, caption: Iterable[object], code: str) -> Html:
    return tag(
        "figure",
        tag("div", picture, class_="coma-card"),
        tag("figcaption", *caption),
        tag("details", tag("summary", "Code"), tag("pre", code)),
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
