"""Majority and classic are trials too: of the same rows, recorded, and made once."""

from pathlib import Path

import pytest

from regraft.data.load import load
from regraft.data.rows import Dataset
from regraft.runs.comparing import baseline as baseline_module
from regraft.runs.comparing.baseline import WAYS, baseline, baseline_config
from regraft.runs.comparing.records import TRIALS
from regraft.runs.comparing.settings import BASELINES
from tests import tiny

DIGESTS = {"rows": "r", "weights": "w"}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / TRIALS).mkdir()
    return tmp_path


@pytest.fixture
def dataset() -> Dataset:
    return load(tiny.toy_texts(240))


def test_every_baseline_has_its_way() -> None:
    assert tuple(WAYS) == BASELINES


def test_a_baseline_sees_a_share_and_is_judged_on_all_test_rows(
    dataset: Dataset, out: Path
) -> None:
    own = {"strategy": "classic", "seed": 0, "fraction": 0.5}
    found = baseline(baseline_config(DIGESTS, own=own), dataset, out=out)
    assert found["data"]["rows"] == {"train": 108, "val": 0, "test": 24}
    assert found["name"] == "TF-IDF of words + logistic regression"
    assert found["right"].count("1") / 24 == found["scores"]["test"]["accuracy"]["value"] > 0.8


def test_the_majority_is_right_on_its_own_class(dataset: Dataset, out: Path) -> None:
    own = {"strategy": "majority", "seed": 0, "fraction": 1.0}
    found = baseline(baseline_config(DIGESTS, own=own), dataset, out=out)
    assert found["scores"]["test"]["accuracy"]["value"] == 0.5


def test_asked_again_nothing_is_fitted(
    dataset: Dataset, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"strategy": "classic", "seed": 0, "fraction": 1.0}
    config = baseline_config(DIGESTS, own=own)
    first = baseline(config, dataset, out=out)
    monkeypatch.setattr(baseline_module, "WAYS", {})
    assert baseline(config, dataset, out=out) == first


def test_weights_do_not_count() -> None:
    own = {"strategy": "classic", "seed": 0, "fraction": 1.0}
    other = {**DIGESTS, "weights": "v"}
    assert baseline_config(DIGESTS, own=own) == baseline_config(other, own=own)
