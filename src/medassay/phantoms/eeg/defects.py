"""What goes wrong in real exports, planted one by one, each with the outcome that it has to come to.

`expected` says where the sample ends: "refused:<reason>" at ingest, "unassigned:<reason>" for a file that makes
no sample, "gate:<column>" for a measurement outside its limits, "annotate:<reason>" for its labels,
"arbitrated", or "one_subject" for two recordings of one person.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from medassay.formats.waveform.electrodes import TEN_TWENTY
from medassay.phantoms.eeg.people import patient
from medassay.phantoms.eeg.recording import (
    Parameters,
    Recording,
    Site,
    encode,
    encode_read,
    put,
    record,
    write_reads,
)
from medassay.phantoms.eeg.signals import Wave

SHORT_S = 60  # of recordings that are refused before anything is measured
FIRST = 100  # number of the first patient with a defect

Change = Callable[[bytes], bytes]


def plant(parameters: Parameters, seed: int, export: Path) -> list[dict[str, Any]]:
    """Write every defect below `export` and say what was planted."""
    told: list[dict[str, Any]] = []
    number = iter(range(FIRST, FIRST + 100))

    def fresh(duration_s: int, site: int | None = None) -> tuple[np.random.Generator, Recording]:
        mine = next(number)
        rng = np.random.default_rng([seed, mine])
        where = parameters.sites[(mine if site is None else site) % len(parameters.sites)]
        return rng, record(rng, parameters, patient(rng, mine), where, duration_s=duration_s)

    def tell(kind: str, path: str, expected: str) -> None:
        told.append({"kind": kind, "file": path, "expected": expected})

    for kind, change, expected in _BYTES:
        rng, one = fresh(SHORT_S)
        put(export, one.path, change(encode(one)))
        write_reads(export, rng, one)
        tell(kind, one.path, expected)
    for kind, alter, expected in _WAVES:
        rng, one = fresh(parameters.shortest_s)
        put(export, one.path, encode(replace(one, wave=alter(one.wave, one.site.rate_hz))))
        write_reads(export, rng, one)
        tell(kind, one.path, expected)
    _rate(fresh, tell, export)
    _calibration(fresh, tell, export, parameters)
    _people(fresh, tell, export, parameters)
    _labels(fresh, tell, export, parameters)
    put(export, f"{parameters.sites[0].folder}/empty.edf", b"")
    tell("empty_file", f"{parameters.sites[0].folder}/empty.edf", "unassigned:empty_file")
    put(export, f"{parameters.sites[0].folder}/readme.txt", "导出说明 export notes\n".encode("gb18030"))
    tell("no_recording", f"{parameters.sites[0].folder}/readme.txt", "unassigned:unknown_format")
    return told


def _put_at(content: bytes, offset: int, text: bytes, width: int) -> bytes:
    return content[:offset] + text.ljust(width) + content[offset + width :]


def _column(content: bytes, before: int, width: int, signal: int, text: bytes) -> bytes:
    """Overwrite one signal's field; `before` is the sum of the widths of the fields that stand before it."""
    count = int(content[252:256])
    return _put_at(content, 256 + before * count + width * signal, text, width)


def _same_ends(content: bytes) -> bytes:
    at = 16 + 80 + 8
    return _column(_column(content, at, 8, 3, b"0"), at + 8, 8, 3, b"0")


def _gaps(content: bytes) -> bytes:
    moved = content.replace(b"EDF+C", b"EDF+D", 1)
    for second in range(40, SHORT_S):
        moved = moved.replace(f"+{second}\x14\x14\x00".encode(), f"+{second + 30}\x14\x14\x00".encode(), 1)
    return moved


def _text_mode(content: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n")[: len(content)]


_BYTES: tuple[tuple[str, Change, str], ...] = (
    ("truncated_file", lambda content: content[: len(content) * 3 // 5], "refused:truncated"),
    ("text_mode_transfer", _text_mode, "refused:unsupported_form"),
    ("no_calibration", _same_ends, "refused:calibration_impossible"),
    ("unknown_unit", lambda content: _column(content, 16 + 80, 8, 5, b"units"), "refused:unit_unknown"),
    ("missing_electrode", lambda content: _column(content, 0, 16, 8, b"EKG"), "refused:channel_missing"),
    ("gap_in_recording", _gaps, "refused:recording_gap"),
    ("signal_count_unreadable", lambda content: _put_at(content, 252, b"??", 4), "refused:header_invalid"),
)


def _flat(wave: Wave, rate_hz: int) -> Wave:
    changed = wave.copy()
    changed[TEN_TWENTY.index("C4"), 30 * rate_hz : wave.shape[1] * 2 // 3] = 0
    return changed


def _clipped(wave: Wave, rate_hz: int) -> Wave:
    del rate_hz
    changed = wave.copy()
    lead = TEN_TWENTY.index("F8")
    reach = 1.2 * float(wave[lead].std())
    changed[lead] = wave[lead].clip(-reach, reach)
    return changed


def _hum(wave: Wave, rate_hz: int) -> Wave:
    time = np.arange(wave.shape[1]) / rate_hz
    return wave + (45 * np.sin(2 * np.pi * 50 * time)).astype(np.float32)


_WAVES: tuple[tuple[str, Callable[[Wave, int], Wave], str], ...] = (
    ("flat_lead", _flat, "gate:flat_share"),
    ("clipped_lead", _clipped, "gate:clipped_share"),
    ("mains_noise", _hum, "gate:mains_share"),
)

Fresh = Callable[..., tuple[np.random.Generator, Recording]]
Tell = Callable[[str, str, str], None]


def _rate(fresh: Fresh, tell: Tell, export: Path) -> None:
    rng, one = fresh(SHORT_S)
    half = one.site.model_copy(update={"rate_hz": one.site.rate_hz // 2})
    slow = replace(one, site=half, wave=one.wave[:, ::2])
    put(export, slow.path, encode(slow))
    write_reads(export, rng, slow)
    tell("low_sampling_rate", slow.path, "refused:rate_unfit")


def _calibration(fresh: Fresh, tell: Tell, export: Path, parameters: Parameters) -> None:
    rng, one = fresh(parameters.shortest_s)
    put(export, one.path, encode(one, unit="mV"))
    write_reads(export, rng, one)
    tell("wrong_unit", one.path, "gate:amplitude_uv")
    rng, one = fresh(parameters.shortest_s)
    slip = [10.0 if name == "P3" else 1.0 for name in TEN_TWENTY]
    put(export, one.path, encode(one, scale=slip))
    write_reads(export, rng, one)
    tell("decimal_slip", one.path, "gate:amplitude_ratio")


def _people(fresh: Fresh, tell: Tell, export: Path, parameters: Parameters) -> None:
    rng, one = fresh(parameters.shortest_s // 2 * 2, 0)
    copy = replace(
        one, name=f"{one.name}-copy", code="H9999001", site=_renamed(one.site, parameters.sites[1])
    )
    for item, content in ((one, encode(one)), (copy, encode(copy, record_s=2, reverse=True))):
        put(export, item.path, content)
        write_reads(export, np.random.default_rng(rng.integers(2**32)), item)
    tell("duplicate", f"{one.path} = {copy.path}", "refused:duplicate")
    rng, first = fresh(parameters.shortest_s, 0)
    second = record(rng, parameters, first.who, parameters.sites[1], 1, duration_s=parameters.shortest_s)
    both = (replace(first, site=_encoded(first.site, "gbk")), replace(second, code="H9999002"))
    for item in (both[0], replace(both[1], site=_encoded(second.site, "gb18030"))):
        put(export, item.path, encode(item))
        write_reads(export, rng, item)
    tell("same_patient_two_ids", f"{both[0].path} = {both[1].path}", "one_subject")


def _renamed(site: Site, other: Site) -> Site:
    """The same recorder in another hospital's folder."""
    return site.model_copy(update={"folder": other.folder})


def _encoded(site: Site, encoding: str) -> Site:
    return site.model_copy(update={"encoding": encoding})


def _labels(fresh: Fresh, tell: Tell, export: Path, parameters: Parameters) -> None:
    for kind, expected in (
        ("label_outside", "annotate:reference_invalid"),
        ("missing_label", "annotate:reference_missing"),
        ("label_of_another_recording", "annotate:reference_missing"),
        ("readers_disagree", "annotate:reference_missing"),
        ("readers_disagree_and_third_decides", "arbitrated"),
    ):
        _, one = fresh(parameters.shortest_s)
        put(export, one.path, encode(one))
        inside, outside = (100.0, 130.0), (one.duration_s + 40.0, one.duration_s + 75.0)
        reads = {
            "label_outside": {"R1": [outside], "R2": [outside]},
            "missing_label": {},
            "label_of_another_recording": {"R1": [inside], "R2": [inside]},
            "readers_disagree": {"R1": [inside], "R2": []},
            "readers_disagree_and_third_decides": {"R1": [inside], "R2": [], "ARB": [inside]},
        }[kind]
        late = one.start + datetime.timedelta(minutes=9) if kind == "label_of_another_recording" else None
        for reader, intervals in reads.items():
            put(export, f"readers/{reader}/{one.path}", encode_read(one, intervals, late))
        tell(kind, one.path, expected)
