"""Names of files made from templates, such as ``measurement.${measurement_id}``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from coma_xr.errors import ConfigError

__all__ = ["Names", "check_plain_name"]

_DIGITS = 6

# Far beyond any experiment, and few enough digits to be read quickly from a hostile name.
_MOST_DIGITS = 18

_LONGEST = 200


def check_plain_name(name: str, option: str) -> None:
    """Raise ConfigError when a setting does not give one plain file name."""
    if not name or name.startswith(".") or set(name) & set('/\\:*?"<>|\0') or not name.isprintable():
        raise ConfigError(
            f'{option}: expected one plain file name, without a leading dot and any of / \\ : * ? " < > |, '
            f"found {name!r}."
        )
    if len(name.encode("utf-8", "replace")) > _LONGEST:
        raise ConfigError(f"{option}: expected a name of at most {_LONGEST} bytes, found {name[:40]!r}...")


class Names:
    """The names that a template gives, and back.

    Raises
    ------
    ConfigError
        When the template does not give plain file names, different for different ids.

    Examples
    --------
    >>> names = Names("measurement.${measurement_id}", "${measurement_id}")
    >>> names.name(12), names.name(1234567)
    ('measurement.000012.json', 'measurement.1234567.json')
    >>> names.id_of("measurement.000012.json"), names.id_of("measurement.12.json")
    (12, None)
    """

    def __init__(self, template: str, placeholder: str, suffix: str = ".json", *, first: int = 1) -> None:
        option = placeholder.strip("${}").replace("_id", "_file")
        if template.count(placeholder) != 1:
            raise ConfigError(f"{option}: expected a name with {placeholder} once, found {template!r}.")
        head, _, tail = template.partition(placeholder)
        check_plain_name(f"{head}{'0' * _MOST_DIGITS}{tail}{suffix}", option)
        if tail[:1].isdigit() or head[-1:].isdigit():
            raise ConfigError(
                f"{option}: a digit beside {placeholder} in {template!r} would count as part of it."
            )
        self.head = head
        self._tail = tail + suffix
        self._stem_end = len(suffix)
        self._first = first
        digits = rf"([0-9]{{{_DIGITS}}}|[1-9][0-9]{{{_DIGITS},{_MOST_DIGITS - 1}}})"
        self._digits_of = re.compile(re.escape(self.head) + digits + re.escape(self._tail)).fullmatch
        beside = re.escape(self.head) + digits + re.escape(tail) + r"\..+\.nc"
        self._digits_of_beside = re.compile(beside, re.DOTALL).fullmatch

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Names) and (self.head, self._tail) == (other.head, other._tail)

    def __hash__(self) -> int:
        return hash((self.head, self._tail))

    def __repr__(self) -> str:
        return f"Names({self.name(1)!r}, ...)"

    def name(self, id: int | None) -> str:
        """Return the name for an id; ``none`` stands for None."""
        return f"{self.head}{'none' if id is None else f'{id:0{_DIGITS}}'}{self._tail}"

    def stem(self, id: int) -> str:
        """Return the name for an id, without the ending."""
        return self.name(id)[: -self._stem_end]

    def beside(self, names: Iterable[str]) -> list[tuple[str, int]]:
        """Return the names of files beside measurements, each with the id.

        Examples
        --------
        >>> names = Names("measurement.${measurement_id}", "${measurement_id}")
        >>> names.beside(["measurement.000012.json", "measurement.000012.psi.nc"])
        [('measurement.000012.psi.nc', 12)]
        """
        found = ((name, self._digits_of_beside(name)) for name in names if name.endswith(".nc"))
        return [(name, int(digits[1])) for name, digits in found if digits]

    def id_of(self, name: str) -> int | None:
        """Return the id in a name; None unless `name` would give exactly this one for an id that counts."""
        return next(iter(self.ids_of([name])), None)

    def ids_of(self, names: Iterable[str]) -> list[int]:
        """Return the ids in all names that have one, in the order of the names.

        Examples
        --------
        >>> names = Names("measurement.${measurement_id}", "${measurement_id}")
        >>> names.ids_of(["measurement.000012.json", "notes.txt", "measurement.000000.json"])
        [12]
        """
        found, first = map(self._digits_of, names), self._first
        return [id for digits in found if digits and (id := int(digits[1])) >= first]

    def owns(self, name: str) -> bool:
        """Whether `name` gives this name for some id or for None."""
        return name.startswith(self.head) and (name == self.name(None) or self.id_of(name) is not None)
