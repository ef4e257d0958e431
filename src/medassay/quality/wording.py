"""What an inspection record says in words, in both languages: titles, statements, aspects and why not."""

from __future__ import annotations

from typing import Literal

from medassay.core.specs import Bilingual

IssuerKind = Literal["self", "laboratory", "certification_body"]


def _both(zh: str, en: str) -> Bilingual:
    return Bilingual(zh=zh, en=en)


TITLES: dict[IssuerKind, Bilingual] = {
    "self": _both("数据集质量自检报告", "Dataset quality self-inspection record"),
    "laboratory": _both("数据集质量检测报告", "Dataset quality inspection report"),
    "certification_body": _both("数据集质量检测报告", "Dataset quality inspection report"),
}
STATEMENTS: dict[IssuerKind, Bilingual] = {
    "self": _both(
        "本记录由数据持有方自行检测并出具，不代替第三方的检测或结论，仅对所列数据集版本有效。",
        "Inspected and issued by the holder of the data; it is no certification and replaces no third party's"
        " inspection. Valid only for the dataset version named here.",
    ),
    "laboratory": _both(
        "本报告由所列实验室出具，仅对所列数据集版本有效。",
        "Issued by the laboratory named here; it is no certification. Valid only for the dataset version named"
        " here.",
    ),
    "certification_body": _both(
        "本报告为所列机构的检测结果，仅对所列数据集版本有效。",
        "An inspection by the body named here; it is no certification. Valid only for the dataset version named"
        " here.",
    ),
}

VALUES = _both("测量值与声明的限值相符", "Measured values against declared limits")
COMPLETENESS = _both("来源文件去向完整", "Every file offered is accounted for")
AGREEMENT = _both("标注一致性", "Agreement between readers")
AUDIT = _both("标注抽样复核", "Labels read again by sampling")
REPRESENTATIVENESS = _both("对目标人群的代表性", "Representativeness of the target population")
CLINICAL_TRUTH = _both("参考标准与临床真值的符合", "Truth of the reference standard beyond its readers")

BY_MACHINE = _both("对每个样本自动检查", "By machine, on every sample")
BY_FLOW = _both("按文件、样本和受试者自动核对", "By machine, in files, samples and subjects")
BY_READERS = _both("两名标注人员的标注在仲裁前比较", "Two readers, compared before arbitration")
BY_SAMPLING = _both("按孤立批精确抽样方案复核", "By an exact sampling plan for an isolated lot")
NO_AGREEMENT: dict[str, Bilingual] = {
    "reads": _both("未进行：没有样本由两名标注人员标注", "Not performed: no sample was read by two readers"),
    "published": _both(
        "未进行：参考标准按公开发布的原样导入",
        "Not performed: the reference standard was imported as published",
    ),
    "computed": _both(
        "未进行：参考标准由信号本身按规则计算",
        "Not performed: the reference standard is computed from the signal itself",
    ),
}
NO_SAMPLE = _both(
    "未进行：没有可检查的样本或检查项", "Not performed: there was no sample, or no check, to hold"
)
NO_PLAN = _both("未进行：未声明抽样方案", "Not performed: no sampling plan is declared")
LOT_TOO_SMALL = _both(
    "未进行：批量太小，抽样方案无法区分合格与不合格",
    "Not performed: the lot is too small for the declared plan to tell good from bad",
)
NOT_READ_AGAIN = _both(
    "未进行：已抽取样本，尚无人复核", "Not performed: samples are drawn, and nobody has read them again yet"
)
NO_POPULATION = _both(
    "未进行：没有可比较的目标人群数据",
    "Not performed: no figures of the target population are there to compare with",
)
NO_CLINICAL_TRUTH = _both(
    "未进行：没有独立于标注的临床结局或病理结果",
    "Not performed: no outcome or pathology independent of the readers is there",
)
