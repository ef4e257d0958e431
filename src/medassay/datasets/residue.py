"""A last look, the same for every kind of data: does any name of the person stand in what leaves the hospital?

It knows the names that the source's own files gave, and searches for them in every encoding that Chinese and
Western exports use. It stands beside each kind's own proof, which holds elements to an allow-list.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.sample import Draft, Taken

ENCODINGS = ("utf-8", "gb18030", "big5", "utf-16-le")
LETTERS = 4  # shorter Latin words stand in many headers by chance
BYTES = 4  # so do shorter sequences in signals

_REST = re.compile(r"[./][A-Za-z0-9._-]+")
_SEPARATORS = re.compile(r"[|/^=,;:\s]+")


def names_of(draft: Draft, taken: Taken | None = None) -> frozenset[str]:
    """Words of the draft's person tokens that are names: letters only, and long enough to be told from chance.

    Ids (tokens `id:...`) and other numbers are left to the kind's own proof: in a table of figures any short
    number stands by chance. What `taken` keeps on purpose (its site and device) is no name.
    """
    kept = {taken.site, taken.device} if taken else set()
    values = [
        token.partition(":")[2] or token for token in draft.person_tokens if not token.startswith("id:")
    ]
    words = {word for value in values for word in _SEPARATORS.split(value)}
    return frozenset(word for word in words - kept if _is_name(word))


def names_left(draft: Draft, taken: Taken, sample: str) -> list[Finding]:
    """A finding for each place where a name is left, or where an object's name says more than its sample."""
    patterns = _patterns(names_of(draft, taken))
    places = [f"object of role {item.role}" for item in taken.objects if _holds(item.content, patterns)]
    places += [
        f"name of an object of role {item.role}" for item in taken.objects if not _plain(item.name, sample)
    ]
    texts = [value for value in taken.measurements.values() if isinstance(value, str)]
    texts += [action.element for action in taken.actions]
    if any(_holds(text.encode("utf-8", "surrogatepass"), patterns) for text in texts):
        places.append("measurements or elements")
    return [identity_left("a name of the person", place) for place in places]


def withheld(finding: Finding, names: Iterable[str]) -> Finding:
    """The finding without the words of a reader that hold a name."""
    patterns = _patterns(names)
    changes = {
        field: "(withheld: it may identify)"
        for field in ("found", "wanted", "remedy", "where", "source")
        if _holds(getattr(finding, field).encode("utf-8", "surrogatepass"), patterns)
    }
    return finding.model_copy(update=changes) if changes else finding


def identity_left(found: str, where: str) -> Finding:
    """What every proof that fails comes to."""
    return Finding(
        reason=Reason.IDENTITY_LEFT,
        severity=Severity.REFUSE,
        found=found,
        wanted="nothing that identifies",
        remedy="Report the format to the maintainers; the sample was left out.",
        where=where,
    )


def _is_name(word: str) -> bool:
    if not all(letter.isalpha() or letter in "-'·" for letter in word):
        return False
    return len(word) >= (LETTERS if word.isascii() else 2)


def _patterns(names: Iterable[str]) -> frozenset[bytes]:
    found = set()
    for name in names:
        for encoding in ENCODINGS:
            try:
                found.add(name.encode(encoding).lower())
            except UnicodeEncodeError:
                continue  # the encoding has no such letter, so no file in it holds the name
    return frozenset(pattern for pattern in found if len(pattern) >= BYTES)


def _holds(content: bytes, patterns: Collection[bytes]) -> bool:
    """Whether any pattern stands in the content, in capitals or not."""
    if not patterns:
        return False
    small = content.lower()  # bytes from 128 on stay as they are, in the patterns too
    return any(pattern in small for pattern in patterns)


def _plain(name: str, sample: str) -> bool:
    """`<sample>.suffix` or `<sample>/part.suffix`: letters, digits, dot, dash and underscore."""
    return name.startswith(sample) and bool(_REST.fullmatch(name, len(sample))) and ".." not in name


def names_in(content: bytes, names: Iterable[str]) -> bool:
    """Whether any name stands in bytes that are no pixels or samples: a Latin one as a word of its own.

    Short names in Latin letters are left to the allow-lists: they stand in other words by chance.
    """
    small = content.lower()
    words = set(re.findall(rb"[a-z0-9]+", small))
    for name in names:
        if name.isascii():
            parts = re.findall(rb"[a-z0-9]+", name.lower().encode())
            if len(name) < LETTERS or not set(parts) <= words:
                continue
            word = re.escape(name.lower().encode())
            if re.search(rb"(?<![a-z0-9])" + word + rb"(?![a-z0-9])", small):
                return True
        elif len(name) >= 2 and _holds(content, _patterns([name])):
            return True
    return False
