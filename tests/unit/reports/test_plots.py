"""Pictures are self-contained, themed, and hold nothing that came from the data."""

import base64
import re
from xml.etree import ElementTree

import pytest

from regraft.reports.plots import (
    calibration_curve,
    confusion_map,
    figure_of,
    learning_curves,
    panels,
    whole_percents,
)
from tests.unit.reports.example_result import example_result, history


def picture(uri: str) -> str:
    head, _, body = uri.partition(",")
    assert head == "data:image/svg+xml;base64"
    return base64.b64decode(body).decode()


def test_learning_curves_show_both_parts_and_both_measures() -> None:
    drawn = picture(learning_curves(history()))
    texts = {node.text for node in ElementTree.fromstring(drawn).iter() if node.text}
    assert {"loss", "accuracy", "train", "val", "epoch"} <= texts


def test_colours_are_variables_that_a_dark_page_changes() -> None:
    drawn = picture(learning_curves(history()))
    assert "var(--train)" in drawn
    assert "prefers-color-scheme:dark" in drawn
    assert not re.search(r"#0[1-5]0[1-5]0[1-5]", drawn)


def test_the_same_history_makes_the_same_bytes() -> None:
    assert learning_curves(history()) == learning_curves(history())


def test_a_hostile_phase_does_not_reach_the_picture() -> None:
    records = history()
    records[-1]["phase"] = "<script>$\\frac{1}$"
    drawn = picture(learning_curves(records))
    assert "script" not in drawn
    assert "frac" not in drawn


def test_a_single_epoch_is_number_one_and_no_fraction() -> None:
    drawn = picture(learning_curves(history()[:1]))
    texts = [node.text for node in ElementTree.fromstring(drawn).iter() if node.text]
    assert texts.count("1") == 2
    assert not any(text.startswith(("0.9", "1.0")) for text in texts if "%" not in text)


def test_a_new_phase_draws_a_line_in_both_panels() -> None:
    def dashes(records: list[dict[str, object]]) -> int:
        return picture(learning_curves(records)).count("stroke-dasharray")

    one_phase = [{**record, "phase": "head"} for record in history()]
    assert dashes(history()) - dashes(one_phase) == 2


def test_a_history_without_validation_is_drawn() -> None:
    records = [{**record, "val_loss": None, "val_accuracy": None} for record in history()]
    texts = {node.text for node in ElementTree.fromstring(picture(learning_curves(records))).iter()}
    assert "train" in texts
    assert "val" not in texts


def test_nothing_to_draw_makes_no_picture() -> None:
    assert learning_curves([]) == ""
    assert calibration_curve([]) == ""
    assert calibration_curve([{"confidence": 0.1, "accuracy": 0.1, "rows": 0}]) == ""


def test_the_calibration_is_drawn_without_the_network() -> None:
    drawn = picture(calibration_curve(example_result()["calibration"]))
    assert "how sure it was (%)" in drawn
    assert "<!DOCTYPE" not in drawn


def test_a_confusion_of_many_classes_is_drawn_even_with_empty_classes() -> None:
    counts = [[0] * 20 for _ in range(20)]
    counts[3][4] = 7
    assert "predicted class (number)" in picture(confusion_map(counts))


def test_ticks_of_percents_are_whole_numbers() -> None:
    (axes,) = panels(figure_of(3.0, 3.0), 1)
    axes.plot([1, 2], [85.2, 99.7])
    whole_percents(axes)
    assert all(float(tick).is_integer() for tick in axes.get_yticks())


@pytest.mark.parametrize("count", [13, 20, 200])
def test_classes_on_the_map_are_numbered_from_one_in_whole_numbers(count: int) -> None:
    drawn = picture(confusion_map([[int(t == p) for p in range(count)] for t in range(count)]))
    texts = [node.text for node in ElementTree.fromstring(drawn).iter() if node.text]
    numbers = [text for text in texts if re.fullmatch(r"[-−\d.]+", text)]
    assert len(numbers) > 4
    assert all(1 <= int(number) <= count for number in numbers)
