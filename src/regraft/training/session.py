"""Defines a session: everything that moves while the phases of one run are worked."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regraft.backbones.chain import Chain
from regraft.backbones.graft import Grafted, Head
from regraft.backbones.vocabulary import Reduced
from regraft.backbones.weights import state_of
from regraft.data.encode import Encoded
from regraft.data.spec import InputSpec
from regraft.features.cached import Cache, pooled
from regraft.features.level import Level
from regraft.features.pooled import logits
from regraft.freezing.cost import Paces
from regraft.freezing.ledger import Ledger
from regraft.freezing.proof import Stretch
from regraft.freezing.witness import Witness
from regraft.training.aligning.discriminator import Discriminator
from regraft.training.keeping.keeper import Keeper
from regraft.training.keeping.place import Place
from regraft.training.optimiser import make_optimiser
from regraft.training.options import Options
from regraft.training.phase import Phase
from regraft.training.precision import Verdict
from regraft.training.progress import EpochRecord, Progress
from regraft.training.selecting import selection_key

Labels = npt.NDArray[np.int64]
Key = tuple[float, float]
Verdicts = tuple[Key, dict[str, Any]]
"""What is made large, and the signs that it was made from, as plain data."""


@dataclass(frozen=True)
class Examples:
    """Encoded rows with their (N,) labels.

    Args:
        rows: As the network is fed them.
        labels: Of each.
        units: (N,) numbers, equal for rows that belong together; None = each is alone.
    """

    rows: Encoded
    labels: Labels
    units: Labels | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Best:
    """The best checkpoint so far: its place in time and its weights.

    Its share is that of the way from the start, where the two were averaged.
    """

    key: Key
    phase: str
    epoch: int
    step: int
    state: dict[str, Tensor]
    val_logits: npt.NDArray[np.float32]
    share: float | None = None


@dataclass
class Session:
    """One network on its way through the phases.

    Args:
        network: The grafted network.
        chain: Its trunk's blocks.
        train: Rows that move weights.
        val: Rows that choose the checkpoint; may be empty.
        verdict: Modes of training and inference.
        options: What holds for the whole run.
        progress: Told of every step and epoch.
        spec: How the network is fed; a part of the cache's keys.
        cache: Of features of what is frozen.
        entry: Where the batches enter the network; None = at the input.
        lower: Where they entered before the line moved up, in this phase or from the one before.
        passing: Keys of the levels that were kept at lines which a phase came to.
        decided: The line for which it was decided whether what lies below is kept, and
            whether it is; None = nothing was decided in this phase.
        piece: Rows of a batch that go through the network at once: less than all where the
            device's memory was too small.
        keeper: Of checkpoints, if they are kept.
        fork: Takes one more checkpoint: where the threshold froze for the first time.
        source: Rows of another data set that a phase mixes in; labels from K up are of its
            own classes.
        source_head: Their own head, where these are others than the target's.
        target: Rows of another domain, their labels -1, where a phase draws it near.
        lent: Rows of it whose labels are known, and learnt beside the source's; None = none.
        lent_times: How many rows of the source each of these counts as.
        proportions: (K,) estimated shares of the classes in it; None = equal ones.
        discriminator: Tells the two domains apart, where that is a part of the loss.
        criterion: Judges the network as it stands without a label of the target, in phases
            that draw it near; None = the validation rows do, as elsewhere.
        mixed: The rows of the epoch, where others than the training rows are among them.
        coming: Phases after the one that is worked.
        names: The classes' names as rows, where a head is made from them.
        reduced: The token table, while it holds only the rows that the texts use.
        fresh: Draws random weights for the trunk.
        start: The trunk's weights as they came, where a phase asks for them.
        start_head: The head's before the trunk moved, likewise.
        digest: SHA-256 of the rows, once a checkpoint has asked for it.
        pieces: Names of the tensors of each piece that was frozen above the line.
    """

    network: Grafted
    chain: Chain
    train: Examples
    val: Examples
    verdict: Verdict
    options: Options
    progress: Progress
    step: int = 0
    epoch: int = 0
    best: Best | None = None
    records: list[EpochRecord] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    stretches: list[Stretch] = field(default_factory=list)
    still: frozenset[int] = frozenset()
    witness: Witness | None = None
    spec: InputSpec | None = None
    cache: Cache = field(default_factory=lambda: Cache(on=False))
    entry: Level | None = None
    lower: Level | None = None
    passing: set[str] = field(default_factory=set)
    decided: tuple[int, bool] | None = None
    piece: int = sys.maxsize
    paces: Paces = field(default_factory=Paces)
    keeper: Keeper | None = None
    fork: Keeper | None = None
    source: Examples | None = None
    source_head: Head | None = None
    target: Examples | None = None
    lent: Examples | None = None
    lent_times: int = 1
    proportions: Tensor | None = None
    discriminator: Discriminator | None = None
    criterion: "Callable[[Session], Verdicts] | None" = None
    mixed: Examples | None = None
    joined: tuple[Examples, Examples, Examples] | None = None
    coming: list[Phase] = field(default_factory=list)
    names: Encoded | None = None
    reduced: Reduced | None = None
    fresh: Callable[[], dict[str, Tensor]] | None = None
    start: dict[str, Tensor] = field(default_factory=dict)
    start_head: dict[str, Tensor] = field(default_factory=dict)
    place: Place = field(default_factory=Place)
    left_state: str | None = None
    digest: str = ""
    pieces: dict[str, frozenset[str]] = field(default_factory=dict)
    val_logits: list[npt.NDArray[np.float32]] = field(default_factory=list)
    _pooled: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    _tuned: bool = False
    _optimiser: torch.optim.Optimizer | None = None

    @property
    def optimiser(self) -> torch.optim.Optimizer:
        """One for the whole run: what moves again finds its moments."""
        if self._optimiser is None:
            kind = self.options.optimizer
            heads = [self.network.head, *([self.source_head] if self.source_head else [])]
            self._optimiser = make_optimiser(
                self.network.trunk,
                self.chain,
                heads=heads,
                kind=kind,
                discriminator=self.discriminator,
            )
        return self._optimiser

    @property
    def labels(self) -> Labels:
        """(N,) of the rows of the epoch."""
        return (self.mixed or self.train).labels

    @property
    def unlabelled_from(self) -> int:
        """Number of the first row of the target, where it stands behind those with labels."""
        return len(self.train) + (len(self.lent) if self.lent is not None else 0)

    @property
    def top(self) -> int:
        """P, the number of the trunk's blocks."""
        return len(self.chain.blocks)

    def level(self, line: int) -> Level:
        """Returns the prefix below a line as it stands."""
        mode = self.verdict.inference
        return Level(self.network, self.chain, line, self.spec, mode, self.reduced)

    def pooled(self, part: str, indices: Labels | None = None) -> npt.NDArray[np.float32]:
        """Returns (N, D) features of `train` or `val` for the trunk as it stands.

        Args:
            part: Which rows.
            indices: (N,) rows wanted; None = all, which are then kept while the trunk rests.
        """
        rows = {"train": self.train, "val": self.val}[part].rows
        # No other run has a trunk that was trained: its features are not worth the disk.
        cache = Cache(on=False) if self._tuned else self.cache
        if indices is not None and part not in self._pooled:
            return pooled(self.level(self.top), rows.take(indices), cache=cache)
        if part not in self._pooled:
            self._pooled[part] = pooled(self.level(self.top), rows, cache=cache)
        kept = self._pooled[part]
        return kept if indices is None else kept[indices]

    def keep_pooled(self, part: str, features: npt.NDArray[np.float32]) -> None:
        """Takes features computed elsewhere for the trunk as it stands now."""
        self._pooled[part] = features

    def trunk_moved(self) -> None:
        """Drops the features: the trunk that made them is no more."""
        self._pooled.clear()
        self._tuned = True

    def evaluate(self) -> npt.NDArray[np.float32]:
        """Returns (M, K) logits of the validation rows."""
        return logits(self.network, self.val.rows, mode=self.verdict.inference)

    def chosen_logits(self) -> npt.NDArray[np.float32]:
        """Returns the (M, K) validation logits of the best checkpoint."""
        assert self.best is not None, "asked before the first epoch"
        return self.best.val_logits

    def weights(self) -> Tensor | None:
        """Returns the (K,) class weights on the device, or None."""
        values = self.options.class_weights
        return None if values is None else torch.from_numpy(values).to(self.device)

    @property
    def device(self) -> str:
        """Where the network is."""
        return self.verdict.training.device

    @property
    def out_of_time(self) -> bool:
        """Says whether the deadline has passed."""
        return time.monotonic() > self.options.deadline

    def enough(self, without: int, *, seconds: float = 0.0) -> bool:
        """Says whether a phase ends early: patience or time is used up.

        Args:
            without: Epochs since the last one that was better.
            seconds: What another epoch would take.
        """
        patience = self.options.patience
        late = time.monotonic() + seconds > self.options.deadline
        return late or (patience is not None and without >= patience)

    def consider(
        self,
        phase: str,
        epoch: int,
        *,
        val_logits: npt.NDArray[np.float32],
        key: Key | None = None,
    ) -> bool:
        """Keeps the weights when the validation score is the best so far; says whether.

        Without validation rows the last weights are the best.

        Args:
            phase: Its name.
            epoch: Its number.
            val_logits: (M, K) of the validation rows.
            key: What is made large where it is not the validation score.
        """
        self.val_logits.append(val_logits)
        judged = bool(len(self.val)) if key is None else True
        if key is None:
            key = selection_key(val_logits, self.val.labels, options=self.options)
        if self.best is not None and judged and key <= self.best.key:
            return False
        self.best = Best(key, phase, epoch, self.step, state_of(self.network), val_logits)
        return True
