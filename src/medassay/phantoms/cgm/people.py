"""Three invented hospitals, and patients whose names no one bears."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

DAY = 1440  # minutes


@dataclass(frozen=True)
class Site:
    folder: str
    suffix: str
    model: str
    rate_min: int
    unit: str
    noise: float  # mmol/L, of one reading
    names: tuple[str, ...]


# Names that no one bears: "made up", "example", "phantom". The first of site-b stands in GB18030 but not in GBK.
SITES = (
    Site("site-a", ".xlsx", "GS15", 15, "mmol/L", 0.08, ("张虚构", "李样例", "王假名", "赵幻影")),
    Site("site-b", ".csv", "GS05", 5, "mg/dL", 0.10, ("𠮷虚构", "孙样例", "钱假名", "周幻影")),
    Site("site-c", ".csv", "GT05", 5, "mmol/L", 0.22, ("Phantom, Alba", "Sample, Bruno", "Fictus, Cora")),
)


@dataclass(frozen=True)
class Person:
    number: int
    site: Site
    patient_id: str
    name: str
    sex: str
    born: datetime
    start: datetime
    diabetes: str = "T2DM"

    @property
    def age(self) -> int:
        return self.start.year - self.born.year

    @property
    def file(self) -> str:
        return f"{self.site.folder}/CGM_{self.patient_id}{self.site.suffix}"


def person_of(generator: np.random.Generator, number: int) -> Person:
    """The patient of a number; the hospitals take turns."""
    site = SITES[number % len(SITES)]
    return Person(
        number=number,
        site=site,
        patient_id=f"{site.folder[-1].upper()}{20230000 + number * 37}",
        name=f"{site.names[(number // len(SITES)) % len(site.names)]}{_ordinal(number, site)}",
        sex="FM"[int(generator.integers(2))],
        born=datetime(1938, 1, 1) + timedelta(days=int(generator.integers(0, 365 * 45))),
        start=datetime(2023, 1, 1) + timedelta(minutes=int(generator.integers(0, 300 * DAY))),
    )


def _ordinal(number: int, site: Site) -> str:
    digits = "零一二三四五六七八九"
    return (
        f" {'ABCDEFGHIJ'[number // 10 % 10]}{'ABCDEFGHIJ'[number % 10]}"
        if site.folder == "site-c"
        else f"{digits[number // 10 % 10]}{digits[number % 10]}"
    )
