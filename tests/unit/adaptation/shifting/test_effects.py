"""Effect sizes: a case by hand, signs, and numbers that do not move."""

import numpy as np
import pytest

from regraft.adaptation.shifting.effects import MOST, effect, effects


def test_four_numbers_by_hand() -> None:
    # Means 1 and 4, squares 2 and 2 over 2 + 2 - 2 rows: deviation √2, d = 3 / √2.
    found = effect("length", source=np.array([0.0, 2.0]), target=np.array([3.0, 5.0]))
    assert (found.source, found.target) == (1, 4)
    assert found.size.value == pytest.approx(3 / 2**0.5)
    error = (4 / 4 + 4.5 / 8) ** 0.5
    assert found.size.high - found.size.value == pytest.approx(1.96 * error, rel=1e-3)


def test_the_largest_comes_first_whatever_its_sign() -> None:
    source = {"a": np.array([0.0, 1, 2]), "b": np.array([0.0, 1, 2])}
    target = {"a": np.array([0.5, 1, 2]), "b": np.array([-3.0, -2, -1])}
    assert [each.name for each in effects(source, target)] == ["b", "a"]


def test_numbers_that_do_not_vary() -> None:
    same, other = np.ones(5), np.full(5, 2.0)
    assert effect("x", source=same, target=same).size.value == 0
    assert effect("x", source=same, target=other).size.value == MOST
    assert effect("x", source=other, target=same).size.value == -MOST
