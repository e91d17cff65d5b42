"""Gives the place that each row of a table came from, made when asked for."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import overload

import numpy as np
import numpy.typing as npt

from regraft.data.rows import Origin


class LineOrigins(Sequence[Origin]):
    """Gives the origin of each row of one file, made when asked for.

    Args:
        file: As shown in messages.
        lines: Line of each row, or a range of row numbers.
    """

    def __init__(self, file: str, lines: Sequence[int] | npt.NDArray[np.int64]) -> None:
        self._file = file
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, index: int) -> Origin: ...
    @overload
    def __getitem__(self, index: slice) -> "LineOrigins": ...
    def __getitem__(self, index: int | slice) -> "Origin | LineOrigins":
        if isinstance(index, slice):
            return LineOrigins(self._file, self._lines[index])
        return Origin(self._file, int(self._lines[index]))


class FileOrigins(Sequence[Origin]):
    """Gives the origin of each row that is a file, made when asked for."""

    def __init__(self, shown: str, files: Sequence[str]) -> None:
        self._shown = shown
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    @overload
    def __getitem__(self, index: int) -> Origin: ...
    @overload
    def __getitem__(self, index: slice) -> "FileOrigins": ...
    def __getitem__(self, index: int | slice) -> "Origin | FileOrigins":
        if isinstance(index, slice):
            return FileOrigins(self._shown, self._files[index])
        prefix = f"{self._shown}/" if self._shown else ""
        return Origin(prefix + self._files[index])


class JoinedOrigins(Sequence[Origin]):
    """Gives the origins of several tables one after another, made when asked for."""

    def __init__(self, origins: Sequence[Sequence[Origin]]) -> None:
        self._origins = origins
        self._ends = list(accumulate(map(len, origins)))

    def __len__(self) -> int:
        return self._ends[-1]

    @overload
    def __getitem__(self, index: int) -> Origin: ...
    @overload
    def __getitem__(self, index: slice) -> list[Origin]: ...
    def __getitem__(self, index: int | slice) -> Origin | list[Origin]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        table = bisect_right(self._ends, index)
        return self._origins[table][index - (self._ends[table] - len(self._origins[table]))]
