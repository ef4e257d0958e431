"""What a dataset spec declares of the glucose exports of one source."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from medassay.core.errors import WrongUse
from medassay.core.specs import Spec, parameters_of
from medassay.datasets.spec import Source
from medassay.formats.ivd import glucose
from medassay.formats.ivd.units import MG_DL_PER_MMOL_L

FORMS = ("glucose-table",)
LONGEST_MIN = 60 * 24 * 60.0  # no sensor is worn for longer; a larger number would be a date in disguise


class Options(Spec):
    """What a source declares about its exports."""

    glucose_unit: Literal["mmol/L", "mg/dL"] | None = Field(
        default=None, description="where the headings state none; never put in place of a stated one"
    )
    mg_dl_per_mmol_l: float = Field(default=MG_DL_PER_MMOL_L, ge=17.9, le=18.1)
    floor_mmol_per_l: float | None = Field(default=None, gt=0, description="the sensor shows nothing lower")
    ceiling_mmol_per_l: float | None = Field(default=None, gt=0)
    gap_min: float = Field(default=16.0, gt=0, description="a longer interval is a gap")
    sites: tuple[str, ...] = Field(default=(), description="first folders that are sites; none: not stated")
    device: str | None = Field(default=None, description="the sensor's model, where all are of one")
    devices: tuple[str, ...] = Field(
        default=(), description="models that a file may name; others are left out"
    )
    patient_in_name: str | None = Field(
        default=None, description="pattern of a file's stem with a group `patient`"
    )

    @field_validator("patient_in_name")
    @classmethod
    def _has_group(cls, pattern: str | None) -> str | None:
        if pattern is not None and "patient" not in re.compile(pattern).groupindex:
            raise ValueError("a pattern without the group `patient`")
        return pattern

    def rules(self) -> glucose.GlucoseRules:
        return glucose.GlucoseRules(
            unit=self.glucose_unit,
            mg_dl_per_mmol_l=self.mg_dl_per_mmol_l,
            floor_mmol_per_l=self.floor_mmol_per_l,
            ceiling_mmol_per_l=self.ceiling_mmol_per_l,
        )


def options_of(source: Source) -> Options:
    """
    Raises
    ------
    WrongUse
        When the source has another form, or an option that is none.
    """
    if source.form not in FORMS:
        raise WrongUse(
            found=f"form '{source.form}'",
            wanted=f"one of {', '.join(FORMS)}",
            remedy="Correct the form in the dataset's spec.",
            where=f"source '{source.name}'",
        )
    return parameters_of(Options, source.options, where=f"source '{source.name}': options")
