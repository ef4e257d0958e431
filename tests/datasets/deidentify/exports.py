"""What the tests of exported forms share: subjects, marks that no rule was written for, and where one is left."""

from medassay.datasets.sample import Names

KEY = b"k" * 32
WHO = Names("R-0123456789abcdef", "S-0123456789abcdef", 100, KEY)
STRANGERS = (  # no list of names holds them
    "阿依努尔·艾合买提", "次仁卓嘎", "Aynur Ehmet", "Qurbanjan", "Màimaití Tǔ'ěrxùn", "8679 3042", "(0571)8795-1234",
    "6222-0212-0300-8471", "C08127364(5)", "浙A·8K3F2", "wx_sima_1987", "03/02/56", "那日图嘎查", "13800138000",
    "11010519491231002X", "8301234501", "张伟明", "MRN00731", "王医生", "Dr. O'Brien",
)  # fmt: skip


def people(facts):
    """A subject for each person, the first one `WHO`."""
    return [
        WHO,
        *(Names(WHO.sample, f"S-{number:016x}", 50 + number, KEY) for number in range(1, len(facts))),
    ]


def cleaned(module, content, profile):
    """What a cleaner makes of a file, and what it knows of the people."""
    facts = module.facts_of(content)
    known = sorted({word for one in facts for word in one.known})
    return module.clean(content, people(facts), known, profile), known


def left(out, mark):
    """Names of outputs that hold a mark, in any encoding of exports, and counts that name it."""
    forms = {mark.encode(codec, "ignore") for codec in ("utf-8", "gb18030", "utf-16-le", "big5")} - {b""}
    found = [name for name, content in out.files if mark in name or any(one in content for one in forms)]
    return found + [element for element, _ in out.actions if mark in element]
