"""Measures regraft against other tools on the same weights, data, splits and epochs, in turns.

Every trial is one whole process on the same cores, and one line of a file; a run that was
stopped goes on where it was. Rounds take turns (A B C, A B C, ...), so that a machine that
slows down slows all. Nothing else may run on the machine meanwhile.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent
PEERS = BENCH / "peers"
SHARED = Path(os.environ.get("REGRAFT_SHARED", BENCH.parent.parent / "shared"))
CORES = "0,1"
MARKS = ("<!-- table: python bench/against.py -->", "<!-- end of table -->")
Trial = dict[str, Any]


@dataclass(frozen=True)
class Contest:
    """One line of the table: a job, and who does it.

    Args:
        name: Shown.
        data: `movie`, `imdb-1k`, `imdb-2k` or `cifar`; see `bench/peers/data.py`.
        ours: Flags of `regraft fit`.
        peers: Of each, its script in `bench/peers` and its flags.
        bounds: How many times faster we mean to be where bf16 pays, and where it does not.
    """

    name: str
    data: str
    ours: tuple[str, ...]
    peers: tuple[tuple[str, tuple[str, ...]], ...]
    bounds: tuple[float, float]


TRAINER = ("trainer.py", ())
BEST = ("trainer.py", ("--best",))
TUNE = ("--epochs", "3")
CONTESTS = (
    Contest("full, short texts", "movie", (*TUNE, "--max-length", "128"), (TRAINER,), (5.0, 3.2)),
    Contest("full, 256 tokens", "imdb-1k", (*TUNE, "--max-length", "256"), (TRAINER,), (3.5, 2.2)),
    Contest(
        "full, short texts, best flags",
        "movie",
        (*TUNE, "--max-length", "128"),
        (BEST,),
        (1.6, 1.4),
    ),
    Contest(
        "full, 256 tokens, best flags",
        "imdb-1k",
        (*TUNE, "--max-length", "256"),
        (BEST,),
        (1.6, 1.4),
    ),
    Contest(
        "head only, 10 epochs",
        "imdb-1k",
        ("--strategy", "head", "--max-length", "256", "--no-cache"),
        (("trainer.py", ("--frozen", "--epochs", "10")),),
        (12.0, 10.0),
    ),
    Contest(
        "head only, solved",
        "imdb-2k",
        ("--strategy", "head", "--max-length", "256", "--no-cache"),
        (("sentence_transformers_lr.py", ()),),
        (1.8, 1.0),
    ),
    Contest(
        "images, 3 epochs",
        "cifar",
        (*TUNE, "--image-size", "128"),
        (("fastai_tune.py", ()), ("timm_loop.py", ())),
        (3.0, 1.8),
    ),
)


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--contests", nargs="*", type=int, default=[], help="numbers from 0")
    parser.add_argument("--repeats", type=int, default=3, help="rounds, seeds 0, 1, ...")
    parser.add_argument("--trials", type=Path, default=BENCH / "against.jsonl")
    parser.add_argument("--python", default=sys.executable, help="that runs the peers")
    parser.add_argument("--write", type=Path, help="a page with the marks; nothing is run")
    return parser.parse_args()


def run_pinned(words: Sequence[str]) -> tuple[str, float, float]:
    """Returns what a process printed, its seconds and the most memory it held, in MB."""
    pinned = ["taskset", "-c", CORES, *words]
    started = time.perf_counter()
    process = subprocess.Popen(pinned, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(words)} failed ({os.waitstatus_to_exitcode(status)})")
    return printed, seconds, usage.ru_maxrss / 1000


def run_ours(contest: Contest, data: Path, seed: int) -> Trial:
    """Returns the figures of one fit of ours."""
    regraft = str(Path(sys.executable).with_name("regraft"))
    backbone = "efficientnet-lite0" if contest.data == "cifar" else "minilm"
    with tempfile.TemporaryDirectory() as folder:
        words = [regraft, "fit", str(data), "--backbone", f"starter:{backbone}", *contest.ours]
        words += ["--no-baselines", "--json", "--seed", str(seed), "--out", f"{folder}/run"]
        printed, seconds, memory = run_pinned(words)
    result = json.loads(printed)
    return {
        "accuracy": result["scores"]["test"]["accuracy"]["value"],
        "seconds": seconds,
        "megabytes": memory,
        "precision": result["environment"]["precision"],
        "parts": result["seconds"],
    }


def run_peer(
    typed: argparse.Namespace, peer: tuple[str, tuple[str, ...]], data: Path, seed: int
) -> Trial:
    """Returns the figures of one run of a peer."""
    script, flags = peer
    words = [typed.python, str(PEERS / script), "--data", str(data), "--seed", str(seed), *flags]
    printed, seconds, memory = run_pinned(words)
    result = json.loads(printed.strip().splitlines()[-1])
    return {**result, "seconds": seconds, "megabytes": memory}


def trials(typed: argparse.Namespace) -> Iterator[Trial]:
    """Yields every trial in turns, from the file where it is there already."""
    from regraft.machine import processor_name

    picked = [CONTESTS[number] for number in typed.contests] or CONTESTS
    known = read(typed.trials)
    for contest in picked:
        data = data_of(contest.data)
        for seed in range(typed.repeats):
            for who in (("regraft", ()), *contest.peers):
                label = " ".join((who[0].removesuffix(".py"), *who[1]))
                equal = {"contest": contest.name, "who": label, "seed": seed}
                key = {**equal, "processor": processor_name()}
                before = [trial for trial in known if key.items() <= trial.items()]
                yield before[-1] if before else _measured(typed, contest, (who, key), data)


def _measured(
    typed: argparse.Namespace,
    contest: Contest,
    trial: tuple[tuple[str, tuple[str, ...]], Trial],
    data: Path,
) -> Trial:
    who, key = trial
    ours = who[0] == "regraft"
    seed = key["seed"]
    found = run_ours(contest, data, seed) if ours else run_peer(typed, who, data, seed)
    done = {**key, **found}
    with typed.trials.open("a", encoding="utf-8") as file:
        file.write(json.dumps(done) + "\n")
    return done


def data_of(name: str) -> Path:
    """Returns the table that all contestants read, made once."""
    folder = BENCH / "data"
    subprocess.run(
        [sys.executable, str(PEERS / "data.py"), name, str(folder), str(SHARED)], check=True
    )
    return folder / f"{name}.parquet"


def read(path: Path) -> list[Trial]:
    """Returns the trials so far."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def table(known: list[Trial]) -> str:
    """Returns the Markdown table: one line for each contest, machine and peer."""
    heads = [
        *("job", "machine", "precision", "against", "rounds", "ours", "theirs", "ratio", "aim"),
        *("accuracy ours, theirs", "memory ours, theirs"),
    ]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for contest in CONTESTS:
        of_contest = [trial for trial in known if trial["contest"] == contest.name]
        for machine in sorted({trial["processor"] for trial in of_contest}):
            here = [trial for trial in of_contest if trial["processor"] == machine]
            lines += list(_lines(contest, machine, here))
    return "\n".join(lines)


def _lines(contest: Contest, machine: str, here: list[Trial]) -> Iterator[str]:
    ours = [trial for trial in here if trial["who"] == "regraft"]
    for who in sorted({trial["who"] for trial in here} - {"regraft"}):
        theirs = [trial for trial in here if trial["who"] == who]
        if not ours:
            continue
        precision = str(ours[0]["precision"])
        mine, other = _medians(ours), _medians(theirs)
        cells = (
            contest.name,
            machine,
            precision,
            who,
            str(min(len(ours), len(theirs))),
            f"{mine['seconds']:.0f} s",
            f"{other['seconds']:.0f} s",
            f"{other['seconds'] / mine['seconds']:.2f}",
            f"{contest.bounds[0 if precision == 'bf16' else 1]:.1f}",
            f"{mine['accuracy']:.3f}, {other['accuracy']:.3f}",
            f"{mine['megabytes']:.0f}, {other['megabytes']:.0f} MB",
        )
        yield "| " + " | ".join(cells) + " |"


def _medians(trials_of: list[Trial]) -> dict[str, float]:
    names = ("seconds", "accuracy", "megabytes")
    return {name: statistics.median(trial[name] for trial in trials_of) for name in names}


def write(page: Path, known: list[Trial]) -> None:
    """Replaces what stands between the marks of a page."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    page.write_text(f"{before}{MARKS[0]}\n\n{table(known)}\n\n{MARKS[1]}{after}", encoding="utf-8")


def main() -> None:
    """Runs what is missing, or writes the table."""
    typed = arguments()
    if typed.write:
        write(typed.write, read(typed.trials))
        return
    for trial in trials(typed):
        print(json.dumps(trial), file=sys.stderr)
    print(table(read(typed.trials)))


if __name__ == "__main__":
    main()
