"""The formats that files are exported in, known by the end of a file's name."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import pandas as pd
import xarray as xr

from coma_xr import files
from coma_xr.checks import check_flag, checks_keywords, local_path
from coma_xr.encoding import boost, xml
from coma_xr.encoding import json as plain_json
from coma_xr.errors import REPLACE, ComaError, DataFileError, ExperimentError, StorageError
from coma_xr.exports import csv, json, netcdf, parquet, zarr
from coma_xr.exports.datasets import dataset_of
from coma_xr.text import available, listing, with_article
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    import os


class _Module(Protocol):
    """The functions that the module of a format has."""

    def write(self, data: xr.Dataset | pd.DataFrame, path: Path, overwrite: bool) -> None: ...

    def read(self, path: Path) -> xr.Dataset | pd.DataFrame: ...


@dataclass(frozen=True)
class Format:
    """A format."""

    module: _Module
    is_table: bool = False
    package: str = ""
    extra: str = ""


FORMATS = {
    ".csv": Format(csv, is_table=True),
    ".json": Format(json),
    ".nc": Format(netcdf),
    ".parquet": Format(parquet, is_table=True, package="pyarrow", extra="parquet"),
    ".zarr": Format(zarr, package="zarr", extra="zarr"),
}


def format_of(path: Path) -> Format:
    """Return the format that the end of a file's name asks for.

    Raise ExperimentError when it is not known, or needs a package that is not installed.
    """
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise ExperimentError(f"'{path}' does not end in a known format.", name=kind, available=FORMATS)
    known_format = FORMATS[kind]
    if known_format.package and not _is_installed(known_format.package):
        raise ExperimentError(
            f"'{path}': {kind} needs the package {known_format.package}, which is not installed.",
            ways=[f'Install it: pip install "coma_xr[{known_format.extra}]"'],
        )
    return known_format


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:
        return False


@checks_keywords
def export(
    data: xr.Dataset | xr.DataArray | pd.DataFrame, path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    r"""Write a Dataset or DataFrame to a file in the format of the file's extension.

    `load` reads the identical Dataset or DataFrame back. Values that a format cannot represent are written in another
    form, and the file contains a note about them. All others are written as other programs expect them.

    Parameters
    ----------
    data : Dataset, DataArray or DataFrame
        The data, for example from `Experiment.to_dataset` or `Experiment.to_dataframe`. A DataArray is written as a
        Dataset with one variable, which has the name of the array or else ``values``.
    path : str or path-like
        The file. ``.nc`` is netCDF with CF conventions, ``.zarr`` is a zarr directory, and ``.json`` has the form that
        `xarray.Dataset.from_dict` reads. ``.csv`` and ``.parquet`` are tables, which for a Dataset have a row for each
        cell with a value. Lists and dictionaries in cells are JSON in CSV, and lists and structs in Parquet. The types
        of ``x.csv`` are in ``x.csv-metadata.json`` next to it.
    overwrite : bool, default False
        Replace an existing file or zarr directory.

    Returns
    -------
    Path
        The path of the file. The file gets this name only when it is complete.

    Raises
    ------
    ExperimentError
        If the extension is unknown, the format needs a package that is not installed, or `data` has another type.
    SerializationError
        If the format cannot represent a value. The message names the variable.
    LayoutError
        If a table would have more than ten million rows.
    StorageError
        If the file exists already, or cannot be written.

    Notes
    -----
    All values that a measurement can store can be exported and loaded again, including classes passed to
    `coma_xr.register`, with these exceptions: an index that is not a pandas index is dropped, a subclass of a built-in
    type becomes that type, a member of an Enum becomes its value, and a dataclass or named tuple becomes a dictionary
    of its fields.

    Examples
    --------
    >>> ds = xr.Dataset({"t": ("theta", [0.1, 0.2])}, coords={"theta": [-5.0, 5.0]})
    >>> export(ds, "pendulum.csv").read_text()
    'theta,t\n-5.0,0.1\n5.0,0.2\n'
    >>> import coma_xr as coma
    >>> coma.export(ds, "pendulum.nc").name
    'pendulum.nc'
    """
    if isinstance(data, xr.DataArray):
        data = dataset_of(data, "values")[0]
    if not isinstance(data, (xr.Dataset, pd.DataFrame)):
        name = type(data).__name__
        ways = ["Use .to_frame()."] if isinstance(data, pd.Series) else []
        if hasattr(data, "to_dataframe") and hasattr(data, "export"):
            ways = [f"Use .export('{path}')."]
        raise ExperimentError(
            f"{with_article(name)} cannot be exported.",
            expected="a Dataset, DataArray or DataFrame",
            ways=ways,
        )
    overwrite = check_flag("overwrite", overwrite)
    path = Path(local_path(path))
    chosen = format_of(path)
    if not files.is_directory(str(path.parent)):
        message = f"the directory {path.parent} does not exist; create it first"
        raise StorageError(errno.ENOENT, message, str(path))
    try:
        chosen.module.write(data, path, overwrite)
    except FileExistsError as error:
        raise StorageError(error.errno, "this file exists already", str(path), ways=[REPLACE]) from None
    return path


def wants_table(path: str | os.PathLike[str]) -> bool:
    """Whether the format that a file's name asks for holds a table, and no arrays of many dims.

    Raise ExperimentError when the name asks for no format that is known, or for one that needs a package.

    >>> wants_table("pendulum.csv"), wants_table("pendulum.nc")
    (True, False)
    """
    return format_of(Path(local_path(path))).is_table


# What the readers of the formats raise for files that are none, or contradict themselves.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)


@checks_keywords
def load(path: str | os.PathLike[str]) -> xr.Dataset | pd.DataFrame | dict[str, Any]:
    """Read a file that `export` wrote, as the identical Dataset or DataFrame.

    Values, types and attributes are equal to the originals. Other files in these formats are read as by xarray and
    pandas, and an XML file as by `read_tree`.

    Parameters
    ----------
    path : str or path-like
        A file or a zarr directory. A ``.csv`` file that was changed after the export, or whose ``.csv-metadata.json`` is
        missing, is read like any other table.

    Returns
    -------
    Dataset, DataFrame or dict
        The data, in memory. The file is closed.

    Raises
    ------
    ExperimentError
        If the extension is unknown, or the format needs a package that is not installed.
    StorageError
        If the file does not exist, or cannot be read.
    DataFileError
        If its content does not have the format of its extension.

    Examples
    --------
    >>> import coma_xr as coma
    >>> import xarray as xr
    >>> ds = xr.Dataset({"results/t": ("theta", [0.1, 0.2])}, attrs={"tags": ["pendulum"]})
    >>> coma.load(coma.export(ds, "pendulum.nc")).identical(ds)
    True
    """
    path = Path(local_path(path))
    if path.suffix.lower() not in FORMATS and files.is_directory(str(path)):
        raise ExperimentError(
            f"'{path}' is a directory.",
            expected="a file",
            ways=[f"Read an experiment with coma.Experiment('{path}', mode='r').to_dataset()."],
        )
    is_tree = path.suffix.lower() == xml.SUFFIX
    chosen = None if is_tree else format_of(path)
    if not files.exists(str(path)):
        raise StorageError(errno.ENOENT, "there is no such file", str(path), ways=[_beside(path)])
    try:
        return read_tree(path) if chosen is None else chosen.module.read(path)
    except ComaError as error:
        if type(error) is DataFileError and str(path) not in str(error):
            raise error.at(f"{path}: cannot be read") from error
        raise
    except PermissionError as error:
        raise files.refusal(error, "read", str(path)) from error
    except UNREADABLE as error:
        reason = str(error).partition("\n")[0]
        fault = f"cannot be read as {path.suffix}: {type(error).__name__}: {reason}"
        raise DataFileError(fault, where=str(path)) from error


@checks_keywords
def read_tree(source: str | os.PathLike[str] | bytes | BinaryIO) -> dict[str, Any]:
    """Read the tree in an XML or JSON file, or in its bytes.

    Parameters
    ----------
    source : str, path-like, bytes or binary file
        A path, the text of a file as bytes, or an open file. XML of Boost.Serialization or Coma 2, or JSON.

    Returns
    -------
    dict
        Nested dictionaries and lists, with arrays and other values in place of their stored forms. The values of an archive
        of Boost are found by their names. Other XML has one name, that of its root element.

    Raises
    ------
    StorageError
        When there is no such file, or it cannot be read.
    DataFileError
        When it is neither XML nor JSON, such as a text archive or a binary archive of Boost.

    Examples
    --------
    >>> read_tree(b"<measurement><results><E>1.5</E></results></measurement>")
    {'measurement': {'results': {'E': 1.5}}}
    """
    name, data = _bytes_of(source)
    is_json = data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))
    try:
        tree = from_plain(plain_json.decode(data) if is_json else xml.decode(data))
    except DataFileError as error:
        raise DataFileError(f"{name}: {error.what}", expected=error.expected, ways=error.ways) from error
    if not isinstance(tree, dict):
        raise DataFileError(
            f"{name}: the JSON text is a {type(tree).__name__}.", expected="an object with names"
        )
    return tree[boost.ROOT] if tree.keys() == {boost.ROOT} and isinstance(tree[boost.ROOT], dict) else tree


def _bytes_of(source: Any) -> tuple[str, bytes]:
    """Return what a source is called in messages, and its bytes."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "bytes", bytes(source)
    if hasattr(source, "read"):
        data = source.read()
        return str(getattr(source, "name", "file")), data.encode() if isinstance(data, str) else data
    path = local_path(source)
    try:
        return path, files.read(path)
    except FileNotFoundError:
        raise StorageError(errno.ENOENT, "there is no such file", path) from None
    except PermissionError as error:
        raise files.refusal(error, "read", path) from error


def _beside(path: Path) -> str:
    try:
        names = files.names(str(path.parent))
    except FileNotFoundError:
        return f"There is no directory '{path.parent}' either."
    known = sorted(
        name for name in names if Path(name).suffix.lower() in FORMATS and not name.startswith(".")
    )
    return (
        available(path.name, known) if known else f"No file next to it has an ending of {listing(FORMATS)}."
    )
