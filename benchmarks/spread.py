"""One process and two on the same MR series: time of the whole ingest, and the ratio.

    OMP_NUM_THREADS=1 python -P benchmarks/spread.py [--series 30 150] [--slices 20] [--runs 3]

The same files as benchmarks/ingest.py, `--series` times `--slices` of them, where TMPDIR lies. Each run is a process of
its own, as on the command line, so that starting the others and loading libraries is part of it; the more files, the
less it weighs. All runs end in the same tables, or the script fails. Two cores are not twice as fast as one: they share
memory and caches, and on a busy machine other work. So two runs of one process each are also set off at once, and
what they do together in the time of one is printed as the most that sharing could have reached; the load too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from medassay.core.canonical import digest_of
from medassay.core.workspace import Workspace
from medassay.datasets.ingest import ingest
from medassay.datasets.spread import Spread
from medassay.datasets.store import Batch, ObjectStore
from medassay.trust.keys import KeyRing

sys.path.append(str(Path(__file__).parent))  # Python runs with -P

from sources import mr_spec, stored, write_series


def one_run(folder: Path, ring: Path, workers: int) -> None:
    """Ingest once; print seconds, and a digest of the tables."""
    spec = mr_spec()
    with tempfile.TemporaryDirectory() as out:
        batch = Batch(ObjectStore(Workspace(Path(out))))
        spread = Spread(partial(KeyRing.load, ring), workers)
        keys = KeyRing.load(ring)
        began = time.perf_counter()
        made = ingest("x", spec, spec.sources[0], folder, keys, batch.put, settle=batch.settle, spread=spread)
        seconds = time.perf_counter() - began
    print(seconds, digest_of({name: content.hex() for name, content in stored(made).items()}))


def started(folder: Path, ring: Path, workers: int) -> subprocess.Popen[str]:
    """A run in a process of its own."""
    command = [sys.executable, "-P", __file__, "--run", str(folder), str(ring), str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def ended(run: subprocess.Popen[str]) -> tuple[float, str]:
    """Its seconds, and the digest of its tables."""
    told = run.communicate()[0].split()
    if run.returncode:
        raise SystemExit(f"a run ended with {run.returncode}")
    return float(told[0]), told[1]


def one_size(series: int, slices: int, runs: int) -> None:
    """Make files, then run with one process, with two, and two of one at once, in turns."""
    with tempfile.TemporaryDirectory() as top:
        folder, ring = Path(top, "mr"), Path(top, "ring.json")
        folder.mkdir()
        write_series(folder, series, slices, "rich")
        KeyRing.create(ring, demo=True)
        clocks: dict[str, list[float]] = {"one": [], "two": [], "one twice at once": []}
        ends = set()
        for _ in range(runs):
            for name, processes in zip(clocks, ([1], [2], [1, 1]), strict=True):
                made = [ended(run) for run in [started(folder, ring, workers) for workers in processes]]
                clocks[name].append(max(seconds for seconds, _ in made))
                ends |= {digest for _, digest in made}
                load = os.getloadavg()[0]
                print(
                    f"{series * slices} files, {name}: {clocks[name][-1]:.1f} s (load {load:.1f})", flush=True
                )
        if len(ends) != 1:
            raise SystemExit("one process and two ended in different tables")
        one, two, at_once = map(statistics.median, clocks.values())
        print(
            f"{series * slices} files, ratio of medians: {one / two:.2f}; the cores allow {2 * one / at_once:.2f}",
            flush=True,
        )


def main() -> None:
    """A size after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--series", type=int, nargs="+", default=[30, 150])
    parser.add_argument("--slices", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--run", nargs=3, metavar=("FOLDER", "RING", "WORKERS"), help="one run, as a process")
    given = parser.parse_args()
    if given.run:
        one_run(Path(given.run[0]), Path(given.run[1]), int(given.run[2]))
        return
    for series in given.series:
        one_size(series, given.slices, given.runs)


if __name__ == "__main__":
    main()
