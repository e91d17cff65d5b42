"""Makes lines of `log.jsonl` from what a training tells, at once, and passes it on."""

import time

from regraft.runs.fitting.folder import RunFolder
from regraft.training.progress import EpochRecord, Progress

BETWEEN = 5.0
"""Seconds: what a killed process had worked is known to within these."""


class Alive:
    """Writes down now and then that the process works; passes nothing on.

    Args:
        folder: The run whose log grows.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._told = time.monotonic()

    def say(self, sentence: str) -> None:
        """Says nothing."""

    def start_phase(self, name: str, line: str, *, steps: int) -> None:
        """Says nothing."""

    def step(self, done: int, *, rate: float, loss: float) -> None:
        """Adds a line where the last one is some seconds old."""
        now = time.monotonic()
        if now - self._told >= BETWEEN:
            self._told = now
            self._folder.log("alive", {})

    def epoch(self, record: EpochRecord) -> None:
        """Says nothing."""

    def finish(self) -> None:
        """Says nothing."""


class Logged:
    """Writes words, phases and epochs down as they happen, those of folds too.

    Args:
        folder: The run whose log grows.
        progress: Is told everything as well.
    """

    def __init__(self, folder: RunFolder, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        self._alive = Alive(folder)

    def say(self, sentence: str) -> None:
        """Writes the sentence down and passes it on."""
        self._folder.log("say", {"words": sentence})
        self._progress.say(sentence)

    def start_phase(self, name: str, line: str, *, steps: int) -> None:
        """Writes down what begins and passes it on."""
        self._folder.log("phase", {"name": name, "line": line, "steps": steps})
        self._progress.start_phase(name, line, steps=steps)

    def step(self, done: int, *, rate: float, loss: float) -> None:
        """Passes the step on; there are too many for the log, which has one now and then."""
        self._alive.step(done, rate=rate, loss=loss)
        self._progress.step(done, rate=rate, loss=loss)

    def epoch(self, record: EpochRecord) -> None:
        """Writes down what a pass came to and passes it on."""
        self._folder.log("epoch", vars(record))
        self._progress.epoch(record)

    def finish(self) -> None:
        """Passes the end on."""
        self._progress.finish()
