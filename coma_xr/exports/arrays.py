"""Datasets and DataFrames as Datasets that the formats of arrays can hold, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xarray as xr

from coma_xr.exports import frames
from coma_xr.exports.datasets import Form, assembled, decode_parts, encode, encode_parts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["from_file", "to_file"]


def to_file(data: xr.Dataset | pd.DataFrame, form: Form) -> xr.Dataset:
    """Return a Dataset that a format can hold; of a DataFrame, with a variable for each column."""
    return encode(data, form) if isinstance(data, xr.Dataset) else encode_parts(frames.to_parts(data), form)


def from_file(ds: xr.Dataset) -> xr.Dataset | pd.DataFrame:
    """Return what an encoded Dataset was; one that nobody encoded is as it is."""
    parts = decode_parts(ds)
    return frames.from_parts(parts) if "frame" in parts.notes else assembled(parts)
