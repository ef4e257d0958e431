"""Real files of laboratories and devices: what their collectors found in them is found again.

Expected counts were made by those who collected the files, with python-hl7, fhir.resources, FlowIO and by hand.
"""

import collections
import xml.etree.ElementTree as ET

import pytest

from medassay.core.findings import Reason, Severity
from medassay.formats.ivd import astm, boxes, fcs, glucose, hl7_v2, rdml, recognise, table, ucum
from medassay.formats.recognise import examine_file

pytestmark = pytest.mark.shared


def reasons(path, severity):
    return {f.reason for f in examine_file(path).findings if f.severity is severity}


def test_units_are_judged_as_ucums_own_cases_say(shared):
    root = ET.parse(shared / "ivd-formats" / "ucum" / "UcumFunctionalTests.xml").getroot()
    wrong = []
    for case in root.find("validation"):
        judged = "true" if ucum.is_code(case.get("unit")) else "false"
        wrong += [case.get("id")] if judged != case.get("valid") else []
    assert wrong == []


def test_units_are_converted_as_ucums_own_cases_say(shared):
    root = ET.parse(shared / "ivd-formats" / "ucum" / "UcumFunctionalTests.xml").getroot()
    for case in root.find("conversion"):
        digits = len(case.get("outcome").lower().split("e")[0].replace(".", "").strip("0")) or 1
        converted = ucum.convert(float(case.get("value")), case.get("srcUnit"), case.get("dstUnit"))
        assert converted == pytest.approx(float(case.get("outcome")), rel=max(1e-5, 0.5 * 10 ** (1 - digits)))


hl7 = {
    "prime_batch_message.hl7": 2,
    "prime_sample-batch-pdi-20210608-0001.hl7": 20,
    "hapi_messages.txt": 18,
    "prime_valid_mars.hl7": 2,
}


def test_hl7_messages_are_split_and_counted(shared):
    folder = shared / "ivd-formats" / "hl7v2"
    files = [path for path in folder.iterdir() if hl7_v2.recognises(path.read_bytes()[:4096])]
    counts = {path.name: len(hl7_v2.open(path).messages) for path in files}
    assert {name: count for name, count in counts.items() if count != 1} == hl7
    assert len(counts) == 45
    (large,) = hl7_v2.open(folder / "prime_sample_oru_20241015-001.hl7").messages
    assert len(hl7_v2.results(large)) == 149


def test_hl7_files_that_are_no_results_are_set_aside_by_name(shared):
    folder = shared / "ivd-formats" / "hl7v2"
    refused = collections.defaultdict(set)
    for path in folder.iterdir():
        for reason in reasons(path, Severity.REFUSE):
            refused[reason].add(path.name)
    assert refused[Reason.UNSUPPORTED_FORM] == {
        "nodehl7_bad-phone-example.hl7",
        "lfh_sample_unix.hl7",
        "lfh_sample_win.hl7",
        "prime_hl7_2.6.hl7",
        "prime_hl7_2.7.hl7",
        "fhirconv_MDM-T02-01.hl7",
    }
    assert refused[Reason.REFERENCE_MISSING] == {"nodehl7_oru-example.hl7"}
    assert "prime_output-invalid.hl7" in refused[Reason.HEADER_INVALID]
    assert refused[Reason.VENDOR_FORM] == {"hapi_uuencoded.txt", "hapi_uuencoded_escaped.txt"}
    assert Reason.REFERENCE_INVALID in reasons(folder / "nodehl7_realm-cj-badloinc.hl7", Severity.WARN)


@pytest.mark.parametrize(
    ("name", "aside"),
    [
        ("prime_elims_29_5065302_35227_NoPII_CANCELED.hl7", 16),
        ("prime_sample_SR_ENTEREDINERROR_20240904-0001.hl7", 1),
    ],
)
def test_withdrawn_hl7_results_are_not_taken(shared, name, aside):
    assert examine_file(shared / "ivd-formats" / "hl7v2" / name).facts["set_aside"] == aside


def test_chinese_hl7_messages_are_read_or_refused_by_their_character_set(shared):
    folder = shared / "ivd-formats" / "hl7v2-zh-written-here"
    first, second = (hl7_v2.open(folder / name) for name in ("cbc_utf8.hl7", "cbc_gb18030.hl7"))
    assert hl7_v2.results(first.messages[0]) == hl7_v2.results(second.messages[0])
    assert [(r.value.number, r.value.comparator, r.flag) for r in hl7_v2.results(first.messages[0])] == [
        (11.8, "", "H"),
        (96.0, "", "L"),
        (41.0, "", "LL"),
        (None, "", ""),
        (0.5, "<", "N"),
    ]
    assert reasons(folder / "cbc_gb18030_declared_utf8.hl7", Severity.REFUSE) == {Reason.CHARACTER_SET}


def test_astm_files_are_read_with_right_check_sums_and_vendor_protocols_refused(shared):
    folder = shared / "ivd-formats" / "astm"
    for path in folder.glob("*.txt"):
        if path.stem in ("mini_vidas", "spotchem_el"):
            assert reasons(path, Severity.REFUSE) == {Reason.VENDOR_FORM}
        else:
            sent = astm.open(path)
            assert (sent.sums_wrong, sent.out_of_order, sent.open_end) == (0, 0, False), path.name
            assert sent.doubled == path.stem.endswith("_mock")


fcs_truth = {
    "flowio_data1.fcs": ("2.0", 13367, 8),
    "flowcal_Data001.fcs": ("2.0", 20949, 6),
    "fcsparser_Sample_Well_A02.fcs": ("2.0", 37395, 8),
    "fcsparser_cyflow_cube_8.fcs": ("3.0", 725, 10),
    "flowio_variable_int_example.fcs": ("3.0", 2, 26),
    "flowkit_index_sorted_example.fcs": ("3.0", 384, 13),
    "flowio_G11.fcs": ("3.1", 5785, 12),
    "flowkit_simple_line_100.fcs": ("3.1", 100, 2),
    "fcsparser_SG_2014-09-26_Duplicate_Names.fcs": ("3.1", 8129, 9),
    "flowio_data_start_offset_discrepancy_example.fcs": ("3.0", 2, 26),
    "flowio_data_stop_offset_discrepancy_example.fcs": ("3.0", 2, 26),
}


def test_fcs_files_have_their_events_and_their_tolerances_are_told(shared):
    folder = shared / "ivd-formats" / "fcs"
    for name, truth in fcs_truth.items():
        (one,) = fcs.open(folder / name)
        assert (one.version, one.events, one.channels) == truth, name
        assert bool(one.tolerance) == ("discrepancy" in name or "Duplicate" in name), name
    assert [(one.version, one.events, one.channels) for one in fcs.open(folder / "flowio_coulter.lmd")] == [
        ("2.0", 18110, 8),
        ("3.0", 18110, 8),
    ]
    for name in ("fcsparser_corrupted.fcs", "fcsparser_sample_header.fcs", "fcsparser_fake_large_fcs.fcs"):
        assert examine_file(folder / name).refused


fhir_valid = {
    "r4_observation-example.json",
    "r4_observation-decimal.json",
    "r4_specimen-example.json",
    "r4_diagnosticreport-example.json",
    "ms_Specimen.json",
    "observation401_ucum.json",
}


def test_fhir_resources_are_valid_or_not_as_the_model_and_the_stricter_rules_say(shared):
    folder = shared / "ivd-formats" / "fhir"
    files = [*folder.glob("*.*"), *(folder / "validator").glob("*.json")]
    assert {path.name for path in files if not examine_file(path).refused} == fhir_valid
    for path in (folder / "validator").glob("*.xml"):
        assert not examine_file(path).refused, path.name
    two = [
        examine_file(folder / f"bunsen_patient-9995679.fhir-bundle.{form}").facts for form in ("json", "xml")
    ]
    assert [facts["kinds"] for facts in two] == ["Encounter 8, Observation 71, Patient 1"] * 2
    assert two[0]["numbers"] == two[1]["numbers"]


rdml_truth = {
    "rdml_BioRad_qPCR_melt.rdml": (60, 2460, 3660),
    "rdml_stepone_std.rdml": (24, 960, 0),
    "rdml_lc96_bACTXY.rdml": (96, 19200, 0),
}


def test_rdml_curves_are_counted(shared):
    for name, truth in rdml_truth.items():
        runs = rdml.open(shared / "ivd-formats" / "qpcr" / name)
        assert (runs.reactions, runs.amplification_points, runs.melting_points) == truth


def test_a_point_of_care_conversation_is_read_and_its_two_faults_told(shared):
    path = shared / "ivd-formats" / "poct1a" / "dca_messages_extracted.txt"
    assert examine_file(path).facts["messages"] == 10
    assert {Reason.HEADER_INVALID, Reason.VALUE_IMPLAUSIBLE} <= reasons(path, Severity.WARN)


def test_boxes_of_blood_cells_are_counted_and_the_two_empty_ones_found(shared):
    found = {path.stem: boxes.open_voc(path) for path in (shared / "bccd" / "Annotations").glob("*.xml")}
    labels = collections.Counter(box.label for one in found.values() for box in one.boxes)
    assert labels == {"WBC": 301, "RBC": 3350, "Platelets": 292}
    assert {name for name, one in found.items() if any(box.empty for box in one.boxes)} == {
        "BloodImage_00338",
        "BloodImage_00343",
    }


def test_glucose_exports_of_both_vendors_are_traces(shared):
    for name, readings in (("Clarity_Export_synthetic.csv", 3922), ("FreeStyle_Libre_3_synthetic.csv", 4305)):
        examined = examine_file(shared / "cgm-other" / name)
        assert (examined.kind, examined.facts["unit"]) == ("glucose trace", "mg/dl")
        assert examined.facts["readings"] == readings


def test_a_trace_without_a_unit_asks_for_it(shared):
    (path,) = (shared / "cgm-shanghai").glob("2045_0*")
    examined = examine_file(path)
    assert examined.kind == "glucose trace"
    assert [(f.reason, f.severity) for f in examined.findings] == [(Reason.UNIT_UNKNOWN, Severity.WARN)]
    export = glucose.open_export(path.read_bytes())
    assert len(glucose.read(export, glucose.GlucoseRules(unit="mg/dL")).glucose) > 500


def test_a_summary_with_a_wrong_unit_of_uric_acid_is_caught(shared):
    examined = examine_file(shared / "cgm-shanghai" / "Shanghai_T1DM_Summary.xlsx")
    assert (examined.kind, examined.facts["patients"]) == ("laboratory summary", 16)
    assert Reason.UNIT_IMPLAUSIBLE in {f.reason for f in examined.findings}


rows_of = {
    "lab-panels/hcvdat0_615_donors.csv": 615,
    "lab-panels/cbc_diagnosis.csv": 1281,
    "lab-panels/ilpd.csv": 583,
    "lab-panels/thyroid_garvan.csv": 9172,
    "glucose-pairs/ega_glucose_data.csv": 5072,
    "glucose-pairs/methcomp_glucose_long.csv": 1302,
    "luna16-csv/annotations.csv": 1186,
    "luna16-csv/annotations_60.csv": 74,
    "luna16-csv/annotations_excluded_60.csv": 2283,
    "luna16-csv/submission_dpn26_60.csv": 3613,
    "method-comparison/mcr_creatinine.csv": 110,
    "method-comparison/vca_realData.csv": 2268,
    "method-comparison/vca_dataRS0003_1.csv": 21,
    "cgm-other/iglu_5_subjects.csv": 13866,
    "cgm-other/hall2018_4_subjects.csv": 7228,
}


def test_tables_have_their_rows_below_one_header(shared):
    for name, rows in rows_of.items():
        assert len(table.read_table((shared / name).read_bytes()).rows) == rows + 1, name
    without_header = table.read_table((shared / "luna16-csv" / "seriesuids.csv").read_bytes())
    assert (len(without_header.rows), len(without_header.rows[0])) == (888, 1)
    counts = table.read_table((shared / "mitdb" / "beat_counts.csv").read_bytes())
    assert {len(row) for row in counts.rows} == {9}


@pytest.mark.slow
def test_every_file_of_a_laboratory_has_an_outcome(shared):
    for folder in (
        "ivd-formats",
        "lab-panels",
        "cgm-other",
        "glucose-pairs",
        "method-comparison",
        "luna16-csv",
    ):
        for path in (shared / folder).rglob("*"):
            if path.is_file():
                examined = examine_file(path)
                assert examined.kind != recognise.UNKNOWN or examined.findings, path.name
                assert not any("stopped at" in f.found for f in examined.findings), path.name
