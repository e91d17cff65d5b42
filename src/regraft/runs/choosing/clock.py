"""Knows when the command began that works now: its libraries' start counts as well.

Source: none (regraft).
"""

import time
from contextvars import ContextVar
from dataclasses import dataclass

IMPORTED = time.monotonic()
"""Nearly when the process began, where this module is the first that it reads."""
COMMANDED: ContextVar[float | None] = ContextVar("COMMANDED", default=None)
"""`time.monotonic()` when the command line began; None = called from Python."""


@dataclass(frozen=True)
class Since:
    """When a run began, whatever processes it took.

    Args:
        started: `time.monotonic()` at its start, as if it had never been stopped.
        earlier: Seconds that processes spent which were stopped.
        ending: That it takes to end.
    """

    started: float
    earlier: float
    ending: float


def began() -> float:
    """Returns `time.monotonic()` from which the seconds of a run count.

    The first run of a command counts from the command's first moment; what comes after it,
    and what is called from Python, from now.
    """
    commanded = COMMANDED.get()
    COMMANDED.set(None)
    return time.monotonic() if commanded is None else commanded
