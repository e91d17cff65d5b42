"""Measures how closely `--max-seconds` is kept, on texts and images, killed and resumed too.

Every trial is a whole process and one line of a file; a bench that was stopped goes on where
it was. So many passes are asked for that the limit always ends the training. A killed run gets
SIGKILL after half of its time and goes on with `regraft resume`: what counts is the time that
both processes lived. Nothing else may run on the machine meanwhile.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from fits import REGRAFT, place_of
from marks import Trial, add_trial, last_of, markdown, read_trials, run_or_write
from tables import BENCH, image_folder

COMMAND = "python bench/budget.py"
LIMITS = (60, 120, 300)
WAYS = ("whole", "killed")
DATA = {"text": "starter:sentiment-movie", "image": "cifar10-small"}
ALLOWED = 0.05


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--limits", nargs="*", type=int, default=LIMITS, help="seconds")
    parser.add_argument("--data", nargs="*", default=list(DATA), choices=list(DATA))
    parser.add_argument("--ways", nargs="*", default=WAYS, choices=WAYS)
    parser.add_argument("--strategies", nargs="*", default=["two-stage", "auto"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--at", type=float, default=0.5, help="share of the limit, then the kill")
    parser.add_argument("--fraction", default="1", help="share of the labelled rows")
    parser.add_argument("--trials", type=Path, default=BENCH / "budget.jsonl")
    parser.add_argument("--write", type=Path, help="a page with the marks; nothing is run")
    return parser.parse_args()


def trials(typed: argparse.Namespace) -> Iterator[Trial]:
    """Yields what was missing, short limits first."""
    known = read_trials(typed.trials)
    keys = [
        {"limit": limit, "data": data, "strategy": strategy, "way": way, "seed": seed}
        for seed in range(typed.seeds)
        for limit in typed.limits
        for data in typed.data
        for strategy in typed.strategies
        for way in typed.ways
    ]
    for key in keys:
        if not any(key.items() <= trial.items() for trial in known):
            trial = {**key, **measure(key, typed)}
            add_trial(typed.trials, trial)
            yield trial


def measure(key: Trial, typed: argparse.Namespace) -> Trial:
    """Returns the seconds that one run took, and what it came to."""
    source = DATA[key["data"]]
    data = source if source.startswith("starter:") else str(image_folder(source))
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder) / "run")
        words = [REGRAFT, "fit", data, "--strategy", key["strategy"], "--epochs", "50"]
        words += ["--max-seconds", str(key["limit"]), "--seed", str(key["seed"])]
        words += ["--fraction", typed.fraction, "--no-cache", "--json", "--out", run]
        if key["way"] == "whole":
            seconds, printed = _lived(words)
            lives = [seconds]
        else:
            killed, printed = _lived(words, until=typed.at * key["limit"], run=Path(run))
            # Ended before the kill: nothing is left to go on with.
            resumed = (0.0, printed) if printed else _lived([REGRAFT, "resume", run, "--json"])
            lives, printed = [killed, resumed[0]], resumed[1]
    result = json.loads(printed)
    return {
        "lives": [round(each, 2) for each in lives],
        "accuracy": result["scores"]["test"]["accuracy"]["value"],
        "parts": result["seconds"],
        "environment": {**result["environment"], "verdict": None},
    }


def _lived(
    words: Sequence[str], until: float | None = None, run: Path | None = None
) -> tuple[float, str]:
    """Returns the seconds that a process lived and what it printed; of a killed one, nothing.

    Args:
        words: The command.
        until: Seconds until it is killed; None = never.
        run: Its folder: it is not killed before there is something to go on with.
    """
    started = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        printed, _ = process.communicate(timeout=until)
    except subprocess.TimeoutExpired:
        while run and not (run / "run.toml").exists() and process.poll() is None:
            time.sleep(0.05)
        process.kill()
        process.communicate()
        return time.perf_counter() - started, ""
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} failed ({process.returncode})")
    return seconds, printed


def page_text(known: list[Trial]) -> str:
    """Returns the table: one line for each limit, data and way."""
    groups = {(t["data"], t["strategy"], t["limit"], t["way"]): None for t in known}
    lines = [_line(known, *group) for group in groups]
    if not lines:
        return "Not measured."
    kept = sum(line[-1] == "yes" for line in lines)
    heads = ("data", "strategy", "limit", "run", "seconds", "of the limit", "kept within 5 %")
    places = "; ".join(sorted({place_of(trial["environment"]) for trial in known}))
    return f"{markdown(heads, lines)}\n\n{kept} of {len(lines)} kept. Measured on {places}."


def _line(known: list[Trial], data: str, strategy: str, limit: int, way: str) -> list[str]:
    found = last_of(known, data=data, strategy=strategy, limit=limit, way=way)
    most = max(sum(trial["lives"]) for trial in found)
    words = "in one" if way == "whole" else "killed and resumed"
    kept = "yes" if most <= (1 + ALLOWED) * limit else "no"
    share = f"{100 * most / limit:.0f} %"
    return [data, f"`{strategy}`", f"{limit} s", words, f"{most:.1f}", share, kept]


def main() -> None:
    """Runs what is missing, or writes the page."""
    run_or_write(arguments(), COMMAND, missing=trials, page_text=page_text)


if __name__ == "__main__":
    main()
