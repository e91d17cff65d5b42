"""Measures adaptation on 13 pairs of domains, and writes the tables of docs/adaptation.md.

A trial is one process and one line of a file; a run that was stopped goes on where it was.
For each pair and seed:

* `auto`: `regraft adapt --method auto`, which tries every method and keeps one, or
  source-only, without a label of the target. Its document has the scores of all of them and
  of TF-IDF (or pixels) with a linear classifier, on the target's test rows: these are told
  beside the choice, and nothing is chosen by them.
* `ceiling`: `regraft fit` on the labelled training rows of the target, texts as long and
  pictures as large as `auto` had them.
* With `--peers PYTHON`, `pytorch-adapt` and `skada`: their methods on the same features, of
  which one is kept as `auto` does it; see `bench/peers/*_methods.py` and `chosen.py`.

A seed draws the rows, where there are more than `--rows`, and all that is random in a method.
The test rows are the same for all seeds. With `--write docs/adaptation.md` the tables between
the marks are made from the file; nothing is run.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domains import PAIRS, Pair, source_table, target_table
from gaps import tables
from marks import Trial, add_trial, marks_of, read_trials, write_between

BENCH = Path(__file__).resolve().parent
PEERS = BENCH / "peers"
MARKS = marks_of("python bench/adaptation.py")
BACKBONES = {"text": "starter:minilm", "image": "starter:efficientnet-lite0"}
PEER_SCRIPTS = {"pytorch-adapt": "pytorch_adapt_methods.py", "skada": "skada_methods.py"}
Document = dict[str, Any]


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", nargs="*", type=int, default=[], help="numbers from 0")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=2000, help="at most, of each part")
    parser.add_argument("--ceiling", default="head", help="strategy that learns the target")
    parser.add_argument("--adapt-flags", default="", help="words for every `regraft adapt`")
    parser.add_argument("--peers", help="Python that has them; see peers/install.py")
    parser.add_argument("--trials", type=Path, default=BENCH / "adaptation.jsonl")
    parser.add_argument("--write", type=Path, help="a page with the marks; nothing is run")
    return parser.parse_args()


def trials(typed: argparse.Namespace) -> Iterator[Trial]:
    """Yields every trial that is missing, seed by seed, so that every pair has its rows."""
    from regraft.machine import processor_name

    known = read_trials(typed.trials)
    who = [
        {"who": "auto", "flags": typed.adapt_flags.split()},
        {"who": "ceiling", "strategy": typed.ceiling},
        *({"who": name} for name in (PEER_SCRIPTS if typed.peers else ())),
    ]
    for seed in range(typed.seeds):
        for pair in [PAIRS[number] for number in typed.pairs] or PAIRS:
            equal = {"pair": pair.name, "kind": pair.kind, "seed": seed, "rows": typed.rows}
            keys = [{**equal, **each} for each in who]
            missing = [key for key in keys if not _is_known(key, known)]
            before = [trial for trial in known if keys[0].items() <= trial.items()]
            for trial in _of_pair(typed, pair, missing, before) if missing else ():
                done = {**trial, "processor": processor_name()}
                add_trial(typed.trials, done)
                yield done


def _is_known(key: Trial, known: list[Trial]) -> bool:
    return any(key.items() <= trial.items() for trial in known)


def _of_pair(
    typed: argparse.Namespace, pair: Pair, missing: list[Trial], before: list[Trial]
) -> Iterator[Trial]:
    with tempfile.TemporaryDirectory() as place:
        folder, drawn = Path(place), {"rows": typed.rows, "seed": missing[0]["seed"]}
        places = (source_table(pair, folder, **drawn), target_table(pair, folder, **drawn))
        for key in missing:
            if key["who"] == "auto":
                before = [{**key, **adapted(pair, places, key)}]
                yield before[-1]
            elif key["who"] == "ceiling":
                yield {**key, **ceiling(pair, places[1], key, extent=before[-1]["extent"])}
            else:
                yield {**key, **peer(typed.peers, pair, places, key)}


def regraft(verb: str, *words: str) -> Document:
    """Returns the document that a verb prints."""
    program = str(Path(sys.executable).with_name("regraft"))
    with tempfile.TemporaryDirectory() as folder:
        typed = [program, verb, *words, "--json", "--quiet", "--out", f"{folder}/run"]
        done = subprocess.run(typed, check=True, stdout=subprocess.PIPE, text=True)
    document: Document = json.loads(done.stdout)
    return document


def adapted(pair: Pair, places: tuple[Path, Path], key: Trial) -> Trial:
    """Returns what `auto` kept, and what the target's labels say of everything it tried."""
    source, target = (str(place) for place in places)
    words = (source, "--target", target, "--backbone", BACKBONES[pair.kind], *key["flags"])
    found = regraft("adapt", *words, "--score-target", "--seed", str(key["seed"]))
    kept = ("chosen", "reason", "methods", "oracle", "target", "seconds", "proportions")
    return {**{name: found[name] for name in kept}, "extent": _extent(found)}


def ceiling(pair: Pair, target: Path, key: Trial, *, extent: list[str]) -> Trial:
    """Returns the accuracy on the same rows of a model that had the target's labels."""
    words = (str(target), "--backbone", BACKBONES[pair.kind], "--strategy", key["strategy"])
    found = regraft("fit", *words, *extent, "--no-baselines", "--seed", str(key["seed"]))
    return {"accuracy": found["scores"]["test"]["accuracy"], "seconds": found["seconds"]}


def peer(python: str, pair: Pair, places: tuple[Path, Path], key: Trial) -> Trial:
    """Returns the accuracy of what the same choice keeps of a peer's methods."""
    source, target = places
    features, answers, seed = (
        source.with_name("features.npz"),
        source.with_name("answers.npz"),
        str(key["seed"]),
    )
    words = (str(source), str(target), BACKBONES[pair.kind], str(features), seed)
    run(sys.executable, "features.py", *words)
    run(python, PEER_SCRIPTS[key["who"]], str(features), str(answers), seed)
    trial: Trial = json.loads(run(sys.executable, "chosen.py", str(features), str(answers)))
    return trial


def run(python: str, script: str, *words: str) -> str:
    """Returns what a script of `bench/peers` prints."""
    typed = [python, "-W", "ignore", str(PEERS / script), *words]
    return subprocess.run(typed, check=True, stdout=subprocess.PIPE, text=True).stdout


def _extent(found: Document) -> list[str]:
    """Returns the flag that asks for the length of texts or side of pictures of a run."""
    flags = {"max_length": "--max-length", "image_size": "--image-size"}
    named = [choice for choice in found["defaults"] if choice["name"] in flags]
    return [word for each in named for word in (flags[each["name"]], str(each["value"]))]


def main() -> None:
    """Runs what is missing, or writes the tables."""
    typed = arguments()
    if typed.write:
        write_between(typed.write, MARKS, tables(read_trials(typed.trials)))
        return
    for trial in trials(typed):
        shown = {key: trial[key] for key in ("pair", "who", "seed")}
        print(json.dumps({**shown, "chosen": trial.get("chosen")}), file=sys.stderr)
    print(tables(read_trials(typed.trials)))


if __name__ == "__main__":
    main()
