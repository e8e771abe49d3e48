"""The terminal command ``coma-xr``: which words it takes, how it ends. What the words do is in `coma_xr.terminal`.

Modules are loaded by the command that needs them, so that each starts as soon as it can.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import Any, NoReturn

from coma_xr import __version__, demo
from coma_xr.errors import ComaError, ComaWarning
from coma_xr.text import available, clean, listing, near_names

FAILED = 1
INTERRUPTED = 130
NOT_READ = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a terminal command."""
    parser = _parser()
    _check_command(parser, sys.argv[1:] if arguments is None else arguments)
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        _refuse(options.parser, unknown)
    for stream in (sys.stdout, sys.stderr):
        # Names and descriptions may have letters that the terminal has not.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            _tell_warnings()
            _expand_paths(options)
            code = _run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python is not to try to write the rest at its end.
        sys.stdout = None
        return NOT_READ
    except ComaError as error:
        print(f"coma-xr: {error.message('terminal')}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("coma-xr: interrupted; what was finished is saved", file=sys.stderr)
        return INTERRUPTED
    return code or 0


def _run(options: argparse.Namespace) -> int | None:
    """Call the function of a command."""
    from coma_xr.terminal import commands

    function = getattr(commands, options.command)
    given = {**vars(options), "options": options}
    code: int | None = function(**{name: given[name] for name in signature(function).parameters})
    return code


# The arguments of commands that are paths, one or several.
_PATHS = ("path", "paths", "output", "others")


def _expand_paths(options: argparse.Namespace) -> None:
    """Expand ``~`` where the shell did not, and refuse remote addresses."""
    from coma_xr import files

    for name in _PATHS:
        paths = getattr(options, name, None)
        if isinstance(paths, list):
            setattr(options, name, [files.local_path(path) for path in paths])
        elif paths is not None:
            setattr(options, name, files.local_path(paths))


def _check_command(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Leave with the near commands when the first word is none."""
    commands = next(action.choices for action in parser._actions if action.dest == "command")
    if words and not words[0].startswith("-") and words[0] not in (commands or ()):
        parser.error(f"Unknown command '{words[0]}'. {available(words[0], commands or ())}")


def _refuse(parser: argparse.ArgumentParser, unknown: Sequence[str]) -> NoReturn:
    """Leave with the usage of the command, and the options that are near to the unknown ones."""
    text = f"{parser.prog} does not know {listing(unknown)}."
    # What was added to a parser is only there by this name.
    known = [name for action in parser._actions for name in action.option_strings]
    hints = [hint for word in unknown for hint in near_names(word.partition("=")[0], known)[:1]]
    parser.error(text + (f" Did you mean {' or '.join(hints)}?" if hints else ""))


def _tell_warnings() -> None:
    """Print each warning of coma_xr once, in one line, without the line of code that it came from."""
    others, told = warnings.showwarning, set()

    def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, ComaWarning):
            others(message, category, *place, **more)
        elif str(message) not in told:
            told.add(str(message))
            print(f"coma-xr: warning: {clean(message)}", file=sys.stderr)

    warnings.simplefilter("always", ComaWarning)
    warnings.showwarning = show


# ------------------------------------------------------------------------------------------ the words


class _Commands:
    """The commands, as they are added to a parser."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(self, name: str, summary: str, more: str, example: str) -> argparse.ArgumentParser:
        """Add a command with its help: a summary, what more there is to know, and an example.

        It calls the function of its name in `coma_xr.terminal.commands`, with the options that this takes.
        """
        parser = self._commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}. {more}".strip(),
            epilog=f"example: {example}",
            allow_abbrev=False,
        )
        parser.set_defaults(parser=parser)
        return parser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="coma-xr",
        description="Parameter scans that keep each result as one readable file and come back as labelled arrays.",
        epilog="`coma-xr COMMAND --help` tells more of one command. Commands end with 0 when all is well, with 1 when "
        "something is wrong, with 2 when they were not understood.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"coma_xr {__version__}")
    commands = _Commands(parser)
    _add_demo(commands)
    _add_looking(commands)
    _add_code(commands)
    _add_running(commands)
    _add_writing(commands)
    _add_keeping(commands)
    _add_config(commands)
    return parser


def _takes_experiment(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    help = "directory or file of the experiment"
    if optional:
        parser.add_argument("path", metavar="DIR", nargs="?", default=".", help=f"{help} (default: here)")
    else:
        parser.add_argument("path", metavar="DIR", help=help)


def _takes_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", dest="as_json", action="store_true", help="print JSON, for programs")


def _takes_where(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--where", metavar="CONDITION", help=f"{what}, such as \"A > 3 and model == 'Ising'\""
    )


def _takes_overwrite(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--overwrite", action="store_true", help="replace a file that exists")


def _add_demo(commands: _Commands) -> None:
    parser = commands.add(
        "demo",
        "run a small experiment, from the function to figure, netCDF and CSV",
        "It is the pendulum: its exact motion and the small-angle approximation, at three amplitudes and 20 angles "
        "each. Existing points and files are neither computed again nor overwritten.",
        "coma-xr demo",
    )
    parser.add_argument(
        "path",
        metavar="DIR",
        nargs="?",
        type=Path,
        default=Path(demo.DIRECTORY),
        help="where everything goes (default: ./%(default)s)",
    )


def _add_looking(commands: _Commands) -> None:
    parser = commands.add(
        "ls",
        "list the experiments below a directory",
        "Experiments that cannot be read are reported on stderr.",
        "coma-xr ls experiments",
    )
    help = "where to look (default: here)"
    parser.add_argument("paths", metavar="DIR", nargs="*", default=["."], help=help)
    _takes_json(parser)
    parser = commands.add(
        "show",
        "show an experiment, or a part of it",
        "Its description, counts, parameters and results; with a number one measurement; with a path, or a name, the "
        "values of it in all measurements.",
        "coma-xr show pendulum; coma-xr show pendulum 12; coma-xr show pendulum results/t",
    )
    _takes_experiment(parser)
    help = "a measurement's id; or a path, such as results/t, or its name"
    parser.add_argument("what", metavar="ID|PATH", nargs="?", help=help)
    _takes_json(parser)
    parser = commands.add(
        "paths",
        "list what is in the measurements",
        "For each path its name, role, type, number of distinct values, range, and how many measurements have it.",
        "coma-xr paths pendulum",
    )
    _takes_experiment(parser, optional=True)
    _takes_json(parser)
    parser = commands.add(
        "failures",
        "list the parameter sets that failed",
        "They are tried again in the next run.",
        "coma-xr failures pendulum; coma-xr failures pendulum --traceback 12",
    )
    _takes_experiment(parser, optional=True)
    parser.add_argument("--traceback", metavar="ID", type=int, help="print the traceback of this one")
    _takes_json(parser)


def _add_code(commands: _Commands) -> None:
    parser = commands.add(
        "code",
        "show which code made the measurements",
        "It lists the states of the code; with an id it prints the sources that made this measurement, with two ids how "
        "they differ.",
        "coma-xr code pendulum; coma-xr code pendulum 12 60; coma-xr code pendulum 12 -o old",
    )
    _takes_experiment(parser)
    parser.add_argument("ids", metavar="ID", nargs="*", type=int, help="at most two measurements")
    parser.add_argument("--accept", action="store_true", help="record that all code gives the same results")
    help = "write the sources and a requirements file to a new directory"
    parser.add_argument("-o", "--output", metavar="DIR", help=help)
    _takes_json(parser)


def _add_running(commands: _Commands) -> None:
    parser = commands.add(
        "status",
        "tell how far an experiment is",
        "How many measurements, failures and, of the last scan, missing parameter sets there are; and, while it is run "
        "by another process, how far that is and about how long it still takes.",
        "coma-xr status pendulum",
    )
    _takes_experiment(parser, optional=True)
    _takes_json(parser)
    parser = commands.add(
        "watch",
        "watch an experiment that is run, until that ends",
        "Ctrl-C ends it sooner; the run goes on.",
        "coma-xr watch pendulum",
    )
    _takes_experiment(parser, optional=True)
    help = "time between two looks (default: %(default)s)"
    parser.add_argument("--interval", metavar="SECONDS", type=_seconds, default=1.0, help=help)


def _add_writing(commands: _Commands) -> None:
    parser = commands.add(
        "export",
        "write an experiment into one file for other programs",
        "By the end of its name: .nc (netCDF), .zarr and .json have all dims, .csv and .parquet a row for each "
        "measurement.",
        'coma-xr export pendulum small.csv --where "theta_0 > -10"',
    )
    _takes_experiment(parser)
    parser.add_argument("output", metavar="FILE", help="the file")
    _takes_where(parser, "only measurements for which this holds")
    _takes_overwrite(parser)
    _add_plot(commands)
    parser = commands.add(
        "report",
        "write a page about an experiment",
        "One HTML file, to be read without a network: what was scanned, what came out, failures, durations, versions.",
        "coma-xr report pendulum -o pendulum.html",
    )
    _takes_experiment(parser, optional=True)
    help = "the page (default: the experiment's name with .html, here)"
    parser.add_argument("-o", "--output", metavar="FILE", help=help)
    _takes_overwrite(parser)


def _add_plot(commands: _Commands) -> None:
    from coma_xr.plotting.arguments import terminal_options

    parser = commands.add(
        "plot",
        "draw an experiment into a file",
        "The options are the arguments of coma_xr.plot: names or paths of parameters and results. FIGURE is a figure "
        "that e.define_figure keeps, and options change it.",
        "coma-xr plot pendulum -x theta -y t -y t_ --col theta_0 -o pendulum.pdf",
    )
    _takes_experiment(parser, optional=True)
    parser.add_argument(
        "figure", metavar="FIGURE", nargs="?", help="name of a figure kept with the experiment"
    )
    for name, how in terminal_options().items():
        flags = [flag for flag in (how.pop("short", ""), f"--{name.replace('_', '-')}") if flag]
        parser.add_argument(*flags, dest=name, **how)
    help = "the file, .png, .pdf or .svg (default: the experiment's name with .png, here)"
    parser.add_argument("-o", "--output", metavar="FILE", help=help)
    _takes_where(parser, "only measurements for which this holds")
    _takes_overwrite(parser)


def _add_keeping(commands: _Commands) -> None:
    parser = commands.add(
        "remove",
        "move measurements out of an experiment",
        "They are listed first, and moved to removed/ in its directory when you agree. `coma-xr restore` puts them "
        "back. The next run computes them again.",
        'coma-xr remove pendulum --where "theta > 50"; coma-xr remove pendulum 12 13 --yes --reason "lamp off"',
    )
    _takes_experiment(parser)
    parser.add_argument("ids", metavar="ID", nargs="*", type=int, help="measurements")
    _takes_where(parser, "measurements for which this holds")
    parser.add_argument("--reason", metavar="TEXT", help="keep the reason with them")
    parser.add_argument("-y", "--yes", action="store_true", help="do it without asking")
    _add_restore(commands)
    parser = commands.add(
        "deactivate",
        "move all measurements into the experiment file",
        "One file to keep instead of thousands; it can be read like an active experiment.",
        "coma-xr deactivate pendulum --compress",
    )
    _takes_experiment(parser)
    parser.add_argument("--compress", action="store_true", help="pack it (.gz), which Coma 2 does not read")
    parser = commands.add(
        "activate",
        "make each measurement a file of its own again",
        "Then more can be added.",
        "coma-xr activate pendulum",
    )
    _takes_experiment(parser)
    parser = commands.add(
        "verify",
        "check every file of experiments",
        "It ends with 1 when something is not as it should be.",
        "coma-xr verify pendulum; coma-xr verify pendulum --repair",
    )
    help = "directories or files of experiments (default: here)"
    parser.add_argument("paths", metavar="DIR", nargs="*", default=["."], help=help)
    parser.add_argument(
        "--repair", action="store_true", help="repair what can be repaired; nothing is deleted"
    )
    _takes_json(parser)
    _add_merge(commands)
    _add_cache(commands)


def _add_cache(commands: _Commands) -> None:
    parser = commands.add(
        "cache",
        "delete the cache of experiments",
        "The next look reads every measurement file and writes the cache again.",
        "coma-xr cache clear pendulum",
    )
    parser.add_argument("action", choices=("clear",), help="what to do with the cache")
    help = "directories or files of experiments (default: here)"
    parser.add_argument("paths", metavar="DIR", nargs="*", default=["."], help=help)


def _add_restore(commands: _Commands) -> None:
    parser = commands.add(
        "restore",
        "list removed measurements, or put them back",
        "Without ids and options it lists what remove and reset moved to removed/.",
        "coma-xr restore pendulum; coma-xr restore pendulum 12 13; coma-xr restore pendulum --all",
    )
    _takes_experiment(parser)
    parser.add_argument("ids", metavar="ID", nargs="*", type=int, help="measurements")
    _takes_where(parser, "removed measurements for which this holds")
    parser.add_argument("--all", dest="everything", action="store_true", help="put everything back")


def _add_merge(commands: _Commands) -> None:
    parser = commands.add(
        "merge",
        "add the measurements of copies of an experiment",
        "They get new ids. Copies are skipped. Where results or seeds of the same parameters differ, nothing is written "
        "and they are listed.",
        "coma-xr merge pendulum from-the-cluster/pendulum",
    )
    _takes_experiment(parser)
    parser.add_argument("others", metavar="COPY", nargs="+", help="copies; they are only read")
    parser.add_argument("--keep-both", action="store_true", help="add those that differ as they are")
    help = "append: add samples with other seeds as further repeats"
    parser.add_argument("--repeats", choices=("append",), help=help)
    _takes_json(parser)


def _add_config(commands: _Commands) -> None:
    parser = commands.add(
        "config",
        "write a file with all settings, and the index that numbers experiments",
        "What exists is not changed.",
        "coma-xr config; coma-xr config --show",
    )
    parser.add_argument(
        "--show", action="store_true", help="only print where the settings lie, and those in force"
    )
    parser.add_argument("--no-index", action="store_true", help="no index: experiments have no numbers")


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.01 <= seconds <= 86400:
        raise ValueError(text)
    return seconds
