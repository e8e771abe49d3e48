"""Figures of random realistic Datasets, and what is wrong with them, as found on their artists after drawing.

``python -m tests.plotting.random_figures DIRECTORY`` saves those with the most faults, and the least room for data.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.text import Text

import coma_xr as coma
from coma_xr.errors import ComaWarning
from coma_xr.plotting.styling import contrast

STYLES = ("default", "dark_background", "ggplot", "bmh")
SIZES = (None, (3.4, 2.6), (7.0, 5.0))
WORDS = (
    "amplitude",
    "temperature",
    "coupling",
    "steady-state displacement of the driven oscillator",
    "E",
    "n_sites",
)
UNITS = ("", "K", "meV", "m/s", "$\\hbar\\omega$")


@dataclass
class Case:
    "A Dataset, the arguments of its plot, and what the figure must show of it."

    number: int
    ds: xr.Dataset
    arguments: dict[str, Any]
    style: str
    faults: list[str] = field(default_factory=list)
    room: float = 1.0


def axis(rng: np.random.Generator, size: int) -> Any:
    "Values for an axis: numbers of any size, evenly or geometrically spaced, dates or names."
    kind = rng.choice(["linear", "whole", "geometric", "dates", "names", "large"])
    scale = 10.0 ** rng.integers(-19, 19)
    if kind == "linear":
        return np.linspace(0, 1, size) * scale
    if kind == "whole":
        return np.arange(size) * int(rng.choice([1, 5, 25_000]))
    if kind == "geometric":
        return np.geomspace(1e-2, 1e3, size) * scale
    if kind == "dates":
        step = pd.Timedelta(rng.choice(["37s", "7h", "3D", "91D"]))
        return pd.date_range("2024-01-30 12:00", periods=size, freq=step).to_numpy()
    if kind == "names":
        return [f"{rng.choice(['site', 'a_long_model_name', 'QCA'])} {at}" for at in range(size)]
    return 273.15 + np.arange(size) * 0.5


def groups(rng: np.random.Generator, size: int) -> Any:
    "Values for colours and panels, also such that are no numbers."
    kind = rng.choice(["names", "long names", "kelvin", "geometric", "bools", "specials"])
    if kind == "names":
        return [f"model {at}" for at in range(size)]
    if kind == "long names":
        return [f"full quantum model number {at} with exchange" for at in range(size)]
    if kind == "kelvin":
        return 273.15 + 7.5 * np.arange(size)
    if kind == "geometric":
        return np.geomspace(1e-3, 1e2, size) if size > 1 else [0.1]
    if kind == "bools":
        return [False, True][:size] if size < 3 else np.arange(size)
    values = np.empty(size, dtype=object)
    values[:] = [float(at) for at in range(size - 2)] + [None, np.inf][: min(size, 2)]
    return values


def attrs(rng: np.random.Generator) -> dict[str, str]:
    return {"long_name": str(rng.choice(WORDS)), "units": str(rng.choice(UNITS))}


def case(number: int) -> Case:
    "Make up a Dataset and a call."
    rng = np.random.default_rng(number)
    kind = str(rng.choice(["line", "line", "line", "scatter", "map", "hist", "error"]))
    nx, nh = int(rng.integers(3, 60)), int(rng.choice([1, 2, 3, 5, 8, 12, 20, 50]))
    nc = int(rng.choice([1, 1, 1, 2, 3, 4, 6, 12])) if nh < 20 else 1
    shape = {"x": nx, "h": nh, "c": nc} | ({"repeat": 6} if kind == "error" else {})
    y = rng.normal(size=tuple(shape.values())).cumsum(axis=0) * 10.0 ** rng.integers(-19, 19)
    y[rng.random(y.shape) < rng.choice([0, 0.1, 0.4])] = np.nan
    coords = {
        "x": ("x", axis(rng, nx), attrs(rng)),
        "h": ("h", groups(rng, nh), attrs(rng)),
        "c": ("c", groups(rng, nc), attrs(rng)),
    }
    ds = xr.Dataset({"y": (tuple(shape), y, attrs(rng))}, coords=coords)
    arguments: dict[str, Any] = {"x": "x", "y": "y", "hue": "h", "col": "c"}
    if kind == "map":
        arguments = {"x": "x", "y": "h", "z": "y", "col": "c"}
    elif kind == "hist":
        arguments = {"x": "y", "hue": "h", "col": "c"}
    elif kind == "scatter":
        arguments["kind"] = "scatter"
    elif kind == "error":
        arguments["error"] = rng.choice(["sd", "se"])
    if kind in {"line", "scatter"} and rng.random() < 0.25:
        arguments["yscale"] = str(rng.choice(["log", "symlog"]))
    if rng.random() < 0.3:
        arguments["title"] = "Quantum-dot cellular automata, response to the driver"
    arguments["figsize"] = SIZES[int(rng.integers(len(SIZES)))]
    if nc > 2 and arguments["figsize"] is not None:
        arguments["figsize"] = (9.0, 6.0)
    arguments = {name: value for name, value in arguments.items() if value is not None}
    return Case(number, ds, arguments, str(rng.choice(STYLES)))


def texts_of(figure: Any) -> list[tuple[str, Any]]:
    "Return all texts that can be seen, with their boxes."
    found: list[Text] = [text for text in figure.texts if text.get_visible()]
    if figure._suptitle:
        found.append(figure._suptitle)
    legends = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]
    for legend in legends:
        found += [*legend.get_texts(), legend.get_title()]
    for ax in figure.axes:
        found += [ax.title, ax._left_title, *ax.texts]
        for one in (ax.xaxis, ax.yaxis):
            found += [one.label, one.get_offset_text()]
            found += [tick.label1 for tick in one._update_ticks() if tick.label1.get_visible()]
    found = list(
        {id(text): text for text in found if text.get_text().strip() and text.get_visible()}.values()
    )
    return [(text.get_text(), text.get_window_extent()) for text in found]


def check(one: Case) -> Case:
    "Draw a case and record what is wrong with it."
    with plt.style.context(one.style), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure = coma.plot(one.ds, **one.arguments)
        figure.canvas.draw()
        check_texts(one, figure)
        check_values(
            one, figure, " ".join(str(w.message) for w in caught if issubclass(w.category, ComaWarning))
        )
        check_legend(one, figure)
        check_contrast(one, figure)
        one.faults += [f"warning: {w.message}" for w in caught if not issubclass(w.category, ComaWarning)]
    panels = [ax.get_window_extent() for ax in figure.axes if ax.get_label() != "<colorbar>"]
    one.room = sum(box.width * box.height for box in panels) / (figure.bbox.width * figure.bbox.height)
    return one


def check_texts(one: Case, figure: Any) -> None:
    texts = texts_of(figure)
    for text, box in texts:
        if box.x0 < -2 or box.y0 < -2 or box.x1 > figure.bbox.x1 + 2 or box.y1 > figure.bbox.y1 + 2:
            one.faults.append(f"clipped: {text!r}")
    for (text, box), (other, its) in combinations(texts, 2):
        wide, high = min(box.x1, its.x1) - max(box.x0, its.x0), min(box.y1, its.y1) - max(box.y0, its.y0)
        if wide > 1 and high > 1:
            one.faults.append(f"overlapping: {text!r} and {other!r}")


def check_values(one: Case, figure: Any, said: str) -> None:
    y = one.ds["y"].mean("repeat") if "repeat" in one.ds.dims else one.ds["y"]
    wanted = int(np.isfinite(y.values).sum())
    if one.arguments.get("yscale") == "log":
        wanted -= int((y.values <= 0).sum())
        if (y.values <= 0).any() and "0 or less" not in said:
            one.faults.append("values below 0 vanish without a warning")
    axes = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    if "z" in one.arguments:
        meshes = [part for ax in axes for part in ax.collections if isinstance(part, QuadMesh)]
        drawn = sum(int(np.ma.count(mesh.get_array())) for mesh in meshes)
    elif "y" not in one.arguments:
        patches = [patch for ax in axes for patch in ax.patches]
        filled = [patch for patch in patches if patch.get_fill() and hasattr(patch, "get_data")]
        drawn = sum(int(patch.get_data().values.sum()) for patch in filled)
    else:
        lines = [line for ax in axes for line in ax.lines if line.get_marker() not in {"|", "_"}]
        drawn = sum(int(np.isfinite(np.asarray(line.get_ydata(), float)).sum()) for line in lines)
        parts = [part for ax in axes for part in ax.collections if isinstance(part, PathCollection)]
        drawn += sum(len(part.get_offsets()) for part in parts)
    if drawn != wanted:
        one.faults.append(f"{drawn} values of {wanted} are drawn")


def check_legend(one: Case, figure: Any) -> None:
    legends = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]
    entries = [text.get_text().replace("\n", " ") for legend in legends for text in legend.get_texts()]
    if "hue" not in one.arguments:
        return
    has_bar = any(ax.get_label() == "<colorbar>" for ax in figure.axes)
    y = one.ds["y"] if one.arguments.get("yscale") != "log" else one.ds["y"].where(one.ds["y"] > 0)
    present = y.notnull().any([dim for dim in y.dims if dim != "h"])  # noqa: PD004
    levels = int(present.sum())
    hidden = sum(int(entry.split()[1]) for entry in entries if entry.startswith("and "))
    listed = len(entries) - any(entry.startswith("and ") for entry in entries) + hidden
    if not has_bar and listed != levels:
        one.faults.append(f"{listed} entries for {levels} values of hue")


def check_contrast(one: Case, figure: Any) -> None:
    for ax in figure.axes:
        for line in ax.lines:
            ratio = float(contrast([line.get_color()], ax.get_facecolor())[0])
            if ratio < 1.2:
                one.faults.append(f"{line.get_color()} does not show on {ax.get_facecolor()}")
                return


def main(directory: str, number: int = 100, worst: int = 20) -> None:
    "Check figures and save the worst ones."
    cases = []
    for at in range(number):
        cases.append(check(case(at)))
        plt.close("all")
    faulty = [one for one in cases if one.faults]
    for one in faulty:
        print(one.number, one.style, one.arguments, *one.faults[:4], sep="\n    ")
    print(f"{len(cases)} figures checked, {len(faulty)} with faults")
    Path(directory).mkdir(parents=True, exist_ok=True)
    for one in sorted(cases, key=lambda one: (-len(one.faults), one.room))[:worst]:
        with plt.style.context(one.style), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            coma.plot(one.ds, **one.arguments).savefig(Path(directory, f"{one.number:03}.png"), dpi=70)
        plt.close("all")


if __name__ == "__main__":
    main(*sys.argv[1:2], *(int(word) for word in sys.argv[2:]))
