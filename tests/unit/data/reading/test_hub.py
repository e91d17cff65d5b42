"""Tests how data sets of the hub become tables, with a library that stands in."""

import sys
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from regraft.data.reading.hub import read_hub
from regraft.errors import DataError, UnreachableError


class _Part:
    def __init__(self, frame: pa.Table) -> None:
        self.frame = frame
        self.features = {"text": object(), "label": SimpleNamespace(names=["neg", "pos"])}

    def with_format(self, kind: str) -> "_Part":
        assert kind == "arrow"
        return self

    def __getitem__(self, rows: slice) -> pa.Table:
        return self.frame[rows]


def _part(text: str, label: int) -> _Part:
    return _Part(pa.table({"text": [text], "label": [label]}))


def _install(monkeypatch: pytest.MonkeyPatch, parts: dict[str, _Part]) -> list[Any]:
    calls: list[Any] = []

    def load_dataset(name: str, revision: str | None) -> dict[str, _Part]:
        calls.append((name, revision))
        return parts

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    return calls


def test_parts_are_joined_and_classes_have_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"train": _part("a", 1), "validation": _part("b", 0), "test": _part("c", -1)}
    calls = _install(monkeypatch, parts)
    table = read_hub("owner/name@v1")
    assert calls == [("owner/name", "v1")]
    assert table.columns["label"] == ["pos", "neg", None]
    assert table.columns["split"] == ["train", "val", "test"]
    assert table.name == "name"


def test_one_part_alone_has_no_split(monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, {"train": _part("a", 1), "unsupervised": _part("b", -1)})
    assert "split" not in read_hub("owner/name").columns


def test_a_set_without_train_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, {"test": _part("a", 1)})
    with pytest.raises(DataError, match="no train part"):
        read_hub("owner/name")


def test_a_missing_library_is_one_sentence_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match="try pip install datasets"):
        read_hub("owner/name")


def test_whatever_the_library_raises_is_the_world_failing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load_dataset(name: str, revision: str | None) -> None:
        raise ConnectionError("no route to host\nmore")

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    with pytest.raises(UnreachableError, match=r"no route to host$"):
        read_hub("owner/name")
