from pathlib import Path

import pytest

from regraft.errors import DamagedFileError, DataError
from regraft.runs.evaluate import evaluate, run_evaluate
from regraft.runs.predict import predict
from regraft.settings import EvaluateSettings
from regraft.training.progress import Silent
from tests import tiny


def test_its_accuracy_is_that_of_the_predictions_to_the_last_digit(
    text_run: Path, reviews: Path
) -> None:
    found = predict(text_run, reviews).table.to_pydict()
    right = sum(a == b for a, b in zip(found["label"], found["prediction"], strict=True))
    result = evaluate(text_run, reviews)
    assert result["scores"]["test"]["accuracy"]["value"] == right / len(found["label"])
    assert result["rows"] == 240


def test_it_names_the_run_its_network_and_its_surroundings(text_run: Path, reviews: Path) -> None:
    result = evaluate(text_run, reviews)
    assert result["run"] == str(text_run)
    assert result["strategy"] == "two-stage"
    assert result["seed"] == 0
    assert {"line", "ledger", "proof"} <= set(result["freezing"])
    assert {"torch", "threads", "precision"} <= set(result["environment"])
    assert result["confusion"][0][0] + result["confusion"][0][1] == 120


def test_python_lists_are_data_too(text_run: Path) -> None:
    result = evaluate(text_run, tiny.toy_texts(10))
    assert result["rows"] == 10
    assert result["data"]["name"] == "data"
    assert result["data"]["columns"] == {"text": "text", "label": "label"}


def test_rows_without_a_known_label_are_left_out_and_counted(text_run: Path) -> None:
    texts, _ = tiny.toy_texts(4)
    result = evaluate(text_run, (texts, ["pos", None, "neutral", "neg"]))
    assert (result["rows"], result["left_out"]) == (2, 2)
    assert any("'neutral' is none of the classes" in line for line in result["problems"])


def test_rows_that_cannot_be_read_are_left_out_with_a_reason(
    image_run: Path, tmp_path: Path
) -> None:
    data = tiny.image_folders(tmp_path / "tiles", 4)
    (data / "top" / "002.png").write_bytes(b"\x89PNG")
    result = evaluate(image_run, data)
    assert (result["rows"], result["left_out"]) == (3, 1)
    assert "002.png" in result["problems"][0]


@pytest.mark.parametrize("labels", [[None, None], ["good", "bad"]])
def test_data_without_labels_that_the_run_knows_are_refused(
    text_run: Path, labels: list[str | None]
) -> None:
    with pytest.raises(DataError, match=r"no readable row with a label.*try --label COLUMN"):
        evaluate(text_run, (["a film", "a play"], labels))


def test_a_missing_file_is_refused_before_the_run_is_opened(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.csv does not exist"):
        evaluate(tmp_path, "nothing.csv")


def test_the_label_column_can_be_named(text_run: Path, tmp_path: Path) -> None:
    texts, labels = tiny.toy_texts(6)
    columns = {"a": labels, "verdict": labels[::-1], "text": texts}
    path = tiny.write_csv(tmp_path / "a.csv", columns)
    settings = EvaluateSettings(run=text_run, data=str(path), label="verdict")
    turned = run_evaluate(settings, Silent())["scores"]["test"]["accuracy"]["value"]
    right = evaluate(text_run, (texts, labels))["scores"]["test"]["accuracy"]["value"]
    assert turned == pytest.approx(1 - right)


def test_a_model_folder_alone_is_enough(text_run: Path, tmp_path: Path) -> None:
    (tmp_path / "model").symlink_to(text_run / "model")
    assert "strategy" not in evaluate(tmp_path, tiny.toy_texts(4))


def test_a_damaged_result_is_said(text_run: Path, tmp_path: Path) -> None:
    (tmp_path / "model").symlink_to(text_run / "model")
    (tmp_path / "result.json").write_text("{")
    with pytest.raises(DamagedFileError, match="is not JSON"):
        evaluate(tmp_path, tiny.toy_texts(4))
