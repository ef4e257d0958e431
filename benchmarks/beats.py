"""EC57 scoring of 48 half-hour records with annotations in memory, against a peer measured in the same run.

    python -P benchmarks/beats.py [--bxb PATH]

The peer is wfdb-python's comparitor (`wfdb.processing.compare_annotations`), which pairs beats without classes;
with `--bxb`, also WFDB's own program, one process a record on files that lie ready. Reported are seconds of
processor time, children included, so that other work on the machine does not count; the best of five rounds, and
the ratio to each peer.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassay.formats.waveform.wfdb_annotation import plain_annotations, write_annotations
from medassay.tasks import episodes, runs
from medassay.tasks.beats import Labels, match_beats
from medassay.tasks.episodes import match_episodes
from medassay.tasks.runs import match_runs

RECORDS, HZ, LENGTH, START = 48, 360, 650_000, 108_000
ROUNDS = 5


def record(seed: int) -> tuple[Labels, Labels]:
    """About 2,300 beats, and a detector that jitters, misses 1 %, adds 1 % and confuses 3 % of them."""
    generator = np.random.default_rng(seed)
    times = np.cumsum(generator.normal(280, 40, 2400).clip(120).astype(np.int64))
    times = times[times < LENGTH]
    symbols = generator.choice(list("NVA"), len(times), p=[0.88, 0.08, 0.04])
    found = generator.random(len(times)) > 0.01
    made = times[found] + generator.integers(-20, 21, found.sum())
    named = np.where(generator.random(len(made)) < 0.03, "V", symbols[found])
    extra = generator.integers(0, LENGTH, len(times) // 100)
    order = np.argsort(np.concatenate([made, extra]), kind="stable")
    return labels(times, symbols), labels(
        np.concatenate([made, extra])[order].clip(0), np.concatenate([named, ["N"] * len(extra)])[order]
    )


def labels(times: NDArray[np.int64], symbols: NDArray[np.str_]) -> Labels:
    return Labels(times, tuple(symbols.tolist()), np.zeros(len(times), np.int64))


def best_s(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        begin = sum(os.times()[:4])
        work()
        taken.append(sum(os.times()[:4]) - begin)
    return min(taken)


def beats_alone(pairs: list[tuple[Labels, Labels]]) -> None:
    for pair in pairs:
        match_beats(*pair, sampling_hz=HZ, length=LENGTH).counts()


def everything(pairs: list[tuple[Labels, Labels]]) -> None:
    beats_alone(pairs)
    for pair in pairs:
        for kind in runs.KINDS:
            match_runs(*pair, kind, sampling_hz=HZ, length=LENGTH).counts()
        for rhythm in episodes.KINDS:
            match_episodes(*pair, rhythm, sampling_hz=HZ, length=LENGTH).counts()


def peer(pairs: list[tuple[Labels, Labels]]) -> None:
    from wfdb.processing import compare_annotations

    for reference, test in pairs:
        ours, theirs = (part.samples[part.samples >= START] for part in (reference, test))
        compare_annotations(ours, theirs, int(0.15 * HZ))


def bxb_s(program: Path, pairs: list[tuple[Labels, Labels]]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        for number, pair in enumerate(pairs):
            Path(folder, f"r{number}.hea").write_text(f"r{number} 0 {HZ} {LENGTH}\n")
            for suffix, part in zip(("atr", "tst"), pair, strict=True):
                content = write_annotations(plain_annotations(part.samples, part.symbols))
                Path(folder, f"r{number}.{suffix}").write_bytes(content)

        def work() -> None:
            for number in range(len(pairs)):
                subprocess.run(
                    [program, "-r", f"r{number}", "-a", "atr", "tst", "-L", "one", "two"],
                    cwd=folder,
                    check=True,
                    capture_output=True,
                    env={"WFDB": "."},
                )

        return best_s(work)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--bxb", type=Path, help="WFDB's bxb, where it is installed")
    program = arguments.parse_args().bxb
    pairs = [record(seed) for seed in range(RECORDS)]
    ours = best_s(lambda: beats_alone(pairs))
    whole = best_s(lambda: everything(pairs))
    theirs = best_s(lambda: peer(pairs))
    print(f"{RECORDS} records, {sum(len(pair[0].samples) for pair in pairs)} reference beats")
    print(f"beat-by-beat                     {ours:8.3f} s")
    print(f"beats, runs and episodes         {whole:8.3f} s")
    print(f"wfdb-python compare_annotations  {theirs:8.3f} s   ratio {theirs / ours:.1f}")
    if program:
        taken = bxb_s(program.resolve(), pairs)
        print(f"bxb, a process a record          {taken:8.3f} s   ratio {taken / ours:.2f}")


if __name__ == "__main__":
    main()
