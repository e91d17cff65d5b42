"""Runs whole processes on the same cores, and takes their time and their memory."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

EVERY = 1.0
"""Seconds between two looks at the memory of a process that has children."""


@dataclass(frozen=True)
class Ran:
    """What a process printed and cost.

    Args:
        printed: Its standard output.
        seconds: From its start to its end.
        megabytes: The most memory of its largest process, or of all its processes together
            where these were seen to hold more.
    """

    printed: str
    seconds: float
    megabytes: float


def run_pinned(
    words: Sequence[str], *, cores: str, environment: Mapping[str, str] | None = None
) -> Ran:
    """Runs a command on some cores.

    Linux counts the memory of the process that starts another as that one's too, up to the
    moment when it begins: whoever calls this should be small, and load no torch.

    Args:
        words: The command.
        cores: As taskset takes them, such as `0,1`.
        environment: Variables beside those that are set.

    Raises:
        SystemExit: If it fails.
    """
    pinned = ["taskset", "-c", cores, *words]
    started = time.perf_counter()
    process = subprocess.Popen(
        pinned, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
    )
    together = Together(process.pid)
    assert process.stdout is not None
    with process.stdout:
        printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    seen = together.stop()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} failed ({process.returncode})")
    # The kernel's figure (in KiB) is that of the largest single process among all of them.
    return Ran(printed, seconds, max(usage.ru_maxrss * 1024 / 1e6, seen))


class Together:
    """Looks at the memory of a process and its children now and then, where there are children.

    Pages that several of them share are counted once (Linux' proportional set size). A process
    without children is left alone: the kernel knows its peak.
    """

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._done = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """Returns the most megabytes that were seen; 0 where there were no children."""
        self._done.set()
        self._thread.join()
        return self._most

    def _look(self) -> None:
        while not self._done.wait(EVERY):
            family = [self._pid, *children(self._pid)]
            if len(family) > 1:
                self._most = max(self._most, sum(map(megabytes, family)))


def children(pid: int) -> Iterator[int]:
    """Yields the processes below one, nearest first; none where the system does not tell."""
    for place in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = [int(word) for word in place.read_text().split()]
        except OSError:  # it has just ended
            continue
        for child in found:
            yield child
            yield from children(child)


def megabytes(pid: int) -> float:
    """Returns the proportional set size of a process; 0 where it has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    sizes = [int(line.split()[1]) for line in lines if line.startswith("Pss:")]
    return sum(sizes) * 1024 / 1e6
