"""What a prefix makes of a row is its own, whatever stands beside it; every change tells."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from regraft.backbones.chain import Chain
from regraft.backbones.modes import Mode
from regraft.backbones.vocabulary import reduce_table
from regraft.data.encode import Encoded
from regraft.data.spec import ImageSpec
from regraft.features import level as level_module
from regraft.features.level import STEP, Level, chunks
from tests.tiny_sessions import EXAMPLES, KINDS, grafted, spliced, token_rows

TABLE = "embeddings.word_embeddings.weight"
SPEC = ImageSpec(16, (0.5,) * 3, (0.25,) * 3)


def level_of(kind: str, line: int) -> Level:
    network = grafted(kind)
    return Level(network, spliced(network), line, SPEC, Mode())


def made(level: Level, rows: Encoded) -> list[np.ndarray]:
    """Returns what the level makes of each row, in order."""
    found: list[np.ndarray] = [np.zeros(0)] * len(rows)
    for chunk in chunks(rows):
        arrays = level.pass_through(rows, chunk)
        for index, array in zip(chunk.indices.tolist(), arrays, strict=True):
            found[index] = array
    return found


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(level_module, "TOKENS", 64)
    monkeypatch.setattr(level_module, "IMAGES", 4)


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_is_in_one_chunk_of_a_shape_of_its_own_length(kind: str) -> None:
    rows = EXAMPLES[kind](21).rows
    found = list(chunks(rows))
    assert sorted(np.concatenate([c.indices for c in found]).tolist()) == list(range(21))
    for chunk in found:
        if kind == "text":
            assert {-(-length // STEP) * STEP for length in rows.lengths[chunk.indices]} == {
                chunk.extent
            }
            assert chunk.size == 64 // chunk.extent
        else:
            assert (chunk.size, chunk.extent) == (4, 0)
        assert 0 < len(chunk.indices) <= chunk.size


def test_no_text_is_padded_beyond_what_the_network_takes() -> None:
    rows = token_rows([[5] * length for length in (3, 11, 13)])
    extents = {int(i): chunk.extent for chunk in chunks(rows, limit=13) for i in chunk.indices}
    assert extents == {0: 8, 1: 13, 2: 13}


@pytest.mark.parametrize("line", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_a_row_alone_is_the_row_among_others_bit_for_bit(kind: str, line: int) -> None:
    level, rows = level_of(kind, line), EXAMPLES[kind](9).rows
    order = np.array([4, 8, 0, 3, 7, 1, 2, 6, 5])
    together, otherwise = made(level, rows), made(level, rows.take(order))
    for place, index in enumerate(order.tolist()):
        (alone,) = made(level, rows.take(np.array([index])))
        assert np.array_equal(alone, together[index])
        assert np.array_equal(otherwise[place], together[index])


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_what_the_chain_gives(kind: str) -> None:
    level, rows = level_of(kind, 2), EXAMPLES[kind](5).rows
    level.network.eval()
    assert level.chain is not None
    for index, array in enumerate(made(level, rows)):
        with torch.no_grad():
            expected = level.chain.prefix(2, rows.batch(np.array([index])))[0].numpy()
        assert array == pytest.approx(expected, abs=1e-5)
        assert len(array) == (rows.lengths[index] if kind == "text" else 8)


@pytest.mark.parametrize("kind", KINDS)
def test_at_the_top_a_row_is_one_vector(kind: str) -> None:
    level, rows = level_of(kind, 3), EXAMPLES[kind](3).rows
    assert level.pooled
    assert [array.shape for array in made(level, rows)] == [(1, 16)] * 3


def test_the_mode_of_the_network_is_left_as_it_was() -> None:
    level, rows = level_of("text", 1), token_rows([[5, 6]])
    level.network.train()
    made(level, rows)
    assert level.network.training


def changed_weight(level: Level) -> Level:
    with torch.no_grad():
        level.network.get_parameter("trunk.stem.0.weight").view(-1)[0].add_(1e-6)
    return level


def changed_buffer(level: Level) -> Level:
    level.network.get_buffer("trunk.stem.1.running_mean")[0] += 1e-6
    return level


def changed_code(level: Level) -> Level:
    """The same weights, used otherwise."""
    level.network.get_submodule("trunk.stem.1").eps = 1e-2  # type: ignore[assignment]
    return level


CHANGES: dict[str, Callable[[Level], Level]] = {
    "weight": changed_weight,
    "buffer": changed_buffer,
    "code": changed_code,
    "preprocessing": lambda level: replace(level, spec=replace(SPEC, mean=(0.5, 0.5, 0.4))),
    "dtype": lambda level: replace(level, mode=Mode("bf16")),
    "attention": lambda level: replace(level, mode=Mode(attention="eager")),
    "position": lambda level: replace(level, line=2),
    "top": lambda level: replace(level, line=3),
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_changes_makes_another_key(name: str) -> None:
    before = level_of("image", 1).key
    assert level_of("image", 1).key == before
    assert CHANGES[name](level_of("image", 1)).key != before


def test_the_shape_of_chunks_makes_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = level_of("image", 1).key
    monkeypatch.setattr(level_module, "IMAGES", 8)
    assert level_of("image", 1).key != before


def test_weights_above_the_line_make_no_other_key() -> None:
    level = level_of("image", 1)
    before = level.key
    nn.init.zeros_(level.network.get_parameter("trunk.top.0.weight"))
    assert replace(level).key == before


@pytest.mark.parametrize("line", [1, 3])
def test_a_smaller_token_table_makes_no_other_key_until_it_moves(line: int) -> None:
    level = level_of("text", line)
    trunk, before = level.network.trunk, level.key
    reduced = reduce_table(trunk, [token_rows([[7, 9, 7], [41]])])
    assert reduced is not None
    small = replace(level, reduced=reduced)
    assert small.key == before
    assert trunk.get_parameter(TABLE).shape[0] == len(reduced.used)
    with torch.no_grad():
        trunk.get_parameter(TABLE)[0] += 1.0
    assert replace(small).key != before


def test_a_table_that_moved_is_of_its_own_tokens() -> None:
    keys = set()
    for texts in ([[7, 9]], [[8, 10]]):
        level = level_of("text", 1)
        reduced = reduce_table(level.network.trunk, [token_rows(texts)])
        with torch.no_grad():
            level.network.trunk.get_parameter(TABLE).zero_()
        keys.add(replace(level, reduced=reduced).key)
    assert len(keys) == 2


@pytest.mark.parametrize("line", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_carried_on_from_a_lower_position_it_is_the_same_bit_for_bit(kind: str, line: int) -> None:
    low, rows = level_of(kind, 1), EXAMPLES[kind](9).rows
    high = Level(low.network, low.chain, line, SPEC, Mode())
    low.network.eval()
    for chunk in chunks(rows):
        batch = level_module.chunk_batch(rows, chunk)
        assert low.chain is not None
        with torch.inference_mode():
            below = low.chain.prefix(1, batch)
        expected = high.pass_through(rows, chunk)
        found = high.pass_through(rows, chunk, below=(1, below))
        assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_the_whole_trunk_needs_no_chain_for_its_key() -> None:
    level = level_of("image", 3)
    assert Level(level.network, None, 0, SPEC, Mode()).key == level.key


@pytest.mark.parametrize("line", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_what_usual_networks_make_lies_row_by_row(kind: str, line: int) -> None:
    assert level_of(kind, line).by_rows(EXAMPLES[kind](5).rows)


class Otherwise:
    """A chain whose activations lie otherwise than a chain's usually do."""

    top = 3

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        self._change = change

    def prefix(self, line: int, batch: dict[str, Tensor]) -> Tensor:
        """Returns (B, T, 4) or (B, 3, S, S), changed."""
        (first, *_) = batch.values()
        return self._change(first if first.dim() == 4 else first[..., None].expand(-1, -1, 4) + 0.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tokens", [2, 3, 8, 16])
def test_tokens_first_is_not_row_by_row(kind: str, tokens: int) -> None:
    rows = token_rows([[5] * tokens] * 9) if kind == "text" else EXAMPLES[kind](9).rows
    chain = cast(Chain, Otherwise(lambda made: made.transpose(0, 1)))
    assert not Level(grafted(kind), chain, 1, SPEC, Mode()).by_rows(rows)


def test_texts_with_fewer_tokens_than_they_had_are_not_row_by_row() -> None:
    chain = cast(Chain, Otherwise(lambda made: made[:, ::2]))
    assert not Level(grafted("text"), chain, 1, SPEC, Mode()).by_rows(token_rows([[5] * 8]))
