"""The document of a comparison, against numbers worked by hand."""

from pathlib import Path
from typing import Any

import pytest

from regraft.errors import DivergedError
from regraft.runs.comparing.document import (
    Cells,
    best_of,
    cell_scores,
    comparison_document,
    difference,
    over_seeds,
    rows_needed,
)
from regraft.runs.comparing.settings import CompareSettings
from regraft.settings import FitSettings

T = 12.706204736
"""Student's 97.5 % point for two seeds."""


def score(value: float, width: float = 0.1) -> dict[str, float]:
    return {"value": value, "low": value - width, "high": value + width}


def record(right: str, *, val: float = 0.5, rows: int = 100, seconds: float = 2.0) -> Any:
    """Returns the record of a trial that answered test rows so."""
    accuracy = right.count("1") / len(right)
    test = {"accuracy": score(accuracy), "macro_f1": score(accuracy), "log_loss": score(0.4)}
    return {
        "data": {"name": "d", "rows": {"train": rows - 10, "val": 10, "test": len(right)}},
        "backbone": {"name": "b"},
        "scores": {"test": test, "val": {"accuracy": score(val), "macro_f1": score(val)}},
        "seconds": {"chosen": seconds, "total": seconds + 1},
        "trained_share": 0.25,
        "environment": {"torch": "2"},
        "proof": True,
        "right": right,
    }


def asked(*, baselines: bool = False, **values: Any) -> CompareSettings:
    shared = FitSettings(baselines=baselines)
    return CompareSettings(**{"strategies": "head,full", "seeds": 2, "shared": shared, **values})


CELLS: Cells = {
    ("head", 0.1): [record("11000", rows=100), record("11000", rows=100)],
    ("head", 1.0): [record("11100", rows=1000, val=0.6), record("11110", rows=1000, val=0.6)],
    ("full", 0.1): [record("11100", rows=100), record("11100", rows=100)],
    ("full", 1.0): [record("11111", rows=1000, val=0.9), record("11110", rows=1000, val=0.8)],
}


def test_the_interval_over_two_seeds_is_that_of_student() -> None:
    found = over_seeds([score(0.4), score(0.5)], "log_loss")
    half = T * 0.05
    assert found["value"] == pytest.approx(0.45)
    assert (found["low"], found["high"]) == pytest.approx((0, 0.45 + half))


def test_seeds_that_agree_leave_the_doubt_of_the_test_rows() -> None:
    found = over_seeds([score(0.4), score(0.4, 0.2)], "accuracy")
    assert (found["low"], found["high"]) == pytest.approx((0.25, 0.55))
    alike = difference([record("11111")] * 2, [record("11110")] * 2)
    assert alike.low == 0 < alike.value < alike.high


def test_no_interval_of_a_share_leaves_the_unit_interval() -> None:
    found = over_seeds([score(0.4), score(0.9)], "accuracy")
    assert (found["low"], found["high"]) == (0, 1)


def test_one_seed_keeps_its_own_interval() -> None:
    assert over_seeds([score(0.4)], "accuracy") == score(0.4)


def test_a_cell_has_the_means_of_its_seeds() -> None:
    cell = cell_scores([record("11100", seconds=1.0), record("11110", seconds=2.0)])
    assert cell["accuracy"]["value"] == pytest.approx(0.7)
    assert (cell["rows"], cell["seconds"], cell["trained_share"]) == (100, 1.5, 0.25)
    assert cell["val_accuracy"] == 0.5


def test_differences_are_paired_seed_by_seed() -> None:
    gap = difference(CELLS["full", 1.0], CELLS["head", 1.0])
    half = T * 0.2  # of 0.4 and 0.0
    assert (gap.value, gap.low, gap.high) == pytest.approx((0.2, 0.2 - half, 0.2 + half))


def test_with_one_seed_they_are_paired_row_by_row() -> None:
    mine, other = record("1111111100"), record("1111111100")
    assert (difference([mine], [other]).low, difference([mine], [other]).high) == (0, 0)
    gap = difference([record("1111111111")], [mine])
    assert gap.value == pytest.approx(0.2)
    assert 0 <= gap.low < gap.value < gap.high


def test_the_best_is_chosen_on_validation_and_judged_on_test_rows() -> None:
    best = best_of(asked(fractions="0.1,1"), CELLS)
    assert (best["name"], best["over"], best["clear"]) == ("full", "head", False)
    steady = {**CELLS, ("head", 1.0): CELLS["full", 1.0]}
    steady["full", 1.0] = [record("11000", val=0.9), record("11000", val=0.9)]
    worse = best_of(asked(), steady)
    assert (worse["name"], worse["clear"]) == ("full", False)
    assert worse["difference"]["value"] < 0


def test_a_difference_without_doubt_is_clear() -> None:
    poor, good = record("11000" * 20), record("11110" * 20, val=0.6)
    cells = {("head", 1.0): [poor] * 2, ("full", 1.0): [good] * 2}
    assert best_of(asked(), cells)["clear"] is True


def test_a_single_strategy_has_nothing_beside_it() -> None:
    found = best_of(asked(strategies="full"), CELLS)
    none = {"over": None, "difference": None, "clear": False}
    assert found == {"name": "full", "of": "accuracy", **none, "unjudged": []}


def test_rows_needed_are_read_off_the_curve() -> None:
    needed = rows_needed(asked(fractions="0.1,1"), CELLS, name="full")
    # From 0.6 at 100 rows to 0.9 at 1,000, and 0.7 to reach: a third of the way.
    assert needed is not None
    assert needed["rows"] == pytest.approx(100 * 10 ** (1 / 3))
    assert needed["share"] == pytest.approx(10 ** (1 / 3) / 10)
    assert (needed["of"], needed["at_most"]) == (1000, False)
    assert needed["accuracy"] == pytest.approx(0.7)


def test_the_reference_and_a_single_share_need_no_rows() -> None:
    assert rows_needed(asked(fractions="0.1,1"), CELLS, name="head") is None
    assert rows_needed(asked(), CELLS, name="full") is None


def test_the_document_holds_every_strategy_and_share() -> None:
    found = comparison_document(asked(fractions="0.1,1"), CELLS, folder=Path("f"))
    assert [s["name"] for s in found["strategies"]] == ["head", "full"]
    assert found["fractions"] == [0.1, 1.0]
    head, full = (s["fractions"] for s in found["strategies"])
    assert [share["difference"] for share in head] == [None, None]
    assert full[0]["difference"]["value"] == pytest.approx(0.2)
    assert found["rows_needed"] == found["strategies"][1]["rows_needed"]
    assert found["seconds"] == {"total": 24.0}
    assert (found["against"], found["seeds"]) == ("head", [0, 1])
    assert found["proof"] == {"holds": True}


def test_baselines_stand_beside_the_strategies_and_say_what_transfer_gained() -> None:
    poor = {**record("11000"), "name": "TF-IDF"}
    del poor["scores"]["val"]
    cells = {**CELLS, ("majority", 1.0): [poor] * 2, ("classic", 1.0): [poor] * 2}
    found = comparison_document(asked(baselines=True), cells, folder=Path("f"))
    assert [(b["key"], b["name"]) for b in found["baselines"]] == [
        ("majority", "TF-IDF"),
        ("classic", "TF-IDF"),
    ]
    classic = found["baselines"][1]["fractions"][0]
    assert classic["val_accuracy"] is None
    assert classic["difference"]["value"] == pytest.approx(0.4 - 0.7)
    assert found["gain"]["over"] == "TF-IDF"
    assert found["gain"]["difference"]["value"] == pytest.approx(0.9 - 0.4)
    without = comparison_document(asked(), CELLS, folder=Path("f"))
    assert (without["baselines"], without["gain"]) == ([], None)


LOST: Any = {"diverged": "why", "strategy": "full", "seed": 1, "seconds": {"total": 5.0}}


def test_a_trial_that_diverged_is_in_no_mean_and_no_difference() -> None:
    cell = cell_scores([record("11100", seconds=1.0), LOST])
    assert cell == {**cell_scores([record("11100", seconds=1.0)]), "diverged": 1}
    cells = {**CELLS, ("full", 1.0): [LOST, record("11110", rows=1000, val=0.9)]}
    found = comparison_document(asked(fractions="0.1,1"), cells, folder=Path("f"))
    # Beside the head's second seed alone, which is right on the same rows.
    assert found["strategies"][1]["fractions"][1]["difference"]["value"] == 0
    assert found["best"]["name"] == "head", "one that diverged is not the best"
    assert found["seconds"] == {"total": 26.0}
    assert found["diverged"] == [{"strategy": "full", "fraction": 1.0, "seed": 1, "reason": "why"}]


def test_a_strategy_without_scores_has_a_row_that_says_so() -> None:
    cells = {**CELLS, ("full", 0.1): [LOST, LOST], ("full", 1.0): [LOST, LOST]}
    found = comparison_document(asked(fractions="0.1,1"), cells, folder=Path("f"))
    for cell in found["strategies"][1]["fractions"]:
        assert (cell["diverged"], cell["accuracy"], cell["difference"]) == (2, None, None)
    assert found["strategies"][1]["rows_needed"] is None
    assert (found["best"]["name"], found["best"]["over"]) == ("head", None)
    assert found["best"]["unjudged"] == []


def test_the_reference_may_have_diverged() -> None:
    cells = {**CELLS, ("head", 1.0): [LOST, LOST]}
    found = comparison_document(asked(fractions="0.1,1"), cells, folder=Path("f"))
    assert found["best"]["name"] == "full"
    assert found["strategies"][1]["fractions"][1]["difference"] is None
    assert found["rows_needed"] is None


def test_where_every_trial_diverged_there_is_no_document() -> None:
    cells = {("head", 1.0): [LOST, LOST], ("full", 1.0): [LOST, LOST]}
    with pytest.raises(DivergedError, match="every trial of every strategy diverged"):
        comparison_document(asked(), cells, folder=Path("f"))


def test_where_classes_weigh_the_same_the_best_is_that_of_the_highest_macro_f1() -> None:
    common, fair = record("11000", val=0.9), record("11000", val=0.8)
    for made, value in ((common, 0.5), (fair, 0.7)):
        made["scores"]["val"]["macro_f1"] = score(value)
    cells = {("head", 1.0): [common] * 2, ("full", 1.0): [fair] * 2}
    assert best_of(asked(), cells)["name"] == "head"
    for made in (common, fair):
        made["class_weights"] = "balanced"
    best = best_of(asked(), cells)
    assert (best["name"], best["of"]) == ("full", "macro_f1")
