"""The code that Python has compiled of a file, and kept next to it."""

from __future__ import annotations

import dis
import importlib.util
import inspect
from collections import Counter
from contextlib import suppress
from importlib.machinery import SourcelessFileLoader
from types import CodeType
from typing import NamedTuple

from coma_xr import files
from coma_xr.code.syntax import constant
from coma_xr.errors import ComaError

# Bytes of a compiled file.
_MOST = 50_000_000
# Bytes before the code.
_HEAD = 16
_WORD = 0xFFFFFFFF

_JUMPS = {*dis.hasjrel, *dis.hasjabs}


class _Loader(SourcelessFileLoader):
    """Loads the compiled form of a module that was read before, so that it is the one that was looked at."""

    def __init__(self, data: bytes) -> None:
        super().__init__("", "")
        self._data = data

    def get_data(self, _: str) -> bytes:
        return self._data


class Compiled(NamedTuple):
    """The compiled form of a module: size and second of the last change of its source, and when it was written."""

    data: bytes
    size: int
    second: int
    written: int

    def is_of(self, stamp: tuple[int, int, int]) -> bool:
        """Whether it was made of a file that has a stamp, and not of an earlier one of the same second and size."""
        return self.is_used_for(stamp) and self.written > stamp[2]

    def is_used_for(self, stamp: tuple[int, int, int]) -> bool:
        """Whether Python takes it for that of a file that has a stamp."""
        _, size, changed = stamp
        return (self.size, self.second) == (size & _WORD, changed // 10**9 & _WORD)

    def code(self) -> CodeType | None:
        """Return the code, which is only compared with other code and never run; None for a damaged file."""
        # Only asked of files whose code runs in this process: whoever can change them can change that too.
        with suppress(EOFError, ValueError, TypeError, ImportError):
            return _Loader(self.data).get_code("")
        return None


def compiled(file: str, *, is_head: bool = False) -> Compiled | None:
    """Return what Python has compiled of a file, without the code if `is_head`.

    None where Python keeps nothing, or not by the time of the file.
    """
    stamps: list[files.Stamp] = []
    with suppress(ComaError, OSError, NotImplementedError):
        data = files.read(path_of(file), _MOST, stamps, _HEAD if is_head else None)
        kind, second, size = (int.from_bytes(data[i : i + 4], "little") for i in (4, 8, 12))
        if data[:4] == importlib.util.MAGIC_NUMBER and kind == 0:
            return Compiled(data, size, second, stamps[0][1])
    return None


def is_mistaken(file: str) -> bool:
    """Whether Python runs what it has compiled of an earlier version of a file, which is as large and as old to the second."""
    found, stamp = compiled(file, is_head=True), files.stamp(file)
    return found is not None and stamp is not None and found.is_used_for(stamp) and not found.is_of(stamp)


def path_of(file: str) -> str:
    """Return the path of the compiled form of a source."""
    return importlib.util.cache_from_source(file)


def statements_of(code: CodeType) -> Counter[str]:
    """Return what a module does outside of functions, by lines, and what its classes do; without the lines' numbers."""
    lines: dict[int | None, list[str]] = {}
    for step in dis.get_instructions(code):
        line = step.positions.lineno if step.positions else None
        lines.setdefault(line, []).append(_step(step, code))
    return Counter(" ".join(filter(None, steps)) for steps in lines.values())


def _step(step: dis.Instruction, code: CodeType) -> str:
    name, value = step.opname, step.argval
    if step.opcode in _JUMPS:
        return name
    if isinstance(value, CodeType):
        is_function = value.co_flags & inspect.CO_OPTIMIZED and not value.co_name.startswith("<")
        return value.co_name if is_function else str(sorted(statements_of(value).items()))
    # Every module ends so; later versions of Python keep in classes where they are in the file.
    is_end = name.startswith("RETURN") or (name == "LOAD_CONST" and value is None)
    is_place = value == code.co_firstlineno and "__firstlineno__" in code.co_names
    return "" if is_end or is_place or name == "EXTENDED_ARG" else f"{name} {constant(value)}"
