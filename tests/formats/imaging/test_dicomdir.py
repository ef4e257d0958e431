"""A media directory is read record by record, and what it names is looked for below it and nowhere else."""

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medassay.core.findings import Reason
from medassay.formats.imaging import dicom_file, dicomdir
from medassay.formats.imaging.examine import examine_file


@pytest.fixture
def directory(make):
    def built(*files, kinds=("PATIENT", "STUDY", "SERIES"), syntax=ExplicitVRLittleEndian, **elements):
        made = make.image(SOPClassUID=dicomdir.DIRECTORY, syntax=syntax)
        for element in list(made):
            del made[element.tag]
        made.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = 400
        records = [make.item(DirectoryRecordType=kind) for kind in kinds]
        records += [make.item(DirectoryRecordType="IMAGE", ReferencedFileID=list(file)) for file in files]
        made.DirectoryRecordSequence = records
        for keyword, value in elements.items():
            setattr(made, keyword, value)
        return make.encoded(made)

    return built


def told(content):
    return {finding.found for finding in dicomdir.examine(dicom_file.open(content).dataset)}


def test_records_are_counted_and_files_found_in_either_case(tmp_path, directory):
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "im1").write_bytes(b"x")
    (tmp_path / "DICOMDIR").write_bytes(directory(("DIR", "IM1"), ("DIR", "IM2")))
    examined = examine_file(tmp_path / "DICOMDIR")
    assert (examined.kind, examined.facts["records"], examined.facts["series_records"]) == ("DICOMDIR", 5, 1)
    (finding,) = examined.findings
    assert (finding.reason, finding.found) == (Reason.IMAGE_MISSING, "1 files of the directory are not there")


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_a_file_id_never_leads_out_of_the_medium(tmp_path, directory):
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "medium").mkdir()
    (tmp_path / "medium" / "link").symlink_to(tmp_path / "secret")
    content = directory(("..", "secret"), ("../secret",), ("link",))
    opened = dicom_file.open(content).dataset
    assert [path for _, path in dicomdir.files_below(opened, tmp_path / "medium")] == [None, None, None]
    assert "2 file ids that lead out of the medium" in told(content)


faults = {
    "empty": ({"kinds": ()}, "no record"),
    "no patient": ({"kinds": ("STUDY", "SERIES")}, "no PATIENT record"),
    "implicit": ({"syntax": ImplicitVRLittleEndian}, "a directory in another transfer syntax"),
    "no offset": (
        {"OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity": 0},
        "no offset of the first record",
    ),
    "no type": ({"kinds": ("PATIENT", "STUDY", "SERIES", "")}, "1 records without a type"),
}


@pytest.mark.parametrize(("given", "found"), faults.values(), ids=faults)
def test_what_is_wrong_with_a_directory_is_told(directory, given, found):
    assert told(directory(**given)) == {found}


@pytest.mark.shared
def test_real_directories_name_the_files_that_lie_beside_them(shared):
    """pydicom's media tree and its variants (dicom-formats/SOURCE.txt)."""
    folder = shared / "dicom-formats" / "dicomdir"
    for path in [*folder.glob("DICOMDIR*"), folder / "TINY_ALPHA" / "DICOMDIR"]:
        found = list(dicomdir.files_below(dicom_file.open(path).dataset, path.parent))
        assert all(file is not None for _, file in found)
        assert len(found) == {"DICOMDIR-empty.dcm": 0}.get(
            path.name, 50 if path.parent.name == "TINY_ALPHA" else 31
        )
