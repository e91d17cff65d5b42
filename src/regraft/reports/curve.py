"""Makes the picture of accuracy by labelled rows from the strategies of a comparison."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from regraft.reports.plots import INK, figure_of, panels, uri_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#1f8a94", "#c1812a", "#9355b8", "#4f8f3a", "#c4523c", "#5a78c8", "#8a6d5a", "#b8568c")
"""Of middling lightness, so that light and dark pages show them alike."""
GREY = "#8a8f98"
MARKERS = "osD^vPX*"


def accuracy_by_rows(
    strategies: Sequence[Mapping[str, Any]], *, classic: Mapping[str, Any] | None = None
) -> str:
    """Returns a curve for each strategy, or the empty string where a share has no other.

    Args:
        strategies: As in the document of a comparison; their intervals are drawn as bands.
        classic: The classic without pretraining, drawn as a dashed line; None = none.
    """
    if not strategies or len(strategies[0]["fractions"]) < 2:
        return ""
    figure = figure_of(7.2, 3.8)
    (axes,) = panels(figure, 1)
    for number, strategy in enumerate(strategies):
        _curve(axes, strategy, number)
    if classic is not None:
        x, y = _points(classic, "value")
        axes.plot(x, y, color=GREY, linestyle=(0, (4, 3)), label=classic["name"])
    drawn = [*strategies, *([] if classic is None else [classic])]
    rows = sorted({share["rows"] for strategy in strategies for share in _scored(strategy)})
    axes.set_xscale("log")
    axes.set_xticks(rows, [f"{count:,.0f}" for count in rows])
    axes.minorticks_off()
    axes.set(xlabel="labelled rows", ylabel="accuracy on test rows (%)", ylim=_limits(drawn))
    # Beside the axes: bands leave no corner free.
    figure.legend(loc="outside upper left", ncols=3, labelcolor=INK, frameon=False)
    return uri_of(figure)


def _curve(axes: "Axes", strategy: Mapping[str, Any], number: int) -> None:
    colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    (rows, value), (_, low), (_, high) = (_points(strategy, n) for n in ("value", "low", "high"))
    axes.fill_between(rows, low, high, color=colour, alpha=0.14, linewidth=0)
    axes.plot(rows, value, color=colour, marker=marker, markersize=5, label=strategy["name"])


def _points(strategy: Mapping[str, Any], name: str) -> tuple[list[float], list[float]]:
    """Returns rows, and percent of the accuracy or of an end of its interval."""
    shares = _scored(strategy)
    return [s["rows"] for s in shares], [100 * s["accuracy"][name] for s in shares]


def _scored(strategy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Returns the shares with which not every seed diverged."""
    return [share for share in strategy["fractions"] if share["accuracy"]]


def _limits(drawn: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Returns what holds every value with some air; wide bands of few seeds may be cut."""
    values = [100 * s["accuracy"]["value"] for each in drawn for s in _scored(each)]
    air = max(4.0, 0.4 * (max(values) - min(values)))
    return max(min(values) - air, 0.0), min(max(values) + air, 101.0)
