"""``ds.coma`` is there as soon as xarray is, whichever of the two was imported first, at no cost before that."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from importlib.abc import Loader

    from xarray import Dataset

    from coma_xr.plugins.accessor import ComaAccessor

_XARRAY = "xarray"


class _Registering:
    """A loader that loads xarray as its own loader does, and registers the accessor when that is done."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # What looks at the module later finds the loader that it always had.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        register()


class _Finder:
    """A finder of ``sys.meta_path`` that waits for the import of xarray; does so once."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname != _XARRAY:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = cast("Loader", _Registering(spec.loader))
        return spec


def install() -> None:
    """Register the accessor now if xarray is loaded, else when it will be."""
    if _XARRAY in sys.modules and not _is_loading(sys.modules[_XARRAY]):
        register()
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _is_loading(module: ModuleType) -> bool:
    return bool(getattr(module.__spec__, "_initializing", False))


def register() -> None:
    """Register ``ds.coma``, in place of the one that an earlier import of this package registered."""
    import xarray as xr

    known = getattr(xr.Dataset, "coma", None)
    if known is not accessor_of:
        if getattr(known, "__module__", "") == __name__:
            del xr.Dataset.coma  # type: ignore[attr-defined]
        xr.register_dataset_accessor("coma")(accessor_of)  # type: ignore[no-untyped-call]


def accessor_of(dataset: Dataset) -> ComaAccessor:
    """Return `coma_xr.plugins.accessor.ComaAccessor` of a Dataset.

    It is imported with the first use, since a module of its own may be what loads xarray just now.
    """
    from coma_xr.plugins.accessor import ComaAccessor

    return ComaAccessor(dataset)
