import json
import time
from pathlib import Path

import pytest

from regraft.runs.fitting.folder import LOG, RunFolder
from regraft.runs.fitting.logged import BETWEEN, Alive, Logged
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


def test_now_and_then_a_line_says_that_the_process_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    folder = RunFolder(tmp_path)
    alive, logged = Alive(folder), Logged(folder, Told(tmp_path / LOG))
    for second in range(13):
        now[0] = 100.0 + second
        alive.step(second, rate=0.1, loss=1.0)
    assert BETWEEN == 5
    events = [json.loads(line)["event"] for line in (tmp_path / LOG).read_text().splitlines()]
    assert events == ["alive", "alive"]
    logged.step(1, rate=0.1, loss=1.0)
    assert len((tmp_path / LOG).read_text().splitlines()) == 3
