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
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pydicom

from medassay.core.workspace import Workspace
from medassay.datasets.ingest import ingest
from medassay.datasets.store import Batch, ObjectStore

sys.path.append(str(Path(__file__).parent))  # Python runs with -P

from sources import KEYS, mr_spec, write_series


def ours(folder: Path, out: Path) -> None:
    """Everything that ingest does."""
    spec = mr_spec()
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
            write_series(place, series, 3 if place == warm else given.slices, given.header)
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
