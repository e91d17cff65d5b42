"""Measures what passes and steps of MiniLM cost, by rows, length and frozen share.

A pass is the cache's: what a frozen prefix makes of rows, from the input. A training step is one
of `regraft fit` over 32 rows, once with everything below the line computed anew and once with it
read from the disk. Every measurement is one line of a file; a run that was stopped goes on where
it was. Nothing else may run on the machine meanwhile.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from marks import Trial, add_trial, read_trials
from minilm import BATCH, Measured, open_measured, seconds_of, step_seconds, texts
from regraft.backbones.sources.starter import model_folder
from regraft.features.cached import Cache
from regraft.features.level import TOKENS
from regraft.machine import processor_name

BENCH = Path(__file__).resolve().parent
ROWS = (64, 256, 1024)
LENGTHS = (32, 128, 256)
SHORT = 64
"""Tokens of the texts whose number is varied."""
LINES = (2, 4, 6)


def wanted(top: int) -> Iterator[Trial]:
    """Yields what is to be measured: by rows, then by length and line."""
    for rows in ROWS:
        yield {"what": "pass", "rows": rows, "tokens": SHORT, "line": top, "top": top}
    for tokens in LENGTHS:
        for line in (*LINES, top):
            # As many as fill a chunk: fewer rows cost the same, for the chunk is filled up.
            rows = max(1, TOKENS // tokens)
            yield {"what": "pass", "rows": rows, "tokens": tokens, "line": line, "top": top}
        for line in (0, *LINES):
            key = {"rows": BATCH, "tokens": tokens, "line": line, "top": top}
            yield {"what": "step", **key}
            if line:
                yield {"what": "step from the disk", **key}


def pass_seconds(measured: Measured, key: Trial, *, repeats: int) -> float:
    """Returns the least seconds of a pass over all rows."""
    rows, level = texts(key["rows"], key["tokens"]), measured.level(key["line"])

    def once() -> None:
        for chunk in level.chunks(rows):
            level.pass_through(rows, chunk)

    return seconds_of(once, repeats=repeats)


def measure(measured: Measured, key: Trial, *, repeats: int) -> Trial:
    """Returns the seconds of one measurement, and whether anything was read from the disk."""
    if key["what"] == "pass":
        return {"seconds": pass_seconds(measured, key, repeats=repeats)}
    cache = Cache(on=key["what"] != "step")
    seconds = step_seconds(measured, key["tokens"], line=key["line"], cache=cache)
    return {"seconds": seconds, "read": any(worth["pays"] for worth in cache.tally.worth)}


def own_cache(folder: Path) -> None:
    """Makes a folder the cache of this process, with the starter that is there already."""
    models = model_folder("minilm").parent
    (folder / "models").symlink_to(models, target_is_directory=True)
    os.environ["REGRAFT_CACHE"] = str(folder)


def main() -> None:
    """Measures what is missing, and prints every line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--trials", type=Path, default=BENCH / "cost.jsonl")
    typed = parser.parse_args()
    known = read_trials(typed.trials)
    measured = open_measured()
    with tempfile.TemporaryDirectory() as folder:
        own_cache(Path(folder))
        for key in wanted(measured.chain.top):
            key = {**key, "processor": processor_name()}
            if any(key.items() <= trial.items() for trial in known):
                continue
            trial = {**key, **measure(measured, key, repeats=typed.repeats)}
            add_trial(typed.trials, trial)
            print(json.dumps(trial), file=sys.stderr)


if __name__ == "__main__":
    main()
