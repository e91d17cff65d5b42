"""Defines the settings of `fit` and `plan`."""

from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from regraft.errors import SettingsError
from regraft.settings.checked import COUNT, MOST_UNITS, POSITIVE, SHARE
from regraft.settings.new_run import NewRunOptions, NewRunSettings

OF_STEPS = (
    *("epochs", "lr", "batch_size", "ema", "patience", "optimizer", "augment", "dropout", "views"),
    *("freeze", "freeze_threshold"),
)
"""Settings that only steps look at: a head that is solved takes none."""
HEAD = f"linear or mlp:UNITS[,UNITS] with up to {MOST_UNITS} units, such as mlp:256"


class FitSettings(NewRunSettings):
    """What `fit` and `plan` are asked to do; None = chosen from the data, with a reason.

    Args:
        strategy: Name of the method that makes the phases, its options behind a colon and
            modifiers behind a plus, such as `decay:rate=0.001` or `two-stage+average`.
        source: Path or name of other labelled data, for strategies that train on both.
        head: The new last layers: `linear`, or `mlp:UNITS[,UNITS]`.
        fraction: Share of the labelled rows of train and val that is used, class by class; the
            test part stays whole.
        control: Whether an unfrozen twin is trained from the first freeze on, to compare with.
        ema: Decay of a moving average of the weights, which is scored and kept in their
            stead, in (0, 1); None = the weights themselves.
        max_seconds: Budget for the whole verb.
        views: Different augmentations of each row where blocks are frozen from the start, so
            that what these make can be kept; None = another one in each epoch.

    The others are those of `NewRunSettings`.
    """

    verb: ClassVar[str] = "fit"

    strategy: str = Field("two-stage", min_length=1, description="a name")
    source: str | None = Field(None, min_length=1, description="a path or a name of data")
    head: str = Field("linear", pattern=r"^(linear|mlp:[1-9]\d*(,[1-9]\d*)*)$", description=HEAD)
    fraction: float = Field(1.0, gt=0, le=1, description=SHARE)
    control: bool = Field(False, description="true or false")
    ema: float | None = Field(None, gt=0, lt=1, description="a number above 0, below 1")
    max_seconds: float | None = Field(None, gt=0, description=POSITIVE)
    views: int | None = Field(None, ge=1, description=COUNT)

    @field_validator("head")
    @classmethod
    def _of_widths_that_fit(cls, value: str) -> str:
        """Refuses layers that no memory holds."""
        widths = value.partition(":")[2].split(",")
        if any(int(width or 1) > MOST_UNITS for width in widths):
            raise ValueError(value)
        return value

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
                hint=f"--strategy auto --preset {self.preset}",
            )
        return self

    @model_validator(mode="after")
    def _twin_of_something(self) -> Self:
        """Refuses a twin where nothing would differ, or no time is there."""
        if self.control and self.freeze_threshold == "off":
            raise SettingsError(
                "control = true cannot be used without a freeze threshold: nothing would differ",
                hint="--freeze-threshold auto --control",
            )
        if self.control and self.max_seconds is not None:
            raise SettingsError(
                "control = true cannot be used with max_seconds: the twin takes its own time",
                expected="one of the two",
            )
        return self


class FitOptions(NewRunOptions, total=False):
    """The settings of `FitSettings` except `data`, for `**options` in Python.

    In Python `backbone` may also be a network itself: a torch module or a `Backbone`.
    """

    backbone: Any
    strategy: str
    source: str | None
    head: str
    fraction: float
    control: bool
    ema: float | None
    max_seconds: float | None
    views: int | None
