"""One page about an experiment, complete in itself: nothing in it is loaded from elsewhere, and nothing runs."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr import files
from coma_xr.errors import REPLACE, ExperimentError, StorageError
from coma_xr.html import Html, facts, fold, join, page, table, tag, text_of
from coma_xr.output.pictures import DefinedFigure, draw_all, draw_defined

if TYPE_CHECKING:
    import xarray as xr


STYLE = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --text: #1c2430; --line: #d5dae1; --tile: #f4f6f8; --link: #0b5cad;
  --done: #4c86c6; --failed: #d64933; --missing: #c9ced6; --excluded: #a78bbd;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181e; --text: #e3e7ec; --line: #363e4a; --tile: #1d232b; --link: #7db6f2;
    --done: #5b93d0; --failed: #f0705c; --missing: #4d5765; --excluded: #9d82b3;
  }
}
body { margin: 0; background: var(--page); color: var(--text); font-family: system-ui, "Segoe UI", sans-serif; }
main.coma-xr {
  --coma-line: var(--line); --coma-soft: var(--tile); --coma-bad: var(--failed);
  max-width: 960px; margin: 0 auto; padding: 28px 20px 60px; font-size: 15px;
}
main h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; overflow-wrap: anywhere; }
main h2 { font-size: 20px; margin: 40px 0 8px; padding-bottom: 4px; border-bottom: 1px solid var(--line); }
main h3 { font-size: 15px; margin: 18px 0 4px; }
main p { margin: 6px 0; overflow-wrap: anywhere; }
main a { color: var(--link); }
main nav { margin: 14px 0 0; display: flex; flex-wrap: wrap; gap: 4px 16px; }
main .coma-description { font-size: 17px; white-space: pre-wrap; }
main .coma-tiles { display: flex; flex-wrap: wrap; gap: 10px; margin: 18px 0; }
main .coma-tile { background: var(--tile); border-radius: 8px; padding: 10px 16px; min-width: 90px; }
main .coma-tile b { display: block; font-size: 24px; font-weight: 600; line-height: 1.25; }
main table { font-size: 14px !important; }
main table th, main table td { padding-top: 4px !important; padding-bottom: 4px !important; }
main .coma-code, main pre { font-size: 13px !important; }
main figure { margin: 16px 0 24px; }
main figcaption { font-size: 13.5px; opacity: 0.85; margin-top: 6px; overflow-wrap: anywhere; }
main figure details { font-size: 13.5px; }
main .coma-card { background: #ffffff; border: 1px solid var(--line); border-radius: 8px; padding: 8px; overflow-x: auto; }
main .coma-card img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
main .coma-card img.coma-broad { min-width: 620px; }
main svg { max-width: 100%; height: auto; display: block; }
main .coma-map { width: auto; }
main .coma-histogram { width: 640px; }
main .coma-bar { display: flex; height: 14px; border-radius: 7px; overflow: hidden; margin: 14px 0 6px; background: var(--tile); }
main .coma-part { min-width: 3px; }
main .coma-legend { font-size: 13.5px; display: flex; flex-wrap: wrap; gap: 2px 16px; margin-top: 4px; }
main .coma-key-square { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 2px; }
main .coma-fill-done { background: var(--done); fill: var(--done); }
main .coma-fill-failed { background: var(--failed); fill: var(--failed); }
main .coma-fill-missing { background: var(--missing); fill: var(--missing); }
main .coma-fill-excluded { background: var(--excluded); fill: var(--excluded); }
main .coma-fill-not_asked { background: var(--tile); fill: var(--tile); }
main .coma-axis { stroke: var(--text); stroke-width: 1; }
main .coma-label { fill: var(--text); font-size: 12px; }
main footer { margin-top: 48px; font-size: 13px; opacity: 0.72; }
@media print { main details > * { display: block; } main .coma-card { border: 0; } }
"""


@dataclass(frozen=True)
class Quantity:
    """One parameter or result."""

    name: str
    path: str
    type: str
    values: str
    units: str | None = None
    long_name: str | None = None
    number: int = 0
    varies: bool = True


@dataclass(frozen=True)
class Facts:
    """The facts of a report on an experiment."""

    name: str
    description: str | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    measurements: int = 0
    failed: int = 0
    missing: int | None = None
    parameters: Sequence[Quantity] = ()
    results: Sequence[Quantity] = ()
    dataset: xr.Dataset | None = None
    how: str = "e.to_dataset()"
    figures: Sequence[DefinedFigure] = ()
    failures: Html | None = None
    durations: Sequence[float] = ()
    made_with: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    created: str = ""
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()


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


_BINS = 40
_WIDTH, _HEIGHT, _BELOW = 640, 120, 18

# Names, seconds, and up to which number each is used.
_UNITS = (("µs", 1e-6, 1000), ("ms", 1e-3, 1000), ("s", 1, 120), ("min", 60, 120), ("h", 3600, 48))

# From this ratio of the longest to the shortest on, bins are equally wide in the logarithm.
_LONG = 10.0


def durations_html(durations: Sequence[float]) -> Html:
    """Return quantiles and a histogram of durations."""
    found = sorted(value for value in durations if math.isfinite(value) and value >= 0)
    if not found:
        return Html()
    quantiles = [("shortest", 0.0), ("median", 0.5), ("90 % are below", 0.9), ("longest", 1.0)]
    rows = [(name, seconds_text(found[round(part * (len(found) - 1))])) for name, part in quantiles]
    rows.append(("all together", seconds_text(math.fsum(found))))
    return join(facts(rows), _histogram(found) if found[-1] > found[0] else None)


def _histogram(found: Sequence[float]) -> Html:
    """Return bars over equal steps of the time, or of its logarithm."""
    positive = [value for value in found if value > 0]
    is_log = positive[-1] > _LONG * positive[0]
    used = positive if is_log else list(found)
    counts = _counts(used, is_log=is_log)
    low, high = used[0], used[-1]
    middle = math.sqrt(low * high) if is_log else (low + high) / 2
    ends = [(0, "start", low), (_WIDTH // 2, "middle", middle), (_WIDTH, "end", high)]
    labels = [
        tag("text", seconds_text(value), x=x, y=_HEIGHT + 14, text_anchor=anchor, class_="coma-label")
        for x, anchor, value in ends
    ]
    line = tag("line", x1=0, x2=_WIDTH, y1=_HEIGHT, y2=_HEIGHT, class_="coma-axis")
    box = f"0 0 {_WIDTH} {_HEIGHT + _BELOW}"
    look = {"viewBox": box, "role": "img", "aria_label": "durations", "class_": "coma-histogram"}
    scale = " on a logarithmic scale" if is_log else ""
    left = len(found) - len(used)
    said = f"How many measurements took how long{scale}; the highest bar is {max(counts):,}"
    said += f"; {left:,} took no measurable time" if left else ""
    said += "; they are in whole seconds" if all(value == int(value) for value in used) else ""
    return tag("figure", tag("svg", *_bars(counts), line, *labels, **look), tag("figcaption", f"{said}."))


def _counts(used: Sequence[float], *, is_log: bool) -> list[int]:
    """Return how many of sorted values are in each bin."""
    low, high = used[0], used[-1]
    bins = max(5, min(_BINS, math.ceil(2 * len(used) ** 0.5)))
    counts = [0] * bins
    for value in used:
        part = math.log(value / low) / math.log(high / low) if is_log else (value - low) / (high - low)
        counts[min(int(part * bins), bins - 1)] += 1
    return counts


def _bars(counts: Sequence[int]) -> Iterator[Html]:
    step, unit = _WIDTH / len(counts), _HEIGHT / max(counts)
    for place, count in enumerate(counts):
        if count:
            # One among thousands is seen too.
            height = max(1.5, count * unit)
            yield tag(
                "rect",
                tag("title", f"{count:,}"),
                x=f"{place * step:.5g}",
                y=f"{_HEIGHT - height:.5g}",
                width=f"{step - 1:.5g}",
                height=f"{height:.5g}",
                class_="coma-fill-done",
            )


def seconds_text(seconds: float) -> str:
    """Return a duration in the unit that fits it.

    Examples
    --------
    >>> [seconds_text(value) for value in (0, 2.5e-6, 0.25, 0.9999, 90_000, 1e6)]
    ['0 s', '2.5 µs', '250 ms', '1 s', '25 h', '11.6 d']
    """
    if not seconds:
        return "0 s"
    for unit, size, most in _UNITS:
        number = float(f"{seconds / size:.3g}")
        if number < most:
            return f"{number:.10g} {unit}"
    return f"{seconds / 86_400:.3g} d"


# So many are shown of what there can be any number of.
_QUANTITIES = 60
_CONSTANTS = 4
_SAID = 50
_VERSIONS = 12

_SUFFIXES = (".html", ".htm")


def check_path(path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Return where the page goes.

    Raises
    ------
    ExperimentError
        When the name does not end in ``.html``.
    StorageError
        When there is a file of this name, which is not to be replaced.
    """
    path = Path(files.local_path(path))
    if path.suffix.lower() not in _SUFFIXES:
        raise ExperimentError(
            f"'{path}': a report is a page, and its name ends in .html, not in {path.suffix!r}."
        )
    if not overwrite and files.exists(str(path)):
        raise _taken(path)
    return path


def _taken(path: Path) -> StorageError:
    return StorageError(errno.EEXIST, "this file exists already", str(path), ways=[REPLACE])


def write(facts: Facts, path: Path, *, overwrite: bool = False) -> Path:
    """Write the page about an experiment, and return its path.

    Raises
    ------
    StorageError
        When the file exists already, or cannot be written.
    """
    text = render(facts).encode()
    try:
        if overwrite:
            files.replace(str(path), text)
        else:
            files.create(str(path), text, sync=True)
    except FileExistsError:
        raise _taken(path) from None
    return path


def render(facts: Facts) -> str:
    """Return the page about an experiment.

    Examples
    --------
    >>> from coma_xr.output.report import Facts
    >>> render(Facts("pendulum", measurements=60))
    '<!DOCTYPE html>...<h1>pendulum</h1>...'
    """
    sections = [(name, body) for name, body in _sections(facts) if body]
    links = [tag("a", name, href=f"#{_anchor(name)}") for name, _ in sections]
    content = [tag("section", tag("h2", name, id=_anchor(name)), body) for name, body in sections]
    return page(
        facts.name, _head(facts), tag("nav", *links), *content, tag("footer", facts.created), style=STYLE
    )


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def _sections(facts: Facts) -> Iterator[tuple[str, Html | None]]:
    yield "Problems", _said(facts.problems, "coma-bad")
    yield "Parameters", _scanned(facts)
    yield "Figures", join(*map(draw_defined, facts.figures)) if facts.figures else None
    yield "Results", _results(facts)
    yield "Failures", facts.failures
    yield "Durations", durations_html(facts.durations)
    yield "Made with", _made_with(facts)
    yield "Notes", _said(facts.notes)
    yield "How to load it", _loading(facts)


# ----------------------------------------------------------------------------------------------- the head


def _head(facts: Facts) -> Html:
    tiles = [(f"{facts.measurements:,}", f"measurement{'s' * (facts.measurements != 1)}", "")]
    if facts.failed:
        tiles.append((f"{facts.failed:,}", "failed", "coma-bad"))
    if facts.missing:
        tiles.append((f"{facts.missing:,}", "missing", ""))
    if facts.durations:
        tiles.append((seconds_text(math.fsum(facts.durations)), "computing time", ""))
    return tag(
        "header",
        tag("h1", facts.name),
        tag("p", facts.description, class_="coma-description") if facts.description else None,
        tag("p", " · ".join(f"{name}: {value}" for name, value in facts.about.items()), class_="coma-muted"),
        tag("div", *(_tile(*tile) for tile in tiles), class_="coma-tiles"),
    )


def _tile(number: str, what: str, look: str) -> Html:
    return tag("div", tag("b", number, class_=look or None), what, class_="coma-tile")


def _said(texts: Sequence[str], look: str | None = None) -> Html | None:
    shown = [tag("p", text, class_=look) for text in texts[:_SAID]]
    left = len(texts) - len(shown)
    return join(*shown, tag("p", f"... and {left:,} more", class_="coma-muted") if left else None) or None


# ------------------------------------------------------------------------------------ parameters, results


def _scanned(facts: Facts) -> Html:
    varied = [quantity for quantity in facts.parameters if quantity.varies]
    constant = [quantity for quantity in facts.parameters if not quantity.varies]
    parts: list[Html | None] = []
    if len(constant) <= _CONSTANTS:
        varied, constant = [*varied, *constant], []
    if varied:
        parts.append(_quantities(varied, facts.measurements))
    if constant:
        shown = _quantities(constant, facts.measurements)
        parts.append(
            fold(f"{len(constant)} parameters that are the same everywhere", shown, is_open=not varied)
        )
    if not facts.parameters:
        parts.append(tag("p", "No parameters are known.", class_="coma-muted"))
    return join(*parts, _coverage(facts))


def _coverage(facts: Facts) -> Html:
    ds = facts.dataset
    status = None if ds is None else status_of(ds)
    if facts.missing is None and not facts.failed:
        said = "Which parameter sets were asked for is not on file."
    elif not any((facts.failed, facts.missing)):
        said = "All parameter sets that the last run was asked for are done."
    else:
        said = ""
    counts = {"done": facts.measurements, "failed": facts.failed, "missing": facts.missing or 0}
    return join(
        tag("h3", "Coverage"),
        tag("p", said) if said else bar(counts if status is None else counts_of(status)),
        None if status is None or ds is None else map_of(ds, status),
    )


def _quantities(quantities: Sequence[Quantity], measurements: int) -> Html:
    units = any(quantity.units for quantity in quantities)
    names = any(quantity.long_name for quantity in quantities)
    some = any(quantity.number != measurements for quantity in quantities)
    header = [
        "name",
        "values",
        *["units"] * units,
        *["meaning"] * names,
        "type",
        "path",
        *["measurements"] * some,
    ]
    rows = (
        [
            tag("span", quantity.name, class_="coma-code"),
            quantity.values,
            *[quantity.units] * units,
            *[quantity.long_name] * names,
            quantity.type,
            tag("span", quantity.path, class_="coma-code coma-muted"),
            *[quantity.number] * some,
        ]
        for quantity in quantities
    )
    return table(header, rows, most=_QUANTITIES, total=len(quantities), what="of them")


def _results(facts: Facts) -> Html:
    if not facts.results:
        return tag("p", "There are no results.", class_="coma-muted")
    parts: list[Html | None] = [_quantities(facts.results, facts.measurements)]
    if facts.dataset is not None:
        pictures = draw_all(facts.dataset, facts.how)
        parts += pictures.figures
        rows = ([tag("span", name, class_="coma-code"), why] for name, why in pictures.left.items())
        left = table(["variable", "why"], rows, most=_QUANTITIES, what="variables")
        parts.append(
            fold(f"{len(pictures.left)} that no figure shows, and why", left) if pictures.left else None
        )
    return join(*parts)


# --------------------------------------------------------------------------------------- versions, loading


def _made_with(found: Facts) -> Html | None:
    rows = []
    for name, numbers in found.made_with.items():
        ordered = sorted(numbers.items(), key=lambda pair: -pair[1])
        several = len(ordered) > 1
        texts = [f"{text} ({number:,})" if several else text for text, number in ordered[:_VERSIONS]]
        left = len(ordered) - len(texts)
        rows.append((name, ", ".join([*texts, *[f"and {left:,} more"] * bool(left)])))
    return facts(rows) or None


def _loading(found: Facts) -> Html:
    sizes = (
        None if found.dataset is None else ", ".join(f"{dim}: {n}" for dim, n in found.dataset.sizes.items())
    )
    lines = [
        "import coma_xr as coma",
        "",
        f'e = coma.Experiment({found.name!r}, mode="r")  # reads, never writes',
    ]
    if sizes is not None:
        lines.append(f"ds = {found.how}  # {sizes or 'no dims'}")
    lines += [f"df = e.to_dataframe()  # a row for each of {found.measurements:,} measurements"]
    lines += ["m = next(e.measurements())  # one file, as a tree"] if found.measurements else []
    said = "Without coma_xr: each measurement is readable text, JSON or XML, with the branches info, parameters and results."
    return join(tag("pre", "\n".join(lines)), tag("p", said, class_="coma-muted"))
