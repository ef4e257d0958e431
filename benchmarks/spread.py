"""One process and two on the same MR series: time of the whole ingest, and the ratio.

    OMP_NUM_THREADS=1 python -P benchmarks/spread.py [--series 24] [--slices 24] [--runs 3]

The same files as benchmarks/ingest.py. Both end in the same tables, or the script fails. Two processes cannot be
twice as fast as one on a machine whose cores do other work: the load is printed with every run.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from types import ModuleType

from medassay.core.tables import to_parquet
from medassay.core.workspace import Workspace
from medassay.datasets.ingest import Ingested, ingest
from medassay.datasets.spec import DatasetSpec
from medassay.datasets.spread import Spread
from medassay.datasets.store import Batch, ObjectStore
from medassay.trust.keys import KeyRing

TABLES = ("offered", "catalogue", "objects", "measurements", "actions", "sketches")


def beside() -> ModuleType:
    """The benchmark of ingest, for its files."""
    place = importlib.util.spec_from_file_location("ingest", Path(__file__).with_name("ingest.py"))
    if place is None or place.loader is None:
        raise SystemExit("no ingest.py beside this file")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def main() -> None:
    """Run with one and with two processes, in turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--series", type=int, default=24)
    parser.add_argument("--slices", type=int, default=24)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    made = beside()
    spec = DatasetSpec.model_validate(made.SPEC)
    with tempfile.TemporaryDirectory() as top:
        folder, ring = Path(top, "mr"), Path(top, "ring.json")
        folder.mkdir()
        made.written(folder, given.series, given.slices, "rich")
        keys = KeyRing.create(ring, demo=True)
        ends: list[dict[str, bytes]] = []

        def run(workers: int, number: int) -> float:
            batch = Batch(ObjectStore(Workspace(Path(top, f"{workers}-{number}"))))
            spread = Spread(partial(KeyRing.load, ring), workers)
            began = time.perf_counter()
            taken: Ingested = ingest(
                "x", spec, spec.sources[0], folder, keys, batch.put, settle=batch.settle, spread=spread
            )
            seconds = time.perf_counter() - began
            ends.append({name: to_parquet(getattr(taken, name)) for name in TABLES})
            load = os.getloadavg()[0]
            print(
                f"{workers} of {given.series * given.slices} files: {seconds:.1f} s (load {load:.1f})",
                flush=True,
            )
            return seconds

        clocks: dict[int, list[float]] = {1: [], 2: []}
        for number in range(given.runs):
            for workers in clocks:
                clocks[workers].append(run(workers, number))
        if any(end != ends[0] for end in ends):
            raise SystemExit("one process and two ended in different tables")
        print(f"ratio of medians: {statistics.median(clocks[1]) / statistics.median(clocks[2]):.2f}")


if __name__ == "__main__":
    main()
