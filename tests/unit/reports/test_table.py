"""The final table shows the baselines first and the chosen strategy last."""

from regraft.reports.table import HEADERS, entries
from tests.unit.reports.example_result import example_result


def test_baselines_stand_before_the_chosen_strategy() -> None:
    names = [entry.name for entry in entries(example_result())]
    assert names == [
        "always positive",
        "TF-IDF + logistic regression",
        "linear probe",
        "two-stage",
    ]


def test_only_the_last_line_is_the_chosen_one() -> None:
    assert [entry.chosen for entry in entries(example_result())] == [False, False, False, True]


def test_every_line_has_a_cell_for_every_header() -> None:
    assert {len(entry.cells) for entry in entries(example_result())} == {len(HEADERS)}


def test_the_cells_hold_scores_with_intervals_seconds_and_share() -> None:
    assert entries(example_result())[-1].cells == [
        "two-stage",
        "90.7 % [88.7, 92.7]",
        "0.894 [0.874, 0.914]",
        "0.271 [0.241, 0.301]",
        "1 min 11 s",
        "23.4 %",
    ]


def test_the_chosen_line_has_the_seconds_of_the_strategy_alone() -> None:
    result = example_result()
    result["seconds"]["chosen"] = 2.0
    assert entries(result)[-1].cells[4] == entries({"seconds": {"chosen": 2.0}})[0].cells[4]
    assert entries(result)[-1].seconds == 2.0


def test_without_baselines_the_strategy_stands_alone() -> None:
    result = example_result()
    del result["baselines"]
    assert [entry.name for entry in entries(result)] == ["two-stage"]


def test_baselines_may_hold_their_scores_one_level_deeper() -> None:
    result = example_result()
    flat = result["baselines"]["classic"]
    result["baselines"] = {"classic": {"scores": flat, "seconds": 1.0}}
    first = entries(result)[0]
    assert first.cells[1] == "83.2 % [81.2, 85.2]"
    assert first.name == "classic, without pretraining"


def test_an_empty_document_makes_a_line_of_dashes() -> None:
    assert entries({})[0].cells[1:] == ["–", "–", "–", "–", "–"]


def test_scores_without_leaked_rows_stand_before_the_chosen_line() -> None:
    result = example_result()
    scores = result["scores"]
    scores["test_without_leaks"] = {**scores["test"], "accuracy": scores["test"]["macro_f1"]}
    *_, line, last = entries(result)
    assert (line.name, line.chosen, last.name) == (
        "two-stage, without leaked rows",
        False,
        "two-stage",
    )
    assert line.cells[1:] == ["89.4 % [87.4, 91.4]", *last.cells[2:4], "–", "–"]
