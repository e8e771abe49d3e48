"""Commands with places for parameters, such as ``./simulate --theta={theta} {output}``."""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any, Self

from coma_xr import files
from coma_xr.errors import ParameterError
from coma_xr.text import available, listing, near_names

PARAMETERS = "parameters"
OUTPUT = "output"
HERE = "here"
_OWN = (PARAMETERS, OUTPUT, HERE)

# As near as this to one of ours a name is taken for a misspelling.
_MISSPELT = 0.8

_BRANCH = "parameters/"

_BRACES = "Write a brace that is meant itself twice."

# Where executables are when the environment does not say.
_SEARCHED = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Template:
    """A command whose arguments have places for values."""

    arguments: tuple[str, ...]
    here: str

    @classmethod
    def of(cls, command: str | Sequence[str | os.PathLike[str]], here: str) -> Self:
        """Return the template of a command.

        Raises
        ------
        ParameterError
            The executable is not there, or a place is none.
        """
        arguments = _split(command)
        for argument in arguments:
            for name, conversion in _places(argument):
                _check_place(argument, name, conversion)
        executable = find_executable(arguments[0].replace(f"{{{HERE}}}", here), here)
        # It is not looked at for places again.
        return cls((executable.replace("{", "{{").replace("}", "}}"), *arguments[1:]), here)

    @property
    def names(self) -> frozenset[str]:
        """The names in braces."""
        return frozenset(name for argument in self.arguments for name, _ in _places(argument))

    def fill(
        self,
        values: Mapping[str, Any],
        places: Mapping[str, str],
        *,
        all_used: bool,
    ) -> list[str]:
        """Return the arguments for one set of parameters.

        Raises
        ------
        ParameterError
            A name in braces is no parameter's, a parameter has no place, or a value is no single text or number.
        """
        self.check(values, all_used=all_used)
        known = {**{f"{_BRANCH}{name}": value for name, value in values.items()}, **values}
        return ["".join(self._filled(argument, known, places)) for argument in self.arguments]

    def _filled(self, argument: str, known: Mapping[str, Any], places: Mapping[str, str]) -> Iterator[str]:
        for literal, name, spec, _ in Formatter().parse(argument):
            yield literal
            if name is None:
                continue
            if name in places:
                yield places[name]
            else:
                yield _text(name, known[name], spec or "")

    def check(self, names: Iterable[str], *, all_used: bool) -> None:
        """Raise ParameterError when a name in braces is no parameter's, or a parameter has no place."""
        names, said = list(names), []
        known = {*names, *[f"{_BRANCH}{name}" for name in names], *_OWN}
        unknown = sorted(self.names - known)
        if unknown:
            own = [*names, *[f"{{{place}}}" for place in _OWN]]
            said.append(f"The command asks for a parameter '{unknown[0]}'. {available(unknown[0], own)}")
        unused = [name for name in names if not self.names & {name, f"{_BRANCH}{name}"}] if all_used else []
        if unused:
            name = unused[0]
            said.append(
                f"The program does not learn the parameter{'s' * (len(unused) > 1)} {listing(unused)}: the command has "
                f"neither {{{name}}} nor {{{PARAMETERS}}} for a file with all of them."
            )
        if said:
            raise ParameterError(" ".join(said))

    def hints(self) -> Iterator[str]:
        """Yield what may have been overlooked when the program failed."""
        for argument in self.arguments[1:]:
            relative = not argument.startswith("/") and not list(_places(argument))
            if (
                relative
                and argument not in {"", ".", ".."}
                and files.exists(files.inside(self.here, argument))
            ):
                yield (
                    f"the program runs in a directory of its own; for the file {argument!r} of {self.here} "
                    f"write {{{HERE}}}/{argument}"
                )


def _split(command: str | Sequence[str | os.PathLike[str]]) -> list[str]:
    if isinstance(command, str):
        try:
            arguments = shlex.split(command)
        except ValueError as error:
            raise ParameterError(
                f"The command {command!r} cannot be split into arguments: {error}."
            ) from None
    else:
        arguments = [os.fspath(argument) for argument in command]
    if not arguments or not arguments[0]:
        raise ParameterError("The command of a program is empty.", expected="an executable and its arguments")
    return arguments


def _places(argument: str) -> list[tuple[str, str | None]]:
    try:
        parts = list(Formatter().parse(argument))
    except ValueError as error:
        raise ParameterError(f"The argument {argument!r} cannot be read: {error}.", ways=[_BRACES]) from None
    return [(name, conversion) for _, name, _, conversion in parts if name is not None]


def _check_place(argument: str, name: str, conversion: str | None) -> None:
    if conversion or not name.replace("/", "").replace("_", "").replace("-", "").isalnum():
        raise ParameterError(
            f"{{{name}}} in the argument {argument!r} cannot be used.",
            expected=f"the name of a parameter, {{{PARAMETERS}}}, {{{OUTPUT}}} or {{{HERE}}}",
            ways=[_BRACES],
        )
    if name not in _OWN and not name.startswith(_BRANCH):
        meant = difflib.get_close_matches(name, _OWN, n=1, cutoff=_MISSPELT)
        if meant:
            raise ParameterError(
                f"{{{name}}} in the argument {argument!r} is unknown.",
                ways=[
                    f"Did you mean {{{meant[0]}}}?",
                    f"Write {{{_BRANCH}{name}}} for a parameter of this name.",
                ],
            )


def _text(name: str, value: Any, spec: str) -> str:
    """Return the text of one value for an argument: 17 digits of a float, 1 and 0 of a bool."""
    value = value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value
    if not isinstance(value, (str, int, float)):
        kind = "None" if value is None else f"a value of type {type(value).__name__}"
        raise ParameterError(
            f"The parameter '{name}' is {kind}.",
            expected="text or one number for an argument",
            ways=[f"Use {{{PARAMETERS}}} to pass it in a file."],
        )
    if spec:
        try:
            return format(value, spec)
        except ValueError as error:
            raise ParameterError(f"The parameter '{name}' as {{{name}:{spec}}}: {error}.") from None
    if isinstance(value, bool):
        return str(int(value))
    return repr(float(value)) if isinstance(value, float) else str(value)


def find_executable(name: str, here: str) -> str:
    """Return the path of an executable, as a shell finds it.

    Raises
    ------
    ParameterError
        There is none, or it cannot be executed. The message says what there is instead.
    """
    if "/" in name:
        path = str(Path(here, name))
        if files.is_directory(path):
            raise ParameterError(f"{name} is a directory, not an executable.")
        if files.exists(path):
            _check_executable(name, path)
            return path
        directory, last = str(Path(path).parent), Path(path).name
        if not files.is_directory(directory):
            raise ParameterError(f"There is no executable {name}: there is no directory {directory}.")
        raise ParameterError(
            f"There is no executable {name} in {directory}.", name=last, available=files.names(directory)
        )
    directories = [directory for directory in os.environ.get("PATH", _SEARCHED).split(":") if directory]
    for directory in directories:
        path = files.inside(directory, name)
        if files.exists(path) and not files.is_directory(path) and files.is_executable(path):
            return path
    if files.exists(files.inside(here, name)):
        raise ParameterError(
            f"There is no executable {name!r} in the search path.", ways=[f"Write ./{name} for the one here."]
        )
    there = {
        found
        for directory in directories
        if files.is_directory(directory)
        for found in files.names(directory)
    }
    hints = near_names(name, there)
    hint = f" Did you mean {' or '.join(map(repr, hints))}?" if hints else ""
    raise ParameterError(f"There is no executable {name!r} in the search path.{hint}")


def _check_executable(name: str, path: str) -> None:
    if not files.is_executable(path):
        raise ParameterError(
            f"{name} cannot be executed.", ways=[f"Make it a program: chmod +x {shlex.quote(name)}"]
        )
