import json
from pathlib import Path

from regraft.runs.fitting.folder import LOG, RunFolder
from regraft.runs.fitting.logged import Logged, beating
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
