"""Tests that the list of backbones says what a user must know before choosing."""

from pathlib import Path

import pytest

from regraft.backbones.catalogue import FORMS, describe_backbones
from regraft.backbones.open import PREFIXES
from regraft.data.starters.cache import built_folder
from regraft.data.starters.models import MODELS


def test_every_starter_is_listed_with_licence_and_size() -> None:
    lines = {line["name"]: line for line in describe_backbones()}
    for name, entry in MODELS.items():
        line = lines[f"starter:{name}"]
        assert line["licence"] == entry.licence
        assert line["download_bytes"] > 1_000_000
        assert line["cached"] is False


def test_a_starter_in_the_cache_is_said_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    built_folder(tmp_path / "models" / "minilm", lambda folder: None)
    cached = {line["name"]: line["cached"] for line in describe_backbones()}
    assert cached["starter:minilm"] is True
    assert cached["starter:efficientnet-lite0"] is False


def test_every_prefix_is_listed() -> None:
    listed = [line["name"] for line in describe_backbones()]
    assert all(any(name.startswith(f"{prefix}:") for name in listed) for prefix in PREFIXES)
    assert set(FORMS) <= set(listed)
