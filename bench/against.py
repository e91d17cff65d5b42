"""Measures regraft against other tools on the same weights, data, splits and epochs, in turns.

Every trial is one whole process on the same cores, and one line of a file; a run that was
stopped goes on where it was. Rounds take turns (A B C, A B C, ...), so that a machine that
slows down slows all. Nothing else may run on the machine meanwhile. regraft starts without
stored features, unless the contest is about these; what it measured of the machine's kinds of
numbers is kept from one trial to the next. `python bench/performance.py` makes the page.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contests import CONTESTS, Contest, Contestant
from marks import Trial, add_trial, read_trials
from processes import Ran, run_pinned
from standings import table

BENCH = Path(__file__).resolve().parent
PEERS = BENCH / "peers"
SHARED = Path(os.environ.get("REGRAFT_SHARED", BENCH.parent.parent / "shared"))
SHORT = {"--epochs": "1", "--max-length": "32", "--image-size": "96", "--size": "96"}
"""Flags of a trial that only shows that everything runs."""
OPEN = "import sys; from regraft.backbones.sources.starter import *; open_starter(sys.argv[1])"


@dataclass(frozen=True)
class Bench:
    """How trials are run.

    Args:
        python: Runs the peers.
        cores: That every process is bound to.
        trials: The file of trials.
        data: Folder of the tables and of the cache that ours uses.
        few: Whether only a few rows are used for one epoch, to see that everything runs.
    """

    python: Path
    cores: str
    trials: Path
    data: Path
    few: bool


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--contests", nargs="*", type=int, default=[], help="numbers from 0")
    parser.add_argument("--repeats", type=int, default=3, help="rounds, seeds 0, 1, ...")
    parser.add_argument("--trials", type=Path, default=BENCH / "against.jsonl")
    parser.add_argument("--python", type=Path, default=PEERS / ".venv/bin/python", help="of peers")
    parser.add_argument("--cores", default="0,1", help="as taskset takes them")
    parser.add_argument(
        "--few", action="store_true", help="few rows, one epoch, one round, in bench/data/few"
    )
    parser.add_argument("--list", action="store_true", help="show contests and what is missing")
    return parser.parse_args()


def bench_of(typed: argparse.Namespace) -> Bench:
    """Returns how trials are run, with a file and a folder of its own for a look at few rows."""
    if not typed.few:
        return Bench(typed.python, typed.cores, typed.trials, BENCH / "data", few=False)
    data = BENCH / "data" / "few"
    data.mkdir(parents=True, exist_ok=True)
    return Bench(typed.python, typed.cores, data / "against.jsonl", data, few=True)


def own_cache(bench: Bench, *, keep: bool) -> Path:
    """Returns a cache with the user's networks and data but features of its own.

    Args:
        bench: Where it lies.
        keep: Whether the features of the last trial stay.
    """
    from regraft.data.starters.cache import cache_folder

    folder = bench.data / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("models", "datasets"):
        link, there = folder / name, cache_folder() / name
        there.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(there, target_is_directory=True)
    if not keep:
        shutil.rmtree(folder / "features", ignore_errors=True)
    return folder


def model_of(contest: Contest) -> Path:
    """Returns the folder of a contest's starter, fetched before any clock runs."""
    from regraft.data.starters.cache import cache_folder, is_intact

    folder = cache_folder() / "models" / contest.model
    if not is_intact(folder):
        # In a process of its own: this one must stay small, see `run_pinned`.
        subprocess.run([sys.executable, "-c", OPEN, contest.model], check=True)
    return folder


def data_of(bench: Bench, name: str) -> Path:
    """Returns the table that all contestants read, made once."""
    words = [sys.executable, str(PEERS / "data.py"), name, str(bench.data), str(SHARED)]
    subprocess.run([*words, *(["--few"] if bench.few else [])], check=True)
    return bench.data / f"{name}.parquet"


def run_ours(bench: Bench, contest: Contest, who: Contestant, seed: int) -> Trial:
    """Returns the figures of one fit of ours."""
    regraft = str(Path(sys.executable).with_name("regraft"))
    data = str(data_of(bench, contest.data))
    cache = own_cache(bench, keep=who.warm)
    with tempfile.TemporaryDirectory() as folder:
        words = [
            regraft,
            "fit",
            data,
            "--backbone",
            f"starter:{contest.model}",
            *flags_of(bench, who),
        ]
        words += ["--no-baselines", "--json", "--seed", str(seed), "--out", f"{folder}/run"]
        ran = run_pinned(words, cores=bench.cores, environment={"REGRAFT_CACHE": str(cache)})
    result = json.loads(ran.printed)
    return {
        "accuracy": result["scores"]["test"]["accuracy"]["value"],
        **costs(ran),
        "precision": result["environment"]["precision"],
        "threads": result["environment"]["threads"],
        "versions": {name: result["environment"][name] for name in ("torch", "transformers")},
        "parts": result["seconds"],
    }


def run_peer(
    bench: Bench, contest: Contest, who: Contestant, seed: int, *, precision: str
) -> Trial:
    """Returns the figures of one run of a peer.

    Args:
        bench: How it is run.
        contest: The job.
        who: The peer.
        seed: Of the run.
        precision: What our probe found to be the fastest here, for a peer that is told.
    """
    data = str(data_of(bench, contest.data))
    words = [str(bench.python), str(PEERS / who.script), "--data", data, *flags_of(bench, who)]
    words += ["--model", str(model_of(contest)), "--seed", str(seed)]
    words += ["--precision", precision] if who.told else []
    # Ours is never online once a starter is there; neither are they.
    ran = run_pinned(words, cores=bench.cores, environment={"HF_HUB_OFFLINE": "1"})
    return {**json.loads(ran.printed.strip().splitlines()[-1]), **costs(ran)}


def flags_of(bench: Bench, who: Contestant) -> list[str]:
    """Returns a contestant's flags; where only few rows are looked at, those of a short trial."""
    flags = list(who.flags)
    for flag, value in SHORT.items() if bench.few else ():
        if flag in flags:
            flags[flags.index(flag) + 1] = value
    return flags


def costs(ran: Ran) -> Trial:
    """Returns what a process cost."""
    return {"seconds": ran.seconds, "megabytes": ran.megabytes}


def key_of(contest: Contest, who: Contestant, seed: int) -> Trial:
    """Returns what a trial is known by: contest, contestant, flags, seed and machine."""
    from regraft.machine import processor_name

    return {
        "contest": contest.name,
        "who": who.label,
        "flags": list(who.flags),
        "seed": seed,
        "processor": processor_name(),
    }


def find(known: list[Trial], key: Trial) -> Trial | None:
    """Returns the last trial with a key, or None."""
    return next((t for t in reversed(known) if key.items() <= t.items()), None)


def picked(typed: argparse.Namespace) -> list[Contest]:
    """Returns the contests that were asked for."""
    return [CONTESTS[number] for number in typed.contests] or list(CONTESTS)


def trials(bench: Bench, contests: list[Contest], *, repeats: int) -> Iterator[Trial]:
    """Yields every trial in turns, from the file where it is there already."""
    for contest in contests:
        for seed in range(repeats):
            yield from turn(bench, contest, seed)


def turn(bench: Bench, contest: Contest, seed: int) -> Iterator[Trial]:
    """Yields one trial of each contestant."""
    known = read_trials(bench.trials)
    keys = [key_of(contest, who, seed) for who in contest.contestants]
    # Features that a contestant is to find are made by the first one: both or neither is known.
    stale = any(
        who.warm and not find(known, key)
        for who, key in zip(contest.contestants, keys, strict=True)
    )
    precision = "fp32"
    for who, key in zip(contest.contestants, keys, strict=True):
        found = None if stale else find(known, key)
        if found is None:
            found = {**key, **measure(bench, contest, who, seed, precision=precision)}
            add_trial(bench.trials, found)
        if not who.script:
            precision = str(found["precision"])
        yield found


def measure(bench: Bench, contest: Contest, who: Contestant, seed: int, *, precision: str) -> Trial:
    """Returns the figures of a trial, run now; arguments as for `run_peer`."""
    if who.script:
        return run_peer(bench, contest, who, seed, precision=precision)
    return run_ours(bench, contest, who, seed + who.later)


def here(known: list[Trial]) -> list[Trial]:
    """Returns the trials of this machine."""
    from regraft.machine import processor_name

    return [trial for trial in known if trial["processor"] == processor_name()]


def show(typed: argparse.Namespace, bench: Bench) -> None:
    """Prints the contests with their numbers, and what is missing of each."""
    known = read_trials(bench.trials)
    for contest in picked(typed):
        wanted = [
            key_of(contest, who, seed)
            for seed in range(typed.repeats)
            for who in contest.contestants
        ]
        missing = sum(find(known, key) is None for key in wanted)
        print(f"{CONTESTS.index(contest)}  {contest.name}: {missing} of {len(wanted)} missing")


def main() -> None:
    """Runs what is missing, and prints the table."""
    typed = arguments()
    bench = bench_of(typed)
    if typed.list:
        show(typed, bench)
        return
    if not bench.python.exists():
        raise SystemExit(f"{bench.python} is missing: python bench/peers/make_venv.py")
    for trial in trials(bench, picked(typed), repeats=1 if typed.few else typed.repeats):
        print(json.dumps(trial), file=sys.stderr)
    print(table(here(read_trials(bench.trials))))


if __name__ == "__main__":
    main()
