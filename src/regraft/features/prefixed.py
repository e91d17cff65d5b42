"""Makes batches that enter a network at the line: what lies below was computed before."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regraft.backbones.backbone import Batch
from regraft.backbones.graft import pool
from regraft.backbones.modes import DTYPES
from regraft.data.encode import Encoded
from regraft.features import shelf
from regraft.features.below import Below
from regraft.features.cached import BESIDE, Cache, found_or_made, kept_keys
from regraft.features.level import ACTIVATION, Level, entering
from regraft.features.numbers import Array, stacked, tensor_of
from regraft.features.rowkeys import row_keys
from regraft.features.store import Store
from regraft.features.worth import worth_of

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Prefixed:
    """N rows with what the prefix makes of them: read from memory maps, or computed again.

    Either way a row's numbers are the same, bit for bit, as they come from chunks of the
    same shapes.

    Args:
        rows: As the network is fed them.
        level: The prefix.
        store: Holds what it made; None = it is computed for every batch.
        segments: (N,) the segment of each row.
        numbers: (N,) its number in the segment.
    """

    rows: Encoded
    level: Level
    store: Store | None
    segments: Indices
    numbers: Indices

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def lengths(self) -> Indices:
        """(N,) relative cost of each row."""
        return self.rows.lengths

    def batch(self, indices: Indices) -> Batch:
        """Returns the rows' own tensors, and `activation` beside them."""
        batch = self.rows.batch(indices)
        made = self._made(indices)
        numbers = stacked(made, max(len(array) for array in made))
        return {**batch, ACTIVATION: tensor_of(numbers, DTYPES[self.level.mode.precision])}

    def _made(self, indices: Indices) -> list[Array]:
        if self.store is not None:
            return list(self.store.rows(self.segments[indices], self.numbers[indices]))
        few = self.rows.take(indices)
        found: list[Array] = [np.zeros(0)] * len(few)
        for chunk in self.level.chunks(few):
            arrays = self.level.pass_through(few, chunk)
            for place, array in zip(chunk.indices.tolist(), arrays, strict=True):
                found[place] = array
        return found


def decide(level: Level, rows: Encoded, *, cache: Cache, epochs: int, views: int) -> bool:
    """Says whether a phase is to be fed with what its prefix makes: where that pays.

    Args:
        level: The prefix below the phase's line.
        rows: N rows as an epoch shows them.
        cache: Whether features are kept.
        epochs: Of the phase.
        views: How many different ones of each row the phase shows; where it is another one
            in each epoch there is nothing to be read again.
    """
    if not cache.on or level.line == 0 or level.pooled or not len(rows) or views >= epochs:
        return False
    if not level.by_rows(rows):
        return False
    # The bytes of the weights depend on it, and a clock never says the same twice.
    asked = f"line {level.line}, {epochs} passes, {views} views"
    if asked not in cache.decided:
        worth = worth_of(level, rows)
        pays = worth.pays(epochs=epochs, views=views)
        cache.tally.worth.append({"line": level.line, **asdict(worth), "pays": pays})
        cache.decided[asked] = pays
    return cache.decided[asked]


def feed(level: Level, rows: Encoded, *, cache: Cache, lower: Level | None = None) -> Prefixed:
    """Returns rows with what the prefix makes of them, stored now where there is room.

    Args:
        level: The prefix below the line.
        rows: N rows as this epoch shows them.
        cache: Keeps them.
        lower: Where the line was before: what is stored there is carried on from.
    """
    below = None if lower is None else Below(lower, shelf.open_store(lower.key))
    found = None if level.key in cache.unfit else _stored(level, rows, cache, below)
    if found is not None:
        return found
    nowhere = np.full(len(rows), -1, np.int64)
    return Prefixed(rows, level, None, nowhere, nowhere)


def entered(level: Level, batch: Batch) -> Tensor:
    """Returns pooled features, (B, D), of a batch that enters at the level's line.

    Args:
        level: Names the network and the line.
        batch: From `Prefixed.batch`, on the network's device.
    """
    own, activation = entering(batch)
    assert level.chain is not None, "a level that is fed has a line"
    assert activation is not None, "made by `Prefixed.batch`"
    if not torch.is_autocast_enabled(activation.device.type):
        activation = activation.float()  # the pass that made it may have been in another precision
    output = level.chain.suffix(level.line, activation, batch=own)
    return pool(output, own, pooling=level.network.pooling)


def _stored(level: Level, rows: Encoded, cache: Cache, below: Below | None) -> Prefixed | None:
    """Returns rows with their places in the store, filled now; None where there is no room."""
    keys = row_keys(rows)
    store = shelf.open_store(level.key)
    missing = rows.lengths[store.find(keys)[0] < 0]
    cache.notice(store)
    keep = kept_keys(level, below)
    coming = int(missing.sum() * worth_of(level, rows).bytes) + BESIDE * len(missing)
    if not _has_room(coming, cache, keep):
        cache.unfit.add(level.key)  # else each epoch would measure and sweep anew
        return None
    for _ in found_or_made(level, rows, cache=cache, below=below):
        if level.key in cache.unfit:
            return None
    store.refresh()
    segments, numbers = store.find(keys)
    if (segments < 0).any():
        _tell_missing(level, cache)
        return None
    return Prefixed(rows, level, store, segments, numbers)


def _tell_missing(level: Level, cache: Cache) -> None:
    """Says why rows that were just made are not stored; for what others dropped may be room."""
    if level.key in cache.halved:
        cache.complain(OSError(0, "the device's memory is too small for a chunk"))
        cache.unfit.add(level.key)
    elif level.key not in cache.unfit:  # else that was told
        cache.tell_dropped()


def _has_room(coming: int, cache: Cache, keep: set[str]) -> bool:
    """Says whether there is room for so many bytes; tells why where there is none."""
    refused = OSError(0, "no room left")
    try:
        if shelf.make_room(coming, keep=keep):
            return True
    except OSError as error:  # a folder that may not be entered
        refused = error
    cache.complain(refused)
    return False
