"""Makes numbers readable: percentages with intervals, durations, shares, losses."""

from collections.abc import Mapping
from typing import Any

NOTHING = "–"


def named(thing: object) -> object:
    """Returns the `name` of a mapping that has one, and anything else as it is.

    >>> named({"name": "starter:minilm", "width": 384}), named("reviews")
    ('starter:minilm', 'reviews')
    """
    return thing.get("name", NOTHING) if isinstance(thing, Mapping) else thing


def percent(fraction: float | None, digits: int = 1) -> str:
    """Returns a fraction in [0, 1] as a percentage, or a dash for None.

    >>> percent(0.9312)
    '93.1 %'
    """
    return NOTHING if fraction is None else f"{100 * fraction:.{digits}f} %"


def percent_score(score: Mapping[str, Any] | None) -> str:
    """Returns a score with its 95 % interval in percent.

    >>> percent_score({"value": 0.931, "low": 0.91, "high": 0.948})
    '93.1 % [91.0, 94.8]'
    """
    if not score or score.get("value") is None:
        return NOTHING
    return percent(score["value"]) + _interval(score, factor=100, digits=1)


def plain_score(score: Mapping[str, Any] | None) -> str:
    """Returns a score with three digits and its 95 % interval.

    >>> plain_score({"value": 0.2134, "low": 0.18, "high": 0.25})
    '0.213 [0.180, 0.250]'
    """
    if not score or score.get("value") is None:
        return NOTHING
    return f"{score['value']:.3f}" + _interval(score, factor=1, digits=3)


def _interval(score: Mapping[str, Any], *, factor: int, digits: int) -> str:
    low, high = score.get("low"), score.get("high")
    if low is None or high is None:
        return ""
    return f" [{factor * low:.{digits}f}, {factor * high:.{digits}f}]"


def points(difference: float | None) -> str:
    """Returns a difference of fractions in percentage points, with its sign.

    >>> points(-0.042)
    '−4.2'
    """
    if difference is None:
        return NOTHING
    return f"{100 * difference:+.1f}".replace("-", "−")


def duration(seconds: float | None) -> str:
    """Returns seconds as a person would say them.

    >>> duration(0.42), duration(41.2), duration(200.4), duration(3720)
    ('0.4 s', '41 s', '3 min 20 s', '1 h 02 min')
    """
    if seconds is None:
        return NOTHING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def share(fraction: float | None) -> str:
    """Returns a share of weights; a small one is not rounded to nothing.

    >>> share(0.0004), share(0.042), share(0.0), share(1.0)
    ('< 0.1 %', '4.2 %', '0 %', '100 %')
    """
    if fraction is None:
        return NOTHING
    if fraction in (0, 1):
        return f"{100 * fraction:.0f} %"
    return "< 0.1 %" if fraction < 0.001 else percent(fraction)


def count(number: int | None) -> str:
    """Returns a whole number with thin spaces between thousands.

    >>> count(22713216)
    '22\u2009713\u2009216'
    """
    return NOTHING if number is None else f"{number:,}".replace(",", "\u2009")
