"""The whole ingest of MR slices with rich headers, beside dicom-anonymizer, which de-identifies them and no more.

    OMP_NUM_THREADS=1 python -P benchmarks/ingest.py [--series 4] [--slices 24] [--runs 3] [--header rich]

One process each, in turns, the same 512x512 files of 0.5 MB on the disk, written out again. Ours groups, de-identifies,
digests, reads back and proves, measures the image, stores durably, and writes the catalogue; text in pixels is not
screened. The other reads, anonymizes and writes each file. Prints every run, and the ratio of the medians of processor
time (which a busy machine disturbs least) and of the clock.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pydicom

from medassay.core.workspace import Workspace
from medassay.datasets.ingest import ingest
from medassay.datasets.spec import DatasetSpec
from medassay.datasets.store import Batch, ObjectStore
from medassay.trust.keys import KeyRing

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
TEXT = {"zh": "甲", "en": "a"}
SPEC = {
    "title": TEXT,
    "version": "1",
    "disease": {"name": TEXT, "icd10": ["G30.9"]},
    "kind": "mr_volume",
    "task": "masks",
    "intended_use": TEXT,
    "target_population": TEXT,
    "split": {"train": 0.6, "tune": 0.2, "test": 0.2, "seed": 1},
    "freeze_needs": ["ingest"],
    "sources": [
        {
            "name": "mr",
            "source_class": "public",
            "form": "dicom-export",
            "folder": "mr",
            "identity": "known",
            "lawful_basis": {"licence": "CC0-1.0"},
            "options": {"structures": {"a": 1}, "needs_label": False},
        }
    ],
}
KEYS = KeyRing(True, b"p" * 32, b"l" * 32, b"s" * 32)


def beside() -> ModuleType:
    """The benchmark of de-identification, for its headers."""
    place = importlib.util.spec_from_file_location("deidentify", Path(__file__).with_name("deidentify.py"))
    if place is None or place.loader is None:
        raise SystemExit("no deidentify.py beside this file")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def written(folder: Path, series: int, slices: int, header: str) -> None:
    """Series of a ball in noise, each of a person of its own."""
    made = beside()
    rows, columns = np.mgrid[:512, :512]
    for number in range(series):
        draw = np.random.default_rng(number)
        for at in range(slices):
            image = pydicom.dcmread(io.BytesIO(made.instance(at + 1, **made.HEADERS[header])))
            image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = MR_IMAGE
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}.{at}"
            image.SeriesInstanceUID, image.Modality = f"1.2.5.{number}", "MR"
            image.PatientID, image.PatientName = f"P{number}", f"PERSON^NUMBER{number}"
            ball = 400 * np.exp(-((rows - 256) ** 2 + (columns - 256) ** 2) / 2e4)
            image.PixelData = (ball + draw.normal(50, 8, ball.shape)).astype("<i2").tobytes()
            image.save_as(folder / f"{number:04d}-{at:04d}.dcm", enforce_file_format=True)


def ours(folder: Path, out: Path) -> None:
    """Everything that ingest does."""
    spec = DatasetSpec.model_validate(SPEC)
    batch = Batch(ObjectStore(Workspace(out)))
    made = ingest("x", spec, spec.sources[0], folder, KEYS, batch.put, settle=batch.settle)
    if made.counts["files_in_samples"] != made.counts["files_offered"]:
        raise SystemExit(f"files that were not taken in: {made.findings[:1]}")


def dicom_anonymizer(folder: Path, out: Path) -> None:
    """Read, anonymize, write."""
    from dicomanonymizer import anonymize_dataset

    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir()):
        image = pydicom.dcmread(path)
        anonymize_dataset(image)
        image.save_as(out / path.name, enforce_file_format=True)


def timed(tool: Callable[[Path, Path], None], folder: Path, files: int) -> tuple[float, float]:
    """Seconds of processor and of clock for 1,000 files."""
    with tempfile.TemporaryDirectory() as out:
        worked, began = time.process_time(), time.perf_counter()
        tool(folder, Path(out))
        return (
            (time.process_time() - worked) * 1000 / files,
            (time.perf_counter() - began) * 1000 / files,
        )


def main() -> None:
    """Run the tools in turns."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--series", type=int, default=4)
    parser.add_argument("--slices", type=int, default=24)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--header", default="rich")
    given = parser.parse_args()
    tools = {"ours, whole ingest": ours}
    if importlib.util.find_spec("dicomanonymizer"):
        tools["dicom-anonymizer"] = dicom_anonymizer
    else:
        print("dicom-anonymizer is not importable here", file=sys.stderr)
    with tempfile.TemporaryDirectory() as top:
        warm, folder = Path(top, "warm"), Path(top, "mr")
        for place, series in ((warm, 1), (folder, given.series)):
            place.mkdir()
            written(place, series, 3 if place == warm else given.slices, given.header)
        files = given.series * given.slices
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in tools}
        for tool in tools.values():
            timed(tool, warm, 3)  # tables and libraries are loaded before the clock runs
        for run in range(given.runs):
            for name, tool in tools.items():
                seconds[name].append(timed(tool, folder, files))
                worked, clock = seconds[name][-1]
                print(
                    f"{given.header} run {run + 1}  {name:20} {worked:6.1f} s/1000 of processor, "
                    f"{clock:6.1f} by the clock",
                    flush=True,
                )
    medians = {
        name: [statistics.median(one) for one in zip(*runs, strict=True)] for name, runs in seconds.items()
    }
    if len(medians) == 2:
        (mine, my_clock), (theirs, their_clock) = medians.values()
        print(f"ratio: {theirs / mine:.2f} of processor time, {their_clock / my_clock:.2f} by the clock")


if __name__ == "__main__":
    main()
