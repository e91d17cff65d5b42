"""Makes the tables of adaptation from its trials: gains, gaps, and what each method got."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from domains import PAIRS
from marks import Trial
from regraft.scoring.intervals import Score, student

START = "source_only"
LEAST_GAP = 0.05
"""Gap from which a pair counts in the share that is closed."""
PEERS = ("pytorch-adapt", "skada")
KINDS = {"image": "Images", "text": "Texts"}


@dataclass(frozen=True)
class Measured:
    """All trials of a pair, one of each seed.

    Args:
        name: Of the pair.
        autos: Trials of `auto`.
        ceilings: Trials of the ceiling.
        peers: Trials of each peer.
    """

    name: str
    autos: list[Trial]
    ceilings: list[Trial]
    peers: dict[str, list[Trial]]

    @property
    def start(self) -> float:
        """Accuracy of source-only."""
        return self.of_method(START)

    @property
    def ceiling(self) -> float:
        """Accuracy of the model that learnt the target's labels; NaN while there is none."""
        return mean(trial["accuracy"]["value"] for trial in self.ceilings)

    @property
    def gap(self) -> float:
        """By how much the ceiling is above source-only."""
        return self.ceiling - self.start

    @property
    def auto(self) -> float:
        """Accuracy of what was kept."""
        return mean(accuracy(trial, trial["chosen"]) for trial in self.autos)

    @cached_property
    def gain(self) -> Score:
        """By how much `auto` is above source-only, with its interval."""
        return joined([gain_of(trial) for trial in self.autos])

    @property
    def classic(self) -> float:
        """Accuracy of the classifier without pretraining, which knows the source alone."""
        beside = [trial["oracle"].get("baselines", {}).get("classic") for trial in self.autos]
        return mean(each["accuracy"]["value"] for each in beside if each)

    def of_method(self, name: str) -> float:
        """Returns the accuracy of a method; NaN where it was not tried."""
        return mean(accuracy(trial, name) for trial in self.autos)


def tables(known: list[Trial]) -> str:
    """Returns all tables in Markdown, with the sums under them.

    Args:
        known: Trials; those of another number of rows than the last one's are left out, and of
            each kind those of other flags or another ceiling than its last ones.
    """
    if not known:
        return "Nothing was measured yet."
    rows = known[-1]["rows"]
    of_rows = [trial for trial in known if trial["rows"] == rows]
    alike = [trial for kind in KINDS for trial in like_the_last(of_rows, kind)]
    parts = [_part(kind, measured(alike, kind)) for kind in KINDS]
    return "\n\n".join([*(part for part in parts if part), _place(alike)])


def like_the_last(known: list[Trial], kind: str) -> list[Trial]:
    """Returns the trials of a kind that may stand in one table: what was asked for is the same.

    Args:
        known: Trials.
        kind: Of the pair: `auto` may have been given other flags for texts than for images.
    """
    alike = [trial for trial in known if trial["kind"] == kind]
    for who, asked in (("auto", "flags"), ("ceiling", "strategy")):
        last = [trial[asked] for trial in alike if trial["who"] == who][-1:]
        alike = [trial for trial in alike if trial["who"] != who or trial[asked] in last]
    return alike


def measured(known: list[Trial], kind: str) -> list[Measured]:
    """Returns the pairs of a kind that have trials of `auto`, in the bench's order."""
    found = []
    for pair in PAIRS:
        of_pair = [trial for trial in known if trial["pair"] == pair.name]
        autos, ceilings = (_last(of_pair, who) for who in ("auto", "ceiling"))
        peers = {who: trials for who in PEERS if (trials := _last(of_pair, who))}
        if pair.kind == kind and autos:
            found.append(Measured(pair.name, autos, ceilings, peers))
    return found


def _last(of_pair: list[Trial], who: str) -> list[Trial]:
    """Returns the last trial of each seed."""
    last = {trial["seed"]: trial for trial in of_pair if trial["who"] == who}
    return [last[seed] for seed in sorted(last)]


def accuracy(trial: Trial, method: str) -> float:
    """Returns a method's accuracy on the target's test rows; NaN where it was not tried."""
    entries = [entry for entry in trial["methods"] if entry["name"] == method]
    return float(entries[0]["oracle"]["accuracy"]["value"]) if entries else math.nan


def gain_of(trial: Trial) -> Score:
    """Returns what was kept less source-only, with the interval over the rows."""
    (entry,) = [entry for entry in trial["methods"] if entry["name"] == trial["chosen"]]
    gain = entry["oracle"].get("gain")
    return Score(**gain) if gain else Score(0.0, 0.0, 0.0)


def joined(gains: list[Score]) -> Score:
    """Returns the mean over seeds; its interval is over seeds or rows, whichever goes further."""
    value = mean(gain.value for gain in gains)
    ends = [(mean(gain.low for gain in gains), mean(gain.high for gain in gains))]
    if len(gains) > 1:
        seeds = student([gain.value for gain in gains])
        ends.append((seeds.low, seeds.high))
    return Score(value, min(low for low, _ in ends), max(high for _, high in ends))


def summed(gains: list[Score]) -> Score:
    """Returns the sum over pairs, which are independent: half widths add as squares."""
    value = math.fsum(gain.value for gain in gains)
    below = math.sqrt(math.fsum((gain.value - gain.low) ** 2 for gain in gains))
    above = math.sqrt(math.fsum((gain.high - gain.value) ** 2 for gain in gains))
    return Score(value, value - below, value + above)


def closed(pairs: list[Measured]) -> Score | None:
    """Returns the sum of gains over the sum of gaps, of pairs with a gap; None without."""
    wide = [pair for pair in pairs if pair.gap >= LEAST_GAP]
    if not wide:
        return None
    gaps, gains = math.fsum(pair.gap for pair in wide), summed([pair.gain for pair in wide])
    return Score(gains.value / gaps, gains.low / gaps, gains.high / gaps)


def sums(pairs: list[Measured]) -> list[str]:
    """Returns in sentences what all pairs of a kind come to."""
    share, gain = closed(pairs), summed([pair.gain for pair in pairs])
    worst = min(pairs, key=lambda pair: pair.gain.value)
    wide = sum(pair.gap >= LEAST_GAP for pair in pairs)
    count = len(pairs)
    told = (
        f"Sum of gains over sum of gaps, of the pairs with a gap of 5 points or more ({wide}): "
        f"**{_percent(share.value)}** ({_percent(share.low)} to {_percent(share.high)})."
        if share
        else "No pair has a gap of 5 points."
    )
    return [
        told,
        f"Mean gain: **{_points(gain.value / count)}** points "
        f"({_points(gain.low / count)} to {_points(gain.high / count)}).",
        f"Worst pair: {worst.name} with {_points(worst.gain.value)} points beside source-only.",
    ]


def _part(kind: str, pairs: list[Measured]) -> str:
    if not pairs:
        return ""
    lines = "\n".join(f"* {line}" for line in sums(pairs))
    return "\n\n".join([f"### {KINDS[kind]}", _choices(pairs), lines, _methods(pairs)])


def _choices(pairs: list[Measured]) -> str:
    """Returns a line a pair: what `auto` came to."""
    peers = [who for who in PEERS if any(who in pair.peers for pair in pairs)]
    heads = [
        *("pair", "seeds", "rows", "source-only", "`auto`", "ceiling", "gain", "kept", "s"),
        *(head for who in peers for head in (who, "s")),
    ]
    return _table([heads, *(_choice(pair, peers) for pair in pairs)])


def _choice(pair: Measured, peers: list[str]) -> list[str]:
    gain = f"{_points(pair.gain.value)} ({_points(pair.gain.low)} to {_points(pair.gain.high)})"
    rows = [trial["target"]["rows"] for trial in pair.autos]
    return [
        pair.name,
        str(len(pair.autos)),
        f"{rows[0]['used']}, {rows[0]['scored']}",
        _number(pair.start),
        f"**{_number(pair.auto)}**",
        _number(pair.ceiling),
        gain,
        _counted(trial["chosen"] for trial in pair.autos),
        f"{mean(trial['seconds']['adapt'] for trial in pair.autos):.0f}",
        *(cell for who in peers for cell in _beside(pair.peers.get(who, []))),
    ]


def _beside(trials: list[Trial]) -> list[str]:
    seconds = mean(trial["seconds"] for trial in trials)
    cells = [_number(mean(trial["accuracy"]["value"] for trial in trials))]
    return [*cells, f"{seconds:.0f}" if trials else "–"]


def _counted(names: Iterable[str]) -> str:
    counts = Counter(name.replace("_", "-") for name in names)
    return ", ".join(f"{name} {count}×" if count > 1 else name for name, count in counts.items())


def _methods(pairs: list[Measured]) -> str:
    """Returns a line a method, a column a pair: oracle scores, by which nothing was chosen."""
    names = list(
        dict.fromkeys(e["name"] for pair in pairs for trial in pair.autos for e in trial["methods"])
    )
    rows: list[tuple[str, Callable[[Measured], float]]] = [
        ("classic, no pretraining", lambda pair: pair.classic),
        *((name.replace("_", "-"), _reader(name)) for name in names),
        ("`auto`", lambda pair: pair.auto),
        ("ceiling", lambda pair: pair.ceiling),
    ]
    body = [[name, *(_number(read(pair)) for pair in pairs)] for name, read in rows]
    return _table([["accuracy on the target", *(pair.name for pair in pairs)], *body])


def _reader(name: str) -> Callable[[Measured], float]:
    return lambda pair: pair.of_method(name)


def _place(known: list[Trial]) -> str:
    """Returns under what conditions all this was measured."""
    autos = [trial for trial in known if trial["who"] == "auto"]
    strategies = sorted({t["strategy"] for t in known if t["who"] == "ceiling"})
    flags = sorted({" ".join(trial["flags"]) for trial in autos} - {""})
    return (
        f"At most {known[-1]['rows']:,} rows of each part. *rows*: of the target, adapted to and "
        "scored. *s*: seconds of all methods, the features apart. Ceiling: "
        f"`regraft fit --strategy {', '.join(strategies) or '–'}` on the target's labelled rows. "
        "Accuracies are means over seeds; an interval is that over the seeds or that over the "
        "test rows, whichever goes further, and intervals of pairs add as squares. "
        + (f"Flags: `{'`, `'.join(flags)}`. " if flags else "")
        + f"Measured on {'; '.join(sorted({trial['processor'] for trial in known}))}."
    )


def mean(values: Iterable[float]) -> float:
    """Returns the mean; NaN of none."""
    listed = list(values)
    return math.fsum(listed) / len(listed) if listed else math.nan


def _table(lines: list[list[str]]) -> str:
    heads, *body = ("| " + " | ".join(line) + " |" for line in lines)
    return "\n".join([heads, "|---" * len(lines[0]) + "|", *body])


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
