"""Makes lines of `log.jsonl` from what a training tells, at once, and passes it on."""

from regraft.runs.fitting.folder import RunFolder
from regraft.training.progress import EpochRecord, Progress


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
