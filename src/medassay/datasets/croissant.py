"""Croissant: the metadata of a frozen version in the form that dataset search and loaders read, with RAI fields.

The file describes three things that lie beside it: the manifest, whose SHA-256 is the version, the table of
samples, and the sealed labels by what they are. Nothing in it opens a label.

Sources: MLCommons Croissant Format Specification 1.0; Croissant RAI Vocabulary 1.0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from medassay.core.canonical import digest_bytes
from medassay.core.tables import to_parquet
from medassay.datasets.description import Description
from medassay.datasets.manifest import Manifest

if TYPE_CHECKING:
    import pyarrow as pa

CONFORMS_TO = ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"]
MANIFEST, SAMPLES, METADATA = "manifest.json", "samples.parquet", "croissant.json"
# Column of the sample table, what it is.
COLUMNS: tuple[tuple[str, str], ...] = (
    ("sample_id", "pseudonymous id of the sample"),
    ("subject_id", "pseudonymous id of the person"),
    ("split", "train, tune or test; all samples of a person are in one"),
    ("data_type", "image, signal or record"),
    ("modality", "modality of the image or signal, or type of the record"),
    ("site", "site, as a letter or pseudonym"),
    ("device", "model of the device"),
    ("sex", "F or M"),
    ("age_band", "band of the age in years"),
)


def sample_table(manifest: Manifest, catalogue: Sequence[dict[str, Any]]) -> pa.Table:
    """One row a sample of the version, with bands for ages; sorted by sample."""
    import pyarrow as pa

    parts = {sample: rows[0].split for sample, rows in manifest.samples().items()}
    rows = [
        {**{name: row.get(name) for name, _ in COLUMNS}, "split": parts[row["sample_id"]]}
        for row in sorted(catalogue, key=lambda row: row["sample_id"])
        if row["sample_id"] in parts
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name, _ in COLUMNS]))


def files_of(
    manifest: Manifest, description: Description, catalogue: Sequence[dict[str, Any]]
) -> dict[str, bytes]:
    """The metadata and the two files that it describes, by name."""
    samples = to_parquet(sample_table(manifest, catalogue))
    return {
        METADATA: metadata(description, manifest.content, samples),
        MANIFEST: manifest.content,
        SAMPLES: samples,
    }


def metadata(description: Description, manifest: bytes, samples: bytes) -> bytes:
    """The JSON-LD document, indented, the same for the same version: it states no day."""
    import mlcroissant as mlc

    told = description
    document = mlc.Metadata(
        name=f"{told.dataset}-{told.source}",
        description=f"{told.title.zh} / {told.title.en}. {told.intended_use.en}. Target population: "
        f"{told.target_population.en}. Disease: {told.disease.en} ({', '.join(told.icd10)}).",
        version=_three_numbers(told.spec_version),
        license=[told.licence],
        cite_as=told.citation or None,
        in_language=["zh", "en"],
        keywords=[told.disease.en, *told.icd10, *sorted({one.modality for one in told.counters})],
        conforms_to=CONFORMS_TO,
        distribution=[
            _file(
                mlc, MANIFEST, "application/json", manifest, "every file by role, digest, subject and part"
            ),
            _file(mlc, SAMPLES, "application/x-parquet", samples, "one row a sample"),
        ],
        record_sets=[
            mlc.RecordSet(
                id="samples",
                name="samples",
                description="One row a sample of this version.",
                key="samples/sample_id",
                fields=[
                    mlc.Field(
                        id=f"samples/{column}",
                        name=column,
                        description=meaning,
                        data_types=mlc.DataType.TEXT,
                        source=mlc.Source(file_object=SAMPLES, extract=mlc.Extract(column=column)),
                    )
                    for column, meaning in COLUMNS
                ],
            )
        ],
        **_responsible(told),
    )
    plain = json.loads(json.dumps(document.to_json(), default=str))
    return (json.dumps(plain, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8")


def _responsible(told: Description) -> dict[str, Any]:
    """The RAI fields, each from what was counted or declared."""
    missing = [
        f"{name}: {count} of {told.samples} samples" for name, count in told.not_stated.items() if count
    ]
    return {
        "data_collection": f"Source '{told.source}' of class {told.source_class}; {told.flow.files.offered} files "
        f"offered, {told.flow.samples.offered} samples assembled.",
        "data_collection_type": [_collection_type(told.source_class)],
        "data_collection_missing_data": "; ".join(missing)
        or "Every catalogued fact is stated for every sample.",
        "data_preprocessing_protocol": [
            "De-identified by an allow-list (DICOM PS3.15 Annex E for DICOM) and proved by an independent reader.",
            f"{told.flow.samples.refused} samples refused at ingest and {told.flow.samples.excluded} excluded by "
            "declared checks, each with its reason.",
        ],
        "data_annotation_protocol": [
            f"{count} samples: reference standard {method}"
            for method, count in sorted(told.reference_methods.items())
        ],
        "data_biases": [text.en for text in told.biases],
        "data_limitations": [text.en for text in told.limits],
        "data_use_cases": [told.intended_use.en],
        "personal_sensitive_information": told.sensitive,
        "data_release_maintenance_plan": f"Each version is the digest of its manifest; what it added and withdrew "
        f"is recorded. Version before: {told.dynamics.previous or 'none'}.",
    }


def _file(mlc: Any, name: str, form: str, content: bytes, said: str) -> Any:
    return mlc.FileObject(
        id=name,
        name=name,
        description=said,
        content_url=name,
        encoding_formats=[form],
        sha256=digest_bytes(content),
        content_size=f"{len(content)} B",
    )


def _three_numbers(version: str) -> str:
    """The spec's version as Croissant wants it: MAJOR.MINOR.PATCH."""
    numbers = [part for part in version.split(".") if part.isdigit()]
    return ".".join(([*numbers, "0", "0", "0"])[:3])


def _collection_type(source_class: str) -> str:
    kinds = {"synthetic": "Software Collection", "public": "Secondary Data Analysis"}
    return kinds.get(source_class, "Direct measurement")
