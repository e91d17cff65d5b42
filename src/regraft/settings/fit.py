"""Defines the settings of `fit` and `plan`."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypedDict

from pydantic import Field, field_validator, model_validator

from regraft.errors import SettingsError
from regraft.settings.checked import COUNT, DEVICE, DEVICE_PATTERN, POSITIVE, SHARE, SIDE, Settings

Optimizer = Literal["adamw", "sgd"]
Augment = Literal["auto", "none", "crop", "flip-crop", "drop-tokens"]
ClassWeights = Literal["auto", "none", "balanced"]
RuleName = Literal["left", "staggered", "outputs", "gradient", "literal", "clock"]
RuleScope = Literal["prefix", "any"]
Preset = Literal["fast", "balanced", "best"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]

HEAD = "linear or mlp:UNITS[,UNITS], such as mlp:256"
FREEZE = "a number of blocks, conv, norm, embedding or a pattern such as encoder.layer.0"
THRESHOLD = "auto, off or a number above 0"
Freeze = Annotated[str, Field(min_length=1)] | int | None
Threshold = Annotated[float, Field(gt=0)] | Literal["auto", "off"]


class FitSettings(Settings):
    """What `fit` and `plan` are asked to do; None = chosen from the data, with a reason.

    Args:
        data: Path or name of the data; empty where Python objects were given.
        out: Run folder to make; None = `runs/DATA-STRATEGY-NNN`.
        seed: Of everything random.
        backbone: Name of the pretrained network.
        arch: Identifier of the network's code, for bare weight files.
        strategy: Name of the method that makes the phases, its options behind a colon and
            modifiers behind a plus, such as `decay:rate=0.001` or `two-stage+average`.
        source: Path or name of other labelled data, for strategies that train on both.
        preset: How much the strategy `auto` may try: `fast`, `balanced` or `best`.
        head: The new last layers: `linear`, or `mlp:UNITS[,UNITS]`.
        fraction: Share of the labelled rows of train and val that is used, class by class; the
            test part stays whole.
        epochs: Passes over the training part; a fraction ends the last one early.
        lr: Peak learning rate of the head and the top block.
        batch_size: Rows a step.
        optimizer: What moves the weights.
        max_length: Most tokens a text.
        image_size: Side in pixels.
        augment: What is done to training rows, anew in each epoch.
        dropout: Share of values dropped in training, everywhere in the network, in [0, 1).
        freeze: What never moves: a number of blocks at the bottom, `conv`, `norm`,
            `embedding`, a pattern of names, or several with commas.
        freeze_threshold: Part of a block's journey that is still to come, below which the
            block stops moving: `auto`, `off` or a number.
        freeze_threshold_rule: What the threshold is compared with: what is `left` of the
            weights' journey (`staggered`: one block a check) or of the `outputs`; the
            `gradient` of a block by the others'; the norm of one step's update (`literal`);
            `clock` freezes all at a share of the integrated rate.
        freeze_threshold_scope: Whether a block waits for those below it: `prefix` or `any`.
        control: Whether an unfrozen twin is trained from the first freeze on, to compare with.
        ema: Decay of a moving average of the weights, which is scored and kept in their
            stead, in (0, 1); None = the weights themselves.
        layer_decay: Factor on the rate from a block to the one below, in (0, 1].
        weight_decay: Decoupled decay.
        class_weights: Whether rare classes weigh more in the loss.
        patience: Epochs without improvement before stopping.
        max_seconds: Budget for the whole verb.
        device: Where tensors live.
        precision: Number format of the training.
        baselines: Whether the majority class, the classic and the probe are measured too.
        views: Different augmentations of each row where blocks are frozen from the start, so
            that what these make can be kept; None = another one in each epoch.
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

    verb: ClassVar[str] = "fit"

    data: str = ""
    out: Path | None = Field(None, strict=False, description="a path")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="a whole number from 0 to 4294967295")
    backbone: str = Field("auto", min_length=1, description="a name")
    arch: str | None = Field(None, min_length=1, description="a name")
    strategy: str = Field("two-stage", min_length=1, description="a name")
    source: str | None = Field(None, min_length=1, description="a path or a name of data")
    preset: Preset | None = None
    head: str = Field("linear", pattern=r"^(linear|mlp:[1-9]\d*(,[1-9]\d*)*)$", description=HEAD)
    fraction: float = Field(1.0, gt=0, le=1, description=SHARE)
    epochs: float | None = Field(None, gt=0, description=POSITIVE)
    lr: float | None = Field(None, gt=0, description=POSITIVE)
    batch_size: int | None = Field(None, ge=1, description=COUNT)
    optimizer: Optimizer = "adamw"
    max_length: int | None = Field(None, ge=8, description=SIDE)
    image_size: int | None = Field(None, ge=8, description=SIDE)
    augment: Augment = "auto"
    dropout: float = Field(0.0, ge=0, lt=1, description="a number from 0 to below 1")
    freeze: Freeze = Field(None, description=FREEZE)
    freeze_threshold: Threshold = Field("off", description=THRESHOLD)
    freeze_threshold_rule: RuleName = "left"
    freeze_threshold_scope: RuleScope = "prefix"
    control: bool = Field(False, description="true or false")
    ema: float | None = Field(None, gt=0, lt=1, description="a number above 0, below 1")
    layer_decay: float | None = Field(None, gt=0, le=1, description=SHARE)
    weight_decay: float = Field(0.01, ge=0, description="a number, at least 0")
    class_weights: ClassWeights = "auto"
    patience: int | None = Field(None, ge=1, description=COUNT)
    max_seconds: float | None = Field(None, gt=0, description=POSITIVE)
    device: str = Field("auto", pattern=DEVICE_PATTERN, description=DEVICE)
    precision: Precision = "auto"
    baselines: bool = Field(True, description="true or false")
    views: int | None = Field(None, ge=1, description=COUNT)
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

    @model_validator(mode="before")
    @classmethod
    def _preset_chooses(cls, values: Any) -> Any:
        """Takes a preset for the wish that the strategy be chosen."""
        if isinstance(values, dict) and values.get("preset") and not values.get("strategy"):
            return {**values, "strategy": "auto"}
        return values

    @model_validator(mode="after")
    def _preset_of_something(self) -> Self:
        """Refuses a preset beside a strategy that leaves nothing to choose."""
        if self.preset and self.strategy != "auto":
            raise SettingsError(
                f"preset = {self.preset!r} cannot be used with the strategy {self.strategy}",
                expected="one of the two",
                hint=f"--preset {self.preset}",
            )
        return self

    @model_validator(mode="after")
    def _threshold_of_something(self) -> Self:
        """Refuses a threshold without a value, and a twin where nothing or no time is there."""
        if self.control and self.freeze_threshold == "off":
            raise SettingsError(
                "control = true cannot be used without a freeze threshold: nothing would differ",
                hint="--freeze-threshold auto --control",
            )
        rule = self.freeze_threshold_rule
        if self.freeze_threshold == "auto" and rule in ("literal", "clock"):
            raise SettingsError(
                f"freeze_threshold = 'auto' cannot be used with the rule {rule}",
                expected="a number above 0" if rule == "literal" else "a number from 0 to 1",
                hint=f"--freeze-threshold {'0.01' if rule == 'literal' else '0.7'}",
            )
        if rule != "left" and self.freeze_threshold == "off":
            raise SettingsError(
                f"freeze_threshold_rule = {rule!r} cannot be used without a freeze threshold",
                hint=f"--freeze-threshold 0.1 --freeze-threshold-rule {rule}",
            )
        if rule == "clock" and not isinstance(self.freeze_threshold, str):
            _within(self.freeze_threshold, "freeze_threshold", "of the rule clock")
        if rule == "staggered" and self.freeze_threshold_scope == "any":
            raise SettingsError(
                "freeze_threshold_rule = 'staggered' cannot be used with the scope any",
                expected="the scope prefix",
            )
        if self.check_cache and not self.cache:
            raise SettingsError("check_cache cannot be used without the cache")
        if self.control and self.max_seconds is not None:
            raise SettingsError(
                "control = true cannot be used with max_seconds: the twin takes its own time",
                expected="one of the two",
            )
        return self

    @field_validator("freeze_threshold", mode="before")
    @classmethod
    def _as_number(cls, value: object) -> object:
        """Takes the word of a number, as the command line gives it, for the number."""
        try:
            return float(value) if isinstance(value, str) else value
        except ValueError:
            return value


class FitOptions(TypedDict, total=False):
    """The settings of `FitSettings` except `data`, for `**options` in Python.

    In Python `backbone` may also be a network itself: a torch module or a `Backbone`.
    """

    out: Path | None
    seed: int
    backbone: Any
    arch: str | None
    strategy: str
    source: str | None
    preset: Preset | None
    head: str
    fraction: float
    epochs: float | None
    lr: float | None
    batch_size: int | None
    optimizer: Optimizer
    max_length: int | None
    image_size: int | None
    augment: Augment
    dropout: float
    freeze: str | int | None
    freeze_threshold: float | Literal["auto", "off"]
    freeze_threshold_rule: RuleName
    freeze_threshold_scope: RuleScope
    control: bool
    ema: float | None
    layer_decay: float | None
    weight_decay: float
    class_weights: ClassWeights
    patience: int | None
    max_seconds: float | None
    device: str
    precision: Precision
    baselines: bool
    views: int | None
    cache: bool
    check_cache: bool
    text: str | None
    image: str | None
    label: str | None
    domain: str | None
    split: str | None
    group: str | None
    repeat: Path | None


def _within(value: float, name: str, whose: str) -> None:
    if value > 1:
        raise SettingsError(
            f"{name} = {value} {whose} cannot be used", expected="a number from 0 to 1"
        )
