"""Who a file is of, whatever its form: ids, names, birth and sex, and the tokens that join one person's files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from medassay.datasets.deidentify import resident_id
from medassay.datasets.deidentify.person_names import identifying_words

# What an export writes where it knows no id or name: it tells nobody, and would join everybody who has it.
_NOBODY_TEXT = (
    "0 x xx xxx na nan n/a none null nil unknown unk anonymous anon anonymized deidentified test patient nobody "
    "- -- --- . ? 未知 不详 不明 无 无名 无名氏 匿名 空 患者 病人 测试 姓名"
)
NOBODY = frozenset(_NOBODY_TEXT.split())


@dataclass(frozen=True)
class Facts:
    """What one file, or one row of a table, says of its person: stays in memory."""

    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    birth: str = ""  # YYYY-MM-DD; empty where it is not told or cannot be read
    sex: str = ""  # F or M
    site: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """What to look for in texts that are kept."""
        return identifying_words([*self.names, *self.ids])

    @property
    def known(self) -> tuple[str, ...]:
        """Names and ids as they are written."""
        return tuple(dict.fromkeys(value for value in (*self.names, *self.ids) if value.strip()))

    def tokens(self, *, many_sites: bool) -> tuple[str, ...]:
        """Whatever tells this person apart.

        A resident identity number does so everywhere, a name together with birth date and sex too. Any other
        id does so at its site: where the files name several sites, an id without one tells nobody.
        """
        found = []
        for value in map(folded_id, self.ids):
            resident = resident_token(value)
            if resident:
                found.append(resident)
            elif value and value.casefold() not in NOBODY and (self.site or not many_sites):
                found.append(f"id:{self.site.casefold() if many_sites else ''}:{value}")
        if self.birth and self.sex:
            found += [
                f"name:{name}|{self.birth}|{self.sex}"
                for name in map(folded_name, self.names)
                if _names(name)
            ]
        return tuple(dict.fromkeys(found))


def _names(name: str) -> bool:
    return bool(name) and name not in NOBODY


def resident_token(value: str) -> str:
    """What tells a person by a resident identity number, of 15 digits or 18; empty where it is none.

    Examples
    --------
    >>> resident_token("11010519491231002X") == resident_token("110105491231002")
    True
    """
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", value)).upper()
    if not resident_id.is_resident_id(plain):
        return ""
    return f"resident:{plain[:6] + '19' + plain[6:] if len(plain) == 15 else plain[:17]}"


def universal_tokens(token: str) -> tuple[str, ...]:
    """A person token of any kind of data, as all kinds write it; an id at a site stays what it is.

    An id that is a resident identity number tells its person at every site, and does so beside the id.

    Examples
    --------
    >>> universal_tokens("person:Zhang Wei|1950-02-03|F") == universal_tokens("name:ZHANG^WEI|19500203|F")
    True
    >>> universal_tokens("id:ward/11010519491231002X")
    ('id:ward/11010519491231002X', 'resident:11010519491231002')
    """
    kind, _, told = token.partition(":")
    if kind == "id":
        resident = resident_token(re.split(r"[:/]", told)[-1])
        return (token, resident) if resident else (token,)
    if kind in ("name", "person") and told.count("|") == 2:
        name, birth, sex = told.split("|")
        folded = folded_name(name), folded_birth(birth), folded_sex(sex)
        return (f"name:{'|'.join(folded)}",) if folded[0] and folded[1] else ()
    return (token,)


def folded_id(value: str) -> str:
    """An id in one spelling: full-width digits, spaces, case and leading zeros change nothing.

    Examples
    --------
    >>> folded_id(" ００1234x ")
    '1234X'
    """
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", value)).upper()
    return plain.lstrip("0") or plain


def folded_name(value: str) -> str:
    """A name in one spelling.

    Examples
    --------
    >>> folded_name("ZHANG^WEI^^"), folded_name("Zhang Wei"), folded_name("张^伟")
    ('zhangwei', 'zhangwei', '张伟')
    """
    return re.sub(r"[^\w]+|_", "", unicodedata.normalize("NFKC", value)).casefold()


def folded_sex(value: str) -> str:
    """F, M, or nothing."""
    word = unicodedata.normalize("NFKC", value).strip().casefold()
    if word in ("f", "female", "女", "女性", "w", "2"):
        return "F"
    return "M" if word in ("m", "male", "男", "男性", "1") else ""


def folded_birth(value: str) -> str:
    """A day of birth as YYYY-MM-DD; nothing where it is no day, or can be read in two ways.

    Examples
    --------
    >>> folded_birth("19560302"), folded_birth("1956年3月2日"), folded_birth("03/02/1956")
    ('1956-03-02', '1956-03-02', '')
    """
    text = unicodedata.normalize("NFKC", value).strip()
    match = re.match(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})(?!\d)", text)
    if not match or not (1 <= int(match[2]) <= 12 and 1 <= int(match[3]) <= 31):
        return ""
    return f"{match[1]}-{int(match[2]):02d}-{int(match[3]):02d}"


def joined(many: Iterable[Facts]) -> Facts:
    """What several files of one sample say together."""
    facts = list(many)
    return Facts(
        ids=tuple(dict.fromkeys(value for one in facts for value in one.ids)),
        names=tuple(dict.fromkeys(value for one in facts for value in one.names)),
        birth=next((one.birth for one in facts if one.birth), ""),
        sex=next((one.sex for one in facts if one.sex), ""),
        site=next((one.site for one in facts if one.site), ""),
    )
