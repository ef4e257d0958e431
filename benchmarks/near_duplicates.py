"""Recall and false alarms of the near-duplicate screen on planted copies of real images and recordings.

    python -P benchmarks/near_duplicates.py DATA

DATA holds folders of public data: `cxr/images` and `bccd/JPEGImages` (pictures), `hippocampus/imagesTr` (NIfTI
volumes), `mitdb` (WFDB records) and `cgm-shanghai` (glucose tables); what is absent is left out. Of each a number
of samples is sketched, and copies of every one are planted: the figures are how many are found, and how many of
all pairs of different samples are taken for copies. The milliseconds
a pair are printed too.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medassay.datasets import sketch
from medassay.datasets.near_duplicates import (
    LEAST_CORRELATION,
    LEAST_SHARE,
    likeness_of_images,
    likeness_of_signals,
    pairs,
)

MOST = 40
PLANTED = 20
Copies = Mapping[str, Callable[[Any], Any]]


def pictures(folder: Path) -> dict[str, Any]:
    from PIL import Image

    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
    return {path.name: np.asarray(Image.open(path).convert("L"), float) for path in paths[:MOST]}


def volumes(folder: Path) -> dict[str, Any]:
    import nibabel

    paths = sorted(folder.glob("*.nii*"))[:MOST]
    return {path.name: np.asarray(nibabel.load(path).dataobj, float).transpose(2, 1, 0) for path in paths}


def records(folder: Path) -> dict[str, Any]:
    import wfdb

    found = {}
    for path in sorted(folder.glob("*.hea"))[:MOST]:
        record = wfdb.rdrecord(str(path.with_suffix("")))
        found[path.stem] = (record.p_signal, float(record.fs))
    return found


def traces(folder: Path) -> dict[str, Any]:
    from medassay.formats.ivd import glucose
    from medassay.formats.ivd.table import TableRefused

    rules = glucose.GlucoseRules(
        unit="mg/dL", mg_dl_per_mmol_l=18, floor_mmol_per_l=2.2, ceiling_mmol_per_l=27.8
    )
    found = {}
    for path in sorted(folder.glob("*.xls*"))[:MOST]:
        try:
            readings = glucose.read(glucose.open_export(path.read_bytes()), rules)
        except TableRefused:
            continue
        found[path.stem] = (readings.time_min, readings.glucose)
    return found


def jpeg(values: Any, quality: int = 50) -> Any:
    from PIL import Image

    if values.ndim == 3:
        return np.stack([jpeg(part, quality) for part in values])
    sink = io.BytesIO()
    scaled = np.interp(values, (values.min(), max(values.max(), values.min() + 1)), (0, 255))
    Image.fromarray(scaled.astype(np.uint8)).save(sink, "JPEG", quality=quality)
    return np.asarray(Image.open(sink), float)


def resized(values: Any, factor: float) -> Any:
    import cv2

    if values.ndim == 3:
        return np.stack([resized(part, factor) for part in values])
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(values, None, fx=factor, fy=factor, interpolation=method)


def cropped(values: Any, share: float, chance: np.random.Generator) -> Any:
    (rows, columns), (high, left) = values.shape[-2:], chance.uniform(0, share, 2)
    return values[
        ...,
        int(rows * high) : rows - int(rows * (share - high)),
        int(columns * left) : columns - int(columns * (share - left)),
    ]


def image_copies(chance: np.random.Generator) -> Copies:
    return {
        "JPEG, quality 50": jpeg,
        "other grey scale (gamma 1.3)": lambda v: ((v - v.min()) / np.ptp(v)) ** 1.3,
        "half the size": lambda v: resized(v, 0.5),
        "1.7 times the size": lambda v: resized(v, 1.7),
        "10 % of height and width cut off": lambda v: cropped(v, 0.1, chance),
        "20 % of height and width cut off": lambda v: cropped(v, 0.2, chance),
        "30 % of height and width cut off": lambda v: cropped(v, 0.3, chance),
        "20 % cut off, 0.7 times, JPEG": lambda v: jpeg(resized(cropped(v, 0.2, chance), 0.7), 60),
        "mirrored": lambda v: v[..., ::-1],
        "noise of 3 % of the range": lambda v: v + chance.normal(0, 0.03 * np.ptp(v), v.shape),
    }


def record_copies(chance: np.random.Generator) -> Copies:
    from scipy.signal import resample_poly

    return {
        "20 uV steps, gain -3": lambda r: (np.rint(r[0] * 50) / 50 * -3 + 1, r[1]),
        "at 128 Hz": lambda r: (resample_poly(r[0], 16, 45, axis=0), 128.0),
        "at 500 Hz": lambda r: (resample_poly(r[0], 25, 18, axis=0), 500.0),
        "60 s of it": lambda r: (r[0][200_000:221_600], r[1]),
        "20 s of it": lambda r: (r[0][200_000:207_200], r[1]),
        "half of it, at 200 Hz": lambda r: (resample_poly(r[0][137 : len(r[0]) // 2], 5, 9, axis=0), 200.0),
        "leads swapped": lambda r: (r[0][:, ::-1], r[1]),
        "one lead": lambda r: (r[0][:, :1], r[1]),
        "noise of 0.05 mV": lambda r: (r[0] + chance.normal(0, 0.05, r[0].shape), r[1]),
    }


def trace_copies(chance: np.random.Generator) -> Copies:
    del chance
    return {
        "tenths of mmol/L": lambda t: (t[0], np.round(t[1], 1)),
        "clock 7 min ahead": lambda t: (t[0] + 7, t[1]),
        "second half": lambda t: (t[0][len(t[0]) // 2 :], t[1][len(t[1]) // 2 :]),
        "middle third": lambda t: tuple(part[len(part) // 3 : 2 * len(part) // 3] for part in t),
        "every other reading": lambda t: (t[0][::2], t[1][::2]),
    }


def of_trace(trace: Any) -> sketch.Sketch | None:
    grid = np.arange(trace[0][0], trace[0][-1] + 1, 5.0)
    return sketch.of_signal(np.interp(grid, *trace)[:, None], 1 / 5, spacing=90)


SETS = (
    ("cxr/images", pictures, image_copies, sketch.of_image),
    ("bccd/JPEGImages", pictures, image_copies, sketch.of_image),
    ("hippocampus/imagesTr", volumes, image_copies, sketch.of_image),
    ("mitdb", records, record_copies, lambda r: sketch.of_signal(*r, spacing=0.5)),
    ("cgm-shanghai", traces, trace_copies, of_trace),
)


def main(data: Path) -> None:
    for folder, load, copies, sketched in SETS:
        if not (data / folder).is_dir():
            print(f"{folder}: absent")
            continue
        samples = load(data / folder)
        made = {name: one for name, sample in samples.items() if (one := sketched(sample)) is not None}
        begun = time.perf_counter()
        taken = pairs(made)
        seconds = time.perf_counter() - begun
        number = len(made) * (len(made) - 1) // 2
        print(
            f"{folder}: {len(made)} of {len(samples)} sketched; {len(taken)} of {number} pairs taken for copies"
        )
        print(f"  {1000 * seconds / max(number, 1):.2f} ms a pair")
        for pair in taken:
            print(f"  {pair.first} and {pair.second}: {pair.likeness:g}")
        for kind, change in copies(np.random.default_rng(1)).items():
            found = [_likeness(sketched(change(samples[name])), made[name]) for name in list(made)[:PLANTED]]
            limit = LEAST_CORRELATION if folder not in ("mitdb", "cgm-shanghai") else LEAST_SHARE
            hits = sum(likeness >= limit for likeness in found)
            print(f"  {kind:32} {hits} of {len(found)} found, least likeness {min(found):.2f}")


def _likeness(copy: sketch.Sketch | None, original: sketch.Sketch) -> float:
    if copy is None:
        return 0.0
    of = likeness_of_images if original.form == "image" else likeness_of_signals
    return of(copy.content, original.content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
