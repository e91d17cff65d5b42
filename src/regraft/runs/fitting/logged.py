"""Makes lines of `log.jsonl` from what a training tells, and reads from them what failed."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from regraft.errors import (
    DamagedFileError,
    DataError,
    GuardError,
    RegraftError,
    SettingsError,
    StorageError,
    UserError,
)
from regraft.runs.fitting.folder import CHECKPOINTS, LOG, RunFolder
from regraft.runs.fitting.outcome import ReadBackError
from regraft.training.progress import EpochRecord, Progress

BETWEEN = 2.0
"""Seconds: what a killed process had worked is known to within these."""
TRAINS = ('"event": "phase"', '"event": "epoch"')
"""What lines of the log hold from which on there is something to lose."""


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

    A disk that says no costs lines, and no training.

    Args:
        folder: The run whose log grows.
        progress: Is told everything as well.
    """

    def __init__(self, folder: RunFolder, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        self._gaps = False

    def say(self, sentence: str) -> None:
        """Writes the sentence down and passes it on."""
        self._log("say", {"words": sentence})
        self._progress.say(sentence)

    def start_phase(self, name: str, line: str, *, steps: int) -> None:
        """Writes down what begins and passes it on."""
        self._log("phase", {"name": name, "line": line, "steps": steps})
        self._progress.start_phase(name, line, steps=steps)

    def step(self, done: int, *, rate: float, loss: float) -> None:
        """Passes the step on: there are too many for the log."""
        self._progress.step(done, rate=rate, loss=loss)

    def epoch(self, record: EpochRecord) -> None:
        """Writes down what a pass came to and passes it on."""
        self._log("epoch", vars(record))
        self._progress.epoch(record)

    def finish(self) -> None:
        """Passes the end on."""
        self._progress.finish()

    def _log(self, event: str, content: Mapping[str, Any]) -> None:
        try:
            self._folder.log(event, content)
        except StorageError as error:
            if not self._gaps:
                self._gaps = True
                self._progress.say(f"warning: {error}; the run goes on, and its log has gaps")


def began_training(folder: RunFolder) -> bool:
    """Says whether the training of a run began, as far as its log and its checkpoints tell."""
    text = ""
    with suppress(OSError):
        text = (folder.path / LOG).read_text("utf-8", "replace")
    kept = (folder.path / CHECKPOINTS).rglob("*.json")
    return any(words in text for words in TRAINS) or any(kept)


def leaves_folder(folder: RunFolder, error: BaseException) -> bool:
    """Says whether a run that failed leaves its folder.

    A mistake of the user leaves nothing; what was stopped, failed or was refused by a guard keeps
    its log, and rows that could not be used any more keep what was trained before.

    Args:
        folder: Of the run.
        error: That ended it.
    """
    if not (folder.path / LOG).exists() or isinstance(error, SettingsError):
        return False
    return not isinstance(error, UserError) or began_training(folder)


def goes_on(folder: RunFolder, error: BaseException) -> bool:
    """Says whether a run that left its folder has something to go on with.

    Not where it would come to the same end: at a guard, or a model that is not read back.

    Args:
        folder: Of the run.
        error: That ended it.
    """
    if isinstance(error, KeyboardInterrupt):
        return True
    if isinstance(error, GuardError | ReadBackError) or not isinstance(error, RegraftError):
        return False
    return leaves_folder(folder, error) and began_training(folder)


@contextmanager
def files_stay(folder: RunFolder) -> Iterator[None]:
    """Opens a stretch in which files are read that were read before the training.

    Args:
        folder: Of the run.

    Raises:
        DamagedFileError: If one of them cannot be read any more.
    """
    try:
        yield
    except DataError as error:
        if not (isinstance(error.__cause__, OSError) and began_training(folder)):
            raise
        given = f"{error.given}, and before the training it was read"
        raise DamagedFileError(given, expected=error.expected, hint="putting it back") from error
