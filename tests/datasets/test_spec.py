import pytest
from pydantic import ValidationError

from medassay.datasets.spec import CohortRule, DatasetSpec, LawfulBasis, Source, Split

TEXT = {"zh": "甲", "en": "a"}
PUBLIC = {
    "name": "public-set",
    "source_class": "public",
    "form": "wfdb",
    "folder": "set",
    "identity": "known",
    "lawful_basis": {"licence": "ODC-BY-1.0"},
}
SPEC = {
    "title": TEXT,
    "version": "1",
    "disease": {"name": TEXT, "icd10": ["I49.3"]},
    "kind": "ecg",
    "task": "beats",
    "intended_use": TEXT,
    "target_population": TEXT,
    "sources": [PUBLIC],
    "split": {"train": 0.6, "tune": 0.2, "test": 0.2, "seed": 1},
    "freeze_needs": ["ingest", "gate"],
}


def test_a_database_with_one_disease_and_a_public_source_is_whole():
    assert DatasetSpec.model_validate(SPEC).sources[0].lawful_basis.licence == "ODC-BY-1.0"


faults = {
    "hospital without approval": (Source, PUBLIC | {"source_class": "real"}, "ethics_approval"),
    "public without licence": (Source, PUBLIC | {"lawful_basis": {"licence": " "}}, "licence"),
    "folder and phantom": (Source, PUBLIC | {"phantom": {}}, "either a folder or a phantom"),
    "phantom called public": (Source, PUBLIC | {"folder": None, "phantom": {}}, "synthetic"),
    "shares over one": (Split, {"train": 0.6, "tune": 0.3, "test": 0.2, "seed": 1}, "add up to 1"),
    "rule that says nothing": (CohortRule, {"id": "a", "title": TEXT, "column": "age"}, "either"),
    "no disease": (DatasetSpec, SPEC | {"disease": {"name": TEXT, "icd10": []}}, "icd10"),
    "one source twice": (DatasetSpec, SPEC | {"sources": [PUBLIC, PUBLIC]}, "stands twice"),
}


@pytest.mark.parametrize(("model", "fields", "says"), faults.values(), ids=faults)
def test_a_declaration_that_is_not_whole_is_refused(model, fields, says):
    with pytest.raises(ValidationError, match=says):
        model.model_validate(fields)


def test_a_hospital_source_states_every_part_of_its_lawful_basis():
    assert set(LawfulBasis(licence="x").missing_for("real")) == set(LawfulBasis.model_fields) - {"licence"}
