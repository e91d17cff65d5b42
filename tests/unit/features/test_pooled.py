"""Tests features of many rows: in their order, whatever stands beside them."""

import sys

import numpy as np
import pytest
import torch

from regraft.backbones.graft import Grafted
from regraft.backbones.modes import Mode
from regraft.data.encode import Encoded
from regraft.features import pooled
from regraft.features.pooled import chunks, head_logits, logits, pooled_features, to_device
from regraft.freezing.line import move_line
from tests.tiny_sessions import EXAMPLES, KINDS, changed, grafted, spliced, state, token_rows


def rows_of(kind: str, count: int = 20) -> Encoded:
    return EXAMPLES[kind](count).rows


def some(kind: str, rows: Encoded) -> np.ndarray:
    return pooled_features(grafted(kind), rows, mode=Mode())


@pytest.mark.parametrize("kind", KINDS)
def test_features_do_not_depend_on_the_order_of_the_rows(kind: str) -> None:
    rows = rows_of(kind)
    order = np.random.default_rng(0).permutation(20)
    assert some(kind, rows.take(order)) == pytest.approx(some(kind, rows)[order], abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_features_do_not_depend_on_the_neighbours(kind: str) -> None:
    rows = rows_of(kind)
    alone = [some(kind, rows.take(np.array([i]))) for i in range(20)]
    assert np.concatenate(alone) == pytest.approx(some(kind, rows), abs=1e-5)


def test_rows_come_back_in_their_order_although_the_longest_go_first() -> None:
    rows = token_rows([[7] * length for length in (3, 9, 5, 12, 4)])
    network = grafted("text")
    found = pooled_features(network, rows, mode=Mode())
    for i in range(5):
        batch = rows.batch(np.array([i]))
        assert found[i] == pytest.approx(
            network.eval().features(batch)[0].detach().numpy(), abs=1e-5
        )


@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_what_the_head_makes_of_the_features(kind: str) -> None:
    network, rows = grafted(kind, head="mlp:8"), rows_of(kind)
    features = torch.from_numpy(pooled_features(network, rows, mode=Mode()))
    with torch.no_grad():
        wanted = network.head(features).numpy()
    assert logits(network, rows, mode=Mode()) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_is_in_exactly_one_chunk(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooled, "TOKENS", 40)
    monkeypatch.setattr(pooled, "IMAGES", 3)
    rows = rows_of(kind)
    found = list(chunks(rows))
    assert len(found) > 3
    assert sorted(np.concatenate(found).tolist()) == list(range(20))


def test_chunks_of_texts_keep_to_the_tokens_longest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooled, "TOKENS", 40)
    rows = rows_of("text", 100)
    longest = [int(rows.lengths[chunk].max()) for chunk in chunks(rows)]
    sizes = [len(chunk) for chunk in chunks(rows)]
    assert longest == sorted(longest, reverse=True)
    assert all(a * b <= 40 for a, b in zip(longest, sizes, strict=True))


def test_a_text_longer_than_all_the_tokens_of_a_chunk_goes_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pooled, "TOKENS", 5)
    rows = token_rows([[7] * 12, [8] * 11])
    assert [len(chunk) for chunk in chunks(rows)] == [1, 1]


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_in_its_mode_with_its_weights_and_buffers(training: bool) -> None:
    network = grafted("image").train(training)
    before = state(network)
    pooled_features(network, rows_of("image"), mode=Mode())
    assert network.training == training
    assert changed(before, network) == set()


def test_a_frozen_network_stays_frozen() -> None:
    network = grafted("image")
    move_line(network, spliced(network), line=2)
    pooled_features(network, rows_of("image"), mode=Mode())
    modes = [network.get_submodule(f"trunk.{name}").training for name in ("stem", "middle", "top")]
    assert modes == [False, False, True]


def test_dropout_does_not_touch_features() -> None:
    network = grafted("text", dropout=0.5).train()
    first = pooled_features(network, rows_of("text"), mode=Mode())
    assert np.array_equal(first, pooled_features(network, rows_of("text"), mode=Mode()))


@pytest.mark.parametrize("kind", KINDS)
def test_lower_precision_gives_fp32_numbers_close_by(kind: str) -> None:
    found = pooled_features(grafted(kind), rows_of(kind), mode=Mode("bf16"))
    assert found.dtype == np.float32
    assert not np.array_equal(found, some(kind, rows_of(kind)))
    assert found == pytest.approx(some(kind, rows_of(kind)), abs=0.1)


def test_no_rows_have_no_features() -> None:
    assert len(pooled_features(grafted("image"), rows_of("image", 0), mode=Mode())) == 0


def test_batches_go_to_a_graphics_card_from_pinned_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def pinned(tensor: torch.Tensor) -> torch.Tensor:
        asked.append("pinned")
        return tensor

    def moved(tensor: torch.Tensor, *given: object, **named: object) -> torch.Tensor:
        asked.append((*given, named))
        return tensor

    monkeypatch.setattr(torch.Tensor, "pin_memory", pinned)
    monkeypatch.setattr(torch.Tensor, "to", moved)
    to_device({"input_ids": torch.ones(2, 3)}, "cuda:1")
    to_device({"input_ids": torch.ones(2, 3)}, "cpu")
    assert asked == ["pinned", ("cuda:1", {"non_blocking": True}), ("cpu", {})]


def test_images_lie_channels_last_on_the_device() -> None:
    moved = to_device(rows_of("image").batch(np.arange(4)), "cpu")["pixels"]
    assert moved.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("a fake"), RuntimeError("MPS backend out of memory")]
)
def test_where_memory_is_short_a_pass_goes_in_halves(
    error: RuntimeError, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, rows = grafted("image"), rows_of("image", 9)
    expected = pooled_features(network, rows, mode=Mode())
    real = Grafted.features

    def small(self: Grafted, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        assert sys.exc_info() == (None, None, None), "the failed pass still holds its memory"
        if len(batch["pixels"]) > 2:
            raise error
        return real(self, batch)

    monkeypatch.setattr(Grafted, "features", small)
    assert pooled_features(network, rows, mode=Mode()) == pytest.approx(expected, abs=1e-5)


def test_one_row_that_is_too_much_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("a fake")

    monkeypatch.setattr(Grafted, "features", full)
    with pytest.raises(torch.OutOfMemoryError):
        pooled_features(grafted("image"), rows_of("image", 3), mode=Mode())


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_answers_alike_in_a_pass_and_on_features_in_every_precision(kind: str) -> None:
    network, rows = grafted(kind, head="mlp:8"), rows_of(kind)
    features = pooled_features(network, rows, mode=Mode("bf16"))
    wanted = head_logits(network.head, features, device="cpu")
    assert logits(network, rows, mode=Mode("bf16")) == pytest.approx(wanted, abs=1e-6)
