"""Makes the parts of an adaptation's page: both domains' picture, and what guards said."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from regraft.errors import counted
from regraft.reports.plots import INK, TRAIN, VAL, figure_of, panels, uri_of, whole_percents
from regraft.reports.words import NOTHING, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GUARDS = {
    "narrow": "are the answers spread over as many classes as is expected",
    "empty_class": "is every class answered of which rows are expected",
    "stranger": "have the answers more in common with source-only's than chance has",
    "forgetful": "are the source's rows still told apart",
    "one_way": "do the answers still teach the source's classes to a fresh classifier",
    "mistaken": "are labelled target rows answered about as well as by source-only",
}
"""What each guard asks; it objects where the answer is no."""
NUMBERED = 12
"""Classes up to which their means are numbered in the picture."""


def domains_picture(result: Mapping[str, Any]) -> str:
    """Returns both domains in the plane of the classes, before and after; empty without points.

    Args:
        result: With `projection`: `before` and, where a method was kept, `after`; each has
            the (N, 2) points of `source` and `target`; `classes` has the source's classes.
    """
    found = result.get("projection") or {}
    pictures = [(name, found[name]) for name in ("before", "after") if found.get(name)]
    if not pictures:
        return ""
    figure = figure_of(3.7 * len(pictures), 3.4)
    for axes, (name, points) in zip(panels(figure, len(pictures)), pictures, strict=True):
        for domain, colour, mark in (("source", TRAIN, "o"), ("target", VAL, "^")):
            _scatter(axes, points[domain], colour=colour, mark=mark, label=domain)
        _number(axes, points["source"], found.get("classes") or [])
        axes.set(xticklabels=[], yticklabels=[])
        axes.set_title(name, color=INK)
        # A frame would be white on a dark page, and so would the text.
        axes.legend(loc="best", fontsize=8, labelcolor=INK, frameon=False)
    return uri_of(figure)


def _scatter(
    axes: "Axes", points: Sequence[Sequence[float]], *, colour: str, mark: str, label: str
) -> None:
    across, up = ([point[axis] for point in points] for axis in (0, 1))
    axes.scatter(across, up, s=16, color=colour, marker=mark, alpha=0.55, linewidth=0, label=label)


def _number(axes: "Axes", points: Sequence[Sequence[float]], classes: Sequence[int]) -> None:
    """Writes the number of each class, from 1, at the mean of its source rows."""
    for label in _few(classes):
        own = [point for point, of in zip(points, classes, strict=True) if of == label]
        across, up = (sum(point[axis] for point in own) / len(own) for axis in (0, 1))
        place = (across, up)
        axes.annotate(str(label + 1), place, color=INK, fontsize=10, fontweight="bold", ha="center")


def _few(classes: Sequence[int]) -> list[int]:
    """Returns the classes that rows have, from 0; none where they are too many to be numbered."""
    present = sorted(set(classes))
    return present if len(present) <= NUMBERED else []


def numbered(result: Mapping[str, Any]) -> list[int]:
    """Returns the numbers, from 1, that stand in the picture of both domains.

    Args:
        result: As for `domains_picture`.
    """
    return [label + 1 for label in _few((result.get("projection") or {}).get("classes") or [])]


def watched_picture(result: Mapping[str, Any]) -> str:
    """Returns what was seen of a trunk that moved, epoch by epoch; empty where none did.

    Args:
        result: With `history`, whose epochs with a target have `signs`: `information`,
            `entropy`, `source_accuracy`, `reverse_accuracy` and the `guards` that objected.
    """
    seen = [each for each in result.get("history") or [] if each.get("signs")]
    if not seen:
        return ""
    figure = figure_of(7.2, 2.9)
    nats, shares = panels(figure, 2)
    _watch(nats, seen, lines={"information": VAL, "entropy": TRAIN}, factor=1)
    lines = {"source_accuracy": TRAIN, "reverse_accuracy": VAL}
    _watch(shares, seen, lines=lines, factor=100)
    nats.set(title="of the target's answers, in nats")
    shares.set(title="on source rows")
    whole_percents(shares)
    return uri_of(figure)


def _watch(
    axes: "Axes", seen: Sequence[Mapping[str, Any]], *, lines: Mapping[str, str], factor: int
) -> None:
    """Draws signs by epoch: a cross where a guard objected, a ring where weights were kept."""
    from matplotlib.ticker import MaxNLocator

    best = _last_best(seen)
    marked = {
        "x": [n for n, each in enumerate(seen) if each["signs"].get("guards")],
        "o": [n for n, each in enumerate(seen) if each is best],
    }
    epochs = list(range(1, len(seen) + 1))
    for name, colour in lines.items():
        values = [factor * each["signs"].get(name, float("nan")) for each in seen]
        label = name.replace("_", " ")
        axes.plot(epochs, values, color=colour, marker="o", markersize=3, label=label)
        for mark, places in marked.items():
            at = ([epochs[n] for n in places], [values[n] for n in places])
            axes.plot(*at, mark, color=INK, markersize=8, fillstyle="none")
    axes.set(xlabel="epoch with the target")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.08, y=0.15)
    axes.legend(loc="best", fontsize=8, labelcolor=INK, frameon=False)


def kept_words(result: Mapping[str, Any]) -> dict[str, str]:
    """Returns the first tile of an adaptation: `big` and `small` words; empty for other runs.

    Args:
        result: With `methods`, `chosen`, and `scores` where the target was scored.
    """
    tried = [each["name"] for each in result.get("methods") or []]
    if not tried:
        return {}
    chosen = str(result.get("chosen") or NOTHING)
    accuracy = next(
        ((e.get("oracle") or {}).get("accuracy") for e in result["methods"] if e["name"] == chosen),
        None,
    )
    if not accuracy:
        return {"big": chosen, "small": f"is kept, of {counted(len(tried), 'method')} tried"}
    small = f"of the target's scored rows right with {chosen}, which is kept"
    return {"big": percent(accuracy["value"]), "small": small}


def _last_best(seen: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((each for each in reversed(seen) if each.get("best")), None)


def guard_lines(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns, for each guard, what it asks, who passed, and of the others why not."""
    tried = [each for each in result.get("methods") or [] if each.get("guards")]
    names = dict.fromkeys(name for each in tried for name in each["guards"])
    return [
        {
            "name": name,
            "asks": GUARDS.get(name, ""),
            "passed": sum(not each["guards"].get(name) for each in tried),
            "tried": len(tried),
            "objections": [
                f"{each['name']}: {each['guards'][name]}"
                for each in tried
                if each["guards"].get(name)
            ],
        }
        for name in names
    ]


def moved_words(counts: Sequence[Sequence[int]]) -> str:
    """Returns how many answers differ from source-only's; empty without counts.

    Args:
        counts: (K, K) target rows, source-only's answer by the kept one.
    """
    total = sum(sum(row) for row in counts)
    if not total:
        return ""
    other = total - sum(row[place] for place, row in enumerate(counts))
    return f"{other:,} of {total:,} target rows ({100 * other / total:.1f} %) have another answer"
