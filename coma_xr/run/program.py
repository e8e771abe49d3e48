"""Functions made of external programs, in whatever language they are written."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from coma_xr import files
from coma_xr.checks import check_choice, check_flag, check_positive
from coma_xr.code.sources import hash_of_file
from coma_xr.define.parameters import ParameterSet
from coma_xr.encoding import json, lines, xml
from coma_xr.encoding.boost import write_parameters
from coma_xr.errors import ComaError, DataFileError, ParameterError, StorageError
from coma_xr.keywords import checks_keywords
from coma_xr.run import child
from coma_xr.run.template import HERE, OUTPUT, PARAMETERS, Template
from coma_xr.text import listing, shortened, with_article
from coma_xr.values.plain import from_plain, to_plain

Input = Literal["json", "xml"]
Output = Literal["json", "xml", "text"]

_SUFFIXES = {"json": ".json", "xml": ".xml", "text": ".txt"}

# Of what a program says, the last lines are told.
_LINES = 10
_WIDTH = 300


class ProgramError(ComaError):
    """An external program gave no result.

    Parameters
    ----------
    message : str
        What went wrong, in words.
    command : str
        The command as it was run.
    code : int or None
        The exit code; below 0 the signal that ended the program; None when it was not started or took too long.
    stderr : str
        The last lines of its standard error.
    """

    def __init__(self, message: str, command: str = "", code: int | None = None, stderr: str = "") -> None:
        super().__init__(message, command, code, stderr)
        self.command = command
        self.code = code
        self.stderr = stderr

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Program:
    """A function that runs an external program; made by `program`, which says what the parameters mean."""

    template: Template
    input: Input | None = "json"
    output: Output = "json"
    input_file: str | None = None
    output_file: str | None = None
    timeout: float | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    keep_failed: bool = False
    name: str | None = None

    @property
    def __name__(self) -> str:
        return self.name or self._executable

    @property
    def _executable(self) -> str:
        return Path(self.template.arguments[0]).stem

    def __call__(self, parameter_set: Any = None, /, **keywords: Any) -> Any:
        """Run the program once.

        Raises
        ------
        ProgramError
            The program failed, took too long, or wrote nothing that can be read.
        ParameterError
            The command has no place for a parameter, or asks for another.
        SerializationError
            A value that cannot be handed to it.
        """
        values = _values(parameter_set, keywords)
        with files.scratch_directory(keep_on_error=self.keep_failed) as directory:
            places = {
                PARAMETERS: files.inside(
                    directory, self.input_file or f"parameters{_SUFFIXES[self.input or 'json']}"
                ),
                OUTPUT: files.inside(directory, self.output_file or f"output{_SUFFIXES[self.output]}"),
                HERE: self.template.here,
            }
            arguments = self.template.fill(values, places, all_used=not self._writes_file())
            if self._writes_file():
                files.create(places[PARAMETERS], self._parameters(values), sync=False)
            return self._result(arguments, directory, places[OUTPUT])

    def coma_code(self) -> dict[str, str]:
        """Return what counts as the code of the program: hashes of its executable and of files in the command."""
        state = {"input": str(self.input), "output": str(self.output), "env": repr(sorted(self.env.items()))}
        for position, argument in enumerate(self.template.arguments):
            path = argument.replace("{{", "{").replace("}}", "}").replace(f"{{{HERE}}}", self.template.here)
            is_file = position == 0 or files.stamp(path) is not None
            name = Path(path).name if is_file else argument
            state[f"argument {position}"] = f"{name} {hash_of_file(path) or 'unknown'}" if is_file else name
        return state

    def coma_check(self, names: Sequence[str]) -> None:
        """Raise ParameterError when the command and parameters of these names do not fit together."""
        self.template.check(names, all_used=not self._writes_file())

    def _writes_file(self) -> bool:
        return self.input_file is not None or PARAMETERS in self.template.names

    def _reads_file(self) -> bool:
        return self.output_file is not None or OUTPUT in self.template.names

    def _parameters(self, values: Mapping[str, Any]) -> bytes:
        lists = {
            name: value.tolist() if hasattr(value, "tolist") else value for name, value in values.items()
        }
        return write_parameters(lists) if self.input == "xml" else json.encode(to_plain(lists))

    def _result(self, arguments: list[str], directory: str, path: str) -> Any:
        command = shlex.join(arguments)
        try:
            ended = child.run(
                arguments,
                directory=directory,
                environment={**os.environ, **self.env},
                timeout=self.timeout,
                most=None if self._reads_file() else files.LIMIT,
            )
        except OSError as error:
            raise ProgramError(f"{command}: cannot be started: {error.strerror}.", command) from error
        except ValueError as error:
            raise ParameterError(f"{command!r}: cannot be started: {error}.") from error
        reason = self._failure(ended)
        if reason is None:
            try:
                return _read(self.output, files.read(path) if self._reads_file() else ended.output)
            except FileNotFoundError:
                there = listing(sorted(files.names(directory))) if files.names(directory) else "nothing"
                reason = f"ended well, but did not write {Path(path).name}; its directory holds: {there}"
            except (DataFileError, StorageError) as error:
                reason = f"wrote no {self.output} that can be read: {error}"
        raise self._error(reason, command, ended, directory)

    def _failure(self, ended: child.Ended) -> str | None:
        if ended.too_long:
            return f"wrote more than {files.LIMIT} bytes to its standard output and was ended"
        if ended.code is None:
            return f"took longer than {self.timeout:g} s and was ended"
        if ended.code < 0:
            known = {number.value: number.name for number in signal.Signals}
            return f"was ended by the signal {known.get(-ended.code, -ended.code)}"
        return f"ended with exit code {ended.code}" if ended.code else None

    def _error(self, reason: str, command: str, ended: child.Ended, directory: str) -> ProgramError:
        said = _last_lines(ended.errors)
        lines = [f"{self._executable} {reason}" + (f": {said[-1]}" if said else "."), f"  command: {command}"]
        if said:
            lines += ["  standard error:", *[f"    {line}" for line in said]]
        elif _last_lines(ended.output):
            lines += ["  standard output:", *[f"    {line}" for line in _last_lines(ended.output)]]
        lines += [f"  note: {hint}" for hint in self.template.hints()]
        if self.keep_failed:
            lines.append(f"  kept: {directory}")
        return ProgramError("\n".join(lines), command, ended.code, "\n".join(said))


def _last_lines(data: bytes) -> list[str]:
    lines = [line.rstrip() for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
    return [line[:_WIDTH] for line in lines[-_LINES:]]


def _values(parameter_set: Any, keywords: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters by their names."""
    if parameter_set is None:
        return keywords
    if keywords:
        raise ParameterError("A program takes one parameter set, or a keyword for each parameter, not both.")
    if isinstance(parameter_set, ParameterSet):
        # Through the class: one of the parameters may be called to_dict.
        return ParameterSet.to_dict(parameter_set)
    if isinstance(parameter_set, Mapping):
        return {str(name): value for name, value in parameter_set.items()}
    raise ParameterError(
        f"A program got {shortened(parameter_set)}, {with_article(type(parameter_set).__name__)}.",
        expected="a parameter set or a dictionary",
        ways=["Name values to call it with them: f(theta=1.5)."],
    )


def _read(output: Output, data: bytes) -> Any:
    if not data.strip():
        raise DataFileError("nothing but blanks" if data else "it is empty")
    if output == "text":
        return lines.decode(data)
    tree = json.decode(data) if output == "json" else xml.decode(data)
    if output == "xml":
        # The one element that every XML text has around it is no part of the result, unless it is all of it.
        ((_, inner),) = tree.items()
        tree = inner if isinstance(inner, dict) else tree
    return from_plain(tree)


@checks_keywords
def program(
    command: str | Sequence[str | os.PathLike[str]],
    *,
    input: Input | None = "json",
    output: Output = "json",
    input_file: str | None = None,
    output_file: str | None = None,
    timeout: float | None = None,
    env: Mapping[str, str] | None = None,
    keep_failed: bool = False,
    name: str | None = None,
) -> Program:
    """Make a function of an external program, to be given to `Experiment.run`.

    Each call runs the program in an empty directory of its own, which is removed afterwards.

    Parameters
    ----------
    command : str or sequence of str
        The executable and its arguments, split at blanks as in a shell, but without one. An executable with a slash
        is looked for from the current directory on, one without in the search path. In the arguments
        ``{parameters}`` is the path of a file with the parameters, ``{output}`` that of the file which the program
        writes, ``{here}`` the directory that is the current one now, and any other name in braces the value of this
        parameter, as in ``--theta={theta}``. ``{theta:.3f}`` formats it, a brace itself is written twice.
    input : {"json", "xml"} or None, default "json"
        The format of the file with the parameters: a JSON object, or an archive for ``xml_iarchive`` of
        Boost.Serialization; in either the parameters lie in the order of their definition. None: there is none.
    output : {"json", "xml", "text"}, default "json"
        The format of what the program writes, to the file ``{output}`` or, where the command has no such
        place, to its standard output. "xml" is Boost's or Coma's, without the root element if this holds
        several results. "text" is one number, several in a list, or a list of lines.
    input_file, output_file : str, optional
        The names of these files in the program's directory, for programs that have names of their own for them.
    timeout : float, optional
        How long one call may take [s]; then the program is ended, with all that it has started.
    env : mapping of str to str, optional
        Environment variables, beside those that there are.
    keep_failed : bool, default False
        Keep the directory of a call that failed; the error names it.
    name : str, optional
        What the function is called: a result that has no names of its own, such as a number or a list, is stored at
        ``results/<name>``. By default the executable's name.

    Returns
    -------
    Program
        A function of one parameter set, or of a keyword for each parameter.

    Raises
    ------
    ParameterError
        There is no such executable, or the command cannot mean what is written.

    Examples
    --------
    >>> successor = program("expr {n} + 1", output="text")
    >>> successor(n=2)
    3
    >>> program("expr {n} + 1", output="text", name="successor").__name__
    'successor'
    """
    check_choice("input", input, (*get_args(Input), None))
    check_choice("output", output, get_args(Output))
    timeout, keep_failed = (
        check_positive("timeout", timeout, "seconds"),
        check_flag("keep_failed", keep_failed),
    )
    for option, file in (("input_file", input_file), ("output_file", output_file)):
        if file is not None and (not file or file in {".", ".."} or set(file) & set("/\0")):
            raise ParameterError(
                f"{option}={file!r} cannot be used.", expected="a file name in the program's directory"
            )
    called: Any = name
    if called is not None and not (isinstance(called, str) and called.strip("/ ")):
        raise ParameterError(
            f"name={name!r} cannot be used.", expected="the name of the program's result, such as 'energy'"
        )
    here = str(Path.cwd())
    template = Template.of(command, here)
    if input is None and (input_file is not None or PARAMETERS in template.names):
        raise ParameterError(
            "The command uses a file with the parameters, and input=None writes none.",
            expected=f"input={' or '.join(map(repr, get_args(Input)))}",
        )
    if input_file is not None and input_file == output_file:
        raise ParameterError(f"input_file and output_file are both {input_file!r}.")
    variables = {str(name): str(value) for name, value in (env or {}).items()}
    return Program(template, input, output, input_file, output_file, timeout, variables, keep_failed, name)
