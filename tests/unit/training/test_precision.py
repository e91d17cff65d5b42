"""Tests the verdict on precision and attention: who wins, what is kept, what is left alone."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from regraft.backbones.attention import attention_of, set_attention
from regraft.backbones.backbone import Batch
from regraft.backbones.graft import Grafted
from regraft.backbones.modes import Mode, Precision
from regraft.training import precision
from regraft.training.precision import Verdict, decide, verdict_from_json
from tests.tiny_sessions import KINDS, changed, example, grafted, state

Seconds = Callable[[Mode], float]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Seconds], list[Mode]]:
    """Replaces passes and clock: a pass takes what a function of its mode says."""

    def install(seconds: Seconds) -> list[Mode]:
        tried: list[Mode] = []
        now = [0.0]

        def taken(network: object, batch: object, mode: Mode) -> None:
            tried.append(mode)
            now[0] += seconds(mode)

        clock = SimpleNamespace(perf_counter=lambda: now[0])
        monkeypatch.setattr(precision, "time", clock)
        monkeypatch.setattr(precision, "RUNS", {"training": taken, "inference": taken})
        monkeypatch.setattr(precision, "_worth_trying", lambda device: ["fp32", "bf16"])
        return tried

    return install


def verdict(kind: str = "image", wanted: Precision | None = None) -> Verdict:
    return decide(grafted(kind), example(kind), wanted=wanted, device="cpu")


def test_a_tie_keeps_fp32(timed: Callable[[Seconds], list[Mode]]) -> None:
    timed(lambda mode: 1.0 if mode.precision == "fp32" else 0.96)
    assert verdict().training.precision == "fp32"


def test_a_clearly_faster_precision_wins(timed: Callable[[Seconds], list[Mode]]) -> None:
    timed(lambda mode: 1.0 if mode.precision == "fp32" else 0.9)
    assert verdict().training.precision == "bf16"


def test_a_clearly_faster_attention_wins(timed: Callable[[Seconds], list[Mode]]) -> None:
    timed(lambda mode: 0.5 if mode.attention == "eager" else 1.0)
    found = verdict("text")
    assert found.training == Mode("fp32", "eager", "cpu")
    assert found.seconds("training") == 0.5


def test_a_precision_that_was_typed_is_the_only_one_tried(
    timed: Callable[[Seconds], list[Mode]],
) -> None:
    tried = timed(lambda mode: 1.0)
    assert verdict(wanted="fp16").inference.precision == "fp16"
    assert {mode.precision for mode in tried} == {"fp16"}


def test_a_verdict_is_stored_and_used_again(timed: Callable[[Seconds], list[Mode]]) -> None:
    tried = timed(lambda mode: 1.0 if mode.precision == "fp32" else 0.5)
    first = verdict()
    tried.clear()
    assert verdict() == first
    assert tried == []


def test_two_that_try_the_modes_at_once_take_the_same(
    timed: Callable[[Seconds], list[Mode]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = precision._probe
    timed(lambda mode: 1.0 if mode.precision == "fp32" else 0.5)

    def overtaken(*given: Any, **named: Any) -> Any:
        made = real(*given, **named)
        monkeypatch.setattr(precision, "_probe", real)
        timed(lambda mode: 1.0)  # as another process finds it
        assert verdict().training.precision == "fp32"
        return made

    monkeypatch.setattr(precision, "_probe", overtaken)
    first = verdict()
    assert first.training.precision == first.inference.precision == "fp32"
    assert verdict() == first


def test_a_moment_of_other_work_does_not_decide(timed: Callable[[Seconds], list[Mode]]) -> None:
    calls: dict[Mode, int] = {}

    def disturbed(mode: Mode) -> float:
        calls[mode] = calls.get(mode, 0) + 1
        return 9.0 if calls[mode] <= 2 and mode.precision == "fp32" else 1.0

    timed(disturbed)
    assert verdict().training.precision == "fp32"


def test_another_network_or_wish_gets_a_verdict_of_its_own(
    timed: Callable[[Seconds], list[Mode]],
) -> None:
    tried = timed(lambda mode: 1.0)
    verdict("image")
    for kind, wanted in (("text", None), ("image", "fp32")):
        tried.clear()
        verdict(kind, wanted)  # type: ignore[arg-type]
        assert tried


def test_a_damaged_stored_verdict_is_decided_anew(
    timed: Callable[[Seconds], list[Mode]], tmp_path: Path
) -> None:
    timed(lambda mode: 1.0)
    first = verdict()
    kept = list(tmp_path.rglob("*.json"))
    assert len(kept) == 2
    for damage in ("", "{}", "[1]", '{"mode": 1', '{"mode": {}, "timings": 1}'):
        kept[0].write_text(damage)
        assert verdict() == first


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_was_found(kind: str, training: bool) -> None:
    network = grafted(kind, dropout=0.3).train(training)
    next(network.trunk.children()).eval()
    set_attention(network.trunk, "sdpa" if training else "eager")
    before, modes = state(network), [module.training for module in network.modules()]
    attention, random = attention_of(network.trunk), torch.get_rng_state()
    decide(network, example(kind), wanted=None, device="cpu")
    assert changed(before, network) == set()
    assert [module.training for module in network.modules()] == modes
    assert all(p.grad is None and p.requires_grad for p in network.parameters())
    assert attention_of(network.trunk) == attention
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize(
    ("seconds", "tried", "found"),
    [
        ({256: 9.0, 1024: 0.1}, [256], ["fp32"]),
        ({256: 3.0, 1024: 0.5}, [256, 1024], ["fp32", "bf16"]),
        ({256: 0.5, 1024: 2.0}, [256, 1024], ["fp32"]),
    ],
)
def test_a_format_that_crawls_is_not_tried_on_a_larger_product(
    monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float], tried: list[int], found: list[str]
) -> None:
    asked: list[int] = []

    def product(device: str, dtype: torch.dtype, side: int) -> float:
        if dtype == torch.bfloat16:
            asked.append(side)
            return seconds[side]
        return 1.0

    monkeypatch.setattr(precision, "_product_seconds", product)
    assert precision._worth_trying("cpu") == found
    assert asked == tried


def test_steps_are_not_timed_where_none_are_taken(timed: Callable[[Seconds], list[Mode]]) -> None:
    timed(lambda mode: 1.0 if mode.precision == "fp32" else 0.5)
    found = decide(grafted("image"), example("image"), wanted=None, device="cpu", steps=False)
    assert not found.knows_steps
    assert found.training == found.inference == Mode("bf16", "sdpa", "cpu")


def test_passes_are_found_once_for_runs_with_steps_and_without(
    timed: Callable[[Seconds], list[Mode]],
) -> None:
    tried = timed(lambda mode: 1.0 if mode.precision == "fp32" else 0.5)
    network, batch = grafted("image"), example("image")
    first = decide(network, batch, wanted=None, device="cpu", steps=False)
    passes = len(tried)
    timed(lambda mode: 1.0 if mode.precision == "bf16" else 0.5)  # another moment, other times
    both = decide(network, batch, wanted=None, device="cpu")
    assert passes > 0
    assert both.inference == first.inference == Mode("bf16", "sdpa", "cpu")
    assert both.training == Mode("fp32", "sdpa", "cpu")
    assert both.seconds("inference") == first.seconds("inference")


@pytest.mark.parametrize("fits", [1, 3, 8, 9])
def test_where_memory_is_short_fewer_rows_stand_for_the_batch(
    fits: int, timed: Callable[[Seconds], list[Mode]], monkeypatch: pytest.MonkeyPatch
) -> None:
    timed(lambda mode: 1.0 if mode.precision == "fp32" else 0.5)
    sizes: list[int] = []
    usual = precision.RUNS["training"]

    def short(network: Grafted, batch: Batch, mode: Mode) -> None:
        assert sys.exc_info() == (None, None, None), "the failed pass still holds its memory"
        if len(batch["pixels"]) > fits and mode.precision == "bf16":
            some = next(network.parameters())
            some.grad = torch.ones_like(some)  # a backward pass that broke off
            raise torch.OutOfMemoryError("a fake")
        sizes.append(len(batch["pixels"]))
        usual(network, batch, mode)

    monkeypatch.setattr(precision, "RUNS", {"training": short, "inference": short})
    network, batch = grafted("image"), {"pixels": torch.zeros(8, 3, 16, 16)}
    found = decide(network, batch, wanted=None, device="cpu")
    rows = {1: 1, 3: 2}.get(fits, 8)
    assert found.training.precision == "bf16"
    assert found.seconds("training") == 0.5 * 8 / rows
    assert min(sizes) == rows
    assert all(p.grad is None for p in network.parameters())


def test_one_row_that_is_too_much_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("a fake")

    monkeypatch.setattr(precision, "RUNS", {"training": full, "inference": full})
    with pytest.raises(torch.OutOfMemoryError):
        verdict()


def test_a_real_probe_times_every_mode_it_chose_from() -> None:
    found = verdict("text")
    assert found.seconds("training") > 0
    assert found.seconds("inference") > 0
    assert {name.split("/")[0] for name in found.timings} == {"training", "inference"}
    assert {"training/fp32/sdpa", "training/fp32/eager"} <= set(found.timings)


def test_a_verdict_comes_back_from_plain_data() -> None:
    found = Verdict(Mode("bf16"), Mode("fp32", "eager"), {"training/bf16/sdpa": 0.5}, "a chip")
    assert verdict_from_json(found.as_json()) == found


def test_a_disk_that_fills_up_leaves_nothing_half_written(
    timed: Callable[[Seconds], list[Mode]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.write_text

    def filling(path: Path, content: str, encoding: str) -> int:
        real(path, content[:5], encoding)
        raise OSError(28, "No space left on device")

    timed(lambda mode: 1.0)
    monkeypatch.setattr(Path, "write_text", filling)
    verdict()
    assert list((tmp_path / "probes").iterdir()) == []
