"""CSV files, each with a file of its types next to it: ``x.csv`` and ``x.csv-metadata.json``.

The latter is what the W3C's "CSV on the Web" asks for. Its note ``coma_xr`` leads back to the Dataset or
DataFrame, and holds the SHA-256 of the table that it belongs to. While a table is replaced, the file of
its types describes the old and the new one, so that there is a readable pair at any moment.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coma_xr import files
from coma_xr.errors import REPLACE, DataFileWarning, StorageError, warn
from coma_xr.exports.columns import Array, as_objects
from coma_xr.exports.datasets import NOTE, PER_SECOND
from coma_xr.exports.table import Table, from_table, to_table
from coma_xr.same import same_items

if TYPE_CHECKING:
    import xarray as xr


METADATA = "-metadata.json"

_LIMIT = 2**40
# From 3.1 on, pandas reads every double exactly, and does not want to be asked for it.
_OLD = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
_EXACT: Any = {"float_precision": "round_trip"} if _OLD else {}
_DATATYPES: dict[str, Any] = {
    "bool": {"base": "boolean", "format": "True|False"},
    "int": "integer",
    "uint": "integer",
    "float": "number",
    "datetime": "dateTime",
    "timedelta": {"base": "decimal", "dc:description": "seconds"},
    "str": "string",
}


def write(data: xr.Dataset | pd.DataFrame, path: Path, overwrite: bool) -> None:
    """Write a Dataset or DataFrame; FileExistsError when the name is taken."""
    table = to_table(data)
    text, tokens = _text(table)
    beside = f"{path}{METADATA}"
    if files.exists(str(path)) and not overwrite:
        raise FileExistsError(errno.EEXIST, "this file exists already", str(path))
    if not overwrite and files.exists(beside) and _note(beside) is None:
        raise StorageError(errno.EEXIST, "the file for the types exists already", beside, ways=[REPLACE])
    tree = _metadata(table, path.name, tokens, hashlib.sha256(text).hexdigest())
    if not overwrite:
        _create(str(path), text, beside, tree)
        return
    files.replace(beside, _encoded(tree, before=_before(path, beside)))
    files.replace(str(path), text)
    files.replace(beside, _encoded(tree))


def _create(path: str, text: bytes, beside: str, tree: dict[str, Any]) -> None:
    # What there may be is the metadata of a table that was never there, or was deleted.
    files.replace(beside, _encoded(tree))
    try:
        files.create(path, text, sync=True)
    except BaseException:
        if not files.exists(path):
            with suppress(OSError):
                files.remove(beside)
        raise


def _encoded(tree: Mapping[str, Any], before: Any = None) -> bytes:
    if before is not None:
        tree = {**tree, "notes": [*tree["notes"], {NOTE: before}]}
    return json.dumps(tree, indent=1).encode()


def _before(path: Path, beside: str) -> Any:
    """Return the note of the table that is about to be replaced."""
    try:
        digest = hashlib.sha256(files.read(str(path), limit=_LIMIT)).hexdigest()
    except FileNotFoundError:
        return None
    notes = _note(beside) or []
    return next((note for note in notes if note["sha256"] == digest), {"sha256": digest})


def _note(beside: str) -> list[Any] | None:
    """Return the notes of a file of types; None when there is no such file of coma_xr."""
    try:
        tree = json.loads(files.read(beside, limit=_LIMIT))
        notes = [note[NOTE] for note in tree["notes"] if NOTE in note]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    return notes or None


def _metadata(table: Table, name: str, tokens: Mapping[str, str], digest: str) -> dict[str, Any]:
    columns = []
    plain = {name: note["plain"] for note in table.note["columns"] for name in note["columns"]}
    for column in table.columns:
        kind = "json" if column.is_json else plain[column.name].removeprefix("empty ")
        datatype = _DATATYPES.get(kind.partition("[")[0].rstrip("0123456789"), kind)
        entry: dict[str, Any] = {"titles": column.name, "datatype": datatype}
        if tokens.get(column.name):
            entry["null"] = tokens[column.name]
        columns.append(entry)
    note = {"sha256": digest, "null": tokens, **table.note}
    return {
        "@context": "http://www.w3.org/ns/csvw",
        "url": name,
        "tableSchema": {"columns": columns},
        "notes": [{NOTE: note}],
    }


# -------------------------------------------------------------------------------------------- writing


def _text(table: Table) -> tuple[bytes, dict[str, str]]:
    """Return the text of a table, and what stands for an empty cell where that is not nothing."""
    if not table.columns:
        return b"\n", {}
    tokens = {column.name: token for column in table.columns if (token := _token(column.texts))}
    fields = [_fields(column.texts, tokens.get(column.name, "")) for column in table.columns]
    if len(fields) == 1:
        # An empty line would be taken for none at all.
        fields = [[field or '""' for field in fields[0]]]
    header = ",".join(_quoted(column.name) for column in table.columns)
    lines = [header or '""', *map(",".join, zip(*fields, strict=True))]
    return ("\n".join(lines) + "\n").encode(), tokens


def _token(values: Array) -> str:
    if values.dtype != object:
        return ""
    used, token = set(values.tolist()), ""
    if None not in used:
        return ""
    while token in used:
        token = f"<{token or 'missing'}>"
    return token


def _fields(values: Array, token: str) -> list[str]:
    kind = values.dtype.kind
    if kind == "f":
        texts = map(repr, values.tolist()) if values.dtype.itemsize == 8 else map(str, values)
        return ["" if text == "nan" else text for text in texts]
    if kind == "M":
        return ["" if text == "NaT" else text for text in np.datetime_as_string(_coarse(values)).tolist()]
    if kind == "m":
        per_second = PER_SECOND[np.datetime_data(values.dtype)[0]]
        ticks = zip(values.view("i8").tolist(), np.isnat(values).tolist(), strict=True)
        return ["" if gap else _seconds(n, per_second) for n, gap in ticks]
    if kind in "OU":
        return [token if cell is None else _quoted(str(cell)) for cell in values.tolist()]
    return list(map(str, values.tolist()))


def _coarse(dates: Array) -> Array:
    """Return dates in the largest unit that holds them exactly, down from seconds."""
    for unit in PER_SECOND:
        coarse = dates.astype(f"M8[{unit}]")
        if same_items(coarse.astype(dates.dtype), dates):
            return coarse
    return dates


def _seconds(ticks: int, per_second: int) -> str:
    seconds, ticks_left = divmod(abs(ticks), per_second)
    digits = str(ticks_left).rjust(len(str(per_second)) - 1, "0").rstrip("0")
    return f"{'-' if ticks < 0 else ''}{seconds}{'.' if digits else ''}{digits}"


def _quoted(text: str) -> str:
    if not text:
        return text
    special = any(character in text for character in ',"\n\r') or text != text.strip()
    return '"' + text.replace('"', '""') + '"' if special else text


# -------------------------------------------------------------------------------------------- reading


def read(path: Path) -> xr.Dataset | pd.DataFrame:
    """Read what `write` wrote; without the file of its types, what pandas makes of the table."""
    data = files.read(str(path), limit=_LIMIT)
    notes = _note(f"{path}{METADATA}")
    digest = hashlib.sha256(data).hexdigest()
    note = next((note for note in notes or [] if note["sha256"] == digest), None)
    if notes is not None and note is None:
        warn(
            f"{path} was changed after it was exported, so the types in {path.name}{METADATA} are not used: "
            "it is read like any other table. Delete that file to avoid this warning.",
            DataFileWarning,
        )
    if note is None or "columns" not in note:
        frame: pd.DataFrame = pd.read_csv(path, **_EXACT)
        return frame
    plain_columns = [(name, column["plain"]) for column in note["columns"] for name in column["columns"]]
    fields = _fields_of(path) if plain_columns else pd.DataFrame()
    columns = {
        name: _parsed(fields.iloc[:, i].to_numpy(dtype=object), plain, note["null"].get(name, ""))
        for i, (name, plain) in enumerate(plain_columns)
    }
    return from_table(columns, note)


def _fields_of(path: Path) -> pd.DataFrame:
    return pd.read_csv(
        path, dtype=str, keep_default_na=False, na_filter=False, skip_blank_lines=False, encoding="utf-8"
    )


def _parsed(fields: Array, plain: str, token: str) -> Array:
    """Return the plain column of strings."""
    if plain == "str":
        return fields
    if plain.startswith("empty"):
        kind = plain.removeprefix("empty ")
        read: Any = {"bool": "True".__eq__, "int": int, "float": float}.get(kind, str)
        return as_objects([None if field == token else read(field) for field in fields])
    if plain == "bool":
        return np.asarray(fields == "True")
    if plain.startswith("float"):
        return np.array([field or "nan" for field in fields], dtype=np.float64).astype(plain)
    if plain.startswith("datetime64"):
        return np.array([field or "NaT" for field in fields], dtype=plain)
    if plain.startswith("timedelta64"):
        per_second = PER_SECOND[np.datetime_data(plain)[0]]
        gap = np.iinfo(np.int64).min
        ticks = [int(Decimal(field) * per_second) if field else gap for field in fields]
        return np.array(ticks, dtype=np.int64).astype(plain)
    return np.array([int(field) for field in fields], dtype=plain)
