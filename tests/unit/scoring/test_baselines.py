"""Tests what needs no pretrained network: shares, words, characters, small pixels."""

from collections.abc import Sequence

import numpy as np
import pytest

from regraft.data.rows import Input, Modality, Origin, Rows
from regraft.scoring.baselines import classic, majority, recipe, small_pixels

GOOD, BAD = ["a lovely film", "lovely and great"], ["a dreadful film", "dreadful and dull"]


def rows(inputs: Sequence[Input], labels: list[int], modality: Modality = "text") -> Rows:
    origins = [Origin("here", i) for i in range(len(inputs))]
    return Rows(modality, inputs, ("a", "b", "c"), np.array(labels, np.int64), origins)


def test_the_majority_answers_with_the_shares_of_the_classes() -> None:
    seen = rows(["x"] * 4, [0, 0, 0, 1])
    (found,) = majority(seen, [rows(["y", "z"], [1, 1])]).parts
    assert found.tolist() == [[0.75, 0.25, 0], [0.75, 0.25, 0]]


def test_words_tell_the_classes_apart() -> None:
    fitted = classic(rows(GOOD + BAD, [0, 0, 1, 1]), [rows(["lovely", "dreadful"], [0, 1])])
    assert fitted.name == "TF-IDF of words + logistic regression"
    assert fitted.parts[0].argmax(axis=1).tolist() == [0, 1]


def test_a_script_without_blanks_is_read_by_characters() -> None:
    seen = rows(["很好看的电影", "好看极了", "难看的电影", "难看极了"], [0, 0, 1, 1])
    fitted = classic(seen, [rows(["真好看", "真难看"], [0, 1])])
    assert fitted.name == "TF-IDF of characters + logistic regression"
    assert fitted.parts[0].argmax(axis=1).tolist() == [0, 1]


def test_texts_without_any_word_are_read_by_characters() -> None:
    train = rows(["😀 🎉", "😡 👎", "🎉 🎉", "👎 😡"], [0, 1, 0, 1])
    found = classic(train, [train])
    assert "characters" in found.name
    assert found.parts[0].argmax(axis=1).tolist() == [0, 1, 0, 1]


def test_many_texts_that_share_no_word_get_the_majority() -> None:
    train = rows([f"one{n} two{n} three{n}" for n in range(200)], [0, 1] * 100)
    assert classic(train, [train]).name == "majority class"


def test_a_class_without_training_rows_gets_no_probability() -> None:
    (found,) = classic(rows(GOOD + BAD, [0, 0, 2, 2]), [rows(["lovely"], [0])]).parts
    assert found[0, 1] == 0
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize("modality", ["text", "image"])
def test_a_part_without_rows_gets_no_answers(modality: Modality) -> None:
    pictures = [np.full((8, 8, 3), 40 * i, np.uint8) for i in range(4)]
    inputs: Sequence[Input] = GOOD + BAD if modality == "text" else pictures
    seen = rows(inputs, [0, 0, 1, 1], modality)
    none = rows([], [], modality)
    assert [part.shape for part in classic(seen, [none, seen]).parts] == [(0, 3), (4, 3)]


def test_small_pixels_are_sixteen_a_side_between_0_and_1() -> None:
    white, black = np.full((20, 30, 3), 255, np.uint8), np.zeros((9, 9, 3), np.uint8)
    found = small_pixels([white, black])
    assert found.shape == (2, 16 * 16 * 3)
    assert found.dtype == np.float32
    assert (found.min(axis=1).tolist(), found.max(axis=1).tolist()) == ([1, 0], [1, 0])


def test_dark_and_bright_images_are_told_apart() -> None:
    generator = np.random.default_rng(0)
    dark = [generator.integers(0, 100, (12, 12, 3)).astype(np.uint8) for _ in range(4)]
    bright = [picture + 120 for picture in dark]
    seen = rows([*dark[:3], *bright[:3]], [0, 0, 0, 1, 1, 1], "image")
    fitted = classic(seen, [rows([dark[3], bright[3]], [0, 1], "image")])
    assert fitted.parts[0].argmax(axis=1).tolist() == [0, 1]


def test_the_recipe_is_the_classic_model_itself() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    names = {
        "TfidfVectorizer": TfidfVectorizer,
        "LogisticRegression": LogisticRegression,
        "make_pipeline": make_pipeline,
    }
    for texts in (GOOD + BAD, ["很好", "好看", "难看", "很难"]):
        seen = rows(texts, [0, 0, 1, 1])
        model = eval(recipe(seen), names)
        model.fit(texts, seen.labels)
        wanted = classic(seen, [seen]).parts[0][:, :2]
        assert model.predict_proba(texts) == pytest.approx(wanted, abs=1e-2)
    assert "analyzer='char'" in recipe(rows(["很好"], [0]))
    assert "16×16 pixels" in recipe(rows([np.zeros((2, 2, 3), np.uint8)], [0], "image"))
