"""Makes the ledger: every freeze, thaw and change of the weights, in order."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["freeze", "thaw", "restore", "saved"]
MOVES = ("freeze", "thaw")
"""The kinds of entries that move the line."""


@dataclass(frozen=True)
class Event:
    """One entry.

    Args:
        step: Optimiser steps taken before it, over the whole run.
        phase: Name of the phase it belongs to.
        kind: What happened.
        line: The line afterwards.
        digests: SHA-256 of blocks, by name, at this moment.
    """

    step: int
    phase: str
    kind: Kind
    line: int
    digests: dict[str, str] = field(default_factory=dict)


@dataclass
class Ledger:
    """The entries so far."""

    events: list[Event] = field(default_factory=list)

    def note(self, event: Event) -> None:
        """Adds an entry at the end."""
        self.events.append(event)

    def as_json(self) -> list[dict[str, Any]]:
        """Returns plain data for `result.json`."""
        return [asdict(event) for event in self.events]
