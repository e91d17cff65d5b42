"""Settings of an adaptation: those of a fit, and two domains."""

from pathlib import Path
from typing import Any, get_type_hints

import pytest

from regraft.errors import SettingsError
from regraft.settings import AdaptOptions, AdaptSettings, FitSettings


def adapt_complaint(**values: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        AdaptSettings(**values)
    return str(caught.value)


def test_the_options_of_adapt_in_python_are_its_settings_except_the_data() -> None:
    data = {"data", "sources", "target"}
    assert {*get_type_hints(AdaptOptions), *data} == set(AdaptSettings.model_fields)


def test_one_domain_of_the_source_is_a_plain_string_or_one_of_several() -> None:
    two: Any = {"domain": "d", "to_domain": "c"}
    assert AdaptSettings(**two, from_domain="a").from_domain == ("a",)
    assert AdaptSettings(**two, from_domain=["a", "b"]).from_domain == ("a", "b")
    assert AdaptSettings(from_domain=None).from_domain == ()


def test_only_data_with_a_name_can_be_read_again() -> None:
    assert AdaptSettings(data="a", target="t").named
    assert AdaptSettings(sources=("a", "b"), target="t").named
    assert AdaptSettings(data="a", domain="d", from_domain="x", to_domain="y").named
    assert not AdaptSettings(target="t").named
    assert not AdaptSettings(data="a").named


def test_a_source_is_the_same_however_its_path_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").touch()
    for other in ("./a.csv", str(tmp_path / "a.csv")):
        wrong = adapt_complaint(sources=("a.csv", other), target="t")
        assert wrong == f"{other} is given twice as a source; expected each once"
    assert AdaptSettings(sources=("starter:a", "starter:b", "a.csv")).sources


def test_settings_that_adapt_shares_with_fit_are_the_same() -> None:
    shared = AdaptSettings.model_fields.keys() & FitSettings.model_fields.keys()
    for name in shared - {"strategy"}:  # by default the trunk is frozen here
        fields = (AdaptSettings.model_fields[name], FitSettings.model_fields[name])
        assert fields[0].default == fields[1].default, name
        assert fields[0].annotation == fields[1].annotation, name


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"from_domain": "a"}, "need all of domain, from_domain and to_domain"),
        ({"domain": "d", "from_domain": "a"}, "try --domain COLUMN --from NAME --to NAME"),
        ({"domain": "d", "from_domain": "a", "to_domain": "a"}, "are both 'a'"),
        (
            {"domain": "d", "from_domain": "a", "to_domain": "b", "target": "t"},
            "target = 't' cannot be used with to_domain = 'b'",
        ),
        (
            {"domain": "d", "from_domain": ("a", "b"), "to_domain": "b"},
            "to_domain = 'b' is one of from_domain too",
        ),
        ({"sources": ("a", "b", "a")}, "a is given twice as a source; expected each once"),
        ({"sources": ("a", "b"), "data": "c"}, "data = 'c' cannot be used with sources"),
        (
            {"sources": ("a", "b"), "domain": "d"},
            "domain = 'd' cannot be used with several sources: each is a domain",
        ),
        ({"target_labels": 0}, "target_labels = 0 cannot be used; expected a whole number"),
        (
            {"target_labels": 9, "method": "source_only"},
            "cannot be used with the method source_only, which learns nothing of the target",
        ),
        ({"cache": False, "check_cache": True}, "without the cache"),
        ({"methd": "mcc"}, "methd is not a setting of adapt; try method"),
    ],
)
def test_settings_of_adapt_that_contradict_each_other(
    values: dict[str, Any], sentence: str
) -> None:
    assert sentence in adapt_complaint(**values)
