"""The timeline shows when each block moved; a result without steps has none."""

import base64
from typing import Any
from xml.etree import ElementTree

from regraft.freezing.patterns import above_of
from regraft.reports.timeline import MOST, block_rows, freeze_timeline, spans
from regraft.strategies.two_stage import TwoStage
from regraft.training.loop import work
from tests.tiny_sessions import facts, grafted, options, session


def freezing(blocks: int = 3) -> dict[str, Any]:
    names = [f"layer{number}" for number in range(blocks)]
    reading = {"distance": 0.5, "exponent": 0.25, "left": 0.05}
    return {
        "blocks": [{"name": name, "parameters": 10} for name in names],
        "proof": {
            "stretches": [
                {"phase": "head", "start": 0, "stop": 0, "before": dict.fromkeys(names, "a")},
                {"phase": "tune", "start": 0, "stop": 6, "before": {}},
                {"phase": "tune", "start": 6, "stop": 10, "before": {"layer0": "a"}},
            ]
        },
        "checks": [
            {"step": 3, "frozen": [], "readings": [reading] * blocks},
            {"step": 6, "frozen": [0], "readings": [{**reading, "left": 0.02}] * blocks},
            {"step": 9, "frozen": [], "readings": [{**reading, "left": 0.01}] * blocks},
        ],
    }


def texts(uri: str) -> set[str]:
    drawn = base64.b64decode(uri.partition(",")[2]).decode()
    return {node.text for node in ElementTree.fromstring(drawn).iter() if node.text}


def test_blocks_are_named_on_the_picture() -> None:
    assert {"layer0", "layer2", "optimiser step"} <= texts(freeze_timeline(freezing()))


def test_a_long_chain_shows_both_ends() -> None:
    found = texts(freeze_timeline(freezing(MOST + 20)))
    assert {"layer0", f"layer{MOST + 19}"} <= found
    assert f"layer{MOST // 2 + 5}" not in found


def test_rows_say_when_a_block_froze_and_what_was_read_then() -> None:
    first, second, _ = block_rows(freezing())
    assert (first["froze"], first["moved"], first["left"]) == (6, 6, 0.02)
    assert (second["froze"], second["moved"], second["left"]) == (None, 10, 0.01)


def test_rows_say_what_each_block_saved() -> None:
    document = freezing()
    document["blocks"][0] |= {"saved_backward_share": 0.25, "saved_seconds": 1.5}
    first, second, _ = block_rows(document)
    assert (first["saved"], first["seconds"]) == (0.25, 1.5)
    assert (second["saved"], second["seconds"]) == (None, None)


def test_neighbouring_stretches_are_one_bar() -> None:
    stretches = freezing()["proof"]["stretches"]
    assert spans(stretches[1:], "layer1", frozen=False) == [(0, 10)]


def test_without_steps_there_is_no_picture() -> None:
    assert freeze_timeline({}) == ""
    head_only = freezing() | {"proof": {"stretches": freezing()["proof"]["stretches"][:1]}}
    assert freeze_timeline(head_only) == ""


def test_a_block_that_is_frozen_above_the_line_did_not_move() -> None:
    made = session("image", options(above=above_of(grafted("image").trunk, ["middle", "norm"])))
    work(made, TwoStage().phases(made.chain, facts("image")))
    stretches = [stretch.as_json() for stretch in made.stretches]
    names = [block.name for block in made.chain.blocks]
    moved = [sum(b - a for a, b in spans(stretches[1:], name, frozen=False)) for name in names]
    assert moved == [made.step, 0, made.step]
