"""Decides whether keeping activations pays, from timed passes, writes and reads."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from regraft.data.encode import Encoded
from regraft.data.starters.cache import kept_first
from regraft.data.texts import TokenRows
from regraft.features import shelf
from regraft.features.level import Level

REPEATS = 3
PLACE = "worth.json"


@dataclass(frozen=True)
class Worth:
    """What a row costs at a level.

    Args:
        compute: Seconds to compute it.
        write: Seconds to store it.
        read: Seconds to read it.
        bytes: On the disk, for each token of a text or pixel of an image's side.
    """

    compute: float
    write: float
    read: float
    bytes: float

    def pays(self, *, epochs: int, views: int) -> bool:
        """Says whether storing is cheaper than computing in every epoch.

        >>> Worth(1.0, 0.2, 0.1, 8).pays(epochs=3, views=1)
        True
        >>> Worth(1.0, 0.2, 0.1, 8).pays(epochs=3, views=3)
        False
        """
        made = min(views, epochs)
        return made * (self.compute + self.write) + epochs * self.read < epochs * self.compute


def worth_of(level: Level, rows: Encoded) -> Worth:
    """Returns what was measured at this level before, or measures it now.

    The figures are kept beside the store: a later run with the same level decides alike, and
    so does one that measures at the same time, by those that are kept first.

    Args:
        level: The prefix.
        rows: Of which the largest chunk is timed.
    """
    place = shelf.roof() / level.key / place_name(rows)
    known = _read(place)
    if known is None:
        made = _measured(level, rows)
        if not made.write:  # the disk was full: that was no measurement
            return made
        known = kept_first(place, made, text=json.dumps(asdict(made)), read=_read)
    return known


def place_name(rows: Encoded) -> str:
    """Returns the name of the file of figures: what an image costs depends on its size."""
    if isinstance(rows, TokenRows):
        return PLACE
    return PLACE.replace(".", f"-{'x'.join(map(str, rows.pixels.shape[1:3]))}.")


def _read(place: Path) -> Worth | None:
    try:
        return Worth(
            **{name: float(value) for name, value in json.loads(place.read_text()).items()}
        )
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _measured(level: Level, rows: Encoded) -> Worth:
    every = list(level.chunks(rows))
    chunk = max(every, key=lambda each: len(each.indices))
    count = len(chunk.indices)
    level.pass_through(rows, chunk)  # the first pass makes kernels
    compute = _median(lambda: level.pass_through(rows, chunk))
    content = b"".join(array.tobytes() for array in level.pass_through(rows, chunk))
    write, read = _disk_seconds(content)
    units = int(rows.lengths[chunk.indices].sum())
    return Worth(compute / count, write / count, read / count, len(content) / units)


def _disk_seconds(content: bytes) -> tuple[float, float]:
    """Returns the seconds of a write and of a read; noughts where the disk is full."""
    try:
        shelf.roof().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=shelf.roof(), prefix=".") as folder:
            place = Path(folder) / "rows"
            write = _median(lambda: place.write_bytes(content))
            return write, _median(lambda: np.array(np.memmap(place, np.uint8, mode="r")))
    except OSError:
        return 0.0, 0.0


def _median(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
