"""The description of a dataset version as a page of Markdown, in Chinese and in English, from one record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from medassay.core.specs import Bilingual
from medassay.core.terms import LANGS, Lang
from medassay.datasets.description import Description

# What is said, in both languages; `{}` stands for what was counted or declared.
WORDS: dict[str, tuple[str, str]] = {
    "heading": ("数据集描述", "Dataset description"),
    "dataset": ("数据集", "Dataset"),
    "source": ("来源", "Source"),
    "version": ("版本（清单 SHA-256）", "Version (SHA-256 of the manifest)"),
    "spec_version": ("规格版本", "Spec version"),
    "disease": ("疾病（ICD-10）", "Disease (ICD-10)"),
    "intended_use": ("预期用途", "Intended use"),
    "target_population": ("目标人群", "Target population"),
    "source_class": ("来源类别", "Class of source"),
    "real": ("真实", "real"),
    "public": ("公开", "public"),
    "synthetic": ("合成", "synthetic"),
    "licence": ("许可", "Licence"),
    "ethics": ("伦理批件", "Ethics approval"),
    "consent": ("知情同意", "Consent"),
    "data_level": ("数据级别", "Data level"),
    "genetic": ("人类遗传资源", "Human genetic resources"),
    "citation": ("出处", "Citation"),
    "counters": ("各类数据计数", "Counters"),
    "data_type": ("数据类型", "Type of data"),
    "image": ("影像", "image"),
    "signal": ("生理信号", "physiological signal"),
    "record": ("记录", "record"),
    "modality": ("模态", "Modality"),
    "samples": ("样本", "Samples"),
    "subjects": ("受试者", "Subjects"),
    "files": ("文件", "Files"),
    "bytes": ("字节", "Bytes"),
    "flow": ("病例流", "Case flow"),
    "unit": ("单位", "In"),
    "offered": ("入组", "Enrolled"),
    "refused": ("拒收", "Refused"),
    "excluded": ("排除", "Excluded"),
    "train": ("训练", "Train"),
    "tune": ("调优", "Tune"),
    "test": ("测试", "Test"),
    "funnel": ("纳入标准", "Inclusion criteria"),
    "rule": ("标准", "Rule"),
    "before": ("之前", "Before"),
    "outside": ("不符合", "Outside"),
    "unstated": ("未说明", "Not stated"),
    "after": ("之后", "After"),
    "population": ("观察到的人群", "Observed population"),
    "factor": ("因素", "Factor"),
    "group": ("组", "Group"),
    "sex": ("性别", "Sex"),
    "age_band": ("年龄段", "Age band"),
    "site": ("机构", "Site"),
    "device": ("设备", "Device"),
    "acquired_year": ("采集年份", "Year of acquisition"),
    "not_stated": ("未说明", "not stated"),
    "split": ("划分", "Split"),
    "part": ("部分", "Part"),
    "seeded": ("按种子 {} 随机划分，受试者不跨部分", "drawn from seed {}; nobody is in two parts"),
    "published": (
        "采用公开划分（种子 {}），受试者规则优先",
        "the published division (seed {}); the subject rule stands above it",
    ),
    "held_out": (
        "按声明的条件留出测试部分（种子 {}）",
        "the test part is held out by declared conditions (seed {})",
    ),
    "disjointness": ("受试者不重叠", "Subjects disjoint"),
    "proven": ("已证明", "proven"),
    "not_provable": ("不可证明", "not provable"),
    "near_copies": ("近似重复的样本对", "Pairs of near-equal samples"),
    "keep_together": ("留在同一部分", "held in one part"),
    "refuse": ("发现即不冻结", "no version is made with any"),
    "not_screened": ("未筛查", "not looked for"),
    "reference": ("参考标准", "Reference standard"),
    "method": ("方法", "Method"),
    "agreed": ("判读一致", "readers agreed"),
    "arbitrated": ("仲裁", "arbitrated"),
    "computed": ("计算得出", "computed"),
    "published_label": ("按公开数据原样导入", "imported as published"),
    "dynamics": ("与上一版本相比", "Against the version before"),
    "first": ("首个版本", "the first version"),
    "previous": ("上一版本", "Version before"),
    "added": ("新增", "Added"),
    "withdrawn": ("撤出", "Withdrawn"),
    "moved": ("改变部分", "Moved to another part"),
    "relabelled": ("参考标准改变", "Reference standard changed"),
    "refiled": ("文件改变", "Files changed"),
    "why": ("原因", "Reason"),
    "biases": ("偏倚", "Biases"),
    "limits": ("局限", "Limits"),
}


def views_of(told: Description) -> dict[str, bytes]:
    """The page in each language, by file name."""
    return {f"description.{lang}.md": markdown(told, lang).encode("utf-8") for lang in LANGS}


def markdown(told: Description, lang: Lang) -> str:
    """The page in one language. Numbers are those of the record; nothing is left out in either language."""

    def say(key: str) -> str:
        return WORDS[key][0 if lang == "zh" else 1]

    lines = [f"# {say('heading')}: {_of(told.title, lang)}", "", *_facts(told, lang, say("not_stated"))]
    for heading, columns, rows in _tables(told, lang):
        if rows:
            lines += ["", f"## {say(heading)}", "", *_table([say(name) for name in columns], rows)]
    for heading, sentences in (("biases", told.biases), ("limits", told.limits)):
        lines += ["", f"## {say(heading)}", "", *(f"- {_of(text, lang)}" for text in sentences)]
    return "\n".join(lines) + "\n"


def _facts(told: Description, lang: Lang, unstated: str) -> list[str]:
    def say(key: str) -> str:
        return WORDS[key][0 if lang == "zh" else 1]

    basis = told.lawful_basis
    facts = [
        ("dataset", f"`{told.dataset}`"),
        ("source", f"`{told.source}`"),
        ("version", f"`{told.version}`"),
        ("spec_version", told.spec_version),
        ("disease", f"{_of(told.disease, lang)} ({', '.join(told.icd10)})"),
        ("intended_use", _of(told.intended_use, lang)),
        ("target_population", _of(told.target_population, lang)),
        ("source_class", say(told.source_class)),
        ("licence", basis.licence),
        ("citation", told.citation or unstated),
        ("split", say(told.division).format(told.seed)),
        ("disjointness", say(told.disjointness)),
        ("near_copies", f"{told.near_copies} ({say(told.near_duplicates)})"),
        ("previous", f"`{told.dynamics.previous}`" if told.dynamics.previous else say("first")),
    ]
    if told.source_class == "real":
        facts += [
            ("ethics", f"{basis.ethics_approval} ({basis.ethics_scope}; {basis.ethics_expires})"),
            ("consent", str(basis.consent)),
            ("data_level", str(basis.data_level)),
            ("genetic", str(basis.genetic_resources)),
        ]
    return [f"- {say(key)}: {value}" for key, value in facts]


def _tables(told: Description, lang: Lang) -> Iterator[tuple[str, Sequence[str], list[list[object]]]]:
    def say(key: str) -> str:
        return WORDS[key][0 if lang == "zh" else 1]

    units = ("offered", "refused", "excluded", "train", "tune", "test")
    yield (
        "counters",
        ("data_type", "modality", "samples", "subjects", "files", "bytes"),
        [
            [say(one.data_type), one.modality, one.samples, one.subjects, one.files, one.bytes]
            for one in told.counters
        ],
    )
    yield (
        "flow",
        ("unit", *units),
        [
            [say(unit), *(getattr(getattr(told.flow, unit), name) for name in units)]
            for unit in ("files", "samples", "subjects")
        ],
    )
    titles = {rule.id: _of(rule.title, lang) for rule in told.cohort}
    yield (
        "funnel",
        ("rule", "before", "outside", "unstated", "after"),
        [
            [titles.get(step.rule, step.rule), step.before, step.outside, step.not_stated, step.after]
            for step in told.flow.cohort
        ],
    )
    yield (
        "population",
        ("factor", "group", "subjects", "samples"),
        [[say(g.column), g.value or say("not_stated"), g.subjects, g.samples] for g in told.groups],
    )
    yield (
        "split",
        ("part", "subjects", "samples"),
        [[say(part), n["subjects"], n["samples"]] for part, n in told.parts.items()],
    )
    yield (
        "reference",
        ("method", "samples"),
        [
            [say("published_label" if method == "published" else method), n]
            for method, n in sorted(told.reference_methods.items())
        ],
    )
    yield "dynamics", ("group", "samples", "why"), list(_changes(told, say("first"), lang))


def _changes(told: Description, first: str, lang: Lang) -> Iterator[list[object]]:
    def say(key: str) -> str:
        return WORDS[key][0 if lang == "zh" else 1]

    if told.dynamics.previous is None:
        yield [say("added"), len(told.dynamics.added), first]
        return
    for key, changes in (("added", told.dynamics.added), ("withdrawn", told.dynamics.withdrawn)):
        for why in sorted({one.why for one in changes}):
            yield [say(key), sum(one.why == why for one in changes), f"`{why}`"]
    for key in ("moved", "relabelled", "refiled"):
        yield [say(key), len(getattr(told.dynamics, key)), "—"]


def _table(columns: Iterable[str], rows: Iterable[Sequence[object]]) -> list[str]:
    heads = list(columns)
    return [
        "| " + " | ".join(heads) + " |",
        "|" + "---|" * len(heads),
        *("| " + " | ".join(str(cell).replace("|", "/") for cell in row) + " |" for row in rows),
    ]


def _of(pair: Bilingual, lang: Lang) -> str:
    return pair.zh if lang == "zh" else pair.en
