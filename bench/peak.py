"""Measures what share of this machine's matrix-product peak MiniLM's passes and steps reach.

The peak is that of a 2048 x 2048 product in its faster kind of numbers; the passes are the
cache's (whole chunks of 128 tokens), the steps those of `regraft fit`, optimiser included.
Nothing else may run on the machine meanwhile.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from regraft.backbones.graft import Grafted, make_head
from regraft.backbones.open import open_backbone
from regraft.backbones.splice import splice
from regraft.data.texts import TokenRows
from regraft.features.level import Level
from regraft.machine import processor_name
from regraft.scoring import metrics
from regraft.training.loop import work
from regraft.training.phase import Phase
from regraft.training.precision import decide
from regraft.training.progress import Silent
from regraft.training.session import Examples, Options, Session

SIDE = 2048
SMALL = 256
TOKENS = 128
BATCH = 32
STEPS = 6


def seconds_of(run: Callable[[], object], *, repeats: int) -> float:
    """Returns the least seconds of several runs, after one that makes kernels."""
    run()
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        found.append(time.perf_counter() - started)
    return min(found)


def product(dtype: torch.dtype, side: int, repeats: int) -> float:
    """Returns GFLOP/s of a product of square matrices."""
    left, right = (torch.randn(side, side).to(dtype) for _ in range(2))
    return 2 * side**3 / seconds_of(lambda: left @ right, repeats=repeats) / 1e9


def peak(repeats: int) -> dict[str, float]:
    """Returns GFLOP/s in each kind of numbers; of a kind that crawls, those of a small product."""
    found = {"fp32": product(torch.float32, SIDE, repeats)}
    found["bf16"] = product(torch.bfloat16, SMALL, repeats)
    if found["bf16"] > found["fp32"] / 4:
        found["bf16"] = product(torch.bfloat16, SIDE, repeats)
    return found


def rows(count: int) -> TokenRows:
    """Returns texts of 128 tokens, drawn from the whole table."""
    generator = np.random.default_rng(0)
    tokens = generator.integers(1000, 20_000, count * TOKENS).astype(np.int32)
    return TokenRows(tokens, np.arange(count + 1, dtype=np.int64) * TOKENS, 0)


def main() -> None:
    """Prints one JSON document."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    backbone = open_backbone("starter:minilm")
    head = make_head("linear", backbone.width, classes=2, generator=torch.Generator())
    network = Grafted(backbone.network, head, pooling=backbone.architecture.pooling)
    texts = rows(BATCH)
    batch = texts.batch(np.arange(BATCH))
    chain = splice(backbone.network, {name: t[:2, :16] for name, t in batch.items()})
    verdict = decide(network, batch, wanted=None, device="cpu")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(batch)
    flops = counter.get_total_flops()
    level = Level(network, chain, chain.top, backbone.spec, verdict.inference)
    (chunk,) = level.chunks(texts)
    prefix = seconds_of(lambda: level.pass_through(texts, chunk), repeats=repeats)
    examples = Examples(texts, np.arange(BATCH, dtype=np.int64) % 2)
    options = Options(0, BATCH, "adamw", "none", None, None, metrics.accuracy)
    session = Session(network, chain, examples, examples, verdict, options, Silent())
    work(session, [Phase("tune", 0, STEPS, 1e-5, (1e-5,) * chain.top)])
    step = statistics.median(BATCH / record.rows_per_second for record in session.records)
    best = peak(repeats)
    top = max(best.values())
    reached = {"prefix pass": flops / prefix / 1e9, "training step": 3 * flops / step / 1e9}
    print(
        json.dumps(
            {
                "processor": processor_name(),
                "peak": {name: round(value, 1) for name, value in best.items()},
                "modes": {
                    "training": vars(verdict.training),
                    "inference": vars(verdict.inference),
                },
                "GFLOP/s": {name: round(value, 1) for name, value in reached.items()},
                "share": {name: round(value / top, 3) for name, value in reached.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
