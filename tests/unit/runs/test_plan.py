import json
from pathlib import Path
from typing import Any

import pytest

from regraft.errors import DataError
from regraft.runs.plan import plan
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


def test_a_plan_makes_no_folder(
    data: object, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    planned(data, bert)
    assert list(tmp_path.iterdir()) == []


def test_twice_the_epochs_are_twice_the_seconds_of_a_phase(data: object, bert: Path) -> None:
    few, many = (planned(data, bert, epochs=n, strategy="full")["phases"] for n in (50, 100))
    assert many[0]["seconds"] == pytest.approx(2 * few[0]["seconds"], abs=0.1)
    assert few[0]["seconds"] > 0


def test_a_plan_for_data_that_cannot_be_used_says_so(bert: Path) -> None:
    with pytest.raises(DataError):
        planned("nothing.csv", bert)
