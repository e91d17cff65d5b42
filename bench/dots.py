"""Draws scores with their intervals as dots on lines, in the style of the reports."""

import base64
from collections.abc import Mapping
from pathlib import Path

from regraft.reports.curve import COLOURS, MARKERS
from regraft.reports.plots import INK, figure_of, panels, uri_of

Score = Mapping[str, float]
"""Of `value`, `low` and `high`, fractions in [0, 1]."""


def write_svg(uri: str, place: Path) -> None:
    """Writes the picture of a data URI as a file."""
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(base64.b64decode(uri.partition("base64,")[2]))


def dots(groups: Mapping[str, Mapping[str, Score]], *, label: str) -> str:
    """Returns one line for each score, groups one under another, as a data URI.

    Args:
        groups: By the group's name, scores by the name of what has them.
        label: Of the axis.
    """
    names = list(dict.fromkeys(name for scores in groups.values() for name in scores))
    count = sum(map(len, groups.values()))
    figure = figure_of(7.2, 0.9 + 0.24 * count + 0.12 * len(groups))
    (axes,) = panels(figure, 1)
    place, middles = 0.0, []
    for scores in groups.values():
        middles.append(place + (len(scores) - 1) / 2)
        for name, score in scores.items():
            number = names.index(name)
            value, low, high = (100 * score[end] for end in ("value", "low", "high"))
            colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
            axes.plot([low, high], [place, place], color=colour, linewidth=1.6)
            first = not any(text.get_label() == name for text in axes.lines)
            shown = name if first else "_"
            axes.plot([value], [place], marker, color=colour, markersize=6, label=shown, ls="")
            place += 1
        place += 0.5
    axes.set_yticks(middles, list(groups))
    axes.invert_yaxis()
    axes.set(xlabel=label)
    figure.legend(loc="outside upper left", ncols=4, labelcolor=INK, frameon=False)
    return uri_of(figure)
