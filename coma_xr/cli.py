"""The terminal commands of ``coma-xr``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from coma_xr import __version__, demo
from coma_xr.errors import ComaError

__all__ = ["main"]

FAILED = 1
INTERRUPTED = 130
NOT_READ = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a terminal command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words behind ``coma-xr``; by default those of this process.

    Returns
    -------
    int
        The exit code: 0 when all went well, 1 when something was wrong, which is said in one line on standard
        error, 130 when interrupted. Wrong arguments and ``--help`` leave with SystemExit, as argparse does.
    """
    options = _parser().parse_args(arguments)
    try:
        _COMMANDS[options.command](options)
    except ComaError as error:
        print(f"coma-xr: {' '.join(str(error).split())}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("coma-xr: interrupted; what was finished is saved", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python is not to try to write the rest at its end.
        sys.stdout = None
        return NOT_READ
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="coma-xr",
        description="Parameter scans that keep each result as one readable file and come back as labelled arrays.",
        epilog="`coma-xr COMMAND --help` tells more of one command.",
    )
    parser.add_argument("--version", action="version", version=f"coma_xr {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_demo(commands)
    return parser


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "demo",
        help="run a small experiment, from the function to figure, netCDF and CSV",
        description="Run the pendulum: its exact motion and the small-angle approximation, at three amplitudes and "
        "20 angles each. Then show the Dataset and save figure, netCDF and CSV. What is there already is neither "
        "computed again nor overwritten.",
    )
    parser.add_argument(
        "directory",
        metavar="DIR",
        nargs="?",
        type=Path,
        default=Path(demo.DIRECTORY),
        help="where everything goes (default: ./%(default)s)",
    )


_COMMANDS = {"demo": lambda options: demo.run(options.directory)}
