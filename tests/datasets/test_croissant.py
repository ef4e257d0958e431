"""The metadata of a version load in Croissant's own library, and its description says the same in both languages."""

import json
import re

import mlcroissant
import pytest

from medassay.core.canonical import digest_bytes
from medassay.datasets.catalogue import rows_of
from medassay.datasets.croissant import METADATA, files_of
from medassay.datasets.description import Description, describe
from medassay.reports.description_view import WORDS, markdown, views_of

RAI = ("dataCollection", "dataBiases", "dataLimitations", "dataUseCases", "personalSensitiveInformation",
       "dataAnnotationProtocol", "dataPreprocessingProtocol", "dataReleaseMaintenancePlan")  # fmt: skip


@pytest.fixture
def made(frozen_toys):
    toys = frozen_toys()
    frozen = toys.run()
    catalogue = rows_of("catalogue", toys.tables["catalogue"])
    told = describe(
        toys.spec,
        toys.spec.sources[0],
        frozen.manifest,
        frozen.flow,
        frozen.dynamics,
        catalogue=catalogue,
        objects=rows_of("objects", toys.tables["objects"]),
        reference=rows_of("reference", toys.tables["reference"]),
        near_copies=0,
    )
    return frozen.manifest, told, catalogue


def test_croissants_own_library_finds_no_error_and_reads_the_rows(made, tmp_path):
    manifest, told, catalogue = made
    for name, content in files_of(manifest, told, catalogue).items():
        (tmp_path / name).write_bytes(content)
    dataset = mlcroissant.Dataset(tmp_path / METADATA)
    assert not dataset.metadata.ctx.issues.errors
    rows = list(dataset.records("samples"))
    assert {row["samples/sample_id"].decode(): row["samples/split"].decode() for row in rows} == {
        row.sample: row.split for row in manifest.rows
    }


def test_the_version_stands_as_the_digest_of_the_manifest_and_every_rai_field_is_filled(made):
    manifest, told, catalogue = made
    files = files_of(manifest, told, catalogue)
    document = json.loads(files[METADATA])
    digests = {entry["name"]: entry["sha256"] for entry in document["distribution"]}
    assert digests["manifest.json"] == manifest.digest
    assert all(digests[name] == digest_bytes(files[name]) for name in digests)
    assert all(document[f"rai:{name}"] for name in RAI)
    assert document["conformsTo"][0] == "http://mlcommons.org/croissant/1.0"


def test_the_same_version_gives_the_same_bytes(made):
    assert files_of(*made) == files_of(*made)


def test_the_description_adds_up_and_is_read_back(made):
    _, told, _ = made
    assert Description.model_validate_json(told.model_dump_json()) == told
    assert sum(one.samples for one in told.counters) == told.samples == 24
    assert sum(told.reference_methods.values()) == told.samples
    for column in ("sex", "age_band", "site"):
        assert sum(group.samples for group in told.groups if group.column == column) == told.samples


def test_both_languages_say_the_same_figures_under_the_same_headings(made):
    _, told, _ = made
    zh, en = (markdown(told, lang) for lang in ("zh", "en"))
    figures = [re.findall(r"\d+", text) for text in (zh, en)]
    assert sorted(figures[0]) == sorted(figures[1])
    assert zh.count("\n## ") == en.count("\n## ") > 5
    assert not re.search(r"[\u4e00-\u9fff]", en.replace(told.title.zh, ""))
    assert set(views_of(told)) == {"description.zh.md", "description.en.md"}


def test_every_word_of_the_description_stands_in_both_languages_with_the_same_places():
    assert all(zh and en and zh.count("{}") == en.count("{}") for zh, en in WORDS.values())
