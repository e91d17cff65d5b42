"""Tests virtual rows: by hand, their statistics, and which rows of a pass they are made of."""

import pytest
import torch
from torch import nn

from regraft.training.aligning.virtual import Cloud, virtual_at, virtual_rows
from tests.tiny_sessions import KINDS, example, grafted, spliced

ALWAYS = Cloud(around=1.0, share=1.0)


def noise_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every ε be 1."""
    monkeypatch.setattr(torch, "randn", lambda *size, **more: torch.ones(*size))


def test_statistics_move_by_one_deviation_over_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    noise_of_one(monkeypatch)
    # One channel of two places. μ = 2, 6 with Σ_μ = 2; σ = 1, 3 with Σ_σ = 1.
    features = torch.tensor([[[1.0], [3.0]], [[3.0], [9.0]]])
    found = virtual_rows(features, ALWAYS, wanted=torch.tensor([True, False]), mask=None)
    # β = 2 + 2 = 4, γ = 1 + 1 = 2: 2 · (−1, +1) + 4.
    assert found[0].flatten().tolist() == pytest.approx([2.0, 6.0], abs=1e-4)
    assert found[1].tolist() == features[1].tolist()


def test_the_formula_written_slowly() -> None:
    torch.manual_seed(0)
    features, wanted = torch.randn(6, 3, 4, 5), torch.tensor([True] * 4 + [False] * 2)
    torch.manual_seed(1)
    found = virtual_rows(features, Cloud(around=0.7, share=1.0), wanted=wanted, mask=None)
    torch.manual_seed(1)
    torch.rand(6)
    noise = torch.randn(2, 6, 3, 1)
    mean = features.mean(dim=(2, 3))
    deviation = features.std(dim=(2, 3), correction=0)
    for row in range(6):
        for channel in range(3):
            x = features[row, channel]
            beta = mean[row, channel] + 0.7 * noise[0, row, channel] * mean[:, channel].std(
                correction=0
            )
            gamma = deviation[row, channel] + 0.7 * noise[1, row, channel] * deviation[
                :, channel
            ].std(correction=0)
            virtual = gamma * (x - mean[row, channel]) / deviation[row, channel] + beta
            expected = virtual if wanted[row] else x
            torch.testing.assert_close(found[row, channel], expected, atol=1e-4, rtol=1e-4)


def test_padding_says_nothing() -> None:
    torch.manual_seed(0)
    features, wanted = torch.randn(4, 5, 3), torch.ones(4, dtype=torch.bool)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 1, 1, 1, 0]])
    other = torch.where(mask[..., None].bool(), features, torch.tensor(99.0))
    found = []
    for each in (features, other):
        torch.manual_seed(3)
        found.append(virtual_rows(each, ALWAYS, wanted=wanted, mask=mask))
    real = mask.bool()
    torch.testing.assert_close(found[0][real], found[1][real])


def test_maps_with_channels_last_are_the_same_rows() -> None:
    torch.manual_seed(0)
    features, wanted = torch.randn(4, 3, 2, 5), torch.ones(4, dtype=torch.bool)
    torch.manual_seed(2)
    first = virtual_rows(features, ALWAYS, wanted=wanted, mask=None)
    torch.manual_seed(2)
    cloud = Cloud(share=1.0, channels_last=True)
    last = virtual_rows(features.movedim(1, -1), cloud, wanted=wanted, mask=None)
    torch.testing.assert_close(last.movedim(-1, 1), first)


def test_rows_without_places_lie_around_as_far_as_the_batch_does() -> None:
    torch.manual_seed(0)
    features = torch.randn(4000, 2) * torch.tensor([1.0, 5.0])
    every = torch.ones(4000, dtype=torch.bool)
    moved = virtual_rows(features, Cloud(around=0.5, share=1.0), wanted=every, mask=None) - features
    assert moved.std(dim=0).tolist() == pytest.approx([0.5, 2.5], rel=0.05)
    assert moved.mean(dim=0).tolist() == pytest.approx([0, 0], abs=0.15)


def test_a_coin_says_which_rows() -> None:
    torch.manual_seed(0)
    features, every = torch.randn(4000, 2), torch.ones(4000, dtype=torch.bool)
    found = virtual_rows(features, Cloud(share=0.25), wanted=every, mask=None)
    assert float((found != features).any(dim=1).float().mean()) == pytest.approx(0.25, abs=0.03)


def test_kinds_of_numbers_stay_and_gradients_flow() -> None:
    features = torch.randn(4, 5, 3, dtype=torch.bfloat16, requires_grad=True)
    found = virtual_rows(features, ALWAYS, wanted=torch.ones(4, dtype=torch.bool), mask=None)
    assert found.dtype == torch.bfloat16
    found.float().square().sum().backward()
    assert features.grad is not None
    assert bool((features.grad != 0).any(dim=(1, 2)).all())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("position", [1, 3])
def test_wanted_rows_alone_change_in_a_pass_and_only_in_the_stretch(
    kind: str, position: int
) -> None:
    network = grafted(kind).eval()
    chain, batch = spliced(network), example(kind)
    wanted, mask = torch.tensor([False, True]), batch.get("attention_mask")
    with torch.no_grad():
        plain = network.features(batch)
        with virtual_at(chain, position, cloud=ALWAYS, wanted=wanted, mask=mask):
            found = network.features(batch)
        again = network.features(batch)
    torch.testing.assert_close(found[0], plain[0])
    assert not torch.allclose(found[1], plain[1], atol=1e-3)
    torch.testing.assert_close(again, plain, atol=0, rtol=0)


def test_what_stands_beside_the_features_is_handed_on() -> None:
    class Two(nn.Module):
        def forward(self, rows: torch.Tensor) -> tuple[torch.Tensor, str]:
            return rows, "beside"

    from types import SimpleNamespace

    network = nn.Sequential(Two())
    chain = SimpleNamespace(network=network, cuts=[None, SimpleNamespace(path="0")])
    wanted = torch.ones(2, dtype=torch.bool)
    with virtual_at(chain, 1, cloud=ALWAYS, wanted=wanted, mask=None):  # type: ignore[arg-type]
        found, beside = network(torch.randn(2, 4))
    assert beside == "beside"
    assert found.shape == (2, 4)
