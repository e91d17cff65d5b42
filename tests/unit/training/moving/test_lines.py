"""Tests that the line, the ledger and the witness move together."""

import json
from dataclasses import replace

from regraft.training.moving.lines import (
    close_stretch,
    draw_line,
    freeze_blocks,
    line_of,
    witness_again,
)
from regraft.training.phase import Phase
from tests.tiny_sessions import session

TUNE = Phase("tune", 0, 1, 1e-3, (1e-3,) * 3)


def test_blocks_freeze_in_the_middle_of_a_phase() -> None:
    made = session("image")
    draw_line(made, TUNE)
    made.step = 4
    freeze_blocks(made, TUNE, blocks=frozenset({0}))
    made.step = 6
    close_stretch(made)
    assert [(e.kind, e.step, e.line) for e in made.ledger.events] == [
        ("freeze", 0, 0),
        ("threshold", 4, 1),
    ]
    assert [(s.start, s.stop, list(s.before)) for s in made.stretches] == [
        (0, 4, []),
        (4, 6, ["stem"]),
    ]
    assert not made.network.get_parameter("trunk.stem.0.weight").requires_grad


def test_a_block_above_the_line_is_frozen_and_stays_in_the_graph() -> None:
    made = session("image")
    draw_line(made, TUNE)
    freeze_blocks(made, TUNE, blocks=frozenset({1}))
    assert line_of(made) == 0
    weights = [made.network.get_parameter(f"trunk.{n}.0.weight") for n in ("stem", "middle", "top")]
    assert [weight.requires_grad for weight in weights] == [True, False, True]
    assert not made.network.get_submodule("trunk.middle.1").training


def test_nothing_is_closed_twice() -> None:
    made = session("image")
    draw_line(made, TUNE)
    close_stretch(made)
    close_stretch(made)
    assert len(made.stretches) == 1


def test_a_stretch_that_was_broken_off_is_gone_on_with_on_another_machine() -> None:
    made = session("image")
    draw_line(made, replace(TUNE, line=1, rates=(0.0, 1e-3, 1e-3)))
    assert made.witness is not None
    seen = {**made.witness.as_json(), "prefix": ["of another machine"] * 2}
    made.witness = witness_again(made, json.loads(json.dumps(seen)))
    close_stretch(made)
    assert made.stretches[0].holds
