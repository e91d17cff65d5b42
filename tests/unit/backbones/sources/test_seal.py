import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from regraft.backbones.sources import seal
from regraft.backbones.sources.documents import write_json
from regraft.backbones.sources.seal import CONFIG, read_sealed, settle, write_sealed
from regraft.data.starters.cache import file_digest
from regraft.errors import DamagedFileError, DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two files, sealed."""
    place = tmp_path / "run" / "model"
    place.mkdir(parents=True)
    (place / "weights").write_bytes(b"\0\1\2")
    write_json(place / "labels.json", ["no", "yes"])
    write_sealed(place, {"head": "linear", "width": 32})
    return place


def read(folder: Path) -> dict[str, object]:
    return read_sealed(folder.parent, folder)


def test_what_was_sealed_comes_back(folder: Path) -> None:
    config = read(folder)
    assert config["head"] == "linear"
    assert config["files"] == {
        "labels.json": file_digest(folder / "labels.json"),
        "weights": file_digest(folder / "weights"),
    }


def test_spaces_and_order_in_the_file_do_not_matter(folder: Path) -> None:
    content = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(dict(reversed(content.items()))))
    assert read(folder)["width"] == 32


@pytest.mark.parametrize("name", ["weights", "labels.json"])
def test_a_file_with_another_byte_is_refused(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(DamagedFileError, match=f"{name} is not the file that the run saved"):
        read(folder)


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "weights").unlink()
    with pytest.raises(DamagedFileError, match="weights is missing"):
        read(folder)


def test_a_changed_setting_is_refused(folder: Path) -> None:
    content = json.loads((folder / CONFIG).read_text())
    write_json(folder / CONFIG, {**content, "head": "mlp:8"})
    with pytest.raises(DamagedFileError, match="does not match its own seal"):
        read(folder)


@pytest.mark.parametrize("text", ["{", "[]", "null", '"words"', "{}", "[" * 100_000, "\udcff"])
def test_a_config_that_is_none_is_refused(folder: Path, text: str) -> None:
    (folder / CONFIG).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DamagedFileError):
        read(folder)


def test_a_folder_without_config_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no complete run"):
        read(tmp_path / "model")


def test_a_run_that_is_a_file_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("words")
    with pytest.raises(DataError, match="is no complete run"):
        read(tmp_path / "run" / "model")


def test_a_name_that_leads_out_of_the_folder_is_looked_for_inside(folder: Path) -> None:
    secret = folder.parent / "secret"
    secret.write_bytes(b"x")
    config = {"files": {"../secret": file_digest(secret)}}
    write_json(folder / CONFIG, {**config, "seal": seal._digest(config)})
    with pytest.raises(DamagedFileError, match="model/secret is missing"):
        read(folder)


def test_a_file_can_be_settled(
    folder: Path, real_fsync: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", real_fsync)
    settle(folder / "weights")
    settle(folder)
