"""Lists and drops the features that are kept: the verb `cache`."""

from datetime import UTC, datetime
from typing import Any

from regraft.features import shelf


def list_cache() -> dict[str, Any]:
    """Returns the folder, the limit and all stores, the one used last first."""
    stores = shelf.shelved()
    return {
        "folder": str(shelf.roof()),
        "bytes": sum(each.bytes for each in stores),
        "limit": shelf.limit(),
        "stores": [{**vars(each), "used": _when(each.used)} for each in stores],
    }


def prune_cache() -> int:
    """Drops what is damaged, half-written or above the limit; returns the bytes freed."""
    return shelf.prune()


def clear_cache() -> int:
    """Drops all features; returns the bytes freed. Starters stay.

    Raises:
        StorageError: If something may not be deleted.
    """
    return shelf.clear()


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
