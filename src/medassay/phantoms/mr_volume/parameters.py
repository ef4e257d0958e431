"""What a spec may turn of the phantom."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from medassay.core.specs import Spec

Charset = Literal["GB18030", "GBK without a tag", "ISO_IR 100", "ISO_IR 192"]


class Site(Spec):
    """One hospital with one scanner."""

    institution: str
    charset: Charset
    manufacturer: str
    model: str
    field_t: float = Field(gt=0)
    spacing_mm: tuple[float, float, float] = Field(description="between slices, rows, columns")
    subjects: int = Field(ge=1, description="people with a scan without defect")
    noise: float = Field(gt=0, description="standard deviation over the brightness of white matter")
    contrast: float = Field(gt=0, le=1, description="of grey against white matter; 1 is the best scanner")
    gain: float = Field(gt=0, description="stored value of white matter")


class Parameters(Spec):
    """Sizes and difficulty of the phantom."""

    structures: dict[str, int] = Field(description="the front and the back structure, in this order")
    sites: tuple[Site, ...] = Field(min_length=2)
    readers: tuple[str, str] = ("R1", "R2")
    arbitrator: str = "ARB"
    reader_noise_mm: float = Field(default=0.35, ge=0, description="how far a careful reader's border strays")
    disputed: int = Field(default=3, ge=0, description="people whose readers differ beyond the limits")
    defects: bool = Field(default=True, description="whether defects are planted, each in one more person")
