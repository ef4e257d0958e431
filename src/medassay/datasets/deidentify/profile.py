"""What may stay: the Basic Profile of DICOM PS3.15 Annex E, and which of its options are taken.

| profile | dates | characteristics | descriptors | free text | safe private |
|---|---|---|---|---|---|
| `research` | shifted, intervals exact | sex, age up to 89, weight, size | known words only | removed | kept |
| `scrubbed-text` | as `research` | as `research` | known words only | scrubbed | kept |
| `strict` | as `research` | as `research` | known words only | removed | removed |
| `basic` | removed | removed | removed | removed | removed |

`research` is the default. No rule can prove that a sentence names nobody, and a leaked name is worse than a refused
file: who wants scrubbed text says so by the name of the profile.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.specs import Spec, load_spec

BASIC_CODE = ("113100", "Basic Application Confidentiality Profile")


class Profile(Spec):
    """Options of the Basic Profile, as a file may declare them too."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    dates: Literal["shifted", "removed"] = Field(
        default="shifted", description="by days, one number a subject"
    )
    characteristics: bool = Field(default=True, description="sex, age (over 89: 90), weight, size")
    descriptors: bool = Field(default=True, description="short descriptions, by known words only")
    free_text: Literal["scrubbed", "removed"] = Field(
        default="removed", description="reports, notes, comments; scrubbing is measured, never provable"
    )
    safe_private: bool = Field(default=True, description="private elements of the standard's safe list")
    item_words: tuple[str, ...] = Field(
        default=(),
        description="words of the hospital's own names of items and columns, that name nobody; beside the list",
    )
    burned_in: Literal["set_aside", "mask", "not_screened"] = Field(
        default="set_aside", description="what becomes of a series with text in its pixels"
    )

    @property
    def options(self) -> frozenset[str]:
        """The options of Table E.1-1 that are taken."""
        taken = {"modified dates": self.dates == "shifted", "characteristics": self.characteristics}
        taken |= {"descriptors": self.descriptors, "structured content": self.descriptors}
        return frozenset(name for name, on in taken.items() if on)

    @property
    def longitudinal(self) -> str:
        """The term for (0028,0303)."""
        return "MODIFIED" if self.dates == "shifted" else "REMOVED"

    @property
    def codes(self) -> tuple[tuple[str, str], ...]:
        """CID 7050 codes of what was done, for (0012,0064)."""
        said = [BASIC_CODE]
        if self.safe_private:
            said.append(("113111", "Retain Safe Private Option"))
        if self.descriptors:
            said.append(("113105", "Clean Descriptors Option"))
        if self.dates == "shifted":
            said.append(("113107", "Retain Longitudinal Temporal Information Modified Dates Option"))
        if self.characteristics:
            said.append(("113108", "Retain Patient Characteristics Option"))
        return tuple(said)


RESEARCH = Profile(name="research")
SCRUBBED_TEXT = "scrubbed-text"
PROFILES = {
    profile.name: profile
    for profile in (
        RESEARCH,
        Profile(name=SCRUBBED_TEXT, free_text="scrubbed"),
        Profile(name="strict", safe_private=False),
        Profile(
            name="basic",
            dates="removed",
            characteristics=False,
            descriptors=False,
            safe_private=False,
        ),
    )
}


def profile_of(name: str) -> Profile:
    """A profile by its name, or of a YAML file.

    Raises
    ------
    WrongUse
        When there is neither.
    """
    if name in PROFILES:
        return PROFILES[name]
    if name.endswith((".yaml", ".yml")):
        return load_spec(Path(name), Profile)
    raise WrongUse(
        found=f"profile '{name}'",
        wanted=f"one of {', '.join(PROFILES)}, or a YAML file",
        remedy="Correct the name.",
        where="--profile",
    )
