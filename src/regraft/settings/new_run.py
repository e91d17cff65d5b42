"""Defines what the settings of all verbs that make a run share."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from regraft.settings.checked import POSITIVE
from regraft.settings.reading import ReadingOptions, ReadingSettings

Preset = Literal["fast", "balanced", "best"]
Freeze = Annotated[str, Field(pattern=r"[^,\s]")] | int | None
Threshold = Annotated[float, Field(gt=0)] | Literal["auto", "off"]
FREEZE = "a number of blocks, conv, norm, embedding or a pattern such as encoder.layer.0"
THRESHOLD = "auto, off or a number above 0"


class NewRunSettings(ReadingSettings):
    """What the verbs that make a run share; None = chosen from the data, with a reason.

    Args:
        out: Run folder to make; None = `runs/DATA-STRATEGY-NNN`.
        preset: How much may be tried: `fast`, `balanced` or `best`.
        epochs: Passes over the training part; a fraction ends the last one early.
        lr: Peak learning rate of the head and the top block.
        freeze: What never moves: a number of blocks at the bottom, `conv`, `norm`,
            `embedding`, a pattern of names, or several with commas.
        freeze_threshold: Part of a block's journey that is still to come, below which the
            block stops moving: `auto`, `off` or a number.
        baselines: Whether the majority class, the classic and the probe are measured too.
        repeat: The `run.toml` of a run whose measured modes are used again.

    The others are those of `ReadingSettings`.
    """

    out: Path | None = Field(None, strict=False, description="a path")
    preset: Preset | None = None
    epochs: float | None = Field(None, gt=0, description=POSITIVE)
    lr: float | None = Field(None, gt=0, description=POSITIVE)
    freeze: Freeze = Field(None, description=FREEZE)
    freeze_threshold: Threshold = Field("off", description=THRESHOLD)
    baselines: bool = Field(True, description="true or false")
    repeat: Path | None = Field(None, strict=False, description="the run.toml of a run")

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


class NewRunOptions(ReadingOptions, total=False):
    """The settings of `NewRunSettings` except `data` and `backbone`, for `**options`."""

    out: str | Path | None
    preset: Preset | None
    epochs: float | None
    lr: float | None
    freeze: str | int | None
    freeze_threshold: float | Literal["auto", "off"]
    baselines: bool
    repeat: str | Path | None
