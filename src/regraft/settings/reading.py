"""Defines what the settings of all verbs share that read data and a network."""

from typing import Literal, Self, TypedDict

from pydantic import Field, model_validator

from regraft.errors import SettingsError
from regraft.settings.checked import (
    DEVICE,
    DEVICE_PATTERN,
    LAST_SEED,
    PIXELS,
    SEED,
    TOKENS,
    Settings,
)

ClassWeights = Literal["auto", "none", "balanced"]
CutWhere = Literal["end", "middle"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]


class ReadingSettings(Settings):
    """What the verbs that read labelled data and a network share; None = chosen.

    Args:
        data: Path or name of the data; empty where Python objects were given.
        seed: Of everything random.
        backbone: Name of the pretrained network.
        arch: Identifier of the network's code, for bare weight files.
        max_length: Most tokens a text.
        cut: What is left out of longer texts.
        image_size: Side in pixels.
        class_weights: Whether rare classes weigh more in the loss.
        device: Where tensors live.
        precision: Number format of the training.
        cache: Whether features of what is frozen are kept on the disk and read again.
        check_cache: Whether a sample of what was read is computed anew and compared.
        text: Column of texts.
        image: Column of image paths.
        label: Column of labels.
        domain: Column of domains.
        split: Column that names the part of each row.
        group: Column of groups that a split must not part.
    """

    data: str = ""
    seed: int = Field(0, ge=0, le=LAST_SEED, description=SEED)
    backbone: str = Field("auto", min_length=1, description="a name")
    arch: str | None = Field(None, min_length=1, description="a name")
    max_length: int | None = Field(None, ge=8, le=1_000_000, description=TOKENS)
    cut: CutWhere = "end"
    image_size: int | None = Field(None, ge=8, le=4096, description=PIXELS)
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
    def _cache_to_check(self) -> Self:
        """Refuses a check of what is not there."""
        if self.check_cache and not self.cache:
            raise SettingsError("check_cache cannot be used without the cache")
        return self


class ReadingOptions(TypedDict, total=False):
    """The settings of `ReadingSettings` except `data` and `backbone`, for `**options`."""

    seed: int
    arch: str | None
    max_length: int | None
    cut: CutWhere
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
