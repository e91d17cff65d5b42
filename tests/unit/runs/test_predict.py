import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regraft.cli.written import content
from regraft.errors import DataError, SettingsError
from regraft.runs.predict import (
    PredictOutcome,
    answer_readable,
    our_names,
    predict,
    prediction_columns,
    refuse_missing,
    run_predict,
)
from regraft.serving.model import Answers, Model
from regraft.serving.store import load
from regraft.settings import PredictSettings
from regraft.training.progress import Lines
from tests import tiny

TEXTS, LABELS = tiny.toy_texts(6)
ODD = ['a "lovely" film', "line one\nline two", "great \U0001f642, truly", "a,b;c\td", " awful "]


def typed(run: Path, *words: str, **options: Any) -> PredictOutcome:
    return run_predict(PredictSettings(run=run, inputs=words, **options))


def test_texts_come_back_with_our_columns_behind(text_run: Path) -> None:
    outcome = predict(text_run, TEXTS)
    assert outcome.table.column_names == ["text", *our_names(["neg", "pos"])]
    assert outcome.table.column("text").to_pylist() == TEXTS
    assert outcome.table.column("prediction").to_pylist() == load(text_run).predict(TEXTS)
    assert outcome.problems == []


def test_probabilities_add_up_and_the_confidence_is_the_largest(text_run: Path) -> None:
    table = predict(text_run, TEXTS).table.to_pydict()
    pairs = np.array([table["p_neg"], table["p_pos"]])
    np.testing.assert_allclose(pairs.sum(axis=0), 1)
    np.testing.assert_array_equal(pairs.max(axis=0), table["confidence"])


def test_a_loaded_model_answers_the_same(text_run: Path) -> None:
    assert predict(load(text_run), TEXTS).table.equals(predict(text_run, TEXTS).table)


@pytest.mark.parametrize("with_labels", [True, False])
def test_columns_stay_in_their_order_with_quotes_newlines_and_emoji(
    text_run: Path, tmp_path: Path, with_labels: bool
) -> None:
    numbers = [str(n) for n in range(len(ODD))]
    columns = {"stars": numbers, "label": ["pos"] * len(ODD), "text": ODD, "zzz": numbers}
    if not with_labels:
        columns.pop("label")
    path = tiny.write_csv(tmp_path / "odd.csv", columns)
    table = predict(text_run, str(path)).table
    assert table.column_names == [*columns, *our_names(["neg", "pos"])]
    assert table.column("text").to_pylist() == ODD
    assert [str(cell) for cell in table.column("zzz").to_pylist()] == numbers
    assert table.column("prediction").to_pylist() == load(text_run).predict(ODD)


def test_an_empty_text_has_an_error_in_its_row(text_run: Path) -> None:
    outcome = predict(text_run, ["good", "", "bad"])
    table = outcome.table.to_pydict()
    assert table["error"] == [None, "the text is empty", None]
    assert [cell is None for cell in table["prediction"]] == [False, True, False]
    assert [cell is None for cell in table["p_pos"]] == [False, True, False]
    assert outcome.problems == ["data:2: the text is empty"]


def test_an_empty_text_typed_alone_is_one_row_and_not_the_current_folder(
    text_run: Path, image_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.write_csv(tmp_path / "a.csv", {"text": TEXTS})
    for outcome in (typed(text_run, ""), predict(text_run, "")):
        assert outcome.table.column("text").to_pylist() == [""]
        assert outcome.problems == ["data:1: the text is empty"]
    with pytest.raises(DataError, match="'' does not exist; expected paths of images"):
        typed(image_run, "")


def test_a_column_named_like_ours_is_refused_with_the_flag_to_type(
    text_run: Path, tmp_path: Path
) -> None:
    path = tiny.write_csv(tmp_path / "a.csv", {"text": TEXTS, "p_pos": LABELS})
    with pytest.raises(DataError, match=r"has a column 'p_pos' already.*try --suffix _regraft"):
        typed(text_run, str(path))
    table = typed(text_run, str(path), suffix="_regraft").table
    assert table.column_names[-1] == "error_regraft"
    assert table.column("p_pos").to_pylist() == LABELS


def test_a_taken_column_is_refused_before_anything_is_computed(
    text_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regraft.runs.predict.answer_readable", None)
    path = tiny.write_csv(tmp_path / "a.csv", {"text": TEXTS, "error": LABELS})
    with pytest.raises(DataError, match="has a column 'error' already"):
        typed(text_run, str(path))


def test_the_text_column_can_be_named(text_run: Path, tmp_path: Path) -> None:
    path = tiny.write_csv(tmp_path / "a.csv", {"text": ["x"] * 6, "story": TEXTS})
    found = typed(text_run, str(path), text="story").table.column("prediction").to_pylist()
    assert found == load(text_run).predict(TEXTS)


def test_words_are_texts(text_run: Path) -> None:
    found = typed(text_run, "a lovely film", "dreadful").table
    assert found.column("text").to_pylist() == ["a lovely film", "dreadful"]


def test_a_text_that_begins_like_a_name_is_a_text(text_run: Path) -> None:
    texts = ["starter: the soup was cold", "hf: a film of high fidelity"]
    for text in texts:
        assert typed(text_run, text).table.column("text").to_pylist() == [text]
        assert predict(text_run, text).table.column("text").to_pylist() == [text]
    assert typed(text_run, *texts).table.column("text").to_pylist() == texts


def test_a_word_that_exists_is_data_whatever_it_looks_like(
    text_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    tiny.write_csv(tmp_path / "folder" / "train.csv", {"text": TEXTS, "label": LABELS})
    assert typed(text_run, "folder").table.column("text").to_pylist() == TEXTS
    assert typed(text_run, "nothing").table.column("text").to_pylist() == ["nothing"]


def test_lines_come_from_standard_input(text_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = "\ufeffgood\r\n\ncafé \u2028 bad".encode() + b" \xff\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    outcome = typed(text_run, "-")
    shown = ["good", "", "café \u2028 bad \ufffd"]
    assert outcome.table.column("text").to_pylist() == shown
    assert outcome.problems == ["data:2: the text is empty"]


def test_no_lines_are_a_mistake(text_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(DataError, match="has no rows"):
        typed(text_run, "-")


@pytest.mark.parametrize("word", ["missing.csv", "a/b", "folder/", "cat.png", "C:\\data.csv"])
def test_a_name_of_no_file_is_never_a_text(text_run: Path, word: str) -> None:
    with pytest.raises(DataError, match="does not exist") as caught:
        typed(text_run, word)
    assert caught.value.exit_code == 2
    with pytest.raises(DataError, match="does not exist"):
        typed(text_run, "good", word)


@pytest.mark.parametrize("word", ["good", "I liked a/b", "-", "starter:x", "x" * 5000])
def test_what_looks_like_no_path_may_be_a_text(word: str) -> None:
    refuse_missing(word)


@pytest.mark.parametrize("other", ["-", "starter:pets", "here.csv"])
def test_data_stand_alone(
    text_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.write_csv(tmp_path / "here.csv", {"text": TEXTS})
    with pytest.raises(DataError, match=f"{other} stands beside other inputs"):
        typed(text_run, "good", other)


def test_a_run_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no complete run"):
        typed(tmp_path, "good")


def test_a_folder_of_images_is_answered_row_by_row(image_run: Path, tmp_path: Path) -> None:
    data = tiny.image_folders(tmp_path / "tiles", 6)
    (data / "top" / "002.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    outcome = typed(image_run, str(data))
    table = outcome.table.to_pydict()
    broken = table["file"].index("top/002.png")
    assert [row for row, error in enumerate(table["error"]) if error] == [broken]
    assert table["prediction"][broken] is None
    assert sum(cell is not None for cell in table["prediction"]) == 5
    assert len(outcome.problems) == 1


def test_files_of_a_folder_that_are_no_rows_are_told(image_run: Path, tmp_path: Path) -> None:
    data = tiny.image_folders(tmp_path / "tiles", 2)
    (data / "top" / "001.heic").write_bytes(b"a picture of another kind")
    (data / "top" / "000.png").rename(data / "loose.png")
    outcome = typed(image_run, str(data))
    assert outcome.table.column("file").to_pylist() == ["bottom/001.png"]
    assert outcome.problems == [
        f"{data}/loose.png: a picture outside of the class folders",
        f"{data}/top/001.heic: not a picture",
    ]
    assert outcome.outside == 2


def test_labels_that_are_no_classes_are_no_problem(text_run: Path, tmp_path: Path) -> None:
    path = tiny.write_csv(tmp_path / "a.csv", {"text": TEXTS[:2], "label": ["neutral", "pos"]})
    assert typed(text_run, str(path)).problems == []


def test_image_files_can_be_named_one_by_one(image_run: Path, tmp_path: Path) -> None:
    data = tiny.image_folders(tmp_path / "tiles", 2)
    paths = [str(data / "top" / "000.png"), str(data / "bottom" / "001.png")]
    found = typed(image_run, *paths).table
    assert found.column("image").to_pylist() == paths
    assert found.column("prediction").to_pylist() == load(image_run).predict(paths)
    assert typed(image_run, paths[0]).table.num_rows == 1


def test_pixels_are_data_too(image_run: Path) -> None:
    pixels, labels = tiny.toy_pixels(4)
    assert predict(image_run, pixels).table.column("prediction").to_pylist() == labels


def test_a_word_is_no_image(image_run: Path) -> None:
    with pytest.raises(DataError, match=r"good does not exist.*paths of images"):
        typed(image_run, "good")


def test_texts_are_nothing_for_a_network_of_images(image_run: Path, reviews: Path) -> None:
    with pytest.raises(DataError):
        typed(image_run, str(reviews))


def test_rows_known_to_be_unreadable_are_not_given_to_the_network(text_run: Path) -> None:
    from regraft.data.load import load_inputs

    model = load(text_run)
    rows, _ = load_inputs(TEXTS, "text", classes=model.classes)
    answers = answer_readable(model, rows, errors={1: "torn"})
    assert answers.errors == ("", "torn", "", "", "", "")
    assert np.isnan(answers.probabilities).any(axis=1).tolist() == [False, True] + [False] * 4


def test_our_columns_have_these_types_and_the_suffix() -> None:
    answers = Answers(np.array([[0.25, 0.75], [np.nan, np.nan]]), ("", "torn"))
    columns = prediction_columns(answers, ["a", "b"], suffix="_2")
    assert {name: column.to_pylist() for name, column in columns.items()} == {
        "prediction_2": ["b", None],
        "confidence_2": [0.75, None],
        "p_a_2": [0.25, None],
        "p_b_2": [0.75, None],
        "error_2": [None, "torn"],
    }
    assert columns["p_a_2"].type == pa.float64()


def test_the_columns_of_the_run_come_before_guesses(text_run: Path, tmp_path: Path) -> None:
    path = tiny.write_csv(tmp_path / "a.csv", {"review": LABELS, "text": TEXTS})
    found = predict(text_run, path).table.column("prediction")
    assert found.equals(predict(text_run, TEXTS).table.column("prediction"))
    other = typed(text_run, str(path), text="review").table.column("prediction").to_pylist()
    assert other == predict(text_run, LABELS).table.column("prediction").to_pylist()


def test_words_and_cells_that_are_not_unicode_are_answered(text_run: Path, tmp_path: Path) -> None:
    assert typed(text_run, "a caf\udce9").table.column("text").to_pylist() == ["a caf\ufffd"]
    (tmp_path / "a.jsonl").write_text('{"text": "a film \\ud800"}\n')
    found = typed(text_run, str(tmp_path / "a.jsonl")).table.to_pydict()
    assert found["text"] == ["a film \ufffd"]
    assert found["prediction"][0] in ("neg", "pos")


def test_many_rows_are_told_as_they_are_done(
    text_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for size in ("CHUNK", "MANY"):
        monkeypatch.setattr(f"{Model.__module__}.{size}", 2)
    settings = PredictSettings(run=text_run, inputs=("good", "bad", "fine"))
    run_predict(settings, Lines(sys.stderr))
    told = [line for line in capsys.readouterr().err.splitlines() if "predicted" in line]
    assert told == ["predicted 2 of 3 rows", "predicted 3 of 3 rows"]


def test_python_names_columns_as_the_command_line_does(text_run: Path, tmp_path: Path) -> None:
    path = tiny.write_csv(tmp_path / "a.csv", {"text": ["x"] * 6, "story": TEXTS})
    wanted = typed(text_run, str(path), text="story", suffix="_2").table
    assert predict(text_run, path, text="story", suffix="_2").table.equals(wanted)
    assert predict(load(text_run), path, text="story", suffix="_2").table.equals(wanted)
    assert predict(text_run, path, text="story", device="cpu", cache=False).table.num_rows == 6


def test_options_that_python_has_not_are_refused(text_run: Path) -> None:
    wrong: list[tuple[Path | Model, dict[str, Any], str]] = [
        (text_run, {"txt": "a"}, "txt is not a setting of predict; try text"),
        (text_run, {"suffix": 2}, "suffix = 2 cannot be used"),
        (text_run, {"out": "a.csv"}, "out = 'a.csv' cannot be used in Python"),
        (load(text_run), {"device": "cpu"}, "cannot be used with a model that was loaded"),
    ]
    for run, options, words in wrong:
        with pytest.raises(SettingsError, match=words):
            predict(run, TEXTS, **options)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_names_of_columns_come_back_as_they_were_written(
    text_run: Path, tmp_path: Path, suffix: str
) -> None:
    frame = pa.table({"": ["0", "1"], " text\u00a0": TEXTS[:2], "more": ["a", "b"]})
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content(frame, suffix, guard_formulas=False))
    for source in (path, frame):
        table = predict(text_run, source).table
        assert table.column_names == [*frame.column_names, *our_names(["neg", "pos"])]
        assert table.select(frame.column_names).to_pydict() == frame.to_pydict()


def test_columns_without_a_name_keep_the_numbers_that_tell_them_apart(
    text_run: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",,text\n1,2,good\n", encoding="utf-8")
    assert predict(text_run, path).table.column_names[:3] == ["column1", "column2", "text"]
