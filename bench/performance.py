"""Writes docs/performance.md's tables from the files of trials: nothing is measured here.

One machine a page: that of the last trial, or the one that is named. What was not measured on
it is said to be so.
"""

import argparse
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import standings
from contests import CONTESTS, Contestant
from marks import Trial, markdown, read_trials, write_between
from million import exponent

BENCH = Path(__file__).resolve().parent
PAGE = BENCH.parent / "docs" / "performance.md"
FILES = ("against", "peak", "cost", "views", "million", "startup", "compiled")
SHORT, BATCH = 64, 32
"""Tokens of the texts whose number is varied, and rows that the other table is for."""
ABSENT = "Not measured on this machine."
Trials = dict[str, list[Trial]]


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", type=Path, default=PAGE, help="the page with the marks")
    parser.add_argument("--folder", type=Path, default=BENCH, help="that holds the files")
    parser.add_argument("--machine", help="as the trials name it; default: that of the last one")
    return parser.parse_args()


def read_all(folder: Path, machine: str | None) -> tuple[Trials, str]:
    """Returns the trials of one machine by file, and its name."""
    found = {name: read_trials(folder / f"{name}.jsonl") for name in FILES}
    last = [trials[-1]["processor"] for trials in found.values() if trials]
    chosen = machine or (last[0] if last else "no machine")
    here = {
        name: [trial for trial in trials if trial["processor"] == chosen]
        for name, trials in found.items()
    }
    return here, chosen


def tabled(heads: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> str:
    """Returns a Markdown table, or that nothing was measured where it has no rows."""
    return markdown(heads, [list(map(str, row)) for row in rows]) if rows else ABSENT


def machine_words(trials: Trials, machine: str) -> str:
    """Returns what was measured on: processor, threads, versions, and the precision that won."""
    if not any(trials.values()):
        return ABSENT
    ours = [t for t in trials["against"] if "parts" in t]
    lines = [f"* Processor: {machine}."]
    if ours:
        threads = " or ".join(map(str, sorted({t["threads"] for t in ours})))
        precisions = " or ".join(sorted({str(t["precision"]) for t in ours}))
        lines.append(f"* Threads: {threads}. Fastest precision by regraft's probe: {precisions}.")
    versions = {name: t["versions"][name] for t in trials["against"] for name in t["versions"]}
    if versions:
        shown = ", ".join(f"{name} {versions[name]}" for name in sorted(versions))
        lines.append(f"* Libraries: {shown}.")
    return "\n".join(lines)


def against_table(trials: Trials) -> str:
    """Returns the table of the contests."""
    return standings.table(trials["against"])


def flags_table(trials: Trials) -> str:
    """Returns what each contestant was told."""
    rows = [
        (
            contest.name,
            contest.data,
            who.label,
            f"`{who.script or 'regraft fit'} {' '.join(who.flags)}`",
        )
        for contest in CONTESTS
        for who in contest.contestants
    ]
    return tabled(("job", "data", "who", "command"), rows)


def _command(who: Contestant) -> str:
    return f"`{' '.join((who.script or 'regraft fit', *who.flags))}`"


def peak_table(trials: Trials) -> str:
    """Returns the shares of the peak, the medians of all measurements."""
    found = trials["peak"]
    if not found:
        return ABSENT
    tops = [max(trial["peak"].values()) for trial in found]
    rows = [
        (
            name,
            f"{statistics.median(t['GFLOP/s'][name] for t in found):.0f}",
            f"{100 * statistics.median(t['share'][name] for t in found):.0f} %",
        )
        for name in found[0]["share"]
    ]
    rows.append(("2048 × 2048 product", f"{statistics.median(tops):.0f}", "100 %"))
    return tabled(("what", "GFLOP/s", "share of the peak"), rows)


def rows_table(trials: Trials) -> str:
    """Returns what the whole trunk costs by the number of rows."""
    found = [t for t in trials["cost"] if t["what"] == "pass" and t["tokens"] == SHORT]
    rows = [
        (t["rows"], t["tokens"], f"{t['seconds']:.2f}", f"{1000 * t['seconds'] / t['rows']:.1f}")
        for t in found
    ]
    return tabled(("rows", "tokens a row", "seconds", "milliseconds a row"), rows)


def frozen_table(trials: Trials) -> str:
    """Returns what passes and steps cost by length and frozen blocks, for 32 rows."""
    found = [t for t in trials["cost"] if t["tokens"] != SHORT]
    places = sorted({(t["tokens"], t["line"], t["top"]) for t in found})
    rows = []
    for tokens, line, top in places:
        here = {t["what"]: t for t in found if (t["tokens"], t["line"]) == (tokens, line)}
        cells = [_milliseconds(here, what) for what in ("pass", "step", "step from the disk")]
        rows.append((tokens, f"{line} of {top}", *cells))
    heads = ("tokens", "frozen blocks", "pass over these", "step, computed", "step, read")
    return tabled(heads, rows)


def _milliseconds(here: dict[str, Trial], what: str) -> str:
    """Returns the milliseconds of 32 rows, or nothing; what the probe refuses is marked."""
    if what not in here:
        return ""
    trial = here[what]
    kept = trial.get("read", True) or what != "step from the disk"
    return f"{1000 * BATCH * trial['seconds'] / trial['rows']:.0f} ms" + (
        "" if kept else " (not kept)"
    )


def views_table(trials: Trials) -> str:
    """Returns accuracy and seconds by the number of views."""
    by_views: dict[tuple[int, int | None], list[Trial]] = {}
    for trial in trials["views"]:
        by_views.setdefault((trial["epochs"], trial["views"]), []).append(trial)
    rows = [
        (
            "another one each epoch" if views is None else views,
            epochs,
            len(found),
            *(
                _spread([t[name] for t in found], form)
                for name, form in (("accuracy", ".3f"), ("seconds", ".0f"))
            ),
        )
        for (epochs, views), found in by_views.items()
    ]
    heads = ("views", "epochs", "seeds", "test accuracy (range)", "seconds (range)")
    return tabled(heads, rows)


def _spread(values: list[float], form: str) -> str:
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:{form}} ({low:{form}}–{high:{form}})"


def parts_table(trials: Trials) -> str:
    """Returns where our seconds go in each contest: the medians of the stretches of a run."""
    names = ("data", "train", "evaluate", "total")
    rows = []
    for contest in CONTESTS:
        for who in (each for each in contest.contestants if not each.script):
            key = {"contest": contest.name, "who": who.label, "flags": list(who.flags)}
            found = [t for t in trials["against"] if key.items() <= t.items()]
            if found:
                stretches = [statistics.median(t["parts"][name] for t in found) for name in names]
                whole = statistics.median(t["seconds"] for t in found)
                cells = (f"{value:.1f}" for value in (*stretches, whole))
                rows.append((contest.name, who.label, *cells))
    heads = ("job", "who", *names[:-1], "inside", "whole process")
    return tabled(heads, rows)


def million_table(trials: Trials) -> str:
    """Returns memory and time by the number of texts, each beside the fewer ones before it."""
    by_kind: dict[tuple[str, str], list[Trial]] = {}
    for trial in sorted(trials["million"], key=lambda each: each["rows"]):
        by_kind.setdefault((trial["backbone"], trial["table"]), []).append(trial)
    rows = [
        (
            *kind,
            f"{trial['rows']:,}",
            f"{trial['anonymous_mb']:.0f}",
            f"{trial['anonymous_mb'] / before['anonymous_mb']:.2f}" if before else "",
            f"{trial['seconds']:.0f}",
            exponent(trial, before, "seconds") if before else "",
        )
        for kind, found in by_kind.items()
        for before, trial in zip([None, *found], found, strict=False)
    ]
    heads = ("network", "table", "rows", "anonymous MB", "times", "seconds", "exponent")
    return tabled(heads, rows)


def startup_table(trials: Trials) -> str:
    """Returns what it takes to start, of the last measurement."""
    if not trials["startup"]:
        return ABSENT
    seconds = trials["startup"][-1]["seconds"]
    rows = [
        (f"`{name}`", f"{found['median']:.2f} ({found['low']:.2f}–{found['high']:.2f})")
        for name, found in seconds.items()
    ]
    return tabled(("whole process", "seconds (range)"), rows)


def compiled_table(trials: Trials) -> str:
    """Returns what compiling costs and gains, of the last measurement."""
    if not trials["compiled"]:
        return ABSENT
    rows = [
        (
            name,
            *(f"{1000 * found[what]:.0f} ms" for what in ("step", "compiled")),
            f"{found['compiling']:.0f} s",
            _pays_from(found),
        )
        for name, found in trials["compiled"][-1]["seconds"].items()
    ]
    heads = ("steps of 32 rows", "as it is", "compiled", "compiling", "pays from")
    return tabled(heads, rows)


def _pays_from(found: dict[str, float]) -> str:
    """Returns how many steps win back what compiling took."""
    gain = found["step"] - found["compiled"]
    return f"{found['compiling'] / gain:,.0f} steps" if gain > 0 else "never"


SECTIONS: dict[str, Callable[[Trials], str]] = {
    "against": against_table,
    "parts": parts_table,
    "commands": flags_table,
    "peak": peak_table,
    "rows": rows_table,
    "frozen": frozen_table,
    "views": views_table,
    "million": million_table,
    "startup": startup_table,
    "compiled": compiled_table,
}


def main() -> None:
    """Writes every table between its marks."""
    typed = arguments()
    trials, machine = read_all(typed.folder, typed.machine)
    write_between(typed.write, marks("machine"), machine_words(trials, machine))
    for name, made in SECTIONS.items():
        write_between(typed.write, marks(name), made(trials))


def marks(name: str) -> tuple[str, str]:
    """Returns the two comments between which a table stands."""
    return f"<!-- {name}: python bench/performance.py -->", f"<!-- end of {name} -->"


if __name__ == "__main__":
    main()
