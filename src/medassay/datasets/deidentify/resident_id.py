"""Resident identity numbers of China: 18 digits with a check digit (GB 11643-1999), and the older 15."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"
PROVINCES = frozenset(
    (
        *range(11, 16),
        *range(21, 24),
        *range(31, 38),
        *range(41, 47),
        *range(50, 55),
        *range(61, 66),
        71,
        81,
        82,
        83,
    )
)  # GB/T 2260


def check_digit(first: str) -> str:
    """The 18th character for the 17 digits before it (ISO 7064:1983, MOD 11-2).

    Examples
    --------
    >>> check_digit("11010519491231002")
    'X'
    """
    return CHECKS[sum(int(digit) * weight for digit, weight in zip(first, WEIGHTS, strict=True)) % 11]


def is_resident_id(text: str) -> bool:
    """Whether a text is such a number: province, a day that exists, and the check digit where it has one.

    Examples
    --------
    >>> is_resident_id("11010519491231002X"), is_resident_id("110105194912310021")
    (True, False)
    """
    return is_alike(text) and (len(text) == 15 or check_digit(text[:17]) == text[17].upper())


def is_alike(text: str) -> bool:
    """Whether a text has the form of such a number, a wrong check digit aside: one slip still tells the person."""
    if not re.fullmatch(r"[1-9]\d{16}[\dXx]|[1-9]\d{14}", text):
        return False
    return int(text[:2]) in PROVINCES and birth_date(text) is not None


def birth_date(text: str) -> date | None:
    """The day of birth in a number of 15 or 18 digits."""
    digits = text[6:14] if len(text) == 18 else f"19{text[6:12]}"
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return born if 1850 <= born.year <= 2100 else None


def sex(text: str) -> Literal["F", "M"]:
    """Odd sequence numbers are men's."""
    return "M" if int(text[16] if len(text) == 18 else text[14]) % 2 else "F"
