"""Defines how training tells what it does: `Progress`, silent or as plain lines."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol, TextIO

from regraft.errors import harmless

SECONDS_BETWEEN_LINES = 1.0


@dataclass(frozen=True)
class EpochRecord:
    """What one pass over the training rows came to.

    Args:
        phase: Name of the phase.
        epoch: Number of the pass, from 1, counted in its phase.
        epochs: Passes of the phase.
        train_loss: Mean loss on the training rows.
        train_accuracy: A fraction in [0, 1], or None where it was not measured.
        val_loss: Mean loss on the validation rows, or None where there are none.
        val_accuracy: A fraction in [0, 1], or None where there are no such rows.
        seconds: Of the pass, validation included.
        rows_per_second: Training rows a second, validation left out.
        rate: Learning rate of the head at the last step of the pass; 0 where it was solved.
        best: Whether no pass before was better on validation.
        gradient_norm: Mean over the steps, before long ones are scaled down; None where no
            steps were taken.
        scored: Whether the head is of any use by now: not while pairs of rows are learnt.
        signs: What was seen on rows of a target without labels, where it was drawn near.
    """

    phase: str
    epoch: int
    epochs: int
    train_loss: float
    train_accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    seconds: float
    rows_per_second: float
    rate: float
    best: bool = False
    gradient_norm: float | None = None
    scored: bool = True
    signs: dict[str, Any] | None = None


class Progress(Protocol):
    """Is told what happens, in the order in which it happens."""

    def say(self, sentence: str) -> None:
        """Takes one line of words."""

    def start_phase(self, name: str, line: str, *, steps: int) -> None:
        """Takes the name, the line in words and the number of steps of a phase."""

    def step(self, done: int, *, rate: float, loss: float) -> None:
        """Takes the steps done in this phase, the learning rate and the loss."""

    def epoch(self, record: EpochRecord) -> None:
        """Takes what a pass came to."""

    def finish(self) -> None:
        """Is called once, when nothing more will happen."""


class Silent:
    """Says nothing."""

    def say(self, sentence: str) -> None:
        """Says nothing."""

    def start_phase(self, name: str, line: str, *, steps: int) -> None:
        """Says nothing."""

    def step(self, done: int, *, rate: float, loss: float) -> None:
        """Says nothing."""

    def epoch(self, record: EpochRecord) -> None:
        """Says nothing."""

    def finish(self) -> None:
        """Says nothing."""


class Lines:
    """Writes plain lines to a stream: every epoch, and at most one step a second.

    Args:
        stream: Where lines go, such as standard error.
        clock: Seconds from any fixed moment.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._name = ""
        self._steps = 0
        self._last = clock()

    def say(self, sentence: str) -> None:
        """Writes the sentence."""
        put_line(self._stream, sentence)

    def start_phase(self, name: str, line: str, *, steps: int) -> None:
        """Writes what begins."""
        self._name, self._steps, self._last = name, steps, self._clock()
        self.say(f"{name}: {line}, {steps} steps" if line else f"{name}: {steps} steps")

    def step(self, done: int, *, rate: float, loss: float) -> None:
        """Writes where the phase is, unless a step was written less than a second ago."""
        now = self._clock()
        if now - self._last >= SECONDS_BETWEEN_LINES:
            self._last = now
            self.say(f"{self._name}: step {done}/{self._steps}, loss {loss:.4f}, rate {rate:.2e}")

    def epoch(self, record: EpochRecord) -> None:
        """Writes what the pass came to."""
        self.say(epoch_words(record))

    def finish(self) -> None:
        """Needs to do nothing: every line is out."""


def put_line(stream: TextIO, line: str) -> None:
    """Writes a line at once; a reader that has gone away is no reason to stop."""
    try:
        stream.write(harmless(line) + "\n")
        stream.flush()
    except BrokenPipeError:
        silence(stream)


def silence(stream: TextIO) -> None:
    """Lets a stream that nobody can read lead nowhere: Python flushes it once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def told_rows(say: Callable[[str], None], total: int, *, verb: str) -> Callable[[int], None]:
    """Returns what says how many of `total` rows are done; all at once are not worth a word.

    Args:
        say: Told one line at a time.
        total: Rows.
        verb: What is done to them, such as `predicted`.

    >>> told = told_rows(print, 5000, verb="scored")
    >>> told(2048), told(5000)
    scored 2,048 of 5,000 rows
    scored 5,000 of 5,000 rows
    (None, None)
    """
    seen: list[int] = []

    def told(done: int) -> None:
        if seen or done < total:
            seen.append(done)
            say(f"{verb} {done:,} of {total:,} rows")

    return told


def epoch_words(record: EpochRecord) -> str:
    """Returns one line on a pass: losses, accuracies, seconds.

    >>> epoch_words(EpochRecord("head", 1, 3, 0.52, 0.8, 0.41, 0.85, 2.0, 512.0, 1e-3, True))
    'head: epoch 1/3, train loss 0.520 (80.0 %), val loss 0.410 (85.0 %), 2.0 s, best so far'
    """
    parts = [f"{record.phase}: epoch {record.epoch}/{record.epochs}"]
    parts.append(f"train loss {record.train_loss:.3f}{_percent(record.train_accuracy)}")
    if record.val_loss is not None:
        parts.append(f"val loss {record.val_loss:.3f}{_percent(record.val_accuracy)}")
    parts.append(f"{record.seconds:.1f} s")
    return ", ".join([*parts, "best so far"] if record.best else parts)


def _percent(accuracy: float | None) -> str:
    return "" if accuracy is None else f" ({100 * accuracy:.1f} %)"
