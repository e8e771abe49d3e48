"""Measurement trees for the tests of retrieval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coma_xr.define.parameters import Definition
from coma_xr.define.scan_records import LayoutRule, Product, ScanRecord
from coma_xr.values.plain import to_plain

Trees = list[tuple[int, Any]]


def measured(*pairs: tuple[dict[str, Any], dict[str, Any]], first_id: int = 1) -> Trees:
    """Return measurements with these parameters and results."""
    return [
        (id, to_plain({"info": {"measurement_id": id}, "parameters": parameters, "results": results}))
        for id, (parameters, results) in enumerate(pairs, first_id)
    ]


def pendulum() -> Trees:
    """Return the tutorial's experiment, with four angles for each amplitude."""
    return measured(
        *[
            ({"theta_0": theta_0, "theta": theta_0 * part, "L": 1.0}, {"t": theta_0 * part / 10, "t_": part})
            for theta_0 in (-5.0, -30.0, -60.0)
            for part in (1.0, 0.5, -0.5, -1.0)
        ]
    )


PENDULUM = [("theta_0", "parameters/theta_0"), ("theta", "parameters/theta")]


def scanned(
    definition: Sequence[tuple[str, str]], *axes: Mapping[str, Any], points: bool = False
) -> LayoutRule:
    """Return the rule of an experiment that was scanned along these axes."""
    sets = () if points else (Product(((),)),)
    return LayoutRule([ScanRecord(Definition.of(definition), axes, sets)])


EXPANDED = scanned(
    PENDULUM,
    {"dim": "theta_0", "names": ["theta_0"]},
    {"dim": "theta_index", "names": ["theta"], "depends": True},
)
