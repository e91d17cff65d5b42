"""Every strategy on every kind of network, the line anywhere: the proof holds."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from regraft.backbones.chain import Chain
from regraft.backbones.graft import Grafted, make_head, pool
from regraft.backbones.modes import Mode
from regraft.backbones.splice import splice
from regraft.backbones.splicing.calling import call
from regraft.data.images import PixelRows
from regraft.data.spec import ImageSpec
from regraft.freezing import line as line_module
from regraft.freezing.line import Above, Frozen
from regraft.freezing.threshold import Rule
from regraft.strategies.table import STRATEGIES, make_strategy
from regraft.training.loop import work
from regraft.training.precision import Verdict
from regraft.training.progress import Silent
from regraft.training.session import Examples, Session
from tests.contracts.small_networks import TEXT_NETWORKS, small_network
from tests.tiny_sessions import facts, options, text_examples

NETWORKS = ("bert", "e5", "deberta", "modernbert", "efficientnet", "mobilenet", "vgg", "resnet18")
ROWS = 12


def pixel_examples(rows: int, *, seed: int) -> Examples:
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (rows, 64, 64, 3)).astype(np.uint8)
    spec = ImageSpec(64, (0.5,) * 3, (0.25,) * 3)
    return Examples(PixelRows(pixels, spec), np.arange(rows) % 2)


def session_on(name: str, **changed: Any) -> Session:
    """Returns a session on a small random network that has done nothing yet."""
    trunk, batch = small_network(name)
    is_text = name in TEXT_NETWORKS
    pooling: Any = "mean" if is_text else "map" if name in ("vgg",) else "none"
    with torch.no_grad():
        width = pool(call(trunk.eval(), batch), batch, pooling=pooling).shape[1]
    head = make_head("linear", width, classes=2, generator=torch.Generator().manual_seed(1))
    chain = splice(trunk, batch)
    make = text_examples if is_text else pixel_examples
    parts = (make(ROWS, seed=1), make(4, seed=2))
    network = Grafted(trunk, head, pooling=pooling)
    chosen = options(batch_size=4, **changed)
    return Session(network, chain, *parts, Verdict(Mode(), Mode(), {}, "none"), chosen, Silent())


def worked(made: Session, strategy: str, line: int) -> list[str]:
    """Trains one epoch with the line at a place; returns the faults that were seen."""
    kind = "text" if hasattr(made.train.rows, "tokens") else "image"
    known = facts(kind, start_line=line, epochs=1, rate=1e-3)
    work(made, make_strategy(strategy).phases(made.chain, known))
    assert made.stretches
    return [fault for stretch in made.stretches for fault in stretch.faults]


@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_proof_holds(name: str, strategy: str, place: str) -> None:
    made = session_on(name)
    line = {"first": 1, "middle": made.top // 2, "last": made.top - 1}[place]
    assert worked(made, strategy, line) == []


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
