"""Keeps what each training of an adaptation came to, so that a stopped run goes on."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from regraft.data.starters.wheels import Say
from regraft.training.keeping.checkpoint import check_rows
from regraft.training.keeping.keeper import Keeper, Kept

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Units:
    """The trainings of one run, each with checkpoints and, when it is done, an outcome.

    Args:
        folder: Below which they lie.
        digest: Of the rows of both domains.
        say: Told of what is damaged.
        held: Outcomes that a full disk did not take.
    """

    folder: Path
    digest: str
    say: Say = lambda sentence: None
    held: dict[str, Kept] = field(default_factory=dict)

    def keeper(self, name: str) -> Keeper:
        """Returns the keeper of a training's checkpoints."""
        self.folder.mkdir(exist_ok=True)
        return Keeper(self.folder / name, say=self.say)

    def outcome(self, name: str, train: Callable[[], Kept]) -> Kept:
        """Returns what a training came to: read where it is done, else trained and kept now.

        A full disk costs the outcome's copy, and nothing else.

        Args:
            name: Of the training; a name of a folder.
            train: Does it.

        Raises:
            DataError: If it was done on other rows.
        """
        done = self.keeper(f"{name}-done")
        kept = done.latest()
        if kept is not None:
            check_rows(kept.content["rows"], now=self.digest)
            return kept
        if done.damaged:
            self.say(f"what {name} came to is not whole: it is done once more")
        made = train()
        made = replace(made, content={**made.content, "rows": self.digest})
        if done.save(made):
            self.keeper(name).clear()
        else:
            self.held[name] = made
        return made

    def rows(self, name: str, draw: Callable[[], Rows]) -> Rows:
        """Returns (M,) numbers of rows that were drawn: read where they are, else drawn now.

        Args:
            name: Of the draw; a name of a folder.
            draw: Does it.
        """
        kept = self.outcome(name, lambda: Kept({"rows": torch.from_numpy(draw())}, {}))
        return kept.tensors["rows"].numpy()

    def read(self, name: str) -> Kept:
        """Returns what a training came to that is done."""
        kept = self.held.get(name) or self.keeper(f"{name}-done").latest()
        assert kept is not None, "it was done in this run"
        return kept

    def clear(self) -> None:
        """Removes all of them: the run is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)
