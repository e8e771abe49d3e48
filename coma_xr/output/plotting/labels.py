"""What is written at axes, in legends and over panels."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.errors import warn
from coma_xr.output.plotting.data import VARIABLE, Data
from coma_xr.text import available, listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import xarray as xr

    from coma_xr.output.plotting.quantities import Quantity

__all__ = ["Labels"]

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"

# With so many letters several names still fit at one axis.
FITTING = 32


@dataclass(frozen=True)
class Labels:
    """The texts of one plot.

    Parameters
    ----------
    data : Data
        Gives long names and units.
    given : mapping, default {}
        The user's text for a name or a value; goes before all others.
    """

    data: Data
    given: Mapping[Any, str] = field(default_factory=dict)

    def check_given(self) -> None:
        """Warn of texts for names that neither a variable nor a value in the data has."""
        ds = self.data.ds
        names = [str(name) for name in dict.fromkeys([*ds.dims, *ds.variables])]
        unknown = [key for key in self.given if isinstance(key, str) and key not in {VARIABLE, *names}]
        if unknown:
            values = {value for v in ds.variables.values() for value in _texts(v)}
            unknown = [key for key in unknown if key not in values]
        if unknown:
            called = listing(map(repr, unknown))
            warn(f"labels: nothing in this data is called {called}. {available(unknown[0], names)}")

    def name(self, name: str) -> str:
        """Return what a variable is called, without units."""
        return _printable(str(self.given.get(name) or self._attrs(name).get("long_name") or name))

    def units(self, *names: str) -> str:
        """Return the units that variables have in common, or no text."""
        units = {str(self._attrs(name).get("units") or "") for name in names}
        return _printable(units.pop()) if len(units) == 1 else ""

    def axis(self, quantities: Sequence[Quantity]) -> str:
        """Return the label of an axis, colour bar or legend that shows these."""
        names = list(dict.fromkeys(one.name for one in quantities))
        units = quantities[0].units or self.units(*names)
        if len(names) > 1:
            return _with_units(self.given.get(VARIABLE, self._common(names)), units)
        return _with_units(self.name(names[0]), units)

    def value(self, quantity: Quantity, number: float, *, among: Sequence[float] = ()) -> str:
        """Return the text of one value, with no more digits than tell it from the others."""
        value = quantity.value(number)
        for key in (value, number):
            if key in self.given and not isinstance(value, bool):
                return _printable(str(self.given[key]))
        if quantity.name == VARIABLE:
            return self.name(str(value))
        if quantity.kind == "number":
            return _number(number, among)
        if quantity.kind == "date":
            return _date(value, [quantity.value(one) for one in among])
        return _printable(str(value))

    def equation(self, quantity: Quantity, number: float, *, among: Sequence[float] = ()) -> str:
        """Return the title of what has one value: `T = 300 K`."""
        text = self.value(quantity, number, among=among)
        if quantity.name == VARIABLE:
            return text
        units = (quantity.units or self.units(quantity.name)) if quantity.kind == "number" else ""
        return f"{self.name(quantity.name)} = {text} {units}".rstrip()

    def _attrs(self, name: str) -> Mapping[str, Any]:
        """Return a variable's attrs, but not those that arithmetic took over from another one."""
        attrs: Mapping[str, Any] = self.data.ds[name].attrs if name in self.data.ds.variables else {}
        # A coord is not what arithmetic makes; those of a returned DataArray have no name in their attrs.
        if "name" in attrs or not self.data.is_ours or name in self.data.ds.coords:
            return attrs if attrs.get("shown_as", attrs.get("name", name)) == name else {}
        # Arithmetic with two variables keeps what both have: units alone, say, of a ratio that has none.
        others = [v.attrs.get("long_name") for n, v in self.data.ds.variables.items() if n != name]
        return attrs if attrs.get("long_name") not in [None, *others] else {}

    def _common(self, names: Sequence[str]) -> str:
        """Return the words that all names begin with, or all names if they are short, or nothing."""
        texts = [self.name(name) for name in names]
        words = [re.findall(r"[^\s,:;()]+", text) for text in texts]
        shared = []
        for word in zip(*words, strict=False):
            if len(set(word)) > 1:
                break
            shared.append(word[0])
        joined = ", ".join(texts)
        return " ".join(shared) or (joined if len(joined) <= FITTING else "")


def _texts(variable: xr.Variable) -> set[str]:
    """Return the texts among the values of a variable."""
    if isinstance(variable.dtype, np.dtype) and variable.dtype.kind not in "OTU":
        return set()
    return {value for value in np.ravel(variable.values).tolist() if isinstance(value, str)}


def _printable(text: str) -> str:
    """Return a text as it is when matplotlib can set its formulas, else with its dollars as they are."""
    if text.count("$") < 2:
        return text
    from matplotlib.mathtext import MathTextParser

    try:
        MathTextParser("path").parse(text)
    except ValueError:
        return text.replace("$", r"\$")
    return text


def _with_units(text: str, units: str) -> str:
    return f"{text} [{units}]".lstrip() if units and not text.endswith(("]", ")")) else text


def _number(number: float, among: Sequence[float]) -> str:
    """Return a number with as few digits as tell it from its neighbours, at least four."""
    others = [one for one in among if np.isfinite(one)]
    for digits in range(4, 17):
        if len({f"{one:.{digits}g}" for one in others}) == len(set(others)):
            break
    text = str(int(number)) if number == round(number) and abs(number) < 1e6 else f"{number:.{digits}g}"
    mantissa, _, exponent = text.partition("e")
    if exponent:
        sign = MINUS if exponent.startswith("-") else ""
        text = rf"{mantissa} {TIMES} 10$^{{{sign}{exponent.lstrip('+-0')}}}$"
    return text.replace("-", MINUS)


def _date(value: dt.datetime, among: Sequence[dt.datetime]) -> str:
    if all(one.time() == dt.time() for one in [value, *among]):
        return value.date().isoformat()
    whole = all(one.microsecond == 0 for one in [value, *among])
    return value.isoformat(sep=" ", timespec="auto" if not whole else "seconds")
