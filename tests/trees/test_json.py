"""The JSON text of plain trees."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coma_xr.errors import DataFileError
from coma_xr.trees.json import MAX_DEPTH, decode, encode, encode_rest, prepend_info

texts = st.text(st.characters(codec=None, exclude_categories=()))
values = st.none() | st.booleans() | st.integers() | st.floats() | texts
trees = st.recursive(values, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)


def same(a, b):
    """Equal in value and type; NaN equals NaN, and zero has a sign."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return a == b


@given(trees, st.booleans())
@example({"a": [float("nan"), -0.0, 5e-324, 2**70, "\ud800", "\x00", None, "null"]}, True)
def test_text_returns_the_same_tree(tree, pretty):
    """Every plain tree comes back from its text, and from the text as Python's own json reads it."""
    data = encode(tree, pretty=pretty)
    assert same(decode(data), tree)
    assert same(json.loads(data), tree)


plain_floats = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15).map(
    lambda x: round(x, 3)
)
plain_texts = st.text(st.characters(codec="utf-8"))
plain_trees = st.recursive(
    st.booleans() | st.integers() | plain_floats | plain_texts,
    lambda inner: st.lists(inner) | st.dictionaries(plain_texts, inner),
    max_leaves=20,
)


@given(plain_trees, st.booleans())
def test_text_is_that_of_pythons_json(tree, pretty):
    """The layout is Coma 2's, whichever library writes it."""
    indent, separators = (2, (",", ": ")) if pretty else (None, (",", ":"))
    text = json.dumps(tree, ensure_ascii=False, indent=indent, separators=separators)
    assert encode(tree, pretty=pretty).decode() == text


@given(
    st.dictionaries(plain_texts.filter(lambda key: key != "info"), trees),
    st.dictionaries(texts, trees),
    st.booleans(),
)
def test_info_is_put_in_front(tree, info, pretty):
    """A measurement made in two steps has the text that it would have in one."""
    whole = encode({"measurement": {"info": info, **tree}}, pretty=pretty)
    joined = prepend_info(info, encode_rest(tree, pretty=pretty), pretty=pretty)
    # The two halves may be written by different libraries, which differ in the spelling of exponents.
    assert same(decode(joined), decode(whole))


def test_measurement_has_the_layout_of_coma_2():
    """Indent 2, a space after the colon, no line feed at the end."""
    tree = {"parameters": {"theta_0": -5.0}, "results": {"t": [0.0, 1.5]}}
    assert prepend_info({"measurement_id": 1}, encode_rest(tree)).decode() == (
        '{\n  "measurement": {\n    "info": {\n      "measurement_id": 1\n    },\n'
        '    "parameters": {\n      "theta_0": -5.0\n    },\n'
        '    "results": {\n      "t": [\n        0.0,\n        1.5\n      ]\n    }\n  }\n}'
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "empty"),
        (b"\0\0\0\0", "nothing but blanks or zero bytes"),
        (b'{"a": 1', "no valid JSON: Expecting ',' delimiter, line 1, column 8"),
        (b'{"a": 1}}', "no valid JSON: Extra data, line 1, column 9"),
        (b'{"a": 1,}', "no valid JSON"),
        (b"\xef\xbb\xbf{}", "no valid JSON: Unexpected UTF-8 BOM"),
        (b'{"a": "\xff"}', "no UTF-8 text at byte 7"),
        (b'{"a": 1e999}', "the number 1e999 is beyond the range of a float"),
        (b"[" * 200 + b"]" * 200, f"nested deeper than {MAX_DEPTH} levels"),
        (b"[" * 100_000, f"nested deeper than {MAX_DEPTH} levels"),
        (b'{"a":' * 100_000, f"nested deeper than {MAX_DEPTH} levels"),
        (b"1" * 5000, "Exceeds the limit"),
    ],
)
def test_bad_text_says_what_is_wrong_and_where(data, text):
    """Whatever cannot be read is one kind of error."""
    with pytest.raises(DataFileError) as caught:
        decode(data)
    assert text in str(caught.value)


def test_depth_is_limited_at_one_hundred():
    """A tree of the greatest depth is read, one level more is not; brackets in text do not count."""
    decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(DataFileError, match="nested deeper than 100 levels"):
        decode(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
    assert decode(b'["' + b"[" * 500 + b'"]') == ["[" * 500]


def test_every_torn_file_is_noticed():
    """No beginning of a valid text is taken for the whole."""
    data = encode({"measurement": {"info": {"measurement_id": 1}, "results": {"E": [0.5, math.nan]}}})
    for length in range(len(data)):
        with pytest.raises(DataFileError):
            decode(data[:length])
