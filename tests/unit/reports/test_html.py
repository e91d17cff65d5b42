"""The page stands alone, escapes all data and leaves out what was not measured."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regraft.errors import StorageError
from regraft.reports.html import render, sentence, write_report
from regraft.reports.thumbnails import thumbnail
from tests.unit.reports.example_result import example_result

HOSTILE = "<script>alert(1)</script>"
TURNED = "abc\u202egnp.exe"


class Tags(HTMLParser):
    """Collects every tag with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def replace_words(value: Any, words: str) -> Any:
    """Returns a document with all its words, keys excepted, replaced."""
    if isinstance(value, dict):
        return {name: replace_words(inner, words) for name, inner in value.items()}
    if isinstance(value, list):
        return [replace_words(inner, words) for inner in value]
    return words if isinstance(value, str) else value


@pytest.fixture(scope="module")
def page() -> str:
    return render(example_result())


def test_the_page_says_what_was_done_in_its_heading(page: str) -> None:
    heading = re.search(r"<h1>(.*?)</h1>", page)
    assert heading is not None
    assert heading[1] == (
        "Trained starter:minilm on reviews to tell 3 classes apart with the strategy two-stage: "
        "23.4 % of the weights moved; 90.7 % of the test rows come out right."
    )


def test_every_part_has_its_heading(page: str) -> None:
    assert re.findall(r"<h2>(.*?)</h2>", page) == [
        "Please look at this",
        "How good it is",
        "What transfer gained",
        "How training went",
        "What gets confused with what",
        "Class by class",
        "The worst mistakes",
        "Can its confidence be believed?",
        "What was understood of the data",
        "What was frozen, and what was trained",
        "What was chosen for you",
        "Where the time went",
        "Where it ran",
        "What to do next",
    ]


def test_of_a_class_without_test_rows_nothing_is_said_to_be_missed() -> None:
    result = example_result()
    result["per_class"][0] |= {"rows": 0, "recall": 0.0, "f1": 0.0}
    cells = re.search(
        r"<h2>Class by class</h2>.*?<tbody>\s*<tr>(.*?)</tr>", render(result), re.DOTALL
    )
    assert cells is not None
    assert re.findall(r'<td class="number">(.*?)</td>', cells[1])[2:] == ["–", "–"]


def test_the_table_shows_the_baselines_and_the_gain_has_its_interval(page: str) -> None:
    for words in ("TF-IDF + logistic regression", "83.2 % [81.2, 85.2]", "+4.1 to +10.9"):
        assert words in page


def test_the_page_runs_nothing_and_loads_nothing(page: str) -> None:
    for tag, attributes in Tags(page).found:
        assert tag not in {"script", "link", "iframe", "object", "embed", "form", "base"}
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("src") or "data:image/").startswith("data:image/")
        assert "href" not in attributes
    assert "http://" not in page
    assert "https://" not in page


def test_the_page_forbids_scripts_and_the_network(page: str) -> None:
    policies = [a["content"] for t, a in Tags(page).found if "Content-Security" in str(a)]
    assert policies == [
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    ]


@pytest.mark.parametrize("words", [HOSTILE, '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}'"])
def test_hostile_words_anywhere_in_the_document_stay_words(words: str) -> None:
    calm = Tags(render(replace_words(example_result(), "calm"))).found
    hostile = Tags(render(replace_words(example_result(), words))).found
    assert [tag for tag, _ in hostile] == [tag for tag, _ in calm]
    assert [set(attributes) for _, attributes in hostile] == [set(a) for _, a in calm]


def test_a_label_that_is_a_formula_is_shown_as_it_is() -> None:
    assert "<bdi>=cmd()</bdi>" in render(replace_words(example_result(), "=cmd()"))


def test_marks_that_turn_lines_around_are_spelled_out() -> None:
    page = render(replace_words(example_result(), TURNED))
    assert "\u202e" not in page
    assert "abc\\u202egnp.exe" in page


def test_hostile_keys_are_escaped_too() -> None:
    page = render({**example_result(), "environment": {HOSTILE: {HOSTILE: HOSTILE}}})
    assert "<script" not in page


def test_only_a_harmless_ready_picture_is_shown() -> None:
    ready = thumbnail(np.zeros((8, 8), dtype=np.uint8))
    result = example_result()
    result["mistakes"][0]["thumbnail"] = ready
    result["mistakes"][1]["thumbnail"] = "https://example.org/spy.png"
    page = render(result)
    assert ready in page
    assert "spy.png" not in page


def test_a_mistake_whose_image_is_gone_is_shown_without_it(tmp_path: Path) -> None:
    result = example_result()
    result["mistakes"] = [
        {
            "origin": "gone.png",
            "image": str(tmp_path / "gone.png"),
            "label": "cat",
            "prediction": "dog",
            "confidence": 0.9,
        }
    ]
    page = render(result)
    assert "gone.png" in page
    assert 'alt="the image"' not in page


def test_many_classes_are_drawn_as_a_map() -> None:
    result = example_result()
    result["classes"] = [f"class {n}" for n in range(20)]
    result["confusion"] = [[int(t == p) * 9 + (p == 0) for p in range(20)] for t in range(20)]
    page = render(result)
    assert "Shares of each true class by predicted class" in page
    assert 'class="grid"' not in page
    assert "The most frequent mix-ups" in page


@pytest.mark.parametrize("missing", sorted(example_result()))
def test_a_document_that_lacks_a_part_still_makes_a_page(missing: str) -> None:
    result = example_result()
    del result[missing]
    result["history"] = result["calibration"] = []  # the pictures are tested above
    assert "</html>" in render(result)


def test_an_old_page_gives_way_to_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report({"strategy": "head", "backbone": "b", "data": "d"}, path)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        write_report({}, tmp_path / "none" / "report.html")


def test_half_a_character_does_not_stop_the_page(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report({"data": "\ud800"}, path)
    assert "</html>" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("holds", "words"), [(True, "stood still, bit for bit"), (False, "failed")]
)
def test_the_proof_is_told_in_words(holds: bool, words: str) -> None:
    result = example_result()
    result["freezing"]["proof"]["holds"] = holds
    page = render(result)
    assert ("stood still, bit for bit" in page) is holds
    assert words in page


def test_methods_of_an_adaptation_have_a_table_with_the_reason() -> None:
    guards = {"narrow": "<b>narrow</b>"}
    entries: list[dict[str, Any]] = [
        {"name": name, "guards": {}} for name in ("source_only", "mcc")
    ]
    entries[1]["guards"] = guards
    more = {"methods": entries, "chosen": "mcc", "reason": "mcc is <chosen>"}
    page = render({**example_result(), **more})
    assert "What was tried for the target" in page
    assert "mcc is &lt;chosen&gt;." in page
    assert '<tr class="chosen"><th><bdi>mcc</bdi></th>' in page
    assert page.index("is kept, of 2 methods tried") < page.index("rows right")
    assert page.index("What was tried for the target") < page.index("How good it is on the source")
    assert "Oracle" not in page
    assert "What was tried for the target" not in render(example_result())


def test_the_headline_of_an_adaptation_says_whose_rows_were_scored() -> None:
    scored = {"scores": {"test": {"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95}}}}
    assert "the test rows come out right" in sentence(scored)
    adapted = {**scored, "methods": [{}], "target": {"name": "news"}, "strategy": "adapt"}
    words = sentence({**adapted, "source_strategy": "head"})
    assert "with the strategy head, and adapted to news" in words
    assert "the source's test rows come out right" in words


def test_classes_are_numbered_in_their_table_where_a_map_has_their_numbers() -> None:
    result = example_result()
    column = '<th class="number">number</th>'
    assert column not in render(result)
    result["classes"] = [f"class {n}" for n in range(20)]
    result["confusion"] = [[int(t == p) for p in range(20)] for t in range(20)]
    line = {"rows": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    result["per_class"] = [{"class": name, **line} for name in result["classes"]]
    page = render(result)
    assert column in page
    assert '<td class="number">20</td><th><bdi>class 19</bdi></th>' in page


def test_what_only_steps_look_at_was_not_chosen_for_a_head_that_is_solved() -> None:
    result = example_result()
    result["defaults"][0]["value"] = 4.123456789
    assert "<bdi>4.123</bdi>" in render(result)
    for phase in result["plan"]["phases"]:
        phase["solved"] = True
    page = render(result)
    assert "<th>epochs</th><td>" not in page
    assert "<th>max_length</th>" in page
