"""How much of a scan is done: a bar of all parameter sets, and a map of where they lie."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.html import Html, join, tag, text_of

if TYPE_CHECKING:
    import xarray as xr

# From what is of least interest to what is of most; where several cells share one, it shows the last of them.
_KINDS = ("not_asked", "done", "excluded", "missing", "failed")
_SAME = {"timeout": "failed", "died": "failed"}
_MEANINGS = "flag_meanings"

# Cells of the map, and the size of each [pixels of the page].
_MOST = 100
_WIDE, _HIGH = 900, 320


def status_of(ds: xr.Dataset) -> xr.DataArray | None:
    """Return what became of each measurement: ``done``, ``failed``, ``missing``, ``excluded`` or ``not_asked``."""
    for name in ("measurement_status", "coma_status"):
        if name in ds.coords and _MEANINGS in ds[name].attrs:
            meanings = ds[name].attrs[_MEANINGS].split()
            kinds = np.array([_SAME.get(meaning, meaning) for meaning in meanings])
            return ds[name].copy(data=kinds[ds[name].values])
    return None


def counts_of(status: xr.DataArray) -> dict[str, int]:
    """Return how many parameter sets of each kind there are, of those that were asked for."""
    kinds = status.values
    return {kind: int((kinds == kind).sum()) for kind in ("done", "excluded", "failed", "missing")}


def bar(counts: dict[str, int]) -> Html:
    """Return a bar with a part for each kind, and below it their numbers."""
    there = {kind: number for kind, number in counts.items() if number}
    parts = [
        tag(
            "div",
            class_=f"coma-part coma-fill-{kind}",
            style=f"flex-grow: {number}",
            title=f"{number:,} {kind}",
        )
        for kind, number in there.items()
    ]
    return join(tag("div", *parts, class_="coma-bar"), _legend(there))


def _legend(counts: dict[str, int]) -> Html:
    total = sum(counts.values())
    entries = [
        tag("span", _key(kind), f" {number:,} {kind} ({_percent(number, total)}) ")
        for kind, number in counts.items()
    ]
    return tag("div", *entries, class_="coma-legend")


def _percent(number: int, total: int) -> str:
    part = 100 * number / total
    return "100 %" if number == total else f"{min(max(part, 0.1), 99.9):.3g} %"


def _key(kind: str) -> Html:
    return tag("span", class_=f"coma-key-square coma-fill-{kind}")


def map_of(ds: xr.Dataset, status: xr.DataArray) -> Html | None:
    """Return a map of the two longest dims, coloured by what became of the measurements there."""
    if not status.size or bool((status == "done").all()) or max(status.shape, default=0) < 2:
        return None
    places = status.copy(data=sum(place * (status.values == kind) for place, kind in enumerate(_KINDS)))
    dims = sorted(status.dims, key=lambda dim: -status.sizes[dim])
    shown = [str(dim) for dim in dims[:2]]
    over = [str(dim) for dim in dims[2:] if status.sizes[dim] > 1]
    values = places.max(list(dims[2:])).transpose(*shown).values.reshape(status.sizes[shown[0]], -1).T
    cells, steps = _binned(values)
    columns = [_ends(ds, dim) for dim in shown]
    said = [f"Across: {columns[0]}."]
    said += [f"Downwards: {columns[1]}."] if len(shown) > 1 and status.sizes[shown[1]] > 1 else []
    said += [f"A cell stands for all values of {', '.join(over)}."] * bool(over)
    said += [f"A cell stands for {steps[1]} by {steps[0]} values."] * (max(steps) > 1)
    there = [kind for place, kind in enumerate(_KINDS) if place in cells]
    keys = [tag("span", _key(kind), f" {kind.replace('_', ' ')} ") for kind in there]
    if (over or max(steps) > 1) and len(there) > 1:
        first = ", ".join(reversed(there)).replace("_", " ")
        said.append(f"It shows the first that is among them: {first}.")
    return tag(
        "figure",
        _svg(cells),
        tag("div", *keys, class_="coma-legend"),
        tag("figcaption", " ".join(said)),
    )


def _ends(ds: xr.Dataset, dim: str) -> str:
    size = ds.sizes[dim]
    if dim not in ds.variables:
        return f"{dim}, {size:,} values"
    values = ds[dim].values
    return f"{dim}, {text_of(values[:1].tolist()[0])} ... {text_of(values[-1:].tolist()[0])}, {size:,} values"


def _binned(values: Any) -> tuple[Any, tuple[int, int]]:
    """Return values in no more cells than are drawn, and how many of them are in one."""
    steps = tuple(math.ceil(size / _MOST) for size in values.shape)
    missing = [(-size) % step for size, step in zip(values.shape, steps, strict=True)]
    padded = np.pad(values, [(0, more) for more in missing])
    shape = (padded.shape[0] // steps[0], steps[0], padded.shape[1] // steps[1], steps[1])
    return padded.reshape(shape).max(axis=(1, 3)), (steps[0], steps[1])


def _svg(cells: Any) -> Html:
    rows, columns = cells.shape
    width = max(2.0, min(28.0, _WIDE / columns))
    height = max(2.0, min(28.0 if rows > 1 else 36.0, _HIGH / rows))
    rects = [
        tag(
            "rect",
            x=f"{first * width:.5g}",
            y=f"{row * height:.5g}",
            width=f"{(last - first) * width - 0.6:.5g}",
            height=f"{height - 0.6:.5g}",
            class_=f"coma-fill-{_KINDS[kind]}",
        )
        for row in range(rows)
        for first, last, kind in _runs(cells[row].tolist())
    ]
    box = f"0 0 {columns * width:.5g} {rows * height:.5g}"
    size = {"width": round(columns * width), "height": round(rows * height)}
    return tag("svg", *rects, viewBox=box, role="img", aria_label="coverage", class_="coma-map", **size)


def _runs(row: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield where equal cells of a row begin and end; cells of small maps stay apart."""
    first = 0
    for place, kind in enumerate(row):
        is_last = place + 1 == len(row)
        if is_last or row[place + 1] != kind or len(row) <= _MOST // 2:
            yield first, place + 1, kind
            first = place + 1
