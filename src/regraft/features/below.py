"""Makes what a lower level stored of a chunk's rows into what a higher one starts from."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from regraft.backbones.modes import DTYPES
from regraft.features.level import Chunk, Level
from regraft.features.numbers import stacked, tensor_of
from regraft.features.rowkeys import Keys
from regraft.features.store import Store


@dataclass(frozen=True)
class Below:
    """Where the line was before it moved up.

    Args:
        level: The lower level.
        store: What it made of rows.
    """

    level: Level
    store: Store

    def of(self, chunk: Chunk, keys: Keys) -> tuple[int, Tensor] | None:
        """Returns the lower position and the chunk's activations there, filled up to its size.

        None where a row of the chunk is not stored.

        Args:
            chunk: B rows, which go through both levels in the same shape.
            keys: (B, 16) theirs.
        """
        segments, numbers = self.store.find(keys)
        if (segments < 0).any():
            return None
        fill = np.zeros(chunk.size, np.int64)
        fill[: len(keys)] = np.arange(len(keys))
        rows = list(self.store.rows(segments[fill], numbers[fill]))
        made = stacked(rows, chunk.extent or len(rows[0]))
        return self.level.line, tensor_of(made, DTYPES[self.level.mode.precision])
