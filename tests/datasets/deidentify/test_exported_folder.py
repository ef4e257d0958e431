"""A folder of exports of laboratory systems and recorders: one person is one subject in all of them, none is left."""

import json
from importlib import util
from pathlib import Path

import pytest

from medassay.core.errors import MedassayError
from medassay.datasets.deidentify import exported
from medassay.datasets.deidentify.folder import deidentify
from medassay.datasets.deidentify.profile import PROFILES, RESEARCH
from medassay.datasets.sample import Refused


def beside(name):
    place = util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


aecg, scp_ecg, fcs, fhir, astm = map(
    beside, ("test_aecg", "test_scp_ecg", "test_fcs", "test_fhir", "test_astm")
)
NAME, RESIDENT = "张伟明", "11010519491231002X"
HL7 = (
    "MSH|^~\\&|A|B|C|D|20230302101500||ORU^R01|M1|P|2.4\r"
    f"PID|1||{RESIDENT}||{NAME}||19491231|F\rOBX|1|NM|6690-2^WBC^LN||5\r"
)


@pytest.fixture
def export(tmp_path):
    """One person in six forms, under the person's name, beside files of these forms that cannot be read."""
    top = tmp_path / NAME
    top.mkdir()
    whole = {
        "a.xml": aecg.TRUE,
        "b.scp": scp_ecg.record(),
        "c.fcs": fcs.data_set(),
        "d.json": fhir.written(fhir.bundle(fhir.PATIENT, fhir.observation())),
        "e.txt": astm.TRUE,
        "f.hl7": HL7.encode(),
    }
    broken = {
        "cut.xml": aecg.TRUE[:1200],
        "cut.scp": scp_ecg.record()[:250],
        "cut.fcs": fcs.data_set()[:600],
        "cut.json": whole["d.json"][:-20],
        "lines.ndjson": fhir.written(fhir.observation()) + b"\n" + fhir.written(fhir.observation()),
    }
    for name, content in (whole | broken).items():
        (top / name).write_bytes(content)
    return tmp_path


def taken(folder, profile=RESEARCH):
    files = {}
    result = deidentify(folder, b"k" * 32, profile, files.__setitem__)
    return result, files


def test_every_form_leaves_and_what_is_broken_is_refused_with_a_reason(export):
    result, files = taken(export)
    forms = {row["form"] for row in result.files if row["outcome"] == "written"}
    assert forms == {*exported.FORMS, "HL7 v2"}
    assert result.counts["files_written"] == 6
    assert result.counts["files_refused"] == 5
    assert all(row["reason"] for row in result.files if row["outcome"] == "refused")
    assert not any(NAME in one for one in (*files, json.dumps(result.rows), json.dumps(result.files)))


def test_one_person_is_one_subject_with_one_shift_in_all_forms(export):
    _, files = taken(export)
    subjects = {name.split("/")[0] for name in files if name.startswith("S-")}
    assert len(subjects) == 1
    subject = subjects.pop().encode()
    assert sum(name.startswith("S-") for name in files) == 3
    assert all(subject in content for name, content in files.items() if not name.startswith("S-"))
    told = {name.rpartition(".")[2]: content.decode("utf-8", "replace") for name, content in files.items()}
    day = next(line.split("|")[13] for line in told["astm"].splitlines() if line.startswith("H"))[:8]
    assert f'"issued":"{day[:4]}-{day[4:6]}-{day[6:]}T' in told["json"]
    assert f'low value="{day}101500' in told["xml"]


def test_samples_are_told_by_their_digest(export):
    result, files = taken(export)
    for row in result.outputs:
        form = exported.FORMS.get(row["form"])
        if form is not None and not form.many:
            assert form.prove(files[row["path"]], row["unchanged"], [], RESEARCH) == []
            assert list(row["unchanged"]) == ["samples"]


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_nothing_of_the_person_is_left_under_any_profile(export, profile):
    _, files = taken(export, PROFILES[profile])
    assert len(files) == 6
    secrets = [
        word.encode(codec)
        for word in (NAME, "王医生", "文三路")
        for codec in ("utf-8", "gb18030", "utf-16-le")
    ]
    secrets += [
        RESIDENT.encode(),
        b"13800138000",
        b"MRN00731",
        b"Weiming",
        b"19491231",
        b"1949-12-31",
        b"2023",
    ]
    assert [(name, one) for name, content in files.items() for one in secrets if one in content] == []


DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def figures_of(form, content):
    """What the project's reader says of a file, and the samples that it gives."""
    from medassay.formats.ivd import astm as astm_reader
    from medassay.formats.ivd import fcs as fcs_reader
    from medassay.formats.ivd import fhir_bundle
    from medassay.formats.waveform import aecg as aecg_reader
    from medassay.formats.waveform import scp_ecg as scp_reader

    match form:
        case "HL7 aECG":
            return aecg_reader.open(content).sets
        case "SCP-ECG":
            opened = scp_reader.open(content)
            return [scp_reader.samples(opened, number).values.tolist() for number in range(len(opened.leads))]
        case "FCS":
            return [(one.events, one.channels) for one in fcs_reader.open(content)]
        case "FHIR":
            found = fhir_bundle.results(fhir_bundle.open(content))
        case _:
            sent = astm_reader.open(content)
            found = [one for message in sent.messages for one in astm_reader.results(message)]
    return [(one.value, one.unit, one.flag, one.low, one.high, one.status) for one in found]


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["ivd-formats/astm", "ivd-formats/fcs", "ivd-formats/fhir", "signal-formats"]
)
def test_public_files_leave_with_the_figures_that_they_had_or_are_refused(name):
    if not (DATA / name).exists():
        pytest.skip(f"no {name} beside the repository")
    seen = 0
    for path in sorted((DATA / name).rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        form = exported.form_of(content[:8192])
        if not form:
            continue
        kind, seen = exported.FORMS[form], seen + 1
        try:
            out, known = fhir.exports.cleaned(kind, content, RESEARCH)
        except (MedassayError, Refused):
            continue
        leaving = out.files[0][1]
        assert kind.prove(leaving, out.bulk, known, RESEARCH) == [], path.name
        if (
            path.name != "ms_ObservationWithInvalidDecimalSpecification.json"
        ):  # a number that no reader may carry
            assert figures_of(form, leaving) == figures_of(form, content), path.name
    assert seen
