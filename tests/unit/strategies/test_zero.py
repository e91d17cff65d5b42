"""Tests that a head without training needs class means, or names that are texts."""

import pytest

from regraft.errors import SettingsError
from regraft.strategies.zero import Zero
from tests.tiny_sessions import facts, grafted, spliced


@pytest.mark.parametrize("by", ["means", "names"])
def test_one_phase_on_the_frozen_trunk(by: str) -> None:
    (phase,) = Zero(by).phases(spliced(grafted("text")), facts("text"))
    assert (phase.line, phase.solving) == (3, by)


def test_names_of_images_are_refused() -> None:
    with pytest.raises(SettingsError, match="reads no texts"):
        Zero("names").phases(spliced(grafted("image")), facts("image"))


def test_another_way_is_refused() -> None:
    with pytest.raises(SettingsError, match="one of means, names"):
        Zero("magic")
