"""Texts of JSON that are to be read, to be refused, or may be either, after the manner of JSONTestSuite."""

from __future__ import annotations

import pytest

from tests.bad_files import cases
from tests.examiner import examine

pytestmark = pytest.mark.ci

DEEPEST = 90

# To be read.
GOOD = {
    "empty containers": [b"[]", b"{}", b" [ ] ", b"\n{\t}\r\n", b"[[]]", b'{"":{}}'],
    "words": [b"null", b"true", b"false", b"[null,true,false]"],
    "numbers": [
        *(
            b"0 -0 1 -1 10 0.0 -0.0 0.1 1.5e3 1E3 1e+3 1e-3 1E-3 1e0 0e1 0E+7 123e65 1e308 5e-324 1e-400".split()
        ),
        b"9007199254740993",
        b"18446744073709551616",
        b"-9223372036854775809",
        b"0.1000000000000000055511151231257827021181583404541015625",
        b"1" * 4000,
        b"0." + b"3" * 5000,
        b"1e-" + b"9" * 300,
    ],
    "strings": [
        *(
            b'"" "a" "\\"" "\\\\" "\\/" "\\b\\f\\n\\r\\t" "\\u0041" "\\u00e9" "\\uD834\\uDD1E" "\\u0000"'.split()
        ),
        '"é"'.encode(),
        '"\U0001d11e"'.encode(),
        b'"\x7f"',
        '"\u2028\u2029\ufffe\uffff\ufeff"'.encode(),
        b'"' + b"x" * 100_000 + b'"',
        b'"{\\"a\\": 1}"',
        b'"/*comment*/"',
    ],
    "structure": [
        b'{"a":1,"b":[{"c":[[]]}]}',
        b'{"a":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"__proto__":1,"constructor":2}',
        b"[" * DEEPEST + b"]" * DEEPEST,
        b'{"a":' * DEEPEST + b"1" + b"}" * DEEPEST,
        b"[" + b",".join([b"1"] * 10_000) + b"]",
    ],
    # What Python and Coma 2 write besides, and what was taken for lone surrogates.
    "beyond the standard": [b"NaN", b"[Infinity,-Infinity]", b'"\\ud800"', b'["\\udc00\\ud800"]'],
}

# To be refused.
BAD = {
    "nothing": [b"", b" ", b"\n\n", b"\0", b"\0" * 1000],
    "words": [*(b"nul tru fals None True nan Inf infinity +Infinity -NaN undefined nulll truefalse".split())],
    "numbers": [
        *(
            b"01 -01 1. .5 -.5 1.e3 1e 1e+ 1E- + - +1 -- -a 0x10 0o7 0b1 1_000 1,5 1e1.5 0.1.2 12a 1e999 -1e999".split()
        ),
        "\uff11".encode(),
        "\u0661".encode(),
        b"1" * 5_000,
        b"-" + b"9" * 100_000,
        b"1" + b"0" * 400 + b".5e99999",
        b"\xef\xbc\x91",
    ],
    "strings": [
        b'"',
        b'"a',
        b"'a'",
        b"a",
        b'"\\x"',
        b'"\\u12"',
        b'"\\u12G4"',
        b'"\\uD834\\u"',
        b'"\\',
        b'"a\nb"',
        b'"a\tb"',
        b'"\0"',
        b'"\x1f"',
        b'"\\\n"',
        b'""x',
        b'"a""b"',
        "“a”".encode(),
    ],
    "structure": [
        *(
            b"[ ] { } [1 1] [1, [,1] [1,] [,] [1,,2] [1}  {1} {1:2} {a:1} {'a':1} [1]] {}} [][] {}{} 1,2".split()
        ),
        b'{"a"}',
        b'{"a":}',
        b'{"a":1,}',
        b'{,"a":1}',
        b'{"a" 1}',
        b'{"a":1 "b":2}',
        b'{"a":1]',
        b'{"a"::1}',
        b"{null:1}",
        b"[1 2]",
        b"[1]x",
        b"[1],",
        b"[1]//",
        b"/**/[1]",
        b"[1]#",
        b"<a/>",
        b"---\na: 1",
        b"[" * 101 + b"]" * 101,
        b'{"a":' * 101 + b"1" + b"}" * 101,
        b"[" * 1_000,
        b"[" * 100_000,
        b"[" * 1_000_000,
        b"[" * 1_000_000 + b"]" * 1_000_000,
        b'[{"a":' * 100_000,
        b'{"a":' * 1_000_000,
    ],
    "encodings": [
        b"\xef\xbb\xbf[]",
        "[1]".encode("utf-16"),
        "[1]".encode("utf-16-le"),
        "[1]".encode("utf-16-be"),
        "[1]".encode("utf-32"),
        '"é"'.encode("latin-1"),
        b'"\xff"',
        b'"\xc0\xaf"',
        b'"\xe0\x80\xaf"',
        b'"\xed\xa0\x80"',
        b'"\xed\xa0\x80\xed\xb0\x80"',
        b'"\xf4\x90\x80\x80"',
        b'"\xf8\x88\x80\x80\x80"',
        b'"\xc3',
        b'"\x80"',
        b"[1]\0",
        b"\x1f\x8b\x08\x00[1]",
        b"[\x0c1]",
        b"[\xa01]",
        "[\u00a01]".encode(),
        "[\u20601]".encode(),
        b"[1]\x1a",
    ],
}

# Python's own spellings of white space and blanks around words are of no consequence.
EITHER = {
    "forms of ours that lie": [
        b'{"__type__":"coma.float","value":"huge"}',
        b'{"__type__":"coma.float","value":5}',
        b'{"__type__":"coma.int","hex":"0x"}',
        b'{"__type__":"coma.int","hex":"1 2"}',
        b'{"__type__":"coma.int","hex":null}',
        b'{"__type__":5}',
        b'{"__type__":null}',
        b'{"__type__":"coma."}',
        b'{"__type__":"coma.nothing"}',
        b'{"__type__":"numpy.ndarray"}',
        b'{"__class__":"os.system","args":["true"]}',
        b'{"__reduce__":["os.system",["true"]]}',
    ],
    "long names": [
        b'{"%s":1}' % (b"x" * 100_000),
        b'{"%s":{"__type__":"coma.uuid","value":"x"}}' % (b"x" * 100_000),
        b'{"__type__":"%s"}' % (b"x" * 100_000),
        b'{"__type__":"coma.%s"}' % (b"x" * 100_000),
        b'{"__type__":"coma.uuid","value":"%s"}' % (b"x" * 100_000),
        b'{"__type__":"coma.pandas.array","dtype":"%s","list":[]}' % (b"x" * 100_000),
        b'{"__type__":"numpy.ndarray","dtype":"%s","shape":[],"list":[]}' % (b"x" * 100_000),
    ],
}


def test_what_is_json_is_read(report_line, tally):
    report = examine(cases(GOOD, "json"), "value")
    report_line(f"JSON to be read: {report}")
    tally("bad inputs").add(sum(report.outcomes.values()))


def test_what_is_no_json_is_refused(report_line, tally):
    report = examine(cases(BAD, "json"), "DataFileError")
    assert report.memory < 500 * 2**20
    report_line(f"texts that are no JSON: {report}")
    tally("bad inputs").add(sum(report.outcomes.values()))


def test_every_text_may_be_a_result(report_line, tally):
    """In a measurement among others; those are returned."""
    wrapped = [case for groups in (GOOD, BAD, EITHER) for case in cases(groups, "json", wrapped=True)]
    report = examine([*wrapped, *cases(EITHER, "json")])
    report_line(f"JSON of all kinds as the result of a measurement: {report}")
    tally("bad inputs").add(sum(report.outcomes.values()))


@pytest.mark.parametrize("groups", [GOOD, BAD])
def test_there_are_enough_cases(groups):
    assert len(cases(groups, "json")) > 50
