"""A kind of data for the benchmark of rows: each line `person,site,sex,age,value` of a text is one sample.

It reads, writes and proves as little as a kind can, so that what is measured is ingest itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence

from medassay.core.findings import Finding
from medassay.datasets.residue import identity_left
from medassay.datasets.sample import (
    Action,
    Assembly,
    Draft,
    Names,
    NewObject,
    OfferedFile,
    Taken,
)
from medassay.datasets.spec import Source

COLUMNS: Mapping[str, tuple[str, str]] = {
    "value": ("mmol/L", "the value"),
    "digits": ("1", "digits of the value"),
}
LIBRARIES = ()
CLEAN = re.compile(rb"\d+\.\d\n")


def look(file: OfferedFile, _: Source) -> list[str]:
    """The person of each line."""
    return [line.partition(",")[0] for line in file.path.read_text("ascii").splitlines()]


def assemble(
    files: Sequence[OfferedFile], source: Source, look: Callable[[OfferedFile, Source], list[str]] = look
) -> Assembly:
    """A draft a line."""
    return Assembly(
        tuple(
            Draft(f"{item.relative}#{number}", (("record", item),), (f"id:{person}",))
            for item in files
            for number, person in enumerate(look(item, source))
        ),
        (),
    )


def take_in(draft: Draft, names: Names, _: Source) -> Taken:
    """The value alone leaves."""
    number = int(draft.key.rpartition("#")[2])
    _, site, sex, age, value = draft.files[0][1].path.read_text("ascii").splitlines()[number].split(",")
    content = f"{value}\n".encode()
    return Taken(
        site=site,
        device=None,
        sex="F" if sex == "F" else "M",
        age_years=float(age),
        objects=(NewObject("record", f"{names.sample}.txt", content),),
        measurements={"value": float(value), "digits": len(value) - 1},
        fingerprint=hashlib.sha256(content).hexdigest(),
        actions=(Action("value", "kept", 1), Action("person", "removed", 1)),
        data_type="record",
        modality="line",
        acquired_year=2024,
    )


def prove(taken: Taken, _: Source) -> list[Finding]:
    """A number and nothing else."""
    return [
        identity_left("more than a number", item.role)
        for item in taken.objects
        if not CLEAN.fullmatch(item.content)
    ]
