"""What the benchmarks of ingest share: specs, keys, tables as they are kept, and series of MR slices.

Beside the scripts that use it; they append their folder to the path, since Python runs with -P.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from medassay.core.tables import to_parquet
from medassay.datasets.ingest import Ingested
from medassay.datasets.spec import DatasetSpec
from medassay.trust.keys import KeyRing

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
TABLES = ("offered", "catalogue", "objects", "measurements", "actions", "sketches", "key_side")
KEYS = KeyRing(True, b"p" * 32, b"l" * 32, b"s" * 32)
TEXT = {"zh": "甲", "en": "a"}


def spec_of(kind: str, task: str, icd10: str, form: str, **options: Any) -> DatasetSpec:
    """A dataset of one public source whose files are of this kind and form."""
    source = {
        "name": "files",
        "source_class": "public",
        "form": form,
        "folder": "files",
        "identity": "known",
        "lawful_basis": {"licence": "CC0-1.0"},
        "options": options,
    }
    return DatasetSpec.model_validate(
        {
            "title": TEXT,
            "version": "1",
            "disease": {"name": TEXT, "icd10": [icd10]},
            "kind": kind,
            "task": task,
            "intended_use": TEXT,
            "target_population": TEXT,
            "split": {"train": 0.6, "tune": 0.2, "test": 0.2, "seed": 1},
            "freeze_needs": ["ingest"],
            "sources": [source],
        }
    )


def mr_spec() -> DatasetSpec:
    """A dataset of MR series without labels."""
    return spec_of("mr_volume", "masks", "G30.9", "dicom-export", structures={"a": 1}, needs_label=False)


def stored(made: Ingested) -> dict[str, bytes]:
    """The tables as they are kept."""
    return {name: to_parquet(getattr(made, name)) for name in TABLES}


def write_series(folder: Path, series: int, slices: int, header: str) -> None:
    """Series of a ball in noise, each of a person of its own, under a header of the benchmark of de-identification."""
    import deidentify
    import pydicom

    rows, columns = np.mgrid[:512, :512]
    ball = 400 * np.exp(-((rows - 256) ** 2 + (columns - 256) ** 2) / 2e4)
    image = pydicom.dcmread(io.BytesIO(deidentify.instance(1, **deidentify.HEADERS[header])))
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = MR_IMAGE
    image.Modality = "MR"
    for number in range(series):
        draw = np.random.default_rng(number)
        image.SeriesInstanceUID = f"1.2.5.{number}"
        image.PatientID, image.PatientName = f"P{number}", f"PERSON^NUMBER{number}"
        for at in range(slices):
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}.{at}"
            image.InstanceNumber, image.ImagePositionPatient = str(at + 1), ["0", "0", str(at + 1)]
            image.PixelData = (ball + draw.normal(50, 8, ball.shape)).astype("<i2").tobytes()
            image.save_as(folder / f"{number:04d}-{at:04d}.dcm", enforce_file_format=True)
