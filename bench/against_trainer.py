"""Measures `regraft fit` against Hugging Face's Trainer, in turns, as whole processes.

A and B take turns (A B A B ...), so that a machine that slows down slows both. Every trial
is one line of a file; a run that was stopped goes on where it was. Nothing else may run on
the machine meanwhile.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent
PEERS = ("regraft", "trainer")
Trial = dict[str, Any]


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="starter:sentiment-movie", help="a starter data set")
    parser.add_argument("--table", type=Path, help="its Parquet; default: in regraft's cache")
    parser.add_argument("--model", type=Path, help="MiniLM's folder; default: in regraft's cache")
    parser.add_argument("--max-length", type=int, default=128, help="most tokens a text, for both")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3, help="trials of each, seeds 0, 1, ...")
    parser.add_argument("--trials", type=Path, default=BENCH / "against_trainer.jsonl")
    return parser.parse_args()


def processor() -> str:
    """Returns the name of the processor, with family and model."""
    from regraft.machine import processor_name

    return processor_name()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def cached(typed: argparse.Namespace) -> tuple[Path, Path]:
    """Returns the Parquet of the data and the folder of the model, fetched if need be."""
    from regraft.backbones.sources.starter import model_folder, open_starter
    from regraft.data.starters.datasets import open_dataset

    if not typed.model:
        open_starter("minilm")
    table = typed.table or open_dataset(typed.data.removeprefix("starter:")) / "data.parquet"
    return table, typed.model or model_folder("minilm")


def command(typed: argparse.Namespace, who: str, seed: int, out: Path) -> list[str]:
    """Returns the command line of one trial."""
    shared = ["--epochs", str(typed.epochs), "--seed", str(seed)]
    shared += ["--max-length", str(typed.max_length)]
    if who == "regraft":
        program = Path(sys.executable).with_name("regraft")
        options = ["--backbone", "starter:minilm", "--no-baselines", "--json", "--out", str(out)]
        return [str(program), "fit", typed.data, *options, *shared]
    script = str(BENCH / "peers" / "trainer.py")
    places = ["--data", str(typed.table), "--model", str(typed.model)]
    return [sys.executable, script, *places, *shared]


def run_trial(typed: argparse.Namespace, who: str, seed: int) -> Trial:
    """Returns the scores of one trial with the seconds of its whole process."""
    with tempfile.TemporaryDirectory() as folder:
        words = command(typed, who, seed, Path(folder) / "run")
        started = time.perf_counter()
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
        seconds = time.perf_counter() - started
    result = json.loads(done.stdout.strip().splitlines()[-1] if who == "trainer" else done.stdout)
    score = (
        result["accuracy"] if who == "trainer" else result["scores"]["test"]["accuracy"]["value"]
    )
    verdict = "fp32" if who == "trainer" else find(result, "precision")
    return {"accuracy": score, "seconds": seconds, "precision": verdict}


def find(document: Any, key: str) -> Any:
    """Returns the value of a key wherever it first is in a JSON document, or None.

    >>> find({"a": [{"precision": "bf16"}]}, "precision")
    'bf16'
    """
    children = document if isinstance(document, list) else []
    if isinstance(document, dict):
        if key in document:
            return document[key]
        children = list(document.values())
    found = (find(child, key) for child in children)
    return next((value for value in found if value is not None), None)


def conditions(typed: argparse.Namespace) -> Trial:
    """Returns what must be equal for two trials to be compared."""
    return {
        "data": typed.data,
        "epochs": typed.epochs,
        "max_length": typed.max_length,
        "processor": processor(),
    }


def trials(typed: argparse.Namespace) -> Iterator[Trial]:
    """Yields every trial in turns, from the file where it is there already."""
    equal = conditions(typed)
    known = [json.loads(line) for line in _lines(typed.trials)]
    for seed in range(typed.repeats):
        for who in PEERS:
            key = {**equal, "who": who, "seed": seed}
            before = [trial for trial in known if key.items() <= trial.items()]
            yield before[-1] if before else _measured(typed, key)


def _measured(typed: argparse.Namespace, key: Trial) -> Trial:
    trial = {**key, **run_trial(typed, key["who"], key["seed"])}
    with typed.trials.open("a", encoding="utf-8") as file:
        file.write(json.dumps(trial) + "\n")
    return trial


def summary(done: list[Trial]) -> Trial:
    """Returns medians of seconds and accuracies of both, and the ratio of the seconds."""
    of = {who: [trial for trial in done if trial["who"] == who] for who in PEERS}
    seconds = {who: statistics.median(t["seconds"] for t in of[who]) for who in PEERS}
    accuracies = {who: [t["accuracy"] for t in of[who]] for who in PEERS}
    return {
        "median_seconds": seconds,
        "times_faster": seconds["trainer"] / seconds["regraft"],
        "accuracies": accuracies,
        "median_accuracy": {who: statistics.median(accuracies[who]) for who in PEERS},
        "precision": sorted({str(trial["precision"]) for trial in of["regraft"]}),
    }


def main() -> None:
    """Prints one JSON document after all trials, and a line to stderr after each."""
    typed = arguments()
    typed.table, typed.model = cached(typed)  # before the clock starts: downloads do not count
    done = []
    for trial in trials(typed):
        done.append(trial)
        print(json.dumps(trial), file=sys.stderr)
    print(json.dumps({**conditions(typed), "repeats": typed.repeats, **summary(done)}, indent=2))


if __name__ == "__main__":
    main()
