"""Find the function that the command line names: ``model.py:simulate`` or ``package.module:simulate``."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from coma_xr import files
from coma_xr.checks import absolute_path, local_path
from coma_xr.errors import ComaError, ExperimentError, wrong_usage
from coma_xr.text import listing, with_article

SUFFIX = ".py"

_EXPECTED = "FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION"

# A file that also runs something by itself, such as a script with a run of its own.
_GUARD = "Put what runs below `if __name__ == '__main__':`."

# Frames of a traceback that an error shows.
_FRAMES = 3


def find_function(target: str, directory: str = ".") -> Callable[..., Any]:
    """Import the module of a target and return the function in it.

    The directory of a file, or the working directory, comes first on the path of imports, as for ``python model.py``.
    What stands below ``if __name__ == "__main__":`` does not run.

    Raise ExperimentError when there is no such file, module or function, or the module cannot be imported.
    """
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name:
        ways = _named_functions(target, directory)
        with wrong_usage():
            raise ExperimentError(f"{target!r} names no function.", expected=_EXPECTED, ways=ways)
    path = os.path.normpath(Path(directory, local_path(place)))
    # A package is a directory that can be imported.
    is_package = place.isidentifier() and files.exists(files.inside(path, "__init__.py"))
    is_file = place.endswith(SUFFIX) or (files.exists(path) and not is_package)
    module = _of_file(path) if is_file else _of_package(place, directory)
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            raise ExperimentError(
                f"{place} has no function '{name}'.", name=name, available=_callables(module)
            )
        value = getattr(value, part)
    if not callable(value):
        raise ExperimentError(
            f"{target} is {with_article(type(value).__name__)}, not a function.", available=_callables(module)
        )
    function: Callable[..., Any] = value
    return function


def _callables(module: ModuleType) -> list[str]:
    """Return the functions that a module defines."""
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return [
        name
        for name, value in public.items()
        if callable(value) and getattr(value, "__module__", None) == module.__name__
    ]


def _named_functions(target: str, directory: str) -> list[str]:
    """Return as a way the functions of a file that was named without one."""
    path = os.path.normpath(Path(directory, target))
    if not target.endswith(SUFFIX) or not files.exists(path):
        return []
    names = [f"{target}:{name}" for name in _callables(_of_file(path))]
    return [f"Name one of its functions: {listing(names)}."] if names else []


def _of_file(path: str) -> ModuleType:
    directory, name = os.path.split(path)
    if not files.exists(path):
        names = files.names(directory or ".") if files.is_directory(directory or ".") else []
        known = [other for other in names if other.endswith(SUFFIX)]
        raise ExperimentError(f"There is no file {path!r}.", name=name, available=known or None)
    if files.is_directory(path):
        raise ExperimentError(f"{path!r} is a directory.", expected=_EXPECTED)
    absolute = os.path.normpath(absolute_path(path))
    _put_on_path(os.path.split(absolute)[0])
    stem = name.removesuffix(SUFFIX)
    is_free = (
        stem.isidentifier() and stem not in sys.stdlib_module_names and _file_of(stem) in {None, absolute}
    )
    spec = importlib.util.spec_from_file_location(stem if is_free else f"_coma_xr_{stem}", absolute)
    if spec is None or spec.loader is None:
        raise ExperimentError(f"{path} is not a Python file.", expected=_EXPECTED)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    loader = spec.loader
    _imported(path, lambda: loader.exec_module(module))
    if not is_free:
        import cloudpickle

        # Workers cannot import it by this name.
        cloudpickle.register_pickle_by_value(module)
    return module


def _file_of(name: str) -> str | None:
    """Return the file of a module that was imported; None if there is no such module."""
    module = sys.modules.get(name)
    return None if module is None else str(getattr(module, "__file__", ""))


def _of_package(name: str, directory: str) -> ModuleType:
    _put_on_path(os.path.normpath(absolute_path(directory)))
    if not all(part.isidentifier() for part in name.split(".")):
        raise ExperimentError(f"{name!r} is neither a file nor a module.", expected=_EXPECTED)
    module: ModuleType = _imported(name, lambda: importlib.import_module(name))
    return module


def _put_on_path(directory: str) -> None:
    if directory not in sys.path:
        sys.path.insert(0, directory)


def _imported(name: str, load: Callable[[], Any]) -> Any:
    """Import a module.

    Raise ExperimentError when that raises anything, with the end of the traceback in the user's files.
    """
    try:
        return load()
    except KeyboardInterrupt:
        raise
    except SystemExit:
        raise ExperimentError(
            f"{name} ends the process when it is imported.",
            ways=[_GUARD],
        ) from None
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise ExperimentError(
                f"There is no module '{error.name}'.",
                expected="a module that is installed or below the working directory",
            ) from None
        raise _not_imported(name, error) from None
    except Exception as error:  # noqa: BLE001  whatever the user's file raises
        raise _not_imported(name, error) from None


def _not_imported(name: str, error: Exception) -> ExperimentError:
    lines = traceback.format_exception_only(error)
    frames = traceback.format_list(_own_frames(error.__traceback__)[-_FRAMES:])
    ways = [_GUARD] if isinstance(error, ComaError) else []
    return ExperimentError(
        f"{name} cannot be imported.", ways=ways, excerpt="".join([*frames, *lines]).rstrip()
    )


def _own_frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    """Return the frames of a traceback that are neither of coma_xr nor of Python's imports."""
    package = str(Path(__file__).parents[1])
    return [
        frame
        for frame in traceback.extract_tb(trace)
        if not frame.filename.startswith(package) and "importlib" not in frame.filename
    ]
