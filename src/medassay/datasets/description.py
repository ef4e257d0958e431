"""The description of a frozen version: all that a reader is told of it, counted or declared, in both languages."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from medassay.core.record import Record
from medassay.core.specs import Bilingual
from medassay.datasets.counters import Counter, count
from medassay.datasets.flow import Flow
from medassay.datasets.manifest import Manifest
from medassay.datasets.spec import CohortRule, DatasetSpec, LawfulBasis, Source, SourceClass
from medassay.datasets.split import PARTS
from medassay.datasets.versions import Dynamics

FACTS = ("sex", "age_band", "site", "device", "modality", "acquired_year")
LARGE_SHARE = 0.7  # of the subjects in one group: said as a bias
STRATA = ("sex", "age_band", "site", "device")


class Group(Record):
    """Subjects and samples of one value of one column."""

    column: str
    value: str | None = Field(description="None: not stated")
    subjects: int
    samples: int


class Description(Record):
    """数据集描述文档, as a record: `reports` writes it in Chinese and English."""

    schema_id: Literal["medassay.description/1"] = "medassay.description/1"
    dataset: str
    source: str
    title: Bilingual
    version: str = Field(description="digest of the manifest")
    spec_version: str
    disease: Bilingual
    icd10: tuple[str, ...]
    intended_use: Bilingual
    target_population: Bilingual
    source_class: Literal["real", "public", "synthetic"]
    lawful_basis: LawfulBasis
    citation: str
    kind: str
    task: str
    cohort: tuple[CohortRule, ...]
    flow: Flow
    counters: tuple[Counter, ...]
    groups: tuple[Group, ...]
    parts: dict[str, dict[str, int]] = Field(description="part of the split to its subjects and samples")
    seed: int
    division: Literal["seeded", "published", "held_out"]
    disjointness: Literal["proven", "not_provable"]
    near_copies: int = Field(ge=0)
    near_duplicates: Literal["keep_together", "refuse", "not_screened"]
    reference_methods: dict[str, int]
    not_stated: dict[str, int] = Field(description="fact to the samples that do not state it")
    dynamics: Dynamics
    biases: tuple[Bilingual, ...]
    limits: tuple[Bilingual, ...]

    @property
    def licence(self) -> str:
        return self.lawful_basis.licence

    @property
    def samples(self) -> int:
        return sum(part["samples"] for part in self.parts.values())

    @property
    def sensitive(self) -> list[str]:
        """What the version still tells of persons."""
        told = ["sex", "age band", "health data"]
        return told if self.source_class != "synthetic" else ["none: invented persons"]


def describe(
    spec: DatasetSpec,
    source: Source,
    manifest: Manifest,
    flow: Flow,
    dynamics: Dynamics,
    *,
    catalogue: Sequence[Mapping[str, Any]],
    objects: Sequence[Mapping[str, Any]],
    reference: Sequence[Mapping[str, Any]],
    near_copies: int,
) -> Description:
    """Count what the version holds and put it beside what the spec declares."""
    samples = manifest.samples()
    rows = [row for row in catalogue if row["sample_id"] in samples]
    groups = [group for column in STRATA for group in _groups(column, rows)]
    return Description(
        dataset=manifest.dataset,
        source=manifest.source,
        title=spec.title,
        version=manifest.digest,
        spec_version=manifest.spec_version,
        disease=spec.disease.name,
        icd10=spec.disease.icd10,
        intended_use=spec.intended_use,
        target_population=spec.target_population,
        source_class=manifest.source_class,
        lawful_basis=source.lawful_basis,
        citation=source.citation,
        kind=spec.kind,
        task=spec.task,
        cohort=spec.cohort,
        flow=flow,
        counters=count(rows, objects, samples=samples),
        groups=tuple(groups),
        parts={
            part: {"subjects": len(manifest.subjects(part)), "samples": len(manifest.samples(part))}
            for part in PARTS
        },
        seed=manifest.seed,
        division=manifest.division,
        disjointness=manifest.disjointness,
        near_copies=near_copies,
        near_duplicates=spec.near_duplicates,
        reference_methods=dict(Tally(row["method"] for row in reference if row["sample_id"] in samples)),
        not_stated={name: sum(row[name] is None for row in rows) for name in FACTS},
        dynamics=dynamics,
        biases=tuple(_biases(groups, len({row["subject_id"] for row in rows}))),
        limits=tuple(_limits(source, manifest, spec)),
    )


def _groups(column: str, rows: Sequence[Mapping[str, Any]]) -> list[Group]:
    values = sorted({row[column] for row in rows}, key=lambda value: (value is None, str(value)))
    return [
        Group(
            column=column,
            value=value,
            subjects=len({row["subject_id"] for row in rows if row[column] == value}),
            samples=sum(row[column] == value for row in rows),
        )
        for value in values
    ]


def _biases(groups: Sequence[Group], subjects: int) -> list[Bilingual]:
    """Groups that hold most of the subjects, by count."""
    large = [one for one in groups if one.value is not None and one.subjects >= LARGE_SHARE * subjects]
    said = [
        Bilingual(
            zh=f"{one.column} = {one.value}：{one.subjects}/{subjects} 名受试者",
            en=f"{one.column} = {one.value}: {one.subjects} of {subjects} subjects",
        )
        for one in large
    ]
    none = Bilingual(
        zh="性别、年龄段、机构、设备各组均未达到受试者的七成",
        en="no group of sex, age band, site or device holds seven in ten subjects",
    )
    return said or [none]


def _limits(source: Source, manifest: Manifest, spec: DatasetSpec) -> list[Bilingual]:
    said = []
    if source.source_class == SourceClass.SYNTHETIC:
        said.append(Bilingual(zh="合成数据，不代表任何真实人群", en="synthetic data, of no real population"))
    if source.source_class == SourceClass.PUBLIC:
        said.append(
            Bilingual(zh="公开数据，不具封闭性", en="public data: anyone may have seen the test part")
        )
    if manifest.disjointness == "not_provable":
        said.append(
            Bilingual(zh="各部分受试者不重叠不可证明", en="that no person is in two parts is not provable")
        )
    if spec.near_duplicates == "not_screened":
        said.append(Bilingual(zh="未筛查近似重复", en="near duplicates were not looked for"))
    said.append(
        Bilingual(
            zh="结论不得超出所观察的人群", en="nothing may be concluded beyond the population observed here"
        )
    )
    return said
