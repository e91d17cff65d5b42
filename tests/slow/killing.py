"""Runs fits in forked processes, each stopped or hindered at a moment of the caller's choice.

One process opens the libraries once, by a fit of its own where it is told to warm up, and
forks for every other order, so that a fit takes about a second. Orders come as lines of JSON
on standard input, answers go as lines to standard output.
"""

import ctypes
import json
import mmap
import os
import random
import shutil
import signal
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import torch

from regraft.errors import RegraftError
from regraft.features.worth import Worth
from regraft.runs import fit as fit_module
from regraft.runs.fit import run_fit
from regraft.runs.resume import run_resume
from regraft.settings import FitSettings
from regraft.training.keeping.keeper import Keeper
from regraft.training.progress import Silent

EVERY = 4
"""Checkpoints are kept at every fourth occasion."""
Order = Mapping[str, Any]


class Moment:
    """Kills this process at a call of a Python function.

    Args:
        counter: Shared memory for the number of calls.
        inside: Name of a function that has to be entered first; empty = none.
        entry: Which of its entries counts, from 1.
        call: After how many further calls, or 0 for never.
    """

    def __init__(self, counter: mmap.mmap, inside: str, *, entry: int, call: int) -> None:
        self._counter, self._inside, self._entry, self._call = counter, inside, entry, call
        self._entries = self._calls = 0

    def __call__(self, frame: FrameType, event: str, value: object) -> None:
        if event != "call" or "regraft" not in frame.f_code.co_filename:
            return
        if frame.f_code.co_name == self._inside:
            self._entries += 1
        if self._inside and self._entries < self._entry:
            return
        self._calls += 1
        struct.pack_into("q", self._counter, 0, self._calls)
        if self._calls == self._call:
            os.kill(os.getpid(), signal.SIGKILL)


def obey(order: Order, counter: mmap.mmap) -> NoReturn:
    """Does what is ordered, in a process of its own, and ends it."""
    code = 1
    try:
        code = _work(order, counter)
    finally:
        sys.setprofile(None)
        sys.stderr.flush()
        os._exit(code)


def _work(order: Order, counter: mmap.mmap) -> int:
    occasions = iter(range(10**9))
    Keeper.due = property(lambda self: next(occasions) % EVERY == EVERY - 1)  # type: ignore[assignment, method-assign]
    # A page takes a second to draw, and is drawn from the result alone.
    fit_module.write_report = lambda result, path: path.write_text("a report")  # type: ignore[assignment, attr-defined]
    if order.get("keeps"):  # what a clock says of a tiny network is no matter
        Worth.pays = lambda *_, **__: True  # type: ignore[method-assign]
    run = Path(order["run"])
    _own_cache(run.parent)
    moment = order.get("moment")
    _disk(order.get("disk") or {}, run.parent)
    if moment:
        sys.setprofile(Moment(counter, **moment))
    random.seed(os.getpid())
    torch.rand(random.randrange(9) + 1)
    try:
        if order["verb"] == "resume":
            run_resume(run, Silent())
        else:
            run_fit(FitSettings(**{**order["settings"], "out": run}), Silent())
    except RegraftError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _own_cache(folder: Path) -> None:
    """Gives a run a cache of its own, with nothing in it but the verdicts of the probes."""
    usual, own = Path(os.environ["REGRAFT_CACHE"]), folder / "cache"
    if own != usual and not own.exists():
        shutil.copytree(usual / "probes", own / "probes")
    os.environ["REGRAFT_CACHE"] = str(own)


def _disk(fault: Order, folder: Path) -> None:
    """Counts the operations in a folder from now on; makes one of them fail."""
    values = [int(fault.get(name, 0)) for name in ("at", "error", "stays")]
    ctypes.CDLL(None).disk_faults_arm(str(folder).encode(), *values)


def main() -> None:
    """Obeys one order after another, and says what each came to."""
    torch.set_num_threads(1)
    counter = mmap.mmap(-1, 8)
    for line in sys.stdin:
        struct.pack_into("q", counter, 0, 0)
        if json.loads(line)["verb"] == "warm":
            # Here, so that no child has to open a library again.
            print(json.dumps({"code": _work(json.loads(line), counter)}), flush=True)
            continue
        child = os.fork()
        if not child:
            obey(json.loads(line), counter)
        _, status = os.waitpid(child, 0)
        answer = {
            "code": os.waitstatus_to_exitcode(status),
            "operations": ctypes.CDLL(None).disk_faults_count(),
            "calls": struct.unpack_from("q", counter)[0],
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
