"""Tests that one block says what was understood and what to look at."""

import pytest

from regraft.data.explain import dominant_script, explain
from regraft.data.load import load
from regraft.data.rows import Dataset

_TEXTS = [f"this is the review number {n}" for n in range(60)]


def _dataset(labels: list[str] | None = None, texts: list[str] | None = None) -> Dataset:
    return load({"text": texts or _TEXTS, "label": labels or ["neg", "pos"] * 30})


def test_the_block_says_rows_classes_columns_reasons_and_parts() -> None:
    assert explain(_dataset()) == [
        "data: 60 texts in 2 classes",
        "columns: text = 'text', label = 'label'",
        "  column 'text' holds the texts: its name says so",
        "  column 'label' holds the labels: its name says so",
        "split: 90/10 by a hash of the content, by class; equal rows are never parted; "
        "no val part, as there are under 200 rows",
        "  train 54 (neg 27, pos 27)",
        "  test 6 (neg 3, pos 3)",
    ]


def test_rows_left_out_are_counted_and_the_first_are_shown() -> None:
    lines = explain(_dataset(labels=[""] * 5 + ["neg", "pos"] * 27 + ["neg"]))
    start = lines.index("left out: 5")
    assert lines[start + 1] == "  data:1: the label is empty"
    assert lines[start + 4] == "  and 2 more"


def test_many_classes_are_summed_up() -> None:
    lines = explain(_dataset(labels=[str(n % 20) for n in range(60)]))
    assert any("rows a class" in line for line in lines)


def test_classes_of_one_size_have_one_number() -> None:
    lines = explain(_dataset(labels=[str(n % 15) for n in range(60)]))
    assert lines[-2:] == ["  train 45 (3 rows a class)", "  test 15 (1 row a class)"]


def test_a_length_limit_that_cuts_much_is_a_warning() -> None:
    little = explain(_dataset(), cut_share=0.01, length=128)
    assert "the length limit of 128 tokens cuts 1.0% of the texts" in little
    hardly = explain(_dataset(), cut_share=0.0001, length=128)
    assert "the length limit of 128 tokens cuts fewer than 0.1% of the texts" in hardly
    assert not any("limit" in line for line in explain(_dataset(), cut_share=0.0, length=128))
    much = explain(_dataset(), cut_share=0.2, length=128)
    assert any(line.startswith("warning: the length limit of 128 tokens cuts 20") for line in much)
    assert "what they say after it is not read" in "".join(much)
    middle = explain(_dataset(), cut_share=0.2, length=128, cut="middle")
    assert "their middle is not read" in "".join(middle)


def test_texts_in_a_script_that_the_backbone_does_not_know_are_a_warning() -> None:
    chinese = _dataset(texts=[f"这家餐馆的菜非常好吃第{n}次" for n in range(60)])
    assert any(
        "most letters of the texts are cjk" in line for line in explain(chinese, scripts=["latin"])
    )
    assert not any("letters" in line for line in explain(chinese, scripts=["latin", "cjk"]))
    assert not any("letters" in line for line in explain(chinese))
    assert not any("letters" in line for line in explain(_dataset(), scripts=["latin"]))


def test_the_network_that_the_data_asked_for_is_told_before_the_cuts() -> None:
    lines = explain(_dataset(), cut_share=0.01, length=9, network="backbone = a: because")
    assert lines.index("backbone = a: because") < len(lines) - 1
    assert "backbone" not in "".join(explain(_dataset(), cut_share=0.01, length=9))


def test_warnings_of_the_data_come_last() -> None:
    lines = explain(_dataset(labels=["pos", "Pos", "neg"] * 20))
    assert lines[-1] == "warning: classes 'Pos', 'pos' differ only in case and are kept apart"


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Ça va, naïve?", "latin"),
        ("Привет, world", "cyrillic"),
        ("مرحبا بكم", "arabic"),
        ("你好世界 ok", "cjk"),
        ("日本語のテキスト", "japanese"),
        ("안녕하세요", "hangul"),
        ("\uff21\uff22", "latin"),
        ("123 !?", ""),
    ],
)
def test_the_script_of_most_letters_is_found(text: str, script: str) -> None:
    assert dominant_script([text]) == script
