"""Defines the settings of `shift`."""

from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from regraft.settings.adapt import AdaptSettings
from regraft.settings.reading import ReadingOptions, ReadingSettings


class ShiftSettings(ReadingSettings):
    """What `shift` is asked to do; None = chosen from the source, with a reason.

    Args:
        target: Path or name of the target; empty where it is a Python object, or the rows
            of another domain of the source.
        from_domain: Value of the domain column whose rows are the source.
        to_domain: Value of that column whose rows are the target.
        score_target: Whether the target's labels are read in the end, to score with.
        out: File to write the document to, which must not exist; None = none.

    The others are those of `ReadingSettings`; `data` is the labelled source.
    """

    verb: ClassVar[str] = "shift"

    target: str = ""
    from_domain: str | None = Field(None, min_length=1, description="a value of the column")
    to_domain: str | None = Field(None, min_length=1, description="a value of the column")
    score_target: bool = Field(False, description="true or false")
    out: Path | None = Field(None, strict=False, description="a path")

    @model_validator(mode="after")
    def _can_be_adapted(self) -> Self:
        """Refuses what `adapt` refuses."""
        self.adapting()
        return self

    def adapting(self) -> AdaptSettings:
        """Returns the settings of `adapt` that train source-only on the same rows."""
        shared: dict[str, Any] = {
            name: getattr(self, name) for name in type(self).model_fields if name != "out"
        }
        return AdaptSettings(method="source-only", **shared)


class ShiftOptions(ReadingOptions, total=False):
    """The settings of `ShiftSettings` except what is data, and `out`, for `**options`."""

    backbone: str
    from_domain: str | None
    to_domain: str | None
    score_target: bool
