import json
from pathlib import Path

import pytest

from regraft.errors import DamagedFileError, DataError, DivergedError, GuardError, StorageError
from regraft.runs.fitting.folder import CHECKPOINTS, LOG, RunFolder
from regraft.runs.fitting.logged import (
    Logged,
    beating,
    began_training,
    files_stay,
    goes_on,
    leaves_folder,
)
from regraft.runs.fitting.outcome import ReadBackError
from regraft.training.progress import EpochRecord

RECORD = EpochRecord("tune", 1, 2, 0.5, 0.8, 0.4, 0.9, 1.0, 10.0, 1e-3, True)


class Told:
    """Keeps the names of what it was told."""

    def __init__(self, path: Path) -> None:
        self.names: list[str] = []
        self.path = path
        self.lines: list[int] = []

    def _note(self, name: str) -> None:
        self.names.append(name)
        self.lines.append(len(self.path.read_text().splitlines()) if self.path.exists() else 0)

    def say(self, sentence: str) -> None:
        self._note(f"say {sentence}")

    def start_phase(self, name: str, line: str, *, steps: int) -> None:
        self._note(f"phase {name} {line} {steps}")

    def step(self, done: int, *, rate: float, loss: float) -> None:
        self._note(f"step {done} {rate} {loss}")

    def epoch(self, record: EpochRecord) -> None:
        self._note(f"epoch {record.epoch}")

    def finish(self) -> None:
        self._note("finish")


def test_all_is_passed_on_and_written_down_at_once_but_steps(tmp_path: Path) -> None:
    told = Told(tmp_path / LOG)
    logged = Logged(RunFolder(tmp_path), told)
    logged.say("fold 1")
    logged.start_phase("tune", "all moves", steps=7)
    logged.step(1, rate=0.1, loss=0.2)
    logged.epoch(RECORD)
    logged.finish()
    names = ["say fold 1", "phase tune all moves 7", "step 1 0.1 0.2", "epoch 1", "finish"]
    assert told.names == names
    assert told.lines == [1, 2, 2, 3, 3]
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert [line["event"] for line in lines] == ["say", "phase", "epoch"]
    assert lines[2]["val_accuracy"] == 0.9


def events(folder: RunFolder) -> list[str]:
    log = folder.path / LOG
    lines = log.read_text().splitlines() if log.exists() else []
    return [json.loads(line)["event"] for line in lines]


def test_now_and_then_a_line_says_that_the_process_works(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with beating(folder, on=True, between=0.001):
        while len(events(folder)) < 3:
            pass
    told = events(folder)
    assert set(told) == {"alive"}
    assert events(folder) == told


def test_where_no_seconds_are_counted_nothing_is_said(tmp_path: Path) -> None:
    with beating(RunFolder(tmp_path), on=False, between=0.0):
        pass
    assert events(RunFolder(tmp_path)) == []


def test_a_disk_that_says_no_stops_nothing(tmp_path: Path) -> None:
    with beating(RunFolder(tmp_path / "gone"), on=True, between=0.0):
        pass
    assert not (tmp_path / "gone").exists()


def test_a_disk_that_takes_no_lines_stops_nothing_and_is_told_once(tmp_path: Path) -> None:
    told = Told(tmp_path / LOG)
    logged = Logged(RunFolder(tmp_path / "gone"), told)
    logged.start_phase("tune", "all moves", steps=7)
    logged.epoch(RECORD)
    logged.say("on")
    warning, *names = told.names
    assert warning.startswith("say warning: ")
    assert "log.jsonl cannot be written" in warning
    assert names == ["phase tune all moves 7", "epoch 1", "say on"]


def begun(tmp_path: Path, event: str = "") -> RunFolder:
    """Returns the folder of a run whose log has one line beside that of the start."""
    folder = RunFolder(tmp_path)
    folder.log("start", {})
    if event:
        folder.log(event, {"words": '"event": "epoch"'})
    return folder


def test_a_training_began_with_a_phase_a_pass_or_a_checkpoint(tmp_path: Path) -> None:
    for name, event in (("a", ""), ("b", "say"), ("c", "phase"), ("d", "epoch")):
        (tmp_path / name).mkdir()
        assert began_training(begun(tmp_path / name, event)) is (event in ("phase", "epoch"))
    (tmp_path / "a" / CHECKPOINTS / "source-done").mkdir(parents=True)
    (tmp_path / "a" / CHECKPOINTS / "source-done" / "000001.json").touch()
    assert began_training(RunFolder(tmp_path / "a"))


@pytest.mark.parametrize(
    ("error", "before", "after"),
    [
        (DataError("rows"), False, True),
        (DivergedError("ran away"), False, False),
        (GuardError("no"), True, True),
        (StorageError("full"), True, True),
        (KeyboardInterrupt(), True, True),
        (RuntimeError("a bug"), True, True),
    ],
)
def test_what_was_trained_is_left_unless_it_ran_away(
    tmp_path: Path, error: BaseException, before: bool, after: bool
) -> None:
    folder = RunFolder(tmp_path)
    assert not leaves_folder(folder, error)
    assert leaves_folder(begun(tmp_path), error) is before
    assert leaves_folder(begun(tmp_path, "phase"), error) is after


def test_a_stop_goes_on_and_a_failure_where_something_was_trained(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    assert goes_on(folder, KeyboardInterrupt())
    assert not goes_on(folder, StorageError("full"))
    begun(tmp_path, "phase")
    assert goes_on(folder, StorageError("full"))
    assert goes_on(folder, DataError("rows"))
    assert not goes_on(folder, DivergedError("ran away"))
    assert not goes_on(folder, RuntimeError("a bug"))


def test_what_would_come_to_the_same_end_is_left_and_not_gone_on_with(tmp_path: Path) -> None:
    folder = begun(tmp_path, "phase")
    for error in (ReadBackError("it answers otherwise"), GuardError("no")):
        assert leaves_folder(folder, error)
        assert not goes_on(folder, error)


def lost(folder: RunFolder, cause: Exception | None) -> None:
    with files_stay(folder):
        raise DataError("there is no file 'a.png'", expected="a picture") from cause


def test_a_file_that_vanished_is_no_mistake_once_training_began(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    with pytest.raises(DataError):
        lost(folder, FileNotFoundError())
    begun(tmp_path, "phase")
    with pytest.raises(DataError):
        lost(folder, None)
    with pytest.raises(DamagedFileError, match=r"'a\.png', and before the training it was read"):
        lost(folder, FileNotFoundError())
