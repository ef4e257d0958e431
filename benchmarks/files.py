"""Cost a file of ingest from a thousand small files to a hundred thousand, and of a second ingest of the same folder.

    OMP_NUM_THREADS=1 python -P benchmarks/files.py [--files 1000 10000 100000] | tee rows.txt
    python -P benchmarks/files.py --draw docs/ingest-cost.svg < rows.txt

Each size runs in a process of its own: glucose traces of a day as small CSV files, one process, objects in a folder.
Prints seconds per 1,000 files, by the clock and of the processor (which a busy machine
disturbs least), and the peak of memory. The second run, of an unchanged folder, costs a stat a file and is held to the
same catalogue. Before the third run one file more is put there; it is held to the catalogue of a run that remembers
nothing where there are at most 10,000 files. Files are made before the clock starts.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from medassay.core.tables import to_parquet
from medassay.core.workspace import Workspace
from medassay.datasets import memo as memory
from medassay.datasets.ingest import Ingested, ingest
from medassay.datasets.store import Batch, ObjectStore

sys.path.append(str(Path(__file__).parent))  # Python runs with -P

from sources import KEYS, spec_of

READINGS = 24


ANEW_UP_TO = 10_000


def written(folder: Path, numbers: Iterable[int]) -> None:
    """Traces of these numbers, no two alike."""
    for number in numbers:
        lines = ["Date,CGM (mmol/L)"]
        for reading in range(READINGS):
            value = 4 + (int(f"{number:07d}"[reading % 7]) + reading % 5) / 10  # spells the file's number
            lines.append(f"2024-01-01 {reading // 4:02d}:{reading % 4 * 15:02d},{value:.1f}")
        place = folder / f"{number // 1000:04d}"
        place.mkdir(exist_ok=True)
        (place / f"{number:07d}.csv").write_text("\n".join(lines) + "\n")


def one_size(files: int) -> None:
    """Make, ingest, ingest again, ingest with one file more; print a row."""
    memory.SETTLED_NS = 0
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top, "traces")
        folder.mkdir()
        written(folder, range(files))
        spec = spec_of("cgm", "alarms", "E11.9", "glucose-table")
        store = ObjectStore(Workspace(Path(top)))
        batch = Batch(store)

        def run(memory_of: str = "seen.sqlite") -> tuple[Ingested, float, float]:
            start, worked = time.perf_counter(), time.process_time()
            with memory.remembering(Path(top, memory_of), "", KEYS.pseudonym, store.has) as memo:
                made = ingest(
                    "x", spec, spec.sources[0], folder, KEYS, batch.put, settle=batch.settle, memo=memo
                )
            worked = (time.process_time() - worked) * 1000 / files
            return made, (time.perf_counter() - start) * 1000 / files, worked

        first, cost, work = run()
        second, again, work_again = run()
        if to_parquet(first.catalogue) != to_parquet(second.catalogue):
            raise SystemExit("the second run ended in another catalogue")
        written(folder, [files])
        third, one_more, work_one_more = run()
        if files <= ANEW_UP_TO and to_parquet(run("anew.sqlite")[0].catalogue) != to_parquet(third.catalogue):
            raise SystemExit(
                "the run with one file more ended in another catalogue than one that remembers nothing"
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        taken = first.counts["samples_accepted"]
        print(
            f"{files:7} files, {taken:7} samples: {cost:6.2f} s/1000 first ({work:.2f} of processor), "
            f"{again:6.3f} s/1000 unchanged ({work_again:.3f} of processor), "
            f"{one_more:6.3f} s/1000 with one file more ({work_one_more:.3f} of processor), peak {peak:5.0f} MB",
            flush=True,
        )


ROW = re.compile(
    r" *(?P<files>\d+) files,.*first \((?P<first>[\d.]+) of.*unchanged \((?P<again>[\d.]+) of.*more "
    r"\((?P<more>[\d.]+) of.*peak +(?P<peak>\d+) MB"
)


def drawn(rows: Iterable[str], figure: Path) -> None:
    """Cost a file and peak of memory over the number of files, from rows as they were printed."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    found = [
        {name: float(value) for name, value in row.groupdict().items()} for row in map(ROW.match, rows) if row
    ]
    files = [row["files"] for row in found]
    matplotlib.rcParams["svg.hashsalt"] = "ingest"  # the same rows give the same bytes
    plot, (cost, memory_of) = pyplot.subplots(1, 2, figsize=(8, 3), layout="constrained")
    cost.loglog(files, [row["first"] for row in found], "o-", label="first")
    cost.loglog(files, [row["more"] for row in found], "^-", label="one file more")
    cost.loglog(files, [row["again"] for row in found], "s-", label="unchanged")
    cost.set(xlabel="files", ylabel="s of processor for 1,000 files")
    cost.legend()
    memory_of.semilogx(files, [row["peak"] for row in found], "o-")
    memory_of.set(xlabel="files", ylabel="peak of memory, MB", ylim=(0, None))
    plot.savefig(figure, metadata={"Date": None})


def main() -> None:
    """A process a size, so that the peak of memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--draw", type=Path, help="draw the rows on standard input as this figure")
    given = parser.parse_args()
    if given.draw:
        drawn(sys.stdin, given.draw)
        return
    sizes = given.files
    if len(sizes) == 1:
        one_size(sizes[0])
        return
    for files in sizes:
        subprocess.run([sys.executable, "-P", __file__, "--files", str(files)], check=True)


if __name__ == "__main__":
    main()
