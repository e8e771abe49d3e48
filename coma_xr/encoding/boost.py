"""XML archives of Boost.Serialization: what their shapes mean, and files of parameters that C++ loads.

A whole archive, with its header, was certainly written by C++, so that what its library writes for a
``std::complex``, ``boost::optional``, ``std::array``, ``std::map`` or pointer is known for what it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from coma_xr.encoding.markup import NUMBER, SPECIAL, escape, is_name, is_writable
from coma_xr.errors import SerializationError
from coma_xr.tree import TYPE

ROOT = "boost_serialization"
_SIGNATURE = "serialization::archive"

# Of Boost 1.74; libraries from 1.35 to the newest read it.
_HEADER = f"""\
<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
<!DOCTYPE {ROOT}>
<{ROOT} signature="{_SIGNATURE}" version="18">
"""

# std::shared_ptr holds its pointer under the one name, std::unique_ptr under the other.
_POINTERS = {"px", "tx"}
_POINTER_MARKS = {"class_id", "class_id_reference", "object_id", "object_id_reference"}
_PAIR = ("first", "second")
_NUMBERS = (int, float)

# Beyond these a double need not be a whole number.
_WHOLE = 2.0**53


def is_archive(root: Element) -> bool:
    """Whether a document is a whole archive of Boost's, with its header."""
    return root.tag == ROOT and root.get("signature") == _SIGNATURE


def meaning(element: Element, value: Any) -> Any:
    """Return what C++ meant by an element of a whole archive."""
    if type(value) is list:
        return _of_list(element, value)
    if type(value) is not dict:
        return value
    if value.keys() == {"real", "imag"} and all(type(part) in _NUMBERS for part in value.values()):
        return {TYPE: "coma.complex", "real": float(value["real"]), "imag": float(value["imag"])}
    if "initialized" in value and value.keys() <= {"initialized", "item_version", "value"}:
        if value["initialized"] == 0 and "value" not in value:
            return None
        if value["initialized"] == 1 and "value" in value:
            return value["value"]
    if len(value) == 1:
        ((name, inner),) = value.items()
        if name == "elems" and type(inner) is list:
            return inner
        if name in _POINTERS and _POINTER_MARKS.intersection(element[0].keys()):
            return inner
    return value


def _of_list(element: Element, value: list[Any]) -> Any:
    """Return a dictionary for a map from names; pairs that begin with numbers are left alone."""
    if not value or not all(type(item) is dict and tuple(item) == _PAIR for item in value):
        return value
    keys = [item[0] for item in element if item.tag == "item"]
    if any(map(len, keys)):
        return value
    names = [key.text or "" for key in keys]
    # One name that is no number tells that the others are names too.
    if all(NUMBER.fullmatch(name) or name in SPECIAL for name in names) or len(set(names)) < len(names):
        return value
    return {name: item["second"] for name, item in zip(names, value, strict=True)}


def write_parameters(values: Mapping[str, Any]) -> bytes:
    """Return an archive that a C++ program loads with ``boost::archive::xml_iarchive``.

    Raises
    ------
    SerializationError
        For what the program could not read: None, NaN and infinities, names beyond letters, digits and ``_.-``.
        The message names the parameter.

    Examples
    --------
    >>> print(write_parameters({"theta": 0.5, "periodic": True}).decode())
    <?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
    <!DOCTYPE boost_serialization>
    <boost_serialization signature="serialization::archive" version="18">
    <theta>0.5</theta>
    <periodic>1</periodic>
    </boost_serialization>
    """
    lines = [line for name, value in values.items() for line in _element(name, value, (name,))]
    return (_HEADER + "".join(f"{line}\n" for line in lines) + f"</{ROOT}>\n").encode()


def _element(name: str, value: Any, path: tuple[str, ...]) -> Iterator[str]:
    if not is_name(name):
        raise _refusal(path, "a name in an archive has letters, digits, '_', '.' and '-', and no digit first")
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, complex):
        value = {"real": value.real, "imag": value.imag}
    if not isinstance(value, (Mapping, list, tuple)):
        yield f"<{name}>{_content(value, path)}</{name}>"
        return
    yield f"<{name}>"
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _element(str(key), child, (*path, str(key)))
    else:
        yield from _items(value, path)
    yield f"</{name}>"


def _items(values: Sequence[Any], path: tuple[str, ...]) -> Iterator[str]:
    yield f"<count>{len(values)}</count>"
    # std::vector<bool> alone has none.
    if not values or not all(isinstance(item, bool) for item in values):
        yield "<item_version>0</item_version>"
    for number, item in enumerate(values):
        yield from _element("item", item, (*path, str(number)))


def _content(value: Any, path: tuple[str, ...]) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        try:
            return str(value)
        except ValueError:
            raise _refusal(path, "an int of more digits than are read again") from None
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _refusal(path, f"C++ reads no {value} from an archive")
        whole = (
            value.is_integer() and abs(value) < _WHOLE and not (value == 0 and math.copysign(1, value) < 0)
        )
        return str(int(value)) if whole else repr(float(value))
    if isinstance(value, str):
        if not is_writable(value):
            raise _refusal(path, "a string with control characters, which XML cannot hold")
        return escape(value)
    raise _refusal(path, f"cannot write {'None' if value is None else f'a {type(value).__name__}'} for C++")


def _refusal(path: tuple[str, ...], reason: str) -> SerializationError:
    return SerializationError(f"{'/'.join(path)}: {reason}. A parameter file in JSON takes it: input='json'.")
