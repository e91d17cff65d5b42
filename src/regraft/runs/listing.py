"""Makes the lists of what can be named: backbones, data sets, strategies, methods."""

import sys
from collections.abc import Callable
from typing import Any

from regraft.adaptation.moving import MOVING
from regraft.adaptation.table import METHODS, PREPARATIONS
from regraft.backbones.catalogue import describe_backbones
from regraft.data.starters.catalogue import describe_datasets
from regraft.runs.choosing import auto
from regraft.strategies.options import BETWEEN, options_of
from regraft.strategies.table import AUTO, MODIFIERS, STRATEGIES


def list_backbones() -> list[dict[str, Any]]:
    """Returns the networks of the catalogue: licence, size, origin, cached or not."""
    return describe_backbones()


def list_datasets() -> list[dict[str, Any]]:
    """Returns the data sets of the catalogue: licence, size, origin, cached or not."""
    return describe_datasets()


def list_strategies() -> list[dict[str, Any]]:
    """Returns strategies and modifiers: their options, what each does and whose idea it is."""
    modifiers = {f"+{name}": made for name, made in sorted(MODIFIERS.items())}
    named = {**dict(sorted(STRATEGIES.items())), **modifiers}
    listed = [
        {"name": name, "options": _options(made), **_pages(made)} for name, made in named.items()
    ]
    return [{"name": AUTO, "options": [], **_pages_of(auto.__name__)}, *listed]


def _options(made: Callable[..., object]) -> list[str]:
    usual = options_of(made).items()
    # What is left open, or empty, has no usual value that one could type.
    return [name if value in (None, "") else f"{name}={_spelled(value)}" for name, value in usual]


def _spelled(value: object) -> str:
    return BETWEEN.join(map(str, value)) if isinstance(value, tuple) else str(value)


def list_methods() -> list[dict[str, Any]]:
    """Returns methods and preparations of adaptation: options, what each does, whose idea.

    A method that can move the trunk has other options there: these are `moving`.
    """
    named: dict[str, Callable[..., object]] = {**METHODS, **PREPARATIONS}
    moving: dict[str, Callable[..., object]] = {str(name): made for name, made in MOVING.items()}
    return [
        {
            "name": name,
            "options": _options(made),
            "moving": _options(moving[name]) if name in moving else [],
            **_pages(made),
        }
        for name, made in named.items()
    ]


def _pages(made: object) -> dict[str, str]:
    """Returns what a strategy or a method does, and whose idea it is."""
    return _pages_of(str(getattr(made, "__module__", "")))


def _pages_of(module: str) -> dict[str, str]:
    """Reads what is done in a module, and whose idea it is, from its docstring."""
    document = sys.modules[module].__doc__ or ""
    summary, _, source = document.partition("\n\nSource: ")
    return {"does": summary.strip(), "source": " ".join(source.split())}
