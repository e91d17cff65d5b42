"""Measures the trade-off of `--views V`: accuracy and seconds with images augmented V ways.

cifar10-small at 200 rows a class, EfficientNet-Lite0 with its usual frozen front. With V views
what the front makes of each is computed once and read again in later epochs; `free` is another
augmentation in each epoch, nothing kept. Every trial is one whole process that starts without
stored features, and one line of a file; a run that was stopped goes on where it was. Nothing
else may run on the machine meanwhile.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from against import Bench, run_ours
from contests import Contest, Contestant
from marks import Trial, add_trial, read_trials
from regraft.machine import processor_name

BENCH = Path(__file__).resolve().parent
VIEWS: tuple[int | None, ...] = (1, 2, 4, 8, None)


def contestant(views: int | None, epochs: int) -> Contestant:
    """Returns ours with so many views."""
    flags = ("--epochs", str(epochs), "--image-size", "128")
    chosen = () if views is None else ("--views", str(views))
    return Contestant("regraft", (*flags, *chosen))


def trials(bench: Bench, *, seeds: int, epochs: int) -> Iterator[Trial]:
    """Yields every trial, from the file where it is there already."""
    for seed in range(seeds):
        for views in VIEWS:
            known = read_trials(bench.trials)
            processor = processor_name()
            key: Trial = {"views": views, "epochs": epochs, "seed": seed, "processor": processor}
            found = next((t for t in known if key.items() <= t.items()), None)
            if found is None:
                who = contestant(views, epochs)
                contest = Contest("views", "cifar", "efficientnet-lite0", (who,), ())
                found = {**key, **run_ours(bench, contest, who, seed)}
                add_trial(bench.trials, found)
            yield found


def main() -> None:
    """Runs what is missing, and prints every line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--trials", type=Path, default=BENCH / "views.jsonl")
    parser.add_argument("--cores", default="0,1", help="as taskset takes them")
    parser.add_argument("--few", action="store_true", help="few rows, to see that it runs")
    typed = parser.parse_args()
    data = BENCH / "data" / ("few" if typed.few else "")
    bench = Bench(Path(sys.executable), typed.cores, typed.trials, data, typed.few)
    for trial in trials(bench, seeds=typed.seeds, epochs=typed.epochs):
        print(json.dumps(trial), file=sys.stderr)


if __name__ == "__main__":
    main()
