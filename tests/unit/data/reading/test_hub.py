"""Tests how data sets of the hub become tables, with a library that stands in."""

import sys
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from regraft.data.reading import hub
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

    def load_dataset(owner: str, *, name: str | None, revision: str | None) -> dict[str, _Part]:
        calls.append((owner, name, revision))
        return parts

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    return calls


def test_parts_are_joined_and_classes_have_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"train": _part("a", 1), "validation": _part("b", 0), "test": _part("c", -1)}
    calls = _install(monkeypatch, parts)
    table = read_hub("owner/name@v1")
    assert calls == [("owner/name", None, "v1")]
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


def _failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def load_dataset(owner: str, *, name: str | None, revision: str | None) -> None:
        raise error

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))


def test_whatever_the_library_raises_is_the_world_failing(monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, ConnectionError("no route to host\nmore"))
    with pytest.raises(UnreachableError, match=r"no route to host$"):
        read_hub("owner/name")


def test_a_set_that_is_not_in_the_cache_offline_is_the_world_failing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _failing(monkeypatch, ValueError("Couldn't find cache for owner/name for config 'default'"))
    with pytest.raises(UnreachableError, match=r"\(REGRAFT_OFFLINE forbids the network\)"):
        read_hub("owner/name")


@pytest.mark.parametrize(
    "reason",
    [
        "Config name is missing.\nPlease pick one among the available configs: ['de', 'en']\nSo",
        "BuilderConfig 'fr' not found. Available: ['de', 'en']",
    ],
)
def test_a_configuration_that_is_missing_is_for_the_user_to_name(
    monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    _failing(monkeypatch, ValueError(reason))
    with pytest.raises(DataError, match=r"expected one of de, en; try hf:owner/name:de$"):
        read_hub("owner/name@v1")


def test_a_configuration_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = _install(monkeypatch, {"train": _part("a", 1)})
    assert read_hub("owner/name:en@v1").name == "name"
    assert calls == [("owner/name", "en", "v1")]


@pytest.mark.parametrize(
    ("forbidden", "reached", "closed"),
    [("yes", True, True), ("0", True, False), ("0", False, True)],
)
def test_the_network_is_left_alone_where_it_is_forbidden_or_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, forbidden: str, reached: bool, closed: bool
) -> None:
    library = SimpleNamespace(config=SimpleNamespace(HF_HUB_OFFLINE=False))
    seen: list[bool] = []

    def load_dataset(owner: str, *, name: str | None, revision: str | None) -> dict[str, _Part]:
        seen.append(library.config.HF_HUB_OFFLINE)
        return {"train": _part("a", 1)}

    library.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", library)
    monkeypatch.setenv("REGRAFT_OFFLINE", forbidden)
    monkeypatch.setattr(hub, "answers", lambda url: reached)
    read_hub("owner/name")
    assert seen == [closed]
    assert library.config.HF_HUB_OFFLINE is False
