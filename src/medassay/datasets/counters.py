"""Counters: samples, subjects, files and bytes by image modality, signal modality and type of record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from medassay.core.record import Record
from medassay.datasets.sample import is_label

NOT_STATED = "not_stated"


class Counter(Record):
    """One line: everything of one type and modality."""

    data_type: str = Field(description="image, signal, record; or not_stated")
    modality: str
    samples: int = Field(ge=1)
    subjects: int = Field(ge=1)
    files: int = Field(ge=0, description="de-identified objects without labels")
    bytes: int = Field(ge=0)


def count(
    catalogue: Iterable[Mapping[str, Any]],
    objects: Iterable[Mapping[str, Any]],
    *,
    samples: Iterable[str] | None = None,
) -> tuple[Counter, ...]:
    """Count accepted samples, or those named, by type and modality.

    Parameters
    ----------
    samples : iterable of str, optional
        Sample ids, as of one version; default: every accepted sample.
    """
    wanted = None if samples is None else set(samples)
    of_sample: defaultdict[str, list[int]] = defaultdict(list)
    for row in objects:
        if not is_label(row["role"]):
            of_sample[row["sample_id"]].append(row["bytes"])
    groups: defaultdict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in catalogue:
        if row["status"] == "accepted" and (wanted is None or row["sample_id"] in wanted):
            groups[row["data_type"] or NOT_STATED, row["modality"] or NOT_STATED].append(row)
    return tuple(
        Counter(
            data_type=data_type,
            modality=modality,
            samples=len(rows),
            subjects=len({row["subject_id"] for row in rows}),
            files=sum(len(of_sample[row["sample_id"]]) for row in rows),
            bytes=sum(sum(of_sample[row["sample_id"]]) for row in rows),
        )
        for (data_type, modality), rows in sorted(groups.items())
    )
