"""A program of another language as a function: its input from a template, its process, its output as results."""

from __future__ import annotations

import difflib
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from string import Formatter
from types import FrameType
from typing import IO, Any, Literal, Self, get_args

from coma_xr import files
from coma_xr.checks import (
    absolute_path,
    check_choice,
    check_duration,
    check_flag,
    check_string,
    checks_keywords,
    is_listed,
)
from coma_xr.code.sources import hash_of_file
from coma_xr.define.parameters import ParameterSet
from coma_xr.encoding import formats, json, xml
from coma_xr.encoding.boost import write_parameters
from coma_xr.errors import ComaError, DataFileError, ParameterError, StorageError
from coma_xr.scratch import scratch_directory
from coma_xr.text import alternatives, as_clause, listing, near_names, shortened, with_article
from coma_xr.values.plain import from_plain, to_plain

# What is kept of what a process says, when it is not its result [bytes].
_TAIL = 8192
_CHUNK = 65536

# How long a process may take to end after it was asked to, and what it wrote to arrive [s].
_GRACE = 1.0
_ARRIVAL = 0.2


@dataclass(frozen=True)
class Ended:
    """The outcome of a process."""

    code: int | None
    output: bytes
    errors: bytes
    too_long: bool


class _Drain(threading.Thread):
    """Reads a pipe to its end, so that the process never waits for it; keeps the last bytes, or all."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: IO[bytes], most: int | None = None) -> None:
        super().__init__(daemon=True, name=f"coma_xr reads from process {process.pid}")
        self._process = process
        self._pipe = pipe
        self._most = most
        self.data = b""
        self.too_long = False
        self.start()

    def run(self) -> None:
        chunks: list[bytes] = []
        size = 0
        while chunk := self._pipe.read1(_CHUNK):  # type: ignore[attr-defined]
            chunks.append(chunk)
            size += len(chunk)
            if self._most is not None and size > self._most and not self.too_long:
                self.too_long = True
                _signal(self._process, signal.SIGKILL)
            if size > _TAIL and (self._most is None or self.too_long):
                chunks = [b"".join(chunks)[-_TAIL:]]
                size = len(chunks[0])
        self.data = b"".join(chunks)


def run(
    arguments: Sequence[str],
    *,
    directory: str,
    environment: Mapping[str, str],
    timeout: float | None,
    most: int | None,
) -> Ended:
    """Run a process to its end.

    Raise OSError when it cannot be started.
    """
    process: subprocess.Popen[bytes] | None = None
    try:
        with _interruptions_held():
            process = subprocess.Popen(
                list(arguments),
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # A group of its own: Ctrl-C in the terminal is for the run, which finishes what has begun.
                start_new_session=True,
            )
        return _outcome(process, timeout, most)
    finally:
        if process is not None:
            with process:
                if process.returncode is None:
                    _end(process)


def _outcome(process: subprocess.Popen[bytes], timeout: float | None, most: int | None) -> Ended:
    """Wait for a process, and end it when it takes too long or the wait is interrupted."""
    code: int | None = None
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        output, errors = _Drain(process, process.stdout, most), _Drain(process, process.stderr)
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if code is None:
            _end(process)
    for drain in (output, errors):
        drain.join(_ARRIVAL)
        if drain.is_alive():
            # Something that the process has started still holds the pipe.
            _signal(process, signal.SIGKILL)
            drain.join(_GRACE)
    return Ended(code, output.data, errors.data, output.too_long)


@contextmanager
def _interruptions_held() -> Iterator[None]:
    """Deliver Ctrl-C at the end: within `Popen` it would leave a process that runs on unnoticed."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    received: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: received.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if received:
        handler(*received[0])


def _end(process: subprocess.Popen[bytes]) -> None:
    _signal(process, signal.SIGTERM)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to a process and all of its group."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        # They have ended; macOS calls what has ended but was not waited for a matter of permission.
        pass


PARAMETERS = "parameters"
OUTPUT = "output"
HERE = "here"
_OWN = (PARAMETERS, OUTPUT, HERE)

# As near as this to one of ours a name is taken for a misspelling.
_MISSPELT = 0.8

_BRANCH = "parameters/"

_BRACES = "Double a literal brace: {{ or }}."

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

        Raise ParameterError when the executable does not exist, or a place is none.
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

        Raise ParameterError when a name in braces is not that of a parameter, a parameter has no place, or a
        value is not a single string or number.
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
        """Raise ParameterError when a name in braces is not that of a parameter, or a parameter has no place."""
        names = list(names)
        known = {*names, *[f"{_BRANCH}{name}" for name in names], *_OWN}
        unknown = sorted(self.names - known)
        if unknown:
            known_names = [*names, *[f"{{{place}}}" for place in _OWN]]
            fault = f"The command asks for a parameter '{unknown[0]}'."
            raise ParameterError(fault, name=unknown[0], available=known_names)
        unused = [name for name in names if not self.names & {name, f"{_BRANCH}{name}"}] if all_used else []
        if unused:
            name = unused[0]
            raise ParameterError(
                f"The command does not use the parameter{'s' * (len(unused) > 1)} {listing(unused)}.",
                expected=f"{{{name}}}, or {{{PARAMETERS}}} for a file with all of them",
            )

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
                    f"the program runs in its own directory; for the file {argument!r} of {self.here} "
                    f"write {{{HERE}}}/{argument}"
                )


def _split(command: str | Sequence[str | os.PathLike[str]]) -> list[str]:
    if isinstance(command, str):
        try:
            arguments = shlex.split(command)
        except ValueError as error:
            raise ParameterError(
                f"The command {command!r} cannot be split into arguments: {as_clause(error)}.",
                ways=["Pass it as a list of arguments."],
            ) from None
    elif not is_listed(command) or not all(isinstance(word, (str, os.PathLike)) for word in command):
        raise ParameterError(
            f"command={shortened(command)} cannot be used.", expected="a string, or a list of arguments"
        )
    else:
        arguments = [os.fspath(argument) for argument in command]
    if not arguments or not arguments[0]:
        raise ParameterError("The command of a program is empty.", expected="an executable and its arguments")
    return arguments


def _places(argument: str) -> list[tuple[str, str | None]]:
    try:
        parts = list(Formatter().parse(argument))
    except ValueError as error:
        raise ParameterError(
            f"The argument {argument!r} cannot be read: {as_clause(error)}.", ways=[_BRACES]
        ) from None
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
            raise ParameterError(
                f"The parameter '{name}' cannot be written as {{{name}:{spec}}}: {as_clause(error)}.",
                expected="a format that fits its type",
            ) from None
    if isinstance(value, bool):
        return str(int(value))
    return repr(float(value)) if isinstance(value, float) else str(value)


def find_executable(name: str, here: str) -> str:
    """Return the path of an executable, as a shell finds it.

    Raise ParameterError when there is none, or it cannot be executed. The message states what there is
    instead.
    """
    if "/" in name:
        path = str(Path(here, name))
        if files.is_directory(path):
            raise ParameterError(f"{name} is a directory.", expected="an executable")
        if files.exists(path):
            _check_executable(name, path)
            return path
        directory, last = str(Path(path).parent), Path(path).name
        if not files.is_directory(directory):
            raise ParameterError(
                f"There is no executable {name}: there is no directory {directory}.", expected="an executable"
            )
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
    near = near_names(name, there)
    ways = [f"Did you mean {alternatives(near)}?"] if near else []
    raise ParameterError(f"There is no executable {name!r} in the search path.", ways=ways)


def _check_executable(name: str, path: str) -> None:
    if not files.is_executable(path):
        raise ParameterError(
            f"{name} cannot be executed.", ways=[f"Make it a program: chmod +x {shlex.quote(name)}"]
        )


Input = Literal["json", "xml"]
Output = Literal["json", "xml", "text"]

_SUFFIXES = {"json": ".json", "xml": ".xml", "text": ".txt"}

# The last lines of a program's output are reported.
_LINES = 10
_WIDTH = 300


class ProgramError(ComaError):
    """An external program failed or gave no result.

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


@checks_keywords
@dataclass(frozen=True)
class Program:
    """A function that runs an external program, as `program` returns it.

    The parameters are those of `program`.

    Examples
    --------
    >>> isinstance(program("expr {n} + 1", output="text"), Program)
    True
    """

    template: Template
    input: Input | None = "json"
    output: Output = "json"
    input_file: str | None = None
    output_file: str | None = None
    timeout: float | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    keep_failed: bool = False
    name: str | None = None

    def __repr__(self) -> str:
        defaults = {each.name: each.default for each in fields(self) if each.name not in {"template", "env"}}
        options = {
            name: getattr(self, name) for name, default in defaults.items() if getattr(self, name) != default
        }
        options |= {"env": dict(self.env)} if self.env else {}
        given = [repr([*self.template.arguments]), *(f"{name}={value!r}" for name, value in options.items())]
        return f"program({', '.join(given)})"

    @property
    def __name__(self) -> str:
        return self.name or self._executable

    @property
    def _executable(self) -> str:
        return Path(self.template.arguments[0]).stem

    def __call__(self, parameter_set: Any = None, /, **keywords: Any) -> Any:
        """Run the program once.

        Raise ProgramError when the program failed, took too long, or wrote nothing that can be read,
        ParameterError when the command has no place for a parameter, or asks for another, and
        SerializationError for a value that cannot be handed to it.
        """
        values = _values(parameter_set, keywords)
        with scratch_directory(keep_on_error=self.keep_failed) as directory:
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
            ended = run(
                arguments,
                directory=directory,
                environment={**os.environ, **self.env},
                timeout=self.timeout,
                most=None if self._reads_file() else files.LIMIT,
            )
        except OSError as error:
            raise ProgramError(f"{command}: cannot be started: {error.strerror}.", command) from error
        except ValueError as error:
            raise ParameterError(
                f"{command!r} cannot be started: {as_clause(error)}.",
                expected="arguments without null characters",
            ) from error
        reason = self._failure(ended)
        if reason is None:
            try:
                return _read(self.output, files.read(path) if self._reads_file() else ended.output)
            except FileNotFoundError:
                there = listing(sorted(files.names(directory))) if files.names(directory) else "nothing"
                reason = f"ended with exit code 0, but did not write {Path(path).name}; its directory holds: {there}"
            except (DataFileError, StorageError) as error:
                reason = f"wrote no {self.output} that can be read: {error.line()}"
        raise self._error(reason, command, ended, directory)

    def _failure(self, ended: Ended) -> str | None:
        if ended.too_long:
            return f"wrote more than {files.LIMIT} bytes to its standard output and was ended"
        if ended.code is None:
            return f"took longer than {self.timeout:g} s and was ended"
        if ended.code < 0:
            known = {number.value: number.name for number in signal.Signals}
            return f"was ended by the signal {known.get(-ended.code, -ended.code)}"
        return f"ended with exit code {ended.code}" if ended.code else None

    def _error(self, reason: str, command: str, ended: Ended, directory: str) -> ProgramError:
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
        raise ParameterError(
            "The program was given a parameter set and keywords.",
            expected="one parameter set, or a keyword for each parameter",
        )
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
        raise DataFileError("nothing but blanks" if data else "empty", expected="output")
    if output == "text":
        return formats.read_lines(data)
    tree = json.decode(data) if output == "json" else xml.decode(data)
    if output == "xml":
        # The one element that every XML text has around it is not part of the result, unless it is all of it.
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
    timeout: str | float | timedelta | None = None,
    env: Mapping[str, str] | None = None,
    keep_failed: bool = False,
    name: str | None = None,
) -> Program:
    """Return a function for `Experiment.run` that runs an external program.

    Each call runs the program in its own empty directory, which is removed afterwards.

    Parameters
    ----------
    command : str or sequence of str
        The executable and its arguments, split at blanks, without a shell. An executable with a slash is relative to the
        working directory, and one without a slash is searched in PATH. In the arguments, ``{parameters}`` is the path
        of a file with the parameters, ``{output}`` the path of the file that the program writes, ``{here}`` the current
        working directory, and ``{theta}`` the value of the parameter `theta`. ``{theta:.3f}`` formats it. Write braces
        twice to keep them.
    input : {"json", "xml"} or None, default "json"
        The format of the file with the parameters, in the order of their definition: a JSON object, an archive for
        ``xml_iarchive`` of Boost.Serialization, or no file.
    output : {"json", "xml", "text"}, default "json"
        The format of the output, in the file ``{output}`` or, without it, on standard output. "xml" is Boost's or Coma's, without the root element if this holds
        several results. "text" is one number, several in a list, or a list of lines.
    input_file, output_file : str, optional
        The names of these files in the program's directory, for programs with fixed file names.
    timeout : str, float or timedelta, optional
        Time limit of one call [s], after which the program and its child processes are stopped.
    env : mapping of str to str, optional
        Environment variables, in addition to the existing ones.
    keep_failed : bool, default False
        Keep the directory of a failed call. The error names it.
    name : str, optional
        The name of the function. A number or list without a name is stored at ``results/<name>``. By default, the name of
        the executable.

    Returns
    -------
    Program
        A function of one parameter set, or of a keyword for each parameter.

    Raises
    ------
    ParameterError
        If the executable does not exist, or the command has an unknown placeholder.

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
        check_duration("timeout", timeout, endless=False),
        check_flag("keep_failed", keep_failed),
    )
    for option, file in (("input_file", input_file), ("output_file", output_file)):
        if check_string(option, file) is not None and (
            not file or file in {".", ".."} or set(file) & set("/\0")
        ):
            raise ParameterError(
                f"{option}={file!r} cannot be used.", expected="a file name in the program's directory"
            )
    called: Any = name
    if called is not None and not (isinstance(called, str) and called.strip("/ ")):
        raise ParameterError(
            f"name={name!r} cannot be used.", expected="the name of the program's result, such as 'energy'"
        )
    here = absolute_path()
    template = Template.of(command, here)
    if input is None and (input_file is not None or PARAMETERS in template.names):
        raise ParameterError(
            "The command uses a file with the parameters, and input=None writes none.",
            expected=f"input={' or '.join(map(repr, get_args(Input)))}",
        )
    if input_file is not None and input_file == output_file:
        raise ParameterError(
            f"input_file and output_file are both {input_file!r}.", expected="different files"
        )
    if not (env is None or isinstance(env, Mapping)):
        raise ParameterError(f"env={shortened(env)} cannot be used.", expected="a mapping of names to values")
    variables = {str(name): str(value) for name, value in (env or {}).items()}
    return Program(template, input, output, input_file, output_file, timeout, variables, keep_failed, name)
