"""A batch that enters at the line gives the logits of one that enters at the input."""

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from regraft.backbones.chain import Chain
from regraft.backbones.modes import Mode, Precision
from regraft.features import prefixed as prefixed_module
from regraft.features import shelf
from regraft.features.cached import Cache, found_or_made
from regraft.features.level import ACTIVATION, Level
from regraft.features.prefixed import Prefixed, decide, entered, feed
from regraft.features.store import Growing, Store
from regraft.features.worth import Worth
from tests.closed_folder import close_folder
from tests.tiny_sessions import EXAMPLES, KINDS, grafted, spliced

SOME = np.array([5, 0, 7, 2])


@pytest.fixture(autouse=True)
def _own_roof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    monkeypatch.setattr(prefixed_module, "worth_of", lambda *_: Worth(1.0, 0.1, 0.1, 10.0))


def level_of(kind: str, line: int = 2) -> Level:
    network = grafted(kind)
    network.eval()
    return Level(network, spliced(network), line, None, Mode())


def fed(level: Level, kind: str, cache: Cache | None = None) -> Prefixed:
    return feed(level, EXAMPLES[kind](9).rows, cache=cache or Cache(say=lambda line: None))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", KINDS)
def test_activations_keep_their_kind_of_numbers(kind: str, precision: Precision) -> None:
    """Under autocast some networks hand on half numbers, and some do not."""
    network = grafted(kind)
    level = Level(network, spliced(network), 2, None, Mode(precision))
    found = fed(level, kind).batch(SOME)
    assert level.chain is not None
    with torch.inference_mode(), level.mode.running():
        own = {name: tensor for name, tensor in found.items() if name != ACTIVATION}
        expected = level.chain.prefix(2, own)
    assert found[ACTIVATION].dtype == expected.dtype
    assert found[ACTIVATION].shape == expected.shape
    with level.mode.running():
        assert entered(level, found).shape == (4, 16)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_made_in_half_numbers_is_trained_on_in_whole_ones(kind: str) -> None:
    """The two precisions are chosen apart: each by what is faster."""
    network = grafted(kind)
    level = Level(network, spliced(network), 2, None, Mode("bf16"))
    with Mode("fp32").running():
        found = entered(level, fed(level, kind).batch(SOME))
    found.sum().backward()
    assert found.dtype == torch.float32


@pytest.mark.parametrize("line", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_the_features_are_those_of_the_whole_network(kind: str, line: int) -> None:
    level, rows = level_of(kind, line), EXAMPLES[kind](9).rows
    found = fed(level, kind)
    assert isinstance(found, Prefixed)
    assert found.lengths.tolist() == rows.lengths.tolist()
    with torch.no_grad():
        features = entered(level, found.batch(SOME))
        expected = level.network.features(rows.batch(SOME))
    assert features.numpy() == pytest.approx(expected.numpy(), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_reaches_all_above_and_nothing_below(kind: str) -> None:
    level = level_of(kind)
    entered(level, fed(level, kind).batch(SOME)).sum().backward()
    assert level.chain is not None
    blocks = level.chain.blocks
    network = level.network.trunk
    grads = [[network.get_parameter(n).grad for n in b.parameters] for b in blocks]
    assert all(grad is None for block in grads[:2] for grad in block)
    assert any(grad is not None for grad in grads[2])


@pytest.mark.parametrize("kind", KINDS)
def test_without_room_the_same_bytes_are_computed(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    level = level_of(kind)
    stored = fed(level, kind)
    assert stored.store is not None
    shelf.clear()
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "10")
    lines: list[str] = []
    cache = Cache(say=lines.append)
    again = fed(level, kind, cache=cache)
    assert again.store is None
    monkeypatch.setattr(prefixed_module, "worth_of", None)  # it is not measured once more
    assert fed(level, kind, cache=cache).store is None
    assert len(lines) == 1
    assert torch.equal(again.batch(SOME)[ACTIVATION], stored.batch(SOME)[ACTIVATION])


def test_a_disk_that_fills_up_on_the_way_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    level = level_of("text")
    stored = fed(level, "text").batch(SOME)[ACTIVATION]
    shelf.clear()
    monkeypatch.setattr(Growing, "add", full)
    real, passes = Level.made, 0

    def counted(*given: Any, **named: Any) -> Any:
        nonlocal passes
        passes += 1
        return real(*given, **named)

    lines: list[str] = []
    cache = Cache(say=lines.append)
    with monkeypatch.context() as patch:
        patch.setattr(Level, "made", counted)
        again = fed(level, "text", cache)
    assert again.store is None
    assert passes == 1 < len(list(level.chunks(EXAMPLES["text"](9).rows)))
    assert torch.equal(again.batch(SOME)[ACTIVATION], stored)
    assert cache.tally.bytes == 0
    computed = cache.tally.computed
    assert fed(level, "text", cache).store is None  # the next epoch does not try once more
    assert cache.tally.computed == computed
    assert len(lines) == 1


def test_a_level_whose_chunks_do_not_fit_is_filled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Level.made
    monkeypatch.setattr(
        Level, "made", lambda *given, **named: replace(real(*given, **named), whole=False)
    )
    lines: list[str] = []
    level, cache = level_of("text"), Cache(say=lines.append)
    assert fed(level, "text", cache).store is None
    computed = cache.tally.computed
    assert fed(level, "text", cache).store is None
    assert cache.tally.computed == computed
    (line,) = lines
    assert "the device's memory is too small" in line


def test_what_others_drop_before_it_is_read_is_computed_and_told_as_such(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    level = level_of("text")
    stored = fed(level, "text").batch(SOME)[ACTIVATION]
    shelf.clear()

    def dropped(*given: Any, **named: Any) -> Iterator[Any]:
        yield from found_or_made(*given, **named)
        shelf.clear()  # as another process that makes room

    lines: list[str] = []
    cache = Cache(say=lines.append)
    with monkeypatch.context() as patch:
        patch.setattr(prefixed_module, "found_or_made", dropped)
        for _ in range(2):
            again = fed(level, "text", cache)
            assert again.store is None
            assert torch.equal(again.batch(SOME)[ACTIVATION], stored)
    assert lines == ["stored features were dropped by another process and are computed again"]
    assert fed(level, "text", cache).store is not None  # the next epoch tries once more


def test_a_disk_that_is_full_in_the_end_is_told_as_such_and_not_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Growing, "finish", full)
    lines: list[str] = []
    level, cache = level_of("text"), Cache(say=lines.append)
    for _ in range(2):
        assert fed(level, "text", cache).store is None
    assert cache.tally.computed == 9
    assert lines == ["features cannot be stored (No space left on device): they are computed anew"]


@pytest.mark.parametrize(("spare", "stored"), [(0, True), (-1, False)])
def test_room_is_asked_for_keys_and_lengths_too(
    spare: int, stored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = int(EXAMPLES["text"](9).rows.lengths.sum())
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", str(10 * tokens + 9 * (16 + 8) + spare))
    assert (fed(level_of("text"), "text").store is not None) == stored


def test_a_store_that_has_all_rows_is_read_however_full_the_disk_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    level = level_of("text")
    fed(level, "text")
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "10")
    assert fed(level, "text").store is not None


def test_the_lower_level_that_is_read_stays_when_room_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    low, rows, cache = level_of("text", 1), EXAMPLES["text"](9).rows, Cache(say=lambda line: None)
    high = replace(low, line=2)
    feed(low, rows, cache=cache)
    (lower,) = shelf.shelved()
    os.utime(shelf.roof() / low.key, (0, 0))  # used longest ago
    other = shelf.roof() / "other"
    other.mkdir()
    (other / "rows").write_bytes(bytes(100_000))
    monkeypatch.setattr(shelf, "open_store", lambda key: Store(shelf.roof() / key))
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", str(100_000 + lower.bytes))
    assert feed(high, rows, cache=cache, lower=low).store is not None
    assert cache.tally.advanced == 9
    assert {each.key for each in shelf.shelved()} == {low.key, high.key}


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        (0, {}),
        (3, {}),
        (2, {"cache": Cache(on=False)}),
        (2, {"epochs": 1}),
        (2, {"views": 3}),
    ],
)
def test_otherwise_the_rows_themselves_are_read(line: int, changed: dict[str, Any]) -> None:
    named: dict[str, Any] = {"cache": Cache(say=lambda line: None), "epochs": 3, "views": 1}
    rows = EXAMPLES["text"](9).rows
    assert decide(level_of("text", 2), rows, **named)
    assert not decide(level_of("text", line), rows, **{**named, **changed})


def test_what_does_not_lie_row_by_row_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Chain.prefix
    monkeypatch.setattr(Chain, "prefix", lambda *given: real(*given).transpose(0, 1))
    cache = Cache(say=lambda line: None)
    rows = EXAMPLES["text"](9).rows
    assert not decide(level_of("text", 2), rows, cache=cache, epochs=3, views=1)
    assert not cache.tally.worth


def test_the_clock_is_asked_once_and_never_where_a_run_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, level = EXAMPLES["text"](9).rows, level_of("text", 2)
    cache = Cache(say=lambda line: None)
    assert decide(level, rows, cache=cache, epochs=3, views=1)
    monkeypatch.setattr(prefixed_module, "worth_of", lambda *_: Worth(1.0, 9.0, 9.0, 10.0))
    assert decide(level, rows, cache=cache, epochs=3, views=1)
    assert not decide(level, rows, cache=cache, epochs=4, views=1)
    again = Cache(say=lambda line: None, decided=dict(cache.decided))
    assert decide(level, rows, cache=again, epochs=3, views=1)
    assert not again.tally.worth


def test_what_decided_is_told() -> None:
    cache = Cache(say=lambda line: None)
    decide(level_of("text", 2), EXAMPLES["text"](9).rows, cache=cache, epochs=3, views=1)
    (told,) = cache.tally.worth
    assert told == {
        "line": 2,
        "compute": 1.0,
        "write": 0.1,
        "read": 0.1,
        "bytes": 10.0,
        "pays": True,
    }


def test_a_folder_that_may_not_be_entered_costs_the_time_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    level = level_of("text")
    stored = fed(level, "text").batch(SOME)[ACTIVATION]
    close_folder(tmp_path, monkeypatch)
    lines: list[str] = []
    cache = Cache(say=lines.append)
    for _ in range(2):
        again = fed(level, "text", cache)
        assert again.store is None
        assert torch.equal(again.batch(SOME)[ACTIVATION], stored)
    assert lines == ["features cannot be stored (Permission denied): they are computed anew"]
