"""RDML: curves are counted to the end of the container, or the container is refused."""

import io
import zipfile

import pytest

from medassay.core.findings import Reason
from medassay.formats.ivd import rdml
from medassay.formats.ivd.refusal import IvdRefused

POINTS = "".join(f"<adp><cyc>{n}</cyc><fluor>{n}.{n * 7919 % 1000}</fluor></adp>" for n in range(300))
XML = f"<rdml xmlns='http://www.rdml.org' version='1.2'><run><react id='1'>{POINTS}</react></run></rdml>"


def packed(xml=XML):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as container:
        container.writestr("rdml_data.xml", xml)
    return stream.getvalue()


def test_reactions_and_points_are_counted():
    runs = rdml.open(packed())
    facts = {"version": "1.2", "reactions": 1, "amplification_points": 300, "melting_points": 0}
    assert rdml.describe(runs) == facts
    assert list(rdml.examine(runs)) == []


def test_a_point_without_a_number_and_a_file_without_a_curve_are_said():
    (one,) = rdml.examine(rdml.open(packed(XML.replace("<fluor>5.", "<fluor>NaN"))))
    assert one.reason is Reason.VALUE_IMPLAUSIBLE
    (one,) = rdml.examine(rdml.open(packed("<rdml version='1.2'></rdml>")))
    assert one.reason is Reason.REFERENCE_MISSING


faults = {
    "XML cut": packed(XML[:-9]),
    "DTD": packed("<!DOCTYPE rdml><rdml/>"),
    "other XML": packed("<a/>"),
    "no zip": b"PK\x03\x04",
}


@pytest.mark.parametrize("content", faults.values(), ids=faults)
def test_what_cannot_be_read_is_refused(content):
    with pytest.raises(IvdRefused):
        rdml.open(content)


@pytest.mark.parametrize("at", range(60, 1200, 45))
def test_a_damaged_byte_ends_in_a_count_or_a_refusal(at):
    content = bytearray(packed())
    content[at % len(content)] ^= 0xFF
    try:
        assert rdml.open(bytes(content)).amplification_points <= 300
    except IvdRefused as refused:
        assert refused.reason in Reason  # noqa: PT017 - either outcome is right
