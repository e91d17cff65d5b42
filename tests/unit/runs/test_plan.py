import json
from pathlib import Path
from typing import Any

import pytest

from regraft.backbones.modes import Mode
from regraft.backbones.vocabulary import table_of
from regraft.errors import DataError, SettingsError
from regraft.runs.choosing import budget
from regraft.runs.choosing.auto import most_seconds
from regraft.runs.choosing.budget import PROBE_TOKENS, estimate
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.runs.plan import plan
from regraft.settings import FitSettings
from regraft.training.phase import Phase
from regraft.training.precision import Verdict
from tests import tiny


@pytest.fixture(scope="module")
def data() -> tuple[list[str], list[str]]:
    return tiny.toy_texts(240)


def planned(data: object, bert: Path, **options: Any) -> dict[str, Any]:
    return plan(data, backbone=str(bert), precision="fp32", **options)


def test_a_plan_says_phases_rows_and_every_choice_with_its_reason(data: object, bert: Path) -> None:
    document = planned(data, bert, epochs=3)
    assert document["rows"] == {"train": 192, "val": 24, "test": 24}
    assert [phase["name"] for phase in document["phases"]] == ["head", "tune"]
    assert document["phases"][0]["line"] == len(document["positions"]) - 1
    assert document["phases"][1]["share"] == 1
    assert all(choice["reason"] for choice in document["defaults"])
    json.dumps(document)


def test_a_plan_of_auto_says_what_it_would_try_and_what_all_of_it_takes(
    data: object, bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regraft.runs.plan.estimate", lambda *_, **__: 100.0)
    document = planned(data, bert, epochs=3, strategy="auto")
    words = [each["words"] for each in document["auto"]["tried"]]
    assert words == ["two-stage", "two-stage at 0.4 of the usual rate", "layerwise"]
    seconds = [each["seconds"] for each in document["auto"]["tried"]]
    whole = most_seconds(seconds)
    assert whole > max(seconds) >= 100
    features = document["seconds"]["features"]
    assert document["seconds"]["estimate"] == pytest.approx(whole + features, abs=0.11)
    assert "auto" not in planned(data, bert, epochs=3)


def test_the_phases_of_auto_are_those_of_the_first_candidate(data: object, bert: Path) -> None:
    document = planned(data, bert, strategy="auto", preset="fast")
    assert document["auto"]["tried"][0]["words"] == "two-stage, 50% frozen"
    assert document["phases"][-1]["line"] == round(0.5 * document["phases"][0]["line"])


def test_a_plan_makes_no_folder(
    data: object, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    planned(data, bert)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_refuses_the_place_that_the_run_could_not_have(
    data: object, bert: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("words")
    with pytest.raises(SettingsError, match="exists already"):
        planned(data, bert, out=tmp_path)


def test_twice_the_epochs_are_twice_the_seconds_of_a_phase(data: object, bert: Path) -> None:
    few, many = (planned(data, bert, epochs=n, strategy="full")["phases"] for n in (50, 100))
    assert many[0]["seconds"] == pytest.approx(2 * few[0]["seconds"], abs=0.16)  # rounded
    assert few[0]["seconds"] > 0


def seconds_of(prepared: Prepared, line: int, timings: tuple[float, float] = (3.0, 1.0)) -> float:
    """Returns the estimate of a phase of two epochs, from seconds of a step and a pass."""
    step, forward = timings
    modes = {"training/fp32/sdpa": step, "inference/fp32/sdpa": forward}
    phase = Phase("tune", line, 2, 0.1, (0.1,) * prepared.chain.top)
    return estimate(prepared, phase, verdict=Verdict(Mode(), Mode(), modes, ""))


def readied(rows: int, bert: Path) -> Prepared:
    return prepare(FitSettings(backbone=str(bert)), tiny.toy_texts(rows), say=lambda line: None)


def test_smaller_steps_cost_the_optimiser_more_often(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "OF_WEIGHT", 1e-3)
    prepared = readied(240, bert)
    trunk = prepared.network.trunk
    table = table_of(trunk)
    assert table is not None
    weights = sum(p.numel() for p in trunk.parameters()) - table.weight.numel()
    steps = len(prepared.encoded["train"]) / 8
    dear = seconds_of(prepared, 0, (0.0, 0.0))
    assert dear == pytest.approx(2 * steps * 1e-3 * weights)
    half = prepared.chain.top // 2
    live = 1 - half / prepared.chain.top
    assert seconds_of(prepared, half, (0.0, 0.0)) == pytest.approx(dear * live)
    monkeypatch.setattr(Prepared, "device", "cuda")
    assert seconds_of(prepared, 0, (0.0, 0.0)) == 0


def test_validation_and_folds_count_in_the_estimate(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "OF_WEIGHT", 0.0)
    with_val, folded = readied(240, bert), readied(60, bert)
    assert seconds_of(folded, folded.chain.top) == 0
    train, val = (
        float(with_val.encoded[part].lengths.sum()) / PROBE_TOKENS for part in ("train", "val")
    )
    assert seconds_of(with_val, 0) == pytest.approx(2 * (3 * train + val))
    rows = float(folded.encoded["train"].lengths.sum()) / PROBE_TOKENS
    assert seconds_of(folded, 0) == pytest.approx(2 * (3 * 5 * rows + rows))


def test_the_one_pass_for_features_counts_in_the_sum(data: object, bert: Path) -> None:
    found = planned(data, bert, epochs=3)
    seconds = found["seconds"]
    parts = sum(phase["seconds"] for phase in found["phases"])
    assert seconds["estimate"] == pytest.approx(parts + seconds["features"], abs=0.2)
    assert found["phases"][0]["seconds"] == 0
    alone = planned(data, bert, epochs=3, strategy="full", baselines=False)
    assert alone["seconds"]["features"] == 0


def test_a_plan_for_data_that_cannot_be_used_says_so(bert: Path) -> None:
    with pytest.raises(DataError):
        planned("nothing.csv", bert)
