"""What a column or a labelled field of a hospital's table is, by its name: by a list, and by names alike."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files

# Columns whose name is not on the list, but says that people, places or numbers of somebody stand in them. The first
# that fits tells; a longer text is no name of a column.
ALIKE = tuple(
    (role, re.compile(rf"^(?=.{{1,40}}$).*(?:{form})", re.IGNORECASE))
    for role, form in (
        ("age", r"^(?!.*(day|week|month|gestation|bone|月|天|周|日龄|孕|骨)).*(\bage\b|年龄|年齡|岁数|歲數)"),
        ("birth", r"\b(dob|birth|birthday|born)|出生|生日"),
        ("date", r"\bdate\b|日期$|日期[(（]"),
        ("staff", r"\b(provider|physician|doctor|operator|initials|nurse|technician|technologist|signed|reviewed|"
                  r"verified|author|contact person)|医生|医师|護士|醫師|醫生|护士|技师|签名|签字|"
                  r"审核|复核|录入|联系人|责任"),
        ("name", r"\b(last|first|middle|maiden|sur|fore|given|family|full|patient|pat|mother|father|spouse|nick) ?name|"
                 r"姓名|名字|乳名|母亲|父亲|配偶|家长|家屬"),
        ("contact", r"\b(zip|postal|postcode|phone|tel|telephone|mobile|cell ?phone|fax|street|address|city|county|"
                    r"e ?mail|facility|clia|organi[sz]ation|hospital|clinic|ward|bed|wechat|qq|plate|religion|"
                    r"occupation|employer)\b|邮编|电话|電話|手机|手機|地址|住址|街道|籍贯|"
                    r"民族|职业|微信|邮箱|车牌|医院|醫院|科室|病区|床"),
        ("index", r"\b(id|no|sn|serial|serial number|barcode|accession|mrn|chart|ssn|passport|card|account|号|#)"
                   r"( ?\d| cn| en)?$|"
                   r"\b(patient|record|file|study|subject|case|sample|specimen|visit|registration) (nr|number)$|"
                   r"\b(pat|patient|pt|subj|subject|study|case|record|visit|sample|person|hosp|encounter|card)(id|no)\b|"
                   r"编号$|号码$|号$|號$|編號$|證|证件|证号|卡号|护照|账户|账号|标识|标志符|流水"),
    )
)  # fmt: skip


@cache
def _roles() -> dict[str, str]:
    text = files(__package__).joinpath("columns.csv").read_text("utf-8")
    return {
        row["header"]: row["role"]
        for row in csv.DictReader(line for line in text.splitlines() if line[0] != "#")
    }


@lru_cache(maxsize=1 << 14)
def role_of(header: str) -> str:
    """The role of a column by its name; nothing where the name is none of the list.

    Examples
    --------
    >>> role_of("患者姓名"), role_of("Patient_ID"), role_of("白细胞")
    ('name', 'subject', '')
    """
    return _listed(header) or next((role for role, form in ALIKE if form.search(plain_header(header))), "")


@lru_cache(maxsize=1 << 14)
def role_listed(header: str) -> bool:
    """Whether a column's name is on the list itself, so that it is no name of anybody."""
    return bool(_listed(header))


def plain_header(header: str) -> str:
    """A heading in one spelling: camel case apart, marks as blanks, in small letters."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", header))
    return re.sub(r"[\s_*.]+", " ", apart).strip(" :").casefold()


def _listed(header: str) -> str:
    plain = re.sub(r"[\s_*]+", " ", unicodedata.normalize("NFKC", header)).strip(" :").casefold()
    return _roles().get(plain, _roles().get(plain.replace(" ", ""), ""))
