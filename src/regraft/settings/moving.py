"""Defines the settings of `adapt` that say how the source is trained, and what moves."""

from typing import Literal, TypedDict

from pydantic import Field, field_validator

from regraft.settings.checked import POSITIVE, Settings
from regraft.settings.fit import FREEZE, THRESHOLD, Freeze, Preset, Threshold


class MovingSettings(Settings):
    """How the source is trained: with the trunk frozen, or moving.

    Args:
        strategy: How the source is trained; `head` leaves the trunk frozen, and methods then
            work on its features. None = `two-stage` where another of these is given, which
            moves the trunk, and methods that can move it on; else `head`.
        preset: `fast` = the frozen trunk; `balanced` and `best` = the trunk moves, and `auto`
            tries fewer or more methods that move it on.
        freeze: As for `fit`, of the source's training and of all that goes on from it.
        freeze_threshold: Likewise.
        epochs: Likewise.
        lr: Likewise.
    """

    strategy: str | None = Field(None, min_length=1, description="a name")
    preset: Preset | None = None
    freeze: Freeze = Field(None, description=FREEZE)
    freeze_threshold: Threshold = Field("off", description=THRESHOLD)
    epochs: float | None = Field(None, gt=0, description=POSITIVE)
    lr: float | None = Field(None, gt=0, description=POSITIVE)

    @property
    def source_strategy(self) -> str:
        """The strategy that trains the source."""
        preset = None if self.preset == "fast" else self.preset
        typed = (self.freeze, self.epochs, self.lr, preset)
        given = self.freeze_threshold != "off" or any(each is not None for each in typed)
        return self.strategy or ("two-stage" if given else "head")

    @property
    def moves(self) -> bool:
        """Whether the trunk moves."""
        return self.source_strategy.partition(":")[0] not in ("head", "zero")

    @field_validator("freeze", mode="before")
    @classmethod
    def _as_words(cls, value: object) -> object:
        """Takes a plain number of blocks for the word that it is on the command line."""
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("freeze_threshold", mode="before")
    @classmethod
    def _as_number(cls, value: object) -> object:
        """Takes the word of a number, as the command line gives it, for the number."""
        try:
            return float(value) if isinstance(value, str) else value
        except ValueError:
            return value


class MovingOptions(TypedDict, total=False):
    """The settings of `MovingSettings`, for `**options` in Python."""

    strategy: str | None
    preset: Preset | None
    freeze: str | int | None
    freeze_threshold: float | Literal["auto", "off"]
    epochs: float | None
    lr: float | None
