"""Makes the trials that need no pretrained network: the majority class and the classic."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regraft.data.parting.share import take_share
from regraft.data.rows import Dataset
from regraft.runs.comparing.records import read_record, write_record
from regraft.runs.comparing.settings import CLASSIC
from regraft.scoring import baselines
from regraft.scoring.scores import score

Document = dict[str, Any]
WAYS = {"majority": baselines.majority, CLASSIC: baselines.classic}


def baseline_config(digests: Mapping[str, str], *, own: Mapping[str, Any]) -> Document:
    """Returns what such a trial is a function of, as plain JSON.

    Args:
        digests: Of the rows.
        own: The name of the way as `strategy`, the seed and the fraction.
    """
    return {"settings": dict(own), "digests": {"rows": digests["rows"]}}


def baseline(config: Document, dataset: Dataset, *, out: Path) -> Document:
    """Returns what a cheaper way came to; asked again, what it came to the first time.

    Args:
        config: Plain JSON, as `baseline_config` makes it.
        dataset: With all its labels.
        out: Folder of the comparison.

    Raises:
        DamagedFileError: If what it came to is there, and cannot be read.
        StorageError: If the disk or a permission says no.
    """
    known = read_record(out, config)
    if known is not None:
        return known
    return write_record(out, config, record=_record(config["settings"], dataset))


def _record(own: Document, dataset: Dataset) -> Document:
    started = time.perf_counter()
    parts = take_share(dataset, own["fraction"], seed=own["seed"]).parts
    fitted = WAYS[own["strategy"]](parts["train"], [parts["test"]])
    labels, probabilities = parts["test"].labels, fitted.parts[0]
    seconds = round(time.perf_counter() - started, 3)
    return {
        "data": {"rows": {part: len(rows) for part, rows in parts.items()}},
        "name": fitted.name,
        "scores": {"test": score(probabilities, labels).as_json()},
        "seconds": {"chosen": seconds, "total": seconds},
        "trained_share": 0.0,
        "proof": True,
        "right": "".join("01"[int(hit)] for hit in probabilities.argmax(axis=1) == labels),
    }
