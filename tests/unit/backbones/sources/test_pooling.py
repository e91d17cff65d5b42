"""Tests that the pooling beside a text encoder is the one that is taken, or refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from regraft.backbones.sources.pooling import recorded_pooling
from regraft.errors import BackboneError, DamagedFileError

OLD = {
    "word_embedding_dimension": 8,
    "pooling_mode_cls_token": False,
    "pooling_mode_mean_tokens": False,
    "pooling_mode_max_tokens": False,
    "pooling_mode_mean_sqrt_len_tokens": False,
    "pooling_mode_weightedmean_tokens": False,
    "pooling_mode_lasttoken": False,
    "include_prompt": True,
}


def recorded(folder: Path, text: str) -> Path:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("content", "pooling"),
    [
        ({"embedding_dimension": 8, "pooling_mode": "cls", "include_prompt": True}, "cls"),
        ({"embedding_dimension": 8, "pooling_mode": "mean", "include_prompt": True}, "mean"),
        ({"pooling_mode": ["cls"], "pooling_mode_mean_tokens": True}, "cls"),
        (OLD | {"pooling_mode_cls_token": True}, "cls"),
        (OLD | {"pooling_mode_mean_tokens": True}, "mean"),
        (OLD, "mean"),
        ({}, "mean"),
    ],
)
def test_what_was_recorded_is_taken(tmp_path: Path, content: dict[str, Any], pooling: str) -> None:
    assert recorded_pooling(recorded(tmp_path, json.dumps(content))) == pooling


def test_where_nothing_was_recorded_it_is_the_mean(tmp_path: Path) -> None:
    assert recorded_pooling(tmp_path) == "mean"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ({"pooling_mode": "lasttoken"}, "lasttoken"),
        ({"pooling_mode": ["cls", "mean"]}, r"cls\+mean"),
        (OLD | {"pooling_mode_lasttoken": True}, "lasttoken"),
        (OLD | {"pooling_mode_max_tokens": True}, "max"),
        (OLD | {"pooling_mode_weightedmean_tokens": True}, "weightedmean"),
        (OLD | {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, r"cls\+mean"),
    ],
)
def test_another_pooling_is_refused_by_name(
    tmp_path: Path, content: dict[str, Any], word: str
) -> None:
    recorded(tmp_path, json.dumps(content))
    with pytest.raises(BackboneError, match=f"records the pooling {word}, .*expected mean or cls"):
        recorded_pooling(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DamagedFileError, match="1_Pooling"):
        recorded_pooling(recorded(tmp_path, "{"))
