"""Tests that an alignment is plain data which says what it is."""

import pytest

from regraft.training.aligning.alignment import Alignment


@pytest.mark.parametrize(
    ("alignment", "words", "adversarial"),
    [
        (Alignment("mcc"), "mcc", False),
        (Alignment("gaussian", position=2), "gaussian, virtual rows at position 2", False),
        (Alignment("cdan"), "cdan, discriminator auto at the pooled features", True),
        (Alignment("dann", discriminator="rnn", position=4), "", True),
        (
            Alignment("cdan", confusion=0.5),
            "cdan, discriminator auto at the pooled features, class confusion 0.5",
            True,
        ),
    ],
)
def test_it_says_what_it_is(alignment: Alignment, words: str, adversarial: bool) -> None:
    expected = words or "dann, discriminator rnn at position 4"
    assert (alignment.words(), alignment.adversarial) == (expected, adversarial)
