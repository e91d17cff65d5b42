"""Decides which methods work on features, and which move the trunk, from the settings."""

from dataclasses import dataclass

from regraft.adaptation.moving import MOVING
from regraft.adaptation.table import AUTO, SOURCE_ONLY, make_method, methods_asked, words_of
from regraft.errors import SettingsError
from regraft.settings import AdaptSettings
from regraft.strategies.table import make_strategy

TRIED = {"fast": ("mcc",), "balanced": ("cdan", "mcc", "pseudo"), "best": tuple(MOVING)}
"""Methods that move the trunk, by preset, where `auto` chooses: each costs a training."""


@dataclass(frozen=True)
class Asked:
    """The methods to try.

    Args:
        on_features: Words of those that read features, `source-only` first.
        moving: Words of those that move the trunk.
    """

    on_features: list[str]
    moving: list[str]


def asked_of(settings: AdaptSettings) -> Asked:
    """Returns the methods to try: where the trunk moves, those that can move it do.

    Raises:
        SettingsError: If there is no such method, or the source cannot be trained so.
    """
    if not settings.moves:
        return Asked(methods_asked(settings.method), [])
    _check_strategy(settings)
    tried = TRIED[settings.preset or "balanced"]
    on_features: list[str] = []
    moving: list[str] = []
    for word in words_of(settings.method):
        if word == AUTO:
            on_features += [name for name in methods_asked(AUTO) if _reads_as_it_came(name)]
            moving += [name for name in MOVING if name in tried]
        elif word.partition(":")[0] in MOVING:
            moving.append(word)
        else:
            on_features += _on_features(word)
    return Asked(list(dict.fromkeys([SOURCE_ONLY, *on_features])), list(dict.fromkeys(moving)))


def _on_features(word: str) -> list[str]:
    """Returns the words that one word stands for.

    Raises:
        SettingsError: If there is no such method, or it changes the trunk in a way of its own.
    """
    names = methods_asked(word)
    if make_method(word).preparation is not None:
        raise SettingsError(
            f"{word} cannot be used where the trunk moves: it changes the trunk as it came",
            hint="no --strategy, --freeze, --epochs, --lr or --preset",
        )
    return names


def _reads_as_it_came(name: str) -> bool:
    return name not in MOVING and make_method(name).preparation is None


def _check_strategy(settings: AdaptSettings) -> None:
    """Refuses strategies that a target without labels leaves nothing to."""
    name = settings.source_strategy
    strategy = make_strategy(name)
    if name == AUTO or strategy.needs_source or strategy.merging:
        why = {
            name == AUTO: "no target label could choose one",
            strategy.needs_source: "its source is another one",
            bool(strategy.merging): "methods go on with the library's own layers",
        }[True]
        raise SettingsError(
            f"strategy {name} cannot be used with adapt: {why}",
            expected="a strategy such as two-stage, layerwise or full",
            hint="--strategy two-stage",
        )
