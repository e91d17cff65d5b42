"""Tests that the chosen blocks move and those on both sides stand still."""

import pytest

from regraft.errors import SettingsError
from regraft.strategies.surgical import Surgical
from regraft.training.loop import work
from tests.tiny_sessions import KINDS, changed, facts, grafted, session, spliced, state


@pytest.mark.parametrize(
    ("blocks", "low", "still"),
    [
        ("first", 0, {1, 2}),
        ("middle", 1, {2}),
        ("last", 2, set()),
        ("1", 1, {2}),
        ("0-1", 0, {2}),
        ("0-2", 0, set()),
    ],
)
def test_blocks_are_named_by_thirds_or_numbers(blocks: str, low: int, still: set[int]) -> None:
    head, surgery = Surgical(blocks).phases(spliced(grafted("image")), facts("image"))
    assert head.line == 3
    assert surgery.line == low
    assert set(surgery.still) == still
    moving = {number for number, rate in enumerate(surgery.rates) if rate > 0}
    assert moving == {0, 1, 2} - set(range(low)) - still


@pytest.mark.parametrize("blocks", ["3", "2-1", "0-3", "lowest", "-1", ""])
def test_blocks_that_are_not_there_are_refused(blocks: str) -> None:
    with pytest.raises(SettingsError, match="first, middle, last, or numbers such as 0-2"):
        Surgical(blocks).phases(spliced(grafted("image")), facts("image"))


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_middle_block_moves(kind: str) -> None:
    made = session(kind)
    before = state(made.network.trunk)
    work(made, Surgical("middle").phases(made.chain, facts(kind)))
    block = made.chain.blocks[1]
    assert changed(before, made.network.trunk) == {*block.parameters, *_statistics(block.buffers)}
    assert all(stretch.holds for stretch in made.stretches)


def _statistics(buffers: tuple[str, ...]) -> set[str]:
    return {name for name in buffers if "running" in name or "batches" in name}
