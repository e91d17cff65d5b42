"""Makes a run folder: claimed once, filled file by file, `result.json` last."""

import itertools
import json
import math
import os
import re
import shutil
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regraft.backbones.sources.seal import settle
from regraft.errors import SettingsError, StorageError
from regraft.features.segment import hold, holder

RESULT = "result.json"
SETTINGS = "run.toml"
LOG = "log.jsonl"
START = "start"
"""The event with which a process begins to work on a run."""
CHECKPOINTS = "checkpoints"
CONTROL = "control"
LEARNT = "rows-learnt.parquet"
"""The file of a run by which it knows the rows again that it learnt from."""
WRITTEN = (
    *(SETTINGS, LOG, RESULT, CHECKPOINTS, CONTROL, "model", "auto.json"),
    *(LEARNT, "predictions-test.parquet", "problems.csv", "report.html"),
)
"""All that a run puts into its folder."""
DRAFTS = (".tmp", ".building")
"""Behind a name while that is being written."""


@dataclass(frozen=True)
class RunFolder:
    """A run folder that this process claimed.

    Args:
        path: Where it is.
        made: Whether it was made for the run; else it was there, empty.
    """

    path: Path
    made: bool = True

    @property
    def begun(self) -> bool:
        """Says whether the settings are written: the run can be gone on with."""
        place = self.path / SETTINGS
        return place.is_file() and place.stat().st_size > 0

    @property
    def measured(self) -> bool:
        """Says whether the settings hold what was measured too: a run repeats with it."""
        return self.begun and "machine" in tomllib.loads((self.path / SETTINGS).read_text("utf-8"))

    def begin(self, settings: str) -> None:
        """Writes the settings and makes room for checkpoints: from here on a run can go on.

        Args:
            settings: The text of `run.toml`.

        Raises:
            StorageError: If the disk or a permission says no.
        """
        with self.writing(CHECKPOINTS) as place:
            place.mkdir(exist_ok=True)
        self.write(SETTINGS, settings)

    def write(self, name: str, text: str) -> None:
        """Writes a file whole: temporary name, fsync, rename.

        Raises:
            StorageError: If the disk or a permission says no.
        """
        place = self.path / name
        temporary = place.with_name(place.name + ".tmp")
        with self.writing(name):
            try:
                temporary.write_text(text, encoding="utf-8", errors="replace")
                settle(temporary)
                temporary.replace(place)
                settle(self.path)
            finally:
                temporary.unlink(missing_ok=True)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Opens a stretch in which a file is written; gives its path.

        Raises:
            StorageError: If the disk or a permission says no.
        """
        place = self.path / name
        try:
            yield place
        except OSError as error:
            reason = error.strerror or error
            raise StorageError(f"{place} cannot be written ({reason})") from error

    def log(self, event: str, content: Mapping[str, Any]) -> None:
        """Adds a line to `log.jsonl`, below one that was cut short."""
        line = {"time": round(time.time(), 3), "event": event, **content}
        text = json.dumps(plain(line), ensure_ascii=False, allow_nan=False) + "\n"
        with (
            self.writing(LOG) as place,
            place.open("a", encoding="utf-8", errors="replace") as stream,
        ):
            stream.write(f"\n{text}" if _cut_short(place) else text)

    def spent(self) -> float:
        """Returns the seconds that earlier processes worked on the run, as far as the log tells.

        Each begins with an event `start`, which tells the seconds before it; a line that a
        kill has cut is passed over.
        """
        place = self.path / LOG
        if not place.exists():
            return 0.0
        lives: list[tuple[float, float]] = []
        for line in place.read_text("utf-8", "replace").splitlines():
            try:
                entry = json.loads(line)
                at, begins = float(entry["time"]), entry["event"] == START
                before = float(entry.get("before", 0.0))
            except (ValueError, TypeError, KeyError):
                continue
            first = at - before if begins or not lives else lives.pop()[0]
            lives.append((first, at))
        return sum(max(0.0, last - first) for first, last in lives)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Writes the result: from here on the run is complete."""
        document = json.dumps(plain(result), ensure_ascii=False, allow_nan=False, indent=2)
        self.write(RESULT, document)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Opens a stretch in which this process alone works on the run.

        The folder itself is held: no file tells of it, and a process that was killed holds
        nothing. Where a system holds no folders, nobody is refused.

        Raises:
            SettingsError: If another one works on it.
        """
        number = _opened(self.path)
        try:
            if number is not None and not hold(number):
                raise _busy(self.path)
            yield
        finally:
            if number is not None:
                os.close(number)

    def sweep(self) -> None:
        """Removes what a killed process left half-written."""
        for path in self.path.glob("*.tmp"):
            path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Removes the folder; of one that was there before, what the run wrote into it."""
        if self.made:
            shutil.rmtree(self.path, ignore_errors=True)
            return
        for name, draft in itertools.product(WRITTEN, ("", *DRAFTS)):
            place = self.path / f"{name}{draft}"
            shutil.rmtree(place, ignore_errors=True)
            with suppress(OSError):  # a full or locked disk must not hide why the run failed
                place.unlink(missing_ok=True)


def _opened(folder: Path) -> int | None:
    """Returns the number of an open folder, or None where it is not there or cannot be opened."""
    try:
        return os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:
        return None


def _busy(folder: Path) -> SettingsError:
    number = holder(folder)
    who = "" if number is None else f" (pid {number})"
    return SettingsError(
        f"{folder} is being worked on by another process{who}",
        hint="waiting until it is done, or another --out",
    )


def _cut_short(log: Path) -> bool:
    """Says whether a kill or a full disk has left half a line at the end."""
    if not log.stat().st_size:
        return False
    with log.open("rb") as stream:
        stream.seek(-1, 2)
        return stream.read() != b"\n"


def plain(value: Any) -> Any:
    """Returns the same data with null for numbers that JSON lacks.

    >>> plain({"loss": [1.5, float("nan")]})
    {'loss': [1.5, None]}
    """
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def check_free(out: Path | None) -> None:
    """Refuses a place that is taken, before any work is done.

    Args:
        out: Where the run shall go; None = a new numbered folder, always free.

    Raises:
        SettingsError: If it is a file or a folder with something in it.
        StorageError: If nobody can tell.
    """
    try:
        taken = out is not None and out.exists() and not (out.is_dir() and _is_empty(out))
    except OSError as error:  # A folder that must not be entered, or a name too long for any.
        raise StorageError(f"{out} cannot be made ({error.strerror})") from error
    if out is not None and taken:
        raise _taken(out)


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def claim(out: Path | None, data: str, *, strategy: str) -> RunFolder:
    """Returns a new run folder, made in one step so that two runs never share one.

    Args:
        out: As typed; None = `runs/DATA-STRATEGY-NNN`.
        data: Name of the data.
        strategy: Name of the strategy.

    Raises:
        SettingsError: If the place is taken.
        StorageError: If the folder cannot be made.
    """
    check_free(out)
    try:
        if out is not None:
            return _typed(out)
        return RunFolder(_numbered(Path("runs"), f"{_plain(data)}-{_plain(strategy)}"))
    except OSError as error:
        raise StorageError(f"{out or 'runs'} cannot be made ({error.strerror})") from error


def _typed(out: Path) -> RunFolder:
    """Takes a folder that may be there, empty: the one who makes its first file has it."""
    there = out.is_dir()
    out.mkdir(parents=True, exist_ok=True)
    try:
        (out / SETTINGS).open("x").close()
    except FileExistsError:
        raise _taken(out) from None
    return RunFolder(out, made=not there)


def _numbered(parent: Path, stem: str) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        place = parent / f"{stem}-{number:03d}"
        try:
            place.mkdir()
        except FileExistsError:
            number += 1
        else:
            return place


def _taken(out: Path) -> SettingsError:
    return SettingsError(
        f"{out} exists already",
        expected="a folder that does not exist or is empty",
        hint=f"--out {_free_name(out)}",
    )


def _free_name(out: Path) -> Path:
    # `.`, `..` and `/` have no name beside which another could stand: one inside is free.
    stem = out / "run" if out.name in ("", "..") else out
    number = 2
    while stem.with_name(f"{stem.name}-{number}").exists():
        number += 1
    return stem.with_name(f"{stem.name}-{number}")


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "run"
