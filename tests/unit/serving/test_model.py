from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from regraft.backbones.modes import Mode
from regraft.errors import DataError
from regraft.features.cached import Cache
from regraft.scoring.metrics import softmax
from regraft.serving import model as model_module
from regraft.serving.model import NOT_FINITE, Model
from tests import tiny


@pytest.fixture
def texts(bert: Path) -> Model:
    return tiny.model(bert)


@pytest.fixture
def images(resnet: Path) -> Model:
    return tiny.model(resnet, ("bottom", "top"))


def test_probabilities_are_the_softmax_of_the_networks_logits(texts: Model) -> None:
    inputs = tiny.toy_texts(5)[0]
    rows, errors = texts.encode(inputs)
    batch = rows.batch(np.arange(5))
    with torch.inference_mode():
        expected = softmax(texts.network(batch).numpy())
    np.testing.assert_allclose(texts.predict_proba(inputs), expected, atol=1e-6)
    assert errors == [""] * 5


def test_the_likeliest_class_is_named(texts: Model) -> None:
    inputs = tiny.toy_texts(6)[0]
    best = texts.predict_proba(inputs).argmax(axis=1)
    assert texts.predict(inputs) == [texts.classes[i] for i in best]


def test_no_inputs_give_no_rows(texts: Model) -> None:
    assert texts.predict_proba([]).shape == (0, 2)
    assert texts.predict([]) == []


def test_answers_stay_in_order_over_chunks(texts: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = tiny.toy_texts(23)[0]
    whole = texts.predict_proba(inputs)
    monkeypatch.setattr(model_module, "CHUNK", 5)
    np.testing.assert_allclose(texts.predict_proba(inputs), whole, atol=1e-6)


def test_the_last_few_of_many_are_answered_as_all_others_are(
    texts: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_module, "MANY", 5)
    monkeypatch.setattr(model_module, "SEVERAL", 4)
    monkeypatch.setattr(model_module, "logits", None)
    kept = replace(texts, trunk_kept=True, cache=Cache(on=False))
    inputs = tiny.toy_texts(12)[0]
    whole = kept.predict_proba(inputs)
    assert np.array_equal(whole[10:], kept.predict_proba(inputs[2:])[8:])
    monkeypatch.undo()
    np.testing.assert_allclose(kept.predict_proba(inputs[:1]), whole[:1], atol=1e-6)


def test_in_half_precision_the_neighbours_of_a_text_do_not_show_in_its_answer(
    texts: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_module, "SEVERAL", 4)
    cache = Cache(say=lambda line: None)
    halved = replace(texts, mode=Mode("bf16"), cache=cache)
    inputs = tiny.toy_texts(4)[0]
    longer = [" ".join([text] * 3) for text in tiny.toy_texts(9)[0]]
    few = halved.predict_proba(inputs[:3])
    monkeypatch.setattr(model_module, "logits", None)
    alone = halved.predict_proba(inputs)
    assert np.array_equal(alone, halved.predict_proba([*longer, *inputs])[9:])
    np.testing.assert_allclose(few, alone[:3], atol=0.02)
    assert cache.tally.computed == 0  # a trunk that has moved is no other run's


def test_rows_that_are_done_are_counted(texts: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in ("CHUNK", "MANY"):
        monkeypatch.setattr(model_module, size, 2)
    done: list[int] = []
    texts.answer(["good", "bad", "fine"], told=done.append)
    assert done == [2, 3]


@pytest.mark.parametrize("single", ["a film", b"a film", Path("a.png")])
def test_a_single_input_is_refused_and_not_read_letter_by_letter(
    texts: Model, single: object
) -> None:
    with pytest.raises(DataError, match=r"a single one; expected a list of them"):
        texts.predict(single)  # type: ignore[arg-type]


def test_inputs_may_come_one_by_one(texts: Model) -> None:
    several = ["a film", "a play"]
    found = texts.predict_proba(iter(several))  # type: ignore[arg-type]
    assert np.array_equal(found, texts.predict_proba(several))


def test_what_is_no_text_has_a_reason_and_leaves_the_others(texts: Model) -> None:
    answers = texts.answer(["good", np.zeros((4, 4), np.uint8), "bad"])
    assert answers.errors == ("", "not a text", "")
    assert np.isnan(answers.probabilities).any(axis=1).tolist() == [False, True, False]


def test_half_a_character_is_read_as_a_question_mark(texts: Model) -> None:
    np.testing.assert_array_equal(
        texts.predict_proba(["half \ud800"]), texts.predict_proba(["half ?"])
    )


def test_an_image_comes_from_a_path_or_pixels(images: Model, tmp_path: Path) -> None:
    assert images.modality == "image"
    pixels, _ = tiny.toy_pixels(2)
    tiny.image_folders(tmp_path, 2)
    paths = [str(tmp_path / "top" / "000.png"), str(tmp_path / "bottom" / "001.png")]
    np.testing.assert_array_equal(images.predict_proba(paths), images.predict_proba(list(pixels)))


def test_a_broken_image_has_a_reason_and_leaves_the_others(images: Model, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    pixels, _ = tiny.toy_pixels(2)
    answers = images.answer([pixels[0], str(tmp_path / "broken.png"), pixels[1]])
    assert [bool(error) for error in answers.errors] == [False, True, False]
    assert "broken.png" in answers.errors[1]
    np.testing.assert_allclose(
        answers.probabilities[[0, 2]], images.predict_proba(list(pixels)), atol=1e-6
    )


def test_an_unreadable_input_is_an_error_where_no_row_can_say_so(images: Model) -> None:
    with pytest.raises(DataError, match=r"input 1 cannot be read: .*none\.png"):
        images.predict(["none.png"])


def test_an_answer_that_is_no_number_is_no_prediction(texts: Model) -> None:
    with torch.no_grad():
        texts.network.head.last.bias.fill_(float("nan"))
    answers = texts.answer(["good"])
    assert answers.errors == (NOT_FINITE,)
    assert np.isnan(answers.probabilities).all()
