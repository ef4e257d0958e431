"""Public test objects with invented identities: no value of their headers is left, and text in pixels is seen."""

import csv
from pathlib import Path

import pydicom
import pytest

from medassay.datasets.deidentify import burned_in, dicom, proof, vocabulary
from medassay.datasets.deidentify.projections import projections
from medassay.datasets.sample import Names

SHARED = Path(__file__).parents[4] / "shared" / "data" / "dicom-phi"
NAMES = Names("R-00000000000000aa", "S-00000000000000bb", 400, b"k" * 32)
TELLING = ("PN", "LO", "SH", "DA", "ST", "LT", "UI", "AE")

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not SHARED.is_dir(), reason="needs shared/data/dicom-phi, which is no part of the repository"
    ),
]


def test_no_identity_like_value_of_a_public_header_is_left():
    with (SHARED / "header_phi_values.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) > 100
    kept = 0
    for name in sorted({row["file"] for row in rows}):
        before = pydicom.dcmread(SHARED / name)
        after = dicom.encoded(dicom.clean(before, NAMES, words=dicom.person_of(before).words).dataset)
        assert proof.walk(after, strict=True).findings == []
        opened = proof.walk(after).texts.values()
        for row in rows:
            value = row["value"].strip()
            if row["file"] == name and row["vr"] in TELLING and len(value) > 5 and value in opened:
                kept += not vocabulary.is_known(value)  # a description of known words may stand
    assert kept == 0


def test_every_public_object_with_text_in_its_pixels_is_seen_by_the_screen():
    with (SHARED / "burned_in_truth.csv").open(encoding="utf-8") as stream:
        names = {row["file"] for row in csv.DictReader(stream)}
    assert len(names) == 4
    for name in names:
        planes = projections(burned_in.frames_of(pydicom.dcmread(SHARED / name)))
        assert any(map(burned_in.shows_strokes, planes)), name


@pytest.mark.slow
def test_names_in_the_pixels_of_public_objects_are_read():
    for name, words in (
        ("presidio_2_ORIGINAL", "KAUFMAN"),
        ("us_greyscale_image", "PATIENT"),
        ("own-test-001", "Batman"),
    ):
        frames = burned_in.frames_of(pydicom.dcmread(SHARED / "burned-in" / f"{name}.dcm"))
        assert words in " ".join(text.text for text in burned_in.texts_of(frames) or ())
