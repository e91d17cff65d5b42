import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

from regraft.errors import DataError, SettingsError
from regraft.runs.estimator import DEFAULTS, TransferClassifier, inputs_of
from regraft.settings import FitSettings
from tests import tiny

TEXTS, LABELS = tiny.toy_texts(40)
NEW = ["a lovely song", "a dreadful garden"]


def classifier(backbone: Path, **options: Any) -> TransferClassifier:
    return TransferClassifier(backbone=str(backbone), strategy="head", precision="fp32", **options)


@pytest.fixture(scope="module")
def fitted(bert: Path) -> TransferClassifier:
    return classifier(bert).fit(TEXTS, LABELS)


def test_the_parameters_are_settings_of_fit_with_their_defaults() -> None:
    assert TransferClassifier().get_params() == DEFAULTS
    settings = FitSettings(**DEFAULTS)
    assert settings.strategy == "two-stage"
    assert not settings.baselines


def test_an_unknown_parameter_is_refused_as_python_does() -> None:
    with pytest.raises(TypeError, match="no parameter 'epoch'"):
        TransferClassifier(epoch=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="Invalid parameter 'epoch'"):
        TransferClassifier().set_params(epoch=3)


def test_a_clone_has_the_parameters_and_is_not_fitted(fitted: TransferClassifier) -> None:
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(NEW)


def test_only_what_differs_from_the_defaults_is_shown() -> None:
    assert repr(TransferClassifier(epochs=2)) == "TransferClassifier(epochs=2)"


def test_it_learns_what_one_word_gives_away(fitted: TransferClassifier) -> None:
    assert fitted.score(TEXTS, LABELS) > 0.8
    assert fitted.predict_proba(NEW).shape == (2, 2)
    np.testing.assert_allclose(fitted.predict_proba(NEW).sum(axis=1), 1)
    assert fitted.result_["scores"]["test"]["accuracy"]["value"] >= 0


@pytest.mark.parametrize(
    "y",
    [
        np.array([10 if label == "pos" else 3 for label in LABELS]),
        [label == "pos" for label in LABELS],
        pd.Series([2.0 if label == "pos" else 1.0 for label in LABELS]),
        pd.Series(LABELS, dtype="category"),
        pl.Series(LABELS),
        np.array([" a" if label == "pos" else "a" for label in LABELS]),
        np.array(["" if label == "pos" else "a" for label in LABELS], object),
    ],
    ids=["int", "bool", "float", "category", "polars", "alike", "blank"],
)
def test_labels_come_back_in_the_type_that_was_given(bert: Path, y: Any) -> None:
    fitted = classifier(bert).fit(TEXTS, y)
    found = fitted.predict(TEXTS)
    assert found.dtype == np.asarray(y).dtype
    assert fitted.score(TEXTS, y) > 0.8
    np.testing.assert_array_equal(fitted.classes_, np.unique(np.asarray(y)))


def test_probabilities_stand_in_the_order_of_the_classes(bert: Path) -> None:
    # As texts "10" comes before "9"; a run puts them in the order of the numbers.
    y = np.array(["10" if label == "pos" else "9" for label in LABELS])
    fitted = classifier(bert).fit(TEXTS, y)
    assert fitted.classes_.tolist() == ["10", "9"]
    assert fitted.result_["data"]["classes"] == ["9", "10"]
    best = fitted.predict_proba(TEXTS).argmax(axis=1)
    np.testing.assert_array_equal(fitted.predict(TEXTS), fitted.classes_[best])
    assert (fitted.predict(TEXTS) == y).mean() > 0.8


def test_a_class_whose_texts_are_all_blank_is_never_answered(bert: Path) -> None:
    with pytest.warns(UserWarning, match="2 of 42 rows left out"):
        fitted = classifier(bert).fit([*TEXTS, " ", ""], [*LABELS, "blank", "blank"])
    found = fitted.predict_proba(TEXTS[:3])
    assert fitted.classes_.tolist() == ["blank", "neg", "pos"]
    assert found[:, 0].tolist() == [0.0] * 3
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_rows_that_are_left_out_are_told_with_the_place_of_the_reasons(
    resnet: Path, tmp_path: Path
) -> None:
    tiny.image_folders(tmp_path, 24)
    paths = sorted(tmp_path.glob("*/*.png"))
    paths[3].write_bytes(b"\x89PNG")
    labels = [path.parent.name for path in paths]
    with pytest.warns(UserWarning, match="1 of 24 rows left out") as caught:
        fitted = classifier(resnet).fit([str(path) for path in paths], labels)
    assert caught[0].filename == __file__
    place = Path(str(caught[0].message).rpartition(" are in ")[2])
    assert "cannot be decoded" in place.read_text("utf-8")
    assert place.is_relative_to(fitted._kept.folder())


def test_what_else_the_run_warns_of_is_in_the_result(bert: Path) -> None:
    fitted = classifier(bert).fit([*TEXTS, TEXTS[0]], [*LABELS, "neg"])
    assert fitted.result_["warnings"] == ["1 input occurs with more than one label"]


FORMS = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "objects": lambda texts: np.array(texts, object),
    "column of objects": lambda texts: np.array(texts, object).reshape(-1, 1),
    "pandas column": pd.Series,
    "pandas column, other index": lambda texts: pd.Series(texts, index=[7, 3]),
    "pandas strings": lambda texts: pd.Series(texts, dtype="string"),
    "pandas frame": lambda texts: pd.DataFrame({"words": texts}),
    "polars column": pl.Series,
    "polars frame": lambda texts: pl.DataFrame({"words": texts}),
}


@pytest.mark.parametrize("form", FORMS)
def test_texts_come_in_these_forms(fitted: TransferClassifier, form: str) -> None:
    expected = fitted.predict_proba(NEW)
    np.testing.assert_array_equal(fitted.predict_proba(FORMS[form](NEW)), expected)


@pytest.mark.parametrize("grey", [False, True])
def test_images_come_as_pixels_pictures_or_paths(resnet: Path, tmp_path: Path, grey: bool) -> None:
    pixels, labels = tiny.toy_pixels(24, grey=grey)
    fitted = classifier(resnet).fit(pixels, labels)
    assert fitted.score(pixels, labels) > 0.9
    expected = fitted.predict_proba(pixels[:2])
    tiny.image_folders(tmp_path, 2, grey=grey)
    paths = [str(tmp_path / "top" / "000.png"), str(tmp_path / "bottom" / "001.png")]
    for form in (list(pixels[:2]), [Image.fromarray(p) for p in pixels[:2]], paths):
        np.testing.assert_array_equal(fitted.predict_proba(form), expected)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (np.zeros((4, 3)), "a table of 3 columns"),
        (np.zeros((4, 1)), "a table of 1 columns of type float64"),
        (pd.DataFrame({"a": NEW, "b": NEW}), "X has 2 columns"),
        ([1.0, 2.0], "of type float"),
        (["good", None], "input 2 is missing"),
        (pd.Series(["good", None], dtype=object), "input 2 is missing"),
        (pd.Series(["good", float("nan")], dtype="string"), "input 2"),
        ("good", "data of type str"),
        (5, "data of type int"),
    ],
)
def test_what_is_neither_text_nor_image_is_refused(source: object, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        inputs_of(source)


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (None, "requires y"),
        (["pos"] * 40, "1 class"),
        (LABELS[:39], "inconsistent numbers of samples"),
        (np.linspace(0, 1, 40), "Unknown label type"),
        (np.zeros((40, 2)), "y should be a 1d array"),
    ],
)
def test_labels_that_cannot_be_used_are_refused_as_scikit_learn_does(
    bert: Path, y: object, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        classifier(bert).fit(TEXTS, y)


def test_a_setting_that_cannot_be_used_is_told_by_fit(bert: Path) -> None:
    estimator = classifier(bert).set_params(epochs=0)
    with pytest.raises(SettingsError, match="epochs = 0 cannot be used"):
        estimator.fit(TEXTS, LABELS)


def test_numbers_of_numpy_are_taken_as_numbers(bert: Path) -> None:
    estimator = classifier(bert, seed=np.int64(3), lr=np.float32(0.5))
    assert estimator.fit(TEXTS, LABELS).result_["seed"] == 3


def test_the_same_seed_gives_the_same_answers(bert: Path) -> None:
    first, second = (classifier(bert, seed=1).fit(TEXTS, LABELS) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(NEW), second.predict_proba(NEW))


def test_a_pickle_answers_as_the_original_and_keeps_the_result(
    fitted: TransferClassifier,
) -> None:
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(NEW), fitted.predict_proba(NEW))
    assert again.result_ == fitted.result_


def test_fitting_again_forgets_what_was_learnt(bert: Path) -> None:
    estimator = classifier(bert).fit(TEXTS, LABELS)
    first = estimator._kept.folder()
    estimator.fit(TEXTS, ["one" if label == "pos" else "two" for label in LABELS])
    assert set(estimator.predict(TEXTS)) == {"one", "two"}
    assert not first.exists()


def test_cross_validation_runs_on_a_list_of_texts(bert: Path) -> None:
    assert cross_val_score(classifier(bert), TEXTS, LABELS, cv=2).mean() > 0.7


def test_an_unreadable_image_is_an_error(resnet: Path, tmp_path: Path) -> None:
    pixels, labels = tiny.toy_pixels(24)
    fitted = classifier(resnet).fit(pixels, labels)
    with pytest.raises(DataError, match="there is no file"):
        fitted.predict([str(tmp_path / "none.png")])
