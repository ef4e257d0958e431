"""Mutate real image files and examine each: nothing may crash, hang, raise or fill the memory.

    python -P benchmarks/fuzz_imaging.py MINUTES [FOLDER] [SEED]

Each case is a file of the folder with a few mutations: bytes changed, lengths set to extremes, parts cut out,
repeated, moved or swapped with another file's. It is examined in a process of its own kind of limits; one that
dies or takes longer than SLOW_S is kept beside the report, and the script exits with 1. Findings that name a
library's exception are counted: each is a damage that no rule of ours tells by its own words.
"""

from __future__ import annotations

import collections
import random
import resource
import signal
import sys
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from medassay.formats.imaging.examine import examine_file

SLOW_S = 20
LARGEST = 2 << 20  # larger files are left out: more cases in the same minutes
MOST_MEMORY = 3 << 30
EXTREMES = [
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80",
    b"\xfe\xff\x00\xe0",
]


def mutated(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """A few mutations, most of them near the start, where headers lie."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        if len(data) < 16:
            break
        at = int(len(data) * chance.random() ** chance.choice([1, 3]))
        length = min(chance.choice([1, 4, 32, 400]), len(data) - at)
        kind = chance.randrange(7)
        if kind == 0:
            data[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            data[at : at + 4] = chance.choice(EXTREMES)
        elif kind == 2:
            del data[at : at + length]
        elif kind == 3:
            data[at:at] = data[at : at + length] * chance.choice([1, 3, 200])
        elif kind == 4:
            data[at : at + length] = other[at : at + length]
        elif kind == 5:
            del data[at:]
        else:
            data[at : at + length] = chance.randbytes(length)
    return bytes(data)


def run(files: list[Path], seed: int, until: float, folder: Path, report: Connection) -> None:
    """Examine mutated files until the time is over; the case at hand always stands in `folder`."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    chance, path = random.Random(seed), folder / "case.bin"
    words: collections.Counter[str] = collections.Counter()
    cases, slowest = 0, 0.0
    while time.monotonic() < until:
        source = chance.choice(files)
        path.write_bytes(mutated(source.read_bytes(), chance.choice(files).read_bytes(), chance))
        (folder / "source.txt").write_text(str(source))
        signal.alarm(SLOW_S)
        begun = time.monotonic()
        examined = examine_file(path)
        slowest = max(slowest, time.monotonic() - begun)
        signal.alarm(0)
        cases += 1
        words.update(f.found for f in examined.findings if "its reader stop" in f.found)
        words.update(["(refused)" if examined.refused else "(described)"])
        report.send((cases, slowest, dict(words)))
    report.close()


def main() -> int:
    minutes = float(sys.argv[1])
    root = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("../shared/data/dicom-formats")
    files = [
        path for path in sorted(root.rglob("*")) if path.is_file() and 0 < path.stat().st_size <= LARGEST
    ]
    if not files:
        print(f"no file below {root}", file=sys.stderr)
        return 2
    context, bad, seed = get_context("spawn"), 0, int(sys.argv[3]) if len(sys.argv) > 3 else 1
    until = time.monotonic() + 60 * minutes
    total: collections.Counter[str] = collections.Counter()
    slowest = 0.0
    while time.monotonic() < until:
        folder = Path(tempfile.mkdtemp(prefix="fuzz-imaging-"))
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=run, args=(files, seed, until, folder, theirs))
        child.start()
        theirs.close()
        last: tuple[int, float, dict[str, int]] = (0, 0.0, {})
        try:
            while True:
                last = ours.recv()
        except EOFError:
            child.join()
        total.update(last[2])
        slowest = max(slowest, last[1])
        if child.exitcode:
            bad += 1
            print(f"seed {seed}: process ended with {child.exitcode} after {last[0]} cases; kept in {folder}")
        seed += 1
    cases = total["(refused)"] + total["(described)"]
    print(f"{cases} cases from {len(files)} files, slowest {slowest:.2f} s, {bad} died or hung")
    for word, count in total.most_common(40):
        print(f"{count:8d}  {word}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
