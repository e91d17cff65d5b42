"""Tests what blocks cost and what a line saves, worked by hand."""

import pytest

from regraft.freezing.cost import (
    block_flops,
    line_in,
    saved_by_block,
    saved_share,
    seconds_by_block,
)
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


def test_each_block_saves_its_own_part() -> None:
    stretches = [stretch(1, 0, 6), stretch(2, 6, 10)]
    found = saved_by_block(stretches, [1, 2, 3])
    assert found == pytest.approx([10 / 60, 4 * 2 / 60, 0])
    assert sum(found) == pytest.approx(saved_share(stretches, [1, 2, 3]))
    for none in ([1, 2, 3], [0, 0, 0]):
        assert sum(saved_by_block([stretch(3, 0, 0)], none)) == pytest.approx(1)


def test_seconds_are_those_of_blocks_that_froze_in_mid_phase() -> None:
    # The first block was frozen from the start; the others share 12 s by 2 x 4 and 3 x 1.
    stretches = [stretch(1, 0, 6), stretch(2, 6, 9), stretch(3, 9, 10)]
    found = seconds_by_block(stretches, [1, 2, 3], seconds=12)
    assert found == pytest.approx([0, 12 * 8 / 11, 12 * 3 / 11])
    assert seconds_by_block([stretch(1, 0, 6)], [1, 2, 3], seconds=0) == [0, 0, 0]


def test_without_a_step_nothing_went_backward() -> None:
    assert saved_share([stretch(3, 0, 0)], [1, 2, 3]) == 1.0
