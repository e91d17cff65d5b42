"""Progress goes to standard error: a bar on a terminal, lines elsewhere, or nothing."""

import io
import sys

import pytest
from rich.console import Console

from regraft.cli.progress import LiveProgress, progress_for
from regraft.training.progress import EpochRecord, Lines, Progress, Silent

RECORD = EpochRecord("head", 1, 2, 0.5, 0.8, 0.4, 0.853, 2.0, 512.0, 1e-3)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=160, color_system=None)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def pretend_terminal(monkeypatch: pytest.MonkeyPatch, *, term: str) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", term)


def test_quiet_is_silent() -> None:
    assert isinstance(progress_for(quiet=True), Silent)


def test_without_a_terminal_there_are_lines() -> None:
    assert isinstance(progress_for(quiet=False), Lines)


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_terminal(monkeypatch, term="xterm")
    assert isinstance(progress_for(quiet=False), LiveProgress)


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_terminal(monkeypatch, term="dumb")
    assert isinstance(progress_for(quiet=False), Lines)


def test_the_bar_shows_phase_line_rate_loss_and_last_validation(console: Console) -> None:
    live = LiveProgress(console)
    progress: Progress = live
    progress.start_phase("head", "blocks 0 to 5 frozen", steps=20)
    progress.epoch(RECORD)
    progress.step(10, rate=1e-3, loss=0.1234)
    live.bars.refresh()
    progress.finish()
    for words in ("head · blocks 0 to 5 frozen", "10/20", "loss 0.123", "rate 1.0e-03", "85.3 %"):
        assert words in shown(console)


def test_a_new_phase_takes_the_place_of_the_last(console: Console) -> None:
    progress = LiveProgress(console)
    progress.start_phase("one", "", steps=20)
    progress.start_phase("two", "", steps=30)
    assert [task.description for task in progress.bars.tasks] == ["two"]
    progress.finish()


def test_words_from_the_data_are_no_commands(console: Console) -> None:
    progress = LiveProgress(console)
    progress.say("[red]label[/red] \x1b[2J")
    progress.finish()
    assert "[red]label[/red] \\x1b[2J" in shown(console)


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), force_terminal=True, width=160)
    progress = LiveProgress(console)
    progress.start_phase("head", "", steps=3)
    progress.step(1, rate=0.1, loss=0.1)
    progress.finish()
    assert "\x1b[3" not in shown(console).replace("\x1b[32", "\x1b[3")
