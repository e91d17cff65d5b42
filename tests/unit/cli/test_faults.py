"""What goes wrong is told by the code, the sentence and, for bugs, the log."""

import errno
import json
import os
from pathlib import Path

import pytest
import torch

from regraft.cli.faults import (
    check_verb,
    memory_error,
    system_error,
    tell_bug,
    tell_stopped,
    usage_error,
)
from regraft.errors import SettingsError, StorageError

VERBS = ["fit", "predict"]


@pytest.mark.parametrize("words", [["fit"], ["--help"], ["-h"], ["--install-completion=bash"]])
def test_a_verb_or_a_free_flag_may_come_first(words: list[str]) -> None:
    check_verb(words, VERBS)


def test_a_flag_before_the_verb_is_answered_with_the_right_order() -> None:
    with pytest.raises(SettingsError) as caught:
        check_verb(["--seed=3", "predict", "run"], VERBS)
    assert caught.value.hint == "regraft predict DATA --seed"


def test_an_error_that_is_none_of_typers_is_left_alone() -> None:
    assert usage_error(ValueError("x")) is None


@pytest.mark.parametrize("number", [errno.ENAMETOOLONG, errno.ENOTDIR, errno.EACCES, errno.ENOSPC])
def test_what_the_system_says_of_a_path_is_no_bug(number: int) -> None:
    told = system_error(OSError(number, os.strerror(number), "some/path"))
    assert isinstance(told, StorageError)
    assert str(told) == f"some/path cannot be used ({os.strerror(number)})"


@pytest.mark.parametrize(
    "error", [FileNotFoundError(errno.ENOENT, "gone", "a"), OSError("odd"), ValueError("odd")]
)
def test_other_errors_are_bugs(error: Exception) -> None:
    assert system_error(error) is None


def test_a_stop_is_a_document_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell_stopped(as_json=True) == 130
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == 130


def test_a_log_folder_that_cannot_be_made_gives_way_to_the_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setattr("platformdirs.user_log_path", lambda name: blocked / name)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert tell_bug(ValueError("x"), as_json=True) == 1
    log = Path(json.loads(capsys.readouterr().out)["error"]["log"])
    assert log.parent == tmp_path
    assert "ValueError: x" in log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("MPS backend out of memory"),
    ],
)
def test_a_memory_that_is_too_small_is_no_bug(error: Exception) -> None:
    told = memory_error(error)
    assert told is not None
    assert told.exit_code == 2
    for flag in ("--freeze", "--max-length", "--image-size", "--batch-size", "--device cpu"):
        assert flag in told.hint


@pytest.mark.parametrize("error", [RuntimeError("odd"), ValueError("out of memory")])
def test_other_errors_say_nothing_of_memory(error: Exception) -> None:
    assert memory_error(error) is None
