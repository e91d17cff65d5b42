"""Tests which phase a method's name makes, with its options, and what is refused."""

from typing import Any

import pytest

from regraft.adaptation.moving import MOVING, moving_phase, position_of
from regraft.errors import SettingsError
from regraft.strategies.table import make_strategy
from regraft.training.aligning.terms import TERMS
from regraft.training.phase import Phase
from tests.tiny_sessions import facts, grafted, spliced

CHAIN = spliced(grafted("text"))


def made(word: str, strategy: str = "two-stage", **known: Any) -> Phase:
    phases = make_strategy(strategy).phases(CHAIN, facts("text", **known))
    return moving_phase(word, phases, chain=CHAIN)


def test_every_term_has_a_method() -> None:
    assert MOVING.keys() == TERMS.keys()


@pytest.mark.parametrize("word", [n if n != "gaussian" else "gaussian:position=2" for n in MOVING])
def test_it_is_the_last_phase_that_moves_the_trunk_with_a_term(word: str) -> None:
    found, name = made(word, start_line=1), word.partition(":")[0]
    assert (found.name, found.line, found.epochs) == ("align", 1, 2)
    assert found.alignment is not None
    assert found.alignment.term == name
    assert found.alignment.source is (name != "shot")
    assert (found.head_rate > 0) is (name != "shot")
    assert (
        found.rates
        == make_strategy("two-stage").phases(CHAIN, facts("text", start_line=1))[1].rates
    )


@pytest.mark.parametrize("strategy", ["contrastive", "two-stage+average", "scratch", "layerwise"])
def test_what_a_strategy_has_of_its_own_does_not_come_along(strategy: str) -> None:
    found = made("mcc", strategy)
    assert (found.loss, found.average, found.fresh, found.mix) == ("classes", False, False, 0.0)


def test_options_stand_behind_a_colon() -> None:
    typed = "dann:discriminator=rnn,position=3,weight=0.5,rate=0.01,hidden=8,confusion=2"
    found = made(typed).alignment
    assert found is not None
    told = (found.discriminator, found.position, found.weight, found.rate, found.hidden)
    assert told == ("rnn", 3, 0.5, 0.01, 8)
    assert (found.confusion, made("cdan").alignment.confusion) == (2.0, 0.0)  # type: ignore[union-attr]


def test_virtual_rows_have_a_place_a_width_and_a_share() -> None:
    found = made("gaussian:position=2,around=0.5,share=0.25").alignment
    assert found is not None
    assert (found.position, found.around, found.share, found.source) == (2, 0.5, 0.25, True)


def test_a_position_has_a_number_and_a_name() -> None:
    name = CHAIN.positions[2].name
    assert position_of(name, CHAIN) == position_of("2", CHAIN) == 2


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("dann:discriminator=gru", "dann:discriminator=gru"),
        ("dann:position=9", "position=9 does not exist"),
        ("cdan:position=0", "position 0 is the input, .*; expected a position from 1 to 3"),
        ("cdan:hidden=0", "hidden=0"),
        ("cdan:confusion=-1", "cdan:confusion=-1.0"),
        ("mcc:temperature=0", "mcc:temperature=0.0"),
        ("mcc:heat=2", "heat"),
        ("pseudo:threshold=2", "pseudo:threshold=2.0"),
        ("mmd:weight=-1", "mmd:weight=-1.0"),
        ("shot:weight=1", "shot has no options"),
        ("gaussian:position=0", "position 0 is the input"),
        ("gaussian:position=9", "position=9 does not exist"),
        ("gaussian:position=2,around=0", "gaussian:around=0.0"),
        ("gaussian:position=2,share=2", "gaussian:share=2.0"),
    ],
)
def test_what_cannot_be_used_is_told(word: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        made(word)


def test_a_position_below_the_line_is_frozen() -> None:
    sentence = "below position 2 is frozen; expected a position from 3 to 3"
    for position in (0, 2):
        with pytest.raises(SettingsError, match=sentence):
            made(f"dann:position={position}", start_line=2)


def test_nothing_moves_where_all_blocks_are_frozen() -> None:
    with pytest.raises(SettingsError, match="all of its 3 blocks are frozen"):
        made("mcc", start_line=3)
