"""Tests the sums of adaptation's tables on numbers worked by hand."""

from typing import Any

import pytest

from domains import PAIRS
from gaps import closed, joined, measured, summed, sums, tables
from regraft.scoring.intervals import Score

IMAGES = [pair.name for pair in PAIRS if pair.kind == "image"]


def auto(pair: str, seed: int, start: float, kept: float | None) -> dict[str, Any]:
    """A trial whose kept method is `mcc` at an accuracy, or source-only where that is None."""

    def entry(name: str, value: float) -> dict[str, Any]:
        score = {"value": value, "low": value - 0.02, "high": value + 0.02}
        gain = {key: edge - start for key, edge in score.items()}
        beside = {} if name == "source_only" else {"gain": gain}
        return {"name": name, "oracle": {"accuracy": score, **beside}}

    return {
        "pair": pair,
        "kind": "image",
        "who": "auto",
        "seed": seed,
        "rows": 100,
        "flags": [],
        "chosen": "source_only" if kept is None else "mcc",
        "methods": [entry("source_only", start), entry("mcc", kept or start - 0.1)],
        "oracle": {"baselines": {"classic": {"accuracy": {"value": 0.25}}}},
        "target": {"rows": {"used": 100, "scored": 50}},
        "seconds": {"adapt": 4.0},
        "processor": "a processor",
    }


def ceiling(pair: str, seed: int, value: float) -> dict[str, Any]:
    key = {"pair": pair, "kind": "image", "who": "ceiling", "seed": seed, "rows": 100}
    return {**key, "strategy": "head", "accuracy": {"value": value}, "processor": "a processor"}


def trials() -> list[dict[str, Any]]:
    first, second, third = IMAGES[:3]
    return [
        *(auto(first, 0, 0.50, 0.70), auto(first, 1, 0.50, 0.62), ceiling(first, 0, 0.80)),
        *(auto(second, 0, 0.60, None), ceiling(second, 0, 0.70)),
        *(auto(third, 0, 0.70, 0.68), ceiling(third, 0, 0.72)),
    ]


def test_gains_are_summed_over_gaps_of_five_points_or_more() -> None:
    # (0.16 + 0) / (0.30 + 0.10); the third pair's gap is two points.
    share = closed(measured(trials(), "image"))
    assert share is not None
    assert share.value == pytest.approx(0.4)
    assert closed(measured(trials()[-2:], "image")) is None


def test_an_interval_is_that_over_seeds_or_rows_whichever_goes_further() -> None:
    wide = Score(0.1, -0.2, 0.5)
    assert joined([wide]) == wide
    assert joined([wide, wide]) == Score(0.1, -0.2, 0.5)
    # Student over 0.0 and 0.2: the mean 0.1, half of it 12.706 · 0.1.
    apart = joined([Score(0.0, -0.01, 0.01), Score(0.2, 0.19, 0.21)])
    assert apart.low == pytest.approx(0.1 - 1.2706, abs=1e-4)


def test_half_widths_of_independent_pairs_add_as_squares() -> None:
    found = summed([Score(0.1, 0.07, 0.13), Score(0.2, 0.16, 0.24)])
    assert (found.value, found.low, found.high) == pytest.approx((0.3, 0.25, 0.35))


def test_the_worst_pair_is_named_with_its_loss() -> None:
    told = sums(measured(trials(), "image"))
    assert "**40 %**" in told[0]
    assert "or more (2)" in told[0]
    assert told[2] == f"Worst pair: {IMAGES[2]} with -2.0 points beside source-only."


def test_a_line_of_the_table_has_the_choice_and_the_oracle_scores_stand_apart() -> None:
    page = tables(trials())
    first = next(line for line in page.splitlines() if line.startswith(f"| {IMAGES[0]} "))
    cells = [cell.strip() for cell in first.split("|")[1:-1]]
    assert cells[1:6] == ["2", "100, 50", "0.500", "**0.660**", "0.800"]
    assert cells[7:] == ["mcc 2×", "4"]
    assert "| classic, no pretraining | 0.250 | 0.250 | 0.250 |" in page
    assert "| source-only | 0.500 | 0.600 | 0.700 |" in page
    assert "Texts" not in page


def test_peers_have_columns_where_they_were_measured() -> None:
    peer = {**ceiling(IMAGES[0], 0, 0.55), "who": "skada", "seconds": 9.0}
    page = tables([*trials(), peer])
    first = next(line for line in page.splitlines() if line.startswith(f"| {IMAGES[0]} "))
    assert first.endswith("| 0.550 | 9 |")
    assert "pytorch-adapt" not in page


def test_trials_of_other_row_caps_and_older_ones_of_a_seed_do_not_count() -> None:
    older = auto(IMAGES[0], 0, 0.10, 0.20)
    other = {**auto(IMAGES[0], 0, 0.10, 0.90), "rows": 7}
    assert tables([other, older, *trials()]) == tables(trials())


def test_trials_of_other_flags_or_of_another_ceiling_do_not_count() -> None:
    flags = {"flags": ["--preset", "best"]}
    others = [
        {**auto(IMAGES[0], 2, 0.50, 0.90), **flags},
        {**auto(IMAGES[3], 0, 0.50, 0.90), **flags},
        {**ceiling(IMAGES[0], 1, 0.95), "strategy": "two-stage"},
    ]
    assert tables([*others, *trials()]) == tables(trials())


def test_texts_may_have_had_other_flags_than_images() -> None:
    name = next(pair.name for pair in PAIRS if pair.kind == "text")
    made = {**auto(name, 0, 0.50, 0.60), "kind": "text", "flags": ["--strategy", "two-stage"]}
    page = tables([*trials(), made])
    assert f"| {IMAGES[0]} | 2 |" in page
    assert f"| {name} | 1 |" in page


def test_without_trials_the_page_says_so() -> None:
    assert tables([]) == "Nothing was measured yet."
