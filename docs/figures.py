"""The order of the gallery, for sphinx-gallery."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

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
