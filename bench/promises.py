"""Measures the four promises of transfer learning, and writes docs/promises.md with its pictures.

1. Better models: from the lines that `bench/strategies.py` left; nothing is run here.
2. Fewer labels: `regraft compare --fractions`, on pictures and on texts.
3. No hand work: one command beside the best of a grid of rates, passes and strategies.
4. Reuse: a head on a run's network beside one on the network that the run started from.

Everything is resumable (`bench/comparisons`); what a promise came to is a line of
`bench/promises.jsonl`. `--write` makes the page and the pictures; nothing is run.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from dots import dots, write_svg
from fits import place_of
from marks import Trial, add_trial, markdown, marks_of, read_trials, write_between
from promise_parts import fewer_labels, geometric, one_command, reused
from tables import BENCH

COMMAND = "python bench/promises.py"
ROOT = BENCH.parent
PAGE = ROOT / "docs" / "promises.md"
PICTURES = ROOT / "docs" / "pictures"
PARTS: dict[int, Callable[[int, float | None], list[Trial]]] = {
    2: fewer_labels,
    3: one_command,
    4: reused,
}
NOTHING = "Not measured."


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--promises", nargs="*", type=int, default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=float, help="passes; default: as the page says")
    parser.add_argument("--trials", type=Path, default=BENCH / "promises.jsonl")
    parser.add_argument("--strategies", type=Path, default=BENCH / "strategies.jsonl")
    parser.add_argument("--write", action="store_true", help="page and pictures; nothing is run")
    return parser.parse_args()


def words_of(gap: Trial) -> str:
    """Returns a difference in points with its interval.

    >>> words_of({"value": 0.02, "low": 0.01, "high": 0.03})
    '+2.0 (+1.0 to +3.0)'
    """
    value, low, high = (100 * gap[end] for end in ("value", "low", "high"))
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"


def score(found: Trial) -> str:
    """Returns an accuracy with its interval."""
    return f"{found['value']:.3f} ({found['low']:.3f}–{found['high']:.3f})"


def picture(uri: str, name: str, words: str) -> str:
    """Writes a picture, and returns the link to it."""
    write_svg(uri, PICTURES / f"{name}.svg")
    return f"![{words}](pictures/{name}.svg)"


def measured_on(trials: Sequence[Trial]) -> str:
    """Returns the machines, in words."""
    return f"Measured on {'; '.join(sorted({place_of(t['environment']) for t in trials}))}."


def better(trials: Sequence[Trial]) -> str:
    """Returns the text of promise 1, from what `bench/strategies.py` found."""
    last = {trial["data"]: trial for trial in trials}
    if not last:
        return NOTHING
    lines, groups, unclear = [], {}, []
    for data, trial in last.items():
        ways = {way["name"]: way for way in trial["ways"]}
        three = {name: ways[name] for name in ("scratch", "head", "two-stage") if name in ways}
        groups[data] = {name: way["accuracy"] for name, way in three.items()}
        gaps = {name: _minus(way["difference"]) for name, way in three.items() if way["difference"]}
        accuracies = [score(groups[data][n]) if n in three else "" for n in ("scratch", "head")]
        mine = score(groups[data]["two-stage"])
        beside = [words_of(gaps[n]) if n in gaps else "" for n in ("scratch", "head")]
        lines.append([data, *accuracies, mine, *beside])
        unclear += [f"{name} on {data}" for name, gap in gaps.items() if gap["low"] <= 0]
    heads = ("data", "`scratch`", "`head`, the probe", "`two-stage`", "gain over `scratch`")
    table = markdown((*heads, "gain over `head`"), lines)
    drawn = picture(dots(groups, label="accuracy on test rows (%)"), "promise-1", "accuracies")
    no = f"No gain beyond chance over: {', '.join(unclear)}." if unclear else ""
    return "\n\n".join(filter(None, [table, drawn, no, measured_on(list(last.values()))]))


def _minus(gap: Trial) -> Trial:
    """Returns the difference seen from the other side."""
    # Less from nothing, as there is a nought with a minus.
    return {"value": 0 - gap["value"], "low": 0 - gap["high"], "high": 0 - gap["low"]}


def fewer(trials: Sequence[Trial]) -> str:
    """Returns the text of promise 2."""
    from regraft.reports.curve import accuracy_by_rows

    last = {trial["data"]: trial for trial in trials if trial["promise"] == 2}
    if not last:
        return NOTHING
    lines, drawn = [], []
    for data, trial in last.items():
        for way, needed in trial["needed"].items():
            lines.append([data, f"`{way}`", _rows(needed), f"{needed[0]['of']:,.0f}"])
        classic = next((b for b in trial["baselines"] if b["key"] == "classic"), None)
        uri = accuracy_by_rows(trial["strategies"], classic=classic)
        drawn.append(picture(uri, f"promise-2-{data}", f"accuracy by labelled rows, {data}"))
    heads = ("data", "strategy", "rows needed for what `scratch` has with all", "all")
    parts = [markdown(heads, lines), *drawn, measured_on(list(last.values()))]
    return "\n\n".join(parts)


def _rows(needed: Sequence[Trial]) -> str:
    """Returns the mean over the seeds, or that it was not reached, or was at once.

    >>> _rows([{"rows": 200.0, "at_most": True}])
    'at most 200'
    """
    found = [each["rows"] for each in needed]
    short = sum(rows is None for rows in found)
    if short:
        return f"not reached in {short} of {len(found)} seeds"
    mean = geometric(found)
    if all(each["at_most"] for each in needed):
        return f"at most {mean['value']:,.0f}"
    span = f"{mean['value']:,.0f} ({mean['low']:,.0f}–{mean['high']:,.0f})"
    return f"at most {span}" if any(each["at_most"] for each in needed) else span


def no_hand(trials: Sequence[Trial]) -> str:
    """Returns the text of promise 3."""
    found = [trial for trial in trials if trial["promise"] == 3]
    if not found:
        return NOTHING
    trial = found[-1]
    mine, grid = trial["seconds"]
    lines = [
        ["one command", score(trial["plain"]), "", f"{mine:.0f}"],
        ["best of the grid", score(trial["tuned"]), words_of(trial["difference"]), f"{grid:.0f}"],
    ]
    heads = (trial["data"], "accuracy", "one command beside it, points", "seconds a seed")
    groups = {"one command": {"one command": trial["plain"]}}
    groups |= {name: {"of the grid": found} for name, found in trial["grid"].items()}
    drawn = picture(dots(groups, label="accuracy on test rows (%)"), "promise-3", "the grid")
    picked = "Picked on validation rows, seed by seed: " + "; ".join(trial["picked"]) + "."
    return "\n\n".join([markdown(heads, lines), drawn, picked, measured_on([trial])])


def reuse(trials: Sequence[Trial]) -> str:
    """Returns the text of promise 4."""
    last = {trial["data"]: trial for trial in trials if trial["promise"] == 4}
    if not last:
        return NOTHING
    lines = [
        [data, score(t["starter"]), score(t["run"]), words_of(t["difference"])]
        for data, t in last.items()
    ]
    heads = ("task", "head on `starter:minilm`", "head on the run's network", "gain, points")
    groups = {data: {"starter": t["starter"], "run": t["run"]} for data, t in last.items()}
    drawn = picture(dots(groups, label="accuracy on test rows (%)"), "promise-4", "reuse")
    worse = [data for data, trial in last.items() if trial["difference"]["high"] < 0]
    told = f"Clearly worse than the starter on: {', '.join(worse)}." if worse else ""
    places = measured_on(list(last.values()))
    return "\n\n".join(filter(None, [markdown(heads, lines), drawn, told, places]))


def main() -> None:
    """Measures the promises that are left, or writes the page."""
    typed = arguments()
    if not typed.write:
        for number in typed.promises:
            for trial in PARTS[number](typed.seeds, typed.epochs):
                if trial not in read_trials(typed.trials):
                    add_trial(typed.trials, trial)
        print(f"{typed.trials} holds what was measured; --write makes the page")
        return
    trials = read_trials(typed.trials)
    texts = (better(read_trials(typed.strategies)), fewer(trials), no_hand(trials), reuse(trials))
    for number, text in enumerate(texts, 1):
        write_between(PAGE, marks_of(f"{COMMAND} {number}"), text)


if __name__ == "__main__":
    main()
