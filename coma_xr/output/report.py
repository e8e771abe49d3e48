"""One page about an experiment, complete in itself: nothing in it is loaded from elsewhere, and nothing runs."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coma_xr import files
from coma_xr.errors import REPLACE, ExperimentError, StorageError
from coma_xr.html import Html, facts, fold, join, page, table, tag, trace
from coma_xr.output.reporting.coverage import bar, counts_of, map_of, status_of
from coma_xr.output.reporting.durations import durations_html, seconds_text
from coma_xr.output.reporting.look import STYLE
from coma_xr.output.reporting.pictures import draw_all, draw_defined

if TYPE_CHECKING:
    from coma_xr.output.reporting.facts import Facts, FailureGroup, Quantity

# So many are shown of what there can be any number of.
_QUANTITIES = 60
_CONSTANTS = 4
_FAILURES = 20
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
        When the file is there, or cannot be written.
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
    >>> from coma_xr.output.reporting.facts import Facts
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
    yield "What was scanned", _scanned(facts)
    yield "Figures", join(*map(draw_defined, facts.figures)) if facts.figures else None
    yield "What came out", _results(facts)
    yield "Failures", _failures(facts.failures)
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


# ----------------------------------------------------------------------------- failures, versions, loading


def _failures(groups: Sequence[FailureGroup]) -> Html | None:
    if not groups:
        return None
    shown = [_failure(group, is_open=number == 0) for number, group in enumerate(groups[:_FAILURES])]
    left = sum(group.number for group in groups[_FAILURES:])
    return join(
        *shown, tag("p", f"... and {left:,} failures of other kinds", class_="coma-muted") if left else None
    )


def _failure(group: FailureGroup, *, is_open: bool) -> Html:
    summary = join(
        tag("b", group.exception, class_="coma-bad"),
        f" {group.number:,} time{'s' * (group.number != 1)}, ",
        tag("span", group.line or "in no known place", class_="coma-code"),
    )
    left = group.number - len(group.parameters)
    more = [f"... and {left:,} more"] if left else []
    pairs = [("message", "\n".join(group.messages)), ("parameters", "\n".join([*group.parameters, *more]))]
    return fold(summary, facts(pairs), trace(group.traceback), is_open=is_open)


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
