"""Measures `regraft fit` with default flags on many data sets, and writes README's table.

Each data set is one whole process and one line of a file; a run that was stopped goes on
where it was. With `--write README.md` the table between the marks is made from the file.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from marks import Trial, add_trial, read_trials, write_between

BENCH = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("REGRAFT_SHARED", BENCH.parent.parent / "shared"))
STARTERS = (
    "starter:sentiment-movie",
    "starter:bbc-news",
    "starter:sms-spam",
    "starter:digits",
    "starter:mnist",
)
ARCHIVES = ("cifar10-small", "hymenoptera-small")
"""Zips of class folders under `shared/data/image`; unpacked first, as a user would."""
MARKS = ("<!-- results: python bench/results.py -->", "<!-- end of results -->")


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[], help="names of data sets; default: all")
    parser.add_argument("--trials", type=Path, default=BENCH / "results.jsonl")
    parser.add_argument("--write", type=Path, help="a page with the marks; nothing is run")
    return parser.parse_args()


def measure(name: str, source: str) -> Trial:
    """Returns the result document of one fit with default flags, without its long parts."""
    regraft = str(Path(sys.executable).with_name("regraft"))
    with tempfile.TemporaryDirectory() as folder:
        words = [regraft, "fit", source, "--json", "--out", str(Path(folder) / "run")]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    result = json.loads(done.stdout)
    kept = ("backbone", "scores", "baselines", "seconds", "trained_share", "gain", "verdict")
    environment = {key: result["environment"][key] for key in ("processor", "precision", "torch")}
    return {"name": name, "environment": environment, **{key: result[key] for key in kept}}


def sources(only: list[str], folder: Path) -> Iterator[tuple[str, str]]:
    """Yields name and source of each data set, archives unpacked into the folder."""
    for source in STARTERS:
        name = source.partition(":")[2]
        if not only or name in only:
            yield name, source
    for name in ARCHIVES:
        archive = SHARED / "data" / "image" / f"{name}.zip"
        if (not only or name in only) and archive.exists():
            with zipfile.ZipFile(archive) as stored:
                stored.extractall(folder)  # our own data, named by digest in shared/data
            yield name, str(folder / name)


def table(trials: list[Trial]) -> str:
    """Returns the Markdown table of the last trial of each data set."""
    last = {trial["name"]: trial for trial in trials}
    heads = ("data", "classic", "linear probe", "`two-stage`", "trained", "seconds")
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    lines += ["| " + " | ".join(_cells(trial)) + " |" for trial in last.values()]
    places = sorted({_place(trial) for trial in last.values()})
    return "\n".join([*lines, "", f"Measured on {'; '.join(places)}, two cores, no GPU."])


def _cells(trial: Trial) -> list[str]:
    baselines = trial["baselines"]
    scores = [
        baselines["classic"]["accuracy"],
        baselines["linear_probe"]["accuracy"],
        trial["scores"]["test"]["accuracy"],
    ]
    greatest = max(round(score["value"], 3) for score in scores)
    return [
        trial["name"],
        *(_bold(_score(s), round(s["value"], 3) == greatest) for s in scores),
        f"{100 * trial['trained_share']:.0f} %",
        f"{trial['seconds']['total']:.0f}",
    ]


def _bold(words: str, wanted: bool) -> str:
    return f"**{words}**" if wanted else words


def _score(score: dict[str, float]) -> str:
    return f"{score['value']:.3f} ({score['low']:.3f}–{score['high']:.3f})"


def _place(trial: Trial) -> str:
    environment = trial["environment"]
    return f"{environment['processor']} with torch {environment['torch']}"


def main() -> None:
    """Runs what is missing, or writes the table."""
    typed = arguments()
    known = read_trials(typed.trials)
    if typed.write:
        write_between(typed.write, MARKS, table(known))
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, source in sources(typed.only, Path(folder)):
            if name in {trial["name"] for trial in known}:
                continue
            trial = measure(name, source)
            add_trial(typed.trials, trial)
            known.append(trial)
    print(table(known))


if __name__ == "__main__":
    main()
