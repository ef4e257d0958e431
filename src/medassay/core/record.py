"""The base of all that is kept, signed or handed on as JSON."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Frozen, and an unknown field is an error: what was written is what is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
