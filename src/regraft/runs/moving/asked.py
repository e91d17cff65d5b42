"""Decides which methods work on features, and which move the trunk, from the settings."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from regraft.adaptation.moving import MOVING, made_moving, moves_trunk
from regraft.adaptation.table import (
    AUTO,
    PREPARATIONS,
    SOURCE_ONLY,
    check_words,
    make_method,
    methods_asked,
    parted,
    words_of,
)
from regraft.errors import SettingsError, one_of
from regraft.settings import AdaptSettings
from regraft.strategies.head import Head
from regraft.strategies.table import make_strategy
from regraft.strategies.zero import Zero

TRIED = {
    "fast": ("mcc",),
    "balanced": ("cdan", "mcc", "pseudo"),
    "best": tuple(name for name in MOVING if moves_trunk(name)),
}
"""Methods that move the trunk, by preset, where `auto` chooses: each costs a training."""


@dataclass(frozen=True)
class Asked:
    """The methods to try.

    Args:
        on_features: Words of those that read features, `source-only` first.
        moving: Words of those that move the trunk.
        after: Of each preparation that comes before the source's labels are learnt, by its
            word, the methods that move the trunk on from there; `source-only` where it was
            asked for alone.
    """

    on_features: list[str]
    moving: list[str]
    after: dict[str, list[str]] = field(default_factory=dict)

    @property
    def following(self) -> list[str]:
        """All methods behind a preparation that move the trunk on."""
        return [word for words in self.after.values() for word in words if word != SOURCE_ONLY]

    @property
    def compared(self) -> int:
        """How many things there are to try beside `source-only`."""
        behind = sum(map(len, self.after.values()))
        return len(self.on_features) - 1 + len(self.moving) + behind

    @property
    def alone(self) -> bool:
        """Whether there is one thing to try beside `source-only`."""
        return self.compared == 1


def asked_of(settings: AdaptSettings) -> Asked:
    """Returns the methods to try: where the trunk moves, those that can move it do.

    Raises:
        SettingsError: If the source cannot be trained so, there is no such method, or an option
            cannot be used, whatever the network; all of the methods are told at once.
    """
    _check_strategy(settings)
    if not settings.moves:
        return Asked(methods_asked(settings.method), [])
    check_words(words_of(settings.method), _check_word)
    tried = TRIED[settings.preset or "balanced"]
    on_features: list[str] = []
    moving: list[str] = []
    after: dict[str, list[str]] = {}
    for word in words_of(settings.method):
        first, second = parted(word)
        if word == AUTO:
            on_features += [name for name in methods_asked(AUTO) if _reads_as_it_came(name)]
            moving += [name for name in MOVING if name in tried]
        elif moves_trunk(word):
            moving.append(word)
        elif _comes_first(first):
            after.setdefault(_same(first, after), []).append(_following(word, second))
        else:
            on_features += methods_asked(word)
    following = {word: list(dict.fromkeys(names)) for word, names in after.items()}
    on_features = list(dict.fromkeys([SOURCE_ONLY, *on_features]))
    return Asked(on_features, list(dict.fromkeys(moving)), following)


def _check_word(word: str) -> None:
    """Refuses what cannot be asked for where the trunk moves."""
    first, second = parted(word)
    following = word
    if not moves_trunk(word) and _comes_first(first):
        following = _following(word, second)
    if moves_trunk(following):
        made_moving(following)
    elif word != AUTO:
        make_method(word)


def _comes_first(word: str) -> bool:
    """Says whether a word is a preparation that comes before the source's labels are learnt.

    Raises:
        SettingsError: If it is one with an option that cannot be used.
    """
    if word.partition(":")[0] not in PREPARATIONS:
        return False
    made = make_method(word).preparation
    return made is not None and made.first


def _same(word: str, after: Iterable[str]) -> str:
    """Returns the word under which the same preparation was asked for, or this one."""
    made = make_method(word).preparation
    return next((other for other in after if make_method(other).preparation == made), word)


def _following(word: str, second: str) -> str:
    """Returns the method behind such a preparation: it moves the trunk on, or does nothing.

    Raises:
        SettingsError: If it does not.
    """
    if second and second.partition(":")[0] != SOURCE_ONLY and not moves_trunk(second):
        raise SettingsError(
            f"{word} cannot be used where the trunk moves: {second} does not move it on",
            expected=one_of([name for name in MOVING if moves_trunk(name)]),
        )
    return second or SOURCE_ONLY


def _reads_as_it_came(name: str) -> bool:
    return not moves_trunk(name) and make_method(name).preparation is None


def _check_strategy(settings: AdaptSettings) -> None:
    """Refuses strategies that a target without labels leaves nothing to."""
    name = settings.source_strategy
    strategy = make_strategy(name)
    if isinstance(strategy.strategy, Zero):
        raise SettingsError(
            f"strategy {name} cannot be used with adapt: it trains no classifier of the source",
            expected="head, or a strategy that moves the trunk",
            hint="--strategy head",
        )
    if isinstance(strategy.strategy, Head) and strategy.strategy.refit:
        raise SettingsError(
            f"strategy {name} cannot be used with adapt: methods are judged by rows of val that no "
            "head has seen",
            hint="--strategy head",
        )
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
