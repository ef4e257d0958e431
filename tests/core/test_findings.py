"""An error of a reader becomes a finding in one way."""

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason, Severity, finding_of


class Refused(WrongUse):
    reason = Reason.TRUNCATED


FIELDS = {"found": "3 bytes", "wanted": "4 bytes", "remedy": "Export it again.", "where": "PixelData"}


def test_a_finding_says_what_the_error_said():
    found = finding_of(WrongUse(**FIELDS))
    assert {name: getattr(found, name) for name in FIELDS} == FIELDS
    assert (found.reason, found.severity) == (Reason.HEADER_INVALID, Severity.REFUSE)


def test_the_reason_that_an_error_names_itself_stands_above_the_caller_s():
    assert finding_of(Refused(**FIELDS), Reason.REFERENCE_INVALID).reason is Reason.TRUNCATED
    assert finding_of(WrongUse(**FIELDS), Reason.REFERENCE_INVALID).reason is Reason.REFERENCE_INVALID


def test_who_knows_the_place_and_the_document_better_says_them():
    found = finding_of(WrongUse(**FIELDS), severity=Severity.WARN, where="", source="DICOM PS3.3")
    assert (found.where, found.source, found.severity) == ("", "DICOM PS3.3", Severity.WARN)
