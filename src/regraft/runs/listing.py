"""Makes the lists of what can be named: backbones, data sets, strategies."""

import sys
from typing import Any

from regraft.backbones.catalogue import describe_backbones
from regraft.data.starters.catalogue import describe_datasets
from regraft.strategies.table import STRATEGIES


def list_backbones() -> list[dict[str, Any]]:
    """Returns the networks of the catalogue: licence, size, origin, cached or not."""
    return describe_backbones()


def list_datasets() -> list[dict[str, Any]]:
    """Returns the data sets of the catalogue: licence, size, origin, cached or not."""
    return describe_datasets()


def list_strategies() -> list[dict[str, Any]]:
    """Returns the strategies: what each does and whose idea it is."""
    return [{"name": name, **_pages(made)} for name, made in sorted(STRATEGIES.items())]


def _pages(made: object) -> dict[str, str]:
    """Reads a strategy's first line and source from its module's own documentation."""
    document = sys.modules[str(getattr(made, "__module__", ""))].__doc__ or ""
    summary, _, source = document.partition("\n\nSource: ")
    return {"does": summary.strip(), "source": " ".join(source.split())}
