"""Defines the settings of `adapt` that say how the source is trained, and what moves."""

from typing import Self

from pydantic import Field, model_validator

from regraft.errors import SettingsError
from regraft.settings.new_run import NewRunOptions, NewRunSettings

OF_MOVING = (
    *("freeze", "freeze_threshold", "epochs", "lr", "batch_size", "optimizer", "augment"),
    *("dropout", "layer_decay", "weight_decay", "patience"),
)
"""Settings of steps: who wants one otherwise than usual wants steps, and lets the trunk move."""


class MovingSettings(NewRunSettings):
    """How the source is trained: with the trunk frozen, or moving.

    Args:
        strategy: How the source is trained; `head` leaves the trunk frozen, and methods then
            work on its features. None = `two-stage` where another of these is given, which
            moves the trunk, and methods that can move it on; else `head`.
        preset: `fast` = the frozen trunk; `balanced` and `best` = the trunk moves, and `auto`
            tries fewer or more methods that move it on.

    The others are those of `NewRunSettings`: freezing, epochs, rate and all else of steps are
    those of the source's training and of all that goes on from it.
    """

    strategy: str | None = Field(None, min_length=1, description="a name")

    @model_validator(mode="after")
    def _preset_of_one_kind(self) -> Self:
        """Refuses a preset that says the trunk moves beside what says that it does not."""
        wrong = "" if self.preset is None else self._against(self.preset)
        if wrong:
            raise SettingsError(
                f"preset = {self.preset!r} cannot be used with {wrong}",
                expected="one of the two",
                hint="--preset balanced" if self.preset == "fast" else "--preset fast",
            )
        return self

    def _against(self, preset: str) -> str:
        """Returns the setting that a preset contradicts, or nothing."""
        if (preset != "fast") == self.moves:
            return ""
        given = [*(["strategy"] if self.strategy else []), *self._of_steps]
        return f"{given[0]} = {getattr(self, given[0])!r}: the trunk " + (
            "stays frozen by the one and moves by the other"
        )

    @property
    def _of_steps(self) -> list[str]:
        """The names of the settings of steps that are not what they are by default."""
        fields = type(self).model_fields
        return [name for name in OF_MOVING if getattr(self, name) != fields[name].default]

    @property
    def source_strategy(self) -> str:
        """The strategy that trains the source."""
        moving = self.preset not in (None, "fast") or bool(self._of_steps)
        return self.strategy or ("two-stage" if moving else "head")

    @property
    def moves(self) -> bool:
        """Whether the trunk moves."""
        name = self.source_strategy.partition("+")[0].partition(":")[0]
        return name not in ("head", "zero")


class MovingOptions(NewRunOptions, total=False):
    """The settings of `MovingSettings`, for `**options` in Python."""

    strategy: str | None
