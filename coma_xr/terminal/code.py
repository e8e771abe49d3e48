"""``coma-xr code``: which code made the measurements, how it differs, and its sources as files."""

from __future__ import annotations

from collections.abc import Sequence

from coma_xr.code_history import write_sources
from coma_xr.errors import ExperimentError
from coma_xr.terminal.finding import opened
from coma_xr.terminal.text import number_of, print_json, print_table, said
from coma_xr.text import clean, clean_lines


def show(path: str, ids: Sequence[int], *, output: str | None, as_json: bool) -> None:
    """List the code states, print or write the sources of one, or print how two differ."""
    experiment = opened(path)
    if len(ids) > 2 or (output is not None and len(ids) != 1):
        wanted = "one id" if output is not None else "at most two ids"
        raise ExperimentError(f"Expected {wanted}, found {len(ids)}.")
    if len(ids) == 2:
        print(clean_lines(experiment.code_diff(*ids)), end="")
    elif output is not None:
        names = write_sources(experiment._record(ids[0]), output)
        print(f"wrote {number_of(len(names), 'file')} to {clean(output)}")
    elif ids:
        sources = experiment.code(ids[0])
        if as_json:
            print_json(sources)
            return
        for name, text in sources.items():
            print(f"# {clean(name)}\n{clean_lines(text)}")
    else:
        table = experiment.code().reset_index().astype(object)
        table = table.where(table.notna(), None)
        if as_json:
            print_json(table.to_dict("records"))
        elif table.empty:
            said("no measurement records its code")
        else:
            print_table(list(table.columns), table.itertuples(index=False, name=None))


def accept(path: str) -> None:
    """Record that all code so far gives the same results."""
    new = opened(path, write=True).accept_code()
    print(f"accepted {number_of(len(new), 'code state')}")
