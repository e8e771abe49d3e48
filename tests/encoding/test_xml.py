"""XML: Coma 2's files and Boost's, lossless text of plain trees, and what is refused."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coma_xr.encoding import json, xml
from coma_xr.encoding.boost import write_parameters
from coma_xr.encoding.formats import FORMATS, format_of
from coma_xr.errors import DataFileError, SerializationError
from coma_xr.values.plain import from_plain, to_plain

DATA = Path(__file__).parents[1] / "data"
COMA = sorted(DATA.glob("coma2/*xml*/*.xml"))
SAMPLES = DATA / "boost" / "samples"

HEADER = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>\n<!DOCTYPE boost_serialization>\n'
    b'<boost_serialization signature="serialization::archive" version="18">\n'
)


def archive(body: bytes) -> bytes:
    return HEADER + body + b"\n</boost_serialization>\n"


def same(one: object, other: object) -> bool:
    """Whether two plain trees are equal in value, type and order; NaN equals NaN, 0.0 differs from -0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return repr(one) == repr(other)


def sample(name: str) -> dict:
    return xml.decode((SAMPLES / f"{name}.xml").read_bytes())


# ------------------------------------------------------------------------------------ Coma 2's files


def test_there_are_fixtures_of_coma_2():
    assert len(COMA) == 51


@pytest.mark.parametrize("path", COMA, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_of_coma_2_is_written_again_byte_for_byte(path):
    "But for the one float of which Coma 2's twelve digits are more than it has."
    data = path.read_bytes()
    written = xml.encode(xml.decode(data), pretty=b"\n" in data)
    assert written == data.replace(b"4.94065645841e-324", b"5e-324")


JSON_TWINS = [
    (path, Path(str(path).replace("-xml", "-json").replace(".xml", ".json")))
    for path in COMA
    if "measurement.0" in path.name and "values" not in path.parent.name
]


@pytest.mark.parametrize(("path", "twin"), JSON_TWINS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_measurement_in_xml_is_that_in_json(path, twin):
    "But for the digits of floats that Coma 2 lost."

    def rounded(tree):
        if isinstance(tree, dict):
            return {key: rounded(child) for key, child in tree.items() if not key.endswith("_date")}
        if isinstance(tree, list):
            return [rounded(item) for item in tree]
        if tree == "1.2":  # the text of a version looks like a number
            return 1.2
        return float(f"{tree:.12g}") if isinstance(tree, float) else tree

    assert same(rounded(xml.decode(path.read_bytes())), rounded(json.decode(twin.read_bytes())))


def test_the_awkward_values_of_coma_2():
    "What Coma 2's own XML had lost stays lost: True, the text 12, an empty text."
    results = [
        xml.decode(path.read_bytes())["measurement"]["results"]
        for path in COMA
        if path.parent.name == "values-xml" and "measurement.0" in path.name
    ]
    floats, integers, texts, empty, flags = results
    assert repr(floats["negative_zero"]) == "-0.0"
    assert math.isnan(floats["nan"])
    assert (floats["inf"], floats["minus_inf"], floats["whole"]) == (math.inf, -math.inf, 3.0)
    assert integers["beyond_64_bits"] == 1180591620717411303425
    assert texts["spaces"] == " a b "
    assert texts["markup"] == '<a href="x">&amp;</a>'
    assert texts["number_like"] == 12
    assert texts["digits_in_words"] == "12 monkeys"
    assert empty == {"none": None, "list": [], "text": None}
    assert flags == {"yes": "True", "no": "False", "list": ["True", None, 1, "a"]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-0", 0),
        ("1e5", 1e5),
        ("1E-5", 1e-5),
        ("-Infinity", -math.inf),
        ("-inf", -math.inf),
        *[
            (text, text)
            for text in ("012", "+1", "1_000", ".5", "5.", "1e", " 12", "12 ", "0x10", "\u0661", "-")
        ],
        *[(text, text) for text in ("None", "true", "nano", "infinity", "NAN", "--1")],
    ],
)
def test_numbers_are_what_json_spells_so(text, value):
    assert same(xml.decode(f"<a>{text}</a>".encode()), {"a": value})
    assert same(
        xml.decode(
            f"<a><count>2</count><item_version>0</item_version><item>{text}</item><item>{text}</item></a>".encode()
        ),
        {"a": [value, value]},
    )


def test_items_with_commas_are_not_split():
    items = "".join(f"<item>{text}</item>" for text in ("1,2", "3"))
    assert xml.decode(f"<a><count>2</count><item_version>0</item_version>{items}</a>".encode()) == {
        "a": ["1,2", 3]
    }


@pytest.mark.parametrize(
    "tree", [{"count": 0}, {"count": 7}, {"count": 7, "item": "apple"}, {"count": "many"}]
)
def test_a_count_of_something_is_no_list(tree):
    body = "".join(f"<{key}>{value}</{key}>" for key, value in tree.items())
    assert xml.decode(f"<a>{body}</a>".encode()) == {"a": tree}


# --------------------------------------------------------------------------------- lossless round trip

NAMES = st.sampled_from(
    [
        "count",
        "item",
        "item_version",
        "bucket_count",
        "px",
        "real",
        "first",
        "t",
        "theta_0",
        "__type__",
        "a.b-c",
        "xml",
    ]
)
ODD_KEYS = st.text(max_size=8)
AWKWARD = [
    *(
        "",
        " ",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "12",
        "-0",
        "1e5",
        "NaN",
        "nan",
        "-nan",
        "inf",
        "Infinity",
        "null",
        "True",
    ),
    *("]]>", "&amp;", "<a/>", '"', "'", "{", "1,2"),
    *("\x00", "\x7f", "\x85", "\u2028", "\ufffe", "\ud800", "\U0001f600"),
]
TEXTS = st.one_of(
    st.text(st.characters(codec=None, exclude_categories=[]), max_size=20),
    st.sampled_from(AWKWARD),
    st.integers().map(str),
    st.floats().map(repr),
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
NUMBERS = st.lists(st.floats() | st.integers(), max_size=8)
TREES = st.recursive(
    LEAVES | NUMBERS,
    lambda children: (
        st.lists(children, max_size=5)
        | st.dictionaries(NAMES, children, max_size=5)
        | st.dictionaries(ODD_KEYS, children, max_size=3)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("pretty", [True, False])
@given(tree=TREES)
@settings(max_examples=500, deadline=None)
@pytest.mark.ci
def test_every_plain_tree_comes_back(tree, pretty):
    "Equal in value, type and order."
    text = xml.encode({"measurement": tree}, pretty=pretty)
    assert same(xml.decode(text), {"measurement": tree})


@pytest.mark.parametrize("pretty", [True, False])
@given(
    info=st.dictionaries(NAMES | ODD_KEYS, TREES, max_size=3),
    rest=st.dictionaries(NAMES | ODD_KEYS, TREES, max_size=4),
)
@settings(max_examples=200, deadline=None)
@pytest.mark.ci
def test_a_measurement_is_written_in_two_steps(info, rest, pretty):
    rest.pop("info", None)
    text = xml.prepend_info(info, xml.encode_rest(rest, pretty=pretty), pretty=pretty)
    whole = {"measurement": {"info": info, **rest}}
    assert same(xml.decode(text), whole)
    assert text == xml.encode(whole, pretty=pretty)


@pytest.mark.parametrize("pretty", [True, False])
@pytest.mark.parametrize(
    "value",
    [
        1j,
        b"\0\r",
        {1, 2},
        {"__type__": "numpy.ndarray"},
        range(3),
        10**400,
        [-(10**5000)],
        [10**5000, 1.5, -1],
        {"": {}},
        {"": 10**5000},
        {"count": 1, "item": 2},
        {"count": 2, "item_version": 0, "item": 1, "c": 2},
    ],
)
def test_typed_values_come_back(value, pretty):
    text = xml.encode({"measurement": to_plain({"value": value})}, pretty=pretty)
    assert from_plain(xml.decode(text))["measurement"]["value"] == value


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float64", "<U3"])
def test_arrays_are_elements_that_coma_2_reads(dtype):
    np = pytest.importorskip("numpy")
    array = np.array([[0, 1], [1, 0]]).astype(dtype)
    text = xml.encode({"measurement": to_plain({"psi": array})})
    assert b"<__type__>numpy.ndarray</__type__>" in text
    again = from_plain(xml.decode(text))["measurement"]["psi"]
    assert again.dtype == array.dtype
    assert (again == array).all()


def test_attributes_stand_only_where_bare_text_would_be_misread():
    tree = {
        "a": "text",
        "b": " blanks ",
        "c": 0.1,
        "d": None,
        "e": [1, 2.5],
        "f": {"g": "1.0.0"},
        "h": "line\nbreak",
    }
    assert b"class_name" not in xml.encode({"measurement": tree})
    text = xml.encode(
        {"m": {"version": "1.0", "done": True, "name": "", "none": {}, "a b": 1, "bell": "\x07"}}
    )
    assert b'<m class_name="json">' in text
    text = xml.encode(
        {"m": {"version": "1.0", "done": True, "name": "", "none": {}, "bell": "\x07"}}
    ).decode()
    assert '<version class_name="str">1.0</version>' in text
    assert '<done class_name="bool">1</done>' in text
    assert '<name class_name="str"></name>' in text
    assert '<none class_name="json">{}</none>' in text
    assert '<bell class_name="json">"\\u0007"</bell>' in text


def read_like_coma_2(data: bytes) -> dict:
    """Read XML by the rules of Coma 2's README, and by nothing of ours."""

    def number(text):
        if re.fullmatch(r"-?(0|[1-9]\d*)", text, re.ASCII):
            return int(text)
        if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", text, re.ASCII):
            return float(text)
        return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(text, text)

    def value(element):
        tags = [child.tag for child in element]
        if tags[:2] == ["count", "item_version"]:
            return [value(child) for child in element[2:]]
        if tags:
            return {child.tag: value(child) for child in element}
        return number(element.text) if element.text else None

    root = ET.fromstring(data)
    return {root.tag: value(root)}


COMA_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"),
    min_size=1,
).filter(lambda text: not re.fullmatch(r"-?[0-9.]+([eE][-+]?[0-9]+)?|-?nan|-?inf", text))
COMA_TREES = st.dictionaries(
    st.sampled_from(["t", "E", "theta_0"]),
    st.recursive(
        st.none() | st.integers() | st.floats() | COMA_TEXTS,
        lambda children: (
            st.lists(children, max_size=4)
            | st.dictionaries(st.sampled_from(["a", "b", "c"]), children, min_size=1, max_size=3)
        ),
        max_leaves=12,
    ),
    min_size=1,
)


@pytest.mark.parametrize("pretty", [True, False])
@given(tree=COMA_TREES)
@settings(max_examples=300, deadline=None)
@pytest.mark.ci
def test_coma_2_reads_numbers_texts_and_lists_alike(tree, pretty):
    # Coma 2 takes these texts for floats, whoever wrote them.
    assume(not {"NaN", "Infinity", "-Infinity"} & set(re.findall(r"-?\w+", repr(tree))))
    assert same(read_like_coma_2(xml.encode({"measurement": tree}, pretty=pretty)), {"measurement": tree})


@given(
    st.binary(max_size=200)
    | st.text(max_size=100).map(lambda text: f"<a>{text}</a>".encode("utf-8", "replace"))
)
@settings(max_examples=500, deadline=None)
def test_whatever_is_read_gives_a_tree_or_our_error(data):
    try:
        tree = xml.decode(data)
    except DataFileError:
        return
    assert isinstance(tree, dict)


def test_every_prefix_and_every_flipped_bit_of_a_file_gives_a_tree_or_our_error():
    data = (SAMPLES / "special.xml").read_bytes()
    variants = [data[:end] for end in range(0, len(data), 7)]
    variants += [data[:i] + bytes([data[i] ^ (1 << i % 8)]) + data[i + 1 :] for i in range(0, len(data), 3)]
    read = 0
    for variant in variants:
        try:
            assert isinstance(xml.decode(variant), dict)
            read += 1
        except DataFileError:
            pass
    assert 0 < read < len(variants)


# ------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b" \n\0", "nothing but blanks or zero bytes"),
        (b"<a>\n<b></c></a>", "not valid XML: mismatched tag, line 2, column 6"),
        (b"<a>\0</a>", "a zero byte, line 1, column 4. Expected valid XML."),
        (b"<a>\x01</a>", "not valid XML: not well-formed (invalid token), line 1, column 4"),
        ("<a/>".encode("utf-16"), "a zero byte, line 1, column 4. Expected valid XML."),
        (
            b'<?xml version="1.0" encoding="utf-7"?><a/>',
            "the encoding 'utf-7', line 1, is not read. Expected UTF-8.",
        ),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "the encoding 'no-such', line 1, is not read"),
        (b"<a/><b/>", "junk after document element, line 1, column 5"),
        (b"<a>&eacute;</a>", "undefined entity, line 1, column 4"),
        (b"<a:b/>", "unbound prefix, line 1"),
        (b"<a>x<b/></a>", "a: the text 'x' next to elements. Expected text or elements."),
        (b"<a><b/>\n y</a>", "a: the text 'y' next to elements. Expected text or elements."),
        (b"<a><b><c/><c/></b></a>", "a/b: two elements 'c'"),
        (
            b"<a><b><count>3</count><item_version>0</item_version><item/></b></a>",
            "a/b: a list whose <count> is 3 has 1 items",
        ),
        (
            b"<a><b><count>2</count><item_version>0</item_version><item>1</item><c>2</c></b></a>",
            "a/b: a list with the element 'c'. Expected only <item> elements.",
        ),
        (b"<a><b>1e999</b></a>", "a/b: the number 1e999 is beyond the range of a float"),
        (b"<a><b>" + b"9" * 5000 + b"</b></a>", "a/b: Exceeds the limit"),
        (b"<a><count>2</count><item>1</item><item>1e999</item></a>", "a/1: the number 1e999"),
        (b'<a><b class_name="bool">yes</b></a>', "a/b: a bool is 'yes'. Expected 1 or 0."),
        (b'<a><b class_name="json">{</b></a>', "a/b: JSON text: not valid JSON"),
        (
            b'<a><b class_name="str"><c/></b></a>',
            "a/b: an element of class_name 'str' holds elements. Expected text.",
        ),
        (b'<a><b object_id_reference="_7"/></a>', "a/b: a pointer to the object '_7', which does not exist"),
        (b"<a>" * 101 + b"</a>" * 101, "nested deeper than 100 levels"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "nested deeper than 100 levels"),
        (b'<a class_name="json">' + b"[" * 101 + b"]" * 101 + b"</a>", "nested deeper than 100 levels"),
        (
            b"<a>" * 50 + b'<b class_name="json">' + b"[" * 60 + b"]" * 60 + b"</b>" + b"</a>" * 50,
            "nested deeper than 100 levels",
        ),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(data, message):
    with pytest.raises(DataFileError, match=re.escape(message)):
        xml.decode(data)


def test_as_deep_as_json():
    tree = {"a": 1}
    for _ in range(98):
        tree = {"a": tree}
    assert xml.decode(xml.encode({"m": tree})) == json.decode(json.encode({"m": tree}))


DOCTYPES = [
    b"<!DOCTYPE a>",
    b"<!DOCTYPE boost_serialization []>",
    b'<!DOCTYPE boost_serialization [<!ENTITY e "x">]>',
    b'<!DOCTYPE boost_serialization SYSTEM "file:///etc/passwd">',
    b'<!DOCTYPE boost_serialization PUBLIC "a" "http://localhost/">',
    b'<!-- <!DOCTYPE boost_serialization> --><!DOCTYPE boost_serialization [<!ENTITY e "x">]>',
    b'<!DOCTYPE boost_serialization><!DOCTYPE boost_serialization [<!ENTITY e "x">]>',
    b'<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>',
]


@pytest.mark.parametrize("doctype", DOCTYPES)
def test_no_document_type_definition_is_read(doctype):
    with pytest.raises(
        DataFileError, match="a DOCTYPE, line 2, column .*; coma_xr reads no document type definitions"
    ):
        xml.decode(b'<?xml version="1.0"?>\n' + doctype + b"\n<a>1</a>")


def test_the_doctype_of_boost_alone_is_passed_over():
    assert xml.decode(b"<!DOCTYPE boost_serialization>\n<a>1</a>") == {"a": 1}
    assert xml.decode(b"\xef\xbb\xbf" + archive(b"<a>1</a>")) == {"a": 1}


def test_an_archive_cannot_grow_by_naming_an_object_many_times():
    body = b'<o object_id="_0"><a>1</a></o>'
    for number in range(1, 40):
        pair = b'<x object_id_reference="_%d"/><y object_id_reference="_%d"/>' % (number - 1, number - 1)
        body += b'<o%d object_id="_%d">%s</o%d>' % (number, number, pair, number)
    with pytest.raises(
        DataFileError, match="references to objects that would expand to more than 1000000 values"
    ):
        xml.decode(archive(body))


# --------------------------------------------------------------------------------------------- Boost


RESULTS = {
    "average": 1 / 3,
    "energies": [-2.0, 0.5, 1e300, 5e-324, -0.0],
    "none": [],
    "counts": [1, 2, 3],
    "flags": [1, 0],
    "labels": ["a", "", "0012", "b c"],
    "matrix": [[1.0, 2.0], [3.0]],
    "sites": [{"x": 0.0, "y": 0.0}, {"x": 1.5, "y": 0.0}],
}


@pytest.mark.parametrize("name", ["default", "plain"])
def test_a_measurement_of_boost(name):
    tree = sample(name)["measurement"]
    assert tree["info"]["program"] == "boost <demo> & \"co\" 'x'"
    assert tree["parameters"]["big"] == 2**64 - 1
    assert tree["parameters"]["V"] == 0.1
    assert tree["parameters"]["name"] == " two  spaces\nline é "
    assert tree["parameters"]["empty"] == ""
    assert same(tree["results"], RESULTS)


@pytest.mark.parametrize("name", ["default_no_header", "plain_no_header"])
def test_without_the_header_an_empty_element_is_none_as_for_coma_2(name):
    tree = sample(name)["measurement"]
    assert tree["parameters"]["empty"] is None
    assert same(tree["results"], {**RESULTS, "labels": ["a", None, "0012", "b c"]})


@pytest.mark.parametrize("name", ["special", "plain_special_no_header"])
def test_nan_and_infinities_of_cpp(name):
    assert same(sample(name)["measurement"]["results"]["energies"], [math.nan, math.inf, -math.inf])
    assert same(xml.decode(b"<a><b>-nan</b></a>"), {"a": {"b": math.nan}})


def test_containers_of_the_standard_library():
    tree = from_plain(sample("extras")["boost_serialization"])
    derived = {"Base": {"b": 1}, "d": 2.0}
    assert tree == {
        "scan": {"U": 2.0, "V": 1.5},
        "hashed": [{"first": 1, "second": 2}],
        "chosen": [3, 4],
        "chain": [1.0, 2.0],
        "fixed": [1.0, 2.0],
        "raw": [3.0, 4.0],
        "z": 1 - 1j,
        "zs": [1 + 2j],
        "some": 5,
        "nothing": None,
        "kind": 1,
        "wide": "wé",
        "derived": derived,
        "first": derived,
        "again": derived,
        "null": None,
    }
    assert tree["again"] is not tree["first"]


def test_pointers_maps_and_arrays_of_arrays():
    tree = sample("pointers")["boost_serialization"]
    base = {"Base": {"b": 1}, "d": -0.0, "next": None}
    chain = {**base, "next": base}
    assert tree == {
        "empty": {},
        "unique": base,
        "chain": chain,
        "exported": chain,
        "raw": base,
        "again": base,
        "null": None,
        "many": [chain, None],
        "flags": [1, 0],
        "no_flags": [],
        "pair": {"first": 1, "second": 2.5},
        "named": {"a": 1},
        "points": [{"first": 1.0, "second": 2.0}, {"first": 3.0, "second": 4.0}],
        "lists": {"": [], "12": [1.0], "b": [1.0, 2.0]},
        "maps": [{"first": 1, "second": {"x": 2}}],
        "doubles": [{"first": "x", "second": 2}, {"first": "x", "second": 3}],
        "matrix": [[1.0, 2.0], [3.0, 4.0]],
        "arrays": [[1, 2], [3, 4]],
        "blanks": "\n  ",
        "breaks": "a\r\nb\rc\td",
    }


def test_an_object_that_contains_itself_is_refused_by_its_place():
    with pytest.raises(
        DataFileError, match=r"cycle/px/next/px: an object that contains itself\. Expected a tree\."
    ):
        sample("cycle")


def test_without_the_header_shapes_are_left_as_coma_2_read_them():
    "Years of retrievals ask for results/z/real."
    body = b"<m><z><real>1</real><imag>2</imag></z><o><initialized>0</initialized></o><p><px class_id='-1'/></p></m>"
    assert xml.decode(body)["m"] == {"z": {"real": 1, "imag": 2}, "o": {"initialized": 0}, "p": {"px": None}}


def test_a_class_of_cpp_may_be_called_like_one_of_our_marks():
    tree = xml.decode(
        archive(
            b'<p class_id="1" class_name="json" tracking_level="1" version="0" object_id="_0"><x>1</x></p>'
        )
    )
    assert tree == {"p": {"x": 1}}


# --------------------------------------------------------------------------------- files of parameters


def test_parameters_are_written_in_order_without_attributes():
    text = write_parameters(
        {"b": 1.0, "a": "x<y", "flags": [True, False], "empty": "", "list": [0.1, 2], "s": {"x": -0.0}}
    )
    assert text == archive(
        b"<b>1</b>\n<a>x&lt;y</a>\n<flags>\n<count>2</count>\n<item>1</item>\n<item>0</item>\n</flags>\n"
        b"<empty></empty>\n<list>\n<count>2</count>\n<item_version>0</item_version>\n<item>0.1</item>\n<item>2</item>\n"
        b"</list>\n<s>\n<x>-0.0</x>\n</s>"
    )
    assert xml.decode(text)["boost_serialization"]["list"] == [0.1, 2]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a": None}, "a: cannot write None for C++"),
        (
            {"a": {"b": [1.0, math.nan]}},
            "a/b/1: C++ reads no nan from an archive.",
        ),
        ({"a": math.inf}, "a: C++ reads no inf"),
        ({"θ": 1}, "θ: a name in an archive has letters, digits"),
        ({"a": "\x01"}, "a: a string with control characters"),
        ({"a": b"x"}, "a: cannot write a bytes for C++"),
        ({"a": [10**5000]}, "a/0: an int of more digits than are read again."),
    ],
)
def test_what_cpp_cannot_read_is_refused(values, message):
    with pytest.raises(SerializationError, match=re.escape(message)):
        write_parameters(values)


# -------------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_does_the_same(suffix):
    format = format_of(f"measurement.000001{suffix}")
    tree = {"measurement": {"info": {"measurement_id": 1}, "results": {"E": [1.5, math.inf], "done": True}}}
    assert format.suffix == suffix
    for pretty in (True, False):
        text = format.encode(tree, pretty=pretty)
        assert same(format.decode(text), tree)
        rest = format.encode_rest({"results": tree["measurement"]["results"]}, pretty=pretty)
        assert format.prepend_info({"measurement_id": 1}, rest, pretty=pretty) == text


def test_ints_of_any_size_are_written_in_two_steps_too():
    tree = {"a": -(10**5000), "b": [1, 10**5000]}
    for pretty in (True, False):
        for rest in (tree, {"odd key": 10**5000}):
            text = xml.prepend_info(tree, xml.encode_rest(rest, pretty=pretty), pretty=pretty)
            assert text == xml.encode({"measurement": {"info": tree, **rest}}, pretty=pretty)
            assert xml.decode(text) == {"measurement": {"info": tree, **rest}}


def test_other_names_have_no_format():
    assert format_of("notes.txt") is None


def test_what_coma_2_lost_in_xml_is_what_the_page_says():
    """The same measurement in its two formats; docs/coming-from-coma-2.md tells the differences."""
    changed = {}
    for number in range(1, 6):
        name = f"measurement.{number:06}"
        plain = json.decode((DATA / "coma2/values-json" / f"{name}.json").read_bytes())["measurement"][
            "results"
        ]
        lossy = xml.decode((DATA / "coma2/values-xml" / f"{name}.xml").read_bytes())["measurement"]["results"]
        assert plain.keys() == lossy.keys()
        changed |= {key: lossy[key] for key in plain if not same(plain[key], lossy[key])}
    assert changed == {
        "large": 1.79769313486e308,
        "third": 0.333333333333,
        "number_like": 12,
        "text": None,
        "yes": "True",
        "no": "False",
        "list": ["True", None, 1, "a"],
    }
