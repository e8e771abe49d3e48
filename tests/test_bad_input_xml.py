"""Texts of XML that are to be read, to be refused, or may be either."""

from __future__ import annotations

import pytest

from tests.bad_files import cases
from tests.examiner import examine

pytestmark = pytest.mark.ci

BOOST = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>\n<!DOCTYPE boost_serialization>\n'
    b'<boost_serialization signature="serialization::archive" version="18">'
)
BOOST_END = b"</boost_serialization>"


def archive(body):
    return BOOST + body + BOOST_END


LAUGHS = b'<!DOCTYPE m [<!ENTITY a0 "ha">%s]><m>&a%d;</m>'


def laughs(levels, times):
    """Return a text in which each entity is so many of the one before."""
    entities = [
        b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * times) for level in range(1, levels + 1)
    ]
    return LAUGHS % (b"".join(entities), levels)


# To be read; those that stand alone cannot be put into another document.
GOOD = {
    "elements": [
        b"<m/>",
        b"<m></m>",
        b"<m>1</m>",
        b"<m><a/></m>",
        b"<m ></m >",
        b"<m\n/>",
        b"<_a.b-c/>",
        "<é/>".encode(),
    ],
    "text": [
        *(b"<m>1.5</m> <m>-1</m> <m>1e5</m> <m>NaN</m> <m>-inf</m> <m>01</m> <m>1.</m> <m>nul</m>".split()),
        b"<m> 1 </m>",
        b"<m>&amp;&lt;&gt;&quot;&apos;</m>",
        b"<m>&#65;&#x41;&#x1D11E;</m>",
        "<m>é\u2028\ufffd\U0001d11e</m>".encode(),
        b"<m>a]]</m>",
        b"<m>" + b"x" * 100_000 + b"</m>",
        b"<m>1e-400</m>",
        b"<m>\r\n</m>",
    ],
    "comments, CDATA, instructions": [
        b"<m><!-- a --><a/><!-- b --></m>",
        b"<m><![CDATA[<a>&]]></m>",
        b"<m><![CDATA[]]></m>",
        b"<m><?php echo 1?><a/></m>",
        b"<m><?xml-stylesheet href='http://x'?></m>",
        b"<m>1<!-- a -->2</m>",
    ],
    "lists": [
        b"<m><count>0</count><item_version>0</item_version></m>",
        b"<m><count>1</count><item_version>0</item_version><item/></m>",
        b"<m><count>2</count><item>1</item><item>2</item></m>",
        b"<m><count>x</count></m>",
        b"<m><count>1</count></m>",
    ],
    "attributes": [
        b"<m a='1' b=\"2\"/>",
        b"<m class_id='0' tracking_level='0' version='0'>1</m>",
        b"<m class_name='str'>1</m>",
        b"<m class_name='bool'>1</m>",
        b"<m class_name='null'/>",
        b"<m class_name='json'>{}</m>",
        b"<m class_name='anything'>1</m>",
        b"<m xml:space='preserve'> </m>",
        b"<m xmlns='http://x'><a/></m>",
        b"<m xmlns:n='http://x'><n:a/></m>",
    ],
    "depth": [b"<a>" * 80 + b"</a>" * 80],
}
GOOD_ALONE = {
    "prologues": [
        b'<?xml version="1.0"?><m/>',
        b'<?xml version="1.0" encoding="UTF-8"?><m>\xc3\xa9</m>',
        b'<?xml version="1.0" encoding="iso-8859-1"?><m>\xe9</m>',
        b"<?xml version='1.0' encoding='us-ascii' standalone='no'?><m/>",
        b"\xef\xbb\xbf<m/>",
        b"<!-- a --><m/><!-- b -->",
        b"<?a b?><m/>\n",
        b'<?xml version="2.0"?><m/>',
    ],
    "archives of Boost": [
        archive(b""),
        archive(b"<m>1</m>"),
        archive(b"<m>1</m><n>2</n>"),
        archive(b"<m>1</m><m>2</m>"),
        archive(b'<m class_id="-1"></m>'),
        archive(b'<m object_id="_0"><a>1</a></m><n object_id_reference="_0"></n>'),
    ],
}

# To be refused, wherever it stands.
BAD = {
    "not well-formed": [
        *(b"< <m <m> </m> <m/ <m></n> <m></m></m> <m/>& <1m/> <-m/> <.m/> <m<n/></m> <m/><//m>".split()),
        b"<m a/>",
        b"<m a=1/>",
        b"<m a='1' a='2'/>",
        b"<m a='<'/>",
        b"<m a='1'b='2'/>",
        b"<m a=\"1'/>",
        b"<m>&</m>",
        b"<m>&amp</m>",
        b"<m>&nope;</m>",
        b"<m>&#0;</m>",
        b"<m>&#1;</m>",
        b"<m>&#xD800;</m>",
        b"<m>&#xFFFE;</m>",
        b"<m>&#x110000;</m>",
        b"<m>&#;</m>",
        b"<m>]]></m>",
        b"<m><!-- a -- b --></m>",
        b"<m><!-- a</m>",
        b"<m><![CDATA[a</m>",
        b"<m><![cdata[a]]></m>",
        b"<m><?xml version='1.0'?></m>",
        b"<m><?a</m>",
        b"<m>\0</m>",
        b"<m>\x01</m>",
        b"<m>\x1f</m>",
        b"<m>\xed\xa0\x80</m>",
        b"<m>\xff</m>",
        b"<m>\xc3</m>",
        "<m>\ufffe</m>".encode(),
        b"<n:m/>",
        b"<m xmlns:n=''><n:a/></m>",
        b"< m/>",
        b"<m/ >",
        b"<m>" * 1_000,
    ],
    "contents": [
        b"<m>a<b/></m>",
        b"<m><b/>a</m>",
        b"<m><a>1</a><a>2</a></m>",
        b"<m><count>2</count><item_version>0</item_version><item/></m>",
        b"<m><count>3</count><item>1</item><item>2</item></m>",
        b"<m>1e999</m>",
        b"<m>" + b"1" * 5_000 + b"</m>",
        b"<m class_name='bool'>yes</m>",
        b"<m class_name='bool'></m>",
        b"<m class_name='json'></m>",
        b"<m class_name='json'>[</m>",
        b"<m class_name='json'>{'a':1}</m>",
        b"<m class_name='json'>" + b"[" * 100_000 + b"</m>",
        b"<m class_name='json'>" + b"[" * 99 + b"]" * 99 + b"</m>"
        if False
        else b"<m class_name='json'>nul</m>",
        b"<m class_name='json'><a/></m>",
        b"<m class_name='str'><a/></m>",
        b"<m object_id_reference='_7'></m>",
        b"<m object_id='_0'><a object_id_reference='_0'></a></m>",
    ],
    "depth": [b"<a>" * n + b"</a>" * n for n in (102, 1_000, 100_000)],
}
BAD_ALONE = {
    "depth": [b"<a>" * 1_000_000 + b"</a>" * 1_000_000],
    "nothing": [b"", b" ", b"\n", b"\0", b"\0" * 1000],
    "not one document": [
        b"1",
        b"<m/><n/>",
        b"<m/>a",
        b"a<m/>",
        b"<!-- a -->",
        b'<?xml version="1.0"?>',
        b"{}",
    ],
    "prologues": [
        b' <?xml version="1.0"?><m/>',
        b'<?xml encoding="UTF-8"?><m/>',
        b'<?xml version="1.0" encoding="utf-7"?><m/>',
        b'<?xml version="1.0" encoding="utf-16"?><m/>',
        b'<?xml version="1.0" encoding="utf-32"?><m/>',
        b'<?xml version="1.0" encoding="shift_jis"?><m/>',
        b'<?xml version="1.0" encoding="no-such"?><m/>',
        b'<?xml version="1.0" encoding="idna"?><m/>',
        b'<?xml version="1.0" encoding="%s"?><m/>' % (b"x" * 10_000),
        "<m/>".encode("utf-16"),
        "<m/>".encode("utf-16-le"),
        "<m/>".encode("utf-32"),
        b'<?xml version="1.0" encoding="us-ascii"?><m>\xc3\xa9</m>',
    ],
    "document type definitions": [
        b"<!DOCTYPE m><m/>",
        b"<!DOCTYPE m []><m/>",
        b'<!DOCTYPE m SYSTEM "file:///etc/passwd"><m/>',
        b'<!DOCTYPE m PUBLIC "-//x" "http://127.0.0.1:9/x.dtd"><m/>',
        b'<!DOCTYPE m [<!ENTITY a "b">]><m>&a;</m>',
        b'<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]><m>&a;</m>',
        b'<!DOCTYPE m [<!ENTITY a SYSTEM "http://127.0.0.1:9/">]><m>&a;</m>',
        b'<!DOCTYPE m [<!ENTITY % a SYSTEM "file:///etc/passwd">%a;]><m/>',
        b'<!DOCTYPE m [<!ELEMENT m ANY><!ATTLIST m a CDATA "b">]><m/>',
        b'<!DOCTYPE boost_serialization SYSTEM "x"><m/>',
        b'<!DOCTYPE boost_serialization [<!ENTITY a "b">]><m>&a;</m>',
        b"<!DOCTYPE boost_serialization><!DOCTYPE m [<!ENTITY a 'b'>]><m>&a;</m>",
        b"<!doctype m><m/>",
        b"<m/><!DOCTYPE m>",
        b"<m><!DOCTYPE m></m>",
        laughs(9, 10),
        laughs(3, 3),
        laughs(1, 100_000),
        b'<!DOCTYPE m [<!ENTITY a "%s">]><m>%s</m>' % (b"x" * 50_000, b"&a;" * 50_000),
        b'<!DOCTYPE m [<!ENTITY a "&a;">]><m>&a;</m>',
    ],
    "archives of Boost": [
        BOOST,
        BOOST + b"<m/>",
        archive(b'<m object_id_reference="_1"></m>'),
        archive(b'<m object_id="_0"><n object_id_reference="_0"></n></m>'),
        archive(
            b'<m0 object_id="_0"><a>1</a><b>1</b></m0>'
            + b"".join(
                b'<m%d object_id="_%d"><a object_id_reference="_%d"></a><b object_id_reference="_%d"></b></m%d>'
                % (n, n, n - 1, n - 1, n)
                for n in range(1, 90)
            )
        ),
    ],
}

# Whether these are lists, copies and the like is not of consequence; that it does not take long is.
EITHER = {
    "much of one": [
        b"<m>" + b"<a/>" * 100_000 + b"</m>",
        b"<m>" + b"".join(b"<a%d/>" % n for n in range(10_000)) + b"</m>",
        b"<m " + b" ".join(b"a%d=''" % n for n in range(10_000)) + b"/>",
        b"<m a='" + b"x" * 5_000_000 + b"'/>",
        b"<" + b"m" * 1_000_000 + b"/>",
        b"<m>" + b"<![CDATA[x]]>" * 100_000 + b"</m>",
        b"<m>" + b"&amp;" * 500_000 + b"</m>",
        b"<m>" + b"<!-- -->" * 100_000 + b"</m>",
        b"<m><count>100000</count><item_version>0</item_version>" + b"<item>1</item>" * 100_000 + b"</m>",
        b"<m><count>99999999999999999999999999</count></m>",
        b"<m xmlns='" + b"x" * 100_000 + b"'>" + b"<a/>" * 100 + b"</m>",
    ],
}


def test_what_is_xml_is_read(report_line, tally):
    report = examine([*cases(GOOD, "xml"), *cases(GOOD_ALONE, "xml")], "value")
    report_line(f"XML to be read: {report}")
    tally("bad inputs").add(sum(report.outcomes.values()))


def test_what_is_no_xml_of_ours_is_refused(report_line, tally):
    """No entity is expanded, no file or address opened."""
    report = examine([*cases(BAD, "xml"), *cases(BAD_ALONE, "xml")], "DataFileError")
    assert report.memory < 1_000 * 2**20
    report_line(f"texts that are no XML, or none that is read: {report}")
    tally("bad inputs").add(sum(report.outcomes.values()))


def test_every_element_may_be_a_result(report_line, tally):
    """In a measurement among others; those are returned."""
    wrapped = [case for groups in (GOOD, BAD, EITHER) for case in cases(groups, "xml", wrapped=True)]
    report = examine([*wrapped, *cases(EITHER, "xml")])
    report_line(f"XML of all kinds as the result of a measurement: {report}")
    tally("bad inputs").add(sum(report.outcomes.values()))


@pytest.mark.parametrize("groups", [[GOOD, GOOD_ALONE], [BAD, BAD_ALONE]])
def test_there_are_enough_cases(groups):
    assert sum(len(cases(group, "xml")) for group in groups) > 50
