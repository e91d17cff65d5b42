"""Makes the table of the contests from their trials."""

import statistics

from contests import CONTESTS, Contest, Line
from marks import Trial

NAMES = ("seconds", "accuracy", "megabytes")
ALLOWED = 0.005
"""How much lower our accuracy may be for the time to count."""


def table(here: list[Trial]) -> str:
    """Returns the Markdown table: a line for each pair that is compared.

    Args:
        here: The trials of one machine.
    """
    heads = [
        *("job", "who", "against", "rounds", "seconds", "theirs", "ratio (range)", "aim"),
        *("accuracy, theirs", "MB, theirs"),
    ]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for contest in CONTESTS:
        lines += ["| " + " | ".join(cells(contest, line, here)) + " |" for line in contest.lines]
    return "\n".join(lines)


def cells(contest: Contest, line: Line, here: list[Trial]) -> list[str]:
    """Returns the cells of a line of the table."""
    pairs = paired(contest, line, here)
    names = [contest.name, line.ours, line.theirs, str(len(pairs))]
    if not pairs:
        return [*names, "not measured on this machine", *[""] * 5]
    mine, other = (medians([pair[side] for pair in pairs]) for side in (0, 1))
    ratios = sorted(theirs["seconds"] / ours["seconds"] for ours, theirs in pairs)
    fast = pairs[0][0]["precision"] == "bf16"
    aim = f"{line.bounds[0 if fast else 1]:g}" if line.bounds else ""
    ratio = other["seconds"] / mine["seconds"]
    return [
        *names,
        f"{mine['seconds']:.1f}",
        f"{other['seconds']:.1f}",
        f"**{ratio:.2f}** ({ratios[0]:.2f}–{ratios[-1]:.2f})",
        aim,
        f"{mine['accuracy']:.3f}, {other['accuracy']:.3f}"
        + (" **(lower)**" if round(other["accuracy"] - mine["accuracy"], 6) > ALLOWED else ""),
        f"{mine['megabytes']:.0f}, {other['megabytes']:.0f}",
    ]


def paired(contest: Contest, line: Line, here: list[Trial]) -> list[tuple[Trial, Trial]]:
    """Returns the trials of both sides of a line, of the rounds in which both were run."""
    by_label = {who.label: who for who in contest.contestants}
    sides = []
    for label in (line.ours, line.theirs):
        flags = list(by_label[label].flags)
        key = {"contest": contest.name, "who": label, "flags": flags}
        sides.append({t["seed"]: t for t in here if key.items() <= t.items()})
    return [(sides[0][seed], sides[1][seed]) for seed in sorted(sides[0].keys() & sides[1].keys())]


def medians(trials_of: list[Trial]) -> dict[str, float]:
    """Returns the medians of what is compared."""
    return {name: statistics.median(trial[name] for trial in trials_of) for name in NAMES}
