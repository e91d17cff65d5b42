"""Measures the promises of transfer learning one by one; `bench/promises.py` shows them."""

import json
import math
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fits import fitted, right_rows
from marks import Trial
from strategies import records_of
from tables import BENCH, Rows, table_of

PLACE = BENCH / "comparisons"
Document = dict[str, Any]

LABELS: dict[str, tuple[Rows, tuple[float, ...], dict[str, Any]]] = {
    "fashion-mnist-small": (Rows(180, 20, 100), (0.1, 0.25, 0.5, 1.0), {"image_size": 64}),
    "starter:sentiment-movie": (
        Rows(250, 50, 200),
        (0.4, 1.0),
        {"max_length": 40, "epochs": 4.0},
    ),
}
"""Of promise 2: rows of a class, shares of the labels, and what holds the cost down."""
TUNED: tuple[str, Rows, dict[str, Any]] = (
    "fashion-mnist-small",
    Rows(50, 20, 100),
    {"image_size": 64},
)
RATES = (3e-4, 1e-3, 3e-3)
PASSES = (7.0, 15.0)
GRID = ("two-stage", "full")
FIRST = ("starter:sentiment-movie", Rows(750, 50, 100))
REUSED = tuple(f"starter:{name}" for name in ("sentiment-product", "sentiment-tweets", "bbc-news"))
REUSED_ROWS = Rows(100, 20, 80, words=60)


def short(name: str) -> str:
    """Returns the name of a data set as it is shown."""
    return name.removeprefix("starter:")


def fewer_labels(seeds: int, epochs: float | None) -> list[Trial]:
    """Returns promise 2: how many rows reach what `scratch` reaches with all of them."""
    import regraft

    found = []
    for name, (rows, shares, flags) in LABELS.items():
        folder = PLACE / f"promise-2-{short(name)}-{seeds}-{epochs or 'usual'}"
        result = regraft.compare(
            str(table_of(name, rows)),
            strategies=("scratch", "head", "two-stage"),
            against="scratch",
            fractions=shares,
            seeds=seeds,
            out=folder,
            **{**flags, **({"epochs": epochs} if epochs else {})},
        )
        needed = {way: rows_by_seed(folder, way) for way in ("head", "two-stage")}
        kept = {key: result[key] for key in ("strategies", "baselines")}
        around = {"environment": {**result["environment"], "verdict": None}}
        found.append({"promise": 2, "data": short(name), "needed": needed, **kept, **around})
    return found


def rows_by_seed(folder: Path, way: str) -> list[Document]:
    """Returns for each seed the rows that a strategy needs for what `scratch` has with all.

    Args:
        folder: Of a comparison.
        way: The strategy.
    """
    from regraft.scoring.crossing import rows_to_reach

    records = records_of(folder)
    seeds = sorted({record["config"]["settings"]["seed"] for record in records[way]})
    found = []
    for seed in seeds:
        mine, scratch = (_curve(records[name], seed) for name in (way, "scratch"))
        rows, target = scratch[-1]
        needed = rows_to_reach(mine, target)
        at_most = needed == mine[0][0]
        found.append({"seed": seed, "rows": needed, "at_most": at_most, "of": rows})
    return found


def _curve(records: Sequence[Document], seed: int) -> list[tuple[float, float]]:
    """Returns rows and accuracy of one seed, fewest rows first."""
    of_seed = [r for r in records if r["config"]["settings"]["seed"] == seed]
    pairs = []
    for record in of_seed:
        counts = record["data"]["rows"]
        accuracy = record["scores"]["test"]["accuracy"]["value"]
        pairs.append((float(counts["train"] + counts["val"]), float(accuracy)))
    return sorted(pairs)


def one_command(seeds: int, epochs: float | None) -> list[Trial]:
    """Returns promise 3: no flag beside the best of a grid, picked on validation rows."""
    import regraft

    name, rows, flags = TUNED
    table = str(table_of(name, rows))
    passes = PASSES if epochs is None else (epochs,)
    usual: dict[str, Any] = {"epochs": epochs} if epochs else {}
    cells = [(rate, many) for rate in RATES for many in passes]
    folders = [PLACE / f"promise-3-{seeds}-{rate:g}-{many:g}" for rate, many in cells]
    plain = PLACE / f"promise-3-{seeds}-{epochs or 'usual'}"
    shared: dict[str, Any] = {"seeds": seeds, "baselines": False, **flags}
    first = regraft.compare(table, strategies=("two-stage",), out=plain, **shared, **usual)
    for (rate, many), folder in zip(cells, folders, strict=True):
        regraft.compare(table, strategies=GRID, lr=rate, epochs=many, out=folder, **shared)
    return [
        {
            **_tuned(plain, dict(zip(cells, folders, strict=True))),
            "data": short(name),
            "environment": {**first["environment"], "verdict": None},
        }
    ]


def _tuned(plain: Path, grid: dict[tuple[float, float], Path]) -> Trial:
    from regraft.runs.comparing.document import cell_scores, difference

    mine = records_of(plain)["two-stage"]
    cells = {
        f"{strategy}, rate {rate:g}, {many:g} passes": records
        for (rate, many), folder in grid.items()
        for strategy, records in records_of(folder).items()
    }
    picked = [max(cells, key=lambda name: _choosing(cells[name][n])) for n in range(len(mine))]
    tuned = [cells[name][number] for number, name in enumerate(picked)]
    accuracies = {name: cell_scores(records)["accuracy"] for name, records in cells.items()}
    seconds = [sum(r["seconds"]["total"] for r in records) for records in ([*mine], _all(cells))]
    return {
        "promise": 3,
        "plain": cell_scores(mine)["accuracy"],
        "tuned": cell_scores(tuned)["accuracy"],
        "picked": picked,
        "difference": vars(difference(mine, tuned)),
        "grid": accuracies,
        "seconds": [round(each / len(mine), 1) for each in seconds],
    }


def _choosing(record: Document) -> tuple[float, float]:
    val = record["scores"]["val"]
    return val["accuracy"]["value"], -val["log_loss"]["value"]


def _all(cells: dict[str, list[Document]]) -> list[Document]:
    return [record for records in cells.values() for record in records]


def reused(seeds: int, epochs: float | None) -> list[Trial]:
    """Returns promise 4: heads on a run's network beside heads on the network it came from."""
    from regraft.runs.comparing.document import cell_scores, difference

    found = []
    for name in REUSED:
        table = table_of(name, REUSED_ROWS)
        heads: dict[str, list[Document]] = {"run": [], "starter": []}
        for seed in range(seeds):
            networks = {"run": str(_first_run(seed, epochs)), "starter": "starter:minilm"}
            for who, network in networks.items():
                heads[who].append(_head(table, network, seed))
        scores = {who: cell_scores(records)["accuracy"] for who, records in heads.items()}
        gap = vars(difference(heads["run"], heads["starter"]))
        around = {"environment": heads["run"][0]["environment"]}
        found.append({"promise": 4, "data": short(name), **scores, "difference": gap, **around})
    return found


def _first_run(seed: int, epochs: float | None) -> Path:
    """Returns a finished run on the first task, made once a seed."""
    run = PLACE / f"promise-4-run-{seed}-{epochs or 3}"
    if not (run / "result.json").exists():
        shutil.rmtree(run, ignore_errors=True)
        words = [str(table_of(*FIRST)), "--max-length", "48", "--epochs", str(epochs or 3)]
        fitted([*words, "--no-baselines", "--seed", str(seed)], run=run)
    return run


def _head(table: Path, network: str, seed: int) -> Document:
    """Returns the record of a head on a network that stands still, made once."""
    name = f"promise-4-{table.stem}-{Path(network).name.replace(':', '-')}-{seed}.json"
    place = PLACE / name
    if not place.exists():
        words = [str(table), "--backbone", network, "--strategy", "head", "--no-baselines"]
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            result = fitted([*words, "--seed", str(seed)], run=run)
            record = {key: result[key] for key in ("data", "scores", "seconds", "trained_share")}
            record["right"] = right_rows(run)
            record["environment"] = {**result["environment"], "verdict": None}
        PLACE.mkdir(exist_ok=True)
        place.write_text(json.dumps(record), encoding="utf-8")
    content: Document = json.loads(place.read_text("utf-8"))
    return content


def geometric(values: Sequence[float]) -> dict[str, float]:
    """Returns the geometric mean of row counts with Student's interval of their logarithms.

    >>> round(geometric([100, 400])["value"])
    200
    """
    from regraft.scoring.intervals import student

    logs = [math.log(value) for value in values]
    if len(logs) < 2:
        return dict.fromkeys(("value", "low", "high"), math.exp(logs[0]))
    return {end: math.exp(value) for end, value in vars(student(logs)).items()}
