import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from regraft.errors import DamagedFileError, DataError, SettingsError
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
    assert (result["rows"], result["left_out"], result["unreadable"]) == (2, 2, 0)
    assert result["warnings"][-1].startswith("2 of 4 rows not scored: ")
    assert any("'neutral' is none of the classes" in line for line in result["problems"])


def test_rows_that_cannot_be_read_are_left_out_with_a_reason(
    image_run: Path, tmp_path: Path
) -> None:
    data = tiny.image_folders(tmp_path / "tiles", 4)
    (data / "top" / "002.png").write_bytes(b"\x89PNG")
    result = evaluate(image_run, data)
    assert (result["rows"], result["left_out"], result["unreadable"]) == (3, 1, 1)
    assert "1 of 4 rows not scored" in result["warnings"][-1]
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


def test_a_word_that_names_no_data_is_no_text_to_score(text_run: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"reviewz does not exist"):
        evaluate(text_run, str(tmp_path / "reviewz"))
    with pytest.raises(DataError, match=r"there is no file or folder 'reviewz'"):
        evaluate(text_run, "reviewz")
    with pytest.raises(DataError, match=r"there is no file or folder 'starter: a soup'"):
        evaluate(text_run, "starter: a soup")


def test_rows_that_the_run_learnt_from_are_told_wherever_they_lie(
    text_run: Path, reviews: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_bytes(reviews.read_bytes())
    for data in (reviews, copy, tiny.toy_texts(240)):
        (warning,) = evaluate(text_run, data)["warnings"]
        assert warning.startswith(f"of 240 rows to be scored, {text_run} learnt from 216: the ")
    assert evaluate(text_run, tiny.texts_elsewhere(10))["warnings"] == []


def test_the_test_rows_of_the_run_are_none_that_it_learnt_from(
    text_run: Path, reviews: Path
) -> None:
    held = pq.read_table(text_run / "predictions-test.parquet")["origin"].to_pylist()
    numbers = [int(origin.rpartition(":")[2]) - 2 for origin in held]
    texts, labels = tiny.toy_texts(240)
    rows = ([texts[row] for row in numbers], [labels[row] for row in numbers])
    assert evaluate(text_run, rows)["warnings"] == []
    some = ([*rows[0], *texts], [*rows[1], *[None] * 240])
    assert len(evaluate(text_run, some)["warnings"]) == 1  # of rows without a label


def test_pictures_that_the_run_learnt_from_are_told(image_run: Path, tmp_path: Path) -> None:
    learnt = json.loads((image_run / "result.json").read_text("utf-8"))["data"]["rows"]["train"]
    (warning,) = evaluate(image_run, tiny.image_folders(tmp_path / "tiles", 60))["warnings"]
    assert f"of 60 rows to be scored, {image_run} learnt from {learnt}:" in warning


def test_a_damaged_list_of_rows_is_said(text_run: Path, tmp_path: Path) -> None:
    (tmp_path / "model").symlink_to(text_run / "model")
    (tmp_path / "rows-learnt.parquet").write_text("PAR1")
    with pytest.raises(DamagedFileError, match=r"rows-learnt\.parquet cannot be read"):
        evaluate(tmp_path, tiny.toy_texts(4))


def test_a_run_from_before_knows_the_path_that_it_learnt_from(
    text_run: Path, reviews: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(text_run, copy)
    (copy / "rows-learnt.parquet").unlink()
    (copy / "run.toml").write_text(f'data = "{reviews}"\n', encoding="utf-8")
    (warning,) = evaluate(copy, reviews)["warnings"]
    assert warning.startswith(f"{copy} was trained on {reviews}: it knows most of these rows")
    assert evaluate(copy, tiny.toy_texts(10))["warnings"] == []


def test_the_label_column_can_be_named(text_run: Path, tmp_path: Path) -> None:
    texts, labels = tiny.toy_texts(6)
    columns = {"a": labels, "verdict": labels[::-1], "text": texts}
    path = tiny.write_csv(tmp_path / "a.csv", columns)
    settings = EvaluateSettings(run=text_run, data=str(path), label="verdict")
    turned = run_evaluate(settings, Silent())["scores"]["test"]["accuracy"]["value"]
    right = evaluate(text_run, (texts, labels))["scores"]["test"]["accuracy"]["value"]
    assert turned == pytest.approx(1 - right)
    named = evaluate(text_run, columns, label="verdict", device="cpu", cache=False)
    assert named["scores"]["test"]["accuracy"]["value"] == turned


def test_options_that_python_has_not_are_refused(text_run: Path) -> None:
    wrong: list[dict[str, Any]] = [{"lable": "a"}, {"out": "a.json"}, {"device": "tpu"}]
    for options in wrong:
        with pytest.raises(SettingsError, match=next(iter(options))):
            evaluate(text_run, tiny.toy_texts(4), **options)


def test_a_model_folder_alone_is_enough(text_run: Path, tmp_path: Path) -> None:
    (tmp_path / "model").symlink_to(text_run / "model")
    assert "strategy" not in evaluate(tmp_path, tiny.toy_texts(4))


def test_a_damaged_result_is_said(text_run: Path, tmp_path: Path) -> None:
    (tmp_path / "model").symlink_to(text_run / "model")
    (tmp_path / "result.json").write_text("{")
    with pytest.raises(DamagedFileError, match="is not JSON"):
        evaluate(tmp_path, tiny.toy_texts(4))


class Listening(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


def parted(path: Path, *, named: str, parts: list[str]) -> Path:
    """Writes texts with a column of parts; labels are right in the test part alone."""
    texts, labels = tiny.toy_texts(len(parts))
    turned = {"pos": "neg", "neg": "pos"}
    shown = [
        label if part == "test" else turned[label]
        for label, part in zip(labels, parts, strict=True)
    ]
    return tiny.write_csv(path, {"text": texts, "label": shown, named: parts})


def heard(run: Path, data: Path, **options: Any) -> tuple[dict[str, Any], list[str]]:
    listening = Listening()
    settings = EvaluateSettings(run=run, data=str(data), **options)
    return run_evaluate(settings, listening), listening.said


def accuracy(result: dict[str, Any]) -> float:
    value: float = result["scores"]["test"]["accuracy"]["value"]
    return value


def test_only_the_test_rows_of_a_split_are_scored_and_that_is_said(
    text_run: Path, tmp_path: Path
) -> None:
    path = parted(tmp_path / "a.csv", named="split", parts=["train", "test", "test", "val"] * 5)
    result, said = heard(text_run, path)
    texts, labels = tiny.toy_texts(20)
    alone = [row for row in range(20) if row % 4 in (1, 2)]
    same = evaluate(text_run, ([texts[r] for r in alone], [labels[r] for r in alone]))
    assert result["rows"] == 10
    assert result["scores"]["test"] == same["scores"]["test"]
    assert said[0] == "column 'split' parts the rows of a: the 10 of part test are scored, of 20"


def test_a_column_of_parts_can_be_named(text_run: Path, tmp_path: Path) -> None:
    path = parted(tmp_path / "a.csv", named="fold", parts=["train", "test"] * 4)
    assert heard(text_run, path)[0]["rows"] == 8
    assert heard(text_run, path, split="fold")[0]["rows"] == 4


def test_an_odd_cell_in_a_column_of_parts_does_not_make_test_rows_of_all(
    text_run: Path, tmp_path: Path
) -> None:
    path = parted(tmp_path / "a.csv", named="split", parts=[*["train", "test"] * 4, "tset"])
    with pytest.raises(DataError, match=r"a\.csv:10 has 'tset' in column 'split'.*are scored$"):
        evaluate(text_run, path)
    assert len(predict(text_run, path).table) == 9


def test_without_a_test_row_all_are_scored_with_a_warning(text_run: Path, tmp_path: Path) -> None:
    path = parted(tmp_path / "a.csv", named="split", parts=["train", "val"] * 4)
    result, said = heard(text_run, path)
    assert (result["rows"], result["data"]["split"]) == (8, "all rows")
    assert said[0] == "warning: a has no row of part test, so all 8 are scored"


def test_folders_of_parts_are_a_split(image_run: Path, tmp_path: Path) -> None:
    for part, rows in (("train", 6), ("test", 4)):
        tiny.image_folders(tmp_path / "tiles" / part, rows)
    (tmp_path / "tiles" / "train" / "top" / "000.png").write_bytes(b"\x89PNG")
    (tmp_path / "tiles" / "test" / "top" / "002.png").write_bytes(b"\x89PNG")
    result = evaluate(image_run, tmp_path / "tiles")
    assert (result["rows"], result["left_out"]) == (3, 1)
    assert [line.partition(":")[0][-16:] for line in result["problems"]] == ["test/top/002.png"]


def test_the_columns_of_the_run_come_before_guesses(text_run: Path, tmp_path: Path) -> None:
    texts, labels = tiny.toy_texts(6)
    columns = {"review": labels, "sentiment": texts, "label": labels, "text": texts}
    path = tiny.write_csv(tmp_path / "a.csv", columns)
    result = evaluate(text_run, path)
    assert result["data"]["columns"] == {"text": "text", "label": "label"}
    assert accuracy(result) == accuracy(evaluate(text_run, (texts, labels)))


def keys(document: dict[str, Any], *path: str) -> set[str]:
    for name in path:
        document = document[name]
    return set(document)


SHARED = {"run", "data", "backbone", "strategy", "seed", "scores", "baselines", "seconds"}
SHARED |= {"trained_share", "freezing", "cache", "environment"}


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ((), {"plan", "defaults", "understood", "history", "best", "next"}),
        (("data",), set()),
        (("backbone",), set()),
        (("scores",), set()),
        (("scores", "test"), set()),
        (("baselines",), set()),
        (("seconds",), {"baselines", "checkpoints", "chosen", "modes"}),
        (("freezing",), set()),
        (("cache",), set()),
        (("environment",), {"verdict"}),
    ],
)
def test_its_document_has_the_keys_of_that_of_fit(
    text_run: Path, reviews: Path, path: tuple[str, ...], missing: set[str]
) -> None:
    fitted = json.loads((text_run / "result.json").read_text("utf-8"))
    scored = evaluate(text_run, reviews)
    lacking = keys(fitted, *path) - keys(scored, *path)
    assert lacking - {"mistakes", "calibration", "gain", "verdict"} == missing - {"verdict"}
    assert path or keys(fitted) & keys(scored) >= SHARED


def test_the_scores_on_validation_rows_are_those_of_the_run(text_run: Path, reviews: Path) -> None:
    fitted = json.loads((text_run / "result.json").read_text("utf-8"))
    assert evaluate(text_run, reviews)["scores"]["val"] == fitted["scores"]["val"]
