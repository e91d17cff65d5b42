"""Tests how data sets of the hub become tables, with a library that stands in."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from regraft.data.reading import hub
from regraft.data.reading.hub import read_hub
from regraft.data.reading.sources import open_source
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


def test_parts_that_are_not_read_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("train", "dev", "validation", "unsupervised")
    _install(monkeypatch, {name: _part(name, 0) for name in names})
    table = read_hub("owner/name")
    assert table.columns["text"] == ["train", "dev"]
    assert {str(problem.origin): problem.reason for problem in table.problems} == {
        "hf:owner/name/validation": "another part val, and was not read",
        "hf:owner/name/unsupervised": (
            "a part that is none of train, val and test, and was not read"
        ),
    }


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


def _saved(folder: Path, mark: str) -> Path:
    folder.mkdir()
    (folder / mark).write_text("{}")
    return folder


def _installed_for(monkeypatch: pytest.MonkeyPatch, found: object) -> list[str]:
    """Puts a library in place that has one saved folder, and no way to the hub."""
    asked: list[str] = []

    def load_from_disk(place: str) -> object:
        asked.append(place)
        if isinstance(found, Exception):
            raise found
        return found

    library = SimpleNamespace(load_from_disk=load_from_disk)
    monkeypatch.setitem(sys.modules, "datasets", library)
    return asked


def test_a_folder_that_the_library_saved_is_read_from_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = _saved(tmp_path / "imdb", "dataset_dict.json")
    asked = _installed_for(monkeypatch, {"train": _part("a", 1), "test": _part("b", 0)})
    monkeypatch.setattr(hub, "answers", lambda url: pytest.fail("the network was asked"))
    table = read_hub(f"{folder}/")
    assert (table.name, table.columns["split"]) == ("imdb", ["train", "test"])
    assert table.columns["label"] == ["pos", "neg"]
    assert asked == [str(folder)]


def test_a_folder_of_one_part_has_no_split(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = _saved(tmp_path / "mine", "state.json")
    _installed_for(monkeypatch, _part("a", 1))
    assert "split" not in read_hub(str(folder)).columns


def test_a_saved_folder_that_is_damaged_is_for_the_user_to_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = _saved(tmp_path / "mine", "state.json")
    _installed_for(monkeypatch, ValueError("no Arrow here\nmore"))
    with pytest.raises(DataError, match=r"no Arrow here; expected a folder that save"):
        read_hub(str(folder))


@pytest.fixture
def real() -> Any:
    """The library itself, where it is installed."""
    return pytest.importorskip("datasets")


def _reviews(library: Any, rows: int, first: int) -> Any:
    labels = library.ClassLabel(names=["neg", "pos"])
    features = library.Features({"text": library.Value("string"), "label": labels})
    texts = [f"review number {first + row}" for row in range(rows)]
    columns = {"text": texts, "label": [row % 2 for row in range(rows)]}
    return library.Dataset.from_dict(columns, features=features)


def test_what_the_library_itself_saved_is_read(real: Any, tmp_path: Path) -> None:
    parts = {"train": _reviews(real, 6, 0), "test": _reviews(real, 2, 6)}
    real.DatasetDict(parts).save_to_disk(tmp_path / "reviews")
    table = open_source(f"hf:{tmp_path / 'reviews'}")
    assert table.columns["text"][-1] == "review number 7"
    assert table.columns["label"] == ["neg", "pos"] * 4
    assert table.columns["split"] == ["train"] * 6 + ["test"] * 2
    parts["train"].save_to_disk(tmp_path / "alone")
    assert len(open_source(f"hf:{tmp_path / 'alone'}")) == 6


def test_a_file_that_the_library_saved_and_that_was_cut_is_refused(
    real: Any, tmp_path: Path
) -> None:
    _reviews(real, 6, 0).save_to_disk(tmp_path / "cut")
    (arrow,) = (tmp_path / "cut").glob("*.arrow")
    arrow.write_bytes(arrow.read_bytes()[:40])
    with pytest.raises(DataError, match="cannot be read"):
        open_source(f"hf:{tmp_path / 'cut'}")
