"""Whole experiments of few bytes, the same each time, to be damaged; their files by name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from coma_xr.encoding.formats import FORMATS
from coma_xr.store.place import ExperimentDirectory
from coma_xr.values.plain import to_plain
from tests.examiner import Case

__all__ = ["cases", "damaged", "experiment", "measurement"]

STATE = {
    "definition": [["a", "parameters/a"], ["b", "parameters/b"]],
    "annotations": {
        "results/w": {"units": "m", "dims": ["x"]},
        "parameters/c": {"default": 1.5},
        "results/t": {"long_name": "time"},
    },
    "excluded": {"2": "noisy"},
    "seed": 7,
}
SCAN = {
    "parameters": STATE["definition"],
    "axes": [
        {"dim": "a", "names": ["a"]},
        {"dim": "b_index", "names": ["b"], "depends": True},
    ],
    "sets": [[1, 0.5], [2, 0.5], [0, 0.5], [3, 0.5]],
    "repeats": None,
}
INFO = {"start_date": "2026-11-22T11:02:50Z", "end_date": "2026-11-22T11:02:51Z", "duration": 0.25}
FAILURE = {
    "info": {"date": "2026-11-22T11:02:51Z", "host": "n1", "status": "failed"},
    "parameters": {"a": 0, "b": 0.5},
    "exception": {"type": "ValueError", "message": "no", "traceback": "Traceback", "line": "a.py:1 in f"},
}


def measurement(a: int) -> dict[str, Any]:
    """Return a measurement tree, without info, of all that is small."""
    import numpy as np

    results = {
        "t": 1 / a,
        "l": [a, 0.5],
        "w": np.arange(2.0),
        "z": 1j,
        "s": "é<&>",
        "none": None,
        "yes": True,
    }
    return to_plain({"parameters": {"a": a, "b": 0.5}, "results": results})


@cache
def experiment(format: str = "json", *, archived: bool = False, compress: bool = False) -> dict[str, bytes]:
    """Return the files of an experiment of two measurements and a failure, one of them excluded."""
    with tempfile.TemporaryDirectory() as directory:
        config = {"archive_default_format": format}
        place = ExperimentDirectory(directory, description="d", tags=["a"], config=config)
        for a in (1, 2):
            rest = FORMATS[place.suffix].encode_rest(measurement(a))
            place.look().measurements.add(INFO, rest)
        place.add_failure(FAILURE, 3)
        place.change_state(lambda state: state.update(STATE))
        place.save_scan(SCAN)
        place.write_index()
        if archived:
            place.deactivate(compress=compress)
        files = [path for path in Path(directory).iterdir() if path.suffix != ".lock"]
        return {path.name: path.read_bytes() for path in sorted(files)}


def damaged(name: str, files: dict[str, bytes], how: str, step: int = 1) -> Iterator[Case]:
    """Yield a file as it is after a cut at every byte, and after every bit was flipped; every `step`-th of these.

    Of the other files of the experiment, `how` "text" needs none.
    """
    data = files[name]
    others = {} if how == "text" else {other: text for other, text in files.items() if other != name}
    for number in range(0, len(data), step):
        yield Case(f"{name} cut at {number}", {name: data[:number], **others}, how)
    for number in range(0, 8 * len(data), step):
        flipped = bytearray(data)
        flipped[number // 8] ^= 1 << number % 8
        yield Case(f"{name} with bit {number} flipped", {name: bytes(flipped), **others}, how)


# How a measurement of JSON or XML may be wrapped around a text.
ENVELOPES = {
    "json": (
        b'{"measurement":{"info":{"measurement_id":2},"parameters":{"a":2,"b":0.5},"results":{"x":',
        b"}}}",
    ),
    "xml": (
        b"<measurement><info><measurement_id>2</measurement_id></info><results>",
        b"</results></measurement>",
    ),
}


def cases(groups: Mapping[str, Sequence[bytes]], format: str, *, wrapped: bool = False) -> list[Case]:
    """Return a case for each of these texts: by itself, or as a result in one of the measurements of an experiment."""
    before, after = ENVELOPES[format] if wrapped else (b"", b"")
    name = f"measurement.000002.{format}"
    others = {other: data for other, data in experiment(format).items() if other != name} if wrapped else {}
    how = "experiment" if wrapped else "text"
    return [
        Case(f"{group}: {text[:60]!r}", {name: before + text + after, **others}, how)
        for group, texts in groups.items()
        for text in texts
    ]
