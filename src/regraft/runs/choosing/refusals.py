"""Refuses strategies that these settings or this network cannot have."""

from regraft.backbones.backbone import Backbone
from regraft.errors import SettingsError
from regraft.settings import FitSettings
from regraft.strategies.table import Composed
from regraft.training.phase import Phase


def check_strategy(
    settings: FitSettings, strategy: Composed, *, backbone: Backbone, phases: list[Phase]
) -> None:
    """Refuses a strategy that these settings or this network cannot have.

    Args:
        settings: As typed.
        strategy: That they name.
        backbone: The opened network.
        phases: That the strategy makes for it.

    Raises:
        SettingsError: If they do not go together.
    """
    if settings.control and strategy.merging:
        raise SettingsError(
            f"control = true cannot be used with {settings.strategy}, which changes the layers",
            hint="leave --control out",
        )
    if any(phase.fresh for phase in phases) and backbone.architecture.library == "module":
        raise SettingsError(
            f"{settings.strategy} cannot be used with a network of a Python program: only that "
            "program can draw its weights",
            expected="a network that has a name",
        )
    if settings.head != "linear" and any(phase.solving != "probe" for phase in phases):
        raise SettingsError(
            f"head = {settings.head!r} cannot be used with {settings.strategy}: it trains nothing",
            hint="--head linear",
        )
