"""The tables of a shift: the verdict first, and nothing where nothing was found."""

from regraft.reports.shift import METHODS, tables
from tests.unit.reports.example_shift import SCORE, example_shift


def test_the_verdict_comes_first() -> None:
    lines = tables(example_shift())[0][1]
    assert lines[:4] == [
        ["verdict", "shift"],
        ["domains told apart", "75.0 % [70.0, 80.0]"],
        ["by chance, at most", "55.0 %"],
        ["p", "0.002"],
    ]


def test_the_truth_stands_under_the_estimates_where_it_was_asked_for() -> None:
    lines = tables(example_shift(oracle={"rows": 60, "accuracy": SCORE}))[1][1]
    assert lines[-1] == ["target, true (oracle)", "75.0 % [70.0, 80.0]"]
    assert ["  agreement of twins", "70.0 %"] in lines
    assert len(tables(example_shift())[1][1]) == len(lines) - 1


def test_proportions_numbers_and_words() -> None:
    _, _, proportions, numbers, words = (lines for _, lines in tables(example_shift()))
    assert proportions == [["neg", "50.0 %", "75.0 % [70.0, 80.0]"]]
    assert numbers == [["words", "20", "8.5", "+0.75 [+0.70, +0.80]"]]
    assert words == [["target", "soup", "0.0 %", "50.0 %", "+4.2"]]


def test_a_table_without_lines_is_left_out() -> None:
    bare = example_shift(differences={"numbers": []})
    assert len(tables(bare)) == 3


def test_every_estimate_has_a_name() -> None:
    assert all(METHODS.values())


def test_where_rows_are_too_few_proportions_were_not_tested() -> None:
    few = example_shift(verdict="too few rows", proportions_tested=False)
    assert tables(few)[0][1][-1] == ["only proportions differ", "not tested"]
