"""Defines what the settings of all verbs that make a run share."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from regraft.errors import SettingsError
from regraft.settings.checked import COUNT, PASSES, POSITIVE, ROWS, SHARE
from regraft.settings.reading import ReadingOptions, ReadingSettings

Preset = Literal["fast", "balanced", "best"]
Optimizer = Literal["adamw", "sgd"]
Augment = Literal["auto", "none", "crop", "flip-crop", "drop-tokens"]
Freeze = Annotated[str, Field(pattern=r"[^,\s]")] | int | None
Threshold = Annotated[float, Field(gt=0)] | Literal["auto", "off"]
RuleName = Literal["left", "rested", "staggered", "outputs", "gradient", "literal", "clock"]
RuleScope = Literal["prefix", "any"]
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
        freeze_threshold_rule: What the threshold is compared with: what is `left` of the
            weights' journey (`rested`: a block that freezes is put where it was on average;
            `staggered`: one block a check) or of the `outputs`; the
            `gradient` of a block by the others'; the norm of one step's update (`literal`);
            `clock` freezes all at a share of the integrated rate.
        freeze_threshold_scope: Whether a block waits for those below it: `prefix` or `any`.
        baselines: Whether the majority class, the classic and the probe are measured too.
        repeat: The `run.toml` of a run whose measured modes are used again.
        batch_size: Rows a step.
        optimizer: What moves the weights.
        augment: What is done to training rows, anew in each epoch.
        dropout: Share of values dropped in training, everywhere in the network, in [0, 1).
        layer_decay: Factor on the rate from a block to the one below, in (0, 1].
        weight_decay: Decoupled decay.
        patience: Epochs without improvement before stopping.

    The others are those of `ReadingSettings`.
    """

    out: Path | None = Field(None, strict=False, description="a path")
    preset: Preset | None = None
    epochs: float | None = Field(None, gt=0, le=10_000, description=PASSES)
    lr: float | None = Field(None, gt=0, description=POSITIVE)
    freeze: Freeze = Field(None, description=FREEZE)
    freeze_threshold: Threshold = Field("off", description=THRESHOLD)
    freeze_threshold_rule: RuleName = "left"
    freeze_threshold_scope: RuleScope = "prefix"
    baselines: bool = Field(True, description="true or false")
    repeat: Path | None = Field(None, strict=False, description="the run.toml of a run")
    batch_size: int | None = Field(None, ge=1, le=1_000_000, description=ROWS)
    optimizer: Optimizer = "adamw"
    augment: Augment = "auto"
    dropout: float = Field(0.0, ge=0, lt=1, description="a number from 0 to below 1")
    layer_decay: float | None = Field(None, gt=0, le=1, description=SHARE)
    weight_decay: float = Field(0.01, ge=0, description="a number, at least 0")
    patience: int | None = Field(None, ge=1, description=COUNT)

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
    def _threshold_of_something(self) -> Self:
        """Refuses a rule or a scope of no threshold, and a threshold that is none of its rule's."""
        rule, scope, threshold = (
            self.freeze_threshold_rule,
            self.freeze_threshold_scope,
            self.freeze_threshold,
        )
        if threshold == "off":
            _refuse_alone("rule", rule, usual="left")
            _refuse_alone("scope", scope, usual="prefix")
        if threshold == "auto" and rule in ("literal", "clock"):
            raise SettingsError(
                f"freeze_threshold = 'auto' cannot be used with the rule {rule}",
                expected="a number above 0" if rule == "literal" else "a number from 0 to 1",
                hint=f"--freeze-threshold {'0.01' if rule == 'literal' else '0.7'}",
            )
        if rule == "clock" and not isinstance(threshold, str) and threshold > 1:
            raise SettingsError(
                f"freeze_threshold = {threshold} of the rule clock cannot be used",
                expected="a number from 0 to 1",
            )
        if rule == "staggered" and scope == "any":
            raise SettingsError(
                "freeze_threshold_rule = 'staggered' cannot be used with the scope any",
                expected="the scope prefix",
            )
        return self


def _refuse_alone(name: str, value: str, *, usual: str) -> None:
    """Refuses what was typed of a threshold where there is none."""
    if value != usual:
        raise SettingsError(
            f"freeze_threshold_{name} = {value!r} cannot be used without a freeze threshold",
            hint=f"--freeze-threshold 0.1 --freeze-threshold-{name} {value}",
        )


class NewRunOptions(ReadingOptions, total=False):
    """The settings of `NewRunSettings` except `data` and `backbone`, for `**options`."""

    out: str | Path | None
    preset: Preset | None
    epochs: float | None
    lr: float | None
    batch_size: int | None
    optimizer: Optimizer
    augment: Augment
    dropout: float
    layer_decay: float | None
    weight_decay: float
    patience: int | None
    freeze: str | int | None
    freeze_threshold: float | Literal["auto", "off"]
    freeze_threshold_rule: RuleName
    freeze_threshold_scope: RuleScope
    baselines: bool
    repeat: str | Path | None
