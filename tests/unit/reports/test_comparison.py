"""The table and the page of a comparison say what its document says."""

import re
from pathlib import Path

from regraft.reports.comparison import (
    OF_SECONDS,
    headers,
    lines,
    render,
    sentences,
    strongest,
    write_comparison,
)
from tests.unit.reports.example_comparison import example_comparison, score
from tests.unit.reports.test_html import Tags, replace_words

HOSTILE = '"><script>alert(1)</script>'


def test_every_share_of_every_strategy_is_a_line() -> None:
    found = lines(example_comparison())
    assert [line[:3] for line in found] == [
        ["TF-IDF", "10 %", "100"],
        ["TF-IDF", "30 %", "300"],
        ["TF-IDF", "100 %", "1,000"],
        ["head", "10 %", "100"],
        ["head", "30 %", "300"],
        ["head", "100 %", "1,000"],
        ["two-stage", "10 %", "100"],
        ["two-stage", "30 %", "300"],
        ["two-stage", "100 %", "1,000"],
    ]
    heads = headers(example_comparison())
    assert all(len(line) == len(heads) for line in found)
    assert heads[6] == "beside head"
    assert (found[3][6], found[8][6]) == ("–", "+10.0 [+8.0, +12.0]")
    assert found[8][3] == "90.0 % [88.0, 92.0]"


def test_the_best_with_most_labels_is_the_strong_line() -> None:
    assert strongest(example_comparison()) == 8


def test_the_sentences_say_who_is_best_and_what_labels_that_saves() -> None:
    assert sentences(example_comparison()) == [
        "two-stage is best on validation. On the test rows it is +10.0 [+8.0, +12.0] points "
        "beside head: more than the interval.",
        "two-stage is +15.0 [+13.0, +17.0] points beside TF-IDF: that is what transfer gained.",
        "two-stage needs about 215 labelled rows to reach what head has with 1,000 (80.0 %): "
        "21.5 % of them.",
    ]


def test_what_starts_from_random_weights_has_transferred_nothing() -> None:
    result = example_comparison()
    result["best"]["name"] = "scratch"
    assert sentences(result)[1].endswith("points beside TF-IDF: nothing was transferred.")


def test_what_is_not_clear_or_not_reached_is_said() -> None:
    result = example_comparison()
    result["best"]["clear"] = False
    result["gain"]["difference"]["low"] = -0.01
    result["rows_needed"] = {**result["rows_needed"], "rows": None, "share": None}
    best, gain, rows = sentences(result)
    assert gain.endswith("transfer gained nothing measurable.")
    assert best.endswith("not more than the interval.")
    assert rows == "two-stage does not reach what head has with 1,000 (80.0 %) with these labels."
    result["rows_needed"] = {**result["rows_needed"], "rows": 100, "share": 0.1, "at_most": True}
    assert "needs at most 100 labelled rows" in sentences(result)[2]


def test_a_choice_that_is_worse_on_the_test_rows_is_called_so() -> None:
    result = example_comparison()
    result["best"] |= {"clear": False, "difference": score(-0.1)}
    assert sentences(result)[0].endswith(
        "it is −10.0 [−12.0, −8.0] points beside head: worse, by more than the interval."
    )


def test_one_strategy_alone_has_nothing_to_say() -> None:
    result = example_comparison()
    result["best"] = {"name": "head", "over": None, "difference": None, "clear": False}
    result["rows_needed"] = result["gain"] = None
    assert sentences(result) == []
    result["proof"]["holds"] = False
    assert "something moved" in sentences(result)[0]


def test_what_diverged_is_said_in_its_line_and_in_words() -> None:
    result = example_comparison()
    head, full = (strategy["fractions"] for strategy in result["strategies"])
    head[0] = {**dict.fromkeys(head[0]), "fraction": 0.1, "diverged": 3}
    full[2]["diverged"] = 1
    lost = [("head", 0.1, seed) for seed in range(3)] + [("two-stage", 1.0, 2)]
    result["diverged"] = [{"strategy": n, "fraction": f, "seed": s} for n, f, s in lost]
    found = lines(result)
    assert found[3] == ["head", "10 %", "–", "diverged", "–", "–", "–", "–", "–"]
    assert found[8][3] == "90.0 % [88.0, 92.0], diverged in 1 of 3 seeds"
    assert sentences(result)[-2:] == [
        "head diverged in 3 of 9 trials, which are in no mean and no difference: try a smaller "
        "--lr.",
        "two-stage diverged in 1 of 9 trials, which are in no mean and no difference: try a "
        "smaller --lr.",
    ]
    assert "data:image/svg+xml" in render(result)
    result["diverged"] *= 3
    assert "head diverged in every trial, so it has no scores" in sentences(result)[-2]


def test_where_the_others_diverged_no_validation_score_chose() -> None:
    result = example_comparison()
    result["best"] |= {"unjudged": ["two-stage"]}
    for cell in result["strategies"][0]["fractions"]:
        cell |= {"accuracy": None, "diverged": 3}
    assert not any("is best on validation" in each for each in sentences(result))


def test_the_score_that_chose_is_named_where_it_is_not_accuracy() -> None:
    result = example_comparison()
    result["best"]["of"] = "macro_f1"
    (line,) = [each for each in sentences(result) if "is best on validation" in each]
    assert "is best on validation by macro F1. " in line
    assert " points of accuracy beside " in line


def test_the_page_has_the_picture_the_table_and_the_words() -> None:
    page = render(example_comparison())
    assert re.findall(r"<h2>(.*?)</h2>", page) == [
        "What it says",
        "How far the labels go",
        "Every strategy with every share of the labels",
        "Where it ran",
    ]
    assert "<h1>2 strategies on reviews with starter:minilm, 3 seeds each</h1>" in page
    assert page.count('<tr class="chosen">') == 1
    assert "data:image/svg+xml" in page
    assert page.index(OF_SECONDS) > page.index("</table>")


def test_with_one_share_there_is_no_picture() -> None:
    result = example_comparison()
    for strategy in (*result["strategies"], *result["baselines"]):
        del strategy["fractions"][:-1]
    result["fractions"] = [1.0]
    page = render(result)
    assert "data:image" not in page
    assert page.count('<tr class="chosen">') == 1


def test_the_page_runs_nothing_and_loads_nothing() -> None:
    page = render(example_comparison())
    for tag, attributes in Tags(page).found:
        assert tag not in {"script", "link", "iframe", "object", "embed", "form", "base"}
        assert (attributes.get("src") or "data:image/").startswith("data:image/")
        assert "href" not in attributes
    assert "http://" not in page
    assert "https://" not in page


def test_hostile_words_stay_words() -> None:
    calm = Tags(render(replace_words(example_comparison(), "calm"))).found
    hostile = Tags(render(replace_words(example_comparison(), HOSTILE))).found
    assert [tag for tag, _ in hostile] == [tag for tag, _ in calm]


def test_the_page_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "compare.html"
    write_comparison(example_comparison(), path)
    assert path.read_text("utf-8").startswith("<!doctype html>")
    assert [file.name for file in tmp_path.iterdir()] == ["compare.html"]
