"""What sphinx-gallery has to be told of our gallery: its order, and which figures are in it."""

from __future__ import annotations

import ast
from pathlib import PurePath
from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

# From simple to rich.
ORDER = (
    "pendulum",
    "damped_oscillator",
    "logistic_map",
    "adding_values",
    "random_sample",
    "convergence",
    "failures",
    "hofstadter_butterfly",
    "ising",
    "two_integrators",
    "external_program",
    "coma_2_experiment",
)


class Order:
    """Sorts the scripts of a directory as `ORDER` does; those that it lacks come last."""

    def __init__(self, directory: Any) -> None:
        self.directory = directory

    def __call__(self, script: Any) -> tuple[int, str]:
        """Return the place of a script."""
        name = PurePath(script).stem.removeprefix("plot_")
        return (ORDER.index(name) if name in ORDER else len(ORDER), name)

    def __repr__(self) -> str:
        return "<Order>"


def last_value(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figure that is a cell's last value, as a notebook shows it.

    sphinx-gallery itself looks for pyplot's open figures, of which those of `coma_xr.plot` are none.
    """
    body = ast.parse(block.content).body
    figure = block_vars["example_globals"].get("___") if body and isinstance(body[-1], ast.Expr) else None
    if not isinstance(figure, Figure) or figure.canvas.manager is not None:
        return ""
    path = PurePath(next(block_vars["image_path_iterator"]))
    paths = {0: path}
    figure.savefig(path, dpi=figure.dpi)
    for times in gallery_conf["image_srcset"]:
        paths[times] = path.with_stem(f"{path.stem}_{times:.2f}x".replace(".", "_"))
        figure.savefig(paths[times], dpi=times * figure.dpi)
    return figure_rst([path], gallery_conf["src_dir"], srcsetpaths=[paths])
