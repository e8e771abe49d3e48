"""``coma-xr completion``: scripts with which shells complete commands and options, made from the table of commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ZSH = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"

# File names complete what is neither a command nor an option.
_BASH = """_coma_xr() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} words=""
    if [[ $COMP_CWORD == 1 && $word == -* ]]; then
        words="--help --version"
    elif [[ $COMP_CWORD == 1 ]]; then
        words="{commands}"
    elif [[ $word == -* ]]; then
        case ${{COMP_WORDS[1]}} in
{cases}
        esac
    elif [[ $COMP_CWORD == 2 ]]; then
        case ${{COMP_WORDS[1]}} in
{choices}
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _coma_xr coma-xr
"""


def completion(shell: str, commands: Mapping[str, Any]) -> None:
    """Print the script for a shell, from the table of commands."""
    if shell == "fish":
        print("\n".join(_fish_lines(commands)))
        return
    cases = "\n".join(
        f'            {name}) words="{" ".join(_flags(command))}" ;;' for name, command in commands.items()
    )
    choices = "\n".join(
        f'            {name}) words="{" ".join(_choices(command))}" ;;'
        for name, command in commands.items()
        if _choices(command)
    )
    script = _BASH.format(commands=" ".join(commands), cases=cases, choices=choices)
    print(_ZSH + script if shell == "zsh" else script, end="")


def _flags(command: Any) -> list[str]:
    """Return the options of a command that have names."""
    flags = [flag for argument in command.all_arguments() for flag in argument.flags]
    return [*(flag for flag in flags if flag.startswith("--")), "--help"]


def _choices(command: Any) -> list[str]:
    """Return the words that a command accepts as its first."""
    first = command.all_arguments()[0]
    return [] if first.flags[0].startswith("-") else list(first.keywords.get("choices", ()))


def _fish_lines(commands: Mapping[str, Any]) -> Iterator[str]:
    for name, command in commands.items():
        yield f"complete -c coma-xr -f -n __fish_use_subcommand -a {name} -d {_quoted(command.summary)}"
    for name, command in commands.items():
        if choices := _choices(command):
            yield f'complete -c coma-xr -f -n "__fish_seen_subcommand_from {name}" -a "{" ".join(choices)}"'
        for argument in command.all_arguments():
            yield from _fish_options(name, argument.flags, argument.keywords)


def _fish_options(command: str, flags: Sequence[str], keywords: Mapping[str, Any]) -> Iterator[str]:
    long = [flag.removeprefix("--") for flag in flags if flag.startswith("--")]
    short = [flag.removeprefix("-") for flag in flags if flag.startswith("-") and not flag.startswith("--")]
    if long or short:
        names = [*(f"-s {flag}" for flag in short), *(f"-l {flag}" for flag in long)]
        yield (
            f'complete -c coma-xr -n "__fish_seen_subcommand_from {command}" {" ".join(names)} '
            f"-d {_quoted(keywords.get('help', ''))}"
        )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
