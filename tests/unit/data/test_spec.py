"""Tests that an input spec does not contradict itself."""

from regraft.data.spec import ImageSpec


def test_the_smallest_side_is_never_above_the_size() -> None:
    half = (0.5,) * 3
    assert ImageSpec(28, half, half).min_size == 28
    assert ImageSpec(64, half, half).min_size == 32
    assert ImageSpec(64, half, half, min_size=48).min_size == 48
