"""What a figure cannot show is said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from coma_xr.errors import LayoutError, warn
from coma_xr.text import available, listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coma_xr.output.plotting.table import Table

__all__ = ["check_scales", "drawable"]

COLOR_SCALES = ("linear", "log", "symlog")
SCALES = (*COLOR_SCALES, "asinh", "logit")


def check_scales(table: Table, scales: Mapping[str, str | None]) -> None:
    """Raise when an axis cannot have the scale that it is given.

    Raises
    ------
    LayoutError
        When there is no such scale, or names or dates are to be on one that is not linear.
    """
    for role, scale in scales.items():
        if scale is None:
            continue
        known = COLOR_SCALES if role == "z" else SCALES
        if scale not in known:
            raise LayoutError(f"{role}scale={scale!r} is unknown. {available(str(scale), known)}")
        if role == "z" and "z" not in table.quantities:
            raise LayoutError("zscale is for the colours of z, and there is no z.")
        kind = table.one(role).kind if role in table.quantities else "number"
        if kind != "number" and scale != "linear":
            name = table.one(role).name
            raise LayoutError(
                f"{name!r} holds {kind}s and cannot be on a {scale} axis. Leave out {role}scale."
            )


def drawable(table: Table, scales: Mapping[str, str | None]) -> Table:
    """Return the table without values that have no place on their axis; warn of them."""
    rows, said = table.rows.copy(), []
    for role in ("x", "y", "z"):
        if role not in rows or table.one(role).kind != "number":
            continue
        values = rows[role].to_numpy()
        lost = np.isinf(values)
        if lost.any():
            said.append(f"{int(lost.sum())} infinite values of {_names(table, role)}")
        if scales.get(role) == "log":
            below = (values <= 0) & ~lost
            if below.any():
                said.append(
                    f"{int(below.sum())} values of {_names(table, role)} that are 0 or less, on a log scale"
                )
            lost |= below
        rows[role] = np.where(lost, np.nan, values)
    if said:
        warn(f"Not drawn: {listing(said)}.")
    return replace(table, rows=rows) if said else table


def _names(table: Table, role: str) -> str:
    return listing(dict.fromkeys(one.name for one in table.quantities[role]))
