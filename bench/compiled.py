"""Measures what torch.compile costs and gains in training steps, and from how many it pays.

A plain loop on the starters, in the mode that the probe chose: forward, backward and fused AdamW on
32 rows, as it is and compiled; texts of one length, texts of eight lengths, and images. Each is a
process of its own with an empty cache of the compiler. Nothing else may run meanwhile.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from marks import Trial, add_trial
from minilm import BATCH, TOKENS, texts
from regraft.backbones.attention import set_attention
from regraft.backbones.graft import Grafted, make_head
from regraft.backbones.open import open_backbone
from regraft.data.images import PixelRows
from regraft.data.spec import ImageSpec
from regraft.machine import processor_name
from regraft.training.dropout import apply_dropout
from regraft.training.precision import Verdict, decide

BENCH = Path(__file__).resolve().parent
LENGTHS = (24, 40, 56, 72, 88, 104, 120, 128)
"""Tokens of batches that differ, as those of real texts do."""
SIDE = 128
JOBS: dict[str, tuple[str, tuple[int, ...]]] = {
    f"texts of {TOKENS} tokens": ("minilm", (TOKENS,)),
    f"texts of {LENGTHS[0]} to {LENGTHS[-1]} tokens": ("minilm", LENGTHS),
    f"images of {SIDE} pixels": ("efficientnet-lite0", ()),
}
Batches = list[dict[str, Tensor]]


def text_batches(lengths: tuple[int, ...]) -> Batches:
    """Returns a batch of each length."""
    return [texts(BATCH, length).batch(np.arange(BATCH)) for length in lengths]


def image_batches(spec: ImageSpec) -> Batches:
    """Returns eight batches of noise of one size."""
    shape = (BATCH, SIDE, SIDE, spec.channels)
    made = (np.random.default_rng(n).integers(0, 256, shape, np.uint8) for n in range(8))
    return [PixelRows(pixels, spec).batch(np.arange(BATCH)) for pixels in made]


def opened(name: str, lengths: tuple[int, ...]) -> tuple[Grafted, Batches, Verdict]:
    """Returns a starter with a new head, its batches, and the modes of the probe."""
    backbone = open_backbone(f"starter:{name}")
    head = make_head("linear", backbone.width, classes=2, generator=torch.Generator())
    network = Grafted(backbone.network, head, pooling=backbone.architecture.pooling)
    apply_dropout(network, 0.0)  # as `regraft fit` does
    spec = backbone.spec
    batches = image_batches(spec) if isinstance(spec, ImageSpec) else text_batches(lengths)
    return network, batches, decide(network, batches[-1], wanted=None, device="cpu")


def rounds(
    network: Grafted, run: Callable[[Any], Tensor], batches: Batches, verdict: Verdict
) -> Iterator[float]:
    """Yields the seconds of a step, of round after round over all batches."""
    mode, labels = verdict.training, torch.arange(BATCH) % 2
    set_attention(network.trunk, mode.attention)
    optimiser = torch.optim.AdamW(network.train().parameters(), lr=1e-5, fused=True)
    while True:
        started = time.perf_counter()
        for batch in batches:
            with mode.running():
                loss = nn.functional.cross_entropy(run(batch).float(), labels)
            loss.backward()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        yield (time.perf_counter() - started) / len(batches)


def measure(name: str, lengths: tuple[int, ...], *, repeats: int) -> dict[str, float]:
    """Returns seconds of a step as it is and compiled, and those that compiling took."""
    network, batches, verdict = opened(name, lengths)
    plain = rounds(network, network, batches, verdict)
    next(plain)
    compiled = rounds(network, torch.compile(network), batches, verdict)
    # Shapes that vary are compiled once more in the second round.
    until = next(compiled) + next(compiled)
    # In turns, so that a machine that slows down slows both.
    pairs = [(next(plain), next(compiled)) for _ in range(repeats)]
    step, faster = (statistics.median(each) for each in zip(*pairs, strict=True))
    return {"step": step, "compiled": faster, "compiling": (until - 2 * faster) * len(batches)}


def apart(words: str, repeats: int) -> dict[str, float]:
    """Returns what a process of its own measures, whose compiler has kept nothing."""
    with tempfile.TemporaryDirectory() as cold:
        command = [sys.executable, __file__, "--job", words, "--repeats", str(repeats)]
        kept = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": cold}
        done = subprocess.run(command, env=kept, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Prints one JSON document, and keeps it as a line of a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--trials", type=Path, default=BENCH / "compiled.jsonl")
    parser.add_argument("--job", choices=tuple(JOBS), help="this one alone, and nothing is kept")
    typed = parser.parse_args()
    if typed.job:
        print(json.dumps(measure(*JOBS[typed.job], repeats=typed.repeats)))
        return
    trial: Trial = {
        "processor": processor_name(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "seconds": {words: apart(words, typed.repeats) for words in JOBS},
    }
    add_trial(typed.trials, trial)
    print(json.dumps(trial))


if __name__ == "__main__":
    main()
