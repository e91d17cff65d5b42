"""Words that mark a domain: the paper's formula by hand, and words that were planted."""

import math

import numpy as np
import pytest

from regraft.adaptation.shifting.words import PRIOR, log_odds, marking_words, text_numbers


def test_log_odds_are_the_formula_rewritten_slowly() -> None:
    source, target = np.array([8.0, 2.0, 5.0]), np.array([1.0, 9.0, 5.0])
    alpha = [PRIOR * (a + b) for a, b in zip(source, target, strict=True)]
    total = sum(alpha)
    for word in range(3):
        odds = []
        for counts in (source, target):
            inside = counts[word] + alpha[word]
            odds.append(math.log(inside / (counts.sum() + total - inside)))
        variance = 1 / (target[word] + alpha[word]) + 1 / (source[word] + alpha[word])
        expected = (odds[1] - odds[0]) / math.sqrt(variance)
        assert log_odds(source, target)[word] == pytest.approx(expected)


def test_words_that_were_planted_are_found_on_their_side() -> None:
    films = [f"the film number {row} was seen" for row in range(60)]
    meals = [f"the soup number {row} was seen" for row in range(60)]
    of_source, of_target = marking_words(films, meals)
    assert [word.word for word in of_source] == ["film"]
    assert [word.word for word in of_target] == ["soup"]
    assert (of_source[0].source, of_source[0].target) == (1, 0)
    assert of_source[0].z < 0 < of_target[0].z


def test_a_word_counts_once_a_text() -> None:
    shouting = ["soup " * 500, *(f"row {row}" for row in range(50))]
    quiet = [f"row {row}" for row in range(51)]
    assert marking_words(quiet, shouting) == ([], [])


def test_texts_without_blanks_are_counted_in_pairs_of_characters() -> None:
    first, second = ["这家酒店很好非常满意"] * 40, ["外卖送得太慢不好吃了"] * 40
    of_source, _ = marking_words(first, second)
    assert "酒店" in [word.word for word in of_source]


def test_texts_of_signs_have_no_words() -> None:
    assert marking_words(["!!!", "?"], ["..", ","]) == ([], [])


def test_numbers_of_a_text() -> None:
    found = {name: values[0] for name, values in text_numbers(["Ab 1!"]).items()}
    assert found == {
        "characters": 5,
        "words": 2,
        "characters a word": 2.5,
        "share of capitals": 0.2,
        "share of digits": 0.2,
        "share of punctuation": 0.2,
    }
    assert all(values[0] == 0 for values in text_numbers([""]).values())
