"""Decides how progress is shown, and shows it as a live bar on a terminal."""

import os
import sys
from typing import TYPE_CHECKING

from regraft.errors import harmless
from regraft.training.progress import EpochRecord, Lines, Progress, Silent, epoch_words

if TYPE_CHECKING:
    from rich.console import Console


def progress_for(*, quiet: bool) -> Progress:
    """Returns silence, a live bar on a terminal, or plain lines elsewhere; all on stderr."""
    if quiet:
        return Silent()
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from rich.console import Console

        return LiveProgress(Console(stderr=True, highlight=False))
    return Lines(sys.stderr)


class LiveProgress:
    """Shows one bar that moves: phase, line, rate, loss, last validation, time left.

    Args:
        console: Of rich; it obeys NO_COLOR.
    """

    def __init__(self, console: "Console") -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self._console = console
        self._validation = ""
        self.bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )

    def say(self, sentence: str) -> None:
        """Prints the sentence above the bar."""
        self._console.print(harmless(sentence), markup=False, soft_wrap=True)

    def start_phase(self, name: str, line: str, *, steps: int) -> None:
        """Begins a new bar, which takes the place of the last one."""
        self._clear()
        self._validation = ""
        words = harmless(f"{name} · {line}" if line else name)
        self.bars.add_task(words, total=steps, numbers="")
        self.bars.start()

    def step(self, done: int, *, rate: float, loss: float) -> None:
        """Moves the bar."""
        numbers = f"loss {loss:.3f} · rate {rate:.1e}{self._validation}"
        for task in self.bars.task_ids:
            self.bars.update(task, completed=done, numbers=numbers)

    def epoch(self, record: EpochRecord) -> None:
        """Prints what the pass came to above the bar, and keeps its validation in the bar."""
        if record.val_accuracy is not None:
            self._validation = f" · validation {100 * record.val_accuracy:.1f} %"
        self.say(epoch_words(record))

    def finish(self) -> None:
        """Takes the bar away."""
        self._clear()
        self.bars.stop()

    def _clear(self) -> None:
        for task in list(self.bars.task_ids):
            self.bars.remove_task(task)
