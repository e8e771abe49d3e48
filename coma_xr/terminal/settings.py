"""``coma-xr config``: the user's settings."""

from __future__ import annotations

from dataclasses import asdict

from coma_xr import files
from coma_xr.store.config import FILE, Config, configuration_directory, create_default_config
from coma_xr.text import clean

__all__ = ["show", "write"]


def write(*, index: bool) -> None:
    """Write a file with all settings, unless there is one."""
    create_default_config(create_experiment_index=index)


def show() -> None:
    """Print where the settings lie, and those in force."""
    settings = Config.of(None)
    path = files.inside(configuration_directory(), FILE)
    there = "" if files.exists(path) else " (not there; these are the defaults)"
    print(f"# {clean(path)}{there}")
    for name, value in asdict(settings).items():
        text = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        print(f"{name} = {clean(text)}")
    index = settings.experiment_index_path()
    print(f"# experiments are numbered by {clean(index)}{'' if files.exists(index) else ' (not there)'}")
