"""Decides the fastest precision and attention of this processor from a timed probe."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from regraft.backbones.attention import AttentionKind, attention_of, has_attention, set_attention
from regraft.backbones.backbone import Batch
from regraft.backbones.graft import Grafted
from regraft.backbones.modes import DTYPES, Mode, Precision
from regraft.backbones.splicing.recording import at_rest
from regraft.backbones.weights import forget_derived
from regraft.data.starters.cache import cache_folder, kept_first
from regraft.features.pooled import to_device
from regraft.losses.cross_entropy import cross_entropy
from regraft.machine import device_name, if_it_fits

REPEATS = 3
MARGIN = 0.95
"""Another mode must take less than this share of fp32's time: a tie keeps fp32."""
SIDES = (256, 1024)
"""Of the products that are timed: a format without instructions of its own crawls at once."""
HOPELESS = 4.0
"""Times fp32's seconds from which a larger product is not tried."""
Use = Literal["training", "inference"]
Run = Callable[[Grafted, Batch, Mode], None]


@dataclass(frozen=True)
class Verdict:
    """The modes of training and of inference, and the seconds that decided.

    Args:
        training: Mode of steps with gradients.
        inference: Mode of passes without.
        timings: Seconds of each mode tried, by `use/precision/attention`.
        processor: Whose verdict it is.
    """

    training: Mode
    inference: Mode
    timings: dict[str, float]
    processor: str

    def seconds(self, use: Use) -> float:
        """Returns the seconds that the probe's batch took in the mode that was chosen.

        0 where nothing was timed, as there was nothing to choose from.
        """
        mode = self.training if use == "training" else self.inference
        return self.timings.get(f"{use}/{mode.precision}/{mode.attention}", 0.0)

    @property
    def knows_steps(self) -> bool:
        """Says whether steps with gradients were timed."""
        return any(name.startswith("training/") for name in self.timings)

    def as_json(self) -> dict[str, Any]:
        """Returns plain data for `run.toml`, `result.json` and the store."""
        return asdict(self)


def verdict_from_json(content: dict[str, Any]) -> Verdict:
    """Returns the verdict that `Verdict.as_json` wrote down."""
    return Verdict(
        Mode(**content["training"]),
        Mode(**content["inference"]),
        dict(content["timings"]),
        content["processor"],
    )


@dataclass(frozen=True)
class Choice:
    """What was found of steps, or of passes.

    Args:
        mode: The fastest one.
        timings: Seconds of each mode tried, by `use/precision/attention`.
    """

    mode: Mode
    timings: dict[str, float]


def decide(
    network: Grafted, batch: Batch, *, wanted: Precision | None, device: str, steps: bool = True
) -> Verdict:
    """Returns the stored verdict for this processor, network and shape, or a new one.

    Passes are kept apart from steps, so that a run without steps computes features as one
    with them does, and both read the same ones. Of two runs that try the modes at the same
    time both take the verdict that is kept first.

    Args:
        network: Left as it was found.
        batch: A few rows of the run's own shape.
        wanted: Precision that the user typed; None = the fastest.
        device: Where the network runs.
        steps: Whether steps through the trunk are timed; else they would be as passes are.
    """
    asked: tuple[Use, ...] = ("training", "inference") if steps else ("inference",)
    uses = {use: RUNS[use] for use in asked}
    places = {use: _place(network, batch, wanted, device, use) for use in uses}
    stored = {use: _stored(place) for use, place in places.items()}
    found = {use: choice for use, choice in stored.items() if choice is not None}
    missing = {use: run for use, run in uses.items() if use not in found}
    if missing:
        with at_rest(network, graph=True):
            made = _probe(network, to_device(batch, device), wanted, device, uses=missing)
        found |= {use: _kept(places[use], choice) for use, choice in made.items()}
    passes = found["inference"]
    timings = {name: value for use in uses for name, value in found[use].timings.items()}
    return Verdict(found.get("training", passes).mode, passes.mode, timings, device_name(device))


def _stored(place: Path) -> Choice | None:
    """Returns what was kept, or None where there is nothing that can be read."""
    try:
        content = json.loads(place.read_text("utf-8"))
        return Choice(Mode(**content["mode"]), dict(content["timings"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _probe(
    network: Grafted,
    batch: Batch,
    wanted: Precision | None,
    device: str,
    *,
    uses: dict[Use, Run],
) -> dict[Use, Choice]:
    attentions: list[AttentionKind] = (
        ["sdpa", "eager"] if has_attention(network.trunk) else ["sdpa"]
    )
    precisions = [wanted] if wanted else _worth_trying(device)
    found = attention_of(network.trunk)
    modes = [Mode(p, a, device) for p in precisions for a in attentions]
    made = {}
    for use, run in uses.items():
        seconds = _fitting(run, network, batch, modes)
        timings = {f"{use}/{m.precision}/{m.attention}": round(v, 5) for m, v in seconds.items()}
        made[use] = Choice(_pick(seconds), timings)
    set_attention(network.trunk, found)
    return made


def _worth_trying(device: str) -> list[Precision]:
    """Returns the precisions whose matrix products are not slower than fp32's.

    fp16 is not tried: without loss scaling its small gradients vanish, and where it is
    as fast as bf16 it gains nothing over it. It can be asked for by name.
    """
    times = 0.0
    for side in SIDES:
        seconds = {p: _product_seconds(device, DTYPES[p], side) for p in ("fp32", "bf16")}
        times = seconds["bf16"] / seconds["fp32"]
        if times >= HOPELESS:
            break
    return ["fp32", "bf16"] if times < 1 else ["fp32"]


def _product_seconds(device: str, dtype: torch.dtype, side: int) -> float:
    left = torch.ones(side, side, dtype=dtype, device=device)
    return _least(lambda: left @ left, device)


def _pick(seconds: dict[Mode, float]) -> Mode:
    """Returns the fastest mode; the first one wins unless clearly beaten."""
    first = next(iter(seconds))
    fastest = min(seconds, key=lambda mode: seconds[mode])
    return fastest if seconds[fastest] < MARGIN * seconds[first] else first


def _fitting(run: Run, network: Grafted, batch: Batch, modes: list[Mode]) -> dict[Mode, float]:
    """Returns the least seconds of each mode for a batch.

    Where the device's memory is too small for it, all modes are timed with half of it, and
    half of that: what is returned is what the whole batch would take.
    """
    whole = rows = len(next(iter(batch.values())))
    while True:
        few = {name: tensor[:rows] for name, tensor in batch.items()}
        work = partial(_in_turns, run, network, few, modes)
        found = work() if rows == 1 else if_it_fits(work)
        if found is not None:
            return {mode: seconds * whole / rows for mode, seconds in found.items()}
        network.zero_grad(set_to_none=True)
        rows //= 2


def _in_turns(run: Run, network: Grafted, batch: Batch, modes: list[Mode]) -> dict[Mode, float]:
    """Returns the least seconds of each mode, tried in turns after one round that warms up.

    In turns, so that something else that runs for a moment slows all modes alike.
    """
    seconds = dict.fromkeys(modes, float("inf"))
    for round_ in range(1 + REPEATS):
        for mode in modes:
            set_attention(network.trunk, mode.attention)
            taken = _seconds(partial(run, network, batch, mode), mode.device)
            seconds[mode] = min(seconds[mode], taken) if round_ else float("inf")
    return seconds


def _least(run: Callable[[], object], device: str) -> float:
    """Returns the least seconds of three calls after one that warms up."""
    return min([_seconds(run, device) for _ in range(1 + REPEATS)][1:])


def _seconds(run: Callable[[], object], device: str) -> float:
    start = time.perf_counter()
    run()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: str) -> None:
    """Waits until the device has done what it was given: GPUs answer before they have."""
    if torch.device(device).type != "cpu":
        torch.accelerator.synchronize(device)


def _train_once(network: Grafted, batch: Batch, mode: Mode) -> None:
    """Takes one forward and backward pass; leaves no gradient."""
    with mode.running():
        logits = network(batch)
    labels = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
    cross_entropy(logits, labels).backward()
    network.zero_grad(set_to_none=True)
    forget_derived(network)  # with it goes the graph that it was made in


def _infer_once(network: Grafted, batch: Batch, mode: Mode) -> None:
    with torch.no_grad(), mode.running():
        network(batch)


RUNS: dict[Use, Run] = {"training": _train_once, "inference": _infer_once}


def _place(network: Grafted, batch: Batch, wanted: Precision | None, device: str, use: Use) -> Path:
    """Returns where what was found for this processor, network and shape is kept."""
    shapes = sorted((name, tuple(tensor.shape[1:])) for name, tensor in batch.items())
    facts = [
        device_name(device),
        torch.__version__,
        str(torch.get_num_threads()),
        type(network.trunk).__name__,
        str(sum(p.numel() for p in network.parameters())),
        str(shapes),
        str(wanted),
        device,
        use,
    ]
    key = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:24]
    return cache_folder() / "probes" / f"{key}.json"


def _kept(place: Path, choice: Choice) -> Choice:
    """Returns what is kept now: what was found, or what another process found and kept first."""
    return kept_first(place, choice, text=json.dumps(asdict(choice)), read=_stored)
