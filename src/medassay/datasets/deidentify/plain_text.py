"""Reports and notes as plain text: what identifies is scrubbed, the rest stays; written as UTF-8."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from medassay.core.findings import Finding
from medassay.datasets.deidentify.closed_text import tells
from medassay.datasets.deidentify.column_roles import role_of
from medassay.datasets.deidentify.facts import Facts, folded_birth, folded_sex
from medassay.datasets.deidentify.free_text import find, folded, scrub
from medassay.datasets.deidentify.outgoing import Actions, HeldBack, Outgoing, left
from medassay.datasets.deidentify.profile import SCRUBBED_TEXT, Profile
from medassay.datasets.deidentify.tables import FIELD
from medassay.datasets.sample import Names

LARGEST = 4 << 20
SHORT = 9  # characters: nothing shorter is anybody's
FEWEST = 16  # numbers of a trace: fewer may be a day or somebody's number in parts
NUMBER = re.compile(r"[ \t]*[-+]?\d{1,6}(\.\d{1,10})?([eE][-+]?\d{1,3})?[ \t]*")


def recognises(content: bytes) -> bool:
    """Whether the bytes are text in UTF-8, GB18030 or UTF-16 with its mark, and nothing more formal."""
    text = decoded(content[:LARGEST])
    start = (text or "").lstrip()
    return len(content) <= LARGEST and bool(start) and start[0] not in "<{[%" and "\x00" not in start


def decoded(content: bytes) -> str | None:
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for codec in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return content.decode(codec)
        except UnicodeDecodeError:
            continue
    return None


def is_trace(text: str) -> bool:
    """Whether a text holds numbers and nothing else, one a line, as single channels are published.

    Examples
    --------
    >>> is_trace("12\\n-22\\n35.5\\n" * 6), is_trace("12\\n22\\n"), is_trace("12 a\\n" * 20)
    (True, False, False)
    >>> is_trace("8301234501\\n" * 20)
    False
    """
    lines = text.splitlines()
    # What may make up a telephone or a long number is looked at where a line is long enough for it.
    return len(lines) >= FEWEST and all(
        NUMBER.fullmatch(line) and not (len(line) > SHORT and tells(line)) for line in lines
    )


def facts_of(content: bytes) -> Facts:
    """What the labelled fields of a text say of its person."""
    found: dict[str, list[str]] = {}
    for line in folded(decoded(content) or "").splitlines():
        for match in FIELD.finditer(line):
            found.setdefault(role_of(match["key"]), []).append(match["value"].strip())
    births, sexes = found.get("birth", [""]), found.get("sex", [""])
    # The first name that a report gives is the patient's; the others are of those who wrote it.
    names = found.get("name", [])
    return Facts(
        tuple(found.get("subject", ())), tuple(names[:1]), folded_birth(births[0]), folded_sex(sexes[0])
    )


def clean(content: bytes, names: Names, known: Sequence[str], profile: Profile) -> Outgoing:
    """The text without its marks; a trace of numbers as it is.

    Raises
    ------
    HeldBack
        When the profile lets no free text leave.
    """
    text = decoded(content) or ""
    if is_trace(text):
        kept = "".join(f"{line.strip()}\n" for line in text.splitlines())
        return Outgoing(
            (("text.txt", kept.encode("ascii")),), Counter({("text: number", "kept"): kept.count("\n")})
        )
    if profile.free_text == "removed":
        raise HeldBack(
            "a text, which no rule can prove to name nobody",
            Counter({("whole text", "removed"): 1}),
            f"If scrubbed text may leave, say so: --profile {SCRUBBED_TEXT}.",
        )
    shift = names.date_shift_days if profile.dates == "shifted" else None
    actions: Actions = Counter()
    result = scrub(text, known, shift_days=shift)
    for kind, count in result.counts.items():
        actions[f"text: {kind}", "changed" if kind in ("date", "age") else "removed"] += count
    actions["text: line", "kept"] += len(result.text.splitlines())
    return Outgoing((("text.txt", result.text.encode("utf-8")),), actions)


def prove(content: bytes, known: Sequence[str], profile: Profile) -> list[Finding]:
    """Look once more, by what is known and by form: what was put in its place is no mark."""
    if is_trace(content.decode("utf-8", "replace")):
        return []
    if profile.free_text == "removed":
        return [left("text", "a text that the profile does not let leave")]
    text = re.sub(
        r"\[(name|resident_id|telephone|address|number|date|contact)\]",
        " ",
        content.decode("utf-8", "replace"),
    )
    kinds = {mark.kind for mark in find(text, known)} - {"date", "age", "name", "number", "address"}
    told = any(mark.kind == "name" for mark in find(text, known) if text[mark.start : mark.end] in known)
    return [left("text", f"what may be a {kind}") for kind in sorted(kinds)] + (
        [left("text", "a name")] if told else []
    )
