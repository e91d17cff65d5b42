"""Every strategy on every kind of network, the line anywhere: the proof holds."""

from dataclasses import replace
from typing import Any

import pytest

from regraft.backbones.backbone import Pooling
from regraft.backbones.chain import Chain
from regraft.freezing import line as line_module
from regraft.freezing.line import Above, Frozen
from regraft.freezing.threshold import Rule
from regraft.training.session import Session
from tests.contracts.freezing_promise import CASES, PLACES, line_at, session_around, worked
from tests.contracts.small_networks import TEXT_NETWORKS, small_network

NETWORKS = ("bert", "e5", "deberta", "modernbert", "efficientnet", "mobilenet", "vgg", "resnet18")
EVERYWHERE = ("bert", "mobilenet")
"""Networks, one of each kind, on which every case is tried at each change."""
ON_ALL = {*(("two-stage", p) for p in PLACES), ("gradual", "middle"), ("full+average", "middle")}
"""Cases that are tried on all networks at each change: the other pairs take minutes."""


def session_on(name: str, **changed: Any) -> Session:
    """Returns a session on a small random network that has done nothing yet."""
    trunk, batch = small_network(name)
    is_text = name in TEXT_NETWORKS
    pooling: Pooling = "mean" if is_text else "map" if name in ("vgg",) else "none"
    return session_around(trunk, batch, pooling=pooling, **changed)


def pair(name: str, case: tuple[str, str]) -> Any:
    often = name in EVERYWHERE or case in ON_ALL
    return pytest.param(name, *case, marks=() if often else pytest.mark.slow)


@pytest.mark.parametrize(
    ("name", "strategy", "place"), [pair(name, case) for name in NETWORKS for case in CASES]
)
def test_the_proof_holds(name: str, strategy: str, place: str) -> None:
    made = session_on(name)
    assert worked(made, strategy, line_at(made, place)) == []


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("bert", "full+bias-only"),
        ("bert", "two-stage+norm-only"),
        ("mobilenet", "full+norm-only"),
        ("vgg", "full+bias-only"),
    ],
)
def test_the_proof_holds_where_few_weights_of_each_block_move(name: str, strategy: str) -> None:
    made = session_on(name)
    assert worked(made, strategy, line_at(made, "middle")) == []


@pytest.mark.parametrize("prefix", [True, False])
@pytest.mark.parametrize("name", ["bert", "mobilenet", "vgg"])
def test_the_proof_holds_where_blocks_freeze_on_the_way(name: str, prefix: bool) -> None:
    # A threshold above what any block could have left: all freeze at the second reading.
    made = session_on(name, threshold=Rule(1e9, prefix=prefix))
    assert worked(made, "full", 0) == []
    assert [event.kind for event in made.ledger.events].count("threshold") >= 1
    assert made.still == frozenset(range(made.top))


def test_what_both_sides_of_the_line_read_stands_still_and_its_training_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DeBERTa's table of relative positions: read by every layer, owned by a block above."""
    made = session_on("deberta")
    line = next(p.index for p in made.chain.positions if p.borrowed)
    assert worked(made, "full", line) == []
    real = line_module.frozen_at

    def forgetful(chain: Chain, *, line: int, above: Above) -> Frozen:
        bare = tuple(replace(place, borrowed=()) for place in chain.positions)
        return real(replace(chain, positions=bare), line=line, above=above)

    monkeypatch.setattr(line_module, "frozen_at", forgetful)
    faults = worked(session_on("deberta"), "full", line)
    assert any("the frozen prefix did not answer the same" in fault for fault in faults)
