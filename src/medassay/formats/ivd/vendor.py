"""Forms of laboratories and devices that are known by their marks and have no reader here: refused by name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.ivd.refusal import said


@dataclass(frozen=True)
class VendorForm:
    name: str
    mark: re.Pattern[bytes]
    instead: str


FORMS = (
    VendorForm(
        "bioMérieux mini VIDAS record",
        re.compile(rb"\A\x05?\x02\x1emt[a-z]{2,4}\|"),
        "ASTM E1394, or HL7 v2 from the laboratory system",
    ),
    VendorForm(
        "Arkray SPOTCHEM printout",
        re.compile(rb"\A\x02\d\d/\d\d/\d\d \d\d:\d\d ID#"),
        "ASTM E1394, or HL7 v2 from the laboratory system",
    ),
    VendorForm(
        "network capture (pcapng)",
        re.compile(rb"\A\x0a\x0d\x0d\x0a.{4}(?:\x4d\x3c\x2b\x1a|\x1a\x2b\x3c\x4d)", re.DOTALL),
        "the messages that were captured",
    ),
    VendorForm(
        "network capture (pcap)",
        re.compile(rb"\A(?:\xd4\xc3\xb2\xa1|\xa1\xb2\xc3\xd4|\x4d\x3c\xb2\xa1)"),
        "the messages that were captured",
    ),
    VendorForm(
        "uuencoded file", re.compile(rb"\Abegin [0-7]{3} \S"), "the file itself, not encoded for mail"
    ),
    VendorForm(
        "PDF",
        re.compile(rb"\A.{0,64}?%PDF-\d", re.DOTALL),
        "the data that were printed, as HL7 v2, FHIR, CSV or DICOM",
    ),
    VendorForm("RTF", re.compile(rb"\A\{\\rtf1"), "the data as HL7 v2, FHIR or CSV"),
    VendorForm(
        "GatingML gates",
        re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:\?.{0,200}?\?>\s*<)?gating:Gating-ML", re.DOTALL),
        "FCS files; gates belong to an analysis",
    ),
)


def form_of(head: bytes) -> VendorForm | None:
    """The form that the first bytes tell.

    Examples
    --------
    >>> form_of(b"%PDF-1.7").name, form_of(b"a letter")
    ('PDF', None)
    """
    return next((form for form in FORMS if form.mark.match(head)), None)


def refusal(form: VendorForm) -> Finding:
    return said(
        Reason.VENDOR_FORM, Severity.REFUSE, f"{form.name}, for which there is no reader", form.instead
    )
