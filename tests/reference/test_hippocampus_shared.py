"""The public hippocampus pairs as they lie beside the repository, and the three files that are none."""

from pathlib import Path

import pytest

from medassay.core.specs import load_spec
from medassay.datasets.intake import mr_volume as intake
from medassay.datasets.sample import Names, Refused
from medassay.datasets.spec import DatasetSpec
from medassay.datasets.walk import walk

ROOT = Path(__file__).parents[2]
FOLDER = ROOT.parent / "shared" / "data" / "hippocampus"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the public data are not beside this repository"),
]


@pytest.fixture(scope="module")
def source():
    return load_spec(ROOT / "datasets" / "hippocampus-mr.yaml", DatasetSpec).sources[1]


@pytest.fixture(scope="module")
def assembly(source):
    return intake.assemble(walk(FOLDER).readable, source)


def names(index):
    return Names(f"sample-{index:016x}", f"subject-{index:016x}", 1, b"a key")


def test_every_pair_is_found_and_the_planted_anomalies_are_none(assembly):
    reasons = {one.file.relative: one.finding.reason.value for one in assembly.unassigned}
    assert reasons["anomalies/labelsTr/hippocampus_010.nii.gz"] == "image_missing"
    assert reasons["anomalies/labelsTr/hippocampus_281.nii.gz"] == "reference_invalid"
    assert sum(len(draft.files) == 2 for draft in assembly.drafts) == 130
    assert [draft.key for draft in assembly.drafts if len(draft.files) != 2] == ["anomalies/hippocampus_118"]


def test_the_image_without_a_label_is_refused(assembly, source):
    (alone,) = [draft for draft in assembly.drafts if draft.key.startswith("anomalies")]
    with pytest.raises(Refused) as error:
        intake.take_in(alone, names(0), source)
    assert error.value.finding.reason.value == "reference_missing"


def test_pairs_are_taken_in_and_proved(assembly, source):
    # 003 has labels as float32; the others are as they come.
    chosen = [draft for draft in assembly.drafts if draft.key == "hippocampus_003"] + list(
        assembly.drafts[1:4]
    )
    for index, draft in enumerate(chosen):
        taken = intake.take_in(draft, names(index), source)
        assert intake.prove(taken, source) == []
        assert taken.measurements["slice_step_mm"] == pytest.approx(1)
