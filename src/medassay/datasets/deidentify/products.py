"""Texts of makers: manufacturer, model, software, kernel, coil. They have a form of their own, and no name has it."""

from __future__ import annotations

import re

from medassay.datasets.deidentify import vocabulary

PRODUCT = re.compile(r"[A-Za-z0-9 ._/+(),:*&-]{0,64}")
GROUPED = re.compile(  # telephones, cards, days
    r"\d{3,5}[ ()_/,:*&+-]{1,2}\d{3,5}(?!\d)|\d{3,5}\.\d{4,5}(?!\d)|\d{4}[ ()-]\d{2}[ ()-]\d{2}"
)
SHORT_WORD = 3
NUMBERED = re.compile(r"\d{6,}")  # so many digits on end are a number of somebody, not of a product
YEAR = re.compile(
    r"(?<![A-Za-z])[a-z]*[aeiouy][a-z]*(19|20)\d{2}", re.IGNORECASE
)  # of birth, as people sign with
# A short word without a vowel is none that people are called by, but for these.
VOWEL, TITLES = re.compile(r"[aeiouy]", re.IGNORECASE), ("ng", "mr", "mrs", "ms", "dr")


def is_product(text: str) -> bool:
    """Whether a maker's text has the form of one: words of makers, letters with numbers, versions; nothing else.

    Examples
    --------
    >>> [is_product(text) for text in ("SOMATOM Definition AS+", "syngo MR B17", "Br40d", "27.0.1", "FW-XTS 2.7")]
    [True, True, True, True, True]
    >>> [is_product(text) for text in ("Aynur Ehmet", "8679 3042", "(0571)8795-1234", "Dr Memet's CT", "Li Na")]
    [False, False, False, False, False]
    """
    if (
        not PRODUCT.fullmatch(text)
        or NUMBERED.search(text)
        or GROUPED.search(text)
        or YEAR.search(text)
        or vocabulary.TELLING.search(text)
    ):
        return False
    return all(_is_product_word(word) for word in re.findall(r"[A-Za-z0-9]+", text))


def _is_product_word(word: str) -> bool:
    """A known word, a short one that no name is, or one with a number in it (VA40A, B30s); camel case apart."""
    known = vocabulary.product_words()
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", word)
    numbered = any(map(str.isdigit, word))
    return word.casefold() in known or all(
        part.isdigit()
        or part.casefold() in known
        or (len(part) <= SHORT_WORD and (numbered or _is_sign(part)))
        for part in parts
    )


def _is_sign(part: str) -> bool:
    return len(part) == 1 or not (VOWEL.search(part) or part.casefold() in TITLES)
