"""Tests that JSON is read whole or refused with its reason."""

import json
from pathlib import Path

import pytest

from regraft.backbones.sources.documents import read_json, read_object, write_json
from regraft.errors import BackboneError, DamagedFileError, StorageError


def test_what_is_written_is_read_back_alike(tmp_path: Path) -> None:
    content = {"name": "caf\u00e9", "numbers": [1, 2.5, None]}
    write_json(tmp_path / "a.json", content)
    assert read_object(tmp_path / "a.json") == read_json(tmp_path / "a.json") == content


def test_a_missing_file_is_left_to_the_caller_or_a_network_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "a.json")
    with pytest.raises(BackboneError, match=r"has no a\.json"):
        read_object(tmp_path / "a.json")


@pytest.mark.parametrize("content", ["{", "[" * 100_000, "\udcff"])
def test_what_is_no_json_is_damaged(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(DamagedFileError, match="is not JSON"):
        read_json(tmp_path / "a.json")


def test_json_of_another_kind_is_no_object(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([1]))
    with pytest.raises(DamagedFileError, match="holds no JSON object"):
        read_object(tmp_path / "a.json")


def test_what_cannot_be_read_is_the_world_saying_no(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        read_json(tmp_path)
