"""XML archives of Boost.Serialization: what their shapes mean, and files of parameters that C++ loads.

A whole archive, with its header, was certainly written by C++, so that what its library writes for a
``std::complex``, ``boost::optional``, ``std::array``, ``std::map`` or pointer is known for what it is.

``make_array`` writes items without a count, and nothing at all for an empty array. So that the shape of a tree does not
depend on the number of items, an element ``item`` is an array, and an empty element is one if the sizes before it match.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element

from coma_xr.errors import DataFileError, SerializationError
from coma_xr.tree import MAX_DEPTH, TYPE

# A number as JSON spells it. The group is there when it is a float.
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)")

# How a number, or one of the special ones, begins.
NUMERIC = "-0123456789NIni"

# What Coma 2 writes, then what C++ does.
SPECIAL = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
    "nan": float("nan"),
    "-nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
}

# Other letters are legal, but neither Boost nor every XML library reads them.
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_.-]*")

# Illegal in XML, except for the carriage return, which is read back as a line feed.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


@lru_cache(maxsize=4096)
def is_name(text: str) -> bool:
    """Whether an element can bear this name.

    >>> is_name("theta_0"), is_name("1st"), is_name("a b")
    (True, False, False)
    """
    return _NAME.fullmatch(text) is not None


def is_writable(text: str) -> bool:
    """Whether XML gives a string back as it is."""
    return _UNWRITABLE.search(text) is None


def escape(text: str, *, quotes: bool = False) -> str:
    """Return the content of an element for a string.

    >>> escape('a < "b"', quotes=True)
    'a &lt; &quot;b&quot;'
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;") if quotes else text


ROOT = "boost_serialization"
_SIGNATURE = "serialization::archive"

# Of Boost 1.74; libraries from 1.35 to the newest read it.
_HEADER = f"""\
<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
<!DOCTYPE {ROOT}>
<{ROOT} signature="{_SIGNATURE}" version="18">
"""

# What smart pointers call the pointer that they hold: shared, unique, scoped.
_POINTERS = {"px", "tx", "scoped_ptr"}
_POINTER_MARKS = {"class_id", "class_id_reference", "object_id", "object_id_reference"}
_PAIR = ("first", "second")
_NUMBERS = (int, float)

ITEM = "item"
_COUNT, _BUCKETS = "count", "bucket_count"
_SIZES_OF_LISTS = {_COUNT, _BUCKETS, "item_version"}

# Members of hand-written classes that say how many items follow, and members that are arrays or texts by their names.
_SIZE = re.compile(
    r"(m_)?(n|size|len|length|count|num|number|rank|dims?|dimensions?|shape|extents?|rows?|cols?|columns?|height|width|depth"
    r"|n_[a-z0-9]+|n(x|y|z|rows?|cols?)|(num|nof|number_of)_\w+|\w+_?(size|count|length|rows|cols)"
    r"|(size|dim|extent|shape|n|rows|cols)_?[0-9])_?",
    re.IGNORECASE,
)
_ARRAY = re.compile(
    r"(m_)?(data|values|elements|elems|items|array|coeffs|coefficients|entries|buffer|storage|\w+_data)_?",
    re.IGNORECASE,
)
_TEXT = re.compile(
    r"name|label|title|text|desc|comment|note|path|file|dir|unit|type|kind|key|msg|message|program|version|date|host"
    r"|user|status|state|mode|tag|str|id$",
    re.IGNORECASE,
)

# As Boost writes floats: all digits, in the scientific notation.
_FLOAT = re.compile(r"-?[0-9]\.[0-9]{6,}e[-+][0-9]{2,4}|-?(nan|inf)")
_BITS = re.compile("[01]*")

_ANY_NUMBER = f"(?:{NUMBER.pattern}|{'|'.join(SPECIAL)})"
_NUMBERS_ONLY = re.compile(f"{_ANY_NUMBER}(?:,{_ANY_NUMBER})*")

# Leaves of one list by what leads to them.
_Group = dict[tuple[str, ...], list[Element]]

# Beyond these a double need not be a whole number.
_WHOLE = 2.0**53


def is_archive(root: Element) -> bool:
    """Whether a document is a whole archive of Boost's, with its header."""
    return root.tag == ROOT and root.get("signature") == _SIGNATURE


def refuse_other_archives(data: bytes) -> None:
    """Raise DataFileError for the archives of Boost's that are no XML."""
    begin = data[:64]
    if _SIGNATURE.encode() in begin and not begin.lstrip().startswith(b"<"):
        kind = "text" if begin[:1].isdigit() else "binary"
        raise DataFileError(
            f"a {kind} archive of Boost.Serialization",
            expected="an XML archive",
            ways=["Write it with boost::archive::xml_oarchive."],
        )


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
    if value.keys() == {"which", "value"} and type(value["which"]) is int:
        return value["value"]
    if len(value) == 1:
        return _of_one_member(element, value)
    return with_empty_arrays(element, value)


def _of_one_member(element: Element, value: dict[str, Any]) -> Any:
    ((name, inner),) = value.items()
    text = element[0].text or ""
    if name == "elems" and type(inner) is list:
        return inner
    if name == "weak_ptr" or (name in _POINTERS and _POINTER_MARKS.intersection(element[0].keys())):
        return inner
    if name == "bits" and not len(element[0]) and _BITS.fullmatch(text):
        return text
    if name == ITEM and type(inner) is list:
        return inner
    return with_empty_arrays(element, value)


def with_empty_arrays(element: Element, value: dict[str, Any]) -> Any:
    """Return a dictionary in which an array without items is one, if the sizes before it, or its name, match."""
    sizes, is_empty = 0, False
    for child in element:
        name, member = child.tag, value.get(child.tag)
        if _SIZE.fullmatch(name) and (type(member) is int or _is_shape(member)):
            sizes += 1
            is_empty = is_empty or member == 0 or (type(member) is list and 0 in member)
        elif (
            member == ""
            and not child.keys()
            and (_ARRAY.fullmatch(name) or (is_empty and not _TEXT.search(name)))
        ):
            value[name] = []
        elif member != []:
            is_empty = False
    if _ARRAY.fullmatch(element.tag) and value.keys() <= {"size", ITEM} and (is_empty or ITEM in value):
        # The storage of uBLAS.
        return value.get(ITEM, [])
    if is_empty and sizes == len(value) and (sizes > 1 or "size" in value):
        value[ITEM] = []
    return value


def _is_shape(member: Any) -> bool:
    return type(member) is list and bool(member) and all(type(size) is int for size in member)


def repeated(element: Element) -> dict[str, list[Element]]:
    """Return the children that are items of an array, by their names: those called ``item``, and names that occur twice."""
    tags = [child.tag for child in element]
    if ITEM not in tags and len(set(tags)) == len(tags):
        return {}
    by_tag: dict[str, list[Element]] = {}
    for child in element:
        by_tag.setdefault(child.tag, []).append(child)
    return {
        tag: items
        for tag, items in by_tag.items()
        if len(items) > 1 or (tag == ITEM and _is_array_of_one(element))
    }


def _is_array_of_one(element: Element) -> bool:
    """Whether a single ``item`` is an array, and not a member of this name: it is alone, or the sizes are 1."""
    sizes = [child.text for child in element if _SIZE.fullmatch(child.tag) and not len(child)]
    return len(element) == 1 or (bool(sizes) and set(sizes) == {"1"})


def is_object_with_count(element: Element) -> bool:
    """Whether an element with nothing but a number ``count`` is certainly an object, such as a duration, and no list."""
    return element.get("class_id") is not None or element[0].text != "0"


def mark_texts(root: Element) -> None:
    """Mark strings that look like numbers in lists of strings.

    All items of a list are of one type, so if one is not a number, the others are strings too. The same holds for
    members of the items. Among lists of plain items, only those of strings and enums have a class id.
    """
    groups: list[_Group] = []
    texts: list[Sequence[Element]] = []
    stack: list[tuple[Element, _Group | None, tuple[str, ...]]] = [(root, None, ())]
    while stack:
        element, group, path = stack.pop()
        is_list = element[0].tag == _COUNT
        if is_list and group is None and len(element) > 1:
            group, path = {}, ()
            groups.append(group)
        if is_list and not any(map(len, element)):
            items = [child for child in element if child.tag == ITEM and not child.keys()]
            if group is not None:
                group.setdefault((*path, ITEM), []).extend(items)
            if _are_texts(element, items):
                texts.append(items)
            continue
        for child in element:
            key = () if group is None or len(path) > MAX_DEPTH else (*path, _kind(element, child))
            if len(child):
                stack.append((child, group, key))
            elif group is not None and child.tag not in _SIZES_OF_LISTS and not child.keys():
                group.setdefault(key, []).append(child)
    texts += [leaves for group in groups for leaves in group.values() if _has_text(leaves)]
    for leaf in [leaf for leaves in texts for leaf in leaves if leaf.text]:
        leaf.set("class_name", "str")


def _kind(parent: Element, child: Element) -> str:
    """Return what tells apart members of one list that may be of different types: their names, and classes of pointers."""
    if child.tag in _POINTERS:
        return f"{child.tag} {child.get('class_id') or child.get('class_id_reference')}"
    return f"value {parent[0].text}" if child.tag == "value" and parent[0].tag == "which" else child.tag


def _are_texts(element: Element, items: Sequence[Element]) -> bool:
    """Whether items are strings by the class of their list."""
    if element.get("class_id") is None or not items or element.find(_BUCKETS) is not None:
        return False
    return not all(_FLOAT.fullmatch(item.text or "") for item in items)


def _has_text(leaves: Sequence[Element]) -> bool:
    """Whether one of several elements of one type is not a number."""
    texts = [leaf.text or "" for leaf in leaves]
    if _NUMBERS_ONLY.fullmatch(",".join(texts)):
        return False
    # An array without items is empty too.
    return any(_NUMBERS_ONLY.fullmatch(text) is None if text else leaves[0].tag == ITEM for text in texts)


def _of_list(element: Element, value: list[Any]) -> Any:
    """Return a dictionary for a map from names; pairs that begin with numbers are left alone."""
    if not value or not all(type(item) is dict and tuple(item) == _PAIR for item in value):
        return value
    keys = [item[0] for item in element if item.tag == "item"]
    if any(map(len, keys)):
        return value
    names = [key.text or "" for key in keys]
    # One name that is not a number tells that the others are names too.
    if all(NUMBER.fullmatch(name) or name in SPECIAL for name in names) or len(set(names)) < len(names):
        return value
    return {name: item["second"] for name, item in zip(names, value, strict=True)}


def write_parameters(values: Mapping[str, Any]) -> bytes:
    """Return an archive that a C++ program loads with ``boost::archive::xml_iarchive``.

    Raise SerializationError for what the program could not read: None, NaN and infinities, names beyond
    letters, digits and ``_.-``. The message names the parameter.

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
    return SerializationError(
        reason, where="/".join(path), ways=["Pass input='json' for a parameter file in JSON, which takes it."]
    )
