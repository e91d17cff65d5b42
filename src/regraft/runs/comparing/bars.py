"""Passes the steps of a trial on to the one who watches all of them, and not its words."""

from regraft.training.progress import EpochRecord, Progress


class Bars:
    """Tells which trial is at which step; what it says of its data was said of the first.

    Args:
        progress: Of the whole comparison.
        name: Of the trial, in words.
    """

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress = progress
        self._name = name
        self._shown: tuple[str, int] | None = None

    def say(self, sentence: str) -> None:
        """Keeps the sentence back."""

    def start_phase(self, name: str, line: str, *, steps: int) -> None:
        """Passes on what begins, with the name of the trial; of like folds the first one only."""
        if self._shown == (name, steps):
            return
        self._shown = (name, steps)
        self._progress.start_phase(f"{self._name}: {name}", line, steps=steps)

    def step(self, done: int, *, rate: float, loss: float) -> None:
        """Passes the step on."""
        self._progress.step(done, rate=rate, loss=loss)

    def epoch(self, record: EpochRecord) -> None:
        """Keeps back what a pass came to."""

    def finish(self) -> None:
        """Takes the bar away."""
        self._progress.finish()
