"""Measures `contrastive` and `auto` at eight labels a class, beside SetFit on the same encoder.

Every trial is one whole process and one line of a file; a bench that was stopped goes on where
it was. SetFit goes first in each round; ours then run once without a limit and once with
`--max-seconds`, a third of the time that it took on the same rows. All see the same first words
of each text.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from fits import fitted, place_of, points, spread
from marks import Trial, add_trial, last_of, markdown, read_trials, run_or_write
from tables import BENCH, Rows, table_of

COMMAND = "python bench/few.py"
PEER = BENCH / "peers" / "setfit_fit.py"
SETFIT = "setfit"
DATA = ("starter:bbc-news", "starter:sentiment-movie")
ROWS = Rows(8, 0, 200, words=100)


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", nargs="*", default=DATA)
    parser.add_argument("--ours", nargs="*", default=["contrastive", "auto"], help="strategies")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--test", type=int, default=ROWS.test, help="test rows of a class")
    shown = "limits for ours, as shares of the peer's seconds; 0 = none"
    parser.add_argument("--shares", nargs="*", type=float, default=[0.0, 0.33], help=shown)
    parser.add_argument("--no-peer", action="store_true", help="ours alone, without a limit")
    parser.add_argument("--epochs", help="passes; default: as usual")
    parser.add_argument("--python", default=sys.executable, help="that runs the peer")
    parser.add_argument("--trials", type=Path, default=BENCH / "few.jsonl")
    parser.add_argument("--write", type=Path, help="a page with the marks; nothing is run")
    return parser.parse_args()


def trials(typed: argparse.Namespace) -> Iterator[Trial]:
    """Yields what was missing, seed by seed so that pairs are complete."""
    known = read_trials(typed.trials)
    for seed in range(typed.seeds):
        for data in typed.data:
            rows = Rows(ROWS.train, 0, typed.test, ROWS.words)
            table = table_of(data, rows, seed=seed)
            for who, strategy, share in _contestants(typed):
                key = {"data": data.removeprefix("starter:"), "who": who, "seed": seed}
                if any(key.items() <= trial.items() for trial in known):
                    continue
                limit = share * _seconds_of_peer(key, known) if share else 0.0
                run = (strategy, limit, typed.epochs)
                found = _ours(table, seed, run) if strategy else _peer(typed, table, seed)
                trial = {**key, **found}
                add_trial(typed.trials, trial)
                known.append(trial)
                yield trial


def _contestants(typed: argparse.Namespace) -> list[tuple[str, str, float]]:
    """Returns name, strategy (none of the peer) and share of the peer's time."""
    if typed.no_peer:
        return [(strategy, strategy, 0.0) for strategy in typed.ours]
    ours = [
        (f"{strategy}, in {share:.0%} of its time" if share else strategy, strategy, share)
        for strategy in typed.ours
        for share in typed.shares
    ]
    return [(SETFIT, "", 0.0), *ours]


def _peer(typed: argparse.Namespace, table: Path, seed: int) -> Trial:
    started = time.perf_counter()
    words = [typed.python, str(PEER), "--data", str(table), "--seed", str(seed)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    wall = round(time.perf_counter() - started, 1)
    return {**json.loads(done.stdout.strip().splitlines()[-1]), "wall": wall}


def _ours(table: Path, seed: int, run: tuple[str, float, str | None]) -> Trial:
    strategy, limit, epochs = run
    words = [str(table), "--strategy", strategy, "--seed", str(seed), "--no-baselines"]
    words += ["--max-seconds", f"{limit:.1f}"] if limit else []
    words += ["--epochs", epochs] if epochs else []
    with tempfile.TemporaryDirectory() as folder:
        result = fitted([*words, "--no-cache"], run=Path(folder) / "run")
    return {
        "accuracy": result["scores"]["test"]["accuracy"]["value"],
        "wall": result["wall"],
        "limit": limit or None,
        "epochs": len(result["history"]),
        "chosen": result.get("auto", {}).get("taken"),
        "environment": {**result["environment"], "verdict": None},
    }


def _seconds_of_peer(key: Trial, known: Sequence[Trial]) -> float:
    wanted = {**key, "who": SETFIT}
    return float(next(t["wall"] for t in known if wanted.items() <= t.items()))


def page_text(known: list[Trial]) -> str:
    """Returns the table: one line for each data set and method."""
    lines = []
    for data in dict.fromkeys(trial["data"] for trial in known):
        names = dict.fromkeys(t["who"] for t in known if t["data"] == data)
        lines += [_line(known, data, who) for who in names]
    if not lines:
        return "Not measured."
    heads = ("data", "method", "seeds", "accuracy", f"points beside {SETFIT}", "seconds", "share")
    places = {place_of(t["environment"]) for t in known if "environment" in t}
    ends = [f"Measured on {'; '.join(sorted(places))}."] if places else []
    return "\n\n".join([markdown(heads, lines), *ends])


def _line(known: list[Trial], data: str, who: str) -> list[str]:
    found = last_of(known, data=data, who=who)
    peer = {trial["seed"]: trial for trial in last_of(known, data=data, who=SETFIT)}
    pairs = [(t, peer[t["seed"]]) for t in found if t["seed"] in peer and who != SETFIT]
    seconds = sum(trial["wall"] for trial in found) / len(found)
    share = [mine["wall"] / other["wall"] for mine, other in pairs]
    return [
        data,
        who,
        str(len(found)),
        spread([trial["accuracy"] for trial in found]),
        points([mine["accuracy"] - other["accuracy"] for mine, other in pairs]) if pairs else "",
        f"{seconds:.0f}",
        f"{sum(share) / len(share):.2f}" if share else "",
    ]


def main() -> None:
    """Runs what is missing, or writes the page."""
    run_or_write(arguments(), COMMAND, missing=trials, page_text=page_text)


if __name__ == "__main__":
    main()
