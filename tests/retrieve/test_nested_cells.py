"""Dictionaries in cells, with values in them that files store in a form of their own."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

import coma_xr as coma
from coma_xr.testing import assert_same

CELL = {"x": [np.zeros(2), Path("b")], "day": dt.date(2026, 1, 31)}


@pytest.fixture
def e(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda v: {"r": [{"p": Path("z")}]}, coma.cases([{"v": CELL}, {"v": {"x": 1}}]), progress=False)
    return e


def test_tables_and_messages_show_values_and_no_stored_forms(e):
    assert_same(e.to_dataframe().v[1], CELL)
    assert_same(e.to_dataframe(unfold="rows").v.iloc[0], CELL)
    assert_same(e.to_dataframe().r_1[1], {"p": Path("z")})
    assert "__type__" not in e.paths().to_string()
    with pytest.raises(coma.ConditionError, match="PosixPath|WindowsPath") as caught:
        e.to_dataset(where=coma.P.r > 5)
    assert "__type__" not in str(caught.value)
