"""Keyed pseudonyms: one person is one subject over sites, modalities and reruns, and nobody can guess back.

Identity tokens ("id at a site", "name with birth date and sex") of all files are joined first, so a person
under two ids gets one subject id.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable

# Samples are named R-..., subjects S-..., files F-...; a proof may hold names to this.
PSEUDONYM = re.compile(r"[A-Z]-[0-9a-f]{16}")
SHIFT_DAYS = 3650  # dates of a subject move back by 1 to this many days; intervals between them stay exact


def pseudonym(key: bytes, kind: str, token: str) -> str:
    """`kind` and 16 hexadecimal digits of HMAC-SHA-256 (64 bits: no clash expected below 10^8 names)."""
    return f"{kind}-{_mac(key, kind, token).hex()[:16]}"


def date_shift_days(key: bytes, subject: str) -> int:
    """How many days back this subject's dates move, in [1, 3650]."""
    return 1 + int.from_bytes(_mac(key, "date", subject)[:8], "big") % SHIFT_DAYS


def joined_persons(tokens: Iterable[Iterable[str]]) -> list[str | None]:
    """Give each draft the name of its person: the first token of all drafts that share any token.

    A resident identity number comes before a name with birth and sex, a name in characters before one in letters,
    and both before ids: what stands in every kind of data names the subject, so that a person's image, ECG and
    laboratory panel meet under one id though each source is ingested alone. Among equals, the smallest.

    Returns
    -------
    list
        In the order of `tokens`; None where a draft has no token, since unknown identity is never guessed.
    """
    parent: dict[str, str] = {}

    def root(token: str) -> str:
        while parent[token] != token:
            parent[token] = parent[parent[token]]
            token = parent[token]
        return token

    firsts: list[str | None] = []  # of a draft's tokens one is enough, since all are joined by then
    for of_draft in tokens:
        owned = sorted(set(of_draft))
        for token in owned:
            parent.setdefault(token, token)
        for token in owned[1:]:
            first, second = sorted((root(owned[0]), root(token)), key=_standing)
            parent[second] = first
        firsts.append(owned[0] if owned else None)
    return [None if first is None else root(first) for first in firsts]


def _standing(token: str) -> tuple[int, str]:
    """How far beyond its own source a token tells its person: what tells it everywhere comes first."""
    if token.startswith("resident:"):
        return 0, token
    if token.startswith("name:"):
        return (2 if token.isascii() else 1), token
    return 3, token


def _mac(key: bytes, kind: str, token: str) -> bytes:
    # Surrogates pass: a file name that is no UTF-8 comes with them, and must get a name of its own too.
    message = f"{kind}\x00{token}".encode("utf-8", "surrogatepass")
    return hmac.digest(key, message, "sha256")
