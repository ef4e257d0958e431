"""Cost a file of ingest from a thousand small files to a hundred thousand, and of a second ingest of the same folder.

    OMP_NUM_THREADS=1 python -P benchmarks/files.py [--files 1000 10000 100000]

Each size runs in a process of its own: glucose traces of a day as small CSV files, one process, objects in a folder.
Prints seconds per 1,000 files and the peak of memory; the second run of an unchanged folder costs a stat a file, and
is held to the same tables. Files are made before the clock starts, and have lain still for some seconds.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from medassay.core.tables import to_parquet
from medassay.core.workspace import Workspace
from medassay.datasets import memo as memory
from medassay.datasets.ingest import Ingested, ingest
from medassay.datasets.spec import DatasetSpec
from medassay.datasets.store import Batch, ObjectStore
from medassay.trust.keys import KeyRing

TEXT = {"zh": "甲", "en": "a"}
SPEC = {
    "title": TEXT,
    "version": "1",
    "disease": {"name": TEXT, "icd10": ["E11.9"]},
    "kind": "cgm",
    "task": "alarms",
    "intended_use": TEXT,
    "target_population": TEXT,
    "split": {"train": 0.6, "tune": 0.2, "test": 0.2, "seed": 1},
    "freeze_needs": ["ingest"],
    "sources": [
        {
            "name": "traces",
            "source_class": "public",
            "form": "glucose-table",
            "folder": "traces",
            "identity": "known",
            "lawful_basis": {"licence": "CC0-1.0"},
        }
    ],
}
READINGS = 24


def written(folder: Path, files: int) -> None:
    """So many traces, no two alike."""
    for number in range(files):
        lines = ["Date,CGM (mmol/L)"]
        for reading in range(READINGS):
            value = 4 + (int(f"{number:07d}"[reading % 7]) + reading % 5) / 10  # spells the file's number
            lines.append(f"2024-01-01 {reading // 4:02d}:{reading % 4 * 15:02d},{value:.1f}")
        place = folder / f"{number // 1000:04d}"
        place.mkdir(exist_ok=True)
        (place / f"{number:07d}.csv").write_text("\n".join(lines) + "\n")


def one_size(files: int) -> None:
    """Make, ingest, ingest again; print a row."""
    memory.SETTLED_NS = 0
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top, "traces")
        folder.mkdir()
        written(folder, files)
        keys = KeyRing(True, b"p" * 32, b"l" * 32, b"s" * 32)
        spec = DatasetSpec.model_validate(SPEC)
        store = ObjectStore(Workspace(Path(top)))
        batch = Batch(store)

        def run() -> tuple[Ingested, float]:
            start = time.perf_counter()
            with memory.remembering(Path(top, "seen.sqlite"), "", keys.pseudonym, store.has) as memo:
                made = ingest(
                    "x", spec, spec.sources[0], folder, keys, batch.put, settle=batch.settle, memo=memo
                )
            return made, (time.perf_counter() - start) * 1000 / files

        first, cost = run()
        second, again = run()
        if to_parquet(first.catalogue) != to_parquet(second.catalogue):
            raise SystemExit("the second run ended in another catalogue")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        taken = first.counts["samples_accepted"]
        print(
            f"{files:7} files, {taken:7} samples: {cost:6.2f} s/1000 first, {again:6.3f} s/1000 unchanged "
            f"({cost / again:4.0f} x), peak {peak:5.0f} MB",
            flush=True,
        )


def main() -> None:
    """A process a size, so that the peak of memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    sizes = parser.parse_args().files
    if len(sizes) == 1:
        one_size(sizes[0])
        return
    for files in sizes:
        subprocess.run([sys.executable, "-P", __file__, "--files", str(files)], check=True)


if __name__ == "__main__":
    main()
