"""Measurements of a structured report come by group, with unit, place and what they were measured on."""

import pytest

from medassay.core.findings import Reason, Severity
from medassay.formats.imaging import dicom_file, structured_report
from medassay.formats.imaging.structured_report import Code

COMPREHENSIVE = "1.2.840.10008.5.1.4.1.1.88.33"


@pytest.fixture
def sr(make):
    def code(value, scheme="DCM", meaning=""):
        return make.item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning or value)

    def content(kind, concept=None, inside=(), **elements):
        made = make.item(RelationshipType="CONTAINS", ValueType=kind, **elements)
        if concept is not None:
            made.ConceptNameCodeSequence = [concept]
        if inside:
            made.ContentSequence = list(inside)
        return made

    def number(name, value, unit="mm", **elements):
        measured = make.item(MeasurementUnitsCodeSequence=[code(unit, "UCUM")])
        if value is not None:
            measured.NumericValue = value
        return content("NUM", code(name, "SCT"), MeasuredValueSequence=[measured], **elements)

    def report(*inside):
        made = make.image(SOPClassUID=COMPREHENSIVE, ValueType="CONTAINER")
        for keyword in ("Rows", "Columns", "PixelData"):
            delattr(made, keyword)
        made.ConceptNameCodeSequence = [code("126000")]
        made.ContentTemplateSequence = [make.item(TemplateIdentifier="1500", MappingResource="DCMR")]
        made.ContentSequence = list(inside)
        return made

    class Tools:
        pass

    for name, function in {"code": code, "content": content, "number": number, "report": report}.items():
        setattr(Tools, name, staticmethod(function))
    return Tools


@pytest.fixture
def tid_1500(make, sr):
    segment = make.item(
        ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.66.4",
        ReferencedSOPInstanceUID="1.2.9",
        ReferencedSegmentNumber=[2],
    )
    refused = sr.code("114007", "DCM", "Measurement not attempted")
    derived = sr.content("CODE", sr.code("121401"), ConceptCodeSequence=[sr.code("R-00317", "SRT", "Mean")])
    group = sr.content(
        "CONTAINER",
        sr.code("125007"),
        [
            sr.content("TEXT", sr.code("112039"), TextValue="lesion 1"),
            sr.content("UIDREF", sr.code("112040"), UID="1.2.7"),
            sr.content(
                "CODE", sr.code("121071"), ConceptCodeSequence=[sr.code("108369006", "SCT", "Neoplasm")]
            ),
            sr.content(
                "CODE", sr.code("363698007", "SCT"), ConceptCodeSequence=[sr.code("10200004", "SCT", "Liver")]
            ),
            sr.content("IMAGE", sr.code("121191"), ReferencedSOPSequence=[segment]),
            sr.content("SCOORD", sr.code("111030"), GraphicType="POLYLINE"),
            sr.number("103339001", "12.5", inside=[derived]),
            sr.number(
                "118565006",
                None,
                "mm3",
                NumericValueQualifierCodeSequence=[refused],
            ),
        ],
    )
    return sr.report(sr.content("CONTAINER", sr.code("126010"), [group]), sr.number("1", "3"))


def test_a_measurement_group_has_what_tid_1500_gives_it(tid_1500):
    group, outside = structured_report.measurement_groups(tid_1500)
    assert (group.tracking_id, group.tracking_uid) == ("lesion 1", "1.2.7")
    assert group.finding == Code("108369006", "SCT", "Neoplasm")
    assert group.sites == (Code("10200004", "SCT", "Liver"),)
    assert (group.segments, group.regions) == ((("1.2.9", 2),), ("POLYLINE",))
    length, volume = group.measurements
    assert (length.value, length.unit, length.derivation) == (12.5, "mm", "Mean")
    assert (volume.value, volume.undefined) == (None, "Measurement not attempted")
    assert [one.value for one in outside.measurements] == [3]


def test_a_report_is_described_by_counts_alone(make, tid_1500):
    opened = dicom_file.open(make.encoded(tid_1500)).dataset
    facts = structured_report.describe(opened)
    counts = [facts[name] for name in ("template", "measurement_groups", "measurements", "regions")]
    assert counts == ["1500", 2, 3, 1]
    assert "lesion" not in str(facts)


def test_what_is_wrong_with_a_report_is_told(sr):
    made = sr.report(sr.content("NOTE"), sr.number("1", None), sr.content("TEXT", TextValue="x"))
    told = {finding.found for finding in structured_report.examine(made)}
    assert told == {
        "1 content items of no known value type",
        "1 numeric items without a number",
        "1 content items without a concept name",
    }
    (finding,) = structured_report.examine(sr.report())
    assert (finding.reason, finding.severity) == (Reason.HEADER_INVALID, Severity.REFUSE)


@pytest.mark.filterwarnings("ignore:Invalid value for VR DS")
def test_a_number_that_is_none_is_undefined_not_zero(sr):
    (group,) = structured_report.measurement_groups(sr.report(sr.number("1", "nan"), sr.number("2", "1e999")))
    assert [one.value for one in group.measurements] == [None, None]


@pytest.mark.shared
def test_a_real_report_has_the_measurements_that_highdicom_reads(shared):
    """QIICR's TID 1500 report, read by an independent library."""
    import highdicom

    folder = shared / "dicom-formats" / "modality"
    dataset = dicom_file.open(folder / "SR" / "qiicr_tid1500.dcm").dataset
    ours = structured_report.measurement_groups(dataset)
    report = highdicom.sr.ComprehensiveSR.from_dataset(
        dicom_file.open(folder / "SR" / "qiicr_tid1500.dcm").dataset
    )
    theirs = report.content.get_volumetric_roi_measurement_groups()
    assert [group.tracking_uid for group in ours] == [group.tracking_uid for group in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        found = [(m.name.value, m.value, m.unit) for m in mine.measurements]
        assert found == [(m.name.value, m.value, m.unit.value) for m in other.get_measurements()]
    segmentation = dicom_file.open(folder / "SEG" / "qiicr_tumor_seg.dcm").dataset
    assert {uid for group in ours for uid, _ in group.segments} == {segmentation.SOPInstanceUID}
