"""The kinds of plots: a table with one entry for each, and how each draws the points of one panel."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import ArtistInspector
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.collections import PathCollection, PolyCollection, QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.contour import ContourSet, QuadContourSet
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, StepPatch

from coma_xr.checks import naming
from coma_xr.errors import ArgumentError, LayoutError, warn
from coma_xr.plotting.data import REPEAT, Data, Kind, Plan
from coma_xr.plotting.points import CURVE, Table
from coma_xr.plotting.styling import ON_LINES, Hue, Look, Style, shade
from coma_xr.plotting.surfaces import backward, draw_contour, draw_heatmap, forward, grid_of
from coma_xr.text import count, listing, numbers

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from coma_xr.plotting.arguments import PlotSpec

# The points of a curve are marked up to so many.
MARKED = 30

# Error bars up to so many points, beyond that a band.
BARS = 9

# Above this number, points are small and transparent.
CROWD = 1500

# So that points in the middle of a palette, which is white, are seen.
EDGE = 0.3

MOST_BINS = 100

# Whole numbers over no larger a range have a bin each.
WHOLE_BINS = 40

# Of points without a value, by the reason; other reasons take the next of `SPARE`.
BROKEN = {
    "missing": "|",
    "failed": "x",
    "timeout": "1",
    "died": "+",
    "excluded": "2",
    "no value": "$\\circ$",
    "not_asked": "_",
}
SPARE = ("3", "4", "$\\ast$", "$\\diamond$")

# Keywords of artists for one colour of all, and for the colours of numbers, with the argument that a colour bar follows.
COLOR_KEYWORDS = ("c", "color", "facecolor", "facecolors", "fc")
MAP_KEYWORDS = {"cmap": "cmap", "norm": "zscale", "vmin": "vmin", "vmax": "vmax", "levels": "levels"}

# Above the lower edge of a panel, as a part of its height.
FLOOR = 0.03


# ------------------------------------------------------------------------------------------ choosing


def decided(data: Data, table: Table) -> Table:
    """Return the table with the kind that its values ask for, where none was given, and its rows in order.

    Raise LayoutError when an argument is for another kind.
    """
    plan = table.plan
    kind = plan.kind
    if not kind and plan.z is not None:
        on_grid = plan.spec.bins is not None or all(
            grid_of(table, panel) is not None for _, panel in panels(table)
        )
        kind = "heatmap" if on_grid else "scatter"
    elif not kind:
        kind = "line" if _are_lines(data, table) else "scatter"
    _check_settings(plan.spec, kind)
    _check_keywords(plan.spec)
    table = replace(table, plan=replace(plan, kind=kind))
    _check_colors(table.plan)
    # A result on x is a curve in the plane, which runs in the order of its dim; in a table nothing has an order.
    if table.plan.layout == "curve" and not any(_is_path(data, name) for name in plan.x):
        table = replace(table, rows=table.rows.sort_values("x", kind="stable"))
    are_bars = table.plan.layout == "counts" and table.quantity("x").type == "name"
    if table.plan.layout in {"curve", "points", "counts"} and not (plan.z is not None or are_bars):
        _warn_of_hidden(table)
    return table


def _check_settings(spec: Any, kind: str) -> None:
    for name in dict.fromkeys(name for entry in KINDS.values() for name in entry.settings):
        if getattr(spec, name) not in (None, False) and name not in KINDS[kind].settings:
            kinds = [repr(other) for other, entry in KINDS.items() if name in entry.settings]
            fault = naming(
                f"{{}} applies to the kind {' and '.join(kinds)}, and this plot is a {kind}.", name
            )
            raise LayoutError(fault, ways=[naming("Leave out {}, or choose that kind.", name)])


def _check_keywords(spec: PlotSpec) -> None:
    """Raise ArgumentError for a keyword that matplotlib's artists do not have."""
    for artist, sources in KEYWORDS.items():
        keywords = getattr(spec, f"{artist}_kw") or {}
        known: set[str] = set()
        for source in sources if keywords else ():
            known |= {*inspect.signature(source).parameters}
            if isinstance(source, type):
                inspector = ArtistInspector(source)
                known |= {*inspector.get_setters(), *chain.from_iterable(inspector.aliasd.values())}
        for name in keywords:
            if name not in known:
                raise ArgumentError(
                    f"{artist}_kw has no keyword {name!r}.", name=name, available=sorted(known)
                )


def _check_colors(plan: Plan) -> None:
    """Raise LayoutError for keywords of artists with which legend or colour bar would show other colours."""
    for artist in ("line", "scatter", "map", "hist"):
        for name in getattr(plan.spec, f"{artist}_kw") or {}:
            way = None
            if name in MAP_KEYWORDS and artist in {"map", "scatter"}:
                way = f"Use {MAP_KEYWORDS[name]}=."
            elif name in COLOR_KEYWORDS and artist != "map" and plan.z:
                way = "Use cmap=, or leave out z."
            elif name in COLOR_KEYWORDS and artist != "map" and plan.hue != plan.style:
                way = "Use palette=, or leave out hue." if plan.hue else None
            if way is not None:
                message = f"{artist}_kw sets {name!r}, and the colours show {plan.z or plan.hue!r}."
                raise LayoutError(message, ways=[way])


def panels(table: Table) -> list[tuple[tuple[float, ...], pd.DataFrame]]:
    """Return the points of each panel, with its row and column."""
    keys = [role for role in ("row", "col") if role in table.rows]
    if not keys:
        return [((), table.rows)]
    return [(tuple(map(float, key)), part) for key, part in table.rows.groupby(keys, sort=True)]  # type: ignore[arg-type]


def _is_path(data: Data, name: str) -> bool:
    return data.is_variable(name) and not data.is_points(name)


def _are_lines(data: Data, table: Table) -> bool:
    """Return whether points follow each other: along a dim, or with x going only up or only down in every curve."""
    plan = table.plan
    if "name" in table.types("x") | table.types("y"):
        return False
    if len(plan.x) == 1 and plan.x[0] in data.ds.dims:
        return True
    if all(_is_path(data, name) for name in plan.x) and plan.along and REPEAT not in plan.along:
        return all(data.variable(dim).dtype.kind in "iufmM" for dim in plan.along)
    for _, curve in _curves(table.drawn):
        steps = np.diff(curve["x"].to_numpy())
        if not ((steps > 0).all() or (steps < 0).all()):
            return False
    return True


def _warn_of_hidden(table: Table) -> None:
    """Warn of curves or steps of a histogram that lie exactly on top of each other."""
    roles = [role for role in ("hue", "style") if role in table.quantities]
    groups_by_curve: dict[Any, list[tuple[float, ...]]] = {}
    for _, curve in _curves(table.drawn) if roles else ():
        first = curve.iloc[0]
        panel = tuple(first[name] for name in ("row", "col") if name in curve)
        values = [curve[name].to_numpy() for name in ("x", "y") if name in curve]
        if table.plan.layout == "counts":
            values = [np.sort(column) for column in values]
        key = (panel, *(column.tobytes() for column in values))
        groups_by_curve.setdefault(key, []).append(tuple(float(first[role]) for role in roles))
    hidden = [groups for groups in groups_by_curve.values() if len(set(groups)) > 1]
    if hidden:
        # The first of hue and style in which they differ.
        role, levels = next(
            pair for pair in zip(roles, zip(*hidden[0], strict=True), strict=True) if len(set(pair[1])) > 1
        )
        quantity = table.quantity(role)
        known = quantity.values_at(list(dict.fromkeys(levels)))
        names = listing(numbers(known) if quantity.type == "number" and not quantity.places else known)
        more = f", and so in {count(len(hidden) - 1, 'other set')}" if len(hidden) > 1 else ""
        noun = "Histograms" if table.plan.layout == "counts" else "Curves"
        warn(f"{noun} coincide and hide each other: those of {role}={quantity.name!r} {names}{more}.")


def look_of(table: Table, hue: Hue, style: Style | None) -> Look:
    """Return how the groups of a table look, by how many points their curves have."""
    rows, err_style = table.drawn, table.plan.spec.err_style
    lengths = rows.groupby([key for key in CURVE if key in rows], dropna=False, sort=False).size()
    longest = int(lengths.max()) if len(lengths) else 0
    band = table.plan.layout == "curve" and longest > BARS if err_style is None else err_style == "band"
    return Look(table, hue, style, markers=longest <= MARKED, band=band)


# ------------------------------------------------------------------------------------------ lines and points


def draw_lines(ax: Axes, points: pd.DataFrame, look: Look) -> None:
    """Draw a line for each curve of a panel, each through its own points."""
    places = _places(look.table)
    for (hue, style), curve in _groups_of_curves(points):
        is_placed = curve["x"].notna() & curve["y"].notna()
        present = curve[is_placed | curve["own"]]
        placed = np.flatnonzero(is_placed[present.index])
        if not placed.size:
            continue
        present = present.iloc[placed[0] : placed[-1] + 1]
        # Labels that are not numbers are in no order with the others.
        apart = present["x"].isin(places["x"]) | present["y"].isin(places["y"])
        line, lone = present[~apart], present[apart]
        alone = _alone(line["y"].to_numpy())
        keywords = look.curve(hue, style, marked=look.markers or bool(alone.any()))
        keywords = {"markevery": None if look.markers else np.flatnonzero(alone).tolist(), **keywords}
        ax.plot(line["x"].to_numpy(), line["y"].to_numpy(), **keywords)
        if len(lone):
            keywords |= {**look.marker(hue, style), "linestyle": "none", "markevery": None, "label": None}
            ax.plot(lone["x"].to_numpy(), lone["y"].to_numpy(), **keywords)
        if "low" in present:
            _draw_error(ax, line, keywords["color"], look)


def _size() -> float:
    from matplotlib import rcParams

    return float(rcParams["lines.markersize"])


def _places(table: Table) -> dict[str, list[float]]:
    """Return the places of labels that are not numbers on each axis."""
    return {axis: [place for place, _ in table.quantity(axis).places] for axis in ("x", "y")}


def _curves(points: pd.DataFrame) -> Iterator[tuple[Any, pd.DataFrame]]:
    """Yield the points of each curve, in the order of the legend."""
    yield from points.groupby([key for key in CURVE if key in points], sort=True, dropna=False)


def _groups_of_curves(points: pd.DataFrame) -> Iterator[tuple[tuple[float, float], pd.DataFrame]]:
    """Yield the points of each curve with its hue and style."""
    for _, curve in _curves(points):
        first = curve.iloc[0]
        yield (float(first.get("hue", np.nan)), float(first.get("style", np.nan))), curve


def _alone(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which points have no neighbour that a line could go to."""
    lacking = np.concatenate([[True], np.isnan(y), [True]])
    return np.asarray(~lacking[1:-1] & lacking[:-2] & lacking[2:])


def _draw_error(ax: Axes, points: pd.DataFrame, color: Any, look: Look) -> None:
    x, y, low, high = (points[name].to_numpy() for name in ("x", "y", "low", "high"))
    keywords = look.spec.keywords("error_kw")
    if look.band:
        ax.fill_between(
            x,
            low,
            high,
            **{"color": color, "alpha": 0.2, "linewidth": 0, **normalize_kwargs(keywords, PolyCollection)},
        )
    elif np.isfinite(low).any():
        sizes = np.clip([y - low, high - y], 0, None)
        ax.errorbar(
            x, y, sizes, **{"fmt": "none", "ecolor": color, "elinewidth": 1.2, "capsize": 2.5, **keywords}
        )


def draw_points(ax: Axes, points: pd.DataFrame, look: Look) -> None:
    """Draw each point of a panel, whatever lies next to it."""
    present = points[points["x"].notna() & points["y"].notna()]
    present = present.assign(hue=present["z"])[present["z"].notna()] if "z" in present else present
    crowd = len(present) > CROWD
    mappable = look.hue.mappable
    special = (
        [place for place, _ in look.table.quantity("hue").places] if "hue" in look.table.quantities else []
    )
    listed = present if mappable is None else present[present["hue"].isin(special)]
    keywords: dict[str, Any] = {
        "s": 6 if crowd else 0.6 * _size() ** 2,
        "alpha": 0.6 if crowd else None,
        "rasterized": crowd,
    }
    keywords |= {
        "linewidths": EDGE if "z" in points else 0,
        "edgecolors": shade(0.5) if "z" in points else None,
    }
    user_keywords = {"s" if key == "sizes" else key: value for key, value in look.user_keywords.items()}
    for group in _by(listed, ["hue", "style"]):
        hue, style = float(group.iloc[0].get("hue", np.nan)), float(group.iloc[0].get("style", np.nan))
        group_keywords = {"marker": look.marker(hue, style)["marker"], "label": look.label(hue, style)}
        group_keywords |= (
            {"color": look.hue.color(hue)} if not {"c", "color", "facecolor"} & set(user_keywords) else {}
        )
        group_keywords |= {"edgecolors": keywords["edgecolors"]} if keywords["edgecolors"] is not None else {}
        ax.scatter(
            group["x"].to_numpy(),
            group["y"].to_numpy(),
            **{**_without_edge(keywords), **group_keywords, **user_keywords},
        )
        if "low" in group:
            _draw_error(ax, group, look.hue.color(hue), look)
    if mappable is not None:
        for group in _by(present[~present["hue"].isin(special)], ["style"]):
            style = float(group.iloc[0].get("style", np.nan))
            group_keywords = {"marker": look.marker(np.nan, style)["marker"], "c": group["hue"].to_numpy()}
            group_keywords |= {"cmap": mappable.cmap, "norm": mappable.norm}
            ax.scatter(
                group["x"].to_numpy(),
                group["y"].to_numpy(),
                **{**keywords, **group_keywords, **user_keywords},
            )
            if "low" in group:
                for part in _by(group, ["hue"]):
                    _draw_error(ax, part, look.hue.color(float(part["hue"].iloc[0])), look)


def _without_edge(keywords: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if name != "edgecolors"}


def _by(points: pd.DataFrame, roles: Sequence[str]) -> list[pd.DataFrame]:
    keys = [role for role in roles if role in points]
    return (
        [group for _, group in points.groupby(keys, dropna=False)]
        if keys
        else [points]
        if len(points)
        else []
    )


# ------------------------------------------------------------------------------------------ counts and samples


def bins_of(table: Table, axis: Any) -> NDArray[Any]:
    """Return the edges of the bins that all panels and groups share, equal on the scale of the axis."""
    quantity, bins = table.quantity("x"), table.plan.spec.bins
    values = table.rows["x"].dropna().to_numpy()
    values = values[~np.isin(values, [place for place, _ in quantity.places])]
    if quantity.type == "name":
        return np.arange(len(quantity.categories) + 1) - 0.5
    if bins is not None and np.ndim(bins) == 1:
        edges = np.asarray(bins, float)
        outside = int(((values < edges[0]) | (values > edges[-1])).sum())
        if outside:
            warn(f"Not counted: {count(outside, 'value')} of {listing(table.plan.x)} outside the bins.")
        return edges
    if not values.size:
        return np.array([0.0, 1.0])
    is_linear = table.scale("x") == "linear"
    if bins is None and is_linear and (values == np.round(values)).all() and np.ptp(values) <= WHOLE_BINS:
        return np.arange(values.min(), values.max() + 2) - 0.5
    scaled = forward(axis, values)
    edges = np.histogram_bin_edges(scaled, "auto" if bins is None else int(bins))
    if bins is None and len(edges) - 1 > MOST_BINS:
        edges = np.linspace(edges[0], edges[-1], MOST_BINS + 1)
    edges = backward(axis, edges)
    # Rounding on the way to the scale and back must lose no value.
    edges[0], edges[-1] = min(edges[0], values.min()), max(edges[-1], values.max())
    return edges


def draw_counts(ax: Axes, points: pd.DataFrame, look: Look) -> None:
    """Draw the counts of each group: steps over each other, or bars side by side where x holds names."""
    bins, quantity = look.bins, look.table.quantity("x")
    groups = _by(points, ["hue"])
    # Steps over others, also those of an earlier plot, let them shine through.
    are_alone = len(groups) == 1 and not ax.patches
    special = [place for place, _ in quantity.places]
    user_keywords = look.spec.keywords("hist_kw")
    for place, group in enumerate(groups):
        hue = float(group.iloc[0].get("hue", np.nan))
        heights, of_labels = _heights(group["x"].dropna().to_numpy(), special, look)
        keywords: dict[str, Any] = {"color": look.hue.color(hue), "label": look.label(hue, np.nan)}
        if quantity.type == "name":
            width = 0.8 / len(groups)
            starts = (bins[:-1] + bins[1:]) / 2 - 0.4 + place * width
            ax.bar(starts, heights, **{"width": width, "align": "edge", **keywords, **user_keywords})
            continue
        # The legend of a later plot shows the outline, which has the colour itself.
        filled = {"fill": True, "alpha": 0.85 if are_alone else 0.15, **keywords}
        filled |= {} if are_alone else {"label": None}
        ax.stairs(heights, bins, **{**filled, **user_keywords})
        if not are_alone:
            ax.stairs(heights, bins, **{**keywords, **user_keywords, "fill": False})
        if special:
            ax.bar(
                special,
                of_labels,
                **{"width": bins[-1] - bins[-2], **keywords, "label": None, **user_keywords},
            )


def _heights(values: NDArray[Any], special: Sequence[float], look: Look) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the heights of bins, and of labels that are not numbers; densities have the area 1 in all."""
    bins = look.bins
    heights, _ = np.histogram(values[~np.isin(values, special)], bins)
    of_labels = np.array([(values == label).sum() for label in special])
    if not look.spec.density:
        return heights, of_labels
    total = max(heights.sum() + of_labels.sum(), 1)
    return heights / (total * np.diff(bins)), of_labels / (total * (bins[-1] - bins[-2]))


def draw_boxes(ax: Axes, points: pd.DataFrame, look: Look) -> None:
    """Draw a box for the samples of each group at each x."""
    for at, width, hue, samples in _samples(points):
        color = look.hue.color(hue)
        line = {"color": color}
        keywords: dict[str, Any] = {
            "boxprops": {"facecolor": (*to_rgb(color), 0.3), "edgecolor": color},
            "whiskerprops": line,
        }
        keywords |= {
            "capprops": line,
            "medianprops": {"color": color, "linewidth": 1.8},
            "patch_artist": True,
        }
        keywords |= {
            "flierprops": {"markeredgecolor": color, "markersize": 0.5 * _size()},
            "manage_ticks": False,
        }
        ax.boxplot(
            [samples], positions=[at], **{"widths": 0.9 * width, **keywords, **look.spec.keywords("box_kw")}
        )


def draw_violins(ax: Axes, points: pd.DataFrame, look: Look) -> None:
    """Draw a violin for the samples of each group at each x; a point where all samples are equal."""
    for at, width, hue, samples in _samples(points):
        color = look.hue.color(hue)
        if np.ptp(samples) == 0:
            ax.plot([at], samples[:1], "o", color=color, markersize=ON_LINES * _size())
            continue
        keywords = {"widths": 0.9 * width, "showmedians": True, **look.spec.keywords("box_kw")}
        parts: dict[str, Any] = ax.violinplot([samples], positions=[at], **keywords)
        for body in parts["bodies"]:
            body.set(facecolor=color, edgecolor=color, alpha=0.3)
        for name in ("cmedians", "cbars", "cmins", "cmaxes"):
            if name in parts:
                parts[name].set_color(color)


def _samples(points: pd.DataFrame) -> Iterator[tuple[float, float, float, NDArray[Any]]]:
    """Yield place, width, hue and values of the samples of each group at each x."""
    present = points.dropna(subset=["x", "y"])
    hues = sorted(present["hue"].unique().tolist()) if "hue" in present else [np.nan]
    width = 0.8 / max(len(hues), 1)
    for group in _by(present, ["x", "hue"]):
        hue = float(group.iloc[0].get("hue", np.nan))
        place = hues.index(hue) if "hue" in present else 0
        yield float(group["x"].iloc[0]) - 0.4 + (place + 0.5) * width, width, hue, group["y"].to_numpy()


# ------------------------------------------------------------------------------------------ marks


def broken_marker(name: str, names: Sequence[str]) -> str:
    """Return the marker of points without a value for a reason."""
    others = [other for other in names if other not in BROKEN]
    return BROKEN.get(name) or SPARE[others.index(name) % len(SPARE)]


def draw_marks(ax: Axes, points: pd.DataFrame, look: Look, statuses: Sequence[str]) -> None:
    """Mark points without a value: in a map at their place, else at the lower edge over their x."""
    in_map = look.table.plan.z is not None
    lacking = points[points["x"].notna() & points["status"].isin(statuses)]
    for group in _by(lacking, ["status", "hue"]):
        hue = np.nan if in_map else float(group.iloc[0].get("hue", np.nan))
        keywords: dict[str, Any] = {
            "linestyle": "none",
            "color": shade(0.75) if np.isnan(hue) else look.hue.color(hue),
            "marker": broken_marker(str(group.iloc[0]["status"]), statuses),
            "clip_on": False,
        }
        if in_map:
            ax.plot(group["x"], group["y"], markersize=5, **keywords)
        else:
            ax.plot(
                group["x"],
                np.full(len(group), FLOOR),
                transform=ax.get_xaxis_transform(),
                markersize=6,
                **keywords,
            )


# ------------------------------------------------------------------------------------------ table

_ERRORS = ("err_style", "error_kw")

KINDS: dict[str, Kind] = {
    "line": Kind(draw_lines, "curve", ("y", "hue", "style", "error"), (*_ERRORS, "line_kw")),
    "scatter": Kind(draw_points, "points", ("y", "z", "hue", "style", "error"), (*_ERRORS, "scatter_kw")),
    "heatmap": Kind(draw_heatmap, "map", ("y", "z"), ("map_kw", "bins")),
    "contour": Kind(draw_contour, "map", ("y", "z"), ("map_kw", "levels")),
    "hist": Kind(draw_counts, "counts", ("hue",), ("hist_kw", "bins", "density")),
    "box": Kind(draw_boxes, "samples", ("y", "hue", "error"), ("box_kw",)),
    "violin": Kind(draw_violins, "samples", ("y", "hue", "error"), ("box_kw",)),
}

# Where the keywords of artists come from: classes, and methods of Axes.
KEYWORDS: dict[str, tuple[Any, ...]] = {
    "line": (Line2D,),
    "scatter": (PathCollection, Axes.scatter),
    "map": (QuadMesh, Axes.pcolormesh, QuadContourSet, ContourSet),
    "hist": (StepPatch, Axes.stairs, Rectangle, Axes.bar),
    "box": (Axes.boxplot, Axes.violinplot),
    "error": (Axes.errorbar, PolyCollection, Line2D),
    "legend": (Legend,),
}
