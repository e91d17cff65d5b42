"""The decision follows its arithmetic, is measured once, and is kept."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from regraft.backbones.modes import Mode
from regraft.data.images import PixelRows
from regraft.features import shelf, worth
from regraft.features.level import Level
from regraft.features.worth import PLACE, Worth, worth_of
from tests.tiny_sessions import KINDS, grafted, image_examples, spliced, text_examples


@pytest.fixture(autouse=True)
def _own_roof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))


def level_of(kind: str) -> Level:
    network = grafted(kind)
    return Level(network, spliced(network), 2, None, Mode())


@pytest.mark.parametrize(
    ("epochs", "views", "expected"),
    [(1, 1, False), (2, 1, True), (2, 2, False), (5, 3, True), (5, 4, False), (3, 9, False)],
)
def test_storing_pays_where_it_is_cheaper_than_computing(
    epochs: int, views: int, expected: bool
) -> None:
    # By hand: views x 1.2 + epochs x 0.1 against epochs x 1.
    assert Worth(1.0, 0.2, 0.1, 8).pays(epochs=epochs, views=views) is expected


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_measured(kind: str) -> None:
    rows = {"text": text_examples, "image": image_examples}[kind](40).rows
    found = worth_of(level_of(kind), rows)
    assert min(found.compute, found.write, found.read) > 0
    if kind == "image":
        assert found.bytes == 8 * 16 * 16 * 4 / 16  # for each pixel of the side


def test_it_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    level, rows = level_of("text"), text_examples(8).rows
    first = worth_of(level, rows)
    monkeypatch.setattr(worth, "_measured", None)
    assert worth_of(level, rows) == first


def test_two_that_measure_at_once_decide_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    level, rows, real = level_of("text"), text_examples(8).rows, worth._measured
    other = Worth(1.0, 2.0, 3.0, 4.0)

    def overtaken(*given: Any) -> Worth:
        place = shelf.roof() / level.key / PLACE
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(asdict(other)))
        return real(*given)

    monkeypatch.setattr(worth, "_measured", overtaken)
    assert worth_of(level, rows) == other
    assert worth_of(level, rows) == other


def test_what_an_image_costs_is_measured_for_each_size() -> None:
    level, rows = level_of("image"), image_examples(8).rows
    assert isinstance(rows, PixelRows)
    small = worth_of(level, rows)
    large = worth_of(level, replace(rows, pixels=rows.pixels.repeat(2, 1).repeat(2, 2)))
    assert large.bytes == pytest.approx(2 * small.bytes)  # for each pixel of the side
    assert worth_of(level, rows) == small


def test_what_cannot_be_read_is_measured_anew() -> None:
    level, rows = level_of("text"), text_examples(8).rows
    place = shelf.roof() / level.key / PLACE
    worth_of(level, rows)
    place.write_text("[]")
    again = worth_of(level, rows)
    assert again.compute > 0
    assert worth_of(level, rows) == again


def test_a_disk_that_takes_nothing_does_not_speak_against_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    found = worth_of(level_of("text"), text_examples(8).rows)
    assert (found.write, found.read) == (0.0, 0.0)
    assert found.pays(epochs=2, views=1)
    monkeypatch.undo()
    level = level_of("text")
    assert not (shelf.roof() / level.key / PLACE).exists()


def test_a_disk_that_fills_up_leaves_nothing_half_written(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.write_text

    def filling(path: Path, content: str, **named: str) -> int:
        real(path, content[:5], **named)
        raise OSError(28, "No space left on device")

    level = level_of("text")
    monkeypatch.setattr(Path, "write_text", filling)
    worth_of(level, text_examples(8).rows)
    assert list((shelf.roof() / level.key).iterdir()) == []
