"""Tests from what source and target are read, however they are given."""

from pathlib import Path
from typing import Any

import pytest

from regraft.data.reading.tables import Table
from regraft.errors import DataError, SettingsError
from regraft.runs.adapting.given import NOTHING, Given, data_given, names_given, read_given
from regraft.settings import AdaptSettings
from tests import tiny
from tests.unit.runs.adapting.conftest import nobody

TEXTS, LABELS = tiny.toy_texts(40)


def read(given: Given = NOTHING, **typed: Any) -> tuple[object, object]:
    return data_given(AdaptSettings(**typed), given, say=nobody)


def table(**typed: Any) -> Table:
    """Returns the source of domains of one column."""
    columns = {
        "text": TEXTS,
        "label": [*LABELS[:39], "so-so"],
        "place": ["film"] * 10 + ["news"] * 10 + ["shop"] * 10 + ["odd"] * 10,
    }
    source, _ = read(Given(columns), domain="place", to_domain="shop", **typed)
    assert isinstance(source, Table)
    return source


def test_paths_are_names_and_objects_have_none() -> None:
    pair = (TEXTS, LABELS)
    found = names_given(Given(Path("a.csv"), target="b"))
    assert found == {"data": "a.csv", "sources": (), "target": "b"}
    assert names_given(Given(pair, target=TEXTS)) == {"data": "", "sources": (), "target": ""}
    assert names_given(Given(sources=["a", Path("b")]))["sources"] == ("a", "b")
    assert names_given(Given(sources=["a", pair]))["sources"] == ()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (Given(), "the source is missing"),
        (Given("a", ["b"]), "source cannot be used with sources"),
        (Given(sources="a.csv"), "sources is of type str; expected a list of labelled sources"),
    ],
)
def test_a_source_is_given_once(given: Given, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        names_given(given)


def test_a_limit_of_the_cache_that_is_none_is_told_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "20 GB")
    settings = AdaptSettings(data="nowhere.csv", target="nothing.csv")
    with pytest.raises(SettingsError, match="REGRAFT_CACHE_BYTES"):
        read_given(settings, NOTHING, say=nobody)


def test_words_that_only_begin_like_a_name_are_refused_before_a_network_is_opened() -> None:
    settings = AdaptSettings(data="starter: the soup was cold", target="hf:the soup too")
    with pytest.raises(DataError):
        read_given(settings, NOTHING, say=nobody)


def test_objects_come_before_names() -> None:
    assert read(data="a", target="b") == ("a", "b")
    assert read(Given(TEXTS, target=LABELS)) == (TEXTS, LABELS)


def test_several_sources_are_joined_and_one_of_them_is_itself(tmp_path: Path) -> None:
    halves = [(TEXTS[:20], LABELS[:20]), (TEXTS[20:], LABELS[20:])]
    joined, target = read(Given(sources=halves, target="t"))
    assert isinstance(joined, Table)
    assert (len(joined), target) == (40, "t")
    assert joined.columns["source"] == ["data"] * 20 + ["data-2"] * 20
    assert read(Given(sources=halves[:1], target="t"))[0] == halves[0]
    paths = [
        str(tiny.write_csv(tmp_path / f"{n}.csv", {"text": texts, "label": labels}))
        for n, (texts, labels) in enumerate(halves)
    ]
    named, _ = read(sources=tuple(paths), target="t")
    assert isinstance(named, Table)
    assert named.columns["text"] == TEXTS


def test_several_domains_of_a_column_are_one_source() -> None:
    assert len(table(from_domain=("film", "news"))) == 20
    assert table(from_domain="film").name == "data-film"


def test_domains_of_other_classes_are_refused() -> None:
    with pytest.raises(DataError, match="the source film has no row of 'so-so'"):
        table(from_domain=("film", "odd"))
    assert len(table(from_domain="odd")) == 10


def test_a_row_of_too_many_cells_makes_no_class_of_its_domain(tmp_path: Path) -> None:
    places = ["film"] * 10 + ["news"] * 10 + ["shop"] * 20
    columns = {"place": places, "text": TEXTS, "label": LABELS}
    path = tiny.write_csv(tmp_path / "a.csv", columns)
    with path.open("a", encoding="utf-8") as file:
        file.write("film,it was so, or so,pos\n")
    names: Any = {"from_domain": ("film", "news"), "to_domain": "shop"}
    source, _ = read(data=str(path), domain="place", **names)
    assert isinstance(source, Table)
    assert (len(source), list(source.errors)) == (21, [20])


def test_a_target_is_needed() -> None:
    with pytest.raises(SettingsError, match="the target is missing"):
        read(data="a")


def test_objects_are_refused_beside_named_domains_as_names_are() -> None:
    two: Any = {"domain": "place", "from_domain": "film", "to_domain": "shop"}
    with pytest.raises(SettingsError, match="a target cannot be used with to_domain = 'shop'"):
        read(Given(TEXTS, target=TEXTS), **two)
    with pytest.raises(SettingsError, match="'place' cannot be used with several sources"):
        read(Given(sources=[(TEXTS, LABELS), (TEXTS, LABELS)]), **two)
    with pytest.raises(SettingsError, match="'place' cannot be used with several sources"):
        read(Given(sources=[(TEXTS, LABELS), (TEXTS, LABELS)], target=TEXTS), domain="place")


SOURCE = {"text": TEXTS, "stars": LABELS}
ELSEWHERE = {"Comment": TEXTS, "message": TEXTS, "kind": LABELS}


def named(**typed: Any) -> tuple[AdaptSettings, Any, Any]:
    """Returns the source's settings, the source and a target whose columns have other names."""
    return read_given(AdaptSettings(**typed), Given(SOURCE, target=ELSEWHERE), say=nobody)


def test_a_column_that_was_typed_is_that_of_the_domain_that_has_it() -> None:
    own, _, target = named(text="comment", label="stars")
    assert own.columns == {"label": "stars"}
    assert target.known == {"text": "Comment"}
    own, _, target = named(text="text", label="kind")
    assert own.columns == {"text": "text"}
    assert target.known == {"label": "kind"}


def test_a_target_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    given = Given(SOURCE, target=str(tmp_path / "none.csv"))
    settings = AdaptSettings(target=str(tmp_path / "none.csv"))
    with pytest.raises(DataError, match=r"none\.csv"):
        read_given(settings, given, say=nobody)


def test_nothing_is_opened_where_no_column_was_typed() -> None:
    assert named()[1:] == (SOURCE, ELSEWHERE)


def test_a_column_that_neither_domain_has_is_refused_with_the_nearest_of_both() -> None:
    with pytest.raises(DataError) as caught:
        named(text="coment")
    told = "neither the source data nor the target data has a column 'coment'; expected one of text"
    assert str(caught.value).startswith(told)
    assert str(caught.value).endswith("try --text Comment")


def test_several_sources_may_lack_a_column_that_the_target_has() -> None:
    halves = [
        {"text": TEXTS[:20], "label": LABELS[:20]},
        {"text": TEXTS[20:], "label": LABELS[20:]},
    ]
    given = Given(sources=halves, target=ELSEWHERE)
    own, source, target = read_given(AdaptSettings(text="Comment"), given, say=nobody)
    assert (own.text, len(source)) == (None, 40)  # type: ignore[arg-type]
    assert target.known["text"] == "Comment"  # type: ignore[attr-defined]
