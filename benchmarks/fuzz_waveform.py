"""Damage waveform files at random and read them: no crash, no hang, no memory beyond a bound.

Run: python -P benchmarks/fuzz_waveform.py MINUTES [FOLDER]

Without a folder, files of each form are made here. A case is one damaged file with the files beside it; its number
is its seed, so that a failing case can be made again. Cases run in a process of their own with a limit of memory;
one that dies, or takes longer than a case may, is counted with its number and another process goes on.
"""

from __future__ import annotations

import argparse
import datetime
import multiprocessing
import resource
import shutil
import struct
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

LONGEST_CASE_S = 30.0
MEMORY_BYTES = 4 << 30  # of address space, libraries included
LARGEST_SEED_BYTES = 2_000_000
COMPANIONS_AT_MOST = 40

Look = Callable[[Path], str]


def main(look: Look | None = None, seeds_into: Callable[[Path], None] | None = None) -> int:
    """Run for the given time; 1 if any case failed.

    Parameters
    ----------
    look : what is done with a damaged file, and gives the outcome in a few words; default: `looked_at`
    seeds_into : makes the files to damage in a new folder; default: `make_seeds`
    """
    look, seeds_into = look or looked_at, seeds_into or make_seeds
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minutes", type=float)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-waveform-") as folder:
        seeds = given.folder or Path(folder) / "seeds"
        if given.folder is None:
            seeds_into(seeds)
        files = sorted(
            path
            for path in seeds.rglob("*")
            if path.is_file() and 0 < path.stat().st_size <= LARGEST_SEED_BYTES
        )
        outcomes, failures, slowest = run(files, Path(folder), given.minutes * 60, given.first, look)
    print(f"{sum(outcomes.values())} cases from {len(files)} files, slowest {slowest:.2f} s")
    for outcome, count in outcomes.most_common():
        print(f"{count:8d}  {outcome}")
    for number, name, what in failures:
        print(f"FAILED case {number} ({name}): {what}")
    return 1 if failures else 0


def run(
    files: list[Path], work: Path, seconds: float, number: int, look: Look
) -> tuple[Counter[str], list[tuple[int, str, str]], float]:
    """Run cases from `number` on until the time is over."""
    outcomes: Counter[str] = Counter()
    failures: list[tuple[int, str, str]] = []
    slowest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        here, there = multiprocessing.Pipe(duplex=False)
        child = multiprocessing.Process(
            target=cases, args=(files, work, number, end, there, look), daemon=True
        )
        child.start()
        there.close()
        done = True
        while done:
            started = time.monotonic()
            try:
                done = here.poll(LONGEST_CASE_S)
                outcome, what = here.recv() if done else ("hang", f"longer than {LONGEST_CASE_S:g} s")
            except EOFError:
                child.join()
                if child.exitcode == 0:
                    return outcomes, failures, slowest
                done, outcome, what = False, "crash", f"the process ended with {child.exitcode}"
            slowest = max(slowest, time.monotonic() - started)
            outcomes[outcome] += 1
            if what:
                failures.append((number, files[number % len(files)].name, what))
            number += 1
        child.kill()
        child.join()
    return outcomes, failures, slowest


def cases(files: list[Path], work: Path, number: int, end: float, to: Connection, look: Look) -> None:
    """Run cases one after another in this process, and send how each ended."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    while time.monotonic() < end:
        folder = work / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        path = damaged(files[number % len(files)], folder, np.random.default_rng(number))
        try:
            to.send((look(path), ""))
        except Exception:  # noqa: BLE001 - any exception is what this script looks for
            to.send(("exception", traceback.format_exc(limit=-3)))
        number += 1


def looked_at(path: Path) -> str:
    """Examine a file, or the header of a signal file, and read samples of one that was not refused."""
    from medassay.core.errors import MedassayError
    from medassay.formats.waveform import aecg, edf, recognise, scp_ecg, wfdb_segments

    found = recognise.examine_file(path)
    headers = [
        path.with_name(f"{path.name.split('.')[0]}.hea"),
        path.with_name(f"{path.name.split('_')[0]}.hea"),
    ]
    header = next((one for one in headers if one.exists()), None)
    if found.kind == recognise.UNKNOWN and header is not None:
        path, found = header, recognise.examine_file(header)
    readers = {"WFDB header": wfdb_segments, "SCP-ECG": scp_ecg, "HL7 aECG": aecg}
    reader = edf if found.kind[:3] in ("EDF", "BDF") else readers.get(found.kind)
    if reader is None or found.refused or not found.facts.get("signals"):
        return f"{found.kind}: {'refused' if found.refused else 'described'}"
    opened = reader.open(path)  # type: ignore[attr-defined]  # ElementTree gives str tags here
    duration = float(str(found.facts.get("duration_s") or 0.0))
    for start in (0.0, duration / 2):
        try:
            reader.samples(opened, 0, start, start + 2.0)  # type: ignore[attr-defined]  # ElementTree gives str tags here
        except MedassayError:
            return f"{found.kind}: refused by samples"
    return f"{found.kind}: read"


def damaged(source: Path, folder: Path, generator: np.random.Generator) -> Path:
    """A damaged copy of a file, beside copies of the files whose names begin like its own."""
    stem = source.name.split(".")[0].rstrip("0123456789_")[:6]
    beside = [
        path for path in sorted(source.parent.iterdir()) if path.is_file() and path.name.startswith(stem)
    ]
    for path in beside[:COMPANIONS_AT_MOST]:
        (folder / path.name).symlink_to(path.resolve())
    target = folder / source.name
    target.unlink(missing_ok=True)
    content = bytearray(source.read_bytes())
    for _ in range(int(generator.integers(1, 5))):
        change(content, generator)
    target.write_bytes(content)
    return target


def change(content: bytearray, generator: np.random.Generator) -> None:
    """One damage, half of them near the start, where headers are."""
    size = len(content)
    if not size:
        return
    reach = size if generator.random() < 0.5 else min(size, 2048)
    place = int(generator.integers(0, reach))
    length = int(generator.integers(1, 17))
    kind = int(generator.integers(0, 7))
    if kind == 0:
        content[place] ^= 1 << int(generator.integers(0, 8))
    elif kind == 1:
        content[place : place + length] = generator.bytes(length)
    elif kind == 2:
        del content[place : place + int(generator.integers(1, max(size // 2, 2)))]
    elif kind == 3:
        content[place:place] = content[place : place + length] * int(generator.integers(1, 9))
    elif kind == 4:
        content[place : place + 4] = struct.pack(
            "<i", int(generator.choice([-1, 0, 1, 1 << 16, (1 << 31) - 1]))
        )
    elif kind == 5:
        digits = [i for i in range(min(size, 4096)) if 48 <= content[i] <= 57]
        for _ in range(min(len(digits), length)):
            content[int(generator.choice(digits))] = int(generator.choice([48, 49, 57, 45, 46]))
    else:
        del content[place:]


def make_seeds(folder: Path) -> None:
    """A file of each form."""
    import wfdb
    from scipy.io import savemat

    from medassay.formats.waveform.edf import Signal
    from medassay.formats.waveform.edf_marks import Mark
    from medassay.formats.waveform.edf_writer import write
    from medassay.formats.waveform.wfdb_formats import bytes_of

    folder.mkdir()
    wave = (np.sin(np.arange(4000) / 20) * 500).astype(np.int16)
    signals = [(Signal(name, "uV", -100, 100, -1000, 1000, 200), wave) for name in ("Fp1", "Fp2")]
    for name, marks in (("plain", ()), ("marked", (Mark(3.0, 1.0, b"onset"),))):
        content = write(
            patient=b"X X X X",
            recording=b"Startdate X X X X",
            start=datetime.datetime(2000, 1, 1),
            record_s=1,
            signals=signals,
            marks=marks,
            form="EDF+C" if marks else "",
        )
        (folder / f"{name}.edf").write_bytes(content)
    (folder / "gapped.edf").write_bytes(
        content.replace(b"EDF+C", b"EDF+D").replace(b"+19\x14\x14", b"+29\x14\x14")
    )
    for form in ("16", "212", "508", "516", "524"):
        wfdb.wrsamp(
            f"form{form}",
            fs=250,
            units=["mV", "mV"],
            sig_name=["I", "II"],
            d_signal=np.column_stack([wave, wave[::-1]]).astype(np.int64) // 8,
            fmt=[form] * 2,
            adc_gain=[100.0] * 2,
            baseline=[0] * 2,
            write_dir=str(folder),
        )
    for form in ("8", "24", "32", "61", "80", "160", "310", "311"):  # any bytes are samples
        content = np.random.default_rng(1).bytes(bytes_of(form, 3000))
        (folder / f"form{form}.dat").write_bytes(content)
        lines = [f"form{form} 2 250 1000", f"form{form}.dat {form}x2 100/mV", f"form{form}.dat {form} 100/mV"]
        (folder / f"form{form}.hea").write_text("\n".join(lines))
    (folder / "form.hea").write_text("form/3 2 250 8100\nform212 4000\n~ 100\nform16 4000\n")
    wfdb.wrann("form212", "atr", np.arange(100, 4000, 100), symbol=["N"] * 39, write_dir=str(folder))
    savemat(folder / "level4.mat", {"val": wave[None, :]}, format="4")
    savemat(folder / "level5.mat", {"val": wave[None, :]}, do_compression=True)
    (folder / "list.txt").write_text(
        "File Name: a.edf\nFile Start Time: 1:00:00\nFile End Time: 2:00:00\nNumber of Seizures in File: 1\n"
        "Seizure Start Time: 10 seconds\nSeizure End Time: 20 seconds\n"
    )
    (folder / "events.tsv").write_text("onset\tduration\ttrial_type\n1\t2\tsz\n")
    (folder / "document.xml").write_text(
        '<AnnotatedECG xmlns="urn:hl7-org:v3"><component><series><component><sequenceSet><component><sequence>'
        '<code code="TIME_RELATIVE"/><value><increment value="2" unit="ms"/></value></sequence></component>'
        '<component><sequence><code code="MDC_ECG_LEAD_I"/><value><origin value="0" unit="uV"/>'
        f'<scale value="5" unit="uV"/><digits>{" ".join(map(str, wave))}</digits></value></sequence></component>'
        "</sequenceSet></component></series></component></AnnotatedECG>"
    )


if __name__ == "__main__":
    sys.exit(main())
