"""Tests what blocks cost and what a line saves, worked by hand."""

import pytest

from regraft.freezing.cost import block_flops, line_in, saved_share
from regraft.freezing.proof import Stretch
from regraft.freezing.witness import ABOVE
from tests.tiny_sessions import SIDE, example, grafted, spliced


def test_convolutions_cost_two_operations_a_product() -> None:
    network = grafted("image")
    found = block_flops(spliced(network), example("image"))
    pixels = 2 * SIDE * SIDE * 9
    assert found == [2 * pixels * 3 * 8, 2 * pixels * 8 * 8, 2 * pixels * 8 * 16]


def stretch(line: int, start: int, stop: int) -> Stretch:
    names = dict.fromkeys([*map(str, range(line)), ABOVE], "a")
    return Stretch("tune", names, names, start, stop)


def test_a_line_saves_what_lies_below_it_for_its_steps() -> None:
    stretches = [stretch(0, 0, 6), stretch(2, 6, 10)]
    assert line_in(stretches[1]) == 2
    assert saved_share(stretches, [1, 2, 3]) == pytest.approx(4 * 3 / (10 * 6))


def test_without_a_step_nothing_went_backward() -> None:
    assert saved_share([stretch(3, 0, 0)], [1, 2, 3]) == 1.0
