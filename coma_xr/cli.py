"""The terminal command ``coma-xr``: its commands with their options, in one table, and how it ends.

Each command is the function of its name in a module of `coma_xr.terminal`, which is loaded when it is needed, so that
each command starts as soon as it can.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from coma_xr import __version__
from coma_xr.checks import local_path
from coma_xr.errors import ComaError, ComaWarning
from coma_xr.scratch import discarding
from coma_xr.text import alternatives, available, beginning_with, clean_lines, near_names, shortened

FAILED = 1
MISUSED = 2
INTERRUPTED = 130
NOT_READ = 141

# ------------------------------------------------------------------------------------------- arguments


@dataclass(frozen=True)
class Argument:
    """An argument of a command: its flags, or the name of one without flags, and what argparse takes for it."""

    flags: tuple[str, ...]
    keywords: Mapping[str, Any]

    @classmethod
    def of(cls, *flags: str, **keywords: Any) -> Argument:
        """Return an argument, given as for ``add_argument``."""
        return cls(flags, keywords)


_argument = Argument.of


def _seconds(text: str) -> float:
    with suppress(ValueError):
        seconds = float(text)
        if 0.01 <= seconds <= 86400:
            return seconds
    raise argparse.ArgumentTypeError(f"expected seconds from 0.01 to 86400, found {shortened(text)}")


def _id(text: str) -> int:
    with suppress(ValueError):
        return int(text)
    raise argparse.ArgumentTypeError(f"expected the id of a measurement, found {shortened(text)}")


def _checked(read: Any) -> dict[str, Any]:
    """Return the type of an option of numbers, whose errors say what was expected; nothing of other options."""
    expected = {int: "an integer", float: "a number"}.get(read)

    def value(text: str) -> Any:
        with suppress(ValueError):
            return read(text)
        raise argparse.ArgumentTypeError(f"expected {expected}, found {shortened(text)}")

    return {"type": value} if expected else {}


_DIR = _argument(
    "path", metavar="DIR", nargs="?", default=".", help="directory or file of the experiment (default: here)"
)
_DIRS = _argument(
    "paths",
    metavar="DIR",
    nargs="*",
    default=["."],
    help="directories or files of experiments (default: here)",
)
_IDS = _argument("ids", metavar="ID", nargs="*", type=_id, help="ids of measurements")
_JSON = _argument("--json", dest="as_json", action="store_true", help="print JSON, for programs")
_OVERWRITE = _argument("--overwrite", action="store_true", help="replace an existing file")


def _where(what: str) -> Argument:
    example = "such as \"A > 3 and model == 'Ising'\""
    return _argument("--where", metavar="CONDITION", help=f"{what}, {example}")


def _of_table(options: Mapping[str, dict[str, Any]], default: Any = None) -> list[Argument]:
    """Return the arguments of `coma_xr.plot` or `Experiment.run` as options; see `terminal_options`."""
    arguments = []
    for name, kept in options.items():
        settings = dict(kept)
        prefix = "--no-" if settings.get("action") == "store_false" else "--"
        flags = [flag for flag in (settings.pop("short", ""), f"{prefix}{name.replace('_', '-')}") if flag]
        arguments.append(_argument(*flags, dest=name, **{"default": default, **settings}))
    return arguments


def _plot_arguments() -> list[Argument]:
    from coma_xr.checks import terminal_options
    from coma_xr.plotting.arguments import PlotSpec

    return [
        _DIR,
        _argument("figure", metavar="FIGURE", nargs="?", help="name of a figure kept with the experiment"),
        *_of_table(terminal_options(PlotSpec)),
        _argument(
            "-o",
            "--output",
            metavar="FILE",
            help="the file, .png, .pdf or .svg (default: the experiment's name with .png, here)",
        ),
        _where("only measurements for which this holds"),
        _OVERWRITE,
    ]


def _run_arguments() -> list[Argument]:
    from coma_xr.checks import terminal_options
    from coma_xr.run.options import RunOptions

    return [
        _argument(
            "target", metavar="FUNCTION", help="FILE.py:FUNCTION, PACKAGE.MODULE:FUNCTION or FILE.toml"
        ),
        _argument("values", metavar="NAME=VALUES", nargs="*", help="values of a parameter"),
        _argument(
            "-o", "--output", metavar="DIR", help="the experiment (default: ./ and the name of the function)"
        ),
        _argument(
            "--zip",
            dest="zipped",
            metavar="NAMES",
            action="append",
            help="parameters that vary together, as a,b",
        ),
        _where("only parameter sets for which this holds"),
        # Options that are not given are left out, because None is a value of some of them.
        *_of_table(terminal_options(RunOptions), default=argparse.SUPPRESS),
    ]


# ---------------------------------------------------------------------------------------- the commands


@dataclass(frozen=True)
class Command:
    """A command: the module of its function, its help, and its arguments, made when they are needed."""

    name: str
    module: str
    summary: str
    more: str
    examples: tuple[str, ...]
    arguments: Sequence[Argument] | Callable[[], Sequence[Argument]]

    def all_arguments(self) -> Sequence[Argument]:
        """Return the arguments."""
        return self.arguments() if callable(self.arguments) else self.arguments


GROUPS: dict[str, tuple[Command, ...]] = {
    "Run": (
        Command(
            "run",
            "runs",
            "run a function for many parameter sets",
            "VALUES are 1,2.5 or a,b or range(10), linspace(0,1,11), logspace(-3,0,4), geomspace(1,100,3). Points that have a "
            "measurement are skipped, so the same command resumes an interrupted run. A TOML file has the same "
            "content: function, directory, [scan], [options].",
            (
                'coma-xr run model.py:simulate T=1,2,3 "x=linspace(0,1,11)" -j 2 --repeats 10',
                "coma-xr run scan.toml --dry-run",
            ),
            _run_arguments,
        ),
        Command(
            "status",
            "runs",
            "print the progress of an experiment",
            "It counts measurements, failures and missing parameter sets of the last scan. While another process runs the "
            "experiment, it also prints the progress of this run and the time left.",
            ("coma-xr status pendulum",),
            (_DIR, _JSON),
        ),
        Command(
            "watch",
            "runs",
            "show the progress of a run until it ends",
            "The exit status is 1 if something failed or is missing. Ctrl-C stops watching, but not the run.",
            ("coma-xr watch pendulum",),
            (
                _DIR,
                _argument(
                    "--interval",
                    metavar="SECONDS",
                    type=_seconds,
                    default=1.0,
                    help="seconds between updates (default: %(default)s)",
                ),
            ),
        ),
        Command(
            "demo",
            "runs",
            "run a small example with a figure, netCDF and CSV",
            "The example is a pendulum: its exact motion and the small-angle approximation, at three amplitudes and 20 angles "
            "each. Existing files are neither computed again nor overwritten.",
            ("coma-xr demo",),
            (
                _argument(
                    "path",
                    metavar="DIR",
                    nargs="?",
                    type=Path,
                    default=Path("coma-xr-demo"),
                    help="directory for the results (default: ./%(default)s)",
                ),
            ),
        ),
    ),
    "Inspect": (
        Command(
            "ls",
            "views",
            "list the experiments below a directory",
            "Experiments that cannot be read are reported on stderr.",
            ("coma-xr ls experiments",),
            (
                _argument(
                    "paths", metavar="DIR", nargs="*", default=["."], help="directories (default: here)"
                ),
                _JSON,
            ),
        ),
        Command(
            "show",
            "views",
            "show an experiment or a part of it",
            "It prints description, counts, parameters and results. With a number it prints one measurement, with a path or "
            "name its values in all measurements.",
            ("coma-xr show pendulum", "coma-xr show pendulum 12", "coma-xr show pendulum results/t"),
            (
                _DIR,
                _argument(
                    "what",
                    metavar="ID|PATH",
                    nargs="?",
                    help="id of a measurement, path such as results/t, or name",
                ),
                _JSON,
            ),
        ),
        Command(
            "paths",
            "views",
            "list the paths in the measurements",
            "For each path it prints name, role, type, number of distinct values, range and number of measurements.",
            ("coma-xr paths pendulum",),
            (_DIR, _JSON),
        ),
        Command(
            "failures",
            "views",
            "list the parameter sets that failed",
            "Failures with the same exception at the same line are listed together. The next run tries them again.",
            ("coma-xr failures pendulum", "coma-xr failures pendulum --traceback 12"),
            (
                _DIR,
                _argument(
                    "--traceback",
                    metavar="ID",
                    nargs="?",
                    const=0,
                    type=_id,
                    help="print one traceback (without ID: if all failed alike)",
                ),
                _argument("--all", dest="everything", action="store_true", help="list each failure"),
                _JSON,
            ),
        ),
        Command(
            "code",
            "views",
            "show which code made the measurements",
            "It lists the states of the code. With an id it prints the sources that made this measurement, with two ids how "
            "they differ.",
            ("coma-xr code pendulum", "coma-xr code pendulum 12 60", "coma-xr code pendulum 12 -o old"),
            (
                _DIR,
                _argument("ids", metavar="ID", nargs="*", type=_id, help="at most two measurements"),
                _argument(
                    "--accept", action="store_true", help="record that all code gives the same results"
                ),
                _argument(
                    "-o", "--output", metavar="DIR", help="write sources and requirements to a new directory"
                ),
                _JSON,
            ),
        ),
    ),
    "Use": (
        Command(
            "plot",
            "views",
            "draw an experiment into a file",
            "NAME is the name or path of a parameter or result. FIGURE is a figure that was defined in Python, and options "
            "change it.",
            ("coma-xr plot pendulum -x theta -y t -y t_ --col theta_0 -o pendulum.pdf",),
            _plot_arguments,
        ),
        Command(
            "report",
            "views",
            "write a page about an experiment",
            "It is one HTML file that needs no network, with parameters, results, failures, durations and versions.",
            ("coma-xr report pendulum -o pendulum.html",),
            (
                _DIR,
                _argument(
                    "-o",
                    "--output",
                    metavar="FILE",
                    help="the page (default: the experiment's name with .html, here)",
                ),
                _OVERWRITE,
            ),
        ),
        Command(
            "export",
            "views",
            "write an experiment into one file for other programs",
            "The ending of FILE selects the format: .nc (netCDF), .zarr and .json have all dims, .csv and .parquet have a row "
            "for each measurement.",
            ('coma-xr export pendulum small.csv --where "theta_0 > -10"',),
            (
                _DIR,
                _argument("output", metavar="FILE", help="file to write"),
                _where("only measurements for which this holds"),
                _OVERWRITE,
            ),
        ),
    ),
    "Maintain": (
        Command(
            "annotate",
            "editing",
            "record units, names and defaults of parameters and results",
            "Without options it lists the annotations. An empty value removes one.",
            ('coma-xr annotate pendulum t --units s --long-name "time"',),
            (
                _DIR,
                _argument("name", metavar="PATH", nargs="?", help="path such as results/t, or name"),
                _argument("--units", metavar="TEXT", help="unit of its values"),
                _argument("--long-name", metavar="TEXT", help="label in figures"),
                _argument("--default", metavar="VALUE", help="value of measurements without this parameter"),
                _argument("--dims", metavar="NAMES", help="dims of a list or array, as x,y"),
                _argument("--formerly", metavar="PATHS", help="former paths, as parameters/a,parameters/b"),
            ),
        ),
        Command(
            "exclude",
            "editing",
            "mark measurements to be ignored",
            "They stay, and Datasets have NaN in their place. Without ids and condition it lists the marks.",
            ('coma-xr exclude pendulum 12 13 --reason "lamp off"', "coma-xr exclude pendulum 12 --undo"),
            (
                _DIR,
                _IDS,
                _where("measurements for which this holds"),
                _argument("--reason", metavar="TEXT", help="why; needed, except with --undo"),
                _argument("--undo", action="store_true", help="remove the mark"),
            ),
        ),
        Command(
            "remove",
            "editing",
            "move measurements out of an experiment",
            "They are listed first, and moved to removed/ in its directory when you agree. `coma-xr restore` puts them "
            "back. The next run computes them again.",
            (
                'coma-xr remove pendulum --where "theta > 50"',
                'coma-xr remove pendulum 12 13 --yes --reason "lamp off"',
            ),
            (
                _DIR,
                _IDS,
                _where("measurements for which this holds"),
                _argument("--reason", metavar="TEXT", help="keep the reason with them"),
                _argument("-y", "--yes", action="store_true", help="do it without asking"),
            ),
        ),
        Command(
            "restore",
            "editing",
            "list removed measurements, or put them back",
            "Without ids and options it lists what remove and reset moved to removed/.",
            ("coma-xr restore pendulum", "coma-xr restore pendulum 12 13", "coma-xr restore pendulum --all"),
            (
                _DIR,
                _IDS,
                _where("removed measurements for which this holds"),
                _argument("--all", dest="everything", action="store_true", help="put everything back"),
            ),
        ),
        Command(
            "verify",
            "editing",
            "check every file of experiments",
            "If it finds a fault, it prints the command that repairs it, if there is one, and the exit status is 1.",
            ("coma-xr verify pendulum", "coma-xr verify pendulum --repair"),
            (
                _DIRS,
                _argument(
                    "--repair", action="store_true", help="repair what can be repaired; nothing is deleted"
                ),
                _JSON,
            ),
        ),
        Command(
            "cache",
            "editing",
            "delete the cache of experiments",
            "The next command reads every measurement file and writes the cache again.",
            ("coma-xr cache clear pendulum",),
            (
                _argument("action", metavar="clear", choices=("clear",), help="delete it"),
                _DIRS,
            ),
        ),
        Command(
            "merge",
            "editing",
            "add the measurements of copies of an experiment",
            "They get new ids, and equal ones are skipped. If results or seeds of the same parameters differ, they are listed "
            "and nothing is written.",
            ("coma-xr merge pendulum from-the-cluster/pendulum",),
            (
                _DIR,
                _argument("others", metavar="COPY", nargs="+", help="copies; they are only read"),
                _argument("--keep-both", action="store_true", help="add those that differ as they are"),
                _argument(
                    "--repeats",
                    choices=("append",),
                    help="append: add samples with other seeds as further repeats",
                ),
                _JSON,
            ),
        ),
        Command(
            "deactivate",
            "editing",
            "move all measurements into the experiment file",
            "One file replaces thousands, and can be read like an active experiment.",
            ("coma-xr deactivate pendulum --compress",),
            (
                _DIR,
                _argument(
                    "--compress", action="store_true", help="pack it (.gz), which Coma 2 does not read"
                ),
                _argument(
                    "--no-code", dest="code", action="store_false", help="copy no sources from code/ into it"
                ),
            ),
        ),
        Command(
            "activate",
            "editing",
            "move each measurement into its own file again",
            "New measurements can then be added.",
            ("coma-xr activate pendulum",),
            (_DIR,),
        ),
    ),
    "Set up": (
        Command(
            "config",
            "editing",
            "write the configuration file and the index of experiments",
            "The file lists all settings with their defaults. The index gives new experiments their numbers. Existing files "
            "are not changed.",
            ("coma-xr config", "coma-xr config --show"),
            (
                _argument("--show", action="store_true", help="print the settings, and write nothing"),
                _argument(
                    "--no-index", action="store_true", help="write no index: experiments get no numbers"
                ),
            ),
        ),
        Command(
            "completion",
            "completion",
            "print the completion script of a shell",
            'Load it in the start file of the shell, such as eval "$(coma-xr completion bash)" in ~/.bashrc.',
            ("coma-xr completion bash", "coma-xr completion zsh", "coma-xr completion fish"),
            (_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish"),),
        ),
    ),
}
"""All commands. A new one is an entry here and a function of its name in a module of `coma_xr.terminal`."""

COMMANDS = {command.name: command for group in GROUPS.values() for command in group}


# --------------------------------------------------------------------------------------------- the run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a terminal command."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _prepare_streams()
    try:
        code = _command(words)
        sys.stdout.flush()
    except SystemExit:
        # Of argparse, which has printed help or an error.
        with suppress(OSError):
            sys.stdout.flush()
        raise
    except BrokenPipeError:
        # The reader, such as `head`, has ended. Without this, Python would try to write the rest when it exits.
        sys.stdout = None
        return NOT_READ
    except ComaError as error:
        _report(error.message("terminal"))
        return MISUSED if error.is_usage else FAILED
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        # Files are written elsewhere, so the system refused the output.
        sys.stdout = None
        _report(f"the output could not be written: {error.strerror}")
        return FAILED
    except KeyboardInterrupt:
        _report("interrupted; what was finished is saved")
        return INTERRUPTED
    return code or 0


def _command(words: list[str]) -> int | None:
    """Read the words of a command and run it."""
    parser = _parser(words[0] if words else "")
    if not words:
        parser.print_help()
        return 0
    _check_command(parser, words)
    options, unknown = parser.parse_known_args(words)
    unknown = _further_values(options, unknown)
    if unknown:
        _refuse(options.parser, unknown)
    with warnings.catch_warnings():
        _tell_warnings()
        _expand_paths(options)
        return _run(options)


def _prepare_streams() -> None:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # It is closed. A file that is opened later would get its number, and what C code prints.
            setattr(sys, name, discarding())
        stream = getattr(sys, name)
        # Names and descriptions may contain characters that the terminal cannot show.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _report(text: str) -> None:
    from coma_xr.terminal.printing import notice

    with suppress(OSError, AttributeError):
        sys.stdout.flush()
    with suppress(OSError):
        notice(text, "bad")


def _run(options: argparse.Namespace) -> int | None:
    """Call the function of a command."""
    module = importlib.import_module("coma_xr.terminal." + COMMANDS[options.command].module)
    function = getattr(module, options.command)
    given = {**vars(options), "options": options, "commands": COMMANDS}
    code: int | None = function(**{name: given[name] for name in inspect.signature(function).parameters})
    return code


# The arguments of commands that are paths, one or several.
_PATHS = ("path", "paths", "output", "others")


def _expand_paths(options: argparse.Namespace) -> None:
    """Expand ``~`` where the shell did not, and refuse remote addresses."""
    for name in _PATHS:
        paths = getattr(options, name, None)
        if isinstance(paths, list):
            setattr(options, name, [local_path(path) for path in paths])
        elif paths is not None:
            setattr(options, name, local_path(paths))


def _check_command(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Exit with the nearest commands when the first word is neither a command nor an option."""
    if words[0].startswith("-"):
        if words[0] not in {"-h", "--help", "--version"}:
            _refuse(parser, words[:1])
    elif words[0] not in COMMANDS:
        parser.error(f"Unknown command '{words[0]}'. {available(words[0], COMMANDS)}")


def _further_values(options: argparse.Namespace, unknown: list[str]) -> list[str]:
    """Add values of parameters between options, which argparse does not read; return the other words."""
    if not hasattr(options, "values"):
        return unknown
    values = [word for word in unknown if "=" in word and not word.startswith("-")]
    options.values = [*options.values, *values]
    return [word for word in unknown if word not in values]


def _refuse(parser: argparse.ArgumentParser, unknown: Sequence[str]) -> NoReturn:
    """Exit with the usage of the command, and the options nearest to the unknown ones."""
    # argparse has no public attribute for the arguments of a parser.
    known = [name for action in parser._actions for name in action.option_strings]
    flags = [word.partition("=")[0] for word in unknown if word.startswith("-")]
    name = parser.prog.removeprefix("coma-xr ")
    if not flags:
        parser.error(f"{name} takes no further argument {alternatives(unknown)}.")
    # Dashes would make all options alike.
    by_word = {name.lstrip("-"): name for name in known}
    words = [flag.lstrip("-") for flag in flags]
    near = [
        [by_word[name] for name in (beginning_with(word, by_word) or near_names(word, by_word))[:1]]
        for word in words
    ]
    hint = f" Did you mean {alternatives([name for names in near for name in names])}?" if any(near) else ""
    parser.error(f"{name} has no option {alternatives(flags)}.{hint}")


def _tell_warnings() -> None:
    """Print each warning of coma_xr once, without the line of code that raised it."""
    others, shown = warnings.showwarning, set()

    def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, ComaWarning):
            others(message, category, *place, **more)
        elif str(message) not in shown:
            from coma_xr.terminal.printing import notice

            shown.add(str(message))
            words = message.message("terminal") if isinstance(message, ComaWarning) else str(message)
            notice(f"warning: {clean_lines(words)}", "note")

    warnings.simplefilter("always", ComaWarning)
    warnings.showwarning = show


# ------------------------------------------------------------------------------------------ the parser


def _parser(only: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of all commands, with the arguments of all or, which is faster, of one of them."""
    parser = _Parser(
        prog="coma-xr",
        usage="coma-xr COMMAND ...",
        description="Parameter scans that keep each result as one readable file\nand come back as labelled arrays.",
        epilog=_overview(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"coma_xr {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, help=argparse.SUPPRESS)
    for command in COMMANDS.values():
        subparser = commands.add_parser(
            command.name,
            prog=f"coma-xr {command.name}",
            description=f"{command.summary[0].upper()}{command.summary[1:]}. {command.more}".strip(),
            epilog=_examples(command.examples),
            formatter_class=_Help,
            allow_abbrev=False,
        )
        subparser.set_defaults(parser=subparser)
        if only is None or only == command.name:
            for argument in command.all_arguments():
                subparser.add_argument(
                    *argument.flags, **{**argument.keywords, **_checked(argument.keywords.get("type"))}
                )
    return parser


# Lines of usage that are printed with an error; more would hide it.
_FEW = 3


class _Parser(argparse.ArgumentParser):
    """Words wrong usage as other errors are, below a usage that is short."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and leave."""
        from coma_xr.terminal.printing import notice

        usage = self.format_usage()
        if usage.count("\n") > _FEW:
            short = argparse.HelpFormatter(f"{self.prog} [OPTIONS]")
            # argparse has no public attribute for the arguments of a parser.
            positional = [action for action in self._actions if not action.option_strings]
            short.add_usage(None, positional, [])
            usage = f"{short.format_help()}`{self.prog} --help` lists the options.\n"
        sys.stderr.write(usage)
        notice(message, "bad")
        self.exit(MISUSED)


class _Help(argparse.HelpFormatter):
    """Fills paragraphs, and keeps the lines of examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("examples:"):
            return "\n".join(indent + line for line in text.splitlines())
        return super()._fill_text(text, width, indent)


def _examples(examples: Iterable[str]) -> str:
    return "\n".join(["examples:", *(f"  $ {example}" for example in examples)])


def _overview() -> str:
    """Return the commands in their groups, with what they do."""
    most = max(map(len, COMMANDS))
    lines = []
    for title, group in GROUPS.items():
        lines += [f"{title}:", *(f"    {command.name:{most}}  {command.summary}" for command in group), ""]
    return "\n".join(
        [
            *lines,
            "`coma-xr COMMAND --help` explains a command.",
            "Exit status: 0 success, 1 failure, 2 wrong usage, 130 interrupted.",
        ]
    )
