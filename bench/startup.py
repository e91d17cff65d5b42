"""Measures how long `import regraft` and `regraft --help` take as whole processes."""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from marks import Trial, add_trial

BENCH = Path(__file__).resolve().parent
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import regraft": [sys.executable, "-c", "import regraft"],
    "regraft --help": [str(Path(sys.executable).with_name("regraft")), "--help"],
}


def seconds_of(command: list[str]) -> float:
    """Returns the seconds from the start of a process to its end."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def measure(repeats: int) -> Trial:
    """Returns the median, least and greatest seconds of each command."""
    seconds = {}
    for name, command in COMMANDS.items():
        seconds_of(command)  # the first run reads the files from the disk
        runs = [seconds_of(command) for _ in range(repeats)]
        summary = {"median": statistics.median(runs), "low": min(runs), "high": max(runs)}
        seconds[name] = {key: round(value, 4) for key, value in summary.items()}
    return {"seconds": seconds, "repeats": repeats, "python": platform.python_version()}


def main() -> None:
    """Prints one JSON document, and keeps it as a line of a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--trials", type=Path, default=BENCH / "startup.jsonl")
    typed = parser.parse_args()
    from regraft.machine import processor_name

    trial = {"processor": processor_name(), **measure(typed.repeats)}
    add_trial(typed.trials, trial)
    print(json.dumps(trial))


if __name__ == "__main__":
    main()
