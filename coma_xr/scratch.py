"""Temporary files where the system has them: for what a process prints or discards, and for programs and libraries that need a directory."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import TextIO

from coma_xr.files import refusal


@contextmanager
def diverted_output() -> Iterator[Callable[[int], str]]:
    """Let all that this process and its children write to stdout and stderr go to a temporary file.

    Yields a function that returns its last bytes, as many as requested.
    """
    import tempfile

    with tempfile.TemporaryFile() as file:

        def read(most: int) -> str:
            _flush_output()
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most))
            return file.read().decode(errors="replace")

        _flush_output()
        saved = {number: os.dup(number) for number in (1, 2)}
        try:
            for number in saved:
                os.dup2(file.fileno(), number)
            # In a process that was forked from a notebook, Python's own streams lead elsewhere.
            stream = open(1, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
            with stream, redirect_stdout(stream), redirect_stderr(stream):
                yield read
        finally:
            _flush_output()
            for number, original in saved.items():
                os.dup2(original, number)
                os.close(original)


def _flush_output() -> None:
    """Write what Python and C have not written yet."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):
            stream.flush()
    if os.name != "nt":
        ctypes.CDLL(None).fflush(None)


def discarding() -> TextIO:
    """Return a stream in place of one that is closed, with the lowest number that is free, which is that one's."""
    return Path(os.devnull).open("w", encoding="utf-8")


@contextmanager
def scratch_directory(*, keep_on_error: bool = False) -> Iterator[str]:
    """Yield a new, empty directory for temporary files, and remove it with all that is in it afterwards.

    Raise StorageError when none can be made where the system has its temporary files.
    """
    import tempfile

    try:
        directory = tempfile.mkdtemp(prefix="coma-")
    except OSError as error:
        raise refusal(error, "create a directory in", tempfile.gettempdir()) from error
    keep = False
    try:
        yield directory
    except Exception:
        keep = keep_on_error
        raise
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)
