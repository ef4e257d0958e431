"""MIT-BIH with its published division, DS1 to train and tune, DS2 to test; the records lie beside the repository.

Its own description (mitdbdir/intro.htm): 47 subjects, records 201 and 202 from the same one.
"""

from pathlib import Path

import pytest

from medassay.core.canonical import digest_bytes
from medassay.core.specs import load_spec
from medassay.datasets.catalogue import table_of
from medassay.datasets.freeze import freeze
from medassay.datasets.ingest import ingest
from medassay.datasets.spec import DatasetSpec
from medassay.trust.evidence import Evidence, Outcome
from medassay.trust.keys import KeyRing

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "mitdb"
SPEC = Path(__file__).parents[2] / "datasets" / "premature-beat-ecg.yaml"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the records are not beside this repository"),
]


@pytest.fixture(scope="module")
def source():
    spec = load_spec(SPEC, DatasetSpec)
    return spec, next(source for source in spec.sources if source.division)


@pytest.fixture(scope="module")
def ingested(source):
    keys = KeyRing(True, bytes(32), bytes(32), bytes(32))
    return ingest("mitdb", *source, FOLDER, keys, digest_bytes)


def test_thirteen_records_are_of_twelve_people(ingested):
    assert ingested.counts["samples_accepted"] == 13
    assert ingested.counts["subjects_accepted"] == 12


def test_of_201_and_202_the_one_in_the_test_side_stays_and_the_flow_says_so(source, ingested):
    spec, listed = source
    steps = [
        Evidence(
            kind=kind,
            target=f"mitdb/{listed.name}",
            inputs=(),
            outputs=(),
            code={},
            environment={},
            outcome=Outcome.PASSED,
        )
        for kind in spec.freeze_needs
    ]
    labels = [row for row in ingested.objects.to_pylist() if row["role"] == "reference"]
    made = freeze(
        "mitdb",
        spec.model_copy(update={"cohort": ()}),
        listed,
        steps,
        offered=ingested.offered,
        catalogue=ingested.catalogue,
        measurements=ingested.measurements,
        objects=ingested.objects,
        reference=table_of(
            "reference", [row | {"method": "published"} for row in labels], order=("sample_id",)
        ),
        exclusions=table_of("exclusions", [], order=()),
    )
    assert [(c.check, c.reason, c.samples) for c in made.flow.excluded] == [
        ("division:subject_in_test", "same_subject", 1)
    ]
    (out,) = made.exclusions["sample_id"].to_pylist()
    rows = {row["sample_id"]: row for row in ingested.catalogue.to_pylist()}
    twins = [row for row in rows.values() if row["subject_id"] == rows[out]["subject_id"]]
    assert sorted(row["division"] for row in twins) == ["test", "train_tune"]
    assert rows[out]["division"] == "train_tune"
    assert rows[out]["subject_id"] in made.manifest.subjects("test")
    assert made.flow.samples.test == sum(row["division"] == "test" for row in rows.values())
    assert made.disjointness == "proven"
