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
from coma_xr.checks import local_path
from coma_xr.errors import REPLACE, ExperimentError, StorageError
from coma_xr.html import Html, facts, fold, join, page, table, tag, text_of
from coma_xr.output.pictures import DARK_GROUND, DefinedFigure, draw_all, draw_defined
from coma_xr.text import count, items_of, numbers, without_formulas

if TYPE_CHECKING:
    import xarray as xr


# What differs between a light and a dark page; each text differs from its ground by 4.5 at least, each area by 3.
LIGHT = {
    "page": "#ffffff",
    "tile": "#f4f6f8",
    "card": "#ffffff",
    "text": "#1c2430",
    "link": "#0b5cad",
    "line": "#d5dae1",
    "done": "#3f78b8",
    "failed": "#c23b28",
    "missing": "#868f9c",
    "excluded": "#9a78b4",
}
DARK = {
    "page": "#14181e",
    "tile": "#1d232b",
    "card": DARK_GROUND,
    "text": "#e3e7ec",
    "link": "#7db6f2",
    "line": "#363e4a",
    "done": "#5b93d0",
    "failed": "#f0705c",
    "missing": "#78828f",
    "excluded": "#a78bbd",
}


def _colors(colors: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {color};" for name, color in colors.items())


_RULES = """
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
main .coma-code, main pre { font-size: 13px !important; overflow-wrap: anywhere; }
main td .coma-code { overflow-wrap: break-word; }
main figure { margin: 16px 0 24px; }
main figcaption { font-size: 13.5px; margin-top: 6px; overflow-wrap: anywhere; }
main figure details { font-size: 13.5px; }
main .coma-card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px; overflow-x: auto; }
main .coma-card img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
main svg { max-width: 100%; height: auto; display: block; }
main .coma-axes { display: inline-grid; grid-template-columns: auto minmax(0, auto); gap: 2px 6px; max-width: 100%; font-size: 12px; }
main .coma-x, main .coma-y { display: flex; justify-content: space-between; gap: 8px; }
main .coma-x { grid-column: 2; }
main .coma-y { flex-direction: column; text-align: right; line-height: 1.1; max-width: 9em; overflow-wrap: anywhere; }
main .coma-axes b { font-weight: 600; }
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
main footer { margin-top: 48px; font-size: 13px; opacity: 0.72; }
@media (max-width: 600px) { main .coma-card img { max-width: none; width: 440px; } }
@page { margin: 15mm; }
@media print {
  main.coma-xr { max-width: none; padding: 0; font-size: 13px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main details::details-content { content-visibility: visible; block-size: auto; }
  main details > * { display: block; }
  main summary { list-style: none; font-weight: 600; }
  main pre { white-space: pre-wrap !important; max-height: none !important; }
  main .coma-wide, main .coma-card { overflow: visible; border: 0; }
  main table { max-width: 100%; overflow-wrap: anywhere; }
  main tr, main figure, main .coma-tile { break-inside: avoid; }
  main h2, main h3, main summary { break-after: avoid; }
  main nav { display: none; }
}
"""

STYLE = f"""
:root {{ color-scheme: light dark; {_colors(LIGHT)} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {_colors(DARK)} }} }}
{_RULES}"""


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
    code: Sequence[Sequence[object]] = ()
    environment: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    packages: Sequence[str] = ()
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
    shown = {kind: number for kind, number in counts.items() if number}
    parts = [
        tag(
            "div",
            class_=f"coma-part coma-fill-{kind}",
            style=f"flex-grow: {number}",
            title=f"{number:,} {kind}",
        )
        for kind, number in shown.items()
    ]
    return join(tag("div", *parts, class_="coma-bar"), _legend(shown))


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
    # Repeats are alike, unlike the values of a parameter.
    dims = sorted(status.dims, key=lambda dim: (dim == "repeat", -status.sizes[dim]))
    shown = [str(dim) for dim in dims[:2]]
    over = [str(dim) for dim in dims[2:] if status.sizes[dim] > 1]
    values = places.max(list(dims[2:])).transpose(*shown).values.reshape(status.sizes[shown[0]], -1).T
    cells, steps = _binned(values)
    axes = [_ends(ds, dim) for dim in shown if status.sizes[dim] > 1 or dim == shown[0]]
    sentences = [f"A cell stands for all values of {', '.join(over)}."] * bool(over)
    sentences += [f"A cell stands for {steps[1]} by {steps[0]} values."] * (max(steps) > 1)
    kinds = [kind for place, kind in enumerate(_KINDS) if place in cells]
    keys = [tag("span", _key(kind), f" {kind.replace('_', ' ')} ") for kind in kinds]
    if (over or max(steps) > 1) and len(kinds) > 1:
        first = ", ".join(reversed(kinds)).replace("_", " ")
        sentences.append(f"It shows the first that is among them: {first}.")
    return tag(
        "figure",
        # From the bottom upwards, as in figures.
        tag(
            "div",
            _axis("y", [axis[::-1] for axis in axes[1:]]),
            _svg(cells[::-1], shown),
            _axis("x", axes),
            class_="coma-axes",
        ),
        tag("div", *keys, class_="coma-legend"),
        tag("figcaption", " ".join(sentences)) if sentences else None,
    )


def _ends(ds: xr.Dataset, dim: str) -> tuple[str, str, str]:
    """Return the first value of a dim, its name with its unit and size, and its last value."""
    first, last = "0", str(ds.sizes[dim] - 1)
    unit = ""
    if dim in ds.variables:
        values = ds[dim].values
        ends = [items_of(values[:1])[0], items_of(values[-1:])[0]]
        is_number = values.dtype.kind in "iuf"
        first, last = numbers(ends) if is_number else map(text_of, ends)
        units = without_formulas(str(ds[dim].attrs.get("units") or ""))
        unit = f" [{units}]" if units else ""
    return first, f"{dim}{unit} ({ds.sizes[dim]:,} values)", last


def _axis(direction: str, axes: Sequence[tuple[str, str, str]]) -> Html:
    """Return the labels of the first axis, if there is one, as text that keeps its size on a narrow screen."""
    first, name, last = axes[0] if axes else ("", "", "")
    return tag("div", tag("span", first), tag("b", name), tag("span", last), class_=f"coma-{direction}")


def _binned(values: Any) -> tuple[Any, tuple[int, int]]:
    """Return values in no more cells than are drawn, and how many of them are in one."""
    steps = tuple(math.ceil(size / _MOST) for size in values.shape)
    missing = [(-size) % step for size, step in zip(values.shape, steps, strict=True)]
    padded = np.pad(values, [(0, more) for more in missing])
    shape = (padded.shape[0] // steps[0], steps[0], padded.shape[1] // steps[1], steps[1])
    return padded.reshape(shape).max(axis=(1, 3)), (steps[0], steps[1])


def _svg(cells: Any, dims: Sequence[str]) -> Html:
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
    return tag(
        "svg",
        *rects,
        viewBox=box,
        role="img",
        aria_label=f"Coverage over {' and '.join(dims)}",
        class_="coma-map",
        **size,
    )


def _runs(row: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield where equal cells of a row begin and end; cells of small maps stay apart."""
    first = 0
    for place, kind in enumerate(row):
        is_last = place + 1 == len(row)
        if is_last or row[place + 1] != kind or len(row) <= _MOST // 2:
            yield first, place + 1, kind
            first = place + 1


_BINS = 40
_WIDTH, _HEIGHT = 640, 120

# Names, seconds, and up to which number each is used.
_UNITS = (("µs", 1e-6, 1000), ("ms", 1e-3, 1000), ("s", 1, 120), ("min", 60, 120), ("h", 3600, 48))

# From this ratio of the longest to the shortest on, bins are equally wide in the logarithm.
_LONG = 10.0


def durations_html(durations: Sequence[float]) -> Html:
    """Return quantiles and a histogram of durations."""
    seconds = sorted(value for value in durations if math.isfinite(value) and value >= 0)
    if not seconds:
        return Html()
    quantiles = [("shortest", 0.0), ("median", 0.5), ("90 % are below", 0.9), ("longest", 1.0)]
    rows = [(name, seconds_text(seconds[round(part * (len(seconds) - 1))])) for name, part in quantiles]
    rows.append(("all together", seconds_text(math.fsum(seconds))))
    return join(facts(rows), _histogram(seconds) if seconds[-1] > seconds[0] else None)


def _histogram(seconds: Sequence[float]) -> Html:
    """Return bars over equal steps of the time, or of its logarithm."""
    positive = [value for value in seconds if value > 0]
    is_log = positive[-1] > _LONG * positive[0]
    used = positive if is_log else list(seconds)
    counts = _counts(used, is_log=is_log)
    low, high = used[0], used[-1]
    middle = math.sqrt(low * high) if is_log else (low + high) / 2
    line = tag("line", x1=0, x2=_WIDTH, y1=_HEIGHT, y2=_HEIGHT, class_="coma-axis")
    look = {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "aria_label": "Histogram of durations"}
    picture = tag("svg", *_bars(counts), line, class_="coma-histogram", **look)
    labels = _axis("x", [(seconds_text(low), seconds_text(middle), seconds_text(high))])
    scale = " on a logarithmic scale" if is_log else ""
    unused_count = len(seconds) - len(used)
    caption = f"How many measurements took how long{scale}; the highest bar is {max(counts):,}"
    caption += f"; {unused_count:,} took no measurable time" if unused_count else ""
    caption += "; they are in whole seconds" if all(value == int(value) for value in used) else ""
    axes = tag("div", _axis("y", []), picture, labels, class_="coma-axes")
    return tag("figure", axes, tag("figcaption", f"{caption}."))


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
    for place, number in enumerate(counts):
        if number:
            # One among thousands is seen too.
            height = max(1.5, number * unit)
            yield tag(
                "rect",
                tag("title", f"{number:,}"),
                x=f"{place * step:.5g}",
                y=f"{_HEIGHT - height:.5g}",
                width=f"{step - 1:.5g}",
                height=f"{height:.5g}",
                class_="coma-fill-done",
            )


def seconds_text(seconds: float) -> str:
    """Return a duration in the unit that fits it.

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
_MOST_MESSAGES = 50
_VERSIONS = 12
_STATES = 20

_SUFFIXES = (".html", ".htm")


def check_path(path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Return where the page goes.

    Raise ExperimentError when the name does not end in ``.html``, and StorageError when there is a file of
    this name, which is not to be replaced.
    """
    path = Path(local_path(path))
    if path.suffix.lower() not in _SUFFIXES:
        raise ExperimentError(
            f"'{path}' is not a name of a report.",
            expected=f"a name that ends in .html, not in {path.suffix!r}",
        )
    if not overwrite and files.exists(str(path)):
        raise _taken(path)
    return path


def _taken(path: Path) -> StorageError:
    return StorageError(errno.EEXIST, "this file exists already", str(path), ways=[REPLACE])


def write(facts: Facts, path: Path, *, overwrite: bool = False) -> Path:
    """Write the page about an experiment, and return its path.

    Raise StorageError when the file exists already, or cannot be written.
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
    yield "Problems", _messages(facts.problems, "coma-bad")
    yield "Parameters", _scanned(facts)
    yield "Figures", join(*map(draw_defined, facts.figures)) if facts.figures else None
    yield "Results", _results(facts)
    yield "Failures", facts.failures
    yield "Durations", durations_html(facts.durations)
    yield "Code", _code(facts.code)
    yield "Environment", _environment(facts)
    yield "Notes", _messages(facts.notes)
    yield "Load the data", _loading(facts)


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


def _tile(number: str, label: str, look: str) -> Html:
    return tag("div", tag("b", number, class_=look or None), label, class_="coma-tile")


def _messages(texts: Sequence[str], look: str | None = None) -> Html | None:
    shown = [tag("p", text, class_=look) for text in texts[:_MOST_MESSAGES]]
    hidden = len(texts) - len(shown)
    return join(*shown, tag("p", f"... and {hidden:,} more", class_="coma-muted") if hidden else None) or None


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
        parts.append(tag("p", "No measurement has parameters.", class_="coma-muted"))
    return join(*parts, _coverage(facts))


def _coverage(facts: Facts) -> Html:
    ds = facts.dataset
    status = None if ds is None else status_of(ds)
    if facts.missing is None and not facts.failed:
        note = "The requested parameter sets were not recorded."
    elif not any((facts.failed, facts.missing)):
        note = "All parameter sets of the last run are done."
    else:
        note = ""
    counts = {"done": facts.measurements, "failed": facts.failed, "missing": facts.missing or 0}
    return join(
        tag("h3", "Coverage"),
        tag("p", note) if note else bar(counts if status is None else counts_of(status)),
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
            *[without_formulas(quantity.units or "")] * units,
            *[without_formulas(quantity.long_name or "")] * names,
            quantity.type,
            tag("span", quantity.path, class_="coma-code coma-muted"),
            *[quantity.number] * some,
        ]
        for quantity in quantities
    )
    return table(header, rows, most=_QUANTITIES, total=len(quantities), what="of them")


def _results(facts: Facts) -> Html:
    if not facts.results:
        return tag("p", "No measurement has results.", class_="coma-muted")
    parts: list[Html | None] = [_quantities(facts.results, facts.measurements)]
    if facts.dataset is not None:
        pictures = draw_all(facts.dataset, facts.how)
        parts += pictures.figures
        rows = ([tag("span", name, class_="coma-code"), why] for name, why in pictures.left.items())
        undrawn = table(["variable", "why"], rows, most=_QUANTITIES, what="variables")
        parts.append(
            fold(f"{count(len(pictures.left), 'variable')} without a figure", undrawn)
            if pictures.left
            else None
        )
    return join(*parts)


# --------------------------------------------------------------------------------------- versions, loading


def _code(rows: Sequence[Sequence[object]]) -> Html | None:
    """Return a table of the code states; the last column is the difference from the state before."""
    if not rows:
        return None
    header = ["state", "function", "measurements", "first", "last", "commit", "accepted", "what changed"]
    used = [at for at in range(len(header)) if any(row[at] for row in rows)]
    shown = table(
        [header[at] for at in used], [[row[at] for at in used] for row in rows], most=_STATES, what="states"
    )
    if len(rows) < 2:
        return shown
    summary = f"{len(rows):,} states of the code made these measurements. "
    call = f"e.code_diff({str(rows[-2][0])!r}, {str(rows[-1][0])!r})"
    return join(tag("p", summary, tag("span", call, class_="coma-code"), " shows the last change."), shown)


def _environment(about: Facts) -> Html | None:
    rows = []
    for name, counts in about.environment.items():
        ordered = sorted(counts.items(), key=lambda pair: -pair[1])
        several = len(ordered) > 1
        texts = [f"{text} ({number:,})" if several else text for text, number in ordered[:_VERSIONS]]
        hidden = len(ordered) - len(texts)
        rows.append((name, ", ".join([*texts, *[f"and {hidden:,} more"] * bool(hidden)])))
    packages = fold(f"{len(about.packages):,} installed packages", tag("p", ", ".join(about.packages)))
    return join(facts(rows), packages if about.packages else None) or None


def _loading(about: Facts) -> Html:
    sizes = (
        None if about.dataset is None else ", ".join(f"{dim}: {n}" for dim, n in about.dataset.sizes.items())
    )
    lines = [
        "import coma_xr as coma",
        "",
        f'e = coma.Experiment({about.name!r}, mode="r")  # reads, never writes',
    ]
    if sizes is not None:
        lines.append(f"ds = {about.how}  # {sizes or 'no dims'}")
    lines += [f"df = e.to_dataframe()  # a row for each of {about.measurements:,} measurements"]
    lines += ["m = next(e.measurements())  # one file, as a tree"] if about.measurements else []
    place = f"Run this in the directory that contains {about.name!r}, or give the path of the experiment. "
    note = f"{place}Without coma_xr: each measurement is readable text, JSON or XML, with the branches info, parameters and results."
    return join(tag("pre", "\n".join(lines), tabindex=0), tag("p", note, class_="coma-muted"))
