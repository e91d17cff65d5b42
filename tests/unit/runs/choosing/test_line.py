"""Tests where the line is by default, what is typed instead, and how rates fall."""

import pytest

from regraft.data.rows import Modality
from regraft.errors import SettingsError
from regraft.runs.choosing import line as module
from regraft.runs.choosing.defaults import TYPED, Choice
from regraft.runs.choosing.line import RATE_BLOCKS, choose_line, depth_rate, frozen_words
from regraft.settings import FitSettings


def test_full_fine_tuning_freezes_nothing_unless_that_was_typed() -> None:
    assert choose_line(FitSettings(strategy="full"), "image", blocks=20).value == 0
    assert choose_line(FitSettings(strategy="full", freeze=3), "image", blocks=20).value == 3


@pytest.mark.parametrize("modality", ["text", "image"])
def test_a_share_of_the_blocks_never_moves(modality: Modality) -> None:
    choice = choose_line(FitSettings(), modality, blocks=20)
    assert choice.value == round(20 * module.FROZEN_SHARE[modality])
    assert ("may move" in choice.reason) == (choice.value == 0)


def test_so_many_blocks_as_were_typed_never_move() -> None:
    assert choose_line(FitSettings(freeze=3), "text", blocks=3) == Choice("freeze", 3, TYPED)
    with pytest.raises(SettingsError, match=r"freeze = 4, and the network has 3 blocks"):
        choose_line(FitSettings(freeze=4), "text", blocks=3)


@pytest.mark.parametrize(
    ("typed", "line", "words"),
    [
        (None, None, []),
        (0, 0, []),
        ("3", 3, []),
        ("norm", 0, ["norm"]),
        ("norm, 2,*.bias", 2, ["norm", "*.bias"]),
    ],
)
def test_numbers_are_blocks_and_other_words_patterns(
    typed: str | int | None, line: int | None, words: list[str]
) -> None:
    assert frozen_words(FitSettings(freeze=typed)) == (line, words)


def test_a_deep_text_network_learns_more_slowly() -> None:
    usual = Choice("lr", 2e-4, "usual")
    assert depth_rate(usual, "text", blocks=RATE_BLOCKS) == usual
    deep = depth_rate(usual, "text", blocks=2 * RATE_BLOCKS)
    assert deep.value == pytest.approx(1e-4)
    assert f"{2 * RATE_BLOCKS} blocks deep" in deep.reason
    assert depth_rate(usual, "image", blocks=50) == usual
    typed = Choice("lr", 2e-4, TYPED)
    assert depth_rate(typed, "text", blocks=50) == typed
