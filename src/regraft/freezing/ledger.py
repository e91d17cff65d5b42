"""Makes the ledger: every freeze, thaw and change of the weights, and every reading."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from regraft.freezing.threshold import Reading

Kind = Literal[
    "freeze",
    "thaw",
    "threshold",
    "average",
    "restore",
    "merge",
    "saved",
    "buffers",
    "weights",
    "table",
]
MOVES = ("freeze", "thaw", "threshold")
"""The kinds of entries that move the line."""
CHANGES = ("buffers", "weights", "table")
"""The kinds of entries that change frozen blocks on purpose, between two stretches."""
BEFORE, AFTER = "all parameters before", "all parameters"
"""Names of two digests in such an entry: of the trunk's parameters, without its buffers."""


@dataclass(frozen=True)
class Event:
    """One entry.

    Args:
        step: Optimiser steps taken before it, over the whole run.
        phase: Name of the phase it belongs to.
        kind: What happened; `threshold` is a freeze that the freeze threshold decided,
            `buffers` and `weights` say what of a frozen trunk was exchanged, `table` that the
            token table holds the rows that other texts use from here on.
        line: The line afterwards.
        digests: SHA-256 of blocks, by name, at this moment.
    """

    step: int
    phase: str
    kind: Kind
    line: int
    digests: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """What the freeze threshold read at one moment.

    Args:
        step: Optimiser steps taken before it, over the whole run.
        phase: Name of the phase.
        share: s, the share of the phase's integrated rate that is spent.
        loss: Training loss of the last step.
        readings: (P,) one for each block, from the input up.
        frozen: Numbers of the blocks that froze at this check.
    """

    step: int
    phase: str
    share: float
    loss: float
    readings: tuple[Reading, ...]
    frozen: tuple[int, ...] = ()


@dataclass
class Ledger:
    """The entries and readings so far."""

    events: list[Event] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    def note(self, event: Event) -> None:
        """Adds an entry at the end."""
        self.events.append(event)

    def as_json(self) -> list[dict[str, Any]]:
        """Returns the entries as plain data for `result.json`."""
        return [asdict(event) for event in self.events]

    def checks_as_json(self) -> list[dict[str, Any]]:
        """Returns the readings as plain data for `result.json`."""
        return [asdict(check) for check in self.checks]
