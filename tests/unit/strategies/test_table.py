"""Tests that a name finds its strategy, and that a wrong one is refused with a hint."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from regraft.backbones.chain import Chain
from regraft.errors import SettingsError
from regraft.strategies.average import Average
from regraft.strategies.decay import Decay
from regraft.strategies.norm_only import NormOnly
from regraft.strategies.table import (
    MODIFIERS,
    STRATEGIES,
    is_imported,
    make_strategy,
    own_class,
)
from regraft.training.phase import Facts, Phase


class Own:
    """A strategy as a user would write one."""

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        return [Phase("own", chain.top, 1, facts.rate, (0.0,) * chain.top)]


class Needy(Own):
    """Cannot be made without an argument."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted


class Torn(Own):
    """Has a mistake where it is made."""

    def __init__(self) -> None:
        raise KeyError("rate")


class Choosy(Own):
    """Says itself what it cannot be made with."""

    def __init__(self) -> None:
        raise SettingsError("a strategy of mine needs a licence")


@pytest.fixture(autouse=True)
def own_module(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("own_strategies")
    vars(module).update(Own=Own, Needy=Needy, Torn=Torn, Choosy=Choosy, nothing=dict)
    monkeypatch.setitem(sys.modules, "own_strategies", module)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_name_makes_its_strategy(name: str) -> None:
    assert type(make_strategy(name).strategy) is STRATEGIES[name]


def test_the_tables_are_sorted() -> None:
    assert list(STRATEGIES) == sorted(STRATEGIES)
    assert list(MODIFIERS) == sorted(MODIFIERS)


def test_options_and_modifiers_stand_behind_the_name() -> None:
    made = make_strategy("decay:rate=0.01+average+norm-only")
    assert made.strategy == Decay(rate=0.01)
    assert [type(modifier) for modifier in made.modifiers] == [Average, NormOnly]
    assert made.name == "decay:rate=0.01+average+norm-only"


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        make_strategy("decay:rte=1+avrage+lora2:x=1")
    told = str(caught.value)
    assert "decay:rte (did you mean rate?)" in told
    assert "+average" in told
    assert "there is no modifier 'lora2'" in told


@pytest.mark.parametrize(
    "name",
    [
        "head+average+average",
        "two-stage+bias-only+norm-only",
        "full+lora+bias-only",
        "two-stage+lora+average",
        "scratch+lora",
        "l2-start:alpha=0.1+lora:rank=4",
    ],
)
def test_modifiers_that_undo_each_other_are_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="strategy"):
        make_strategy(name)


def test_what_a_strategy_says_of_itself_is_passed_on() -> None:
    assert (make_strategy("full").whole, make_strategy("full").rate_share) == (True, 0.5)
    assert (make_strategy("two-stage").whole, make_strategy("two-stage").rate_share) == (False, 1)


@pytest.mark.parametrize(
    ("name", "rows"), [("full", 1), ("contrastive+average", 32), ("decay", 32)]
)
def test_strategies_whose_steps_need_many_rows_say_so(name: str, rows: int) -> None:
    assert make_strategy(name).least_batch == rows


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(SettingsError, match="--strategy two-stage") as caught:
        make_strategy("two_stages")
    assert "full, gradual, head, l2-start" in str(caught.value)


def test_a_name_like_no_other_is_refused_with_the_way_to_the_list() -> None:
    with pytest.raises(SettingsError, match="regraft list strategies"):
        make_strategy("xyzzy")


def test_a_user_s_own_class_is_made() -> None:
    assert type(make_strategy("own_strategies:Own").strategy) is Own
    assert type(make_strategy("own_strategies:Own+average").modifiers[0]) is Average


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


def test_what_has_no_phases_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(sys.modules["own_strategies"], "nothing", lambda: calls.append(1))
    with pytest.raises(SettingsError, match="has no method phases"):
        make_strategy("own_strategies:nothing")
    assert calls == []


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("own_strategies:Own", "own_strategies:Own"),
        ("own_strategies:Own+average", "own_strategies:Own"),
        (":Own", ":Own"),
        ("two-stage", ""),
        ("decay:rate=0.001+norm-only", ""),
        ("no_such:rate=0.001", ""),
    ],
)
def test_a_name_says_whether_it_is_code(name: str, own: str) -> None:
    assert own_class(name) == own


def test_only_a_class_with_phases_that_is_here_already_counts_as_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "waiting_strategies.py").write_text("class Own:\n    def phases(self): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert is_imported("own_strategies:Own")
    for name in ("own_strategies:nothing", "own_strategies:Missing", "waiting_strategies:Own", ":"):
        assert not is_imported(name)
    assert "waiting_strategies" not in sys.modules


def test_a_mistake_in_a_user_s_own_class_is_told_with_its_module() -> None:
    with pytest.raises(SettingsError, match=r"'own_strategies:Torn' cannot .*KeyError: 'rate'"):
        make_strategy("own_strategies:Torn")
    with pytest.raises(SettingsError, match=r"^a strategy of mine needs a licence$"):
        make_strategy("own_strategies:Choosy")


@pytest.mark.parametrize(
    ("code", "words"),
    [("1 / 0", "ZeroDivisionError: division by zero"), ("class Own(:", "SyntaxError: ")],
)
def test_a_mistake_in_a_user_s_own_module_is_told(
    code: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torn_strategies.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SettingsError, match=f"'torn_strategies:Own' cannot be made .{words}"):
        make_strategy("torn_strategies:Own")


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("surgical:last", "surgical:last (expected: option=value, such as surgical:blocks=last)"),
        ("decay:0.001", "decay:0.001 (expected: option=value, such as decay:rate=0.001)"),
        ("decay:rate", "decay:rate (expected: option=value, such as decay:rate=0.0001)"),
        ("full:fast", "full:fast (full has no options)"),
    ],
)
def test_an_option_without_a_value_is_told_how_it_is_typed(name: str, example: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_strategy(name)
    assert str(caught.value) == f"these options cannot be used: {example}"


def test_auto_has_no_options_and_says_what_has() -> None:
    with pytest.raises(SettingsError, match="auto has no options; try --preset best"):
        make_strategy("auto:preset=best")
