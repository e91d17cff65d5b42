"""Makes a strategy from its name: the one table of all of them.

Source: none (regraft).
"""

import importlib
from collections.abc import Callable

from regraft.errors import SettingsError, nearest, one_of
from regraft.strategies.full import Full
from regraft.strategies.head import Head
from regraft.strategies.two_stage import TwoStage
from regraft.training.phase import Strategy

STRATEGIES: dict[str, Callable[[], Strategy]] = {
    "full": Full,
    "head": Head,
    "two-stage": TwoStage,
}

OWN = "an importable module, a colon and a class without arguments that has `phases`"


def make_strategy(name: str) -> Strategy:
    """Returns the strategy of this name, or the user's own from `module:Class`.

    Raises:
        SettingsError: If there is no such strategy, module or class.
    """
    if ":" in name:
        return _own(name)
    if name not in STRATEGIES:
        guess = nearest(name, STRATEGIES)
        hint = f"--strategy {guess}" if guess else "regraft list strategies"
        raise SettingsError(
            f"there is no strategy {name!r}", expected=one_of(STRATEGIES), hint=hint
        )
    return STRATEGIES[name]()


def _own(name: str) -> Strategy:
    module, _, attribute = name.partition(":")
    try:
        made: Strategy = getattr(importlib.import_module(module), attribute)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise SettingsError(f"strategy {name!r} cannot be made ({error})", expected=OWN) from error
    if not callable(getattr(made, "phases", None)):
        raise SettingsError(f"strategy {name!r} has no method phases", expected=OWN)
    return made
