"""Makes a strategy from its name: the one table of all of them.

Source: none (regraft).
"""

import importlib
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from torch import nn

from regraft.backbones.chain import Chain
from regraft.errors import RegraftError, SettingsError, nearest, one_of
from regraft.freezing.line import NOTHING, Above
from regraft.strategies.average import Average
from regraft.strategies.bias_only import BiasOnly
from regraft.strategies.contrastive import Contrastive
from regraft.strategies.decay import Decay
from regraft.strategies.full import Full
from regraft.strategies.gradual import Gradual
from regraft.strategies.head import Head
from regraft.strategies.l2_start import L2Start
from regraft.strategies.layerwise import Layerwise
from regraft.strategies.lora import Lora
from regraft.strategies.norm_only import NormOnly
from regraft.strategies.options import made_with
from regraft.strategies.scratch import Scratch
from regraft.strategies.sequential import Sequential
from regraft.strategies.surgical import Surgical
from regraft.strategies.two_stage import TwoStage
from regraft.strategies.zero import Zero
from regraft.training.phase import Facts, Modifier, Phase, Strategy

STRATEGIES: dict[str, Callable[..., Strategy]] = {
    "contrastive": Contrastive,
    "decay": Decay,
    "full": Full,
    "gradual": Gradual,
    "head": Head,
    "l2-start": L2Start,
    "layerwise": Layerwise,
    "scratch": Scratch,
    "sequential": Sequential,
    "surgical": Surgical,
    "two-stage": TwoStage,
    "zero": Zero,
}
MODIFIERS: dict[str, Callable[..., Modifier]] = {
    "average": Average,
    "bias-only": BiasOnly,
    "lora": Lora,
    "norm-only": NormOnly,
}

AUTO = "auto"
"""The name under which a strategy is chosen on validation rows; until then it is two-stage."""
OWN = "an importable module, a colon and a class without arguments that has `phases`"


@dataclass(frozen=True)
class Composed:
    """A strategy with what changes it.

    Args:
        name: As typed.
        strategy: Makes the phases.
        modifiers: Change them, in order.
    """

    name: str
    strategy: Strategy
    modifiers: tuple[Modifier, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every block moves where nothing else was typed."""
        return bool(getattr(self.strategy, "whole", False))

    @property
    def rate_share(self) -> float:
        """Share of the usual rate."""
        parts = (self.strategy, *self.modifiers)
        return math.prod(float(getattr(part, "rate_share", 1.0)) for part in parts)

    @property
    def least_batch(self) -> int:
        """Fewest rows that its steps should have where nothing else was typed."""
        parts = (self.strategy, *self.modifiers)
        return max(int(getattr(part, "least_batch", 1)) for part in parts)

    @property
    def needs_source(self) -> bool:
        """Whether it trains on rows of a source as well."""
        return bool(getattr(self.strategy, "needs_source", False))

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phases in order."""
        found = self.strategy.phases(chain, facts)
        for modifier in self.modifiers:
            found = modifier.change(found)
        return found

    def graft(self, trunk: nn.Module, *, seed: int) -> None:
        """Puts beside the trunk's layers what the modifiers move, in place."""
        for modifier in self.modifiers:
            if hasattr(modifier, "graft"):
                modifier.graft(trunk, seed=seed)

    @property
    def merging(self) -> list[Callable[[nn.Module], None]]:
        """What puts into the trunk's own layers what was put beside them."""
        return [modifier.merge for modifier in self.modifiers if hasattr(modifier, "merge")]

    def held(self, trunk: nn.Module) -> Above:
        """Returns what of the trunk never moves, wherever the line is."""
        found = NOTHING
        for modifier in self.modifiers:
            found = found | modifier.held(trunk)
        return found


def make_strategy(name: str) -> Composed:
    """Returns the strategy of this name, or the user's own from `module:Class`.

    A name may have options behind a colon, and modifiers each behind a plus:
    `decay:rate=0.001`, `two-stage+average`, `l2-start:alpha=0.1+norm-only`.

    Raises:
        SettingsError: If a strategy, modifier, option, module or class does not exist, or an
            option cannot have its value; all that is wrong is told at once.
    """
    first, *others = name.split("+")
    errors: list[SettingsError] = []
    strategy = _tried(lambda: _strategy(first), errors)
    modifiers = [_tried(lambda w=word: _modifier(w), errors) for word in others]  # type: ignore[misc]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SettingsError(f"strategy {name!r}:\n  " + "\n  ".join(map(str, errors)))
    made = Composed(name, cast(Strategy, strategy), tuple(cast(list[Modifier], modifiers)))
    _check_together(made)
    return made


def own_class(name: str) -> str:
    """Returns the `module:Class` in the name of a strategy, or the empty string: it is code.

    >>> own_class("my.module:Mine+average"), own_class("decay:rate=0.001+average")
    ('my.module:Mine', '')
    """
    word = name.partition("+")[0]
    first, _, options = word.partition(":")
    own = options and "=" not in options and first not in STRATEGIES
    return word if own or word.startswith(":") or word.endswith(":") else ""


def is_imported(own: str) -> bool:
    """Says whether a `module:Class` is a strategy's, and in this process already.

    Nothing is imported to tell, and nothing of the module is run.
    """
    module, _, attribute = own.partition(":")
    # Not by getattr: a module may answer that with code of its own.
    found = getattr(sys.modules.get(module), "__dict__", {}).get(attribute)
    return isinstance(found, type) and _has_phases(found)


def _check_together(made: Composed) -> None:
    """Refuses modifiers that would undo each other."""
    kinds = {type(modifier) for modifier in made.modifiers}
    if kinds and made.name.startswith(f"{AUTO}+"):
        raise SettingsError(
            f"strategy {made.name!r} cannot be made: {AUTO} chooses among whole strategies",
            hint=f"--strategy {AUTO}",
        )
    if Lora in kinds and isinstance(made.strategy, L2Start):
        raise SettingsError(
            f"strategy {made.name!r} cannot be made: it would pull pairs of matrices back to their "
            "random start",
            hint="--strategy two-stage+lora",
        )
    if len(kinds) < len(made.modifiers):
        raise SettingsError(f"strategy {made.name!r} names a modifier twice")
    if len(kinds & {BiasOnly, Lora, NormOnly}) > 1:
        raise SettingsError(
            f"strategy {made.name!r} would move nothing: each of its modifiers freezes the rest",
            expected="one of +bias-only, +lora and +norm-only",
        )
    if Lora in kinds and (Average in kinds or isinstance(made.strategy, Scratch)):
        raise SettingsError(
            f"strategy {made.name!r} cannot be made: pairs of matrices have no start to go back to",
            hint="leave +lora out",
        )


def _tried(make: Callable[[], Any], errors: list[SettingsError]) -> Any:
    try:
        return make()
    except SettingsError as error:
        errors.append(error)


def _strategy(word: str) -> Strategy:
    if word == AUTO:
        return TwoStage()
    name, _, options = word.partition(":")
    if name == AUTO:
        raise SettingsError(
            f"strategy {word!r} cannot be made: {AUTO} has no options", hint="--preset best"
        )
    if own_class(word):
        return _own(word)
    found: Strategy = made_with(_named(name, STRATEGIES, flag="--strategy "), name, words=options)
    return found


def _modifier(word: str) -> Modifier:
    name, _, options = word.partition(":")
    found: Modifier = made_with(_named(name, MODIFIERS, flag="+"), f"+{name}", words=options)
    return found


def _named(name: str, table: Mapping[str, Callable[..., Any]], *, flag: str) -> Callable[..., Any]:
    if name in table:
        return table[name]
    whole = table is STRATEGIES
    kind, names = ("strategy", [AUTO, *table]) if whole else ("modifier", list(table))
    guess = nearest(name, names)
    raise SettingsError(
        f"there is no {kind} {name!r}",
        expected=one_of(names),
        hint=f"{flag}{guess}" if guess else "regraft list strategies",
    )


def _own(name: str) -> Strategy:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
        if not _has_phases(found):  # whatever else it is, it is not called
            raise SettingsError(f"strategy {name!r} has no method phases", expected=OWN)
        made: Strategy = found()
    except RegraftError:  # it says what is wrong itself
        raise
    except Exception as error:  # of the user's own code
        words = f"{type(error).__name__}: {error}"
        raise SettingsError(f"strategy {name!r} cannot be made ({words})", expected=OWN) from error
    return made


def _has_phases(found: object) -> bool:
    return callable(found) and callable(getattr(found, "phases", None))
