"""A million rows of the catalogue: ingested, ingested again unchanged, and queried; time and the peak of memory.

    OMP_NUM_THREADS=1 python -P benchmarks/rows.py [--rows 1000000] [--lines 1000]

One process. Files hold `--lines` samples each (1: a file a sample) of a kind that does next to nothing, so what is
measured is ingest: walk, drafts, pseudonyms, an object a sample on the disk, memory of the source, tables. The queries
are the curator's, by the verb's engine. Both runs must end in the same bytes.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from medassay.core.canonical import digest_bytes
from medassay.core.tables import from_parquet
from medassay.core.workspace import Workspace
from medassay.datasets import intake, query
from medassay.datasets import memo as memory
from medassay.datasets.ingest import ingest
from medassay.datasets.store import Batch, ObjectStore

sys.path.append(str(Path(__file__).parent))  # Python runs with -P

from sources import KEYS, spec_of, stored

ASKED = ("counters", "sites", "people", "files_offered", "not_stated", "repeated", "deidentification")


def written(folder: Path, rows: int, lines: int) -> None:
    """So many samples of half as many people, no two values alike."""
    for number in range(0, rows, lines):
        place = folder / f"{number // lines // 1000:04d}"
        place.mkdir(exist_ok=True)
        text = "".join(
            f"{row // 2},site{row % 7},{'FM'[row % 2]},{20 + row % 70},{row}.5\n"
            for row in range(number, min(number + lines, rows))
        )
        (place / f"{number:07d}.txt").write_text(text, "ascii")


def peak_mb() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def asked(tables: dict[str, bytes]) -> None:
    """Each ready question, with its time."""
    views = {
        "samples": "catalogue",
        "files": "objects",
        "offered": "offered",
        "actions": "actions",
        "measurements": "measurements",
    }
    loads = {view: (lambda name=name: from_parquet(tables[name])) for view, name in views.items()}
    for name in ASKED:
        start = time.perf_counter()
        answer = query.ask(query.question(name).sql, loads)
        print(f"  query {name}: {time.perf_counter() - start:.2f} s, {len(answer[0])} rows", flush=True)


def main() -> None:
    """Make the files, run twice, ask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--lines", type=int, default=1_000, help="samples in a file")
    given = parser.parse_args()
    intake.__path__.append(str(Path(__file__).parent / "kinds"))
    memory.SETTLED_NS = 0
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top, "lines")
        folder.mkdir()
        written(folder, given.rows, given.lines)
        spec = spec_of("line", "alarms", "E11.9", "line")
        store = ObjectStore(Workspace(Path(top)))
        batch = Batch(store)
        ends = []
        for run in ("first", "unchanged"):
            start, worked = time.perf_counter(), time.process_time()
            with memory.remembering(Path(top, "seen.sqlite"), "", KEYS.pseudonym, store.has) as memo:
                made = ingest(
                    "x", spec, spec.sources[0], folder, KEYS, batch.put, settle=batch.settle, memo=memo
                )
            tables = stored(made)
            seconds, worked = time.perf_counter() - start, time.process_time() - worked
            ends.append({name: digest_bytes(content) for name, content in tables.items()})
            print(
                f"{given.rows} rows in {made.counts['files_offered']} files, {run}: {seconds:.0f} s "
                f"({worked * 1000 / given.rows:.3f} s/1000 of processor), peak {peak_mb():.0f} MB; catalogue "
                f"{len(tables['catalogue']) / 1e6:.0f} MB",
                flush=True,
            )
            del made
        if ends[0] != ends[1]:
            raise SystemExit("the second run ended in other tables")
        asked(tables)
        print(f"peak with the queries: {peak_mb():.0f} MB", flush=True)


if __name__ == "__main__":
    main()
