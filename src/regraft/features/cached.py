"""Makes features of rows at a level: read where they are stored, else computed and stored."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from regraft.data.encode import Encoded
from regraft.data.mapped.room import room_for
from regraft.errors import GuardError
from regraft.features import shelf
from regraft.features.below import Below
from regraft.features.level import Level
from regraft.features.numbers import Array
from regraft.features.rowkeys import Keys, row_keys
from regraft.features.store import Growing, Store

Indices = npt.NDArray[np.int64]
Say = Callable[[str], None]
BESIDE = 24
"""Bytes of a stored row besides its numbers: its key and its length."""
SAMPLE = 64
"""Stored rows that are computed anew where that is asked for."""
BLOCK = 1024
"""Stored rows handed on at once."""


@dataclass
class Tally:
    """What the cache did in a run.

    Args:
        read: Rows that were found.
        computed: Rows that were not.
        advanced: Those of them that were made from a lower level, not from the input.
        seconds: That these took.
        bytes: That were written.
        trouble: Why nothing could be written, or the empty string.
        checked: Rows that were read and computed anew, and were the same.
        worth: Of each phase that could be fed from the cache, what decided.
        hit: Whether rows were found that another run had stored.
        levels: Keys of the prefixes that were looked up: what is found later may be the run's own.
        damaged: Whether something stored was damaged.
        dropped: Whether others dropped something stored before it was read.
    """

    read: int = 0
    computed: int = 0
    advanced: int = 0
    seconds: float = 0.0
    bytes: int = 0
    trouble: str = ""
    checked: int = 0
    worth: list[dict[str, Any]] = field(default_factory=list)
    hit: bool = False
    levels: set[str] = field(default_factory=set)
    damaged: bool = False
    dropped: bool = False

    def found(self, level: str, rows: int) -> None:
        """Counts rows that were found at a level, by its key."""
        self.read += rows
        self.hit |= rows > 0 and level not in self.levels
        self.levels.add(level)

    def as_json(self) -> dict[str, Any]:
        """Returns plain data for `result.json`."""
        return {
            "hit": self.hit,
            "read": self.read,
            "computed": self.computed,
            "advanced": self.advanced,
            "checked": self.checked,
            "fill_seconds": round(self.seconds, 3),
            "bytes": self.bytes,
            "trouble": self.trouble,
            "worth": self.worth,
        }


@dataclass
class Cache:
    """The cache as one run uses it.

    Args:
        on: Whether anything is read or stored; without it everything is computed anew, in
            chunks of the same shapes.
        say: Told once where the disk says no, and once of damage.
        check: Whether a sample of what is read is computed anew and compared.
        tally: What it did so far.
        decided: Whether what a prefix makes is kept, by what was asked: of an earlier run, which
            is to be repeated, and of this one.
        unfit: Keys of the levels that the disk or the device's memory has once been too small for.
        halved: Keys of the levels of which a chunk went through in halves, so that it was not
            stored: the device's memory is too small for it.

    Raises:
        SettingsError: If it is on and its limit cannot be used.
    """

    on: bool = True
    say: Say = print
    check: bool = False
    tally: Tally = field(default_factory=Tally)
    decided: dict[str, bool] = field(default_factory=dict)
    unfit: set[str] = field(default_factory=set)
    halved: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.on:
            shelf.limit()  # said before there is something to store, which may be never

    def complain(self, error: OSError) -> None:
        """Notes why nothing can be stored, and says so the first time."""
        if not self.tally.trouble:
            self.tally.trouble = str(error.strerror or error)
            self.say(f"features cannot be stored ({self.tally.trouble}): they are computed anew")

    def notice(self, store: Store) -> None:
        """Sweeps a store that was looked into; says the first time that it was damaged."""
        if store.sweep() and not self.tally.damaged:
            self.tally.damaged = True
            self.say("stored features were damaged and are computed again")

    def tell_dropped(self) -> None:
        """Says the first time that others dropped what was stored."""
        if not self.tally.dropped:
            self.tally.dropped = True
            self.say("stored features were dropped by another process and are computed again")


def pooled(level: Level, rows: Encoded, *, cache: Cache) -> npt.NDArray[np.float32]:
    """Returns (N, D) pooled features, those that are stored read, the others computed.

    Args:
        level: At the trunk's end.
        rows: N rows.
        cache: Whether and where features are kept.
    """
    assert level.pooled, "only a whole trunk is pooled"
    result = np.empty((len(rows), 0), np.float32)
    for indices, arrays in found_or_made(level, rows, cache=cache):
        values = np.concatenate(arrays)
        if not result.shape[1]:
            result = room_for((len(rows), values.shape[1]))
        result[indices] = values
    return result


def found_or_made(
    level: Level, rows: Encoded, *, cache: Cache, below: Below | None = None
) -> Iterator[tuple[Indices, list[Array]]]:
    """Yields all rows with what the prefix makes of them, stored ones first.

    Args:
        level: The prefix.
        rows: N rows.
        cache: Whether and where features are kept.
        below: Where the line was before, whose rows are carried on from.
    """
    if not cache.on:
        for chunk in level.chunks(rows):
            yield chunk.indices, level.pass_through(rows, chunk)
        return
    keys = row_keys(rows)
    store = shelf.open_store(level.key)
    segments, numbers = store.find(keys)
    cache.notice(store)
    known = np.flatnonzero(segments >= 0)
    if cache.check:
        _check(level, rows, (_sample(known), segments, numbers), store, cache)
    cache.tally.found(level.key, len(known))
    for start in range(0, len(known), BLOCK):
        some = known[start : start + BLOCK]
        yield some, list(store.rows(segments[some], numbers[some]))
    missing = np.flatnonzero(segments < 0)
    if len(missing):
        yield from _made(level, rows, (missing, keys), store, (cache, below))


def _sample(known: Indices) -> Indices:
    """Returns some of the stored rows, in another process others: all are looked at in time."""
    stride = max(1, len(known) // SAMPLE)
    return known[os.getpid() % stride :: stride]


def _check(
    level: Level,
    rows: Encoded,
    read: tuple[Indices, Indices, Indices],
    store: Store,
    cache: Cache,
) -> None:
    """Computes stored rows anew and compares them bit by bit.

    Raises:
        GuardError: If one is not what was stored.
    """
    sample, segments, numbers = read
    few = rows.take(sample)
    for chunk in level.chunks(few):
        places = sample[chunk.indices]
        stored = store.rows(segments[places], numbers[places])
        made = level.made(few, chunk)
        if not made.whole:  # where memory is short there is nothing to compare with
            continue
        for place, new, old in zip(places, made.arrays, stored, strict=True):
            if new.tobytes() != old.tobytes():
                raise GuardError(
                    f"the cache holds other features of row {place} than are computed now",
                    expected="the same, bit for bit",
                    hint="regraft cache clear",
                )
            cache.tally.checked += 1


def _made(
    level: Level,
    rows: Encoded,
    wanted: tuple[Indices, Keys],
    store: Store,
    kept: tuple[Cache, Below | None],
) -> Iterator[tuple[Indices, list[Array]]]:
    """Computes rows chunk by chunk, yields them, and stores them if the disk lets us."""
    (missing, keys), (cache, below) = wanted, kept
    few = rows if len(missing) == len(rows) else rows.take(missing)
    cache.tally.computed += len(missing)
    # The bytes of what is not pooled were counted before, and room was made for them.
    coming = len(missing) if level.pooled else 0
    with _Writer(store, cache, coming=coming, keep=kept_keys(level, below)) as writer:
        for chunk in level.chunks(few):
            started = time.perf_counter()
            own = keys[missing[chunk.indices]]
            lower = None if below is None else below.of(chunk, own)
            made = level.made(few, chunk, below=lower)
            cache.tally.advanced += 0 if lower is None else len(own)
            if made.whole:
                writer.add(own, made.arrays)
            else:
                cache.halved.add(level.key)
            if writer.refused:
                cache.unfit.add(level.key)
            cache.tally.seconds += time.perf_counter() - started
            yield missing[chunk.indices], made.arrays
    if writer.refused:  # in the end
        cache.unfit.add(level.key)
    if below is not None:
        cache.notice(below.store)


def kept_keys(level: Level, below: Below | None) -> set[str]:
    """Returns the keys of the stores that are in use while a level's is filled.

    Args:
        level: Whose store is filled.
        below: What it is filled from.
    """
    return {level.key} if below is None else {level.key, below.level.key}


class _Writer:
    """Writes a segment for as long as the disk lets us, and never fails for want of it.

    Args:
        store: Gets the segment.
        cache: Is told of trouble.
        coming: Rows for which no room was made before, all as wide as the first.
        keep: Keys of the stores that are not dropped to make room.
    """

    def __init__(self, store: Store, cache: Cache, *, coming: int, keep: set[str]) -> None:
        self._store, self._cache, self._coming, self._keep = store, cache, coming, keep
        self._stack = ExitStack()
        self._segment: Growing | None = None
        self._written = 0
        self.refused = False

    def __enter__(self) -> Self:
        return self

    def add(self, keys: Keys, arrays: list[Array]) -> None:
        """Adds rows, unless the disk said no before."""
        if self.refused:
            return
        try:
            if self._segment is None:
                self._segment = self._begun(arrays[0].nbytes)
            self._segment.add(keys, arrays)
            self._written += sum(array.nbytes for array in arrays)
        except OSError as error:
            self.refused = True
            with suppress(OSError):
                self._stack.__exit__(type(error), error, error.__traceback__)
            self._cache.complain(error)

    def _begun(self, width: int) -> Growing:
        """Makes room for rows of so many bytes and opens a segment.

        Raises:
            OSError: If the limit, the disk or a permission says no.
        """
        if not shelf.make_room(self._coming * (width + BESIDE), keep=self._keep):
            raise OSError(0, "no room left")
        return self._stack.enter_context(self._store.growing())

    def __exit__(self, *failure: Any) -> None:
        try:
            self._stack.__exit__(*failure)
        except OSError as error:
            self.refused = True
            self._cache.complain(error)
            return
        if self._written and not self.refused and failure[0] is None:
            self._cache.tally.bytes += self._written
            with suppress(OSError):
                shelf.trim()
