"""Keeps what each training of an adaptation came to, so that a stopped run goes on."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from regraft.training.keeping.keeper import Keeper, Kept


@dataclass(frozen=True)
class Units:
    """The trainings of one run, each with checkpoints and, when it is done, an outcome.

    Args:
        folder: Below which they lie.
        held: Outcomes that a full disk did not take.
    """

    folder: Path
    held: dict[str, Kept] = field(default_factory=dict)

    def keeper(self, name: str) -> Keeper:
        """Returns the keeper of a training's checkpoints."""
        self.folder.mkdir(exist_ok=True)
        return Keeper(self.folder / name)

    def outcome(self, name: str, train: Callable[[], Kept]) -> Kept:
        """Returns what a training came to: read where it is done, else trained and kept now.

        A full disk costs the outcome's copy, and nothing else.

        Args:
            name: Of the training; a name of a folder.
            train: Does it.
        """
        done = self.keeper(f"{name}-done")
        kept = done.latest()
        if kept is not None:
            return kept
        made = train()
        if done.save(made):
            self.keeper(name).clear()
        else:
            self.held[name] = made
        return made

    def read(self, name: str) -> Kept:
        """Returns what a training came to that is done."""
        kept = self.held.get(name) or self.keeper(f"{name}-done").latest()
        assert kept is not None, "it was done in this run"
        return kept

    def clear(self) -> None:
        """Removes all of them: the run is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)
