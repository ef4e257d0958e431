"""Invented persons and sites, and what their recorders write into headers.

Every name is made of words for "phantom" and "imaginary" with numbers or places: nobody is called so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from numpy.random import Generator

Sex = Literal["F", "M"]

_FAMILIES = ("幻", "虚", "拟", "仿")
_GIVEN = ("一诺", "二木", "三川", "四海", "五岳", "六合", "七夕", "八方", "九歌", "十里", "𠮷七", "百川")
_PINYIN = ("HUAN", "XU", "NI", "FANG")
_LATIN_FAMILIES = ("Phantom", "Imaginary", "Nobody", "Fictive")
_LATIN_GIVEN = ("Alda", "Bertil", "Cäcilie", "Dorrit", "Egon", "Freja", "Gösta", "Hedda", "Ivo", "Jutta")


@dataclass(frozen=True)
class Site:
    """One invented hospital: its folder, recorder, character set and how noisy its recordings are."""

    folder: str
    recorder: str
    layout: Literal["chinese", "chinese_wide", "latin"]
    encoding: str
    noise: float
    leads: tuple[str, str]
    swapped: bool  # the second lead stands first in the file


SITES = (
    Site("east-hospital", "Phantom Holter P1", "chinese", "utf-8", 1.0, ("MLII", "V1"), False),
    Site("river-clinic", "Phantom Holter P2", "chinese_wide", "gb18030", 1.7, ("MLII", "V5"), False),
    Site("north-hospital", "Phantom Patch Q7", "latin", "utf-8", 2.6, ("II", "V1"), True),
)


@dataclass(frozen=True)
class Person:
    """One invented person."""

    name: str
    latin: str
    born: date
    sex: Sex


@dataclass(frozen=True)
class Visit:
    """One recording of a person at a site, as the site's recorder names it."""

    person: Person
    site: Site
    patient_id: str
    recorded: date
    record: str


def person(generator: Generator, *, child: bool = False) -> Person:
    family, given = int(generator.integers(4)), int(generator.integers(len(_GIVEN)))
    years = int(generator.integers(9, 15)) if child else int(generator.integers(24, 92))
    born = date(2024 - years, int(generator.integers(1, 13)), int(generator.integers(1, 28)))
    return Person(
        name=_FAMILIES[family] + _GIVEN[given],
        latin=f"{_LATIN_FAMILIES[family]}, {_LATIN_GIVEN[int(generator.integers(len(_LATIN_GIVEN)))]}",
        born=born,
        sex="F" if generator.random() < 0.5 else "M",
    )


def visit(one: Person, site: Site, number: int, generator: Generator) -> Visit:
    """The record's name tells the person, the day or the patient's number, as recorders do it."""
    recorded = date(2025, 1, 1) + timedelta(days=int(generator.integers(300)))
    patient_id = f"{100_000 + 37 * number}"
    family = _FAMILIES.index(one.name[0])
    names = {
        "chinese": f"{_PINYIN[family]}_{recorded:%Y%m%d}_{number:03d}",
        "chinese_wide": f"B{patient_id}",
        "latin": f"{one.latin.partition(',')[0].upper()}-{number:03d}",
    }
    return Visit(one, site, patient_id, recorded, names[site.layout])


def comments(of: Visit) -> bytes:
    """The comment lines of the site's layout, in its bytes; no line says which character set it is."""
    one = of.person
    age = (of.recorded - one.born).days // 365
    if of.site.layout == "latin":
        lines = [
            f"Patient: {one.latin}",
            f"ID: {of.patient_id}",
            f"Sex: {'Female' if one.sex == 'F' else 'Male'}",
            f"DOB: {one.born:%d/%m/%Y}",
            f"Recorder: {of.site.recorder}",
            f"Note: ward 3, called by the family of {one.latin.partition(',')[0]}",
        ]
    else:
        colon = "：" if of.site.layout == "chinese_wide" else ": "
        fields = [
            ("姓名", one.name),
            ("病历号", of.patient_id),
            ("性别", "女" if one.sex == "F" else "男"),
            ("出生日期", f"{one.born:%Y-%m-%d}"),
            ("记录仪", of.site.recorder),
            ("申请医生", "拟医师"),
        ]
        if of.site.layout == "chinese":
            fields.insert(4, ("年龄", f"{age}岁"))
        lines = [f"{word}{colon}{value}" for word, value in fields]
    return b"".join(b"# " + line.encode(of.site.encoding) + b"\n" for line in lines)


def clock(of: Visit) -> str:
    return f"08:{of.recorded.day:02d}:00 {of.recorded:%d/%m/%Y}"
