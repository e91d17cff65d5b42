"""Tests that whole processes are timed, measured and bound to cores."""

import os
import subprocess
import sys

import pytest

from processes import children, megabytes, run_pinned

BIG = 80_000_000


def core() -> str:
    return str(min(os.sched_getaffinity(0)))


def test_a_process_runs_on_its_cores_with_its_variables() -> None:
    script = "import os; print(sorted(os.sched_getaffinity(0)), os.environ['ANSWER'])"
    words = [sys.executable, "-c", script]
    ran = run_pinned(words, cores=core(), environment={"ANSWER": "42"})
    assert ran.printed == f"[{core()}] 42\n"
    assert ran.seconds > 0


def test_the_peak_is_seen_though_the_memory_was_given_back() -> None:
    script = f"big = bytearray({BIG}); big[::4096] = b'1' * len(big[::4096]); del big"
    bare = run_pinned([sys.executable, "-c", "pass"], cores=core())
    full = run_pinned([sys.executable, "-c", script], cores=core())
    assert full.megabytes - bare.megabytes > 0.9 * BIG / 1e6


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
