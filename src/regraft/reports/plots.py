"""Makes pictures as SVG data URIs from the history and the calibration of a run."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Epochs = Sequence[Mapping[str, Any]]

# Stand-ins that matplotlib can draw with; in the finished picture each becomes a CSS
# variable, so that one file serves light and dark pages.
INK, _MUTED, GRID, TRAIN, VAL = "#010101", "#020202", "#030303", "#040404", "#050505"
_VARIABLES = {
    INK: "var(--ink)",
    _MUTED: "var(--muted)",
    GRID: "var(--grid)",
    TRAIN: "var(--train)",
    VAL: "var(--val)",
}
_STYLE = """<style>
:root{--ink:#1d2430;--muted:#68717f;--grid:#dfe3ea;--train:#9a6b1f;--val:#1f6f78}
@media(prefers-color-scheme:dark){
:root{--ink:#e6e9ef;--muted:#98a1b0;--grid:#333b48;--train:#e0ae5c;--val:#5fc0ca}}
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
</style>"""
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "regraft",
    "font.size": 9,
    "axes.edgecolor": GRID,
    "axes.labelcolor": _MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "text.color": INK,
    "text.parse_math": False,
    "legend.frameon": False,
}


def learning_curves(history: Epochs) -> str:
    """Returns loss and accuracy by epoch, phases marked, or the empty string without epochs.

    Args:
        history: One mapping an epoch, in order, with `phase`, `train_loss`, `val_loss`,
            `train_accuracy`, `val_accuracy` and `best`; what is None is not drawn.
    """
    if not history:
        return ""
    figure = figure_of(7.2, 2.9)
    loss, accuracy = panels(figure, 2)
    _curves(loss, history, measure="loss")
    _curves(accuracy, history, measure="accuracy", factor=100)
    whole_percents(accuracy)
    _legend(loss)
    return uri_of(figure)


def calibration_curve(bins: Sequence[Mapping[str, Any]]) -> str:
    """Returns how often the run was right, by how sure it was.

    Args:
        bins: Mappings with `confidence`, `accuracy` (fractions in [0, 1]) and `rows`.
    """
    filled = [entry for entry in bins if entry.get("rows")]
    if not filled:
        return ""
    figure = figure_of(3.4, 3.2)
    (axes,) = panels(figure, 1)
    most = max(entry["rows"] for entry in filled)
    sure = [100 * entry["confidence"] for entry in filled]
    right = [100 * entry["accuracy"] for entry in filled]
    axes.plot([0, 100], [0, 100], color=_MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.plot(sure, right, color=VAL, linewidth=1.6)
    axes.scatter(sure, right, s=[12 + 90 * e["rows"] / most for e in filled], color=VAL)
    axes.set(xlabel="how sure it was (%)", ylabel="how often it was right (%)")
    axes.set(xlim=(0, 102), ylim=(0, 102), aspect="equal")
    return uri_of(figure)


def confusion_map(confusion: Sequence[Sequence[int]]) -> str:
    """Returns a map of row shares for more classes than a table can show, numbered from 1.

    Args:
        confusion: (K, K) counts, true class by predicted class.
    """
    from matplotlib.ticker import MaxNLocator

    shares = [[count / max(sum(row), 1) for count in row] for row in confusion]
    last = len(confusion) + 0.5
    figure = figure_of(5.2, 5.0)
    (axes,) = panels(figure, 1)
    axes.grid(visible=False)
    extent = (0.5, last, last, 0.5)  # Classes are numbered from 1, as in the table of them.
    axes.imshow(shares, cmap="cividis", vmin=0, vmax=1, interpolation="nearest", extent=extent)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="predicted class (number)", ylabel="true class (number)")
    return uri_of(figure)


def whole_percents(axes: "Axes") -> None:
    """Puts whole percents beside an axis: a tick at 97.5 would be called 98 %."""
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True))
    axes.yaxis.set_major_formatter("{x:.0f} %")


def figure_of(width: float, height: float) -> "Figure":
    """Returns an empty figure; both sides in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def panels(figure: "Figure", number: int) -> "list[Axes]":
    """Returns axes side by side, in the report's style."""
    from matplotlib import rc_context

    with rc_context(_SETTINGS):  # axes read the settings when they are made
        return [figure.add_subplot(1, number, place + 1) for place in range(number)]


def _curves(axes: "Axes", history: Epochs, *, measure: str, factor: int = 1) -> None:
    from matplotlib.ticker import MaxNLocator

    for part, colour in (("train", TRAIN), ("val", VAL)):
        marks = [(n, e.get(f"{part}_{measure}")) for n, e in enumerate(history, start=1)]
        drawn = [(epoch, factor * value) for epoch, value in marks if value is not None]
        if drawn:
            axes.plot(*zip(*drawn, strict=True), color=colour, marker="o", markersize=3, label=part)
    _mark_phases(axes, [str(entry.get("phase", "")) for entry in history])
    _mark_best(axes, history, name=f"val_{measure}", factor=factor)
    axes.set(xlabel="epoch", title=measure)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(x=0.08)


def _mark_phases(axes: "Axes", phases: Sequence[str]) -> None:
    for place in range(1, len(phases)):
        if phases[place] != phases[place - 1]:
            axes.axvline(place + 0.5, color=_MUTED, linewidth=0.8, linestyle=(0, (2, 3)))


def _mark_best(axes: "Axes", history: Epochs, *, name: str, factor: int) -> None:
    best = [(n, e[name]) for n, e in enumerate(history, 1) if e.get("best") and e.get(name)]
    if best:
        epoch, value = best[-1]
        axes.plot([epoch], [factor * value], "o", color=VAL, markersize=9, fillstyle="none")


def _legend(axes: "Axes") -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(labelcolor=INK, frameon=False)


def uri_of(figure: "Figure") -> str:
    """Returns the figure as the data URI of an SVG picture."""
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context(_SETTINGS):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    picture = buffer.getvalue()
    for stand_in, variable in _VARIABLES.items():
        picture = picture.replace(stand_in, variable)
    start = picture.index("<svg")  # the XML head would name an outside DTD
    head_end = picture.index(">", start) + 1
    themed = picture[start:head_end] + _STYLE + picture[head_end:]
    return "data:image/svg+xml;base64," + base64.b64encode(themed.encode()).decode()
