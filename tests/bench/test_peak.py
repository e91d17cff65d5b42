"""Tests that shares of the peak are what rounds of known seconds make them."""

from typing import Any

import pytest

import peak


class Modes:
    """Stands for the network whose modes were probed."""

    class Verdict:
        """With modes that have nothing to tell."""

        training = inference = type("Mode", (), {})()

    verdict = Verdict()


def test_shares_are_medians_over_rounds_beside_the_best_product(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    products = iter(
        [{"fp32": 100.0, "bf16": 1.0}, {"fp32": 200.0, "bf16": 2.0}, {"fp32": 50.0, "bf16": 1.0}]
    )
    rounds = iter([(1.0, 2.0), (4.0, 3.0), (2.0, 12.0)])

    def seconds(*_: Any) -> dict[str, float]:
        return dict(zip(("prefix pass", "training step"), next(rounds), strict=True))

    monkeypatch.setattr(peak, "open_measured", Modes)
    monkeypatch.setattr(peak, "flops_of", lambda _: 100e9)
    monkeypatch.setattr(peak, "peak", lambda _: next(products))
    monkeypatch.setattr(peak, "one_round", seconds)
    found = peak.measure(3, 1)
    assert found["peak"] == {"fp32": 200.0, "bf16": 2.0}
    # 100 GFLOP in the middle one of 1, 2 and 4 s; three times as many in that of 2, 3 and 12 s.
    assert found["GFLOP/s"] == {"prefix pass": 50.0, "training step": 100.0}
    assert found["share"] == {"prefix pass": 0.25, "training step": 0.5}
