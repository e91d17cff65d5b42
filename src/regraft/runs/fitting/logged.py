"""Makes lines of `log.jsonl` from what a training tells, at once, and passes it on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from regraft.errors import StorageError
from regraft.runs.fitting.folder import RunFolder
from regraft.training.progress import EpochRecord, Progress

BETWEEN = 2.0
"""Seconds: what a killed process had worked is known to within these."""


@contextmanager
def beating(folder: RunFolder, *, on: bool, between: float = BETWEEN) -> Iterator[None]:
    """Opens a stretch in which the log has a line now and then that the process works.

    Whatever it does meanwhile: a pass over all rows tells nothing for minutes.

    Args:
        folder: The run whose log grows.
        on: Whether it is wanted: where a limit counts the seconds of killed processes too.
        between: Seconds from one line to the next.
    """
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(between):
            with suppress(StorageError):  # the run itself will say so
                folder.log("alive", {})

    heart = threading.Thread(target=beat, daemon=True)
    if on:
        heart.start()
    try:
        yield
    finally:
        ended.set()
        if on:
            heart.join()


class Logged:
    """Writes words, phases and epochs down as they happen, those of folds too.

    Args:
        folder: The run whose log grows.
        progress: Is told everything as well.
    """

    def __init__(self, folder: RunFolder, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress

    def say(self, sentence: str) -> None:
        """Writes the sentence down and passes it on."""
        self._folder.log("say", {"words": sentence})
        self._progress.say(sentence)

    def start_phase(self, name: str, line: str, *, steps: int) -> None:
        """Writes down what begins and passes it on."""
        self._folder.log("phase", {"name": name, "line": line, "steps": steps})
        self._progress.start_phase(name, line, steps=steps)

    def step(self, done: int, *, rate: float, loss: float) -> None:
        """Passes the step on: there are too many for the log."""
        self._progress.step(done, rate=rate, loss=loss)

    def epoch(self, record: EpochRecord) -> None:
        """Writes down what a pass came to and passes it on."""
        self._folder.log("epoch", vars(record))
        self._progress.epoch(record)

    def finish(self) -> None:
        """Passes the end on."""
        self._progress.finish()
