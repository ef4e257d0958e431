"""What a dataset spec declares of the EEG recordings of one source."""

from __future__ import annotations

from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.specs import Spec, parameters_of
from medassay.datasets.spec import Source
from medassay.formats.waveform import edf, electrodes


class PersonPattern(Spec):
    """Who a file is of, where the publisher says it by the file's path alone."""

    pattern: str = Field(description="regular expression on the relative path with a group `id`")
    among: str = Field(description="the set of people that the id is of")


class Options(Spec):
    """How the files of one source are laid out, and what form their samples take."""

    include: tuple[str, ...] = Field(default=(), description="folders to take; none: all")
    sites: dict[str, str] = Field(default_factory=dict, description="first folder of the path to site code")
    recorders: dict[str, str] = Field(default_factory=dict, description="equipment text to recorder model")
    channels: tuple[str, ...] = electrodes.TEN_TWENTY
    least_rate_hz: float = Field(default=160.0, gt=0, description="slower recordings are refused")
    rate_hz: int | None = Field(default=None, gt=0, description="brought down to; none: each as recorded")
    mains_hz: float = Field(default=50.0, gt=0)
    identity: str = Field(default="header", pattern="^(header|path)$", description="where persons are told")
    persons: tuple[PersonPattern, ...] = ()
    seizure_texts: dict[str, str] = Field(default_factory=dict, description="annotation text to event type")
    annotation_texts: tuple[str, ...] = Field(default=(), description="texts that stay in the sample")
    embedded: str | None = Field(default=None, description="role of events marked in the recording itself")


def options_of(source: Source) -> Options:
    options = parameters_of(Options, source.options, where=f"options of source '{source.name}'")
    electrodes.require_names(options.channels)
    if options.rate_hz and options.rate_hz > options.least_rate_hz:
        raise WrongUse(
            found=f"rate_hz {options.rate_hz} above least_rate_hz {options.least_rate_hz:g}",
            wanted="a rate that every admitted recording has or exceeds",
            remedy="A recording is never brought up: raise least_rate_hz or lower rate_hz.",
        )
    return options


def note(reason: Reason, found: str, wanted: str, severity: Severity = Severity.NOTE) -> Finding:
    return Finding(
        reason=reason,
        severity=severity,
        found=found,
        wanted=wanted,
        remedy="See the finding; the source's owner can export the file again.",
        source=edf.STANDARD,
    )
