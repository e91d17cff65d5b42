"""Tests the table of the contests."""

from contests import CONTESTS, Contest
from marks import Trial
from standings import cells, paired, table

SHORT, *_ = CONTESTS


def trial(contest: Contest, number: int, *, seed: int, seconds: float, right: float) -> Trial:
    who = contest.contestants[number]
    return {
        "contest": contest.name,
        "who": who.label,
        "flags": list(who.flags),
        "seed": seed,
        "seconds": seconds,
        "accuracy": right,
        "megabytes": 1000.0,
        "precision": "fp32",
    }


def rounds() -> list[Trial]:
    """Ours takes 10, 20 and 30 s, theirs 40, 40 and 150 s; one of their rounds is alone."""
    seconds = ((10.0, 40.0), (20.0, 40.0), (30.0, 150.0))
    found = [
        trial(SHORT, number, seed=seed, seconds=pair[number], right=0.8 + 0.05 * number)
        for seed, pair in enumerate(seconds)
        for number in (0, 1)
    ]
    return [*found, trial(SHORT, 1, seed=3, seconds=1.0, right=0.0)]


def test_medians_are_compared_and_ratios_ranged_over_rounds() -> None:
    found = cells(SHORT, SHORT.lines[0], rounds())
    assert found[3:8] == ["3", "20.0", "40.0", "**2.00** (2.00–5.00)", "3.2"]
    assert found[8] == "0.800, 0.850 **(lower)**"


def test_an_accuracy_that_is_lower_by_half_a_point_at_most_is_not_marked() -> None:
    close = [{**each, "accuracy": min(each["accuracy"], 0.805)} for each in rounds()]
    assert cells(SHORT, SHORT.lines[0], close)[8] == "0.800, 0.805"


def test_the_higher_bound_holds_where_bf16_pays() -> None:
    fast = [{**each, "precision": "bf16"} for each in rounds()]
    assert cells(SHORT, SHORT.lines[0], fast)[7] == "5"


def test_a_round_counts_only_where_both_were_run_with_the_flags_of_today() -> None:
    old = {**trial(SHORT, 0, seed=3, seconds=1.0, right=0.0), "flags": ["--epochs", "30"]}
    pairs = paired(SHORT, SHORT.lines[0], [*rounds(), old])
    assert [ours["seed"] for ours, _ in pairs] == [0, 1, 2]


def test_what_was_not_measured_is_said_to_be_so() -> None:
    lines = table(rounds()).splitlines()
    assert sum("not measured on this machine" in line for line in lines) == len(lines) - 3
    assert len(lines) == 2 + sum(len(contest.lines) for contest in CONTESTS)
    assert len({line.count("|") for line in lines}) == 1


def test_every_line_names_contestants_of_its_contest() -> None:
    for contest in CONTESTS:
        labels = [who.label for who in contest.contestants]
        assert len(set(labels)) == len(labels)
        assert {label for line in contest.lines for label in (line.ours, line.theirs)} <= set(
            labels
        )
