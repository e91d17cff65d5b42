"""The features that runs keep are listed and dropped; the starters stay."""

from pathlib import Path

import numpy as np
import pytest

from regraft.features import shelf
from regraft.runs.cache import clear_cache, list_cache, prune_cache


def test_stores_are_listed_and_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    (tmp_path / "models").mkdir()
    assert list_cache()["stores"] == []
    with shelf.open_store("ab").growing() as segment:
        segment.add(np.zeros((1, 16), np.uint8), [np.zeros((1, 1000), np.float32)])
    found = list_cache()
    assert found["folder"] == str(tmp_path / "features")
    assert found["bytes"] == found["stores"][0]["bytes"] > 4000
    assert found["stores"][0]["used"].startswith("20")
    assert prune_cache() == 0
    assert clear_cache() == found["bytes"]
    assert list_cache()["stores"] == []
    assert (tmp_path / "models").is_dir()
