"""Makes MiniLM, texts of random tokens and training sessions for measurements of speed."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from regraft.backbones.backbone import Backbone
from regraft.backbones.chain import Chain
from regraft.backbones.graft import Grafted, make_head
from regraft.backbones.open import open_backbone
from regraft.backbones.splice import splice
from regraft.data.texts import TokenRows
from regraft.features.cached import Cache
from regraft.features.level import Level
from regraft.scoring import metrics
from regraft.training.dropout import apply_dropout
from regraft.training.loop import work
from regraft.training.options import Options
from regraft.training.phase import Phase
from regraft.training.precision import Verdict, decide
from regraft.training.progress import Silent
from regraft.training.session import Examples, Session

TOKENS = 128
BATCH = 32
STEPS = 6


@dataclass(frozen=True)
class Measured:
    """The network on which speed is measured.

    Args:
        backbone: As it was opened.
        network: With a head of two classes.
        chain: Its blocks.
        verdict: Of the probe at 32 rows of 128 tokens.
    """

    backbone: Backbone
    network: Grafted
    chain: Chain
    verdict: Verdict

    def level(self, line: int) -> Level:
        """Returns the prefix below a line."""
        return Level(self.network, self.chain, line, self.backbone.spec, self.verdict.inference)


def open_measured() -> Measured:
    """Returns MiniLM with a new head, its modes probed."""
    backbone = open_backbone("starter:minilm")
    head = make_head("linear", backbone.width, classes=2, generator=torch.Generator())
    network = Grafted(backbone.network, head, pooling=backbone.architecture.pooling)
    apply_dropout(network, 0.0)  # as `regraft fit` does
    batch = texts(BATCH, TOKENS).batch(np.arange(BATCH))
    chain = splice(backbone.network, {name: t[:2, :16] for name, t in batch.items()})
    verdict = decide(network, batch, wanted=None, device="cpu")
    return Measured(backbone, network, chain, verdict)


def texts(count: int, length: int) -> TokenRows:
    """Returns texts of equal length, their tokens drawn from the whole table."""
    generator = np.random.default_rng(0)
    tokens = generator.integers(1000, 20_000, count * length).astype(np.int32)
    return TokenRows(tokens, np.arange(count + 1, dtype=np.int64) * length, 0)


def step_seconds(measured: Measured, length: int, *, line: int, cache: Cache) -> float:
    """Returns the median seconds of a training step of `regraft fit`, optimiser included.

    Args:
        measured: The network, whose weights move.
        length: Tokens of each of the 32 texts.
        line: Blocks below it are frozen.
        cache: Whether what they make is read from the disk where that pays.
    """
    chain = measured.chain
    examples = Examples(texts(BATCH, length), np.arange(BATCH, dtype=np.int64) % 2)
    options = Options(0, BATCH, "adamw", "none", None, None, metrics.accuracy)
    session = Session(
        *(measured.network, chain, examples, examples, measured.verdict, options, Silent()),
        spec=measured.backbone.spec,
        cache=cache,
    )
    rates = (0.0,) * line + (1e-5,) * (chain.top - line)
    work(session, [Phase("tune", line, STEPS, 1e-5, rates)])
    return statistics.median(BATCH / record.rows_per_second for record in session.records)


def seconds_of(run: Callable[[], object], *, repeats: int) -> float:
    """Returns the least seconds of several runs, after one that makes kernels."""
    run()
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        found.append(time.perf_counter() - started)
    return min(found)
