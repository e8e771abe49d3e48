"""The JSON text of plain trees."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coma_xr.encoding.json import MAX_DEPTH, decode, encode, encode_rest, prepend_info, without_long_ints
from coma_xr.errors import DataFileError

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


@given(trees, st.booleans())
@example({"a": [float("nan"), math.inf, -math.inf, None, "null"], "b": "\ud800"}, True)
def test_strict_text_returns_the_same_tree(tree, pretty):
    """With nothing in it that the standard of JSON does not know."""
    data = encode(tree, pretty=pretty, strict=True)
    assert same(decode(data), tree)
    json.loads(data, parse_constant=refuse)


def refuse(word):
    raise AssertionError(f"{word} is no word of JSON")


def test_strict_text_says_what_is_not_finite():
    """In a dictionary that any reader can take for the number."""
    assert encode({"E": [math.nan, math.inf, -math.inf, 1.5, None]}, pretty=False, strict=True) == (
        b'{"E":[{"__type__":"coma.float","value":"nan"},{"__type__":"coma.float","value":"inf"},'
        b'{"__type__":"coma.float","value":"-inf"},1.5,null]}'
    )


def test_dictionaries_that_only_look_like_numbers_stay():
    """Also in a file that somebody else wrote."""
    for node in (
        {"__type__": "coma.float", "value": "1.5"},
        {"__type__": "coma.float", "value": 1},
        {"__type__": "coma.float", "value": "nan", "more": 1},
        {"__type__": "coma.int", "hex": "no"},
        {"__type__": "coma.int", "value": "0x1"},
        {"coma.float": "coma.int"},
    ):
        assert decode(json.dumps({"a": [node]}).encode()) == {"a": [node]}


@pytest.mark.parametrize("number", [10**4299, 10**4400, -(7**9000), 2**100_000], ids=int.bit_length)
def test_ints_have_any_size(number):
    """Beyond the digits that Python reads, they are written as hexadecimal text."""
    for strict in (False, True):
        for pretty in (False, True):
            tree = {"n": [number, 1.5, None, math.nan], "m": {"n": number}}
            assert same(decode(encode(tree, strict=strict, pretty=pretty)), tree)


def test_long_ints_can_be_replaced_for_another_format():
    """The tree itself is handed back where there are none."""
    tree = {"a": [1, -(2**14_000)]}
    assert without_long_ints(tree)["a"] == [1, {"__type__": "coma.int", "hex": hex(-(2**14_000))}]
    tree = {"a": [1, 2**13_000, "1" * 5000]}
    assert without_long_ints(tree) is tree


def test_the_tree_is_left_alone():
    """What is written in another way is put into a copy."""
    tree = {"a": [math.nan, None, {"b": [10**5000]}]}
    encode(tree, strict=True)
    encode(tree)
    assert math.isnan(tree["a"][0])
    assert tree["a"][2] == {"b": [10**5000]}


@pytest.mark.parametrize(
    "text", ["NaN", "\\u004eNaN", '"\\u004eNaN"', "null", '\\"\\u004eInfinity\\"', "-Infinity", '"NNaN"']
)
def test_texts_that_look_like_numbers_stay_texts(text):
    """Whatever is written beside a NaN."""
    tree = {text: [text, math.nan, None, -math.inf, {text: text}]}
    for strict in (False, True):
        for pretty in (False, True):
            assert same(decode(encode(tree, strict=strict, pretty=pretty)), tree)
            assert same(json.loads(encode(tree, pretty=pretty)), tree)


def test_strict_text_is_as_deep_as_any():
    """The dictionary of a number is no level of the tree."""
    tree = math.nan
    for _ in range(MAX_DEPTH):
        tree = [tree]
    assert same(decode(encode(tree, strict=True)), tree)


plain_floats = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15).map(
    lambda x: round(x, 3)
)
plain_texts = st.text(st.characters(codec="utf-8"))
plain_trees = st.recursive(
    st.none()
    | st.sampled_from([math.nan, math.inf])
    | st.booleans()
    | st.integers()
    | plain_floats
    | plain_texts,
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
    st.booleans(),
)
@pytest.mark.ci
def test_info_is_put_in_front(tree, info, pretty, strict):
    """A measurement made in two steps has the text that it would have in one."""
    whole = encode({"measurement": {"info": info, **tree}}, pretty=pretty, strict=strict)
    rest = encode_rest(tree, pretty=pretty, strict=strict)
    joined = prepend_info(info, rest, pretty=pretty, strict=strict)
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
        (b'{"a": 1', "not valid JSON: Expecting ',' delimiter, line 1, column 8"),
        (b'{"a": 1}}', "not valid JSON: Extra data, line 1, column 9"),
        (b'{"a": 1,}', "not valid JSON"),
        (b"\xef\xbb\xbf{}", "not valid JSON: Unexpected UTF-8 BOM"),
        (b'{"a": "\xff"}', "not UTF-8 text at byte 7"),
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


# What opens and closes a level; in strings brackets that would close it, open it, or hide where the string ends.
LEVELS = {
    "lists": ("[", "]"),
    "dictionaries": ('{"a":', "}"),
    "closed in a string": ('["]",', ',"["]'),
    "between quotation marks": (r'["\"]\"",', r',"\"[\""]'),
    "empty strings": ('["",', ',"[",""]'),
    "a string in each": ('{"a":"]","b":', ',"c":"["}'),
}


@pytest.mark.parametrize("padding", ["", "[" + ",".join(["[{}]"] * 5000) + "],"], ids=["short", "long"])
@pytest.mark.parametrize("level", LEVELS.values(), ids=LEVELS)
def test_depth_is_what_it_is_whatever_stands_in_strings(level, padding):
    opening, closing = level

    def nested(depth):
        return f"[{padding}{opening * (depth - 1)}1{closing * (depth - 1)}]".encode()

    decode(nested(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 2 * MAX_DEPTH):
        with pytest.raises(DataFileError, match="nested deeper than 100 levels"):
            decode(nested(depth))


def test_every_torn_file_is_noticed():
    """No beginning of a valid text is taken for the whole."""
    data = encode({"measurement": {"info": {"measurement_id": 1}, "results": {"E": [0.5, math.nan]}}})
    for length in range(len(data)):
        with pytest.raises(DataFileError):
            decode(data[:length])
