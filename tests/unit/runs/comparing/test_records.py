"""A record is written whole under the digest of what it is a function of."""

import json
from pathlib import Path
from typing import Any

import pytest

from regraft.errors import DamagedFileError
from regraft.runs.comparing.records import TRIALS, read_record, trial_name, write_record

CONFIG: dict[str, Any] = {
    "settings": {"strategy": "head", "seed": 1, "fraction": 0.5},
    "digests": {"rows": "r"},
}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / TRIALS).mkdir()
    return tmp_path


def test_the_name_is_a_function_of_everything_and_of_nothing_else() -> None:
    turned = json.loads(json.dumps(dict(reversed(CONFIG.items()))))
    assert trial_name(turned) == trial_name(CONFIG)
    for name, value in (("seed", 2), ("fraction", 0.25), ("strategy", "full")):
        assert trial_name({**CONFIG, "settings": {**CONFIG["settings"], name: value}}) != (
            trial_name(CONFIG)
        )
    assert trial_name({**CONFIG, "digests": {}}) != trial_name(CONFIG)


def test_what_is_written_is_what_is_read(out: Path) -> None:
    assert read_record(out, CONFIG) is None
    written = write_record(out, CONFIG, record={"scores": {"loss": float("nan")}})
    assert written == {"config": CONFIG, "scores": {"loss": None}}
    assert read_record(out, CONFIG) == written
    assert [path.name for path in (out / TRIALS).iterdir()] == [f"{trial_name(CONFIG)}.json"]


def test_a_record_of_a_trial_that_diverged_is_one(out: Path) -> None:
    written = write_record(out, CONFIG, record={"diverged": "why"})
    assert read_record(out, CONFIG) == written


@pytest.mark.parametrize("content", ["[]", "{}", '{"scores'])
def test_a_damaged_record_is_named(out: Path, content: str) -> None:
    place = out / TRIALS / f"{trial_name(CONFIG)}.json"
    place.write_text(content)
    with pytest.raises(DamagedFileError, match=place.name):
        read_record(out, CONFIG)
