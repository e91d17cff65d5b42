"""Measures every strategy on four small data sets, and writes the table of docs/choosing.md.

A data set is one `regraft compare`, resumable trial by trial. With `--write docs/choosing.md`
the table between the marks is made from the comparisons; nothing is run.
"""

import argparse
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marks import table_marks, write_between

BENCH = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("REGRAFT_SHARED", BENCH.parent.parent / "shared"))
PLACE = BENCH / "comparisons"
STRATEGIES = (
    "two-stage",
    "scratch",
    "zero",
    "head",
    "full",
    "layerwise",
    "gradual",
    "l2-start",
    "decay",
    "contrastive",
    "auto",
)
MARKS = table_marks("strategies.py")
Document = dict[str, Any]


@dataclass(frozen=True)
class Data:
    """One line of the table.

    Args:
        name: Shown.
        source: As for `regraft fit`; a zip under `shared/data/image` where it is none.
        rows: Labelled rows of train and val that are used.
    """

    name: str
    source: str
    rows: int


DATA = (
    Data("sentiment-news", "starter:sentiment-news", 600),
    Data("bbc-news, 20 a class", "starter:bbc-news", 100),
    Data("cifar10-small, 100 a class", "cifar10-small", 1_000),
    Data("fashion-mnist-small, 50 a class", "fashion-mnist-small", 500),
)


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[], help="data sets by the start of a name")
    parser.add_argument("--strategies", nargs="*", default=STRATEGIES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", type=Path, help="a page with the marks; nothing is run")
    return parser.parse_args()


def folder_of(data: Data) -> Path:
    """Returns where a comparison is kept."""
    return PLACE / data.name.split(",")[0]


def measure(data: Data, strategies: Sequence[str], *, seeds: int) -> None:
    """Compares the strategies on one data set."""
    import regraft
    from regraft.data.load import load

    with tempfile.TemporaryDirectory() as folder:
        source = data.source
        if not source.startswith("starter:"):
            with zipfile.ZipFile(SHARED / "data" / "image" / f"{source}.zip") as packed:
                packed.extractall(folder)
            source = folder
        parts = load(source).parts
        there = len(parts["train"]) + len(parts["val"])
        regraft.compare(
            source,
            strategies=tuple(strategies),
            seeds=seeds,
            fractions=(data.rows / there,),
            out=folder_of(data),
        )


def cells(result: Document) -> Iterator[tuple[str, str]]:
    """Yields the name and the cell of each strategy and baseline."""
    for each in (*result["baselines"], *result["strategies"]):
        (found,) = each["fractions"]
        score = found["accuracy"]
        text = f"{score['value']:.3f} ({score['low']:.3f}–{score['high']:.3f})"
        name = each["name"]
        yield name, f"**{text}**" if name == result["best"]["name"] else text


def table() -> str:
    """Returns the table in Markdown; a strategy a line, a data set a column."""
    made = [data for data in DATA if (folder_of(data) / "result.json").exists()]
    columns = [
        dict(cells(json.loads((folder_of(data) / "result.json").read_text("utf-8"))))
        for data in made
    ]
    names = list(dict.fromkeys(name for column in columns for name in column))
    lines = [["strategy", *(data.name for data in made)], ["---"] * (len(made) + 1)]
    lines += [[name, *(column.get(name, "") for column in columns)] for name in names]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Runs the comparisons that are left, or writes the page."""
    typed = arguments()
    if typed.write:
        write_between(typed.write, MARKS, table())
        return
    for data in DATA:
        if not typed.only or any(data.name.startswith(start) for start in typed.only):
            measure(data, typed.strategies, seeds=typed.seeds)


if __name__ == "__main__":
    main()
