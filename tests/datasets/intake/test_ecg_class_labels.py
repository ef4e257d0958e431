"""A record's class as a label: only declared classes leave, whatever else a reader wrote."""

import pytest

from medassay.datasets.intake.ecg.proof import left_in
from medassay.datasets.intake.ecg.rewrite import labels_of
from medassay.datasets.sample import Draft, Names, NewObject, OfferedFile
from medassay.datasets.spec import Source

SAMPLE = "R-0123456789abcdef"
NAMES = Names(SAMPLE, "S-0123456789abcdef", 0, b"k")
SOURCE = Source.model_validate(
    {
        "name": "hospital",
        "source_class": "public",
        "form": "wfdb",
        "folder": "x",
        "readers": ["readers/R1"],
        "identity": "known",
        "lawful_basis": {"licence": "CC0-1.0"},
    }
)


def taken(tmp_path, content):
    path = tmp_path / "rec.csv"
    path.write_bytes(content)
    draft = Draft("rec", (("read:R1", OfferedFile(str(path), "rec.csv", len(content))),), ())
    return labels_of(draft, NAMES, SOURCE, ("SR", "AF"))


def test_a_declared_class_is_written_anew_without_what_stood_beside_it(tmp_path):
    objects, findings, actions = taken(tmp_path, b"\xef\xbb\xbflabel,reader\r\nAF,Phantom Alba\r\n")
    assert objects == [NewObject("read:R1", f"{SAMPLE}.r1.csv", b"label\nAF\n")]
    assert findings == []
    assert [(action.element, action.action) for action in actions] == [("class of the record", "kept")]


@pytest.mark.parametrize("content", [b"label\nPhantom Alba\n", b"", b"label\nAF\nSR\n"])
def test_anything_else_is_left_out_with_a_finding_that_does_not_repeat_it(tmp_path, content):
    objects, findings, _ = taken(tmp_path, content)
    assert objects == []
    assert "Alba" not in findings[0].model_dump_json()


def test_the_proof_read_lets_no_other_bytes_pass():
    for content, classes, left in (
        (b"label\nAF\n", ("SR", "AF"), False),
        (b"label\nAF\nAlba\n", ("SR", "AF"), True),
        (b"label\nAF\n", (), True),
    ):
        found = left_in([NewObject("reference", f"{SAMPLE}.atr.csv", content)], classes)
        assert ("a class that is not declared" in [one.found for one in found]) == left
