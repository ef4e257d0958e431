"""The planted defects of the phantom, each followed to what it must end as."""

import json
from collections import Counter
from pathlib import Path

import pytest

from medassay.annotation.consensus import masks
from medassay.annotation.spec import AnnotationSpec
from medassay.core.findings import Reason
from medassay.core.specs import load_spec
from medassay.datasets.identity import date_shift_days, joined_persons, pseudonym
from medassay.datasets.intake import mr_volume as intake
from medassay.datasets.sample import Names, Refused
from medassay.datasets.spec import DatasetSpec
from medassay.datasets.walk import walk
from medassay.phantoms import mr_volume as phantom
from medassay.quality.spec import QualitySpec

ROOT = Path(__file__).parents[2]
STEM = "hippocampus-mr"
KEY = b"a key of thirty-two bytes, no more"


class Export:
    """A small phantom, taken in once."""

    def __init__(self, folder: Path) -> None:
        spec = load_spec(ROOT / "datasets" / f"{STEM}.yaml", DatasetSpec)
        self.source = spec.sources[0]
        declared = dict(self.source.phantom or {})
        declared["sites"] = [
            {**site, "subjects": 2, "spacing_mm": [1.6 * site["spacing_mm"][0], *site["spacing_mm"][1:]]}
            for site in declared["sites"]
        ]
        declared["disputed"] = 1
        self.parameters = phantom.Parameters.model_validate(declared)
        phantom.generate(self.parameters, 3, folder / "export", folder / "truth.json")
        self.truth = json.loads((folder / "truth.json").read_text("utf-8"))
        self.folder = folder
        self.assembly = intake.assemble(walk(folder / "export").readable, self.source)
        self.persons = joined_persons([draft.person_tokens for draft in self.assembly.drafts])
        self.taken, self.refused, self.proofs = {}, {}, {}
        for draft, person in zip(self.assembly.drafts, self.persons, strict=True):
            subject = pseudonym(KEY, "subject", person or draft.key)
            names = Names(pseudonym(KEY, "sample", draft.key), subject, date_shift_days(KEY, subject), KEY)
            try:
                taken = intake.take_in(draft, names, self.source)
            except Refused as error:
                self.refused[draft.key] = error.finding
                continue
            self.taken[draft.key] = taken
            self.proofs[draft.key] = intake.prove(taken, self.source)

    def drafts_of(self, files: list[str]) -> list:
        return [
            draft
            for draft in self.assembly.drafts
            if any(role == "image" and file.relative in files for role, file in draft.files)
        ]

    def defect(self, kind: str) -> dict:
        (found,) = [one for one in self.truth["defects"] if one["kind"] == kind]
        return found


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return Export(tmp_path_factory.mktemp("mr"))


@pytest.fixture(scope="module")
def checks():
    return load_spec(ROOT / "quality" / f"{STEM}.yaml", QualitySpec).checks


def within(check, value):
    limits = check.arguments
    return limits.get("min_value", float("-inf")) <= value <= limits.get("max_value", float("inf"))


def kinds(stage):
    from medassay.phantoms.mr_volume.defects import DEFECTS

    return [defect.kind for defect in DEFECTS if defect.stage == stage]


@pytest.mark.parametrize("kind", kinds("assemble"))
def test_a_file_that_makes_no_sample_is_unassigned_with_its_reason(export, kind):
    defect = export.defect(kind)
    reasons = {u.file.relative: u.finding.reason for u in export.assembly.unassigned}
    assert [reasons[file] for file in defect["files"]] == [defect["reason"]] * len(defect["files"])


@pytest.mark.parametrize("kind", kinds("take_in"))
def test_a_broken_sample_is_refused_with_its_reason(export, kind):
    defect = export.defect(kind)
    (draft,) = export.drafts_of(defect["files"])
    assert export.refused[draft.key].reason == defect["reason"]


@pytest.mark.parametrize("kind", kinds("measurements"))
def test_a_measured_defect_lies_outside_the_declared_limits(export, checks, kind):
    defect = export.defect(kind)
    (draft,) = export.drafts_of(defect["files"])
    failed = [
        check
        for check in checks
        if check.severity == "exclude"
        and not within(check, export.taken[draft.key].measurements[check.arguments["column"]])
    ]
    assert (defect["column"], defect["reason"]) in [(c.arguments["column"], c.reason) for c in failed]


def test_clean_samples_lie_inside_every_declared_limit(export, checks):
    clean = [one["files"] for one in export.truth["people"]]
    taken = [export.taken[draft.key] for files in clean for draft in export.drafts_of(files)]
    assert len(taken) == sum(site.subjects for site in export.parameters.sites)
    for one in taken:
        for check in checks:
            assert within(check, one.measurements[check.arguments["column"]]), check.id


def test_a_copy_under_another_id_has_the_same_fingerprint_and_no_other_sample_has(export):
    drafts = export.drafts_of(export.defect("duplicate_under_another_id")["files"])
    prints = Counter(taken.fingerprint for taken in export.taken.values())
    assert len(drafts) == 2
    assert [prints[export.taken[draft.key].fingerprint] for draft in drafts] == [2, 2]
    assert sorted(prints.values())[:-1] == [1] * (len(prints) - 1)


def test_one_person_under_two_ids_is_one_subject_and_nobody_else_is(export):
    drafts = export.drafts_of(export.defect("one_patient_two_ids")["files"])
    person = dict(zip((d.key for d in export.assembly.drafts), export.persons, strict=True))
    assert len(drafts) == 2
    assert len({person[draft.key] for draft in drafts}) == 1
    assert max(Counter(export.persons).values()) == 2
    assert sum(count == 2 for count in Counter(export.persons).values()) == 1


def test_readers_agree_within_the_limits_but_in_the_disputed_cases(export):
    spec = load_spec(ROOT / "annotation" / f"{STEM}.yaml", AnnotationSpec)
    alone = export.drafts_of(export.defect("disputed_and_not_arbitrated")["files"])
    disputed = [
        draft
        for one in export.truth["people"]
        if one["token"] in export.truth["disputed"]
        for draft in export.drafts_of(one["files"])
    ]
    assert len(disputed) == 1
    for draft in export.assembly.drafts:
        if draft.key not in export.taken:
            continue
        objects = export.taken[draft.key].objects
        labels = {item.role: item.content for item in objects if item.role != "image"}
        public = {item.name: item.content for item in objects if item.role == "image"}
        statistics = masks.agreement(labels["read:R1"], labels["read:R2"], public, spec.options)
        figures = masks.figures(statistics)
        agreed = all(figures[name] >= limit for name, limit in spec.agreement_limits.items())
        assert agreed == (draft not in [*disputed, *alone])
        assert ("read:ARB" in labels) == (draft in disputed)


def test_every_file_ends_in_one_draft_or_unassigned(export):
    held = [file.relative for draft in export.assembly.drafts for _, file in draft.files]
    held += [one.file.relative for one in export.assembly.unassigned]
    offered = [file.relative for file in walk(export.folder / "export").readable]
    assert sorted(held) == sorted(offered)


def test_every_object_is_proved_to_name_nobody(export):
    assert [findings for findings in export.proofs.values() if findings] == []


def test_nothing_that_identifies_is_in_any_object_name_or_finding(export):
    names = [path.parent.name for path in (export.folder / "export").glob("archive-*/*/SE2")]
    secrets = [name.encode() for name in names]
    for text in ("测", "PHANTOM^TEST", "EXAMPLE", "示例", "ward 7", "STATION7", "555-0100", "ARCHIVE"):
        secrets += [text.encode(codec) for codec in ("utf-8", "gb18030")]
    said = [repr(f).encode() for f in export.refused.values()]
    said += [repr(one.finding).encode() for one in export.assembly.unassigned]
    for taken in export.taken.values():
        said += [repr((taken.findings, taken.actions, taken.site, taken.device)).encode()]
        said += [item.content for item in taken.objects] + [item.name.encode() for item in taken.objects]
    assert len(secrets) > 20
    for secret in secrets:
        assert not any(secret in text for text in said), secret


def test_bytes_without_a_character_set_are_a_finding_and_the_name_is_still_found(export):
    found = [f.reason for taken in export.taken.values() for f in taken.findings]
    assert Reason.CHARACTER_SET in found
    tokens = [token for draft in export.assembly.drafts for token in draft.person_tokens]
    assert any(token.startswith("name:") and "测" in token for token in tokens)


def test_the_same_seed_writes_the_same_bytes_and_another_one_others(tmp_path, export):
    site = export.parameters.sites[0].model_copy(update={"subjects": 1})
    small = export.parameters.model_copy(update={"sites": (site, site), "defects": False, "disputed": 0})
    written = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        phantom.generate(small, seed, tmp_path / folder, tmp_path / f"{folder}.json")
        files = sorted(path for path in (tmp_path / folder).rglob("*") if path.is_file())
        written.append({str(p.relative_to(tmp_path / folder)): p.read_bytes() for p in files})
    assert written[0] == written[1]
    assert written[0] != written[2]
