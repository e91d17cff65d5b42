"""Tests that a name finds its strategy, and that a wrong one is refused with a hint."""

import sys
from types import ModuleType

import pytest

from regraft.backbones.chain import Chain
from regraft.errors import SettingsError
from regraft.strategies.table import STRATEGIES, make_strategy
from regraft.training.phase import Facts, Phase


class Own:
    """A strategy as a user would write one."""

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        return [Phase("own", chain.top, 1, facts.rate, (0.0,) * chain.top)]


class Needy(Own):
    """Cannot be made without an argument."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted


@pytest.fixture(autouse=True)
def own_module(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("own_strategies")
    vars(module).update(Own=Own, Needy=Needy, nothing=dict)
    monkeypatch.setitem(sys.modules, "own_strategies", module)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_name_makes_its_strategy(name: str) -> None:
    assert type(make_strategy(name)) is STRATEGIES[name]


def test_the_table_is_sorted() -> None:
    assert list(STRATEGIES) == sorted(STRATEGIES)


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(SettingsError, match="--strategy two-stage") as caught:
        make_strategy("two_stages")
    assert "one of full, head, two-stage" in str(caught.value)


def test_a_name_like_no_other_is_refused_with_the_way_to_the_list() -> None:
    with pytest.raises(SettingsError, match="regraft list strategies"):
        make_strategy("xyzzy")


def test_a_user_s_own_class_is_made() -> None:
    assert type(make_strategy("own_strategies:Own")) is Own


@pytest.mark.parametrize(
    "name",
    [
        "no_such_module_at_all:Own",
        "own_strategies:Missing",
        "own_strategies:Needy",
        "own_strategies:nothing",
        ":Own",
        "own_strategies:",
        ".relative:Own",
    ],
)
def test_what_is_no_strategy_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="importable module, a colon and a class") as caught:
        make_strategy(name)
    assert repr(name) in str(caught.value)
