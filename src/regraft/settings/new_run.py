"""Defines what the settings of all verbs that make a run share."""

from pathlib import Path
from typing import Annotated, Literal, Self, TypedDict

from pydantic import Field, field_validator, model_validator

from regraft.errors import SettingsError
from regraft.settings.checked import DEVICE, DEVICE_PATTERN, POSITIVE, SIDE, Settings

ClassWeights = Literal["auto", "none", "balanced"]
Preset = Literal["fast", "balanced", "best"]
Freeze = Annotated[str, Field(min_length=1)] | int | None
Threshold = Annotated[float, Field(gt=0)] | Literal["auto", "off"]
FREEZE = "a number of blocks, conv, norm, embedding or a pattern such as encoder.layer.0"
THRESHOLD = "auto, off or a number above 0"
Precision = Literal["auto", "fp32", "bf16", "fp16"]


class NewRunSettings(Settings):
    """What the verbs that make a run share; None = chosen from the data, with a reason.

    Args:
        data: Path or name of the data; empty where Python objects were given.
        out: Run folder to make; None = `runs/DATA-STRATEGY-NNN`.
        seed: Of everything random.
        backbone: Name of the pretrained network.
        arch: Identifier of the network's code, for bare weight files.
        preset: How much may be tried: `fast`, `balanced` or `best`.
        epochs: Passes over the training part; a fraction ends the last one early.
        lr: Peak learning rate of the head and the top block.
        freeze: What never moves: a number of blocks at the bottom, `conv`, `norm`,
            `embedding`, a pattern of names, or several with commas.
        freeze_threshold: Part of a block's journey that is still to come, below which the
            block stops moving: `auto`, `off` or a number.
        max_length: Most tokens a text.
        image_size: Side in pixels.
        class_weights: Whether rare classes weigh more in the loss.
        device: Where tensors live.
        precision: Number format of the training.
        baselines: Whether the majority class, the classic and the probe are measured too.
        cache: Whether features of what is frozen are kept on the disk and read again.
        check_cache: Whether a sample of what was read is computed anew and compared.
        text: Column of texts.
        image: Column of image paths.
        label: Column of labels.
        domain: Column of domains.
        split: Column that names the part of each row.
        group: Column of groups that a split must not part.
        repeat: The `run.toml` of a run whose measured modes are used again.
    """

    data: str = ""
    out: Path | None = Field(None, strict=False, description="a path")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="a whole number from 0 to 4294967295")
    backbone: str = Field("auto", min_length=1, description="a name")
    arch: str | None = Field(None, min_length=1, description="a name")
    preset: Preset | None = None
    epochs: float | None = Field(None, gt=0, description=POSITIVE)
    lr: float | None = Field(None, gt=0, description=POSITIVE)
    freeze: Freeze = Field(None, description=FREEZE)
    freeze_threshold: Threshold = Field("off", description=THRESHOLD)
    max_length: int | None = Field(None, ge=8, description=SIDE)
    image_size: int | None = Field(None, ge=8, description=SIDE)
    class_weights: ClassWeights = "auto"
    device: str = Field("auto", pattern=DEVICE_PATTERN, description=DEVICE)
    precision: Precision = "auto"
    baselines: bool = Field(True, description="true or false")
    cache: bool = Field(True, description="true or false")
    check_cache: bool = Field(False, description="true or false")
    text: str | None = None
    image: str | None = None
    label: str | None = None
    domain: str | None = None
    split: str | None = None
    group: str | None = None
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

    @model_validator(mode="after")
    def _cache_to_check(self) -> Self:
        """Refuses a check of what is not there."""
        if self.check_cache and not self.cache:
            raise SettingsError("check_cache cannot be used without the cache")
        return self


class NewRunOptions(TypedDict, total=False):
    """The settings of `NewRunSettings` except `data` and `backbone`, for `**options`."""

    out: Path | None
    seed: int
    arch: str | None
    preset: Preset | None
    epochs: float | None
    lr: float | None
    freeze: str | int | None
    freeze_threshold: float | Literal["auto", "off"]
    max_length: int | None
    image_size: int | None
    class_weights: ClassWeights
    device: str
    precision: Precision
    baselines: bool
    cache: bool
    check_cache: bool
    text: str | None
    image: str | None
    label: str | None
    domain: str | None
    split: str | None
    group: str | None
    repeat: Path | None
