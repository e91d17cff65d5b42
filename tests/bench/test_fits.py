"""Tests the words and intervals of figures over seeds."""

import math

from fits import over_seeds, points, share_right, spread


def test_the_interval_is_student_s() -> None:
    mean, half = over_seeds([0.1, 0.2, 0.3])
    # t(2, 97.5 %) = 4.302653, standard deviation 0.1.
    assert math.isclose(mean, 0.2)
    assert math.isclose(half, 4.302653 * 0.1 / math.sqrt(3), rel_tol=1e-6)


def test_one_seed_has_no_interval() -> None:
    assert math.isnan(over_seeds([0.5])[1])
    assert points([0.012]) == "+1.2"
    assert points([0.01, 0.01, 0.01]) == "+1.0 ± 0.0"


def test_a_spread_names_the_least_and_the_greatest() -> None:
    assert spread([0.7, 0.9, 0.8]) == "0.800 (0.700–0.900)"
    assert share_right("1100") == 0.5
