"""`Finding`: the only way anything is ever said to be wrong with data."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from medassay.core.errors import MedassayError
from medassay.core.record import Record


class Severity(StrEnum):
    """What a finding does to its sample."""

    NOTE = "note"  # stated, changes nothing
    WARN = "warn"  # counted in the inspection record
    EXCLUDE = "exclude"  # the sample leaves the dataset, counted
    REFUSE = "refuse"  # the file or sample never enters


class Reason(StrEnum):
    """Why a file or sample is refused or excluded; a new reason is a new member, never free text."""

    EMPTY_FILE = "empty_file"
    TRUNCATED = "truncated"
    UNKNOWN_FORMAT = "unknown_format"
    UNSUPPORTED_FORM = "unsupported_form"
    SHARED_TABLE = "shared_table"  # tells of many samples and makes none of its own
    HEADER_INVALID = "header_invalid"
    UNIT_UNKNOWN = "unit_unknown"
    UNIT_IMPLAUSIBLE = "unit_implausible"
    VALUE_IMPLAUSIBLE = "value_implausible"
    CALIBRATION_IMPOSSIBLE = "calibration_impossible"
    GEOMETRY_IRREGULAR = "geometry_irregular"
    GEOMETRY_MISMATCH = "geometry_mismatch"
    SLICE_MISSING = "slice_missing"
    CHANNEL_MISSING = "channel_missing"
    RATE_UNFIT = "rate_unfit"
    RECORDING_GAP = "recording_gap"
    SIGNAL_FILE_MISSING = "signal_file_missing"
    CHECKSUM_WRONG = "checksum_wrong"
    VENDOR_FORM = "vendor_form"  # known by name, and no reader for it
    SIGNAL_FLAT = "signal_flat"
    SIGNAL_CLIPPED = "signal_clipped"
    SIGNAL_NOISY = "signal_noisy"
    DUPLICATE = "duplicate"
    SAME_SUBJECT = "same_subject"
    REFERENCE_MISSING = "reference_missing"
    REFERENCE_INVALID = "reference_invalid"
    IMAGE_MISSING = "image_missing"
    CHARACTER_SET = "character_set"
    IDENTITY_LEFT = "identity_left"
    OUTSIDE_COHORT = "outside_cohort"
    SUBJECT_WITHDREW = "subject_withdrew"
    LIMIT_EXCEEDED = "limit_exceeded"
    TRAINING_FAILED = "training_failed"
    STEP_BEFORE_FAILED = "step_before_failed"


class Finding(Record):
    """One thing that is wrong, where, and what to do about it.

    `found` never holds an identifying value; the hospital's own paths stand in a key-side table only.
    """

    reason: Reason
    severity: Severity
    found: str
    wanted: str
    remedy: str
    sample: str | None = Field(default=None, description="pseudonymous sample id; None: the whole source")
    where: str = Field(default="", description="element, field, lead or slice; never a path of the hospital")
    source: str = Field(default="", description="the document and clause that asks for it")


def finding_of(
    error: MedassayError,
    otherwise: Reason = Reason.HEADER_INVALID,
    severity: Severity = Severity.REFUSE,
    *,
    where: str | None = None,
    source: str = "",
) -> Finding:
    """What a reader could not go on with, as a finding about the data.

    Parameters
    ----------
    otherwise : Reason
        That of an error which names none of its own.
    where : str, optional
        Default: where the error itself says that it happened.
    """
    return Finding(
        reason=getattr(error, "reason", otherwise),
        severity=severity,
        found=error.found,
        wanted=error.wanted,
        remedy=error.remedy,
        where=error.where if where is None else where,
        source=source,
    )
