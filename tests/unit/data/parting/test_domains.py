"""Tests that the rows of two domains become two tables."""

from pathlib import Path

import pytest

from regraft.data.parting.domains import domain_names, domain_tables, joined_name
from regraft.errors import DataError
from tests import tiny


@pytest.fixture
def both(tmp_path: Path) -> Path:
    columns = {"text": ["a", "b", "c", "d"], "place": ["film ", "shop", "film", ""]}
    return tiny.write_csv(tmp_path / "both.csv", columns)


def test_each_domain_is_a_table_of_its_own_with_its_lines(both: Path) -> None:
    films, shops = domain_tables(str(both), "place", first="film", second="shop")
    assert films.columns["text"] == ["a", "c"]
    assert shops.columns["text"] == ["b"]
    assert (films.name, shops.name) == ("both-film", "both-shop")
    assert [origin.line for origin in films.origins] == [2, 4]


def test_what_is_no_row_is_told_with_the_first_alone(both: Path) -> None:
    tiny.write_csv(both.with_name("train.csv"), {"text": ["a", "b"], "place": ["film", "shop"]})
    both.rename(both.with_name("codes.csv"))
    first, second = domain_tables(str(both.parent), "place", first="film", second="shop")
    assert [str(problem.origin) for problem in first.outside] == [f"{both.parent}/codes.csv"]
    assert second.outside == ()


def test_a_missing_column_is_met_with_the_nearest(both: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'plac'.*try --domain place"):
        domain_tables(str(both), "plac", first="film", second="shop")


def test_a_missing_domain_is_met_with_those_there_are(both: Path) -> None:
    with pytest.raises(DataError, match="no row of the domain 'shops'; expected one of film, shop"):
        domain_tables(str(both), "place", first="film", second="shops")


def test_columns_of_python_are_tables_too() -> None:
    source = {"text": ["a", "b"], "place": ["x", "y"]}
    first, second = domain_tables(source, "place", first="x", second="y")
    assert (len(first), len(second)) == (1, 1)


SEVERAL = {"text": ["a", "b", "c", "d"], "place": ["film", "shop", "news", "tv, web"]}


@pytest.mark.parametrize("first", [("film", "news"), "film,news", ["news, film"]])
def test_the_first_table_may_have_the_rows_of_several_domains(first: object) -> None:
    source, target = domain_tables(SEVERAL, "place", first=first, second="shop")  # type: ignore[arg-type]
    assert source.columns["text"] == ["a", "c"]
    assert target.columns["text"] == ["b"]
    assert source.name in ("data-film-and-news", "data-news-and-film")


def test_a_domain_with_a_comma_is_one_domain() -> None:
    assert domain_names(["tv, web"], {"tv, web", "web"}) == ["tv, web"]


def test_one_of_several_domains_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match=r"no row of the domain 'new'.*try 'news'"):
        domain_tables(SEVERAL, "place", first=("film", "new"), second="shop")
    with pytest.raises(DataError, match="no row of the domain 'new'"):
        domain_tables(SEVERAL, "place", first="film,new", second="shop")


def test_a_domain_is_not_both_source_and_target() -> None:
    with pytest.raises(DataError, match="the domain 'shop' is source and target"):
        domain_tables(SEVERAL, "place", first="film,shop", second="shop")


def test_many_domains_have_a_short_name() -> None:
    assert joined_name(["a"]) == "a"
    assert joined_name(list("abcd")) == "a-and-3-more"
