"""Tests that whole processes are timed, measured and bound to cores."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from processes import children, megabytes, run_pinned

BIG = 80_000_000
BENCH = Path(__file__).resolve().parents[2] / "bench"


def core() -> str:
    return str(min(os.sched_getaffinity(0)))


def test_a_process_runs_on_its_cores_with_its_variables() -> None:
    script = "import os; print(sorted(os.sched_getaffinity(0)), os.environ['ANSWER'])"
    words = [sys.executable, "-c", script]
    ran = run_pinned(words, cores=core(), environment={"ANSWER": "42"})
    assert ran.printed == f"[{core()}] 42\n"
    assert ran.seconds > 0


def test_the_peak_is_seen_though_the_memory_was_given_back() -> None:
    # Asked by a small process: what the one that starts it holds is counted too.
    script = f"big = bytearray({BIG}); big[::4096] = b'1' * len(big[::4096]); del big"
    runs = ("pass", script)
    ask = "import sys; from processes import run_pinned; "
    ask += "print(run_pinned(sys.argv[2:], cores=sys.argv[1]).megabytes)"
    found = [
        subprocess.run(
            [sys.executable, "-c", ask, core(), sys.executable, "-c", run],
            check=True,
            capture_output=True,
            cwd=BENCH,
        )
        for run in runs
    ]
    bare, full = (float(done.stdout) for done in found)
    assert full - bare > 0.9 * BIG / 1e6
    assert bare < 0.5 * BIG / 1e6


def test_a_process_that_fails_ends_the_measurement() -> None:
    with pytest.raises(SystemExit, match=r"failed \(3\)"):
        run_pinned([sys.executable, "-c", "raise SystemExit(3)"], cores=core())


def test_children_are_found_and_weighed() -> None:
    words = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.pid in children(os.getpid())
        assert megabytes(process.pid) > 1
        process.communicate(b"\n")
    assert process.pid not in children(os.getpid())
    assert megabytes(process.pid) == 0
