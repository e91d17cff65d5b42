"""Measures `regraft shift` on pairs of domains, and on halves of one domain, line by line.

Each pair is one line of a file, with the estimate and, beside it, the true accuracy of
source-only on all target rows; a run that was stopped goes on where it was. Pairs whose data
are not here are left out, and the reason is printed. With `--write docs/adaptation.md` the
table between the marks is made from the file; nothing is run.
"""

import argparse
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from marks import Trial, add_trial, marks_of, read_trials, write_between

BENCH = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("REGRAFT_SHARED", BENCH.parent.parent / "shared"))
COMMAND = "python bench/shift.py"
NEAR = 0.07
"""Distance from the true accuracy at which an estimate counts as right."""
SPLITS = 20
Lists = tuple[list[Any], list[str]]


@dataclass(frozen=True)
class Pair:
    """Two data sets, as for `regraft shift`.

    Args:
        source: `starter:NAME`, or a file below `shared/data`; a domain of it behind a colon.
        target: The same.
        tuning: Whether the estimate's one constant was chosen by looking at a sample of this pair,
            beside nine others that are none of these.
    """

    source: str
    target: str
    tuning: bool = False

    @property
    def name(self) -> str:
        """What the pair is called in the table."""
        return f"{_short(self.source)} → {_short(self.target)}"


AMAZON = "text/amazon-domains.parquet"
PAIRS = (
    Pair("starter:sentiment-movie", "starter:sentiment-product", tuning=True),
    Pair("starter:sentiment-movie", "starter:sentiment-news", tuning=True),
    Pair("starter:sentiment-movie", "starter:sentiment-tweets", tuning=True),
    Pair(f"{AMAZON}:books", f"{AMAZON}:dvd"),
    Pair(f"{AMAZON}:books", f"{AMAZON}:electronics"),
    Pair(f"{AMAZON}:books", f"{AMAZON}:kitchen"),
    Pair("starter:mnist", "starter:mnist-m"),
    Pair("starter:digits", "starter:digits-m"),
    Pair("image/mnist-small.zip", "image/usps-small.zip", tuning=True),
    Pair("image/usps-small.zip", "image/mnist-small.zip", tuning=True),
    Pair("image/office10-amazon.zip", "image/office10-webcam.zip", tuning=True),
    Pair("image/office10-webcam.zip", "image/office10-amazon.zip", tuning=True),
    Pair("starter:solar-mono", "starter:solar-poly"),
)
HALVES = ("starter:sentiment-product", "image/mnist-small.zip")
"""Data sets whose halves come from one distribution."""


class MissingError(Exception):
    """Data that are not on this machine."""


def _short(source: str) -> str:
    kept = source.removeprefix("starter:").rpartition("/")[2]
    return kept.replace(".parquet:", " ").replace(".zip", "")


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[], help="parts of the pairs' names")
    parser.add_argument("--rows", type=int, help="rows of each domain at most; default: all")
    parser.add_argument("--splits", type=int, default=SPLITS, help="halves of each set")
    parser.add_argument("--trials", type=Path, default=BENCH / "shift.jsonl")
    parser.add_argument("--write", type=Path, help="a page with the marks; nothing is run")
    return parser.parse_args()


def rows_of(source: str, folder: Path) -> Lists:
    """Returns all inputs and labels of a data set, whatever its split.

    Args:
        source: As in `Pair`.
        folder: Where archives are unpacked.
    """
    from regraft.data.load import load
    from regraft.data.parting.domains import domain_tables

    name, _, domain = (
        source.partition(":") if not source.startswith("starter:") else (source, "", "")
    )
    given: Any = _place(name, folder)
    if domain:
        given, _ = domain_tables(given, "domain", first=domain, second=_other(domain))
    parts = load(given).parts.values()
    inputs = [each for part in parts for each in part.inputs]
    labels = [part.classes[label] for part in parts for label in part.labels.tolist()]
    return inputs, labels


def _other(domain: str) -> str:
    return "books" if domain != "books" else "dvd"


def _place(name: str, folder: Path) -> str:
    """Returns what `load` reads."""
    from regraft.data.starters.catalogue import DATASETS

    if name.startswith("starter:"):
        if name.removeprefix("starter:") not in DATASETS:
            raise MissingError(f"there is no {name} yet")
        return name
    path = SHARED / "data" / name
    if not path.exists():
        raise MissingError(f"{path} is missing")
    if path.suffix != ".zip":
        return str(path)
    if not (folder / path.stem).exists():
        with zipfile.ZipFile(path) as stored:
            stored.extractall(folder)  # our own data, named by digest in shared/data
    return str(folder / path.stem)


def some(rows: Lists, count: int | None, *, seed: int = 0) -> Lists:
    """Returns at most so many of the rows, drawn by the seed and not by their order."""
    inputs, labels = rows
    order = np.random.default_rng(seed).permutation(len(inputs))[:count].tolist()
    return [inputs[row] for row in order], [labels[row] for row in order]


def measure(source: Lists, target: Lists) -> Trial:
    """Returns what is kept of one shift."""
    import regraft

    result = regraft.shift(source, target, score_target=True)
    return {
        "verdict": result["verdict"],
        "only_proportions": result["only_proportions"],
        "told_apart": result["domain_classifier"]["accuracy"],
        "p_value": result["domain_classifier"]["p_value"],
        "rows": {"source": len(source[0]), "target": len(target[0])},
        "estimate": result["estimate"],
        "truth": result["oracle"]["accuracy"],
        "proportions": result["proportions"],
        "seconds": result["seconds"],
    }


def pairs(typed: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Lists, Lists]]:
    """Yields name, source and target of each pair and each half that was asked for."""
    for pair in PAIRS:
        if _asked(pair.name, typed.only):
            try:
                found = [
                    some(rows_of(each, folder), typed.rows) for each in (pair.source, pair.target)
                ]
            except MissingError as reason:
                print(f"{pair.name} is left out: {reason}", file=sys.stderr)
                continue
            yield pair.name, found[0], found[1]
    for source in HALVES:
        names = [f"halves of {_short(source)}, {split}" for split in range(typed.splits)]
        if not any(_asked(name, typed.only) for name in names):
            continue
        rows = some(rows_of(source, folder), typed.rows and 2 * typed.rows)
        for split, name in enumerate(names):
            inputs, labels = some(rows, None, seed=1 + split)
            middle = len(inputs) // 2
            yield name, (inputs[:middle], labels[:middle]), (inputs[middle:], labels[middle:])


def _asked(name: str, only: list[str]) -> bool:
    return not only or any(word in name for word in only)


def table(lines: list[Trial]) -> str:
    """Returns the Markdown table of all pairs, and a line on the halves."""
    if not lines:
        return "Not measured."
    tuned = {pair.name for pair in PAIRS if pair.tuning}
    heads = ("pair", "told apart", "p", "source", "estimate", "true", "off")
    made = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    known = [line for line in lines if not line["name"].startswith("halves")]
    made += ["| " + " | ".join(_cells(line)) + " |" for line in known]
    near = [line["name"] in tuned for line in known if abs(_gap(line)) <= NEAR]
    shifts = sum(line["verdict"] == "shift" for line in known)
    halves = [line for line in lines if line["name"].startswith("halves")]
    alarms = sum(line["verdict"] == "shift" for line in halves)
    told = (
        f"{shifts} of {len(known)} pairs are called a shift, and of {len(halves)} pairs of halves "
        f"{alarms}. The estimate is within {100 * NEAR:.0f} points on {len(near)} of {len(known)}, "
        f"{sum(near)} of them pairs that its constant was chosen on."
    )
    return "\n".join([*made, "", told])


def _cells(line: Trial) -> list[str]:
    return [
        line["name"],
        f"{line['told_apart']['value']:.3f}",
        f"{line['p_value']:.3f}",
        f"{line['estimate']['source_accuracy']['value']:.3f}",
        _score(line["estimate"]["accuracy"]),
        _score(line["truth"]),
        f"{100 * _gap(line):+.1f}",
    ]


def _gap(line: Trial) -> float:
    return float(line["estimate"]["accuracy"]["value"] - line["truth"]["value"])


def _score(score: dict[str, float]) -> str:
    return f"{score['value']:.3f} ({score['low']:.3f}–{score['high']:.3f})"


def main() -> None:
    """Runs what is missing, or writes the table."""
    typed = arguments()
    known = read_trials(typed.trials)
    if typed.write:
        write_between(typed.write, marks_of(COMMAND), table(known))
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, source, target in pairs(typed, Path(folder)):
            if name in {line["name"] for line in known}:
                continue
            line = {"name": name, **measure(source, target)}
            add_trial(typed.trials, line)
            known.append(line)
            print(name, line["verdict"], " ".join(_cells(line)[1:]), file=sys.stderr)
    print(table(known))


if __name__ == "__main__":
    main()
