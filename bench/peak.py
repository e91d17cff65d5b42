"""Measures what share of this machine's matrix-product peak MiniLM's passes and steps reach.

The peak is that of a 2048 x 2048 product in its faster kind of numbers; the passes are the
cache's (whole chunks of 128 tokens), the steps those of `regraft fit`, optimiser included.
Beside them stand bare loops of transformers and torch in the same modes: a pass in inference
mode, and forward, backward and fused AdamW. They take turns, round after round. Nothing else
may run on the machine meanwhile.
"""

import argparse
import json
import statistics
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from marks import Trial, add_trial
from minilm import BATCH, TOKENS, Measured, open_measured, seconds_of, step_seconds, texts
from regraft.backbones.attention import set_attention
from regraft.features.cached import Cache
from regraft.machine import processor_name

BENCH = Path(__file__).resolve().parent
SIDE = 2048
SMALL = 256
PRODUCTS = 10
"""Products of which the best counts, in each round."""


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


def flops_of(measured: Measured) -> int:
    """Returns the floating-point operations of a forward pass of a batch."""
    batch = texts(BATCH, TOKENS).batch(np.arange(BATCH))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        measured.network.eval()(batch)
    return int(counter.get_total_flops())


def prefix_seconds(measured: Measured, *, repeats: int) -> float:
    """Returns the seconds of the cache's pass over a batch."""
    rows, level = texts(BATCH, TOKENS), measured.level(measured.chain.top)
    chunks = list(level.chunks(rows))

    def all_rows() -> None:
        for chunk in chunks:
            level.pass_through(rows, chunk)

    return seconds_of(all_rows, repeats=repeats)


def bare_pass_seconds(measured: Measured, *, repeats: int) -> float:
    """Returns the seconds of transformers' own forward pass in the probe's mode."""
    mode, network = measured.verdict.inference, measured.network.eval()
    batch = texts(BATCH, TOKENS).batch(np.arange(BATCH))
    set_attention(network.trunk, mode.attention)
    with torch.inference_mode(), mode.running():
        return seconds_of(lambda: network.trunk(**batch), repeats=repeats)


def bare_step_seconds(measured: Measured, *, repeats: int) -> float:
    """Returns the seconds of a plain training step in the probe's mode, dropout off."""
    mode, network = measured.verdict.training, measured.network.eval()
    batch = texts(BATCH, TOKENS).batch(np.arange(BATCH))
    labels = torch.arange(BATCH) % 2
    set_attention(network.trunk, mode.attention)
    for weights in network.parameters():
        weights.requires_grad_(True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-5, fused=True)

    def step() -> None:
        with mode.running():
            hidden = network.trunk(**batch).last_hidden_state
            loss = nn.functional.cross_entropy(network.head(hidden.mean(1)).float(), labels)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    return seconds_of(step, repeats=repeats)


def one_round(measured: Measured, repeats: int) -> dict[str, float]:
    """Returns the seconds of everything, one after the other."""
    return {
        "prefix pass": prefix_seconds(measured, repeats=repeats),
        "bare pass": bare_pass_seconds(measured, repeats=repeats),
        "training step": step_seconds(measured, TOKENS, line=0, cache=Cache(on=False)),
        "bare step": bare_step_seconds(measured, repeats=repeats),
    }


def measure(rounds: int, repeats: int) -> Trial:
    """Returns peak, GFLOP/s and shares, the medians of rounds.

    A share is that of the best product of all rounds: a machine that other work slows for a
    while loses in the medians, and not in what it can do.
    """
    measured = open_measured()
    flops = flops_of(measured)
    peaks, reached = [], []
    for _ in range(rounds):
        peaks.append(peak(PRODUCTS))
        seconds = one_round(measured, repeats)
        reached.append({name: flops * _passes(name) / s / 1e9 for name, s in seconds.items()})
    best = {name: max(each[name] for each in peaks) for name in peaks[0]}
    middle = {name: statistics.median(each[name] for each in reached) for name in reached[0]}
    return {
        "processor": processor_name(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "rounds": rounds,
        "peak": {name: round(value, 1) for name, value in best.items()},
        "modes": {
            "training": vars(measured.verdict.training),
            "inference": vars(measured.verdict.inference),
        },
        "GFLOP/s": {name: round(value, 1) for name, value in middle.items()},
        "share": {name: round(v / max(best.values()), 3) for name, v in middle.items()},
    }


def _passes(name: str) -> int:
    """Returns how many forward passes' work it is: the backward pass costs twice the forward."""
    return 3 if name.endswith("step") else 1


def main() -> None:
    """Prints one JSON document, and keeps it as a line of a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=2, help="runs in a round, the best counts")
    parser.add_argument("--trials", type=Path, default=BENCH / "peak.jsonl")
    typed = parser.parse_args()
    trial = measure(typed.rounds, typed.repeats)
    add_trial(typed.trials, trial)
    print(json.dumps(trial))


if __name__ == "__main__":
    main()
