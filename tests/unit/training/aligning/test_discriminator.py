"""Tests which network tells domains apart by the shape of features, and how it reads them."""

import pytest
import torch

from regraft.errors import SettingsError
from regraft.training.aligning.alignment import Alignment
from regraft.training.aligning.discriminator import (
    Averaged,
    Convolved,
    Discriminator,
    Recurrent,
    make_discriminator,
)


def made(shape: tuple[int, ...], kind: str = "auto", term: str = "dann") -> Discriminator:
    alignment = Alignment(term, discriminator=kind, hidden=6)  # type: ignore[arg-type]
    return make_discriminator(alignment, shape, classes=3, seed=5)


@pytest.mark.parametrize(
    ("shape", "kind", "reader"),
    [((8,), "mlp", Averaged), ((5, 8), "rnn", Recurrent), ((8, 4, 4), "cnn", Convolved)],
)
@pytest.mark.parametrize("term", ["dann", "cdan"])
def test_the_shape_decides_which_it_is(
    shape: tuple[int, ...], kind: str, reader: type, term: str
) -> None:
    found = made(shape, term=term)
    assert found.kind == kind
    assert isinstance(found.reader, reader)
    given = torch.full((4, 3), 1 / 3) if term == "cdan" else None
    scores = found(torch.randn(4, *shape), None, given=given)
    assert scores.shape == (4,)
    assert scores.std() > 0


@pytest.mark.parametrize("shape", [(8,), (5, 8), (8, 4, 4)])
def test_an_mlp_reads_anything(shape: tuple[int, ...]) -> None:
    assert made(shape, "mlp")(torch.randn(4, *shape), None).shape == (4,)


@pytest.mark.parametrize(
    ("shape", "kind"), [((8,), "cnn"), ((8,), "rnn"), ((5, 8), "cnn"), ((8, 4, 4), "rnn")]
)
def test_a_kind_that_cannot_read_the_shape_is_refused(shape: tuple[int, ...], kind: str) -> None:
    with pytest.raises(SettingsError, match=f"discriminator {kind} cannot read features of"):
        made(shape, kind)


@pytest.mark.parametrize("kind", ["rnn", "mlp"])
def test_padding_leaves_no_trace(kind: str) -> None:
    found = made((5, 8), kind)
    features, mask = torch.randn(2, 5, 8), torch.ones(2, 5, dtype=torch.long)
    mask[1, 3:] = 0
    other = features.clone()
    other[1, 3:] = 99.0
    torch.testing.assert_close(found(features, mask), found(other, mask))
    torch.testing.assert_close(found(features[1:, :3], None), found(features, mask)[1:])


def test_weights_are_a_function_of_the_seed_and_draw_nothing_else() -> None:
    torch.manual_seed(0)
    first, number = made((8,)), torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(number, torch.rand(1))
    torch.rand(3)
    again = made((8,))
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True)
    )


def test_wide_conditioning_is_drawn_at_random_and_kept_with_the_weights() -> None:
    alignment = Alignment("cdan", hidden=6)
    found = make_discriminator(alignment, (512,), classes=9, seed=5)
    assert {"of_features", "of_classes"} <= found.state_dict().keys()
    assert found.judge[0].in_features == 1024
    assert found(torch.randn(4, 512), None, given=torch.full((4, 9), 1 / 9)).shape == (4,)
    narrow = make_discriminator(alignment, (16,), classes=3, seed=5)
    assert narrow.judge[0].in_features == 48


def test_a_map_is_read_with_its_places() -> None:
    """Two halves exchanged: the mean over places is the same, what convolutions find is not."""
    features = torch.zeros(1, 2, 4, 4)
    features[:, :, :2] = torch.randn(1, 2, 2, 4)
    turned = features.transpose(2, 3)
    reader = Averaged(4)
    torch.testing.assert_close(reader(features, None), reader(turned, None))
    found = made((2, 4, 4))
    assert not torch.allclose(found(features, None), found(turned, None))
