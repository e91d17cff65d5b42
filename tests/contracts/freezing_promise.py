"""The promise of freezing: whatever the network, strategy and line, the proof holds."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from regraft.backbones.backbone import Pooling
from regraft.backbones.graft import Grafted, make_head, pool
from regraft.backbones.modes import Mode
from regraft.backbones.splice import splice
from regraft.backbones.splicing.calling import call
from regraft.data.images import PixelRows
from regraft.data.spec import ImageSpec
from regraft.strategies.table import STRATEGIES, make_strategy
from regraft.training.loop import work
from regraft.training.precision import Verdict
from regraft.training.progress import Silent
from regraft.training.session import Examples, Session
from tests.tiny_sessions import facts, options, text_examples

PLACES = ("first", "middle", "last")
BASIC = ("two-stage", "head", "full")
OTHERS = [*(name for name in STRATEGIES if name not in BASIC), "full+average"]
CASES = [*((name, place) for name in BASIC for place in PLACES), *((n, "middle") for n in OTHERS)]
"""The basic strategies with the line everywhere, the others with it in the middle."""
ROWS = 12


def pixel_examples(rows: int, *, seed: int) -> Examples:
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (rows, 64, 64, 3)).astype(np.uint8)
    spec = ImageSpec(64, (0.5,) * 3, (0.25,) * 3)
    return Examples(PixelRows(pixels, spec), np.arange(rows) % 2)


def session_around(
    trunk: nn.Module, batch: dict[str, Tensor], *, pooling: Pooling, **changed: Any
) -> Session:
    """Returns a session on a trunk with a new head, a few easy rows of its kind to learn."""
    make = text_examples if "input_ids" in batch else pixel_examples
    with torch.no_grad():
        width = pool(call(trunk.eval(), batch), batch, pooling=pooling).shape[1]
    head = make_head("linear", width, classes=2, generator=torch.Generator().manual_seed(1))
    chain = splice(trunk, batch)
    parts = (make(ROWS, seed=1), make(4, seed=2))
    network = Grafted(trunk, head, pooling=pooling)
    chosen = options(batch_size=4, **changed)
    return Session(network, chain, *parts, Verdict(Mode(), Mode(), {}, "none"), chosen, Silent())


def line_at(made: Session, place: str) -> int:
    """Returns the line below which the first block, half of them, or all but one are frozen."""
    return {"first": 1, "middle": made.top // 2, "last": made.top - 1}[place]


def worked(made: Session, strategy: str, line: int) -> list[str]:
    """Trains one epoch with the line at a place; returns the faults that were seen."""
    kind = "text" if hasattr(made.train.rows, "tokens") else "image"
    known = facts(kind, start_line=line, epochs=1, rate=1e-3)
    chosen = make_strategy(strategy)
    made.options = replace(made.options, above=chosen.held(made.network.trunk))
    work(made, chosen.phases(made.chain, known))
    assert made.stretches
    return [fault for stretch in made.stretches for fault in stretch.faults]
