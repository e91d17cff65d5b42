"""Progress is told as plain lines, at most one step line a second, or not at all."""

import io
from dataclasses import replace

import pytest

from regraft.training.progress import EpochRecord, Lines, Progress, Silent, epoch_words

RECORD = EpochRecord("head", 2, 3, 0.5, 0.8, 0.4, 0.85, 2.0, 512.0, 1e-3)


class Clock:
    """A clock that only a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def test_steps_within_a_second_are_told_once(stream: io.StringIO, clock: Clock) -> None:
    lines = Lines(stream, clock)
    lines.start_phase("head", "all frozen", steps=100)
    for done in range(1, 31):  # three seconds in steps of a tenth
        clock.now = done / 10
        lines.step(done, rate=1e-3, loss=0.5)
    told = [line for line in stream.getvalue().splitlines() if "step " in line]
    assert [line.split("step ")[1].split(",")[0] for line in told] == ["10/100", "20/100", "30/100"]


def test_every_epoch_is_told_however_fast(stream: io.StringIO, clock: Clock) -> None:
    lines = Lines(stream, clock)
    for epoch in (1, 2, 3):
        lines.epoch(replace(RECORD, epoch=epoch))
    assert [f"epoch {n}/3" in line for n, line in enumerate(stream.getvalue().splitlines(), 1)] == [
        True,
        True,
        True,
    ]


def test_a_phase_is_told_with_its_line_and_steps(stream: io.StringIO, clock: Clock) -> None:
    Lines(stream, clock).start_phase("head", "blocks 0 to 5 frozen", steps=12)
    assert stream.getvalue() == "head: blocks 0 to 5 frozen, 12 steps\n"


def test_a_sentence_cannot_send_commands_to_the_terminal(stream: io.StringIO, clock: Clock) -> None:
    Lines(stream, clock).say("label \x1b[31mred\u202e")
    assert stream.getvalue() == "label \\x1b[31mred\\u202e\n"


def test_an_epoch_without_validation_is_told_without_it() -> None:
    words = epoch_words(replace(RECORD, val_loss=None, val_accuracy=None, train_accuracy=None))
    assert words == "head: epoch 2/3, train loss 0.500, 2.0 s"


def test_the_best_epoch_is_told_as_such() -> None:
    assert epoch_words(replace(RECORD, best=True)).endswith("best so far")


def test_silence_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    silent: Progress = Silent()
    silent.say("words")
    silent.start_phase("head", "line", steps=3)
    silent.step(1, rate=0.1, loss=0.1)
    silent.epoch(RECORD)
    silent.finish()
    assert capsys.readouterr() == ("", "")
