"""Makes the checked settings of `compare` from flags and Python arguments."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeGuard

from pydantic import Field, field_validator, model_validator

from regraft.errors import SettingsError, nearest
from regraft.settings import FitOptions, FitSettings, Settings
from regraft.settings.checked import LAST_SEED
from regraft.strategies.table import AUTO, STRATEGIES, make_strategy

ONLY_FIT = frozenset({"control", "fraction", "preset", "strategy"})
"""Settings of `fit` that a comparison makes itself, trial by trial."""
FLAG = "--strategy "
CLASSIC = "classic"
BASELINES = ("majority", CLASSIC)
"""What is trained beside the strategies, without a pretrained network."""
_NAMES = "names of strategies, such as head,two-stage"
_SHARES = "numbers above 0, at most 1, such as 0.1,0.3,1"
_OWN_CLASS = re.compile(r"[\w.]+:[A-Za-z_]\w*")


class CompareSettings(Settings):
    """What `compare` is asked to do.

    Args:
        strategies: Names of the methods, in the order of the table.
        seeds: How many seeds each is trained with, counted from the shared settings' seed.
        fractions: Shares of the labelled rows that each is trained on.
        against: The strategy that the others are measured against, which is trained too if
            it is not among them; None = the first one.
        out: Folder to make, or to go on with; None = `runs/DATA-compare-NNN`.
        shared: The settings of `fit` that all trials have in common.
    """

    verb: ClassVar[str] = "compare"

    strategies: tuple[str, ...] = Field(
        ("head", "two-stage", "full"), strict=False, min_length=1, description=_NAMES
    )
    seeds: int = Field(3, ge=1, le=1000, description="a whole number from 1 to 1000")
    fractions: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        (1.0,), strict=False, min_length=1, description=_SHARES
    )
    against: str | None = Field(None, min_length=1, description="the name of a strategy")
    out: Path | None = Field(None, strict=False, description="a path")
    shared: FitSettings = FitSettings()

    @field_validator("strategies", mode="before")
    @classmethod
    def _as_names(cls, value: object) -> object:
        words = [value] if isinstance(value, str) else value
        return split_names(words) if _are_words(words) else value

    @field_validator("fractions", mode="before")
    @classmethod
    def _as_shares(cls, value: object) -> object:
        return [_number(word) for word in value.split(",")] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _of_known_names(self) -> Self:
        """Refuses names that are unknown, and what is there twice, before anything runs."""
        for name in self.names:
            _check_name(name)
        for name, listed in (("strategies", self.strategies), ("fractions", self.fractions)):
            value, times = Counter[object](listed).most_common(1)[0]
            if times > 1:
                raise SettingsError(f"{name} has {value} twice", expected="each one once")
        return self

    @model_validator(mode="after")
    def _of_seeds_that_exist(self) -> Self:
        """Refuses a last seed that no run can have, before the others are trained."""
        if self.numbers[-1] > LAST_SEED:
            raise SettingsError(
                f"seeds = {self.seeds} cannot be used from seed = {self.shared.seed} on",
                expected=f"none above {LAST_SEED}",
            )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Every strategy that is trained, in order."""
        beside = () if self.against in (None, *self.strategies) else (str(self.against),)
        return (*beside, *self.strategies)

    @property
    def ways(self) -> tuple[str, ...]:
        """Every baseline that stands beside the strategies."""
        return BASELINES if self.shared.baselines else ()

    @property
    def reference(self) -> str:
        """The strategy that the others are measured against."""
        return self.against or self.strategies[0]

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares of the labelled rows, least first."""
        return tuple(sorted(self.fractions))

    @property
    def numbers(self) -> range:
        """The seeds."""
        return range(self.shared.seed, self.shared.seed + self.seeds)


class CompareOptions(FitOptions, total=False):
    """The settings of `compare` and those that its trials share, for `**options` in Python."""

    strategies: str | Sequence[str]
    seeds: int
    fractions: str | Sequence[float]
    against: str | None


def parted(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the options of `compare` itself, and those that all trials share.

    Args:
        options: By name, of both kinds.

    Raises:
        SettingsError: If a name is of neither kind.
    """
    own = CompareSettings.model_fields.keys() - {"shared"}
    known = own | (FitSettings.model_fields.keys() - ONLY_FIT)
    for name in options:
        if name not in known:
            hint = nearest(name, sorted(known))
            raise SettingsError(f"{name} is not a setting of compare", hint=hint)
    return (
        {name: value for name, value in options.items() if name in own},
        {name: value for name, value in options.items() if name not in own},
    )


def own_settings(name: str) -> dict[str, Any]:
    """Returns the settings in which the trials of a strategy differ from those of others.

    A source of rows is for those strategies alone that train on it.
    """
    needed = make_strategy(name).needs_source
    return {"strategy": name} if needed else {"strategy": name, "source": None}


def split_names(words: Iterable[str]) -> list[str]:
    """Returns the names in words, of which each may hold several with commas between them.

    A comma inside the options of a strategy, which follow its colon, parts nothing: what
    comes after it is neither a known name nor a `module:Class`.

    >>> split_names(["head,two-stage+lora", "decay:rate=0.1,norms=yes,my.module:Mine"])
    ['head', 'two-stage+lora', 'decay:rate=0.1,norms=yes', 'my.module:Mine']
    """
    names: list[str] = []
    for word in words:
        begun = len(names)
        for piece in word.split(","):
            if len(names) > begun and ":" in names[-1] and not _begins_a_name(piece):
                names[-1] += f",{piece}"
            elif piece.strip():
                names.append(piece.strip())
    return names


def _check_name(name: str) -> None:
    """Refuses a name that is no strategy's."""
    with own_hints():
        make_strategy(name)


@contextmanager
def own_hints() -> Iterator[None]:
    """Gives errors of a strategy's settings hints that can be typed after `compare`.

    Raises:
        SettingsError: If one was raised within.
    """
    try:
        yield
    except SettingsError as error:
        if FLAG not in error.hint:
            raise
        hint = error.hint.replace(FLAG, "--strategies ")
        raise SettingsError(error.given, expected=error.expected, hint=hint) from None


def _begins_a_name(piece: str) -> bool:
    first = re.split(r"[:+]", piece.strip())[0]
    return first in (*STRATEGIES, AUTO) or _OWN_CLASS.fullmatch(piece.strip()) is not None


def _are_words(value: object) -> TypeGuard[Sequence[str]]:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


def _number(word: str) -> object:
    """Returns the number that a word names, or the word, which is then refused as it is."""
    try:
        return float(word)
    except ValueError:
        return word.strip()
