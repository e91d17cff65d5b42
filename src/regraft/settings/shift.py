"""Defines the settings of `shift`."""

from pathlib import Path
from typing import Any, ClassVar, Self, TypedDict

from pydantic import Field, model_validator

from regraft.settings.adapt import AdaptSettings
from regraft.settings.checked import DEVICE, DEVICE_PATTERN, SIDE, Settings
from regraft.settings.fit import ClassWeights, Precision


class ShiftSettings(Settings):
    """What `shift` is asked to do; None = chosen from the source, with a reason.

    Args:
        data: Path or name of the labelled source; empty where Python objects were given.
        target: Path or name of the target; empty where it is a Python object, or the rows
            of another domain of the source.
        from_domain: Value of the domain column whose rows are the source.
        to_domain: Value of that column whose rows are the target.
        score_target: Whether the target's labels are read in the end, to score with.
        out: File to write the document to, which must not exist; None = none.

    The others are those of `AdaptSettings`.
    """

    verb: ClassVar[str] = "shift"

    data: str = ""
    target: str = ""
    from_domain: str | None = Field(None, min_length=1, description="a value of the column")
    to_domain: str | None = Field(None, min_length=1, description="a value of the column")
    score_target: bool = Field(False, description="true or false")
    out: Path | None = Field(None, strict=False, description="a path")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="a whole number from 0 to 4294967295")
    backbone: str = Field("auto", min_length=1, description="a name")
    arch: str | None = Field(None, min_length=1, description="a name")
    max_length: int | None = Field(None, ge=8, description=SIDE)
    image_size: int | None = Field(None, ge=8, description=SIDE)
    class_weights: ClassWeights = "auto"
    device: str = Field("auto", pattern=DEVICE_PATTERN, description=DEVICE)
    precision: Precision = "auto"
    cache: bool = Field(True, description="true or false")
    check_cache: bool = Field(False, description="true or false")
    text: str | None = None
    image: str | None = None
    label: str | None = None
    domain: str | None = None
    split: str | None = None
    group: str | None = None

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


class ShiftOptions(TypedDict, total=False):
    """The settings of `ShiftSettings` except `data`, `target` and `out`, for `**options`."""

    from_domain: str | None
    to_domain: str | None
    score_target: bool
    seed: int
    backbone: str
    arch: str | None
    max_length: int | None
    image_size: int | None
    class_weights: ClassWeights
    device: str
    precision: Precision
    cache: bool
    check_cache: bool
    text: str | None
    image: str | None
    label: str | None
    domain: str | None
    split: str | None
    group: str | None
